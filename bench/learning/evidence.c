// SPDX-License-Identifier: MIT
/*
 * evidence.c - bench/learning/evidence: policies compared on recorded programs.
 *
 *	evidence [KEY=NUMBER]... [data=FOLDER] [weights=FILE]... [learned=TRACE]...
 *		 left-out=TRACE...
 *
 * Keys are budget (settings that are tried), events and part (calls of a trace, and of a
 * part of a mix), stretch (a part takes up to so many times as long), mixes (with pauses, of
 * a program that is left out), tries (settings of policy tuned), groups (of processes under
 * one limit). Of the programs that are left out
 * nothing is learned but what the row says. See evidence.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/base/fail.h"
#include "command/learn/paper.h"
#include "evidence.h"
#include "learn/presets.h"
#include "learn/weights-paper.h"
#include "weights-file.h"

/* Tuning learns from so many calls in ten; items with pauses are of the others */
#define EARLY_TENTHS 7

/* ---- arguments ---- */

static bool read_number(struct evidence *ev, const char *key, const char *value)
{
	const struct {
		const char *key;
		u32 *to;
	} rows[] = {
		{ "budget", &ev->budget },
		{ "events", &ev->events },
		{ "part", &ev->part },
		{ "mixes", &ev->nr_mixes },
		{ "tries", &ev->tries },
		{ "groups", &ev->groups },
		{ "stretch", &ev->stretch },
		{ "large-events", &ev->large_events },
		{ "large-part", &ev->large_part },
		{ "seeds-only", &ev->seeds_only },
	};

	if (!*value || value[strspn(value, "0123456789")])
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!strcmp(key, rows[i].key)) {
			*rows[i].to = (u32)strtoul(value, NULL, 10);
			return true;
		}
	return false;
}

static int add_program(struct evidence *ev, const char *path, bool is_left_out,
		       bool is_large)
{
	struct ev_program *p;

	QN_GROW(ev->programs, ev->nr_programs);
	p = &ev->programs[ev->nr_programs];
	memset(p, 0, sizeof(*p));
	p->is_left_out = is_left_out;
	p->is_large = is_large;
	ev->nr_programs++;
	return qn_sim_load(&p->trace, path,
			   is_large ? ev->large_events : ev->events);
}

static int add_weights(struct evidence *ev, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	/* Those that quern has, or a file of make bench-seeds */
	ev->net_names[ev->nr_nets] = strncmp(name, "weights", 7) ? name : "dqn";
	return ev_read_weights(path, &ev->nets[ev->nr_nets++]);
}

static int read_word(struct evidence *ev, char *word)
{
	char *value = strchr(word, '=');

	if (!value)
		return -EINVAL;
	*value++ = '\0';
	if (!strcmp(word, "learned"))
		return add_program(ev, value, false, false);
	if (!strcmp(word, "left-out"))
		return add_program(ev, value, true, false);
	if (!strcmp(word, "large"))
		return add_program(ev, value, true, true);
	if (!strcmp(word, "data"))
		ev->data = value;
	else if (!strcmp(word, "weights") && ev->nr_nets < EV_MOST_WEIGHTS)
		return add_weights(ev, value);
	else if (!read_number(ev, word, value))
		return -EINVAL;
	return 0;
}

/* ---- items ---- */

static void cut(struct ev_program *p)
{
	u64 from = p->trace.nr * EARLY_TENTHS / 10;

	/* Large ones need what they built before */
	if (p->is_large)
		from = 0;
	p->early = p->trace;
	p->early.nr = from;
	p->late = p->trace;
	p->late.ops += from;
	p->late.nr -= from;
}

static void add_item(struct evidence *ev, struct ev_program *p, u32 mix)
{
	const struct qn_sim_trace *late = &p->late;
	struct ev_item *item;

	QN_GROW(ev->items, ev->nr_items);
	item = &ev->items[ev->nr_items++];
	memset(item, 0, sizeof(*item));
	item->program = p;
	item->has_pauses = mix > 0;
	if (mix && p->is_large)
		qn_sim_mix_draw(&item->mix, &late, 1, EV_LARGE_PARTS,
				ev->large_part, EV_LARGE_STRETCH, mix);
	else if (mix)
		qn_sim_mix_draw(&item->mix, &late, 1, EV_PARTS, ev->part,
				ev->stretch, mix);
	else
		qn_sim_mix_whole(&item->mix, &p->trace);
}

/* Of those that are learned from one mix is enough */
static void make_items(struct evidence *ev)
{
	for (u32 i = 0; i < ev->nr_programs; i++) {
		struct ev_program *p = &ev->programs[i];
		u32 nr = p->is_left_out ? ev->nr_mixes : 1;

		cut(p);
		for (u32 mix = 0; mix <= nr; mix++)
			add_item(ev, p, mix);
	}
}

