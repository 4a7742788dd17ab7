// SPDX-License-Identifier: MIT
/*
 * e-bins.c - free runs by size: every sequence of a few operations on a few runs.
 *
 * The model keeps each bin as a list of numbers by the two rules of bins.h: a run that lies
 * below the first of its bin goes first, any other second; and of all requests the choice is
 * found the slow way. Sizes lie at the edges of bins and share bins with others.
 */
#include "runs/bins.h"

#include "enumerate.h"

#define NR_RUNS  5
#define NR_SIZES 6
#define NONE     NR_RUNS

static const size_t sizes[NR_SIZES] = {
	2, QN_BINS_EXACT - 1, QN_BINS_EXACT, 27, 28, 5000
};
static const size_t requests[] = { 1,  2,  3,  22, 23,  24,   25,
				   26, 27, 28, 29, 200, 5000, 6000 };

/* What each list of the model is: the runs of one size class, in order */
struct model {
	unsigned char list[NR_SIZES][NR_RUNS];
	unsigned char nr[NR_SIZES];
	unsigned char size[NR_RUNS]; /* of which list; NR_SIZES: in none */
};

static struct qn_bins bins;
static struct qn_run runs[NR_RUNS];
static struct model model;
/* Sizes that share a bin share a list of the model: the first of them */
static unsigned int list_of[NR_SIZES];

static void begin(void)
{
	qn_bins_init(&bins);
	memset(runs, 0, sizeof(runs));
	memset(&model, 0, sizeof(model));
	memset(model.size, NR_SIZES, sizeof(model.size));
	for (unsigned int i = 0; i < NR_SIZES; i++) {
		list_of[i] = 0;
		while (qn_bin_of(sizes[list_of[i]]) != qn_bin_of(sizes[i]))
			list_of[i]++;
	}
	enum_add(&bins, sizeof(bins));
	enum_add(runs, sizeof(runs));
	enum_add(&model, sizeof(model));
}

/* ---- the model ---- */

static void model_add(unsigned int r, unsigned int s)
{
	unsigned int l = list_of[s], at, nr = model.nr[l]++;

	at = nr && r > model.list[l][0];
	memmove(&model.list[l][at + 1], &model.list[l][at], nr - at);
	model.list[l][at] = (unsigned char)r;
	model.size[r] = (unsigned char)s;
}

static unsigned int place_of(unsigned int l, unsigned int r)
{
	unsigned int at = 0;

	while (model.list[l][at] != r)
		at++;
	return at;
}

static void model_del(unsigned int r)
{
	unsigned int l = list_of[model.size[r]], at = place_of(l, r);

	model.nr[l]--;
	memmove(&model.list[l][at], &model.list[l][at + 1], model.nr[l] - at);
	model.list[l][model.nr[l]] = 0;
	model.size[r] = NR_SIZES;
}

/* The lowest of the first runs of the first three bins from @bin on, within a word */
static unsigned int model_above(unsigned int bin)
{
	unsigned int best = NONE, nr = 0, word = 0;

	for (unsigned int s = 0; s < NR_SIZES && nr < 3; s++) {
		unsigned int own = qn_bin_of(sizes[s]);

		if (list_of[s] != s || own < bin || !model.nr[s] ||
		    (best != NONE && own / QN_BINS_WORD != word))
			continue;
		word = own / QN_BINS_WORD;
		best = min(best, (unsigned int)model.list[s][0]);
		nr++;
	}
	return best;
}

static unsigned int model_find(size_t size)
{
	for (unsigned int s = 0; s < NR_SIZES; s++) {
		if (list_of[s] != s || qn_bin_of(sizes[s]) != qn_bin_of(size))
			continue;
		for (unsigned int i = 0; i < model.nr[s] && i < QN_BINS_TRIES;
		     i++)
			if (sizes[model.size[model.list[s][i]]] >= size)
				return model.list[s][i];
	}
	return model_above(qn_bin_of(size) + 1);
}

/* ---- operations: add, delete, pop, replace ---- */

#define ADDS     (NR_RUNS * NR_SIZES)
#define DELS     (ADDS + NR_RUNS)
#define POPS     (DELS + NR_SIZES)
#define REPLACES (POPS + NR_RUNS * NR_RUNS)

