// SPDX-License-Identifier: MIT
/*
 * t-fence.c - blocks between marks.
 *
 * Links: linuxport.c, lib/process/fence.c and all below it.
 *
 * Invariants checked here:
 * - blocks are aligned, do not overlap and hold what was asked for, not a byte more;
 *   whatever a program writes into them, nothing is said;
 * - a change of any byte of the header, of the marks or of a freed block is noticed by the
 *   next look, and by free() or when the unit goes back, with a message that names the
 *   block;
 * - a second free and a pointer into a block stop the program at once;
 * - a thread has as many fences as the knob says, none once too much was freed, and
 *   none where the process is watched; all memory comes back, at a refusal also what is
 *   kept of freed large blocks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "process/local.h"
#include "linuxport.h"

#define HEAD    16
#define BEFORE  "the word before the block was overwritten"
#define WRITTEN "the block was written to after it was freed"

static struct qn_hub hub;
static struct qn_local *l;

static const size_t sizes[] = { 0,     1,      7,      8,     15,    16,
				17,    24,     100,    112,   1000,  1024,
				1025,  5000,   32767,  32768, 32769, 40000,
				65536, 300000, 3000000 };

static void begin(void)
{
	port_reset(4096);
	memset(&hub, 0, sizeof(hub));
	assert_int_equal(qn_hub_init(&hub), 0);
	l = qn_local_get(&hub);
	assert_non_null(l);
}

static char *alloc(size_t size, size_t align)
{
	size_t old = size;
	char *p = qn_fence_alloc(l, size, align, &old);

	assert_non_null(p);
	assert_true(is_aligned((uintptr_t)p, max(align, QN_ALIGN)));
	for (size_t i = old ? size : 0; i < size; i++)
		assert_int_equal(p[i], 0);
	return p;
}

static struct qn_unit *unit_of(const void *p)
{
	return qn_segments_find(&hub.segments, p);
}

static void release(void *p)
{
	qn_fence_free(&hub, l, unit_of(p), p);
}

static void look(void *p)
{
	struct qn_unit *u = unit_of(p);
	u32 budget = UINT32_MAX;

	qn_fence_look(u, qn_unit_start(&hub.segments, u), &budget);
}

static void size_of(void *p)
{
	qn_fence_size(unit_of(p), p, "malloc_usable_size");
}

static const char *with_size(const char *what, size_t size)
{
	static char text[160];

	snprintf(text, sizeof(text), "%s (%zu bytes)", what, size);
	return text;
}

/* ---- blocks ---- */

static void test_blocks(void **state)
{
	char *p[ARRAY_SIZE(sizes)][3];

	(void)state;
	begin();
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		for (size_t j = 0; j < 3; j++) {
			p[i][j] = alloc(sizes[i], 1);
			memset(p[i][j], (int)(i + 1), sizes[i]);
		}
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		for (size_t j = 0; j < 3; j++) {
			for (size_t k = 0; k < sizes[i]; k++)
				assert_int_equal(p[i][j][k], i + 1);
			assert_int_equal(qn_fence_size(unit_of(p[i][j]),
						       p[i][j], "free"),
					 sizes[i]);
			look(p[i][j]);
		}
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		for (size_t j = 0; j < 3; j++)
			release(p[i][j]);
	assert_null(qn_segments_check(&hub.segments));
	assert_string_equal(port.text, "");
}

static void test_aligned(void **state)
{
	char *p[13][3];

	(void)state;
	begin();
	for (unsigned int a = 0; a < 13; a++)
		for (size_t j = 0; j < 3; j++) {
			p[a][j] = alloc(j * 50, (size_t)1 << a);
			memset(p[a][j], 0, j * 50);
			look(p[a][j]);
		}
	for (unsigned int a = 0; a < 13; a++)
		for (size_t j = 0; j < 3; j++)
			release(p[a][j]);
	assert_string_equal(port.text, "");
}

/* ---- damage ---- */

/* Before and behind a block each byte counts, whatever is written there */
static void test_around(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		for (int at = -HEAD; at <= 0; at++)
			for (unsigned int bit = 0; bit < 8; bit++) {
				char *p, *byte;

				if (bit % 7 && i)
					continue;
				begin();
				alloc(24, 1);
				p = alloc(sizes[i], 1);
				alloc(24, 1);
				byte = at < 0 ? p + at : p + sizes[i];
				*byte = (char)(*byte ^ 1 << bit);
				if (at < 0) {
					assert_misuse(look, p, "free", p,
						      BEFORE);
					continue;
				}
				assert_misuse(look, p, "free", p,
					      with_size(QN_SLACK_WRITTEN,
							sizes[i]));
				port.text_size = 0;
				assert_misuse(release, p, "free", p,
					      with_size(QN_SLACK_WRITTEN,
							sizes[i]));
			}
}

static void test_freed(void **state)
{
	(void)state;
	for (size_t i = 1; i < ARRAY_SIZE(sizes); i++) {
		size_t known = min(sizes[i], (size_t)4000);

		for (size_t n = 0; n < 8; n++) {
			char *p, *q;

			begin();
			q = alloc(24, 1);
			p = alloc(sizes[i], 1);
			release(p);
			look(p);
			p[n * (known - 1) / 7] ^= 1;
			assert_misuse(look, p, "free", p,
				      with_size(WRITTEN, sizes[i]));
			(void)q;
		}
	}
}

