// SPDX-License-Identifier: MIT
/*
 * t-profile.c - the decayed histogram of request sizes.
 *
 * Invariants checked here:
 * - a sampled size is counted at its own step, what lies outside the map in
 *   @large, and @total and @requests are always the sums that they claim to be;
 * - weights never wrap, whatever comes how often;
 * - each weight loses a quarter, rounded up, exactly once in QN_PROFILE_DECAY
 *   samples, and a size that is not asked for any more is forgotten;
 * - one sample changes a bounded number of entries;
 * - sizes that are requested equally often have equal shares of @requests when
 *   they are sampled by bytes;
 * - a sample weighs what it stands for, in samples of the interval in force;
 * - an epoch's figures are those that were worked out by hand: how far the histogram
 *   moved, the slopes, whatever the length of the epoch, and the shares of waste;
 * - qn_profile_check() notices a change to any of the fields that it covers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "learn/profile.h"
#include "learn/table.h"
#include "../random.h"

#define NR_STEPS 2049
#define NR_SMALL 65

union buffer {
	struct qn_profile profile;
	unsigned char bytes[sizeof(struct qn_profile) + 2 * NR_STEPS + 8];
};

static union buffer buffer;

static union {
	struct qn_trend trend;
	unsigned char bytes[sizeof(struct qn_trend) + 2 * NR_SMALL + 8];
} trend_buffer;

static struct qn_trend *const t = &trend_buffer.trend;
static struct qn_stats_trend out;
static struct qn_profile *const p = &buffer.profile;
static u16 before[NR_STEPS];

static void sample_steps(unsigned int step, unsigned int nr)
{
	while (nr--)
		qn_profile_sample(p, step * QN_STEP, QN_PROFILE_ONE);
}

static void test_init(void **state)
{
	unsigned int i;

	(void)state;
	memset(&buffer, 0xa5, sizeof(buffer));
	qn_profile_init(p, NR_SMALL);
	assert_int_equal(qn_profile_check(p), 0);
	assert_int_equal(p->total, 0);
	assert_int_equal(p->nr_samples, 0);
	assert_int_equal(p->nr_steps, NR_SMALL);
	for (i = 0; i < NR_SMALL; i++)
		assert_int_equal(p->hist[i], 0);
	assert_int_equal(buffer.bytes[qn_profile_bytes(NR_SMALL)], 0xa5);
}

static void assert_counted_at(size_t size, unsigned int step)
{
	qn_profile_init(p, NR_SMALL);
	qn_profile_sample(p, size, QN_PROFILE_ONE);
	assert_int_equal(p->hist[step], QN_PROFILE_ONE);
	assert_int_equal(p->total, QN_PROFILE_ONE);
	assert_int_equal(p->large, 0);
	assert_int_equal(p->nr_samples, 1);
	assert_int_equal(qn_profile_check(p), 0);
}

static void assert_counted_large(size_t size)
{
	qn_profile_init(p, NR_SMALL);
	qn_profile_sample(p, size, QN_PROFILE_ONE);
	assert_int_equal(p->large, QN_PROFILE_ONE);
	assert_int_equal(p->total, QN_PROFILE_ONE);
	assert_int_equal(p->requests, 0);
	assert_int_equal(qn_profile_check(p), 0);
}

static void test_places(void **state)
{
	(void)state;
	assert_counted_at(0, 1);
	assert_counted_at(1, 1);
	assert_counted_at(QN_STEP, 1);
	assert_counted_at(QN_STEP + 1, 2);
	assert_counted_at((NR_SMALL - 1) * QN_STEP, NR_SMALL - 1);
	assert_counted_large((NR_SMALL - 1) * QN_STEP + 1);
	assert_counted_large((size_t)1 << 31);
	assert_counted_large(SIZE_MAX);
	assert_counted_large(SIZE_MAX - QN_STEP);
}

static void test_sums(void **state)
{
	unsigned int i, hot = 1;

	(void)state;
	random_state = 1;
	qn_profile_init(p, NR_SMALL);
	for (i = 0; i < 30000; i++) {
		if (i % 1000 == 0)
			hot = 1 + roll(80);
		if (roll(2))
			sample_steps(hot, 1);
		else
			qn_profile_sample(p, roll(90 * QN_STEP),
					  QN_PROFILE_ONE);
		assert_int_equal(qn_profile_check(p), 0);
	}
	assert_int_equal(p->nr_samples, 30000);
}

/* All samples of one size: it nears the highest weight and stays there */
static void test_saturates(void **state)
{
	u32 n, last = 0;

	(void)state;
	qn_profile_init(p, NR_SMALL);
	for (n = 0; n < 40u * QN_PROFILE_DECAY; n++) {
		sample_steps(3, 1);
		assert_true(p->hist[3] + 4u >= last - (last + 3) / 4);
		assert_int_equal(p->total, p->hist[3]);
		last = p->hist[3];
	}
	assert_true(last > 3u * QN_PROFILE_DECAY * QN_PROFILE_ONE / 4 ||
		    last > 3u * UINT16_MAX / 4);
	assert_int_equal(qn_profile_check(p), 0);

	p->hist[3] = UINT16_MAX - 3;
	p->total = p->hist[3];
	p->requests = qn_profile_requests(p, 3);
	p->until_decay = 1;
	sample_steps(3, 1);
	assert_int_equal(p->hist[3], UINT16_MAX);
	assert_int_equal(qn_profile_check(p), 0);
}

