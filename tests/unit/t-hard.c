// SPDX-License-Identifier: MIT
/*
 * t-hard.c - the hardened mode.
 *
 * Links: linuxport.c, lib/process/hard*.c and all below them.
 *
 * Invariants checked here:
 * - blocks are aligned, do not overlap and hold what was asked for, not a byte more;
 *   whatever a program writes into them, nothing is said;
 * - a change of any byte from the guard before a block to the guard behind it is noticed when it
 *   is freed, and of any byte of a freed one by the look at the end and when it is used again;
 *   the message names the block and its size;
 * - what is no block in use is told from what is, and the heap goes on;
 * - a freed block is not handed out before as many others as the quarantine has were freed, and
 *   which one is next is not always the same;
 * - large blocks move, grow and shrink with their contents; all memory comes back.
 *
 * Findings are reported and do not stop: each check counts them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "process/hard.h"
#include "process/hub.h"
#include "linuxport.h"

#define BEFORE  "the word before the block was overwritten"
#define BEHIND  "the bytes behind the block were overwritten"
#define WRITTEN "the block was written to after it was freed"
#define AGAIN   "the block was freed already"
#define NONE    "the pointer is not the start of a block"
#define FOREIGN "the pointer is not from this heap"

static struct qn_hub hub;
static void *kept;

static const size_t sizes[] = { 0,     1,     7,     8,     9,     15,
				16,    24,    25,    100,   112,   1000,
				1024,  1025,  5000,  12000, 32759, 32760,
				32761, 40000, 65536, 300000 };

static void keep(void *thread)
{
	kept = thread;
}

static int begin(void **state)
{
	(void)state;
	port_reset(4096);
	assert_int_equal(qn_hub_init(&hub), 0);
	assert_int_equal(qn_hard_start(&hub, 1, QN_HARD_REPORT, keep), 0);
	return 0;
}

static char *alloc(size_t size, size_t align)
{
	size_t old = size;
	char *p = qn_hard_alloc(size, align, &old);

	assert_non_null(p);
	assert_true(is_aligned((uintptr_t)p, max(align, (size_t)16)));
	assert_true(old <= size);
	for (size_t i = old; i < size; i++)
		assert_int_equal(p[i], 0);
	return p;
}

static void quiet(void)
{
	if (port.text_size)
		fail_msg("said: %s", port.text);
}

static void forget(void)
{
	port.text_size = 0;
	port.text[0] = '\0';
}

/* Was "quern: WHERE(P): WHAT..." the beginning of the one line that was written? */
static void said(const char *where, const void *p, const char *what)
{
	char line[200];

	snprintf(line, sizeof(line), "quern: %s(%p): %s", where, p, what);
	if (strncmp(port.text, line, strlen(line)))
		fail_msg("said: %s; wanted: %s", port.text, line);
	assert_ptr_equal(strchr(port.text, '\n'),
			 port.text + port.text_size - 1);
	forget();
}

static void said_of(const char *where, const void *p, const char *what,
		    size_t size)
{
	char text[120];

	snprintf(text, sizeof(text), "%s (%zu bytes)", what, size);
	said(where, p, text);
}

static void test_contents(void **state)
{
	char *p[ARRAY_SIZE(sizes)];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		p[i] = alloc(sizes[i], 16);
		assert_int_equal(qn_hard_usable(p[i]), sizes[i]);
		memset(p[i], (int)i, sizes[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		for (size_t at = 0; at < sizes[i]; at++)
			assert_int_equal(p[i][at], (char)i);
	qn_hard_audit();
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		qn_hard_free(p[i]);
	qn_hard_audit();
	quiet();
	assert_non_null(kept);
}

static void test_aligned(void **state)
{
	(void)state;
	for (size_t align = 16; align <= (size_t)1 << 21; align *= 2)
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			char *p = alloc(sizes[i], align);

			memset(p, 'a', sizes[i]);
			assert_int_equal(qn_hard_usable(p), sizes[i]);
			qn_hard_free(p);
		}
	qn_hard_audit();
	quiet();
}

/* Bytes from @at on, counted from the block, change one by one: each change is noticed */
static void each_byte(size_t size, ptrdiff_t at, size_t nr, const char *what)
{
	for (size_t i = 0; i < nr; i++) {
		char *p = alloc(size, 16);

		p[at + (ptrdiff_t)i] ^= 1;
		qn_hard_free(p);
		said_of("free", p, what, size);
	}
}

static void test_around(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		size_t size = sizes[i];

		each_byte(size, -8, 8, BEFORE);
		each_byte(size, (ptrdiff_t)size, 8, BEHIND);
	}
	quiet();
}

/* A slot's marks go on up to the guard behind it */
static void test_behind(void **state)
{
	(void)state;
	each_byte(113, 113, 8 + 7, BEHIND);
	each_byte(1, 1, 8 + 7, BEHIND);
	each_byte(0, 0, 8 + 8, BEHIND);
	quiet();
}

