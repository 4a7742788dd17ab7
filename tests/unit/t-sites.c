// SPDX-License-Identifier: MIT
/*
 * t-sites.c - call sites of sampled requests.
 *
 * Links: linuxport.c, lib/process/sites.c and all below it.
 *
 * Invariants checked here:
 * - one stack is one site, another is another, whatever their order; frames say which
 *   module and where in it; sums are those of all notes;
 * - when there is no room for a site or a stack nothing is lost unsaid: bytes of all sites
 *   and of what has none are the bytes that were noted;
 * - a large block counts as live from hold to drop, however often and in whatever order,
 *   also where more are held than there are places for;
 * - a name that is too long keeps its end, more modules than there is room for are none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linuxport.h"
#include "process/sites.h"
#include "../random.h"

static struct qn_sites sites;
static void *memory;
static uintptr_t stack[QN_SITES_DEPTH];
static unsigned int depth;
static char names[200][300];

static unsigned int take(uintptr_t *pcs, unsigned int most)
{
	assert_int_equal(most, QN_SITES_DEPTH);
	memcpy(pcs, stack, depth * sizeof(*pcs));
	return depth;
}

/* A module each 64 KB, from 1 on, of 200; below there is none */
static const char *locate(uintptr_t pc, uintptr_t *base)
{
	uintptr_t module = pc >> 16;

	*base = module << 16;
	return module && module <= 200 ? names[module - 1] : NULL;
}

static const struct qn_sites_ops ops = { take, locate };

static void begin(void)
{
	port_reset(4096);
	memory = calloc(1, QN_SITES_BYTES);
	assert_non_null(memory);
	memset(&sites, 0, sizeof(sites));
	for (int i = 0; i < 200; i++)
		snprintf(names[i], sizeof(names[i]), "/lib/m%d.so", i);
	qn_sites_init(&sites, memory, &ops);
}

static void end(void)
{
	free(memory);
}

static u32 note(uintptr_t a, uintptr_t b, u64 bytes)
{
	stack[0] = a;
	stack[1] = b;
	depth = b ? 2 : a != 0;
	return qn_sites_note(&sites, bytes, 1);
}

static const struct qn_site *site_of(u32 number)
{
	assert_in_range(number, 1, QN_SITES_NR);
	return &sites.page->sites[number - 1];
}

static u64 sum_of_sites(void)
{
	u64 sum = 0;

	for (u32 i = 0; i < QN_SITES_NR; i++)
		sum += sites.page->sites[i].bytes;
	return sum;
}

static void test_off(void **state)
{
	struct qn_sites none = { 0 };

	(void)state;
	assert_int_equal(qn_sites_note(&none, 100, 1), 0);
	qn_sites_live(&none, 0, 5, 1);
	qn_sites_skip(&none, 5);
	qn_sites_restart(&none);
}

static void test_sites(void **state)
{
	u32 a, b, c;

	(void)state;
	begin();
	a = note(0x10004, 0x20008, 100);
	b = note(0x20008, 0x10004, 10);
	c = note(0x10004, 0, 1);
	assert_true(a && b && c && a != b && a != c && b != c);
	assert_int_equal(note(0x10004, 0x20008, 1000), a);
	assert_int_equal(site_of(a)->bytes, 1100);
	assert_int_equal(site_of(a)->nr, 2);
	assert_int_equal(site_of(b)->bytes, 10);
	assert_int_equal(site_of(a)->nr_frames, 2);
	assert_int_equal(site_of(c)->nr_frames, 1);
	for (int i = 0; i < 2; i++) {
		u64 frame = site_of(a)->frames[i];
		u32 module = (u32)(frame >> QN_SITES_SHIFT);

		assert_in_range(module, 1, 2);
		assert_string_equal(sites.page->modules[module - 1].name,
				    names[i]);
		assert_int_equal(frame & 0xffffffff, 4 + 4 * i);
	}
	assert_int_equal(sites.page->nr_modules, 2);
	/* Of no module: the address */
	a = note(0x1234, 0, 1);
	assert_int_equal(site_of(a)->frames[0], 0x1234);
	qn_sites_restart(&sites);
	assert_int_equal(sum_of_sites(), 0);
	assert_int_equal(note(0x1234, 0, 7), a);
	end();
}

