// SPDX-License-Identifier: MIT
/*
 * t-bandit.c - what intervals cost, and the policy that tries what costs least.
 *
 * Invariants checked here, on each target where the policy is built:
 * - costs and estimates of intervals made by hand are what cost.h says; counters that begin
 *   anew, and the first look, say nothing; no numbers overflow;
 * - of presets with steady costs the bandit comes to choose the cheapest nearly always, in
 *   each context another one, and follows when another preset becomes the cheapest;
 * - the same costs give the same choices.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "learn/controller.h"
#include "learn/cost.h"
#include "learn/presets.h"
#include "../random.h"

#define PAGE 4096

static struct qn_knobs knobs;
static struct qn_heap_knobs heap_knobs;
static struct qn_stats_trend trend;
static struct qn_view view;
static struct qn_interval last, heap_last;
static struct qn_flow flow;

/* A GB-second is worth a CPU-second: a byte costs 1 ns a second, a refault 1230 ns */
static void begin(void)
{
	knobs = qn_knobs_preset;
	knobs.price = 1000;
	heap_knobs = qn_heap_knobs_preset;
	view = (struct qn_view){
		.knobs = &knobs,
		.asked = &knobs,
		.heap_knobs = &heap_knobs,
		.trend = &trend,
		.page_ns = 1570,
		.used = 1000 * PAGE,
		.memory.dirty = 100 * PAGE,
	};
	memset(&last, 0, sizeof(last));
	memset(&heap_last, 0, sizeof(heap_last));
	assert_true(QN_SMALL || !qn_cost_process(&view, &last, &flow));
	assert_false(qn_cost_heap(&view, &heap_last, &flow));
}

static void test_process(void **state)
{
	(void)state;
	if (QN_SMALL)
		return;
	begin();
	view.memory.usec = 1000000;
	view.memory.purged = 50 * PAGE;
	view.memory.refaults = 20 * PAGE;
	view.nr_purges = 4;
	assert_true(qn_cost_process(&view, &last, &flow));
	/* 20 x 1230 + 50 x 340 + 4 x 2000; 100 and 1000 pages for a second */
	assert_int_equal(flow.cpu, 49600);
	assert_int_equal(flow.mem, 409600);
	assert_int_equal(flow.base, 4096001);
	assert_int_equal(qn_cost_of(&flow), 114);
	/* To keep it all spares 49600 and keeps 30 pages more, for 122880 */
	assert_int_equal(qn_cost_gain_process(&view, &flow, 4), -18);
	view.memory.usec = 2000000;
	view.memory.refaults = 70 * PAGE;
	view.memory.purged = 100 * PAGE;
	assert_true(qn_cost_process(&view, &last, &flow));
	/* 50 x 1230 + 50 x 340: nothing more would be kept */
	assert_int_equal(qn_cost_gain_process(&view, &flow, 4), 19);
	assert_int_equal(qn_cost_gain_process(&view, &flow, 0), 0);
}

/* What is never wanted back need not be kept, and what is always wanted back must be */
static void test_shorter(void **state)
{
	(void)state;
	if (QN_SMALL)
		return;
	begin();
	view.memory.usec = 1000000;
	view.recent_purged = 100 * PAGE;
	assert_true(qn_cost_process(&view, &last, &flow));
	/* Three quarters of 409600 */
	assert_int_equal(qn_cost_gain_process(&view, &flow, 2), 76);
	/* The same, less 75 pages by 1570 */
	view.recent_refaults = view.recent_purged;
	view.memory.usec = 2000000;
	assert_true(qn_cost_process(&view, &last, &flow));
	assert_int_equal(qn_cost_gain_process(&view, &flow, 2), 47);
	/* In a twentieth of a second as many come back in proportion: not worth it */
	view.memory.usec = 2050000;
	assert_true(qn_cost_process(&view, &last, &flow));
	assert_true(qn_cost_gain_process(&view, &flow, 2) < 0);
	knobs.price = 1000000;
	view.recent_refaults = view.recent_purged;
	view.memory.usec = 3000000;
	assert_true(qn_cost_process(&view, &last, &flow));
	assert_true(qn_cost_gain_process(&view, &flow, 4) == 0);
}

static void test_anew(void **state)
{
	(void)state;
	if (QN_SMALL)
		return;
	begin();
	view.memory.usec = 1000000;
	view.memory.purged = 50 * PAGE;
	assert_true(qn_cost_process(&view, &last, &flow));
	view.memory.usec = 2000000;
	view.memory.purged = 0;
	assert_false(qn_cost_process(&view, &last, &flow));
	view.memory.usec = 3000000;
	assert_true(qn_cost_process(&view, &last, &flow));
	assert_int_equal(flow.cpu, 0);
}

