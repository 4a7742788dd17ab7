// SPDX-License-Identifier: MIT
/*
 * t-slab.c - one unit cut into objects, and what is noticed on the way back.
 *
 * Links: linuxport.c, lib/process/slab.c.
 *
 * Invariants checked here, the first three after every step:
 * - carved == used + length of the free list + hidden, used == count + floor;
 * - each object is in one place: in use, on the list, hidden or not yet carved;
 *   objects do not overlap and lie inside the unit;
 * - objects in use keep their contents, memory behind the carved is not touched;
 * - carving gives what was asked for, at least one object, at most what is left;
 *   taking gives no more than the limit, and no object twice;
 * - pages that are hidden touch no object in use and are whole pages of the system;
 *   after they were purged all hidden objects come back;
 * - a block freed twice, a pointer into a block and a link that was overwritten
 *   stop the program with a message that names the block.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "process/hub.h"
#include "linuxport.h"
#include "process/slab.h"
#include "../random.h"

#define NR_MOST (QN_UNIT_SIZE / QN_ALIGN)
#define PIECE   (QN_UNIT_SIZE / 16)
#define UNUSED  0xee

static char memory[QN_UNIT_SIZE] __aligned(65536);
static struct qn_unit slab;
static struct qn_local *const nobody = (struct qn_local *)(void *)memory;

enum place {
	UNCARVED,
	USED,
	FREE,
	HIDDEN,
};

static unsigned char places[NR_MOST];

static const u32 osizes[] = { 16,    32,    48,    112,   128,  144,
			      176,   320,   1000,  1024,  1040, 2048,
			      4096,  4112,  6160,  8192,  9216, 10928,
			      16384, 20480, 21840, 32752, 32768 };

/* What may be resident: old contents of the unit, and objects that are not hidden */
static u32 resident, stale;

static void begin(u32 osize)
{
	port_reset(4096);
	memset(memory, UNUSED, sizeof(memory));
	memset(&slab, UNUSED, sizeof(slab));
	memset(places, UNCARVED, sizeof(places));
	osize = round_up(osize, (u32)QN_ALIGN);
	resident = stale;
	slab.touched = (u16)stale;
	qn_slab_init(&slab, nobody, 7, osize);
}

/* ---- the shadow ---- */

static char *object(u32 i)
{
	return memory + (size_t)i * slab.osize;
}

static u32 index_of(const void *p)
{
	size_t at = (size_t)((const char *)p - memory);

	assert_true(at < QN_UNIT_SIZE && at % slab.osize == 0);
	assert_true(at + slab.osize <= QN_UNIT_SIZE);
	return (u32)(at / slab.osize);
}

static void move(u32 i, enum place from, enum place to)
{
	assert_true(i < slab.nr);
	assert_int_equal(places[i], from);
	places[i] = (unsigned char)to;
	if (to == USED)
		memset(object(i), (int)(i % 251), slab.osize);
}

static u32 count(enum place place)
{
	u32 nr = 0;

	for (u32 i = 0; i < NR_MOST; i++)
		nr += places[i] == place;
	return nr;
}

static bool is_filled(const char *p, int byte, size_t size)
{
	return size == 0 ||
	       ((unsigned char)*p == byte && memcmp(p, p + 1, size - 1) == 0);
}

static void check_contents(void)
{
	char *end = object(slab.carved);

	for (u32 i = 0; i < slab.carved; i++)
		if (places[i] == USED)
			assert_true(is_filled(object(i), (int)(i % 251),
					      slab.osize));
	if (!slab.hidden)
		assert_true(is_filled(end, UNUSED,
				      (size_t)(memory + QN_UNIT_SIZE - end)));
}

static u32 pages_of(u32 i)
{
	size_t from = (size_t)i * slab.osize / PIECE;
	size_t last = ((size_t)(i + 1) * slab.osize - 1) / PIECE;
	u32 pages = 0;

	for (; from <= last; from++)
		pages |= 1u << from;
	return pages;
}

