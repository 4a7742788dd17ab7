// SPDX-License-Identifier: MIT
/*
 * t-place.c - which tokens stand for blocks that live long.
 *
 * Links: lib/process/place.c alone. A program is played of which each 32 KB are one sample.
 *
 * Invariants checked here:
 * - a token whose blocks outlive the others is long-lived, and the others are not;
 * - where all live alike, for ever or for a short time, none is;
 * - nor is one of which all blocks are young, whatever the others did before;
 * - what a token was is forgotten when its blocks live as short as the others;
 * - a small heap has no long-lived token;
 * - bytes in use are estimated without bias, and few blocks of a token are followed;
 * - small tokens do not share a slot.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "process/place.h"

#define places qn_places
#define SAMPLE ((u64)32 << 10)
#define MB     ((u64)1 << 20)

/* Freed in the order of birth, a queue for each life */
enum {
	MOST = 1 << 18
};

struct kind {
	size_t token;
	u32 one_in; /* of the samples of the program */
	u64 life;   /* bytes until a block is freed */
	u64 weight[MOST];
	u64 until[MOST];
	u64 dead[MOST];
	unsigned int slot[MOST];
	u32 first, last;
};

static struct kind kinds[2];
static u64 clock, heap;

static void begin(void)
{
	memset(&places, 0, sizeof(places));
	memset(kinds, 0, sizeof(kinds));
	clock = heap = 0;
}

static void add(unsigned int i, size_t token, u32 one_in, u64 life)
{
	kinds[i].token = token;
	kinds[i].one_in = one_in;
	kinds[i].life = life;
}

static unsigned int slot(unsigned int i)
{
	return qn_place_slot(kinds[i].token);
}

static void expire(unsigned int i)
{
	struct kind *k = &kinds[i];

	while (k->first != k->last && k->until[k->first % MOST] <= clock) {
		u32 n = k->first++ % MOST;

		if (k->weight[n])
			qn_place_live(&places, k->slot[n], -(s64)k->weight[n],
				      k->dead[n]);
		heap -= SAMPLE;
	}
}

static void ask(unsigned int i, bool is_worth)
{
	struct kind *k = &kinds[i];
	u64 weight = qn_place_sample(&places, slot(i), SAMPLE, clock, heap,
				     is_worth);

	if (weight)
		qn_place_live(&places, slot(i), (s64)weight, places.dead);
	k->dead[k->last % MOST] = places.dead;
	k->slot[k->last % MOST] = slot(i);
	k->weight[k->last % MOST] = weight;
	k->until[k->last++ % MOST] = clock + k->life;
	assert_true(k->last - k->first < MOST);
	heap += SAMPLE;
}

/* @bytes of requests. Of two kinds the second is one sample in so many. */
static void run(u64 bytes, bool is_worth)
{
	for (u64 end = clock + bytes; clock < end;) {
		u32 n = (u32)(clock / SAMPLE);

		clock += SAMPLE;
		expire(0);
		expire(1);
		ask(kinds[1].one_in && n % kinds[1].one_in == 0, is_worth);
	}
}

static bool is_long(unsigned int i)
{
	return qn_place_is_long(slot(i));
}

static void test_long_among_short(void **state)
{
	(void)state;
	begin();
	add(0, 1, 1, 2 * MB);
	add(1, 2, 32, 1000000 * MB);
	run(64 * MB, true);
	assert_false(is_long(0));
	assert_true(is_long(1));
	run(1000 * MB, true);
	assert_false(is_long(0));
	assert_true(is_long(1));
}

static void test_all_alike(void **state)
{
	static const u64 life[] = { MB / 2, 64 * MB, 1000000 * MB };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(life); i++) {
		begin();
		add(0, 1, 1, life[i]);
		add(1, 2, 8, life[i]);
		run(500 * MB, true);
		assert_false(is_long(0));
		assert_false(is_long(1));
	}
}

/* What a program works on is built while nothing else is asked for, after much that is gone */
static void test_building(void **state)
{
	(void)state;
	begin();
	add(0, 1, 1, MB);
	run(100 * MB, true);
	add(0, 3, 1, 64 * MB);
	for (int i = 0; i < 20; i++) {
		run(16 * MB, true);
		assert_false(is_long(0));
	}
}

static void test_forgets(void **state)
{
	(void)state;
	begin();
	add(0, 1, 1, 2 * MB);
	add(1, 2, 32, 200 * MB);
	run(200 * MB, true);
	assert_true(is_long(1));
	kinds[1].life = MB / 4;
	run(600 * MB, true);
	assert_false(is_long(1));
	assert_false(is_long(0));
}

static void test_small_heap(void **state)
{
	(void)state;
	begin();
	add(0, 1, 1, MB / 4);
	add(1, 2, 32, 1000000 * MB);
	run(64 * MB, false);
	assert_false(is_long(1));
	run(64 * MB, true);
	assert_true(is_long(1));
}

static void test_estimate(void **state)
{
	struct qn_place *s;

	(void)state;
	begin();
	add(0, 7, 1, 1000000 * MB);
	for (int doubling = 0; doubling < 6; doubling++) {
		run((128 * MB << doubling) - clock, true);
		s = &places.slot[slot(0)];
		assert_true(s->live > heap / 2 && s->live < heap * 2);
		assert_true(s->nr_live <= 52);
	}
	/* Then all of it is freed */
	kinds[0].life = 0;
	clock += 1000000 * MB;
	expire(0);
	assert_int_equal(places.slot[slot(0)].live, 0);
	assert_int_equal(places.slot[slot(0)].nr_live, 0);
}

static void test_slots(void **state)
{
	(void)state;
	for (size_t a = 0; a < 64; a++)
		for (size_t b = 0; b < a; b++)
			assert_int_not_equal(qn_place_slot(a),
					     qn_place_slot(b));
	assert_true(qn_place_slot(SIZE_MAX) < QN_PLACES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_long_among_short),
		cmocka_unit_test(test_all_alike),
		cmocka_unit_test(test_building),
		cmocka_unit_test(test_forgets),
		cmocka_unit_test(test_small_heap),
		cmocka_unit_test(test_estimate),
		cmocka_unit_test(test_slots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
