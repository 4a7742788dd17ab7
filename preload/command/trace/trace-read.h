/* SPDX-License-Identifier: MIT */
/*
 * trace-read.h - a trace, event by event.
 *
 * Above trace-file.c, below the subcommands. What a reader hands out makes sense
 * whatever the file holds: an object is allocated before it is resized or freed, and
 * freed once; what does not fit that is left out and counted.
 */
#ifndef QN_TRACE_READ_H
#define QN_TRACE_READ_H

#include "trace-file.h"
#include "trace-objects.h"

/**
 * struct qn_run_of_events - one block that is being read
 */
struct qn_run_of_events {
	struct qn_trace_cursor cursor;
	struct qn_payload payload;
	struct qn_trace_event event;
	u64 key;
	bool is_half;
	u32 block;
};

/**
 * struct qn_reader - reads one process's events in order
 * @file:	where from
 * @next, @end:	blocks not yet begun
 * @heap, @nr_heap, @room_heap: those begun, the one with the next event first
 * @objects:	those that live
 * @last_ns:	time never goes back
 * @nr:		events so far
 * @nr_unknown:	events about objects that are not known: from before recording began
 *		or lost with a block
 * @nr_lost:	events that the recorder had no room for
 * @nr_damaged:	blocks that ended in the middle
 */
struct qn_reader {
	const struct qn_tracefile *file;
	u32 next, end;
	struct qn_run_of_events *heap;
	u32 nr_heap, room_heap;
	struct qn_objects objects;
	u64 last_ns;
	u64 nr;
	u64 nr_unknown;
	u64 nr_lost;
	u32 nr_damaged;
};

void qn_reader_init(struct qn_reader *r, const struct qn_tracefile *t,
		    u32 process);
void qn_reader_exit(struct qn_reader *r);

/* The next event; false at the end. Amortised constant time. */
bool qn_reader_next(struct qn_reader *r, struct qn_op *op);

/* The same for a command that only reads: on a terminal it tells how far it is */
bool qn_reader_next_told(struct qn_reader *r, struct qn_op *op);

#endif /* QN_TRACE_READ_H */
