// SPDX-License-Identifier: MIT
/*
 * tables.c - what evidence prints; see evidence.h.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evidence.h"
#include "process/unit.h"

/* What is compared beside costs */
enum measure {
	PEAK,
	AVERAGE,
	FAULTS,
	CPU,
	NR_MEASURES,
};

/* A difference of less is none */
#define SAME 0.01

/* Rows of tables: the players, and three of fixed settings */
#define ONE(ev)    ((ev)->nr)
#define FIXED(ev)  ((ev)->nr + 1)
#define ORACLE(ev) ((ev)->nr + 2)
#define ROWS(ev)   ((ev)->nr + 3)

static const char *name_of(const struct evidence *ev, u32 row)
{
	return row == ONE(ev)    ? "best fixed, all J" :
	       row == FIXED(ev)  ? "best fixed, each J" :
	       row == ORACLE(ev) ? "settings oracle" :
				   ev->players[row].name;
}

static double average(const struct qn_sim_result *r)
{
	return (double)r->page_usec / (double)max(r->usec, (u64)1);
}

static double measure(const struct qn_sim_result *r, enum measure m)
{
	return m == PEAK    ? (double)r->peak :
	       m == AVERAGE ? average(r) :
	       m == FAULTS  ? (double)r->faults :
			      qn_sim_kept_ns(r);
}

/* NULL: it did not play there */
static const struct qn_sim_result *result_of(const struct evidence *ev, u32 row,
					     u32 item, u32 price)
{
	const struct qn_sim_result *r =
		row == ONE(ev)    ? &ev->one_results[item] :
		row == FIXED(ev)  ? &ev->fixed_results[item] :
		row == ORACLE(ev) ? &ev->oracle_results[item] :
				    &ev->players[row].results[item][price];

	return r->usec ? r : NULL;
}

static const struct qn_sim_result *base_of(const struct evidence *ev, u32 item)
{
	return &ev->players[0].results[item][EV_PRESET];
}

/* Over the default; NAN where it did not play. Costs come behind measures. */
static double ratio(const struct evidence *ev, u32 row, u32 item, u32 column)
{
	u32 cost = column - NR_MEASURES;
	u32 price = column >= NR_MEASURES && cost < EV_NR_PRICES ? cost :
								   EV_PRESET;
	const struct qn_sim_result *r = result_of(ev, row, item, price);

	if (!r)
		return NAN;
	if (column < NR_MEASURES)
		return measure(r, column) / measure(base_of(ev, item), column);
	if (row == FIXED(ev))
		return ev->fixed_costs[item][cost];
	if (row == ORACLE(ev))
		return ev->oracle[item][cost];
	return ev_cost(r, cost) / ev_cost(base_of(ev, item), cost);
}

static bool counts(const struct evidence *ev, u32 item, bool has_pauses)
{
	return ev->items[item].program->is_left_out &&
	       ev->items[item].has_pauses == has_pauses;
}

/* Geometric mean over the items that were left out, of a kind */
static double mean(const struct evidence *ev, u32 row, u32 column,
		   bool has_pauses)
{
	double sum = 0;
	u32 nr = 0;

	for (u32 n = 0; n < ev->nr_items; n++) {
		double x = ratio(ev, row, n, column);

		if (!counts(ev, n, has_pauses) || isnan(x))
			continue;
		sum += log(x);
		nr++;
	}
	return nr ? exp(sum / nr) : NAN;
}

/* The worst J at the three prices */
static double worst(const struct evidence *ev, u32 row, bool has_pauses)
{
	double x = 0;

	for (u32 n = 0; n < ev->nr_items; n++)
		for (u32 i = EV_HIGH; i < EV_NR_PRICES; i++)
			if (counts(ev, n, has_pauses))
				x = fmax(x, ratio(ev, row, n, NR_MEASURES + i));
	return x;
}

