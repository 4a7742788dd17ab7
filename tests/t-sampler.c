// SPDX-License-Identifier: MIT
/*
 * t-sampler.c - the source of sample distances.
 *
 * Invariants checked here, all with fixed seeds:
 * - the mean is the interval within 1 %, for small and large intervals;
 * - distances are distributed exponentially: chi-square over sixteen classes of
 *   equal probability, with a bound that samplers with constant or uniform
 *   distances are shown to miss; the tail has the right weight;
 * - a distance says nothing about the next one, nor a seed about its neighbour;
 * - a distance is at least 1 and at most sixteen intervals, and never wraps;
 * - a seed gives the same sequence on every target.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "sampler.h"

#define NR_DRAWS 262144u
#define NR_SEEDS (QN_SMALL ? 2 : 16)
/* Distances with this interval are logarithms in 1/65536 */
#define UNIT 65536u
/* Exceeded once in 10000 by 15, and by 49, degrees of freedom */
#define CHI_15 45
#define CHI_49 94

/* -ln(1 - i / 16) in 1/65536 */
static const u32 quantiles[15] = {
	4230,  8751,  13608, 18854, 24556,  30802,  37707,  45426,
	54177, 64280, 76228, 90852, 109706, 136278, 181704,
};

static u32 counts[64];

static unsigned int quantile(u32 distance)
{
	unsigned int i = 0;

	while (i < 15 && distance >= quantiles[i])
		i++;
	return i;
}

/* Chi-square of counts[0 .. nr) against equal probability */
static u32 chi_square(unsigned int nr, u32 total)
{
	u64 sum = 0;
	unsigned int i;
	s64 off;

	for (i = 0; i < nr; i++) {
		off = (s64)counts[i] * nr - total;
		sum += (u64)(off * off) / nr;
		counts[i] = 0;
	}
	return (u32)(sum / total);
}

static void test_mean(void **state)
{
	static const u32 intervals[] = { 64, 4096, 65536, 1u << 20, 1u << 27 };
	struct qn_sampler s;
	unsigned int i, seed;
	u64 sum, want;
	u32 n;

	(void)state;
	for (i = 0; i < sizeof(intervals) / sizeof(*intervals); i++) {
		for (seed = 0; seed < NR_SEEDS; seed++) {
			qn_sampler_init(&s, intervals[i], seed);
			for (sum = 0, n = 0; n < NR_DRAWS; n++)
				sum += qn_sampler_draw(&s);
			want = (u64)intervals[i] * NR_DRAWS;
			assert_true(sum > want / 100 * 99);
			assert_true(sum < want / 100 * 101);
		}
	}
}

static void test_exponential(void **state)
{
	struct qn_sampler s;
	unsigned int seed;
	u32 n;

	(void)state;
	for (seed = 0; seed < NR_SEEDS; seed++) {
		qn_sampler_init(&s, UNIT, seed);
		for (n = 0; n < NR_DRAWS; n++)
			counts[quantile(qn_sampler_draw(&s))]++;
		assert_true(chi_square(16, NR_DRAWS) < CHI_15);
	}
}

/* The bound means something: samplers with the right mean that are not it */
static void test_others_fail(void **state)
{
	struct qn_sampler s;
	u32 n;

	(void)state;
	for (n = 0; n < 4096; n++)
		counts[quantile(UNIT)]++;
	assert_true(chi_square(16, 4096) > CHI_15);
	for (n = 0; n < 4096; n++)
		counts[quantile(n * (2 * UNIT / 4096))]++;
	assert_true(chi_square(16, 4096) > CHI_15);
	/* half the sum of two: a gamma distribution */
	qn_sampler_init(&s, UNIT / 2, 1);
	for (n = 0; n < 4096; n++)
		counts[quantile(qn_sampler_draw(&s) + qn_sampler_draw(&s))]++;
	assert_true(chi_square(16, 4096) > CHI_15);
	/* 3 % off */
	qn_sampler_init(&s, UNIT / 100 * 103, 1);
	for (n = 0; n < 65536; n++)
		counts[quantile(qn_sampler_draw(&s))]++;
	assert_true(chi_square(16, 65536) > CHI_15);
}

