/* SPDX-License-Identifier: MIT */
/*
 * paper.h - training of policy "paper-dqn", which learns while it runs.
 *
 * Its network is small and in fixed point, and goes from episode to episode: each begins with
 * the weights that the one before ended with. Its reward is the paper's own.
 */
#ifndef QN_PAPER_H
#define QN_PAPER_H

#include <stdio.h>
#include "learn/policy-paper-dqn.h"
#include "sim.h"

/**
 * struct qn_paper - the weights, and a seed for each episode
 * @weights:	now
 * @is_begun:	they are there
 * @seed:	of the next episode
 */
struct qn_paper {
	s32 weights[QN_PAPER_WEIGHTS];
	bool is_begun;
	u64 seed;
};

/**
 * qn_paper_run() - the policy plays an episode, and learns
 * @p:		weights are set
 * @e:		whose policy and hooks are set; its result is
 *
 * Return: 0, or -errno with a message.
 */
int qn_paper_run(struct qn_paper *p, struct qn_sim_episode *e);

/* As a C header, with lines of provenance */
void qn_paper_write(FILE *out, const struct qn_paper *p, const char *comments);

#endif /* QN_PAPER_H */
