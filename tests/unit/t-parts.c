// SPDX-License-Identifier: MIT
/*
 * t-parts.c - a heap over more memory than a zone can have, 4 GB here.
 *
 * - all of it is used, as several zones; the statistics say so;
 * - the largest request is a zone's, and is served by each that is large enough;
 * - the zones of memory that was added keep its flags and its place in the order;
 * - what others own is refused wherever it lies.
 *
 * f-zones.c does the same where a zone has 8 MB. The memory is reserved, and the heap
 * touches one bit in 128 of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/mman.h>

#include "heap/heap.h"

#define GB      ((size_t)1 << 30)
#define SIZE    (9 * GB)
#define LONGEST (QN_ZONE_LIMIT * QN_GRANULE)

static char *memory;
static unsigned char small[32768] __aligned(16);
static struct qn_heap *h;

static int reserve(void **state)
{
	(void)state;
	memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return memory == MAP_FAILED ? -1 : 0;
}

static int give_back(void **state)
{
	(void)state;
	return munmap(memory, SIZE);
}

static bool is_in(const void *p, const void *mem, size_t size)
{
	return (uintptr_t)p - (uintptr_t)mem < size;
}

static struct qn_stats stats(void)
{
	struct qn_stats st;

	assert_int_equal(qn_heap_stats(h, &st), 0);
	return st;
}

/* Blocks of @size until there are no more: how many */
static size_t fill(size_t size)
{
	static void *blocks[1000];
	size_t nr = 0, i;

	while (nr < ARRAY_SIZE(blocks) && (blocks[nr] = qn_heap_alloc(h, size)))
		nr++;
	for (i = 0; i < nr; i++)
		qn_heap_free(h, blocks[i]);
	return nr;
}

static void assert_used_whole(size_t size)
{
	assert_int_equal(stats().size, size);
	assert_true(stats().metadata < size / 128 + 4096);
	assert_int_equal(stats().live, 0);
	assert_true(fill(32 << 20) >= SIZE / (32 << 20) - 6);
	assert_int_equal(fill(LONGEST), 2);
	assert_int_equal(fill(LONGEST + 1), 0);
	assert_int_equal(fill(GB), 3 + 3);
	assert_int_equal(stats().largest_free, LONGEST);
}

static void test_init(void **state)
{
	char *p, *q;

	(void)state;
	h = qn_heap_init(memory + 24, SIZE - 24);
	assert_used_whole(SIZE - 24);
	p = qn_heap_alloc(h, LONGEST);
	q = qn_heap_alloc(h, 3 * GB);
	*p = *q = 1;
	q = qn_heap_realloc(h, q, LONGEST);
	assert_non_null(q);
	assert_null(qn_heap_alloc_aligned(h, 4096, GB));
	qn_heap_free(h, p);
	p = qn_heap_alloc_aligned(h, 4096, GB);
	assert_true(is_aligned((uintptr_t)p, 4096));
	assert_int_equal(qn_heap_add_zone(h, memory + 5 * GB, GB, 0), -EINVAL);
	assert_int_equal(qn_heap_add_zone(h, memory + SIZE - 99, 99, 0),
			 -EINVAL);
}

/* What is not enough for a zone stays unused, and is in the sums */
static void test_rest(void **state)
{
	size_t one, nr = 0;

	(void)state;
	h = qn_heap_init(memory, 5 * GB);
	one = h->zone.size;
	for (size_t rest = 0; rest < 4096; rest += 256) {
		h = qn_heap_init(memory, one + rest);
		assert_int_equal(stats().size, one + rest);
		assert_true(h->zone.next || !nr);
		nr = h->zone.next ? h->zone.next->nr : 0;
		assert_true(nr == 0 || rest >= 1024);
	}
	assert_in_range(nr, 100, 4096 / QN_GRANULE);
}

static void test_add(void **state)
{
	static const unsigned int flags[] = { 0, QN_ZONE_NODMA, QN_ZONE_FIRST };
	unsigned int nr;
	void *p;

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(flags); i++) {
		h = qn_heap_init(small, sizeof(small));
		assert_int_equal(qn_heap_add_zone(h, memory, SIZE, flags[i]),
				 0);
		assert_used_whole(SIZE + sizeof(small));
		p = qn_heap_alloc(h, 100);
		assert_true(is_in(p, small, sizeof(small)) == !flags[i]);
		p = qn_heap_alloc_flags(h, 100, QN_ALLOC_DMA);
		assert_true(is_in(p, small, sizeof(small)) ==
			    (flags[i] != QN_ZONE_FIRST));
		nr = 0;
		for (struct qn_zone *z = &h->zone; z; z = z->next, nr++)
			if (z->next &&
			    is_in((void *)z->next->mem, memory, SIZE) &&
			    is_in((void *)z->mem, memory, SIZE))
				assert_int_equal(z->next->mem,
						 z->mem + z->size);
		assert_int_equal(nr, 4);
	}
	/* They count as one towards QN_NR_ZONES */
	assert_int_equal(h->nr_regions, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_init),
		cmocka_unit_test(test_rest),
		cmocka_unit_test(test_add),
	};

	return cmocka_run_group_tests(tests, reserve, give_back);
}
