// SPDX-License-Identifier: MIT
/*
 * t-symbols.c - names for return addresses.
 *
 * Invariants checked here:
 * - an address behind the first byte of a function has its name, up to its end;
 * - what is no ELF, is torn or flipped, or is not there costs the name, nothing else;
 * - what is written is terminated and printable, however little room there is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command/base/symbols.h"
#include "../random.h"

extern const char __executable_start;

static char path[64];
static u8 *own;
static size_t own_size;

/* Nothing of it is called */
static noinline __attribute__((used)) int landmark(int n)
{
	return n * 3 + 1;
}

static u64 offset_of(const void *p)
{
	return (u64)((const char *)p - &__executable_start);
}

static void put_file(const u8 *bytes, size_t size)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, size, f), size);
	assert_int_equal(fclose(f), 0);
}

/* The text for an address of the file, which is looked into anew */
static const char *text_of(const char *module, u64 offset,
			   enum qn_symbols_form form, size_t room)
{
	static char text[300];
	struct qn_symbols s;

	memset(text, 1, sizeof(text));
	qn_symbols_init(&s, path, strlen(path));
	qn_symbols_text(&s, module, offset, form, text, room);
	qn_symbols_exit(&s);
	assert_true(strnlen(text, room) < room);
	for (const char *c = text; *c; c++)
		assert_true(*c >= ' ' && *c <= '~');
	return text;
}

static void test_names(void **state)
{
	u64 at = offset_of((const void *)(uintptr_t)landmark);
	char want[100];

	(void)state;
	put_file(own, own_size);
	assert_string_equal(text_of(path, at + 1, QN_SYMBOLS_SHORT, 300),
			    "landmark");
	assert_string_equal(text_of("", at + 1, QN_SYMBOLS_SHORT, 300),
			    "landmark");
	snprintf(want, sizeof(want), "landmark+0x2 (%s)", path + 5);
	assert_string_equal(text_of(path, at + 2, QN_SYMBOLS_LONG, 300), want);
	/* The byte before is another's, or nobody's */
	assert_string_not_equal(text_of(path, at, QN_SYMBOLS_SHORT, 300),
				"landmark");
	assert_string_equal(text_of(path, at + 1, QN_SYMBOLS_SHORT, 5), "land");
	snprintf(want, sizeof(want), "%s+0x7fffffff0000", path + 5);
	assert_string_equal(text_of(path, 0x7fffffff0000, QN_SYMBOLS_LONG, 300),
			    want);
	assert_string_equal(text_of(NULL, 0x123, QN_SYMBOLS_LONG, 300),
			    "0x123");
	assert_string_equal(text_of("/not/there", 0x12, QN_SYMBOLS_LONG, 300),
			    "there+0x12");
	assert_string_equal(text_of("/a/_json.cpython-311-x86_64-linux-gnu.so",
				    0x12, QN_SYMBOLS_SHORT, 300),
			    "_json.so+0x12");
	assert_string_equal(text_of("/a/_json.cpython-311-x86_64-linux-gnu.so",
				    0x12, QN_SYMBOLS_LONG, 300),
			    "_json.cpython-311-x86_64-linux-gnu.so+0x12");
	assert_string_equal(text_of("/a/_rust.abi3.so", 0x12, QN_SYMBOLS_SHORT,
				    300),
			    "_rust.so+0x12");
	assert_string_equal(text_of("/a/x.pypy39-pp73-x86_64-linux-gnu.so",
				    0x12, QN_SYMBOLS_SHORT, 300),
			    "x.so+0x12");
	/* Versions tell two libraries apart */
	assert_string_equal(text_of("/a/libx.so.6", 0x12, QN_SYMBOLS_SHORT,
				    300),
			    "libx.so.6+0x12");
	assert_string_equal(text_of("/a/libglib-2.0.so", 0x12, QN_SYMBOLS_SHORT,
				    300),
			    "libglib-2.0.so+0x12");
	assert_string_equal(text_of("/a/.cpython-3.so", 0x12, QN_SYMBOLS_SHORT,
				    300),
			    ".cpython-3.so+0x12");
	assert_string_equal(text_of("/tmp", 0x12, QN_SYMBOLS_SHORT, 300),
			    "tmp+0x12");
}

static void test_torn(void **state)
{
	u64 at = offset_of((const void *)(uintptr_t)landmark) + 1;

	(void)state;
	for (size_t size = 0; size < own_size; size += 1 + size / 4) {
		put_file(own, size);
		text_of(path, at, QN_SYMBOLS_LONG, 300);
	}
}

/* In the header, in the table of sections, and anywhere */
static void test_flipped(void **state)
{
	u64 at = offset_of((const void *)(uintptr_t)landmark) + 1;
	u32 random = 1;

	(void)state;
	for (u32 round = 0; round < 600; round++) {
		size_t where, size = own_size;

		random_turn(&random);
		where = random >> 8;
		if (round % 3 == 0)
			size = 64;
		else if (round % 3 == 1)
			size = 64 * 40;
		where = own_size - 1 - where % size;
		if (size == 64)
			where = own_size - 1 - where;
		own[where] ^= (u8)(1u << random % 8);
		put_file(own, own_size);
		text_of(path, at, QN_SYMBOLS_LONG, 300);
		own[where] ^= (u8)(1u << random % 8);
	}
}

static int make(void **state)
{
	FILE *f = fopen("/proc/self/exe", "rb");
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/t-symbols.XXXXXX");
	fd = mkstemp(path);
	own = malloc(16 << 20);
	if (fd < 0 || !f || !own)
		return -1;
	close(fd);
	own_size = fread(own, 1, 16 << 20, f);
	fclose(f);
	return landmark(1) == 4 && own_size ? 0 : -1;
}

static int unmake(void **state)
{
	(void)state;
	free(own);
	return unlink(path);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_torn),
		cmocka_unit_test(test_flipped),
	};

	return cmocka_run_group_tests(tests, make, unmake);
}
