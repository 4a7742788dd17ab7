// SPDX-License-Identifier: MIT
/*
 * tlsf.c - two-level segregated fit, with boundary tags (tagged.h): M. Masmano, I. Ripoll,
 * A. Crespo and J. Real, TLSF: a New Dynamic Memory Allocator for Real-Time Systems,
 * ECRTS 2004. Written anew after the paper.
 *
 * A free block lies in the list of its size: the first level is the power of two below
 * it, the second one of 16 equal parts of that. A bit a list says which have blocks, and a
 * bit a first level which have such lists. A request is rounded up to the next part, so
 * the first block of any list from there on is large enough: good fit, without a search.
 *
 * Theorem. malloc and free are O(1): two bitmaps are read, and no list is followed. A
 * request may take a block while a smaller one that would do lies in its own list, so up
 * to a sixteenth of a heap is lost to rounding.
 */
#include "base/bits.h"
#include "engine/tagged.h"

#define PARTS_LOG2 4
#define PARTS      (1u << PARTS_LOG2)

/* Below this all sizes have lists of their own, on the first level 0 */
#define ALIGN_LOG2 (sizeof(size_t) == 8 ? 4u : 3u)
#define EXACT_LOG2 (PARTS_LOG2 + ALIGN_LOG2)
_Static_assert(1u << ALIGN_LOG2 == QN_ALIGN, "lists are QN_ALIGN apart");

/* Blocks are shorter than this: 16 MB in firmware */
#define MOST_LOG2 (sizeof(size_t) == 8 ? 38u : 24u)
#define MOST      ((size_t)1 << MOST_LOG2)
#define LEVELS    (sizeof(size_t) == 8 ? 31 : 18)
_Static_assert(LEVELS == MOST_LOG2 - EXACT_LOG2 + 1, "a level for each power");

/**
 * struct tlsf - a heap
 * @levels:	a bit for each level that has a list with blocks
 * @parts:	by level, a bit for each list that has any
 */
struct tlsf {
	struct qn_tagged t;
	u32 levels;
	u32 parts[LEVELS];
	struct qn_tagged_chunk *lists[LEVELS][PARTS];
};

/* Level and part in one number */
static __always_inline unsigned int list_of(size_t bytes)
{
	unsigned int log2;

	if (bytes < (size_t)1 << EXACT_LOG2)
		return (unsigned int)(bytes >> ALIGN_LOG2);
	log2 = qn_ilog2(bytes);
	return (log2 - EXACT_LOG2 + 1) * PARTS +
	       (unsigned int)(bytes >> (log2 - PARTS_LOG2) & (PARTS - 1));
}

/* The first list whose blocks all have @bytes */
static __always_inline unsigned int list_for(size_t bytes)
{
	if (bytes >= (size_t)1 << EXACT_LOG2)
		bytes += ((size_t)1 << (qn_ilog2(bytes) - PARTS_LOG2)) - 1;
	return list_of(bytes);
}

static void list_add(void *heap, struct qn_tagged_chunk *c)
{
	unsigned int list = list_of(qn_tagged_size(c));
	struct tlsf *t = heap;
	struct qn_tagged_chunk **first;

	first = &t->lists[list / PARTS][list % PARTS];
	c->prev = NULL;
	c->next = *first;
	if (c->next)
		c->next->prev = c;
	*first = c;
	t->levels |= 1u << list / PARTS;
	t->parts[list / PARTS] |= 1u << list % PARTS;
}

static void list_del(void *heap, struct qn_tagged_chunk *c)
{
	struct tlsf *t = heap;
	unsigned int list;

	if (c->next)
		c->next->prev = c->prev;
	if (c->prev) {
		c->prev->next = c->next;
		return;
	}
	list = list_of(qn_tagged_size(c));
	t->lists[list / PARTS][list % PARTS] = c->next;
	if (c->next)
		return;
	t->parts[list / PARTS] &= ~(1u << list % PARTS);
	if (!t->parts[list / PARTS])
		t->levels &= ~(1u << list / PARTS);
}

