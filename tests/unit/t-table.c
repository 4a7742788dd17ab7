// SPDX-License-Identifier: MIT
/*
 * t-table.c - the granule table.
 *
 * Invariants checked here, over all sizes of the map:
 * - a size has the smallest class that holds it, before and after any sequence
 *   of promotions and demotions (held against a model that only knows the set
 *   of class sizes); so the map is large enough and monotone;
 * - the static classes waste at most an eighth above the exact ones;
 * - demoting everything gives the map of the start back;
 * - refused changes leave the table as it was, each with its own error;
 * - qn_table_check() accepts every table made by these functions and notices a
 *   change to any of its fields.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "learn/table.h"
#include "../random.h"

#define NR_STEPS 2049
#define NR_OPS   (QN_SMALL ? 300 : 6000)

union buffer {
	struct qn_table table;
	unsigned char bytes[sizeof(struct qn_table) + NR_STEPS + 8];
};

static union buffer buffer, other;
static struct qn_table *const t = &buffer.table;
static struct qn_table *const u = &other.table;

/* The model: which steps have a class of exactly their size */
static bool exact[NR_STEPS];
static unsigned int base_top;

static void model_init(void)
{
	unsigned int class;

	memset(exact, 0, sizeof(exact));
	for (class = 1; class <= t->nr_base; class ++)
		exact[t->class_steps[class]] = true;
	base_top = t->class_steps[t->nr_base];
}

/* Object size in steps that the model gives each size; 0: direct */
static void assert_as_model(void)
{
	unsigned int step, want = 0;

	for (step = t->nr_steps - 1u; step; step--) {
		if (exact[step])
			want = step;
		else if (step >= base_top)
			want = 0;
		assert_int_equal(t->class_steps[t->map[step]], want);
	}
	assert_int_equal(t->map[0], t->map[1]);
	assert_int_equal(qn_table_check(t), 0);
}

static unsigned int nr_free_slots(void)
{
	unsigned int class, nr = 0;

	for (class = t->nr_base + 1u; class < QN_NR_CLASSES; class ++)
		nr += !t->class_steps[class];
	return nr;
}

static void test_size_steps(void **state)
{
	size_t size;

	(void)state;
	assert_int_equal(qn_size_steps(0), 1);
	for (size = 1; size <= 8 * QN_STEP; size++) {
		assert_true(qn_size_steps(size) * QN_STEP >= size);
		assert_true((qn_size_steps(size) - 1) * QN_STEP < size);
	}
}

static void test_direct(void **state)
{
	unsigned int step;

	(void)state;
	memset(&buffer, 0xa5, sizeof(buffer));
	qn_table_init_direct(t, 65);
	assert_int_equal(qn_table_check(t), 0);
	assert_int_equal(t->generation, 1);
	assert_int_equal(t->nr_base, 0);
	assert_int_equal(t->nr_classes, 1);
	for (step = 0; step < 65; step++)
		assert_int_equal(t->map[step], QN_CLASS_DIRECT);
}

static void test_base_classes(void **state)
{
	unsigned int class;
	size_t size, osize;

	(void)state;
	qn_table_init_slabs(t, NR_STEPS);
	model_init();
	assert_as_model();
	for (class = 1; class <= t->nr_base; class ++) {
		assert_true(t->class_steps[class] > t->class_steps[class - 1]);
		assert_true(class > QN_TABLE_EXACT_STEPS ||
			    t->class_steps[class] == class);
	}
	for (size = 1; size <= base_top * QN_STEP; size++) {
		osize = qn_table_osize(t, t->map[qn_size_steps(size)]);
		assert_true(osize >= size);
		if (size > QN_TABLE_EXACT_STEPS * QN_STEP)
			assert_true((osize - size) * 8 <= osize);
		else
			assert_true(osize - size < QN_STEP);
	}
}

/* 72 classes reach 32 KB where a step is 16 bytes and there are slots enough */
static void test_base_count(void **state)
{
	unsigned int top = (u32)QN_TABLE_EXACT_STEPS << 8;

	(void)state;
	qn_table_init_slabs(t, NR_STEPS);
	if (QN_NR_CLASSES <= 72 || top != NR_STEPS - 1) {
		assert_true(t->nr_base == QN_NR_CLASSES - 1 ||
			    base_top == NR_STEPS - 1);
		return;
	}
	assert_int_equal(t->nr_base, 72);
	assert_int_equal(t->class_steps[72], 2048);
	assert_int_equal(t->class_steps[8], 8);
	assert_int_equal(t->class_steps[17], 18);
	assert_int_equal(t->map[2048], 72);
	assert_int_equal(t->map[1921], 72);
	assert_int_equal(t->map[1920], 71);
}

