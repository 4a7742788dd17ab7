/* SPDX-License-Identifier: MIT */
/*
 * zone.h - one contiguous piece of memory, cut into blocks and free runs.
 *
 * Above the bins (which run to take), below the heap (which zone, what to count,
 * what to hold back). A zone is cut into granules of QN_ALIGN bytes, and all it
 * knows about its blocks is one bit a granule: no headers.
 *
 * A block of k granules reads 0^(k-1) 1, a free run of k granules 1^(k-1) 0, the
 * first granule leftmost; neither is shorter than two granules, and free runs
 * never touch, since neighbours are merged at once. So
 *
 *  - a block turns free, and a whole free run into a block, by subtracting or
 *    adding one 1 at its first bit: the carry does the rest;
 *  - two free runs turn into one by setting the one 0 between them, and a run is
 *    split by clearing one 1;
 *  - the bit to the left of a block tells whether its neighbour there is in use,
 *    the bit to the right of it the same;
 *  - a block starts at granule g exactly if bit g is 0 and the bits before it
 *    read 01 (the end of a block) or 110 (the end of a free run). An interior
 *    pointer, a second free, a granule of a free run: none of them passes.
 *
 * All of this is seen in one window: the 32 bits at the byte where the bit of
 * granule g - 2 lies, shifted down, are 25 bits from g - 2 to g + 22. This
 * suffices for a block of up to QN_ZONE_SHORT = 22 granules and the bit behind it.
 *
 * Longer blocks must be measured without a scan of unbounded length, and without
 * a header. Their first 22 bits are 0, which no short block has. A second window,
 * of a whole word, begins behind those:
 *
 *	0..0 1			the pattern goes on: up to QN_ZONE_LONG - 1 granules
 *	1 length 1 1..1 0 1	a longer one, its length in the bits themselves
 *
 * A code of k bits for every length k cannot leave room for the second form: the
 * lengths' codes use up all there is (Kraft's inequality holds with equality). It
 * is bought by giving up the one length QN_ZONE_GAP = 23, whose code is the escape;
 * a block of 23 granules is served as one of 24. That is the whole price: a long
 * block has no header and is used to its last byte, and every transition touches
 * three windows at most, however long the block is, for the bits behind the length
 * stay 1 from when it was free.
 *
 * An interior pointer into those QN_ZONE_FIELD bits that hold the length of a long
 * block may read as the start of a block; every other one is recognised.
 *
 * A free run has its node (bins.h) in its first granules and its length once more
 * in its last word, where the neighbour behind it finds it. On 32-bit machines
 * that fills the smallest run of 16 bytes to the last one.
 */
#ifndef QN_ZONE_H
#define QN_ZONE_H

#include "bins.h"
#include "bits.h"
#include "compiler.h"
#include "debug.h"
#include "knobs.h"
#include "quern.h"

#define QN_GRANULE QN_ALIGN

/* Lengths in granules: all that one window shows; the one that no block has */
#define QN_ZONE_MIN   2
#define QN_ZONE_SHORT 22
#define QN_ZONE_GAP   23
/* Bits of a length, and the first length that is written as a number */
#define QN_ZONE_FIELD (sizeof(long) == 8 ? 32 : 20)
#define QN_ZONE_LONG  (QN_ZONE_SHORT + 1 + QN_ZONE_FIELD + 4)
#define QN_ZONE_LIMIT (((size_t)1 << QN_ZONE_FIELD) - 1)

/* What the three lowest bits of a window say at the start of a block */
#define QN_WINDOW_BEHIND_USED 2 /* 0 1 | 0 */
#define QN_WINDOW_BEHIND_FREE 1 /* 1 0 | 0; in truth 1 1 0 | 0 */

/* Lists of held blocks that one operation looks at */
#define QN_RELAX_TRIES 4

/* Lengths that can be held: QN_ZONE_MIN + 0 .. QN_HELD_SIZES - 1 */
#define QN_HELD_SIZES (QN_ZONE_SHORT - QN_ZONE_MIN + 1)

/**
 * struct qn_held - a block that was freed and is kept for the next request
 * @next:	the next of its length
 * @tag:	minus its own address, to suspect a second free by
 */
struct qn_held {
	struct qn_held *next;
	uintptr_t tag;
};

