/* SPDX-License-Identifier: MIT */
/*
 * zone.h - one contiguous piece of memory, cut into blocks and free runs.
 *
 * Above the bins (which run to take), below the heap (which zone, what to
 * count, what to learn). A zone is cut into granules of QN_ALIGN bytes, and all
 * it knows about its blocks is one bit a granule: no headers.
 *
 * A block of k granules reads 0^(k-1) 1, a free run of k granules 1^(k-1) 0,
 * the first granule leftmost; neither is shorter than two granules, and free
 * runs never touch, since neighbours are merged at once. So
 *
 *  - a block turns free, and a whole free run into a block, by subtracting or
 *    adding one 1 at its first bit: the carry does the rest;
 *  - two free runs turn into one by setting the one 0 between them, and a run
 *    is split by clearing one 1;
 *  - the bit to the left of a block tells whether its neighbour there is in
 *    use, the bit to the right of it the same;
 *  - a block starts at a granule exactly if its bit is 0 and the bits before it
 *    read 01 (the end of a block) or 110 (the end of a free run). An interior
 *    pointer, a second free, a granule of a free run: none of them passes.
 *
 * All of this is seen in one window: the 32 bits at the byte where the bit of
 * the second granule before a block lies, shifted down, are 25 bits from there
 * on. This suffices for a block of up to QN_ZONE_SHORT = 22 granules and the
 * bit behind it.
 *
 * Longer blocks must be measured without a scan of unbounded length, and
 * without a header. Their first 22 bits are 0, which no short block has. A
 * second window, of a whole word, begins behind those:
 *
 *	0..0 1			as before, for less than QN_ZONE_LONG granules
 *	1 length 1 1..1 0 1	for more: the length in the bits themselves
 *
 * A code of k bits for every length k cannot leave room for the second form:
 * the lengths' codes use up all there is (Kraft's inequality holds with
 * equality). It is bought by giving up the one length QN_ZONE_GAP = 23, whose
 * code is the escape; a block of 23 granules is served as one of 24. That is
 * the whole price: a long block has no header and is used to its last byte, and
 * every transition touches three windows at most, however long the block is,
 * for the bits behind the length stay 1 from when it was free.
 *
 * An interior pointer into those QN_ZONE_FIELD granules whose bits hold the
 * length of a long block may read as the start of a block; every other one is
 * recognised.
 *
 * A free run has its node (bins.h) in its first granules. The neighbour behind it
 * finds its length in the bits if it is short; a longer one has it in its last
 * word once more.
 *
 * Blocks held. A freed short block is not merged but kept on a list of its own,
 * for the next request of the same length; its bits stay those of a block.
 * A part of the zone (knob held_part) is held at most, held_most granules of a large one,
 * and only while the zone is roomy, that is, while it has a free run
 * of about a quarter of its size: then holding takes memory from nobody. Once it
 * is not, nothing more is held, and held blocks are merged: one by each release that is
 * cheap itself, and some by each request that cuts the runs that are left, at a
 * pace by which none is held when those are used up. A request that no free run can serve
 * has the rest of them merged first (heap.h), so holding never makes a request fail. A block
 * that is held has a tag made of its address, which is how a second free is recognised: a
 * program would have to write just that into the second word of a block of its own to be taken
 * for one that frees it twice.
 */
#ifndef QN_ZONE_H
#define QN_ZONE_H

#include "runs/bins.h"
#include "base/bits.h"
#include "base/compiler.h"
#include "port/debug.h"
#include "base/config.h"
#include "base/knobs.h"
#include "quern.h"

#define QN_GRANULE QN_ALIGN

/*
 * Lengths in granules: the least, all that one window shows, the one none has
 */
