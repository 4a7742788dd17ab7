// SPDX-License-Identifier: MIT
/*
 * policy-fixed.c - the policy that never changes anything.
 *
 * What learning is measured against, and what QUERN_CONF=policy:fixed selects.
 */
#include "learn/controller.h"

static bool fixed_look(const struct qn_view *view, unsigned int from,
		       unsigned int to, struct qn_action *act)
{
	(void)view;
	(void)from;
	(void)to;
	(void)act;
	return false;
}

const struct qn_policy qn_policy_fixed = {
	.name = "fixed",
	.look = fixed_look,
};
