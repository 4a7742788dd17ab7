/* SPDX-License-Identifier: MIT */
/*
 * trace-write.h - traces as the command writes them: objects by number, ticks of a
 * nanosecond, an index at the end.
 *
 * Above trace-read.c, whose events it takes; below the subcommands.
 */
#ifndef QN_TRACE_WRITE_H
#define QN_TRACE_WRITE_H

#include <stdio.h>

#include "trace-read.h"
#include "trace-sites.h"

/**
 * struct qn_writer - a trace being written, objects by number
 * @out:	where to
 * @buf:	the block
 * @block:	being filled, if @is_open
 * @process, @thread: of the next event
 * @next_id:	of the next allocation
 * @ids:	by slot, @room_ids of them
 * @at:		bytes written
 * @features:	QN_TRACE_WITH_*
 * @packed:	room for a packed block, or NULL
 * @unpacked:	bytes of all blocks before they were packed
 * @tick:	times are told in multiples of so many nanoseconds; 0: as they are
 * @sites:	what the sites of events are numbers of, or NULL
 * @new_sites:	by such a number, the number in this file; 0: not used yet
 * @has_sites:	any was used, of any process
 * @used, @nr_used: the sites that were used, in the order of their new numbers
 * @index, @nr_index: offset and events of each block
 * @nr_events:	of all
 */
struct qn_writer {
	FILE *out;
	u8 *buf;
	struct qn_trace_block block;
	bool is_open;
	u32 process;
	u32 thread;
	u64 next_id;
	u64 *ids;
	u64 room_ids;
	u64 at;
	u32 features;
	u8 *packed;
	u64 unpacked;
	u32 tick;
	const struct qn_stacks *sites;
	u32 *new_sites;
	bool has_sites;
	u32 *used;
	u32 nr_used;
	u64 *index;
	u32 nr_index;
	u64 nr_events;
};

/**
 * qn_writer_open() - begin a file; ticks are nanoseconds
 * @features:	what the file may have; without sites those of events are left out
 *
 * Return: 0, or -errno, with a message.
 */
int qn_writer_open(struct qn_writer *w, const char *path, u32 features);

/* The events that follow are this process's; @info may be NULL */
void qn_writer_process(struct qn_writer *w, u32 process,
		       const struct qn_process_info *info);

/*
 * The sites of this process's events, once qn_writer_process() was called; of them
 * those are written that events have. @sites stays until the process is through.
 */
void qn_writer_sites(struct qn_writer *w, const struct qn_stacks *sites);

/* @op->slot tells objects apart; @op->id is not looked at */
void qn_writer_put(struct qn_writer *w, const struct qn_op *op);

/*
 * All of a process until an interrupt, its sites too; @r is left at its end, for its counts and
 * qn_reader_exit()
 */
void qn_writer_copy(struct qn_writer *w, const struct qn_tracefile *t,
		    u32 process, struct qn_reader *r);

/* What was written so far is of no use: there is no such file any more */
void qn_writer_discard(struct qn_writer *w, const char *path);

/* Return: 0, or -errno if anything could not be written, with a message */
int qn_writer_close(struct qn_writer *w, const char *path);

#endif /* QN_TRACE_WRITE_H */
