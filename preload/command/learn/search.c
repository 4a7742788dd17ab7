// SPDX-License-Identifier: MIT
/*
 * search.c - changes of sets, and which of them is kept; see search.h.
 */
#include <errno.h>
#include <string.h>

#include "search.h"
#include "random.h"

/* A value is changed by so many doublings at most */
#define DOUBLINGS 4
/* A knob is worth no more than so many times its preset */
#define MOST_TIMES 256

/**
 * struct walk - a search under way
 * @best, @cost: the cheapest set so far
 * @state:	of the random numbers
 * @nr_tries:	sets that were asked for
 * @sets, @costs, @nr: the batch
 */
struct walk {
	const struct qn_search *s;
	char *best;
	double cost;
	u64 state;
	u32 nr_tries;
	char sets[QN_SEARCH_BATCH * QN_SEARCH_BYTES]
		__attribute__((aligned(sizeof(size_t))));
	double costs[QN_SEARCH_BATCH];
	u32 nr;
};

static void set_knob(const struct qn_search_knob *k, char *set, size_t value)
{
	size_t most = k->most;

	if (k->preset && k->preset < most / MOST_TIMES)
		most = k->preset * MOST_TIMES;
	value = min(max(value, k->least), most);
	memcpy(set + k->offset, &value, sizeof(value));
}

static char *add_set(struct walk *w)
{
	char *to = w->sets + w->nr++ * w->s->bytes;

	memcpy(to, w->best, w->s->bytes);
	return to;
}

/* Ask what the batch costs; the cheapest becomes the best if it is cheaper by @gain */
static int ask(struct walk *w, double gain)
{
	int err;

	if (!w->nr)
		return 0;
	err = w->s->cost(w->s->data, w->sets, w->nr, w->costs);
	if (err)
		return err;
	for (u32 i = 0; i < w->nr; i++) {
		if (w->costs[i] >= w->cost * (1 - gain))
			continue;
		w->cost = w->costs[i];
		memcpy(w->best, w->sets + i * w->s->bytes, w->s->bytes);
	}
	w->nr_tries += w->nr;
	w->nr = 0;
	return 0;
}

static int ask_if_full(struct walk *w)
{
	return w->nr == QN_SEARCH_BATCH ? ask(w, QN_SEARCH_GAIN) : 0;
}

/* Each knob alone: a quarter, four times, and nothing where that is a value */
static int each_alone(struct walk *w)
{
	int err = 0;

	for (u32 i = 0; i < w->s->nr && !err; i++) {
		const struct qn_search_knob *k = &w->s->knobs[i];
		const size_t values[] = { k->preset / 4, k->preset * 4,
					  k->least };
		u32 nr = k->least ? 2 : 3;

		for (u32 n = 0; n < nr && !err; n++) {
			set_knob(k, add_set(w), values[n]);
			err = ask_if_full(w);
		}
	}
	return err ? err : ask(w, QN_SEARCH_GAIN);
}

static void change(struct walk *w, char *set)
{
	u64 r = qn_random(&w->state);
	const struct qn_search_knob *k = &w->s->knobs[r % w->s->nr];
	size_t was = qn_search_get(k, set);
	u32 shift = 1 + (r >> 32) % DOUBLINGS;

	if (!was)
		set_knob(k, set, k->preset);
	else if (!k->least && (r >> 40) % 8 == 0)
		set_knob(k, set, 0);
	else if ((r >> 48) % 2)
		set_knob(k, set,
			 was << shift >> shift == was ? was << shift : was);
	else
		set_knob(k, set, was >> shift);
}

static int by_chance(struct walk *w)
{
	int err = 0;

	while (w->nr_tries + w->nr < w->s->tries && !err) {
		char *set = add_set(w);

		for (u64 n = qn_random(&w->state) % 3 + 1; n > 0; n--)
			change(w, set);
		err = ask_if_full(w);
	}
	return err ? err : ask(w, QN_SEARCH_GAIN);
}

/* Back to the preset where that costs hardly more */
static int prune(struct walk *w)
{
	for (u32 i = 0; i < w->s->nr; i++) {
		const struct qn_search_knob *k = &w->s->knobs[i];
		int err;

		if (qn_search_get(k, w->best) == k->preset)
			continue;
		set_knob(k, add_set(w), k->preset);
		err = ask(w, -QN_SEARCH_GAIN);
		if (err)
			return err;
	}
	return 0;
}

int qn_search_run(const struct qn_search *s, void *best, double *cost)
{
	static struct walk w;
	int err;

	if (s->bytes > QN_SEARCH_BYTES || !s->nr)
		return -EINVAL;
	w = (struct walk){ .s = s, .best = best, .state = s->seed };
	memcpy(best, s->preset, s->bytes);
	err = s->cost(s->data, best, 1, &w.cost);
	if (!err)
		err = each_alone(&w);
	if (!err)
		err = by_chance(&w);
	if (!err)
		err = prune(&w);
	*cost = w.cost;
	return err;
}
