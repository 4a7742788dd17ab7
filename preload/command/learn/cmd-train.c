// SPDX-License-Identifier: MIT
/*
 * cmd-train.c - quern train: weights of policies dqn and paper-dqn, from traces.
 *
 * The world (world.h) plays episodes; a learner (dqn.h) learns from them. From time to time
 * the network is tried as it would ship: in whole numbers, without exploring. The best so
 * far is kept, and at the end its margin is chosen. Programs of three kinds do not mix: most
 * are learned from, one in five chooses among networks and margins, and those of --validate
 * only judge.
 *
 * A checkpoint holds all of it, so whoever starts the same training again goes on where it
 * stood, and comes to the same weights.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crc32.h"
#include "clock.h"
#include "command/base/fail.h"
#include "command/base/interrupt.h"
#include "command/base/launch.h"
#include "command/base/options.h"
#include "command/base/progress.h"
#include "command/base/stream.h"
#include "command/base/text.h"
#include "dqn.h"
#include "paper.h"
#include "quern.h"
#include "random.h"
#include "weights.h"
#include "world.h"

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
/* Exploring at first, and at last, which is from this share of all episodes on */
#define EPSILON_FIRST 1.0
#define EPSILON_LAST  0.05
#define EPSILON_PART  0.6
/* The network is tried so many times, from the first third on */
#define NR_TRIALS 8
/* One trace in so many chooses, where there are as many */
#define CHOOSER_EVERY 5
/* Programs that take longer between their calls make more choices */
#define MOST_STRETCH 8
/* Mixes of each trace that is not learned from, as it was recorded */
#define TRIED_MIXES 6
#define MOST_SEEDS  64
#define NR_PRICES   3

static const u64 prices[NR_PRICES] = { 7500, 750, 75 };
static const s32 margins[] = { 0, 16, 32, 64, 128, 256, 512 };

/* In the order of the words of --for */
enum train_for {
	FOR_PROCESS,
	FOR_HEAP,
	FOR_PAPER,
};

/**
 * struct score - costs over those of the rule, geometric means
 * @all, @by_price: of all items, and of those at a price
 * @departed:	share of choices that were not the rule's
 */
struct score {
	double all;
	double by_price[NR_PRICES];
	double departed;
};

/**
 * struct seed_result - one seed, done
 */
struct seed_result {
	struct qn_network net;
	struct score learned, chosen, validated;
	double agreement;
};

/**
 * struct state - all that a checkpoint has
 * @magic, @sum: what it is, and of which training
 * @seed:	number of the seed that is trained, from 0 on
 * @episode:	episodes of it so far
 * @state:	of the random numbers that draw items
 * @best, @best_cost: the best network of this seed so far, tried; cost 0: none
 * @results:	of the seeds before
 * @learner:	the learner
 */
struct state {
	char magic[8];
	u32 sum;
	u32 seed;
	u32 episode;
	u64 state;
	struct qn_dqn_net best;
	double best_cost;
	struct seed_result results[MOST_SEEDS];
	struct qn_dqn learner;
};

#define MAGIC "QNTRAIN1"

/**
 * struct train - one call of quern train
 * @files, @left_out, @what, @output, @checkpoint: options
 * @interval, @seed, @nr_seeds, @nr_episodes, @nr_mixes, @events, @part: likewise
 * @traces, @nr, @nr_learners: all; those that are learned from come first
 * @nr_choosers: of the learners, the last so many choose
 * @learned, @chosen, @validated: worlds
 * @s:		where it stands
 * @loss:	of the last steps
 * @shown_ns, @kept_ns: when progress was shown, and when a checkpoint was written
 */
struct train {
	struct qn_operands files;
	struct qn_operands left_out;
	enum train_for what;
	const char *output;
	const char *checkpoint;
	u32 interval;
	u32 seed;
	u32 nr_seeds;
	u32 nr_episodes;
	u32 nr_mixes;
	u64 events;
	u64 part;
	struct qn_sim_trace *traces;
	const struct qn_sim_trace **learners;
	u32 nr, nr_learners, nr_choosers;
	struct qn_world learned, chosen, validated;
	struct state *s;
	double loss;
	u64 shown_ns, kept_ns;
};