static void test_large_bounded(void **state)
{
	u32 n;

	(void)state;
	qn_profile_init(p, NR_SMALL);
	for (n = 0; n < 40u * QN_PROFILE_DECAY; n++)
		qn_profile_sample(p, SIZE_MAX, QN_PROFILE_ONE);
	assert_true(p->large <= 4u * QN_PROFILE_DECAY * QN_PROFILE_ONE);
	assert_true(p->large >= 3u * QN_PROFILE_DECAY * QN_PROFILE_ONE);
	assert_int_equal(qn_profile_check(p), 0);
}

static void fill(unsigned int nr_steps, u16 weight)
{
	unsigned int i;

	qn_profile_init(p, nr_steps);
	for (i = 1; i < nr_steps; i++) {
		p->hist[i] = weight;
		p->total += weight;
		p->requests += qn_profile_requests(p, i);
	}
	assert_int_equal(qn_profile_check(p), 0);
}

/* One period over a map that is longer, and one that is shorter, than it */
static void decay_once(unsigned int nr_steps, u16 weight, u16 left)
{
	unsigned int i;

	fill(nr_steps, weight);
	for (i = 0; i < QN_PROFILE_DECAY; i++)
		qn_profile_sample(p, SIZE_MAX, QN_PROFILE_ONE);
	for (i = 1; i < nr_steps; i++)
		assert_int_equal(p->hist[i], left);
	assert_int_equal(p->until_decay, QN_PROFILE_DECAY);
	assert_int_equal(qn_profile_check(p), 0);
}

static void test_decay_once(void **state)
{
	static const unsigned int lengths[] = { 2,    64,   NR_SMALL,
						511,  512,  513,
						1024, 1025, NR_STEPS };
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		decay_once(lengths[i], 1000, 750);
		decay_once(lengths[i], 3, 2);
		decay_once(lengths[i], 1, 0);
		decay_once(lengths[i], UINT16_MAX, 49151);
	}
}

static void test_decay_bounded(void **state)
{
	unsigned int i, n, changed;

	(void)state;
	fill(NR_STEPS, 1000);
	for (n = 0; n < QN_PROFILE_DECAY; n++) {
		memcpy(before, p->hist, sizeof(before));
		qn_profile_sample(p, SIZE_MAX, QN_PROFILE_ONE);
		changed = 0;
		for (i = 0; i < NR_STEPS; i++)
			changed += before[i] != p->hist[i];
		assert_true(changed <= 1 + NR_STEPS / QN_PROFILE_DECAY);
	}
}

static void test_forgets(void **state)
{
	unsigned int n;

	(void)state;
	qn_profile_init(p, NR_STEPS);
	sample_steps(700, 2000);
	assert_true(p->hist[700] > 16 * QN_PROFILE_ONE);
	for (n = 0; p->hist[700]; n++) {
		assert_true(n < 50u * QN_PROFILE_DECAY);
		sample_steps(5, 1);
	}
	assert_true(n > 4u * QN_PROFILE_DECAY);
	assert_int_equal(p->total, p->hist[5]);
}

static void test_requests(void **state)
{
	unsigned int round, step;
	u32 mean, got;

	(void)state;
	qn_profile_init(p, NR_SMALL);
	for (round = 0; round < 200; round++)
		for (step = 1; step <= 8; step++)
			sample_steps(step, step);
	mean = p->requests / 8;
	for (step = 1; step <= 8; step++) {
		got = qn_profile_requests(p, step);
		assert_true(got > mean / 10 * 8 && got < mean / 10 * 12);
	}
}

static void assert_damaged(void)
{
	assert_int_equal(qn_profile_check(p), -EUCLEAN);
	fill(NR_SMALL, 100);
}

