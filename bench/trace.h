/* SPDX-License-Identifier: MIT */
/*
 * trace.h - what a program asked of malloc: record.c writes it, replay.c reads it.
 */
#ifndef QN_BENCH_TRACE_H
#define QN_BENCH_TRACE_H

#define TRACE_EVENTS 500000

enum trace_op {
	TRACE_MALLOC,
	TRACE_CALLOC,
	TRACE_MEMALIGN,
	TRACE_REALLOC,
	TRACE_FREE,
};

/**
 * struct trace_event - one call that succeeded
 * @op:		enum trace_op
 * @align_shift: logarithm of the alignment, of TRACE_MEMALIGN
 * @thread:	the caller, from 1 on in the order of their first calls
 * @size:	bytes asked for
 * @old:	the block that was given, or 0
 * @p:		the block that was returned, or 0
 */
struct trace_event {
	unsigned char op;
	unsigned char align_shift;
	unsigned short thread;
	unsigned long size;
	unsigned long old;
	unsigned long p;
};

/**
 * struct trace - the file; behind @nr events it is sparse
 */
struct trace {
	unsigned long nr;
	struct trace_event events[TRACE_EVENTS];
};

#endif /* QN_BENCH_TRACE_H */