#define QN_ZONE_MIN   2
#define QN_ZONE_SHORT 22
#define QN_ZONE_GAP   23
/* Bits of a length, and the first length that is written as a number */
#define QN_ZONE_FIELD (sizeof(long) == 8 ? 28 : 20)
#define QN_ZONE_LONG  (QN_ZONE_SHORT + 1 + QN_ZONE_FIELD + 4)
#define QN_ZONE_LIMIT (((size_t)1 << QN_ZONE_FIELD) - 1)
_Static_assert(QN_ZONE_LIMIT *QN_GRANULE == QN_HEAP_MOST, "quern.h says so");
_Static_assert(QN_BINS_EXACT == QN_ZONE_GAP + 1,
	       "bins and lengths go together");

/* A window as it looks at the start of a block: 0 1 | 0 or (1) 1 0 | 0 */
#define QN_WINDOW_START        7u
#define QN_WINDOW_BEHIND_BLOCK 2u
#define QN_WINDOW_BEHIND_RUN   1u

/* The lengths that may be held, a bit each */
#define QN_HELD_LENGTHS \
	((u32)qn_low_mask(QN_ZONE_SHORT + 1) & ~(u32)qn_low_mask(QN_ZONE_MIN))

/**
 * enum qn_fate - what becomes of a block that is freed
 * @QN_FATE_HOLD: a short one behind a block: it is held
 * @QN_FATE_MERGE: the same, but it is free, merged with what follows
 * @QN_FATE_RELAX: the same as merge, and something held is merged as well
 * @QN_FATE_LOOK: anything else: look closer
 */
enum qn_fate {
	QN_FATE_HOLD,
	QN_FATE_MERGE,
	QN_FATE_RELAX,
	QN_FATE_LOOK
};

/* Lists of held blocks that one release looks at */
#define QN_RELAX_TRIES 2

/* Where the first 1 of a window can be: nowhere is 32; rounded to words */
#define QN_FATES       36
#define QN_FATES_SHORT (QN_ZONE_SHORT + 2)

/**
 * struct qn_held - a block that was freed and is kept for the next request
 * @next:	the next of its length
 * @tag:	minus its own address
 */
struct qn_held {
	struct qn_held *next;
	uintptr_t tag;
};

/**
 * struct qn_zone - one piece of memory
 * @fate, @fate_word: by the place of the first 1 in a block's window, see
 *		qn_zone_first()
 * @origin:	minus the number of the first granule; granules are numbered
 *		through the address space
 * @nr:		granules
 * @map:	where the window of granule 0 would be: that of granule g is in
 *		the word at @map + g / 8 from bit g % 8 on, and its bit 2 is the
 *		bit of granule g itself. Before the first granule the bits read
 *		as the end of a block, behind the last as the beginning of one
 * @credit:	granules that may still be held
 * @most:	granules that may be held in all: what is held is @most - @credit
 * @limit:	@limit - @credit falls by what comes into use, and rises by what is freed
 * @undrained:	it has stopped being roomy: bit k: the list of k granules may not be
 *		empty
 * @pace:	since then: eighths of a granule that are merged for each granule taken
 * @nr_merged: held blocks that were merged, modulo 2^16
 * @owed:	where the heap is locked: granules that are still to be paid for
 * @tight:	more was held than as preset when it stopped being roomy
 * @room:	the zone is roomy while there is a run in this bin or above
 * @is_roomy:	it is, and short blocks are held, if knob held_part is not 0 and the zone
 *		is not pressed
 * @refused:	blocks that were not held since enough was
 * @knobs:	in use, see qn_zone_set_knobs()
 * @flags:	QN_ZONE_*, QN_ZONE_PRESSED among them
 * @drain:	the list of held blocks to be looked at next
 * @mem, @size:	the memory that the zone was made of
 * @next:	the zone to try when this one has nothing
 * @bins:	its free runs
 * @held:	blocks held, by length, the latest first; the last is none
 *
 * What is used most lies first: near offsets make shorter instructions.
 */
struct qn_zone {
	union {
		u8 fate[QN_FATES];
		u32 fate_word[QN_FATES / sizeof(u32)];
	} __aligned(8);

