// SPDX-License-Identifier: MIT
/*
 * trace-file.c - finding blocks, merging those of threads, making numbers of
 * addresses.
 *
 * Blocks whose objects are addresses are sorted runs, merged by sequence number
 * through a binary heap that holds those that have begun. A realloc has two moments:
 * when the old block may have become somebody else's, and when the new one was had.
 */
#define _GNU_SOURCE 1
#include "trace-file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fail.h"
#include "varint.h"

/* Numbers of processes that a file may have; more is damage */
#define MOST_PROCESSES (1u << 20)

/* So many damaged blocks are named one by one */
#define NAMED_DAMAGES 5

/* ---- finding blocks ---- */

static void damage(struct qn_tracefile *t, u64 at, const char *what)
{
	if (t->nr_damaged++ < NAMED_DAMAGES)
		qn_error("%s: block at byte %" PRIu64
			 " %s; it is left out, the rest is read",
			 t->path, at, what);
}

static bool is_payload_sound(const struct qn_tracefile *t,
			     const struct qn_block *b)
{
	const u8 *payload = t->map + b->at + QN_TRACE_BLOCK_HEADER;

	return b->head.flags & (QN_TRACE_OPEN | QN_TRACE_UNSUMMED) ||
	       qn_trace_crc32(0, payload, b->head.size) == b->head.sum;
}

/* Is there a sound header at @at; its payload may be cut off or damaged */
static bool read_head(const struct qn_tracefile *t, u64 at, struct qn_block *b)
{
	b->at = at;
	return at + QN_TRACE_BLOCK_HEADER <= t->size &&
	       qn_trace_get_head(t->map + at, &b->head);
}

static bool add_block(struct qn_tracefile *t, struct qn_block *b)
{
	u64 end = b->at + QN_TRACE_BLOCK_HEADER + b->head.size;

	if (end > t->size) {
		damage(t, b->at, "is cut off");
		if (b->head.kind != QN_TRACE_EVENTS)
			return false;
		/* What is there of it is read; no checksum can tell more */
		b->head.size = (u32)(t->size - b->at - QN_TRACE_BLOCK_HEADER);
		b->head.flags |= QN_TRACE_OPEN;
	} else if (!is_payload_sound(t, b)) {
		damage(t, b->at, "is damaged");
		return false;
	}
	if (b->head.kind == QN_TRACE_INDEX)
		return true;
	if (b->head.process >= MOST_PROCESSES) {
		damage(t, b->at, "is of no process that can be");
		return false;
	}
	if (!(t->nr & (t->nr - 1)))
		t->blocks = qn_xrealloc(t->blocks,
					(2 * (size_t)t->nr + 1) * sizeof(*b));
	t->blocks[t->nr++] = *b;
	return true;
}

/* The next place that may be a header; the end if there is none */
static u64 find_magic(const struct qn_tracefile *t, u64 at)
{
	static const char magic[4] = "QTB1";
	const u8 *p = memmem(t->map + at, t->size - at, magic, sizeof(magic));

	return p ? (u64)(p - t->map) : t->size;
}

static bool is_blank(const u8 *p, u64 size)
{
	return !size || (!*p && !memcmp(p, p + 1, size - 1));
}

static void scan(struct qn_tracefile *t)
{
	u64 at = QN_TRACE_HEADER, sound = at;
	struct qn_block b;
	bool is_raw = false;

	while (at < t->size) {
		at = find_magic(t, at);
		if (!read_head(t, at, &b)) {
			at = min(at + 1, (u64)t->size);
			continue;
		}
		is_raw |= b.head.flags & QN_TRACE_BY_ADDRESS;
		if (!is_raw && sound != at)
			damage(t, sound, "has no header that can be read");
		/* Behind a damaged payload the next header may be nearer */
		at += QN_TRACE_BLOCK_HEADER;
		if (add_block(t, &b))
			at = min(at + b.head.size, (u64)t->size);
		sound = b.head.flags & QN_TRACE_OPEN ?
				t->size :
				min(b.at + QN_TRACE_BLOCK_HEADER + b.head.size,
				    (u64)t->size);
	}
	if (!is_raw && sound < t->size && t->size - sound != QN_TRACE_TRAILER &&
	    !is_blank(t->map + sound, t->size - sound))
		damage(t, sound, "has no header that can be read");
}

static u64 read_offset(const u8 *p)
{
	u64 v = 0;

	for (int i = 7; i >= 0; i--)
		v = v << 8 | p[i];
	return v;
}