static void test_full(void **state)
{
	u64 sum = 0;

	(void)state;
	begin();
	assert_int_equal(note(0, 0, 5), 0);
	assert_int_equal(sites.page->unknown_bytes, 5);
	assert_int_equal(sites.page->unknown_nr, 1);
	for (u32 i = 1; i <= 3 * QN_SITES_NR; i++) {
		note(0x10000 + i * 16, 0, i);
		sum += i;
	}
	assert_int_equal(sites.page->nr_sites, QN_SITES_NR / 4 * 3);
	assert_int_equal(sites.page->full_nr,
			 3 * QN_SITES_NR - QN_SITES_NR / 4 * 3);
	assert_int_equal(sum_of_sites() + sites.page->full_bytes, sum);
	/* Those that are there are found all the same */
	assert_true(note(0x10000 + 16, 0, 1) > 0);
	end();
}

static u32 module_in(u32 site)
{
	return (u32)(site_of(site)->frames[0] >> QN_SITES_SHIFT);
}

/* A module is found again; a library that came to the place of another is another one */
static void test_same_module(void **state)
{
	u32 first;

	(void)state;
	begin();
	first = module_in(note(0x10010, 0, 1));
	assert_int_equal(module_in(note(0x20010, 0, 1)), first + 1);
	assert_int_equal(module_in(note(0x10020, 0, 1)), first);
	strcpy(names[0], "/lib/other.so");
	assert_int_equal(module_in(note(0x10030, 0, 1)), first + 2);
	assert_int_equal(sites.page->nr_modules, 3);
	end();
}

static void test_modules(void **state)
{
	const struct qn_site *s;
	u32 site;

	(void)state;
	begin();
	memset(names[0], 'x', 299);
	memcpy(names[0] + 290, "/end.so", 8);
	site = note(0x10010, 0, 1);
	assert_int_equal(note(0x10010, 0, 1), site);
	assert_int_equal(note(0x10020, 0, 1) != site, true);
	assert_int_equal(sites.page->nr_modules, 1);
	assert_int_equal(strlen(sites.page->modules[0].name), 247);
	assert_non_null(strstr(sites.page->modules[0].name, "/end.so"));
	for (u32 i = 2; i <= 200; i++)
		site = note(i << 16 | 8, 0, 1);
	assert_int_equal(sites.page->nr_modules, QN_SITES_MODULES);
	s = site_of(site);
	assert_true(s->frames[0] == (200 << 16 | 8));
	end();
}

/* Against a plain array of what is held */
static void test_held(void **state)
{
	static u32 held[3 * QN_SITES_HELD];
	u32 random = 1, site, nr = 0;
	u64 live = 0;

	(void)state;
	begin();
	site = note(0x10010, 0, 1);
	for (u32 round = 0; round < 400000; round++) {
		u32 i;

		random_turn(&random);
		i = (random >> 8) % (QN_SITES_HELD / 2);
		if (held[i]) {
			qn_sites_drop(&sites,
				      (void *)(uintptr_t)((i + 1) << 16));
			live -= held[i];
			nr--;
			held[i] = 0;
		} else {
			held[i] = 1 + random % 1000;
			qn_sites_hold(&sites,
				      (void *)(uintptr_t)((i + 1) << 16), site,
				      held[i]);
			live += held[i];
			nr++;
		}
		if (round % 64 == 0) {
			assert_int_equal(site_of(site)->live, live);
			assert_int_equal(site_of(site)->nr_live, nr);
		}
	}
	assert_int_equal(sites.page->unfollowed, 0);
	/* What nobody holds is nobody's */
	qn_sites_drop(&sites, (void *)8);
	assert_int_equal(site_of(site)->live, live);
	end();
}

static void test_held_full(void **state)
{
	const u32 nr = 2 * QN_SITES_HELD;
	u32 site;

	(void)state;
	begin();
	site = note(0x10010, 0, 1);
	for (u32 i = 1; i <= nr; i++)
		qn_sites_hold(&sites, (void *)(uintptr_t)(i << 16), site, 10);
	assert_int_equal(site_of(site)->live + sites.page->unfollowed, 10 * nr);
	assert_true(site_of(site)->nr_live >= QN_SITES_HELD / 2);
	for (u32 i = 1; i <= nr; i++)
		qn_sites_drop(&sites, (void *)(uintptr_t)(i << 16));
	assert_int_equal(site_of(site)->live, 0);
	assert_int_equal(site_of(site)->nr_live, 0);
	qn_sites_hold(&sites, (void *)0x10000, site, 3);
	assert_int_equal(site_of(site)->live, 3);
	end();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_off),
		cmocka_unit_test(test_sites),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_modules),
		cmocka_unit_test(test_same_module),
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_held_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
