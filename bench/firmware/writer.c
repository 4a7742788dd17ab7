// SPDX-License-Identifier: MIT
/*
 * writer.c - the records of a trace, and the slots that they use.
 */
#include <stdlib.h>

#include "writer.h"

/* Alignment that a workload asks for: none of its own */
#define ALIGN_LOG2 2

void writer_init(struct writer *w, FILE *out, u32 max_nr, u32 budget)
{
	*w = (struct writer){
		.out = out,
		.max_nr = max_nr,
		.budget = budget,
		.nr_free = OPS_SLOTS,
	};
	for (u32 i = 0; i < OPS_SLOTS; i++)
		w->free[i] = (u16)(OPS_SLOTS - 1 - i);
}

static void put(struct writer *w, enum op_kind kind, u16 slot, u32 size)
{
	u8 record[sizeof(struct op)] = {
		(u8)kind,         kind == OP_FREE ? 0 : ALIGN_LOG2,
		(u8)slot,         (u8)(slot >> 8),
		(u8)size,         (u8)(size >> 8),
		(u8)(size >> 16), (u8)(size >> 24),
	};

	fwrite(record, sizeof(record), 1, w->out);
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
			OPS_SLOTS);
		exit(1);
	}
	slot = w->free[--w->nr_free];
	put(w, OP_ALLOC, slot, size);
	return slot;
}

void writer_free(struct writer *w, u16 slot)
{
	put(w, OP_FREE, slot, 0);
	w->free[w->nr_free++] = slot;
}

void writer_resize(struct writer *w, u16 slot, u32 size)
{
	put(w, OP_REALLOC, slot, size);
}

bool writer_exit(struct writer *w)
{
	return fflush(w->out) == 0 && !ferror(w->out);
}
