// SPDX-License-Identifier: MIT
/*
 * t-rails.c - what policies that choose among presets may do.
 *
 * Invariants checked here, on each target:
 * - a policy is in the shadow of the rule until its estimated gain is ahead, and for ever
 *   if it never is; one that explores leads as soon as the rule's cost is known;
 * - a preset stays in force for QN_RAILS_HOLD choices, but where the rule comes back;
 * - costs above the rule's bring the rule back, and the policy waits twice as long each
 *   time; costs below do not; the rule's cost is measured anew now and then;
 * - knob learn:0 has the rule in force at once, whatever the policy chooses;
 * - the same numbers give the same decisions;
 * - under 100000 random actions, and all pairs of actions, valid or not, knobs and tables of
 *   both kinds of heaps stay valid, on any view;
 * - decisions are noted in order, the last sixteen of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "learn/controller.h"
#include "learn/presets.h"
#include "learn/rails.h"
#include "../random.h"

#define NR_ACTIONS (QN_SMALL ? 5000u : 100000u)

static struct qn_rails rails;

static unsigned int step(unsigned int action, s32 gain, u32 cost)
{
	const struct qn_rails_look look = {
		.action = (u8)action,
		.gain = gain,
		.cost = cost,
		.is_known = true,
	};

	return qn_rails_step(&rails, &look);
}

/* It leads, with preset 4 in force */
static void begin_led(void)
{
	unsigned int i;

	memset(&rails, 0, sizeof(rails));
	for (i = 0; step(4, 100, 100) != 4; i++)
		assert_true(i < 2 * QN_RAILS_WAIT);
	assert_int_equal(rails.phase, QN_RAILS_LEADS);
}

static void test_shadow(void **state)
{
	(void)state;
	memset(&rails, 0, sizeof(rails));
	for (unsigned int i = 0; i < 1000; i++)
		assert_int_equal(step(4, i % 2 ? 1 : -1, 100), QN_PRESET_RULE);
	/* The rule's own preset gains nothing */
	for (unsigned int i = 0; i < 1000; i++)
		assert_int_equal(step(QN_PRESET_RULE, 1000, 100),
				 QN_PRESET_RULE);
	assert_int_equal(rails.phase, QN_RAILS_SHADOW);
	assert_int_equal(rails.nr_departed, 0);
	/* Eight thirds of a thousandth, decayed, are ahead by more than sixteen */
	for (unsigned int i = 0; i < 100; i++)
		step(4, 3, 100);
	assert_int_equal(rails.preset, 4);
	begin_led();
	assert_in_range(rails.nr_choices, QN_RAILS_WAIT + 1, QN_RAILS_WAIT + 1);
}

static void test_unknown(void **state)
{
	const struct qn_rails_look look = { .action = 4, .gain = 100000 };

	(void)state;
	memset(&rails, 0, sizeof(rails));
	for (unsigned int i = 0; i < 100; i++)
		assert_int_equal(qn_rails_step(&rails, &look), QN_PRESET_RULE);
}

static void test_hold(void **state)
{
	unsigned int last, held = 0;

	(void)state;
	begin_led();
	last = rails.preset;
	for (unsigned int i = 0; i < 100; i++) {
		unsigned int now = step(4 + i % 2, 100, 100);

		held++;
		if (now == last)
			continue;
		assert_true(held >= QN_RAILS_HOLD);
		held = 0;
		last = now;
	}
}

static void test_revert(void **state)
{
	unsigned int i, last = 0;

	(void)state;
	begin_led();
	for (unsigned int n = 1; n <= 5; n++) {
		for (i = 0; step(4, 100, 1000) == 4; i++)
			assert_true(i < 8);
		assert_int_equal(rails.nr_reverts, n);
		for (i = 1; step(4, 100, 100) != 4; i++)
			assert_true(i < QN_RAILS_WAIT_MOST);
		assert_true(i + 1 >= 2 * last);
		last = i;
	}
	assert_true(last >= 16 * QN_RAILS_WAIT);
}

static void test_good(void **state)
{
	u32 nr_rule = 0;

	(void)state;
	begin_led();
	for (unsigned int i = 0; i < 1320; i++)
		nr_rule += step(4, 100, rails.preset == 4 ? 90 : 100) != 4;
	assert_int_equal(rails.nr_reverts, 0);
	/* Four of each 132 choices look at the rule again */
	assert_in_range(nr_rule, 36, 44);
}

static void test_off(void **state)
{
	const struct qn_rails_look off = { .action = 4,
					   .gain = 100,
					   .cost = 100,
					   .is_known = true,
					   .leads = true,
					   .is_off = true };

	(void)state;
	begin_led();
	for (unsigned int i = 0; i < 1000; i++)
		assert_int_equal(qn_rails_step(&rails, &off), QN_PRESET_RULE);
}

