// SPDX-License-Identifier: MIT
/*
 * cmd-train.c - quern train: weights of policies dqn and paper-dqn, from traces.
 *
 * The parts are in train.h. Programs of three kinds do not mix: most are learned from, one
 * in five chooses among networks and margins, and those of --validate only judge.
 *
 * A checkpoint holds all of it, so whoever starts the same training again goes on where it
 * stood, and comes to the same weights.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "command/base/fail.h"
#include "command/base/interrupt.h"
#include "command/base/launch.h"
#include "command/base/options.h"
#include "command/base/progress.h"
#include "command/base/text.h"
#include "train.h"

/* One trace in so many chooses, where there are as many */
#define CHOOSER_EVERY 5
/* Programs that take longer between their calls make more choices */
#define MOST_STRETCH 8
/* Mixes of each trace that is not learned from, as it was recorded */
#define TRIED_MIXES 3

/* ---- traces and worlds ---- */

static void put_choosers_last(struct qn_train *t)
{
	u32 learners = 0, choosers = 0;

	t->nr_choosers = t->nr_learners / CHOOSER_EVERY;
	for (u32 i = 0; i < t->nr_learners; i++) {
		bool is_one = i % CHOOSER_EVERY == CHOOSER_EVERY - 1;
		u32 to = is_one ? t->nr_learners - t->nr_choosers + choosers++ :
				  learners++;

		t->learners[to] = &t->traces[i];
	}
}

static int load(struct qn_train *t)
{
	u32 all = t->files.nr + t->left_out.nr;
	int err = 0;

	t->traces = calloc(all, sizeof(*t->traces));
	t->learners = calloc(all, sizeof(*t->learners));
	if (!t->traces || !t->learners)
		return -ENOMEM;
	for (u32 i = 0; i < all && !err; i++) {
		bool is_left_out = i >= t->files.nr;

		err = qn_sim_load(&t->traces[i],
				  is_left_out ?
					  t->left_out.at[i - t->files.nr] :
					  t->files.at[i],
				  t->events);
		t->learners[i] = &t->traces[i];
		t->nr += !err;
	}
	t->nr_learners = t->files.nr;
	put_choosers_last(t);
	return err;
}

static int make_world(struct qn_train *t, struct qn_world *w, u32 from, u32 nr,
		      bool is_learned)
{
	const struct qn_world_spec spec = {
		.traces = t->learners + from,
		.nr_traces = nr,
		.prices = qn_train_prices,
		.nr_prices = QN_TRAIN_PRICES,
		.nr_mixes = is_learned ? t->nr_mixes : nr * TRIED_MIXES,
		.most = t->part,
		.most_stretch = is_learned ? MOST_STRETCH : 1,
		.seed = 1 + from,
		.has_groups = is_learned,
	};

	if (!nr)
		return 0;
	if (t->what == QN_TRAIN_HEAP)
		return qn_world_init_heaps(w, spec.traces, nr);
	qn_progress("quern: the rule plays %u episodes",
		    spec.nr_mixes * QN_TRAIN_PRICES);
	return qn_world_init(w, &spec);
}

static int make_worlds(struct qn_train *t)
{
	u32 nr = t->nr_learners - t->nr_choosers;
	int err = make_world(t, &t->learned, 0, nr, true);

	if (!err)
		err = make_world(t, &t->chosen, nr, t->nr_choosers, false);
	if (!err)
		err = make_world(t, &t->validated, t->nr_learners,
				 t->nr - t->nr_learners, false);
	if (!err && t->what == QN_TRAIN_PROCESS && t->nr_lessons)
		err = qn_world_write_book(&t->learned, &t->book);
	return err;
}

/* ---- the command ---- */

static void leave(struct qn_train *t)
{
	for (u32 i = 0; i < t->nr; i++)
		qn_sim_unload(&t->traces[i]);
	qn_world_exit(&t->learned);
	qn_world_exit(&t->chosen);
	qn_world_exit(&t->validated);
	qn_world_drop_book(&t->book);
	free(t->traces);
	free(t->learners);
	free(t->files.at);
	free(t->left_out.at);
}

static int train_main(const struct qn_command *command, int argc, char **argv)
{
	struct qn_train t = { .nr = 0 };
	char *beside = NULL;
	int err;

	(void)argc;
	err = qn_options_read(command, argv, &t);
	if (err)
		goto out;
	beside = qn_xprintf("%s.checkpoint", t.output);
	t.checkpoint = t.checkpoint ? t.checkpoint : beside;
	qn_interrupt_catch();
	t.shown_ns = qn_clock_ns();
	err = load(&t);
	if (!err)
		err = make_worlds(&t);
	if (!err)
		err = t.what == QN_TRAIN_PAPER ? qn_train_paper(&t) :
						 qn_train_dqn(&t);
	qn_progress_clear();
out:
	leave(&t);
	if (qn_interrupted()) {
		if (t.s)
			qn_train_keep(&t);
		qn_error("interrupted; the same command goes on from %s",
			 t.checkpoint);
		qn_launch_end_like(qn_interrupted());
	}
	free(beside);
	return err ? QN_EXIT_FAILURE : 0;
}

