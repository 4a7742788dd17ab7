// SPDX-License-Identifier: MIT
/*
 * recorder.c - a ring of blocks: closed without a checksum within malloc() and free(),
 * summed up when they are sent.
 */
#include <string.h>

#include "port/port.h"
#include "recorder.h"

/* 2^20 ticks of a microsecond */
#define NS (1000u << 20)

/* What is lost is told by the first event; a block that is not summed ends at a 0 */
static void begin(struct recorder *r)
{
	const struct qn_trace_head head = {
		.kind = QN_TRACE_EVENTS,
		.flags = QN_TRACE_BY_ADDRESS,
		.ticks = qn_port_clock(),
		.base = r->seq,
	};
	const struct qn_trace_event e = { .op = QN_TRACE_LOST,
					  .seq = r->seq + 1,
					  .ticks = head.ticks,
					  .size = r->nr_lost };
	u8 *buf = r->buf + QN_TRACE_HEADER + r->at * r->room;

	memset(buf, 0, r->room);
	qn_trace_block_open(&r->block, buf, r->room, &head);
	r->blocks[r->at] = (struct recorder_block){ .lost = r->nr_lost };
	if (!r->nr_lost)
		return;
	r->seq++;
	r->nr_lost = 0;
	qn_trace_put(&r->block, &e);
}

/* The block is full: the next one, whose events go if nobody has sent them */
static void turn(struct recorder *r)
{
	struct recorder_block *b = &r->blocks[r->at];

	b->nr = r->block.head.nr - (b->lost != 0);
	b->size = qn_trace_block_close(&r->block, false);
	r->at = (r->at + 1) % r->nr_blocks;
	b = &r->blocks[r->at];
	if (b->size)
		r->nr_lost += b->nr + b->lost;
	begin(r);
}

static void note(struct recorder *r, struct qn_trace_event *e)
{
	if (r->has_failed)
		return;
	e->ticks = qn_port_clock();
	if (r->block.room - r->block.at < QN_TRACE_EVENT_MAX)
		turn(r);
	e->seq = ++r->seq;
	e->began = r->seq;
	qn_trace_put(&r->block, e);
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

/* A closed block gets its checksum, and leaves */
static bool send_block(struct recorder *r, u32 i)
{
	u8 *buf = r->buf + QN_TRACE_HEADER + i * r->room;
	u32 size = r->blocks[i].size;
	struct qn_trace_head head;

	if (!size)
		return true;
	if (qn_trace_get_head(buf, &head)) {
		head.flags = (u16)(head.flags & ~QN_TRACE_UNSUMMED);
		head.sum = qn_trace_crc32(0, buf + QN_TRACE_BLOCK_HEADER,
					  head.size);
		qn_trace_put_head(buf, &head);
	}
	r->blocks[i].size = 0;
	return r->send(r->arg, buf, size);
}

bool recorder_drain(struct recorder *r)
{
	if (!r->send || r->has_failed)
		return !r->has_failed;
	/* The one behind what is being filled is the oldest */
	for (u32 i = 1; i < r->nr_blocks && !r->has_failed; i++)
		r->has_failed = !send_block(r, (r->at + i) % r->nr_blocks);
	if (!r->block.head.nr || r->has_failed)
		return !r->has_failed;
	r->blocks[r->at].size = qn_trace_block_close(&r->block, false);
	r->has_failed = !send_block(r, r->at);
	begin(r);
	return !r->has_failed;
}

void recorder_init(struct recorder *r, const struct heap_ops *inner, void *buf,
		   size_t size,
		   bool (*send)(void *arg, const void *p, size_t size),
		   void *arg)
{
	u32 room = (u32)size - QN_TRACE_HEADER;

	*r = (struct recorder){
		.ops = { r, recorded_alloc, recorded_free, recorded_realloc,
			 recorded_step },
		.inner = inner,
		.buf = buf,
		.room = min(max(room / RECORDER_BLOCKS, (u32)RECORDER_LEAST),
			    room),
		.send = send,
		.arg = arg,
	};
	r->nr_blocks = min(room / r->room, (u32)RECORDER_BLOCKS);
	qn_trace_put_header(buf, NS, 0);
	r->has_failed = send && !send(arg, buf, QN_TRACE_HEADER);
	begin(r);
}