static void test_explores(void **state)
{
	struct qn_rails_look look = { .action = 2,
				      .gain = -1000,
				      .cost = 100,
				      .is_known = true,
				      .leads = true };

	(void)state;
	memset(&rails, 0, sizeof(rails));
	assert_int_equal(qn_rails_step(&rails, &look), 2);
	look.cost = 1000;
	for (unsigned int i = 0; qn_rails_step(&rails, &look) == 2; i++)
		assert_true(i < 8);
	look.cost = 100;
	for (unsigned int i = 0; i + 1 < 2 * QN_RAILS_WAIT; i++)
		assert_int_equal(qn_rails_step(&rails, &look), QN_PRESET_RULE);
	assert_int_equal(qn_rails_step(&rails, &look), QN_PRESET_RULE);
	assert_int_equal(qn_rails_step(&rails, &look), 2);
}

static u32 run(u32 seed)
{
	struct qn_rails_look look;
	unsigned int last = 0, since = QN_RAILS_HOLD;
	u32 hash = 0;

	random_state = seed;
	memset(&rails, 0, sizeof(rails));
	for (u32 i = 0; i < NR_ACTIONS; i++) {
		look = (struct qn_rails_look){
			.action = (u8)roll(roll(20) ? QN_NR_PRESETS : 256),
			.gain = (s32)(random_next(&random_state) >> roll(31)),
			.cost = random_next(&random_state) >> roll(32),
			.is_known = roll(10) != 0,
			.leads = seed & 1,
		};
		qn_rails_step(&rails, &look);
		assert_true(rails.preset < QN_NR_PRESETS);
		since++;
		if (rails.preset != last) {
			assert_true(since >= QN_RAILS_HOLD ||
				    rails.preset == QN_PRESET_RULE);
			since = 0;
			last = rails.preset;
		}
		assert_true(rails.phase == QN_RAILS_LEADS ||
			    rails.preset == QN_PRESET_RULE);
		hash = hash * 31 + rails.preset;
	}
	return hash;
}

static void test_same(void **state)
{
	(void)state;
	for (u32 seed = 1; seed <= 4; seed++)
		assert_int_equal(run(seed), run(seed));
	assert_int_not_equal(run(1), run(3));
}

/* ---- through the controller ---- */

#define NR_STEPS 65

static union {
	struct qn_table table;
	unsigned char bytes[sizeof(struct qn_table) + NR_STEPS + 8];
} tables[2];

static union {
	struct qn_profile profile;
	unsigned char bytes[sizeof(struct qn_profile) + 2 * NR_STEPS + 8];
} profile;

static unsigned int next_action;
static size_t class_live[QN_NR_CLASSES];

static void any_choose(const struct qn_view *view, u32 *state,
		       const struct qn_aftermath *last, struct qn_pick *choice)
{
	(void)view;
	(void)state;
	(void)last;
	choice->action = next_action;
	memset(choice->in, (int)next_action, sizeof(choice->in));
}

/* Promotes and demotes whatever it comes upon; much of it cannot be done */
static bool any_look(const struct qn_view *view, u32 *state, unsigned int from,
		     unsigned int to, struct qn_action *act)
{
	(void)view;
	(void)state;
	(void)from;
	(void)to;
	act->kind = roll(2) ? QN_ACTION_PROMOTE : QN_ACTION_DEMOTE;
	act->step = (u16)roll(NR_STEPS + 2);
	act->class = (u16)roll(QN_NR_CLASSES + 2);
	return roll(4) != 0;
}

static const struct qn_policy any_policy = {
	.name = "any",
	.look = any_look,
	.choose = any_choose,
	.choose_heap = any_choose,
	.explores = true,
};

static const struct qn_policy tried_policy = {
	.name = "tried",
	.look = any_look,
	.choose = any_choose,
	.choose_heap = any_choose,
	.is_tried = true,
};

static struct qn_controller c;
static struct qn_knobs asked, knobs;
static struct qn_heap_knobs heap_knobs;
static struct qn_stats_decisions decisions;
static struct qn_view view;
static unsigned int now;

static void begin(void)
{
	for (int i = 0; i < 2; i++)
		qn_table_init_slabs(&tables[i].table, NR_STEPS);
	qn_profile_init(&profile.profile, NR_STEPS);
	asked = qn_knobs_preset;
	knobs = asked;
	heap_knobs = qn_heap_knobs_preset;
	memset(&decisions, 0, sizeof(decisions));
	now = 0;
	view = (struct qn_view){
		.table = &tables[0].table,
		.profile = &profile.profile,
		.class_live = class_live,
		.asked = &asked,
		.page_ns = 1600,
	};
	qn_controller_init(&c, &any_policy);
	qn_controller_log(&c, &decisions);
}

static void any_view(void)
{
	view.used = (size_t)random_next(&random_state) >> roll(31);
	view.recent_peak = (size_t)random_next(&random_state) >> roll(31);
	view.recent_purged = (size_t)random_next(&random_state) >> roll(31);
	view.recent_refaults = (size_t)random_next(&random_state) >> roll(31);
	view.memory.usec += roll(100000);
	view.memory.dirty = (size_t)random_next(&random_state) >> roll(31);
	view.memory.purged += (size_t)roll(1 << 20) << roll(10);
	view.memory.refaults += (size_t)roll(1 << 20) << roll(10);
	view.nr_purges += roll(10);
	view.page_ns = random_next(&random_state) >> roll(31);
	view.held.most = random_next(&random_state) >> roll(31);
	view.held.refused = random_next(&random_state) >> roll(31);
	view.held.flushed = random_next(&random_state) >> roll(31);
	view.held.allocs += roll(1000);
	view.held.samples += roll(10);
	view.held.hits += roll(10);
}

