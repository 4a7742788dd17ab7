/* SPDX-License-Identifier: MIT */
/*
 * varint.h - numbers in as few bytes as they need: seven bits a byte, the lowest
 * first, the top bit says that there is more (LEB128).
 *
 * Reading trusts nothing: the bytes may come from a file that is torn or damaged.
 */
#ifndef QN_VARINT_H
#define QN_VARINT_H

#include "base/compiler.h"

/* Bytes of the largest number */
#define QN_VARINT_MAX 10

/**
 * qn_varint_put() - write a number
 * @to:		at least QN_VARINT_MAX bytes
 * @value:	the number
 *
 * Return: bytes written, 1 to QN_VARINT_MAX.
 */
static inline size_t qn_varint_put(u8 *to, u64 value)
{
	size_t n = 0;

	for (; value >= 0x80; value >>= 7)
		to[n++] = (u8)(value | 0x80);
	to[n++] = (u8)value;
	return n;
}

/**
 * qn_varint_get() - read a number
 * @from:	the bytes
 * @size:	how many there are
 * @value:	filled in; as it was on error
 *
 * Return: bytes read, or 0 if the number does not end within @size bytes, does
 * not fit 64 bits, or has a last byte that adds nothing (each number has one
 * spelling only).
 */
static inline size_t qn_varint_get(const u8 *from, size_t size, u64 *value)
{
	u64 v = 0;

	for (size_t n = 0; n < size && n < QN_VARINT_MAX; n++) {
		u64 bits = from[n] & 0x7f;

		/* Of the tenth byte one bit is left */
		if (n == QN_VARINT_MAX - 1 && from[n] > 1)
			return 0;
		v |= bits << 7 * n;
		if (from[n] & 0x80)
			continue;
		if (n && !bits)
			return 0;
		*value = v;
		return n + 1;
	}
	return 0;
}

/* A signed number as one that is small if the signed one is near 0, and back */
static inline u64 qn_varint_from_signed(s64 value)
{
	return (u64)value << 1 ^ (value < 0 ? ~(u64)0 : 0);
}

static inline s64 qn_varint_to_signed(u64 value)
{
	return (s64)(value >> 1 ^ (value & 1 ? ~(u64)0 : 0));
}

#endif /* QN_VARINT_H */
