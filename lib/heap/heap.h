/* SPDX-License-Identifier: MIT */
/*
 * heap.h - a heap of one's own: what stands behind the qn_heap_*() of quern.h.
 *
 * Above the zones, which know blocks and free runs; here is what is counted,
 * what is learned and which zone serves what. All of it lies at the start of
 * the memory that the heap was given:
 *
 *	struct qn_heap | two tables | profile | bits | granules
 *
 * A zone that is added lays its struct qn_zone at its own start.
 *
 * Counting is exact and nearly free. The first zone's @credit and @limit serve three
 * purposes: how much may be held, how much is in use, and when the heap wants to know.
 *
 *	a held block is used	@credit rises	a block is held		@credit falls
 *	a free run is used	@limit falls	a block is merged	@limit rises
 *
 *	live granules = @top - (@limit - @credit)
 *
 * So each call changes one of the two, and compares it with the other: with @limit below
 * @credit there would be more than @top granules in use. @top is the peak of live memory
 * or, if that is lower, @mark. A step sets the mark a random distance above what is live,
 * and the request that passes it is the sample. Other zones have a pair of their own, and
 * what happens in them moves the first zone's @limit as well.
 *
 * The common way of alloc and free is straight; the others leave it by a jump: alloc_miss()
 * carves, alloc_long() serves what one window does not show, free_behind() measures the
 * free run before a block, and qn_zone_free() merges.
 *
 * Learning is the process's, with another meaning of an entry: a promoted size is one whose
 * freed blocks qn_heap_step() holds longer, since what it saves is time.
 *
 * Time is bounded, whatever state a heap is in. No call loops over blocks or
 * granules; these are all the loops of a call that some free run serves:
 *
 *	a bin shared by sizes	QN_BINS_TRIES runs, once an allocation
 *	zones			only where the first does not serve: one for each piece of
 *				memory (QN_NR_ZONES) and each QN_ZONE_LIMIT granules of it
 *	lists of held blocks	QN_RELAX_TRIES by a release that merges nothing itself; all by
 *				a request that pays, if anything is held: that is counted
 *	held blocks		those that a request pays for, once a zone is not roomy
 *
 * A release merges two neighbours at most, a merge is constant in time, and a
 * block is drained only by a release that had none.
 *
 * A heap serves what it has. A request that no free run serves fails at once if it
 * is for more than all that is free. Else it is tried again after a squeeze: in each zone
 * all that is held is merged, and hidden runs are looked for in one bin. Afterwards each zone is
 * as if blocks had been merged at once, and a run that is long enough is found. So
 * whatever a heap serves that holds nothing, this one does, and nothing needs qn_heap_step().
 *
 * How much one request merges is bounded by its length, however much is held. A zone of n
 * granules whose longest run has L of them holds at most pace * L granules:
 *
 *	it is roomy		L is a part of n, and what is held is a part of n by knobs
 *	it is not any more	nothing more is held. A request that takes k granules of a
 *				run makes L less by k at most. So it pays: it merges
 *				pace * k granules
 *	no run serves k		L is less than 5/4 k, or than the lengths whose runs are
 *				taken unpaid for: 5/4 pace * k granules are left
 *
 * The pace, rounded up to eighths, is told when the zone stops being roomy:
 *
 *	pace = 5/4 * held * knob roomy_part / n
 *
 *				pace	blocks merged for k granules, of two each
 *	as preset		1/4	k / 6 + 4
 *	policy "rule"		7/4	9/8 k + 22, where it let most be held
 *
 * The 5/4 is the distance of two bins. Hidden runs are n / (4/5 k) at most. The heap is
 * unlocked between two merges.
 */
#ifndef QN_HEAP_H
#define QN_HEAP_H

#include "base/compiler.h"
#include "learn/controller.h"
#include "base/config.h"
#include "port/port.h"
#include "learn/profile.h"
#include "quern.h"
#include "learn/sampler.h"
#include "learn/table.h"
#include "heap/zone.h"

/* The whole in which @waste is counted, and the part of its distance that it moves */
#define QN_WASTE_SHIFT      16
#define QN_WASTE_STEP_SHIFT 5

/* No request is to be sampled: @mark of a heap */
#define QN_HEAP_NO_MARK SIZE_MAX

/**
 * struct qn_heap - the state of a heap
 * @zone:	the zone that is tried first, here for speed; the others follow
 *		by ->next in the order in which they are tried
 * @lock:	guards all of it
 * @top:	more live granules than these are to be looked at: see above
 * @peak:	highest live granules
 * @mark:	the request that brings more live granules is the next sample
 * @nr_failed:	requests that returned NULL
 * @nr_squeezed: requests for which what was still held was merged, served or not
 * @nr_samples:	sampled requests so far; the last one is @sample
 * @nr_drained:	of those, how many the profile has; it lacks one at most
 * @waste:	decayed mean share of a block that was not asked for, in 1/65536
 * @nr_tables:	tables published, 0 until qn_heap_step() is called first
 * @table:	published
 * @next_table:	the buffer for its successor
 * @error:	what the last check found, or ""
 * @nr_regions:	pieces of memory that it was given
 * @pressure:	that qn_pressure_set() asked for
 * @nr_steps:	calls of qn_heap_step()
 * @knobs:	in use, by the zones as well; changed with the heap locked
 * @seen_squeezed: @nr_squeezed when the policy looked last
 * @nr_hits:	of the sampled requests, those that a held block could serve, if somebody
 *		wants to know
 * @hot:	bit k: the table has a class for blocks of k granules
 * @hook, @hook_arg: who is asked when memory runs out
 * @calls:	that allocated and freed, if they are counted (QN_COUNT_CALLS)
 */
struct qn_heap {
	struct qn_zone zone;
	struct qn_lock lock;
	size_t top;
	size_t peak;
	size_t mark;
	size_t nr_failed;
	size_t nr_squeezed;
	u32 nr_samples;
	u32 nr_drained;
	u32 waste;
	size_t sample;
	struct qn_sampler sampler;
	struct qn_controller controller;
	u32 nr_tables;
	struct qn_table *table;
	struct qn_table *next_table;
	struct qn_profile *profile;
	const char *error;
	u16 nr_regions;
	u16 pressure;
	u32 nr_steps;
	struct qn_heap_knobs knobs;
	size_t seen_squeezed;
	u32 nr_hits[QN_HITS];
	u32 hot;
	bool (*hook)(void *arg, size_t size);
	void *hook_arg;

	struct {
		size_t nr_allocs;
		size_t nr_frees;
	} calls;
};

/*
 * qn_pressure_set() of the process's heap. Where there is none, as in firmware, a weak
 * function stands for it: -EINVAL.
 */
int qn_heap_press_process(u32 level);

/*
 * All that is kept of requests so that something can be learned of them: the sampler,
 * the samples that wait, the profile with its histogram and what stands for waste. Tables
 * and the controller are what comes of it.
 */
#define QN_HEAP_LEARNED                                                    \
	(sizeof(struct qn_sampler) + sizeof(struct qn_profile) +           \
	 QN_HEAP_STEPS * sizeof(u16) + offsetof(struct qn_heap, sampler) - \
	 offsetof(struct qn_heap, nr_samples))
_Static_assert(!QN_SMALL || QN_HEAP_LEARNED <= 1024 || QN_HEAP_STEPS > 65,
	       "what is kept of requests is bounded");

#endif /* QN_HEAP_H */
