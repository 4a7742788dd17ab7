/* SPDX-License-Identifier: MIT */
/*
 * chooser.h - the controller's part for policies that choose among presets.
 *
 * It measures what the last interval cost (cost.h), asks the policy, lets the rails decide
 * (rails.h), notes the decision and turns a preset into knobs (presets.h).
 */
#ifndef QN_CHOOSER_H
#define QN_CHOOSER_H

#include "base/compiler.h"
#include "learn/controller.h"

struct qn_flow;

typedef void qn_choose_fn(const struct qn_view *view, u32 *state,
			  const struct qn_aftermath *last,
			  struct qn_pick *choice);
typedef s32 qn_gain_fn(const struct qn_view *v, const struct qn_flow *flow,
		       unsigned int action);

/**
 * qn_chooser_step() - ask, and decide within the rails
 * @c:		the controller
 * @view:	the heap as it is
 * @ask:	of the policy
 * @gain:	estimates what a choice would have saved
 * @flow:	the interval before, or NULL
 *
 * Context: as qn_controller_tune().
 * Return: true if another preset is in force.
 */
bool qn_chooser_step(struct qn_controller *c, const struct qn_view *view,
		     qn_choose_fn *ask, qn_gain_fn *gain,
		     const struct qn_flow *flow);

/* As qn_controller_tune(), of a policy with @choose. Firmware has no such heap. */
bool qn_chooser_process(struct qn_controller *c, const struct qn_view *view,
			struct qn_knobs *next);

/* As qn_controller_tune_heap(), of a policy with @choose_heap */
bool qn_chooser_heap(struct qn_controller *c, const struct qn_view *view,
		     struct qn_heap_knobs *next);

#endif /* QN_CHOOSER_H */