/* ---- traces and worlds ---- */

static void put_choosers_last(struct train *t)
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

static int load(struct train *t)
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

static int make_world(struct train *t, struct qn_world *w, u32 from, u32 nr,
		      bool is_learned)
{
	const struct qn_world_spec spec = {
		.traces = t->learners + from,
		.nr_traces = nr,
		.prices = prices,
		.nr_prices = NR_PRICES,
		.nr_mixes = is_learned ? t->nr_mixes : nr * TRIED_MIXES,
		.most = t->part,
		.most_stretch = is_learned ? MOST_STRETCH : 1,
		.seed = 1 + from,
		.has_groups = is_learned,
	};

	if (!nr)
		return 0;
	if (t->what == FOR_HEAP)
		return qn_world_init_heaps(w, spec.traces, nr);
	qn_progress("quern: the rule plays %u episodes",
		    spec.nr_mixes * NR_PRICES);
	return qn_world_init(w, &spec);
}

static int make_worlds(struct train *t)
{
	u32 nr = t->nr_learners - t->nr_choosers;
	int err = make_world(t, &t->learned, 0, nr, true);

	if (!err)
		err = make_world(t, &t->chosen, nr, t->nr_choosers, false);
	if (!err)
		err = make_world(t, &t->validated, t->nr_learners,
				 t->nr - t->nr_learners, false);
	return err;
}

/* Of few programs none is set apart: then those that are learned from choose */
static const struct qn_world *chooser(const struct train *t)
{
	return t->chosen.nr ? &t->chosen : &t->learned;
}

/* ---- trying a network as it would ship ---- */

static void add_play(struct score *sum, const struct qn_world_play *p,
		     u32 nr_by_price[], u64 *nr_choices)
{
	double ratio = log(qn_world_ratio(p));

	sum->all += ratio;
	for (u32 i = 0; i < NR_PRICES; i++)
		if (p->item->price == prices[i]) {
			sum->by_price[i] += ratio;
			nr_by_price[i]++;
		}
	for (u32 n = 0; n < p->item->nr; n++)
		for (u32 i = 0; i < p->nr_choices[n]; i++) {
			sum->departed += p->choices[n][i].action != 0;
			++*nr_choices;
		}
}

static int try_network(const struct qn_world *w, const struct qn_network *net,
		       struct score *score)
{
	struct qn_world_play plays[QN_WORLD_BATCH];
	u32 nr = 0, nr_by_price[NR_PRICES] = { 0 }, at = 0;
	u64 nr_choices = 0;
	int err = 0;

