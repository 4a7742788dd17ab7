// SPDX-License-Identifier: MIT
/*
 * t-bins.c - free runs by size and the placement rule.
 *
 * Invariants checked here:
 * - the bin of a size never falls as the size grows, sizes below QN_BINS_EXACT
 *   have a bin of their own, and within a bin no size exceeds another by more
 *   than a quarter;
 * - after any sequence of additions and removals each run is in the bin of its
 *   size, once, and a bin's bit says whether it is empty (held against a model
 *   that only knows which runs are free);
 * - a run that was found fits; it is the first that is large enough of the
 *   first QN_BINS_TRIES of the size's own bin, else the lowest of the first
 *   runs of the next three bins that one word of the mask covers;
 * - a run added to a bin goes first if it lies lowest, else second;
 * - qn_bins_check() accepts all of that, asks the owner before it reads a node, and
 *   notices damage to masks, heads, links and sizes, and a run that lacks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "runs/bins.h"
#include "../random.h"

#define NR_RUNS 200
#define NR_OPS  (QN_SMALL ? 2000 : 60000)

static struct qn_bins bins;
static struct qn_run runs[NR_RUNS];
static bool is_free[NR_RUNS];

/* Small sizes often, large ones sometimes */
static size_t random_size(void)
{
	return 1 + roll(1u << (2 + roll(16)));
}

static void reset(u32 seed)
{
	random_state = seed;
	memset(is_free, 0, sizeof(is_free));
	qn_bins_init(&bins);
}

static size_t index_of(const struct qn_run *run)
{
	return (size_t)(run - runs);
}

static void assert_list(unsigned int bin, bool *seen)
{
	struct qn_run *run, **prev = &bins.head[bin];

	for (run = *prev; run; run = run->next) {
		assert_in_range(index_of(run), 0, NR_RUNS - 1);
		assert_ptr_equal(run->prev, prev);
		assert_int_equal(qn_bin_of(run->size), bin);
		assert_false(seen[index_of(run)]);
		seen[index_of(run)] = true;
		prev = &run->next;
	}
}

static void assert_as_model(void)
{
	bool seen[NR_RUNS] = { false };

	for (unsigned int bin = 0; bin < QN_NR_BINS; bin++) {
		unsigned long mask = bins.mask[bin / QN_BINS_WORD];

		assert_int_equal(!!(mask & qn_bin_bit(bin)), !!bins.head[bin]);
		assert_list(bin, seen);
	}
	assert_memory_equal(seen, is_free, sizeof(seen));
}

static void test_bin_of(void **state)
{
	unsigned int last = 0;
	size_t first = 0;

	(void)state;
	for (size_t size = 1; size < 20480; size++) {
		unsigned int bin = qn_bin_of(size);

		assert_in_range(bin, last, last + 1);
		if (size < QN_BINS_EXACT)
			assert_int_equal(bin, size);
		if (bin != last)
			first = size;
		assert_true(size - first <= first / 4);
		last = bin;
	}
	assert_int_equal(qn_bin_of(SIZE_MAX), QN_NR_BINS - 1);
}

/* The lowest of the first runs of three bins in one word from @bin on */
static const struct qn_run *expected_above(unsigned int bin)
{
	const struct qn_run *best = NULL;
	unsigned int word = 0;
	int nr = 0;

	for (; bin < QN_NR_BINS && nr < 3; bin++) {
		const struct qn_run *run = bins.head[bin];

		if (!run || (best && bin / QN_BINS_WORD != word))
			continue;
		word = bin / QN_BINS_WORD;
		if (!best || run < best)
			best = run;
		nr++;
	}
	return best;
}

/* The choice, found the slow way */
static const struct qn_run *expected(size_t size)
{
	unsigned int bin = qn_bin_of(size);
	const struct qn_run *run = bins.head[bin];

	for (int i = 0; run && i < QN_BINS_TRIES; i++) {
		if (run->size >= size)
			return run;
		run = run->next;
	}
	return expected_above(bin + 1);
}

static void test_find(void **state)
{
	const struct qn_run *run;

	(void)state;
	reset(7);
	for (int i = 0; i < NR_OPS; i++) {
		size_t r = roll(NR_RUNS), size = random_size();

		if (is_free[r]) {
			qn_bins_del(&bins, &runs[r]);
		} else {
			runs[r].size = random_size();
			qn_bins_add(&bins, &runs[r]);
		}
		is_free[r] = !is_free[r];
		run = expected(size);
		assert_ptr_equal(qn_bins_find(&bins, size), run);
		if (i % 64 == 0)
			assert_as_model();
	}
	assert_as_model();
}

static void test_find_in_empty(void **state)
{
	(void)state;
	reset(1);
	assert_null(qn_bins_find(&bins, 1));
	assert_null(qn_bins_find(&bins, 100));
	assert_null(qn_bins_find(&bins, SIZE_MAX));
	assert_int_equal(qn_bins_largest(&bins), 0);
	assert_false(qn_bins_has(&bins, 0));
}

static void add(size_t r, size_t size)
{
	runs[r].size = size;
	is_free[r] = true;
	qn_bins_add(&bins, &runs[r]);
}

