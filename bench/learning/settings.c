// SPDX-License-Identifier: MIT
/*
 * settings.c - knobs that stay as they are: drawn by chance, tuned to a program, or by a
 * schedule that knows the future. See evidence.h.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "command/base/fail.h"
#include "command/learn/search.h"
#include "command/learn/tuned.h"
#include "evidence.h"
#include "learn/presets.h"

/* A knob is changed by so many doublings at most; so many of a setting are */
#define DOUBLINGS 5
#define CHANGED   4

/* ---- settings by chance ---- */

static struct qn_search_knob knobs[QN_TUNED_KNOBS];
static u32 nr_knobs;

static void set(struct qn_knobs *to, const struct qn_search_knob *k, size_t v)
{
	v = min(max(v, k->least), k->most);
	memcpy((char *)to + k->offset, &v, sizeof(v));
}

static void change(struct qn_knobs *to, u64 *state)
{
	u64 r = qn_random(state);
	const struct qn_search_knob *k = &knobs[r % nr_knobs];
	u32 shift = 1 + (r >> 32) % DOUBLINGS;
	size_t was = qn_search_get(k, to);

	if ((r >> 40) % 8 == 0)
		set(to, k, k->least);
	else
		set(to, k, (r >> 48) % 2 ? was << shift : was >> shift);
}

/* The preset, other prices, the presets of policies, and then by chance */
static void draw_settings(struct evidence *ev)
{
	u64 state = 1;
	u32 n = 0;

	nr_knobs = qn_tuned_knobs(knobs);
	for (u32 i = 0; i < ev->budget; i++) {
		struct qn_knobs *to = &ev->settings[i];

		*to = qn_knobs_preset;
		n = i;
		if (n < EV_NR_PRICES)
			to->price = ev_prices[n];
		else if (n < EV_NR_PRICES + QN_NR_PRESETS - 1)
			qn_preset_process(n - EV_NR_PRICES + 1,
					  &qn_knobs_preset, to);
		else
			for (u64 c = qn_random(&state) % CHANGED + 1; c; c--)
				change(to, &state);
	}
}

/* Costs of setting @i over those of the default, by item */
static int play_setting(const struct evidence *ev, u32 i, struct ev_play *plays)
{
	for (u32 n = 0; n < ev->nr_items; n++) {
		ev_play_init(&plays[n], &ev->items[n], QN_PRICE_PRESET);
		plays[n].knobs = ev->settings[i];
	}
	return ev_run(plays, ev->nr_items);
}

/* For each item the cheapest so far; sums of the programs that are learned from */
static void note_setting(struct evidence *ev, u32 i,
			 const struct ev_play *plays, double sums[EV_NR_COSTS])
{
	for (u32 n = 0; n < ev->nr_items; n++)
		for (u32 c = 0; c < EV_NR_COSTS; c++) {
			const struct qn_sim_result *base =
				&ev->players[0].results[n][EV_PRESET];
			double x =
				ev_cost(&plays[n].result, c) / ev_cost(base, c);

			if (!plays[n].item->program->is_left_out)
				sums[c] += log(x);
			if (i && x >= ev->oracle[n][c])
				continue;
			ev->oracle[n][c] = x;
			if (c == EV_PRESET)
				ev->oracle_results[n] = plays[n].result;
		}
}

/* The chosen settings, once more */
static int note_chosen(struct evidence *ev, struct ev_play *plays)
{
	int err = 0;

	for (u32 c = 0; c < EV_NR_COSTS && !err; c++) {
		err = play_setting(ev, ev->fixed[c], plays);
		for (u32 n = 0; n < ev->nr_items && !err; n++) {
			const struct qn_sim_result *base =
				&ev->players[0].results[n][EV_PRESET];

			ev->fixed_costs[n][c] =
				ev_cost(&plays[n].result, c) / ev_cost(base, c);
			if (c == EV_PRESET)
				ev->fixed_results[n] = plays[n].result;
		}
	}
	if (!err)
		err = play_setting(ev, ev->one, plays);
	for (u32 n = 0; n < ev->nr_items && !err; n++)
		ev->one_results[n] = plays[n].result;
	return err;
}

/* Over all prices */
static double sum_of(const double sums[EV_NR_COSTS])
{
	double sum = 0;

	for (u32 i = 0; i < EV_NR_PRICES; i++)
		sum += sums[i];
	return sum;
}

int ev_play_settings(struct evidence *ev)
{
	struct ev_play *plays =
		qn_xrealloc(NULL, ev->nr_items * sizeof(*plays));
	double best[EV_NR_COSTS], best_one = 0;
	int err = 0;

	draw_settings(ev);
	for (u32 i = 0; i < ev->budget && !err; i++) {
		double sums[EV_NR_COSTS] = { 0 };

		err = play_setting(ev, i, plays);
		if (err)
			break;
		note_setting(ev, i, plays, sums);
		if (!i || sum_of(sums) < best_one) {
			best_one = sum_of(sums);
			ev->one = i;
		}
		for (u32 c = 0; c < EV_NR_COSTS; c++)
			if (!i || sums[c] < best[c]) {
				best[c] = sums[c];
				ev->fixed[c] = i;
			}
	}
	if (!err)
		err = note_chosen(ev, plays);
	free(plays);
	return err;
}

/* ---- tuned to a program ---- */

/* What is learned from: the early part of a trace as it was, and with pauses */
#define NR_EARLY 2

/**
 * struct tuning - of a program
 * @items:	that it learns from
 * @base:	costs of the default
 * @sizes, @nr_sizes: classes that the rule made
 */
struct tuning {
	struct ev_item items[NR_EARLY];
	double base[NR_EARLY];
	u32 sizes[QN_NR_CLASSES];
	u32 nr_sizes;
};

