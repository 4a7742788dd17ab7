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
 * - a seed gives the same sequence on every target;
 * - the interval doubles and halves by the live bytes as its header says, and what
 *   live memory there is has between a quarter of and all the samples wanted;
 * - sums of what samples stand for are unbiased while the interval changes, and are
 *   not where all samples are taken for alike;
 * - the same of blocks behind which the countdown begins anew;
 * - sequences of seeds that one sampler gives have nothing in common.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "learn/sampler.h"
#include "../random.h"

#define NR_DRAWS 262144u
#define NR_SEEDS (QN_SMALL ? 2 : 16)
/* Distances with this interval are logarithms in 1/65536 */
#define UNIT 65536u
/* Exceeded once in 10000 by 15, 49 and 63 degrees of freedom */
#define CHI_15 45
#define CHI_49 94
#define CHI_63 114

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

/* ---- the interval ---- */

static u32 adapt(u32 interval, u32 least, size_t live)
{
	struct qn_sampler s = { .interval = interval, .rng = 1 };

	qn_sampler_adapt(&s, least, live);
	assert_int_equal(s.rng, 1);
	return s.interval;
}

static void test_adapt(void **state)
{
	const size_t most = QN_LIVE_SAMPLES, few = most * 5 / 16;

	(void)state;
	/* Between the two nothing changes */
	assert_int_equal(adapt(1000, 1000, most * 1000 - 1), 1000);
	assert_int_equal(adapt(1000, 1000, most * 1000), 2000);
	assert_int_equal(adapt(2000, 1000, few * 2000), 2000);
	assert_int_equal(adapt(2000, 1000, few * 2000 - 1), 1000);
	/* Never below what is asked for, and up to it at once */
	assert_int_equal(adapt(1000, 1000, 0), 1000);
	assert_int_equal(adapt(1500, 1000, 0), 1500);
	assert_int_equal(adapt(1000, 700000, 0), 700000);
	/* It does not wrap; where a size has 32 bits nothing is large enough for that */
	if (sizeof(size_t) > 4)
		assert_int_equal(adapt(UINT32_MAX / 2 + 1, 1, SIZE_MAX),
				 UINT32_MAX / 2 + 1);
	assert_int_equal(adapt(UINT32_MAX, UINT32_MAX, SIZE_MAX), UINT32_MAX);
}

/* Wherever live memory goes, some looks later there are as many samples as there should */
static void test_adapt_settles(void **state)
{
	struct qn_sampler s;
	size_t live = 100, samples;
	unsigned int i, look;

	(void)state;
	qn_sampler_init(&s, 64, 1);
	random_state = 5;
	for (i = 0; i < 2000; i++) {
		live = roll(2) ? live * 3 / 2 : live * 2 / 3 + 1;
		live = live > ((size_t)1 << 29) ? (size_t)1 << 29 : live;
		for (look = 0; look < 30; look++)
			qn_sampler_adapt(&s, 64, live);
		samples = live / s.interval;
		assert_true(samples <= QN_LIVE_SAMPLES);
		assert_true(s.interval == 64 ||
			    samples + 1 >= QN_LIVE_SAMPLES * 5 / 16);
	}
}

#define NR_CLASSES 3

/**
 * struct stream - classes that are asked for at their own pace, one sampler for all
 * @left:	bytes to the next sample
 * @drawn:	the interval that it was drawn with
 * @bytes:	asked for
 * @sum:	what the samples stand for
 * @nr:		samples
 * @square:	sum of the squares: the variance of @sum
 */
struct stream {
	u64 left, drawn;
	u64 bytes, sum, nr, square;
};

static struct stream streams[NR_CLASSES];

static void pass(struct qn_sampler *s, struct stream *c, u32 size)
{
	c->bytes += size;
	while (c->left < size) {
		c->sum += c->drawn;
		c->nr++;
		c->square += c->drawn * c->drawn;
		c->left += qn_sampler_draw(s);
		c->drawn = s->interval;
	}
	c->left -= size;
}

static bool is_off(const struct stream *c, u64 sum)
{
	s64 off = (s64)(sum - c->bytes);

	/* 4.5 standard deviations: once in 150000 times */
	return (u64)(off * off) > c->square / 4 * 81;
}

/*
 * Live memory rises and falls. One class is asked for all the time, one seldom, one most
 * when live memory is low, so that many of its countdowns end in other weather than that
 * in which they began.
 */
static void run_streams(u32 seed, u32 nr)
{
	struct qn_sampler s;
	u32 i, n;
	bool low;

	qn_sampler_init(&s, 128, seed);
	memset(streams, 0, sizeof(streams));
	for (i = 0; i < NR_CLASSES; i++) {
		streams[i].left = qn_sampler_draw(&s);
		streams[i].drawn = s.interval;
	}
	for (n = 0; n < nr; n++) {
		low = n / 2000 % 2;
		pass(&s, &streams[0], 48);
		if (n % 20 == 0)
			pass(&s, &streams[1], 100);
		if (n % 20 == 7 && (low || n % 400 == 7))
			pass(&s, &streams[2], 1000);
		if (n % 50 == 0)
			qn_sampler_adapt(&s, 128,
					 QN_LIVE_SAMPLES * (low ? 100 : 16000));
	}
}

