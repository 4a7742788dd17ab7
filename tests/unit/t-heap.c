// SPDX-License-Identifier: MIT
/*
 * t-heap.c - a heap of one's own through its public interface.
 *
 * Invariants checked here:
 * - every block is aligned, apart from all others, at least as large as asked
 *   for and keeps its contents until it is freed, whatever happens around it;
 * - live, of each zone and of all, peak and the counts are exact after every operation;
 *   free and live and metadata add up to the memory that was given;
 * - failure is NULL, counted, and leaves the heap as it was;
 * - zones are used in the order that their flags ask for, those with attributes by whom
 *   they suit, and memory that bus
 *   masters cannot reach never serves a request for DMA;
 * - short blocks are held, those that are asked for often for longer; what is
 *   not asked for is merged by qn_heap_step(); nothing is held where nothing is
 *   learned;
 * - qn_heap_step() learns what is asked for often and publishes a table; without
 *   steps the table stays;
 * - what is held is merged for a request that would fail otherwise, whatever call
 *   makes it, in every zone, and for no request that is larger than all that is free;
 * - the held blocks that one request merges are bounded by its size, however many there are;
 * - a hook is asked when memory runs out, and the request is tried again;
 * - a walk sees all of the heap once, in order, and adds up to the statistics;
 * - qn_heap_check() accepts all of this and notices what does not add up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "heap/heap.h"
#include "../random.h"

/* Of the preset knobs */
#define HELD_PART  24
#define ROOMY_PART 4
#define DRAIN_HOT  4

#define SIZE (QN_SMALL ? 24576 : 65536)

/* Where the second zone lies: on the target also in another memory */
#ifndef SECOND_ZONE
#define SECOND_ZONE
#endif

static unsigned char memory[SIZE] __aligned(64);
static unsigned char second[SIZE / 4] __aligned(64) SECOND_ZONE;
static struct qn_heap *h;

/* A heap as it is by default */
static void reset_learning(void)
{
	memset(memory, 0xa5, sizeof(memory));
	h = qn_heap_init(memory, sizeof(memory));
	assert_non_null(h);
}

/* One that merges whatever is freed at once */
static void reset(void)
{
	reset_learning();
	assert_int_equal(qn_heap_set_policy(h, "fixed"), 0);
}

static struct qn_stats stats(void)
{
	struct qn_stats st;

	assert_int_equal(qn_heap_stats(h, &st), 0);
	assert_int_equal(st.metadata + st.live + st.free, st.size);
	assert_int_equal(st.free, st.largest_free + st.external);
	assert_int_equal(st.live, st.requested + st.internal);
	if (QN_COUNT_CALLS)
		assert_int_equal(st.nr_live, st.nr_allocs - st.nr_frees);
	else
		assert_int_equal(st.nr_allocs | st.nr_frees, 0);
	assert_true(st.peak_live >= st.live);
	return st;
}

static void assert_sound(void)
{
	int err = qn_heap_check(h);

	assert_ptr_equal(*qn_heap_error(h) ? qn_heap_error(h) : NULL, NULL);
	assert_int_equal(err, 0);
	stats();
}

static bool is_in(const void *p, const void *mem, size_t size)
{
	return (uintptr_t)p - (uintptr_t)mem < size;
}

static void test_init(void **state)
{
	size_t size, smallest = 0;
	struct qn_stats st;

	(void)state;
	assert_null(qn_heap_init(NULL, 1000));
	for (size = 0; size < 8192; size++) {
		h = qn_heap_init(memory, size);
		if (!h) {
			assert_int_equal(smallest, 0);
			continue;
		}
		smallest = smallest ? smallest : size;
		assert_non_null(qn_heap_alloc(h, 1));
		assert_int_equal(qn_heap_check(h), 0);
	}
	assert_int_not_equal(smallest, 0);
	for (size_t skew = 0; skew < 20; skew++) {
		h = qn_heap_init(memory + skew, sizeof(memory) - skew);
		assert_sound();
		st = stats();
		assert_int_equal(st.size, sizeof(memory) - skew);
		assert_int_equal(st.live, 0);
		assert_int_equal(st.largest_free, st.free);
	}
}

static void test_sizes(void **state)
{
	(void)state;
	reset();
	for (size_t size = 0; size < 2000; size++) {
		unsigned char *p = qn_heap_alloc(h, size);
		size_t usable = qn_heap_usable_size(h, p);

		assert_non_null(p);
		assert_true(is_aligned((uintptr_t)p, QN_ALIGN));
		assert_true(usable >= size && usable > 0);
		assert_true(usable < size + 3 * QN_ALIGN);
		memset(p, 0x11, usable);
		assert_int_equal(stats().live, usable);
		qn_heap_free(h, p);
		assert_int_equal(stats().live, 0);
	}
	assert_sound();
	assert_int_equal(stats().largest_free, stats().free);
}

static void test_impossible_sizes(void **state)
{
	void *p;

	(void)state;
	reset();
	p = qn_heap_alloc(h, 100);
	assert_null(qn_heap_alloc(h, SIZE_MAX));
	assert_null(qn_heap_alloc(h, SIZE_MAX - 7));
	assert_null(qn_heap_alloc(h, SIZE_MAX / 2));
	assert_null(qn_heap_alloc(h, SIZE));
	assert_null(qn_heap_calloc(h, SIZE_MAX / 2, 3));
	assert_null(qn_heap_realloc(h, p, SIZE_MAX));
	assert_null(qn_heap_realloc(h, p, SIZE));
	assert_null(qn_heap_alloc_aligned(h, 64, SIZE_MAX - 3));
	assert_null(qn_heap_alloc_aligned(h, 24, 8));
	assert_null(qn_heap_alloc_aligned(h, 0, 8));
	assert_null(qn_heap_alloc_flags(h, 8, 0x80));
	assert_int_equal(stats().nr_failed, 7);
	assert_int_equal(stats().nr_live, 1);
	assert_sound();
}

static void test_null(void **state)
{
	struct qn_stats st;

	(void)state;
	reset();
	qn_heap_free(h, NULL);
	assert_int_equal(qn_heap_usable_size(h, NULL), 0);
	assert_non_null(qn_heap_realloc(h, NULL, 10));
	assert_int_equal(qn_heap_stats(NULL, &st), -EINVAL);
	assert_int_equal(qn_heap_stats(h, NULL), -EINVAL);
	assert_int_equal(qn_heap_step(NULL), -EINVAL);
	assert_int_equal(qn_heap_check(NULL), -EINVAL);
	assert_int_equal(qn_heap_set_policy(h, NULL), -EINVAL);
	assert_int_equal(qn_heap_set_policy(h, "no such"), -EINVAL);
	assert_int_equal(qn_heap_set_policy(h, "fixed"), 0);
	assert_int_equal(stats().nr_frees, 0);
}

