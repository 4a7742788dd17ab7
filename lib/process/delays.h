/* SPDX-License-Identifier: MIT */
/*
 * delays.h - after how long free memory is wanted again, and how long to keep it for that.
 *
 * Whoever does not know the future keeps free memory until keeping it has cost as much as to
 * fetch it again: K ms, the break-even age. That is twice too dear at worst. Who knows how
 * long free memory waits on average can do better: of w(a) bytes that were wanted again
 * after a ms, and n that were not for longer than matters, an age t costs
 *
 *	sum of w(a) a, for a <= t		kept until they were wanted
 *	+ sum of w(a) (t + K), for a > t	kept for nothing, and fetched again
 *	+ n t					kept for nothing
 *
 * in byte-milliseconds. The t of the least cost is taken (Karlin, Manasse, McGeoch, Owicki:
 * Competitive randomized algorithms for nonuniform problems, 1994, have the rule for a known
 * distribution). It is K / 4 at least and 4 K at most, so that a program whose habits change
 * pays a bounded price: five times that of who knows the future, while it is learned. It is
 * not moved for less than a tenth of the cost.
 *
 * Memory is taken for fungible: what counts is how much is in use, not which. So that is cut
 * into slices. A slice is free from when the memory in use falls below it until it rises
 * above it; half a slice less is no fall. What is measured depends neither on where blocks lie
 * nor on what was purged.
 *
 *	in use	^      __
 *		|_____/  \      ____	slice 2: free for all of this
 *		|         \____/	slice 1: free for this
 *		+-------------------> time
 *
 * Once a second of traffic all that is known counts for a sixteenth less.
 */
#ifndef QN_DELAYS_H
#define QN_DELAYS_H

#include "base/compiler.h"

/* By half of the logarithm: below 1 ms, 2^(1/2), 2, ..., 2^16 and all that is longer */
#define QN_NR_DELAYS 34

/* A slice has 1 MB. Where there would be more slices than this, it has twice as much, ... */
#define QN_DELAYS_SLICES 128
#define QN_DELAYS_SHIFT  20

/**
 * struct qn_delays - what is known
 * @shift:	bytes of a slice, as a power of two; 0: QN_DELAYS_SHIFT, and nothing happened
 * @nr:		slices in use
 * @top:	slices that ever were in use
 * @fell:	by slice, when it was last in use, in ms; 0: it is, or was not for long
 * @slices:	units of 2^QN_DELAYS_SHIFT bytes that were wanted again, by how long they were
 *		free, times QN_DELAYS_ONE
 * @never:	the same of those that were not for long
 * @age:	how long to keep free memory, in sixteenths of the break-even age; 0: nothing
 *		is known yet
 *
 * All under the lock of the segments, but for @age, which may be read by anybody.
 * Invariant: @nr <= @top <= QN_DELAYS_SLICES.
 */
struct qn_delays {
	u32 shift;
	u32 nr;
	u32 top;
	u32 age;
	u32 fell[QN_DELAYS_SLICES];
	u32 slices[QN_NR_DELAYS];
	u32 never;
};

static __always_inline u32 qn_delays_shift(const struct qn_delays *d)
{
	return d->shift ? d->shift : QN_DELAYS_SHIFT;
}

/*
 * While the memory in use is from the first to below the second, nothing is due: it ends in
 * the next slice, or falls by less than half of one.
 */
static inline size_t qn_delays_start(const struct qn_delays *d)
{
	size_t half = (size_t)1 << (qn_delays_shift(d) - 1);

	return ((size_t)d->nr << qn_delays_shift(d)) - (d->nr ? half : 0);
}

static inline size_t qn_delays_end(const struct qn_delays *d)
{
	return ((size_t)d->nr + 1) << qn_delays_shift(d);
}

/* Is qn_delays_move() due. Context: the lock is held. */
static inline bool qn_delays_is_due(const struct qn_delays *d, size_t used)
{
	return used < qn_delays_start(d) || used >= qn_delays_end(d);
}

/**
 * qn_delays_move() - so much is in use now
 * @d:		what is known
 * @used:	bytes
 * @now:	ms, never 0
 *
 * Context: the lock is held. Time: a step for each slice in between.
 */
void qn_delays_move(struct qn_delays *d, size_t used, u32 now);

/**
 * qn_delays_decide() - set @age anew, and count what is known for less
 * @d:		what is known
 * @now:	ms
 * @even:	the break-even age, in ms
 *
 * Called once a second. Context: the lock is held. Time: QN_DELAYS_SLICES and a dozen times
 * QN_NR_DELAYS steps.
 */
void qn_delays_decide(struct qn_delays *d, u32 now, u32 even);

/* How long to keep free memory, in ms, where @even is the break-even age. Any context. */
u32 qn_delays_age(const struct qn_delays *d, u32 even);

#endif /* QN_DELAYS_H */
