// SPDX-License-Identifier: MIT
/*
 * t-census.c - a heap counted by size.
 *
 * Invariants checked here:
 * - every piece is counted once, in the range of its size, by its state; the last range
 *   has what is larger than all;
 * - the sums are those of qn_heap_stats(), over all zones;
 * - ranges that do not ascend are refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/compiler.h"
#include "quern.h"

static unsigned char memory[16384] __aligned(64);
static unsigned char second[4096] __aligned(64);
static struct qn_heap *h;

static void reset(void)
{
	h = qn_heap_init(memory, sizeof(memory));
	assert_non_null(h);
}

static void test_ranges(void **state)
{
	struct qn_census at[] = { { .most = 64 },
				  { .most = 256 },
				  { .most = 1024 } };
	size_t small = 0, medium = 0, large = 0;
	void *p;

	(void)state;
	reset();
	for (int i = 0; i < 5; i++) {
		small += qn_heap_usable_size(h, qn_heap_alloc(h, 64));
		medium += qn_heap_usable_size(h, qn_heap_alloc(h, 65));
		medium += qn_heap_usable_size(h, qn_heap_alloc(h, 256));
	}
	large += qn_heap_usable_size(h, qn_heap_alloc(h, 1000));
	p = qn_heap_alloc(h, 3000);
	large += qn_heap_usable_size(h, p);

	assert_int_equal(qn_heap_census(h, at, ARRAY_SIZE(at)), 0);
	assert_int_equal(at[0].nr[QN_USED], 5);
	assert_int_equal(at[0].bytes[QN_USED], small);
	assert_int_equal(at[1].nr[QN_USED], 10);
	assert_int_equal(at[1].bytes[QN_USED], medium);
	assert_int_equal(at[2].nr[QN_USED], 2);
	assert_int_equal(at[2].bytes[QN_USED], large);
	assert_int_equal(at[2].nr[QN_FREE], 1);
	assert_int_equal(at[0].nr[QN_FREE] + at[1].nr[QN_FREE], 0);

	/* Counted anew each time */
	qn_heap_free(h, p);
	assert_int_equal(qn_heap_census(h, at, ARRAY_SIZE(at)), 0);
	assert_int_equal(at[2].nr[QN_USED], 1);
	assert_int_equal(at[0].nr[QN_USED], 5);
}

static void test_states(void **state)
{
	struct qn_census at[] = { { .most = 32 }, { .most = SIZE_MAX } };
	void *p, *q;

	(void)state;
	reset();
	p = qn_heap_alloc(h, 32);
	q = qn_heap_alloc(h, 32);
	qn_heap_alloc(h, 32);
	qn_heap_free(h, p);
	assert_int_equal(qn_heap_census(h, at, 2), 0);
	assert_int_equal(at[0].nr[QN_USED], 2);
	assert_int_equal(at[0].nr[QN_HELD], 1);
	assert_int_equal(at[0].bytes[QN_HELD], 32);
	assert_int_equal(at[1].nr[QN_FREE], 1);
	while (qn_heap_step(h) == 1)
		;
	qn_heap_set_policy(h, "fixed");
	qn_heap_free(h, q);
	assert_int_equal(qn_heap_census(h, at, 2), 0);
	assert_int_equal(at[0].nr[QN_USED], 1);
	assert_int_equal(at[0].nr[QN_HELD], 0);
	assert_int_equal(at[1].nr[QN_FREE], 2);
}

static void test_sums(void **state)
{
	struct qn_census at[20];
	size_t nr[QN_STATES] = { 0 }, bytes[QN_STATES] = { 0 };
	void *p[60] = { 0 };
	struct qn_stats st;

	(void)state;
	reset();
	assert_int_equal(qn_heap_add_zone(h, second, sizeof(second), 0), 0);
	for (unsigned int i = 0; i < 600; i++) {
		unsigned int at = i * 7919 % ARRAY_SIZE(p);

		qn_heap_free(h, p[at]);
		p[at] = i % 3 ? qn_heap_alloc(h, i * 31 % 400) : NULL;
	}
	for (size_t i = 0; i < ARRAY_SIZE(at); i++)
		at[i].most = 16 * (i + 1);
	assert_int_equal(qn_heap_census(h, at, ARRAY_SIZE(at)), 0);
	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		for (int s = 0; s < QN_STATES; s++) {
			nr[s] += at[i].nr[s];
			bytes[s] += at[i].bytes[s];
		}
	}
	qn_heap_stats(h, &st);
	assert_int_equal(nr[QN_USED], st.nr_live);
	assert_int_equal(bytes[QN_USED], st.live);
	assert_int_equal(bytes[QN_HELD], st.held);
	assert_int_equal(bytes[QN_HELD] + bytes[QN_FREE], st.free);
}

static void test_refused(void **state)
{
	struct qn_census at[] = { { .most = 64 }, { .most = 64 } };

	(void)state;
	reset();
	assert_int_equal(qn_heap_census(NULL, at, 1), -EINVAL);
	assert_int_equal(qn_heap_census(h, NULL, 1), -EINVAL);
	assert_int_equal(qn_heap_census(h, at, 0), -EINVAL);
	assert_int_equal(qn_heap_census(h, at, 2), -EINVAL);
	assert_int_equal(qn_heap_census(h, at, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
