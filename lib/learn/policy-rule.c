// SPDX-License-Identifier: MIT
/*
 * policy-rule.c - hot sizes get a class of their own, cold ones lose it.
 *
 * Two kinds of entries, two kinds of gain. Where classes have slabs a class of
 * its own saves the bytes that rounding up wastes in every object; where
 * entries are direct runs it saves time, and what counts is how often a size is
 * asked for.
 *
 * Three things keep the table still under a steady load: the distance between
 * the thresholds; that a class goes only if it saves little and is hardly asked
 * for any more (a new class holds no objects at first, so what it saves now
 * says nothing); and that with all slots taken a class gives way only if it
 * would not be promoted itself and is four times colder than the size that
 * needs the slot.
 *
 * A heap of one's own holds freed blocks unmerged. The rule lets it hold twice as many
 * when many were refused while there is room, and as many as at first when a request had
 * all of them merged: then memory was short, and it is not tried again for some steps.
 */
#include "learn/controller.h"
#include "port/debug.h"

#define PROMOTE_WEIGHT (QN_PROMOTE_SAMPLES * QN_PROFILE_ONE)
#define DEMOTE_WEIGHT  (PROMOTE_WEIGHT / QN_DEMOTE_PART)

/* Steps @first .. @last, all of one class, and the sum of their weights */
struct range {
	unsigned int first;
	unsigned int last;
	u32 weight;
};

/* @part of @whole in 1/1024 */
static u32 share(u32 part, u32 whole)
{
	qn_assert(part <= whole);
	if (!whole)
		return 0;
	while (whole >> 22) {
		whole >>= 1;
		part >>= 1;
	}
	return (part << 10) / whole;
}

/* Of @live bytes in objects of @osize steps, those of @steps of each object */
static size_t bytes_of(size_t live, unsigned int osize, unsigned int steps)
{
	return live / osize * steps;
}

/* @share in 1/1024 of @bytes */
static size_t part_of(size_t bytes, u32 share)
{
	return (bytes >> 10) * share + (((bytes & 1023) * share) >> 10);
}

/* The sizes that the class of @last steps serves */
static struct range class_range(const struct qn_view *v, unsigned int last)
{
	const u8 *map = v->table->map;
	struct range r = { last, last, v->profile->hist[last] };

	while (r.first > 1 && map[r.first - 1] == map[last])
		r.weight += v->profile->hist[--r.first];
	return r;
}

static u32 direct_gain(const struct qn_view *v, unsigned int step)
{
	return share(qn_profile_requests(v->profile, step),
		     v->profile->requests);
}

/* What a promoted class of @step steps saves against having none */
static size_t class_gain(const struct qn_view *v, unsigned int step)
{
	const struct qn_table *t = v->table;
	unsigned int heir;

	if (!QN_RULE_SLABS || qn_table_is_direct(t, step))
		return direct_gain(v, step);
	heir = t->class_steps[t->map[step + 1]];
	qn_assert(heir > step);
	return bytes_of(v->class_live[t->map[step]], step, heir - step);
}

/* Is it asked for often enough to be promoted */
static bool is_hot(const struct qn_view *v, unsigned int step)
{
	return v->profile->hist[step] >= PROMOTE_WEIGHT &&
	       ((QN_RULE_SLABS && !qn_table_is_direct(v->table, step)) ||
		direct_gain(v, step) >= v->heap_knobs->promote_share);
}

/* How hot a size is, compared with others of its kind */
static u32 heat(const struct qn_view *v, unsigned int step)
{
	if (!QN_RULE_SLABS || qn_table_is_direct(v->table, step))
		return qn_profile_requests(v->profile, step);
	return v->profile->hist[step];
}

static bool decide(struct qn_action *act, enum qn_action_kind kind,
		   unsigned int step, size_t gain)
{
	act->kind = kind;
	act->step = (u16)step;
	act->gain = (u32)min(gain, (size_t)UINT32_MAX);
	return true;
}

static bool demote(const struct qn_view *v, unsigned int step,
		   struct qn_action *act)
{
	act->class = v->table->map[step];
	return decide(act, QN_ACTION_DEMOTE, step, class_gain(v, step));
}

/* Promote @step, or clear a slot for it if all are taken by colder sizes */
static __seldom bool promote(const struct qn_view *v, unsigned int step,
			     size_t gain, struct qn_action *act)
{
	u32 limit = heat(v, step) / QN_CLEARLY_COLDER;
	unsigned int class, steps, coldest = 0;

	/* There is a slot for each size */
	if (!QN_RULE_SLABS && QN_NR_CLASSES > QN_HEAP_STEPS)
		return decide(act, QN_ACTION_PROMOTE, step, gain);
	for (class = v->table->nr_base + 1u; class < QN_NR_CLASSES; class ++) {
		steps = v->table->class_steps[class];
		if (!steps)
			return decide(act, QN_ACTION_PROMOTE, step, gain);
		if (heat(v, steps) < limit && !is_hot(v, steps)) {
			limit = heat(v, steps);
			coldest = steps;
		}
	}
	return coldest && demote(v, coldest, act);
}

