// SPDX-License-Identifier: MIT
/*
 * t-features.c - views of heaps as inputs of the network.
 *
 * Invariants checked here, on each target:
 * - of views made by hand the inputs are what the table of features.h says: shares of 127,
 *   logarithms with four steps a doubling, changes with a sign;
 * - of any view they are from -127 to 127, and those without a meaning are 0;
 * - the same views in the same order give the same inputs; counters that begin anew, as in
 *   a child of fork(), count as no change;
 * - means rise and fall to what is steady.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "learn/features.h"
#include "../random.h"

static struct qn_view view;
static struct qn_knobs knobs;
static struct qn_stats_trend trend;
static u32 history[QN_FEATURES_WORDS + 1];
static s8 in[QN_NR_FEATURES];

#define CANARY 0x5aa5c33cu
#define PAGE   4096

static void begin(void)
{
	knobs = qn_knobs_preset;
	memset(&trend, 0, sizeof(trend));
	memset(history, 0, sizeof(history));
	history[QN_FEATURES_WORDS] = CANARY;
	view = (struct qn_view){
		.knobs = &knobs,
		.asked = &knobs,
		.trend = &trend,
		.page_ns = 1638,
	};
}

static void process(void)
{
	memset(in, 0x55, sizeof(in));
	qn_features_process(&view, history, in);
	assert_int_equal(history[QN_FEATURES_WORDS], CANARY);
}

static void heap(void)
{
	memset(in, 0x55, sizeof(in));
	qn_features_heap(&view, history, in);
	assert_int_equal(history[QN_FEATURES_WORDS], CANARY);
}

static void test_process(void **state)
{
	(void)state;
	begin();
	knobs.price = 1023;
	view.pressure = 512;
	view.idle_ms = 7;
	view.memory.usec = 15 * 1024;
	view.memory.dirty = 255 * PAGE;
	view.memory.live = 600 * PAGE;
	view.used = 765 * PAGE;
	view.recent_peak = 1530 * PAGE;
	view.recent_purged = 1000 * PAGE;
	view.recent_refaults = 250 * PAGE;
	view.memory.purged = 31 * PAGE;
	view.memory.refaults = 3 * PAGE;
	trend.live_slope = -3 * PAGE * 256;
	trend.peak_slope = 15 * PAGE * 256;
	trend.shift = 32768;
	trend.waste.external = 65536;
	trend.waste.internal = 16384;
	process();
	assert_int_equal(in[0], 40); /* 2^10 */
	assert_int_equal(in[1], 63); /* a half of 127 */
	assert_int_equal(in[2], 12); /* 2^3 */
	assert_int_equal(in[3], 16); /* 2^4 */
	assert_int_equal(in[4], 34); /* 410 ms: 2^8 and 1.6 */
	assert_int_equal(in[5], 32); /* 2^8 */
	assert_int_equal(in[6], 37); /* 766: 2^9 and 1.496: a fourth */
	assert_int_equal(in[7], 31); /* a fourth */
	assert_int_equal(in[8], 99); /* 600 / 765 */
	assert_int_equal(in[9], 63);
	assert_int_equal(in[10], 37);
	assert_int_equal(in[11], 31);
	assert_int_equal(in[12], 127); /* more than all */
	assert_int_equal(in[13], 8);
	assert_int_equal(in[14], 20);
	assert_int_equal(in[18], -8);
	assert_int_equal(in[19], 16);
	assert_int_equal(in[20], 63);
	assert_int_equal(in[21], 127);
	assert_int_equal(in[23], 31);
	/* Nothing happened since */
	view.trend = NULL;
	view.used = 0;
	process();
	assert_int_equal(in[3], 0);
	assert_int_equal(in[10], -37);
	assert_int_equal(in[13], 0);
	assert_int_equal(in[14], 0);
	assert_int_equal(in[18], 0);
	assert_int_equal(in[20], 0);
}

static void test_means(void **state)
{
	s8 last = 0;

	(void)state;
	begin();
	view.memory.dirty = 1 << 20;
	view.used = 1 << 20;
	for (unsigned int i = 0; i < 64; i++) {
		view.idle_ms = 1023;
		view.memory.refaults += 255 * PAGE;
		view.memory.purged += 1023 * PAGE;
		process();
		assert_true(in[15] >= last);
		last = in[15];
	}
	/* Rounding down may cost one step */
	assert_in_range(in[15], 31, 32);
	assert_in_range(in[16], 39, 40);
	assert_in_range(in[17], 39, 40);
	assert_in_range(in[22], 62, 63);
	for (unsigned int i = 0; i < 80; i++) {
		process();
		assert_true(in[15] <= last);
		last = in[15];
	}
	assert_int_equal(in[15], 0);
	assert_int_equal(in[16], 0);
}

