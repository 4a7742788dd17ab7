// SPDX-License-Identifier: MIT
/*
 * freelist.c - one list of free blocks, searched from its start: first fit, the
 * kind that Java VM 1.1 had and that Donahue and others (2002) compare with. Knuth,
 * The Art of Computer Programming, volume 1, section 2.5, algorithms A and B.
 *
 * The list is in order of addresses. An allocation takes the low end of the first
 * block that is large enough; a block that comes back finds its place by a walk and
 * merges with the neighbours that it meets there.
 *
 * Theorem. Both operations are O(n) for n free blocks: there is no bound on them
 * but the size of the heap. Neighbours are always merged, so in equilibrium there
 * are half as many free blocks as live ones (Knuth's fifty-percent rule), times the
 * share of requests that do not fit exactly.
 */
#include "engine/chunk.h"
#include "engine/engine.h"

#include <string.h>

/**
 * struct chunk - a block, with the word @size only, or a free one
 * @size:	its bytes, this word included
 * @next:	the next free one behind it, or NULL
 */
struct chunk {
	size_t size;
	struct chunk *next;
};

/**
 * struct freelist - a heap: this, and chunks from @from to @to without a gap
 * @first:	the free chunk at the lowest address, or NULL
 * @size:	bytes of the memory given
 */
struct freelist {
	struct chunk *first;
	u8 *from;
	u8 *to;
	size_t size;
};

static u8 *end_of(const struct chunk *c)
{
	return (u8 *)(uintptr_t)c + c->size;
}

static void *freelist_init(void *mem, size_t size)
{
	struct freelist *f = (void *)round_up((uintptr_t)mem, sizeof(void *));
	uintptr_t from = qn_chunk_place((uintptr_t)(f + 1));
	size_t before = from - (uintptr_t)mem;

	if (!mem || size < before + QN_ALIGN)
		return NULL;
	f->from = (u8 *)from;
	f->to = f->from + round_down(size - before, QN_ALIGN);
	f->size = size;
	f->first = (void *)f->from;
	f->first->size = (size_t)(f->to - f->from);
	f->first->next = NULL;
	return f;
}

/* Bytes to leave in front of @c so that what it serves is aligned */
static size_t gap_of(const struct chunk *c, size_t align)
{
	return -((uintptr_t)c + QN_CHUNK_WORD) & (align - 1);
}

/* Cut @bytes from the low end; the rest, if any, goes to the place in the list */
static void take(struct chunk **at, size_t bytes)
{
	struct chunk *c = *at;
	struct chunk *rest = (void *)((u8 *)c + bytes);

	if (c->size == bytes) {
		*at = c->next;
		return;
	}
	rest->size = c->size - bytes;
	rest->next = c->next;
	*at = rest;
	c->size = bytes;
}

/* Algorithm A */
static void *find(struct freelist *f, size_t bytes)
{
	struct chunk **at = &f->first;
	struct chunk *c;

	while (*at && (*at)->size < bytes)
		at = &(*at)->next;
	c = *at;
	if (!c)
		return NULL;
	take(at, bytes);
	return qn_chunk_user(c);
}

static void *freelist_alloc(void *heap, size_t size)
{
	if (unlikely(size > PTRDIFF_MAX))
		return NULL;
	return find(heap, qn_chunk_size(size));
}

/* The same with a gap in front, which stays in the list */
static void *freelist_aligned(void *heap, size_t align, size_t size)
{
	struct freelist *f = heap;
	struct chunk **at = &f->first;
	struct chunk *c;
	size_t bytes, gap;

	if (!is_power_of_2(align) || size > PTRDIFF_MAX ||
	    align > PTRDIFF_MAX / 2)
		return NULL;
	bytes = qn_chunk_size(size);
	while (*at && (*at)->size < bytes + gap_of(*at, align))
		at = &(*at)->next;
	c = *at;
	if (!c)
		return NULL;
	gap = gap_of(c, align);
	if (gap) {
		take(at, gap);
		c->next = *at;
		*at = c;
		at = &c->next;
		c = *at;
	}
	take(at, bytes);
	return qn_chunk_user(c);
}

/* Algorithm B */
static void put(struct freelist *f, struct chunk *c)
{
	struct chunk **at = &f->first;
	struct chunk *before = NULL;

	while (*at && *at < c) {
		before = *at;
		at = &before->next;
	}
	c->next = *at;
	if (c->next && end_of(c) == (u8 *)c->next) {
		c->size += c->next->size;
		c->next = c->next->next;
	}
	if (before && end_of(before) == (u8 *)c) {
		before->size += c->size;
		before->next = c->next;
	} else {
		*at = c;
	}
}

static void freelist_free(void *heap, void *p)
{
	if (p)
		put(heap, qn_chunk_of(p));
}

static size_t freelist_usable(void *heap, const void *p)
{
	const struct chunk *c = qn_chunk_of(p);

	(void)heap;
	return c->size - QN_CHUNK_WORD;
}

/* Give back what is behind the first @bytes */
static void trim(struct freelist *f, struct chunk *c, size_t bytes)
{
	struct chunk *rest = (void *)((u8 *)c + bytes);

	if (c->size == bytes)
		return;
	rest->size = c->size - bytes;
	c->size = bytes;
	put(f, rest);
}

static void *freelist_realloc(void *heap, void *p, size_t size)
{
	struct chunk *c;
	void *q;

	if (!p || size > PTRDIFF_MAX)
		return freelist_alloc(heap, size);
	c = qn_chunk_of(p);
	if (qn_chunk_size(size) <= c->size) {
		trim(heap, c, qn_chunk_size(size));
		return p;
	}
	q = freelist_alloc(heap, size);
	if (!q)
		return NULL;
	memcpy(q, p, c->size - QN_CHUNK_WORD);
	put(heap, c);
	return q;
}

/* ---- walks ---- */

static void freelist_stats(void *heap, struct qn_engine_stats *st)
{
	const struct freelist *f = heap;
	const struct chunk *next = f->first;
	const struct chunk *c;

	*st = (struct qn_engine_stats){ .size = f->size };
	for (c = (void *)f->from; (u8 *)(uintptr_t)c < f->to;
	     c = (void *)end_of(c)) {
		if (c != next) {
			st->live += c->size;
			st->nr_live++;
			continue;
		}
		st->free += c->size;
		st->largest_free = max(st->largest_free, c->size);
		next = c->next;
	}
	st->metadata = st->size - st->live - st->free;
}

static const char *freelist_check(void *heap)
{
	const struct freelist *f = heap;
	const struct chunk *next = f->first, *before = NULL;
	const struct chunk *c = (void *)f->from;

	while ((u8 *)(uintptr_t)c < f->to) {
		if (c->size < QN_ALIGN || !is_aligned(c->size, QN_ALIGN) ||
		    c->size > (size_t)(f->to - (u8 *)(uintptr_t)c))
			return "freelist: a block has an impossible size";
		if (c == next && before && end_of(before) == (u8 *)c)
			return "freelist: two free blocks were not merged";
		if (c == next) {
			before = c;
			next = c->next;
		}
		c = (void *)end_of(c);
	}
	return next ? "freelist: a free block is not where a block starts" :
		      NULL;
}

const struct qn_engine qn_engine_freelist = {
	.name = "freelist",
	.about = "one list in order of addresses, first fit",
	.init = freelist_init,
	.alloc = freelist_alloc,
	.aligned = freelist_aligned,
	.realloc = freelist_realloc,
	.free = freelist_free,
	.usable = freelist_usable,
	.stats = freelist_stats,
	.check = freelist_check,
};
