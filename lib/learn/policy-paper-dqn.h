/* SPDX-License-Identifier: MIT */
/*
 * policy-paper-dqn.h - for whoever trains or tests policy "paper-dqn".
 */
#ifndef QN_POLICY_PAPER_DQN_H
#define QN_POLICY_PAPER_DQN_H

#include "base/compiler.h"

/* A layer of hidden units and one of actions; a row of weights for each, its bias last */
#define QN_PAPER_INPUTS  3
#define QN_PAPER_HIDDEN  8
#define QN_PAPER_ACTIONS 5
#define QN_PAPER_WEIGHTS                           \
	(QN_PAPER_HIDDEN * (QN_PAPER_INPUTS + 1) + \
	 QN_PAPER_ACTIONS * (QN_PAPER_HIDDEN + 1))
/* 1, in fixed point */
#define QN_PAPER_ONE 65536

/**
 * qn_paper_begin() - learning begins anew
 * @weights:	QN_PAPER_WEIGHTS to begin with; NULL: random ones
 * @seed:	of all that is random
 *
 * A heap of the policy begins with the weights of weights-paper.h where this was not called.
 *
 * Context: no heap uses the policy meanwhile.
 */
void qn_paper_begin(const s32 *weights, u32 seed);

/* The weights now. Context: as above. */
const s32 *qn_paper_weights(void);

#endif /* QN_POLICY_PAPER_DQN_H */