static void test_counts(void **state)
{
	size_t live = 0, peak = 0, nr = 0;
	void *p[40] = { NULL };

	(void)state;
	reset();
	for (size_t i = 0; i < 2000; i++) {
		size_t slot = i * 7 % 40;

		if (p[slot]) {
			live -= qn_heap_usable_size(h, p[slot]);
			qn_heap_free(h, p[slot]);
			p[slot] = NULL;
			nr--;
		} else {
			p[slot] = qn_heap_alloc(h, i * 31 % 300);
			live += qn_heap_usable_size(h, p[slot]);
			nr++;
		}
		peak = max(peak, live);
		assert_int_equal(stats().live, live);
		assert_int_equal(stats().peak_live, peak);
		assert_int_equal(stats().nr_live, nr);
	}
	assert_sound();
}

static void test_reset_peak(void **state)
{
	void *p, *q;

	(void)state;
	reset();
	p = qn_heap_alloc(h, 1000);
	q = qn_heap_alloc(h, 100);
	qn_heap_free(h, p);
	assert_true(stats().peak_live > stats().live);
	qn_heap_reset_peak(h);
	assert_int_equal(stats().peak_live, stats().live);
	p = qn_heap_alloc(h, 200);
	assert_int_equal(stats().peak_live, stats().live);
	qn_heap_free(h, q);
	q = qn_heap_alloc(h, 104);
	assert_int_equal(stats().peak_live, stats().live);
	qn_heap_free(h, q);
	qn_heap_free(h, p);
	assert_sound();
}

static void test_zeroed(void **state)
{
	unsigned char *p;

	(void)state;
	reset();
	for (size_t size = 0; size < 300; size += 7) {
		p = qn_heap_calloc(h, 3, size);
		for (size_t i = 0; i < 3 * size; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, 3 * size);
		qn_heap_free(h, p);
	}
	p = qn_heap_alloc_flags(h, 50, QN_ALLOC_ZERO | QN_ALLOC_DMA);
	for (size_t i = 0; i < 50; i++)
		assert_int_equal(p[i], 0);
}

static void test_aligned(void **state)
{
	(void)state;
	reset();
	for (size_t align = 1; align <= SIZE / 8; align *= 2) {
		void *p = qn_heap_alloc_aligned(h, align, 100);
		void *q = qn_heap_alloc_aligned(h, align, 1);

		assert_true(is_aligned((uintptr_t)p, align));
		assert_true(is_aligned((uintptr_t)q, align));
		assert_true(is_aligned((uintptr_t)q, QN_ALIGN));
		assert_sound();
		qn_heap_free(h, p);
		qn_heap_free(h, q);
	}
	assert_int_equal(stats().largest_free, stats().free);
}

static void fill(unsigned char *p, size_t size, unsigned char seed)
{
	for (size_t i = 0; i < size; i++)
		p[i] = (unsigned char)(seed + i);
}

static void assert_filled(const unsigned char *p, size_t size,
			  unsigned char seed)
{
	for (size_t i = 0; i < size; i++)
		assert_int_equal(p[i], (unsigned char)(seed + i));
}

static void test_resize(void **state)
{
	(void)state;
	reset();
	for (size_t from = 1; from < 700; from += 37) {
		for (size_t to = 1; to < 900; to += 29) {
			unsigned char *p = qn_heap_alloc(h, from), *q;
			void *fence = qn_heap_alloc(h, 20);

			fill(p, from, 3);
			q = qn_heap_realloc(h, p, to);
			assert_non_null(q);
			assert_filled(q, min(from, to), 3);
			assert_true(qn_heap_usable_size(h, q) >= to);
			qn_heap_free(h, q);
			qn_heap_free(h, fence);
		}
	}
	assert_sound();
	assert_int_equal(stats().largest_free, stats().free);
}

static void test_realloc_in_place(void **state)
{
	unsigned char *a, *b, *c;

	(void)state;
	reset();
	a = qn_heap_alloc(h, 200);
	b = qn_heap_alloc(h, 200);
	c = qn_heap_alloc(h, 200);
	assert_ptr_equal(qn_heap_realloc(h, a, 100), a);
	assert_ptr_equal(qn_heap_realloc(h, a, 200), a);
	assert_ptr_equal(qn_heap_realloc(h, a, 0), a);
	assert_ptr_equal(qn_heap_realloc(h, a, 200), a);
	qn_heap_free(h, b);
	assert_ptr_equal(qn_heap_realloc(h, a, 390), a);
	assert_int_equal(stats().nr_live, 2);
	assert_int_equal(stats().nr_allocs, QN_COUNT_CALLS ? 3 : 0);
	assert_ptr_equal(qn_heap_realloc(h, c, 3000), c);
	assert_sound();
}

/* Nothing else is large enough: the memory before the block is */
static void test_realloc_slides(void **state)
{
	unsigned char *a, *b, *c;
	size_t rest;

	(void)state;
	reset();
	a = qn_heap_alloc(h, 3000);
	b = qn_heap_alloc(h, 1000);
	rest = stats().largest_free;
	c = qn_heap_alloc(h, rest);
	assert_non_null(c);
	fill(b, 1000, 9);
	qn_heap_free(h, a);
	assert_ptr_equal(qn_heap_realloc(h, b, 3500), a);
	assert_filled(a, 1000, 9);
	assert_int_equal(stats().nr_failed, 0);
	assert_sound();
}

static void test_realloc_failure(void **state)
{
	unsigned char *a;
	struct qn_stats before, after;

	(void)state;
	reset();
	a = qn_heap_alloc(h, 500);
	fill(a, 500, 1);
	before = stats();
	assert_null(qn_heap_realloc(h, a, SIZE));
	after = stats();
	assert_int_equal(after.nr_failed, before.nr_failed + 1);
	assert_int_equal(after.live, before.live);
	assert_filled(a, 500, 1);
	assert_sound();
}

static void test_exhaust(void **state)
{
	unsigned int nr = 0;
	unsigned char *p, *last = NULL;

	(void)state;
	reset();
	while ((p = qn_heap_alloc(h, 40))) {
		memcpy(p, &last, sizeof(last));
		last = p;
		nr++;
	}
	assert_int_equal(stats().nr_live, nr);
	assert_true(stats().free < 40 + QN_ALIGN);
	assert_sound();
	while (last) {
		p = last;
		memcpy(&last, p, sizeof(last));
		qn_heap_free(h, p);
	}
	assert_sound();
	assert_int_equal(stats().largest_free, stats().free);
}

static void test_zones(void **state)
{
	void *p, *q;
	size_t size;

	(void)state;
	reset();
	size = stats().size;
	assert_int_equal(qn_heap_add_zone(h, NULL, 100, 0), -EINVAL);
	assert_int_equal(qn_heap_add_zone(h, second, 1000, 0x80), -EINVAL);
	assert_int_equal(qn_heap_add_zone(h, memory + 100, 1000, 0), -EINVAL);
	assert_int_equal(qn_heap_add_zone(h, second, 20, 0), -ENOSPC);
	assert_int_equal(qn_heap_add_zone(h, second, sizeof(second), 0), 0);
	assert_int_equal(qn_heap_add_zone(h, second, sizeof(second), 0),
			 -EINVAL);
	assert_int_equal(stats().size, size + sizeof(second));
	p = qn_heap_alloc(h, 100);
	assert_true(is_in(p, memory, sizeof(memory)));
	q = qn_heap_alloc(h, stats().largest_free);
	assert_true(is_in(q, memory, sizeof(memory)));
	q = qn_heap_alloc(h, 200);
	assert_true(is_in(q, second, sizeof(second)));
	q = qn_heap_realloc(h, p, 3000);
	assert_true(is_in(q, second, sizeof(second)));
	qn_heap_free(h, q);
	assert_sound();
}

