// SPDX-License-Identifier: MIT
/*
 * policy-fixed.c - the policy that never changes anything.
 *
 * What learning is measured against, and what QUERN_CONF=policy:fixed selects.
 */
#include "learn/controller.h"

static bool fixed_look(const struct qn_view *view, u32 *state,
		       unsigned int from, unsigned int to,
		       struct qn_action *act)
{
	(void)view;
	(void)state;
	(void)from;
	(void)to;
	(void)act;
	return false;
}

/* Nothing is held either: each freed block is merged at once */
static void fixed_begin_heap(struct qn_heap_knobs *knobs)
{
	knobs->held_part = 0;
}

const struct qn_policy qn_policy_fixed = {
	.name = "fixed",
	.look = fixed_look,
	.begin_heap = fixed_begin_heap,
};