	size_t origin;
	size_t nr;
	uintptr_t map;
	ptrdiff_t credit;
	ptrdiff_t limit;
	ptrdiff_t most;
	u32 undrained;
	u8 room;
	bool is_roomy;
	u8 flags;
	u8 drain;
	u16 pace;
	u16 nr_merged;
	bool tight;
	u16 owed;
	u32 refused;
	const struct qn_heap_knobs *knobs;
	uintptr_t mem;
	size_t size;
	struct qn_zone *next;
	struct qn_bins bins;
	struct qn_held *held[QN_ZONE_SHORT + 2];
};

/* ---- lengths and addresses ---- */

/* The length that serves @k granules */
static __always_inline size_t qn_zone_fit(size_t k)
{
	if (k < QN_ZONE_MIN)
		return QN_ZONE_MIN;
	return k + (k == QN_ZONE_GAP);
}

/* Is @p the address of a granule of the zone */
static __hot_inline bool qn_zone_has(const struct qn_zone *z, const void *p)
{
	uintptr_t a = (uintptr_t)p;
	unsigned int shift = qn_ctz(QN_GRANULE);
	/* Rotated, a misaligned address becomes a huge number */
	uintptr_t g = a >> shift | a << (8 * sizeof(a) - shift);

	return g + z->origin < z->nr;
}

static __always_inline size_t qn_granule_of(const void *p)
{
	return (uintptr_t)p / QN_GRANULE;
}

/* The address @n granules behind @p */
static __always_inline void *qn_granules_on(const void *p, size_t n)
{
	return (void *)((uintptr_t)p + n * QN_GRANULE);
}

/* ---- windows ---- */

/* Words of bits are read and written at any byte */
struct qn_word32 {
	u32 v;
} __packed __attribute__((may_alias));

struct qn_word {
	unsigned long v;
} __packed __attribute__((may_alias));

/* The word of a granule's window, and where in it the window begins */
static __always_inline struct qn_word32 *qn_zone_word(const struct qn_zone *z,
						      const void *p)
{
	uintptr_t word = z->map + qn_granule_of(p) / 8;

	qn_keep(word);
	return (struct qn_word32 *)word;
}

static __always_inline unsigned int qn_zone_shift(const void *p)
{
	return (unsigned int)qn_granule_of(p) % 8;
}

/* 25 bits around the granule at @p, which has bit 2 */
static __always_inline u32 qn_zone_window(const struct qn_zone *z,
					  const void *p)
{
	return qn_zone_word(z, p)->v >> qn_zone_shift(p);
}

/*
 * One number says all: of a window that begins as @expected the first other 1
 * is at the length plus one, if the block is short; from 0 to 2, if the window
 * does not begin so; above, if the block is long
 */
static __always_inline unsigned int qn_zone_first(u32 window, u32 expected)
{
	unsigned int first = qn_ctz32(window ^ expected);

	qn_keep(first);
	return first;
}

/* ---- blocks ---- */

/**
 * qn_zone_init() - lay a zone out
 * @z:		the zone
 * @mem:	where its bits and granules go; any alignment
 * @size:	bytes; what exceeds QN_ZONE_LIMIT granules stays unused
 *
 * Return: false if there is no room for one block.
 */
bool qn_zone_init(struct qn_zone *z, void *mem, size_t size);

/* Is the granule at @p the first of a free run or the last of a block */
static __hot_inline bool qn_zone_bit(const struct qn_zone *z, const void *p)
{
	size_t bit = qn_granule_of(p) + 2;

	return *(const u8 *)(z->map + bit / 8) >> bit % 8 & 1;
}

/*
 * Granules of the free run that ends before @p, which has this word, if one does;
 * less than two if none can. The bit of its last granule, 0, is the second of the
 * window; those before it are 1 and followed by the end of a block, 01 from here
 */
static __always_inline size_t
qn_zone_measure_before(const struct qn_word32 *word, const void *p)
{
	const struct qn_word32 *from = (const void *)((uintptr_t)word - 3);
	unsigned int ones = qn_clz32(~(from->v << (7 - qn_zone_shift(p))));

	return ones <= QN_ZONE_SHORT ? ones : ((const size_t *)p)[-1];
}

