// SPDX-License-Identifier: MIT
/*
 * buddy.c - the buddy system as published: Knuth, The Art of Computer Programming,
 * volume 1, section 2.5, algorithms R (reservation) and S (liberation), after
 * Knowlton (1965).
 *
 * Requests are rounded up to a power of two. Free blocks of each power have a list
 * of their own. An allocation has three parts, by the names that Donahue and others
 * (2002) give them:
 *
 *	find	the first list, from the size wanted up, that has a block
 *	wait	while it is larger, split it in two; the upper half becomes free
 *	return	the block
 *
 * free() merges a block with its buddy as long as that is free, too.
 *
 * Theorem. The buddy of a block of 2^k at x lies at x + 2^k if 2^(k+1) divides x,
 * else at x - 2^k: one exclusive or, so no neighbour is searched for. No two free
 * buddies are ever left, so a request of 2^k fails only if each of the n / 2^k
 * places for it holds a live block. Less than half of a block goes to rounding.
 * Both operations take at most log2(n) steps.
 *
 * What fragmentation can come to is another matter: no system that does not move
 * blocks can promise to serve M live bytes in less than about M * log2(n) / 2 bytes
 * (Robson 1971), n being the largest request over the smallest. The lists here are
 * last in, first out; the address of a block is not looked at.
 */
#include "engine/buddy-core.h"

static void add(struct qn_buddy *b, size_t leaf, unsigned int k)
{
	qn_buddy_add(b, leaf, k);
}

static void *buddy_init(void *mem, size_t size)
{
	return qn_buddy_init(mem, size, add);
}

/* Algorithm R */
static void *buddy_alloc(void *heap, size_t size)
{
	struct qn_buddy *b = heap;
	unsigned int k, j;
	size_t leaf;

	if (unlikely(size > PTRDIFF_MAX))
		return NULL;
	k = qn_buddy_order(size);
	/* R1: find */
	for (j = k; j < QN_BUDDY_ORDERS && qn_buddy_is_empty(b, j); j++)
		;
	if (unlikely(j >= QN_BUDDY_ORDERS))
		return NULL;
	/* R2: take it off its list */
	leaf = qn_buddy_leaf(b, b->avail[j].next);
	qn_buddy_del(b->avail[j].next);
	/* R3, R4: split */
	while (j > k) {
		j--;
		qn_buddy_add(b, leaf + ((size_t)1 << j), j);
	}
	b->tags[leaf] = (u8)k;
	return qn_buddy_node(b, leaf);
}

/* Algorithm S */
static void buddy_free(void *heap, void *p)
{
	struct qn_buddy *b = heap;
	unsigned int k;
	size_t leaf;

	if (!p)
		return;
	leaf = qn_buddy_start(b, p);
	k = b->tags[leaf];
	/* S1, S2: as long as its buddy is free, they become one */
	while (qn_buddy_can_merge(b, leaf, k)) {
		size_t other = leaf ^ ((size_t)1 << k);

		qn_buddy_del(qn_buddy_node(b, other));
		leaf &= other;
		k++;
	}
	/* S3 */
	qn_buddy_add(b, leaf, k);
}

static void *buddy_aligned(void *heap, size_t align, size_t size)
{
	return qn_buddy_aligned(&qn_engine_buddy, heap, align, size);
}

static void *buddy_realloc(void *heap, void *p, size_t size)
{
	return qn_buddy_realloc(&qn_engine_buddy, heap, p, size);
}

const struct qn_engine qn_engine_buddy = {
	.name = "buddy",
	.about = "Knuth's buddy system, as published",
	.init = buddy_init,
	.alloc = buddy_alloc,
	.aligned = buddy_aligned,
	.realloc = buddy_realloc,
	.free = buddy_free,
	.usable = qn_buddy_usable,
	.stats = qn_buddy_stats,
	.check = qn_buddy_check,
};
