/* SPDX-License-Identifier: MIT */
/*
 * bits.h - bit arithmetic over single words.
 *
 * Only what is one or two instructions on x86-64 and on Cortex-M4 (CLZ, RBIT);
 * no population count, which would be a library call there.
 */
#ifndef QN_BITS_H
#define QN_BITS_H

#include "base/compiler.h"

/* Index of the lowest set bit; @x must not be 0 */
static __always_inline unsigned int qn_ctz(unsigned long x)
{
	return (unsigned int)__builtin_ctzl(x);
}

/*
 * Index of the lowest set bit; 32 for 0, which is what the instruction gives where
 * there is one, if the compiler knows no more about @x than we do
 */
static __always_inline unsigned int qn_ctz32(u32 x)
{
	__asm__("" : "+r"(x));
	return x ? (unsigned int)__builtin_ctz(x) : 32;
}

/* Zeroes above the highest set bit; the same */
static __always_inline unsigned int qn_clz32(u32 x)
{
	__asm__("" : "+r"(x));
	return x ? (unsigned int)__builtin_clz(x) : 32;
}

/* Index of the highest set bit; @x must not be 0 */
static __always_inline unsigned int qn_ilog2(unsigned long x)
{
	return (unsigned int)(8 * sizeof(x) - 1) -
	       (unsigned int)__builtin_clzl(x);
}

/* Bits 0 .. @n-1 set; 0 <= @n < bits in a word */
static __always_inline unsigned long qn_low_mask(unsigned int n)
{
	return (1ul << n) - 1;
}

/* Do @size bytes at @p read as zero; both are multiples of two words */
static inline bool qn_is_zero(const void *p, size_t size)
{
	const unsigned long *word = p;

	for (size_t i = 0; i < size / sizeof(*word); i += 2)
		if (word[i] | word[i + 1])
			return false;
	return true;
}

#endif /* QN_BITS_H */
