// SPDX-License-Identifier: MIT
/*
 * boundary.c - segregated fit with boundary tags, in the manner of Lea's dlmalloc and
 * of galloc: one word of overhead a block, resized in place where that can be.
 *
 *	| head | what the caller has                      | head | ...
 *	| head | next | prev |      free       |  size    | head | ...
 *
 * The head is the size, and whether this block and the one before are in use. A free
 * block repeats its size in its last word, where the next block finds it; a block in
 * use needs no such word, so it costs one word in all. The last head is of a block
 * of size 0 that is always in use, and so is what would be before the first.
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
#include "engine/chunk.h"
#include "engine/engine.h"

#include <string.h>

#define EXACT        32
#define PER_DOUBLING 4
#define DOUBLINGS    (8 * sizeof(size_t) - 5)
#define NR_BINS      (EXACT + PER_DOUBLING * DOUBLINGS)
#define MAP_BITS     (8 * sizeof(size_t))
#define NR_MAPS      DIV_ROUND_UP(NR_BINS, MAP_BITS)

#define IN_USE        ((size_t)1)
#define BEFORE_IN_USE ((size_t)2)
#define BITS          (IN_USE | BEFORE_IN_USE)

/* Head, two links, and the size again */
#define SMALLEST (4 * sizeof(size_t))
_Static_assert(SMALLEST == 2 * QN_ALIGN, "the exact bins begin there");

/**
 * struct chunk - a block
 * @head:	size in bytes, head included, and the two bits
 * @next, @prev: in the bin; of a free one
 */
struct chunk {
	size_t head;
	struct chunk *next, *prev;
};

/**
 * struct boundary - a heap: this, and chunks from @from to @to without a gap
 * @maps:	a bit for each bin that is not empty
 */
struct boundary {
	u8 *from;
	struct chunk *to;
	size_t size;
	size_t maps[NR_MAPS];
	struct chunk *bins[NR_BINS];
};

static __always_inline size_t size_of(const struct chunk *c)
{
	return c->head & ~BITS;
}

static __always_inline struct chunk *chunk_at(struct chunk *c, size_t bytes)
{
	return (void *)((u8 *)c + bytes);
}

static __always_inline struct chunk *behind(struct chunk *c)
{
	return chunk_at(c, size_of(c));
}

/* The last word of the chunk in front of @c, if that is free: its size */
static __always_inline size_t *size_before(struct chunk *c)
{
	return &c->head - 1;
}

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

static void bin_add(struct boundary *b, struct chunk *c)
{
	unsigned int bin = bin_of(size_of(c));

	c->prev = NULL;
	c->next = b->bins[bin];
	if (c->next)
		c->next->prev = c;
	b->bins[bin] = c;
	b->maps[bin / MAP_BITS] |= (size_t)1 << bin % MAP_BITS;
}

static void bin_del(struct boundary *b, struct chunk *c)
{
	unsigned int bin;

	if (c->next)
		c->next->prev = c->prev;
	if (c->prev) {
		c->prev->next = c->next;
		return;
	}
	bin = bin_of(size_of(c));
	b->bins[bin] = c->next;
	if (!c->next)
		b->maps[bin / MAP_BITS] &= ~((size_t)1 << bin % MAP_BITS);
}

/* The smallest chunk of a bin that has @bytes, or NULL */
static struct chunk *bin_best(const struct boundary *b, unsigned int bin,
			      size_t bytes)
{
	struct chunk *best = NULL;

	for (struct chunk *c = b->bins[bin]; c; c = c->next)
		if (size_of(c) >= bytes &&
		    (!best || size_of(c) < size_of(best)))
			best = c;
	return best;
}

/* The first chunk of the first bin from @bin on that has any, or NULL */
static struct chunk *bins_first(const struct boundary *b, unsigned int bin)
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

static struct chunk *find(const struct boundary *b, size_t bytes)
{
	unsigned int bin = bin_of(bytes);
	struct chunk *c;

	if (likely(bin < EXACT))
		return bins_first(b, bin);
	c = bin_best(b, bin, bytes);
	return c ? c : bins_first(b, bin + 1);
}

/* ---- chunks ---- */

