// SPDX-License-Identifier: MIT
/*
 * train-dqn.c - the training of policy dqn, for processes and for heaps of one's own; see
 * train.h.
 *
 * The world (world.h) plays episodes; a learner (dqn.h) learns from them. From time to time
 * the network is tried as it would ship: in whole numbers, without exploring. The best so
 * far is kept, and at the end its margin is chosen.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clock.h"
#include "command/base/fail.h"
#include "command/base/progress.h"
#include "command/base/stream.h"
#include "command/base/text.h"
#include "random.h"
#include "train.h"
#include "weights.h"

/* Time between two lines of progress where stderr is no terminal */
#define PROGRESS_NS 10000000000u
/* Episodes that are played with the same weights */
#define BATCH 8
/* Samples of a step of learning; so many steps for each new sample, in sixteenths */
#define STEP_SAMPLES    64
#define STEP_SIXTEENTHS 4
/* Steps between two episodes at most */
#define STEP_MOST  400
#define RATE_FIRST 0.001
#define RATE_LAST  0.0002
/* Exploring at first, with and without lessons before; and at last, from this share on */
#define EPSILON_TAUGHT 0.2
#define EPSILON_FIRST  1.0
#define EPSILON_LAST   0.05
#define EPSILON_PART   0.6
/* The network is tried so many times, from the first fifth on */
#define NR_TRIALS 4
/* At the end it plays so many items that it was learned from */
#define LEARNED_MOST 96

/* Groups of the inputs of features.h: of --without */
static const u32 blind[] = {
	[QN_TRAIN_ALL] = 0,
	[QN_TRAIN_NO_PRICE] = 1u << 0 | 1u << 4,
	[QN_TRAIN_NO_PRESSURE] = 1u << 1,
	[QN_TRAIN_NO_TIME] = 3u << 2 | 1u << 17,
	[QN_TRAIN_NO_MEMORY] = 31u << 5 | 1u << 22,
	[QN_TRAIN_NO_REFAULTS] = 0x3fu << 11,
	[QN_TRAIN_NO_TREND] = 1u << 10 | 15u << 18 | 1u << 23,
	[QN_TRAIN_NO_HISTORY] = 1u << 3 | 0xfffu << 9 | 1u << 22,
};

_Static_assert(ARRAY_SIZE(blind) == QN_TRAIN_EACH, "a row for each group");

static const s32 margins[] = { 0, 32, 128, 512 };

/* Of few programs none is set apart: then those that are learned from choose */
static const struct qn_world *chooser_of(const struct qn_train *t)
{
	return t->chosen.nr ? &t->chosen : &t->learned;
}

/* Share of the samples for which the whole numbers choose as the network does */
static double agreement(const struct qn_dqn *d, const struct qn_dqn_net *net,
			const struct qn_network *whole)
{
	u64 nr = min(d->nr_samples, (u64)QN_DQN_ROOM), same = 0;
	s32 out[QN_NETWORK_RESULTS];
	struct qn_network bare = *whole;

	bare.margin = 0;
	for (u64 i = 0; i < nr; i++) {
		qn_network_run(&bare, d->samples[i].in, out);
		same += qn_network_best(&bare, out, QN_NR_PRESETS) ==
			qn_dqn_best(net, d->samples[i].in, QN_NR_PRESETS);
	}
	return (double)same / (double)max(nr, (u64)1);
}

/* ---- training ---- */

static double part_done(const struct qn_train *t)
{
	return (double)t->s->episode / t->nr_episodes;
}

static double epsilon(const struct qn_train *t)
{
	double part = min(part_done(t) / EPSILON_PART, 1.0);

	double first = t->book.nr_chapters ? EPSILON_TAUGHT : EPSILON_FIRST;

	return first + part * (EPSILON_LAST - first);
}

