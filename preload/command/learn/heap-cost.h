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

/**
 * qn_heap_cost() - replay a trace
 * @t, @nr:	calls from its start on
 * @size:	bytes of the heap
 * @knobs:	of it, and policy "fixed"; NULL: as a heap begins, and policy "rule"
 *
 * Return: the geometric mean of instructions in a heap of that size, and of the smallest
 * heap in bytes that serves the same; QN_HEAP_COST_FAILED if a call was not served.
 */
double qn_heap_cost(const struct qn_sim_trace *t, u64 nr, u64 size,
		    const struct qn_heap_knobs *knobs);

#endif /* QN_HEAP_COST_H */
