// SPDX-License-Identifier: MIT
/*
 * t-varint.c - numbers in few bytes.
 *
 * Invariants: what is written is read back, in as many bytes as 7 bits each need; no
 * prefix of it is read as a number; nothing behind it is read; whatever bytes come,
 * at most one spelling of a number is accepted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/varint.h"

static size_t bytes_for(u64 value)
{
	size_t n = 1;

	while (value >>= 7)
		n++;
	return n;
}

static void assert_passes(u64 value)
{
	u8 bytes[QN_VARINT_MAX + 1];
	u64 got = ~value;
	size_t n;

	memset(bytes, 0xff, sizeof(bytes));
	n = qn_varint_put(bytes, value);
	assert_int_equal(n, bytes_for(value));
	assert_int_equal(bytes[n], 0xff);
	for (size_t cut = 0; cut < n; cut++)
		assert_int_equal(qn_varint_get(bytes, cut, &got), 0);
	assert_true(got == ~value);
	assert_int_equal(qn_varint_get(bytes, sizeof(bytes), &got), n);
	assert_true(got == value);
	assert_int_equal(qn_varint_get(bytes, n, &got), n);
}

static void test_numbers(void **state)
{
	(void)state;
	for (u64 v = 0; v < 70000; v++)
		assert_passes(v);
	for (unsigned int shift = 0; shift < 64; shift++) {
		assert_passes(1ull << shift);
		assert_passes((1ull << shift) - 1);
		assert_passes(~0ull >> shift);
	}
}

/* Every text of three bytes: read means written the same way */
static void test_any_bytes(void **state)
{
	(void)state;
	for (u32 text = 0; text < 1u << 24; text += 1 + text % 7) {
		u8 from[3] = { (u8)text, (u8)(text >> 8), (u8)(text >> 16) };
		u8 to[QN_VARINT_MAX];
		u64 value;
		size_t n = qn_varint_get(from, sizeof(from), &value);

		if (!n)
			continue;
		assert_int_equal(qn_varint_put(to, value), n);
		assert_memory_equal(from, to, n);
	}
}

static void test_too_large(void **state)
{
	u8 bytes[QN_VARINT_MAX + 1];
	u64 value = 5;

	(void)state;
	memset(bytes, 0xff, sizeof(bytes));
	assert_int_equal(qn_varint_get(bytes, sizeof(bytes), &value), 0);
	bytes[QN_VARINT_MAX - 1] = 2;
	assert_int_equal(qn_varint_get(bytes, sizeof(bytes), &value), 0);
	assert_true(value == 5);
	bytes[QN_VARINT_MAX - 1] = 1;
	assert_int_equal(qn_varint_get(bytes, sizeof(bytes), &value),
			 QN_VARINT_MAX);
	assert_true(value == ~0ull);
}

static void test_signed(void **state)
{
	static const s64 edges[] = { 0, -1, 1, -64, 63, INT64_MIN, INT64_MAX };

	(void)state;
	for (s64 v = -3000; v < 3000; v++) {
		assert_true(qn_varint_to_signed(qn_varint_from_signed(v)) == v);
		assert_true(qn_varint_from_signed(v) <= 6000);
	}
	for (size_t i = 0; i < ARRAY_SIZE(edges); i++)
		assert_true(qn_varint_to_signed(qn_varint_from_signed(
				    edges[i])) == edges[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_any_bytes),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_signed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
