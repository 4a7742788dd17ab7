// SPDX-License-Identifier: MIT
/*
 * t-tuned.c - files of knobs and classes, and the policy that uses them.
 *
 * Invariants checked here:
 * - a file gives the knobs and sizes that it says, and the rest as preset;
 * - each way to be wrong has a message with its line, and gives the preset;
 * - no bytes whatever do harm, and what they give is valid;
 * - knobs that the user set stay as set;
 * - a table begins with the sizes, as far as there are slots, and is valid; a heap of one's
 *   own gets them step by step, and then nothing changes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "format/tuned.h"
#include "learn/controller.h"
#include "learn/policy-tuned.h"
#include "../random.h"

static struct qn_tuned_file tuned;
static char error[QN_TUNED_ERROR];

static int parse(const char *text)
{
	memset(&tuned, 0xa5, sizeof(tuned));
	return qn_tuned_parse(&tuned, text, strlen(text), error);
}

static void test_good(void **state)
{
	struct qn_knobs expected = qn_knobs_preset;

	(void)state;
	assert_int_equal(parse("quern tuned 1"), 0);
	assert_memory_equal(&tuned.knobs, &qn_knobs_preset,
			    sizeof(tuned.knobs));
	assert_int_equal(tuned.nr_classes, 0);
	assert_int_equal(parse("quern tuned 1\n# for a test\n\n"
			       "  knob\tdirty  4M \r\nclass 144\n"
			       "knob price 0.75\nknob dirty 8M\nclass 1024"),
			 0);
	expected.dirty = 8 << 20;
	expected.price = 750;
	assert_memory_equal(&tuned.knobs, &expected, sizeof(expected));
	assert_int_equal(tuned.nr_classes, 2);
	assert_int_equal(tuned.classes[0], 144);
	assert_int_equal(tuned.classes[1], 1024);
	assert_string_equal(error, "");
}

static void wrong(const char *text, const char *message)
{
	assert_int_equal(parse(text), -22);
	assert_string_equal(error, message);
	assert_memory_equal(&tuned.knobs, &qn_knobs_preset,
			    sizeof(tuned.knobs));
	assert_int_equal(tuned.nr_classes, 0);
}

#define FIRST "quern tuned 1\n"

static void test_wrong(void **state)
{
	(void)state;
	wrong("", "line 1: not \"quern tuned 1\"");
	wrong("quern tuned 2\n", "line 1: not \"quern tuned 1\"");
	wrong("quern tuned 10\n", "line 1: not \"quern tuned 1\"");
	wrong(FIRST "knob dirt 4M\n", "line 2: no such knob");
	wrong(FIRST "\nknob policy rule\n", "line 3: no such knob");
	wrong(FIRST "knob carve 8\n",
	      "line 2: a value that the knob cannot have");
	wrong(FIRST "knob carve\n",
	      "line 2: a value that the knob cannot have");
	wrong(FIRST "knob carve 64 K\n", "line 2: something behind the value");
	wrong(FIRST "class 0\n", "line 2: a size is from 1 to 1024 bytes");
	wrong(FIRST "class\n", "line 2: a size is from 1 to 1024 bytes");
	wrong(FIRST "class 1025\n", "line 2: a size is from 1 to 1024 bytes");
	wrong(FIRST "class 99999999999999999999999\n",
	      "line 2: a size is from 1 to 1024 bytes");
	wrong(FIRST "class 1K\n", "line 2: a size is a number of bytes");
	wrong(FIRST "class 16 32\n", "line 2: something behind the value");
	wrong(FIRST "#\n#\n#\n#\n#\n#\n#\n#\nclasses 1\n",
	      "line 10: neither knob NAME VALUE nor class SIZE");
}

static void test_much(void **state)
{
	static char text[QN_TUNED_MOST + 2];
	size_t size = sizeof(FIRST) - 1;

	(void)state;
	memcpy(text, FIRST, size);
	memset(text + size, '\n', sizeof(text) - size);
	assert_int_equal(qn_tuned_parse(&tuned, text, QN_TUNED_MOST, error), 0);
	assert_int_equal(qn_tuned_parse(&tuned, text, QN_TUNED_MOST + 1, error),
			 -22);
	assert_string_equal(error, "line 1: more than 16 KB");
	for (unsigned int i = 0; i <= QN_TUNED_CLASSES; i++)
		memcpy(text + size + 9 * i, "class 16\n", 9);
	assert_int_equal(qn_tuned_parse(&tuned, text,
					size + 9 * QN_TUNED_CLASSES, error),
			 0);
	assert_int_equal(qn_tuned_parse(&tuned, text,
					size + 9 * (QN_TUNED_CLASSES + 1),
					error),
			 -22);
	assert_string_equal(error, "line 66: too many sizes");
}

static void test_any(void **state)
{
	static const char *const parts[] = { "knob ", "class ", "dirty", "keep",
					     " ",     "\n",     "64",    "K",
					     "-",     "#",      "1",     "." };
	char text[200];

	(void)state;
	random_state = 1;
	for (unsigned int i = 0; i < 100000; i++) {
		size_t n = sizeof(FIRST) - 1;

		memcpy(text, FIRST, n);
		while (n < 150 && roll(20)) {
			const char *part = parts[roll(ARRAY_SIZE(parts))];

			memcpy(text + n, part, strlen(part));
			n += strlen(part);
			if (!roll(30))
				text[n++] = (char)roll(256);
		}
		qn_tuned_parse(&tuned, text, n, error);
		assert_true(qn_knobs_are_valid(&tuned.knobs));
		assert_true(tuned.nr_classes <= QN_TUNED_CLASSES);
		assert_non_null(memchr(error, 0, sizeof(error)));
	}
}

static void test_merge(void **state)
{
	struct qn_knobs knobs = qn_knobs_preset;

	(void)state;
	assert_int_equal(parse(FIRST "knob dirty 8M\nknob carve 8K\n"), 0);
	knobs.dirty = 1 << 20;
	knobs.fence = 0;
	qn_tuned_merge(&tuned, &knobs);
	assert_int_equal(knobs.dirty, 1 << 20);
	assert_int_equal(knobs.fence, 0);
	assert_int_equal(knobs.carve, 8192);
	assert_int_equal(knobs.keep, qn_knobs_preset.keep);
}

#define NR_STEPS 65

static union {
	struct qn_table table;
	unsigned char bytes[sizeof(struct qn_table) + NR_STEPS + 8];
} tables[2];

static union {
	struct qn_profile profile;
	unsigned char bytes[sizeof(struct qn_profile) + 2 * NR_STEPS + 8];
} profile;

static void test_begin(void **state)
{
	static const u16 few[] = { 144, 150, 16, 600, 4000 };
	static u16 all[1024];
	struct qn_table *t = &tables[0].table;

	(void)state;
	qn_policy_tuned_set(few, ARRAY_SIZE(few));
	qn_table_init_slabs(t, NR_STEPS);
	assert_true(qn_policy_tuned.begin(t));
	assert_int_equal(qn_table_check(t), 0);
	assert_int_equal(t->class_steps[t->map[qn_size_steps(590)]] * QN_STEP,
			 608);
	assert_false(qn_policy_tuned.begin(t));
	for (unsigned int i = 0; i < ARRAY_SIZE(all); i++)
		all[i] = (u16)(i + 1);
	qn_policy_tuned_set(all, ARRAY_SIZE(all));
	qn_table_init_slabs(t, NR_STEPS);
	assert_true(qn_policy_tuned.begin(t));
	assert_int_equal(qn_table_check(t), 0);
	assert_int_equal(t->nr_classes, QN_NR_CLASSES);
}

static void test_heap(void **state)
{
	static const u16 sizes[] = { 48, 144, 600 };
	struct qn_controller c;
	struct qn_action act;
	unsigned int now = 0, nr = 0;
	struct qn_view view = { .profile = &profile.profile };

	(void)state;
	qn_policy_tuned_set(sizes, ARRAY_SIZE(sizes));
	qn_table_init_direct(&tables[0].table, NR_STEPS);
	qn_profile_init(&profile.profile, NR_STEPS);
	qn_controller_init(&c, &qn_policy_tuned);
	for (unsigned int i = 0; i < 20; i++) {
		view.table = &tables[now].table;
		if (!qn_controller_step(&c, &view, &tables[!now].table, &act))
			continue;
		now = !now;
		nr++;
		assert_int_equal(qn_table_check(&tables[now].table), 0);
	}
	assert_int_equal(nr, 3);
	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
		const struct qn_table *t = &tables[now].table;
		size_t step = qn_size_steps(sizes[i]);

		assert_int_equal(t->class_steps[t->map[step]], step);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),  cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_much),  cmocka_unit_test(test_any),
		cmocka_unit_test(test_merge), cmocka_unit_test(test_begin),
		cmocka_unit_test(test_heap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