static void check(void)
{
	u32 nr = 0;

	for (u32 i = 0; i < slab.carved; i++)
		if (places[i] != HIDDEN)
			resident |= pages_of(i);
	assert_int_equal(slab.touched, resident);

	for (void *p = slab.free; p; p = *(void **)p) {
		assert_int_equal(places[index_of(p)], FREE);
		assert_true(nr++ < slab.carved);
	}
	assert_int_equal(nr, count(FREE));
	assert_int_equal(slab.hidden, count(HIDDEN));
	assert_int_equal(qn_slab_used(&slab), count(USED));
	assert_int_equal(slab.carved, qn_slab_used(&slab) + nr + slab.hidden);
	assert_int_equal(qn_slab_can_carve(&slab), slab.carved < slab.nr);
	assert_int_equal(qn_slab_has_free(&slab), nr || slab.hidden);
	check_contents();
}

/* ---- operations ---- */

/* Account a chain of @nr objects that came from @from */
static void take_chain(void *list, u32 nr, enum place from)
{
	for (; nr > 0; nr--) {
		void *next = *(void **)list;

		assert_int_equal(next == NULL, nr == 1);
		move(index_of(list), from, USED);
		list = next;
	}
}

static u32 carve(size_t bytes)
{
	u32 before = slab.carved, nr = 0;
	void *list = qn_slab_carve(&slab, memory, bytes, &nr);
	void *p = list;

	for (u32 i = 0; i < nr; i++, p = *(void **)p)
		assert_ptr_equal(p, object(before + i));
	assert_null(p);
	take_chain(list, nr, UNCARVED);
	assert_int_equal(slab.carved, before + nr);
	return nr;
}

static u32 take(u32 limit)
{
	u32 nr = min(limit, qn_slab_nr_free(&slab));
	void *list = qn_slab_take(&slab, memory, nr, UINT32_MAX);

	take_chain(list, nr, FREE);
	return nr;
}

/* What free() does, without a look at anything */
static void give(void *p)
{
	*(void **)p = slab.free;
	slab.free = p;
	slab.count--;
}

static void drop(u32 i)
{
	move(i, USED, FREE);
	give(object(i));
}

static void carve_all(void)
{
	while (qn_slab_can_carve(&slab))
		carve(QN_UNIT_SIZE);
}

/* ---- carving and taking ---- */

static void test_init(void **state)
{
	(void)state;
	for (u32 osize = QN_ALIGN; osize <= QN_SLAB_MAX; osize += QN_ALIGN) {
		begin(osize);
		assert_int_equal(slab.nr, QN_UNIT_SIZE / osize);
		assert_int_equal(slab.osize, osize);
		assert_int_equal(slab.carved, 0);
		assert_int_equal(slab.class, 7);
		assert_int_equal(slab.state, QN_SLAB_CURRENT);
		assert_int_equal(qn_slab_used(&slab), 0);
		assert_true(slab.count > 0);
		assert_ptr_equal(slab.owner, nobody);
		assert_true(qn_slab_can_carve(&slab));
		assert_true(qn_slab_has_room(&slab));
		assert_false(qn_slab_has_free(&slab));
	}
}

static void test_carve(void **state)
{
	static const size_t amounts[] = { 0,    1,    16,    4095,
					  4096, 5000, 16384, QN_UNIT_SIZE };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(osizes); i++)
		for (size_t j = 0; j < ARRAY_SIZE(amounts); j++) {
			size_t bytes = amounts[j];

			begin(osizes[i]);
			while (qn_slab_can_carve(&slab)) {
				u32 left = (u32)slab.nr - slab.carved;
				size_t nr = max(bytes / slab.osize, (size_t)1);

				assert_int_equal(carve(bytes), min(nr, left));
			}
			check();
			assert_int_equal(slab.carved, slab.nr);
			assert_false(qn_slab_has_room(&slab));
		}
}

static void test_take_limits(void **state)
{
	static const u32 limits[] = { 1, 2, 3, 7, 64, 4095, UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(osizes); i++)
		for (size_t j = 0; j < ARRAY_SIZE(limits); j++) {
			begin(osizes[i]);
			carve_all();
			for (u32 n = 0; n < slab.nr; n += 1 + n % 3)
				drop(n);
			while (slab.free) {
				u32 have = count(FREE);

				assert_int_equal(take(limits[j]),
						 min(have, limits[j]));
			}
			check();
		}
}

/* ---- hiding ---- */