/* @c is free and between chunks in use: write both of its ends, list it */
static void make_free(struct boundary *b, struct chunk *c, size_t bytes)
{
	struct chunk *next = chunk_at(c, bytes);

	c->head = bytes | BEFORE_IN_USE;
	*size_before(next) = bytes;
	next->head &= ~BEFORE_IN_USE;
	bin_add(b, c);
}

/* @c is in use and larger than it need be: what is behind @bytes becomes free */
static void trim(struct boundary *b, struct chunk *c, size_t bytes)
{
	size_t rest = size_of(c) - bytes;
	struct chunk *next = behind(c);

	if (!rest || (rest < SMALLEST && next->head & IN_USE))
		return;
	if (!(next->head & IN_USE)) {
		bin_del(b, next);
		rest += size_of(next);
	}
	c->head = bytes | (c->head & BITS);
	make_free(b, behind(c), rest);
}

/* A listed chunk goes into use, whole */
static void make_used(struct boundary *b, struct chunk *c)
{
	bin_del(b, c);
	c->head |= IN_USE;
	behind(c)->head |= BEFORE_IN_USE;
}

static void put(struct boundary *b, struct chunk *c)
{
	size_t bytes = size_of(c);
	struct chunk *next = behind(c);

	if (!(next->head & IN_USE)) {
		bin_del(b, next);
		bytes += size_of(next);
	}
	if (!(c->head & BEFORE_IN_USE)) {
		size_t more = *size_before(c);

		c = (void *)((u8 *)c - more);
		bin_del(b, c);
		bytes += more;
	}
	make_free(b, c, bytes);
}

/* ---- the engine ---- */

static void *boundary_init(void *mem, size_t size)
{
	struct boundary *b = (void *)round_up((uintptr_t)mem, sizeof(void *));
	uintptr_t from = qn_chunk_place((uintptr_t)(b + 1));
	size_t before = from - (uintptr_t)mem + QN_CHUNK_WORD;
	struct chunk *c = (void *)from;
	size_t bytes;

	if (!mem || size < before + SMALLEST)
		return NULL;
	memset(b, 0, sizeof(*b));
	bytes = round_down(size - before, QN_ALIGN);
	b->from = (u8 *)from;
	b->to = chunk_at(c, bytes);
	b->to->head = IN_USE;
	b->size = size;
	make_free(b, c, bytes);
	return b;
}

static __always_inline size_t bytes_for(size_t size)
{
	return max(qn_chunk_size(size), SMALLEST);
}

static void *boundary_alloc(void *heap, size_t size)
{
	struct boundary *b = heap;
	struct chunk *c;
	size_t bytes;

	if (unlikely(size > PTRDIFF_MAX))
		return NULL;
	bytes = bytes_for(size);
	c = find(b, bytes);
	if (unlikely(!c))
		return NULL;
	make_used(b, c);
	trim(b, c, bytes);
	return qn_chunk_user(c);
}

static void boundary_free(void *heap, void *p)
{
	if (p)
		put(heap, qn_chunk_of(p));
}

static size_t boundary_usable(void *heap, const void *p)
{
	(void)heap;
	return size_of(qn_chunk_of(p)) - QN_CHUNK_WORD;
}

/* Cut off the first @gap bytes of a chunk in use; they become free */
static struct chunk *cut_front(struct boundary *b, struct chunk *c, size_t gap)
{
	struct chunk *rest = chunk_at(c, gap);

	rest->head = (size_of(c) - gap) | BITS;
	c->head = gap | (c->head & BITS);
	put(b, c);
	return rest;
}

static void *boundary_aligned(void *heap, size_t align, size_t size)
{
	struct boundary *b = heap;
	struct chunk *c;
	size_t gap;

	if (!is_power_of_2(align) || size > PTRDIFF_MAX ||
	    align > PTRDIFF_MAX / 4)
		return NULL;
	if (align <= QN_ALIGN)
		return boundary_alloc(heap, size);
	c = find(b, bytes_for(size) + align + SMALLEST);
	if (!c)
		return NULL;
	make_used(b, c);
	gap = -((uintptr_t)c + QN_CHUNK_WORD) & (align - 1);
	if (gap && gap < SMALLEST)
		gap += align;
	if (gap)
		c = cut_front(b, c, gap);
	trim(b, c, bytes_for(size));
	return qn_chunk_user(c);
}

