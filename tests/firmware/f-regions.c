// SPDX-License-Identifier: MIT
/*
 * f-regions.c - vPortDefineHeapRegions() of embedded/freertos.c over regions of all sizes.
 *
 * - a region that is too small to serve anything is left out, wherever it stands;
 * - every other region serves, in the order in which they are given;
 * - the heap's state goes where there is room for it;
 * - no region that can hold the state, or too many regions, fail configASSERT.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "FreeRTOS.h"
#include "task.h"

#include "glue.h"

static uint8_t tiny[300], mid[6000], large[20000], more[4][1000];
static int nr_failed;
uint32_t f_traced;

void f_assert(int ok, const char *what)
{
	(void)what;
	nr_failed += !ok;
}

void vApplicationMallocFailedHook(void)
{
}

void vTaskSuspendAll(void)
{
}

BaseType_t xTaskResumeAll(void)
{
	return pdFALSE;
}

static void define(const HeapRegion_t *regions)
{
	vPortHeapResetState();
	nr_failed = 0;
	vPortDefineHeapRegions(regions);
}

static int is_in(const void *p, const uint8_t *region, size_t size)
{
	return (const uint8_t *)p >= region &&
	       (const uint8_t *)p < region + size;
}

static void test_tiny_first(void **state)
{
	const HeapRegion_t regions[] = {
		{ tiny, sizeof(tiny) },
		{ mid, sizeof(mid) },
		{ large, sizeof(large) },
		{ NULL, 0 },
	};

	(void)state;
	define(regions);
	assert_int_equal(nr_failed, 0);
	assert_true(xPortGetFreeHeapSize() > 23000);
	assert_true(is_in(pvPortMalloc(5000), mid, sizeof(mid)));
	assert_true(is_in(pvPortMalloc(15000), large, sizeof(large)));
	assert_int_equal(qn_heap_check(qn_board_heap()), 0);
}

static void test_tiny_between(void **state)
{
	const HeapRegion_t regions[] = {
		{ large, sizeof(large) },
		{ tiny, sizeof(tiny) },
		{ mid, sizeof(mid) },
		{ NULL, 0 },
	};

	(void)state;
	define(regions);
	assert_int_equal(nr_failed, 0);
	assert_true(is_in(pvPortMalloc(15000), large, sizeof(large)));
	assert_true(is_in(pvPortMalloc(5000), mid, sizeof(mid)));
	assert_int_equal(qn_heap_check(qn_board_heap()), 0);
}

/* The state goes to the largest, blocks come from the first as long as it has any */
static void test_order(void **state)
{
	const HeapRegion_t regions[] = {
		{ more[0], sizeof(more[0]) },
		{ more[1], sizeof(more[1]) },
		{ mid, sizeof(mid) },
		{ more[2], sizeof(more[2]) },
		{ NULL, 0 },
	};

	(void)state;
	define(regions);
	assert_int_equal(nr_failed, 0);
	assert_true(is_in(pvPortMalloc(400), more[0], sizeof(more[0])));
	assert_true(is_in(pvPortMalloc(400), more[1], sizeof(more[1])));
	assert_true(is_in(pvPortMalloc(400), mid, sizeof(mid)));
	assert_true(is_in(pvPortMalloc(3000), mid, sizeof(mid)));
	assert_int_equal(qn_heap_check(qn_board_heap()), 0);
}

static void test_blocks_end(void **state)
{
	const HeapRegion_t regions[] = {
		{ more[0], sizeof(more[0]) },
		{ mid, sizeof(mid) },
		{ NULL, 0 },
	};
	void *p[40];
	size_t free;
	int n = 0;

	(void)state;
	define(regions);
	free = xPortGetFreeHeapSize();
	while (n < 40 && (p[n] = pvPortMalloc(200)))
		n++;
	assert_true(n > 20 && n < 40);
	while (n)
		vPortFree(p[--n]);
	assert_int_equal(xPortGetFreeHeapSize(), free);
	assert_int_equal(qn_heap_check(qn_board_heap()), 0);
}

static void test_too_small(void **state)
{
	const HeapRegion_t none[] = { { tiny, sizeof(tiny) }, { NULL, 0 } };

	(void)state;
	define(none);
	assert_true(nr_failed > 0);
	assert_null(pvPortMalloc(10));
}

/* More than the default of QN_NR_ZONES that can serve */
static void test_too_many(void **state)
{
	const HeapRegion_t regions[] = {
		{ large, sizeof(large) },     { more[0], sizeof(more[0]) },
		{ more[1], sizeof(more[1]) }, { more[2], sizeof(more[2]) },
		{ more[3], sizeof(more[3]) }, { NULL, 0 },
	};

	(void)state;
	define(regions);
	assert_int_equal(nr_failed, 1);
	assert_int_equal(qn_heap_check(qn_board_heap()), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tiny_first),
		cmocka_unit_test(test_tiny_between),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_blocks_end),
		cmocka_unit_test(test_too_small),
		cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
