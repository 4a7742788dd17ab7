// SPDX-License-Identifier: MIT
/*
 * recorder.c - a block of events at a time: sent by recorder_drain(), begun anew.
 */
#include "port/port.h"
#include "recorder.h"

/* 2^20 ticks of a microsecond */
#define NS (1000u << 20)

static void begin(struct recorder *r)
{
	const struct qn_trace_head head = {
		.kind = QN_TRACE_EVENTS,
		.flags = QN_TRACE_BY_ADDRESS,
		.ticks = qn_port_clock(),
		.base = r->seq,
	};

	qn_trace_block_open(&r->block, r->block.buf, r->block.room, &head);
}

static void note(struct recorder *r, struct qn_trace_event *e)
{
	e->seq = ++r->seq;
	e->began = r->seq;
	e->ticks = qn_port_clock();
	if (r->has_failed)
		return;
	if (r->nr_lost || !qn_trace_put(&r->block, e))
		r->nr_lost++;
}

static void *recorded_alloc(void *heap, size_t size)
{
	struct recorder *r = heap;
	void *p = r->inner->alloc(r->inner->heap, size);
	struct qn_trace_event e = { .op = QN_TRACE_MALLOC,
				    .size = size,
				    .object = (uintptr_t)p };

	if (p)
		note(r, &e);
	return p;
}

static void recorded_free(void *heap, void *p)
{
	struct recorder *r = heap;
	struct qn_trace_event e = { .op = QN_TRACE_FREE,
				    .object = (uintptr_t)p };

	if (p)
		note(r, &e);
	r->inner->free(r->inner->heap, p);
}

static void *recorded_realloc(void *heap, void *p, size_t size)
{
	struct recorder *r = heap;
	struct qn_trace_event e = { .op = QN_TRACE_REALLOC,
				    .size = size,
				    .object = (uintptr_t)p };
	void *q = r->inner->realloc(r->inner->heap, p, size);

	e.to = (uintptr_t)q;
	if (!p) {
		e.op = QN_TRACE_MALLOC;
		e.object = e.to;
	}
	if (q)
		note(r, &e);
	return q;
}

/* The idle loop: also the time to send */
static int recorded_step(void *heap)
{
	struct recorder *r = heap;

	recorder_drain(r);
	return r->inner->step ? r->inner->step(r->inner->heap) : 0;
}

static void note_lost(struct recorder *r)
{
	struct qn_trace_event e = { .op = QN_TRACE_LOST, .size = r->nr_lost };

	if (!r->nr_lost)
		return;
	r->nr_lost = 0;
	note(r, &e);
}

bool recorder_drain(struct recorder *r)
{
	u32 size;

	if (!r->block.head.nr || r->has_failed)
		return !r->has_failed;
	size = qn_trace_block_close(&r->block, true);
	r->has_failed = !r->send(r->arg, r->block.buf, size);
	begin(r);
	note_lost(r);
	return !r->has_failed;
}

void recorder_init(struct recorder *r, const struct heap_ops *inner, void *buf,
		   size_t size,
		   bool (*send)(void *arg, const void *p, size_t size),
		   void *arg)
{
	u8 header[QN_TRACE_HEADER];

	*r = (struct recorder){
		.ops = { r, recorded_alloc, recorded_free, recorded_realloc,
			 recorded_step },
		.inner = inner,
		.block = { .buf = buf, .room = (u32)size },
		.send = send,
		.arg = arg,
	};
	qn_trace_put_header(header, NS, 0);
	r->has_failed = !send(arg, header, sizeof(header));
	begin(r);
}
