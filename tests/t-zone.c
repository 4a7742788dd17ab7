// SPDX-License-Identifier: MIT
/*
 * t-zone.c - blocks and free runs of one piece of memory.
 *
 * Invariants checked here:
 * - a block of every length, at every position within a byte of bits, is read back
 *   with its length, and its bits vanish without a trace when it is freed;
 * - of a block's granules only the first reads as a block's start, but for those
 *   whose bits hold the length of a long one; of a free run's granules none does;
 * - a free merges with what is free on its left and right, in all four cases,
 *   for short and for long neighbours;
 * - a block grows, shrinks and slides without touching others or its contents;
 * - an aligned block is aligned and what is cut off stays free;
 * - qn_zone_check() accepts every state that these operations lead to and notices
 *   damage to bits, lengths, links and masks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "zone.h"

#define NR_GRANULES 700
#define SIZE        (NR_GRANULES * QN_GRANULE)

static unsigned char memory[SIZE] __aligned(16);
static struct qn_zone zone;
static struct qn_zone *const z = &zone;

static void reset(void)
{
	memset(memory, 0xa5, sizeof(memory));
	assert_true(qn_zone_init(z, memory, sizeof(memory)));
}

static size_t granule(const void *p)
{
	return qn_zone_granule(z, p);
}

static size_t alloc(size_t k)
{
	struct qn_run *run = qn_zone_alloc(z, k);

	assert_non_null(run);
	assert_int_equal(run->size, k);
	assert_int_equal(qn_zone_block(z, granule(run)), k);
	return granule(run);
}

static size_t assert_sound(void)
{
	struct qn_zone_sums sums;
	const char *error = qn_zone_check(z, &sums);

	assert_ptr_equal(error, NULL);
	assert_int_equal(sums.used + sums.free, z->nr);
	return sums.used;
}

/* Nothing is in use: one run again */
static void assert_whole(void)
{
	assert_int_equal(assert_sound(), 0);
	assert_int_equal(qn_bins_largest(&z->bins)->size, z->nr);
}

/* Which interior granules of a block of @k may look like a start */
static bool is_length_field(size_t k, size_t i)
{
	return k >= QN_ZONE_LONG && i > QN_ZONE_SHORT &&
	       i <= QN_ZONE_SHORT + QN_ZONE_FIELD;
}

static void assert_only_start(size_t g, size_t k)
{
	for (size_t i = 1; i < k; i++)
		if (!is_length_field(k, i))
			assert_int_equal(qn_zone_block(z, g + i), 0);
}

static void test_every_length(void **state)
{
	(void)state;
	reset();
	for (size_t k = 2; k < QN_ZONE_LONG + 40; k++) {
		if (k == QN_ZONE_GAP)
			continue;
		for (size_t pad = 2; pad < 2 + 8; pad++) {
			size_t before = alloc(pad), g = alloc(k);

			assert_int_equal(g, before + pad);
			assert_only_start(g, k);
			assert_int_equal(assert_sound(), pad + k);
			qn_zone_free(z, before, pad);
			/* Now behind a free run */
			assert_int_equal(qn_zone_block(z, g), k);
			assert_only_start(g, k);
			assert_int_equal(assert_sound(), k);
			qn_zone_free(z, g, k);
			assert_whole();
		}
	}
}

static void test_fit(void **state)
{
	(void)state;
	for (size_t k = 0; k < 100; k++) {
		size_t fit = qn_zone_fit(k);

		assert_in_range(fit, k, k + 2);
		assert_true(fit >= QN_ZONE_MIN);
		assert_int_not_equal(fit, QN_ZONE_GAP);
	}
}

static void test_no_start_in_free_memory(void **state)
{
	size_t a, b, c;

	(void)state;
	reset();
	for (size_t k = 2; k < 60; k++) {
		if (k == QN_ZONE_GAP)
			continue;
		a = alloc(2);
		b = alloc(k);
		c = alloc(2);
		qn_zone_free(z, b, k);
		for (size_t i = 0; i < k; i++)
			assert_int_equal(qn_zone_block(z, b + i), 0);
		qn_zone_free(z, a, 2);
		for (size_t i = 0; i < k + 2; i++)
			assert_int_equal(qn_zone_block(z, a + i), 0);
		qn_zone_free(z, c, 2);
		assert_whole();
		for (size_t i = 0; i < z->nr; i++)
			assert_int_equal(qn_zone_block(z, i), 0);
	}
}

static void test_foreign(void **state)
{
	(void)state;
	reset();
	assert_int_equal(qn_zone_block(z, z->nr), 0);
	assert_int_equal(qn_zone_block(z, SIZE_MAX), 0);
	assert_true(granule((char *)qn_zone_at(z, 3) + 1) >= z->nr);
	assert_true(granule((char *)qn_zone_at(z, 0) - QN_GRANULE) >= z->nr);
	assert_true(granule(NULL) >= z->nr);
}

