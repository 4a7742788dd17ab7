// SPDX-License-Identifier: MIT
/*
 * buddy-core.c - memory, alignment, resizing and walks of the buddy systems.
 */
#include "engine/buddy-core.h"

#include <string.h>

/* Most leaves that fit before their tags and the state, in @room bytes */
static size_t leaves_in(size_t room)
{
	size_t own = sizeof(struct qn_buddy) + sizeof(void *);

	return room <= own ? 0 : (room - own) / (QN_BUDDY_LEAF + 1);
}

/* Blocks of falling order, so that each starts at a multiple of its size */
static void cut(struct qn_buddy *b,
		void (*add)(struct qn_buddy *b, size_t leaf, unsigned int k))
{
	size_t leaf = 0;

	while (leaf < b->nr) {
		unsigned int k = qn_ilog2(b->nr - leaf);

		add(b, leaf, k);
		leaf += (size_t)1 << k;
	}
}

struct qn_buddy *qn_buddy_init(void *mem, size_t size,
			       void (*add)(struct qn_buddy *b, size_t leaf,
					   unsigned int k))
{
	uintptr_t base = round_up((uintptr_t)mem, QN_BUDDY_LEAF);
	size_t skew = base - (uintptr_t)mem;
	size_t nr = mem && size > skew ? leaves_in(size - skew) : 0;
	uintptr_t tags = base + nr * QN_BUDDY_LEAF;
	struct qn_buddy *b = (void *)round_up(tags + nr, sizeof(void *));

	if (!nr)
		return NULL;
	memset(b, 0, sizeof(*b));
	b->base = (u8 *)base;
	b->tags = (u8 *)tags;
	b->nr = nr;
	b->start = mem;
	b->size = size;
	for (unsigned int k = 0; k < QN_BUDDY_ORDERS; k++)
		b->avail[k].next = b->avail[k].prev = &b->avail[k];
	cut(b, add);
	return b;
}

size_t qn_buddy_start(const struct qn_buddy *b, const void *p)
{
	size_t leaf = qn_buddy_leaf(b, p);
	unsigned int tag = b->tags[leaf];

	if (unlikely(tag & QN_BUDDY_INSIDE))
		leaf &= ~(size_t)0 << (tag & ~QN_BUDDY_INSIDE);
	return leaf;
}

static size_t block_bytes(const struct qn_buddy *b, size_t leaf)
{
	return QN_BUDDY_LEAF << b->tags[leaf];
}

size_t qn_buddy_usable(void *heap, const void *p)
{
	struct qn_buddy *b = heap;
	size_t leaf = qn_buddy_start(b, p);

	return block_bytes(b, leaf) -
	       ((uintptr_t)p - (uintptr_t)qn_buddy_node(b, leaf));
}

/* The pointer moves up in its block at @p, and what it points to says so */
static void *move_up(struct qn_buddy *b, uintptr_t p, size_t align)
{
	unsigned int k = b->tags[qn_buddy_leaf(b, (void *)p)];
	uintptr_t q = round_up(p, align);

	if (q != p)
		b->tags[qn_buddy_leaf(b, (void *)q)] =
			(u8)(QN_BUDDY_INSIDE | k);
	return (void *)q;
}

/* A block that is aligned as it is, or one with room to move in */
void *qn_buddy_aligned(const struct qn_engine *e, struct qn_buddy *b,
		       size_t align, size_t size)
{
	void *p;

	if (!is_power_of_2(align) || size > PTRDIFF_MAX ||
	    align > PTRDIFF_MAX / 2)
		return NULL;
	if (is_aligned((uintptr_t)b->base, align))
		return e->alloc(b, max(size, align));
	p = e->alloc(b, max(size, (size_t)1) + align);
	return p ? move_up(b, (uintptr_t)p, align) : NULL;
}