static void tune_process(void)
{
	struct qn_knobs next;

	view.knobs = &knobs;
	view.heap_knobs = NULL;
	if (!qn_controller_tune(&c, &view, &next))
		return;
	assert_true(qn_knobs_are_valid(&next));
	knobs = next;
}

static void tune_heap(void)
{
	struct qn_heap_knobs next;

	view.knobs = NULL;
	view.heap_knobs = &heap_knobs;
	if (!qn_controller_tune_heap(&c, &view, &next))
		return;
	assert_true(qn_heap_knobs_are_valid(&next));
	heap_knobs = next;
}

static void retable(void)
{
	struct qn_table *next = &tables[!now].table;
	struct qn_action act;

	if (!qn_controller_step(&c, &view, next, &act))
		return;
	assert_int_equal(qn_table_check(next), 0);
	now = !now;
	view.table = next;
}

static void act(bool is_process)
{
	any_view();
	if (is_process)
		tune_process();
	else
		tune_heap();
	retable();
}

static void run_all(bool is_process)
{
	begin();
	for (unsigned int a = 0; a <= QN_NR_PRESETS; a++) {
		for (unsigned int b = 0; b <= QN_NR_PRESETS; b++) {
			for (int i = 0; i < 2 * QN_RAILS_HOLD; i++) {
				next_action = i % 2 ? a : b;
				act(is_process);
			}
		}
	}
	for (u32 i = 0; i < NR_ACTIONS; i++) {
		next_action = roll(QN_NR_PRESETS + 1);
		act(is_process);
	}
	assert_true(!QN_PRESETS || c.chooser[0].rails.nr_changes > 2);
}

static void test_any_actions(void **state)
{
	(void)state;
	random_state = 7;
	if (!QN_SMALL)
		run_all(true);
	run_all(false);
}

static void test_log(void **state)
{
	(void)state;
	if (!QN_PRESETS || QN_SMALL)
		return;
	begin();
	for (unsigned int i = 0; i < 40; i++) {
		next_action = i % QN_NR_PRESETS;
		view.memory.usec = 1000000 + i * QN_CHOICE_US;
		tune_process();
		/* Too early for another choice */
		view.memory.usec += QN_CHOICE_US - 1;
		tune_process();
	}
	assert_int_equal(decisions.nr, 40);
	for (unsigned int i = 24; i < 40; i++) {
		const struct qn_stats_decision *d =
			&decisions.last[i % QN_STATS_DECISIONS];

		assert_int_equal(d->usec, 1000000 + i * QN_CHOICE_US);
		assert_int_equal(d->action, i % QN_NR_PRESETS);
		assert_int_equal(d->in[23], i % QN_NR_PRESETS);
	}
}

/* The knobs of what is in force, and those asked for when it is the rule's */
static void test_knobs(void **state)
{
	struct qn_knobs expected;

	(void)state;
	if (!QN_PRESETS || QN_SMALL)
		return;
	begin();
	asked.dirty = 1 << 20;
	knobs = asked;
	for (unsigned int i = 0; i < 200; i++) {
		next_action = i / 20 % QN_NR_PRESETS;
		view.memory.usec += QN_CHOICE_US;
		tune_process();
		qn_preset_process(c.chooser[0].rails.preset, &asked, &expected);
		assert_memory_equal(&knobs, &expected, sizeof(knobs));
	}
	assert_true(c.chooser[0].rails.nr_changes >= 9);
	asked.learn = 0;
	view.memory.usec += QN_CHOICE_US;
	tune_process();
	assert_memory_equal(&knobs, &asked, sizeof(knobs));
}

/* In the heap of a process it leads from the start, in one of one's own it does not */
static void test_tried(void **state)
{
	(void)state;
	if (!QN_PRESETS || QN_SMALL)
		return;
	begin();
	qn_controller_init(&c, &tried_policy);
	knobs = asked;
	next_action = 2;
	for (unsigned int i = 0; i < 4; i++) {
		view.memory.usec += QN_CHOICE_US;
		tune_process();
	}
	assert_int_equal(c.chooser[0].rails.preset, 2);
	begin();
	qn_controller_init(&c, &tried_policy);
	heap_knobs = qn_heap_knobs_preset;
	for (unsigned int i = 0; i < 4; i++) {
		view.held.allocs += QN_CHOICE_CALLS;
		tune_heap();
	}
	assert_int_equal(c.chooser[0].rails.nr_choices, 4);
	assert_int_equal(c.chooser[0].rails.preset, QN_PRESET_RULE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shadow),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_hold),
		cmocka_unit_test(test_revert),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_off),
		cmocka_unit_test(test_explores),
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_any_actions),
		cmocka_unit_test(test_log),
		cmocka_unit_test(test_knobs),
		cmocka_unit_test(test_tried),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
