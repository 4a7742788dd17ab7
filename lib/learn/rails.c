// SPDX-License-Identifier: MIT
/*
 * rails.c - who leads, the rule or the policy; see rails.h.
 */
#include "learn/rails.h"

#include "learn/presets.h"
#include "port/debug.h"

/* Sums and means lose one part in so many each time */
#define DECAY 8
/* Costs and gains beyond count as so much */
#define MOST ((s32)1 << 24)
/* Intervals before a mean under other presets says anything */
#define COSTS_LEAST 4

static u32 mean(u32 old, u32 cost)
{
	u32 now = cost << QN_RAILS_BITS;

	return now > old ? old + (now - old) / DECAY :
			   old - (old - now) / DECAY;
}

/* What the preset in force cost */
static void note_cost(struct qn_rails *r, u32 cost)
{
	if (r->preset != QN_PRESET_RULE) {
		r->cost = r->nr_costs ? mean(r->cost, cost) :
					cost << QN_RAILS_BITS;
		if (r->nr_costs < COSTS_LEAST)
			r->nr_costs++;
		return;
	}
	r->rule_cost = r->is_rule_known ? mean(r->rule_cost, cost) :
					  cost << QN_RAILS_BITS;
	r->is_rule_known = true;
}

/* An estimate is of the rule's interval, so it says nothing of another one */
static void note_gain(struct qn_rails *r, const struct qn_rails_look *look)
{
	s32 gain = max(min(look->gain, MOST), -MOST);

	if (look->action == QN_PRESET_RULE)
		gain = 0;
	if (r->preset == QN_PRESET_RULE)
		r->ahead += gain - r->ahead / DECAY;
}

/* Do its presets cost more than the rule did? */
static bool is_behind(const struct qn_rails *r)
{
	u32 most = r->rule_cost + r->rule_cost / 4 +
		   (QN_RAILS_SLACK << QN_RAILS_BITS);

	return r->is_rule_known && r->nr_costs >= COSTS_LEAST && r->cost > most;
}

static void lead(struct qn_rails *r)
{
	r->phase = QN_RAILS_LEADS;
	r->led = 0;
	r->nr_costs = 0;
}

static void revert(struct qn_rails *r)
{
	r->phase = QN_RAILS_SHADOW;
	r->ahead = 0;
	r->wait = r->next_wait;
	r->next_wait = (u16)min(2u * r->next_wait, QN_RAILS_WAIT_MOST + 0u);
	r->nr_reverts++;
}

static void begin(struct qn_rails *r)
{
	if (r->is_begun)
		return;
	r->is_begun = true;
	r->wait = QN_RAILS_WAIT;
	r->next_wait = 2 * QN_RAILS_WAIT;
}

/* May the policy come out of the shadow? */
static bool may_lead(struct qn_rails *r, const struct qn_rails_look *look)
{
	if (look->leads && !r->nr_reverts)
		return r->is_rule_known;
	if (r->wait) {
		r->wait--;
		return false;
	}
	return look->leads ||
	       (look->action != QN_PRESET_RULE && r->ahead > QN_RAILS_AHEAD);
}

/* The preset that should be in force */
static unsigned int target(struct qn_rails *r, const struct qn_rails_look *look)
{
	if (look->is_off) {
		r->phase = QN_RAILS_SHADOW;
		return QN_PRESET_RULE;
	}
	if (r->phase == QN_RAILS_SHADOW && may_lead(r, look))
		lead(r);
	if (r->phase == QN_RAILS_SHADOW)
		return QN_PRESET_RULE;
	if (is_behind(r)) {
		revert(r);
		return QN_PRESET_RULE;
	}
	if (r->led >= QN_RAILS_LEAD)
		return QN_PRESET_RULE;
	return look->action < QN_NR_PRESETS ? look->action : QN_PRESET_RULE;
}

static void put_in_force(struct qn_rails *r, unsigned int preset)
{
	bool is_free = r->phase == QN_RAILS_SHADOW || !r->hold;

	if (r->hold)
		r->hold--;
	if (preset != r->preset && is_free) {
		r->preset = (u8)preset;
		r->hold = QN_RAILS_HOLD - 1;
		r->nr_changes++;
	}
	r->led = r->preset == QN_PRESET_RULE ? 0 : (u8)(r->led + 1);
	r->nr_departed += r->preset != QN_PRESET_RULE;
}

unsigned int qn_rails_step(struct qn_rails *r, const struct qn_rails_look *look)
{
	begin(r);
	r->nr_choices++;
	if (look->is_known) {
		note_cost(r, min(look->cost, (u32)MOST));
		note_gain(r, look);
	}
	put_in_force(r, target(r, look));
	qn_assert(r->preset < QN_NR_PRESETS);
	qn_assert(r->led <= QN_RAILS_LEAD + QN_RAILS_HOLD);
	return r->preset;
}
