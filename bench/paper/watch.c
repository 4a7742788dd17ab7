// SPDX-License-Identifier: MIT
/*
 * watch.c - counts waits, and the gaps between calls.
 *
 * A gap is seen a few instructions longer than it is: the call and the return of the
 * layer itself.
 */
#include <string.h>

#include "watch.h"

static u32 units(const struct watch *w, u32 from, u32 to)
{
	return counter_units(&w->counter, from, to);
}

/* A call begins: how long was the application at work, and was that enough? */
static void note_call(struct watch *w)
{
	u32 gap = units(w, w->last, w->counter.read());

	w->nr_gaps++;
	w->sum_gaps += gap;
	w->min_gap = min(w->min_gap, gap);
	w->nr_early += gap < w->wait;
	w->wait = 0;
}

static void do_wait(struct watch *w)
{
	u32 from = w->counter.read();
	int was_put_off = w->inner->step(w->inner->heap);
	u32 to = w->counter.read();

	if (!was_put_off)
		return;
	w->wait = units(w, from, to) - w->overhead;
	w->nr_waits++;
	w->sum_waits += w->wait;
	w->max_wait = max(w->max_wait, w->wait);
}

static void *watched_alloc(void *heap, size_t size)
{
	struct watch *w = heap;
	void *p;

	note_call(w);
	p = w->inner->alloc(w->inner->heap, size);
	do_wait(w);
	w->last = w->counter.read();
	return p;
}

static void watched_free(void *heap, void *p)
{
	struct watch *w = heap;

	note_call(w);
	w->inner->free(w->inner->heap, p);
	w->last = w->counter.read();
}

static void *watched_realloc(void *heap, void *p, size_t size)
{
	struct watch *w = heap;
	void *moved;

	note_call(w);
	moved = w->inner->realloc(w->inner->heap, p, size);
	do_wait(w);
	w->last = w->counter.read();
	return moved;
}

static int nothing(void *heap)
{
	return heap != NULL;
}

/* The two reads and a step that does nothing, found out by one */
static void calibrate(struct watch *w)
{
	const struct heap_ops *real = w->inner;
	struct heap_ops idle = { .heap = w, .step = nothing };

	w->inner = &idle;
	do_wait(w);
	w->overhead = w->wait;
	w->inner = real;
	w->nr_waits = 0;
	w->sum_waits = 0;
	w->max_wait = 0;
	w->wait = 0;
}

void watch_init(struct watch *w, const struct heap_ops *inner,
		const struct counter *counter)
{
	memset(w, 0, sizeof(*w));
	w->ops = (struct heap_ops){ w, watched_alloc, watched_free,
				    watched_realloc, NULL };
	w->inner = inner;
	w->counter = *counter;
	w->min_gap = ~0u;
	calibrate(w);
	w->last = counter->read();
}
