/* SPDX-License-Identifier: MIT */
/*
 * trace-file.h - traces as files (lib/trace.h has the format): opened, read event by
 * event, written.
 *
 * Above fail.c, below the subcommands. What a reader hands out makes sense whatever
 * the file holds: an object is allocated before it is resized or freed, and freed
 * once; what does not fit that is left out and counted.
 */
#ifndef QN_TRACE_FILE_H
#define QN_TRACE_FILE_H

#include <stdio.h>

#include "trace.h"

/**
 * struct qn_block - a block of an open file
 * @head:	its header
 * @at:		where that begins
 */
struct qn_block {
	struct qn_trace_head head;
	u64 at;
};

/**
 * struct qn_tracefile - an open trace
 * @path:	for messages
 * @map, @size:	the file
 * @ns:		nanoseconds of 2^20 ticks
 * @blocks, @nr: all blocks, by process and then in order
 * @nr_events:	as the blocks have it
 * @nr_processes: numbers of processes that occur are below
 * @nr_damaged:	blocks, or stretches between blocks, that cannot be read
 * @first_tick:	of all
 * @was_indexed: the index was there and right
 */
struct qn_tracefile {
	const char *path;
	const u8 *map;
	size_t size;
	u32 ns;
	struct qn_block *blocks;
	u32 nr;
	u64 nr_events;
	u32 nr_processes;
	u32 nr_damaged;
	u64 first_tick;
	bool was_indexed;
};

/**
 * qn_tracefile_open() - map a file and find its blocks
 * @t:		filled in
 * @path:	kept
 *
 * Says on stderr what is wrong, also about blocks that are damaged and left out.
 *
 * Return: 0, or -errno if there is nothing to read.
 */
int qn_tracefile_open(struct qn_tracefile *t, const char *path);
void qn_tracefile_close(struct qn_tracefile *t);

/**
 * struct qn_process_info - what the process block says
 * @is_known:	there is one
 * @pid, @parent: of it; the parent's number + 1, or 0
 * @name, @name_size: the program's file, not terminated
 * @args, @args_size: its arguments, each terminated
 */
struct qn_process_info {
	bool is_known;
	u32 pid;
	u32 parent;
	const char *name;
	size_t name_size;
	const char *args;
	size_t args_size;
};

void qn_tracefile_process(const struct qn_tracefile *t, u32 process,
			  struct qn_process_info *info);

/**
 * qn_tracefile_choose() - which process of a trace
 * @t:		the trace
 * @file:	its name, for the message
 * @process:	the number that was asked for; UINT32_MAX becomes that of the process with
 *		the most events
 *
 * Return: 0, or -EINVAL if there is none of that number; the message was printed.
 */
int qn_tracefile_choose(const struct qn_tracefile *t, const char *file,
			u32 *process);

/**
 * struct qn_op - an event as it makes sense
 * @op:		enum qn_trace_op
 * @align_shift: logarithm of the alignment, of ALIGNED
 * @thread:	number of the thread
 * @ns:		nanoseconds since the trace began
 * @id:		number of the object, from 1 on in the order of allocation
 * @slot:	a small number that is the object's own while it lives
 * @size:	bytes asked for
 * @old_size:	of what is resized or freed
 */
struct qn_op {
	u8 op;
	u8 align_shift;
	u32 thread;
	u64 ns;
	u64 id;
	u32 slot;
	u64 size;
	u64 old_size;
};

/**
 * struct qn_object - what is known of a live object
 * @key:	its address or its number in the file
 * @id, @size:	as in struct qn_op
 */
struct qn_object {
	u64 key;
	u64 id;
	u64 size;
};

/**
 * struct qn_run_of_events - one block that is being read
 */
struct qn_run_of_events {
	struct qn_trace_cursor cursor;
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
 * @objects, @room_objects: by slot
 * @free, @nr_free: slots not in use
 * @table, @room_table, @nr_live: slots + 1 of live objects, hashed by their keys
 * @nr_ids:	objects so far
 * @last_ns:	time never goes back
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
	struct qn_object *objects;
	u32 room_objects;
	u32 *free;
	u32 nr_free;
	u32 *table;
	u32 room_table;
	u32 nr_live;
	u64 nr_ids;
	u64 last_ns;
	u64 nr_unknown;
	u64 nr_lost;
	u32 nr_damaged;
};

void qn_reader_init(struct qn_reader *r, const struct qn_tracefile *t,
		    u32 process);
void qn_reader_exit(struct qn_reader *r);

/* The next event; false at the end. Amortised constant time. */
bool qn_reader_next(struct qn_reader *r, struct qn_op *op);

/**
 * struct qn_writer - a trace being written, objects by number
 * @out:	where to
 * @buf:	the block
 * @block:	being filled, if @is_open
 * @process, @thread: of the next event
 * @next_id:	of the next allocation
 * @ids:	by slot, @room_ids of them
 * @at:		bytes written
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
	u32 room_ids;
	u64 at;
	u64 *index;
	u32 nr_index;
	u64 nr_events;
};

/**
 * qn_writer_open() - begin a file; ticks are nanoseconds
 *
 * Return: 0, or -errno, with a message.
 */
int qn_writer_open(struct qn_writer *w, const char *path);

/* The events that follow are this process's; @info may be NULL */
void qn_writer_process(struct qn_writer *w, u32 process,
		       const struct qn_process_info *info);

/* @op->slot tells objects apart; @op->id is not looked at */
void qn_writer_put(struct qn_writer *w, const struct qn_op *op);

/* All of a process; @r is left at its end, for its counts and qn_reader_exit() */
void qn_writer_copy(struct qn_writer *w, const struct qn_tracefile *t,
		    u32 process, struct qn_reader *r);

/* Return: 0, or -errno if anything could not be written, with a message */
int qn_writer_close(struct qn_writer *w, const char *path);

/* Does the operation make, or end, an object */
static inline bool qn_op_allocs(const struct qn_op *op)
{
	return op->op >= QN_TRACE_MALLOC && op->op <= QN_TRACE_ALIGNED;
}

static inline bool qn_op_is_heap(const struct qn_op *op)
{
	return op->op >= QN_TRACE_MALLOC && op->op <= QN_TRACE_FREE;
}

#endif /* QN_TRACE_FILE_H */
