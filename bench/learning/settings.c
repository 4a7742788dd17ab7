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
/* Large programs are played with so many of the cheapest by each cost */
#define PROMISING 6

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

/**
 * struct trial - all settings on all items
 * @ev:		whose
 * @results:	by setting and item; usec 0: it did not play there
 * @sums:	by setting, of the programs that are learned from: logarithms of costs over
 *		those of the default
 */
struct trial {
	struct evidence *ev;
	struct qn_sim_result *results;
	double (*sums)[EV_NR_COSTS];
};

static struct qn_sim_result *result_of(const struct trial *t, u32 setting,
				       u32 item)
{
	return &t->results[(size_t)setting * t->ev->nr_items + item];
}

/* Over that of the default */
static double cost_of(const struct trial *t, u32 setting, u32 item, u32 cost)
{
	const struct qn_sim_result *base =
		&t->ev->players[0].results[item][EV_PRESET];

	return ev_cost(result_of(t, setting, item), cost) / ev_cost(base, cost);
}

/* All items of large programs, or of all others */
static int play_setting(const struct trial *t, u32 setting, bool is_large)
{
	const struct evidence *ev = t->ev;
	struct ev_play *plays =
		qn_xrealloc(NULL, ev->nr_items * sizeof(*plays));
	u32 nr = 0;
	int err;

	for (u32 n = 0; n < ev->nr_items; n++) {
		if (ev->items[n].program->is_large != is_large)
			continue;
		ev_play_init(&plays[nr], &ev->items[n], QN_PRICE_PRESET);
		plays[nr++].knobs = ev->settings[setting];
	}
	err = ev_run(plays, nr);
	for (u32 i = 0; i < nr && !err; i++)
		*result_of(t, setting, (u32)(plays[i].item - ev->items)) =
			plays[i].result;
	free(plays);
	return err;
}

static void add_up(const struct trial *t, u32 setting)
{
	for (u32 n = 0; n < t->ev->nr_items; n++)
		for (u32 c = 0; c < EV_NR_COSTS; c++)
			if (!t->ev->items[n].program->is_left_out)
				t->sums[setting][c] +=
					log(cost_of(t, setting, n, c));
}

/* Over all prices */
static double sum_of(const double sums[EV_NR_COSTS])
{
	double sum = 0;

	for (u32 i = 0; i < EV_NR_PRICES; i++)
		sum += sums[i];
	return sum;
}

static void choose(const struct trial *t)
{
	struct evidence *ev = t->ev;

	for (u32 i = 0; i < ev->budget; i++) {
		if (sum_of(t->sums[i]) < sum_of(t->sums[ev->one]))
			ev->one = i;
		for (u32 c = 0; c < EV_NR_COSTS; c++)
			if (t->sums[i][c] < t->sums[ev->fixed[c]][c])
				ev->fixed[c] = i;
	}
}

/* Is it among the PROMISING cheapest by some cost, on programs that are learned from? */
static bool is_promising(const struct trial *t, u32 setting)
{
	for (u32 c = 0; c < EV_NR_COSTS; c++) {
		u32 nr_better = 0;

		for (u32 i = 0; i < t->ev->budget; i++)
			nr_better += t->sums[i][c] < t->sums[setting][c];
		if (nr_better < PROMISING)
			return true;
	}
	return setting == t->ev->one;
}

/* For each item and cost the cheapest setting that played it */
static void note_oracle(const struct trial *t, u32 item)
{
	struct evidence *ev = t->ev;

	for (u32 c = 0; c < EV_NR_COSTS; c++) {
		double least = INFINITY;

		for (u32 i = 0; i < ev->budget; i++) {
			const struct qn_sim_result *r = result_of(t, i, item);

			if (!r->usec || cost_of(t, i, item, c) >= least)
				continue;
			least = cost_of(t, i, item, c);
			ev->oracle[item][c] = least;
			if (c == EV_PRESET)
				ev->oracle_results[item] = *r;
		}
	}
}

static void note_chosen(const struct trial *t, u32 item)
{
	struct evidence *ev = t->ev;

	for (u32 c = 0; c < EV_NR_COSTS; c++)
		ev->fixed_costs[item][c] = cost_of(t, ev->fixed[c], item, c);
	ev->fixed_results[item] = *result_of(t, ev->fixed[EV_PRESET], item);
	ev->one_results[item] = *result_of(t, ev->one, item);
}

