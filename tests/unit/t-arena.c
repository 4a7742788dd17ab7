// SPDX-License-Identifier: MIT
/*
 * t-arena.c - memory that dies together.
 *
 * Invariants: blocks are aligned, apart from each other and keep their contents until
 * a release or a reset; release gives back what came after the mark and nothing else;
 * after a reset nothing is held; when memory runs out the arena is as it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/compiler.h"
#include "quern.h"

static unsigned char memory[32768] __aligned(64);
static struct qn_heap *heap;
static struct qn_arena arena;

static size_t nr_live(void)
{
	struct qn_stats st;

	assert_int_equal(qn_heap_stats(heap, &st), 0);
	assert_int_equal(qn_heap_check(heap), 0);
	return st.nr_live;
}

static void reset(size_t chunk)
{
	heap = qn_heap_init(memory, sizeof(memory));
	qn_arena_init_heap(&arena, heap, chunk);
	assert_int_equal(nr_live(), 0);
}

static bool is_filled(const unsigned char *p, size_t size, int with)
{
	while (size--)
		if (p[size] != with)
			return false;
	return true;
}

static void test_blocks(void **state)
{
	unsigned char *p[100];

	(void)state;
	reset(1024);
	for (size_t i = 0; i < 100; i++) {
		p[i] = qn_arena_alloc(&arena, i * 3);
		assert_non_null(p[i]);
		assert_true(is_aligned((uintptr_t)p[i], QN_ALIGN));
		memset(p[i], (int)i, i * 3);
	}
	for (size_t i = 0; i < 100; i++)
		assert_true(is_filled(p[i], i * 3, (int)i));
	assert_in_range(nr_live(), 15, 20);
	qn_arena_reset(&arena);
	assert_int_equal(nr_live(), 0);
	/* One larger than a chunk has a chunk of its own */
	memset(qn_arena_alloc(&arena, 5000), 1, 5000);
	qn_arena_reset(&arena);
	assert_int_equal(nr_live(), 0);
}

static void test_aligned(void **state)
{
	char *a, *b;

	(void)state;
	reset(300);
	for (size_t align = 1; align <= 256; align *= 2)
		for (size_t size = 0; size < 50; size += 7) {
			unsigned char *p =
				qn_arena_alloc_aligned(&arena, align, size);

			assert_non_null(p);
			assert_true(is_aligned((uintptr_t)p, align));
			memset(p, 0xff, size);
		}
	nr_live();
	assert_null(qn_arena_alloc_aligned(&arena, 24, 8));
	assert_null(qn_arena_alloc_aligned(&arena, 0, 8));
	/* Bytes lie close together */
	reset(300);
	a = qn_arena_alloc_aligned(&arena, 1, 1);
	b = qn_arena_alloc_aligned(&arena, 1, 1);
	assert_ptr_equal(b, a + 1);
	qn_arena_reset(&arena);
	assert_int_equal(nr_live(), 0);
}

static void test_marks(void **state)
{
	struct qn_arena_mark empty, marks[10];
	unsigned char *p[10];
	size_t nr[10];

	(void)state;
	reset(200);
	empty = qn_arena_mark_get(&arena);
	for (size_t i = 0; i < 10; i++) {
		p[i] = qn_arena_alloc(&arena, 90);
		memset(p[i], (int)i, 90);
		marks[i] = qn_arena_mark_get(&arena);
		nr[i] = nr_live();
	}
	for (size_t i = 9; i > 0; i -= 3) {
		qn_arena_release(&arena, marks[i - 1]);
		assert_int_equal(nr_live(), nr[i - 1]);
		for (size_t k = 0; k < i; k++)
			assert_true(is_filled(p[k], 90, (int)k));
		/* What comes next comes where what was released had been */
		assert_true(qn_arena_alloc(&arena, 90) == p[i] ||
			    nr_live() > nr[i - 1]);
		qn_arena_release(&arena, marks[i - 1]);
	}
	qn_arena_release(&arena, empty);
	assert_int_equal(nr_live(), 0);
	assert_non_null(qn_arena_alloc(&arena, 1));
}

