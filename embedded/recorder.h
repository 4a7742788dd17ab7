/* SPDX-License-Identifier: MIT */
/*
 * recorder.h - a heap that writes down what is asked of another one, as a trace that
 * the command quern reads (lib/format/trace.h).
 *
 * Stands between an application and its heap, like meter.h. Events go into a ring of
 * blocks in a buffer of the caller's, in bounded time; recorder_drain(), in the idle
 * loop, hands the blocks that are full, and what is begun, to a function that sends
 * them away: by semihosting, a UART, to a card. Where that comes too late, or never, the
 * oldest block makes room as a whole, and the trace counts what was in it.
 *
 * The buffer is a trace at any time: a debugger that writes it to a file, after a crash
 * too, has recorded the last events before it.
 */
#ifndef RECORDER_H
#define RECORDER_H

#include "heap-ops.h"
#include "format/trace.h"

/* Blocks of the ring, at most, and bytes of one, at least */
#define RECORDER_BLOCKS 8
#define RECORDER_LEAST  480

/**
 * struct recorder_block - one of the ring
 * @size:	bytes, once it is closed; 0: there is nothing in it to be sent
 * @nr:		events in it
 * @lost:	events that it says were lost before it
 */
struct recorder_block {
	u32 size;
	u32 nr;
	u32 lost;
};

/**
 * struct recorder - a recorded heap
 * @ops:	the interface; what an application is given
 * @inner:	the heap that serves it
 * @buf:	header of a trace, and behind it @nr_blocks blocks of @room bytes
 * @blocks:	what became of them
 * @at:		the one that is being filled
 * @block:	the same
 * @seq:	of the latest event
 * @nr_lost:	events of blocks that had to go, not yet told
 * @send:	takes bytes of the trace, in order; false: it could not. NULL: nobody drains
 * @arg:	its first argument
 * @has_failed:	it could not; nothing is recorded any more
 */
struct recorder {
	struct heap_ops ops;
	const struct heap_ops *inner;
	u8 *buf;
	u32 nr_blocks;
	u32 room;
	struct recorder_block blocks[RECORDER_BLOCKS];
	u32 at;
	struct qn_trace_block block;
	u64 seq;
	u32 nr_lost;
	bool (*send)(void *arg, const void *p, size_t size);
	void *arg;
	bool has_failed;
};

/**
 * recorder_init() - put a recorder in front of a heap
 * @r:		filled in
 * @inner:	kept
 * @buf, @size:	for the events of the last blocks, some 8 bytes each; 512 at least, and
 *		aligned to 4
 * @send, @arg:	as in the structure; gets the trace's header at once
 */
void recorder_init(struct recorder *r, const struct heap_ops *inner, void *buf,
		   size_t size,
		   bool (*send)(void *arg, const void *p, size_t size),
		   void *arg);

/**
 * recorder_drain() - send what was recorded
 *
 * Context: not from an interrupt, nor while one may call the heap. Time grows with
 * the buffer.
 *
 * Return: false if it could not be sent.
 */
bool recorder_drain(struct recorder *r);

#endif /* RECORDER_H */