static void test_heap(void **state)
{
	(void)state;
	begin();
	view.held.most = 1000;
	view.held.allocs = 100;
	view.held.samples = 4;
	view.held.hits = 3;
	view.held.refused = 40;
	assert_true(qn_cost_heap(&view, &heap_last, &flow));
	assert_int_equal(flow.misses, 25);
	/* 25 x 110 over 100 x 84 */
	assert_int_equal(qn_cost_of(&flow), 335);
	/* Twenty of those refused would have hit */
	assert_int_equal(qn_cost_gain_heap(&view, &flow, 3), 268);
	/* All 75 that hit would have missed */
	assert_int_equal(qn_cost_gain_heap(&view, &flow, 1), -1005);
	view.held.allocs = 200;
	view.held.samples = 8;
	view.held.refused = 0;
	view.held.flushed = 10;
	assert_true(qn_cost_heap(&view, &heap_last, &flow));
	/* None hit, and 10 x (200 + 2000) for what was merged */
	assert_int_equal(qn_cost_of(&flow), 4022);
	assert_int_equal(qn_cost_gain_heap(&view, &flow, 1), 2438);
	assert_true(qn_cost_gain_heap(&view, &flow, 3) < -4000);
	assert_false(qn_cost_heap(&view, &heap_last, &flow));
}

static u64 any(void)
{
	u64 n = (u64)random_next(&random_state) << 32 |
		random_next(&random_state);

	return n >> roll(64);
}

static s32 gain_of(bool is_process, unsigned int action)
{
	if (!QN_SMALL && is_process)
		return qn_cost_gain_process(&view, &flow, action);
	return qn_cost_gain_heap(&view, &flow, action);
}

static void test_any(void **state)
{
	(void)state;
	begin();
	random_state = 5;
	for (unsigned int i = 0; i < (QN_SMALL ? 500 : 100000); i++) {
		bool is_known, is_process;

		knobs.price = 1 + (size_t)any() % 1000000000;
		view.page_ns = (u32)any();
		view.used = (size_t)any();
		view.recent_purged = (size_t)any();
		view.recent_refaults = (size_t)any();
		view.nr_purges = any();
		view.memory.usec += roll(1 << 30);
		view.memory.dirty = (size_t)any();
		view.memory.purged = (size_t)any();
		view.memory.refaults = (size_t)any();
		view.held.most = (size_t)any();
		view.held.allocs = (u32)any();
		view.held.samples = (u32)any();
		view.held.hits = (u32)any();
		view.held.refused = (u32)any();
		view.held.flushed = (u32)any();
		is_process = !QN_SMALL && i % 2;
		is_known = is_process ? qn_cost_process(&view, &last, &flow) :
					qn_cost_heap(&view, &heap_last, &flow);
		if (!is_known)
			continue;
		assert_true(qn_cost_of(&flow) <= QN_COST_MOST);
		for (unsigned int a = 0; a < QN_NR_PRESETS; a++) {
			s32 gain = gain_of(is_process, a);

			assert_true(gain <= QN_COST_MOST);
			assert_true(gain >= -QN_COST_MOST);
		}
	}
}

/* ---- the bandit ---- */

static u32 words[QN_POLICY_WORDS];
static u32 nr_chosen[QN_NR_PRESETS];
static unsigned int chosen;

static void begin_bandit(void)
{
	begin();
	memset(words, 0, sizeof(words));
	chosen = QN_PRESET_RULE;
}

/* Each choice is put in force, and costs what @costs says, more or less */
static void run(const u16 *costs, unsigned int nr)
{
	struct qn_aftermath after = { .is_known = true };
	struct qn_pick pick;

	memset(nr_chosen, 0, sizeof(nr_chosen));
	while (nr--) {
		after.preset = chosen;
		after.cost = costs[chosen] * (75 + roll(51)) / 100;
		memset(&pick, 0, sizeof(pick));
		qn_policy_bandit.choose(&view, words, &after, &pick);
		chosen = pick.action;
		assert_true(chosen < QN_NR_PRESETS);
		nr_chosen[chosen]++;
	}
}

static const u16 long_is_best[] = { 100, 200, 150, 120, 40, 300 };
static const u16 lean_is_best[] = { 400, 60, 150, 300, 800, 900 };

static void test_best(void **state)
{
	(void)state;
	for (u32 seed = 1; seed <= 8; seed++) {
		random_state = seed;
		begin_bandit();
		run(long_is_best, 200);
		run(long_is_best, 400);
		assert_true(nr_chosen[4] >= 340);
		run(lean_is_best, 400);
		run(lean_is_best, 400);
		assert_true(nr_chosen[1] >= 340);
	}
}

static void test_contexts(void **state)
{
	(void)state;
	random_state = 1;
	begin_bandit();
	for (unsigned int i = 0; i < 20; i++) {
		view.memory.dirty = PAGE;
		run(long_is_best, 40);
		view.memory.dirty = 2000 * PAGE;
		/* What the last choice cost counts for the context that it was made in */
		run(lean_is_best, 40);
	}
	assert_true(nr_chosen[1] >= 30);
	view.memory.dirty = PAGE;
	run(long_is_best, 40);
	assert_true(nr_chosen[4] >= 30);
}

static u32 hash(u32 seed)
{
	u32 sum = 0;

	random_state = seed;
	begin_bandit();
	for (unsigned int i = 0; i < 300; i++) {
		run(i / 100 % 2 ? lean_is_best : long_is_best, 1);
		sum = sum * 31 + chosen;
	}
	return sum;
}

static void test_same(void **state)
{
	(void)state;
	assert_int_equal(hash(1), hash(1));
	assert_int_not_equal(hash(1), hash(2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_process),  cmocka_unit_test(test_shorter),
		cmocka_unit_test(test_anew),     cmocka_unit_test(test_heap),
		cmocka_unit_test(test_any),      cmocka_unit_test(test_best),
		cmocka_unit_test(test_contexts), cmocka_unit_test(test_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
