// SPDX-License-Identifier: MIT
/*
 * chooser-process.c - the heap of a process by a policy that chooses; see chooser.h.
 */
#include "learn/chooser.h"

#include "learn/cost.h"
#include "learn/presets.h"

bool qn_chooser_process(struct qn_controller *c, const struct qn_view *view,
			struct qn_knobs *next)
{
	struct qn_chooser *ch = &c->chooser[0];
	struct qn_flow flow;
	bool is_known;

	if (ch->interval.is_known &&
	    (u32)view->memory.usec - ch->interval.usec < QN_CHOICE_US)
		return false;
	is_known = qn_cost_process(view, &ch->interval, &flow);
	if (!qn_chooser_step(c, view, c->policy->choose, qn_cost_gain_process,
			     is_known ? &flow : NULL))
		return false;
	qn_preset_process(ch->rails.preset, view->asked, next);
	return true;
}
