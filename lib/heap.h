/* SPDX-License-Identifier: MIT */
/*
 * heap.h - a heap of one's own: what stands behind the qn_heap_*() of quern.h.
 *
 * Above the zones, which know blocks and free runs; here is what is counted, what
 * is learned and which zone serves what. All of it lies at the start of the memory
 * that the heap was given:
 *
 *	struct qn_heap | two tables | profile | bits of the first zone | granules
 *
 * Counting is exact and nearly free. Every operation adds to one pair of words,
 * and @slack is armed so that it runs out at the next allocation that could be a
 * new peak of live memory or that the sampler wants to see, whichever is nearer;
 * only then is anything compared:
 *
 *	allocated so far = @allocated + @armed - @slack
 *	live = allocated so far - @freed
 */
#ifndef QN_HEAP_H
#define QN_HEAP_H

#include "compiler.h"
#include "controller.h"
#include "knobs.h"
#include "port/port.h"
#include "profile.h"
#include "quern.h"
#include "sampler.h"
#include "table.h"
#include "zone.h"

/* Sampled sizes that wait for qn_heap_step(); the latest ones are kept */
#define QN_HEAP_SAMPLES 8

/**
 * struct qn_heap - the state of a heap
 * @zones:	in the order in which they are tried
 * @slack:	granules until @armed is used up; see above
 * @nr_allocs:	successful allocations
 * @freed:	granules freed so far
 * @nr_frees:	frees
 * @lock:	guards all of it
 * @allocated:	granules allocated when @slack was armed last
 * @armed:	what @slack was then
 * @due:	granules from then to the next sample
 * @peak:	highest live granules
 * @nr_failed:	requests that returned NULL
 * @nr_samples:	sampled requests so far; the last ones are in @samples, number n in
 *		slot n % QN_HEAP_SAMPLES
 * @nr_drained:	of those, how many the profile has
 * @waste:	decayed mean share of a block that was not asked for, in 1/65536
 * @table:	published
 * @next_table:	the buffer for its successor
 * @error:	what the last check found, or ""
 * @nr_zones:	how many
 * @zone:	the first that it was given
 */
struct qn_heap {
	struct qn_zone *zones;
	ptrdiff_t slack;
	size_t nr_allocs;
	size_t freed;
	size_t nr_frees;
	struct qn_lock lock;
	size_t allocated;
	size_t armed;
	size_t due;
	size_t peak;
	size_t nr_failed;
	u32 nr_samples;
	u32 nr_drained;
	u32 waste;
	size_t samples[QN_HEAP_SAMPLES];
	struct qn_sampler sampler;
	struct qn_controller controller;
	struct qn_table *table;
	struct qn_table *next_table;
	struct qn_profile *profile;
	const char *error;
	unsigned int nr_zones;
	struct qn_zone zone;
};

#endif /* QN_HEAP_H */