#if QN_FOR_SIZE
size_t qn_zone_size_before(const struct qn_word32 *word, const void *p);
size_t qn_zone_free_before(const struct qn_zone *z, const void *p);
#else
static __always_inline size_t qn_zone_size_before(const struct qn_word32 *word,
						  const void *p)
{
	return qn_zone_measure_before(word, p);
}
#endif

/* Does a free run end before @p, whose window begins as behind one */
static __always_inline bool qn_zone_is_behind_run(const struct qn_word32 *word,
						  const void *p)
{
	const struct qn_word32 *from = (const void *)((uintptr_t)word - 3);

	/* The bit before the window's */
	return (s32)(from->v << (8 - qn_zone_shift(p))) < 0;
}

/*
 * What follows the first QN_ZONE_SHORT bits of a block: they begin in the window
 * at bit 24, so the word three bytes on is shifted alike
 */
static __always_inline struct qn_word *qn_zone_tail(struct qn_word32 *word)
{
	return (struct qn_word *)((uintptr_t)word + 3);
}

/*
 * The length of a block whose first QN_ZONE_SHORT bits are 0; 0 if it is too
 * much
 */
static __hot_inline size_t qn_zone_long(const struct qn_zone *z, const void *p)
{
	unsigned long tail = qn_zone_tail(qn_zone_word(z, p))->v >>
			     qn_zone_shift(p);
	size_t k;

	if (tail & 1)
		k = tail >> 1 & qn_low_mask(QN_ZONE_FIELD);
	else
		k = QN_ZONE_SHORT + 1 + qn_ctz(tail);
	return k <= z->nr - (qn_granule_of(p) + z->origin) ? k : 0;
}

/**
 * qn_zone_block() - how long is the block that begins at @p
 * @z:		the zone
 * @p:		the address of a granule of the zone
 *
 * Return: its granules, or 0 if no block begins there.
 */
static __hot_inline size_t qn_zone_block(const struct qn_zone *z, const void *p)
{
	u32 window = qn_zone_window(z, p), start = window & QN_WINDOW_START;
	unsigned int first;

	if (start != QN_WINDOW_BEHIND_BLOCK &&
	    (start != QN_WINDOW_BEHIND_RUN ||
	     !qn_zone_bit(z, (const char *)p - 3 * QN_GRANULE)))
		return 0;
	first = qn_zone_first(window, start);
	return first <= QN_ZONE_SHORT + 1 ? first - 1 : qn_zone_long(z, p);
}

/*
 * Give the first @k granules of a free run, not all of it, the bits of a block
 */
static __hot_inline void qn_zone_mark(struct qn_zone *z, void *p, size_t k)
{
	struct qn_word32 *word = qn_zone_word(z, p);
	u32 ones;

	qn_assert(k >= QN_ZONE_MIN && k <= QN_ZONE_SHORT);
	/* 1..1 becomes 0..0 1 */
	ones = (1u << (k - 1)) - 1;
	word->v -= ones << qn_zone_shift(p) << 2;
}

/* Make a block of a whole free run, which is in no bin any more and not long */
static __hot_inline void qn_zone_mark_whole(struct qn_zone *z, void *p)
{
	qn_zone_word(z, p)->v += 4u << qn_zone_shift(p);
}

/* A free run of a length whose bin has no other */
static __hot_inline void qn_zone_insert_short(struct qn_zone *z,
					      struct qn_run *run, size_t size)
{
	qn_bins_assume_exact((unsigned int)size);
	run->size = size;
	qn_bins_insert(&z->bins, (unsigned int)size, run);
}

/* ---- placement: here alone a free run is chosen ---- */

/* Of a short length, a run of exactly that length, which goes first; or NULL */
static __always_inline struct qn_run *
qn_zone_place_exact(const struct qn_zone *z, size_t k)
{
	return z->bins.head[k];
}

