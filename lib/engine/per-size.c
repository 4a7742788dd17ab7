// SPDX-License-Identifier: MIT
/*
 * per-size.c - the application-specific allocator: one list of free blocks for each
 * size, as one writes it by hand for a program whose sizes one knows (Donahue and
 * others, 2002). Here the sizes are those that turn up: each multiple of QN_ALIGN
 * to 64 of them, then four sizes a doubling.
 *
 * Blocks are cut from the memory in order of request, are never split and never
 * merged, and serve one size for ever.
 *
 * Theorem. Both operations are O(1): one list, no loop. The price is memory: a heap
 * needs, for each size, the most blocks of that size that were ever live at once,
 * added up over the sizes, however little was live together: at worst the number of
 * sizes times the most that was live.
 */
#include "base/bits.h"
#include "engine/chunk.h"
#include "engine/engine.h"

#include <string.h>

#define EXACT        64
#define PER_DOUBLING 4
#define DOUBLINGS    26
#define NR_LISTS     (EXACT + 1 + PER_DOUBLING * DOUBLINGS)
_Static_assert(NR_LISTS <= 256, "a list's number has 8 bits");

/**
 * struct chunk - a block
 * @word:	number of its list in the low 8 bits; above it the distance of this
 *		word from the block's own in QN_ALIGN, 0 unless the request was aligned
 * @next:	in the list of free ones
 */
struct chunk {
	size_t word;
	struct chunk *next;
};

/**
 * struct per_size - a heap: this, chunks from @from to @used, then untouched memory
 * @lists:	free blocks by size
 */
struct per_size {
	u8 *from;
	u8 *used;
	u8 *to;
	size_t size;
	struct chunk *lists[NR_LISTS];
};

/* @units in 1 .. : how many QN_ALIGN */
static __always_inline unsigned int list_of(size_t units)
{
	unsigned int shift;

	if (likely(units <= EXACT))
		return (unsigned int)units;
	units--;
	shift = qn_ilog2(units) - 2;
	/* 64 has shift 4: the first list above the exact ones */
	return EXACT + 1 + PER_DOUBLING * (shift - 4) +
	       ((unsigned int)(units >> shift) - PER_DOUBLING);
}

/* Bytes of the blocks of a list: the largest size that it serves */
static __always_inline size_t bytes_of(unsigned int list)
{
	unsigned int above = list - EXACT - 1;
	size_t units = list;

	if (list > EXACT)
		units = (size_t)(above % PER_DOUBLING + PER_DOUBLING + 1)
			<< (above / PER_DOUBLING + 4);
	return units * QN_ALIGN;
}

static void *per_size_init(void *mem, size_t size)
{
	struct per_size *s = (void *)round_up((uintptr_t)mem, sizeof(void *));
	uintptr_t from = qn_chunk_place((uintptr_t)(s + 1));
	size_t before = from - (uintptr_t)mem;

	if (!mem || size < before + QN_ALIGN)
		return NULL;
	memset(s, 0, sizeof(*s));
	s->from = s->used = (u8 *)from;
	s->to = s->from + round_down(size - before, QN_ALIGN);
	s->size = size;
	return s;
}

static noinline void *cut(struct per_size *s, unsigned int list)
{
	struct chunk *c = (void *)s->used;
	size_t bytes;

	if (list >= NR_LISTS)
		return NULL;
	bytes = bytes_of(list);
	if (bytes > (size_t)(s->to - s->used))
		return NULL;
	s->used += bytes;
	c->word = list;
	return qn_chunk_user(c);
}

static void *per_size_alloc(void *heap, size_t size)
{
	struct per_size *s = heap;
	unsigned int list;
	struct chunk *c;

	if (unlikely(size > PTRDIFF_MAX))
		return NULL;
	list = list_of(qn_chunk_size(size) / QN_ALIGN);
	c = likely(list < NR_LISTS) ? s->lists[list] : NULL;
	if (!c)
		return cut(s, list);
	s->lists[list] = c->next;
	return qn_chunk_user(c);
}

/* The block that the word in front of @p belongs to */
static __always_inline struct chunk *block_of(const void *p)
{
	u8 *c = qn_chunk_of(p);

	return (void *)(c - (*(size_t *)(void *)c >> 8) * QN_ALIGN);
}