/* All blocks of the index, sound ones; false if anything is not as it should be */
static bool read_index(struct qn_tracefile *t, const struct qn_block *index)
{
	const u8 *p = t->map + index->at + QN_TRACE_BLOCK_HEADER;
	const u8 *end = p + index->head.size;
	u64 at = 0, more, events;
	struct qn_block b;
	size_t n;

	while (p < end) {
		n = qn_varint_get(p, (size_t)(end - p), &more);
		p += n;
		if (!n || more > t->size)
			return false;
		n = qn_varint_get(p, (size_t)(end - p), &events);
		p += n;
		at += more;
		if (!n || at >= t->size || !read_head(t, at, &b) ||
		    b.head.nr != events ||
		    at + QN_TRACE_BLOCK_HEADER + b.head.size > t->size ||
		    !is_payload_sound(t, &b) || !add_block(t, &b))
			return false;
	}
	return true;
}

static bool use_index(struct qn_tracefile *t)
{
	const u8 *trailer = t->map + t->size - QN_TRACE_TRAILER;
	struct qn_block b;

	if (t->size < QN_TRACE_HEADER + QN_TRACE_TRAILER ||
	    memcmp(trailer + 8, QN_TRACE_INDEX_MAGIC, 8) != 0 ||
	    read_offset(trailer) >= t->size ||
	    !read_head(t, read_offset(trailer), &b) ||
	    b.head.kind != QN_TRACE_INDEX ||
	    b.at + QN_TRACE_BLOCK_HEADER + b.head.size > t->size ||
	    !is_payload_sound(t, &b))
		return false;
	if (read_index(t, &b))
		return true;
	t->nr = 0;
	t->nr_damaged = 0;
	return false;
}