static void test_zones_without_dma(void **state)
{
	void *p;

	(void)state;
	reset();
	assert_int_equal(
		qn_heap_add_zone(h, second, sizeof(second), QN_ZONE_NODMA), 0);
	for (int i = 0; i < 50; i++) {
		p = qn_heap_alloc(h, 24);
		assert_true(is_in(p, second, sizeof(second)));
		p = qn_heap_alloc_flags(h, 24, QN_ALLOC_DMA);
		assert_true(is_in(p, memory, sizeof(memory)));
	}
	while (is_in(p = qn_heap_alloc(h, 100), second, sizeof(second)))
		;
	assert_true(is_in(p, memory, sizeof(memory)));
	while (qn_heap_alloc_flags(h, 50, QN_ALLOC_DMA))
		;
	qn_heap_free(h, p);
	assert_sound();
}

/* Attributes of zones: a request goes where all are that it needs, and so does its block */
static void test_attributes(void **state)
{
	size_t half = sizeof(second) / 2;
	struct qn_zone_stats st;
	unsigned char *p;

	(void)state;
	reset();
	assert_int_equal(qn_heap_add_zone(h, second, half, QN_ZONE_HAS(0)), 0);
	assert_int_equal(qn_heap_add_zone(h, second + half, half,
					  QN_ZONE_HAS(0) | QN_ZONE_HAS(3)),
			 0);
	assert_int_equal(qn_heap_zone_stats(h, 2, &st), 0);
	assert_int_equal(st.flags, QN_ZONE_HAS(0) | QN_ZONE_HAS(3));
	assert_int_equal(qn_heap_add_zone(h, memory, 64, 0x80), -EINVAL);
	assert_null(qn_heap_alloc_flags(h, 8, QN_ALLOC_NEEDS(1)));
	assert_null(qn_heap_alloc_flags(h, 8, 0x80));
	p = qn_heap_alloc_flags(h, 8, QN_ALLOC_NEEDS(0) | QN_ALLOC_ZERO);
	assert_true(p >= second && p < second + half);
	assert_int_equal(*p, 0);
	p = qn_heap_alloc_flags(h, 8, QN_ALLOC_NEEDS(3));
	assert_true(p >= second + half);
	assert_non_null(qn_heap_alloc_flags(h, 8, QN_ALLOC_NEEDS(3)));
	p = qn_heap_realloc(h, p, 100);
	assert_true(p >= second + half);
	p = qn_heap_alloc_flags(h, half, QN_ALLOC_NEEDS(0));
	assert_null(p);
	p = qn_heap_alloc(h, 100);
	assert_true(p >= memory && p < memory + sizeof(memory));
	assert_sound();
}

/* A zone that is to be first serves before those that are there, also what needs DMA */
static void test_first_zone(void **state)
{
	size_t size = sizeof(second) / 2;
	char *p;

	(void)state;
	reset();
	assert_int_equal(qn_heap_add_zone(h, second, size, 0), 0);
	assert_int_equal(
		qn_heap_add_zone(h, second + size, size, QN_ZONE_FIRST), 0);
	p = qn_heap_alloc_flags(h, 100, QN_ALLOC_DMA);
	assert_true(is_in(p, second + size, size));
	while (is_in(p = qn_heap_alloc(h, 100), second + size, size))
		;
	assert_true(is_in(p, memory, sizeof(memory)));
	assert_sound();
}

static void test_too_many_zones(void **state)
{
	size_t size = sizeof(second) / QN_NR_ZONES;

	(void)state;
	reset();
	for (unsigned int i = 1; i < QN_NR_ZONES; i++)
		assert_int_equal(
			qn_heap_add_zone(h, second + i * size, size, 0), 0);
	assert_int_equal(qn_heap_add_zone(h, second, size, 0), -EMFILE);
	assert_sound();
}

/* Ask for one size again and again, with a step now and then */
static void churn(size_t size, int rounds, bool steps)
{
	for (int i = 0; i < rounds; i++) {
		void *p = qn_heap_alloc(h, size);
		void *q = qn_heap_alloc(h, size);

		qn_heap_free(h, p);
		qn_heap_free(h, q);
		if (steps && i % 16 == 0)
			qn_heap_step(h);
	}
}

static size_t served(size_t size)
{
	return qn_zone_fit(qn_size_steps(size)) * QN_ALIGN;
}

static void test_learning(void **state)
{
	(void)state;
	reset_learning();
	churn(40, 20000, false);
	assert_int_equal(stats().nr_tables, 1);
	assert_int_equal(stats().nr_samples, 0);
	churn(40, 20000, true);
	assert_true(stats().nr_samples > 0);
	assert_int_equal(stats().nr_tables, 2);
	assert_true(h->hot >> served(40) / QN_ALIGN & 1);
	assert_sound();
}

/*
 * As many bytes are asked for in blocks of a third of an interval and more as in small
 * ones. A block has one sample at most, and still both weigh the same: a sixth of the large
 * ones would be missing.
 */
static void test_samples_are_unbiased(void **state)
{
	const unsigned int small = 4, large = 64;
	const int rounds = QN_SMALL ? 4000 : 20000;
	u64 weight[2] = { 0, 0 };
	void *p[17];

	(void)state;
	reset();
	qn_heap_step(h);
	assert_true(large * QN_STEP * 3 >= h->sampler.interval);
	for (int i = 0; i < rounds; i++) {
		for (unsigned int n = 0; n < 17; n++) {
			qn_heap_step(h);
			p[n] = qn_heap_alloc(h, (n ? small : large) * QN_STEP);
		}
		for (unsigned int n = 0; n < 17; n++)
			qn_heap_free(h, p[n]);
		weight[0] += h->profile->hist[small];
		/* The map of firmware ends before */
		weight[1] += large < QN_HEAP_STEPS ? h->profile->hist[large] :
						     h->profile->large;
	}
	assert_true(h->nr_samples > (u32)rounds / 2);
	assert_true(weight[0] > weight[1] / 100 * 92);
	assert_true(weight[1] > weight[0] / 100 * 92);
	assert_sound();
}

/*
 * However much is asked for between two steps, there is one sample at most. Few distances are
 * longer than the blocks.
 */
static void test_one_sample_a_step(void **state)
{
	size_t before, nr = 0;

	(void)state;
	reset();
	churn(40, 2000, true);
	for (int i = 0; i < 100; i++) {
		before = stats().nr_samples;
		qn_heap_step(h);
		for (int n = 0; n < 10; n++)
			qn_heap_free(h, qn_heap_alloc(h, SIZE / 8));
		assert_in_range(stats().nr_samples, before, before + 1);
		nr += stats().nr_samples - before;
	}
	assert_in_range(nr, 90, 100);
	assert_sound();
}

