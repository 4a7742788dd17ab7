/* SPDX-License-Identifier: MIT */
/*
 * recorder.h - a heap that writes down what is asked of another one, as a trace that
 * the command quern reads (lib/trace.h).
 *
 * Stands between an application and its heap, like meter.h. Events go into a buffer
 * of the caller's, in bounded time; recorder_drain(), in the idle loop, hands what
 * is there to a function that sends it away: by semihosting, a UART, to a card. What
 * finds no room is lost, and counted in the trace.
 */
#ifndef RECORDER_H
#define RECORDER_H

#include "heap-ops.h"
#include "trace.h"

/**
 * struct recorder - a recorded heap
 * @ops:	the interface; what an application is given
 * @inner:	the heap that serves it
 * @block:	being filled, in the caller's buffer
 * @seq:	of the latest event
 * @nr_lost:	events without room since the last drain
 * @send:	takes bytes of the trace, in order; false: it could not
 * @arg:	its first argument
 * @has_failed:	it could not; nothing is recorded any more
 */
struct recorder {
	struct heap_ops ops;
	const struct heap_ops *inner;
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
 * @buf, @size:	for events between two drains, some 8 bytes each; 256 at least
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
