// SPDX-License-Identifier: MIT
/*
 * boundary.c - segregated fit with boundary tags (tagged.h), in the manner of Lea's
 * dlmalloc and of galloc: one word of overhead a block, resized in place where that can
 * be.
 *
 * Free blocks lie in bins: one for each size below 32 QN_ALIGN, then four a doubling.
 * A mask says which have blocks. A request takes the best block of its own bin, else
 * the first one of the next bin that has any; what is too much becomes free again.
 *
 * Theorem. free() is O(1): both neighbours are found without a search, and both are
 * merged, so no two free blocks touch. An allocation is O(1) apart from the blocks
 * of its own bin, which differ in size only from 32 QN_ALIGN on.
 */
#include "base/bits.h"
#include "engine/tagged.h"

#define EXACT        32
#define PER_DOUBLING 4
#define DOUBLINGS    (8 * sizeof(size_t) - 5)
#define NR_BINS      (EXACT + PER_DOUBLING * DOUBLINGS)
#define MAP_BITS     (8 * sizeof(size_t))
#define NR_MAPS      DIV_ROUND_UP(NR_BINS, MAP_BITS)

_Static_assert(QN_TAGGED_LEAST == 2 * QN_ALIGN, "the exact bins begin there");

/**
 * struct boundary - a heap
 * @maps:	a bit for each bin that is not empty
 */
struct boundary {
	struct qn_tagged t;
	size_t maps[NR_MAPS];
	struct qn_tagged_chunk *bins[NR_BINS];
};

static __always_inline unsigned int bin_of(size_t bytes)
{
	size_t units = bytes / QN_ALIGN;
	unsigned int shift;

	if (likely(units < EXACT))
		return (unsigned int)units;
	shift = qn_ilog2(units) - 2;
	/* 32 has shift 3: the first bin above the exact ones */
	return EXACT + PER_DOUBLING * (shift - 3) +
	       ((unsigned int)(units >> shift) - PER_DOUBLING);
}

/* ---- bins ---- */

static void bin_add(void *heap, struct qn_tagged_chunk *c)
{
	unsigned int bin = bin_of(qn_tagged_size(c));
	struct boundary *b = heap;

	c->prev = NULL;
	c->next = b->bins[bin];
	if (c->next)
		c->next->prev = c;
	b->bins[bin] = c;
	b->maps[bin / MAP_BITS] |= (size_t)1 << bin % MAP_BITS;
}

static void bin_del(void *heap, struct qn_tagged_chunk *c)
{
	struct boundary *b = heap;
	unsigned int bin;

	if (c->next)
		c->next->prev = c->prev;
	if (c->prev) {
		c->prev->next = c->next;
		return;
	}
	bin = bin_of(qn_tagged_size(c));
	b->bins[bin] = c->next;
	if (!c->next)
		b->maps[bin / MAP_BITS] &= ~((size_t)1 << bin % MAP_BITS);
}

/* The smallest chunk of a bin that has @bytes, or NULL */
static struct qn_tagged_chunk *bin_best(const struct boundary *b,
					unsigned int bin, size_t bytes)
{
	struct qn_tagged_chunk *best = NULL;

	for (struct qn_tagged_chunk *c = b->bins[bin]; c; c = c->next)
		if (qn_tagged_size(c) >= bytes &&
		    (!best || qn_tagged_size(c) < qn_tagged_size(best)))
			best = c;
	return best;
}

/* The first chunk of the first bin from @bin on that has any, or NULL */
static struct qn_tagged_chunk *bins_first(const struct boundary *b,
					  unsigned int bin)
{
	unsigned int i = bin / MAP_BITS;
	size_t map;

	if (i >= NR_MAPS)
		return NULL;
	map = b->maps[i] & ~(size_t)0 << bin % MAP_BITS;
	while (!map && ++i < NR_MAPS)
		map = b->maps[i];
	return map ? b->bins[i * MAP_BITS + qn_ctz(map)] : NULL;
}

static struct qn_tagged_chunk *find(const void *heap, size_t bytes)
{
	const struct boundary *b = heap;
	unsigned int bin = bin_of(bytes);
	struct qn_tagged_chunk *c;

	if (likely(bin < EXACT))
		return bins_first(b, bin);
	c = bin_best(b, bin, bytes);
	return c ? c : bins_first(b, bin + 1);
}

static const struct qn_tagged_lists lists = { bin_add, bin_del, find };

/* ---- the engine ---- */

static void *boundary_init(void *mem, size_t size)
{
	struct boundary *b = (void *)round_up((uintptr_t)mem, sizeof(void *));

	return qn_tagged_init(&lists, b, sizeof(*b), mem, size);
}

static void *boundary_alloc(void *heap, size_t size)
{
	return qn_tagged_alloc(&lists, heap, size);
}

static void *boundary_aligned(void *heap, size_t align, size_t size)
{
	if (is_power_of_2(align) && align <= QN_ALIGN)
		return boundary_alloc(heap, size);
	return qn_tagged_aligned(&lists, heap, align, size);
}

static void *boundary_realloc(void *heap, void *p, size_t size)
{
	return qn_tagged_realloc(&lists, heap, p, size);
}

static void boundary_free(void *heap, void *p)
{
	if (p)
		qn_tagged_put(&lists, heap, qn_chunk_of(p));
}

/* ---- walks ---- */

static bool is_in_bin(size_t bytes, unsigned int bin)
{
	return bin_of(bytes) == bin;
}

static const char *boundary_check(void *heap)
{
	const struct boundary *b = heap;
	size_t nr_free;
	const char *error = qn_tagged_check(&b->t, &nr_free);

	for (unsigned int bin = 0; bin < NR_BINS && !error; bin++) {
		bool has_bit = b->maps[bin / MAP_BITS] >> bin % MAP_BITS & 1;

		if (has_bit != (b->bins[bin] != NULL))
			return "boundary: a bin's bit is wrong";
		error = qn_tagged_check_list(&b->t, b->bins[bin], is_in_bin,
					     bin, &nr_free);
	}
	if (!error && nr_free)
		error = "boundary: a free block is in no bin";
	return error;
}

const struct qn_engine qn_engine_boundary = {
	.name = "boundary",
	.about = "segregated fit with boundary tags, as dlmalloc and galloc",
	.init = boundary_init,
	.alloc = boundary_alloc,
	.aligned = boundary_aligned,
	.realloc = boundary_realloc,
	.free = boundary_free,
	.usable = qn_tagged_usable,
	.stats = qn_tagged_stats,
	.check = boundary_check,
};