/* A block stays where it is as long as its order is right */
void *qn_buddy_realloc(const struct qn_engine *e, struct qn_buddy *b, void *p,
		       size_t size)
{
	size_t usable;
	void *q;

	if (!p)
		return e->alloc(b, size);
	usable = qn_buddy_usable(b, p);
	if (size <= usable && (size > usable / 2 || usable <= QN_BUDDY_LEAF))
		return p;
	q = e->alloc(b, size);
	if (!q)
		return NULL;
	memcpy(q, p, min(size, usable));
	e->free(b, p);
	return q;
}

/* ---- walks ---- */

/* The order of the block at @leaf, with FREE; what was put off counts as done */
static unsigned int tag_at(const struct qn_buddy *b, size_t leaf)
{
	size_t past = leaf - b->split;

	if (leaf > b->split && b->split_from > b->split_to &&
	    past < (size_t)1 << b->split_from)
		return QN_BUDDY_FREE | qn_ilog2(past);
	return b->tags[leaf];
}

void qn_buddy_stats(void *heap, struct qn_engine_stats *st)
{
	const struct qn_buddy *b = heap;
	size_t leaf = 0;

	*st = (struct qn_engine_stats){ .size = b->size };
	while (leaf < b->nr) {
		unsigned int tag = tag_at(b, leaf);
		size_t bytes = QN_BUDDY_LEAF << (tag & ~QN_BUDDY_FREE);

		if (tag & QN_BUDDY_FREE) {
			st->free += bytes;
			st->largest_free = max(st->largest_free, bytes);
		} else {
			st->live += bytes;
			st->nr_live++;
		}
		leaf += bytes / QN_BUDDY_LEAF;
	}
	st->metadata = st->size - st->live - st->free;
}

/* Blocks follow each other without a gap, and no two free buddies are left */
static const char *check_blocks(const struct qn_buddy *b, size_t *nr_free)
{
	size_t leaf = 0;

	while (leaf < b->nr) {
		unsigned int tag = tag_at(b, leaf);
		unsigned int k = tag & ~QN_BUDDY_FREE;

		if (k >= QN_BUDDY_ORDERS || leaf & (((size_t)1 << k) - 1))
			return "buddy: a block is not at a multiple of its size";
		if (tag & QN_BUDDY_FREE)
			++*nr_free;
		if (tag & QN_BUDDY_FREE && qn_buddy_can_merge(b, leaf, k))
			return "buddy: two free buddies were not merged";
		leaf += (size_t)1 << k;
	}
	return leaf == b->nr ? NULL : "buddy: a block reaches past the end";
}

/* May there be a free block at @n? A damaged link leads anywhere */
static bool is_node(const struct qn_buddy *b, const struct qn_buddy_node *n)
{
	uintptr_t at = (uintptr_t)n - (uintptr_t)b->base;

	return at / QN_BUDDY_LEAF < b->nr && is_aligned(at, QN_BUDDY_LEAF);
}

static const char *check_list(const struct qn_buddy *b, unsigned int k,
			      size_t *nr_free)
{
	const struct qn_buddy_node *head = &b->avail[k], *before = head;

	for (const struct qn_buddy_node *n = head->next; n != head;
	     n = n->next) {
		if (!is_node(b, n) || n->prev != before)
			return "buddy: a link leads nowhere";
		if (b->tags[qn_buddy_leaf(b, n)] != (QN_BUDDY_FREE | k) ||
		    !*nr_free)
			return "buddy: a block is in the list of another size";
		--*nr_free;
		before = n;
	}
	return NULL;
}

const char *qn_buddy_check(void *heap)
{
	const struct qn_buddy *b = heap;
	size_t nr_free = 0;
	const char *error = check_blocks(b, &nr_free);

	nr_free -= b->split_from - b->split_to;
	for (unsigned int k = 0; k < QN_BUDDY_ORDERS && !error; k++)
		error = check_list(b, k, &nr_free);
	if (!error && nr_free)
		error = "buddy: a free block is in no list";
	return error;
}