/* The first slot of a slab has no neighbour before it, but marks. No other test has these sizes. */
static void test_front(void **state)
{
	static const size_t first[] = { 70, 333, 2900, 21000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(first); i++) {
		char *p = alloc(first[i], 16);

		for (ptrdiff_t at = -128; at < -8; at += 7) {
			p[at] ^= 1;
			assert_int_equal(qn_hard_usable(p), first[i]);
			said_of("malloc_usable_size", p, BEFORE, first[i]);
		}
		qn_hard_free(p);
	}
	qn_hard_audit();
	quiet();
}

static void test_string_end(void **state)
{
	(void)state;
	for (size_t i = 1; i < ARRAY_SIZE(sizes); i++) {
		char *p = alloc(sizes[i], 16);

		p[sizes[i]] = '\0';
		qn_hard_audit();
		said_of("free", p, BEHIND, sizes[i]);
		qn_hard_free(p);
		said_of("free", p, BEHIND, sizes[i]);
	}
}

static void freed_byte(size_t size, size_t at)
{
	char *p = alloc(size, 16);

	qn_hard_free(p);
	p[at] ^= 1;
	qn_hard_audit();
	said_of("free", p, WRITTEN, size);
	p[at] ^= 1;
	qn_hard_audit();
	quiet();
}

static void test_freed(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		size_t size = sizes[i];

		/* A longer one is forbidden: who writes to it does not come back */
		if (!size || size >= QN_HARD_FORBID)
			continue;
		freed_byte(size, 0);
		freed_byte(size, size / 2);
		freed_byte(size, size / 8 * 8 - (size >= 8));
	}
}

/* Used again it is noticed, too, and what is handed out is sound */
static void test_used_again(void **state)
{
	char *p = alloc(200, 16);
	bool seen = false;

	(void)state;
	qn_hard_free(p);
	p[100] = 'w';
	for (int i = 0; i < 200000 && !seen; i++) {
		qn_hard_free(alloc(200, 16));
		seen = port.text_size;
	}
	said_of("free", p, WRITTEN, 200);
	qn_hard_audit();
	quiet();
}

static void test_twice(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		char *p = alloc(sizes[i], 16);

		qn_hard_free(p);
		qn_hard_free(p);
		said_of("free", p, AGAIN, sizes[i]);
		assert_int_equal(qn_hard_usable(p), 0);
		said_of("malloc_usable_size", p, AGAIN, sizes[i]);
		assert_null(qn_hard_realloc(p, 3 * sizes[i] + 1));
		said_of("realloc", p, AGAIN, sizes[i]);
		assert_false(qn_hard_sized_look(p, sizes[i], "free_sized"));
		said_of("free_sized", p, AGAIN, sizes[i]);
	}
}

static void test_no_block(void **state)
{
	static char outside[64] __attribute__((aligned(16)));

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		char *p = alloc(sizes[i], 16);

		for (size_t at = 1; at < sizes[i]; at += at < 32 ? 1 : 997) {
			qn_hard_free(p + at);
			said("free", p + at, NONE);
		}
		qn_hard_free(p);
		quiet();
	}
	qn_hard_free(outside);
	said("free", outside, FOREIGN);
	qn_hard_free((char *)0x10);
	said("free", (char *)0x10, FOREIGN);
	assert_false(qn_hard_owns(NULL));
	assert_true(qn_hard_owns(outside));
}

static void test_sized(void **state)
{
	char *p = alloc(100, 16);

	(void)state;
	assert_true(qn_hard_sized_look(p, 100, "operator delete"));
	quiet();
	for (size_t size = 99; size <= 101; size += 2) {
		assert_true(qn_hard_sized_look(p, size, "operator delete"));
		said_of("operator delete", p,
			"the block was not allocated with the size given", 100);
	}
	qn_hard_free(p);
}

static void test_neighbours(void **state)
{
	char *p, *next = NULL;
	char text[80];

	(void)state;
	do {
		p = alloc(6000, 16);
		next = next ? next : p;
	} while (p != next + 6656 && p != next - 6144);
	qn_hard_free(min(p, next));
	p = max(p, next);
	qn_hard_free(p + 16);
	snprintf(text, sizeof(text), "; it lies in %p (6000 bytes, in use)",
		 (void *)p);
	assert_non_null(strstr(port.text, text));
	forget();
	p[-1] = 0;
	qn_hard_free(p);
	snprintf(text, sizeof(text), "; before it is %p (6000 bytes, free)",
		 (void *)(p - 6656));
	assert_non_null(strstr(port.text, text));
	forget();
}