static void test_strings(void **state)
{
	const char *a, *b;

	(void)state;
	reset(256);
	a = qn_arena_string(&arena, "millstone", 4);
	b = qn_arena_string(&arena, "", 0);
	assert_memory_equal(a, "mill", 5);
	assert_ptr_equal(b, a + 5);
	assert_memory_equal(qn_arena_string(&arena, "x", 1), "x", 2);
	assert_null(qn_arena_string(&arena, "x", SIZE_MAX));
	assert_null(qn_arena_string(&arena, "x", SIZE_MAX - 1));
}

static void test_grow(void **state)
{
	unsigned char *p = NULL, *q;
	size_t size = 0;

	(void)state;
	reset(4096);
	p = qn_arena_grow(&arena, NULL, 0, 10);
	assert_ptr_equal(qn_arena_grow(&arena, p, 10, 2000), p);
	memset(p, 0x44, 2000);
	memset(qn_arena_alloc(&arena, 1), 0, 1);
	q = qn_arena_grow(&arena, p, 2000, 2500);
	assert_ptr_not_equal(q, p);
	assert_true(is_filled(q, 2000, 0x44));
	assert_null(qn_arena_grow(&arena, q, 2500, sizeof(memory)));
	assert_true(is_filled(q, 2000, 0x44));
	reset(512);
	for (p = NULL; size < 1500; size += 100) {
		p = qn_arena_grow(&arena, p, size, size + 100);
		assert_non_null(p);
		assert_true(is_filled(p, size, 0x55));
		memset(p, 0x55, size + 100);
	}
}

struct pair {
	short a;
	long b;
};

static void test_arrays(void **state)
{
	QN_ARRAY(struct pair) pairs = { 0 };
	QN_ARRAY(char) text = { 0 };
	struct pair *last;

	(void)state;
	reset(256);
	for (short i = 0; i < 300; i++) {
		last = qn_array_add(&arena, &pairs);
		assert_non_null(last);
		*last = (struct pair){ i, 2 * i };
		*qn_array_add(&arena, &text) = (char)('a' + i % 26);
	}
	assert_int_equal(pairs.nr, 300);
	for (short i = 0; i < 300; i++) {
		assert_int_equal(pairs.at[i].a, i);
		assert_int_equal(pairs.at[i].b, 2 * i);
		assert_int_equal(text.at[i], 'a' + i % 26);
	}
	/* Until memory runs out; then it is as it was */
	while (qn_array_add(&arena, &pairs))
		;
	assert_int_equal(pairs.nr, pairs.room);
	assert_int_equal(pairs.at[299].b, 598);
	qn_arena_reset(&arena);
	assert_int_equal(nr_live(), 0);
}

static void test_exhausted(void **state)
{
	size_t nr = 0;

	(void)state;
	reset(1000);
	while (qn_arena_alloc(&arena, 100))
		nr++;
	assert_in_range(nr, sizeof(memory) / 150, sizeof(memory) / 100);
	assert_null(qn_arena_alloc(&arena, SIZE_MAX));
	assert_null(qn_arena_alloc(&arena, SIZE_MAX / 2));
	qn_arena_reset(&arena);
	assert_int_equal(nr_live(), 0);
	while (nr--)
		assert_non_null(qn_arena_alloc(&arena, 100));
}

static void test_fixed(void **state)
{
	struct qn_arena_mark mark;
	size_t nr[2] = { 0 };

	(void)state;
	memset(memory, 0xa5, sizeof(memory));
	qn_arena_init_fixed(&arena, memory + 3, 1000);
	for (unsigned int round = 0; round < 2; round++) {
		void *p;

		while ((p = qn_arena_alloc(&arena, 20)) != NULL) {
			memset(p, 0, 20);
			if (nr[round]++ == 5)
				mark = qn_arena_mark_get(&arena);
		}
		qn_arena_release(&arena, mark);
		assert_non_null(qn_arena_alloc(&arena, 20));
		qn_arena_reset(&arena);
	}
	assert_int_equal(nr[0], nr[1]);
	assert_in_range(nr[0], 1000 / 32 - 2, 1000 / 20);
	assert_true(is_filled(memory, 3, 0xa5));
	assert_true(is_filled(memory + 1003, 500, 0xa5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_aligned),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_grow),
		cmocka_unit_test(test_arrays),
		cmocka_unit_test(test_exhausted),
		cmocka_unit_test(test_fixed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