/* What was written into a freed block is noticed when its unit goes back */
static void test_unit_goes_back(void **state)
{
	char *p, *q;

	(void)state;
	begin();
	p = alloc(100, 1);
	q = alloc(100, 1);
	release(p);
	p[50] = 0;
	/* No more fences: the unit waits for its last block */
	l->fence.freed = SIZE_MAX / 2;
	assert_null(qn_fence_alloc(l, 10, 1, &(size_t){ 0 }));
	assert_false(qn_fence_is_on(l));
	assert_misuse(release, q, "free", p, with_size(WRITTEN, 100));
}

/* A page that the program gave back behind its block reads as zero */
static void test_given_back(void **state)
{
	char *p;

	(void)state;
	begin();
	p = alloc(100000, 1);
	memset(p + 100000, 0, 16);
	look(p);
	release(p);
	p = alloc(100000, 1);
	p[100000] = 0;
	assert_misuse(look, p, "free", p, with_size(QN_SLACK_WRITTEN, 100000));
}

/* ---- pointers that are no blocks ---- */

static void test_pointers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		char *p;

		begin();
		p = alloc(sizes[i], 1);
		assert_misuse(release, p + 8, "free", p + 8, QN_SLAB_INTERIOR);
		memset(p, 0, sizes[i]);
		if (sizes[i] > 16) {
			port.text_size = 0;
			assert_misuse(release, p + 16, "free", p + 16,
				      QN_SLAB_INTERIOR);
		}
		alloc(24, 1);
		release(p);
		port.text_size = 0;
		assert_misuse(release, p, "free", p,
			      with_size("the block was freed already",
					sizes[i]));
		port.text_size = 0;
		assert_misuse(size_of, p, "malloc_usable_size", p,
			      with_size("the block was freed already",
					sizes[i]));
	}
}

/* ---- how many ---- */

static u32 fences(void)
{
	u32 nr = 0;
	size_t old;

	while (qn_fence_alloc(l, 40, 1, &old))
		nr++;
	return nr;
}

static void test_number(void **state)
{
	struct qn_knobs none = qn_knobs_preset;
	size_t old;

	(void)state;
	begin();
	assert_int_equal(fences(), qn_knobs_preset.fence);
	for (unsigned int i = 0; i < QN_FENCE_LARGE; i++)
		alloc(40000, 1);
	assert_null(qn_fence_alloc(l, 40000, 1, &old));
	assert_null(qn_segments_check(&hub.segments));
	for (unsigned int i = 0; i < 3 * QN_FENCE_SAMPLES; i++)
		qn_fence_sample(l);
	assert_int_equal(fences(), 3);

	port_reset(4096);
	memset(&hub, 0, sizeof(hub));
	assert_int_equal(qn_hub_init(&hub), 0);
	hub.is_watched = true;
	l = qn_local_get(&hub);
	assert_int_equal(fences(), 0);
	assert_null(qn_fence_alloc(l, 40000, 1, &old));

	port_reset(4096);
	memset(&hub, 0, sizeof(hub));
	assert_int_equal(qn_hub_init(&hub), 0);
	none.fence = 0;
	hub.segments.resident.knobs = &none;
	l = qn_local_get(&hub);
	assert_int_equal(fences(), 0);
	assert_null(qn_fence_alloc(l, 40000, 1, &old));
}

/* Blocks that come and go use little memory: their units go back */
static void test_waste(void **state)
{
	size_t before;

	(void)state;
	begin();
	before = hub.segments.resident.used;
	for (u32 nr = 0; qn_fence_is_on(l); nr++) {
		void *p = qn_fence_alloc(l, 3000, 1, &(size_t){ 0 });

		/* A unit all of which is free is cut anew */
		assert_true((uintptr_t)p % QN_UNIT_SIZE < 16384);
		if (p)
			release(p);
		assert_true(nr < 10000);
		assert_true(hub.segments.resident.used <=
			    before + 2 * QN_UNIT_SIZE);
	}
	assert_null(qn_segments_check(&hub.segments));
}

/* What is kept of freed large blocks can be let go of, and a look at it is the last one */
static void test_give(void **state)
{
	char *p[QN_FENCE_KEPT];
	size_t before;

	(void)state;
	begin();
	before = hub.segments.resident.used;
	for (u32 i = 0; i < QN_FENCE_KEPT; i++)
		p[i] = alloc(200000, 1);
	for (u32 i = 0; i < QN_FENCE_KEPT; i++)
		release(p[i]);
	assert_int_equal(hub.segments.resident.used,
			 before + QN_FENCE_KEPT * QN_UNIT_SIZE);
	qn_fence_give(&hub, l);
	assert_int_equal(hub.segments.resident.used, before);
	assert_null(qn_segments_check(&hub.segments));
	/* There is nothing left to give; what is freed next is kept again */
	qn_fence_give(&hub, l);
	release(alloc(200000, 1));
	assert_int_equal(hub.segments.resident.used, before + QN_UNIT_SIZE);
}

static void test_no_memory(void **state)
{
	size_t old;

	(void)state;
	begin();
	port_refuse_all();
	while (qn_run_alloc(&hub.segments, 1, 1, QN_UNIT_LARGE, NULL))
		;
	assert_null(qn_fence_alloc(l, 40, 1, &old));
	assert_null(qn_fence_alloc(l, 40000, 1, &old));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_aligned),
		cmocka_unit_test(test_around),
		cmocka_unit_test(test_freed),
		cmocka_unit_test(test_unit_goes_back),
		cmocka_unit_test(test_given_back),
		cmocka_unit_test(test_pointers),
		cmocka_unit_test(test_number),
		cmocka_unit_test(test_waste),
		cmocka_unit_test(test_give),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
