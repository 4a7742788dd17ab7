/* SPDX-License-Identifier: MIT */
/*
 * cmocka.h - as much of CMocka's interface as the core's unit tests use, for a
 * machine without an operating system.
 *
 * The same source file of a test is built against CMocka on the host and
 * against this on the target. Output is TAP. A failed assertion leaves its test
 * by longjmp(); the others still run.
 */
#ifndef FIRMWARE_CMOCKA_H
#define FIRMWARE_CMOCKA_H

#include <stddef.h>
#include <stdint.h>

/**
 * struct CMUnitTest - one test
 * @name:	for the output
 * @run:	the test
 */
struct CMUnitTest {
	const char *name;
	void (*run)(void **state);
};

/* clang-format off */
#define cmocka_unit_test(f) { #f, f }
/* clang-format on */

/* There are no fixtures here: the last two arguments must be NULL */
#define cmocka_run_group_tests(tests, setup, teardown) \
	cmocka_run(tests, sizeof(tests) / sizeof((tests)[0]), setup, teardown)

int cmocka_run(const struct CMUnitTest *tests, size_t nr, const void *setup,
	       const void *teardown);

/* An assertion's outcome; the numbers are printed if it failed */
void cmocka_check(int ok, uint64_t a, uint64_t b, const char *what,
		  const char *file, int line);
void cmocka_check_range(uint64_t x, uint64_t low, uint64_t high,
			const char *what, const char *file, int line);
void cmocka_check_bytes(int want_equal, const void *a, const void *b,
			size_t size, const char *what, const char *file,
			int line);
void cmocka_skip(const char *file, int line) __attribute__((noreturn));

/* Numbers are compared as CMocka does: as the widest unsigned type */
#define CMOCKA_WIDEN(x) ((uint64_t)(x))
#define CMOCKA_COMPARE(a, op, b)                                       \
	do {                                                           \
		uint64_t cmocka_a = CMOCKA_WIDEN(a);                   \
		uint64_t cmocka_b = CMOCKA_WIDEN(b);                   \
                                                                       \
		cmocka_check(cmocka_a op cmocka_b, cmocka_a, cmocka_b, \
			     #a " " #op " " #b, __FILE__, __LINE__);   \
	} while (0)

#define assert_true(x) cmocka_check(!!(x), 0, 1, #x, __FILE__, __LINE__)
#define assert_false(x) \
	cmocka_check(!(x), 1, 0, "!(" #x ")", __FILE__, __LINE__)
#define assert_int_equal(a, b)     CMOCKA_COMPARE(a, ==, b)
#define assert_int_not_equal(a, b) CMOCKA_COMPARE(a, !=, b)
#define assert_ptr_equal(a, b) \
	CMOCKA_COMPARE((uintptr_t)(a), ==, (uintptr_t)(b))
#define assert_ptr_not_equal(a, b) \
	CMOCKA_COMPARE((uintptr_t)(a), !=, (uintptr_t)(b))
#define assert_non_null(p) assert_ptr_not_equal(p, NULL)
#define assert_null(p)     assert_ptr_equal(p, NULL)
#define assert_in_range(x, low, high)                                       \
	cmocka_check_range(CMOCKA_WIDEN(x), CMOCKA_WIDEN(low),              \
			   CMOCKA_WIDEN(high), #x " in " #low " .. " #high, \
			   __FILE__, __LINE__)
#define assert_memory_equal(a, b, size)                                  \
	cmocka_check_bytes(1, a, b, size, #a " and " #b " are the same", \
			   __FILE__, __LINE__)
#define assert_memory_not_equal(a, b, size)                                  \
	cmocka_check_bytes(0, a, b, size, #a " and " #b " differ", __FILE__, \
			   __LINE__)
#define fail() cmocka_check(0, 0, 0, "fail()", __FILE__, __LINE__)
#define skip() cmocka_skip(__FILE__, __LINE__)

#endif /* FIRMWARE_CMOCKA_H */
