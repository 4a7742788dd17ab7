// SPDX-License-Identifier: MIT
/*
 * buddy-fast.c - the buddy system with Fast Find and Fast Return: Donahue, Hampton,
 * Cytron, Franklin, Kavi, "Hardware Support for Fast and Bounded-Time Storage
 * Allocation", Workshop on Memory Performance Issues, 2002.
 *
 * They built it as hardware beside the memory. Here its two ideas stand as software:
 *
 *	Fast Find	one bit a level says whether the level's list has blocks. Levels
 *			that are too small are shifted out, and a leading-ones detector
 *			(CLZ) gives the level: O(1) instead of O(log n).
 *	Fast Return	the first part of the block that was found is handed out at
 *			once, whatever its level. Splitting what is left of it, the wait,
 *			is put off: step() does it in the time between two requests, as
 *			their hardware did beside the processor. A request that comes
 *			before that does it first, and pays for it.
 *
 * Theorem. With step() between any two requests an allocation is O(1): it executes
 * no loop. Without, it is O(log n) as in buddy.c, and so is free() in any case, for
 * merging is as it was. At most one wait is ever outstanding, since every operation
 * finishes the one before. The blocks handed out are the same as those of buddy.c,
 * call by call.
 */
#include "engine/buddy-core.h"

/* Level k's bit is TOP >> k: the leading one is the smallest level */
#define TOP ((size_t)1 << (8 * sizeof(size_t) - 1))

static void add(struct qn_buddy *b, size_t leaf, unsigned int k)
{
	qn_buddy_add(b, leaf, k);
	b->levels |= TOP >> k;
}

/* @leaf leaves its list of order @k; the last one takes the level's bit along */
static __always_inline void del(struct qn_buddy *b, size_t leaf, unsigned int k)
{
	qn_buddy_del(qn_buddy_node(b, leaf));
	if (qn_buddy_is_empty(b, k))
		b->levels &= ~(TOP >> k);
}

/* The wait: what was put off when the block at @split was returned */
static noinline void wait(struct qn_buddy *b)
{
	unsigned int j = b->split_from;

	while (j > b->split_to) {
		j--;
		add(b, b->split + ((size_t)1 << j), j);
	}
	b->split_from = b->split_to;
}

static __always_inline bool is_waiting(const struct qn_buddy *b)
{
	return b->split_from != b->split_to;
}

static void *fast_init(void *mem, size_t size)
{
	return qn_buddy_init(mem, size, add);
}

static void *fast_alloc(void *heap, size_t size)
{
	struct qn_buddy *b = heap;
	unsigned int k, j;
	size_t levels, leaf;

	if (unlikely(size > PTRDIFF_MAX))
		return NULL;
	if (is_waiting(b))
		wait(b);
	k = qn_buddy_order(size);
	/* Fast Find */
	levels = b->levels << k;
	if (unlikely(!levels))
		return NULL;
	j = k + (unsigned int)__builtin_clzl(levels);
	leaf = qn_buddy_leaf(b, b->avail[j].next);
	del(b, leaf, j);
	/* Fast Return */
	b->tags[leaf] = (u8)k;
	b->split = leaf;
	b->split_from = j;
	b->split_to = k;
	return qn_buddy_node(b, leaf);
}

static void fast_free(void *heap, void *p)
{
	struct qn_buddy *b = heap;
	unsigned int k;
	size_t leaf;

	if (!p)
		return;
	if (is_waiting(b))
		wait(b);
	leaf = qn_buddy_start(b, p);
	k = b->tags[leaf];
	while (qn_buddy_can_merge(b, leaf, k)) {
		size_t other = leaf ^ ((size_t)1 << k);

		del(b, other, k);
		leaf &= other;
		k++;
	}
	add(b, leaf, k);
}

static int fast_step(void *heap)
{
	struct qn_buddy *b = heap;

	if (!is_waiting(b))
		return 0;
	wait(b);
	return 1;
}

static void *fast_aligned(void *heap, size_t align, size_t size)
{
	return qn_buddy_aligned(&qn_engine_buddy_fast, heap, align, size);
}

static void *fast_realloc(void *heap, void *p, size_t size)
{
	return qn_buddy_realloc(&qn_engine_buddy_fast, heap, p, size);
}

/* A level's bit is set if, and only if, its list has blocks */
static const char *fast_check(void *heap)
{
	struct qn_buddy *b = heap;

	for (unsigned int k = 0; k < QN_BUDDY_ORDERS; k++)
		if (!(b->levels & TOP >> k) != qn_buddy_is_empty(b, k))
			return "buddy-fast: a level's bit is wrong";
	return qn_buddy_check(heap);
}

const struct qn_engine qn_engine_buddy_fast = {
	.name = "buddy-fast",
	.about = "the buddy system with Fast Find and Fast Return",
	.init = fast_init,
	.alloc = fast_alloc,
	.aligned = fast_aligned,
	.realloc = fast_realloc,
	.free = fast_free,
	.usable = qn_buddy_usable,
	.step = fast_step,
	.stats = qn_buddy_stats,
	.check = fast_check,
};