	*score = (struct score){ .all = 0 };
	while (at < w->nr && !err) {
		u32 n = 0;

		for (; at < w->nr && n < QN_WORLD_BATCH; at++)
			plays[n++] = (struct qn_world_play){
				.item = &w->items[at],
				.policy = { .weights = net },
			};
		err = qn_world_run(plays, n);
		for (u32 i = 0; i < n && !err; i++)
			add_play(score, &plays[i], nr_by_price, &nr_choices);
		nr += n;
	}
	score->all = exp(score->all / max(nr, 1u));
	for (u32 i = 0; i < NR_PRICES; i++)
		score->by_price[i] =
			exp(score->by_price[i] / max(nr_by_price[i], 1u));
	score->departed /= (double)max(nr_choices, (u64)1);
	return err;
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

/* ---- checkpoints ---- */

/* Of all that the result depends on */
static u32 sum_of(const struct train *t)
{
	const u64 numbers[] = {
		t->what,
		t->seed,
		t->nr_seeds,
		t->nr_episodes,
		t->nr_mixes,
		t->nr_learners,
		t->nr,
		t->events,
		t->part,
		sizeof(*t->s),
		QN_VERSION_MAJOR,
		QN_VERSION_MINOR,
		QN_VERSION_PATCH,
	};
	u32 sum = qn_crc32(0, numbers, sizeof(numbers));

	for (u32 i = 0; i < t->nr; i++)
		sum = qn_crc32(sum, &t->traces[i].sum,
			       sizeof(t->traces[i].sum));
	return sum;
}

/* Written beside it and renamed, so there is always a whole one */
static int write_checkpoint(struct train *t)
{
	char *next = qn_xprintf("%s.new", t->checkpoint);
	int fd = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	int err = fd < 0 ? -errno : 0;

	if (!err)
		err = qn_write_all(fd, (const char *)t->s, sizeof(*t->s));
	if (fd >= 0)
		close(fd);
	if (!err && rename(next, t->checkpoint))
		err = -errno;
	if (err)
		qn_error("cannot write %s: %s", t->checkpoint, strerror(-err));
	free(next);
	t->kept_ns = qn_clock_ns();
	return err;
}

/* Return: 0 where there is none, or it was taken */
static int read_checkpoint(struct train *t)
{
	int fd = open(t->checkpoint, O_RDONLY | O_CLOEXEC);
	struct state *s = t->s;
	u32 sum = sum_of(t);
	ssize_t size;

	if (fd < 0 && errno == ENOENT)
		return 0;
	size = fd < 0 ? -1 : read(fd, s, sizeof(*s));
	if (fd >= 0)
		close(fd);
	if (size == sizeof(*s) && !memcmp(s->magic, MAGIC, sizeof(s->magic)) &&
	    s->sum == sum) {
		qn_error("goes on from %s: seed %u, episode %u", t->checkpoint,
			 t->seed + s->seed, s->episode);
		return 0;
	}
	qn_error("%s is of another training; remove it, or name another: "
		 "--checkpoint=FILE",
		 t->checkpoint);
	return -EINVAL;
}

/* ---- training ---- */

static double part_done(const struct train *t)
{
	return (double)t->s->episode / t->nr_episodes;
}

static double epsilon(const struct train *t)
{
	double part = min(part_done(t) / EPSILON_PART, 1.0);

	return EPSILON_FIRST + part * (EPSILON_LAST - EPSILON_FIRST);
}

static void show_progress(struct train *t)
{
	u64 now = qn_clock_ns();

	if (!qn_progress_is_live() && now - t->shown_ns < PROGRESS_NS)
		return;
	t->shown_ns = now;
	qn_progress("quern: seed %u, episode %u of %u, exploring %.2f, loss "
		    "%.3f, best %.3f of the rule's cost",
		    t->seed + t->s->seed, t->s->episode, t->nr_episodes,
		    epsilon(t), t->loss,
		    t->s->best_cost > 0 ? t->s->best_cost : 1.0);
}

static void learn(struct train *t, u32 nr_new)
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

static int play_batch(struct train *t)
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
static bool is_trial(const struct train *t, u32 before)
{
	u32 from = t->nr_episodes / 3;
	u32 every = max((t->nr_episodes - from) / NR_TRIALS, 1u);

	if (t->s->episode >= t->nr_episodes)
		return true;
	return t->s->episode >= from &&
	       (t->s->episode - from) / every !=
		       (before - min(before, from)) / every;
}

static int trial(struct train *t)
{
	struct qn_network net;
	struct score score;
	int err;

	qn_dqn_quantise(&t->s->learner.net, &net);
	net.margin = margins[1];
	err = try_network(chooser(t), &net, &score);
	if (!err && (t->s->best_cost <= 0 || score.all < t->s->best_cost)) {
		t->s->best_cost = score.all;
		t->s->best = t->s->learner.net;
	}
	return err;
}

static int choose_margin(struct train *t, struct seed_result *r)
{
	double best = INFINITY;
	s32 margin = 0;
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(margins) && !err; i++) {
		struct score score;

		r->net.margin = margins[i];
		err = try_network(chooser(t), &r->net, &score);
		if (!err && score.all < best) {
			best = score.all;
			margin = margins[i];
			r->chosen = score;
		}
	}
	r->net.margin = margin;
	return err;
}

