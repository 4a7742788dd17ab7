// SPDX-License-Identifier: MIT
/*
 * cmocka.c - runs the tests of one program on the target, and says how each
 * went.
 */
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

#include "print.h"

/* What a test is left with */
enum {
	PASSED,
	FAILED,
	SKIPPED
};

static jmp_buf leave;

static void print_where(const char *file, int line, const char *what)
{
	print("# %s:%d: ", file, line);
	print("%s\n", what);
}

static void print_wide(const char *before, uint64_t v)
{
	print("%s0x%08x%08x", before, (u32)(v >> 32), (u32)v);
}

void cmocka_check(int ok, uint64_t a, uint64_t b, const char *what,
		  const char *file, int line)
{
	if (ok)
		return;
	print_where(file, line, what);
	print_wide("#   ", a);
	print_wide(" against ", b);
	print("\n");
	longjmp(leave, FAILED);
}

void cmocka_check_range(uint64_t x, uint64_t low, uint64_t high,
			const char *what, const char *file, int line)
{
	cmocka_check(x >= low && x <= high, x, x < low ? low : high, what, file,
		     line);
}

void cmocka_check_bytes(int want_equal, const void *a, const void *b,
			size_t size, const char *what, const char *file,
			int line)
{
	const u8 *x = a, *y = b;
	size_t i = 0;

	while (i < size && x[i] == y[i])
		i++;
	if ((i == size) == want_equal)
		return;
	print_where(file, line, what);
	if (i < size)
		print("#   byte %u: 0x%02x against 0x%02x\n", (u32)i, x[i],
		      y[i]);
	longjmp(leave, FAILED);
}

void cmocka_skip(const char *file, int line)
{
	print_where(file, line, "skipped");
	longjmp(leave, SKIPPED);
}

static int run_test(const struct CMUnitTest *test)
{
	void *state = NULL;
	int result = setjmp(leave);

	if (result == PASSED)
		test->run(&state);
	return result;
}

int cmocka_run(const struct CMUnitTest *tests, size_t nr, const void *setup,
	       const void *teardown)
{
	int nr_failed = 0;

	if (setup || teardown) {
		print("Bail out! fixtures do not exist on the target\n");
		return 1;
	}
	print("1..%u\n", (u32)nr);
	for (size_t i = 0; i < nr; i++) {
		int result = run_test(&tests[i]);

		nr_failed += result == FAILED;
		print("%s %u - %s%s\n", result == FAILED ? "not ok" : "ok",
		      (u32)i + 1, tests[i].name,
		      result == SKIPPED ? " # SKIP" : "");
	}
	return nr_failed;
}
