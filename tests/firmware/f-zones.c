// SPDX-License-Identifier: MIT
/*
 * f-zones.c - SRAM and CCM as two zones of one heap, where both are memory of their own;
 * the same with poison.
 *
 * - what is asked for with QN_ALLOC_DMA never lies in CCM, nor does it after a resize;
 * - anything else lies in CCM as long as that has room;
 * - memory that is longer than a zone may be is used whole, with its attributes;
 * - both are used up before a request fails, blocks keep their contents throughout, and
 *   the heap is sound.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "board.h"
#include "f.h"
#include "quern.h"

#define SRAM_SIZE (24 * 1024)
#define CCM_SIZE  (5 * 1024)

static u8 sram[SRAM_SIZE] __aligned(8);
static struct board_memory ccm;
static struct qn_heap *heap;

static bool is_in_ccm(const void *p)
{
	return (uintptr_t)p - (uintptr_t)ccm.start < CCM_SIZE;
}

static bool is_in_sram(const void *p)
{
	return (uintptr_t)p - (uintptr_t)sram < sizeof(sram);
}

static void reset(void)
{
	ccm = board_ccm();
	assert_true(ccm.size >= CCM_SIZE);
	memset(sram, 0xa5, sizeof(sram));
	memset(ccm.start, 0x5a, CCM_SIZE);
	heap = qn_heap_init(sram, sizeof(sram));
	assert_non_null(heap);
	assert_int_equal(
		qn_heap_add_zone(heap, ccm.start, CCM_SIZE, QN_ZONE_NODMA), 0);
}

/* The longest piece of CCM that is free */
static bool look(void *arg, void *p, size_t size, enum qn_state state)
{
	size_t *longest = arg;

	if (state != QN_USED && is_in_ccm(p) && size > *longest)
		*longest = size;
	return true;
}

static size_t room_in_ccm(void)
{
	size_t longest = 0;

	assert_int_equal(qn_heap_walk(heap, look, &longest), 0);
	return longest;
}

/* Blocks that were not where they should be */
static u32 nr_astray, nr_in_ccm, nr_in_sram;

static void *dma_alloc(size_t size)
{
	void *p = qn_heap_alloc_flags(heap, size, QN_ALLOC_DMA);

	nr_astray += p && !is_in_sram(p);
	return p;
}

static void *dma_resize(void *p, size_t size)
{
	p = qn_heap_realloc(heap, p, size);
	nr_astray += p && !is_in_sram(p);
	return p;
}

/* Runs of lengths that share a list are not all looked at: a quarter more will do */
static void *any_alloc(size_t size)
{
	size_t room = room_in_ccm();
	void *p = qn_heap_alloc(heap, size);

	if (p && is_in_ccm(p))
		nr_in_ccm++;
	else
		nr_in_sram++;
	nr_astray += p && !is_in_ccm(p) && room >= size + size / 4 + 16;
	return p;
}

static void *any_resize(void *p, size_t size)
{
	return qn_heap_realloc(heap, p, size);
}

static void give_back(void *p)
{
	qn_heap_free(heap, p);
}

static const struct f_ops dma_ops = { dma_alloc, give_back, dma_resize };
static const struct f_ops any_ops = { any_alloc, give_back, any_resize };

static void test_placement(void **state)
{
	static struct f_actor dma, any;

	(void)state;
	nr_in_ccm = nr_in_sram = nr_astray = 0;
	for (u32 seed = 1; seed <= 6; seed++) {
		reset();
		f_actor_init(&dma, &dma_ops, seed, 0);
		f_actor_init(&any, &any_ops, seed, 1);
		any.most = 2000;
		for (int i = 0; i < 1500; i++) {
			f_actor_step(&dma);
			f_actor_step(&any);
			if (i % 32 == 0)
				qn_heap_step(heap);
		}
		assert_int_equal(qn_heap_check(heap), 0);
		assert_null(f_actor_finish(&dma));
		assert_null(f_actor_finish(&any));
		assert_int_equal(qn_heap_check(heap), 0);
		assert_int_equal(nr_astray, 0);
	}
	assert_true(nr_in_ccm > 1000);
	assert_true(nr_in_sram > 100);
}

