// SPDX-License-Identifier: MIT
/*
 * controller.c - asks the policy, a slice of the sizes at a time, and turns its
 * answer into the next table.
 *
 * One change a table: moving single entries strands the fewest live slabs, and
 * the report can say for each change what it was for.
 */
#include <string.h>

#include "learn/controller.h"
#include "learn/chooser.h"
#include "port/debug.h"

/* Those that are built: an archive's others are not linked */
#define ROW(symbol, name, is_built) (is_built) ? &qn_policy_##symbol : NULL,
static const struct qn_policy *const policies[] = { QN_POLICIES(ROW) };
#undef ROW

const struct qn_policy *qn_policy_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(policies); i++)
		if (policies[i] && qn_is_text(policies[i]->name, name))
			return policies[i];
	return NULL;
}

void qn_controller_init(struct qn_controller *c, const struct qn_policy *policy)
{
	qn_assert(policy);
	memset(c, 0, sizeof(*c));
	c->policy = policy;
	c->cursor = 1;
}

/* Make the change in @next; a policy may ask for what cannot be done */
static bool apply(struct qn_controller *c, struct qn_table *next,
		  struct qn_action *act)
{
	int class;

	if (act->kind == QN_ACTION_DEMOTE) {
		if (qn_table_demote(next, act->class))
			return false;
		c->nr_demoted++;
		return true;
	}
	class = qn_table_promote(next, act->step);
	if (class < 0)
		return false;
	act->class = (u16) class;
	c->nr_promoted++;
	return true;
}

/* Few policies turn knobs of a process */
__seldom bool qn_controller_tune(struct qn_controller *c,
				 const struct qn_view *view,
				 struct qn_knobs *next)
{
	if (IS_ENABLED(QN_PRESETS && !QN_SMALL) && c->policy->choose)
		return qn_chooser_process(c, view, next) &&
		       qn_knobs_are_valid(next);
	if (!c->policy->tune)
		return false;
	*next = *view->knobs;
	return c->policy->tune(view, c->state, next) &&
	       qn_knobs_are_valid(next);
}

__seldom_as("tune_heap") bool qn_controller_tune_heap(
	struct qn_controller *c, const struct qn_view *view,
	struct qn_heap_knobs *next)
{
	*next = *view->heap_knobs;
	if (IS_ENABLED(QN_PRESETS) && c->policy->choose_heap)
		return qn_chooser_heap(c, view, next) &&
		       qn_heap_knobs_are_valid(next);
	if (!c->policy->tune_heap)
		return false;
	return c->policy->tune_heap(view, c->state, next) &&
	       qn_heap_knobs_are_valid(next);
}

typedef bool look_fn(const struct qn_view *view, u32 *state, unsigned int from,
		     unsigned int to, struct qn_action *act);

__seldom_as("step") bool qn_controller_step(struct qn_controller *c,
					    const struct qn_view *view,
					    struct qn_table *next,
					    struct qn_action *act)
{
	unsigned int nr_steps = view->table->nr_steps;
	unsigned int from = c->cursor;
	unsigned int to = min(from + QN_CONTROLLER_SLICE, nr_steps);
	look_fn *look = c->policy->look ? c->policy->look : qn_policy_rule.look;

	qn_assert(from && from < nr_steps);
	qn_assert(view->profile->nr_steps == nr_steps);
	*act = (struct qn_action){ 0 };
	c->cursor = to < nr_steps ? (u16)to : 1;
	if (!look(view, c->state, from, to, act))
		return false;
	qn_table_copy(next, view->table);
	if (!apply(c, next, act))
		return false;
	qn_assert(qn_table_check(next) == 0);
	return true;
}
