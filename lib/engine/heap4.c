// SPDX-License-Identifier: MIT
/*
 * heap4.c - the algorithm of FreeRTOS's heap_4: one list of free blocks in order of
 * addresses, first fit, neighbours merged. Written anew after the kernel's description
 * (freertos.org, Heap Memory Management), to tell what a heap_4 would need.
 *
 *	| next | size | what the caller has ...   | next | size | ...
 *
 * It differs from engine freelist (Knuth's algorithms) in what heap_4 differs in: a block
 * in use keeps both words of its header, a rest that is no longer than two headers is not
 * cut off, and a header at the end of the memory ends the list. heap_4 has no realloc and
 * no alignment above its own: here a block that is large enough stays where it is, any
 * other is copied, and an aligned block leaves the bytes before it free.
 *
 * Theorem. malloc and free are O(n) for n free blocks, as in freelist.c.
 */
#include "engine/engine.h"

#include <string.h>

/**
 * struct block - a header
 * @next:	the next free block; of one in use NULL
 * @size:	its bytes, header included; of one in use with %USED
 */
struct block {
	struct block *next;
	size_t size;
};

#define HEADER sizeof(struct block)
_Static_assert(HEADER == QN_ALIGN, "blocks follow each other without a gap");

/* A shorter rest stays with the block: "heapMINIMUM_BLOCK_SIZE" */
#define LEAST (2 * HEADER)

#define USED (~(SIZE_MAX >> 1))

/**
 * struct heap4 - a heap: this, blocks without a gap, and a header at @end
 * @first:	its @first.next is the free block at the lowest address
 * @size:	bytes of the memory given
 */
struct heap4 {
	struct block first;
	u8 *from;
	struct block *end;
	size_t size;
};

static struct block *behind(const struct block *b)
{
	return (void *)((u8 *)(uintptr_t)b + (b->size & ~USED));
}

static void *user_of(struct block *b)
{
	return b + 1;
}

static struct block *block_of(const void *p)
{
	return (struct block *)(uintptr_t)p - 1;
}

static size_t bytes_for(size_t size)
{
	return round_up(size + (size == 0) + HEADER, QN_ALIGN);
}

static void *heap4_init(void *mem, size_t size)
{
	struct heap4 *h = (void *)round_up((uintptr_t)mem, sizeof(void *));
	uintptr_t from = round_up((uintptr_t)(h + 1), QN_ALIGN);
	size_t before = from - (uintptr_t)mem;
	struct block *b = (void *)from;

	if (!mem || size < before + LEAST + HEADER)
		return NULL;
	h->from = (u8 *)from;
	h->size = size;
	h->first = (struct block){ b, 0 };
	b->size = round_down(size - before, QN_ALIGN) - HEADER;
	h->end = b->next = behind(b);
	*h->end = (struct block){ NULL, 0 };
	return h;
}

/* Behind the first @bytes of a block in no list, what is worth it */
static struct block *cut(struct block *b, size_t bytes)
{
	struct block *rest = (void *)((u8 *)b + bytes);

	if (b->size - bytes <= LEAST)
		return NULL;
	rest->size = b->size - bytes;
	b->size = bytes;
	return rest;
}

static void *take(struct block *b)
{
	b->size |= USED;
	b->next = NULL;
	return user_of(b);
}

static void *heap4_alloc(void *heap, size_t size)
{
	struct heap4 *h = heap;
	struct block *before = &h->first, *b, *rest;
	size_t bytes;

	if (unlikely(size > PTRDIFF_MAX / 2))
		return NULL;
	bytes = bytes_for(size);
	for (b = before->next; b->size < bytes && b->next; b = b->next)
		before = b;
	if (b == h->end)
		return NULL;
	before->next = b->next;
	rest = cut(b, bytes);
	if (rest) {
		rest->next = before->next;
		before->next = rest;
	}
	return take(b);
}

