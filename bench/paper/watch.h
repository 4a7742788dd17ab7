/* SPDX-License-Identifier: MIT */
/*
 * watch.h - a heap that does what was put off right after each allocation, and asks
 * whether there was time for it.
 *
 * Stands between an application and the meter (embedded/meter.h). Donahue and others
 * let the wait of the buddy system go on beside the processor: here it is done in
 * between and not counted as part of the allocation. A request that comes after fewer
 * instructions than the wait took would have met it.
 */
#ifndef WATCH_H
#define WATCH_H

#include "counter.h"
#include "heap-ops.h"

/**
 * struct watch - a watched heap
 * @ops:	the interface; what an application is given
 * @inner:	the heap
 * @counter:	counts instructions
 * @overhead:	what a step costs that does nothing
 * @last:	when the latest call returned
 * @wait:	what was put off by it, in instructions
 * @nr_waits, @sum_waits, @max_wait: allocations that put something off
 * @nr_gaps, @sum_gaps, @min_gap: instructions of the application between two calls
 * @nr_early:	calls that came before the wait was over
 */
struct watch {
	struct heap_ops ops;
	const struct heap_ops *inner;
	struct counter counter;
	u32 overhead;
	u32 last;
	u32 wait;
	u32 nr_waits;
	u64 sum_waits;
	u32 max_wait;
	u32 nr_gaps;
	u64 sum_gaps;
	u32 min_gap;
	u32 nr_early;
};

/**
 * watch_init() - put a watch in front of a heap
 * @w:		filled in
 * @inner:	kept; its step() does what was put off
 * @counter:	copied; must count
 */
void watch_init(struct watch *w, const struct heap_ops *inner,
		const struct counter *counter);

#endif /* WATCH_H */