static void per_size_free(void *heap, void *p)
{
	struct per_size *s = heap;
	struct chunk *c;

	if (!p)
		return;
	c = block_of(p);
	c->next = s->lists[c->word];
	s->lists[c->word] = c;
}

/* A larger block, and a second word in front of the aligned place in it */
static void *per_size_aligned(void *heap, size_t align, size_t size)
{
	size_t *word;
	u8 *p, *q;

	if (!is_power_of_2(align) || size > PTRDIFF_MAX ||
	    align > PTRDIFF_MAX / 2)
		return NULL;
	if (align <= QN_ALIGN)
		return per_size_alloc(heap, size);
	p = per_size_alloc(heap, max(size, (size_t)1) + align);
	if (!p)
		return NULL;
	q = (u8 *)round_up((uintptr_t)p, align);
	word = qn_chunk_of(q);
	*word = *(size_t *)qn_chunk_of(p) | (size_t)(q - p) / QN_ALIGN << 8;
	return q;
}

static size_t per_size_usable(void *heap, const void *p)
{
	const struct chunk *c = block_of(p);

	(void)heap;
	return bytes_of((unsigned int)c->word) -
	       (size_t)((const u8 *)p - (const u8 *)c);
}

static void *per_size_realloc(void *heap, void *p, size_t size)
{
	size_t usable;
	void *q;

	if (!p)
		return per_size_alloc(heap, size);
	usable = per_size_usable(heap, p);
	if (size <= usable && (size > usable / 2 || usable <= 2 * QN_ALIGN))
		return p;
	q = per_size_alloc(heap, size);
	if (!q)
		return NULL;
	memcpy(q, p, min(size, usable));
	per_size_free(heap, p);
	return q;
}

/* ---- walks ---- */

static size_t count(const struct chunk *c)
{
	size_t nr = 0;

	for (; c; c = c->next)
		nr++;
	return nr;
}

static size_t count_blocks(const struct per_size *s)
{
	const u8 *p = s->from;
	size_t nr = 0;

	for (; p < s->used; nr++)
		p += bytes_of((unsigned int)*(const size_t *)(const void *)p);
	return nr;
}

static void per_size_stats(void *heap, struct qn_engine_stats *st)
{
	const struct per_size *s = heap;

	*st = (struct qn_engine_stats){ .size = s->size };
	st->largest_free = (size_t)(s->to - s->used);
	st->free = st->largest_free;
	st->nr_live = count_blocks(s);
	for (unsigned int list = 1; list < NR_LISTS; list++) {
		size_t nr = count(s->lists[list]);

		st->free += nr * bytes_of(list);
		st->nr_live -= nr;
		if (nr)
			st->largest_free =
				max(st->largest_free, bytes_of(list));
	}
	st->live = (size_t)(s->to - s->from) - st->free;
	st->metadata = st->size - st->live - st->free;
}

/* A list holds its own blocks alone, and ends */
static bool is_list_sound(const struct per_size *s, unsigned int list)
{
	const struct chunk *c = s->lists[list];
	size_t left = (size_t)(s->used - s->from) / QN_ALIGN;

	for (; c; c = c->next) {
		uintptr_t at = (uintptr_t)c - (uintptr_t)s->from;

		if (at >= (uintptr_t)(s->used - s->from) ||
		    !is_aligned(at, QN_ALIGN) || c->word != list || !left--)
			return false;
	}
	return true;
}

static const char *per_size_check(void *heap)
{
	const struct per_size *s = heap;
	const u8 *p = s->from;

	while (p < s->used) {
		size_t word = *(const size_t *)(const void *)p;

		if (!word || word >= NR_LISTS)
			return "per-size: a block is of no list";
		p += bytes_of((unsigned int)word);
	}
	if (p != s->used)
		return "per-size: a block reaches past the end";
	for (unsigned int list = 1; list < NR_LISTS; list++)
		if (!is_list_sound(s, list))
			return "per-size: a list holds what is none of its";
	return NULL;
}

const struct qn_engine qn_engine_per_size = {
	.name = "per-size",
	.about = "application-specific: a list for each size, nothing merged",
	.init = per_size_init,
	.alloc = per_size_alloc,
	.aligned = per_size_aligned,
	.realloc = per_size_realloc,
	.free = per_size_free,
	.usable = per_size_usable,
	.stats = per_size_stats,
	.check = per_size_check,
};
