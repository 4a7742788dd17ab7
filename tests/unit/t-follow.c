// SPDX-License-Identifier: MIT
/*
 * t-follow.c - the store of sampled objects that are followed to their free.
 *
 * Links: linuxport.c, lib/process/follow.c and all below it.
 *
 * Invariants checked here:
 * - nothing is followed before the clock says so;
 * - objects are aligned, hold what was asked for, do not overlap and keep their
 *   contents, also when they are resized;
 * - each life ends in one class of bytes and one of time: the doublings of what went by
 *   between birth and free; what is in use counts as live, and nothing else does;
 * - a second free is found at once, and so is a pointer into an object;
 * - there are no more units than the heap's share, and free blocks are used again;
 * - a refusal of the kernel costs the following, nothing else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "process/follow.h"
#include "linuxport.h"
#include "learn/sampler.h"
#include "process/slab.h"

#define CLASS  5
#define WEIGHT 65536u
#define HALF   (QN_UNIT_SIZE / 2)

static struct qn_segments segments;
static struct qn_stats_page page;
static struct qn_ledger ledger;
static struct qn_follow follow;

static void begin(void)
{
	port_reset(4096);
	memset(&segments, 0, sizeof(segments));
	qn_segments_init(&segments, &qn_knobs_preset, 0);
	memset(&page, 0, sizeof(page));
	memset(&ledger, 0, sizeof(ledger));
	ledger.page = &page;
	qn_follow_init(&follow, &segments, &ledger);
	qn_follow_tick(&follow, QN_FOLLOW_AFTER);
}

static void end(void)
{
	assert_null(qn_follow_check(&follow));
	qn_segments_exit(&segments);
}

static void *get(size_t size)
{
	void *p = qn_follow_alloc(&follow, size, CLASS, WEIGHT, 0);

	if (p) {
		assert_true(is_aligned((uintptr_t)p, QN_ALIGN));
		assert_true(qn_follow_size("", p) >= size);
	}
	return p;
}

static void put(void *p)
{
	qn_follow_free(&follow, "free", p);
}

static u64 nr_lives(const u64 *classes)
{
	u64 nr = 0;

	for (u32 i = 0; i < QN_STATS_LIVES; i++)
		nr += classes[i];
	return nr / WEIGHT;
}

static void test_not_before(void **state)
{
	void *p;

	(void)state;
	begin();
	follow.clock = QN_FOLLOW_AFTER - 1;
	assert_null(get(100));
	assert_int_equal(port.extend.nr, 0);
	qn_follow_tick(&follow, 1);
	p = get(100);
	assert_non_null(p);
	put(p);
	end();
}

/* An object of every size; all at once, then all anew */
static void test_sizes(void **state)
{
	static const size_t sizes[] = { 0,    1,     16,       31,   32,   33,
					48,   100,   1000,     1024, 4096, 5000,
					8192, 20000, HALF - 1, HALF };
	static unsigned char *p[2][ARRAY_SIZE(sizes)];
	size_t nr_units = 0;

	(void)state;
	begin();
	segments.resident.used = (size_t)1 << 30;
	for (u32 round = 0; round < 50; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			p[0][i] = get(sizes[i]);
			p[1][i] = get(sizes[i]);
			assert_non_null(p[0][i]);
			assert_non_null(p[1][i]);
			memset(p[0][i], (int)i + 1,
			       qn_follow_size("", p[0][i]));
			memset(p[1][i], (int)i + 101,
			       qn_follow_size("", p[1][i]));
		}
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			size_t n = qn_follow_size("", p[0][i]);

			assert_int_equal(*p[0][i], i + 1);
			assert_memory_equal(p[0][i], p[0][i] + 1, n - 1);
			assert_int_equal(*p[1][i], i + 101);
			put(p[0][i]);
			put(p[1][i]);
		}
		nr_units = round ? nr_units : follow.nr_units;
	}
	assert_int_equal(follow.nr_units, nr_units);
	assert_int_equal(page.live, 0);
	assert_int_equal(page.classes[CLASS].live, 0);
	segments.resident.used = 0;
	end();
}

