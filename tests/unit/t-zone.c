// SPDX-License-Identifier: MIT
/*
 * t-zone.c - blocks and free runs of one piece of memory.
 *
 * Invariants checked here:
 * - a block of every length, at every position within a byte of bits, is read
 *   back with its length, and its bits vanish without a trace when it is freed;
 * - of a block's granules only the first reads as a block's start, but for
 *   those whose bits hold the length of a long one; of a free run's none does;
 * - a free merges with what is free on its left and right, in all four cases,
 *   for short and for long neighbours;
 * - a block grows, shrinks and slides without touching others or its contents;
 * - an aligned block is aligned and what is cut off stays free;
 * - blocks are held while the zone is roomy, and can be merged;
 * - a run that is hidden behind shorter ones of its bin can be brought forward;
 * - qn_zone_check() accepts every state that these operations lead to and
 *   notices damage to bits, lengths, links and masks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "heap/zone.h"

#define HELD_PART   24 /* of the preset knobs */
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

/* Where the first granule is, and what lies @n granules behind it */
static unsigned char *start(void)
{
	return (unsigned char *)(0 - z->origin * QN_GRANULE);
}

static void *at(const void *p, size_t n)
{
	return (unsigned char *)p + n * QN_GRANULE;
}

static void *alloc(size_t k)
{
	size_t got = k;
	void *p = qn_zone_alloc(z, &got);

	assert_non_null(p);
	assert_true(qn_zone_has(z, p));
	assert_int_equal(got, k);
	assert_int_equal(qn_zone_block(z, p), k);
	return p;
}

static void release(void *p, size_t k)
{
	qn_zone_free(z, p, k, qn_zone_free_before(z, p));
}

/* Granules of the longest free run */
static size_t longest(void)
{
	struct qn_zone_sums sums;

	qn_zone_check(z, &sums);
	return sums.longest;
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
	assert_int_equal(longest(), z->nr);
}

/* Which interior granules of a block of @k may look like a start */
static bool is_length_field(size_t k, size_t i)
{
	return k >= QN_ZONE_LONG && i > QN_ZONE_SHORT &&
	       i <= QN_ZONE_SHORT + QN_ZONE_FIELD;
}

static void assert_only_start(const void *p, size_t k)
{
	for (size_t i = 1; i < k; i++)
		if (!is_length_field(k, i))
			assert_int_equal(qn_zone_block(z, at(p, i)), 0);
}

