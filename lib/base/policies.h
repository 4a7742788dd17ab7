/* SPDX-License-Identifier: MIT */
/*
 * policies.h - the policies by which a heap adapts, once.
 *
 * The declarations, the list by which one is found, the choices of QUERN_CONF, the help and the
 * manual page are made from the rows below.
 *
 * A row: qn_policy_SYMBOL is its struct qn_policy, in learn/policy-*.c; its name; is it
 * built? Firmware has fixed, rule and those that it asks for (config.h).
 */
#ifndef QN_POLICIES_H
#define QN_POLICIES_H

#include "base/config.h"

#define QN_POLICIES(P)                             \
	P(fixed, "fixed", 1)                       \
	P(rule, "rule", 1)                         \
	P(bandit, "bandit", QN_POLICY_BANDIT)      \
	P(dqn, "dqn", QN_POLICY_DQN)               \
	P(paper_dqn, "paper-dqn", QN_POLICY_PAPER) \
	P(tuned, "tuned", QN_POLICY_TUNED)

#endif /* QN_POLICIES_H */
