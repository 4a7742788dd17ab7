/* SPDX-License-Identifier: MIT */
/*
 * buddy-core.h - what the two buddy systems, buddy.c and buddy-fast.c, share: the
 * memory, the tags, the lists. How a block is found, split and merged is theirs.
 *
 * Memory is counted in leaves of two links' size twice over. A block of order k
 * has 2^k leaves and starts at a leaf whose number is a multiple of 2^k, so that
 * the number of its buddy, the other half of what it was split from, is its own
 * with bit k inverted.
 *
 * Knuth keeps TAG and KVAL in each block, and is told the size when a block is
 * freed. free() tells none, and a header would make a request of a power of two
 * take twice the memory; so both lie in a byte for each leaf, apart. The byte of a
 * leaf where no block starts means nothing, with one exception: where a pointer
 * into a block was handed out for the sake of its alignment.
 *
 *	leaves | tags | struct qn_buddy
 *
 * Memory that is no power of two is cut into blocks of falling order, from leaf 0
 * on.
 */
#ifndef QN_BUDDY_CORE_H
#define QN_BUDDY_CORE_H

#include "base/bits.h"
#include "base/compiler.h"
#include "engine/engine.h"

#define QN_BUDDY_LEAF   (2 * QN_ALIGN)
#define QN_BUDDY_ORDERS (8 * sizeof(size_t) - 5)

/* A tag: the order; FREE: of a block in a list; INSIDE: not its first leaf */
#define QN_BUDDY_FREE   0x80u
#define QN_BUDDY_INSIDE 0x40u

/**
 * struct qn_buddy_node - links of a free block, in its own memory
 * @next, @prev: circular, through the head
 */
struct qn_buddy_node {
	struct qn_buddy_node *next, *prev;
};

/**
 * struct qn_buddy - a heap
 * @base:	leaf 0
 * @tags:	a byte for each leaf
 * @nr:		leaves
 * @start:	of the memory that was given
 * @size:	its bytes
 * @levels:	buddy-fast: the highest bit >> k is set if @avail[k] has blocks
 * @split:	buddy-fast: leaf of the block whose splitting was put off
 * @split_from:	its order before; the block handed out has order @split_to
 * @split_to:	equal to @split_from: nothing is put off
 * @avail:	heads of the lists, by order
 */
struct qn_buddy {
	u8 *base;
	u8 *tags;
	size_t nr;
	void *start;
	size_t size;
	size_t levels;
	size_t split;
	unsigned int split_from;
	unsigned int split_to;
	struct qn_buddy_node avail[QN_BUDDY_ORDERS];
};

static __always_inline struct qn_buddy_node *qn_buddy_node(struct qn_buddy *b,
							   size_t leaf)
{
	return (struct qn_buddy_node *)(void *)(b->base + leaf * QN_BUDDY_LEAF);
}

static __always_inline size_t qn_buddy_leaf(const struct qn_buddy *b,
					    const void *p)
{
	return ((uintptr_t)p - (uintptr_t)b->base) / QN_BUDDY_LEAF;
}

/* The order that holds @size bytes; @size is at most PTRDIFF_MAX */
static __always_inline unsigned int qn_buddy_order(size_t size)
{
	if (size <= QN_BUDDY_LEAF)
		return 0;
	return qn_ilog2((size - 1) / QN_BUDDY_LEAF) + 1;
}

static __always_inline bool qn_buddy_is_empty(const struct qn_buddy *b,
					      unsigned int k)
{
	return b->avail[k].next == &b->avail[k];
}

static __always_inline void qn_buddy_add(struct qn_buddy *b, size_t leaf,
					 unsigned int k)
{
	struct qn_buddy_node *n = qn_buddy_node(b, leaf);
	struct qn_buddy_node *head = &b->avail[k];

	n->next = head->next;
	n->prev = head;
	n->next->prev = n;
	head->next = n;
	b->tags[leaf] = (u8)(QN_BUDDY_FREE | k);
}

static __always_inline void qn_buddy_del(struct qn_buddy_node *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
}

/* Is there a buddy of order @k beside the block at @leaf, and is it free? */
static __always_inline bool qn_buddy_can_merge(const struct qn_buddy *b,
					       size_t leaf, unsigned int k)
{
	size_t other = leaf ^ ((size_t)1 << k);

	return other < b->nr && b->tags[other] == (QN_BUDDY_FREE | k);
}

/* The first leaf of the block in use that @p was handed out for */
size_t qn_buddy_start(const struct qn_buddy *b, const void *p);

/* The operations that both have alike; init() calls @add for each free block */
struct qn_buddy *qn_buddy_init(void *mem, size_t size,
			       void (*add)(struct qn_buddy *b, size_t leaf,
					   unsigned int k));
void *qn_buddy_aligned(const struct qn_engine *e, struct qn_buddy *b,
		       size_t align, size_t size);
void *qn_buddy_realloc(const struct qn_engine *e, struct qn_buddy *b, void *p,
		       size_t size);
size_t qn_buddy_usable(void *heap, const void *p);
void qn_buddy_stats(void *heap, struct qn_engine_stats *st);
const char *qn_buddy_check(void *heap);

#endif /* QN_BUDDY_CORE_H */