static void show_progress(struct qn_train *t)
{
	u64 now = qn_clock_ns();

	if (!qn_progress_is_live() && now - t->shown_ns < PROGRESS_NS)
		return;
	t->shown_ns = now;
	qn_progress("quern: seed %u, episode %u of %u, exploring %.2f, loss "
		    "%.3f, best %.3f of the rule's cost",
		    qn_train_seed(t, t->s->seed), t->s->episode, t->nr_episodes,
		    epsilon(t), t->loss,
		    t->s->best_cost > 0 ? t->s->best_cost : 1.0);
}

static void learn(struct qn_train *t, u32 nr_new)
{
	double rate = RATE_FIRST + part_done(t) * (RATE_LAST - RATE_FIRST);
	u32 nr = min(nr_new * STEP_SIXTEENTHS / 16, STEP_MOST + 0u);
	double loss = 0;

	if (!t->s->learner.nr_samples)
		return;
	for (u32 i = 0; i < nr; i++)
		loss += (double)qn_dqn_learn(&t->s->learner, STEP_SAMPLES,
					     (float)rate);
	if (nr)
		t->loss = loss / nr;
}

static int play_batch(struct qn_train *t)
{
	struct qn_world_play plays[BATCH];
	u32 nr = min(BATCH + 0u, t->nr_episodes - t->s->episode), nr_new = 0;
	int err;

	for (u32 i = 0; i < nr; i++) {
		u64 r = qn_random(&t->s->state);

		plays[i] = (struct qn_world_play){
			.item = &t->learned.items[r % t->learned.nr],
			.policy = { .net = &t->s->learner.net,
				    .epsilon = epsilon(t),
				    .seed = r },
		};
	}
	err = qn_world_run(plays, nr);
	for (u32 i = 0; i < nr && !err; i++)
		nr_new += qn_world_samples(&plays[i], &t->s->learner);
	t->s->episode += nr;
	learn(t, nr_new);
	return err;
}

/* Is it time to try the network? So many times, and at the end */
static bool is_trial(const struct qn_train *t, u32 before)
{
	u32 from = t->nr_episodes / 5;
	u32 every = max((t->nr_episodes - from) / NR_TRIALS, 1u);

	if (t->s->episode >= t->nr_episodes)
		return true;
	return t->s->episode >= from &&
	       (t->s->episode - from) / every !=
		       (before - min(before, from)) / every;
}

static void note_point(struct qn_train *t, const struct qn_train_score *score)
{
	struct qn_train_seed *r = &t->s->results[t->s->seed];

	if (r->nr_points < QN_TRAIN_TRIALS)
		r->curve[r->nr_points++] = (struct qn_train_point){
			.episode = t->s->episode,
			.score = *score,
			.loss = t->loss,
		};
}

/* On the first of the items that are learned from */
static int try_learned(const struct qn_train *t, const struct qn_network *net,
		       u32 most, struct qn_train_score *score)
{
	struct qn_world part = t->learned;

	part.nr = min(part.nr, most);
	return qn_train_try(&part, net, score);
}

/* By programs that choose, and as many items of those that are learned from */
static int try_both(const struct qn_train *t, const struct qn_network *net,
		    struct qn_train_score *score, double *rank)
{
	struct qn_train_score learned;
	int err = qn_train_try(chooser_of(t), net, score);

	*rank = qn_train_rank(score);
	if (err || !t->chosen.nr)
		return err;
	err = try_learned(t, net, t->chosen.nr, &learned);
	*rank = (*rank + qn_train_rank(&learned)) / 2;
	return err;
}

static int trial(struct qn_train *t)
{
	struct qn_network net;
	struct qn_train_score score;
	double rank;
	int err;

	qn_dqn_quantise(&t->s->learner.net, &net);
	net.margin = margins[1];
	err = try_both(t, &net, &score, &rank);
	if (err)
		return err;
	note_point(t, &score);
	if (t->s->best_cost <= 0 || rank < t->s->best_cost) {
		t->s->best_cost = rank;
		t->s->best = t->s->learner.net;
	}
	return 0;
}

