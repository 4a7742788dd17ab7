// SPDX-License-Identifier: MIT
/*
 * t-bitset.c - sets of small numbers against an array of flags.
 *
 * Invariants: a number is in the set from add to del; a search finds the lowest one
 * that is not below where it begins, or the size; numbers beside it do not change.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/bitset.h"
#include "../random.h"

#define MOST 300

static unsigned long set[QN_BITSET_WORDS(MOST) + 1];
static bool has[MOST];

static void test_words(void **state)
{
	(void)state;
	assert_int_equal(QN_BITSET_WORDS(0), 0);
	assert_int_equal(QN_BITSET_WORDS(1), 1);
	assert_int_equal(QN_BITSET_WORDS(QN_BITSET_BITS), 1);
	assert_int_equal(QN_BITSET_WORDS(QN_BITSET_BITS + 1), 2);
}

static size_t find(size_t nr, size_t from, bool wanted)
{
	while (from < nr && has[from] != wanted)
		from++;
	return from < nr ? from : nr;
}

/* Sets of all sizes, searched from everywhere */
static void test_model(void **state)
{
	u32 random = 1;

	(void)state;
	for (size_t nr = 1; nr <= MOST; nr += 1 + nr / 8) {
		memset(set, 0, sizeof(set));
		memset(has, 0, sizeof(has));
		for (unsigned int i = 0; i < 400; i++) {
			size_t n = random_next(&random) % nr;

			if (random >> 30)
				qn_bitset_add(set, n);
			else
				qn_bitset_del(set, n);
			has[n] = random >> 30;
			assert_int_equal(qn_bitset_has(set, n), has[n]);
			n = (random >> 8) % (nr + 1);
			assert_int_equal(qn_bitset_find(set, nr, n),
					 find(nr, n, true));
			assert_int_equal(qn_bitset_find_hole(set, nr, n),
					 find(nr, n, false));
		}
		for (size_t n = 0; n < nr; n++)
			assert_int_equal(qn_bitset_has(set, n), has[n]);
	}
}

static void test_ends(void **state)
{
	(void)state;
	memset(set, 0, sizeof(set));
	assert_int_equal(qn_bitset_find(set, MOST, 0), MOST);
	assert_int_equal(qn_bitset_find(set, 0, 0), 0);
	assert_int_equal(qn_bitset_find_hole(set, 0, 0), 0);
	for (size_t i = 0; i < MOST; i++)
		qn_bitset_add(set, i);
	assert_int_equal(qn_bitset_find_hole(set, MOST, 0), MOST);
	assert_int_equal(qn_bitset_find(set, MOST, MOST - 1), MOST - 1);
	assert_int_equal(qn_bitset_find(set, MOST, MOST), MOST);
	assert_int_equal(set[QN_BITSET_WORDS(MOST)], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