static void test_tail(void **state)
{
	struct qn_sampler s;
	u32 n, d, above3 = 0, above8 = 0;

	(void)state;
	qn_sampler_init(&s, UNIT, 7);
	for (n = 0; n < NR_DRAWS; n++) {
		d = qn_sampler_draw(&s);
		above3 += d > 3 * UNIT;
		above8 += d > 8 * UNIT;
	}
	/* exp(-3) is 0.0498, exp(-8) 0.000335 */
	assert_true(above3 > NR_DRAWS / 100 * 47 / 10);
	assert_true(above3 < NR_DRAWS / 100 * 53 / 10);
	assert_true(above8 > NR_DRAWS / 10000 * 17 / 10);
	assert_true(above8 < NR_DRAWS / 10000 * 52 / 10);
}

static void test_pairs(void **state)
{
	struct qn_sampler s;
	unsigned int seed, last, this;
	u32 n;

	(void)state;
	for (seed = 0; seed < NR_SEEDS; seed++) {
		qn_sampler_init(&s, UNIT, 100 + seed);
		last = quantile(qn_sampler_draw(&s)) / 2;
		for (n = 0; n < NR_DRAWS; n++) {
			this = quantile(qn_sampler_draw(&s)) / 2;
			counts[last * 8 + this]++;
			last = this;
		}
		assert_true(chi_square(64, NR_DRAWS) < CHI_49);
	}
}

/* The first two distances of neighbouring seeds */
static void test_seeds(void **state)
{
	struct qn_sampler s;
	u32 seed, first;

	(void)state;
	for (seed = 0; seed < 65536; seed++) {
		qn_sampler_init(&s, UNIT, seed);
		first = quantile(qn_sampler_draw(&s)) / 2;
		counts[first * 8 + quantile(qn_sampler_draw(&s)) / 2]++;
	}
	assert_true(chi_square(64, 65536) < CHI_49);
}

static void test_bounds(void **state)
{
	static const u32 intervals[] = { 0, 1, 2, 100, 4096, 1u << 28 };
	struct qn_sampler s;
	unsigned int i;
	u32 n, d, interval;

	(void)state;
	for (i = 0; i < sizeof(intervals) / sizeof(*intervals); i++) {
		qn_sampler_init(&s, intervals[i], i);
		interval = intervals[i] ? intervals[i] : 1;
		for (n = 0; n < 20000; n++) {
			d = qn_sampler_draw(&s);
			assert_true(d >= 1);
			assert_true((d - 1) / 16 < interval);
			assert_true(s.rng != 0);
		}
	}
}

/* Where the product would not fit, and the ends of the generator's range */
static void test_extremes(void **state)
{
	struct qn_sampler s;
	u32 n, d, longest = 0, capped = 0;

	(void)state;
	qn_sampler_init(&s, UINT32_MAX, 1);
	for (n = 0; n < 20000; n++) {
		d = qn_sampler_draw(&s);
		assert_true(d >= 1);
		longest = d > longest ? d : longest;
		capped += d == UINT32_MAX;
	}
	/* 37 % of all distances are longer than the mean: none has wrapped */
	assert_true(longest == UINT32_MAX);
	assert_true(capped > 20000 / 100 * 35 && capped < 20000 / 100 * 39);

	/* the generator goes on to 1 from here, the rarest logarithm: cut */
	s = (struct qn_sampler){ .interval = 1000, .rng = 0xf2b58529u };
	assert_int_equal(qn_sampler_draw(&s), 16000);
	assert_int_equal(s.rng, 1);
	/* and to all ones from here */
	s = (struct qn_sampler){ .interval = 1000, .rng = 0x5e6cfce7u };
	assert_int_equal(qn_sampler_draw(&s), 1);
	assert_int_equal(s.rng, UINT32_MAX);
}

/* Against the same generator and logarithms in double precision */
static void test_sequence(void **state)
{
	static const u32 exact[8] = { 2102056, 400552, 590342,  477538,
				      99017,   782388, 1015862, 1672346 };
	struct qn_sampler s;
	u32 n, hash = 0;

	(void)state;
	qn_sampler_init(&s, 1000000, 1);
	for (n = 0; n < 8; n++)
		assert_in_range(qn_sampler_draw(&s), exact[n] - 600,
				exact[n] + 600);
	/* the same on every target to the last bit */
	qn_sampler_init(&s, 65536, 1);
	for (n = 0; n < 1000; n++)
		hash = hash * 31 + qn_sampler_draw(&s);
	assert_int_equal(hash, 0xe99d7f64u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mean),
		cmocka_unit_test(test_exponential),
		cmocka_unit_test(test_others_fail),
		cmocka_unit_test(test_tail),
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_seeds),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_sequence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
