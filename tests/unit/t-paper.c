// SPDX-License-Identifier: MIT
/*
 * t-paper.c - policy "paper-dqn": it learns while it decides, and does no harm.
 *
 * Invariants checked here, on each target where the policy is built:
 * - where fewer and larger granules lower the fragmentation, it comes to have them, and it
 *   does not where they do not; from most of several seeds;
 * - the same seed gives the same decisions and weights, another seed others; weights are
 *   bounded, whatever is seen;
 * - knobs and tables are valid at any moment, each table one change apart from the one
 *   before, and the first is the usual table;
 * - there is one learner: a second heap stays as it is;
 * - the first heap begins with the weights of a training.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "learn/controller.h"
#include "learn/policy-paper-dqn.h"
#include "learn/weights-paper.h"
#include "../random.h"

#define NR_STEPS 65
#define NR_SEEDS (QN_SMALL ? 3 : 9)
#define NR       (QN_SMALL ? 3000u : 6000u)

static union {
	struct qn_table table;
	unsigned char bytes[sizeof(struct qn_table) + NR_STEPS + 8];
} tables[2];

static union {
	struct qn_profile profile;
	unsigned char bytes[sizeof(struct qn_profile) + 2 * NR_STEPS + 8];
} profile;

static struct qn_controller c;
static struct qn_knobs knobs;
static struct qn_heap_knobs heap_knobs;
static struct qn_view view;
static unsigned int now;

static void set_up(u32 seed)
{
	struct qn_table *t = &tables[0].table;

	qn_table_init_slabs(t, NR_STEPS);
	if (QN_NR_CLASSES >= 60)
		assert_true(qn_policy_paper_dqn.begin(t));
	qn_profile_init(&profile.profile, NR_STEPS);
	knobs = qn_knobs_preset;
	heap_knobs = qn_heap_knobs_preset;
	view = (struct qn_view){
		.table = t,
		.profile = &profile.profile,
		.page_ns = 1600,
		.asked = &knobs,
		.knobs = &knobs,
		.heap_knobs = &heap_knobs,
	};
	now = 0;
	random_state = seed;
	qn_controller_init(&c, &qn_policy_paper_dqn);
}

static void begin(u32 seed)
{
	set_up(seed);
	qn_paper_begin(NULL, seed);
}

/* ---- a heap of one's own ---- */

#if QN_POLICY_PAPER
static void tune_heap(void)
{
	struct qn_heap_knobs next;

	view.held.allocs += QN_CHOICE_CALLS;
	if (!qn_controller_tune_heap(&c, &view, &next))
		return;
	assert_true(qn_heap_knobs_are_valid(&next));
	heap_knobs = next;
}

/* Free memory is in one piece, but for a part that rounding makes larger or smaller */
static u32 mean_granule(u32 seed, bool large_is_good)
{
	u32 sum = 0, nr = NR;

	begin(seed);
	view.held.free = 1 << 16;
	for (u32 i = 0; i < nr; i++) {
		u32 good = large_is_good ? heap_knobs.granule :
					   9 - heap_knobs.granule;

		view.held.largest_free = good << 13;
		tune_heap();
		if (i >= nr / 2)
			sum += heap_knobs.granule;
	}
	return sum * 10 / (nr / 2);
}

static void test_learns(void **state)
{
	u32 nr_good = 0;

	(void)state;
	for (u32 seed = 1; seed <= NR_SEEDS; seed++) {
		nr_good += mean_granule(seed, true) >= 60;
		nr_good += mean_granule(seed, false) <= 30;
	}
	assert_true(nr_good >= 2 * NR_SEEDS * 2 / 3);
}

static u32 hash(u32 seed)
{
	u32 sum = mean_granule(seed, true);

	for (unsigned int i = 0; i < QN_PAPER_WEIGHTS; i++)
		sum = sum * 31 + (u32)qn_paper_weights()[i];
	return sum;
}

