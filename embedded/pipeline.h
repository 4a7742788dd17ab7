/* SPDX-License-Identifier: MIT */
/*
 * pipeline.h - the application: sensors in, packets and reports out.
 *
 * Puts channel.h, filter.h, tree.h, report.h and queue.h together and drives
 * them by a clock of its own. No floating point, no pointer and no word size
 * goes into what it computes, so its checksum is the same on every machine and
 * with every heap that does not run out.
 */
#ifndef PIPELINE_H
#define PIPELINE_H

#include "channel.h"
#include "filter.h"
#include "queue.h"
#include "report.h"
#include "tree.h"

/**
 * struct pipeline_config - one run
 * @seed:	of everything that is random
 * @budget:	bytes that are live at peak
 * @nr_ops:	calls of the heap after which to stop
 * @step_every:	calls between two runs of the heap's upkeep, 0 for none
 */
struct pipeline_config {
	u32 seed;
	u32 budget;
	u32 nr_ops;
	u32 step_every;
};

/**
 * struct pipeline - the application's state
 * @config:	the run
 * @store:	all its blocks
 * @rng:	the world's chance
 * @tick:	the time
 * @burst_until: tick at which a burst ends
 * @is_link_up:	packets go out
 * @link_until:	tick at which the link changes
 * @last_step:	@store.nr_ops at the last upkeep
 * @nr_steps:	times that upkeep was run
 * @checksum:	over calibrated values
 */
struct pipeline {
	struct pipeline_config config;
	struct store store;
	struct rng rng;
	u32 tick;
	u32 burst_until;
	bool is_link_up;
	u32 link_until;
	u32 last_step;
	u32 nr_steps;
	u32 checksum;
	struct channel channels[NR_CHANNELS];
	struct filter_bank filters;
	struct tree tree;
	struct reporter reports;
	struct queue queue;
};

/**
 * pipeline_init() - ready to run; allocates nothing yet
 * @p:		filled in
 * @config:	copied
 * @heap:	kept
 * @base:	start of the heap's memory
 */
void pipeline_init(struct pipeline *p, const struct pipeline_config *config,
		   const struct heap_ops *heap, const void *base);

/**
 * pipeline_tick() - one tick of its clock, and the idle time after it
 *
 * Return: true if there is more to do: calls of the heap are left and no block
 * was found damaged.
 */
bool pipeline_tick(struct pipeline *p);

/* Free every block. Afterwards none is live, unless one was damaged. */
void pipeline_exit(struct pipeline *p);

/* Of everything that was processed; final after pipeline_exit() */
u32 pipeline_checksum(const struct pipeline *p);

/* Walk what it keeps: lists, tree, accounts, contents */
bool pipeline_check(struct pipeline *p);

#endif /* PIPELINE_H */