/* Where there is no room to grow, and CCM would have some */
static void test_resize_for_dma(void **state)
{
	char *p, *q;

	(void)state;
	reset();
	p = qn_heap_alloc_flags(heap, 100, QN_ALLOC_DMA);
	q = qn_heap_alloc_flags(heap, 100, QN_ALLOC_DMA);
	assert_true(is_in_sram(p) && is_in_sram(q));
	memset(p, 0x77, 100);
	p = qn_heap_realloc(heap, p, 1000);
	assert_true(is_in_sram(p));
	for (int i = 0; i < 100; i++)
		assert_int_equal(p[i], 0x77);
	assert_null(qn_heap_realloc(heap, p, SRAM_SIZE));
	qn_heap_free(heap, p);
	qn_heap_free(heap, q);
	assert_int_equal(qn_heap_check(heap), 0);
}

static void test_exhaustion(void **state)
{
	u32 in_ccm = 0, in_sram = 0;
	void *p;

	(void)state;
	reset();
	while ((p = qn_heap_alloc(heap, 64))) {
		in_ccm += is_in_ccm(p);
		in_sram += is_in_sram(p);
		/* First all of one, then the other */
		assert_true(is_in_sram(p) || !in_sram);
	}
	assert_true(in_ccm * 64 > CCM_SIZE * 8 / 10);
	assert_true(in_sram * 64 > SRAM_SIZE * 8 / 10);
	assert_null(qn_heap_alloc_flags(heap, 64, QN_ALLOC_DMA));
	assert_int_equal(qn_heap_check(heap), 0);
}

/* Two zones of 8 MB have to share the board's external memory */
#define EXTERNAL      ((u8 *)0x21000000)
#define EXTERNAL_SIZE ((size_t)16 << 20)
#define LONGEST       ((((size_t)1 << 20) - 1) * QN_ALIGN)

static void fill_external(void)
{
	void *p[3];

	p[0] = qn_heap_alloc(heap, LONGEST);
	p[1] = qn_heap_alloc(heap, LONGEST - 512 * 1024);
	assert_non_null(p[0]);
	assert_non_null(p[1]);
	assert_null(qn_heap_alloc(heap, LONGEST));
	memset(p[0], 1, LONGEST);
	memset(p[1], 2, LONGEST - 512 * 1024);
	assert_int_equal(((u8 *)p[0])[LONGEST - 1], 1);
	p[2] = qn_heap_alloc(heap, 100 * 1024);
	assert_non_null(p[2]);
	for (int i = 0; i < 3; i++)
		qn_heap_free(heap, p[i]);
	assert_null(qn_heap_alloc(heap, LONGEST + 1));
	assert_int_equal(qn_heap_check(heap), 0);
}

static void test_more_than_a_zone(void **state)
{
	struct qn_stats st;
	void *p;

	(void)state;
	if (!board_can_read((const u32 *)(EXTERNAL + EXTERNAL_SIZE - 4)))
		skip();
	heap = qn_heap_init(EXTERNAL, EXTERNAL_SIZE);
	assert_int_equal(qn_heap_stats(heap, &st), 0);
	assert_int_equal(st.size, EXTERNAL_SIZE);
	/* A bit for each 8 bytes */
	assert_true(st.metadata < EXTERNAL_SIZE / 64 + 3000);
	fill_external();
	heap = qn_heap_init(sram, sizeof(sram));
	assert_int_equal(qn_heap_add_zone(heap, EXTERNAL, EXTERNAL_SIZE,
					  QN_ZONE_NODMA),
			 0);
	fill_external();
	p = qn_heap_alloc_flags(heap, 100, QN_ALLOC_DMA);
	assert_true(is_in_sram(p));
	assert_null(qn_heap_alloc_flags(heap, sizeof(sram), QN_ALLOC_DMA));
	assert_int_equal(qn_heap_add_zone(heap, EXTERNAL + EXTERNAL_SIZE / 2,
					  64, 0),
			 -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_placement),
		cmocka_unit_test(test_resize_for_dma),
		cmocka_unit_test(test_exhaustion),
		cmocka_unit_test(test_more_than_a_zone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
