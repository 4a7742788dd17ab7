// SPDX-License-Identifier: MIT
/*
 * trace-write.c - events into blocks, blocks into a file, their places into its index.
 */
#define _GNU_SOURCE 1
#include "trace-write.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command/base/fail.h"
#include "command/base/interrupt.h"
#include "command/base/progress.h"
#include "command/base/stream.h"
#include "trace-groups.h"
#include "trace-pack.h"
#include "base/varint.h"

static void put_out(struct qn_writer *w, const void *p, size_t size)
{
	fwrite(p, 1, size, w->out);
	w->at += size;
}

/*
 * The block in @w->buf becomes one in @w->packed.
 *
 * Return: its size; 0 if it is better left as it is.
 */
static u32 pack(struct qn_writer *w, u32 size)
{
	struct qn_trace_head head = w->block.head;
	const u8 *payload = w->buf + QN_TRACE_BLOCK_HEADER;
	u8 *to;

	if (!w->packed || head.kind == QN_TRACE_PROCESS)
		return 0;
	to = w->packed + QN_TRACE_BLOCK_HEADER;
	size -= QN_TRACE_BLOCK_HEADER;
	if (head.kind == QN_TRACE_EVENTS) {
		head.flags |= QN_TRACE_GROUPS;
		head.size =
			(u32)qn_groups_pack(to, size, &w->block.head, payload);
	} else {
		head.size = (u32)qn_pack(to, size, payload, size);
	}
	if (!head.size)
		return 0;
	head.flags |= QN_TRACE_ZSTD;
	head.sum = qn_trace_crc32(0, to, head.size);
	qn_trace_put_head(w->packed, &head);
	return QN_TRACE_BLOCK_HEADER + head.size;
}

static void end_block(struct qn_writer *w)
{
	u32 size, packed;

	if (!w->is_open)
		return;
	size = qn_trace_block_close(&w->block, true);
	packed = pack(w, size);
	w->index = qn_xgrow(w->index, w->nr_index, 2 * sizeof(*w->index));
	w->index[2 * w->nr_index] = w->at;
	w->index[2 * w->nr_index++ + 1] = w->block.head.nr;
	w->unpacked += size;
	put_out(w, packed ? w->packed : w->buf, packed ? packed : size);
	w->is_open = false;
}

/*
 * Packed blocks of events grow as the file does, since large ones pack better: a damaged
 * one costs no more than what lies before it.
 */
static u32 room_of_block(const struct qn_writer *w, u16 kind)
{
	u64 room = QN_TRACE_BLOCK_SIZE;

	if (w->packed && kind == QN_TRACE_EVENTS)
		room = max(room, min(w->unpacked, (u64)QN_TRACE_GROUPS_SIZE));
	return (u32)room;
}

static void begin_block(struct qn_writer *w, u16 kind, u64 ns, u64 base)
{
	const struct qn_trace_head head = {
		.kind = kind,
		.process = w->process,
		.thread = w->thread,
		.ticks = ns,
		.base = base,
	};

	end_block(w);
	qn_trace_block_open(&w->block, w->buf, room_of_block(w, kind), &head);
	w->is_open = true;
}

int qn_writer_open(struct qn_writer *w, const char *path, u32 features)
{
	u32 room = QN_TRACE_BLOCK_SIZE;
	u8 header[QN_TRACE_HEADER];

	*w = (struct qn_writer){ .next_id = 1, .features = features };
	if (features & QN_TRACE_WITH_ZSTD && !qn_can_pack()) {
		qn_error("--zstd: " QN_PACK_ADVICE);
		return -ENOTSUP;
	}
	w->out = qn_stream_out(path);
	if (!w->out) {
		int err = -errno;

		qn_error_write(path, err);
		return err;
	}
	if (features & QN_TRACE_WITH_ZSTD) {
		room = QN_TRACE_GROUPS_SIZE;
		w->features |= QN_TRACE_WITH_GROUPS;
		w->packed = qn_xrealloc(NULL, room);
	}
	w->buf = qn_xrealloc(NULL, room);
	qn_trace_put_header(header, 1u << 20, w->features);
	put_out(w, header, sizeof(header));
	return 0;
}

static void put_number(struct qn_writer *w, u64 n)
{
	u8 b[QN_VARINT_MAX];

	qn_trace_put_bytes(&w->block, b, qn_varint_put(b, n));
}

/* ---- call sites ---- */

/**
 * struct packet - a block of sites that is being filled
 * @modules:	by the table's number, the number + 1 in the block; 0: not there yet
 * @nr_modules:	in the block
 */
struct packet {
	u32 *modules;
	u32 nr_modules;
};

/* The frames as the block has them, with the names that it lacks; false: no room */
static bool put_names(struct qn_writer *w, struct packet *p, u32 site,
		      struct qn_trace_frame *frames, u32 *nr)
{
	const struct qn_trace_frame *from =
		qn_stacks_frames(w->sites, site, nr);

	for (u32 i = 0; i < *nr; i++) {
		const char *name = qn_stacks_name(w->sites, &from[i]);
		u32 *module = name ? &p->modules[from[i].module - 1] : NULL;

		if (name && !*module) {
			if (!qn_trace_put_module(&w->block, name, strlen(name)))
				return false;
			*module = ++p->nr_modules;
		}
		frames[i].module = name ? *module : 0;
		frames[i].offset = from[i].offset;
	}
	return true;
}