static void assert_life(u64 bytes, u64 ms, u32 by_bytes, u32 by_time)
{
	struct qn_stats_life *life = &page.lives[qn_stats_life_group(100)];
	void *p;

	begin();
	p = get(100);
	assert_int_equal(life->nr_live, 1);
	assert_int_equal(life->live, WEIGHT);
	assert_int_equal(nr_lives(life->by_bytes), 0);
	qn_follow_tick(&follow, bytes);
	port_sleep_ms(ms);
	put(p);
	assert_int_equal(life->nr_live, 0);
	assert_int_equal(life->live, 0);
	assert_int_equal(life->by_bytes[by_bytes], WEIGHT);
	assert_int_equal(nr_lives(life->by_bytes), 1);
	assert_int_equal(life->by_time[by_time], WEIGHT);
	assert_int_equal(nr_lives(life->by_time), 1);
	end();
}

static void test_lives(void **state)
{
	(void)state;
	assert_life(0, 0, 0, 0);
	assert_life(65535, 7, 0, 0);
	assert_life(65536, 8, 1, 1);
	assert_life(131071, 15, 1, 1);
	assert_life(131072, 16, 2, 2);
	assert_life(1 << 30, 1000, 15, 7);
	assert_life((u64)1 << 50, (u64)3600000 * 24, QN_STATS_LIVES - 1,
		    QN_STATS_LIVES - 1);
}

static void test_groups(void **state)
{
	(void)state;
	assert_int_equal(qn_stats_life_group(0), 0);
	assert_int_equal(qn_stats_life_group(32), 0);
	assert_int_equal(qn_stats_life_group(33), 1);
	assert_int_equal(qn_stats_life_group(128), 1);
	assert_int_equal(qn_stats_life_group(129), 2);
	assert_int_equal(qn_stats_life_group(512), 2);
	assert_int_equal(qn_stats_life_group(513), 3);
	assert_int_equal(qn_stats_life_group(2048), 3);
	assert_int_equal(qn_stats_life_group(8192), 4);
	assert_int_equal(qn_stats_life_group(8193), 5);
	assert_int_equal(qn_stats_life_group(SIZE_MAX / 2), 5);
}

/* One life, however often it is resized */
static void test_resize(void **state)
{
	static const size_t sizes[] = { 20, 30, 100, 3000, 30000, 200, 10 };
	unsigned char *p;

	(void)state;
	begin();
	p = get(10);
	memset(p, 77, 10);
	qn_follow_tick(&follow, 1 << 20);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		p = qn_follow_resize(&follow, p, sizes[i]);
		assert_non_null(p);
		assert_true(qn_follow_size("", p) >= sizes[i]);
		for (u32 n = 0; n < 10; n++)
			assert_int_equal(p[n], 77);
	}
	assert_int_equal(page.lives[0].nr_live, 1);
	assert_int_equal(page.lives[0].nr_grown + page.lives[1].nr_grown +
				 page.lives[4].nr_grown +
				 page.lives[3].nr_grown,
			 5);
	assert_int_equal(page.lives[5].nr_shrunk + page.lives[2].nr_shrunk, 2);
	/* By the sizes before: 10 and 20, 30, 100, 3000 bytes */
	assert_int_equal(page.lives[0].grown_from, 10 + 20 + 30);
	assert_int_equal(page.lives[0].grown_to, 20 + 30 + 100);
	assert_int_equal(page.lives[1].grown_from, 100);
	assert_int_equal(page.lives[1].grown_to, 3000);
	assert_int_equal(page.lives[4].grown_from, 3000);
	assert_int_equal(page.lives[4].grown_to, 30000);
	put(p);
	assert_int_equal(page.lives[0].nr_live, 0);
	assert_int_equal(page.lives[0].by_bytes[5], WEIGHT);
	end();
}