/* Whatever is short is held, up to a limit; without steps it stays so */
static void test_holding(void **state)
{
	static void *p[SIZE / HELD_PART / 40];
	size_t held = 2 * served(40) + 2 * served(100);

	(void)state;
	reset_learning();
	churn(40, 100, false);
	churn(100, 100, false);
	assert_int_equal(stats().held, held);
	assert_int_equal(stats().live, 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = qn_heap_alloc(h, 40);
	for (unsigned int i = 0; i < ARRAY_SIZE(p); i++)
		qn_heap_free(h, p[i]);
	held = h->zone.nr / HELD_PART * QN_ALIGN;
	assert_in_range(stats().held, held - served(40) + 1, held);
	assert_sound();
	for (unsigned int i = 0; i < DRAIN_HOT; i++)
		while (qn_heap_step(h))
			;
	assert_int_equal(stats().held, 0);
	assert_sound();
	assert_int_equal(stats().largest_free, stats().free);
}

/* What was freed in small pieces can be had in large ones, without steps */
static void test_held_is_little(void **state)
{
	static void *p[SIZE / 32];
	size_t nr = 0;

	(void)state;
	reset_learning();
	while (stats().largest_free > SIZE / 3) {
		p[nr] = qn_heap_alloc(h, 16 + 8 * (nr % 4));
		nr++;
	}
	for (size_t i = 0; i < nr; i++)
		qn_heap_free(h, p[i]);
	assert_true(stats().held > 0);
	assert_non_null(qn_heap_alloc(h, SIZE / 2));
	assert_sound();
}

/* What is asked for often is held for longer */
static void test_hot_is_held_longer(void **state)
{
	unsigned int hot = 0, cold = 0;

	(void)state;
	reset_learning();
	churn(40, 20000, true);
	for (unsigned int i = 0; i < DRAIN_HOT; i++) {
		churn(40, 1, false);
		churn(100, 1, false);
		assert_int_equal(stats().held,
				 2 * served(40) + 2 * served(100));
		qn_heap_step(h);
		hot += stats().held >= 2 * served(40);
		cold += stats().held == 2 * served(40) + 2 * served(100);
	}
	assert_int_equal(hot, DRAIN_HOT - 1);
	assert_int_equal(cold, 0);
	assert_sound();
}

/* Free many at once, a thousand times, with a step now and then */
static void bursts(unsigned int nr, size_t size)
{
	static void *p[SIZE / 64];

	for (unsigned int n = 0; n < 200; n++) {
		for (unsigned int i = 0; i < nr; i++)
			assert_non_null(p[i] = qn_heap_alloc(h, size));
		for (unsigned int i = 0; i < nr; i++)
			qn_heap_free(h, p[i]);
		qn_heap_step(h);
	}
}

/* A request that has all held blocks merged */
static void merge_held(void)
{
	void *p = qn_heap_alloc(h, stats().largest_free + QN_ALIGN);

	assert_non_null(p);
	assert_int_equal(stats().held, 0);
	qn_heap_free(h, p);
}

/* Many are refused while there is room: more may be held. Memory gets short: no more. */
static void test_rule_holds_more(void **state)
{
	size_t room, held;

	(void)state;
	reset_learning();
	room = stats().free;
	assert_int_equal(h->knobs.held_part, HELD_PART);
	bursts((unsigned int)(room / 2 / served(40)), 40);
	assert_in_range(h->knobs.held_part, 2, HELD_PART / 4);
	assert_in_range(h->knobs.held_most, 2048, 8192);
	assert_sound();
	held = stats().held;
	assert_true(held > room / HELD_PART);
	/* All of it is to be had all the same */
	merge_held();
	qn_heap_step(h);
	assert_int_equal(h->knobs.held_part, HELD_PART);
	assert_int_equal(h->knobs.held_most, 1024);
	assert_sound();
}

/* Not before as many were refused as knob held_refused says; nor once memory was short */
static void test_rule_waits(void **state)
{
	unsigned int nr;

	(void)state;
	reset_learning();
	nr = (unsigned int)(stats().free / 2 / served(40));
	assert_int_equal(qn_heap_set_knob(h, "held_refused", 65536), 0);
	bursts(nr, 40);
	assert_int_equal(h->knobs.held_part, HELD_PART);
	assert_int_equal(qn_heap_set_knob(h, "held_refused", 1), 0);
	assert_int_equal(qn_heap_set_knob(h, "held_wait", 1000), 0);
	merge_held();
	bursts(nr, 40);
	assert_int_equal(h->knobs.held_part, HELD_PART);
	assert_int_equal(qn_heap_set_knob(h, "held_wait", 0), 0);
	merge_held();
	bursts(nr, 40);
	assert_in_range(h->knobs.held_part, 2, HELD_PART / 4);
}

/* Knobs turned at random while blocks come and go: the heap stays sound, and serves all */
static void test_knobs(void **state)
{
#define NAME(name, unit, preset, least, most, help) #name,
	static const char *const names[] = { QN_HEAP_KNOBS(NAME) };
	static void *p[SIZE / 256];

	(void)state;
	reset_learning();
	assert_int_equal(qn_heap_set_knob(NULL, "held_part", 2), -EINVAL);
	assert_int_equal(qn_heap_set_knob(h, NULL, 2), -EINVAL);
	assert_int_equal(qn_heap_set_knob(h, "dirty", 2), -EINVAL);
	assert_int_equal(qn_heap_set_knob(h, "held_part", 65537), -ERANGE);
	assert_int_equal(qn_heap_set_knob(h, "drain_hot", 0), -ERANGE);
	assert_int_equal(h->knobs.held_part, HELD_PART);
	for (unsigned int n = 0; n < 3000; n++) {
		unsigned int i = n * 7919 % ARRAY_SIZE(p);

		qn_heap_free(h, p[i]);
		p[i] = qn_heap_alloc(h, 1 + n * 104729 % 150);
		assert_non_null(p[i]);
		if (n % 16 == 0)
			assert_int_equal(
				qn_heap_set_knob(
					h, names[n / 16 % ARRAY_SIZE(names)],
					1 + n % 97),
				0);
		if (n % 5 == 0)
			qn_heap_step(h);
		if (n % 64 == 0)
			assert_sound();
	}
	for (size_t i = 0; i < ARRAY_SIZE(p); i++)
		qn_heap_free(h, p[i]);
	assert_int_equal(qn_heap_set_knob(h, "held_part", 0), 0);
	while (qn_heap_step(h))
		;
	assert_int_equal(stats().held, 0);
	assert_int_equal(stats().largest_free, stats().free);
	assert_sound();
}

/* Blocks of one length come and go: what of them is held afterwards */
static size_t held_after(unsigned int nr)
{
	void *p[8];

	assert_true(nr <= ARRAY_SIZE(p));
	for (unsigned int i = 0; i < nr; i++)
		p[i] = qn_heap_alloc(h, 40);
	for (unsigned int i = 0; i < nr; i++)
		qn_heap_free(h, p[i]);
	return stats().held;
}

/* The highest pressure holds nothing, by whatever way holding might come back */
static void test_pressure(void **state)
{
	(void)state;
	reset_learning();
	assert_int_equal(qn_pressure_set(NULL, 0), -EINVAL);
	assert_int_equal(qn_pressure_set(h, QN_PRESSURE_MOST + 1), -ERANGE);
	assert_int_equal(h->pressure, 0);
	assert_int_equal(held_after(8), 8 * served(40));
	assert_int_equal(qn_pressure(h, 1), 0);
	/* What is held is merged by steps, hot or not */
	while (qn_heap_step(h))
		;
	assert_int_equal(stats().held, 0);
	assert_int_equal(held_after(8), 0);
	assert_int_equal(qn_heap_set_knob(h, "held_part", 4), 0);
	assert_int_equal(held_after(8), 0);
	assert_int_equal(
		qn_heap_add_zone(h, second, sizeof(second), QN_ZONE_FIRST), 0);
	assert_int_equal(held_after(8), 0);
	assert_int_equal(qn_heap_set_policy(h, "rule"), 0);
	assert_int_equal(held_after(8), 0);
	assert_sound();
	/* And it does again once there is less */
	assert_int_equal(qn_pressure(h, 0.9f), 0);
	assert_true(held_after(8) > 0);
	assert_int_equal(qn_pressure(h, 0), 0);
	assert_true(held_after(8) > 0);
	assert_sound();
	/* Who holds nothing goes on so */
	assert_int_equal(qn_heap_set_policy(h, "fixed"), 0);
	assert_int_equal(qn_pressure(h, 0.5f), 0);
	while (qn_heap_step(h))
		;
	assert_int_equal(held_after(8), 0);
	assert_sound();
}

static void test_pressure_rounds(void **state)
{
	static const struct {
		float level;
		u32 whole;
	} levels[] = { { 0, 0 },        { 1, 1024 },      { 0.5f, 512 },
		       { 0.25f, 256 },  { -1, 0 },        { 2, 1024 },
		       { 1e30f, 1024 }, { -1e30f, 0 },    { 0.0001f, 0 },
		       { 0.0008f, 1 },  { 0.9999f, 1024 } };

	volatile float zero = 0;

	(void)state;
	reset();
	for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
		assert_int_equal(qn_pressure(h, levels[i].level), 0);
		assert_int_equal(h->pressure, levels[i].whole);
	}
	/* No number at all, and more than any */
	assert_int_equal(qn_pressure(h, zero / zero), 0);
	assert_int_equal(h->pressure, 0);
	assert_int_equal(qn_pressure(h, 1 / zero), 0);
	assert_int_equal(h->pressure, 1024);
}

