// SPDX-License-Identifier: MIT
/*
 * policy-dqn.c - presets are chosen by a network that was trained beforehand.
 *
 * The network was trained on recorded programs, at several prices of memory, to say what
 * each preset is worth: first from lessons, in which each preset plays a program from end to
 * end, then from its own choices (double DQN: van Hasselt et al., Deep reinforcement
 * learning with double Q-learning, 2016). It does not learn any more. Its answer counts only
 * where it is above that for the rule by the margin of its table, and within rails.h: in a
 * process it leads from the start, in a heap of one's own it has to earn that. The
 * weights are generated: their headers tell of which traces, and by what.
 *
 * `quern train` writes them; `make weights` trains anew.
 */
#include "learn/controller.h"
#include "learn/features.h"
#include "learn/network.h"
#include "learn/presets.h"
#include "learn/weights-heap.h"
#include "learn/weights-process.h"

_Static_assert(QN_NR_FEATURES == QN_NETWORK_INPUTS &&
		       QN_NR_PRESETS <= QN_NETWORK_RESULTS,
	       "the network has an input for each feature");
_Static_assert(!QN_POLICY_DQN || QN_FEATURES_WORDS <= QN_POLICY_WORDS,
	       "the state of a policy");

static unsigned int ask(const struct qn_network *net, const s8 *in)
{
	s32 worth[QN_NETWORK_RESULTS];

	qn_network_run(net, in, worth);
	return qn_network_best(net, worth, QN_NR_PRESETS);
}

static void dqn_choose(const struct qn_view *view, u32 *state,
		       const struct qn_aftermath *last, struct qn_pick *choice)
{
	(void)last;
	qn_features_process(view, state, choice->in);
	choice->action = ask(&qn_weights_process, choice->in);
}

static void dqn_choose_heap(const struct qn_view *view, u32 *state,
			    const struct qn_aftermath *last,
			    struct qn_pick *choice)
{
	(void)last;
	qn_features_heap(view, state, choice->in);
	choice->action = ask(&qn_weights_heap, choice->in);
}

/* Firmware has no heap of a process, and not its weights */
const struct qn_policy qn_policy_dqn = {
	.name = "dqn",
	.choose = QN_SMALL ? NULL : dqn_choose,
	.choose_heap = dqn_choose_heap,
	.is_tried = true,
};