static void print_score(const struct train *t, const char *what,
			const struct score *s)
{
	printf("  %s %.4f, departed %.0f %%", what, s->all, 100 * s->departed);
	if (t->what == FOR_HEAP)
		return;
	printf(" (");
	for (u32 i = 0; i < NR_PRICES; i++)
		printf("%s%g: %.4f", i ? ", " : "", (double)prices[i] / 1000,
		       s->by_price[i]);
	printf(")");
}

static void print_result(const struct train *t, u32 seed)
{
	const struct seed_result *r = &t->s->results[seed];

	printf("seed %-3u", t->seed + seed);
	print_score(t, "learned", &r->learned);
	if (t->chosen.nr)
		print_score(t, "choosing", &r->chosen);
	if (t->validated.nr)
		print_score(t, "left out", &r->validated);
	printf("  margin %d, agreement %.1f %%\n", r->net.margin,
	       100 * r->agreement);
	fflush(stdout);
}

static int finish_seed(struct train *t)
{
	struct seed_result *r = &t->s->results[t->s->seed];
	int err;

	qn_dqn_quantise(&t->s->best, &r->net);
	r->agreement = agreement(&t->s->learner, &t->s->best, &r->net);
	err = choose_margin(t, r);
	if (!err)
		err = try_network(&t->learned, &r->net, &r->learned);
	if (!err && t->validated.nr)
		err = try_network(&t->validated, &r->net, &r->validated);
	if (err)
		return err;
	qn_progress_clear();
	print_result(t, t->s->seed);
	return 0;
}

static void begin_seed(struct train *t)
{
	u64 seed = t->seed + t->s->seed;

	qn_dqn_init(&t->s->learner, QN_NR_PRESETS, seed);
	t->s->state = seed * 7919;
	t->s->episode = 0;
	t->s->best_cost = 0;
}

static int train_seed(struct train *t)
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
			err = write_checkpoint(t);
	}
	return err ? err : finish_seed(t);
}

static int train_all(struct train *t)
{
	int err;

	t->s = qn_xremap(NULL, 0, sizeof(*t->s));
	err = read_checkpoint(t);
	if (!err && !t->s->sum) {
		memcpy(t->s->magic, MAGIC, sizeof(t->s->magic));
		t->s->sum = sum_of(t);
		begin_seed(t);
	}
	for (u32 i = 0; i < t->s->seed && !err; i++)
		print_result(t, i);
	if (!err)
		err = write_checkpoint(t);
	while (t->s->seed < t->nr_seeds && !err) {
		err = train_seed(t);
		if (err)
			break;
		if (++t->s->seed < t->nr_seeds)
			begin_seed(t);
		err = write_checkpoint(t);
	}
	return err;
}

/* ---- the file ---- */

/* By all programs but those that were left out: the more, the less is chance */
static double standing(const struct train *t, u32 seed)
{
	const struct seed_result *r = &t->s->results[seed];

	return r->learned.all * (t->chosen.nr ? r->chosen.all : 1);
}

static u32 best_seed(const struct train *t)
{
	u32 best = 0;

	for (u32 i = 1; i < t->nr_seeds; i++)
		if (standing(t, i) < standing(t, best))
			best = i;
	return best;
}

static void put_score(const struct train *t, FILE *out, const char *what,
		      const struct score *s)
{
	fprintf(out, "cost over the rule's, %s: %.4f", what, s->all);
	if (t->what != FOR_HEAP)
		fprintf(out, "; at");
	for (u32 i = 0; i < NR_PRICES && t->what != FOR_HEAP; i++)
		fprintf(out, "%s %g %.4f", i ? "," : "",
			(double)prices[i] / 1000, s->by_price[i]);
	fprintf(out, "\n");
}

static const char *kind_of(const struct train *t, u32 i)
{
	if (i >= t->nr_learners)
		return "left out";
	return i < t->nr_learners - t->nr_choosers ? "trace" : "chooses";
}