/* Large programs take most of the time, and choose nothing */
static int play_all(const struct trial *t)
{
	struct evidence *ev = t->ev;
	int err = 0;

	for (u32 i = 0; i < ev->budget && !err; i++) {
		err = play_setting(t, i, false);
		if (!err)
			add_up(t, i);
	}
	if (err)
		return err;
	choose(t);
	for (u32 i = 0; i < ev->budget && !err; i++) {
		if (!is_promising(t, i))
			continue;
		ev->nr_promising++;
		err = play_setting(t, i, true);
	}
	return err;
}

int ev_play_settings(struct evidence *ev)
{
	struct trial t = { .ev = ev };
	size_t nr = (size_t)ev->budget * ev->nr_items;
	int err;

	t.results = qn_xrealloc(NULL, nr * sizeof(*t.results));
	memset(t.results, 0, nr * sizeof(*t.results));
	t.sums = qn_xrealloc(NULL, ev->budget * sizeof(*t.sums));
	memset(t.sums, 0, ev->budget * sizeof(*t.sums));
	draw_settings(ev);
	err = play_all(&t);
	for (u32 n = 0; n < ev->nr_items && !err; n++) {
		note_oracle(&t, n);
		note_chosen(&t, n);
	}
	free(t.results);
	free(t.sums);
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

/**
 * struct search - of the schedule of an item at a price
 * @schedule, @least: the best so far, and what it costs
 * @best:	what came of it
 */
struct search {
	u8 schedule[EV_EPOCHS];
	double least;
	struct qn_sim_result best;
};

/* Epochs [@from, @to) get preset @a, those before what was best */
static void init_try(const struct search *s, struct ev_play *p,
		     const struct ev_item *item, u32 price, u32 from, u32 to,
		     u32 a)
{
	ev_play_init(p, item, ev_prices[price]);
	p->policy = ev_policy_schedule;
	memcpy(p->schedule, s->schedule, sizeof(p->schedule));
	memset(p->schedule + from, (int)a, to - from);
}

static void note_try(struct search *s, const struct ev_play *p, u32 price)
{
	double cost = ev_cost(&p->result, price);

	if (cost >= s->least)
		return;
	s->least = cost;
	memcpy(s->schedule, p->schedule, sizeof(s->schedule));
	s->best = p->result;
}

/* At all prices at once. The rule's preset was tried with the epochs before, but at first. */
static int try_epochs(struct search searches[EV_NR_PRICES],
		      const struct ev_item *item, u32 from, u32 to)
{
	static struct ev_play plays[EV_NR_PRICES * QN_NR_PRESETS];
	u32 first = from ? 1 : 0, nr = 0, at = 0;
	int err;

	for (u32 i = 0; i < EV_NR_PRICES; i++)
		for (u32 a = first; a < QN_NR_PRESETS; a++)
			init_try(&searches[i], &plays[nr++], item, i, from, to,
				 a);
	err = ev_run(plays, nr);
	for (u32 i = 0; i < EV_NR_PRICES && !err; i++)
		for (u32 a = first; a < QN_NR_PRESETS; a++)
			note_try(&searches[i], &plays[at++], i);
	return err;
}

/* One epoch after the other gets the preset that is cheapest to the end, then the rule's */
static int find_schedule(const struct ev_item *item,
			 struct qn_sim_result results[EV_NR_PRICES])
{
	u32 step = item->program->is_large ? EV_LARGE_EPOCHS : 1;
	struct search searches[EV_NR_PRICES];
	int err = 0;

	for (u32 i = 0; i < EV_NR_PRICES; i++)
		searches[i] = (struct search){ .least = INFINITY };
	for (u32 from = 0; from < EV_EPOCHS && !err; from += step)
		err = try_epochs(searches, item, from, from + step);
	for (u32 i = 0; i < EV_NR_PRICES && !err; i++)
		results[i] = searches[i].best;
	return err;
}

int ev_play_schedule(struct evidence *ev, struct ev_player *to)
{
	int err = 0;

	for (u32 n = 0; n < ev->nr_items && !err; n++)
		if (ev->items[n].program->is_left_out)
			err = find_schedule(&ev->items[n], to->results[n]);
	return err;
}