/* The kernel drops pages, of @page bytes each */
static void purge(u32 pages, size_t page)
{
	size_t per = max(page / PIECE, (size_t)1);
	u32 group = (u32)((1ul << per) - 1);

	for (u32 i = 0; i < 16; i += (u32)per) {
		u32 part = pages >> i & group;

		assert_true(part == 0 || part == group);
		if (part)
			memset(memory + i * PIECE, 0, per * PIECE);
	}
}

/* The pages that can be had at all: carved at least in part, nothing used in them */
static u32 pages_idle(size_t page)
{
	size_t per = max(page / PIECE, (size_t)1);
	u32 group = (u32)((1ul << per) - 1);
	u32 used = 0, idle = 0;

	for (u32 i = 0; i < slab.carved; i++)
		if (places[i] == USED)
			used |= pages_of(i);
	for (size_t i = 0; i < 16; i += per)
		if (!(used & group << i) && (resident & group << i))
			idle |= group << i;
	return idle;
}

/* What the kernel dropped of the uncarved is as good as before */
static void renew_uncarved(void)
{
	memset(object(slab.carved), UNUSED,
	       (size_t)(memory + QN_UNIT_SIZE - object(slab.carved)));
}

static void hide(size_t page)
{
	u32 expected = pages_idle(page);
	u32 pages = qn_slab_hide(&slab, memory, page);

	assert_int_equal(pages, expected);
	for (u32 i = 0; i < slab.carved; i++)
		if (pages_of(i) & pages)
			move(i, FREE, HIDDEN);
	purge(pages, page);
	resident &= ~pages;
	/* Who purges them says so */
	slab.touched &= (u16)~pages;
	if (!slab.hidden)
		renew_uncarved();
	check();
}

static void show(void)
{
	slab.touched |= slab.hidden_pages & (u16)qn_slab_parts(&slab);
	qn_slab_show(&slab, memory);
	for (u32 i = 0; i < slab.carved; i++)
		if (places[i] == HIDDEN)
			move(i, HIDDEN, FREE);
	renew_uncarved();
	check();
}

/* All but every @keep-th object is free */
static void check_hide(u32 osize, u32 part, u32 keep, size_t page)
{
	begin(osize);
	while (slab.carved < slab.nr / part || !slab.carved)
		carve(1);
	for (u32 i = 0; i < slab.carved; i++)
		if (!keep || i % keep)
			drop(i);
	check();
	hide(page);
	show();
	if (slab.free)
		take(UINT32_MAX);
	check();
}

static void test_hide_and_show(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(osizes); i++)
		for (size_t page = 4096; page <= 65536; page *= 2)
			for (u32 keep = 0; keep < 80; keep += 13) {
				check_hide(osizes[i], 1, keep, page);
				check_hide(osizes[i], 3, keep, page);
				/* A unit with contents from before */
				stale = 0xb1f0;
				check_hide(osizes[i], 3, keep, page);
				stale = 0;
			}
}

/* ---- long sequences ---- */

static void random_step(u32 drop_bias, size_t page)
{
	u32 i = slab.carved ? roll(slab.carved) : 0;

	if (slab.hidden) {
		/* The owner frees on; everything else has to wait for show() */
		if (places[i] == USED && roll(3))
			drop(i);
		else if (!roll(8))
			show();
		return;
	}
	if (places[i] == USED && roll(100) < drop_bias)
		drop(i);
	else if (slab.free && roll(2))
		take(1 + roll(8));
	else if (qn_slab_can_carve(&slab) && roll(2))
		carve(roll(2048));
	else if (slab.carved && !roll(12))
		hide(page);
}

static void test_random(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(osizes); i++)
		for (size_t page = 4096; page <= 65536; page *= 4) {
			begin(osizes[i]);
			random_state = 88172645u + (u32)i;
			for (u32 n = 0; n < 600; n++) {
				random_step(n % 200 < 120 ? 40 : 95, page);
				check();
			}
		}
}

/* ---- misuse ---- */

#define TWICE  "the block was freed twice"
#define INSIDE "the pointer is not the start of a block"
#define LATE   "the object was written to after it was freed"

static void take_all(void *arg)
{
	(void)arg;
	while (slab.free)
		qn_slab_take(&slab, memory, qn_slab_nr_free(&slab), UINT32_MAX);
}

static void take_one_by_one(void *arg)
{
	(void)arg;
	while (slab.free)
		qn_slab_take(&slab, memory, min(1u, qn_slab_nr_free(&slab)),
			     UINT32_MAX);
}

