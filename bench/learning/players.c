// SPDX-License-Identifier: MIT
/*
 * players.c - episodes of evidence.h: policies that are told what to do, and what is noted
 * of each episode.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "command/base/fail.h"
#include "evidence.h"
#include "process/unit.h"
#include "learn/features.h"
#include "learn/presets.h"
#include "process/local.h"

const u64 ev_prices[EV_NR_PRICES] = { QN_PRICE_PRESET, 7500, 750, 75 };
const double ev_weights[EV_NR_WEIGHTS] = { 0.3, 0.5, 0.7 };

/* Episodes that are played by one call of qn_sim_run() */
#define BATCH 32

/* Of a batch, in memory that children write to */
static struct ev_note *notes;

double ev_cost(const struct qn_sim_result *r, u32 i)
{
	if (i < EV_NR_PRICES)
		return qn_sim_price_cost(r, ev_prices[i]);
	return qn_sim_weighted_cost(r, ev_weights[i - EV_NR_PRICES]);
}

/* ---- in the child ---- */

/* The policy of this child: its play, and where it writes figures over time */
static const struct ev_play *playing;
static FILE *watch;
static u64 watched_usec, watched_pages;

/* As policy dqn, with any weights */
static void dqn_choose(const struct qn_view *view, u32 *state,
		       const struct qn_aftermath *last, struct qn_pick *choice)
{
	s32 worth[QN_NETWORK_RESULTS];

	(void)last;
	qn_features_process(view, state, choice->in);
	qn_network_run(playing->net, choice->in, worth);
	choice->action =
		(u8)qn_network_best(playing->net, worth, QN_NR_PRESETS);
}

static const struct qn_policy dqn = {
	.name = "dqn",
	.choose = dqn_choose,
	.is_tried = true,
};

/* The same without rails: each choice is followed, and noted here */
static struct ev_note alone_note;
static u64 chosen_usec;
static u32 action;

static bool alone_tune(const struct qn_view *v, u32 *state,
		       struct qn_knobs *knobs)
{
	u64 usec = qn_sim_so_far()->usec;
	s32 worth[QN_NETWORK_RESULTS];
	s8 in[QN_NR_FEATURES];
	u32 before = action;

	if (alone_note.nr_choices && usec - chosen_usec < QN_CHOICE_US)
		return false;
	chosen_usec = usec;
	qn_features_process(v, state, in);
	qn_network_run(playing->net, in, worth);
	action = qn_network_best(playing->net, worth, QN_NR_PRESETS);
	alone_note.nr_choices++;
	alone_note.nr_departed += action != QN_PRESET_RULE;
	alone_note.nr_changes += action != before;
	qn_preset_process(action, v->asked, knobs);
	return action != before;
}

/* Fake time of an item, of all epochs */
static u64 duration(const struct qn_sim_mix *m)
{
	u64 usec = 1;

	for (u32 i = 0; i < m->nr; i++) {
		const struct qn_sim_part *p = &m->parts[i];

		if (p->to > p->from)
			usec += (p->trace->ops[p->to - 1].usec -
				 p->trace->ops[p->from].usec) *
				max(p->stretch, 1u);
		usec += p->pause;
	}
	return usec;
}

static bool schedule_tune(const struct qn_view *v, u32 *state,
			  struct qn_knobs *knobs)
{
	u64 usec = qn_sim_so_far()->usec;
	u64 epoch = usec * EV_EPOCHS / duration(&playing->item->mix);
	u32 next = playing->schedule[min(epoch, (u64)EV_EPOCHS - 1)];
	bool is_new = action != next;

	(void)state;
	action = next;
	qn_preset_process(action, v->asked, knobs);
	return is_new;
}

static bool rule_look(const struct qn_view *v, u32 *state, unsigned int from,
		      unsigned int to, struct qn_action *act)
{
	return qn_policy_rule.look(v, state, from, to, act);
}

static const struct qn_policy alone = {
	.name = "alone",
	.look = rule_look,
	.tune = alone_tune,
};

static const struct qn_policy schedule = {
	.name = "schedule",
	.look = rule_look,
	.tune = schedule_tune,
};

const struct qn_policy *const ev_policy_dqn = &dqn;
const struct qn_policy *const ev_policy_alone = &alone;
const struct qn_policy *const ev_policy_schedule = &schedule;

static void begin(const struct qn_sim_episode *e)
{
	playing = e->data;
	if (playing->watch)
		watch = fopen(playing->watch, "w");
}

/* Milliseconds, MB resident on average, ms that dirty memory is kept, KB that may be dirty */
static void tick(const struct qn_sim_episode *e, u32 process,
		 const struct qn_sim_result *r)
{
	const struct qn_hub *hub = qn_self->hub;

	(void)e;
	(void)process;
	if (!watch || r->page_usec == watched_pages)
		return;
	fprintf(watch, "%.1f %.3f %u %zu\n", (double)r->usec / 1000,
		(double)(r->page_usec - watched_pages) /
			(double)(qn_sim_so_far()->usec - watched_usec) *
			QN_PART_SIZE / 1e6,
		qn_resident_keep_ms(&hub->segments.resident),
		qn_hub_knobs(hub)->dirty / 1024);
	watched_usec = r->usec;
	watched_pages = r->page_usec;
}

static void end(const struct qn_sim_episode *e)
{
	const struct ev_play *p = e->data;
	const struct qn_rails *r = &qn_self->hub->controller.chooser[0].rails;

	notes[p->index] = (struct ev_note){ r->nr_choices, r->nr_departed,
					    r->nr_changes, r->nr_reverts };
	if (p->policy == &alone)
		notes[p->index] = alone_note;
	if (watch)
		fclose(watch);
}

/* ---- in the parent ---- */

void ev_play_init(struct ev_play *p, const struct ev_item *item, u64 price)
{
	memset(p, 0, sizeof(*p));
	p->item = item;
	p->knobs = qn_knobs_preset;
	p->knobs.price = price;
}

static void make_episode(struct qn_sim_episode *e, struct ev_play *p, u32 i)
{
	qn_sim_episode_init(e);
	e->mixes[0] = p->item->mix;
	e->knobs = p->knobs;
	e->settings = p->settings;
	e->policy = p->settings ? NULL :
		    p->policy   ? p->policy :
				  &qn_policy_rule;
	memcpy(e->promoted, p->sizes, sizeof(e->promoted));
	e->nr_promoted = p->nr_sizes;
	e->begin = begin;
	e->end = end;
	e->tick = p->watch ? tick : NULL;
	e->data = p;
	p->index = i;
}

static int run_batch(struct ev_play *plays, u32 nr)
{
	static struct qn_sim_episode e[BATCH];
	int err;

	for (u32 i = 0; i < nr; i++)
		make_episode(&e[i], &plays[i], i);
	memset(notes, 0, BATCH * sizeof(*notes));
	err = qn_sim_run(e, nr);
	for (u32 i = 0; i < nr && !err; i++) {
		plays[i].result = e[i].result;
		plays[i].note = notes[i];
	}
	return err;
}

int ev_run(struct ev_play *plays, u32 nr)
{
	int err = 0;

	if (!notes)
		notes = mmap(NULL, BATCH * sizeof(*notes),
			     PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			     -1, 0);
	if (notes == MAP_FAILED) {
		qn_error("no memory for notes of episodes");
		exit(QN_EXIT_FAILURE);
	}
	for (u32 i = 0; i < nr && !err; i += BATCH)
		err = run_batch(plays + i, min(nr - i, (u32)BATCH));
	return err;
}
