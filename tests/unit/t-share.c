// SPDX-License-Identifier: MIT
/*
 * t-share.c - blocks of whole pages that share units.
 *
 * - Blocks lie side by side, aligned as asked, and none overlaps another; what one
 *   holds, others do not change, whatever is freed, resized or purged.
 * - What is said to read as zero does, also where others wrote.
 * - Free pages count as dirty until they are purged, and are purged when asked;
 *   a chunk that is all free goes back to the segments.
 * - What is no block is not freed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "linuxport.h"
#include "process/share.h"
#include "../random.h"

#define PAGE  QN_PART_SIZE
#define CHUNK ((size_t)QN_SHARE_UNITS << QN_UNIT_SHIFT)
#define DIRTY ((size_t)1 << 20)

static struct qn_segments s;
static struct qn_knobs knobs;

static void begin(size_t page_size)
{
	port_reset(page_size);
	memset(&s, 0, sizeof(s));
	knobs = qn_knobs_preset;
	knobs.dirty = DIRTY;
	qn_segments_init(&s, &knobs, 0);
	random_state = 1;
}

static void check(void)
{
	const char *what = qn_segments_check(&s);

	if (what)
		fail_msg("qn_segments_check: %s", what);
	assert_true(s.share.dirty <= s.resident.dirty);
}

static char *take(size_t size, size_t align)
{
	size_t old;
	char *p = qn_share_alloc(&s, size, align, &old);

	assert_non_null(p);
	assert_int_equal((uintptr_t)p % align, 0);
	for (size_t i = old; i < size; i++)
		assert_int_equal(p[i], 0);
	return p;
}

static size_t size_of(const void *p)
{
	return qn_share_size(&s, qn_segments_find(&s, p), p);
}

static size_t drop(void *p)
{
	return qn_share_free(&s, qn_segments_find(&s, p), p, true);
}

/* ---- where they lie ---- */

static void test_side_by_side(void **state)
{
	static const struct {
		size_t size, align;
	} of[] = { { 4096, 4096 },   { 8192, 4096 },   { 16384, 16384 },
		   { 34000, 16 },    { 32768, 32768 }, { 66000, 16 },
		   { 100000, 4096 }, { 65536, 65536 }, { QN_SHARE_BYTES, 16 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(of); i++) {
		size_t bytes = round_up(of[i].size, PAGE), nr = 1000;

		begin(4096);
		for (size_t n = 0; n < nr; n++)
			take(of[i].size, of[i].align);
		/* Each chunk's end may be too short for one more, and the last is new */
		assert_true(s.resident.used <=
			    nr * bytes + CHUNK +
				    (nr * bytes / (CHUNK - bytes) + 1) *
					    (bytes - PAGE));
		check();
	}
}

/* Small ones fill what aligned ones leave */
static void test_holes_are_used(void **state)
{
	(void)state;
	begin(4096);
	for (int i = 0; i < 200; i++)
		take(PAGE, QN_UNIT_SIZE);
	assert_int_equal(s.resident.used, 200 * QN_UNIT_SIZE);
	for (int i = 0; i < 200 * 15; i++)
		take(PAGE, PAGE);
	assert_int_equal(s.resident.used, 200 * QN_UNIT_SIZE);
	check();
}

static void test_gives_back(void **state)
{
	char *p[100];

	(void)state;
	begin(4096);
	for (size_t i = 0; i < ARRAY_SIZE(p); i++)
		memset(p[i] = take(40000, 16), 1, 40000);
	for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
		assert_int_equal(drop(p[i]), round_up((size_t)40000, PAGE));
		check();
	}
	assert_int_equal(s.resident.used, 0);
	assert_int_equal(s.share.dirty, 0);
	assert_true(s.resident.dirty <= DIRTY);
}

/* ---- what is resident ---- */

static void test_dirty(void **state)
{
	char *p[200];

	(void)state;
	begin(4096);
	for (size_t i = 0; i < ARRAY_SIZE(p); i++)
		memset(p[i] = take(2 * PAGE, PAGE), 0xcc, 2 * PAGE);
	assert_int_equal(s.resident.dirty, 0);
	for (size_t i = 0; i < ARRAY_SIZE(p); i += 2)
		drop(p[i]);
	assert_int_equal(s.share.dirty, 200 * PAGE);
	assert_int_equal(qn_segments_purge(&s, 0), 200 * PAGE);
	assert_int_equal(s.resident.dirty, 0);
	check();
	for (size_t i = 0; i < ARRAY_SIZE(p); i += 2) {
		size_t old = 1;

		p[i] = qn_share_alloc(&s, 2 * PAGE, PAGE, &old);
		assert_int_equal(old, 0);
		assert_int_equal(p[i][0] | p[i][2 * PAGE - 1], 0);
	}
	for (size_t i = 1; i < ARRAY_SIZE(p); i += 2)
		assert_int_equal((unsigned char)p[i][2 * PAGE - 1], 0xcc);
	check();
}

