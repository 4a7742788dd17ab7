// SPDX-License-Identifier: MIT
/*
 * trace-read.c - merging the blocks of threads, making numbers of addresses.
 *
 * Blocks whose objects are addresses are sorted runs, merged by sequence number
 * through a binary heap that holds those that have begun. A realloc has two moments:
 * when the old block may have become somebody else's, and when the new one was had.
 */
#include "trace-read.h"

#include <inttypes.h>
#include <stdlib.h>

#include "command/base/fail.h"
#include "command/base/progress.h"

/* ---- live objects ---- */

/* Under this key there is none */
static void put_back(struct qn_reader *r, u64 key, const struct qn_op *op)
{
	qn_objects_put(&r->objects, op->slot, key, op->size);
}

static void add_object(struct qn_reader *r, u64 key, struct qn_op *op)
{
	op->slot = qn_objects_add(&r->objects, key, op->size);
	op->id = r->objects.at[op->slot].id;
}

/* What is known of the object in @op->slot */
static void fill_in(const struct qn_reader *r, struct qn_op *op)
{
	op->id = r->objects.at[op->slot].id;
	op->old_size = r->objects.at[op->slot].size;
}

/* False if there is no such object; its slot stays taken */
static bool take_object(struct qn_reader *r, u64 key, struct qn_op *op)
{
	op->slot = qn_objects_take(&r->objects, key);
	if (op->slot == QN_NO_SLOT) {
		r->nr_unknown++;
		return false;
	}
	fill_in(r, op);
	return true;
}

/* ---- merging ---- */

static void sift_down(struct qn_reader *r, u32 i)
{
	struct qn_run_of_events *h = r->heap, moved = h[i];

	for (;;) {
		u32 child = 2 * i + 1;

		if (child + 1 < r->nr_heap && h[child + 1].key < h[child].key)
			child++;
		if (child >= r->nr_heap || h[child].key >= moved.key)
			break;
		h[i] = h[child];
		i = child;
	}
	h[i] = moved;
}

static void sift_up(struct qn_reader *r, u32 i)
{
	struct qn_run_of_events *h = r->heap, moved = h[i];

	for (; i && h[(i - 1) / 2].key > moved.key; i = (i - 1) / 2)
		h[i] = h[(i - 1) / 2];
	h[i] = moved;
}

/* The next event of a run; false at its end */
static bool advance(struct qn_reader *r, struct qn_run_of_events *run)
{
	int got = qn_trace_get(&run->cursor, &run->event);

	if (got < 0) {
		r->nr_damaged++;
		qn_error("%s: block at byte %" PRIu64
			 " ends in the middle; the rest is read",
			 r->file->path, r->file->blocks[run->block].at);
	}
	if (got <= 0)
		return false;
	if (run->cursor.by_address) {
		run->is_half = run->event.op == QN_TRACE_REALLOC;
		run->key = run->is_half ? run->event.began : run->event.seq;
	}
	return true;
}

static void begin_run(struct qn_reader *r, u32 block)
{
	const struct qn_block *b = &r->file->blocks[block];
	struct qn_run_of_events run = { .block = block };
	struct qn_trace_head head = b->head;

	if (b->head.kind != QN_TRACE_EVENTS)
		return;
	if (!qn_payload_get(r->file, b, &run.payload)) {
		r->nr_damaged++;
		return;
	}
	/* By number there is one run at a time: its key only has to be smallest */
	head.size = (u32)run.payload.size;
	qn_trace_cursor_init(&run.cursor, &head, run.payload.at);
	if (!advance(r, &run)) {
		qn_payload_put(&run.payload);
		return;
	}
	if (r->nr_heap == r->room_heap) {
		r->room_heap = 2 * r->room_heap + 8;
		r->heap = qn_xrealloc(r->heap, r->room_heap * sizeof(*r->heap));
	}
	r->heap[r->nr_heap++] = run;
	sift_up(r, r->nr_heap - 1);
}

static bool has_begun(const struct qn_reader *r)
{
	const struct qn_trace_head *head = &r->file->blocks[r->next].head;

	if (!r->nr_heap)
		return false;
	/* Of a run by number all comes before the next block */
	return !r->heap[0].cursor.by_address || head->base >= r->heap[0].key;
}

static void next_run(struct qn_reader *r)
{
	if (advance(r, &r->heap[0])) {
		sift_down(r, 0);
		return;
	}
	qn_payload_put(&r->heap[0].payload);
	r->heap[0] = r->heap[--r->nr_heap];
	if (r->nr_heap)
		sift_down(r, 0);
}

