// SPDX-License-Identifier: MIT
/*
 * t-delays.c - how long to keep free memory, from programs whose pauses are known.
 *
 * The program has bursts of 100 MB. After each it waits. The age that costs least is worked
 * out here from the pauses alone, as qn_delays cannot: it sees slices, and classes of times.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "process/delays.h"
#include "../random.h"

#define MB ((size_t)1 << 20)

static struct qn_delays d;
static u32 now;

static void move(size_t used)
{
	if (qn_delays_is_due(&d, used))
		qn_delays_move(&d, used, now);
}

/* Up to @peak and down to @base, some MB at a time, then a pause */
static void burst(size_t base, size_t peak, u32 ms)
{
	for (size_t used = base; used < peak; used += 3 * MB / 2)
		move(used);
	move(peak);
	for (size_t used = peak; used > base; used -= min(used - base, 2 * MB))
		move(used);
	move(base);
	now += ms;
}

static void begin(void)
{
	memset(&d, 0, sizeof(d));
	now = 1000;
}

/* Bursts with these pauses, in turns; a decision after each second */
static void play(const u32 *pauses, unsigned int nr, unsigned int times,
		 size_t peak, u32 even)
{
	u32 last = now;

	for (unsigned int i = 0; i < times; i++) {
		burst(MB, peak, pauses[i % nr]);
		if (now - last < 1000)
			continue;
		last = now;
		qn_delays_decide(&d, now, even);
	}
}

/* What an age costs with these pauses, for each byte */
static u64 cost(const u32 *pauses, unsigned int nr, u32 age, u32 even)
{
	u64 sum = 0;

	for (unsigned int i = 0; i < nr; i++)
		sum += pauses[i] <= age ? pauses[i] : age + even;
	return sum;
}

static u64 least_cost(const u32 *pauses, unsigned int nr, u32 even)
{
	u64 least = UINT64_MAX;

	for (u32 age = even / 4; age <= 4 * even; age++)
		least = min(least, cost(pauses, nr, age, even));
	return least;
}

/* Nothing is known: break-even. Little is known: the same. */
static void test_unknown(void **state)
{
	static const u32 pause = 3000;

	(void)state;
	begin();
	for (u32 even = 0; even < 100000; even = even * 2 + 1)
		assert_int_equal(qn_delays_age(&d, even), even);
	qn_delays_decide(&d, now, 100);
	assert_int_equal(qn_delays_age(&d, 100), 100);
	play(&pause, 1, 2, 4 * MB, 100);
	assert_int_equal(qn_delays_age(&d, 100), 100);
}

/* All pauses are longer: most of the time is saved. Shorter ones: all are waited for. */
static void test_one_pause(void **state)
{
	static const u32 longer = 3000, shorter = 50;

	(void)state;
	begin();
	play(&longer, 1, 20, 100 * MB, 300);
	assert_in_range(qn_delays_age(&d, 300), 300 / 4, 300 / 3);
	/* Its habits change */
	play(&shorter, 1, 2000, 100 * MB, 300);
	assert_in_range(qn_delays_age(&d, 300), 50, 4 * 300);
	play(&longer, 1, 40, 100 * MB, 300);
	assert_in_range(qn_delays_age(&d, 300), 300 / 4, 300 / 3);
}

/* A program that ends with less in use never wants the rest back */
static void test_never(void **state)
{
	(void)state;
	begin();
	burst(MB, 60 * MB, 10);
	now += 100000;
	qn_delays_decide(&d, now, 300);
	assert_in_range(qn_delays_age(&d, 300), 300 / 4, 300 / 3);
	/* It counts once */
	for (unsigned int i = 0; i < 300; i++)
		qn_delays_decide(&d, now, 300);
	assert_true(d.never < 16 * 256);
}

/* Whatever the pauses are, the age is not much dearer than the best one */
static void test_random_pauses(void **state)
{
	u32 random = 7, pauses[7], even, age;

	(void)state;
	for (unsigned int round = 0; round < 300; round++) {
		size_t peak = (8 + random_next(&random) % 200) * MB;

		begin();
		even = 30 + random_next(&random) % 3000;
		for (size_t i = 0; i < ARRAY_SIZE(pauses); i++)
			pauses[i] = 1 + (random_next(&random) %
					 (even << random % 5)) /
						2;
		play(pauses, 7, 700, peak, even);
		age = qn_delays_age(&d, even);
		assert_in_range(age, even / 4, 4 * even);
		/* A tenth by itself, and what classes of half an octave leave open */
		assert_true(cost(pauses, 7, age, even) <=
			    least_cost(pauses, 7, even) * 16 / 10);
	}
}

/* Any amount of memory, and any time: what is counted stays in bounds */
static void test_random(void **state)
{
	u32 random = 3;

	(void)state;
	begin();
	for (unsigned int i = 0; i < 200000; i++) {
		size_t used = (size_t)random_next(&random)
			      << random_next(&random) % 16;

		now += random_next(&random) >> (8 + random % 24);
		now |= 1;
		move(used);
		assert_false(qn_delays_is_due(&d, used));
		assert_true(d.nr <= d.top && d.top <= QN_DELAYS_SLICES);
		for (u32 n = 0; n < d.nr; n++)
			assert_int_equal(d.fell[n], 0);
		if (random % 64 == 0)
			qn_delays_decide(&d, now, random_next(&random));
		assert_true(qn_delays_age(&d, 1600) >= 400);
		assert_true(qn_delays_age(&d, 1600) <= 6400);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_one_pause),
		cmocka_unit_test(test_never),
		cmocka_unit_test(test_random_pauses),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