/* Take in what is free behind @c, if that makes it large enough */
static bool grow(struct boundary *b, struct chunk *c, size_t bytes)
{
	struct chunk *next = behind(c);

	if (next->head & IN_USE || size_of(c) + size_of(next) < bytes)
		return false;
	make_used(b, next);
	c->head += size_of(next);
	return true;
}

static void *boundary_realloc(void *heap, void *p, size_t size)
{
	struct boundary *b = heap;
	struct chunk *c;
	void *q;

	if (!p || size > PTRDIFF_MAX)
		return boundary_alloc(heap, size);
	c = qn_chunk_of(p);
	if (size_of(c) >= bytes_for(size) || grow(b, c, bytes_for(size))) {
		trim(b, c, bytes_for(size));
		return p;
	}
	q = boundary_alloc(heap, size);
	if (!q)
		return NULL;
	memcpy(q, p, size_of(c) - QN_CHUNK_WORD);
	put(b, c);
	return q;
}

/* ---- walks ---- */

static void boundary_stats(void *heap, struct qn_engine_stats *st)
{
	const struct boundary *b = heap;
	struct chunk *c = (void *)b->from;

	*st = (struct qn_engine_stats){ .size = b->size };
	for (; c != b->to; c = behind(c)) {
		size_t bytes = size_of(c);

		if (c->head & IN_USE) {
			st->live += bytes;
			st->nr_live++;
		} else {
			st->free += bytes;
			st->largest_free = max(st->largest_free, bytes);
		}
	}
	st->metadata = st->size - st->live - st->free;
}

/* What a chunk and its successor say of each other */
static const char *check_chunk(const struct boundary *b, struct chunk *c)
{
	size_t left = (size_t)((u8 *)b->to - (u8 *)c);
	bool is_used = c->head & IN_USE;

	if (size_of(c) < SMALLEST || size_of(c) > left ||
	    !is_aligned(size_of(c), QN_ALIGN))
		return "boundary: a block has an impossible size";
	if (!(behind(c)->head & BEFORE_IN_USE) == is_used)
		return "boundary: a block's state and its neighbour's differ";
	if (!is_used && !(c->head & BEFORE_IN_USE))
		return "boundary: two free blocks were not merged";
	if (!is_used && *size_before(behind(c)) != size_of(c))
		return "boundary: the two sizes of a free block differ";
	return NULL;
}

/* May there be a chunk at @c? A damaged link leads anywhere */
static bool is_chunk(const struct boundary *b, const struct chunk *c)
{
	uintptr_t at = (uintptr_t)c - (uintptr_t)b->from;

	return at < (uintptr_t)b->to - (uintptr_t)b->from &&
	       is_aligned(at, QN_ALIGN);
}

static const char *check_bin(const struct boundary *b, unsigned int bin,
			     size_t *nr_free)
{
	bool has_bit = b->maps[bin / MAP_BITS] >> bin % MAP_BITS & 1;
	const struct chunk *before = NULL;

	if (has_bit != (b->bins[bin] != NULL))
		return "boundary: a bin's bit is wrong";
	for (const struct chunk *c = b->bins[bin]; c; c = c->next) {
		if (!is_chunk(b, c) || c->prev != before)
			return "boundary: a link leads nowhere";
		if (c->head & IN_USE || bin_of(size_of(c)) != bin || !*nr_free)
			return "boundary: a block is in a wrong bin";
		--*nr_free;
		before = c;
	}
	return NULL;
}

static const char *boundary_check(void *heap)
{
	const struct boundary *b = heap;
	struct chunk *c = (void *)b->from;
	const char *error = NULL;
	size_t nr_free = 0;

	while (c != b->to) {
		error = check_chunk(b, c);
		if (error)
			return error;
		nr_free += !(c->head & IN_USE);
		c = behind(c);
	}
	for (unsigned int bin = 0; bin < NR_BINS && !error; bin++)
		error = check_bin(b, bin, &nr_free);
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
	.usable = boundary_usable,
	.stats = boundary_stats,
	.check = boundary_check,
};
