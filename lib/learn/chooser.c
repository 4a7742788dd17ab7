// SPDX-License-Identifier: MIT
/*
 * chooser.c - asks a policy that chooses among presets, and obeys within the rails.
 *
 * A part of the controller, by itself since few processes have such a policy: it lies apart.
 */
#include "learn/chooser.h"

#include <string.h>

#include "learn/cost.h"
#include "learn/presets.h"

static void add(u32 *word, u32 n)
{
	WRITE_ONCE(*word, *word + n);
}

/* @before: the rails before it. A child of fork() has a log of its own, so it counts anew. */
static void note_decision(const struct qn_chooser *ch, const struct qn_view *v,
			  const struct qn_rails *before,
			  const struct qn_rails_look *look,
			  const struct qn_pick *choice)
{
	const struct qn_rails *r = &ch->rails;
	struct qn_stats_decisions *log = ch->log;
	struct qn_stats_decision *d;

	if (!log)
		return;
	d = &log->last[log->nr % QN_STATS_DECISIONS];
	d->usec = v->memory.usec;
	WRITE_ONCE(d->cost, look->cost);
	WRITE_ONCE(d->gain, look->gain);
	WRITE_ONCE(d->ahead, r->ahead);
	WRITE_ONCE(d->action, look->action);
	WRITE_ONCE(d->preset, r->preset);
	WRITE_ONCE(d->phase, r->phase);
	memcpy(d->in, choice->in, sizeof(d->in));
	add(&log->nr_departed, r->nr_departed - before->nr_departed);
	add(&log->nr_changes, r->nr_changes - before->nr_changes);
	add(&log->nr_reverts, r->nr_reverts - before->nr_reverts);
	add(&log->nr, 1);
}

bool qn_chooser_step(struct qn_controller *c, const struct qn_view *view,
		     qn_choose_fn *ask, qn_gain_fn *gain,
		     const struct qn_flow *flow)
{
	struct qn_chooser *ch = &c->chooser[0];
	const struct qn_rails before = ch->rails;
	struct qn_pick choice = { 0 };
	struct qn_rails_look look = {
		.is_known = flow != NULL,
		.cost = flow ? qn_cost_of(flow) : 0,
		.leads = c->policy->explores ||
			 (c->policy->is_tried && view->knobs),
		.is_off = view->asked && !view->asked->learn,
	};
	struct qn_aftermath last = { before.preset, look.cost, look.is_known };

	ask(view, c->state, &last, &choice);
	look.action = (u8)min(choice.action, QN_NR_PRESETS + 0u);
	if (flow)
		look.gain = gain(view, flow, look.action);
	qn_rails_step(&ch->rails, &look);
	note_decision(ch, view, &before, &look, &choice);
	return ch->rails.preset != before.preset;
}

/* A choice for a heap of one's own, by what was since the last. Return: as qn_chooser_step(). */
static bool choose_heap(struct qn_controller *c, const struct qn_view *view)
{
	struct qn_chooser *ch = &c->chooser[0];
	struct qn_view since = *view;
	struct qn_flow flow;
	bool is_known;

	since.held.refused = ch->refused;
	since.held.flushed = ch->flushed;
	ch->refused = 0;
	ch->flushed = 0;
	is_known = qn_cost_heap(&since, &ch->interval, &flow);
	return qn_chooser_step(c, &since, c->policy->choose_heap,
			       qn_cost_gain_heap, is_known ? &flow : NULL);
}

/* While the rule's preset is in force the rule turns knobs in each step, as it would alone */
bool qn_chooser_heap(struct qn_controller *c, const struct qn_view *view,
		     struct qn_heap_knobs *next)
{
	struct qn_chooser *ch = &c->chooser[0];

	ch->refused += view->held.refused;
	ch->flushed += view->held.flushed;
	if ((!ch->interval.is_known ||
	     view->held.allocs - ch->interval.allocs >= QN_CHOICE_CALLS) &&
	    choose_heap(c, view)) {
		qn_preset_heap(ch->rails.preset, &qn_heap_knobs_preset, next);
		memset(ch->rule, 0, sizeof(ch->rule));
		return true;
	}
	return ch->rails.preset == QN_PRESET_RULE &&
	       qn_policy_rule.tune_heap(view, ch->rule, next);
}