/* Free the middle of three, with the outer ones free or not */
static void merge(size_t k, bool left, bool right)
{
	size_t a = alloc(k), b = alloc(k), c = alloc(k);
	size_t d = alloc(2);

	if (left)
		qn_zone_free(z, a, k);
	if (right)
		qn_zone_free(z, c, k);
	assert_sound();
	qn_zone_free(z, b, k);
	assert_int_equal(assert_sound(), 2 + (!left + !right) * k);
	if (!left)
		qn_zone_free(z, a, k);
	if (!right)
		qn_zone_free(z, c, k);
	qn_zone_free(z, d, 2);
	assert_whole();
}

static void test_merge(void **state)
{
	static const size_t lengths[] = { 2, 3, 22, 24, 46, 60, 100 };

	(void)state;
	reset();
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++)
		for (int how = 0; how < 4; how++)
			merge(lengths[i], how & 1, how & 2);
}

static void test_no_granule_alone(void **state)
{
	size_t a, b;
	struct qn_run *run;

	(void)state;
	reset();
	a = alloc(6);
	b = alloc(2);
	qn_zone_free(z, a, 6);
	run = qn_zone_alloc(z, 5);
	/* The run of six is not cut into five and one */
	if (granule(run) == a)
		assert_int_equal(run->size, 6);
	assert_sound();
	qn_zone_free(z, granule(run), run->size);
	qn_zone_free(z, b, 2);
	assert_whole();
}

/* A free run of QN_ZONE_GAP granules is passed over by one shorter */
static void test_gap(void **state)
{
	size_t a, b, c, d, e;

	(void)state;
	reset();
	a = alloc(20);
	b = alloc(3);
	c = alloc(2);
	qn_zone_free(z, a, 20);
	qn_zone_free(z, b, 3);
	d = alloc(QN_ZONE_GAP - 1);
	assert_true(d > c);
	e = alloc(QN_ZONE_GAP - 2);
	assert_int_equal(e, a);
	assert_int_equal(assert_sound(), 2 + 2 * QN_ZONE_GAP - 3);
}

static unsigned char *bytes_of(size_t g)
{
	return qn_zone_at(z, g);
}

static void assert_filled(size_t g, size_t k, int value)
{
	for (size_t i = 0; i < k * QN_GRANULE; i++)
		assert_int_equal(bytes_of(g)[i], value);
}

static void test_resize(void **state)
{
	(void)state;
	reset();
	for (size_t k = 2; k < 110; k++) {
		for (size_t want = 2; want < 110; want += 3) {
			size_t from = qn_zone_fit(k), to = qn_zone_fit(want);
			size_t g = alloc(from), size;

			memset(bytes_of(g), 0x5a, from * QN_GRANULE);
			size = qn_zone_resize(z, g, from, to);
			assert_true(size >= to);
			assert_true(size <= max(to, from));
			assert_int_equal(qn_zone_block(z, g), size);
			assert_int_equal(assert_sound(), size);
			assert_filled(g, min(from, size), 0x5a);
			qn_zone_free(z, g, size);
			assert_whole();
		}
	}
}

static void test_resize_against_a_neighbour(void **state)
{
	size_t a, b, c;

	(void)state;
	reset();
	a = alloc(8);
	b = alloc(8);
	c = alloc(8);
	assert_int_equal(qn_zone_resize(z, a, 8, 9), 0);
	assert_int_equal(qn_zone_resize(z, a, 8, 7), 8);
	assert_int_equal(qn_zone_resize(z, a, 8, 8), 8);
	qn_zone_free(z, b, 8);
	assert_int_equal(qn_zone_resize(z, a, 8, 17), 0);
	/* One granule cannot stay behind alone */
	assert_int_equal(qn_zone_resize(z, a, 8, 15), 16);
	assert_int_equal(qn_zone_resize(z, a, 16, 14), 14);
	assert_int_equal(assert_sound(), 22);
	(void)c;
}

static void test_slide(void **state)
{
	size_t a, b, c, d, want = 20;

	(void)state;
	reset();
	a = alloc(8);
	b = alloc(8);
	c = alloc(6);
	d = alloc(2);
	memset(bytes_of(b), 0x77, 8 * QN_GRANULE);
	assert_null(qn_zone_slide(z, b, 8, &want));
	qn_zone_free(z, a, 8);
	assert_null(qn_zone_slide(z, b, 8, &want));
	qn_zone_free(z, c, 6);
	assert_ptr_equal(qn_zone_slide(z, b, 8, &want), bytes_of(a));
	assert_int_equal(want, 20);
	assert_filled(a, 8, 0x77);
	assert_int_equal(qn_zone_block(z, a), 20);
	assert_int_equal(assert_sound(), 22);
	qn_zone_free(z, a, 20);
	qn_zone_free(z, d, 2);
	assert_whole();
}