static int choose_margin(struct qn_train *t, struct qn_train_seed *r)
{
	double best = INFINITY;
	s32 margin = 0;
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(margins) && !err; i++) {
		struct qn_train_score score;
		double rank;

		r->net.margin = margins[i];
		err = try_both(t, &r->net, &score, &rank);
		if (!err && rank < best) {
			best = rank;
			margin = margins[i];
			r->chosen = score;
		}
	}
	r->net.margin = margin;
	return err;
}

static void print_result(const struct qn_train *t, u32 seed)
{
	const struct qn_train_seed *r = &t->s->results[seed];
	FILE *out = qn_stream_beside(t->output);

	if (t->is_json)
		return;
	fprintf(out, "seed %-3u", qn_train_seed(t, seed));
	if (qn_train_group(t, seed))
		fprintf(out, "  without %s",
			qn_train_group_names[qn_train_group(t, seed)]);
	qn_train_print_score(t, "learned", &r->learned);
	if (t->chosen.nr)
		qn_train_print_score(t, "choosing", &r->chosen);
	if (t->validated.nr)
		qn_train_print_score(t, "left out", &r->validated);
	fprintf(out, "  margin %d, agreement %.1f %%\n", r->net.margin,
		100 * r->agreement);
	fflush(out);
}

static int finish_seed(struct qn_train *t)
{
	struct qn_train_seed *r = &t->s->results[t->s->seed];
	int err;

	qn_dqn_quantise(&t->s->best, &r->net);
	r->agreement = agreement(&t->s->learner, &t->s->best, &r->net);
	err = choose_margin(t, r);
	if (!err)
		err = try_learned(t, &r->net, LEARNED_MOST, &r->learned);
	if (!err && t->validated.nr)
		err = qn_train_try(&t->validated, &r->net, &r->validated);
	if (err)
		return err;
	qn_progress_clear();
	print_result(t, t->s->seed);
	return 0;
}

/* What the episodes begin with is tried like what they come to */
static int teach(struct qn_train *t)
{
	if (!t->book.nr_chapters)
		return 0;
	for (u32 i = 0; i < t->nr_lessons; i++) {
		double part = (double)i / t->nr_lessons;
		double rate = RATE_FIRST + part * (RATE_LAST - RATE_FIRST);

		if (i % 256 == 0 && qn_progress_is_live())
			qn_progress("quern: seed %u, lesson %u of %u, loss "
				    "%.3f",
				    qn_train_seed(t, t->s->seed), i,
				    t->nr_lessons, t->loss);
		t->loss = (double)qn_dqn_teach(&t->s->learner, &t->book,
					       STEP_SAMPLES, (float)rate);
	}
	qn_dqn_taught(&t->s->learner);
	return trial(t);
}

static int begin_seed(struct qn_train *t)
{
	u64 seed = qn_train_seed(t, t->s->seed);

	qn_dqn_init(&t->s->learner, QN_NR_PRESETS,
		    blind[qn_train_group(t, t->s->seed)], seed);
	t->s->state = seed * 7919;
	t->s->episode = 0;
	t->s->best_cost = 0;
	return teach(t);
}

static int train_seed(struct qn_train *t)
{
	int err = 0;

	while (t->s->episode < t->nr_episodes && !err) {
		u32 before = t->s->episode;

		show_progress(t);
		err = play_batch(t);
		if (!err && is_trial(t, before))
			err = trial(t);
		if (!err &&
		    qn_clock_ns() - t->kept_ns >= t->interval * (u64)1000000000)
			err = qn_train_keep(t);
	}
	return err ? err : finish_seed(t);
}

static int train_all(struct qn_train *t)
{
	int err = qn_train_go_on(t);

	if (err < 0)
		return err;
	for (u32 i = 0; i < t->s->seed; i++)
		print_result(t, i);
	err = err ? 0 : begin_seed(t);
	if (!err)
		err = qn_train_keep(t);
	while (t->s->seed < qn_train_nr(t) && !err) {
		err = train_seed(t);
		if (err)
			break;
		if (++t->s->seed < qn_train_nr(t))
			err = begin_seed(t);
		if (!err)
			err = qn_train_keep(t);
	}
	return err;
}