/**
 * struct qn_zone - one piece of memory
 * @base:	address of granule 0
 * @nr:		granules
 * @bits:	the bit of granule g is bit (g + 2) % 8 of byte (g + 2) / 8; before
 *		the first granule they read as the end of a block, behind the last
 *		as the beginning of one
 * @hold:	lengths that are held now: @hot while the zone is roomy, else 0
 * @hot:	lengths worth holding: QN_ZONE_MIN + n in the n-th bit from the top
 * @roomy:	the zone is roomy while a run of this bin or above is free
 * @drain:	the list of held blocks to be looked at next
 * @held:	blocks held, by length
 * @bins:	its free runs
 * @flags:	QN_ZONE_*
 * @undrained:	the zone stopped being roomy: lists of held blocks not yet emptied
 * @mem, @size:	the memory that the zone was made of
 * @next:	the zone to try when this one has nothing
 */
struct qn_zone {
	uintptr_t base;
	size_t nr;
	u8 *bits;
	u32 hold;
	u32 hot;
	u8 roomy;
	u8 drain;
	u8 flags;
	u8 undrained;
	struct qn_held *held[QN_HELD_SIZES];
	struct qn_bins bins;
	uintptr_t mem;
	size_t size;
	struct qn_zone *next;
};

/* Where the words of bits are read: at any byte */
struct qn_word32 {
	u32 v;
} __packed __attribute__((may_alias));

struct qn_word {
	unsigned long v;
} __packed __attribute__((may_alias));

/* The length that serves @k granules */
static __always_inline size_t qn_zone_fit(size_t k)
{
	if (k < QN_ZONE_MIN)
		return QN_ZONE_MIN;
	return k + (k == QN_ZONE_GAP);
}

/* A number in no zone for what is no address of a granule of this one */
static __always_inline size_t qn_zone_granule(const struct qn_zone *z,
					      const void *p)
{
	uintptr_t offset = (uintptr_t)p - z->base;

	/* Rotated, so that a misaligned address becomes a huge number */
	return offset / QN_GRANULE |
	       offset << (8 * sizeof(offset) - qn_ctz(QN_GRANULE));
}

static __always_inline void *qn_zone_at(const struct qn_zone *z, size_t g)
{
	return (void *)(z->base + g * QN_GRANULE);
}

/* The word that holds the window of granule @g, from bit @g % 8 on */
static __always_inline struct qn_word32 *qn_zone_word(const struct qn_zone *z,
						      size_t g)
{
	return (struct qn_word32 *)(void *)(z->bits + g / 8);
}

/* 25 bits around granule @g, bit 0 for granule @g - 2 */
static __always_inline u32 qn_zone_window(const struct qn_zone *z, size_t g)
{
	return qn_zone_word(z, g)->v >> g % 8;
}

/**
 * qn_zone_init() - lay a zone out
 * @z:		the zone
 * @mem:	where its bits and granules go; any alignment
 * @size:	bytes; what exceeds QN_ZONE_LIMIT granules stays unused
 *
 * Return: false if there is no room for one block.
 */
bool qn_zone_init(struct qn_zone *z, void *mem, size_t size);

/**
 * qn_zone_alloc() - make a block
 * @z:		the zone
 * @k:		granules, as qn_zone_fit() gives them
 *
 * The block may be one granule longer than asked for, since nothing is shorter
 * than two. Bounded time.
 *
 * Return: the block, its length in ->size (part of its own memory), or NULL.
 */
struct qn_run *qn_zone_alloc(struct qn_zone *z, size_t k);

/* The same with the block's address a multiple of @align, a power of two */
struct qn_run *qn_zone_alloc_aligned(struct qn_zone *z, size_t k, size_t align);

/**
 * qn_zone_take() - make a block of a whole free run
 * @z:		the zone
 * @run:	a free run of 2 .. QN_ZONE_SHORT granules
 */
static __always_inline void qn_zone_take(struct qn_zone *z, struct qn_run *run)
{
	size_t g = ((uintptr_t)run - z->base) / QN_GRANULE;

	qn_bins_del(&z->bins, run);
	qn_zone_word(z, g)->v += 4u << g % 8;
}

/**
 * qn_zone_block() - how long is the block that begins at a granule
 * @z:		the zone
 * @g:		any number
 *
 * Return: its granules, or 0 if no block begins there.
 */