static int compare_blocks(const void *a, const void *b)
{
	const struct qn_block *x = a, *y = b;

	if (x->head.process != y->head.process)
		return x->head.process < y->head.process ? -1 : 1;
	if (x->head.base != y->head.base)
		return x->head.base < y->head.base ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static void sum_up(struct qn_tracefile *t)
{
	qsort(t->blocks, t->nr, sizeof(*t->blocks), compare_blocks);
	t->first_tick = UINT64_MAX;
	for (u32 i = 0; i < t->nr; i++) {
		const struct qn_trace_head *head = &t->blocks[i].head;

		t->nr_events += head->nr;
		t->nr_processes = max(t->nr_processes, head->process + 1);
		t->first_tick = min(t->first_tick, head->ticks);
	}
}

static int map_file(struct qn_tracefile *t)
{
	int fd = open(t->path, O_RDONLY | O_CLOEXEC), err = 0;
	struct stat st;
	void *p = NULL;

	if (fd < 0 || fstat(fd, &st)) {
		err = -errno;
		goto out;
	}
	t->size = (size_t)st.st_size;
	if (!S_ISREG(st.st_mode) || t->size < QN_TRACE_HEADER) {
		err = -EINVAL;
		goto out;
	}
	p = mmap(NULL, t->size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		err = -errno;
	t->map = p;
out:
	if (fd >= 0)
		close(fd);
	return err;
}

static int refuse(const struct qn_tracefile *t, int err)
{
	if (err == -EINVAL)
		qn_error("%s: is no trace; make one: quern record -o FILE -- "
			 "PROGRAM, or quern trace convert",
			 t->path);
	else if (err == -ENOTSUP)
		qn_error("%s: is a trace of another version than %d; record it "
			 "again, or use the quern that wrote it",
			 t->path, QN_TRACE_VERSION);
	else if (err == -ENODATA)
		qn_error("%s: holds no block that can be read", t->path);
	else
		qn_error("cannot read '%s': %s", t->path, strerror(-err));
	return err;
}

int qn_tracefile_open(struct qn_tracefile *t, const char *path)
{
	int err;

	*t = (struct qn_tracefile){ .path = path };
	err = map_file(t);
	if (!err)
		err = qn_trace_get_header(t->map, &t->ns);
	if (err == -EBADMSG) {
		qn_error("%s: the file's header is damaged; times may be wrong",
			 path);
		err = 0;
	}
	if (err)
		return refuse(t, err);
	t->was_indexed = use_index(t);
	if (!t->was_indexed)
		scan(t);
	if (t->nr_damaged > NAMED_DAMAGES)
		qn_error("%s: %u damaged blocks in all", path, t->nr_damaged);
	if (!t->nr)
		return refuse(t, -ENODATA);
	sum_up(t);
	return 0;
}

void qn_tracefile_close(struct qn_tracefile *t)
{
	free(t->blocks);
	if (t->map)
		munmap((void *)(uintptr_t)t->map, t->size);
}

static bool get_text(const u8 **p, const u8 *end, const char **text,
		     size_t *size)
{
	size_t n;
	u64 v;

	n = qn_varint_get(*p, (size_t)(end - *p), &v);
	if (!n || v > (size_t)(end - *p) - n)
		return false;
	*text = (const char *)*p + n;
	*size = v;
	*p += n + v;
	return true;
}

static bool read_process(const u8 *p, const u8 *end,
			 struct qn_process_info *info)
{
	u64 pid = 0, parent = 0;
	size_t n, m;

	n = qn_varint_get(p, (size_t)(end - p), &pid);
	m = qn_varint_get(p + n, (size_t)(end - p) - n, &parent);
	if (!n || !m || pid > UINT32_MAX || parent > UINT32_MAX)
		return false;
	p += n + m;
	info->pid = (u32)pid;
	info->parent = (u32)parent;
	return get_text(&p, end, &info->name, &info->name_size) &&
	       get_text(&p, end, &info->args, &info->args_size);
}

void qn_tracefile_process(const struct qn_tracefile *t, u32 process,
			  struct qn_process_info *info)
{
	*info = (struct qn_process_info){ 0 };
	for (u32 i = 0; i < t->nr && !info->is_known; i++) {
		const struct qn_block *b = &t->blocks[i];
		const u8 *p = t->map + b->at + QN_TRACE_BLOCK_HEADER;

		if (b->head.process == process &&
		    b->head.kind == QN_TRACE_PROCESS)
			info->is_known =
				read_process(p, p + b->head.size, info);
	}
	if (!info->is_known)
		*info = (struct qn_process_info){ 0 };
}

/* An open block does not know how many events it has: it counts as one */
static u64 weight(const struct qn_trace_head *head)
{
	if (head->kind != QN_TRACE_EVENTS)
		return 0;
	return head->flags & QN_TRACE_OPEN ? 1 : head->nr;
}

/* The one with the most events; blocks of a process lie together */
static u32 main_process(const struct qn_tracefile *t)
{
	u32 process = t->blocks[0].head.process;
	u64 sum = 0, most = 0;

	for (u32 i = 0; i < t->nr; i++) {
		const struct qn_trace_head *head = &t->blocks[i].head;

		if (i && head->process != t->blocks[i - 1].head.process)
			sum = 0;
		sum += weight(head);
		if (sum > most) {
			most = sum;
			process = head->process;
		}
	}
	return process;
}

int qn_tracefile_choose(const struct qn_tracefile *t, const char *file,
			u32 *process)
{
	if (*process == UINT32_MAX)
		*process = main_process(t);
	if (*process < t->nr_processes)
		return 0;
	qn_error("--process=%u: %s has %u, from 0 on", *process, file,
		 t->nr_processes);
	return -EINVAL;
}

/* ---- live objects ---- */

static u32 home_of(const struct qn_reader *r, u64 key)
{
	return (u32)(key * 0x9e3779b97f4a7c15ull >> 32) & (r->room_table - 1);
}

/* Where the key is in the table, or would be */
static u32 find(const struct qn_reader *r, u64 key)
{
	u32 i = home_of(r, key);

	while (r->table[i] && r->objects[r->table[i] - 1].key != key)
		i = (i + 1) & (r->room_table - 1);
	return i;
}

static void grow_table(struct qn_reader *r)
{
	u32 *old = r->table, nr = r->room_table;

	r->room_table = nr ? 2 * nr : 1024;
	r->table = calloc(r->room_table, sizeof(*r->table));
	if (!r->table)
		r->table = qn_xrealloc(NULL, SIZE_MAX);
	for (u32 i = 0; i < nr; i++)
		if (old[i])
			r->table[find(r, r->objects[old[i] - 1].key)] = old[i];
	free(old);
}

/* Close the gap, so that find() may stop at one */
static void table_del(struct qn_reader *r, u32 hole)
{
	u32 mask = r->room_table - 1;

	for (u32 i = (hole + 1) & mask; r->table[i]; i = (i + 1) & mask) {
		u32 home = home_of(r, r->objects[r->table[i] - 1].key);

		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		r->table[hole] = r->table[i];
		hole = i;
	}
	r->table[hole] = 0;
}

static void more_slots(struct qn_reader *r)
{
	u32 room = r->room_objects ? 2 * r->room_objects : 256;

	r->objects = qn_xrealloc(r->objects, room * sizeof(*r->objects));
	r->free = qn_xrealloc(r->free, room * sizeof(*r->free));
	for (u32 i = room; i > r->room_objects; i--)
		r->free[r->nr_free++] = i - 1;
	r->room_objects = room;
}

/* Under this key there is none */
static void put_back(struct qn_reader *r, u64 key, const struct qn_op *op)
{
	if (2 * (r->nr_live + 1) > r->room_table)
		grow_table(r);
	r->objects[op->slot] = (struct qn_object){ key, op->id, op->size };
	r->table[find(r, key)] = op->slot + 1;
	r->nr_live++;
}

static void add_object(struct qn_reader *r, u64 key, struct qn_op *op)
{
	if (!r->nr_free)
		more_slots(r);
	op->slot = r->free[--r->nr_free];
	op->id = ++r->nr_ids;
	put_back(r, key, op);
}

/* False if there is no such object; its slot stays taken */
static bool take_object(struct qn_reader *r, u64 key, struct qn_op *op)
{
	u32 i = r->room_table ? find(r, key) : 0;

	if (!r->room_table || !r->table[i]) {
		r->nr_unknown++;
		return false;
	}
	op->slot = r->table[i] - 1;
	op->id = r->objects[op->slot].id;
	op->old_size = r->objects[op->slot].size;
	table_del(r, i);
	r->nr_live--;
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

	if (b->head.kind != QN_TRACE_EVENTS)
		return;
	/* By number there is one run at a time: its key only has to be smallest */
	qn_trace_cursor_init(&run.cursor, &b->head,
			     r->file->map + b->at + QN_TRACE_BLOCK_HEADER);
	if (!advance(r, &run))
		return;
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
	r->heap[0] = r->heap[--r->nr_heap];
	if (r->nr_heap)
		sift_down(r, 0);
}

/* An address that is had again was given back meanwhile, unseen */
static bool free_unseen(struct qn_reader *r, u64 key, struct qn_op *op)
{
	struct qn_op gone = { 0 };

	if (!r->room_table || !r->table[find(r, key)])
		return false;
	take_object(r, key, &gone);
	r->free[r->nr_free++] = gone.slot;
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
		r->free[r->nr_free++] = op->slot;
		return 1;
	case QN_TRACE_REALLOC:
		if (by_address && free_unseen(r, e->to, op))
			return 2;
		if (by_address && e->object) {
			op->slot = (u32)e->object - 1;
			op->id = r->objects[op->slot].id;
			op->old_size = r->objects[op->slot].size;
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
			.size = run->event.size,
			.ns = time_of(r, run->event.ticks),
		};
		what = make_op(r, run, op);
		if (what != 2)
			next_run(r);
		if (what)
			return true;
	}
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
	free(r->heap);
	free(r->objects);
	free(r->free);
	free(r->table);
}

/* ---- writing ---- */

static void put_out(struct qn_writer *w, const void *p, size_t size)
{
	fwrite(p, 1, size, w->out);
	w->at += size;
}

static void end_block(struct qn_writer *w)
{
	u32 size;

	if (!w->is_open)
		return;
	size = qn_trace_block_close(&w->block, true);
	if (!(w->nr_index & (w->nr_index - 1)))
		w->index = qn_xrealloc(w->index, (4 * (size_t)w->nr_index + 2) *
							 sizeof(*w->index));
	w->index[2 * w->nr_index] = w->at;
	w->index[2 * w->nr_index++ + 1] = w->block.head.nr;
	put_out(w, w->buf, size);
	w->is_open = false;
}

static void begin_block(struct qn_writer *w, u16 kind, u64 ns)
{
	const struct qn_trace_head head = {
		.kind = kind,
		.process = w->process,
		.thread = w->thread,
		.ticks = ns,
		.base = w->next_id,
	};

	end_block(w);
	qn_trace_block_open(&w->block, w->buf, QN_TRACE_BLOCK_SIZE, &head);
	w->is_open = true;
}

int qn_writer_open(struct qn_writer *w, const char *path)
{
	u8 header[QN_TRACE_HEADER];

	*w = (struct qn_writer){ .next_id = 1 };
	w->out = fopen(path, "wbe");
	if (!w->out) {
		int err = -errno;

		qn_error("cannot write '%s': %s", path, strerror(-err));
		return err;
	}
	w->buf = qn_xrealloc(NULL, QN_TRACE_BLOCK_SIZE);
	qn_trace_put_header(header, 1u << 20);
	put_out(w, header, sizeof(header));
	return 0;
}

static void put_number(struct qn_writer *w, u64 n)
{
	u8 b[QN_VARINT_MAX];

	qn_trace_put_bytes(&w->block, b, qn_varint_put(b, n));
}

void qn_writer_process(struct qn_writer *w, u32 process,
		       const struct qn_process_info *info)
{
	end_block(w);
	w->process = process;
	w->thread = 0;
	if (!info || !info->is_known)
		return;
	begin_block(w, QN_TRACE_PROCESS, 0);
	put_number(w, info->pid);
	put_number(w, info->parent);
	put_number(w, info->name_size);
	qn_trace_put_bytes(&w->block, info->name, info->name_size);
	put_number(w, info->args_size);
	if (info->args_size)
		qn_trace_put_bytes(&w->block, info->args, info->args_size);
	end_block(w);
}

static void put_event(struct qn_writer *w, const struct qn_trace_event *e)
{
	if (!w->is_open)
		begin_block(w, QN_TRACE_EVENTS, e->ticks);
	if (!qn_trace_put(&w->block, e)) {
		begin_block(w, QN_TRACE_EVENTS, e->ticks);
		qn_trace_put(&w->block, e);
	}
	w->nr_events++;
}

static void switch_thread(struct qn_writer *w, const struct qn_op *op)
{
	const struct qn_trace_event e = { .op = QN_TRACE_THREAD,
					  .ticks = op->ns,
					  .size = op->thread };

	if (op->thread == w->thread)
		return;
	if (w->is_open)
		put_event(w, &e);
	w->thread = op->thread;
}

void qn_writer_put(struct qn_writer *w, const struct qn_op *op)
{
	struct qn_trace_event e = { .op = op->op,
				    .align_shift = op->align_shift,
				    .ticks = op->ns,
				    .size = op->size };

	switch_thread(w, op);
	if (op->slot >= w->room_ids) {
		w->room_ids = 2 * op->slot + 256;
		w->ids = qn_xrealloc(w->ids, w->room_ids * sizeof(*w->ids));
	}
	if (qn_op_allocs(op))
		w->ids[op->slot] = w->next_id;
	if (qn_op_is_heap(op))
		e.object = w->ids[op->slot];
	put_event(w, &e);
	if (qn_op_allocs(op))
		w->next_id++;
}

static void put_index(struct qn_writer *w)
{
	u8 trailer[QN_TRACE_TRAILER] =
		QN_TRACE_INDEX_MAGIC QN_TRACE_INDEX_MAGIC;
	u32 room = QN_TRACE_BLOCK_HEADER + 2 * QN_VARINT_MAX * w->nr_index +
		   QN_TRACE_EVENT_MAX;
	struct qn_trace_head head = { .kind = QN_TRACE_INDEX };
	u64 last = 0, at = w->at;

	w->buf = qn_xrealloc(w->buf, room);
	qn_trace_block_open(&w->block, w->buf, room, &head);
	for (u32 i = 0; i < w->nr_index; i++) {
		put_number(w, w->index[2 * i] - last);
		put_number(w, w->index[2 * i + 1]);
		last = w->index[2 * i];
	}
	put_out(w, w->buf, qn_trace_block_close(&w->block, true));
	for (int i = 0; i < 8; i++)
		trailer[i] = (u8)(at >> 8 * i);
	put_out(w, trailer, sizeof(trailer));
}

void qn_writer_copy(struct qn_writer *w, const struct qn_tracefile *t,
		    u32 process, struct qn_reader *r)
{
	struct qn_process_info info;
	u32 nr_threads = 0;
	struct qn_op op;

	qn_tracefile_process(t, process, &info);
	qn_writer_process(w, process, &info);
	qn_reader_init(r, t, process);
	while (qn_reader_next(r, &op)) {
		struct qn_op start = { .op = QN_TRACE_START,
				       .ns = op.ns,
				       .thread = op.thread };

		if (op.thread >= nr_threads && op.op != QN_TRACE_START)
			qn_writer_put(w, &start);
		nr_threads = max(nr_threads, op.thread + 1);
		qn_writer_put(w, &op);
	}
}

int qn_writer_close(struct qn_writer *w, const char *path)
{
	int err;

	end_block(w);
	put_index(w);
	err = ferror(w->out) ? -EIO : 0;
	if (fclose(w->out))
		err = -errno;
	if (err)
		qn_error("cannot write '%s': %s", path, strerror(-err));
	free(w->buf);
	free(w->ids);
	free(w->index);
	return err;
}