/* Each freed block waits until 2000 others were freed, and chance says which is next */
static void test_quarantine(void **state)
{
	static char *freed[3000];
	unsigned int in_order = 0, nr = 0;

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(freed); i++) {
		freed[i] = alloc(48, 16);
		qn_hard_free(freed[i]);
		for (unsigned int k = i > 2000 ? i - 2000 : 0; k < i; k++)
			assert_ptr_not_equal(freed[k], freed[i]);
	}
	/* Those that were never used come in order */
	for (unsigned int i = 2100; i < ARRAY_SIZE(freed); i++) {
		in_order += freed[i] == freed[i - 1] + 64;
		nr++;
	}
	assert_true(in_order < nr / 4);
	quiet();
}

static void test_resizes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		for (size_t k = 0; k < ARRAY_SIZE(sizes); k++) {
			size_t kept_size = min(sizes[i], sizes[k]);
			char *p = alloc(sizes[i], 16), *q;

			for (size_t at = 0; at < sizes[i]; at++)
				p[at] = (char)(at * 7);
			q = qn_hard_realloc(p, sizes[k]);
			assert_non_null(q);
			for (size_t at = 0; at < kept_size; at++)
				assert_int_equal(q[at], (char)(at * 7));
			assert_int_equal(qn_hard_usable(q), sizes[k]);
			memset(q, 'r', sizes[k]);
			qn_hard_free(q);
		}
	qn_hard_audit();
	quiet();
}

/* Marks are secret: what a block grows by does not show them */
static void test_no_marks(void **state)
{
	char *p = alloc(33, 16), *q = qn_hard_realloc(p, 40);

	(void)state;
	assert_ptr_equal(p, q);
	for (int i = 33; i < 40; i++)
		assert_int_equal(q[i], 0);
	qn_hard_free(q);
	quiet();
}

static void test_large_grows(void **state)
{
	char *p = alloc(100000, 16);
	size_t size = 100000;

	(void)state;
	memset(p, 'g', size);
	for (; size < (size_t)8 << 20; size += size / 3) {
		p = qn_hard_realloc(p, size);
		assert_non_null(p);
		for (size_t at = 0; at < 100000; at += 1000)
			assert_int_equal(p[at], 'g');
		p[size - 1] = 'e';
	}
	qn_hard_free(p);
	qn_hard_free(p);
	assert_non_null(strstr(port.text, AGAIN));
	forget();
	qn_hard_audit();
	quiet();
}

/* A block that is large for its alignment alone becomes a short one */
static void test_aligned_resizes(void **state)
{
	(void)state;
	for (size_t size = 1; size <= 100000; size = 3 * size + 1) {
		char *p = alloc(size, 8192), *q;

		memset(p, 'r', size);
		q = qn_hard_realloc(p, 2 * size);
		for (size_t at = 0; at < size; at++)
			assert_int_equal(q[at], 'r');
		qn_hard_free(q);
	}
	assert_null(qn_segments_check(&hub.segments));
	qn_hard_audit();
	quiet();
}

/* Between forbidden pages: the block ends at one, the first byte before it has marks */
static void test_level_2(void **state)
{
	(void)state;
	qn_hard.level = 2;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		size_t size = sizes[i];
		char *p;

		if (size <= 32760)
			continue;
		p = alloc(size, 16);
		memset(p, '2', size);
		assert_int_equal(round_up((uintptr_t)p + size, 16) % 4096, 0);
		qn_hard_free(p);
		quiet();
		qn_hard_free(p);
		said_of("free", p, AGAIN, size);
		p = alloc(size, 64);
		p = qn_hard_realloc(p, 2 * size);
		memset(p, '2', 2 * size);
		p = qn_hard_realloc(p, 100);
		qn_hard_free(p);
		quiet();
	}
	qn_hard_audit();
	quiet();
	qn_hard.level = 1;
}

static void test_sound(void **state)
{
	(void)state;
	assert_null(qn_segments_check(&hub.segments));
	qn_hard_thread_exit(kept);
	assert_null(qn_segments_check(&hub.segments));
	qn_hard_tell();
	assert_int_equal(qn_ledger_get(&hub.ledger.live), 0);
	quiet();
	/* Without a part of its own a thread is served as well */
	for (int i = 0; i < 3000; i++)
		qn_hard_free(alloc(100, 16));
	quiet();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_contents),
		cmocka_unit_test(test_aligned),
		cmocka_unit_test(test_around),
		cmocka_unit_test(test_behind),
		cmocka_unit_test(test_front),
		cmocka_unit_test(test_string_end),
		cmocka_unit_test(test_freed),
		cmocka_unit_test(test_used_again),
		cmocka_unit_test(test_twice),
		cmocka_unit_test(test_no_block),
		cmocka_unit_test(test_sized),
		cmocka_unit_test(test_neighbours),
		cmocka_unit_test(test_quarantine),
		cmocka_unit_test(test_resizes),
		cmocka_unit_test(test_no_marks),
		cmocka_unit_test(test_large_grows),
		cmocka_unit_test(test_aligned_resizes),
		cmocka_unit_test(test_level_2),
		cmocka_unit_test(test_sound),
	};

	return cmocka_run_group_tests(tests, begin, NULL);
}
