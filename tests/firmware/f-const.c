// SPDX-License-Identifier: MIT
/*
 * f-const.c - sizes that the compiler knows (lib/heap/heap-const.h), on the target.
 *
 * - a heap that is asked by qn_heap_alloc_const() gives the blocks that qn_heap_alloc() gives,
 *   and counts them alike, whatever way it serves them;
 * - a held block takes at least ten instructions less;
 * - the archive says whether it has the same heap.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "board.h"
#include "counter.h"
#include "heap/heap-const.h"
#include "print.h"

#define SIZE 16384

static unsigned char memory[2][SIZE] __aligned(64);
static struct qn_heap *heap[2];
static struct counter counter;

static void begin(void)
{
	for (int i = 0; i < 2; i++) {
		heap[i] = qn_heap_init(memory[i], SIZE);
		assert_non_null(heap[i]);
		qn_heap_set_policy(heap[i], "rule");
	}
}

static size_t place(int i, const void *p)
{
	return p ? (size_t)((const unsigned char *)p - memory[i]) : SIZE;
}

/* Known and not known, short and long, none and too much */
/* clang-format off */
#define SIZES(S)                                                              \
	S(0) S(1) S(8) S(12) S(16) S(17) S(24) S(32) S(40) S(48) S(64) S(100) \
	S(128) S(160) S(168) S(176) S(177) S(200) S(600) S(100000)
/* clang-format on */

#define SIZE_AT(n) n,
static const size_t sizes[] = { SIZES(SIZE_AT) };

static void *by_const(struct qn_heap *h, size_t n)
{
#define CASE(n) \
	case n: \
		return qn_heap_alloc_const(h, n);
	switch (sizes[n]) {
		SIZES(CASE)
	}
	return qn_heap_alloc_const(h, sizes[n]);
}

static void assert_alike(void)
{
	struct qn_stats st[2];

	for (int i = 0; i < 2; i++) {
		assert_int_equal(qn_heap_check(heap[i]), 0);
		assert_int_equal(qn_heap_stats(heap[i], &st[i]), 0);
	}
	assert_int_equal(st[0].live, st[1].live);
	assert_int_equal(st[0].peak_live, st[1].peak_live);
	assert_int_equal(st[0].nr_allocs, st[1].nr_allocs);
	assert_int_equal(st[0].nr_failed, st[1].nr_failed);
	assert_int_equal(st[0].nr_samples, st[1].nr_samples);
}

static void test_alike(void **state)
{
	enum {
		BLOCKS = 64
	};

	static void *block[2][BLOCKS];
	u32 rng = 1;

	(void)state;
	begin();
	memset(block, 0, sizeof(block));
	for (int r = 0; r < 20000; r++) {
		u32 at, n;

		rng = rng * 1664525 + 1013904223;
		at = rng >> 26;
		n = (rng >> 8) % ARRAY_SIZE(sizes);
		if (block[0][at]) {
			qn_heap_free(heap[0], block[0][at]);
			qn_heap_free(heap[1], block[1][at]);
		}
		block[0][at] = qn_heap_alloc(heap[0], sizes[n]);
		block[1][at] = by_const(heap[1], n);
		assert_int_equal(place(0, block[0][at]),
				 place(1, block[1][at]));
		if (r % 64 == 0) {
			qn_heap_step(heap[0]);
			qn_heap_step(heap[1]);
			assert_alike();
		}
	}
	assert_alike();
}

/* Instructions of @call, of which @p is the result; the block is held again afterwards */
#define COST(p, call)                                   \
	({                                              \
		u32 before = counter.read(), after;     \
		void *p = call;                         \
		__asm__ volatile("" : "+r"(p));         \
		after = counter.read();                 \
		qn_heap_free(heap[0], p);               \
		counter_units(&counter, before, after); \
	})

static void test_cost(void **state)
{
	u32 plain, constant;

	(void)state;
	begin();
	if (!counter.read) {
		skip();
		return;
	}
	qn_heap_free(heap[0], qn_heap_alloc(heap[0], 40));
	assert_non_null(heap[0]->zone.held[5]);
	plain = COST(p, qn_heap_alloc(heap[0], 40));
	constant = COST(p, qn_heap_alloc_const(heap[0], 40));
	print("# a held block, with the counter's share: %u, known size %u\n",
	      plain, constant);
	assert_true(constant + 10 <= plain);
}

static void test_fits(void **state)
{
	(void)state;
	assert_true(qn_heap_const_fits());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alike),
		cmocka_unit_test(test_cost),
		cmocka_unit_test(test_fits),
	};

	board_counter_init(&counter);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