static u32 seen_pressure;

static bool see_pressure(const struct qn_view *v, u32 *words,
			 struct qn_heap_knobs *knobs)
{
	(void)words;
	(void)knobs;
	seen_pressure = v->pressure;
	return false;
}

static u32 pressure_now(void)
{
	qn_heap_step(h);
	return seen_pressure;
}

/* A policy sees what the program says, what is free, in which pieces, and squeezes */
static void test_pressure_is_seen(void **state)
{
	struct qn_policy watch = qn_policy_rule;
	size_t room, piece;
	void *p[64], *rest;

	(void)state;
	if (!QN_WHOLE_VIEW)
		skip();
	reset_learning();
	watch.tune_heap = see_pressure;
	qn_heap_step(h);
	h->controller.policy = &watch;
	room = stats().free;
	assert_int_equal(pressure_now(), 0);
	qn_pressure(h, 0.25f);
	assert_int_equal(pressure_now(), 256);
	qn_pressure(h, 0);
	/* Half of the last eighth is left, in one piece */
	rest = qn_heap_alloc(h, room / 16 * 15);
	assert_non_null(rest);
	assert_in_range(pressure_now(), 480, 544);
	assert_non_null(qn_heap_alloc(h, room / 32));
	assert_in_range(pressure_now(), 736, 800);
	/* Most is free, in 64 pieces with something between any two */
	reset_learning();
	qn_heap_step(h);
	h->controller.policy = &watch;
	piece = stats().free / 64 - 4 * QN_ALIGN;
	for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
		p[i] = qn_heap_alloc(h, piece);
		assert_non_null(p[i]);
		assert_non_null(qn_heap_alloc(h, 1));
	}
	assert_non_null(qn_heap_alloc(h, stats().largest_free));
	for (size_t i = 0; i < ARRAY_SIZE(p); i++)
		qn_heap_free(h, p[i]);
	assert_in_range(pressure_now(), 512, 768);
	/* A request that merged what was held */
	reset_learning();
	qn_heap_step(h);
	h->controller.policy = &watch;
	held_after(8);
	assert_int_equal(pressure_now(), 0);
	held_after(8);
	rest = qn_heap_alloc(h, stats().free);
	qn_heap_free(h, rest);
	assert_true(stats().nr_squeezed > 0);
	assert_int_equal(pressure_now(), 256);
	assert_int_equal(pressure_now(), 0);
	assert_sound();
}

/* Short blocks that are cut are multiples of granules; a heap still serves what it has */
static void test_granule(void **state)
{
	size_t nr = 0, free;
	void *p[8];

	(void)state;
	if (!QN_POLICY_PAPER)
		return;
	reset();
	assert_int_equal(qn_heap_set_knob(h, "granule", 257), -ERANGE);
	assert_int_equal(qn_heap_set_knob(h, "granule", 4), 0);
	assert_int_equal(qn_heap_set_knob(h, "granule_most", 16), 0);
	for (size_t k = 2; k < 22; k++) {
		for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
			size_t up = k <= 16 ? (k + 3) / 4 * 4 : k;

			p[i] = qn_heap_alloc(h, k * QN_ALIGN);
			assert_int_equal(qn_heap_usable_size(h, p[i]),
					 up * QN_ALIGN);
		}
		assert_sound();
		for (size_t i = 0; i < ARRAY_SIZE(p); i++)
			qn_heap_free(h, p[i]);
	}
	while (qn_heap_alloc(h, 5 * QN_ALIGN))
		nr++;
	assert_sound();
	free = stats().largest_free;
	assert_true(nr > 100 && free < 5 * QN_ALIGN);
}

static void test_fixed_policy(void **state)
{
	(void)state;
	reset();
	churn(40, 20000, true);
	assert_int_equal(stats().nr_tables, 1);
	assert_int_equal(stats().held, 0);
	assert_sound();
	assert_int_equal(qn_heap_set_policy(h, "rule"), 0);
	churn(40, 100, false);
	assert_int_equal(stats().held, 2 * served(40));
}

