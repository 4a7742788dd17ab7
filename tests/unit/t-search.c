// SPDX-License-Identifier: MIT
/*
 * t-search.c - the search for the cheapest set of numbers, with costs that are made up.
 *
 * Invariants checked here:
 * - the cheapest value is found, also where two knobs have to go together;
 * - no value leaves its range;
 * - a knob that makes no difference has its preset;
 * - the same seed asks for the same sets; no more are asked for than were allowed;
 * - an error of the caller's ends it.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "command/learn/search.h"

struct set {
	size_t a, b, c;
};

static const struct qn_search_knob knobs[] = {
	{ "a", offsetof(struct set, a), 64, 0, 1 << 20 },
	{ "b", offsetof(struct set, b), 16, 1, 1024 },
	{ "c", offsetof(struct set, c), 5, 1, 16 },
};
static const struct set preset = { 64, 16, 5 };

/**
 * struct made_up - costs, and what was asked
 * @a, @b:	the cheapest values
 * @sum:	of all sets
 * @fails_at:	set that cannot be had
 */
struct made_up {
	double a, b;
	u32 nr;
	u64 sum;
	u32 fails_at;
};

static double away(size_t value, double best)
{
	return fabs(log2((double)value + 0.5) - log2(best + 0.5));
}

static int cost(void *data, const void *sets, u32 nr, double *costs)
{
	struct made_up *m = data;
	const struct set *set = sets;

	assert_true(nr && nr <= QN_SEARCH_BATCH);
	for (u32 i = 0; i < nr; i++) {
		assert_in_range(set[i].a, 0, 1 << 20);
		assert_in_range(set[i].b, 1, 1024);
		assert_in_range(set[i].c, 1, 16);
		costs[i] = 100 + 10 * away(set[i].a, m->a) +
			   10 * away(set[i].b, m->b);
		m->sum = m->sum * 31 + set[i].a * 7 + set[i].b * 5 + set[i].c;
		if (++m->nr == m->fails_at)
			return -EIO;
	}
	return 0;
}

static int search(struct made_up *m, u64 seed, struct set *best)
{
	const struct qn_search s = {
		.knobs = knobs,
		.nr = ARRAY_SIZE(knobs),
		.preset = &preset,
		.bytes = sizeof(preset),
		.seed = seed,
		.tries = 300,
		.cost = cost,
		.data = m,
	};
	double at;
	int err = qn_search_run(&s, best, &at);

	if (!err)
		assert_true(at <= 100 + 10 * away(preset.a, m->a) +
					  10 * away(preset.b, m->b));
	return err;
}

static void test_finds(void **state)
{
	static const double cheapest[][2] = {
		{ 0, 16 }, { 4096, 1024 }, { 64, 1 }, { 8, 256 }, { 16384, 16 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cheapest); i++) {
		struct made_up m = { .a = cheapest[i][0], .b = cheapest[i][1] };
		struct set best;

		assert_int_equal(search(&m, i, &best), 0);
		assert_int_equal(best.a, (size_t)m.a);
		assert_int_equal(best.b, (size_t)m.b);
		assert_int_equal(best.c, preset.c);
		assert_in_range(m.nr, 300, 300 + 2 + QN_SEARCH_BATCH);
	}
}

static void test_repeats(void **state)
{
	struct made_up m[3] = { { .a = 8, .b = 256 },
				{ .a = 8, .b = 256 },
				{ .a = 8, .b = 256 } };
	struct set best;

	(void)state;
	assert_int_equal(search(&m[0], 1, &best), 0);
	assert_int_equal(search(&m[1], 1, &best), 0);
	assert_int_equal(search(&m[2], 2, &best), 0);
	assert_true(m[0].sum == m[1].sum);
	assert_true(m[0].sum != m[2].sum);
}

/* Nothing is cheaper: all stays as it was */
static void test_preset_is_best(void **state)
{
	struct made_up m = { .a = 64, .b = 16 };
	struct set best;

	(void)state;
	assert_int_equal(search(&m, 1, &best), 0);
	assert_memory_equal(&best, &preset, sizeof(best));
}

static void test_error(void **state)
{
	struct made_up m = { .a = 8, .b = 8, .fails_at = 100 };
	struct set best;

	(void)state;
	assert_int_equal(search(&m, 1, &best), -EIO);
	assert_int_equal(m.nr, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds),
		cmocka_unit_test(test_repeats),
		cmocka_unit_test(test_preset_is_best),
		cmocka_unit_test(test_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
