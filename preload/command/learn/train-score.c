// SPDX-License-Identifier: MIT
/*
 * train-score.c - what a network is worth, and where it is from; see train.h.
 */
#include <math.h>

#include "command/base/json.h"
#include "command/base/stream.h"
#include "quern.h"
#include "train.h"

/* Of --json: another meaning of a key raises it */
#define FORMAT 1

const u64 qn_train_prices[QN_TRAIN_PRICES] = { 7500, 2000, 750, 75 };

const char *const qn_train_group_names[QN_TRAIN_EACH] = {
	[QN_TRAIN_ALL] = "nothing",
	[QN_TRAIN_NO_PRICE] = "price",
	[QN_TRAIN_NO_PRESSURE] = "pressure",
	[QN_TRAIN_NO_TIME] = "time",
	[QN_TRAIN_NO_MEMORY] = "memory",
	[QN_TRAIN_NO_REFAULTS] = "refaults",
	[QN_TRAIN_NO_TREND] = "trend",
	[QN_TRAIN_NO_HISTORY] = "history",
};

u32 qn_train_nr(const struct qn_train *t)
{
	if (t->what == QN_TRAIN_PAPER)
		return 1;
	return t->without == QN_TRAIN_EACH ? t->nr_seeds * (QN_TRAIN_EACH - 1) :
					     t->nr_seeds;
}

u32 qn_train_seed(const struct qn_train *t, u32 training)
{
	return t->seed + training % t->nr_seeds;
}

enum qn_train_without qn_train_group(const struct qn_train *t, u32 training)
{
	return t->without == QN_TRAIN_EACH ? 1 + training / t->nr_seeds :
					     t->without;
}

void qn_train_add_play(struct qn_train_score *sum,
		       const struct qn_world_play *p, u32 nr_by_price[],
		       u64 *nr_choices)
{
	double ratio = log(qn_world_ratio(p));

	sum->all += ratio;
	sum->excess += fmax(qn_world_ratio(p) - QN_TRAIN_BAD, 0);
	for (u32 i = 0; i < QN_TRAIN_PRICES; i++)
		if (p->item->price == qn_train_prices[i]) {
			sum->by_price[i] += ratio;
			nr_by_price[i]++;
		}
	for (u32 n = 0; n < p->item->nr; n++)
		for (u32 i = 0; i < p->nr_choices[n]; i++) {
			sum->departed += p->choices[n][i].action != 0;
			++*nr_choices;
		}
}

int qn_train_try(const struct qn_world *w, const struct qn_network *net,
		 struct qn_train_score *score)
{
	struct qn_world_play plays[QN_WORLD_BATCH];
	u32 nr = 0, nr_by_price[QN_TRAIN_PRICES] = { 0 }, at = 0;
	u64 nr_choices = 0;
	int err = 0;

	*score = (struct qn_train_score){ .all = 0 };
	while (at < w->nr && !err) {
		u32 n = 0;

		for (; at < w->nr && n < QN_WORLD_BATCH; at++)
			plays[n++] = (struct qn_world_play){
				.item = &w->items[at],
				.policy = { .weights = net },
			};
		err = qn_world_run(plays, n);
		for (u32 i = 0; i < n && !err; i++)
			qn_train_add_play(score, &plays[i], nr_by_price,
					  &nr_choices);
		nr += n;
	}
	score->all = exp(score->all / max(nr, 1u));
	score->excess /= max(nr, 1u);
	for (u32 i = 0; i < QN_TRAIN_PRICES; i++)
		score->by_price[i] =
			exp(score->by_price[i] / max(nr_by_price[i], 1u));
	score->departed /= (double)max(nr_choices, (u64)1);
	return err;
}

void qn_train_print_score(const struct qn_train *t, const char *what,
			  const struct qn_train_score *s)
{
	FILE *out = qn_stream_beside(t->output);

	fprintf(out, "  %s %.4f, excess %.4f, departed %.0f %%", what, s->all,
		s->excess, 100 * s->departed);
	if (t->what == QN_TRAIN_HEAP)
		return;
	fprintf(out, " (");
	for (u32 i = 0; i < QN_TRAIN_PRICES; i++)
		fprintf(out, "%s%g: %.4f", i ? ", " : "",
			(double)qn_train_prices[i] / 1000, s->by_price[i]);
	fprintf(out, ")");
}

