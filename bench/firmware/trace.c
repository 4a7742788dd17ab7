// SPDX-License-Identifier: MIT
/*
 * trace.c - reads a trace and goes through it once: events become operations,
 * objects get slots, and the peak is found.
 *
 * An object has the slot that was emptied last, so the numbers of slots, which are
 * written into the blocks, are the same in every run.
 */
#include "format/trace.h"
#include "print.h"
#include "semihost.h"
#include "trace.h"

/* Nothing in a trace for a microcontroller is larger */
#define MAX_SIZE  (1u << 24)
#define MAX_ALIGN 12

/**
 * struct loader - a trace being read
 * @trace:	what becomes of it
 * @path:	for messages
 * @at, @end:	what is left of the file
 * @room:	events of the file, of which operations may be fewer
 * @first:	number of the first object
 * @slots:	by object, from @first on: its slot and 1; 0 if it is not live
 * @free:	empty slots, the next one last
 * @nr_free:	how many
 * @sizes:	by slot
 * @live, @nr:	bytes and blocks
 * @rounded:	bytes, each block rounded to OPS_ALIGN
 */
struct loader {
	struct trace *trace;
	const char *path;
	const u8 *at;
	const u8 *end;
	u32 room;
	u64 first;
	u16 *slots;
	u16 *free;
	u32 nr_free;
	u32 *sizes;
	u32 live;
	u32 nr;
	u32 rounded;
};

/* ---- blocks ---- */

static bool has_block(const struct loader *l)
{
	return l->end - l->at >= QN_TRACE_BLOCK_HEADER;
}

/* Is the payload of the block at @l->at there, and what was written */
static bool is_sound(const struct loader *l, const struct qn_trace_head *head)
{
	const u8 *payload = l->at + QN_TRACE_BLOCK_HEADER;

	return head->size <= (size_t)(l->end - payload) &&
	       (head->flags & (QN_TRACE_OPEN | QN_TRACE_UNSUMMED) ||
		qn_trace_crc32(0, payload, head->size) == head->sum);
}

/* Call @visit for each block of events; the index and the trailer come last */
static bool for_each_block(struct loader *l,
			   bool (*visit)(struct loader *l,
					 const struct qn_trace_head *head))
{
	const u8 *start = l->at;
	struct qn_trace_head head;

	for (; has_block(l); l->at += QN_TRACE_BLOCK_HEADER + head.size) {
		if (!qn_trace_get_head(l->at, &head) || !is_sound(l, &head)) {
			print_error("%s: is no trace, or a damaged one\n",
				    l->path);
			return false;
		}
		if (head.kind == QN_TRACE_INDEX)
			break;
		if (head.kind == QN_TRACE_EVENTS && !visit(l, &head))
			return false;
	}
	if (l->at == start || (!has_block(l) && l->at != l->end)) {
		print_error("%s: is no whole trace\n", l->path);
		return false;
	}
	l->at = start;
	return true;
}

static bool count_events(struct loader *l, const struct qn_trace_head *head)
{
	if (head->flags & ~QN_TRACE_UNSUMMED || head->process) {
		print_error("%s: is packed, or of several processes, or not "
			    "closed: make one for here by quern trace cut\n",
			    l->path);
		return false;
	}
	if (!l->room)
		l->first = head->base;
	/* No event is shorter than a byte */
	l->room += min(head->nr, head->size);
	return true;
}

/* ---- events ---- */

static void tally_del(struct loader *l, u32 slot)
{
	l->live -= l->sizes[slot];
	l->rounded -= round_up(l->sizes[slot], OPS_ALIGN);
	l->nr--;
}

static void tally_add(struct loader *l, u32 slot, u32 size)
{
	struct trace *t = l->trace;

	l->sizes[slot] = size;
	l->live += size;
	l->rounded += round_up(size, OPS_ALIGN);
	l->nr++;
	if (l->live > t->peak) {
		t->peak = l->live;
		t->peak_nr = l->nr;
	}
	t->rounded = max(t->rounded, l->rounded);
	t->nr_slots = max(t->nr_slots, slot + 1);
}

