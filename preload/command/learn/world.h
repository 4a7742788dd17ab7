/* SPDX-License-Identifier: MIT */
/*
 * world.h - what a policy under training lives in: episodes, its choices in them, and what
 * these cost compared with the rule.
 *
 * A world has some items. An item is an episode (sim.h) and a price of memory; one in six
 * has several processes under one limit. Half of the items have few long parts, half many
 * short ones, some of which are slow. Each is played once by the rule, and what that
 * cost up to each moment is kept. So what a choice was worth is the difference between the
 * costs of the rule and of the policy until the next choice. It counts in the rule's mean
 * cost of so much time: the mean over an episode is the share saved, over QN_WORLD_SCALE.
 * Few rewards are many times as large as all others, and are cut.
 *
 * A world may be of heaps of one's own instead (heap-cost.h): an item is then a trace and
 * the bytes of a heap. Costs are instructions, and 64 calls count as 20 ms.
 *
 * A choice is due when 20 ms have passed, and the heap comes by. Inputs and actions are
 * those of the policies (lib/learn/features.h, presets.h).
 */
#ifndef QN_WORLD_H
#define QN_WORLD_H

#include "dqn.h"
#include "learn/presets.h"
#include "sim.h"

/* Between two choices at least, in microseconds */
#define QN_WORLD_CHOICE QN_CHOICE_US
/* What comes behind so long counts for so much */
#define QN_WORLD_DISCOUNT 0.985
/* Rewards are divided by this, and end here */
#define QN_WORLD_SCALE 4.0
#define QN_WORLD_MOST  15.0

/**
 * struct qn_world_cost - what an episode cost up to a moment
 */
struct qn_world_cost {
	u64 usec;
	double kept_ns;
	u64 page_usec;
};

/**
 * struct qn_world_choice - a choice
 * @at:		cost before it
 * @in:		what the policy saw
 * @action:	what it chose
 */
struct qn_world_choice {
	struct qn_world_cost at;
	s8 in[QN_DQN_IN];
	u8 action;
};

/**
 * struct qn_world_curve - what the rule cost a process, by time
 */
struct qn_world_curve {
	struct qn_world_cost *at;
	u32 nr;
};

/**
 * struct qn_world_item - see above
 * @mixes, @nr, @limit: as in struct qn_sim_episode
 * @price:	as the knob
 * @heap:	bytes of a heap of one's own; 0: it is a process
 * @curves:	by process
 * @rule, @rule_cost: what the rule took, and what that cost
 */
struct qn_world_item {
	struct qn_sim_mix mixes[QN_SIM_PROCESSES];
	u32 nr;
	u64 limit;
	u64 price;
	u64 heap;
	struct qn_world_curve curves[QN_SIM_PROCESSES];
	struct qn_sim_result rule;
	double rule_cost;
};

/**
 * struct qn_world - all items
 */
struct qn_world {
	struct qn_world_item *items;
	u32 nr;
};

/**
 * struct qn_world_spec - how a world is made
 * @traces, @nr_traces: to draw from
 * @prices, @nr_prices: each mix has an item for each of them
 * @nr_mixes:	mixes
 * @most:	calls of a part of a mix
 * @most_stretch: of them, see qn_sim_mix_draw()
 * @seed:	the same gives the same world
 * @has_groups:	some have several processes
 */
struct qn_world_spec {
	const struct qn_sim_trace *const *traces;
	u32 nr_traces;
	const u64 *prices;
	u32 nr_prices;
	u32 nr_mixes;
	u64 most;
	u32 most_stretch;
	u64 seed;
	bool has_groups;
};

/*
 * Items are each trace in heaps of 5/4, 3/2 and 17/8 of the smallest heap that does. Return:
 * as qn_world_init().
 */
int qn_world_init_heaps(struct qn_world *w,
			const struct qn_sim_trace *const *traces, u32 nr);

/* Draw the items and have the rule play them. Return: 0, or -errno with a message. */
int qn_world_init(struct qn_world *w, const struct qn_world_spec *spec);
void qn_world_exit(struct qn_world *w);

/**
 * struct qn_world_policy - who chooses
 * @net:	explores: the best of its results, but for a share @epsilon of the time
 * @epsilon, @seed: of exploring
 * @weights:	the same in whole numbers, within its margin, where @net is NULL
 * @fixed:	this action, where both are NULL
 */
struct qn_world_policy {
	const struct qn_dqn_net *net;
	double epsilon;
	u64 seed;
	const struct qn_network *weights;
	u32 fixed;
};

/* Episodes that are played at once */
#define QN_WORLD_BATCH 16

/**
 * struct qn_world_play - one item played
 * @item:	which
 * @policy:	by whom
 * @index:	set: number in its call
 * @result, @cost: set; of a heap of one's own @cost alone
 * @choices:	set; by process, valid up to the next call
 * @nr_choices:	set
 */
struct qn_world_play {
	const struct qn_world_item *item;
	struct qn_world_policy policy;
	u32 index;
	struct qn_sim_result result;
	double cost;
	const struct qn_world_choice *choices[QN_SIM_PROCESSES];
	u32 nr_choices[QN_SIM_PROCESSES];
};

/* Play up to QN_WORLD_BATCH items. Return: 0, or -errno. */
int qn_world_run(struct qn_world_play *plays, u32 nr);

/* Cost of a play over that of the rule, at the price of the item, if it has one */
double qn_world_ratio(const struct qn_world_play *p);

/**
 * qn_world_samples() - what a play teaches
 * @p:		a play
 * @to:		the samples are added
 *
 * Return: how many.
 */
u32 qn_world_samples(const struct qn_world_play *p, struct qn_dqn *to);

/**
 * qn_world_write_book() - what each preset is worth where it stays in force
 * @w:		a world of processes
 * @to:		set: a chapter for each item of a single process
 *
 * Each preset plays each of these. Its worth is the logarithm of the rule's cost over its own.
 * Inputs are those under any of the presets.
 *
 * Return: 0, or -errno.
 */
int qn_world_write_book(const struct qn_world *w, struct qn_dqn_book *to);
void qn_world_drop_book(struct qn_dqn_book *b);

#endif /* QN_WORLD_H */