static void test_check(void **state)
{
	unsigned int i;

	(void)state;
	fill(NR_SMALL, 100);
	for (i = 0; i < NR_SMALL; i++) {
		p->hist[i]++;
		assert_damaged();
	}
	p->total--;
	assert_damaged();
	p->large++;
	assert_damaged();
	p->requests++;
	assert_damaged();
	p->until_decay = 0;
	assert_damaged();
	p->until_decay = QN_PROFILE_DECAY + 1;
	assert_damaged();
	p->nr_steps = 1;
	assert_damaged();
}

static void test_weight(void **state)
{
	(void)state;
	assert_int_equal(qn_profile_weight(4096, 4096), QN_PROFILE_ONE);
	assert_int_equal(qn_profile_weight(4096, 8192), QN_PROFILE_ONE / 2);
	assert_int_equal(qn_profile_weight(12288, 4096), 3 * QN_PROFILE_ONE);
	assert_int_equal(qn_profile_weight(1u << 30, 1u << 31),
			 QN_PROFILE_ONE / 2);
	assert_int_equal(qn_profile_weight(UINT32_MAX, 1), UINT16_MAX);
	assert_int_equal(qn_profile_weight(1, UINT32_MAX), 1);
	/* Rounded: 1.5 / 32 are nearer to 2 than to 1 */
	assert_int_equal(qn_profile_weight(192, 4096), 2);
	qn_profile_init(p, NR_SMALL);
	qn_profile_sample(p, 5 * QN_STEP, 3 * QN_PROFILE_ONE);
	qn_profile_sample(p, SIZE_MAX, 5);
	assert_int_equal(p->hist[5], 3 * QN_PROFILE_ONE);
	assert_int_equal(p->large, 5);
	assert_int_equal(qn_profile_check(p), 0);
}

/* ---- trends ---- */

#define KB 1024

static void begin_trend(void)
{
	memset(&out, 0, sizeof(out));
	memset(&trend_buffer, 0xa5, sizeof(trend_buffer));
	qn_profile_init(p, NR_SMALL);
	qn_trend_init(t, NR_SMALL);
}

static void epoch(struct qn_trend_look look)
{
	unsigned char *end = trend_buffer.bytes + qn_trend_bytes(NR_SMALL);

	assert_true(qn_trend_is_due(t, look.usec));
	qn_trend_epoch(t, p, &look, &out);
	assert_false(qn_trend_is_due(t, look.usec));
	assert_int_equal(*end, 0xa5);
}

/* An epoch of QN_TREND_MS in which nothing but the histogram changes */
static u32 shift_after(u32 at2, u32 at3, u32 at9, u32 large)
{
	p->hist[2] = (u16)at2;
	p->hist[3] = (u16)at3;
	p->hist[9] = (u16)at9;
	p->large = large;
	p->total = at2 + at3 + at9 + large;
	epoch((struct qn_trend_look){ .usec = t->usec + QN_TREND_MS * 1000 });
	return out.shift;
}

static void test_shift(void **state)
{
	(void)state;
	begin_trend();
	/* Nothing is known, then there is nothing to compare with */
	assert_int_equal(shift_after(0, 0, 0, 0), 0);
	assert_int_equal(shift_after(300, 100, 0, 0), 0);
	/* (3/4, 1/4, 0, 0) to four quarters: (1/2 + 0 + 1/4 + 1/4) / 2 */
	assert_int_equal(shift_after(100, 100, 100, 100), 32768);
	/* As it was, decayed */
	assert_int_equal(shift_after(75, 75, 75, 75), 0);
	/* An eighth moves from one size to another */
	assert_int_equal(shift_after(50, 150, 100, 100), 8192);
	/* Three eighths to what is larger than the map, and all of that back */
	assert_int_equal(shift_after(0, 0, 100, 300), 32768);
	assert_in_range(shift_after(1000, 0, 0, 0), 65535, 65536);
	/* Without samples nothing moves */
	assert_int_equal(shift_after(1000, 0, 0, 0), 0);
	assert_in_range(out.most_shift, 65535, 65536);
	assert_in_range(out.sum_shift, 32768 + 8192 + 32768 + 65535,
			32768 + 8192 + 32768 + 65536);
	assert_int_equal(out.nr_epochs, 8);
}

static void assert_trend(u32 nr_growing, u32 nr_shrinking, s64 live, s64 peak)
{
	assert_int_equal(out.nr_growing, nr_growing);
	assert_int_equal(out.nr_shrinking, nr_shrinking);
	assert_true(out.live_slope == live * (1 << QN_STATS_SLOPE));
	assert_true(out.peak_slope == peak * (1 << QN_STATS_SLOPE));
}