static void put_heading(const char *text)
{
	printf("\n%s\n\n", text);
}

static void put(double x)
{
	if (isnan(x))
		printf("%8s", "-");
	else
		printf("%8.3f", x);
}

/* ---- programs ---- */

static double mb(double pages)
{
	return pages * QN_PART_SIZE / 1e6;
}

static void put_program(const struct evidence *ev, u32 n)
{
	const struct ev_item *item = &ev->items[n];
	const struct qn_sim_result *r = base_of(ev, n);
	double live = (double)r->live_usec / (double)max(r->usec, (u64)1);

	printf("%-12s %-7s %-9s%8.1f%8.2f%9.2f%8.2f", item->program->trace.name,
	       item->has_pauses ? "pauses" : "run",
	       item->program->is_left_out ? "left out" : "learned",
	       (double)r->calls / 1000, (double)r->usec / 1e6,
	       (double)r->live_peak / 1e6,
	       mb((double)r->peak) * 1e6 / (double)max(r->live_peak, (u64)1));
	/* Between the parts of a mix nothing is in use */
	if (item->has_pauses)
		printf("%8s", "-");
	else
		printf("%8.2f", mb(average(r)) * 1e6 / fmax(live, 1));
	printf("%9.2f%9llu%8.2f%9llu\n", mb(average(r)),
	       (unsigned long long)r->faults, qn_sim_kept_ns(r) / 1e6,
	       (unsigned long long)r->refaults);
}

static void put_programs(const struct evidence *ev)
{
	put_heading(
		"Programs, and what the default takes: seconds of the trace, "
		"most MB asked for, resident over\nasked for at the peak "
		"and on average, CPU time of faults and purges by the model "
		"(ms), refaults");
	printf("%-12s %-7s %-9s%8s%8s%9s%8s%8s%9s%8s%9s\n", "program", "kind",
	       "set", "K calls", "s", "live MB", "peak", "average", "faults",
	       "CPU", "refaults");
	for (u32 n = 0; n < ev->nr_items; n++)
		put_program(ev, n);
}

/* ---- policies ---- */

static const u32 order[] = { EV_HIGH, EV_PRESET, EV_MIDDLE, EV_LOW };

static void put_columns(const char *first, int width)
{
	printf("%-*s%8s%8s%8s%8s |", width, first, "peak", "average", "faults",
	       "CPU");
	for (u32 i = 0; i < EV_NR_PRICES; i++)
		printf("%8g", (double)ev_prices[order[i]] / 1000);
	printf(" |");
	for (u32 i = 0; i < EV_NR_WEIGHTS; i++)
		printf("   w %.1f", ev_weights[i]);
}

/* The columns of a row, by a function of the column */
static void put_row(const struct evidence *ev, u32 row, u32 item, bool is_mean,
		    bool has_pauses)
{
	u32 columns[NR_MEASURES + EV_NR_COSTS];

	for (u32 i = 0; i < NR_MEASURES + EV_NR_COSTS; i++)
		columns[i] = i;
	for (u32 i = 0; i < EV_NR_PRICES; i++)
		columns[NR_MEASURES + i] = NR_MEASURES + order[i];
	for (u32 i = 0; i < NR_MEASURES + EV_NR_COSTS; i++) {
		if (i == NR_MEASURES || i == NR_MEASURES + EV_NR_PRICES)
			printf(" |");
		put(is_mean ? mean(ev, row, columns[i], has_pauses) :
			      ratio(ev, row, item, columns[i]));
	}
}

static void put_policies(const struct evidence *ev, bool has_pauses)
{
	put_columns("policy", 20);
	printf("   worst\n");
	for (u32 row = 0; row < ROWS(ev); row++) {
		if (isnan(mean(ev, row, PEAK, has_pauses)))
			continue;
		printf("%-20s", name_of(ev, row));
		put_row(ev, row, 0, true, has_pauses);
		put(worst(ev, row, has_pauses));
		printf("\n");
	}
}