static void free_it(void *p)
{
	put(p);
}

static void resize_it(void *p)
{
	qn_follow_resize(&follow, p, 50);
}

static void test_misuse(void **state)
{
	char *p;

	(void)state;
	begin();
	p = get(1000);
	memset(p, 1, 1000);
	assert_misuse(free_it, p + 16, "free", p + 16,
		      "the pointer is not the start of a block");
	begin();
	p = get(1000);
	assert_misuse(free_it, p + 1, "free", p + 1,
		      "the pointer is not the start of a block");
	begin();
	p = get(1000);
	put(p);
	assert_misuse(free_it, p, "free", p, "the block was freed already");
	begin();
	p = get(1000);
	put(p);
	assert_misuse(resize_it, p, "realloc", p,
		      "the block was freed already");
}

/* The share of a heap with nothing in use */
static void test_bounded(void **state)
{
	static void *p[1000];
	u32 nr = 0;

	(void)state;
	begin();
	while (nr < ARRAY_SIZE(p) && (p[nr] = get(4000)))
		nr++;
	assert_int_equal(follow.nr_units, QN_FOLLOW_LEAST);
	assert_true(nr > 40 && nr < ARRAY_SIZE(p));
	put(p[7]);
	assert_ptr_equal(get(4000), p[7]);
	for (u32 i = 0; i < nr; i++)
		put(p[i]);
	end();
}

/* Never more than there may be, whatever room there is */
static void test_most(void **state)
{
	static void *p[QN_FOLLOW_MOST];

	(void)state;
	begin();
	segments.resident.used = (size_t)1 << 30;
	for (u32 i = 0; i < QN_FOLLOW_MOST; i++) {
		assert_int_equal(follow.nr_live, i);
		p[i] = get(100);
		assert_non_null(p[i]);
	}
	assert_null(get(100));
	put(p[5]);
	assert_ptr_equal(get(100), p[5]);
	for (u32 i = 0; i < QN_FOLLOW_MOST; i++)
		put(p[i]);
	assert_int_equal(follow.nr_live, 0);
	segments.resident.used = 0;
	end();
}

/*
 * The more are followed the fewer are chosen. Of 5000 samples that stay in use, as many as
 * some 50 GB have, each is as likely to be stood for as any other.
 */
static void test_thinned(void **state)
{
	const u32 nr = 5000, rounds = 200;
	double sum = 0, late = 0, square = 0, off;
	struct qn_sampler s;

	(void)state;
	qn_sampler_init(&s, 1, 77);
	for (u32 round = 0; round < rounds; round++) {
		begin();
		segments.resident.used = (size_t)1 << 30;
		for (u32 i = 0; i < nr; i++) {
			u32 one_in = qn_follow_one_in(&follow);

			qn_sampler_draw(&s);
			if (s.rng & (one_in - 1))
				continue;
			assert_non_null(get(100));
			sum += one_in;
			late += i >= nr / 2 ? one_in : 0;
			square += (double)one_in * one_in;
		}
		assert_in_range(follow.nr_live, QN_FOLLOW_MOST / 2,
				QN_FOLLOW_MOST - 1);
		segments.resident.used = 0;
		end();
	}
	off = sum - (double)nr * rounds;
	assert_true(off * off < 16 * square);
	off = late - (double)nr * rounds / 2;
	assert_true(off * off < 16 * square);
	/* Known to two in a hundred, so that the bounds mean something */
	assert_true(square < nr * 0.02 * rounds * nr * 0.02 * rounds);
}

static void test_refusal(void **state)
{
	void *p;

	(void)state;
	begin();
	port_refuse(&port.map, 0, 100);
	assert_null(get(100));
	assert_int_equal(page.live, 0);
	port_grant(&port.map);
	p = get(100);
	assert_non_null(p);
	put(p);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_not_before),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_lives),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_resize),
		cmocka_unit_test(test_misuse),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_most),
		cmocka_unit_test(test_thinned),
		cmocka_unit_test(test_refusal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