static void test_anew(void **state)
{
	(void)state;
	begin();
	view.memory.refaults = 1000 * PAGE;
	view.memory.purged = 1000 * PAGE;
	view.memory.usec = 10000000;
	process();
	view.memory.refaults = 0;
	view.memory.purged = 0;
	view.memory.usec = 5000000;
	process();
	assert_int_equal(in[3], 0);
	assert_int_equal(in[13], 0);
	assert_int_equal(in[14], 0);
	view.memory.refaults = 3 * PAGE;
	process();
	assert_int_equal(in[13], 8);
}

static void test_heap(void **state)
{
	(void)state;
	begin();
	view.held = (struct qn_held_view){
		.most = 1023 * QN_ALIGN,
		.refused = 31,
		.flushed = 1,
		.is_roomy = true,
		.total = 8191 * QN_ALIGN,
		.free = 4096 * QN_ALIGN,
		.largest_free = 1024 * QN_ALIGN,
		.allocs = 63,
		.samples = 8,
		.hits = 8,
	};
	view.memory.live = 511 * QN_ALIGN;
	view.memory.peak = 1022 * QN_ALIGN;
	heap();
	assert_int_equal(in[0], 52);
	assert_int_equal(in[1], 63);
	assert_int_equal(in[2], 31);
	assert_int_equal(in[3], 15);
	assert_int_equal(in[4], 15);
	assert_int_equal(in[5], 15); /* an eighth of 127 */
	assert_int_equal(in[6], 20);
	assert_int_equal(in[7], 4);
	assert_int_equal(in[8], 127);
	assert_int_equal(in[9], 24);
	assert_int_equal(in[12], 63);
	assert_int_equal(in[13], 36);
	assert_int_equal(in[14], 31);
	for (unsigned int i = 15; i < QN_NR_FEATURES; i++)
		assert_int_equal(in[i], 0);
	view.held.is_roomy = false;
	view.memory.live = 0;
	heap();
	assert_int_equal(in[5], 15); /* no new sample says otherwise */
	assert_int_equal(in[8], 0);
	assert_int_equal(in[9], 0);
	assert_int_equal(in[13], -36);
}

/* All bits, or few of the low ones */
static u64 any(void)
{
	u64 n = (u64)random_next(&random_state) << 32 |
		random_next(&random_state);

	return roll(8) ? n >> roll(64) : 0 - (u64)roll(2);
}

static void any_view(void)
{
	knobs.price = 1 + (size_t)any() % 1000000000;
	view.pressure = (u32)any();
	view.idle_ms = (u32)any();
	view.page_ns = (u32)any();
	view.used = (size_t)any();
	view.recent_peak = (size_t)any();
	view.recent_purged = (size_t)any();
	view.recent_refaults = (size_t)any();
	view.memory.usec = any();
	view.memory.live = (size_t)any();
	view.memory.peak = (size_t)any();
	view.memory.dirty = (size_t)any();
	view.memory.purged = (size_t)any();
	view.memory.refaults = (size_t)any();
	trend.live_slope = (s64)any();
	trend.peak_slope = (s64)any();
	trend.shift = (u32)any();
	trend.waste.external = any();
	trend.waste.internal = any();
	view.held.most = (size_t)any();
	view.held.refused = (u32)any();
	view.held.flushed = (u32)any();
	view.held.total = (size_t)any();
	view.held.free = (size_t)any();
	view.held.largest_free = (size_t)any();
	view.held.allocs = (u32)any();
	view.held.samples = (u32)any();
	view.held.hits = (u32)any();
}

static u32 hash;

static void assert_bounded(void)
{
	for (unsigned int i = 0; i < QN_NR_FEATURES; i++) {
		assert_true(in[i] >= -127);
		hash = hash * 31 + (u8)in[i];
	}
}

static u32 run(u32 seed, void (*features)(void))
{
	begin();
	random_state = seed;
	hash = 0;
	for (unsigned int i = 0; i < (QN_SMALL ? 500 : 50000); i++) {
		any_view();
		features();
		assert_bounded();
	}
	return hash;
}

static void test_any(void **state)
{
	(void)state;
	for (u32 seed = 1; seed <= 2; seed++) {
		assert_int_equal(run(seed, process), run(seed, process));
		assert_int_equal(run(seed, heap), run(seed, heap));
	}
	assert_int_not_equal(run(1, process), run(2, process));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_process), cmocka_unit_test(test_means),
		cmocka_unit_test(test_anew),    cmocka_unit_test(test_heap),
		cmocka_unit_test(test_any),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