/* A node and a payload for each packet until there is no room; then all are freed */
static void use_for_packets(size_t node, size_t payload)
{
	static void *nodes[SIZE / 64], *payloads[SIZE / 64];
	size_t nr = 0;

	do {
		nodes[nr] = qn_heap_alloc(h, node);
		payloads[nr] = qn_heap_alloc(h, payload);
	} while (payloads[nr++]);
	for (size_t i = 0; i < nr; i++) {
		qn_heap_free(h, nodes[i]);
		qn_heap_free(h, payloads[i]);
	}
	assert_true(stats().held > 0);
	assert_int_equal(stats().live, 0);
}

/*
 * Held blocks cut free memory to pieces, and no qn_heap_step() merges them: all of it can
 * be had in one piece, by every call
 */
static void test_held_is_merged(void **state)
{
	size_t all, tail = 3 * QN_ALIGN, squeezed, failed;
	void *p;

	(void)state;
	for (unsigned int how = 0; how < 5; how++) {
		reset_learning();
		all = stats().largest_free;
		use_for_packets(how % 2 ? 40 : 24, 1000);
		assert_true(stats().largest_free < all - tail);
		squeezed = stats().nr_squeezed;
		failed = stats().nr_failed;
		if (how == 0)
			p = qn_heap_alloc(h, all);
		else if (how == 1)
			p = qn_heap_calloc(h, 1, all);
		else if (how == 2)
			p = qn_heap_alloc_flags(h, all, QN_ALLOC_DMA);
		else if (how == 3)
			p = qn_heap_alloc_aligned(h, 2 * QN_ALIGN, all - tail);
		else
			p = qn_heap_realloc(h, qn_heap_alloc(h, 24), all);
		assert_non_null(p);
		assert_int_equal(stats().nr_squeezed, squeezed + 1);
		assert_int_equal(stats().nr_failed, failed);
		assert_sound();
	}
}

/* The same where the memory is in a second zone, and the first is in use */
static void test_held_is_merged_in_all_zones(void **state)
{
	size_t all;
	void *p;

	(void)state;
	reset_learning();
	qn_heap_add_zone(h, second, sizeof(second), QN_ZONE_NODMA);
	all = h->zone.nr * QN_ALIGN;
	p = qn_heap_alloc_flags(h, h->zone.next->nr * QN_ALIGN, QN_ALLOC_DMA);
	assert_non_null(p);
	qn_heap_free(h, p);
	use_for_packets(24, 300);
	assert_non_null(qn_heap_alloc_flags(h, h->zone.next->nr * QN_ALIGN,
					    QN_ALLOC_DMA));
	assert_non_null(qn_heap_alloc(h, all));
	assert_int_equal(stats().held, 0);
	assert_sound();
}

/* Granules of held blocks that a request for @size bytes merges at most, see heap.h */
static size_t merge_bound(size_t size, size_t part)
{
	size_t k = size / QN_ALIGN + 2,
	       eighths = 5 * 8 * ROOMY_PART / 4 / part + 1;

	return (k * 5 / 4 + QN_BINS_EXACT + 1) * eighths / 8 +
	       2 * QN_ZONE_SHORT;
}

/* A request; what it merges. One that a held block serves is taken to merge it */
static size_t merged_by(size_t size)
{
	size_t held = qn_zone_held(&h->zone);
	void *p = qn_heap_alloc(h, size);
	size_t now = qn_zone_held(&h->zone);

	if (p && !roll(8))
		qn_heap_free(h, p);
	return held > now ? held - now : 0;
}

/*
 * However much is held, one request merges a part that its own size bounds: while there is
 * room, when that ends, and when all is used up
 */
static void test_merges_are_bounded(void **state)
{
	static const size_t parts[] = { HELD_PART, HELD_PART / 8 };
	size_t part, size, most, merged, failed, all = 0;

	(void)state;
	for (unsigned int seed = 0; seed < 200; seed++) {
		random_state = seed;
		part = parts[seed % 2];
		most = (size_t)1 << (4 + seed / 2 % 9);
		reset_learning();
		assert_int_equal(qn_heap_set_knob(h, "held_part", part), 0);
		use_for_packets(seed % 3 ? 16 : 40, 1000);
		failed = h->nr_failed;
		while (h->nr_failed == failed) {
			size = 1 + roll((u32)most);
			merged = merged_by(size);
			assert_true(merged <= merge_bound(size, part));
			all += merged;
		}
		assert_sound();
	}
	assert_true(all > 0);
}

/* It would take more than is free: nothing is merged for it */
static void test_fails_fast(void **state)
{
	size_t held, free;
	void *p;

	(void)state;
	reset_learning();
	p = qn_heap_alloc(h, 1000);
	churn(40, 10, false);
	held = stats().held;
	free = stats().free;
	assert_true(held > 0);
	assert_null(qn_heap_alloc(h, free + 1));
	assert_null(qn_heap_alloc_aligned(h, 64, free));
	assert_null(qn_heap_realloc(h, p, free + 1008 + QN_ALIGN));
	assert_int_equal(stats().held, held);
	assert_int_equal(stats().nr_squeezed, 0);
	assert_int_equal(stats().nr_failed, 3);
	assert_non_null(qn_heap_alloc(h, free));
	assert_int_equal(stats().nr_squeezed, 1);
	assert_sound();
}

/* Held blocks serve smaller requests once nothing else does */
static void test_held_is_allocatable(void **state)
{
	void *p[3], *big;

	(void)state;
	reset_learning();
	for (int i = 0; i < 3; i++)
		p[i] = qn_heap_alloc(h, 100);
	for (int i = 0; i < 3; i++)
		qn_heap_free(h, p[i]);
	assert_true(stats().held >= 300);
	big = qn_heap_alloc(h, stats().largest_free);
	assert_non_null(big);
	while (qn_heap_alloc(h, 60))
		;
	assert_true(stats().nr_live >= 4);
	assert_true(stats().held < 100);
	assert_sound();
}

/* What a hook was asked, and what it can give back */
struct reserve {
	void *blocks[3];
	unsigned int nr;
	unsigned int nr_asked;
	size_t size;
};

static bool give_back(void *arg, size_t size)
{
	struct reserve *r = arg;

	r->nr_asked++;
	r->size = size;
	if (r->nr == 0)
		return false;
	qn_heap_free(h, r->blocks[--r->nr]);
	return true;
}

static void test_hook(void **state)
{
	struct reserve r = { .nr = 0 };
	void *p;

	(void)state;
	reset();
	for (; r.nr < ARRAY_SIZE(r.blocks); r.nr++)
		r.blocks[r.nr] = qn_heap_alloc(h, 300);
	while (qn_heap_alloc(h, 20))
		;
	assert_int_equal(stats().nr_failed, 1);
	qn_heap_set_hook(h, give_back, &r);
	p = qn_heap_alloc(h, 300);
	assert_non_null(p);
	assert_int_equal(r.nr_asked, 1);
	assert_int_equal(r.size, 300);
	assert_non_null(qn_heap_alloc_aligned(h, 64, 30));
	p = qn_heap_realloc(h, p, 600);
	assert_null(p);
	assert_int_equal(r.nr, 0);
	assert_int_equal(stats().nr_failed, 2);
	qn_heap_set_hook(h, NULL, NULL);
	assert_null(qn_heap_alloc(h, 3000));
	assert_sound();
}

