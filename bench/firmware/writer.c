// SPDX-License-Identifier: MIT
/*
 * writer.c - the blocks of a trace, and the slots that its objects use.
 */
#include <stdlib.h>

#include "writer.h"

static void begin_block(struct writer *w)
{
	const struct qn_trace_head head = { .kind = QN_TRACE_EVENTS,
					    .base = w->next };

	qn_trace_block_open(&w->block, w->buf, sizeof(w->buf), &head);
}

static void end_block(struct writer *w)
{
	fwrite(w->buf, qn_trace_block_close(&w->block, true), 1, w->out);
}

void writer_init(struct writer *w, FILE *out, u32 max_nr, u32 budget)
{
	u8 header[QN_TRACE_HEADER];

	*w = (struct writer){
		.out = out,
		.max_nr = max_nr,
		.budget = budget,
		.next = 1,
		.nr_free = WRITER_SLOTS,
	};
	for (u32 i = 0; i < WRITER_SLOTS; i++)
		w->free[i] = (u16)(WRITER_SLOTS - 1 - i);
	/* Nobody asks for the time */
	qn_trace_put_header(header, 1u << 20, 0);
	fwrite(header, sizeof(header), 1, out);
	begin_block(w);
}

static void put(struct writer *w, enum qn_trace_op op, u16 slot, u32 size)
{
	const struct qn_trace_event e = { .op = (u8)op,
					  .size = size,
					  .object = w->objects[slot] };

	if (!qn_trace_put(&w->block, &e)) {
		end_block(w);
		begin_block(w);
		qn_trace_put(&w->block, &e);
	}
	w->nr++;
	w->live += size - w->sizes[slot];
	w->sizes[slot] = size;
	if (w->live > w->peak)
		w->peak = w->live;
}

u16 writer_alloc(struct writer *w, u32 size)
{
	u16 slot;

	if (!w->nr_free) {
		fprintf(stderr, "more than %d blocks live at once\n",
			WRITER_SLOTS);
		exit(1);
	}
	slot = w->free[--w->nr_free];
	w->objects[slot] = w->next;
	put(w, QN_TRACE_MALLOC, slot, size);
	w->next++;
	return slot;
}

void writer_free(struct writer *w, u16 slot)
{
	put(w, QN_TRACE_FREE, slot, 0);
	w->free[w->nr_free++] = slot;
}

void writer_resize(struct writer *w, u16 slot, u32 size)
{
	put(w, QN_TRACE_REALLOC, slot, size);
}

bool writer_exit(struct writer *w)
{
	end_block(w);
	return fflush(w->out) == 0 && !ferror(w->out);
}
