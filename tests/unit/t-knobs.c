// SPDX-License-Identifier: MIT
/*
 * t-knobs.c - the knobs: their ranges, their settings, and heaps under all of them.
 *
 * Invariants checked here:
 * - the preset is valid, and so is each knob at either end of its range; one step beyond
 *   is not;
 * - every knob has a setting of its name, which takes both ends and refuses what is
 *   beyond, and a help text;
 * - a heap stays sound whatever the knobs are: all at their least, all at their most,
 *   each at either end at random, and anywhere between, while they change.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "format/conf.h"
#include "process/process.h"
#include "../random.h"

#define NR_KNOBS (sizeof(struct qn_knobs) / sizeof(size_t))

/* Least, most and preset of each knob, in the order of the rows */
#define LEAST(name, unit, preset, least, most, help)  (least),
#define MOST(name, unit, preset, least, most, help)   (most),
#define PRESET(name, unit, preset, least, most, help) (preset),

static const size_t least[] = { QN_KNOBS(LEAST) };
static const size_t most[] = { QN_KNOBS(MOST) };
static const size_t preset[] = { QN_KNOBS(PRESET) };

_Static_assert(ARRAY_SIZE(least) == NR_KNOBS, "a knob for each row");

static struct qn_knobs with(unsigned int i, size_t value)
{
	struct qn_knobs knobs = qn_knobs_preset;

	memcpy((char *)&knobs + i * sizeof(size_t), &value, sizeof(value));
	return knobs;
}

static bool is_valid(unsigned int i, size_t value)
{
	struct qn_knobs knobs = with(i, value);

	return qn_knobs_are_valid(&knobs);
}

static void test_ranges(void **state)
{
	(void)state;
	assert_true(qn_knobs_are_valid(&qn_knobs_preset));
	assert_memory_equal(&qn_knobs_preset, preset, sizeof(preset));
	for (unsigned int i = 0; i < NR_KNOBS; i++) {
		assert_true(is_valid(i, least[i]));
		assert_true(is_valid(i, most[i]));
		assert_false(is_valid(i, least[i] - 1));
		assert_false(is_valid(i, most[i] + 1));
	}
}

static const size_t heap_least[] = { QN_HEAP_KNOBS(LEAST) };
static const size_t heap_most[] = { QN_HEAP_KNOBS(MOST) };

static void test_heap_ranges(void **state)
{
	struct qn_heap_knobs knobs;
	size_t *word = (size_t *)(void *)&knobs;

	(void)state;
	assert_true(qn_heap_knobs_are_valid(&qn_heap_knobs_preset));
	for (size_t i = 0; i < sizeof(knobs) / sizeof(size_t); i++) {
		for (int end = 0; end < 4; end++) {
			knobs = qn_heap_knobs_preset;
			word[i] = end < 2 ? heap_least[i] - (end & 1) :
					    heap_most[i] + (end & 1);
			assert_int_equal(qn_heap_knobs_are_valid(&knobs),
					 !(end & 1));
		}
	}
}

/* What a setting makes of the knobs; false if it is refused */
static bool parse(const char *key, size_t value, bool is_milli,
		  struct qn_knobs *knobs)
{
	char text[64], error[QN_CONF_ERROR];
	struct qn_conf conf;
	int err;

	if (is_milli)
		snprintf(text, sizeof(text), "%s:%zu.%03zu", key, value / 1000,
			 value % 1000);
	else
		snprintf(text, sizeof(text), "%s:%zu", key, value);
	qn_conf_init(&conf);
	err = qn_conf_parse(&conf, text, error, sizeof(error));
	*knobs = conf.knobs;
	assert_true(!err || strstr(error, key));
	assert_true(!err || strstr(error, "; allowed: "));
	return !err;
}

static void test_settings(void **state)
{
	(void)state;
	assert_int_equal(qn_conf_nr_knobs, NR_KNOBS);
	for (unsigned int i = 0; i < NR_KNOBS; i++) {
		const struct qn_conf_knob *k = &qn_conf_knobs[i];
		struct qn_knobs knobs, want = with(i, least[i]);

		assert_true(parse(k->key, least[i], k->is_milli, &knobs));
		assert_memory_equal(&knobs, &want, sizeof(want));
		want = with(i, most[i]);
		assert_true(parse(k->key, most[i], k->is_milli, &knobs));
		assert_memory_equal(&knobs, &want, sizeof(want));
		assert_false(parse(k->key, most[i] + 1, k->is_milli, &knobs));
		assert_memory_equal(&knobs, &qn_knobs_preset, sizeof(knobs));
		assert_true(!least[i] ||
			    !parse(k->key, least[i] - 1, k->is_milli, &knobs));
	}
}