static void put_op(struct loader *l, const struct qn_trace_event *e, u16 *slot)
{
	struct op op = { .kind = OP_REALLOC, .align_log2 = e->align_shift };

	if (e->op == QN_TRACE_FREE)
		op.kind = OP_FREE;
	else if (e->op != QN_TRACE_REALLOC)
		op.kind = OP_ALLOC;
	op.size = op.kind == OP_FREE ? 0 : (u32)e->size;
	if (op.kind == OP_ALLOC)
		*slot = (u16)(l->free[--l->nr_free] + 1);
	op.slot = (u16)(*slot - 1);
	if (op.kind != OP_ALLOC)
		tally_del(l, op.slot);
	if (op.kind != OP_FREE) {
		tally_add(l, op.slot, op.size);
	} else {
		l->free[l->nr_free++] = op.slot;
		*slot = 0;
	}
	l->trace->ops[l->trace->nr++] = op;
}

/* Return: false if it makes no sense after what came before */
static bool take_event(struct loader *l, const struct qn_trace_event *e)
{
	u64 object = e->object - l->first;
	bool is_new = e->op < QN_TRACE_REALLOC;

	if (e->op > QN_TRACE_FREE)
		return true;
	if (object >= l->room || l->trace->nr == l->room ||
	    is_new != !l->slots[object] || (is_new && !l->nr_free) ||
	    e->size > MAX_SIZE || e->align_shift > MAX_ALIGN)
		return false;
	put_op(l, e, &l->slots[object]);
	return true;
}

static bool take_events(struct loader *l, const struct qn_trace_head *head)
{
	struct qn_trace_cursor c;
	struct qn_trace_event e;
	int got;

	qn_trace_cursor_init(&c, head, l->at + QN_TRACE_BLOCK_HEADER);
	while ((got = qn_trace_get(&c, &e)) > 0)
		if (!take_event(l, &e))
			break;
	if (!got)
		return true;
	print_error("%s: operation %u makes no sense, or has no place here\n",
		    l->path, l->trace->nr);
	return false;
}

/* ---- files ---- */

/* The file into memory, at the end of @image */
static bool read_file(struct loader *l, struct image *image)
{
	long size = semihost_file_size(l->path);
	u32 ns, features;
	u8 *file;

	if (size <= 0) {
		print_error("%s: cannot be read, or is empty\n", l->path);
		return false;
	}
	file = image_get_last(image, (size_t)size);
	if (!semihost_read_file(l->path, file, (size_t)size)) {
		print_error("%s: cannot be read\n", l->path);
		return false;
	}
	if (size < QN_TRACE_HEADER ||
	    qn_trace_get_header(file, &ns, &features)) {
		print_error("%s: is no trace\n", l->path);
		return false;
	}
	l->at = file + QN_TRACE_HEADER;
	l->end = file + size;
	return true;
}

/* What is known of objects while they are read lies in @image */
static void init_objects(struct loader *l, struct image *image)
{
	l->slots = image_get(image, l->room * sizeof(*l->slots));
	l->free = image_get(image, OPS_SLOTS * sizeof(*l->free));
	l->sizes = image_get(image, OPS_SLOTS * sizeof(*l->sizes));
	while (l->nr_free < OPS_SLOTS) {
		l->free[l->nr_free] = (u16)(OPS_SLOTS - 1 - l->nr_free);
		l->nr_free++;
	}
}

bool trace_load(struct trace *t, struct image *image, const char *path)
{
	struct loader l = { .trace = t, .path = path };
	struct image spare = *image;

	*t = (struct trace){ 0 };
	if (!read_file(&l, &spare) || !for_each_block(&l, count_events))
		return false;
	t->ops = image_get(&spare, l.room * sizeof(*t->ops));
	image->next = spare.next;
	init_objects(&l, &spare);
	return for_each_block(&l, take_events);
}