/* Old contents may lie where nothing was written since: they do not read as zero */
static void test_old_contents(void **state)
{
	struct qn_unit *u;

	(void)state;
	begin(4096);
	u = qn_run_alloc(&s, QN_SHARE_UNITS, 1, QN_UNIT_LARGE, NULL);
	memset(qn_unit_start(&s, u), 0xcc, CHUNK);
	qn_run_free(&s, u, CHUNK);
	assert_ptr_equal(
		qn_run_alloc(&s, QN_SHARE_UNITS, 1, QN_UNIT_LARGE, NULL), u);
	qn_run_free(&s, u, PAGE);
	for (int i = 0; i < 3; i++)
		assert_in_range(take(QN_SHARE_BYTES, PAGE) -
					qn_unit_start(&s, u),
				0, CHUNK);
	check();
}

/* More than may be dirty goes back by itself, and none is kept where none may be */
static void test_purges(void **state)
{
	static char *p[4000];

	(void)state;
	for (int none = 0; none < 2; none++) {
		begin(4096);
		knobs.dirty = none ? 0 : DIRTY;
		for (size_t i = 0; i < ARRAY_SIZE(p); i++)
			p[i] = take(PAGE, PAGE);
		for (size_t i = 0; i < ARRAY_SIZE(p); i += 2)
			drop(p[i]);
		if (none)
			assert_int_equal(s.resident.dirty, 0);
		assert_true(s.resident.dirty <= DIRTY + s.resident.used / 16);
		assert_true(s.resident.purged >= 2 << 20);
		check();
	}
}

static void test_refault(void **state)
{
	char *p, *other;

	(void)state;
	begin(4096);
	p = take(20 * PAGE, PAGE);
	other = take(PAGE, PAGE);
	for (int late = 0; late < 2; late++) {
		s.resident.refaults = 0;
		memset(p, 1, 20 * PAGE);
		drop(p);
		qn_segments_purge(&s, 0);
		port_sleep_ms(late ? 3000 : 100);
		assert_ptr_equal(take(20 * PAGE, PAGE), p);
		p[0] = 1;
		/* take() looks for zero in all of it, which counts here */
		drop(p);
		assert_int_equal(s.resident.refaults != 0, !late);
		assert_true(s.resident.refaults <= 20 * PAGE);
		qn_segments_purge(&s, 0);
		port_sleep_ms(3000);
		p = take(20 * PAGE, PAGE);
	}
	drop(other);
	drop(p);
	check();
}

static void purge_old(void)
{
	while (qn_segments_purge_old(&s))
		;
}

/* A little that comes and goes does not keep the rest young */
static void test_age(void **state)
{
	char *p[200];

	(void)state;
	begin(4096);
	knobs.dirty = 64 << 20;
	knobs.price = 7500;
	s.resident.page_ns = 1638;
	for (size_t i = 0; i < ARRAY_SIZE(p); i++)
		memset(p[i] = take(2 * PAGE, PAGE), 1, 2 * PAGE);
	for (size_t i = 0; i < ARRAY_SIZE(p); i += 2)
		drop(p[i]);
	port_sleep_ms(2900);
	purge_old();
	assert_int_equal(s.share.dirty, 200 * PAGE);
	/* Of 202 pages two are new */
	memset(p[1], 1, 2 * PAGE);
	drop(p[1]);
	purge_old();
	assert_int_equal(s.share.dirty, 202 * PAGE);
	port_sleep_ms(150);
	purge_old();
	assert_int_equal(s.share.dirty, 0);
	/* What comes then is as new as it is */
	drop(p[3]);
	port_sleep_ms(2900);
	purge_old();
	assert_int_equal(s.share.dirty, 2 * PAGE);
	check();
}

/* Pages of the system that are longer than ours are purged as a whole or not at all */
static void test_long_pages(void **state)
{
	char *p[64];

	(void)state;
	begin(QN_UNIT_SIZE);
	for (size_t i = 0; i < ARRAY_SIZE(p); i++)
		memset(p[i] = take(PAGE, PAGE), (int)i + 1, PAGE);
	for (size_t i = 0; i < 16 + 8; i++)
		drop(p[i]);
	assert_int_equal(qn_segments_purge(&s, 0), QN_UNIT_SIZE);
	assert_int_equal(s.resident.dirty, 8 * PAGE);
	for (size_t i = 16 + 8; i < ARRAY_SIZE(p); i++)
		assert_int_equal(p[i][PAGE - 1], (int)i + 1);
	check();
}

static void test_purge_fails(void **state)
{
	char *p, *other;

	(void)state;
	begin(4096);
	p = take(4 * PAGE, PAGE);
	other = take(PAGE, PAGE);
	memset(other, 7, PAGE);
	drop(p);
	port.purge.fail_at = 1;
	port.purge.fail_nr = 100;
	assert_int_equal(qn_segments_purge(&s, 0), 0);
	assert_int_equal(s.share.dirty, 4 * PAGE);
	assert_int_equal(other[PAGE - 1], 7);
	check();
}