/* Bytes, were each sample to stand for as many as any other */
static u64 alike(const struct stream *c)
{
	u64 bytes = 0, nr = 0;
	unsigned int i;

	for (i = 0; i < NR_CLASSES; i++) {
		bytes += streams[i].bytes;
		nr += streams[i].nr;
	}
	return bytes / nr * c->nr;
}

static void test_changing_interval(void **state)
{
	unsigned int seed, i, nr_off = 0;

	(void)state;
	for (seed = 1; seed <= NR_SEEDS; seed++) {
		run_streams(seed, QN_SMALL ? 1000000 : 2000000);
		for (i = 0; i < NR_CLASSES; i++) {
			assert_false(is_off(&streams[i], streams[i].sum));
			nr_off += is_off(&streams[i], alike(&streams[i]));
		}
	}
	assert_true(nr_off > NR_SEEDS);
}

/* x / (1 - exp(-x)) in 1/10000 for x in 1/100 */
static const struct {
	u32 x, exact;
} alone[] = {
	{ 0, 10000 },     { 1, 10050 },     { 5, 10252 },   { 25, 11302 },
	{ 50, 12707 },    { 100, 15820 },   { 150, 19308 }, { 200, 23130 },
	{ 250, 27236 },   { 300, 31572 },   { 340, 35174 }, { 360, 37012 },
	{ 400, 40746 },   { 480, 48398 },   { 520, 52288 }, { 600, 60149 },
	{ 1000, 100005 }, { 5000, 500000 },
};

static void test_alone(void **state)
{
	static const u32 intervals[] = { 1000, 7200, 65500, 1u << 22 };
	unsigned int i, n;
	u64 got, want;

	(void)state;
	for (n = 0; n < 4; n++) {
		for (i = 0; i < sizeof(alone) / sizeof(*alone); i++) {
			if (intervals[n] / 100 * alone[i].x > 1u << 23)
				continue;
			got = qn_sampler_alone(intervals[n],
					       intervals[n] / 100 * alone[i].x);
			want = 256ull * alone[i].exact / 10000;
			assert_true(got * 100 + 100 >= want * 97);
			assert_true(got * 100 <= want * 103 + 100);
		}
	}
	assert_int_equal(qn_sampler_alone(UINT32_MAX, 5), 256);
	assert_true(qn_sampler_alone(1, SIZE_MAX) >= 1u << 31);
}

/* Countdowns that begin anew behind a block: small blocks, and larger than the interval */
static void test_alone_is_true(void **state)
{
	static const u32 sizes[] = { 16, 200, 1000, 3000, 9000 };
	struct qn_sampler s;
	struct stream c;
	unsigned int i, nr_off = 0;
	u32 n, weight;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		qn_sampler_init(&s, 2000, i + 1);
		c = (struct stream){ .left = qn_sampler_draw(&s) };
		for (n = 0; n < 20u * 1000 * 1000 / sizes[i]; n++) {
			c.bytes += sizes[i];
			if (c.left >= sizes[i]) {
				c.left -= sizes[i];
				continue;
			}
			weight = qn_sampler_alone(2000, sizes[i]) * 125 / 16;
			c.sum += weight;
			c.nr++;
			c.square += (u64)weight * weight;
			c.left = qn_sampler_draw(&s);
		}
		assert_false(is_off(&c, c.sum));
		nr_off += is_off(&c, c.nr * 2000);
	}
	/* Three of them are large enough for that to matter */
	assert_int_equal(nr_off, 3);
}

/* Children of one sampler, and itself: first distances of each against those of the next */
static void test_children(void **state)
{
	struct qn_sampler parent, child;
	unsigned int last = 0, this;
	u32 n;

	(void)state;
	qn_sampler_init(&parent, UNIT, 3);
	for (n = 0; n < 65537; n++) {
		qn_sampler_init(&child, UNIT, qn_sampler_seed(&parent));
		this = quantile(qn_sampler_draw(&child)) / 2;
		if (n)
			counts[last * 8 + this]++;
		last = this;
	}
	assert_true(chi_square(64, 65536) < CHI_63);
	for (n = 0; n < 65536; n++) {
		qn_sampler_init(&child, UNIT, qn_sampler_seed(&parent));
		this = quantile(qn_sampler_draw(&child)) / 2;
		counts[this * 8 + quantile(qn_sampler_draw(&parent)) / 2]++;
	}
	assert_true(chi_square(64, 65536) < CHI_63);
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
		cmocka_unit_test(test_adapt),
		cmocka_unit_test(test_adapt_settles),
		cmocka_unit_test(test_changing_interval),
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_alone_is_true),
		cmocka_unit_test(test_children),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