static void put_provenance(const struct train *t, FILE *out,
			   const struct seed_result *r, u32 seed)
{
	fprintf(out,
		"quern train %d.%d.%d, seed %u of %u to %u, %u episodes, %u "
		"mixes\n",
		QN_VERSION_MAJOR, QN_VERSION_MINOR, QN_VERSION_PATCH, seed,
		t->seed, t->seed + t->nr_seeds - 1, t->nr_episodes,
		t->nr_mixes);
	for (u32 i = 0; i < t->nr; i++)
		fprintf(out, "%s %s, crc32 %08x, %llu calls\n", kind_of(t, i),
			t->learners[i]->name, t->learners[i]->sum,
			(unsigned long long)t->learners[i]->nr);
	put_score(t, out, "learned", &r->learned);
	if (t->chosen.nr)
		put_score(t, out, "choosing", &r->chosen);
	if (t->validated.nr)
		put_score(t, out, "left out", &r->validated);
}

static int write_weights(const struct train *t)
{
	u32 seed = best_seed(t);
	char *comments = NULL;
	size_t size;
	FILE *text = open_memstream(&comments, &size);
	FILE *out = text ? qn_stream_out(t->output) : NULL;
	int err = out ? 0 : -errno;

	if (text) {
		put_provenance(t, text, &t->s->results[seed], t->seed + seed);
		fclose(text);
	}
	if (out) {
		qn_weights_write(out, &t->s->results[seed].net,
				 t->what == FOR_HEAP ? "heap" : "process",
				 comments);
		err = qn_stream_close(out, t->output);
	}
	free(comments);
	if (err) {
		qn_error("cannot write %s: %s", t->output, strerror(-err));
		return err;
	}
	unlink(t->checkpoint);
	printf("%s is written: seed %u\n", t->output, t->seed + seed);
	return 0;
}

/* ---- the paper's network ---- */

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
		     struct score *score)
{
	static struct qn_sim_episode e;
	u32 nr[NR_PRICES] = { 0 };
	u64 nr_choices = 0;
	int err = 0;

	*score = (struct score){ .all = 0 };
	for (u32 i = 0; i < w->nr && !err; i++) {
		struct qn_world_play play = { .item = &w->items[i] };
		struct qn_paper copy = *paper;

		if (play.item->nr > 1)
			continue;
		paper_episode(&e, play.item);
		err = qn_paper_run(&copy, &e);
		play.result = e.result;
		add_play(score, &play, nr, &nr_choices);
	}
	score->all = exp(score->all / max(nr[0] + nr[1] + nr[2], 1u));
	for (u32 i = 0; i < NR_PRICES; i++)
		score->by_price[i] = exp(score->by_price[i] / max(nr[i], 1u));
	return err;
}

static int write_paper(const struct train *t, const struct qn_paper *paper,
		       const struct seed_result *r)
{
	char *comments = NULL;
	size_t size;
	FILE *text = open_memstream(&comments, &size);
	FILE *out = text ? qn_stream_out(t->output) : NULL;
	int err = out ? 0 : -errno;

	if (text) {
		put_provenance(t, text, r, t->seed);
		fclose(text);
	}
	if (out) {
		qn_paper_write(out, paper, comments);
		err = qn_stream_close(out, t->output);
	}
	free(comments);
	if (err)
		qn_error("cannot write %s: %s", t->output, strerror(-err));
	else
		printf("%s is written: seed %u\n", t->output, t->seed);
	return err;
}

static int train_paper(struct train *t)
{
	static struct qn_sim_episode e;
	struct qn_paper paper = { .seed = t->seed };
	struct seed_result r = { .agreement = 1 };
	u64 state = t->seed * 7919;
	int err = 0;

	for (u32 i = 0; i < t->nr_episodes && !err; i++) {
		u64 n = qn_random(&state) % t->learned.nr;

		paper_episode(&e, &t->learned.items[n]);
		err = qn_paper_run(&paper, &e);
	}
	if (!err)
		err = try_paper(&t->learned, &paper, &r.learned);
	if (!err && t->validated.nr)
		err = try_paper(&t->validated, &paper, &r.validated);
	if (err)
		return err;
	qn_progress_clear();
	printf("seed %-3u", t->seed);
	print_score(t, "learned", &r.learned);
	if (t->validated.nr)
		print_score(t, "left out", &r.validated);
	printf("\n");
	return write_paper(t, &paper, &r);
}

