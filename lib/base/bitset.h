/* SPDX-License-Identifier: MIT */
/*
 * bitset.h - a set of small numbers in an array of words that the caller owns.
 *
 * Numbers are below a size that the caller keeps. Bits above it in the last word
 * are never set by these functions, so a search needs no mask at its end.
 */
#ifndef QN_BITSET_H
#define QN_BITSET_H

#include "base/bits.h"
#include "base/compiler.h"

#define QN_BITSET_BITS (8 * sizeof(unsigned long))

/* Words that a set of numbers below @nr takes; all zero is the empty set */
#define QN_BITSET_WORDS(nr) DIV_ROUND_UP(nr, QN_BITSET_BITS)

static inline unsigned long qn_bitset_bit(size_t i)
{
	return 1ul << i % QN_BITSET_BITS;
}

static inline bool qn_bitset_has(const unsigned long *set, size_t i)
{
	return set[i / QN_BITSET_BITS] & qn_bitset_bit(i);
}

static inline void qn_bitset_add(unsigned long *set, size_t i)
{
	set[i / QN_BITSET_BITS] |= qn_bitset_bit(i);
}

static inline void qn_bitset_del(unsigned long *set, size_t i)
{
	set[i / QN_BITSET_BITS] &= ~qn_bitset_bit(i);
}

/**
 * qn_bitset_find() - the lowest number of a set that is not below another
 * @set:	the set
 * @nr:		all numbers are below this
 * @from:	where the search begins; may be @nr
 *
 * Looks at one word for each QN_BITSET_BITS numbers.
 *
 * Return: the number, or @nr if there is none.
 */
static inline size_t qn_bitset_find(const unsigned long *set, size_t nr,
				    size_t from)
{
	size_t i = from / QN_BITSET_BITS;
	unsigned long word;

	if (from >= nr)
		return nr;
	word = set[i] & ~0ul << from % QN_BITSET_BITS;
	while (!word && ++i < QN_BITSET_WORDS(nr))
		word = set[i];
	return word ? i * QN_BITSET_BITS + qn_ctz(word) : nr;
}

/* The same for the lowest number that the set lacks */
static inline size_t qn_bitset_find_hole(const unsigned long *set, size_t nr,
					 size_t from)
{
	size_t i = from / QN_BITSET_BITS;
	unsigned long word;

	if (from >= nr)
		return nr;
	word = ~set[i] & ~0ul << from % QN_BITSET_BITS;
	while (!word && ++i < QN_BITSET_WORDS(nr))
		word = ~set[i];
	return word ? min(i * QN_BITSET_BITS + qn_ctz(word), nr) : nr;
}

#endif /* QN_BITSET_H */
