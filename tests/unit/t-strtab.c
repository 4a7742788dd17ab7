// SPDX-License-Identifier: MIT
/*
 * t-strtab.c - each string once.
 *
 * Invariants: a string has the number that it got first, and a number its string; new
 * numbers come in order; a full table refuses new strings and knows the old ones;
 * nothing outside its memory is written or read.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/strtab.h"

static u32 memory[2048];
static struct qn_strtab t;

static void reset(size_t size, u32 nr)
{
	memset(memory, 0xa5, sizeof(memory));
	assert_int_equal(qn_strtab_init(&t, memory, size, nr), 0);
}

/* A word of letters for each number */
static size_t word(u32 n, char *text)
{
	size_t size = 0;

	for (; n; n /= 3)
		text[size++] = (char)('a' + n % 3);
	return size;
}

static long put(u32 n)
{
	char text[32];
	size_t size = word(n, text);

	text[size] = '!';
	return qn_strtab_put(&t, text, size);
}

static bool is_word(const char *s, u32 n)
{
	char text[32];
	size_t size = word(n, text);

	for (size_t i = 0; i < size; i++)
		if (s[i] != text[i])
			return false;
	return !s[size];
}

static void test_numbers(void **state)
{
	(void)state;
	reset(sizeof(memory), 300);
	for (u32 n = 0; n < 300; n++) {
		assert_int_equal(put(n), n);
		assert_int_equal(put(n / 2), n / 2);
	}
	for (u32 n = 0; n < 300; n++) {
		assert_true(is_word(qn_strtab_get(&t, n), n));
		assert_int_equal(put(n), n);
	}
	assert_null(qn_strtab_get(&t, 300));
	assert_null(qn_strtab_get(&t, ~0u));
}

/* A prefix of a string is another one, and so is the empty one */
static void test_prefixes(void **state)
{
	(void)state;
	reset(sizeof(memory), 10);
	assert_int_equal(qn_strtab_put(&t, "grist", 5), 0);
	assert_int_equal(qn_strtab_put(&t, "grist", 4), 1);
	assert_int_equal(qn_strtab_put(&t, "", 0), 2);
	assert_int_equal(qn_strtab_put(&t, "grist mill", 10), 3);
	assert_int_equal(qn_strtab_put(&t, "grist mill", 5), 0);
	assert_int_equal(strlen(qn_strtab_get(&t, 1)), 4);
	assert_int_equal(strlen(qn_strtab_get(&t, 2)), 0);
}

static void test_sizes(void **state)
{
	(void)state;
	assert_int_equal(qn_strtab_init(&t, memory, sizeof(memory), 0),
			 -EINVAL);
	assert_int_equal(qn_strtab_init(&t, memory, 0, 1), -EINVAL);
	assert_int_equal(qn_strtab_init(&t, memory, sizeof(memory), 2000),
			 -EINVAL);
	assert_int_equal(qn_strtab_init(&t, memory, sizeof(memory), ~0u),
			 -EINVAL);
	/* As many empty ones as were asked for fit, whatever the memory */
	for (u32 nr = 1; nr < 40; nr++) {
		size_t size = 0;

		while (qn_strtab_init(&t, memory, size, nr))
			size++;
		reset(size, nr);
		assert_int_equal(qn_strtab_put(&t, "", 0), 0);
	}
}

static void test_full(void **state)
{
	static char text[800];

	(void)state;
	memset(text, 'x', sizeof(text));
	for (size_t size = 60; size < 700; size++) {
		size_t n = 0;

		reset(size, 2);
		while (n < sizeof(text) && qn_strtab_put(&t, text, n) == 0)
			reset(size, 2), n++;
		/* What is full for one of n bytes has room for n - 1 */
		assert_int_equal(qn_strtab_put(&t, text, n), -ENOSPC);
		assert_int_equal(qn_strtab_put(&t, text, n - 1), 0);
		assert_int_equal(qn_strtab_put(&t, "y", 1), -ENOSPC);
		assert_int_equal(qn_strtab_put(&t, text, n - 1), 0);
		for (size_t i = size / 4; i < ARRAY_SIZE(memory); i++)
			assert_int_equal(memory[i], 0xa5a5a5a5);
	}
	reset(sizeof(memory), 2);
	for (u32 n = 0; n < 4; n++)
		put(n);
	assert_int_equal(put(50), -ENOSPC);
	assert_int_equal(put(1), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
