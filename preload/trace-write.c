// SPDX-License-Identifier: MIT
/*
 * trace-write.c - events into blocks, blocks into a file, their places into its index.
 */
#define _GNU_SOURCE 1
#include "trace-write.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "varint.h"

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