static json_t *make_prices(const struct qn_train_score *s)
{
	json_t *list = json_array(), *one;

	for (u32 i = 0; i < QN_TRAIN_PRICES; i++) {
		one = json_object();
		json_object_set_new(
			one, "price",
			json_real((double)qn_train_prices[i] / 1000));
		json_object_set_new(one, "cost", json_real(s->by_price[i]));
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *make_score(const struct qn_train *t,
			  const struct qn_train_score *s, bool is_known)
{
	json_t *o;

	if (!is_known)
		return json_null();
	o = json_object();
	json_object_set_new(o, "cost", json_real(s->all));
	json_object_set_new(o, "excess", json_real(s->excess));
	json_object_set_new(o, "departed", json_real(s->departed));
	json_object_set_new(o, "prices",
			    t->what == QN_TRAIN_HEAP ? json_null() :
						       make_prices(s));
	return o;
}

static json_t *make_seed(const struct qn_train *t,
			 const struct qn_train_seed *r, u32 training)
{
	enum qn_train_without group = qn_train_group(t, training);
	bool has_net = t->what != QN_TRAIN_PAPER;
	json_t *o = json_object();

	qn_json_number(o, "seed", qn_train_seed(t, training));
	json_object_set_new(o, "without",
			    group ? json_string(qn_train_group_names[group]) :
				    json_null());
	json_object_set_new(o, "learned", make_score(t, &r->learned, true));
	json_object_set_new(o, "choosing",
			    make_score(t, &r->chosen, t->chosen.nr));
	json_object_set_new(o, "left_out",
			    make_score(t, &r->validated, t->validated.nr));
	json_object_set_new(o, "margin",
			    has_net ? json_integer(r->net.margin) :
				      json_null());
	json_object_set_new(o, "agreement",
			    has_net ? json_real(r->agreement) : json_null());
	return o;
}

static void print_json(const struct qn_train *t,
		       const struct qn_train_seed *results, u32 best)
{
	static const char *const words[] = {
		[QN_TRAIN_PROCESS] = "process",
		[QN_TRAIN_HEAP] = "heap",
		[QN_TRAIN_PAPER] = "paper",
	};
	json_t *o = json_object(), *seeds = json_array();

	for (u32 i = 0; i < qn_train_nr(t); i++)
		json_array_append_new(seeds, make_seed(t, &results[i], i));
	qn_json_number(o, "format", FORMAT);
	json_object_set_new(o, "for", json_string(words[t->what]));
	json_object_set_new(o, "written", qn_json_text(t->output));
	qn_json_number(o, "seed", qn_train_seed(t, best));
	json_object_set_new(o, "seeds", seeds);
	qn_json_print(qn_stream_beside(t->output), o);
}

void qn_train_conclude(const struct qn_train *t,
		       const struct qn_train_seed *results, u32 best)
{
	if (t->is_json)
		print_json(t, results, best);
	else if (t->without == QN_TRAIN_EACH)
		fprintf(qn_stream_beside(t->output),
			"%s-GROUP.SEED are written\n", t->output);
	else
		fprintf(qn_stream_beside(t->output), "%s is written: seed %u\n",
			t->output, qn_train_seed(t, best));
}

static void put_score(const struct qn_train *t, FILE *out, const char *what,
		      const struct qn_train_score *s)
{
	fprintf(out, "cost over the rule's, %s: %.4f, excess %.4f", what,
		s->all, s->excess);
	if (t->what != QN_TRAIN_HEAP)
		fprintf(out, "; at");
	for (u32 i = 0; i < QN_TRAIN_PRICES && t->what != QN_TRAIN_HEAP; i++)
		fprintf(out, "%s %g %.4f", i ? "," : "",
			(double)qn_train_prices[i] / 1000, s->by_price[i]);
	fprintf(out, "\n");
}

static const char *kind_of(const struct qn_train *t, u32 i)
{
	if (i >= t->nr_learners)
		return "left out";
	return i < t->nr_learners - t->nr_choosers ? "trace" : "chooses";
}

void qn_train_put_provenance(const struct qn_train *t, FILE *out,
			     const struct qn_train_seed *r, u32 seed)
{
	fprintf(out,
		"quern train %d.%d.%d, seed %u of %u to %u, %u episodes, %u "
		"lessons, %u mixes\n",
		QN_VERSION_MAJOR, QN_VERSION_MINOR, QN_VERSION_PATCH, seed,
		t->seed, t->seed + t->nr_seeds - 1, t->nr_episodes,
		t->book.nr_chapters ? t->nr_lessons : 0, t->nr_mixes);
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