static void test_help(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < qn_conf_nr_knobs; i++) {
		const struct qn_conf_knob *k = &qn_conf_knobs[i];
		size_t size = strlen(k->help);

		assert_null(strpbrk(k->key, ":, "));
		assert_true(strlen(k->unit) > 0);
		assert_true(size > 20);
		assert_int_equal(k->help[size - 1], '.');
		for (unsigned int j = 0; j < i; j++)
			assert_string_not_equal(k->key, qn_conf_knobs[j].key);
	}
}

/* ---- a heap under them ---- */

/* Bytes that the first object of a size takes from its slab with others of its size */
static size_t first_carves(size_t size, size_t carve)
{
	struct qn_conf conf;
	u64 before;
	void *p;

	qn_conf_init(&conf);
	/* A list ends before an object that is sampled: next to none is */
	conf.sample = (size_t)1 << 30;
	conf.seed = 1;
	conf.knobs.fence = 0;
	conf.knobs.carve = conf.knobs.carve_most = carve;
	qn_process_start(&conf, NULL, NULL);
	/* The heap begins, and what is not of this size with it */
	qn_free(qn_malloc(16));
	before = qn_process_stats()->carved;
	p = qn_malloc(size);
	assert_non_null(p);
	before = qn_process_stats()->carved - before;
	qn_free(p);
	return before;
}

/* What is set holds: in a heap that has begun as well */
static void test_carve(void **state)
{
	(void)state;
	assert_int_equal(first_carves(320, 320), 320);
	assert_int_equal(first_carves(448, 4480), 4480);
	assert_int_equal(first_carves(640, 19200), 19200);
}

enum {
	ALL_LEAST,
	ALL_MOST,
	EITHER,
	BETWEEN
};

static struct qn_conf knobs_pick(int how)
{
	struct qn_conf conf;
	size_t value;

	qn_conf_init(&conf);
	for (unsigned int i = 0; i < NR_KNOBS; i++) {
		bool is_least = how == ALL_LEAST ||
				(how != ALL_MOST && roll(2));

		value = is_least ? least[i] : most[i];
		if (how == BETWEEN)
			value = least[i] +
				(most[i] - least[i]) / 65536 * roll(65536) +
				(most[i] - least[i]) % 65536 * roll(65536) /
					65536;
		memcpy((char *)&conf.knobs + i * sizeof(value), &value,
		       sizeof(value));
	}
	assert_true(qn_knobs_are_valid(&conf.knobs));
	return conf;
}

#define NR_BLOCKS 3000

static struct block {
	unsigned char *p;
	size_t size;
	unsigned char tag;
} blocks[NR_BLOCKS];

/* Small ones, medium ones, blocks of whole pages and large ones */
static size_t pick_size(void)
{
	switch (roll(16)) {
	case 0:
		return roll(300000);
	case 1:
	case 2:
		return roll(40000);
	case 3:
		return 1008;
	default:
		return roll(8u << roll(8));
	}
}

static void block_turn(struct block *b)
{
	if (b->p) {
		if (b->size)
			assert_true(b->p[0] == b->tag &&
				    b->p[b->size - 1] == b->tag);
		qn_free(b->p);
		b->p = NULL;
		return;
	}
	b->size = pick_size();
	b->tag = (unsigned char)roll(256);
	b->p = qn_malloc(b->size);
	assert_non_null(b->p);
	memset(b->p, b->tag, b->size);
}

/* Blocks come and go, and now and then all of them go */
static void churn(void)
{
	for (unsigned int i = 0; i < 12000; i++)
		block_turn(&blocks[roll(NR_BLOCKS)]);
	assert_int_equal(qn_check(), 0);
	for (unsigned int i = 0; i < NR_BLOCKS && roll(4); i++)
		if (blocks[i].p)
			block_turn(&blocks[i]);
	assert_int_equal(qn_check(), 0);
}

static void *churn_elsewhere(void *arg)
{
	churn();
	return arg;
}

static void test_any_knobs(void **state)
{
	(void)state;
	random_state = 1;
	for (int round = 0; round < 24; round++) {
		struct qn_conf conf = knobs_pick(min(round / 2, 2 + round % 2));
		pthread_t t;

		qn_process_start(&conf, NULL, NULL);
		churn();
		assert_int_equal(
			pthread_create(&t, NULL, churn_elsewhere, NULL), 0);
		pthread_join(t, NULL);
		churn();
	}
	for (unsigned int i = 0; i < NR_BLOCKS; i++)
		if (blocks[i].p)
			block_turn(&blocks[i]);
	assert_int_equal(qn_check(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_heap_ranges),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_carve),
		cmocka_unit_test(test_any_knobs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
