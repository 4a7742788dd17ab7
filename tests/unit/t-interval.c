// SPDX-License-Identifier: MIT
/*
 * t-interval.c - how far two subjects are apart, and how sure that is.
 *
 * Invariants checked here:
 * - critical values are those of the published tables of Wilcoxon's signed-rank test;
 * - estimate and interval are those of Hollander and Wolfe's example 3.1, the Hamilton
 *   depression scale of nine patients (R's help of wilcox.test() has it too);
 * - of few rounds there is a ratio and no interval; a value of 0 is not known;
 * - a difference in all rounds is real, and one that changes its sign is noise;
 * - one slow round does not hide a difference.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>

#include "command/compare/interval.h"

static void test_critical_values(void **state)
{
	/* Two-sided, 5 %: number of pairs, greatest sum */
	static const int table[][2] = { { 1, -1 },  { 5, -1 },  { 6, 0 },
					{ 7, 2 },   { 8, 3 },   { 9, 5 },
					{ 10, 8 },  { 11, 10 }, { 12, 13 },
					{ 15, 25 }, { 20, 52 }, { 25, 89 },
					{ 30, 137 } };

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_int_equal(qn_interval_critical((u32)table[i][0]),
				 table[i][1]);
}

/* With 250 rounds the sum is nearly normal: 31375 / 2 - 1.96 * sqrt(1309906.25) */
static void test_many_pairs(void **state)
{
	(void)state;
	assert_in_range(qn_interval_critical(250), 13430, 13460);
	assert_int_equal(qn_interval_critical(251), -1);
}

static u64 power(double x)
{
	return (u64)round(1e12 * exp(x));
}

static void test_published_example(void **state)
{
	static const double x[] = { 1.83, 0.50, 1.62, 2.48, 1.68,
				    1.88, 1.55, 3.06, 1.30 };
	static const double y[] = { 0.878, 0.647, 0.598, 2.05, 1.06,
				    1.29,  1.06,  3.14,  1.29 };
	struct qn_interval i;
	u64 a[9], b[9];

	(void)state;
	for (u32 k = 0; k < 9; k++) {
		a[k] = power(y[k]);
		b[k] = power(x[k]);
	}
	i = qn_interval_ratio(a, b, 9);
	assert_true(i.is_known && i.has_bounds);
	assert_true(fabs(log(i.ratio) + 0.460) < 1e-6);
	assert_true(fabs(log(i.low) + 0.786) < 1e-6);
	assert_true(fabs(log(i.high) + 0.010) < 1e-6);
	assert_true(qn_interval_is_real(&i));
	/* The other way round it is the inverse */
	i = qn_interval_ratio(b, a, 9);
	assert_true(fabs(log(i.ratio) - 0.460) < 1e-6);
	assert_true(fabs(log(i.low) - 0.010) < 1e-6);
	assert_true(fabs(log(i.high) - 0.786) < 1e-6);
}

static void test_few_rounds(void **state)
{
	static const u64 a[] = { 11, 22, 33, 44, 55 };
	static const u64 b[] = { 10, 20, 30, 40, 50 };
	struct qn_interval i = qn_interval_ratio(a, b, 5);

	(void)state;
	assert_true(i.is_known && !i.has_bounds);
	assert_true(fabs(i.ratio - 1.1) < 1e-9);
	assert_false(qn_interval_is_real(&i));
	assert_true(qn_interval_ratio(a, b, 1).is_known);
	assert_false(qn_interval_ratio(a, b, 0).is_known);
}

static void test_zero_is_not_known(void **state)
{
	static const u64 a[] = { 1, 2, 3, 0, 5, 6 }, b[] = { 1, 1, 1, 1, 1, 1 };
	struct qn_interval i = qn_interval_ratio(a, b, 6);

	(void)state;
	assert_false(i.is_known || i.has_bounds || qn_interval_is_real(&i));
	assert_true(i.ratio == 1);
	assert_false(qn_interval_ratio(b, a, 6).is_known);
}

static void test_noise(void **state)
{
	static const u64 base[] = { 100, 100, 100, 100, 100, 100, 100 };
	static const u64 same[] = { 100, 100, 100, 100, 100, 100, 100 };
	static const u64 around[] = { 103, 98, 101, 99, 102, 97, 100 };
	static const u64 above[] = { 103, 104, 102, 105, 103, 104, 102 };
	static const u64 once[] = { 103, 104, 500, 105, 103, 104, 102 };
	struct qn_interval i = qn_interval_ratio(same, base, 7);

	(void)state;
	assert_true(i.ratio == 1 && i.low == 1 && i.high == 1);
	assert_false(qn_interval_is_real(&i));
	i = qn_interval_ratio(around, base, 7);
	assert_true(i.low < 1 && i.high > 1);
	assert_false(qn_interval_is_real(&i));
	i = qn_interval_ratio(above, base, 7);
	assert_true(qn_interval_is_real(&i));
	assert_true(i.low >= 1.02 && i.high <= 1.05);
	i = qn_interval_ratio(once, base, 7);
	assert_true(qn_interval_is_real(&i));
	assert_true(i.ratio > 1.02 && i.ratio < 1.06);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_critical_values),
		cmocka_unit_test(test_many_pairs),
		cmocka_unit_test(test_published_example),
		cmocka_unit_test(test_few_rounds),
		cmocka_unit_test(test_zero_is_not_known),
		cmocka_unit_test(test_noise),
	};

	return cmocka_run_group_tests_name("interval", tests, NULL, NULL);
}