/* The bins of the first word whose runs hold a short block and leave another run */
static __always_inline unsigned long qn_zone_serving(const struct qn_zone *z,
						     size_t k)
{
	return qn_bins_from(&z->bins, (unsigned int)k + QN_ZONE_MIN);
}

/**
 * qn_zone_place() - the placement rule: which longer run a block is cut from
 * @z:		the zone
 * @is_long:	the block is not short; callers know
 * @k:		its granules, as qn_zone_fit() gives them
 * @mask:	of a short block, as qn_zone_serving() has it
 *
 * Every zone and every way of allocation asks it. The block is at the low end of the run,
 * and takes all of it if one granule would be left.
 *
 * Bounded time: of the runs that may be too short it looks at QN_BINS_TRIES.
 *
 * Return: the run and its bin; no run if none is long enough.
 */
static __always_inline struct qn_choice qn_zone_place(const struct qn_zone *z,
						      bool is_long, size_t k,
						      unsigned long mask)
{
	if (is_long)
		return qn_bins_find_large(&z->bins, k);
	return QN_FOR_SIZE ?
		       qn_bins_lowest(&z->bins, (unsigned int)k + QN_ZONE_MIN) :
		       qn_bins_choose(&z->bins, 0, mask);
}

/* For a block that may begin anywhere in it: a run of @size granules or more, or NULL */
static inline struct qn_run *qn_zone_place_any(const struct qn_zone *z,
					       size_t size)
{
	return qn_bins_find(&z->bins, size);
}

/**
 * qn_zone_split() - make a short block from the low end of a free run
 * @z:		the zone
 * @from:	a run below QN_BINS_EXACT, the first of its bin, longer than @k
 *		by two granules or more
 * @k:		granules
 *
 * Return: the block.
 */
static __hot_inline void *qn_zone_split(struct qn_zone *z,
					struct qn_choice from, size_t k)
{
	qn_assert(from.bin >= k + QN_ZONE_MIN);
	qn_assert(from.run == z->bins.head[from.bin]);
	qn_bins_assume_exact(from.bin);
	qn_bins_pop(&z->bins, from.bin, from.run);
	qn_zone_insert_short(z, qn_granules_on(from.run, k), from.bin - k);
	qn_zone_mark(z, from.run, k);
	return from.run;
}

/**
 * qn_zone_cut() - the same of a run of any bin, from anywhere in it
 * @z:		the zone
 * @run:	the run
 * @bin:	where it is
 * @k:		granules: all of the run, or less by two at least
 *
 * Return: the block.
 */
void *qn_zone_cut(struct qn_zone *z, struct qn_run *run, unsigned int bin,
		  size_t k);

/**
 * qn_zone_carve() - make a short block where qn_zone_place() says
 * @z:		the zone
 * @k:		granules
 * @mask:	see there
 *
 * Bounded time.
 *
 * Return: the block.
 */
void *qn_zone_carve(struct qn_zone *z, size_t k, unsigned long mask);

/**
 * qn_zone_alloc() - make a block in any way there is
 * @z:		the zone
 * @k:		its granules, as qn_zone_fit() gives them; then its real length
 *
 * Bounded time: of the runs that may be too short it looks at QN_BINS_TRIES.
 *
 * Return: the block, or NULL.
 */
void *qn_zone_alloc(struct qn_zone *z, size_t *k);

/*
 * The same with the block's address a multiple of @align, a power of two. Only runs
 * of qn_zone_spare() granules are taken
 */
void *qn_zone_alloc_aligned(struct qn_zone *z, size_t *k, size_t align);

/*
 * Granules of a run that has a block of @k at @align, a power of two above QN_GRANULE,
 * wherever it begins
 */
static inline size_t qn_zone_spare(size_t k, size_t align)
{
	return k + align / QN_GRANULE + (k == QN_ZONE_GAP - 1 ? 3 : 1);
}

