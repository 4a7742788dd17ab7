/* SPDX-License-Identifier: MIT */
/*
 * writer.h - writes a trace on the host, operation by operation.
 *
 * Below the workloads of mktrace.c. Knows what is live, so that a workload can
 * keep to its budget.
 */
#ifndef WRITER_H
#define WRITER_H

#include <stdio.h>

#include "format/trace.h"

/* Blocks that may be live at once, as many as trace.h takes */
#define WRITER_SLOTS 65535

/**
 * struct writer - a trace being written
 * @out:	where to
 * @block:	what is not yet written
 * @buf:	its memory
 * @next:	number of the next object
 * @nr:		operations so far
 * @max_nr:	after which a workload ends
 * @live, @peak: bytes asked for, now and at most
 * @budget:	bytes that a workload keeps live at most
 * @nr_free:	entries of @free
 * @free:	empty slots, the one to be used next last
 * @sizes:	bytes by slot
 * @objects:	numbers by slot
 */
struct writer {
	FILE *out;
	struct qn_trace_block block;
	u8 buf[QN_TRACE_BLOCK_SIZE];
	u64 next;
	u32 nr;
	u32 max_nr;
	u32 live;
	u32 peak;
	u32 budget;
	u32 nr_free;
	u16 free[WRITER_SLOTS];
	u32 sizes[WRITER_SLOTS];
	u64 objects[WRITER_SLOTS];
};

void writer_init(struct writer *w, FILE *out, u32 max_nr, u32 budget);

/* Return: the slot of the new block. Ends the program if all are in use. */
u16 writer_alloc(struct writer *w, u32 size);
void writer_free(struct writer *w, u16 slot);
void writer_resize(struct writer *w, u16 slot, u32 size);

/* May @size bytes more be live */
static inline bool writer_has_room(const struct writer *w, u32 size)
{
	return w->live + size <= w->budget;
}

/* Is the trace as long as it is to be */
static inline bool writer_is_done(const struct writer *w)
{
	return w->nr >= w->max_nr;
}

/* Everything is written. Return: false if that failed. */
bool writer_exit(struct writer *w);

#endif /* WRITER_H */