/* What the hook frees lies behind the block that is to grow, nothing before it */
static void test_hook_frees_behind(void **state)
{
	struct reserve r = { .nr = 1 };
	void *p;

	(void)state;
	reset();
	p = qn_heap_alloc(h, 300);
	r.blocks[0] = qn_heap_alloc(h, 300);
	assert_ptr_equal(r.blocks[0], (char *)p + qn_heap_usable_size(h, p));
	while (qn_heap_alloc(h, 20))
		;
	qn_heap_set_hook(h, give_back, &r);
	assert_ptr_equal(qn_heap_realloc(h, p, 500), p);
	assert_int_equal(r.nr_asked, 1);
	qn_heap_set_hook(h, NULL, NULL);
	assert_sound();
}

/* The sums of a walk */
struct sums {
	const char *end;
	size_t size[3];
	unsigned int nr;
	unsigned int limit;
};

static bool add_up(void *arg, void *p, size_t size, enum qn_state state)
{
	struct sums *s = arg;

	if (s->end)
		assert_ptr_equal(p, s->end);
	s->end = (char *)p + size;
	s->size[state] += size;
	return ++s->nr < s->limit;
}

static void test_walk(void **state)
{
	struct sums s = { .limit = ~0u };
	void *p[20];

	(void)state;
	reset_learning();
	for (unsigned int i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = qn_heap_alloc(h, 20 + 40 * i);
	for (unsigned int i = 0; i < ARRAY_SIZE(p); i += 3)
		qn_heap_free(h, p[i]);
	assert_int_equal(qn_heap_walk(h, add_up, &s), 0);
	assert_int_equal(s.size[QN_USED], stats().live);
	assert_int_equal(s.size[QN_HELD], stats().held);
	assert_true(stats().held > 0);
	assert_int_equal(s.size[QN_HELD] + s.size[QN_FREE], stats().free);
	s = (struct sums){ .limit = 4 };
	assert_int_equal(qn_heap_walk(h, add_up, &s), 0);
	assert_int_equal(s.nr, 4);
	assert_int_equal(qn_heap_walk(NULL, add_up, &s), -EINVAL);
	assert_int_equal(qn_heap_walk(h, NULL, &s), -EINVAL);
}

/* The estimate of what was asked for follows what was asked for */
/*
 * Memory that kept what an earlier heap left in it, as after a warm start, and a
 * program that writes nothing: each granule looks like a held block
 */
static void test_memory_from_before(void **state)
{
	static void *blocks[200];
	u32 rng = 1;

	(void)state;
	for (size_t at = 0; at + QN_GRANULE <= sizeof(memory);
	     at += QN_GRANULE) {
		struct qn_held *held = (void *)(memory + at);

		held->tag = 0 - (uintptr_t)held;
	}
	h = qn_heap_init(memory, sizeof(memory));
	assert_non_null(h);
	for (u32 n = 0; n < 20000; n++) {
		void **slot;

		random_turn(&rng);
		slot = &blocks[(rng >> 8) % ARRAY_SIZE(blocks)];
		qn_heap_free(h, *slot);
		*slot = qn_heap_alloc_aligned(h, (size_t)1 << (rng >> 28) % 8,
					      1 + (rng >> 20) % 200);
	}
	assert_int_equal(qn_heap_check(h), 0);
}

/* All is in use but one shortest block, whatever it held */
static void test_largest_free_is_short(void **state)
{
	void *p, *middle = NULL;
	size_t size = 0;

	(void)state;
	reset();
	for (u32 n = 0; (p = qn_heap_alloc(h, 2 * QN_ALIGN)); n++) {
		memset(p, 0xff, 2 * QN_ALIGN);
		if (n == 10)
			middle = p;
	}
	assert_non_null(middle);
	size = qn_heap_usable_size(h, middle);
	qn_heap_free(h, middle);
	assert_int_equal(stats().largest_free, size);
}

static void test_requested(void **state)
{
	void *p;

	(void)state;
	reset();
	/* An estimate is as far off as chance has it: the same in each run */
	qn_sampler_init(&h->sampler, QN_SAMPLE_BYTES, 1);
	churn(QN_ALIGN * 3 + 1, 30000, true);
	p = qn_heap_alloc(h, QN_ALIGN * 3 + 1);
	assert_true(stats().internal > 0);
	assert_in_range(stats().requested, QN_ALIGN * 3 - 2, QN_ALIGN * 3 + 5);
	qn_heap_free(h, p);
}

static void test_brief(void **state)
{
	struct qn_brief b;
	struct qn_stats st;
	void *p[40];

	(void)state;
	reset();
	assert_int_equal(qn_heap_brief(NULL, &b), -EINVAL);
	assert_int_equal(qn_heap_brief(h, NULL), -EINVAL);
	for (size_t i = 0; i < 40; i++)
		p[i] = qn_heap_alloc(h, 50 + 13 * i);
	for (size_t i = 0; i < 40; i += 2)
		qn_heap_free(h, p[i]);
	st = stats();
	assert_int_equal(qn_heap_brief(h, &b), 0);
	assert_int_equal(b.live, st.live);
	assert_int_equal(b.peak_live, st.peak_live);
	assert_int_equal(b.free, st.free);
	assert_int_equal(b.largest_free, st.largest_free);
	assert_int_equal(b.fragmentation,
			 (st.free - st.largest_free) * 1024 / st.free);
	/* That much is had at once, and nothing is left of that length */
	assert_non_null(qn_heap_alloc(h, b.largest_free));
	assert_int_equal(qn_heap_brief(h, &b), 0);
	assert_true(b.largest_free < st.largest_free);
	assert_int_equal(b.fragmentation,
			 (b.free - b.largest_free) * 1024 / b.free);
	while (qn_heap_alloc(h, 1))
		;
	assert_int_equal(qn_heap_brief(h, &b), 0);
	assert_int_equal(b.free + b.largest_free + b.fragmentation, 0);
}

static void test_zone_stats(void **state)
{
	struct qn_zone_stats a, b;
	void *p, *q;

	(void)state;
	reset_learning();
	assert_int_equal(qn_heap_zone_stats(h, 1, &b), -ENOENT);
	assert_int_equal(qn_heap_zone_stats(NULL, 0, &a), -EINVAL);
	p = qn_heap_alloc(h, 1000);
	assert_int_equal(
		qn_heap_add_zone(h, second, sizeof(second), QN_ZONE_FIRST), 0);
	q = qn_heap_alloc(h, 200);
	assert_true(is_in(q, second, sizeof(second)));
	assert_int_equal(qn_heap_zone_stats(h, 0, &a), 0);
	assert_int_equal(qn_heap_zone_stats(h, 1, &b), 0);
	assert_true(is_in(a.start, second, sizeof(second)));
	assert_int_equal(a.flags, QN_ZONE_FIRST);
	assert_int_equal(a.used, qn_heap_usable_size(h, q));
	assert_int_equal(b.used, qn_heap_usable_size(h, p));
	assert_int_equal(a.size + b.size, stats().size - stats().metadata);
	assert_int_equal(a.free + b.free, stats().free);
	assert_true(a.largest_free <= a.free && b.largest_free <= b.free);
	qn_heap_free(h, p);
	qn_heap_free(h, q);
	p = qn_heap_alloc(h, 40);
	qn_heap_free(h, p);
	assert_int_equal(qn_heap_zone_stats(h, 0, &a), 0);
	assert_int_equal(qn_heap_zone_stats(h, 1, &b), 0);
	assert_int_equal(a.used | b.used, 0);
	assert_int_equal(a.held + b.held, stats().held);
	assert_true(a.held > 0);
	assert_sound();
}

static void test_realloc_aligned(void **state)
{
	unsigned char *p, *q;

	(void)state;
	reset();
	assert_null(qn_heap_realloc_aligned(h, NULL, 24, 10));
	p = qn_heap_realloc_aligned(h, NULL, 64, 100);
	assert_non_null(p);
	fill(p, 100, 3);
	assert_null(qn_heap_realloc_aligned(h, p, 24, 10));
	/* It lies right, and what is behind it is free */
	assert_ptr_equal(qn_heap_realloc_aligned(h, p, 64, 300), p);
	q = qn_heap_alloc(h, 10);
	p = qn_heap_realloc_aligned(h, p, 64, 2000);
	assert_non_null(p);
	assert_true(is_aligned((uintptr_t)p, 64));
	assert_filled(p, 100, 3);
	fill(q, 10, 4);
	q = qn_heap_realloc_aligned(h, q, 256, 10);
	assert_true(is_aligned((uintptr_t)q, 256));
	assert_filled(q, 10, 4);
	assert_null(qn_heap_realloc_aligned(h, q, 256, SIZE));
	assert_filled(q, 10, 4);
	qn_heap_free(h, q);
	qn_heap_free(h, p);
	assert_int_equal(stats().live, 0);
	assert_sound();
}

/* Whoever keeps to what a heap was planned for is never refused */
static void test_plan(void **state)
{
	enum {
		LEAST = 2 * QN_ALIGN,
		LARGEST = 12 * QN_ALIGN,
		LIVE = 20 * LARGEST
	};

	static void *p[LIVE / LEAST];
	size_t nr = 0, size = QN_HEAP_PLAN(LIVE, LARGEST, LEAST);
	u32 rng = 1;

	(void)state;
	assert_true(size <= sizeof(memory));
	h = qn_heap_init(memory, size);
	assert_non_null(h);
	assert_true(stats().size - stats().metadata >=
		    size - QN_HEAP_STATE - size / (8 * QN_ALIGN));
	for (int i = 0; i < 20000; i++) {
		size_t most = i / 100 % 2 ? LARGEST : LEAST;

		random_turn(&rng);
		if (stats().live + LARGEST > LIVE || (nr && rng >> 24 < 100)) {
			size_t n = (rng >> 8) % nr;

			qn_heap_free(h, p[n]);
			p[n] = p[--nr];
			continue;
		}
		p[nr] = qn_heap_alloc(h, (rng >> 8) % most + 1);
		assert_non_null(p[nr++]);
	}
	assert_sound();
}

static void test_check_notices(void **state)
{
	struct qn_zone *z;
	unsigned char *bits;
	void *p;

	(void)state;
	reset();
	z = &h->zone;
	p = qn_heap_alloc(h, 100);
	qn_heap_alloc(h, 100);
	/* Learning has begun, so that there is something to check */
	qn_heap_step(h);
	assert_sound();
	h->calls.nr_allocs++;
	assert_int_equal(qn_heap_check(h), QN_COUNT_CALLS ? -EUCLEAN : 0);
	h->calls.nr_allocs--;
	z->limit++;
	assert_int_equal(qn_heap_check(h), -EUCLEAN);
	assert_int_not_equal(*qn_heap_error(h), 0);
	z->limit--;
	/* In the free run behind both blocks */
	bits = (unsigned char *)(z->map + ((uintptr_t)p / QN_GRANULE + 60) / 8);
	*bits ^= 0x10;
	assert_int_equal(qn_heap_check(h), -EUCLEAN);
	*bits ^= 0x10;
	/* One block turns into two: only a count of blocks tells */
	bits = (unsigned char *)(z->map + ((uintptr_t)p / QN_GRANULE + 5) / 8);
	*bits ^= (unsigned char)(1u << ((uintptr_t)p / QN_GRANULE + 5) % 8);
	assert_int_equal(qn_heap_check(h), QN_COUNT_CALLS ? -EUCLEAN : 0);
	*bits ^= (unsigned char)(1u << ((uintptr_t)p / QN_GRANULE + 5) % 8);
	h->table->map[5] = 200;
	assert_int_equal(qn_heap_check(h), -EUCLEAN);
	h->table->map[5] = 0;
	h->profile->total++;
	assert_int_equal(qn_heap_check(h), -EUCLEAN);
	h->profile->total--;
	assert_sound();
	qn_heap_free(h, p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_init),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_impossible_sizes),
		cmocka_unit_test(test_null),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_reset_peak),
		cmocka_unit_test(test_zeroed),
		cmocka_unit_test(test_aligned),
		cmocka_unit_test(test_resize),
		cmocka_unit_test(test_realloc_in_place),
		cmocka_unit_test(test_realloc_slides),
		cmocka_unit_test(test_realloc_failure),
		cmocka_unit_test(test_exhaust),
		cmocka_unit_test(test_zones),
		cmocka_unit_test(test_zones_without_dma),
		cmocka_unit_test(test_first_zone),
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_too_many_zones),
		cmocka_unit_test(test_learning),
		cmocka_unit_test(test_samples_are_unbiased),
		cmocka_unit_test(test_one_sample_a_step),
		cmocka_unit_test(test_holding),
		cmocka_unit_test(test_held_is_little),
		cmocka_unit_test(test_hot_is_held_longer),
		cmocka_unit_test(test_rule_holds_more),
		cmocka_unit_test(test_rule_waits),
		cmocka_unit_test(test_knobs),
		cmocka_unit_test(test_pressure),
		cmocka_unit_test(test_pressure_rounds),
		cmocka_unit_test(test_pressure_is_seen),
		cmocka_unit_test(test_granule),
		cmocka_unit_test(test_fixed_policy),
		cmocka_unit_test(test_held_is_merged),
		cmocka_unit_test(test_held_is_merged_in_all_zones),
		cmocka_unit_test(test_merges_are_bounded),
		cmocka_unit_test(test_fails_fast),
		cmocka_unit_test(test_held_is_allocatable),
		cmocka_unit_test(test_hook),
		cmocka_unit_test(test_hook_frees_behind),
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_memory_from_before),
		cmocka_unit_test(test_largest_free_is_short),
		cmocka_unit_test(test_requested),
		cmocka_unit_test(test_brief),
		cmocka_unit_test(test_zone_stats),
		cmocka_unit_test(test_realloc_aligned),
		cmocka_unit_test(test_plan),
		cmocka_unit_test(test_check_notices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