static struct qn_tagged_chunk *find(const void *heap, size_t bytes)
{
	const struct tlsf *t = heap;
	unsigned int list = list_for(bytes), level = list / PARTS;
	u32 map;

	if (level >= LEVELS)
		return NULL;
	map = t->parts[level] & ~0u << list % PARTS;
	if (!map) {
		map = level + 1 < 32 ? t->levels & ~0u << (level + 1) : 0;
		if (!map)
			return NULL;
		level = qn_ctz(map);
		map = t->parts[level];
	}
	return t->lists[level][qn_ctz(map)];
}

static const struct qn_tagged_lists lists = { list_add, list_del, find };

/* ---- the engine ---- */

static void *tlsf_init(void *mem, size_t size)
{
	struct tlsf *t = (void *)round_up((uintptr_t)mem, sizeof(void *));

	return qn_tagged_init(&lists, t, sizeof(*t), mem,
			      min(size, MOST - QN_ALIGN));
}

static void *tlsf_alloc(void *heap, size_t size)
{
	if (unlikely(size >= MOST / 2))
		return NULL;
	return qn_tagged_alloc(&lists, heap, size);
}

static void *tlsf_aligned(void *heap, size_t align, size_t size)
{
	if (size >= MOST / 4 || align >= MOST / 4)
		return NULL;
	if (is_power_of_2(align) && align <= QN_ALIGN)
		return tlsf_alloc(heap, size);
	return qn_tagged_aligned(&lists, heap, align, size);
}

static void *tlsf_realloc(void *heap, void *p, size_t size)
{
	if (unlikely(size >= MOST / 2))
		return NULL;
	return qn_tagged_realloc(&lists, heap, p, size);
}

static void tlsf_free(void *heap, void *p)
{
	if (p)
		qn_tagged_put(&lists, heap, qn_chunk_of(p));
}

/* ---- walks ---- */

/* A request is rounded up, so the longest block serves what its list begins with */
static void tlsf_stats(void *heap, struct qn_engine_stats *st)
{
	qn_tagged_stats(heap, st);
	if (st->largest_free >= (size_t)1 << EXACT_LOG2)
		st->largest_free = round_down(
			st->largest_free,
			(size_t)1 << (qn_ilog2(st->largest_free) - PARTS_LOG2));
}

static bool is_in_list(size_t bytes, unsigned int list)
{
	return list_of(bytes) == list;
}

static const char *check_level(const struct tlsf *t, unsigned int level,
			       size_t *nr_free)
{
	const char *error = NULL;

	if ((t->levels >> level & 1) != (t->parts[level] != 0))
		return "tlsf: a level's bit is wrong";
	for (unsigned int part = 0; part < PARTS && !error; part++) {
		const struct qn_tagged_chunk *first = t->lists[level][part];

		if ((t->parts[level] >> part & 1) != (first != NULL))
			return "tlsf: a list's bit is wrong";
		error = qn_tagged_check_list(&t->t, first, is_in_list,
					     level * PARTS + part, nr_free);
	}
	return error;
}

static const char *tlsf_check(void *heap)
{
	const struct tlsf *t = heap;
	size_t nr_free;
	const char *error = qn_tagged_check(&t->t, &nr_free);

	for (unsigned int level = 0; level < LEVELS && !error; level++)
		error = check_level(t, level, &nr_free);
	if (!error && nr_free)
		error = "tlsf: a free block is in no list";
	return error;
}

const struct qn_engine qn_engine_tlsf = {
	.name = "tlsf",
	.about = "two-level segregated fit, without a search",
	.most = MOST - QN_ALIGN,
	.init = tlsf_init,
	.alloc = tlsf_alloc,
	.aligned = tlsf_aligned,
	.realloc = tlsf_realloc,
	.free = tlsf_free,
	.usable = qn_tagged_usable,
	.stats = tlsf_stats,
	.check = tlsf_check,
};
