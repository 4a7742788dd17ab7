// SPDX-License-Identifier: MIT
/*
 * trace-file.c - finding blocks: by the index, or, where that is missing or wrong,
 * by looking for their headers.
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

#include "command/base/fail.h"
#include "command/base/stream.h"
#include "trace-columns.h"
#include "trace-groups.h"
#include "trace-pack.h"
#include "base/varint.h"

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
		if (b->head.kind != QN_TRACE_EVENTS ||
		    b->head.flags & QN_TRACE_ZSTD)
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
	if (b->head.flags & QN_TRACE_ZSTD && !qn_can_pack()) {
		damage(t, b->at, "is compressed: " QN_PACK_ADVICE);
		return false;
	}
	if (b->head.process >= MOST_PROCESSES) {
		damage(t, b->at, "is of no process that can be");
		return false;
	}
	QN_GROW(t->blocks, t->nr);
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

		if (head->kind == QN_TRACE_EVENTS)
			t->nr_events += head->nr;
		t->nr_processes = max(t->nr_processes, head->process + 1);
		t->first_tick = min(t->first_tick, head->ticks);
	}
}

static int map_file(struct qn_tracefile *t, const char *path)
{
	int fd = qn_stream_in(path), err = 0;
	struct stat st;
	void *p = NULL;

	if (fd < 0 || fstat(fd, &st)) {
		err = fd < 0 ? fd : -errno;
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

static int refuse(const struct qn_tracefile *t, const char *path, int err)
{
	if (err == -EINVAL)
		qn_error("%s is no trace; make one: quern record -o FILE -- "
			 "PROGRAM, or quern trace convert",
			 t->path);
	else if (err == -ENOTSUP)
		qn_error("%s is a trace of a later version than %d, or has "
			 "features that this quern does not know; record it "
			 "again, or use the quern that wrote it",
			 t->path, QN_TRACE_VERSION);
	else if (err == -ENODATA)
		qn_error("%s holds no block that can be read", t->path);
	else
		qn_error_read(path, err);
	return err;
}

int qn_tracefile_open(struct qn_tracefile *t, const char *path)
{
	int err;

	*t = (struct qn_tracefile){ .path = qn_is_standard(path) ?
						    "standard input" :
						    path };
	err = map_file(t, path);
	if (!err)
		err = qn_trace_get_header(t->map, &t->ns, &t->features);
	if (err == -EBADMSG) {
		qn_error("%s: the file's header is damaged; times may be wrong",
			 t->path);
		err = 0;
	}
	if (err)
		return refuse(t, path, err);
	t->was_indexed = use_index(t);
	if (!t->was_indexed)
		scan(t);
	if (t->nr_damaged > NAMED_DAMAGES)
		qn_error("%s: %u damaged blocks in all", t->path,
			 t->nr_damaged);
	if (!t->nr)
		return refuse(t, path, -ENODATA);
	sum_up(t);
	return 0;
}

void qn_tracefile_close(struct qn_tracefile *t)
{
	free(t->blocks);
	if (t->map)
		munmap((void *)(uintptr_t)t->map, t->size);
}

bool qn_payload_get(const struct qn_tracefile *t, const struct qn_block *b,
		    struct qn_payload *payload)
{
	const u8 *at = t->map + b->at + QN_TRACE_BLOCK_HEADER;

	*payload = (struct qn_payload){ .at = at, .size = b->head.size };
	if (!(b->head.flags & QN_TRACE_ZSTD))
		return true;
	if (b->head.flags & QN_TRACE_GROUPS)
		payload->unpacked =
			qn_groups_unpack(&b->head, at, &payload->size);
	else if (b->head.flags & QN_TRACE_COLUMNS)
		payload->unpacked =
			qn_columns_unpack(&b->head, at, &payload->size);
	else
		payload->unpacked = qn_unpack(
			at, b->head.size, QN_TRACE_BLOCK_SIZE, &payload->size);
	payload->at = payload->unpacked;
	if (payload->at)
		return true;
	qn_error("%s: block at byte %" PRIu64
		 " is compressed, and not as a trace is; it is left out, "
		 "the rest is read",
		 t->path, b->at);
	return false;
}

void qn_payload_put(struct qn_payload *payload)
{
	free(payload->unpacked);
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
