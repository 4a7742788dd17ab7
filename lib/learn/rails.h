/* SPDX-License-Identifier: MIT */
/*
 * rails.h - what a policy that chooses among presets may do, and when it may not.
 *
 * The controller asks such a policy at most once in QN_CHOICE_US (a heap of one's own: in
 * QN_CHOICE_CALLS requests) and obeys these rules, whoever the policy is:
 *
 *	shadow		a policy begins in the shadow of the rule: its choices are noted,
 *			and the rule's preset is in force. It leads once the estimated gain of
 *			its choices over the rule, decayed, exceeds QN_RAILS_AHEAD
 *	hysteresis	a preset is in force for QN_RAILS_HOLD choices at least
 *	bounded change	a change is from one preset to another; presets.h bounds them
 *	revert		the mean cost under its presets may exceed that under the rule by a
 *			quarter and QN_RAILS_SLACK; then the rule is in force, and the policy
 *			waits in the shadow, twice as long each time
 *	look again	after QN_RAILS_LEAD choices the rule is in force for QN_RAILS_HOLD, so
 *			that what it costs is known of the present
 *	kill switch	knob learn:0: the rule at once, and for good
 *
 * A policy that learns by what it does, or was tried on programs that it did not learn from,
 * leads from the start (@leads); all else holds for it too. Decisions depend on numbers alone,
 * so the same views give the same decisions.
 */
#ifndef QN_RAILS_H
#define QN_RAILS_H

#include "base/compiler.h"

#define QN_RAILS_HOLD 4
#define QN_RAILS_LEAD 128
/* Choices in the shadow at first, and at most */
#define QN_RAILS_WAIT      16
#define QN_RAILS_WAIT_MOST 4096
/* Shares of a cost's base (cost.h), in 1/1024 */
#define QN_RAILS_AHEAD 16
#define QN_RAILS_SLACK 4

enum qn_rails_phase {
	QN_RAILS_SHADOW,
	QN_RAILS_LEADS,
};

/**
 * struct qn_rails - of a controller; all 0 at first
 * @phase:	enum qn_rails_phase
 * @preset:	in force
 * @hold:	choices until another may be, but for the rule on a revert
 * @wait:	choices until the policy may lead
 * @next_wait:	what @wait will be after a revert
 * @led:	choices since the rule was in force last
 * @rule_cost:	decayed mean under the rule, with QN_RAILS_BITS fractional bits
 * @cost:	the same under other presets since the policy leads
 * @nr_costs:	of how many intervals @cost is, up to what is enough
 * @is_rule_known: @rule_cost says something
 * @ahead:	decayed sum of the gains that were estimated
 * @nr_choices, @nr_changes, @nr_reverts: so far
 * @nr_departed: choices after which another preset than the rule's was in force
 */
struct qn_rails {
	u8 phase;
	u8 preset;
	u8 hold;
	u8 led;
	u16 wait;
	u16 next_wait;
	u8 nr_costs;
	bool is_begun;
	bool is_rule_known;
	u32 rule_cost;
	u32 cost;
	s32 ahead;
	u32 nr_choices;
	u32 nr_changes;
	u32 nr_reverts;
	u32 nr_departed;
};

#define QN_RAILS_BITS 4

/**
 * struct qn_rails_look - what a step is about
 * @action:	the preset that the policy would have now
 * @gain:	what it would have saved over the rule in the last interval: an estimate
 * @cost:	of that interval, measured
 * @is_known:	both are known
 * @leads:	from the start
 * @is_off:	the kill switch
 */
struct qn_rails_look {
	u8 action;
	s32 gain;
	u32 cost;
	bool is_known;
	bool leads;
	bool is_off;
};

/**
 * qn_rails_step() - one choice
 * @r:		the state
 * @look:	what is known
 *
 * Context: serialised by the caller. Bounded time.
 * Return: the preset that is in force from now on.
 */
unsigned int qn_rails_step(struct qn_rails *r,
			   const struct qn_rails_look *look);

#endif /* QN_RAILS_H */
