// SPDX-License-Identifier: MIT
/*
 * t-presets.c - the actions of learned policies.
 *
 * Invariants checked here:
 * - whatever valid knobs were asked for, those of each action are valid, and so are those
 *   of an action that does not exist;
 * - knobs that the table of presets.h does not name stay as asked, and the rule's all;
 * - of the preset knobs each action makes what that table says;
 * - who asks for no free memory gets none;
 * - under 100000 random actions in a row, and under all pairs of actions, knobs are valid.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "learn/presets.h"
#include "../random.h"

#define LEAST(name, unit, preset, least, most, help) (least),
#define MOST(name, unit, preset, least, most, help)  (most),

static const size_t least[] = { QN_KNOBS(LEAST) };
static const size_t most[] = { QN_KNOBS(MOST) };
static const size_t heap_least[] = { QN_HEAP_KNOBS(LEAST) };
static const size_t heap_most[] = { QN_HEAP_KNOBS(MOST) };

/* An end of the range, near to it, or anywhere */
static size_t any(size_t low, size_t high)
{
	size_t width = high - low;

	switch (roll(6)) {
	case 0:
		return low;
	case 1:
		return high;
	case 2:
		return low + (width > 0);
	case 3:
		return high - (width > 0);
	case 4:
		return low + (width >> roll(8 * sizeof(size_t)));
	}
	return low + (size_t)((u64)roll(UINT32_MAX) * (width >> 8) >> 24);
}

static void any_knobs(struct qn_knobs *knobs)
{
	size_t *word = (size_t *)(void *)knobs;

	for (size_t i = 0; i < ARRAY_SIZE(least); i++)
		word[i] = any(least[i], most[i]);
	assert_true(qn_knobs_are_valid(knobs));
}

static void any_heap_knobs(struct qn_heap_knobs *knobs)
{
	size_t *word = (size_t *)(void *)knobs;

	for (size_t i = 0; i < ARRAY_SIZE(heap_least); i++)
		word[i] = any(heap_least[i], heap_most[i]);
	assert_true(qn_heap_knobs_are_valid(knobs));
}

/* All but what an action may change */
static void assert_rest(struct qn_knobs next, const struct qn_knobs *asked)
{
	next.keep = asked->keep;
	next.dirty = asked->dirty;
	next.dirty_part = asked->dirty_part;
	next.boost_most = asked->boost_most;
	assert_memory_equal(&next, asked, sizeof(next));
}

static void test_valid(void **state)
{
	struct qn_knobs asked, next;

	(void)state;
	random_state = 1;
	for (unsigned int i = 0; i < (QN_SMALL ? 500 : 20000); i++) {
		any_knobs(&asked);
		for (unsigned int a = 0; a <= QN_NR_PRESETS; a++) {
			memset(&next, 0xa5, sizeof(next));
			qn_preset_process(a, &asked, &next);
			assert_true(qn_knobs_are_valid(&next));
			assert_rest(next, &asked);
			assert_true(asked.dirty || !next.dirty);
			assert_true(asked.keep || !next.keep);
			if (a == QN_PRESET_RULE || a == QN_NR_PRESETS)
				assert_memory_equal(&next, &asked,
						    sizeof(next));
		}
	}
}

static void test_heap_valid(void **state)
{
	struct qn_heap_knobs asked, was, next;

	(void)state;
	random_state = 2;
	for (unsigned int i = 0; i < (QN_SMALL ? 500 : 20000); i++) {
		any_heap_knobs(&asked);
		any_heap_knobs(&was);
		for (unsigned int a = 0; a <= QN_NR_PRESETS; a++) {
			next = was;
			qn_preset_heap(a, &asked, &next);
			assert_true(qn_heap_knobs_are_valid(&next));
			assert_true(asked.held_part || !next.held_part);
			was.held_part = next.held_part;
			was.held_most = next.held_most;
			was.roomy_part = next.roomy_part;
			assert_memory_equal(&next, &was, sizeof(next));
		}
	}
}

struct row {
	size_t keep, dirty, dirty_part, boost_most;
};

/* The table of presets.h, of what knobs.h presets */
static void test_table(void **state)
{
	static const struct row rows[QN_NR_PRESETS] = {
		{ 16, 524288, 16, 268435456 }, { 2, 131072, 64, 0 },
		{ 4, 524288, 16, 67108864 },   { 16, 524288, 16, 0 },
		{ 64, 4194304, 8, 268435456 }, { 1024, 67108864, 4, 268435456 },
	};
	struct qn_knobs next;

	(void)state;
	for (unsigned int a = 0; a < QN_NR_PRESETS; a++) {
		qn_preset_process(a, &qn_knobs_preset, &next);
		assert_int_equal(next.keep, rows[a].keep);
		assert_int_equal(next.dirty, rows[a].dirty);
		assert_int_equal(next.dirty_part, rows[a].dirty_part);
		assert_int_equal(next.boost_most, rows[a].boost_most);
	}
}

static void test_heap_table(void **state)
{
	static const u16 rows[QN_NR_PRESETS][3] = {
		{ 24, 1024, 4 }, { 0, 1024, 4 },  { 48, 512, 4 },
		{ 8, 3072, 4 },  { 2, 12288, 4 }, { 24, 1024, 16 },
	};
	struct qn_heap_knobs next = qn_heap_knobs_preset;

	(void)state;
	for (unsigned int a = 0; a < QN_NR_PRESETS; a++) {
		qn_preset_heap(a, &qn_heap_knobs_preset, &next);
		assert_int_equal(next.held_part, rows[a][0]);
		assert_int_equal(next.held_most, rows[a][1]);
		assert_int_equal(next.roomy_part, rows[a][2]);
	}
}

/* Each action starts from what was asked for, whatever came before it */
static void act(unsigned int action)
{
	static struct qn_knobs knobs;
	static struct qn_heap_knobs heap_knobs;
	struct qn_knobs alone;

	if (!knobs.price) {
		knobs = qn_knobs_preset;
		heap_knobs = qn_heap_knobs_preset;
	}
	qn_preset_process(action, &qn_knobs_preset, &knobs);
	qn_preset_heap(action, &qn_heap_knobs_preset, &heap_knobs);
	assert_true(qn_knobs_are_valid(&knobs));
	assert_true(qn_heap_knobs_are_valid(&heap_knobs));
	qn_preset_process(action, &qn_knobs_preset, &alone);
	assert_memory_equal(&alone, &knobs, sizeof(alone));
}

static void test_sequences(void **state)
{
	(void)state;
	random_state = 3;
	for (unsigned int a = 0; a < QN_NR_PRESETS; a++) {
		for (unsigned int b = 0; b < QN_NR_PRESETS; b++) {
			act(a);
			act(b);
		}
	}
	for (unsigned int i = 0; i < (QN_SMALL ? 5000 : 100000); i++)
		act(roll(QN_NR_PRESETS));
}

static void test_names(void **state)
{
	(void)state;
	assert_true(qn_is_text(qn_preset_names[QN_PRESET_RULE], "rule"));
	assert_true(qn_is_text(qn_preset_heap_names[QN_PRESET_RULE], "rule"));
	for (unsigned int a = 0; a < QN_NR_PRESETS; a++) {
		assert_true(qn_preset_names[a][0] != 0);
		assert_true(qn_preset_heap_names[a][0] != 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_heap_valid),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_heap_table),
		cmocka_unit_test(test_sequences),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