/* ---- misuse, and memory that there is not ---- */

static void test_no_block(void **state)
{
	char *p, *q;

	(void)state;
	begin(4096);
	p = take(3 * PAGE, PAGE);
	q = take(PAGE, PAGE);
	assert_int_equal(size_of(p), 3 * PAGE);
	assert_int_equal(drop(p + PAGE), 0);
	assert_int_equal(drop(p + 16), 0);
	assert_int_equal(drop(q + PAGE), 0);
	assert_int_equal(size_of(p + 2 * PAGE), 0);
	assert_int_equal(drop(p), 3 * PAGE);
	assert_int_equal(drop(p), 0);
	assert_int_equal(size_of(p), 0);
	check();
}

static void test_no_memory(void **state)
{
	size_t old;
	unsigned int nr = 0;

	(void)state;
	begin(4096);
	assert_non_null(qn_share_alloc(&s, QN_SHARE_BYTES, PAGE, &old));
	port_refuse_all();
	while (qn_share_alloc(&s, QN_SHARE_BYTES, PAGE, &old))
		nr++;
	assert_true(nr > 3);
	check();
}

/* ---- all of it ---- */

struct block {
	char *p;
	size_t size;
	u8 mark;
};

static void fill(struct block *b)
{
	b->mark = (u8)(1 + roll(255));
	for (size_t i = 0; i < b->size; i += PAGE)
		memset(b->p + i, b->mark, 64);
}

static void verify(const struct block *b, size_t size)
{
	for (size_t i = 0; i < size; i += PAGE)
		for (size_t n = 0; n < 64; n += 21)
			assert_int_equal((u8)b->p[i + n], b->mark);
}

static void resize(struct block *b)
{
	size_t size = (1 + roll(QN_SHARE_MOST)) * PAGE;

	if (qn_share_resize(&s, qn_segments_find(&s, b->p), b->p, size)) {
		verify(b, min(size, b->size));
		b->size = size;
	}
	assert_int_equal(size_of(b->p), b->size);
	fill(b);
}

static void change(struct block *b)
{
	if (!b->p) {
		b->size = (1 + roll(roll(3) ? 6 : QN_SHARE_MOST)) * PAGE;
		b->p = take(b->size, PAGE << roll(5));
		assert_int_equal(size_of(b->p), b->size);
		fill(b);
		return;
	}
	verify(b, b->size);
	if (roll(4) == 0) {
		resize(b);
		return;
	}
	assert_int_equal(drop(b->p), b->size);
	b->p = NULL;
}

static void test_random(void **state)
{
	static const size_t page_sizes[] = { 4096, 16384, 65536 };
	static struct block block[300];

	(void)state;
	for (size_t n = 0; n < ARRAY_SIZE(page_sizes); n++) {
		begin(page_sizes[n]);
		memset(block, 0, sizeof(block));
		for (int i = 0; i < 20000; i++) {
			change(&block[roll(ARRAY_SIZE(block))]);
			if (roll(500) == 0)
				qn_segments_purge(&s, roll(2) ? 0 : 1 << 20);
			if (roll(50) == 0)
				check();
			port_sleep_ms(roll(40));
		}
		for (size_t i = 0; i < ARRAY_SIZE(block); i++)
			if (block[i].p)
				drop(block[i].p);
		assert_int_equal(s.resident.used, 0);
		assert_int_equal(s.share.dirty, 0);
		assert_int_equal(s.share.lists, 0);
		check();
	}
}

/* What is behind part of a page of the system is others' */
static void test_drop_is_of_whole_pages(void **state)
{
	const size_t page = 64 << 10;
	char *p;

	(void)state;
	begin(page);
	p = qn_port_map(NULL, 4 * page);
	assert_non_null(p);
	memset(p, 1, 4 * page);
	assert_false(qn_resident_drop(p, page + PAGE));
	assert_false(qn_resident_drop(p + PAGE, page));
	assert_int_equal(port.nr_purged, 0);
	assert_int_equal(p[0] & p[2 * page - 1], 1);
	assert_true(qn_resident_drop(p, page));
	assert_int_equal(p[0] | p[page - 1], 0);
	assert_int_equal(p[page], 1);
	qn_port_release(p, 4 * page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_side_by_side),
		cmocka_unit_test(test_holes_are_used),
		cmocka_unit_test(test_gives_back),
		cmocka_unit_test(test_drop_is_of_whole_pages),
		cmocka_unit_test(test_dirty),
		cmocka_unit_test(test_old_contents),
		cmocka_unit_test(test_purges),
		cmocka_unit_test(test_age),
		cmocka_unit_test(test_refault),
		cmocka_unit_test(test_long_pages),
		cmocka_unit_test(test_purge_fails),
		cmocka_unit_test(test_no_block),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
