// SPDX-License-Identifier: MIT
/*
 * t-guard.c - a heap of one's own with guard words and poison (QN_GUARD,
 * QN_POISON). Builds heap.c once more, with these knobs.
 *
 * Invariants checked here:
 * - all that was asked for may be written, up to qn_heap_usable_size();
 * - a write beyond is reported when the block is freed or resized, with its
 *   address, whatever is written and however the block came about;
 * - a new block is filled with one byte, a freed one with another;
 * - contents survive a resize.
 */
#define QN_GUARD  1
#define QN_POISON 1

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "heap/heap.c"
#include "simport.h"

static unsigned char memory[16384] __aligned(64);
static struct qn_heap *h;

static void reset(void)
{
	memset(memory, 0xa5, sizeof(memory));
	h = qn_heap_init(memory, sizeof(memory));
	simport_reset();
}

/* One of the ways to get a block of @size bytes */
static void *get(unsigned int way, size_t size)
{
	switch (way) {
	case 0:
		return qn_heap_alloc(h, size);
	case 1:
		return qn_heap_alloc_aligned(h, 64, size);
	case 2:
		return qn_heap_alloc_flags(h, size, QN_ALLOC_DMA);
	case 3:
		return qn_heap_calloc(h, 1, size);
	case 4:
		return qn_heap_realloc(h, NULL, size);
	case 5:
		return qn_heap_realloc(h, qn_heap_alloc(h, 10), size);
	default:
		return qn_heap_realloc(h, qn_heap_alloc(h, 2000), size);
	}
}

#define NR_WAYS 7

static void test_all_of_it(void **state)
{
	(void)state;
	for (unsigned int way = 0; way < NR_WAYS; way++) {
		reset();
		for (size_t size = 1; size < 700; size += 1 + size / 9) {
			unsigned char *p = get(way, size);

			assert_non_null(p);
			assert_true(qn_heap_usable_size(h, p) >= size);
			memset(p, 0, qn_heap_usable_size(h, p));
			qn_heap_free(h, p);
			assert_int_equal(qn_heap_check(h), 0);
		}
		assert_int_equal(simport.size, 0);
	}
}

static void assert_found(unsigned char *p)
{
	assert_true(simport_stops(qn_heap_free(h, p)));
	assert_non_null(strstr(simport.text, "quern: written past its end:"));
	assert_true(simport_stops(qn_heap_realloc(h, p, 900)));
}

static void test_one_byte_beyond(void **state)
{
	unsigned char *p;

	(void)state;
	for (unsigned int way = 0; way < NR_WAYS; way++) {
		for (size_t size = 1; size < 700; size += 1 + size / 9) {
			reset();
			p = get(way, size);
			p[qn_heap_usable_size(h, p)] ^= 1;
			assert_found(p);
		}
	}
}

static void test_contents(void **state)
{
	unsigned char *p;

	(void)state;
	reset();
	p = qn_heap_alloc(h, 100);
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(p[i], POISON_NEW);
	memset(p, 0x11, 100);
	p = qn_heap_realloc(h, p, 2000);
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(p[i], 0x11);
	qn_heap_free(h, p);
	/* But for the node of the free run and its length at its end */
	for (size_t i = sizeof(struct qn_run); i < 1000; i++)
		assert_int_equal(p[i], POISON_OLD);
	p = qn_heap_calloc(h, 10, 10);
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(p[i], 0);
}

static void test_too_much(void **state)
{
	(void)state;
	reset();
	assert_null(qn_heap_alloc(h, SIZE_MAX));
	assert_null(qn_heap_alloc(h, SIZE_MAX - 3));
	assert_null(qn_heap_alloc_aligned(h, 64, SIZE_MAX));
	assert_int_equal(qn_heap_check(h), 0);
}

static void test_second_free(void **state)
{
	void *p;

	(void)state;
	reset();
	p = qn_heap_alloc(h, 50);
	qn_heap_free(h, p);
	assert_true(simport_stops(qn_heap_free(h, p)));
	assert_non_null(strstr(simport.text, "freed twice"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_of_it),
		cmocka_unit_test(test_one_byte_beyond),
		cmocka_unit_test(test_contents),
		cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_second_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