static void put_each(const struct evidence *ev)
{
	put_heading("Each program that was left out, over the default");
	put_columns("program      kind    policy", 41);
	printf("\n");
	for (u32 n = 0; n < ev->nr_items; n++)
		for (u32 row = 1; row < ROWS(ev); row++) {
			if (!counts(ev, n, ev->items[n].has_pauses) ||
			    !result_of(ev, row, n, EV_PRESET))
				continue;
			printf("%-12s %-7s %-20s",
			       ev->items[n].program->trace.name,
			       ev->items[n].has_pauses ? "pauses" : "run",
			       name_of(ev, row));
			put_row(ev, row, n, false, false);
			printf("\n");
		}
}

/* ---- fixed settings ---- */

#define KNOB(name, unit, preset, least, most, help) \
	{ #name, offsetof(struct qn_knobs, name) },

static const struct {
	const char *name;
	size_t offset;
} rows[] = { QN_KNOBS(KNOB) };

#undef KNOB

static size_t value_of(const struct qn_knobs *k, u32 row)
{
	return *(const size_t *)(const void *)((const char *)k +
					       rows[row].offset);
}

static void put_setting(const struct qn_knobs *k)
{
	bool is_any = false;

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
		if (value_of(k, i) == value_of(&qn_knobs_preset, i))
			continue;
		printf("%s %s:%zu", is_any ? "," : "", rows[i].name,
		       value_of(k, i));
		is_any = true;
	}
	printf("%s\n", is_any ? "" : " the default");
}

static void put_fixed(const struct evidence *ev)
{
	printf("\nThe cheapest of %u settings on the programs that are learned "
	       "from\n\n",
	       ev->budget);
	printf("all prices  ");
	put_setting(&ev->settings[ev->one]);
	for (u32 i = 0; i < EV_NR_COSTS; i++) {
		u32 cost = i < EV_NR_PRICES ? order[i] : i;

		if (cost < EV_NR_PRICES)
			printf("price %-6g", (double)ev_prices[cost] / 1000);
		else
			printf("w %-10g", ev_weights[cost - EV_NR_PRICES]);
		put_setting(&ev->settings[ev->fixed[cost]]);
	}
}

/* ---- decisions ---- */

/**
 * struct decided - what a policy that chooses did, on items that were left out
 * @note:	sums
 * @ratio:	geometric mean of J over that of the rule at the same price
 * @where:	the same of episodes in which it departed from the rule
 * @better, @worse, @same: episodes by J over that of the rule
 */
struct decided {
	struct ev_note note;
	double ratio, where;
	u32 better, worse, same;
};

static void add_note(struct ev_note *to, const struct ev_note *n)
{
	to->nr_choices += n->nr_choices;
	to->nr_departed += n->nr_departed;
	to->nr_changes += n->nr_changes;
	to->nr_reverts += n->nr_reverts;
}

static double over_rule(const struct evidence *ev, u32 row, u32 item, u32 price)
{
	/* Player 1 is the rule that is told the price */
	return ev_cost(&ev->players[row].results[item][price], price) /
	       ev_cost(&ev->players[1].results[item][price], price);
}

