/* SPDX-License-Identifier: MIT */
/*
 * train.h - quern train, in parts.
 *
 *	cmd-train.c		options, traces, worlds
 *	train-dqn.c		the trainings of policy dqn, for processes and for heaps
 *	train-paper.c		the training of policy paper-dqn
 *	train-score.c		what a network is worth, and where it is from
 *	train-checkpoint.c	how a training that was stopped goes on
 */
#ifndef QN_TRAIN_H
#define QN_TRAIN_H

#include <stdio.h>
#include "command/base/options.h"
#include "dqn.h"
#include "world.h"

/* Trainings of a call at most */
#define QN_TRAIN_SEEDS  128
#define QN_TRAIN_PRICES 4
/* Trials of a network in a training at most */
#define QN_TRAIN_TRIALS 16

extern const u64 qn_train_prices[QN_TRAIN_PRICES];

/* In the order of the words of --for */
enum qn_train_for {
	QN_TRAIN_PROCESS,
	QN_TRAIN_HEAP,
	QN_TRAIN_PAPER,
};

/* Of --without; the last: trainings without each of the groups before it */
enum qn_train_without {
	QN_TRAIN_ALL,
	QN_TRAIN_NO_PRICE,
	QN_TRAIN_NO_PRESSURE,
	QN_TRAIN_NO_TIME,
	QN_TRAIN_NO_MEMORY,
	QN_TRAIN_NO_REFAULTS,
	QN_TRAIN_NO_TREND,
	QN_TRAIN_NO_HISTORY,
	QN_TRAIN_EACH,
};

/**
 * struct qn_train_score - costs over those of the rule, geometric means
 * @all, @by_price: of all items, and of those at a price
 * @excess:	mean of what items cost beyond QN_TRAIN_BAD of the rule's cost
 * @departed:	share of choices that were not the rule's
 */
struct qn_train_score {
	double all;
	double by_price[QN_TRAIN_PRICES];
	double excess;
	double departed;
};

/**
 * struct qn_train_point - of a learning curve
 * @episode:	after how many
 * @score:	of the network then, tried as it would ship
 * @loss:	of the last steps
 */
struct qn_train_point {
	u32 episode;
	struct qn_train_score score;
	double loss;
};

/**
 * struct qn_train_seed - one seed, done; of its learning curve what there is
 */
struct qn_train_seed {
	struct qn_network net;
	struct qn_train_score learned, chosen, validated;
	struct qn_train_point curve[QN_TRAIN_TRIALS];
	u32 nr_points;
	double agreement;
};

/**
 * struct qn_train_state - all that a checkpoint has
 * @magic, @sum: what it is, and of which training
 * @check:	crc32 of all that follows
 * @seed:	number of the seed that is trained, from 0 on
 * @episode:	episodes of it so far
 * @state:	of the random numbers that draw items
 * @best, @best_cost: the best network of this seed so far, tried; cost 0: none
 * @results:	of the seeds before, and the curve of this one
 * @learner:	the learner
 */
struct qn_train_state {
	char magic[8];
	u32 sum;
	u32 check;
	u32 seed;
	u32 episode;
	u64 state;
	struct qn_dqn_net best;
	double best_cost;
	struct qn_train_seed results[QN_TRAIN_SEEDS];
	struct qn_dqn learner;
};

/**
 * struct qn_train - one call of quern train
 * @files, @left_out, @what, @output, @checkpoint, @curve, @is_json, @is_each,
 * @without:	options
 * @interval, @seed, @nr_seeds, @nr_episodes, @nr_lessons, @nr_mixes, @events, @part: likewise
 * @traces, @nr, @nr_learners: all; those that are learned from come first
 * @nr_choosers: of the learners, the last so many choose
 * @learned, @chosen, @validated: worlds
 * @book:	what presets are worth in @learned; of processes alone
 * @s:		where it stands
 * @loss:	of the last steps
 * @shown_ns, @kept_ns: when progress was shown, and when a checkpoint was written
 */
struct qn_train {
	struct qn_operands files;
	struct qn_operands left_out;
	enum qn_train_for what;
	const char *output;
	const char *checkpoint;
	const char *curve;
	bool is_json;
	bool is_each;
	enum qn_train_without without;
	u32 interval;
	u32 seed;
	u32 nr_seeds;
	u32 nr_episodes;
	u32 nr_lessons;
	u32 nr_mixes;
	u64 events;
	u64 part;
	struct qn_sim_trace *traces;
	const struct qn_sim_trace **learners;
	u32 nr, nr_learners, nr_choosers;
	struct qn_world learned, chosen, validated;
	struct qn_dqn_book book;
	struct qn_train_state *s;
	double loss;
	u64 shown_ns, kept_ns;
};

/* ---- train-score.c ---- */

/* As --without has them */
extern const char *const qn_train_group_names[QN_TRAIN_EACH];

/* Trainings of the call, and of one of them the seed, and the group it is not shown */
u32 qn_train_nr(const struct qn_train *t);
u32 qn_train_seed(const struct qn_train *t, u32 training);
enum qn_train_without qn_train_group(const struct qn_train *t, u32 training);

/**
 * qn_train_add_play() - count a play
 * @sum:	logarithms are added
 * @p:		the play
 * @nr_by_price: plays at each price
 * @nr_choices: of all plays
 */
void qn_train_add_play(struct qn_train_score *sum,
		       const struct qn_world_play *p, u32 nr_by_price[],
		       u64 *nr_choices);

/* Costs of an item beyond this are to be avoided, whatever others save */
#define QN_TRAIN_BAD 1.03

/* What networks are compared by: the mean, and what single items cost too much */
static inline double qn_train_rank(const struct qn_train_score *s)
{
	return s->all + s->excess;
}

/* A network as it would ship plays each item. Return: 0, or -errno with a message. */
int qn_train_try(const struct qn_world *w, const struct qn_network *net,
		 struct qn_train_score *score);

/* On stdout, or stderr if weights go there; without the end of the line */
void qn_train_print_score(const struct qn_train *t, const char *what,
			  const struct qn_train_score *s);

/**
 * qn_train_conclude() - say which weights were written; with --json all figures
 * @results:	of all seeds, in their order
 * @best:	the one that was written
 */
void qn_train_conclude(const struct qn_train *t,
		       const struct qn_train_seed *results, u32 best);

/* Lines about where weights are from */
void qn_train_put_provenance(const struct qn_train *t, FILE *out,
			     const struct qn_train_seed *r, u32 seed);

/* ---- train-checkpoint.c ---- */

/* Write a checkpoint. Return: 0, or -errno with a message. */
int qn_train_keep(struct qn_train *t);

/* Begin, or go on from a checkpoint. Return: 0, 1 if there was one, -errno with a message. */
int qn_train_go_on(struct qn_train *t);

/* ---- the trainings; they write weights, too. Return: 0, or -errno with a message. ---- */

int qn_train_dqn(struct qn_train *t);
int qn_train_paper(struct qn_train *t);

#endif /* QN_TRAIN_H */