/* ---- the file ---- */

/* By all programs but those that were left out: the more, the less is chance */
static double standing(const struct qn_train *t, u32 seed)
{
	const struct qn_train_seed *r = &t->s->results[seed];

	return qn_train_rank(&r->learned) *
	       (t->chosen.nr ? qn_train_rank(&r->chosen) : 1);
}

static u32 best_seed(const struct qn_train *t)
{
	u32 best = 0;

	for (u32 i = 1; i < t->nr_seeds; i++)
		if (standing(t, i) < standing(t, best))
			best = i;
	return best;
}

static int failed(const char *path, int err)
{
	if (err)
		qn_error_write(path, err);
	return err;
}

static int write_net(const struct qn_train *t, u32 seed, const char *path)
{
	char *comments = NULL;
	size_t size;
	FILE *text = open_memstream(&comments, &size);
	FILE *out = text ? qn_stream_out(path) : NULL;
	int err = out ? 0 : -errno;

	if (text) {
		qn_train_put_provenance(t, text, &t->s->results[seed],
					qn_train_seed(t, seed));
		fclose(text);
	}
	if (out) {
		qn_weights_write(out, &t->s->results[seed].net,
				 t->what == QN_TRAIN_HEAP ? "heap" : "process",
				 comments);
		err = qn_stream_close(out, path);
	}
	free(comments);
	return failed(path, err);
}

/* Those of seed 3 beside weights.h are weights.h.3, or weights.h-price.3 without the price */
static int write_each(const struct qn_train *t)
{
	int err = 0;

	for (u32 i = 0; i < qn_train_nr(t) && !err; i++) {
		bool is_each = t->without == QN_TRAIN_EACH;
		char *path = qn_xprintf(
			"%s%s%s.%u", t->output, is_each ? "-" : "",
			is_each ? qn_train_group_names[qn_train_group(t, i)] :
				  "",
			qn_train_seed(t, i));

		err = write_net(t, i, path);
		free(path);
	}
	return err;
}

/* Seed, episodes, cost over the rule's, what is too much of it, loss */
static int write_curve(const struct qn_train *t)
{
	FILE *out = qn_stream_out(t->curve);

	if (!out)
		return failed(t->curve, -errno);
	for (u32 i = 0; i < t->nr_seeds; i++) {
		const struct qn_train_seed *r = &t->s->results[i];

		for (u32 n = 0; n < r->nr_points; n++) {
			const struct qn_train_point *p = &r->curve[n];

			fprintf(out, "%u %u %.4f %.4f %.3f\n", t->seed + i,
				p->episode, p->score.all, p->score.excess,
				p->loss);
		}
		fprintf(out, "\n");
	}
	return failed(t->curve, qn_stream_close(out, t->curve));
}

static int write_all(const struct qn_train *t)
{
	bool is_each = t->without == QN_TRAIN_EACH;
	u32 seed = best_seed(t);
	int err = is_each ? 0 : write_net(t, seed, t->output);

	if (!err && (t->is_each || is_each))
		err = write_each(t);
	if (!err && t->curve)
		err = write_curve(t);
	if (err)
		return err;
	unlink(t->checkpoint);
	qn_train_conclude(t, t->s->results, seed);
	return 0;
}

/* Children read the network, and none of them gets a copy of all samples */
static struct qn_train_state *shared_state(void)
{
	void *p = mmap(NULL, sizeof(struct qn_train_state),
		       PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		       0);

	return p == MAP_FAILED ?
		       qn_xremap(NULL, 0, sizeof(struct qn_train_state)) :
		       p;
}

int qn_train_dqn(struct qn_train *t)
{
	int err;

	t->s = shared_state();
	err = train_all(t);
	qn_progress_clear();
	return err ? err : write_all(t);
}