static void test_aligned(void **state)
{
	(void)state;
	reset();
	for (size_t align = QN_GRANULE; align <= 1024; align *= 2) {
		for (size_t pad = 2; pad < 70; pad += 3) {
			size_t g = alloc(qn_zone_fit(pad));
			struct qn_run *run = qn_zone_alloc_aligned(z, 5, align);

			assert_non_null(run);
			assert_true(is_aligned((uintptr_t)run, align));
			assert_in_range(run->size, 5, 6);
			assert_sound();
			qn_zone_free(z, granule(run), run->size);
			qn_zone_free(z, g, qn_zone_fit(pad));
			assert_whole();
		}
	}
	assert_null(qn_zone_alloc_aligned(z, 5, SIZE * 2));
	assert_null(qn_zone_alloc_aligned(z, 5, SIZE_MAX / 2 + 1));
}

static void test_exhaust(void **state)
{
	size_t nr = 0;

	(void)state;
	reset();
	while (qn_zone_alloc(z, 7))
		nr++;
	assert_int_equal(nr, z->nr / 7);
	assert_null(qn_zone_alloc(z, SIZE_MAX / QN_GRANULE));
	assert_sound();
	for (size_t i = 0; i < nr; i++)
		qn_zone_free(z, i * 7, qn_zone_block(z, i * 7));
	assert_whole();
}

static void hold(size_t g, size_t k)
{
	qn_zone_hold(z, qn_zone_at(z, g), (unsigned int)k - QN_ZONE_MIN);
}

static void test_hold_and_drain(void **state)
{
	size_t a, b;

	(void)state;
	reset();
	qn_zone_set_hot(z, 1u << 31 >> (5 - QN_ZONE_MIN));
	assert_true(qn_zone_holds(z, 5 - QN_ZONE_MIN));
	assert_false(qn_zone_holds(z, 6 - QN_ZONE_MIN));
	a = alloc(5);
	b = alloc(5);
	hold(a, 5);
	hold(b, 5);
	assert_int_equal(qn_zone_nr_held(z), 10);
	assert_true(qn_zone_is_held(z, qn_zone_at(z, a), 5 - QN_ZONE_MIN));
	assert_int_equal(assert_sound(), 10);
	assert_ptr_equal(qn_zone_unhold(z, 5 - QN_ZONE_MIN), qn_zone_at(z, b));
	hold(b, 5);
	assert_true(qn_zone_drain(z, QN_HELD_SIZES));
	assert_true(qn_zone_drain(z, QN_HELD_SIZES));
	assert_false(qn_zone_drain(z, QN_HELD_SIZES));
	assert_whole();
}

/* Blocks are held while a quarter of the zone is free in one piece, no longer */
static void test_roomy(void **state)
{
	size_t a;

	(void)state;
	reset();
	qn_zone_set_hot(z, ~0u);
	a = alloc(z->nr - z->nr / 3);
	assert_true(qn_zone_holds(z, 3));
	alloc(z->nr / 5);
	assert_false(qn_zone_holds(z, 3));
	qn_zone_free(z, a, z->nr - z->nr / 3);
	assert_true(qn_zone_holds(z, 3));
}

static void test_too_small(void **state)
{
	(void)state;
	assert_false(qn_zone_init(z, memory, 0));
	assert_false(qn_zone_init(z, memory, 2 * QN_GRANULE));
	for (size_t size = 0; size < 200; size++)
		for (size_t skew = 0; skew < QN_GRANULE; skew++)
			if (qn_zone_init(z, memory + skew, size))
				assert_whole();
}

/* By an error, or by the number of blocks where two were made of one */
static void assert_noticed(void *where, unsigned char flip)
{
	struct qn_zone_sums sums;
	unsigned char *p = where;

	*p ^= flip;
	assert_true(qn_zone_check(z, &sums) || sums.nr_used != 2);
	*p ^= flip;
	assert_null(qn_zone_check(z, &sums));
}

static void test_check_notices(void **state)
{
	size_t a, b, c;

	(void)state;
	reset();
	a = alloc(5);
	b = alloc(30);
	c = alloc(100);
	qn_zone_free(z, a, 5);
	for (size_t g = 0; g < b + QN_ZONE_SHORT; g++)
		assert_noticed(&z->bits[(g + 2) / 8],
			       (unsigned char)(1u << (g + 2) % 8));
	assert_noticed(&z->bits[0], 2);
	assert_noticed(&z->bits[(c + 100 + 1) / 8],
		       (unsigned char)(1u << (c + 100 + 1) % 8));
	assert_noticed(&z->bits[(z->nr + 2) / 8],
		       (unsigned char)(1u << (z->nr + 2) % 8));
	assert_noticed(&((struct qn_run *)qn_zone_at(z, a))->size, 1);
	assert_noticed(bytes_of(b) - sizeof(size_t), 1);
	assert_noticed(&z->bins.mask[0], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_length),
		cmocka_unit_test(test_fit),
		cmocka_unit_test(test_no_start_in_free_memory),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_no_granule_alone),
		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_resize),
		cmocka_unit_test(test_resize_against_a_neighbour),
		cmocka_unit_test(test_slide),
		cmocka_unit_test(test_aligned),
		cmocka_unit_test(test_exhaust),
		cmocka_unit_test(test_hold_and_drain),
		cmocka_unit_test(test_roomy),
		cmocka_unit_test(test_too_small),
		cmocka_unit_test(test_check_notices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
