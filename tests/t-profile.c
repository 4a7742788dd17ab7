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
 * - qn_profile_check() notices a change to any of the fields that it covers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "profile.h"
#include "table.h"

#define NR_STEPS 2049
#define NR_SMALL 65

union buffer {
	struct qn_profile profile;
	unsigned char bytes[sizeof(struct qn_profile) + 2 * NR_STEPS + 8];
};

static union buffer buffer;
static struct qn_profile *const p = &buffer.profile;
static u16 before[NR_STEPS];

static u32 random_state;

static u32 random_below(u32 n)
{
	random_state = random_state * 1664525u + 1013904223u;
	return (u32)(((u64)random_state * n) >> 32);
}

static void sample_steps(unsigned int step, unsigned int nr)
{
	while (nr--)
		qn_profile_sample(p, step * QN_STEP);
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
	qn_profile_sample(p, size);
	assert_int_equal(p->hist[step], QN_PROFILE_ONE);
	assert_int_equal(p->total, QN_PROFILE_ONE);
	assert_int_equal(p->large, 0);
	assert_int_equal(p->nr_samples, 1);
	assert_int_equal(qn_profile_check(p), 0);
}

static void assert_counted_large(size_t size)
{
	qn_profile_init(p, NR_SMALL);
	qn_profile_sample(p, size);
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
			hot = 1 + random_below(80);
		if (random_below(2))
			sample_steps(hot, 1);
		else
			qn_profile_sample(p, random_below(90 * QN_STEP));
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
		qn_profile_sample(p, SIZE_MAX);
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
		qn_profile_sample(p, SIZE_MAX);
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
		qn_profile_sample(p, SIZE_MAX);
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