/**
 * qn_zone_unhide() - bring a run to where the next request finds it
 * @z:		the zone
 * @k:		granules
 *
 * In shared bins the first that is long enough becomes the first or second of its bin.
 *
 * Bound: a look at each run of the bin, which are @z->nr / (4/5 @k) at most.
 *
 * Return: true if it was not there before.
 */
bool qn_zone_unhide(struct qn_zone *z, size_t k);

/* Granules of the free run that ends before @p, or 0 */
static __always_inline size_t qn_zone_look_before(const struct qn_zone *z,
						  const void *p)
{
	if (qn_zone_bit(z, (const char *)p - QN_GRANULE))
		return 0;
	return qn_zone_size_before(qn_zone_word(z, p), p);
}

#if !QN_FOR_SIZE
static __always_inline size_t qn_zone_free_before(const struct qn_zone *z,
						  const void *p)
{
	return qn_zone_look_before(z, p);
}
#endif

/**
 * qn_zone_free() - a block turns free and is merged with its neighbours
 * @z:		the zone
 * @p:		the block
 * @k:		its granules
 * @run:	granules of the free run before it, or 0
 *
 * Bounded time.
 */
void qn_zone_free(struct qn_zone *z, void *p, size_t k, size_t run);

/* The same for a block that is not short */
void qn_zone_free_long(struct qn_zone *z, void *p, size_t k, size_t run);

/*
 * The same for a short block between blocks; merges a held block, too, if the
 * zone is no longer roomy
 */
void qn_zone_free_relaxed(struct qn_zone *z, void *p, size_t k);

/**
 * qn_zone_reshape() - make a block longer or shorter with what is free beside it
 * @z:		the zone
 * @p:		the block
 * @k:		its granules
 * @run:	granules of the free run before it, if the block is to begin there and gets
 *		no shorter; else 0
 * @want:	granules, as qn_zone_fit() gives them; then the new length, at least as much
 *
 * Contents move down to where the block begins. Bounded time, apart from that.
 *
 * Return: the block, or NULL if all of it is not long enough.
 */
void *qn_zone_reshape(struct qn_zone *z, void *p, size_t k, size_t run,
		      size_t *want);

/* Where it lies. Return: its new length, or 0 if the run behind it is not long enough */
static inline size_t qn_zone_resize(struct qn_zone *z, void *p, size_t k,
				    size_t want)
{
	return qn_zone_reshape(z, p, k, 0, &want) ? want : 0;
}

/*
 * Towards lower addresses, @want then being the new length. Return: the new address, or NULL
 * if nothing free lies before it or all is not enough
 */
static inline void *qn_zone_slide(struct qn_zone *z, void *p, size_t k,
				  size_t *want)
{
	size_t run = qn_zone_free_before(z, p);

	return run ? qn_zone_reshape(z, p, k, run, want) : NULL;
}

/* ---- blocks held ---- */

/* Does a block that is no longer than QN_ZONE_SHORT bear the tag */
static __always_inline bool qn_zone_is_held(const struct qn_held *held)
{
	return held->tag + (uintptr_t)held == 0;
}

/* A block in use of @k granules is kept as it is; false if enough is held */
static __hot_inline bool qn_zone_hold(struct qn_zone *z, void *p, size_t k)
{
	ptrdiff_t credit = z->credit - (ptrdiff_t)k;
	struct qn_held *held = p;

	qn_assert(k >= QN_ZONE_MIN && k <= QN_ZONE_SHORT);
	if (unlikely(credit < 0))
		return false;
	z->credit = credit;
	held->next = z->held[k];
	held->tag = 0 - (uintptr_t)held;
	z->held[k] = held;
	return true;
}

/* Take the first of the held blocks of @k granules out; what is held is counted elsewhere */
static __hot_inline void qn_zone_unhold_first(struct qn_zone *z, size_t k,
					      struct qn_held *held)
{
	qn_assert(z->held[k] == held);
	z->held[k] = held->next;
	/* No tag: blocks do not lie at the end of the address space. No constant is needed */
	held->tag = k;
}

/*
 * Take a held block of @k granules out, the latest; NULL if there is none. It is not in
 * use yet
 */