/* Every object but the first three free, then one of them again: whichever */
static void test_double_free(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(osizes); i++) {
		u32 nr = QN_UNIT_SIZE / round_up(osizes[i], 16u);

		for (u32 again = 0; again < min(nr, 40u); again++) {
			begin(osizes[i]);
			carve_all();
			for (u32 n = 0; n < nr; n++)
				if (n == again || n % 4)
					give(object(n));
			give(object(again));
			/* The first free of it is no part of the list any more */
			assert_misuse(take_all, NULL, "free", object(again),
				      TWICE);
		}
	}
}

/*
 * Taken one by one, the block is handed out before the second free of it is seen.
 * The list is then shorter than the count says, but for a block that ended it.
 */
static void test_double_free_in_portions(void **state)
{
	(void)state;
	for (u32 again = 1; again < 11; again++) {
		begin(64);
		carve_all();
		for (u32 n = 0; n < 12; n++)
			give(object(n));
		give(object(again));
		assert_misuse(take_one_by_one, NULL, "free", memory,
			      "a block of this slab was freed twice, or "
			      "written to after it was freed");
	}
}

static void test_interior(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(osizes); i++)
		for (u32 at = 8; at + 8 <= min(osizes[i], 512u); at += 8) {
			begin(osizes[i]);
			carve_all();
			give(object(1));
			give(object(0) + at);
			assert_misuse(take_all, NULL, "free", object(0) + at,
				      INSIDE);
		}
}

/* The pointer into a block was freed first and lies at the end of the list */
static void test_interior_last(void **state)
{
	(void)state;
	begin(48);
	carve_all();
	give(object(9) + 16);
	for (u32 n = 20; n < 90; n++)
		give(object(n));
	assert_misuse(take_all, NULL, "free", object(9) + 16, INSIDE);
}

/* A byte written to a freed block changes the link that lies there */
static void test_link_overwritten(void **state)
{
	(void)state;
	for (int byte = 8; byte < 256; byte += 8) {
		char *was, *to;

		begin(272);
		carve_all();
		give(object(30));
		give(object(10));
		memcpy(&was, object(10), sizeof(was));
		object(10)[0] = (char)byte;
		memcpy(&to, object(10), sizeof(to));
		if (to == was)
			continue;
		assert_misuse(take_all, NULL, "free", to, INSIDE);
	}
}

/* The link leads to an object that is in use: its contents are no list */
static void test_link_to_used(void **state)
{
	void *other;

	(void)state;
	begin(272);
	carve_all();
	give(object(30));
	give(object(10));
	other = object(77);
	memcpy(object(10), &other, sizeof(other));
	assert_misuse(take_all, NULL, "free", other, LATE);
}

/* More frees than objects: the count says that the list must be at its end */
static void test_link_beyond_the_carved(void **state)
{
	void *other;

	(void)state;
	begin(272);
	carve(4096);
	give(object(3));
	give(object(2));
	other = object(100);
	memcpy(object(2), &other, sizeof(other));
	assert_misuse(take_all, NULL, "free", object(2), LATE);
}

static void misuse(void *p)
{
	qn_misuse("realloc", p, "no such thing");
}

static void test_misuse_message(void **state)
{
	static char text[] =
		"quern: realloc(0x12ab): no such thing; next: " QN_MISUSE_NEXT
		"\n";

	(void)state;
	port_reset(4096);
	assert_true(port_stops(misuse, (void *)0x12ab));
	assert_int_equal(port.text_size, sizeof(text) - 1);
	assert_memory_equal(port.text, text, sizeof(text));
	assert_misuse(misuse, (void *)UINTPTR_MAX, "realloc",
		      (void *)UINTPTR_MAX, "no such thing");
	assert_misuse(misuse, (void *)1, "realloc", (void *)1, "no such thing");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_init),
		cmocka_unit_test(test_carve),
		cmocka_unit_test(test_take_limits),
		cmocka_unit_test(test_hide_and_show),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_double_free),
		cmocka_unit_test(test_double_free_in_portions),
		cmocka_unit_test(test_interior),
		cmocka_unit_test(test_interior_last),
		cmocka_unit_test(test_link_overwritten),
		cmocka_unit_test(test_link_to_used),
		cmocka_unit_test(test_link_beyond_the_carved),
		cmocka_unit_test(test_misuse_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