size_t qn_zone_block(const struct qn_zone *z, size_t g);

/**
 * qn_zone_free() - a block turns free and is merged with its neighbours
 * @z:		the zone
 * @g:		where it begins
 * @k:		its granules
 *
 * Bounded time.
 */
void qn_zone_free(struct qn_zone *z, size_t g, size_t k);

/* May blocks of QN_ZONE_MIN + @n granules be held now */
static __always_inline bool qn_zone_holds(const struct qn_zone *z,
					  unsigned int n)
{
	return (s32)(z->hold << n) < 0;
}

/* A second free of @held? The tag can lie, a look at the list cannot */
static __always_inline bool qn_zone_is_suspect(const struct qn_held *held)
{
	return held->tag + (uintptr_t)held == 0;
}

/**
 * qn_zone_is_held() - is this block in its list
 *
 * Looks at the first QN_HELD_TRIES of the list.
 */
bool qn_zone_is_held(const struct qn_zone *z, const struct qn_held *held,
		     unsigned int n);

/**
 * qn_zone_hold() - keep a block of QN_ZONE_MIN + @n granules as it is
 */
static __always_inline void qn_zone_hold(struct qn_zone *z,
					 struct qn_held *held, unsigned int n)
{
	held->next = z->held[n];
	held->tag = -(uintptr_t)held;
	z->held[n] = held;
}

/**
 * qn_zone_unhold() - take the block out that was held last, if there is one
 */
static __always_inline void *qn_zone_unhold(struct qn_zone *z, size_t n)
{
	struct qn_held *held = z->held[n];

	if (held) {
		z->held[n] = held->next;
		held->tag = 0;
	}
	return held;
}

/**
 * qn_zone_drain() - merge at most one held block
 * @z:		the zone
 * @tries:	lists to look at
 *
 * Return: true if one was merged.
 */
bool qn_zone_drain(struct qn_zone *z, unsigned int tries);

/**
 * qn_zone_relax() - once a zone is no longer roomy, merge what it holds
 *
 * Called with each operation that takes the slow way: a few lists, one block.
 */
static __always_inline void qn_zone_relax(struct qn_zone *z)
{
	if (unlikely(z->undrained))
		qn_zone_drain(z, QN_RELAX_TRIES);
}

/* Granules in blocks that are held; looks at all of them */
size_t qn_zone_nr_held(const struct qn_zone *z);

/* Which lengths are worth holding, as @hot of struct qn_zone */
void qn_zone_set_hot(struct qn_zone *z, u32 hot);

/**
 * qn_zone_resize() - make a block longer or shorter where it lies
 * @z:		the zone
 * @g:		where it begins
 * @k:		its granules
 * @want:	granules, as qn_zone_fit() gives them
 *
 * Bounded time.
 *
 * Return: its new length, at least @want; 0 if the run behind it is not long
 * enough.
 */
size_t qn_zone_resize(struct qn_zone *z, size_t g, size_t k, size_t want);

/**
 * qn_zone_slide() - make a block longer towards lower addresses
 * @z:		the zone
 * @g:		where it begins
 * @k:		its granules
 * @want:	granules, as qn_zone_fit() gives them; then the new length
 *
 * Takes the free runs on both sides and moves the contents down. Bounded time,
 * apart from that.
 *
 * Return: the block's new address, or NULL if nothing free lies before it or both
 * are not long enough.
 */
void *qn_zone_slide(struct qn_zone *z, size_t g, size_t k, size_t *want);

/**
 * qn_zone_before() - granules of the free run that ends where @g begins, or 0
 */
size_t qn_zone_before(const struct qn_zone *z, size_t g);

/**
 * struct qn_zone_sums - what qn_zone_check() counted
 * @used:	granules in blocks, held ones included
 * @nr_used:	blocks, held ones included
 * @held:	granules in blocks that are held
 * @nr_held:	those blocks
 * @free:	granules in free runs
 */
struct qn_zone_sums {
	size_t used;
	size_t nr_used;
	size_t held;
	size_t nr_held;
	size_t free;
};

/**
 * qn_zone_check() - walk the zone
 * @z:		the zone
 * @sums:	filled in
 *
 * Return: NULL, or what is wrong.
 */
const char *qn_zone_check(const struct qn_zone *z, struct qn_zone_sums *sums);

#endif /* QN_ZONE_H */
