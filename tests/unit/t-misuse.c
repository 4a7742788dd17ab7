// SPDX-License-Identifier: MIT
/*
 * t-misuse.c - what a heap of one's own does with pointers that are not its
 * live blocks. Needs the simulated port, which catches the end of the program.
 *
 * Invariants checked here:
 * - a second free, a free of an interior, misaligned or foreign pointer stops
 *   the program with one line that names the pointer, for short and long
 *   blocks, held and merged ones; so do realloc and usable_size;
 * - the heap is as it was before, and its lock is free;
 * - every operation takes the lock and gives it back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include <string.h>

#include "heap/heap.h"
#include "simport.h"

static unsigned char memory[65536] __aligned(64);
static struct qn_heap *h;

static void reset(void)
{
	memset(memory, 0xa5, sizeof(memory));
	h = qn_heap_init(memory, sizeof(memory));
	qn_heap_set_policy(h, "fixed");
	simport_reset();
}

/* The last line written is "quern: WHAT 0xADDRESS" */
static void assert_said(const char *what, const void *p)
{
	char line[128];

	snprintf(line, sizeof(line), "quern: %s %#lx\n", what,
		 (unsigned long)p);
	assert_string_equal(simport.text, line);
	assert_int_equal(h->lock.word, 0);
	assert_int_equal(qn_heap_check(h), 0);
}

static void assert_refused(void *p, const char *what)
{
	assert_true(simport_stops(qn_heap_free(h, p)));
	assert_said(what, p);
	assert_true(simport_stops(qn_heap_realloc(h, p, 10)));
	assert_said(what, p);
	assert_true(simport_stops(qn_heap_usable_size(h, p)));
	assert_said(what, p);
}

static void test_second_free(void **state)
{
	static const size_t sizes[] = { 1, 30, 300, 700, 5000 };

	(void)state;
	reset();
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		void *fence = qn_heap_alloc(h, 20);
		void *p = qn_heap_alloc(h, sizes[i]);
		void *after = qn_heap_alloc(h, 20);

		qn_heap_free(h, p);
		assert_refused(p, "freed twice, or no block begins at");
		qn_heap_free(h, fence);
		assert_refused(p, "freed twice, or no block begins at");
		qn_heap_free(h, after);
		assert_refused(p, "freed twice, or no block begins at");
	}
}

static void test_second_free_of_held(void **state)
{
	void *p, *q;

	(void)state;
	reset();
	qn_heap_set_policy(h, "rule");
	p = qn_heap_alloc(h, 50);
	q = qn_heap_alloc(h, 50);
	qn_heap_free(h, p);
	qn_heap_free(h, q);
	assert_refused(p, "freed twice:");
	assert_refused(q, "freed twice:");
	assert_ptr_equal(qn_heap_alloc(h, 50), q);
	qn_heap_free(h, q);
	assert_refused(q, "freed twice:");
}

/* The second granule of a block looks at first as what lies behind a free run */
static void test_inside_where_held(void **state)
{
	char *p;

	(void)state;
	reset();
	qn_heap_set_policy(h, "rule");
	for (size_t size = 3 * QN_ALIGN; size < 20 * QN_ALIGN;
	     size += QN_ALIGN) {
		qn_heap_alloc(h, 2 * QN_ALIGN);
		p = qn_heap_alloc(h, size);
		memset(p, 0, size);
		for (size_t at = QN_ALIGN; at < size; at += QN_ALIGN)
			assert_refused(p + at,
				       "freed twice, or no block begins at");
		qn_heap_free(h, p);
	}
	assert_int_equal(qn_heap_check(h), 0);
}

/* What a program may write into a block does not make it look held */
static void test_marks_in_user_data(void **state)
{
	uintptr_t *p;

	(void)state;
	reset();
	qn_heap_set_policy(h, "rule");
	for (unsigned int n = 0; n < 5; n++) {
		p = qn_heap_alloc(h, 100);
		for (size_t i = 0; i < 100 / sizeof(*p); i++)
			p[i] = (uintptr_t[]){ 0, ~(uintptr_t)0, (uintptr_t)p,
					      ~(uintptr_t)p, 1 }[n];
		qn_heap_free(h, p);
	}
	assert_int_equal(qn_heap_check(h), 0);
	assert_int_equal(simport.size, 0);
}

/* A tag does not outlive the holding, also if nothing is written over it */
static void test_no_stale_tag(void **state)
{
	void *p, *q;

	(void)state;
	reset();
	qn_heap_set_policy(h, "rule");
	p = qn_heap_alloc(h, 100);
	qn_heap_free(h, p);
	assert_ptr_equal(qn_heap_alloc(h, 100), p);
	qn_heap_free(h, p);
	while (qn_zone_drain(&h->zone, ~0u, 1))
		;
	q = qn_heap_alloc(h, 60);
	assert_ptr_equal(q, p);
	qn_heap_free(h, q);
	assert_int_equal(qn_heap_check(h), 0);
	assert_int_equal(simport.size, 0);
}

static void test_interior(void **state)
{
	unsigned char *p, *q;

	(void)state;
	reset();
	p = qn_heap_alloc(h, 300);
	q = qn_heap_alloc(h, 100);
	for (size_t i = QN_ALIGN; i < 300; i += QN_ALIGN)
		assert_refused(p + i, "freed twice, or no block begins at");
	for (size_t i = QN_ALIGN; i < 100; i += QN_ALIGN)
		assert_refused(q + i, "freed twice, or no block begins at");
	for (size_t i = 1; i < QN_ALIGN; i++)
		assert_refused(p + i, "misaligned pointer, no block begins at");
	assert_int_equal(qn_heap_usable_size(h, p) >= 300, true);
}

static void test_foreign(void **state)
{
	static unsigned char other[64] __aligned(16);

	(void)state;
	reset();
	assert_refused(other, "not memory of this heap:");
	assert_refused(memory, "not memory of this heap:");
	assert_refused(memory + sizeof(memory), "not memory of this heap:");
	assert_refused((void *)8, "not memory of this heap:");
}

/* Once an operation, twice where a block is copied: that is done unlocked; thrice a step */
static void test_locks(void **state)
{
	struct qn_stats st;
	void *p, *q;

	(void)state;
	reset();
	p = qn_heap_alloc(h, 10);
	q = qn_heap_alloc_aligned(h, 64, 10);
	p = qn_heap_realloc(h, p, 5000);
	p = qn_heap_realloc(h, p, 50);
	qn_heap_usable_size(h, p);
	qn_heap_free(h, p);
	qn_heap_free(h, q);
	qn_heap_free(h, NULL);
	qn_heap_alloc(h, SIZE_MAX);
	qn_heap_stats(h, &st);
	qn_heap_step(h);
	qn_heap_check(h);
	assert_int_equal(simport.nr_locks, 15);
	assert_int_equal(simport.nr_unlocks, 15);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_second_free),
		cmocka_unit_test(test_second_free_of_held),
		cmocka_unit_test(test_inside_where_held),
		cmocka_unit_test(test_marks_in_user_data),
		cmocka_unit_test(test_no_stale_tag),
		cmocka_unit_test(test_interior),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_locks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