static __hot_inline void *qn_zone_unhold(struct qn_zone *z, size_t k)
{
	struct qn_held *held = z->held[k];

	if (held) {
		qn_zone_unhold_first(z, k, held);
		z->credit += (ptrdiff_t)k;
		z->limit += (ptrdiff_t)k;
	}
	return held;
}

/**
 * qn_zone_merge_next() - merge one held block
 * @z:		the zone
 * @lists:	bit k: of k granules, the shortest first; then those that may have more
 * @tries:	look at so many lists at most
 *
 * Return: its granules; 0 if these lists are empty.
 */
size_t qn_zone_merge_next(struct qn_zone *z, u32 *lists, unsigned int tries);

/**
 * qn_zone_drain() - merge a few held blocks
 * @z:		the zone
 * @which:	bit k: of k granules
 * @most:	so many at most
 *
 * Bound: a look at each list, and @most merges.
 *
 * Return: how many were merged.
 */
size_t qn_zone_drain(struct qn_zone *z, u32 which, size_t most);

/**
 * qn_zone_pay() - merge held blocks before @k granules come into use
 * @z:		the zone
 * @k:		granules
 *
 * Does so only while a zone holds blocks that has stopped being roomy. Its pace is such that
 * none is held any more when its longest run is used up: see heap.h. Before each
 * qn_zone_alloc(); qn_zone_cut(), qn_zone_resize() and their kin do the rest.
 *
 * Bound: @k * @z->pace / 16 + 1 blocks.
 */
void qn_zone_pay_some(struct qn_zone *z, size_t k);

/**
 * qn_zone_pay_off() - merge one held block of those that are owed
 * @z:		the zone
 *
 * Where the heap is locked qn_zone_pay_some() only notes what is owed. So the heap can be
 * unlocked between two merges.
 *
 * Return: true if more is owed.
 */
bool qn_zone_pay_off(struct qn_zone *z);

static __always_inline void qn_zone_pay(struct qn_zone *z, size_t k)
{
	if (unlikely(z->undrained))
		qn_zone_pay_some(z, k);
}

/* A flag beside those of quern.h: memory is so scarce that no block is held */
#define QN_ZONE_PRESSED 0x80u

/* Those of QN_ZONE_HAS() */
#define QN_ZONE_ATTRIBUTES 0x78u

/* Is it, from now on */
void qn_zone_press(struct qn_zone *z, bool pressed);

/**
 * qn_zone_set_knobs() - from now on other knobs
 * @z:		the zone
 * @knobs:	valid, and there until others are set
 *
 * If more is held than they allow, nothing is held before enough of it was taken or merged.
 * Bounded time.
 */
void qn_zone_set_knobs(struct qn_zone *z, const struct qn_heap_knobs *knobs);

/* Granules that are held. Any context. */
static inline size_t qn_zone_held(const struct qn_zone *z)
{
	return (size_t)(z->most - z->credit);
}

/* Granules in blocks that are held; looks at all of them */
size_t qn_zone_nr_held(const struct qn_zone *z);

/* ---- the whole ---- */

/**
 * qn_zone_piece() - the block or free run that begins at @p
 * @z:		the zone
 * @p:		where one begins
 * @state:	filled in
 *
 * Return: its granules.
 */
size_t qn_zone_piece(const struct qn_zone *z, void *p, enum qn_state *state);

/* The first granule of a zone */
static inline void *qn_zone_start(const struct qn_zone *z)
{
	return (void *)(0 - z->origin * QN_GRANULE);
}

/**
 * struct qn_zone_sums - what qn_zone_check() counted
 * @used:	granules in blocks, held ones included
 * @nr_used:	blocks, held ones included
 * @held:	granules in blocks that are held
 * @nr_held:	those blocks
 * @free:	granules in free runs
 * @longest:	granules of the longest
 */
struct qn_zone_sums {
	size_t used;
	size_t nr_used;
	size_t held;
	size_t nr_held;
	size_t free;
	size_t longest;
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
