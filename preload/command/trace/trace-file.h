/* SPDX-License-Identifier: MIT */
/*
 * trace-file.h - traces as files (lib/format/trace.h has the format): opened, their blocks
 * found.
 *
 * Above fail.c, below trace-read.c, which reads the blocks event by event, and
 * trace-write.c, which makes such files.
 */
#ifndef QN_TRACE_FILE_H
#define QN_TRACE_FILE_H

#include "format/trace.h"

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
 * @features:	QN_TRACE_WITH_*
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
	u32 features;
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
 * struct qn_payload - what a block holds, as it was before it was packed
 * @at, @size:	the bytes
 * @unpacked:	they lie here, not in the file; or NULL
 */
struct qn_payload {
	const u8 *at;
	size_t size;
	u8 *unpacked;
};

/* Return: false, with a message, if it cannot be unpacked */
bool qn_payload_get(const struct qn_tracefile *t, const struct qn_block *b,
		    struct qn_payload *payload);
void qn_payload_put(struct qn_payload *payload);

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
 * @site:	where it was called, a number of the process's call sites; 0: not known
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
	u32 site;
	u64 ns;
	u64 id;
	u32 slot;
	u64 size;
	u64 old_size;
};

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