static void test_lowest_of_three(void **state)
{
	(void)state;
	reset(1);
	add(3, 11);
	add(2, 12);
	add(1, 13);
	add(0, 14);
	/* 14 is the fourth bin that fits */
	assert_ptr_equal(qn_bins_find(&bins, 10), &runs[1]);
	/* An exact run wins wherever it lies */
	add(9, 10);
	assert_ptr_equal(qn_bins_find(&bins, 10), &runs[9]);
}

static void test_own_bin_may_be_too_small(void **state)
{
	(void)state;
	reset(1);
	/* One bin: 64 .. 79 */
	add(2, 64);
	assert_null(qn_bins_find(&bins, 65));
	add(9, 80);
	assert_ptr_equal(qn_bins_find(&bins, 65), &runs[9]);
	add(5, 70);
	assert_ptr_equal(bins.head[qn_bin_of(64)], &runs[2]);
	assert_ptr_equal(qn_bins_find(&bins, 65), &runs[5]);
	assert_as_model();
}

static void test_order_of_a_bin(void **state)
{
	(void)state;
	reset(1);
	add(5, 8);
	add(9, 8);
	add(7, 8);
	assert_ptr_equal(bins.head[8], &runs[5]);
	assert_ptr_equal(runs[5].next, &runs[7]);
	assert_ptr_equal(runs[7].next, &runs[9]);
	add(1, 8);
	assert_ptr_equal(bins.head[8], &runs[1]);
	assert_as_model();
}

static void test_largest_and_has(void **state)
{
	(void)state;
	reset(1);
	add(0, 5);
	/* A zone writes no size into a run as short as this */
	runs[0].size = 12345;
	assert_int_equal(qn_bins_largest(&bins), 5);
	runs[0].size = 5;
	add(1, 300);
	add(2, 310);
	add(3, 305);
	assert_int_equal(qn_bins_largest(&bins), runs[2].size);
	assert_true(qn_bins_has(&bins, qn_bin_of(300)));
	assert_false(qn_bins_has(&bins, qn_bin_of(400)));
	assert_true(qn_bins_has(&bins, 0));
}

/* ---- the checker itself ---- */

/* Whatever leads elsewhere is not followed */
static const char *look(const void *owner, const struct qn_run *run)
{
	size_t at = (size_t)((const char *)run - (const char *)owner);

	return at < sizeof(runs) && at % sizeof(*run) == 0 ? NULL : "strange";
}

static const char *check_sum(size_t sum)
{
	return qn_bins_check(&bins, sum, look, runs);
}

static size_t sum_of_all(void)
{
	size_t sum = 0;

	for (size_t r = 0; r < NR_RUNS; r++)
		sum += is_free[r] ? runs[r].size : 0;
	return sum;
}

static void test_check_accepts(void **state)
{
	(void)state;
	reset(11);
	assert_null(check_sum(0));
	for (int i = 0; i < NR_OPS / 64; i++) {
		size_t r = roll(NR_RUNS);

		if (is_free[r]) {
			qn_bins_del(&bins, &runs[r]);
			is_free[r] = false;
		} else {
			add(r, random_size());
		}
		assert_null(check_sum(sum_of_all()));
	}
}

/* A pointer of the bins or of a node that leads elsewhere */
static void assert_noticed(void *pointer, void *to)
{
	size_t sum = sum_of_all();
	void *was;

	memcpy(&was, pointer, sizeof(was));
	memcpy(pointer, &to, sizeof(to));
	assert_non_null(check_sum(sum));
	memcpy(pointer, &was, sizeof(was));
	assert_null(check_sum(sum));
}

static void test_check_finds_damage(void **state)
{
	(void)state;
	reset(1);
	add(2, 8);
	add(5, 8);
	add(4, 70);
	assert_null(check_sum(86));
	assert_non_null(check_sum(87));
	assert_non_null(check_sum(85));
	assert_noticed(&bins.head[8], &runs[5]);
	assert_noticed(&bins.head[8], NULL);
	assert_noticed(&bins.head[9], &runs[2]);
	assert_noticed(&runs[2].next, &runs[4]);
	assert_noticed(&runs[2].next, &runs[2]);
	assert_noticed(&runs[2].next, (char *)&runs[5] + 1);
	assert_noticed(&runs[2].next, NULL);
	assert_noticed(&runs[5].prev, &bins.head[8]);
	/* As large as the others together, in another bin */
	runs[5].size = 9;
	runs[4].size = 69;
	assert_non_null(check_sum(86));
	/* In the same bin: only the owner can know */
	runs[5].size = 8;
	assert_null(check_sum(85));
	for (unsigned int bin = 0; bin < QN_NR_BINS; bin++) {
		bins.mask[bin / QN_BINS_WORD] ^= qn_bin_bit(bin);
		assert_non_null(check_sum(85));
		bins.mask[bin / QN_BINS_WORD] ^= qn_bin_bit(bin);
	}
	assert_null(check_sum(85));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bin_of),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_find_in_empty),
		cmocka_unit_test(test_lowest_of_three),
		cmocka_unit_test(test_own_bin_may_be_too_small),
		cmocka_unit_test(test_order_of_a_bin),
		cmocka_unit_test(test_largest_and_has),
		cmocka_unit_test(test_check_accepts),
		cmocka_unit_test(test_check_finds_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