static void *zeroed(size_t nr, size_t size)
{
	void *p = calloc(max(nr, (size_t)1), size);

	if (p)
		return p;
	qn_error("no memory for results");
	exit(QN_EXIT_FAILURE);
}

static void make_room(struct evidence *ev)
{
	ev->settings = zeroed(ev->budget, sizeof(*ev->settings));
	ev->fixed_costs = zeroed(ev->nr_items, sizeof(*ev->fixed_costs));
	ev->oracle = zeroed(ev->nr_items, sizeof(*ev->oracle));
	ev->fixed_results = zeroed(ev->nr_items, sizeof(*ev->fixed_results));
	ev->oracle_results = zeroed(ev->nr_items, sizeof(*ev->oracle_results));
	ev->one_results = zeroed(ev->nr_items, sizeof(*ev->one_results));
}

/* ---- players ---- */

static struct ev_player *add_player(struct evidence *ev, const char *name)
{
	struct ev_player *p = &ev->players[ev->nr++];

	snprintf(p->name, sizeof(p->name), "%s", name);
	p->results = zeroed(ev->nr_items, sizeof(*p->results));
	p->notes = zeroed(ev->nr_items, sizeof(*p->notes));
	return p;
}

static int play_default(struct evidence *ev)
{
	struct ev_player *to = add_player(ev, "default");
	struct ev_play *plays = zeroed(ev->nr_items, sizeof(*plays));
	int err;

	for (u32 n = 0; n < ev->nr_items; n++)
		ev_play_init(&plays[n], &ev->items[n], QN_PRICE_PRESET);
	err = ev_run(plays, ev->nr_items);
	for (u32 n = 0; n < ev->nr_items; n++)
		for (u32 i = 0; i < EV_NR_PRICES; i++)
			to->results[n][i] = plays[n].result;
	free(plays);
	return err;
}

static void init_play(const struct evidence *ev, const struct ev_player *to,
		      struct ev_play *p, u32 n, u32 price)
{
	ev_play_init(p, &ev->items[n], ev_prices[price]);
	p->net = to->net;
	memset(p->schedule, (int)to->preset, sizeof(p->schedule));
}

/* Each item that was left out, at each price */
static int play_policy(struct evidence *ev, struct ev_player *to,
		       const char *settings, const struct qn_policy *policy)
{
	u32 all = ev->nr_items * EV_NR_PRICES, nr = 0;
	struct ev_play *plays = zeroed(all, sizeof(*plays));
	int err;

	for (u32 k = 0; k < all; k++) {
		u32 n = k / EV_NR_PRICES;

		if (!ev->items[n].program->is_left_out)
			continue;
		init_play(ev, to, &plays[nr], n, k % EV_NR_PRICES);
		plays[nr].settings = settings;
		plays[nr++].policy = policy;
	}
	err = ev_run(plays, nr);
	for (u32 i = 0; i < nr; i++) {
		u32 n = (u32)(plays[i].item - ev->items);

		to->results[n][i % EV_NR_PRICES] = plays[i].result;
		to->notes[n][i % EV_NR_PRICES] = plays[i].note;
	}
	free(plays);
	return err;
}

static int play_paper_once(struct qn_paper *paper, const struct ev_item *item,
			   u64 price, struct qn_sim_result *result)
{
	static struct qn_sim_episode e;
	int err;

	qn_sim_episode_init(&e);
	e.mixes[0] = item->mix;
	e.knobs.price = price;
	err = qn_paper_run(paper, &e);
	if (result)
		*result = e.result;
	return err;
}

/*
 * Nothing holds it back: it has no rails, and learns on while it plays. It begins with the
 * weights of lib/learn, or with random ones: then all that it knows it learns in the item.
 */
static int play_paper(struct evidence *ev, struct ev_player *to,
		      bool is_trained)
{
	struct qn_paper paper = { .seed = 1, .is_begun = is_trained };
	int err = 0;

	memcpy(paper.weights, qn_weights_paper, sizeof(paper.weights));
	for (u32 n = 0; n < ev->nr_items && !err; n++)
		for (u32 i = 0; i < EV_NR_PRICES && !err; i++) {
			struct qn_paper copy = paper;

			if (ev->items[n].program->is_left_out)
				err = play_paper_once(&copy, &ev->items[n],
						      ev_prices[i],
						      &to->results[n][i]);
		}
	return err;
}

static int play_net(struct evidence *ev, u32 i, bool is_alone)
{
	struct ev_player *p;
	char name[32];

	snprintf(name, sizeof(name), "%.16s%s", ev->net_names[i],
		 is_alone ? ", no rails" : "");
	p = add_player(ev, name);
	p->net = &ev->nets[i];
	p->has_choices = true;
	p->is_alone = is_alone;
	return play_policy(ev, p, NULL,
			   is_alone ? ev_policy_alone : ev_policy_dqn);
}

