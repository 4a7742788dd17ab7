// SPDX-License-Identifier: MIT
/*
 * t-pressure.c - what the kernel says of memory, and what may be said in its place.
 *
 * Invariants:
 * - each text that the kernel writes gives the value that it states, to the digit;
 * - a text that is cut short, empty or something else gives none; none is read beyond
 *   its size, which lies against a page that is not there;
 * - a number too large is the largest; a level is within 0 and QN_PRESSURE_MOST, is 0
 *   far from a limit, the highest at it, and never falls on the way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <sys/mman.h>

#include "process/pressure.h"
#include "../random.h"

#define PAGE 4096

static char *fence;

static int setup(void **state)
{
	char *p = mmap(NULL, (size_t)2 * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	fence = p + PAGE;
	return p == MAP_FAILED || mprotect(fence, PAGE, PROT_NONE);
}

/* A copy that ends where nothing can be read any more */
static struct qn_text text_of(const char *s, size_t size)
{
	assert_true(size <= PAGE);
	return (struct qn_text){ memcpy(fence - size, s, size), size };
}

static struct qn_text text(const char *s)
{
	return text_of(s, strlen(s));
}

#define SOME_REST " avg60=7.00 avg300=99.99 total=123456789\n"
#define FULL      "full avg10=50.00 avg60=0.00 avg300=0.00 total=0\n"

static u32 stall(const char *s)
{
	u32 level = 4711;

	return qn_pressure_stall(text(s), &level) ? level : 4711;
}

static void test_stall(void **state)
{
	(void)state;
	assert_int_equal(stall("some avg10=0.00" SOME_REST FULL), 0);
	assert_int_equal(stall("some avg10=0.01" SOME_REST FULL), 1);
	assert_int_equal(stall("some avg10=1.25" SOME_REST FULL), 128);
	assert_int_equal(stall("some avg10=5.00" SOME_REST FULL), 512);
	assert_int_equal(stall("some avg10=10.00" SOME_REST), 1024);
	assert_int_equal(stall("some avg10=100.00" SOME_REST), 1024);
	assert_int_equal(stall(FULL "some avg10=2.50" SOME_REST), 256);
	/* Nobody writes this */
	assert_int_equal(stall("some avg10=99999999999999999999999.00\n"),
			 1024);
}