static bool put_site(struct qn_writer *w, struct packet *p, u32 site)
{
	struct qn_trace_frame frames[QN_TRACE_DEPTH];
	u32 nr;

	return put_names(w, p, site, frames, &nr) &&
	       qn_trace_put_site(&w->block, frames, nr);
}

static void begin_packet(struct qn_writer *w, struct packet *p, u32 site)
{
	size_t size = (w->sites->modules.nr + 1) * sizeof(*p->modules);

	begin_block(w, QN_TRACE_SITES, 0, site);
	p->modules = qn_xrealloc(p->modules, size);
	memset(p->modules, 0, size);
	p->nr_modules = 0;
}

/* Those that were used: events come first, so that it is known which */
static void put_sites(struct qn_writer *w)
{
	struct packet p = { 0 };

	if (w->nr_used)
		begin_packet(w, &p, 1);
	for (u32 i = 0; i < w->nr_used; i++) {
		if (put_site(w, &p, w->used[i]))
			continue;
		begin_packet(w, &p, i + 1);
		put_site(w, &p, w->used[i]);
	}
	end_block(w);
	free(p.modules);
}

static void end_process(struct qn_writer *w)
{
	end_block(w);
	if (w->sites)
		put_sites(w);
	free(w->new_sites);
	free(w->used);
	w->sites = NULL;
	w->new_sites = NULL;
	w->used = NULL;
	w->nr_used = 0;
}

void qn_writer_sites(struct qn_writer *w, const struct qn_stacks *sites)
{
	if (w->features & QN_TRACE_WITH_SITES)
		w->sites = sites;
}

static void make_new_sites(struct qn_writer *w)
{
	const size_t size = QN_STACKS_MOST * sizeof(*w->new_sites);

	if (w->new_sites)
		return;
	w->new_sites = qn_xrealloc(NULL, size);
	memset(w->new_sites, 0, size);
}

/* Return: the number of a site in this file */
static u32 new_site(struct qn_writer *w, u32 site)
{
	u32 nr;

	if (!w->sites || !qn_stacks_frames(w->sites, site, &nr))
		return 0;
	make_new_sites(w);
	if (w->new_sites[site])
		return w->new_sites[site];
	QN_GROW(w->used, w->nr_used);
	w->used[w->nr_used++] = site;
	w->has_sites = true;
	w->new_sites[site] = w->nr_used;
	return w->nr_used;
}

/* ---- processes and events ---- */

void qn_writer_process(struct qn_writer *w, u32 process,
		       const struct qn_process_info *info)
{
	end_process(w);
	w->process = process;
	w->thread = 0;
	if (!info || !info->is_known)
		return;
	begin_block(w, QN_TRACE_PROCESS, 0, w->next_id);
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
		begin_block(w, QN_TRACE_EVENTS, e->ticks, w->next_id);
	if (!qn_trace_put(&w->block, e)) {
		begin_block(w, QN_TRACE_EVENTS, e->ticks, w->next_id);
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
	struct qn_trace_event e = {
		.op = op->op,
		.align_shift = op->align_shift,
		.ticks = w->tick ? op->ns / w->tick * w->tick : op->ns,
		.site = new_site(w, op->site),
		.size = op->size
	};

	switch_thread(w, op);
	QN_REACH(w->ids, &w->room_ids, op->slot);
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
	struct qn_stacks sites;
	u32 nr_threads = 0;
	struct qn_op op;

	qn_tracefile_process(t, process, &info);
	qn_writer_process(w, process, &info);
	qn_trace_stacks(&sites, t, process);
	qn_writer_sites(w, &sites);
	qn_reader_init(r, t, process);
	while (!qn_interrupted() && qn_reader_next(r, &op)) {
		struct qn_op start = { .op = QN_TRACE_START,
				       .ns = op.ns,
				       .thread = op.thread };

		if (op.thread >= nr_threads && op.op != QN_TRACE_START)
			qn_writer_put(w, &start);
		nr_threads = max(nr_threads, op.thread + 1);
		qn_writer_put(w, &op);
		qn_progress_events(w->nr_events, t->nr_events);
	}
	qn_progress_clear();
	end_process(w);
	qn_stacks_exit(&sites);
}

/* Without any site it is a trace that older readers read as well */
static void put_header_again(struct qn_writer *w)
{
	u8 header[QN_TRACE_HEADER];

	if (w->has_sites || !(w->features & QN_TRACE_WITH_SITES) ||
	    fseek(w->out, 0, SEEK_SET))
		return;
	qn_trace_put_header(header, 1u << 20,
			    w->features & ~QN_TRACE_WITH_SITES);
	fwrite(header, 1, sizeof(header), w->out);
}

static void free_writer(struct qn_writer *w)
{
	free(w->buf);
	free(w->packed);
	free(w->ids);
	free(w->index);
}

void qn_writer_discard(struct qn_writer *w, const char *path)
{
	end_process(w);
	fclose(w->out);
	if (!qn_is_standard(path))
		unlink(path);
	free_writer(w);
}

int qn_writer_close(struct qn_writer *w, const char *path)
{
	int err;

	end_process(w);
	put_index(w);
	put_header_again(w);
	err = qn_stream_close(w->out, path);
	if (err)
		qn_error_write(path, err);
	free_writer(w);
	return err;
}