static void test_every_length(void **state)
{
	(void)state;
	reset();
	for (size_t k = 2; k < QN_ZONE_LONG + 40; k++) {
		if (k == QN_ZONE_GAP)
			continue;
		for (size_t pad = 2; pad < 2 + 8; pad++) {
			void *before = alloc(pad), *p = alloc(k);

			assert_ptr_equal(p, at(before, pad));
			assert_only_start(p, k);
			assert_int_equal(assert_sound(), pad + k);
			release(before, pad);
			/* Now behind a free run */
			assert_int_equal(qn_zone_block(z, p), k);
			assert_only_start(p, k);
			assert_int_equal(assert_sound(), k);
			release(p, k);
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
	void *a, *b, *c;

	(void)state;
	reset();
	for (size_t k = 2; k < 60; k++) {
		if (k == QN_ZONE_GAP)
			continue;
		a = alloc(2);
		b = alloc(k);
		c = alloc(2);
		release(b, k);
		for (size_t i = 0; i < k; i++)
			assert_int_equal(qn_zone_block(z, at(b, i)), 0);
		release(a, 2);
		for (size_t i = 0; i < k + 2; i++)
			assert_int_equal(qn_zone_block(z, at(a, i)), 0);
		release(c, 2);
		assert_whole();
		for (size_t i = 0; i < z->nr; i++)
			assert_int_equal(qn_zone_block(z, at(start(), i)), 0);
	}
}

static void test_foreign(void **state)
{
	(void)state;
	reset();
	for (size_t i = 0; i < z->nr; i++)
		assert_true(qn_zone_has(z, at(start(), i)));
	for (size_t i = 1; i < QN_GRANULE; i++)
		assert_false(qn_zone_has(z, start() + i));
	assert_false(qn_zone_has(z, at(start(), z->nr)));
	assert_false(qn_zone_has(z, start() - QN_GRANULE));
	assert_false(qn_zone_has(z, NULL));
}

/* Free the middle of three, with the outer ones free or not */
static void merge(size_t k, bool left, bool right)
{
	void *a = alloc(k), *b = alloc(k), *c = alloc(k);
	void *d = alloc(2);

	if (left)
		release(a, k);
	if (right)
		release(c, k);
	assert_sound();
	release(b, k);
	assert_int_equal(assert_sound(), 2 + (!left + !right) * k);
	if (!left)
		release(a, k);
	if (!right)
		release(c, k);
	release(d, 2);
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

/* A block takes the granule that would be left alone, if it has to */
static void test_no_granule_alone(void **state)
{
	void *a, *b, *c;
	size_t k = 5;

	(void)state;
	reset();
	a = alloc(6);
	b = alloc(2);
	release(a, 6);
	c = alloc(5);
	assert_true((uintptr_t)c > (uintptr_t)b);
	alloc(longest());
	assert_ptr_equal(qn_zone_alloc(z, &k), a);
	assert_int_equal(k, 6);
	assert_int_equal(assert_sound(), z->nr);
}

/* A free run of QN_ZONE_GAP granules is passed over by one shorter */
static void test_gap(void **state)
{
	void *a, *b, *c, *d, *e;

	(void)state;
	reset();
	a = alloc(20);
	b = alloc(3);
	c = alloc(2);
	release(a, 20);
	release(b, 3);
	d = alloc(QN_ZONE_GAP - 1);
	assert_true((uintptr_t)d > (uintptr_t)c);
	e = alloc(QN_ZONE_GAP - 2);
	assert_ptr_equal(e, a);
	assert_int_equal(assert_sound(), 2 + 2 * QN_ZONE_GAP - 3);
}

static void assert_filled(const unsigned char *p, size_t k, int value)
{
	for (size_t i = 0; i < k * QN_GRANULE; i++)
		assert_int_equal(p[i], value);
}

static void test_resize(void **state)
{
	(void)state;
	reset();
	for (size_t k = 2; k < 110; k++) {
		for (size_t want = 2; want < 110; want += 3) {
			size_t from = qn_zone_fit(k), to = qn_zone_fit(want);
			void *p = alloc(from);
			size_t size;

			memset(p, 0x5a, from * QN_GRANULE);
			size = qn_zone_resize(z, p, from, to);
			assert_true(size >= to);
			assert_true(size <= max(to, from));
			assert_int_equal(qn_zone_block(z, p), size);
			assert_int_equal(assert_sound(), size);
			assert_filled(p, min(from, size), 0x5a);
			release(p, size);
			assert_whole();
		}
	}
}

static void test_resize_against_a_neighbour(void **state)
{
	void *a, *b;

	(void)state;
	reset();
	a = alloc(8);
	b = alloc(8);
	alloc(8);
	assert_int_equal(qn_zone_resize(z, a, 8, 9), 0);
	assert_int_equal(qn_zone_resize(z, a, 8, 7), 8);
	assert_int_equal(qn_zone_resize(z, a, 8, 8), 8);
	release(b, 8);
	assert_int_equal(qn_zone_resize(z, a, 8, 17), 0);
	/* One granule cannot stay behind alone */
	assert_int_equal(qn_zone_resize(z, a, 8, 15), 16);
	assert_int_equal(qn_zone_resize(z, a, 16, 14), 14);
	assert_int_equal(assert_sound(), 22);
}

/* No block is made QN_ZONE_GAP granules long, nor is one granule left alone */
static void test_resize_past_the_gap(void **state)
{
	void *a, *b;

	(void)state;
	reset();
	a = alloc(QN_ZONE_GAP - 3);
	b = alloc(3);
	alloc(2);
	release(b, 3);
	assert_int_equal(qn_zone_resize(z, a, QN_ZONE_GAP - 3, QN_ZONE_GAP - 1),
			 0);
	assert_int_equal(qn_zone_block(z, a), QN_ZONE_GAP - 3);
	assert_sound();
}

static void test_slide(void **state)
{
	void *a, *b, *c, *d;
	size_t want = 20;

	(void)state;
	reset();
	a = alloc(8);
	b = alloc(8);
	c = alloc(6);
	d = alloc(2);
	memset(b, 0x77, 8 * QN_GRANULE);
	assert_null(qn_zone_slide(z, b, 8, &want));
	release(a, 8);
	assert_null(qn_zone_slide(z, b, 8, &want));
	release(c, 6);
	assert_ptr_equal(qn_zone_slide(z, b, 8, &want), a);
	assert_int_equal(want, 20);
	assert_filled(a, 8, 0x77);
	assert_int_equal(qn_zone_block(z, a), 20);
	assert_int_equal(assert_sound(), 22);
	release(a, 20);
	release(d, 2);
	assert_whole();
}

static void test_aligned(void **state)
{
	size_t k;

	(void)state;
	reset();
	for (size_t align = QN_GRANULE; align <= 1024; align *= 2) {
		for (size_t pad = 2; pad < 70; pad += 3) {
			void *p = alloc(qn_zone_fit(pad)), *q;
			size_t want = qn_zone_fit(pad / 2);

			k = want;
			q = qn_zone_alloc_aligned(z, &k, align);
			assert_non_null(q);
			assert_true(is_aligned((uintptr_t)q, align));
			assert_in_range(k, want, want + 1);
			assert_int_equal(qn_zone_block(z, q), k);
			assert_sound();
			release(q, k);
			release(p, qn_zone_fit(pad));
			assert_whole();
		}
	}
	k = 5;
	assert_null(qn_zone_alloc_aligned(z, &k, SIZE * 2));
	assert_null(qn_zone_alloc_aligned(z, &k, SIZE_MAX / 2 + 1));
	assert_whole();
}

/* In a run that has just room enough, at any place in it */
static void test_aligned_tight(void **state)
{
	(void)state;
	for (size_t k = 2; k < 30; k++) {
		for (size_t size = k; size < k + 12; size++) {
			size_t got = qn_zone_fit(k);
			void *p;

			reset();
			p = alloc(qn_zone_fit(size));
			alloc(longest());
			release(p, qn_zone_fit(size));
			p = qn_zone_alloc_aligned(z, &got, 4 * QN_GRANULE);
			if (p)
				assert_int_equal(qn_zone_block(z, p), got);
			assert_sound();
		}
	}
}

static void test_exhaust(void **state)
{
	size_t nr = 0, k = 7;

	(void)state;
	reset();
	while (qn_zone_alloc(z, &k))
		nr++;
	assert_int_equal(nr, z->nr / 7);
	k = SIZE_MAX / QN_GRANULE;
	assert_null(qn_zone_alloc(z, &k));
	assert_sound();
	for (size_t i = 0; i < nr; i++)
		release(at(start(), i * 7),
			qn_zone_block(z, at(start(), i * 7)));
	assert_whole();
}

/* From now on one granule in @part may be held, 0: none */
static void set_held_part(size_t part)
{
	static struct qn_heap_knobs knobs;

	knobs = *z->knobs;
	knobs.held_part = part;
	qn_zone_set_knobs(z, &knobs);
}

static bool holds(size_t k)
{
	return z->fate[k + 1] == QN_FATE_HOLD;
}

static void test_hold_and_drain(void **state)
{
	void *a, *b;

	(void)state;
	reset();
	set_held_part(0);
	assert_false(holds(5));
	set_held_part(HELD_PART);
	for (size_t k = QN_ZONE_MIN; k <= QN_ZONE_SHORT; k++)
		assert_true(holds(k));
	assert_false(holds(QN_ZONE_MIN - 1));
	assert_false(holds(QN_ZONE_GAP));
	a = alloc(5);
	b = alloc(5);
	qn_zone_hold(z, a, 5);
	qn_zone_hold(z, b, 5);
	assert_int_equal(qn_zone_nr_held(z), 10);
	assert_true(qn_zone_is_held(a));
	assert_int_equal(assert_sound(), 10);
	assert_ptr_equal(qn_zone_unhold(z, 5), b);
	assert_false(qn_zone_is_held(b));
	qn_zone_hold(z, b, 5);
	assert_false(qn_zone_drain(z, ~(1u << 5), 1));
	assert_true(qn_zone_drain(z, 1u << 5, 1));
	assert_true(qn_zone_drain(z, ~0u, 1));
	assert_false(qn_zone_drain(z, ~0u, 1));
	assert_whole();
}

/* A part of the zone at most; the latest of a length first */
static void test_hold_limit(void **state)
{
	void *blocks[NR_GRANULES / HELD_PART / 5 + 1];
	size_t most;

	(void)state;
	reset();
	most = z->nr / HELD_PART / 5;
	for (size_t i = 0; i <= most; i++)
		blocks[i] = alloc(5);
	for (size_t i = 0; i < most; i++)
		assert_true(qn_zone_hold(z, blocks[i], 5));
	assert_false(qn_zone_hold(z, blocks[most], 5));
	assert_int_equal(qn_zone_nr_held(z), 5 * most);
	assert_sound();
	for (size_t i = most; i > 0; i--)
		assert_ptr_equal(qn_zone_unhold(z, 5), blocks[i - 1]);
	assert_null(qn_zone_unhold(z, 5));
	assert_true(qn_zone_hold(z, blocks[most], 5));
}

/* The one run that is long enough lies behind QN_BINS_TRIES others of its bin */
static void test_unhide(void **state)
{
	void *blocks[QN_BINS_TRIES + 1];
	size_t k = 27, nr = ARRAY_SIZE(blocks), size;
	void *last;

	(void)state;
	reset();
	assert_true(qn_bins_share(24, k));
	for (size_t i = 0; i < nr; i++) {
		blocks[i] = alloc(24);
		alloc(2);
	}
	last = alloc(k);
	alloc(2);
	alloc(longest());
	assert_false(qn_zone_unhide(z, k));
	release(last, k);
	for (size_t i = nr; i-- > 0;)
		release(blocks[i], 24);
	size = k;
	assert_null(qn_zone_alloc(z, &size));
	assert_false(qn_zone_unhide(z, 28));
	assert_false(qn_zone_unhide(z, 24));
	assert_true(qn_zone_unhide(z, k));
	assert_false(qn_zone_unhide(z, k));
	assert_sound();
	assert_ptr_equal(alloc(k), last);
	assert_sound();
}

/* Blocks are held while a quarter of the zone is free in one piece */
static void test_roomy(void **state)
{
	size_t most = z->nr - z->nr / 3;
	void *a, *b;

	(void)state;
	reset();
	a = alloc(most);
	assert_true(holds(5));
	b = alloc(z->nr / 5);
	assert_false(holds(5));
	release(b, z->nr / 5);
	assert_true(holds(5));
	release(a, most);
	assert_true(holds(5));
	set_held_part(0);
	assert_false(holds(5));
	assert_whole();
}

/*
 * Once it is not, each release that merges nothing itself merges a held block, as
 * soon as lists that are empty have been looked at
 */
static void test_relax(void **state)
{
	void *held[4], *blocks[2 * (4 + QN_ZONE_SHORT)];
	size_t nr = 0, k;

	(void)state;
	reset();
	for (size_t i = 0; i < 4; i++)
		held[i] = alloc(4 + 2 * i);
	for (size_t i = 0; i < ARRAY_SIZE(blocks); i++)
		blocks[i] = alloc(2);
	for (size_t i = 0; i < 4; i++)
		assert_true(qn_zone_hold(z, held[i], 4 + 2 * i));
	alloc(longest());
	assert_sound();
	while (z->fate[3] != QN_FATE_MERGE) {
		k = qn_zone_nr_held(z);
		assert_true(2 * nr < ARRAY_SIZE(blocks));
		qn_zone_free_relaxed(z, blocks[2 * nr++], 2);
		assert_true(qn_zone_nr_held(z) <= k);
		assert_sound();
	}
	assert_int_equal(qn_zone_nr_held(z), 0);
	assert_true(nr <= 4 + QN_ZONE_SHORT / QN_RELAX_TRIES);
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

static void flip_bit(const void *p)
{
	size_t bit = (uintptr_t)p / QN_GRANULE + 2;

	assert_noticed((void *)(z->map + bit / 8),
		       (unsigned char)(1u << bit % 8));
}

static void test_check_notices(void **state)
{
	unsigned char *a, *c;

	(void)state;
	reset();
	a = alloc(5);
	alloc(30);
	c = alloc(100);
	release(a, 5);
	for (size_t i = 0; i < 5 + QN_ZONE_SHORT; i++)
		flip_bit(at(a, i));
	flip_bit(a - QN_GRANULE);
	flip_bit(at(c, 99));
	flip_bit(at(c, 60));
	flip_bit(at(a, z->nr));
	assert_noticed(&((struct qn_run *)at(c, 100))->size, 1);
	assert_noticed(start() + z->nr * QN_GRANULE - sizeof(size_t), 1);
	assert_noticed(&z->bins.mask[0], 1);
	assert_noticed(&z->is_roomy, 1);
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
		cmocka_unit_test(test_resize_past_the_gap),
		cmocka_unit_test(test_slide),
		cmocka_unit_test(test_aligned),
		cmocka_unit_test(test_aligned_tight),
		cmocka_unit_test(test_exhaust),
		cmocka_unit_test(test_hold_and_drain),
		cmocka_unit_test(test_hold_limit),
		cmocka_unit_test(test_unhide),
		cmocka_unit_test(test_roomy),
		cmocka_unit_test(test_relax),
		cmocka_unit_test(test_too_small),
		cmocka_unit_test(test_check_notices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