static void decisions_of(const struct evidence *ev, u32 row, struct decided *d)
{
	u32 nr = 0, nr_where = 0;

	memset(d, 0, sizeof(*d));
	for (u32 k = 0; k < ev->nr_items * EV_NR_PRICES; k++) {
		u32 n = k / EV_NR_PRICES, i = k % EV_NR_PRICES;
		const struct ev_player *p = &ev->players[row];
		double x;

		if (!ev->items[n].program->is_left_out)
			continue;
		x = over_rule(ev, row, n, i);
		add_note(&d->note, &p->notes[n][i]);
		d->ratio += log(x);
		nr++;
		if (p->notes[n][i].nr_departed) {
			d->where += log(x);
			nr_where++;
		}
		d->better += x < 1 - SAME;
		d->worse += x > 1 + SAME;
	}
	d->same = nr - d->better - d->worse;
	d->ratio = nr ? exp(d->ratio / nr) : NAN;
	d->where = nr_where ? exp(d->where / nr_where) : NAN;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* At a share of a sorted list, between its elements */
static double quantile(const double *list, u32 nr, double share)
{
	double at = share * (nr - 1);
	u32 i = (u32)at;

	if (i + 1 >= nr)
		return list[nr - 1];
	return list[i] + (at - i) * (list[i + 1] - list[i]);
}

static void put_decided(const struct evidence *ev, u32 row,
			const struct decided *d)
{
	u32 nr = max(d->note.nr_choices, 1u);

	printf("%-20s%9u%9.1f%%%9u%9u", name_of(ev, row), d->note.nr_choices,
	       100.0 * d->note.nr_departed / nr, d->note.nr_changes,
	       d->note.nr_reverts);
	put(d->ratio);
	printf("  ");
	put(d->where);
	printf("%8u%8u%8u\n", d->better, d->same, d->worse);
}

/* ---- seeds ---- */

/**
 * struct standing - J over that of the rule at the same price, of items left out
 * @all, @by_price: geometric means
 * @program, @name: the highest mean of a program, and which that is
 * @episode:	the highest of an item at a price
 */
struct standing {
	double all, by_price[EV_NR_PRICES];
	double program, episode;
	const char *name;
};

static void standing_of(const struct evidence *ev, u32 row, struct standing *s)
{
	const struct ev_program *of = NULL;
	double sum = 0;
	u32 nr = 0, all = 0;

	memset(s, 0, sizeof(*s));
	/* Items of a program follow one another */
	for (u32 n = 0; n <= ev->nr_items; n++) {
		const struct ev_program *p =
			n < ev->nr_items ? ev->items[n].program : NULL;

		if (p != of) {
			if (nr && exp(sum / nr) > s->program) {
				s->program = exp(sum / nr);
				s->name = of->trace.name;
			}
			of = p;
			sum = nr = 0;
		}
		if (!p || !p->is_left_out || !result_of(ev, row, n, EV_LOW))
			continue;
		for (u32 i = 0; i < EV_NR_PRICES; i++) {
			double x = over_rule(ev, row, n, i);

			sum += log(x);
			nr++;
			s->by_price[i] += log(x);
			s->episode = fmax(s->episode, x);
		}
		all++;
	}
	for (u32 i = 0; i < EV_NR_PRICES; i++) {
		s->all += s->by_price[i] / (all * EV_NR_PRICES);
		s->by_price[i] = exp(s->by_price[i] / all);
	}
	s->all = exp(s->all);
}

static void put_standings(const struct evidence *ev)
{
	put_heading("J over that of the rule at the same price: geometric "
		    "means over programs left out, the highest mean\nof a "
		    "program, the highest of an episode");
	printf("%-20s%8s |%8s%8s%8s%8s |%8s %-14s%9s\n", "policy", "all", "7.5",
	       "2", "0.75", "0.075", "highest", "program", "episode");
	for (u32 row = 2; row < ev->nr; row++) {
		struct standing s;

		standing_of(ev, row, &s);
		if (!s.name)
			continue;
		printf("%-20s", name_of(ev, row));
		put(s.all);
		printf(" |");
		for (u32 i = 0; i < EV_NR_PRICES; i++)
			put(s.by_price[order[i]]);
		printf(" |");
		put(s.program);
		printf(" %-14s", s.name);
		put(s.episode);
		printf("\n");
	}
}

static void put_spread(double *ratios, u32 nr, const char *how)
{
	qsort(ratios, nr, sizeof(*ratios), by_size);
	printf("dqn %s, %u weights: J %.3f (median), %.3f and %.3f "
	       "(quartiles)\n",
	       how, nr, quantile(ratios, nr, 0.5), quantile(ratios, nr, 0.25),
	       quantile(ratios, nr, 0.75));
}

bool ev_is_ablation(const char *name)
{
	return !strncmp(name, "no-", 3);
}

static void put_decisions(const struct evidence *ev)
{
	double ratios[2][EV_MOST_WEIGHTS];
	u32 nr[2] = { 0 };

	put_heading(
		"Decisions at four prices: J over that of the rule at the "
		"same price, in all episodes and in those with\na departure "
		"from the rule; episodes with J lower, within 1 %, higher");
	printf("%-20s%9s%10s%9s%9s%8s%10s%8s%8s%8s\n", "policy", "choices",
	       "departed", "changes", "reverts", "J", "departed", "lower",
	       "same", "higher");
	for (u32 row = 0; row < ev->nr; row++) {
		const struct ev_player *p = &ev->players[row];
		struct decided d;

		if (!p->has_choices)
			continue;
		decisions_of(ev, row, &d);
		put_decided(ev, row, &d);
		if (p->net && !ev_is_ablation(p->name))
			ratios[p->is_alone][nr[p->is_alone]++] = d.ratio;
	}
	printf("\n");
	if (!ev->nr_nets) {
		printf("dqn: no weights, left out\n");
		return;
	}
	put_spread(ratios[false], nr[false], "within the rails");
	put_spread(ratios[true], nr[true], "without rails");
}

void ev_print_seeds(const struct evidence *ev)
{
	put_standings(ev);
	put_decisions(ev);
}

/* ---- several processes ---- */

/* Processes of a group, and their limit: of what they take without one, in sixteenths */
#define GROUP            6
#define LIMIT_SIXTEENTHS 12

/**
 * struct way - how a group is run
 */
struct way {
	const char *name;
	const char *settings;
	bool is_limited;
	bool is_deaf;
};

static const struct way ways[] = {
	{ "no limit", NULL, false, true },
	{ "default, told nothing", NULL, true, true },
	{ "default, told", NULL, true, false },
	{ "price 7.5, told nothing", "price:7.5", true, true },
	{ "price 7.5, told", "price:7.5", true, false },
	{ "price 0.75, told", "price:0.75", true, false },
	{ "bandit, told", "policy:bandit", true, false },
};

/* Item number @i of those with pauses that were left out, round and round */
static const struct ev_item *paused(const struct evidence *ev, u32 i)
{
	u32 nr = 0;

	for (u32 n = 0; n < ev->nr_items; n++)
		nr += counts(ev, n, true);
	i %= max(nr, 1u);
	for (u32 n = 0; n < ev->nr_items; n++)
		if (counts(ev, n, true) && !i--)
			return &ev->items[n];
	return &ev->items[0];
}

static void fill_group(const struct evidence *ev, struct qn_sim_episode *e,
		       u32 group)
{
	qn_sim_episode_init(e);
	e->nr = GROUP;
	for (u32 i = 0; i < GROUP; i++)
		e->mixes[i] = paused(ev, group + i)->mix;
}

static int play_way(const struct evidence *ev, const struct way *way,
		    u64 limits[], struct qn_sim_result *sum)
{
	static struct qn_sim_episode e;

	memset(sum, 0, sizeof(*sum));
	for (u32 g = 0; g < ev->groups; g++) {
		int err;

		fill_group(ev, &e, g);
		e.settings = way->settings;
		e.policy = way->settings ? NULL : e.policy;
		e.is_deaf = way->is_deaf;
		e.limit = way->is_limited ? limits[g] : 0;
		err = qn_sim_run(&e, 1);
		if (err)
			return err;
		if (!way->is_limited)
			limits[g] = e.result.peak * LIMIT_SIXTEENTHS / 16;
		sum->refaults += e.result.refaults;
		sum->faults += e.result.faults;
		sum->purges += e.result.purges;
		sum->purged += e.result.purged;
		sum->peak += e.result.peak;
		sum->page_usec += e.result.page_usec;
		sum->over_usec += e.result.over_usec;
	}
	return 0;
}

int ev_print_groups(struct evidence *ev)
{
	u64 limits[64];
	int err = 0;

	ev->groups = min(ev->groups, (u32)ARRAY_SIZE(limits));
	printf("\n%u groups of %u processes under one limit, %d/16 of their peak "
	       "without one; sums. Beyond it each process\nreturns all of its "
	       "dirty memory. Some are told of the pressure before, from 3/4 of "
	       "the limit on\n\n",
	       ev->groups, GROUP, LIMIT_SIXTEENTHS);
	printf("%-24s%10s%10s%9s%9s%9s%12s\n", "processes", "refaults",
	       "faults", "CPU ms", "peak MB", "GB s", "beyond MB s");
	for (u32 i = 0; i < ARRAY_SIZE(ways) && !err; i++) {
		struct qn_sim_result r;

		err = play_way(ev, &ways[i], limits, &r);
		if (err)
			break;
		printf("%-24s%10llu%10llu%9.1f%9.1f%9.3f%12.2f\n", ways[i].name,
		       (unsigned long long)r.refaults,
		       (unsigned long long)r.faults, qn_sim_kept_ns(&r) / 1e6,
		       mb((double)r.peak), mb((double)r.page_usec) / 1e9,
		       mb((double)r.over_usec) / 1e6);
	}
	return err;
}

/* ---- all ---- */

/* A line for each policy: J at three prices, on items with pauses */
static void write_bars(const struct evidence *ev)
{
	char path[4096];
	FILE *out;

	if (!ev->data)
		return;
	snprintf(path, sizeof(path), "%s/bars", ev->data);
	out = fopen(path, "w");
	if (!out)
		return;
	for (u32 row = 0; row < ROWS(ev); row++)
		if (!isnan(mean(ev, row, PEAK, true)))
			fprintf(out, "\"%s\" %.4f %.4f %.4f\n",
				name_of(ev, row),
				mean(ev, row, NR_MEASURES + EV_HIGH, true),
				mean(ev, row, NR_MEASURES + EV_MIDDLE, true),
				mean(ev, row, NR_MEASURES + EV_LOW, true));
	fclose(out);
}

void ev_print(const struct evidence *ev)
{
	printf("Policies on recorded programs, by simulation: %u settings, %u "
	       "calls of a trace, %u mixes of %d parts of\n%u calls, up to %u "
	       "times as slow, with pauses of 0.05 to 3 s. Each run prints the "
	       "same.\n",
	       ev->budget, ev->events, ev->nr_mixes, EV_PARTS, ev->part,
	       ev->stretch);
	put_programs(ev);
	put_heading(
		"Programs left out, with pauses: geometric means over the "
		"default. CPU is of faults and purges; J at\nprices, with the "
		"price told; J = M^w T^(1-w); the worst J of a program at "
		"7.5, 0.75 and 0.075");
	put_policies(ev, true);
	put_heading("The same as recorded, without pauses");
	put_policies(ev, false);
	printf("\nOracles know the program: the cheapest setting for each item "
	       "and cost, and the cheapest preset for each of\n%d epochs by "
	       "greedy search. On programs with tens of megabytes, settings "
	       "are the %u that are cheapest on\nthe programs that are learned "
	       "from, by some cost, and epochs are %d. Measures but J and all "
	       "of w are at price\n%g. Tuned is told no price.\n",
	       EV_EPOCHS, ev->nr_promising, EV_EPOCHS / EV_LARGE_EPOCHS,
	       (double)QN_PRICE_PRESET / 1000);
	put_fixed(ev);
	put_standings(ev);
	put_decisions(ev);
	put_each(ev);
	write_bars(ev);
}