static void test_no_stall(void **state)
{
	static const char *const bad[] = {
		"",
		"\n",
		"some",
		"some avg10",
		"some avg10=",
		"some avg10=\n",
		"some avg10=1\n",
		"some avg10=1.\n",
		"some avg10=1.2\n",
		"some avg10=.25\n",
		"some avg10=-1.25\n",
		"some avg10=1,25\n",
		"some avg10=1.234\n",
		"some avg10=nan\n",
		"some avg10= 1.25\n",
		"some  avg10=1.25\n",
		"Some avg10=1.25\n",
		FULL,
		/* What is cut off may be more digits */
		"some avg10=1.25",
		"some avg60=1.25\n",
		"xsome avg10=1.25\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (stall(bad[i]) != 4711)
			fail_msg("taken for a text: %s", bad[i]);
}

static u64 number(const char *s)
{
	u64 value;

	return qn_pressure_number(text(s), &value) ? value : 4711;
}

static void test_number(void **state)
{
	(void)state;
	assert_true(number("max\n") == UINT64_MAX);
	assert_true(number("max") == UINT64_MAX);
	assert_true(number("0\n") == 0);
	assert_true(number("1073741824\n") == 1073741824);
	assert_true(number("18446744073709551614\n") == UINT64_MAX - 1);
	assert_true(number("18446744073709551615\n") == UINT64_MAX);
	assert_true(number("18446744073709551616\n") == UINT64_MAX);
	assert_true(number("99999999999999999999999999999999\n") == UINT64_MAX);
	assert_true(number("") == 4711);
	assert_true(number("\n") == 4711);
	assert_true(number("ma\n") == 4711);
	assert_true(number("maximum\n") == 4711);
	assert_true(number("-1\n") == 4711);
	assert_true(number("12 34\n") == 4711);
	assert_true(number("12\n34\n") == 4711);
	assert_true(number(" 12\n") == 4711);
	assert_true(number("12K\n") == 4711);
}

static u64 field(const char *s, const char *key)
{
	u64 value;

	return qn_pressure_field(text(s), key, &value) ? value : 4711;
}

static void test_field(void **state)
{
	static const char stat[] = "anon 1000\nfile 2000\nfile_mapped 3\n"
				   "shmem 40\nsock 5";

	(void)state;
	assert_true(field(stat, "anon") == 1000);
	assert_true(field(stat, "file") == 2000);
	assert_true(field(stat, "file_mapped") == 3);
	assert_true(field(stat, "shmem") == 40);
	/* Perhaps there was more of it */
	assert_true(field(stat, "sock") == 4711);
	assert_true(field(stat, "fil") == 4711);
	assert_true(field("", "file") == 4711);
	assert_true(field("file\n", "file") == 4711);
	assert_true(field("file x\n", "file") == 4711);
}

static u64 word(const char *s, unsigned int nr)
{
	u64 value;

	return qn_pressure_word(text(s), nr, &value) ? value : 4711;
}

static void test_word(void **state)
{
	static const char statm[] = "1234 56 78 9 0 1011 0\n";

	(void)state;
	assert_true(word(statm, 0) == 1234);
	assert_true(word(statm, 1) == 56);
	assert_true(word(statm, 5) == 1011);
	assert_true(word(statm, 6) == 0);
	assert_true(word(statm, 7) == 4711);
	assert_true(word("12", 0) == 4711);
	assert_true(word("12 x 3\n", 2) == 4711);
	assert_true(word("12\n3\n", 1) == 4711);
	assert_true(word("", 0) == 4711);
}

static bool is_group(const char *s, const char *path)
{
	struct qn_text at;

	if (!qn_pressure_cgroup(text(s), &at))
		return !path;
	return path && at.size == strlen(path) && !memcmp(at.at, path, at.size);
}

static void test_cgroup(void **state)
{
	(void)state;
	assert_true(is_group("0::/\n", "/"));
	assert_true(is_group("0::/user.slice/a b:c\n", "/user.slice/a b:c"));
	assert_true(is_group("4:memory:/x\n1:cpu:/y\n0::/z\n", "/z"));
	assert_true(is_group("0::/a..b/..c/d../...\n", "/a..b/..c/d../..."));
	assert_true(is_group("", NULL));
	assert_true(is_group("4:memory:/x\n", NULL));
	assert_true(is_group("10::/x\n", NULL));
	assert_true(is_group("0::\n", NULL));
	assert_true(is_group("0::x\n", NULL));
	assert_true(is_group("0::/cut", NULL));
	assert_true(is_group("0::/..\n", NULL));
	assert_true(is_group("0::/../../etc\n", NULL));
	assert_true(is_group("0::/a/../b\n", NULL));
	assert_true(is_group("0::/a/..\n", NULL));
}

static void test_near(void **state)
{
	static const u64 limits[] = { 0,
				      1,
				      8,
				      4096,
				      8191,
				      1 << 28,
				      12345678901,
				      UINT64_MAX / 8 * 8,
				      UINT64_MAX - 1 };

	(void)state;
	assert_int_equal(qn_pressure_near(0, UINT64_MAX), 0);
	assert_int_equal(qn_pressure_near(0, 0), QN_PRESSURE_MOST);
	/* 256 MB: an eighth are 32 MB, of which half and a quarter are left */
	assert_int_equal(qn_pressure_near(32 << 20, 256 << 20), 0);
	assert_in_range(qn_pressure_near(16 << 20, 256 << 20), 511, 513);
	assert_in_range(qn_pressure_near(8 << 20, 256 << 20), 767, 769);
	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		u32 before = QN_PRESSURE_MOST;

		assert_int_equal(qn_pressure_near(0, limits[i]),
				 QN_PRESSURE_MOST);
		for (u64 part = 0; part <= 2048; part++) {
			u64 left = limits[i] / 8 / 1024 * part;
			u32 level = qn_pressure_near(left, limits[i]);

			assert_true(level <= before);
			before = level;
		}
		assert_int_equal(qn_pressure_near(limits[i] | 1, limits[i]), 0);
	}
}

/* Each text, cut anywhere, and with bytes that mean something elsewhere */
static void test_hostile(void **state)
{
	static const char *const whole[] = {
		"some avg10=12.34 avg60=7.00 avg300=99.99 total=1\n" FULL,
		"0::/a/b\n",
		"18446744073709551615\n",
		"file 1\nshmem 2\n",
		"1 2 3 4 5 6 7\n",
		"max\n",
	};
	static const char bytes[] = "0123456789.=: /\nmaxsoe\0\xff";
	u32 random = 1;

	(void)state;
	for (int round = 0; round < 200000; round++) {
		const char *s = whole[random_next(&random) %
				      (sizeof(whole) / sizeof(*whole))];
		size_t size = random_next(&random) % (strlen(s) + 1);
		struct qn_text t = text_of(s, size), path;
		u32 level = 0;
		u64 value;

		for (u32 i = random_next(&random) % 4; size && i; i--)
			((char *)t.at)[random_next(&random) % size] =
				bytes[random_next(&random) % sizeof(bytes)];
		qn_pressure_stall(t, &level);
		assert_true(level <= QN_PRESSURE_MOST);
		if (qn_pressure_cgroup(t, &path)) {
			assert_true(path.at >= t.at && path.size > 0);
			assert_true(path.at + path.size < t.at + t.size);
		}
		qn_pressure_number(t, &value);
		qn_pressure_field(t, "shmem", &value);
		qn_pressure_word(t, 5, &value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stall),  cmocka_unit_test(test_no_stall),
		cmocka_unit_test(test_number), cmocka_unit_test(test_field),
		cmocka_unit_test(test_word),   cmocka_unit_test(test_cgroup),
		cmocka_unit_test(test_near),   cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
