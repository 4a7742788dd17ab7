// SPDX-License-Identifier: MIT
/*
 * t-sim.c - episodes of preload/command/learn/sim.c.
 *
 * Two runs of an episode give the same result in every member that is promised to; the
 * account of pages agrees with the kernel's; knobs, helper, limit and a policy of the
 * caller's have their effect; costs are what the formula says.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "command/learn/sim.h"
#include "format/trace.h"
#include "process/unit.h"

#define NR    200000
#define SLOTS 20000

static struct qn_sim_op ops[NR];
static struct qn_sim_trace trace = { .path = "made",
				     .name = "made",
				     .ops = ops,
				     .nr = NR,
				     .nr_slots = SLOTS };
static struct qn_sim_episode e[4];

/* One size is asked for again and again, and has no class of its own */
static u64 size_of(u64 r)
{
	return r % 2 ? 650 : 1 + r / 2 % 2000;
}

/* Memory in use swings: what is freed in one half is wanted again in the other */
static void make_trace(void)
{
	static bool used[SLOTS];
	u64 state = 1;

	memset(used, 0, sizeof(used));
	for (u64 i = 0; i < NR; i++) {
		u64 r = qn_random(&state);
		u32 most = i % 50000 < 25000 ? SLOTS : SLOTS / 10;
		u32 slot = (u32)(r % SLOTS);

		while (!used[slot] && slot >= most)
			slot = (slot + 1) % SLOTS;
		ops[i] = (struct qn_sim_op){
			.usec = 5 * i,
			.slot = slot,
			.op = used[slot] ? QN_TRACE_FREE : QN_TRACE_MALLOC,
			.size = used[slot] ? 0 : size_of(r >> 32),
		};
		used[slot] = !used[slot];
	}
}

static void init(struct qn_sim_episode *to)
{
	qn_sim_episode_init(to);
	qn_sim_mix_whole(&to->mixes[0], &trace);
}

static void test_repeats(void **state)
{
	const struct qn_sim_trace *traces[] = { &trace };

	(void)state;
	for (int i = 0; i < 2; i++) {
		init(&e[i]);
		qn_sim_episode_init(&e[2 + i]);
		e[2 + i].knobs.helper = 1;
		qn_sim_mix_draw(&e[2 + i].mixes[0], traces, 1, 3, 60000, 2, 9);
	}
	assert_int_equal(qn_sim_run(e, 4), 0);
	assert_true(qn_sim_is_same(&e[0].result, &e[1].result));
	assert_true(qn_sim_is_same(&e[2].result, &e[3].result));
	assert_false(qn_sim_is_same(&e[0].result, &e[2].result));
	assert_int_equal(e[0].result.calls, NR);
	assert_int_equal(e[0].result.usec, 5 * (NR - 1));
	assert_true(e[0].result.purges > 0);
	assert_true(e[0].result.changes > 0);
}

/* The kernel counts the command's own faults, too, but those are few */
static void test_agrees_with_kernel(void **state)
{
	struct qn_sim_result *r = &e[0].result;
	double ratio;

#ifdef __SANITIZE_ADDRESS__
	skip();
#endif
	(void)state;
	init(&e[0]);
	init(&e[1]);
	e[0].is_real = true;
	assert_int_equal(qn_sim_run(e, 2), 0);
	assert_true(qn_sim_is_same(&e[0].result, &e[1].result));
	if (!r->minor_faults)
		skip();
	ratio = (double)r->faults / (double)r->minor_faults;
	if (ratio < 0.97 || ratio > 1.03)
		fail_msg("%llu faults, %llu by the kernel",
			 (unsigned long long)r->faults,
			 (unsigned long long)r->minor_faults);
	/* What is resident never exceeds what became so */
	assert_true(r->faults >= r->purged);
	assert_true(r->peak * QN_PART_SIZE >= r->live_peak);
}

static void test_knobs(void **state)
{
	(void)state;
	init(&e[0]);
	init(&e[1]);
	e[0].knobs.dirty = 0;
	e[1].knobs.dirty = (size_t)1 << 30;
	assert_int_equal(qn_sim_run(e, 2), 0);
	assert_true(e[0].result.purged > e[1].result.purged);
	assert_true(e[0].result.faults > e[1].result.faults);
	assert_true(e[0].result.page_usec < e[1].result.page_usec);
	assert_int_equal(e[0].result.live_usec, e[1].result.live_usec);
}

/* In a pause nothing but the helper gives memory back */
static void test_helper(void **state)
{
	static struct qn_sim_op few[32];
	const struct qn_sim_trace large = {
		.path = "large", .ops = few, .nr = 32, .nr_slots = 16
	};

	(void)state;
	for (u32 i = 0; i < 32; i++)
		few[i] = (struct qn_sim_op){
			.usec = i,
			.size = i < 16 ? (u64)2 << 20 : 0,
			.slot = i % 16,
			.op = i < 16 ? QN_TRACE_MALLOC : QN_TRACE_FREE,
		};
	for (int i = 0; i < 2; i++) {
		qn_sim_episode_init(&e[i]);
		qn_sim_mix_whole(&e[i].mixes[0], &large);
		e[i].knobs.dirty = (size_t)64 << 20;
		e[i].knobs.price = 75;
		e[i].knobs.helper = (size_t)i;
		/* Fenced blocks wait apart */
		e[i].knobs.fence = 0;
		e[i].mixes[0].parts[0].pause = 3000000;
	}
	assert_int_equal(qn_sim_run(e, 2), 0);
	assert_in_range(e[0].result.faults, 8192, 8192 + 16);
	assert_true(e[1].result.page_usec < e[0].result.page_usec / 10);
}

