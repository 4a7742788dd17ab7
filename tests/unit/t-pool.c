// SPDX-License-Identifier: MIT
/*
 * t-pool.c - buffers of one size.
 *
 * Invariants: a pool of QN_POOL_BYTES() has as many buffers as were meant, wherever its
 * memory lies, hardly more, and writes nothing outside; buffers are aligned, apart from each
 * other and keep their contents; free and taken ones add up to all; a wrong pointer is
 * reported.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/compiler.h"
#include "quern.h"

static unsigned char memory[8192] __aligned(64);
static struct qn_pool *pool;

static bool is_filled(const unsigned char *p, size_t size, int with)
{
	while (size--)
		if (p[size] != with)
			return false;
	return true;
}

/* Sizes, numbers and skews: all buffers at once, each with contents of its own */
static void check_pool(size_t osize, size_t nr, size_t skew)
{
	size_t bytes = QN_POOL_BYTES(osize, nr);
	unsigned char *p[60];

	memset(memory, 0xa5, sizeof(memory));
	pool = qn_pool_init(memory + skew, bytes, osize);
	assert_non_null(pool);
	assert_in_range(qn_pool_nr(pool), nr,
			nr + 4 * QN_ALIGN / QN_POOL_STRIDE(osize));
	assert_in_range(qn_pool_osize(pool), max(osize, (size_t)1),
			osize + sizeof(void *));
	assert_true(is_aligned(qn_pool_osize(pool), sizeof(void *)));
	nr = qn_pool_nr(pool);
	for (size_t i = 0; i < nr; i++) {
		p[i] = qn_pool_alloc(pool);
		assert_non_null(p[i]);
		assert_true(is_aligned((uintptr_t)p[i], sizeof(void *)));
		if (osize && osize % QN_ALIGN == 0)
			assert_true(is_aligned((uintptr_t)p[i], QN_ALIGN));
		assert_int_equal(qn_pool_nr_free(pool), nr - 1 - i);
		if (i > 0)
			assert_int_equal(p[i] - p[i - 1], qn_pool_osize(pool));
		memset(p[i], (int)i, osize);
	}
	assert_null(qn_pool_alloc(pool));
	for (size_t i = 0; i < nr; i++) {
		assert_true(is_filled(p[i], osize, (int)i));
		qn_pool_free(pool, p[i]);
		assert_int_equal(qn_pool_nr_free(pool), i + 1);
	}
	assert_int_equal(qn_pool_least_free(pool), 0);
	assert_true(is_filled(memory, skew, 0xa5));
	assert_true(is_filled(memory + skew + bytes,
			      sizeof(memory) - skew - bytes, 0xa5));
}

static void test_sizes(void **state)
{
	(void)state;
	for (size_t osize = 0; osize < 100; osize += 1 + osize / 5)
		for (size_t nr = 1; nr < 40; nr += 1 + nr / 3)
			for (size_t skew = 0; skew < 20; skew++)
				check_pool(osize, nr, skew);
}

/* With one byte less it has one buffer less, or none */
static void test_too_small(void **state)
{
	size_t nr = 0;

	(void)state;
	assert_null(qn_pool_init(NULL, 1000, 8));
	assert_null(qn_pool_init(memory, sizeof(memory), sizeof(memory)));
	assert_null(qn_pool_init(memory, sizeof(memory), SIZE_MAX));
	assert_null(qn_pool_init(memory, sizeof(memory), SIZE_MAX - 7));
	for (size_t size = 0; size < 3000; size++) {
		pool = qn_pool_init(memory, size, 24);
		assert_true(pool || !nr);
		if (!pool)
			continue;
		assert_in_range(qn_pool_nr(pool), nr, nr + 1);
		nr = qn_pool_nr(pool);
		assert_true(nr * 24 < size);
	}
	assert_true(nr > 2500 / 25);
}

/* The latest back is the first out; what was never taken comes last */
static void test_order(void **state)
{
	void *a, *b, *c;

	(void)state;
	pool = qn_pool_init(memory, sizeof(memory), 40);
	a = qn_pool_alloc(pool);
	b = qn_pool_alloc(pool);
	c = qn_pool_alloc(pool);
	qn_pool_free(pool, NULL);
	qn_pool_free(pool, a);
	qn_pool_free(pool, c);
	assert_ptr_equal(qn_pool_alloc(pool), c);
	assert_ptr_equal(qn_pool_alloc(pool), a);
	assert_ptr_not_equal(qn_pool_alloc(pool), b);
	assert_int_equal(qn_pool_least_free(pool), qn_pool_nr(pool) - 4);
	qn_pool_free(pool, b);
	assert_int_equal(qn_pool_least_free(pool), qn_pool_nr(pool) - 4);
}

struct message {
	unsigned short from;
	char text[13];
};

QN_POOL(inbox, struct message);

static void test_typed(void **state)
{
	struct inbox in;
	struct inbox_ref a, b;

	(void)state;
	assert_int_equal(inbox_init(&in, memory, 10), -ENOSPC);
	assert_int_equal(inbox_init(&in, memory,
				    QN_POOL_BYTES(sizeof(struct message), 2)),
			 0);
	a = inbox_alloc(&in);
	b = inbox_alloc(&in);
	a.at->from = 7;
	b.at->from = 8;
	assert_int_equal(a.at->from, 7);
	assert_ptr_not_equal(a.at, b.at);
	inbox_free(&in, a);
	assert_ptr_equal(inbox_alloc(&in).at, a.at);
	while (inbox_alloc(&in).at)
		;
	assert_int_equal(qn_pool_nr_free(in.pool), 0);
	assert_int_equal(b.at->from, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_too_small),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_typed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