static int play_nets(struct evidence *ev)
{
	int err = 0;

	for (u32 i = 0; i < 2 * ev->nr_nets && !err; i++) {
		u32 n = i % ev->nr_nets;
		bool is_alone = i >= ev->nr_nets;

		/* What inputs are worth is seen best without rails */
		if (is_alone || !ev_is_ablation(ev->net_names[n]))
			err = play_net(ev, n, is_alone);
	}
	return err;
}

/* Each preset but the rule's, all the time */
static int play_presets(struct evidence *ev)
{
	int err = 0;

	for (u32 i = 1; i < QN_NR_PRESETS && !err; i++) {
		char name[32];
		struct ev_player *p;

		snprintf(name, sizeof(name), "always %s", qn_preset_names[i]);
		p = add_player(ev, name);
		p->preset = i;
		err = play_policy(ev, p, NULL, ev_policy_schedule);
	}
	return err;
}

static int play_bandit(struct evidence *ev)
{
	struct ev_player *p = add_player(ev, "bandit");

	p->has_choices = true;
	return play_policy(ev, p, "policy:bandit", NULL);
}

static int play_papers(struct evidence *ev)
{
	int err = play_paper(ev, add_player(ev, "paper-dqn"), true);

	if (!err)
		err = play_paper(ev, add_player(ev, "paper-dqn, untrained"),
				 false);
	return err;
}

static int play_all(struct evidence *ev)
{
	int err = play_default(ev);

	if (!err)
		err = play_policy(ev, add_player(ev, "rule, price told"), NULL,
				  NULL);
	if (!err)
		err = play_bandit(ev);
	if (!err)
		err = play_nets(ev);
	if (err || ev->seeds_only)
		return err;
	err = play_papers(ev);
	if (!err)
		err = play_presets(ev);
	if (!err)
		err = ev_play_tuned(ev, add_player(ev, "tuned"));
	if (!err)
		err = ev_play_schedule(ev, add_player(ev, "schedule oracle"));
	if (!err)
		err = ev_play_settings(ev);
	return err;
}

/* ---- plots ---- */

/* Of the items with pauses that were left out, the one that takes most memory */
static const struct ev_item *largest(const struct evidence *ev)
{
	u32 best = 0;
	u64 most = 0;

	for (u32 n = 0; n < ev->nr_items; n++) {
		u64 peak = ev->players[0].results[n][EV_PRESET].peak;

		if (!ev->items[n].has_pauses || peak < most ||
		    !ev->items[n].program->is_left_out)
			continue;
		most = peak;
		best = n;
	}
	return &ev->items[best];
}

/* Under the rule, bandit and dqn, told the same price */
static int write_courses(struct evidence *ev)
{
	static const char *const names[] = { "rule", "bandit", "dqn" };
	static struct ev_play plays[ARRAY_SIZE(names)];
	u32 nr = ev->nr_nets ? 3 : 2;
	int err;

	if (!ev->data)
		return 0;
	for (u32 i = 0; i < nr; i++) {
		ev_play_init(&plays[i], largest(ev), ev_prices[EV_MIDDLE]);
		plays[i].watch = qn_xprintf("%s/course-%s", ev->data, names[i]);
	}
	plays[1].settings = "policy:bandit";
	if (nr == 3) {
		plays[2].policy = ev_policy_dqn;
		plays[2].net = &ev->nets[0];
	}
	err = ev_run(plays, nr);
	for (u32 i = 0; i < nr; i++)
		free(plays[i].watch);
	return err;
}

int main(int argc, char **argv)
{
	static struct evidence ev = {
		.budget = 200,
		.events = 100000,
		.part = 20000,
		.large_events = 400000,
		.large_part = 100000,
		.stretch = 32,
		.nr_mixes = 2,
		.tries = 150,
		.groups = 3,
	};
	int err = 0;

	for (int i = 1; i < argc && !err; i++) {
		err = read_word(&ev, argv[i]);
		if (err)
			qn_error(
				"what is \"%s\"? See bench/learning/evidence.c",
				argv[i]);
	}
	if (err || !ev.nr_programs || !ev.budget)
		return QN_EXIT_FAILURE;
	make_items(&ev);
	make_room(&ev);
	err = play_all(&ev);
	if (!err && ev.seeds_only) {
		ev_print_seeds(&ev);
		return 0;
	}
	if (!err)
		err = write_courses(&ev);
	if (err)
		return QN_EXIT_FAILURE;
	ev_print(&ev);
	return ev_print_groups(&ev) ? QN_EXIT_FAILURE : 0;
}