/* An address that is had again was given back meanwhile, unseen */
static bool free_unseen(struct qn_reader *r, u64 key, struct qn_op *op)
{
	struct qn_op gone = { 0 };

	if (qn_objects_find(&r->objects, key) == QN_NO_SLOT)
		return false;
	take_object(r, key, &gone);
	qn_objects_release(&r->objects, gone.slot);
	gone.op = QN_TRACE_FREE;
	gone.ns = op->ns;
	gone.thread = op->thread;
	*op = gone;
	r->nr_unknown++;
	return true;
}

/* The first half of a realloc: from now on the old address may come again */
static void half(struct qn_reader *r, struct qn_run_of_events *run)
{
	struct qn_op op = { 0 };
	u64 slot = take_object(r, run->event.object, &op) ? op.slot + 1ull : 0;

	run->is_half = false;
	run->key = run->event.seq;
	run->event.object = slot;
	sift_down(r, 0);
}

/*
 * Return: 1: @op is to be handed out, and the event is through; 0: it is not to be;
 * 2: @op is to be handed out, the event comes again.
 */
static int make_op(struct qn_reader *r, struct qn_run_of_events *run,
		   struct qn_op *op)
{
	const struct qn_trace_event *e = &run->event;
	bool by_address = run->cursor.by_address;

	switch (e->op) {
	case QN_TRACE_MALLOC:
	case QN_TRACE_CALLOC:
	case QN_TRACE_ALIGNED:
		if (free_unseen(r, e->object, op))
			return 2;
		add_object(r, e->object, op);
		return 1;
	case QN_TRACE_FREE:
		if (!take_object(r, e->object, op))
			return 0;
		qn_objects_release(&r->objects, op->slot);
		return 1;
	case QN_TRACE_REALLOC:
		if (by_address && free_unseen(r, e->to, op))
			return 2;
		if (by_address && e->object) {
			op->slot = (u32)e->object - 1;
			fill_in(r, op);
			put_back(r, e->to, op);
		} else if (by_address) {
			op->op = QN_TRACE_MALLOC;
			add_object(r, e->to, op);
		} else if (take_object(r, e->object, op)) {
			put_back(r, e->object, op);
		} else {
			return 0;
		}
		return 1;
	case QN_TRACE_LOST:
		r->nr_lost += e->size;
		return 1;
	default:
		return e->op != QN_TRACE_THREAD;
	}
}

static u64 time_of(struct qn_reader *r, u64 ticks)
{
	u64 since = ticks > r->file->first_tick ? ticks - r->file->first_tick :
						  0;
	u64 ns = (u64)((unsigned __int128)since * r->file->ns >> 20);

	r->last_ns = max(r->last_ns, ns);
	return r->last_ns;
}

bool qn_reader_next(struct qn_reader *r, struct qn_op *op)
{
	for (;;) {
		struct qn_run_of_events *run;
		int what;

		while (r->next < r->end && !has_begun(r))
			begin_run(r, r->next++);
		if (!r->nr_heap)
			return false;
		run = &r->heap[0];
		if (run->is_half) {
			half(r, run);
			continue;
		}
		*op = (struct qn_op){
			.op = run->event.op,
			.align_shift = run->event.align_shift,
			.thread = run->event.thread,
			.site = run->event.site,
			.size = run->event.size,
			.ns = time_of(r, run->event.ticks),
		};
		what = make_op(r, run, op);
		if (what != 2)
			next_run(r);
		if (what) {
			r->nr++;
			return true;
		}
	}
}

bool qn_reader_next_told(struct qn_reader *r, struct qn_op *op)
{
	bool is_there = qn_reader_next(r, op);

	if (is_there)
		qn_progress_events(r->nr, r->file->nr_events);
	else
		qn_progress_clear();
	return is_there;
}

void qn_reader_init(struct qn_reader *r, const struct qn_tracefile *t,
		    u32 process)
{
	*r = (struct qn_reader){ .file = t };
	while (r->next < t->nr && t->blocks[r->next].head.process < process)
		r->next++;
	r->end = r->next;
	while (r->end < t->nr && t->blocks[r->end].head.process == process)
		r->end++;
}

void qn_reader_exit(struct qn_reader *r)
{
	for (u32 i = 0; i < r->nr_heap; i++)
		qn_payload_put(&r->heap[i].payload);
	free(r->heap);
	qn_objects_exit(&r->objects);
}