static void test_base_any_length(void **state)
{
	unsigned int nr, class, step;

	(void)state;
	for (nr = 2; nr < 600; nr++) {
		memset(&buffer, 0xa5, sizeof(buffer));
		qn_table_init_slabs(t, nr);
		model_init();
		assert_as_model();
		assert_true(t->nr_base == QN_NR_CLASSES - 1 ||
			    base_top == nr - 1);
		step = base_top - 1;
		class = t->map[step];
		if (!step || exact[step] || !nr_free_slots())
			continue;
		assert_true(qn_table_promote(t, step) > (int)class);
		exact[step] = true;
		assert_as_model();
	}
}

static void test_promote_splits(void **state)
{
	int p, q;

	(void)state;
	qn_table_init_slabs(t, NR_STEPS);
	if (nr_free_slots() < 2)
		return;
	/* one static class serves 33 to 36 */
	assert_int_equal(t->map[33], t->map[36]);
	assert_int_equal(t->class_steps[t->map[33]], 36);
	p = qn_table_promote(t, 35);
	assert_true(p > t->nr_base);
	assert_int_equal(t->map[35], p);
	assert_int_equal(t->map[33], p);
	q = qn_table_promote(t, 34);
	assert_true(q > t->nr_base && q != p);
	assert_int_equal(t->map[33], q);
	assert_int_equal(t->map[34], q);
	assert_int_equal(t->map[35], p);
	assert_int_equal(t->map[32], t->map[31]);
	assert_int_equal(qn_table_check(t), 0);

	/* the sizes of the first go to what is left of their class */
	assert_int_equal(qn_table_demote(t, (unsigned int)p), 0);
	assert_int_equal(t->map[35], t->map[36]);
	assert_int_equal(t->map[34], q);
	assert_int_equal(qn_table_check(t), 0);
	assert_int_equal(qn_table_demote(t, (unsigned int)q), 0);
	assert_int_equal(t->map[33], t->map[36]);
	assert_int_equal(t->nr_classes, t->nr_base + 1);
	assert_int_equal(qn_table_check(t), 0);
}

static void test_promote_direct(void **state)
{
	int p, q;

	(void)state;
	qn_table_init_direct(t, 65);
	p = qn_table_promote(t, 20);
	q = qn_table_promote(t, 21);
	assert_true(p > 0 && q > 0 && p != q);
	assert_int_equal(t->map[20], p);
	assert_int_equal(t->map[21], q);
	assert_int_equal(t->map[19], QN_CLASS_DIRECT);
	assert_int_equal(qn_table_check(t), 0);

	/* it does not fall to the neighbour: that one is another size */
	assert_int_equal(qn_table_demote(t, (unsigned int)p), 0);
	assert_int_equal(t->map[20], QN_CLASS_DIRECT);
	assert_int_equal(t->map[21], q);
	assert_int_equal(qn_table_check(t), 0);

	p = qn_table_promote(t, 1);
	assert_true(p > 0);
	assert_int_equal(t->map[0], p);
	assert_int_equal(qn_table_check(t), 0);
	assert_int_equal(qn_table_demote(t, (unsigned int)p), 0);
	assert_int_equal(t->map[0], QN_CLASS_DIRECT);
}

static void assert_refused(int got, int want)
{
	assert_int_equal(got, want);
	assert_memory_equal(t, u, qn_table_bytes(t->nr_steps));
}

static void test_refusals(void **state)
{
	unsigned int step = 2;

	(void)state;
	qn_table_init_direct(t, 400);
	while (nr_free_slots())
		assert_true(qn_table_promote(t, step += 2) > 0);
	memcpy(u, t, sizeof(buffer));
	assert_refused(qn_table_promote(t, 399), -ENOSPC);
	assert_refused(qn_table_promote(t, 0), -ERANGE);
	assert_refused(qn_table_promote(t, 400), -ERANGE);
	assert_refused(qn_table_promote(t, 4), -EEXIST);
	assert_refused(qn_table_demote(t, 0), -EINVAL);
	assert_refused(qn_table_demote(t, QN_NR_CLASSES), -EINVAL);
	assert_refused(qn_table_demote(t, ~0u), -EINVAL);

	assert_int_equal(qn_table_demote(t, t->map[4]), 0);
	memcpy(u, t, sizeof(buffer));
	assert_refused(qn_table_demote(t, 1), -EINVAL);

	qn_table_init_slabs(t, 400);
	memcpy(u, t, sizeof(buffer));
	assert_refused(qn_table_promote(t, t->class_steps[t->nr_base]),
		       -EEXIST);
	assert_refused(qn_table_demote(t, t->nr_base), -EINVAL);
	assert_refused(qn_table_demote(t, t->nr_base + 1u), -EINVAL);
}

