/* SPDX-License-Identifier: MIT */
/*
 * cost.h - what an interval cost a heap, and what it would have cost by another preset.
 *
 * Measured from the view: of a process refaults, purges and dirty memory over time, of a heap
 * of one's own which requests missed held blocks and which had all of them merged. Costs are
 * shares of a base, so that they compare between programs and phases:
 *
 *	of a process	CPU time of refaults and purges, and dirty memory at the price
 *			of memory, over the recent peak of memory in use at that price
 *	of a heap	instructions of misses and merges, over those of requests that hit
 *
 * Estimates say what another preset would have changed. They are rough: to keep more would
 * have spared the refaults and kept what was purged; to keep less would have spared its part
 * of dirty memory, and cost refaults in proportion. The controller bets on them
 * and holds the bet to what is measured afterwards.
 */
#ifndef QN_COST_H
#define QN_COST_H

#include "base/compiler.h"
#include "learn/controller.h"

/* Costs count in 1/1024 of the base, up to so much */
#define QN_COST_ONE  1024
#define QN_COST_MOST (1 << 20)

/**
 * struct qn_flow - an interval, measured
 * @cpu:	what events cost: nanoseconds, or instructions of a heap of one's own
 * @mem:	what free memory cost, in the same unit
 * @base:	what they are compared with, never 0
 * @usec:	how long it was
 * @purged, @refaults: pages
 * @dirty:	pages, mean of both ends
 * @allocs, @misses, @refused, @flushed: of a heap of one's own
 */
struct qn_flow {
	u64 cpu;
	u64 mem;
	u64 base;
	u32 usec;
	u32 purged;
	u32 refaults;
	u32 dirty;
	u32 allocs;
	u32 misses;
	u32 refused;
	u32 flushed;
};

/**
 * qn_cost_process() - measure the heap of a process since the last call
 * @v:		the view
 * @last:	0 at first; what the next call compares with
 * @flow:	filled in
 *
 * Return: false if there is nothing to compare with. Context: as @v. Bounded time.
 */
bool qn_cost_process(const struct qn_view *v, struct qn_interval *last,
		     struct qn_flow *flow);

/* The same of a heap of one's own, with @v->held.refused and flushed since that call */
bool qn_cost_heap(const struct qn_view *v, struct qn_interval *last,
		  struct qn_flow *flow);

/* What an interval cost, up to QN_COST_MOST */
u32 qn_cost_of(const struct qn_flow *flow);

/* @n over the base of @flow, from -QN_COST_MOST to QN_COST_MOST */
s32 qn_cost_share(s64 n, const struct qn_flow *flow);

/* Do two intervals say nothing? Counters begin anew in a child of fork(). */
bool qn_cost_is_back(const struct qn_interval *last,
		     const struct qn_interval *now);

/**
 * qn_cost_gain_process() - what a preset would have saved
 * @v:		the view
 * @flow:	an interval under the rule
 * @action:	the preset
 *
 * Return: its gain over the rule, in the unit of qn_cost_of(); negative if it costs more.
 */
s32 qn_cost_gain_process(const struct qn_view *v, const struct qn_flow *flow,
			 unsigned int action);
s32 qn_cost_gain_heap(const struct qn_view *v, const struct qn_flow *flow,
		      unsigned int action);

#endif /* QN_COST_H */