static bool look_direct(const struct qn_view *v, unsigned int step,
			struct qn_action *act)
{
	u32 gain;

	if (v->table->map[step] != QN_CLASS_DIRECT) {
		gain = direct_gain(v, step);
		return gain < v->heap_knobs->promote_share / QN_DEMOTE_PART &&
		       demote(v, step, act);
	}
	/* Most lengths: no division is needed to see that they are cold */
	if (v->profile->hist[step] < PROMOTE_WEIGHT)
		return false;
	gain = direct_gain(v, step);
	return gain >= v->heap_knobs->promote_share &&
	       promote(v, step, gain, act);
}

/*
 * The size that would save most with a class of its own. The objects in use are
 * taken to be spread over the sizes as the requests are; smaller sizes would
 * move along with the one that is promoted, so they count.
 */
static bool promote_best(const struct qn_view *v, const struct range *r,
			 struct qn_action *act)
{
	size_t live = v->class_live[v->table->map[r->last]];
	size_t gain, best = 0;
	u32 weight = 0;
	unsigned int step, best_step = 0;

	for (step = r->first; step < r->last; step++) {
		weight += v->profile->hist[step];
		if (!is_hot(v, step))
			continue;
		gain = part_of(bytes_of(live, r->last, r->last - step),
			       share(weight, r->weight));
		if (gain > best) {
			best = gain;
			best_step = step;
		}
	}
	return best >= v->knobs->promote_bytes &&
	       promote(v, best_step, best, act);
}

static bool look_slabs(const struct qn_view *v, unsigned int step,
		       struct qn_action *act)
{
	unsigned int class = v->table->map[step];
	struct range r;

	/* No more can be saved than is in use; most classes have little */
	if (class <= v->table->nr_base &&
	    v->class_live[class] < v->knobs->promote_bytes)
		return false;
	r = class_range(v, step);
	if (class > v->table->nr_base && r.weight < DEMOTE_WEIGHT &&
	    class_gain(v, step) <
		    v->knobs->promote_bytes / QN_DEMOTE_BYTES_PART)
		return demote(v, step, act);
	return promote_best(v, &r, act);
}

/*
 * A class is looked at when its own size comes up, once in a round; sizes below that
 * it serves as well are passed by.
 */
static __seldom bool rule_look(const struct qn_view *view, u32 *state,
			       unsigned int from, unsigned int to,
			       struct qn_action *act)
{
	const struct qn_table *t = view->table;
	unsigned int step;

	(void)state;
	for (step = max(from, 1u); step < to; step++) {
		if (!QN_RULE_SLABS || qn_table_is_direct(t, step)) {
			if (look_direct(view, step, act))
				return true;
			continue;
		}
		step = t->class_steps[t->map[step]];
		if (step < to && view->class_live &&
		    look_slabs(view, step, act))
			return true;
	}
	return false;
}

/* Not less of a zone than one part in so many stays for free runs */
#define HELD_PART_LEAST 2

/* Of a heap of one's own: blocks refused lately, steps before more may be held */
struct rule_state {
	u32 refused;
	u32 wait;
};

_Static_assert(sizeof(struct rule_state) <= QN_POLICY_WORDS * sizeof(u32),
	       "the state of a policy");

static __seldom_as("tune_heap") bool rule_tune_heap(const struct qn_view *v,
						    u32 *state,
						    struct qn_heap_knobs *knobs)
{
	struct rule_state *s = (struct rule_state *)(void *)state;

	if (v->held.flushed) {
		s->refused = 0;
		s->wait = (u32)v->heap_knobs->held_wait;
		knobs->held_part = qn_heap_knobs_preset.held_part;
		knobs->held_most = qn_heap_knobs_preset.held_most;
		return knobs->held_part != v->heap_knobs->held_part;
	}
	s->wait -= s->wait > 0;
	s->refused = s->refused / 2 + v->held.refused;
	if (s->wait || s->refused < v->heap_knobs->held_refused ||
	    !v->held.is_roomy)
		return false;
	s->refused = 0;
	if (knobs->held_part / 2 >= HELD_PART_LEAST) {
		knobs->held_part /= 2;
		knobs->held_most *= 2;
	}
	return knobs->held_part != v->heap_knobs->held_part;
}

const struct qn_policy qn_policy_rule = {
	.name = "rule",
	.look = rule_look,
	.tune_heap = rule_tune_heap,
};
