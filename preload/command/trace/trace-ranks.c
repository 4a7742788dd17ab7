// SPDX-License-Identifier: MIT
/*
 * trace-ranks.c - a bit for each number, and counts of bits, so that most words are
 * never looked at.
 */
#include "trace-ranks.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "command/base/fail.h"

/* Bits of a word, and words that are counted together */
#define WORD  64u
#define GROUP 64u

void qn_ranks_init(struct qn_ranks *r, u32 nr)
{
	size_t words = nr / WORD + 1, groups = words / GROUP + 1;

	r->nr = nr;
	r->set = qn_xrealloc(NULL, words * sizeof(*r->set));
	memset(r->set, 0, words * sizeof(*r->set));
	r->counts = qn_xrealloc(NULL, groups * sizeof(*r->counts));
	memset(r->counts, 0, groups * sizeof(*r->counts));
}

void qn_ranks_exit(struct qn_ranks *r)
{
	free(r->set);
	free(r->counts);
}

bool qn_ranks_has(const struct qn_ranks *r, u64 i)
{
	return i < r->nr && r->set[i / WORD] >> i % WORD & 1;
}

void qn_ranks_add(struct qn_ranks *r, u32 i)
{
	r->set[i / WORD] |= 1ull << i % WORD;
	r->counts[i / (WORD * GROUP)]++;
}

void qn_ranks_del(struct qn_ranks *r, u32 i)
{
	r->set[i / WORD] &= ~(1ull << i % WORD);
	r->counts[i / (WORD * GROUP)]--;
}

/* The compiler's own would be a call: not every x86-64 has the instruction */
static __always_inline u32 nr_set(u64 w)
{
	w -= w >> 1 & 0x5555555555555555;
	w = (w & 0x3333333333333333) + (w >> 2 & 0x3333333333333333);
	w = (w + (w >> 4)) & 0x0f0f0f0f0f0f0f0f;
	return (u32)(w * 0x0101010101010101 >> 56);
}

/* Of word @w what is in [from, to) */
static u64 part_of(const struct qn_ranks *r, u64 w, u32 from, u32 to)
{
	u64 set = r->set[w];

	if (w * WORD < from)
		set &= ~0ull << from % WORD;
	if ((w + 1) * WORD > to)
		set &= ~(~0ull << to % WORD);
	return set;
}

/* Does a group begin with word @w that is in [from, to) as a whole */
static bool is_whole(u64 w, u32 from, u32 to)
{
	return w % GROUP == 0 && w * WORD >= from && (w + GROUP) * WORD <= to;
}

u32 qn_ranks_count(const struct qn_ranks *r, u32 from, u32 to)
{
	u64 w = from / WORD;
	u32 n = 0;

	while (w * WORD < to) {
		if (is_whole(w, from, to)) {
			n += r->counts[w / GROUP];
			w += GROUP;
		} else {
			n += nr_set(part_of(r, w++, from, to));
		}
	}
	return n;
}

bool qn_ranks_above(const struct qn_ranks *r, u32 from, u32 to, u64 n, u32 *i)
{
	u64 w = from / WORD, set;

	for (; w * WORD < to; w++) {
		while (is_whole(w, from, to) && n >= r->counts[w / GROUP]) {
			n -= r->counts[w / GROUP];
			w += GROUP;
		}
		if (w * WORD >= to)
			break;
		set = part_of(r, w, from, to);
		if (n >= nr_set(set)) {
			n -= nr_set(set);
			continue;
		}
		while (n--)
			set &= set - 1;
		*i = (u32)(w * WORD) + qn_ctz(set);
		return true;
	}
	return false;
}

bool qn_ranks_below(const struct qn_ranks *r, u32 from, u32 to, u64 n, u32 *i)
{
	u32 all = qn_ranks_count(r, from, to);

	return n < all && qn_ranks_above(r, from, to, all - 1 - n, i);
}