static void test_slopes(void **state)
{
	const u32 unit = QN_TREND_MS * 1000;

	(void)state;
	begin_trend();
	/* 64 KB more: a quarter of it is in the mean */
	epoch((struct qn_trend_look){
		.usec = unit, .live = 64 * KB, .peak = 128 * KB });
	assert_trend(1, 0, 16 * KB, 32 * KB);
	assert_int_equal(out.live_of_peak, 32768);
	/* 32 KB less in twice the time are 16: 3/4 * 16 - 1/4 * 16; the peak stays */
	epoch((struct qn_trend_look){ .usec = 3 * unit,
				      .live = 32 * KB,
				      .peak = 128 * KB,
				      .purged = 64 * KB,
				      .refaults = 16 * KB });
	assert_trend(1, 1, 8 * KB, 24 * KB);
	assert_int_equal(out.live_of_peak, 16384);
	assert_true(out.purged_slope == 8 * KB * 256);
	assert_true(out.refaults_slope == 2 * KB * 256);
	/* In three times the time 96 KB more are 32 KB */
	epoch((struct qn_trend_look){ .usec = 6 * unit,
				      .live = 128 * KB,
				      .peak = 128 * KB,
				      .purged = 64 * KB,
				      .refaults = 16 * KB });
	assert_trend(2, 1, 14 * KB, 18 * KB);
	assert_true(out.purged_slope == 6 * KB * 256);
	assert_int_equal(out.live_of_peak, 65536);
	assert_int_equal(out.sum_live_of_peak, 32768 + 16384 + 65536);
	/* One part in 1024 is flat, a byte more is not */
	epoch((struct qn_trend_look){
		.usec = 7 * unit, .live = 128 * KB - 128, .peak = 128 * KB });
	assert_int_equal(out.nr_shrinking, 1);
	epoch((struct qn_trend_look){
		.usec = 8 * unit, .live = 128 * KB - 257, .peak = 128 * KB });
	assert_int_equal(out.nr_shrinking, 2);
	assert_int_equal(out.nr_growing, 2);
	assert_int_equal(out.nr_epochs, 5);
}

/* Epochs of an odd length, and far longer than there should be */
static void test_long_epochs(void **state)
{
	(void)state;
	begin_trend();
	/* 700 bytes in seven quarters of a unit: 400 in one */
	epoch((struct qn_trend_look){ .usec = QN_TREND_MS * 1750,
				      .live = 700 });
	assert_trend(1, 0, 100, 0);
	/* 3 * 400 / 4 and an hour of nothing */
	epoch((struct qn_trend_look){ .usec = 3600000000u, .live = 700 });
	assert_trend(1, 0, 75, 0);
	/* An hour counts as a minute */
	epoch((struct qn_trend_look){ .usec = 7200000000u,
				      .live = 700 + 60000 / QN_TREND_MS * 96 });
	assert_true(out.live_slope ==
		    (75 * 3 + 96) * (1 << QN_STATS_SLOPE) / 4);
}

static void test_waste(void **state)
{
	struct qn_trend_look look = { .usec = QN_TREND_MS * 1000,
				      .live = 512 * KB,
				      .internal = 64 * KB,
				      .external = 256 * KB,
				      .dirty = 192 * KB,
				      .metadata = 64 * KB };

	(void)state;
	begin_trend();
	epoch((struct qn_trend_look){ .usec = QN_TREND_MS * 1000 });
	assert_int_equal(out.waste.internal + out.waste.external, 0);
	assert_int_equal(out.live_of_peak, 0);
	/* Sixteenths of a megabyte */
	begin_trend();
	epoch(look);
	assert_int_equal(out.waste.internal, 65536 / 16);
	assert_int_equal(out.waste.external, 65536 / 4);
	assert_int_equal(out.waste.dirty, 65536 / 16 * 3);
	assert_int_equal(out.waste.metadata, 65536 / 16);
	look.usec *= 2;
	look.external = 0;
	look.dirty = 448 * KB;
	epoch(look);
	assert_int_equal(out.waste.external, 0);
	assert_int_equal(out.waste.dirty, 65536 / 16 * 7);
	assert_int_equal(out.sum_waste.internal, 65536 / 8);
	assert_int_equal(out.sum_waste.external, 65536 / 4);
	assert_int_equal(out.sum_waste.dirty, 65536 / 16 * 10);
	assert_int_equal(out.sum_waste.metadata, 65536 / 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_init),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_saturates),
		cmocka_unit_test(test_large_bounded),
		cmocka_unit_test(test_decay_once),
		cmocka_unit_test(test_decay_bounded),
		cmocka_unit_test(test_forgets),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_weight),
		cmocka_unit_test(test_shift),
		cmocka_unit_test(test_slopes),
		cmocka_unit_test(test_long_epochs),
		cmocka_unit_test(test_waste),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