static void test_processes(void **state)
{
	u64 alone;

	(void)state;
	for (int i = 0; i < 3; i++) {
		init(&e[i]);
		e[i].knobs.dirty = (size_t)64 << 20;
		e[i].nr = i ? 2 : 1;
		e[i].mixes[1] = e[i].mixes[0];
	}
	assert_int_equal(qn_sim_run(e, 1), 0);
	alone = e[0].result.peak;
	e[2].limit = alone;
	assert_int_equal(qn_sim_run(e + 1, 2), 0);
	assert_true(e[1].result.peak > alone);
	assert_int_equal(e[1].result.calls, 2 * NR);
	assert_int_equal(e[1].result.over_usec, 0);
	assert_true(e[2].result.over_usec > 0);
	assert_true(e[2].result.purged > e[1].result.purged);
	e[3] = e[2];
	assert_int_equal(qn_sim_run(e + 3, 1), 0);
	assert_true(qn_sim_is_same(&e[2].result, &e[3].result));
}

/* A policy of the caller's is asked, and can see which episode it is in */
static bool tune(const struct qn_view *v, u32 *state, struct qn_knobs *knobs)
{
	(void)v;
	if (state[0]++ || !qn_sim_playing() || qn_sim_playing()->data != e)
		return false;
	knobs->dirty = 0;
	return true;
}

static bool look(const struct qn_view *v, u32 *state, unsigned int from,
		 unsigned int to, struct qn_action *act)
{
	(void)v;
	(void)state;
	(void)from;
	(void)to;
	(void)act;
	return false;
}

static void test_policy(void **state)
{
	static const struct qn_policy policy = { .name = "test",
						 .look = look,
						 .tune = tune };

	(void)state;
	init(&e[0]);
	init(&e[1]);
	e[1].policy = &policy;
	e[1].data = e;
	assert_int_equal(qn_sim_run(e, 2), 0);
	assert_int_equal(e[1].result.changes, 1);
	assert_int_equal(e[1].result.nr_promoted, 0);
	assert_true(e[1].result.purged > e[0].result.purged);
}

static void test_promoted(void **state)
{
	(void)state;
	init(&e[0]);
	e[0].policy = &qn_policy_fixed;
	e[0].promoted[0] = 720;
	e[0].nr_promoted = 1;
	assert_int_equal(qn_sim_run(e, 1), 0);
	assert_int_equal(e[0].result.nr_promoted, 1);
	assert_int_equal(e[0].result.promoted[0], 720);
}

static void test_mixes(void **state)
{
	struct qn_sim_trace other = { .path = "other", .nr = 10 };
	const struct qn_sim_trace *traces[] = { &trace, &other };
	struct qn_sim_mix a, b;
	bool differ = false, both = false, later = false;

	(void)state;
	for (u64 seed = 0; seed < 50; seed++) {
		qn_sim_mix_draw(&a, traces, 2, 5, 1000, 4, seed);
		qn_sim_mix_draw(&b, traces, 2, 5, 1000, 4, seed);
		assert_int_equal(a.nr, 5);
		for (u32 i = 0; i < a.nr; i++) {
			const struct qn_sim_part *p = &a.parts[i];

			assert_ptr_equal(p->trace, b.parts[i].trace);
			assert_int_equal(p->pause, b.parts[i].pause);
			assert_int_equal(p->to - p->from,
					 min(p->trace->nr, (u64)1000));
			assert_true(p->to <= p->trace->nr);
			later |= p->from > 0;
			assert_in_range(p->pause, QN_SIM_PAUSE_LEAST,
					QN_SIM_PAUSE_MOST);
			assert_true(p->stretch == 1 || p->stretch == 2 ||
				    p->stretch == 4);
			both |= p->trace != a.parts[0].trace;
		}
		qn_sim_mix_draw(&b, traces, 2, 5, 1000, 4, seed + 100);
		differ |= a.parts[0].pause != b.parts[0].pause;
	}
	assert_true(differ && both && later);
}

static bool is_near(double a, double b)
{
	return fabs(a - b) <= 1e-9 * fabs(b);
}

static void test_costs(void **state)
{
	/* 1 GB for 15 s is 15 GB-seconds: 2 s of CPU at 7.5 */
	const struct qn_sim_result r = {
		.usec = 15000000,
		.faults = 3,
		.purges = 2,
		.purged = 10,
		.peak = 1000000000 / QN_PART_SIZE,
		.page_usec = 1000000000 / QN_PART_SIZE * (u64)15000000,
	};
	double bytes = (double)(1000000000 / QN_PART_SIZE * QN_PART_SIZE);
	double kept = 3 * 1230 + 2 * 2000 + 10 * 340;

	(void)state;
	assert_true(is_near(qn_sim_kept_ns(&r), kept));
	assert_true(
		is_near(qn_sim_price_cost(&r, 7500), kept + bytes * 15 / 7.5));
	assert_true(is_near(qn_sim_memory(&r), bytes));
	assert_true(is_near(qn_sim_weighted_cost(&r, 1), bytes));
	assert_true(is_near(qn_sim_weighted_cost(&r, 0.5),
			    sqrt(bytes * qn_sim_time_ns(&r))));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_repeats),
		cmocka_unit_test(test_agrees_with_kernel),
		cmocka_unit_test(test_knobs),
		cmocka_unit_test(test_helper),
		cmocka_unit_test(test_processes),
		cmocka_unit_test(test_policy),
		cmocka_unit_test(test_promoted),
		cmocka_unit_test(test_mixes),
		cmocka_unit_test(test_costs),
	};

	make_trace();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