/* Into the list, and one with the free blocks that it touches */
static void put(struct heap4 *h, struct block *b)
{
	struct block *before = &h->first;

	while (before->next < b)
		before = before->next;
	if (before != &h->first && behind(before) == b) {
		before->size += b->size;
		b = before;
	}
	if (before->next == behind(b) && before->next != h->end) {
		b->size += before->next->size;
		b->next = before->next->next;
	} else {
		b->next = before->next;
	}
	if (b != before)
		before->next = b;
}

static void heap4_free(void *heap, void *p)
{
	if (!p)
		return;
	block_of(p)->size &= ~USED;
	put(heap, block_of(p));
}

static size_t heap4_usable(void *heap, const void *p)
{
	(void)heap;
	return (block_of(p)->size & ~USED) - HEADER;
}

/* A longer block, whose beginning and end become free again */
static void *heap4_aligned(void *heap, size_t align, size_t size)
{
	struct heap4 *h = heap;
	struct block *b, *at, *rest;
	void *p;

	if (!is_power_of_2(align) || size > PTRDIFF_MAX / 4 ||
	    align > PTRDIFF_MAX / 4)
		return NULL;
	if (align <= QN_ALIGN)
		return heap4_alloc(heap, size);
	p = heap4_alloc(heap, size + align + LEAST);
	if (!p)
		return NULL;
	b = block_of(p);
	b->size &= ~USED;
	at = block_of((void *)round_up((uintptr_t)p + LEAST, align));
	at->size = b->size - (size_t)((u8 *)at - (u8 *)b);
	b->size -= at->size;
	rest = cut(at, bytes_for(size));
	p = take(at);
	put(h, b);
	if (rest)
		put(h, rest);
	return p;
}

static void *heap4_realloc(void *heap, void *p, size_t size)
{
	void *q;

	if (p && size <= heap4_usable(heap, p))
		return p;
	q = heap4_alloc(heap, size);
	if (!p || !q)
		return q;
	memcpy(q, p, heap4_usable(heap, p));
	heap4_free(heap, p);
	return q;
}

/* ---- walks ---- */

static void heap4_stats(void *heap, struct qn_engine_stats *st)
{
	const struct heap4 *h = heap;
	const struct block *b = (void *)h->from;

	*st = (struct qn_engine_stats){ .size = h->size };
	for (; b != h->end; b = behind(b)) {
		size_t bytes = b->size & ~USED;

		if (b->size & USED) {
			st->live += bytes;
			st->nr_live++;
		} else {
			st->free += bytes;
			st->largest_free = max(st->largest_free, bytes);
		}
	}
	st->metadata = st->size - st->live - st->free;
}

static const char *heap4_check(void *heap)
{
	const struct heap4 *h = heap;
	const struct block *next = h->first.next, *b = (void *)h->from;
	bool was_free = false;

	while (b != h->end) {
		size_t bytes = b->size & ~USED;
		bool is_free = !(b->size & USED);

		if (bytes < LEAST || !is_aligned(bytes, QN_ALIGN) ||
		    bytes > (size_t)((u8 *)h->end - (u8 *)(uintptr_t)b))
			return "heap4: a block has an impossible size";
		if (is_free && was_free)
			return "heap4: two free blocks were not merged";
		if (is_free != (b == next))
			return "heap4: a block is free, or in the list, alone";
		if (!is_free && b->next)
			return "heap4: a block in use has a link";
		next = is_free ? b->next : next;
		was_free = is_free;
		b = behind(b);
	}
	return next != h->end ? "heap4: the list does not end at the end" :
				NULL;
}

const struct qn_engine qn_engine_heap4 = {
	.name = "heap4",
	.about = "FreeRTOS's heap_4: first fit in order of addresses",
	.init = heap4_init,
	.alloc = heap4_alloc,
	.aligned = heap4_aligned,
	.realloc = heap4_realloc,
	.free = heap4_free,
	.usable = heap4_usable,
	.stats = heap4_stats,
	.check = heap4_check,
};