static bool add(unsigned int r, unsigned int s)
{
	if (model.size[r] != NR_SIZES)
		return false;
	runs[r].size = sizes[s];
	qn_bins_add(&bins, &runs[r]);
	model_add(r, s);
	return true;
}

/* By where it is in its list, and by its bin, in turns */
static bool del(unsigned int r)
{
	if (model.size[r] == NR_SIZES)
		return false;
	if (r % 2)
		qn_bins_del(&bins, &runs[r]);
	else
		qn_bins_del_from(&bins, qn_bin_of(runs[r].size), &runs[r]);
	model_del(r);
	return true;
}

static bool pop(unsigned int s)
{
	unsigned int r;

	if (list_of[s] != s || !model.nr[s])
		return false;
	r = model.list[s][0];
	qn_bins_pop(&bins, qn_bin_of(sizes[s]), &runs[r]);
	model_del(r);
	return true;
}

static bool replace(unsigned int r, unsigned int by)
{
	unsigned int s = model.size[r], l;

	if (s == NR_SIZES || model.size[by] != NR_SIZES)
		return false;
	runs[by].size = sizes[s];
	qn_bins_replace(&runs[r], &runs[by]);
	l = list_of[s];
	model.list[l][place_of(l, r)] = (unsigned char)by;
	model.size[by] = (unsigned char)s;
	model.size[r] = NR_SIZES;
	return true;
}

static bool apply(unsigned int op)
{
	if (op < ADDS)
		return add(op / NR_SIZES, op % NR_SIZES);
	if (op < DELS)
		return del(op - ADDS);
	if (op < POPS)
		return pop(op - DELS);
	return replace((op - POPS) / NR_RUNS, (op - POPS) % NR_RUNS);
}

static void tell(char *to, size_t size, unsigned int op)
{
	if (op < ADDS)
		snprintf(to, size, "add run %u of size %zu", op / NR_SIZES,
			 sizes[op % NR_SIZES]);
	else if (op < DELS)
		snprintf(to, size, "delete run %u", op - ADDS);
	else if (op < POPS)
		snprintf(to, size, "pop the bin of %zu", sizes[op - DELS]);
	else
		snprintf(to, size, "replace run %u by %u",
			 (op - POPS) / NR_RUNS, (op - POPS) % NR_RUNS);
}

/* ---- what must hold ---- */

static const char *look(const void *owner, const struct qn_run *run)
{
	(void)owner;
	return run >= runs && run < runs + NR_RUNS ? NULL : "a torn list";
}

static const char *check_lists(void)
{
	for (unsigned int s = 0; s < NR_SIZES; s++) {
		const struct qn_run *run = bins.head[qn_bin_of(sizes[s])];

		if (list_of[s] != s)
			continue;
		for (unsigned int i = 0; i < model.nr[s]; i++) {
			if (run != &runs[model.list[s][i]])
				return "a list has another order";
			run = run->next;
		}
		if (run)
			return "a list is longer than it should be";
	}
	return NULL;
}

static const char *check_choices(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(requests); i++) {
		unsigned int want = model_find(requests[i]);

		if (qn_bins_find(&bins, requests[i]) !=
		    (want == NONE ? NULL : &runs[want]))
			return "another run is chosen";
	}
	return NULL;
}

static const char *check(void)
{
	size_t sum = 0, largest = 0;
	const char *what;

	for (unsigned int r = 0; r < NR_RUNS; r++) {
		size_t size = model.size[r] == NR_SIZES ? 0 :
							  sizes[model.size[r]];

		sum += size;
		largest = max(largest, size);
	}
	what = qn_bins_check(&bins, sum, look, NULL);
	if (!what)
		what = check_lists();
	if (!what)
		what = check_choices();
	if (!what && qn_bins_largest(&bins) != largest)
		what = "the largest run is another";
	if (!what && qn_bins_has(&bins, 1) != (sum > 0))
		what = "it is not known that there are runs";
	return what;
}

static const struct enum_world worlds[] = {
	{ "five runs of six sizes", 5, REPLACES, begin, apply, tell, check },
	{ 0 },
};

ENUM_MAIN(worlds)