static void tuned_play(const struct tuning *t, struct ev_play *p,
		       const struct ev_item *item, const struct qn_knobs *k)
{
	ev_play_init(p, item, QN_PRICE_PRESET);
	p->knobs = *k;
	p->policy = &qn_policy_fixed;
	memcpy(p->sizes, t->sizes, sizeof(p->sizes));
	p->nr_sizes = t->nr_sizes;
}

static int costs_of(void *data, const void *sets, u32 nr, double *costs)
{
	static struct ev_play plays[QN_SEARCH_BATCH * NR_EARLY];
	const struct tuning *t = data;
	const struct qn_knobs *k = sets;
	int err;

	for (u32 i = 0; i < nr * NR_EARLY; i++)
		tuned_play(t, &plays[i], &t->items[i % NR_EARLY],
			   &k[i / NR_EARLY]);
	err = ev_run(plays, nr * NR_EARLY);
	for (u32 i = 0; i < nr && !err; i++) {
		double sum = 0;

		for (u32 n = 0; n < NR_EARLY; n++) {
			const struct qn_sim_result *r =
				&plays[i * NR_EARLY + n].result;

			sum += log(ev_cost(r, EV_PRESET) / t->base[n]);
		}
		costs[i] = exp(sum / NR_EARLY);
	}
	return err;
}

static int begin_tuning(struct tuning *t, const struct evidence *ev,
			const struct ev_program *p)
{
	const struct qn_sim_trace *early = &p->early;
	struct ev_play plays[NR_EARLY];
	int err;

	memset(t, 0, sizeof(*t));
	qn_sim_mix_whole(&t->items[0].mix, early);
	/* Another mix than those that are measured, of other calls */
	qn_sim_mix_draw(&t->items[1].mix, &early, 1, EV_PARTS, ev->part,
			ev->stretch, 1001);
	for (u32 i = 0; i < NR_EARLY; i++) {
		t->items[i].program = p;
		ev_play_init(&plays[i], &t->items[i], QN_PRICE_PRESET);
	}
	err = ev_run(plays, NR_EARLY);
	if (err)
		return err;
	for (u32 i = 0; i < NR_EARLY; i++)
		t->base[i] = ev_cost(&plays[i].result, EV_PRESET);
	memcpy(t->sizes, plays[0].result.promoted, sizeof(t->sizes));
	t->nr_sizes = plays[0].result.nr_promoted;
	return 0;
}

static int tune(struct tuning *t, const struct evidence *ev,
		struct qn_knobs *found)
{
	const struct qn_search s = {
		.knobs = knobs,
		.nr = nr_knobs,
		.preset = &qn_knobs_preset,
		.bytes = sizeof(*found),
		.seed = 1,
		.tries = ev->tries,
		.cost = costs_of,
		.data = t,
	};
	double cost;

	return qn_search_run(&s, found, &cost);
}

/* On the items with pauses, which are of the late part. Told nothing of a price. */
static int measure_tuned(const struct tuning *t, const struct evidence *ev,
			 const struct ev_program *p,
			 const struct qn_knobs *found, struct ev_player *to)
{
	int err = 0;

	for (u32 n = 0; n < ev->nr_items && !err; n++) {
		struct ev_play play;

		if (ev->items[n].program != p || !ev->items[n].has_pauses)
			continue;
		tuned_play(t, &play, &ev->items[n], found);
		err = ev_run(&play, 1);
		for (u32 i = 0; i < EV_NR_PRICES; i++)
			to->results[n][i] = play.result;
	}
	return err;
}

int ev_play_tuned(struct evidence *ev, struct ev_player *to)
{
	static struct tuning t;
	struct qn_knobs found;
	int err = 0;

	nr_knobs = qn_tuned_knobs(knobs);
	for (u32 i = 0; i < ev->nr_programs && !err; i++) {
		const struct ev_program *p = &ev->programs[i];

		if (!p->is_left_out || p->is_large)
			continue;
		err = begin_tuning(&t, ev, p);
		if (!err)
			err = tune(&t, ev, &found);
		if (!err)
			err = measure_tuned(&t, ev, p, &found, to);
	}
	return err;
}

/* ---- a schedule that knows the future ---- */

/* One epoch after the other gets the preset that is cheapest to the end, then the rule's */
static int find_schedule(const struct ev_item *item, u32 price,
			 struct qn_sim_result *best)
{
	static struct ev_play plays[QN_NR_PRESETS];
	u8 schedule[EV_EPOCHS] = { 0 };
	double least = INFINITY;

	for (u32 epoch = 0; epoch < EV_EPOCHS; epoch++) {
		int err;

		for (u32 a = 0; a < QN_NR_PRESETS; a++) {
			ev_play_init(&plays[a], item, ev_prices[price]);
			plays[a].policy = ev_policy_schedule;
			memcpy(plays[a].schedule, schedule, sizeof(schedule));
			plays[a].schedule[epoch] = (u8)a;
		}
		err = ev_run(plays, QN_NR_PRESETS);
		if (err)
			return err;
		for (u8 a = 0; a < QN_NR_PRESETS; a++) {
			double cost = ev_cost(&plays[a].result, price);

			if (cost >= least)
				continue;
			least = cost;
			schedule[epoch] = a;
			*best = plays[a].result;
		}
	}
	return 0;
}

int ev_play_schedule(struct evidence *ev, struct ev_player *to)
{
	int err = 0;

	for (u32 n = 0; n < ev->nr_items && !err; n++) {
		if (!ev->items[n].program->is_left_out)
			continue;
		for (u32 i = 0; i < EV_NR_PRICES && !err; i++)
			err = find_schedule(&ev->items[n], i,
					    &to->results[n][i]);
	}
	return err;
}
