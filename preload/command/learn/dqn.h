/* SPDX-License-Identifier: MIT */
/*
 * dqn.h - a double deep Q-network (van Hasselt, Guez, Silver, Deep reinforcement learning
 * with double Q-learning, 2016), in floating point, and the whole numbers that it becomes.
 *
 * Knows nothing of heaps: inputs are those of lib/learn/network.h, and a sample says what
 * came of an action. The network has the shape of struct qn_network, and the same bound on
 * its units, so that quantising it changes little. In floating point an input of 64 is 1,
 * and a unit of 32 is 1.
 *
 * All of it is a function of the seed and the samples: no clock, no threads. A struct qn_dqn
 * can be written to a file and read again as it is.
 */
#ifndef QN_DQN_H
#define QN_DQN_H

#include "base/compiler.h"
#include "learn/network.h"

#define QN_DQN_IN     QN_NETWORK_INPUTS
#define QN_DQN_HIDDEN QN_NETWORK_HIDDEN
#define QN_DQN_OUT    QN_NETWORK_RESULTS

/* A result of 1 in struct qn_network */
#define QN_DQN_ONE 256

/**
 * struct qn_dqn_net - weights, a row for each unit
 */
struct qn_dqn_net {
	float first[QN_DQN_HIDDEN][QN_DQN_IN];
	float bias_first[QN_DQN_HIDDEN];
	float second[QN_DQN_HIDDEN][QN_DQN_HIDDEN];
	float bias_second[QN_DQN_HIDDEN];
	float third[QN_DQN_OUT][QN_DQN_HIDDEN];
	float bias_third[QN_DQN_OUT];
};

#define QN_DQN_WEIGHTS (sizeof(struct qn_dqn_net) / sizeof(float))

/**
 * struct qn_dqn_sample - an action, and what came of it
 * @in, @next:	before, and when the next action was due
 * @action:	what was done
 * @is_last:	there was no next one
 * @reward:	more is better
 * @discount:	of what comes behind
 */
struct qn_dqn_sample {
	s8 in[QN_DQN_IN];
	s8 next[QN_DQN_IN];
	u8 action;
	u8 is_last;
	float reward;
	float discount;
};

/* Samples that are kept, the latest */
#define QN_DQN_ROOM 65536

/**
 * struct qn_dqn - a learner
 * @net, @target: the network, and a slow copy of it that judges
 * @mean, @square: decayed means of the gradient and of its square (Adam)
 * @nr_steps:	so far
 * @state:	of the random numbers
 * @nr_actions:	results that are actions
 * @blind:	mask of inputs that are 0 to it; their weights are 0
 * @nr_samples:	so far; number n is in slot n % QN_DQN_ROOM
 */
struct qn_dqn {
	struct qn_dqn_net net, target;
	struct qn_dqn_net mean, square;
	u64 nr_steps;
	u64 state;
	u64 nr_samples;
	u32 nr_actions;
	u32 blind;
	struct qn_dqn_sample samples[QN_DQN_ROOM];
};

/**
 * qn_dqn_init() - small weights by chance; a network that says nothing yet
 * @d:		the learner
 * @nr_actions:	up to QN_DQN_OUT
 * @blind:	mask of inputs that it learns nothing from
 * @seed:	the same gives the same
 */
void qn_dqn_init(struct qn_dqn *d, u32 nr_actions, u32 blind, u64 seed);

/* Results for some inputs */
void qn_dqn_run(const struct qn_dqn_net *net, const s8 in[], float out[]);

/* The action with the highest result; the first of several */
u32 qn_dqn_best(const struct qn_dqn_net *net, const s8 in[], u32 nr_actions);

void qn_dqn_add(struct qn_dqn *d, const struct qn_dqn_sample *s);

/**
 * qn_dqn_learn() - a step on some samples, drawn by chance
 * @d:		has at least one sample
 * @nr:		samples
 * @rate:	of the step, around 0.001
 *
 * Return: the mean loss before it.
 */
float qn_dqn_learn(struct qn_dqn *d, u32 nr, float rate);

/**
 * struct qn_dqn_lesson - what each action is worth, where that is known
 */
struct qn_dqn_lesson {
	s8 in[QN_DQN_IN];
	float worth[QN_DQN_OUT];
};

/**
 * struct qn_dqn_book - lessons
 * @lessons, @room: all, and how many there is room for
 * @begins, @nr_chapters: chapter i has those from begins[i] to begins[i + 1], one at least;
 *		each chapter counts for the same
 */
struct qn_dqn_book {
	struct qn_dqn_lesson *lessons;
	u32 room;
	u32 *begins;
	u32 nr_chapters;
};

/* A step on @nr lessons, drawn by chance. Return: the mean loss before it. */
float qn_dqn_teach(struct qn_dqn *d, const struct qn_dqn_book *b, u32 nr,
		   float rate);

/* There are no more lessons: it learns from samples from here on */
void qn_dqn_taught(struct qn_dqn *d);

/**
 * qn_dqn_quantise() - the network in whole numbers
 * @net:	the network
 * @to:		filled in and valid, with a margin of 0
 *
 * Each layer has the finest weights that 8 bits and one shift allow.
 */
void qn_dqn_quantise(const struct qn_dqn_net *net, struct qn_network *to);

#endif /* QN_DQN_H */
