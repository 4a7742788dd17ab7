// SPDX-License-Identifier: MIT
/*
 * train-paper.c - the training of policy paper-dqn, which learns while it runs; see train.h.
 *
 * It has one seed and no checkpoint.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "command/base/fail.h"
#include "command/base/progress.h"
#include "command/base/stream.h"
#include "paper.h"
#include "random.h"
#include "train.h"

static void paper_episode(struct qn_sim_episode *e,
			  const struct qn_world_item *item)
{
	qn_sim_episode_init(e);
	memcpy(e->mixes, item->mixes, sizeof(e->mixes));
	e->nr = 1;
	e->knobs.price = item->price;
}

/* What it has learned, on each item of a world of single processes */
static int try_paper(const struct qn_world *w, const struct qn_paper *paper,
		     struct qn_train_score *score)
{
	static struct qn_sim_episode e;
	u32 nr[QN_TRAIN_PRICES] = { 0 };
	u32 nr_plays = 0;
	u64 nr_choices = 0;
	int err = 0;

	*score = (struct qn_train_score){ .all = 0 };
	for (u32 i = 0; i < w->nr && !err; i++) {
		struct qn_world_play play = { .item = &w->items[i] };
		struct qn_paper copy = *paper;

		if (play.item->nr > 1)
			continue;
		paper_episode(&e, play.item);
		err = qn_paper_run(&copy, &e);
		play.result = e.result;
		play.cost = qn_sim_price_cost(&e.result, play.item->price);
		nr_plays++;
		qn_train_add_play(score, &play, nr, &nr_choices);
	}
	score->all = exp(score->all / max(nr_plays, 1u));
	score->excess /= max(nr_plays, 1u);
	for (u32 i = 0; i < QN_TRAIN_PRICES; i++)
		score->by_price[i] = exp(score->by_price[i] / max(nr[i], 1u));
	return err;
}

static int write_paper(const struct qn_train *t, const struct qn_paper *paper,
		       const struct qn_train_seed *r)
{
	char *comments = NULL;
	size_t size;
	FILE *text = open_memstream(&comments, &size);
	FILE *out = text ? qn_stream_out(t->output) : NULL;
	int err = out ? 0 : -errno;

	if (text) {
		qn_train_put_provenance(t, text, r, t->seed);
		fclose(text);
	}
	if (out) {
		qn_paper_write(out, paper, comments);
		err = qn_stream_close(out, t->output);
	}
	free(comments);
	if (err)
		qn_error_write(t->output, err);
	else
		qn_train_conclude(t, r, 0);
	return err;
}

static void print_result(const struct qn_train *t,
			 const struct qn_train_seed *r)
{
	FILE *out = qn_stream_beside(t->output);

	fprintf(out, "seed %-3u", t->seed);
	qn_train_print_score(t, "learned", &r->learned);
	if (t->validated.nr)
		qn_train_print_score(t, "left out", &r->validated);
	fprintf(out, "\n");
}

int qn_train_paper(struct qn_train *t)
{
	static struct qn_sim_episode e;
	struct qn_paper paper = { .seed = t->seed };
	struct qn_train_seed r = { .agreement = 1 };
	u64 state = t->seed * 7919;
	int err = 0;

	for (u32 i = 0; i < t->nr_episodes && !err; i++) {
		u64 n = qn_random(&state) % t->learned.nr;

		paper_episode(&e, &t->learned.items[n]);
		err = qn_paper_run(&paper, &e);
	}
	if (!err)
		err = try_paper(&t->learned, &paper, &r.learned);
	if (!err && t->chosen.nr)
		err = try_paper(&t->chosen, &paper, &r.chosen);
	if (!err && t->validated.nr)
		err = try_paper(&t->validated, &paper, &r.validated);
	if (err)
		return err;
	qn_progress_clear();
	if (!t->is_json)
		print_result(t, &r);
	return write_paper(t, &paper, &r);
}
