/* SPDX-License-Identifier: MIT */
/*
 * heap-cost.h - what a heap of one's own costs with some knobs, as firmware has it.
 *
 * The same core that firmware has, built for this machine: granules are twice as long
 * here. Instructions are those of the paths that calls take, as counted on a Cortex-M4.
 */
#ifndef QN_HEAP_COST_H
#define QN_HEAP_COST_H

#include "base/knobs.h"
#include "sim.h"

/* No trace costs so much: the heap was too small */
#define QN_HEAP_COST_FAILED 1e18
/* Instructions that a request counts for that is not served, where a replay goes on */
#define QN_HEAP_REFUSAL 20000.0
/* Calls between two steps, as in a process whose heap is this one */
#define QN_HEAP_STEP_CALLS 64

/**
 * struct qn_heap_play - a replay
 * @trace, @nr:	calls from its start on
 * @size:	bytes of the heap
 * @knobs:	of it, and policy "fixed"; NULL: as a heap begins
 * @policy:	where @knobs is NULL; NULL: the rule
 * @goes_on:	requests that are not served do not end it
 * @at_step:	called before each step of the heap, or NULL
 * @data:	the caller's
 * @instructions: set: so far
 * @calls:	set: so far
 * @nr_failed:	set: requests that were not served
 */
struct qn_heap_play {
	const struct qn_sim_trace *trace;
	u64 nr;
	u64 size;
	const struct qn_heap_knobs *knobs;
	const struct qn_policy *policy;
	bool goes_on;
	void (*at_step)(struct qn_heap_play *p);
	void *data;
	double instructions;
	u64 calls;
	u64 nr_failed;
};

/* Replay. Return: 0, or -ENOMEM if there is no heap of that size. */
int qn_heap_play(struct qn_heap_play *p);

/**
 * qn_heap_cost() - what knobs cost
 * @t, @nr, @size, @knobs: as above; NULL: as a heap begins, and the rule
 *
 * Return: the geometric mean of instructions in a heap of that size, and of the smallest
 * heap in bytes that serves the same; QN_HEAP_COST_FAILED if a call was not served.
 */
double qn_heap_cost(const struct qn_sim_trace *t, u64 nr, u64 size,
		    const struct qn_heap_knobs *knobs);

#endif /* QN_HEAP_COST_H */