static void test_same(void **state)
{
	(void)state;
	assert_int_equal(hash(1), hash(1));
	assert_int_not_equal(hash(1), hash(2));
}

static void test_one_learner(void **state)
{
	struct qn_heap_knobs before;
	struct qn_controller own;

	(void)state;
	mean_granule(1, true);
	own = c;
	before = heap_knobs;
	qn_controller_init(&own, &qn_policy_paper_dqn);
	view.heap_knobs = &before;
	for (unsigned int i = 0; i < 100; i++) {
		struct qn_heap_knobs next;

		view.held.allocs += QN_CHOICE_CALLS;
		assert_false(qn_controller_tune_heap(&own, &view, &next));
	}
}
#endif

/* ---- the heap of a process ---- */

static size_t any(void)
{
	u64 n = (u64)random_next(&random_state) << 32 |
		random_next(&random_state);

	return (size_t)(n >> roll(64));
}

static void tune_process(void)
{
	struct qn_table *next = &tables[!now].table;
	struct qn_action act;
	struct qn_knobs other;

	view.memory.usec += roll(2 * QN_CHOICE_US);
	view.memory.live = any();
	view.memory.external = any();
	view.memory.purged = any();
	view.memory.refaults = any();
	view.allocs = (u32)any();
	assert_false(qn_controller_tune(&c, &view, &other));
	if (!qn_controller_step(&c, &view, next, &act))
		return;
	assert_int_equal(qn_table_check(next), 0);
	assert_int_equal(next->generation, view.table->generation + 1);
	now = !now;
	view.table = next;
}

/* Nobody has begun anew yet: the first test */
static void test_trained(void **state)
{
	(void)state;
	set_up(1);
#if QN_SMALL
	tune_heap();
#else
	tune_process();
#endif
	assert_memory_equal(qn_paper_weights(), qn_weights_paper,
			    sizeof(qn_weights_paper));
	qn_paper_begin(NULL, 1);
	assert_memory_not_equal(qn_paper_weights(), qn_weights_paper,
				sizeof(qn_weights_paper));
}

static void test_any(void **state)
{
	unsigned int nr = 0;

	(void)state;
	if (QN_SMALL)
		return;
	begin(1);
	for (u32 i = 0; i < 100000; i++) {
		u32 generation = view.table->generation;

		tune_process();
		nr += view.table->generation != generation;
		for (unsigned int w = 0; i % 1000 == 0 && w < QN_PAPER_WEIGHTS;
		     w++)
			assert_in_range(qn_paper_weights()[w] + (16 << 16), 0,
					32 << 16);
	}
	assert_true(nr > 1000);
	/* The kill switch brings the usual table back */
	knobs.learn = 0;
	for (u32 i = 0; i < 1000; i++)
		tune_process();
	qn_table_init_slabs(&tables[!now].table, NR_STEPS);
	for (unsigned int step = 1; step < NR_STEPS; step++) {
		const struct qn_table *t = view.table, *u = &tables[!now].table;

		assert_int_equal(t->class_steps[t->map[step]],
				 u->class_steps[u->map[step]]);
	}
}

static void test_begin(void **state)
{
	const struct qn_table *t = &tables[0].table, *u = &tables[1].table;

	(void)state;
	if (QN_SMALL)
		return;
	begin(1);
	assert_int_equal(qn_table_check(t), 0);
	/* 16 of a step each, which malloc relies on, and six of eight steps more each */
	assert_int_equal(t->nr_base, 22);
	for (unsigned int step = 1; step <= 16; step++)
		assert_int_equal(t->map[step], step);
	qn_table_init_slabs(&tables[1].table, NR_STEPS);
	for (unsigned int step = 0; step < NR_STEPS; step++)
		assert_int_equal(t->class_steps[t->map[step]],
				 u->class_steps[u->map[step]]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trained),
#if QN_POLICY_PAPER
		cmocka_unit_test(test_learns),
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_one_learner),
#endif
		cmocka_unit_test(test_begin),
		cmocka_unit_test(test_any),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