/* clang-format off */
static const struct qn_option train_options[] = {
	{ "output", 'o', "FILE", QN_TEXT(struct qn_train, output), .is_needed = true, .help =
	  "Where the weights go, a C header." },
	{ "for", 0, NULL, QN_CHOICE(struct qn_train, what), .choices = "process|heap|paper",
	  .preset = "process", .help =
	  "Which policy: dqn of a process; of a heap of your own, as in firmware, where "
	  "cost is instructions; or paper-dqn, which has the reward and the state of the "
	  "paper, learns while it runs, and has one seed and no checkpoint." },
	{ "without", 0, "GROUP", QN_CHOICE(struct qn_train, without), .choices =
	  "nothing|price|pressure|time|memory|refaults|trend|history|each",
	  .preset = "nothing", .help =
	  "Inputs of a process that the network is not shown, to see what they are worth: "
	  "price and the age it sets, pressure, time since calls, memory that is dirty or "
	  "used, refaults and purges, trend with shift and waste, history of all kinds, or "
	  "nothing. With each there is a training without each of these, and the weights are "
	  "FILE-price.1 and so on." },
	{ "validate", 0, "TRACE", QN_LIST(struct qn_train, left_out), .help =
	  "A program that is left out whole, and judges; may be given more than once." },
	{ "seed", 0, "N", QN_NUMBER(struct qn_train, seed), .least = 1, .most = 1000000,
	  .preset = "1", .help = "The same seed gives the same weights." },
	{ "seeds", 0, "N", QN_NUMBER(struct qn_train, nr_seeds), .least = 1,
	  .most = QN_TRAIN_SEEDS / (QN_TRAIN_EACH - 1), .preset = "1", .help =
	  "Train N times, each time with the next seed. The best weights are written, "
	  "judged by all programs but those that are left out." },
	{ "episodes", 0, "N", QN_NUMBER(struct qn_train, nr_episodes), .least = 1,
	  .most = 10000000, .preset = "2000", .help = "Episodes of each seed." },
	{ "lessons", 0, "N", QN_NUMBER(struct qn_train, nr_lessons), .most = 10000000,
	  .preset = "16000", .help =
	  "Steps of learning before the episodes of a process. They teach what each preset "
	  "is worth where it stays in force." },
	{ "mixes", 0, "N", QN_NUMBER(struct qn_train, nr_mixes), .least = 1, .most = 10000,
	  .preset = "96", .help =
	  "Mixes of the traces, with pauses of 50 ms to 3 s; each is played at four "
	  "prices of memory: 7.5, 2, 0.75 and 0.075." },
	{ "events", 0, "N", QN_SIZE(struct qn_train, events), .least = 1000,
	  .preset = "1M", .help = "Read at most N calls of each trace." },
	{ "part", 0, "N", QN_SIZE(struct qn_train, part), .least = 1000, .preset = "200K",
	  .help = "A part of a mix is N of these calls in a row." },
	{ "checkpoint", 0, "FILE", QN_TEXT(struct qn_train, checkpoint), .help =
	  "File that keeps how far the training has come; by default beside the weights. It "
	  "is removed when they are written." },
	{ "curve", 0, "FILE", QN_TEXT(struct qn_train, curve), .help =
	  "Write learning curves: seed, episodes, cost as a ratio to the rule's, mean "
	  "excess of single items beyond 1.03, loss." },
	{ "json", 0, NULL, QN_FLAG(struct qn_train, is_json), .help =
	  "Print one JSON object at the end instead of a line for each seed; its keys stay "
	  "as they are." },
	{ "each", 0, NULL, QN_FLAG(struct qn_train, is_each), .help =
	  "Write the weights of each seed, too, as FILE with a dot and the seed." },
	{ "interval", 0, "SECONDS", QN_NUMBER(struct qn_train, interval), .most = 86400,
	  .preset = "10", .help =
	  "Time between two checkpoints; 0 writes one after each batch of eight episodes." },
	{ "a trace", 0, NULL, QN_OPERANDS(struct qn_train, files), .is_needed = true },
	QN_OPTIONS_LAST,
};
/* clang-format on */

const struct qn_command qn_command_train = {
	.name = "train",
	.brief = "train the network of policy dqn on traces",
	.synopsis = "[OPTIONS] -o FILE TRACES",
	.about =
		"Trains the network of policy dqn. Mixes of traces are replayed "
		"in quern's heap, where the network turns knobs. It learns from "
		"the cost that its choices saved, compared with the rule. A "
		"line for each seed tells its cost, as a ratio to the rule's, "
		"at four prices of memory. A training that was stopped goes on "
		"when the same command is given again.",
	.json = "The keys are format, for, written, seed (whose weights were "
		"written) and seeds. Each of these has seed, without (the inputs "
		"that it was not shown, or null), learned, choosing "
		"and left_out (scores on the programs that are learned from, "
		"that choose, and that are left out), margin and agreement "
		"(share of choices that stay the same in whole numbers). A "
		"score has cost (over that of the rule), excess (beyond 1.03 of "
		"it, mean), departed (share of choices that are not the rule's) "
		"and prices, a list with price and cost. On standard error "
		"where the weights go to standard output.",
	.options = train_options,
	.run = train_main,
};