static void promote_random(void)
{
	unsigned int step = 1 + roll(t->nr_steps - 1u);
	unsigned int slots = nr_free_slots();
	int class;

	/* often several in one class */
	if (roll(2))
		step = min(step % 64 + 257, t->nr_steps - 1u);
	class = qn_table_promote(t, step);
	if (exact[step]) {
		assert_int_equal(class, -EEXIST);
	} else if (!slots) {
		assert_int_equal(class, -ENOSPC);
	} else {
		assert_true(class > t->nr_base && class < t->nr_classes);
		exact[step] = true;
	}
}

static void demote_random(void)
{
	unsigned int class = roll(QN_NR_CLASSES);
	unsigned int step = t->class_steps[class];

	if (class <= t->nr_base || !step) {
		assert_int_equal(qn_table_demote(t, class), -EINVAL);
		return;
	}
	assert_int_equal(qn_table_demote(t, class), 0);
	exact[step] = false;
}

static void random_changes(void)
{
	unsigned int i, class;

	memcpy(u, t, sizeof(buffer));
	model_init();
	for (i = 0; i < NR_OPS; i++) {
		if (roll(100) < (i / 512 % 2 ? 35 : 60))
			promote_random();
		else
			demote_random();
		assert_as_model();
	}
	for (class = t->nr_base + 1u; class < QN_NR_CLASSES; class ++)
		if (t->class_steps[class])
			assert_int_equal(qn_table_demote(t, class), 0);
	assert_memory_equal(t, u, qn_table_bytes(t->nr_steps));
}

static void test_random_slabs(void **state)
{
	(void)state;
	random_state = 1;
	qn_table_init_slabs(t, NR_STEPS);
	random_changes();
	qn_table_init_slabs(t, 301);
	random_changes();
}

static void test_random_direct(void **state)
{
	(void)state;
	random_state = 2;
	qn_table_init_direct(t, 321);
	random_changes();
}

static void test_copy(void **state)
{
	(void)state;
	qn_table_init_slabs(t, 301);
	qn_table_promote(t, 290);
	t->generation = 41;
	t->nr_users = 7;
	memset(&other, 0xa5, sizeof(other));
	qn_table_copy(u, t);
	assert_int_equal(u->generation, 42);
	assert_int_equal(u->nr_users, 0);
	assert_int_equal(u->nr_steps, 301);
	assert_int_equal(u->nr_base, t->nr_base);
	assert_int_equal(u->nr_classes, t->nr_classes);
	assert_memory_equal(u->class_steps, t->class_steps,
			    sizeof(t->class_steps));
	assert_memory_equal(u->map, t->map, 301);
	assert_int_equal(other.bytes[offsetof(struct qn_table, map) + 301],
			 0xa5);
	assert_int_equal(t->nr_users, 7);
	assert_int_equal(qn_table_check(u), 0);
}

static void assert_damaged(void)
{
	assert_int_equal(qn_table_check(t), -EUCLEAN);
	memcpy(t, u, sizeof(buffer));
	assert_int_equal(qn_table_check(t), 0);
}

static void test_check_fields(void **state)
{
	(void)state;
	qn_table_init_slabs(t, 301);
	memcpy(u, t, sizeof(buffer));
	t->generation = 0;
	assert_damaged();
	t->nr_steps = 1;
	assert_damaged();
	t->nr_steps = t->class_steps[t->nr_base];
	assert_damaged();
	t->nr_base++;
	assert_damaged();
	t->nr_classes--;
	assert_damaged();
	t->nr_classes++;
	assert_damaged();
	t->nr_classes = 255;
	assert_damaged();
	t->class_steps[0] = 1;
	assert_damaged();
	t->class_steps[3] = 2;
	assert_damaged();
	t->class_steps[t->nr_base] = 0;
	assert_damaged();
	if (t->nr_base + 1 < QN_NR_CLASSES) {
		t->nr_base--;
		assert_damaged();
		t->class_steps[t->nr_base + 1] = 290;
		assert_damaged();
	}
}

/* No entry of the map can be another than it is */
static void test_check_map(void **state)
{
	unsigned int step, class;

	(void)state;
	qn_table_init_slabs(t, 301);
	qn_table_promote(t, 290);
	qn_table_promote(t, 35);
	memcpy(u, t, sizeof(buffer));
	for (step = 0; step < 301; step++) {
		for (class = 0; class < 256; class += 1 + class / 4) {
			if (class == t->map[step])
				continue;
			t->map[step] = (u8) class;
			assert_damaged();
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_size_steps),
		cmocka_unit_test(test_direct),
		cmocka_unit_test(test_base_classes),
		cmocka_unit_test(test_base_count),
		cmocka_unit_test(test_base_any_length),
		cmocka_unit_test(test_promote_splits),
		cmocka_unit_test(test_promote_direct),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_random_slabs),
		cmocka_unit_test(test_random_direct),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_check_fields),
		cmocka_unit_test(test_check_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