/* ---- the command ---- */

static void leave(struct train *t)
{
	for (u32 i = 0; i < t->nr; i++)
		qn_sim_unload(&t->traces[i]);
	qn_world_exit(&t->learned);
	qn_world_exit(&t->chosen);
	qn_world_exit(&t->validated);
	free(t->traces);
	free(t->learners);
	free(t->files.at);
	free(t->left_out.at);
}

static int train_main(const struct qn_command *command, int argc, char **argv)
{
	struct train t = { .nr = 0 };
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
		err = t.what == FOR_PAPER ? train_paper(&t) : train_all(&t);
	qn_progress_clear();
	if (!err && t.what != FOR_PAPER)
		err = write_weights(&t);
out:
	leave(&t);
	if (qn_interrupted()) {
		if (t.s)
			write_checkpoint(&t);
		qn_error("interrupted; the same command goes on from %s",
			 t.checkpoint);
		qn_launch_end_like(qn_interrupted());
	}
	free(beside);
	return err ? QN_EXIT_FAILURE : 0;
}

/* clang-format off */
static const struct qn_option train_options[] = {
	{ "output", 'o', "FILE", QN_TEXT(struct train, output), .is_needed = true, .help =
	  "Where the weights go, a C header." },
	{ "for", 0, NULL, QN_CHOICE(struct train, what), .choices = "process|heap|paper",
	  .preset = "process", .help =
	  "Which policy: dqn of a process; of a heap of your own, as in firmware, where "
	  "cost is instructions; or paper-dqn, which has the reward and the state of the "
	  "paper, learns while it runs, and has one seed and no checkpoint." },
	{ "validate", 0, "TRACE", QN_LIST(struct train, left_out), .help =
	  "A program that is left out whole, and judges; may be given more than once." },
	{ "seed", 0, "N", QN_NUMBER(struct train, seed), .least = 1, .most = 1000000,
	  .preset = "1", .help = "The same seed gives the same weights." },
	{ "seeds", 0, "N", QN_NUMBER(struct train, nr_seeds), .least = 1,
	  .most = MOST_SEEDS, .preset = "1", .help =
	  "So many trainings, each with the next seed; the best is written, by all programs "
	  "but those that are left out." },
	{ "episodes", 0, "N", QN_NUMBER(struct train, nr_episodes), .least = 1,
	  .most = 10000000, .preset = "2000", .help = "Of each seed." },
	{ "mixes", 0, "N", QN_NUMBER(struct train, nr_mixes), .least = 1, .most = 10000,
	  .preset = "96", .help =
	  "Mixes of the traces, with pauses of 50 ms to 3 s; each is played at three "
	  "prices of memory: 7.5, 0.75 and 0.075." },
	{ "events", 0, "N", QN_SIZE(struct train, events), .least = 1000,
	  .preset = "1M", .help = "Of a trace so many calls are read at most." },
	{ "part", 0, "N", QN_SIZE(struct train, part), .least = 1000, .preset = "200K",
	  .help = "Of these, so many in a row are a part of a mix." },
	{ "checkpoint", 0, "FILE", QN_TEXT(struct train, checkpoint), .help =
	  "Where the training stands; by default beside the weights. Goes away when they "
	  "are written." },
	{ "interval", 0, "SECONDS", QN_NUMBER(struct train, interval), .most = 86400,
	  .preset = "10", .help =
	  "Between two checkpoints; 0: after each batch of eight episodes." },
	{ "a trace", 0, NULL, QN_OPERANDS(struct train, files), .is_needed = true },
	QN_OPTIONS_LAST,
};
/* clang-format on */

const struct qn_command qn_command_train = {
	.name = "train",
	.synopsis = "[OPTIONS] -o FILE TRACES",
	.about =
		"Trains the network of policy dqn: mixes of traces are replayed in "
		"quern's heap, in which the network turns knobs, and what that saved "
		"compared with the rule is what it learns from. Prints a line for "
		"each seed: cost over that of the rule, at three prices of memory. A "
		"training that was stopped goes on when it is started again.",
	.options = train_options,
	.run = train_main,
};
