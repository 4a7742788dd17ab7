// SPDX-License-Identifier: MIT
/*
 * zone.c - blocks and free runs of one piece of memory; zone.h tells the code
 * in which the bits are written and why, and has the parts that allocation and
 * release in their common form are made of.
 *
 * Nothing here has a loop, but for the bounded searches of the bins and of held
 * lists, qn_zone_unhide(), qn_zone_init(), and what only looks.
 */
#include <string.h>

#include "heap/zone.h"

/* ---- the bits ---- */

static struct qn_run *before(const void *p, size_t n)
{
	return (struct qn_run *)((uintptr_t)p - n * QN_GRANULE);
}

static u8 *byte_of(const struct qn_zone *z, const void *p)
{
	return (u8 *)(z->map + (qn_granule_of(p) + 2) / 8);
}

static unsigned int bit_of(const void *p)
{
	return (unsigned int)(qn_granule_of(p) + 2) % 8;
}

static void clear_bit(struct qn_zone *z, const void *p)
{
	*byte_of(z, p) &= (u8) ~(1u << bit_of(p));
}

/* The bits of the first QN_ZONE_SHORT granules, in their window */
#define ZONE_HEAD ((u32)qn_low_mask(QN_ZONE_SHORT) << 2)

static size_t granules_behind(const struct qn_zone *z, const void *p)
{
	return z->nr - (qn_granule_of(p) + z->origin);
}

/*
 * From the bits of a free run that begins with a long block, or is it if nothing
 * is left, to those of the block
 */
static __hot_inline void mark_long(struct qn_zone *z, void *p, size_t k,
				   bool is_all)
{
	struct qn_word32 *head = qn_zone_word(z, p), *end;
	struct qn_word *tail = qn_zone_tail(head);
	unsigned long ones = qn_low_mask(QN_ZONE_FIELD);
	unsigned int shift = qn_zone_shift(p);

	qn_assert(k > QN_ZONE_GAP && k <= granules_behind(z, p));
	head->v &= ~(ZONE_HEAD << shift);
	if (k < QN_ZONE_LONG) {
		ones = qn_low_mask((unsigned int)k - QN_ZONE_GAP);
		tail->v += (is_all ? 1 : -ones) << shift;
		return;
	}
	tail->v = (tail->v & ~(ones << shift << 1)) | k << shift << 1;
	p = qn_granules_on(p, k);
	end = qn_zone_word(z, p);
	/* 10 or 11 becomes 01 */
	end->v += (is_all ? 1 : ~0u) << qn_zone_shift(p);
}

/*
 * From the bits of a long block to those of a free run, which the one before it
 * runs on into if it @joins
 */
static __hot_inline void unmark_long(struct qn_zone *z, void *p, size_t k,
				     bool joins)
{
	struct qn_word32 *head = qn_zone_word(z, p), *end;
	struct qn_word *tail = qn_zone_tail(head);
	unsigned int shift = qn_zone_shift(p);

	qn_assert(qn_zone_block(z, p) == k && k > QN_ZONE_GAP);
	head->v |= (joins ? ZONE_HEAD | 2 : ZONE_HEAD) << shift;
	if (k < QN_ZONE_LONG) {
		tail->v -= 1ul << shift;
		return;
	}
	tail->v |= qn_low_mask(QN_ZONE_FIELD) << shift << 1;
	p = qn_granules_on(p, k);
	end = qn_zone_word(z, p);
	/* 01 becomes 10 */
	end->v -= 1u << qn_zone_shift(p);
}

/*
 * Turn all of a free run into a block, if @one is 1, or a block into a free run, if it is -1.
 * Those bits of a long one that depend on its length alone change by themselves
 */
static __shared void flip(struct qn_zone *z, void *p, size_t k, u32 one)
{
	struct qn_word32 *head = qn_zone_word(z, p), *end;
	struct qn_word *tail = qn_zone_tail(head);
	unsigned int shift = qn_zone_shift(p);

	if (k <= QN_ZONE_SHORT) {
		head->v += one << 2 << shift;
		return;
	}
	head->v ^= ZONE_HEAD << shift;
	if (k < QN_ZONE_LONG) {
		tail->v += (unsigned long)(long)(s32)one << shift;
		return;
	}
	tail->v ^= (k ^ qn_low_mask(QN_ZONE_FIELD)) << shift << 1;
	p = qn_granules_on(p, k);
	end = qn_zone_word(z, p);
	end->v += one << qn_zone_shift(p);
}

/*
 * From the bits of a free run to those of a block at its low end. Where size counts a long
 * one is cut first, so that there is one way to turn all of a run into a block
 */
static __hot_inline void mark(struct qn_zone *z, void *p, size_t k, size_t rest)
{
	qn_assert(k >= QN_ZONE_MIN && k != QN_ZONE_GAP);
	qn_assert(qn_zone_bit(z, p));
	if (rest && k <= QN_ZONE_SHORT) {
		qn_zone_mark(z, p, k);
	} else if (QN_FOR_SIZE) {
		if (rest)
			clear_bit(z, qn_granules_on(p, k - 1));
		flip(z, p, k, 1);
	} else if (k > QN_ZONE_SHORT) {
		mark_long(z, p, k, rest == 0);
	} else {
		qn_zone_mark_whole(z, p);
	}
}

/* From the bits of a block to those of a free run */
static void unmark(struct qn_zone *z, void *p, size_t k)
{
	qn_assert(qn_zone_block(z, p) == k);
	flip(z, p, k, ~0u);
}

#if QN_FOR_SIZE
size_t qn_zone_size_before(const struct qn_word32 *word, const void *p)
{
	return qn_zone_measure_before(word, p);
}

size_t qn_zone_free_before(const struct qn_zone *z, const void *p)
{
	return qn_zone_look_before(z, p);
}
#endif

/* ---- room ---- */

/* Granules that may be held by these knobs */
static __shared ptrdiff_t held_most(const struct qn_zone *z,
				    const struct qn_heap_knobs *k)
{
	return (ptrdiff_t)min(k->held_part ? z->nr / k->held_part : 0,
			      k->held_most);
}

/*
 * Paces are eighths of a granule. The run that made the zone roomy had four fifths of its
 * part of the zone at least: that is how far a bin is from its neighbour
 */
#define PACE_ONE  8
#define PACE_ROOM (PACE_ONE * 5 / 4)

/* What becomes of short blocks, whatever their length */
static void set_fates(struct qn_zone *z, u8 fate)
{
	for (unsigned int i = 0; i < QN_FATES_SHORT / sizeof(u32); i++)
		z->fate_word[i] = fate * 0x01010101u;
	for (unsigned int i = 0; i <= QN_ZONE_MIN; i++)
		z->fate[i] = QN_FATE_LOOK;
}

/* Nothing is held in a zone that is not roomy */
static void set_drained(struct qn_zone *z)
{
	z->undrained = 0;
	set_fates(z, QN_FATE_MERGE);
}

static void set_roomy(struct qn_zone *z)
{
	z->is_roomy = true;
	z->undrained = 0;
	set_fates(z, z->knobs->held_part && !(z->flags & QN_ZONE_PRESSED) ?
			     QN_FATE_HOLD :
			     QN_FATE_MERGE);
}

static noinline void update_room(struct qn_zone *z)
{
	bool is_roomy = qn_bins_has(&z->bins, z->room);
	size_t nr;

	if (is_roomy == z->is_roomy)
		return;
	if (is_roomy) {
		set_roomy(z);
		return;
	}
	z->is_roomy = false;
	nr = qn_zone_held(z);
	if (!nr) {
		set_drained(z);
		return;
	}
	z->undrained = QN_HELD_LENGTHS;
	z->pace = (u16)(PACE_ROOM * nr * z->knobs->roomy_part / z->nr + 1);
	z->tight |= nr > (size_t)held_most(z, &qn_heap_knobs_preset);
	set_fates(z, QN_FATE_RELAX);
}

/* ---- runs ---- */

/* One copy of it where size counts */
static __hot_inline void insert(struct qn_zone *z, unsigned int bin,
				struct qn_run *run)
{
	qn_bins_insert(&z->bins, bin, run);
}

/*
 * Write a run's length, of a long one to both its ends, and tell its bin, which
 * is the one before if it is empty
 */
static __hot_inline unsigned int set_size(struct qn_run *run, size_t size)
{
	qn_assert(size >= QN_ZONE_MIN);
	if (size <= QN_ZONE_SHORT) {
		run->size = size;
		return (unsigned int)size;
	}
	run->size = size;
	((size_t *)qn_granules_on(run, size))[-1] = size;
	return qn_bin_of(size);
}

static __hot_inline void insert_run(struct qn_zone *z, struct qn_run *run,
				    size_t size)
{
	unsigned int bin = set_size(run, size);

	if ((QN_FOR_SIZE || bin >= QN_BINS_EXACT) &&
	    unlikely(bin >= z->room && !z->is_roomy))
		set_roomy(z);
	insert(z, bin, run);
}

static noinline void add_run(struct qn_zone *z, struct qn_run *run, size_t size)
{
	insert_run(z, run, size);
}

static void merge(struct qn_zone *z, void *p, size_t k);

static __hot_inline size_t merge_next(struct qn_zone *z, u32 *lists,
				      unsigned int tries)
{
	u32 left = qn_zone_held(z) ? *lists : 0;
	size_t k;
	void *p;

	qn_assert(!(left & ~QN_HELD_LENGTHS));
	for (; left && tries > 0; left &= left - 1, tries--) {
		k = qn_ctz32(left);
		p = qn_zone_unhold(z, k);
		if (p) {
			*lists = left;
			merge(z, p, k);
			return k;
		}
	}
	*lists = left;
	return 0;
}

size_t qn_zone_merge_next(struct qn_zone *z, u32 *lists, unsigned int tries)
{
	return merge_next(z, lists, tries);
}

/* Merge one held block of a zone that is not roomy, if one of so many lists has any */
static __hot_inline size_t relax(struct qn_zone *z, unsigned int tries)
{
	size_t k = merge_next(z, &z->undrained, tries);

	if (!z->undrained && !z->is_roomy)
		set_drained(z);
	return k;
}

void qn_zone_pay_some(struct qn_zone *z, size_t k)
{
	size_t due = (k * z->pace + PACE_ONE - 1) / PACE_ONE;

	if (IS_ENABLED(QN_HEAP_LOCK)) {
		z->owed = (u16)min(z->owed + due, (size_t)UINT16_MAX);
		return;
	}
	while (z->undrained) {
		k = relax(z, QN_ZONE_SHORT);
		if (due <= k)
			return;
		due -= k;
	}
}

bool qn_zone_pay_off(struct qn_zone *z)
{
	size_t k;

	if (!IS_ENABLED(QN_HEAP_LOCK))
		return false;
	k = z->undrained ? relax(z, QN_ZONE_SHORT) : 0;
	z->owed = k && k < z->owed ? (u16)(z->owed - k) : 0;
	return z->owed > 0;
}

static noinline void update_room_after(struct qn_zone *z, size_t k)
{
	update_room(z);
	qn_zone_pay(z, k);
}

/* The end of a cut of a run that made the zone roomy; @rest of it does not */
static noinline void *cut_last(struct qn_zone *z, void *p, size_t k,
			       size_t rest)
{
	mark(z, p, k, rest);
	update_room_after(z, k);
	return p;
}

/* Of @avail granules of free memory that are in no bin, a block of @k and a run */
static noinline void put_block(struct qn_zone *z, void *p, size_t avail,
			       size_t k)
{
	qn_assert(k <= avail && avail - k != 1);
	if (k < avail)
		add_run(z, qn_granules_on(p, k), avail - k);
	mark(z, p, k, avail - k);
}

/* The same with few instructions for the common cases */
static __always_inline void *cut_fast(struct qn_zone *z, struct qn_run *run,
				      unsigned int bin, size_t k)
{
	struct qn_run *tail = qn_granules_on(run, k);
	size_t rest = run->size - k;
	unsigned int to = 0;

	if (rest)
		to = set_size(tail, rest);
	if (to == bin) {
		qn_bins_replace(run, tail);
	} else {
		qn_bins_del_from(&z->bins, bin, run);
		if (rest)
			insert(z, to, tail);
		if (bin >= z->room && unlikely(to < z->room))
			return cut_last(z, run, k, rest);
	}
	mark(z, run, k, rest);
	return run;
}

void *qn_zone_cut(struct qn_zone *z, struct qn_run *run, unsigned int bin,
		  size_t k)
{
	size_t avail = run->size;

	qn_assert(avail >= k && avail - k != 1);
	qn_assert(bin == qn_bin_of(avail));
	if (!QN_FOR_SIZE)
		return cut_fast(z, run, bin, k);
	qn_bins_del(&z->bins, run);
	put_block(z, run, avail, k);
	if (bin >= z->room)
		update_room_after(z, k);
	return run;
}

void *qn_zone_carve(struct qn_zone *z, size_t k, unsigned long mask)
{
	struct qn_choice from = qn_zone_place(z, false, k, mask);

	qn_assert(from.run && from.bin >= k + QN_ZONE_MIN);
	if (!from.run)
		__builtin_unreachable();
	return qn_zone_cut(z, from.run, from.bin, k);
}

/* A run for a block of @k granules, which may be longer by the one granule that is no run */
static struct qn_choice find_run(const struct qn_zone *z, size_t k)
{
	struct qn_choice from = { .bin = (unsigned int)k };

	if (k > QN_ZONE_SHORT)
		return qn_zone_place(z, true, k, 0);
	from.run = qn_zone_place_exact(z, k);
	if (!from.run)
		from = qn_zone_place(z, false, k, qn_zone_serving(z, k));
	if (!from.run && k + 1 < QN_ZONE_GAP) {
		from.bin = (unsigned int)k + 1;
		from.run = qn_zone_place_exact(z, k + 1);
	}
	return from;
}

void *qn_zone_alloc(struct qn_zone *z, size_t *want)
{
	size_t k = *want;
	struct qn_choice from;
	void *p = NULL;

	qn_assert(k == qn_zone_fit(k));
	if (k <= QN_ZONE_SHORT)
		p = qn_zone_unhold(z, k);
	if (p)
		return p;
	from = find_run(z, k);
	if (!from.run)
		return NULL;
	k += from.run->size == k + 1;
	*want = k;
	return qn_zone_cut(z, from.run, from.bin, k);
}

/*
 * Granules between @run and the first block at @align; none or enough for a run
 */
static size_t lead(const struct qn_run *run, size_t align)
{
	size_t bytes = -(uintptr_t)run & (align - 1);

	if (bytes == QN_GRANULE)
		bytes += align;
	return bytes / QN_GRANULE;
}

/* The length of a block for @want in @avail granules, or 0 */
static size_t fit_block(size_t avail, size_t want)
{
	if (want > avail)
		return 0;
	if (avail - want >= QN_ZONE_MIN)
		return want;
	return avail == QN_ZONE_GAP ? 0 : avail;
}

void *qn_zone_alloc_aligned(struct qn_zone *z, size_t *k, size_t align)
{
	struct qn_run *run = qn_zone_place_any(z, qn_zone_spare(*k, align));
	size_t skip, avail;

	if (!run)
		return NULL;
	skip = lead(run, align);
	qn_assert(skip != 1 && skip + *k <= run->size);
	avail = run->size - skip;
	qn_bins_del(&z->bins, run);
	if (skip) {
		clear_bit(z, qn_granules_on(run, skip - 1));
		add_run(z, run, skip);
		run = qn_granules_on(run, skip);
	}
	*k = fit_block(avail, *k);
	put_block(z, run, avail, *k);
	update_room_after(z, *k);
	/*
	 * Every other block begins where a free run did, whose node overwrote
	 * what had been there; this one may look held
	 */
	((struct qn_held *)(void *)run)->tag = 0;
	qn_zone_pay(z, skip);
	return run;
}

bool qn_zone_unhide(struct qn_zone *z, size_t k)
{
	struct qn_run *first, *run;

	if (k < QN_BINS_EXACT)
		return false;
	first = z->bins.head[qn_bin_of_large(k)];
	for (run = first; run && run->size < k; run = run->next)
		;
	/* These two are where add_run() would bring it */
	if (!run || run == first || run == first->next)
		return false;
	qn_bins_del(&z->bins, run);
	add_run(z, run, run->size);
	return true;
}

/* Granules of the free run that begins at @p, or 0 */
static size_t free_after(const struct qn_zone *z, const void *p)
{
	return qn_zone_bit(z, p) ? ((const struct qn_run *)p)->size : 0;
}

/*
 * If a free run begins at @next, take it out of its bin and let the bits run on
 * into it; its granules
 */
static __hot_inline size_t absorb_next(struct qn_zone *z, struct qn_run *next)
{
	struct qn_word32 *word = qn_zone_word(z, next);
	unsigned int shift = qn_zone_shift(next);
	u32 w = word->v;

	if (!(w >> shift & 4))
		return 0;
	word->v = w | 2u << shift;
	qn_bins_del(&z->bins, next);
	return next->size;
}

/* The same for the free run of @size granules that ends before @p */
static void absorb_prev(struct qn_zone *z, void *p, size_t size)
{
	void *last = before(p, 1);

	qn_assert(size >= QN_ZONE_MIN && !qn_zone_bit(z, last));
	*byte_of(z, last) |= (u8)(1u << bit_of(last));
	qn_bins_del(&z->bins, before(p, size));
}

/* A short block turns free, and the 0 before and the 1 behind it, if need be */
static __hot_inline size_t unmark_short(struct qn_zone *z, void *p, size_t k,
					bool joins)
{
	struct qn_word32 *word = qn_zone_word(z, p);
	unsigned int shift = qn_zone_shift(p);
	struct qn_run *next = qn_granules_on(p, k);
	u32 w = word->v, one = 4u << shift;
	bool is_last = !(w >> shift >> k & 4);

	if (!is_last)
		w += one << (k - 1);
	word->v = w - (joins ? one / 2 : one);
	if (is_last)
		return k;
	qn_bins_del(&z->bins, next);
	return k + next->size;
}

/* The bits are those of free memory now: so are the lists */
static __hot_inline void release(struct qn_zone *z, void *p, size_t k,
				 size_t run)
{
	qn_assert(run != 1 && k >= QN_ZONE_MIN);
	qn_assert(qn_zone_bit(z, p));
	p = before(p, run);
	if (run)
		qn_bins_del(&z->bins, p);
	insert_run(z, p, k + run);
}

/*
 * A block turns free, and so is what is free around it, @run granules before it among that:
 * all of it is in no bin any more. Its granules
 */
static __hot_inline size_t gather(struct qn_zone *z, void *p, size_t k,
				  size_t run)
{
	unmark(z, p, k);
	k += absorb_next(z, qn_granules_on(p, k));
	if (run)
		absorb_prev(z, p, run);
	return k + run;
}

/* Are both neighbours of a short block in use, by the window of its first granule */
static __always_inline bool is_alone(u32 window, size_t k)
{
	return !((window | window >> (k + 2)) & 1);
}

/* Such a block turns free */
static __hot_inline void release_alone(struct qn_zone *z, void *p, size_t k)
{
	qn_assert(is_alone(qn_zone_window(z, p), k));
	qn_zone_word(z, p)->v -= 4u << qn_zone_shift(p);
	qn_bins_assume_exact((unsigned int)k);
	((struct qn_run *)p)->size = k;
	insert(z, (unsigned int)k, p);
}

void qn_zone_free_long(struct qn_zone *z, void *p, size_t k, size_t run)
{
	unmark_long(z, p, k, run);
	k += absorb_next(z, qn_granules_on(p, k));
	release(z, p, k, run);
}

void qn_zone_free(struct qn_zone *z, void *p, size_t k, size_t run)
{
	qn_assert(qn_zone_block(z, p) == k);
	qn_assert(run == qn_zone_free_before(z, p));
	if (QN_FOR_SIZE) {
		k = gather(z, p, k, run);
		add_run(z, before(p, run), k);
		return;
	}
	if (unlikely(k > QN_ZONE_SHORT)) {
		qn_zone_free_long(z, p, k, run);
		return;
	}
	k = unmark_short(z, p, k, run);
	release(z, p, k, run);
}

/* ---- blocks held ---- */

static noinline void merge(struct qn_zone *z, void *p, size_t k)
{
	struct qn_word32 *word = qn_zone_word(z, p);
	u32 window = word->v >> qn_zone_shift(p);

	z->nr_merged++;
	if (is_alone(window, k))
		release_alone(z, p, k);
	else
		qn_zone_free(z, p, k,
			     window & 1 ? qn_zone_size_before(word, p) : 0);
}

size_t qn_zone_drain(struct qn_zone *z, u32 which, size_t most)
{
	u32 before = (u32)qn_low_mask(z->drain), lists[2];
	size_t nr = 0, k;

	qn_assert(z->drain >= QN_ZONE_MIN && z->drain <= QN_ZONE_SHORT);
	which &= QN_HELD_LENGTHS;
	lists[0] = which & ~before;
	lists[1] = which & before;
	for (unsigned int i = 0; i < ARRAY_SIZE(lists); i++)
		while (nr < most) {
			k = merge_next(z, &lists[i], QN_ZONE_SHORT);
			if (!k)
				break;
			z->drain = (u8)k;
			nr++;
		}
	return nr;
}

void qn_zone_free_relaxed(struct qn_zone *z, void *p, size_t k)
{
	release_alone(z, p, k);
	if (z->undrained)
		relax(z, QN_RELAX_TRIES);
}

size_t qn_zone_nr_held(const struct qn_zone *z)
{
	const struct qn_held *held;
	size_t sum = 0;

	for (size_t k = QN_ZONE_MIN; k <= QN_ZONE_SHORT; k++)
		for (held = z->held[k]; held; held = held->next)
			sum += k;
	return sum;
}

/* ---- blocks resized ---- */

void *qn_zone_reshape(struct qn_zone *z, void *p, size_t k, size_t run,
		      size_t *want)
{
	size_t avail = run + k + free_after(z, qn_granules_on(p, k));
	size_t size = fit_block(avail, *want);
	void *to = before(p, run);

	qn_assert(qn_zone_block(z, p) == k);
	if (!size)
		return NULL;
	*want = size;
	if (size == k && !run)
		return p;
	qn_assert(!run || size >= k);
	gather(z, p, k, run);
	if (run)
		memmove(to, p, k * QN_GRANULE);
	put_block(z, to, avail, size);
	update_room_after(z, size);
	return to;
}

/* ---- the whole ---- */

/*
 * Bytes of bits for @nr granules: also for the two before the first and for
 * what the first byte has of others, for what a word reads before them and
 * behind
 */
static size_t bits_size(size_t nr)
{
	size_t bytes = sizeof(u32) + (nr + 9) / 8 + 1 + sizeof(u64);

	return round_up(bytes, QN_GRANULE);
}

static void init_bits(struct qn_zone *z, u8 *bits, size_t size)
{
	void *start = (void *)(0 - z->origin * QN_GRANULE);

	z->map = (uintptr_t)bits + sizeof(u32) - qn_granule_of(start) / 8;
	memset(bits, 0xff, size);
	clear_bit(z, before(start, 2));
	clear_bit(z, qn_granules_on(start, z->nr - 1));
	clear_bit(z, qn_granules_on(start, z->nr));
}

static void set_room(struct qn_zone *z)
{
	unsigned int room = qn_bin_of(z->nr / z->knobs->roomy_part);

	z->room = (u8)max(room, (unsigned int)QN_BINS_EXACT);
}

void qn_zone_press(struct qn_zone *z, bool pressed)
{
	z->flags = (u8)((z->flags & ~QN_ZONE_PRESSED) |
			(pressed ? QN_ZONE_PRESSED : 0));
	if (z->is_roomy)
		set_roomy(z);
}

void qn_zone_set_knobs(struct qn_zone *z, const struct qn_heap_knobs *knobs)
{
	ptrdiff_t more = held_most(z, knobs) - z->most;

	z->knobs = knobs;
	z->most += more;
	z->credit += more;
	z->limit += more;
	set_room(z);
	update_room(z);
	if (z->is_roomy)
		set_roomy(z);
}

/* Nothing may be held before knobs are set, and whether it is roomy is known then */
static void init_room(struct qn_zone *z)
{
	z->is_roomy = true;
	z->drain = QN_ZONE_MIN;
	memset(z->fate, QN_FATE_LOOK, sizeof(z->fate));
}

bool qn_zone_init(struct qn_zone *z, void *mem, size_t size)
{
	uintptr_t start = round_up((uintptr_t)mem, QN_GRANULE);
	uintptr_t end = round_down((uintptr_t)mem + size, QN_GRANULE);
	size_t bits;

	memset(z, 0, sizeof(*z));
	if (end <= start)
		return false;
	z->nr = min((end - start) / QN_GRANULE, QN_ZONE_LIMIT);
	bits = bits_size(z->nr);
	if (end - start < bits + QN_ZONE_MIN * QN_GRANULE)
		return false;
	z->nr = min((end - start - bits) / QN_GRANULE, QN_ZONE_LIMIT);
	z->origin = 0 - (start + bits) / QN_GRANULE;
	qn_assert(z->nr >= QN_ZONE_MIN);
	init_bits(z, (u8 *)start, bits);
	init_room(z);
	add_run(z, (struct qn_run *)(start + bits), z->nr);
	qn_zone_set_knobs(z, &qn_heap_knobs_preset);
	qn_assert(z->credit == z->most && z->limit == z->most);
	return true;
}

size_t qn_zone_piece(const struct qn_zone *z, void *p, enum qn_state *state)
{
	size_t k;

	*state = QN_FREE;
	if (qn_zone_bit(z, p))
		return ((const struct qn_run *)p)->size;
	k = qn_zone_block(z, p);
	*state = k <= QN_ZONE_SHORT && qn_zone_is_held(p) ? QN_HELD : QN_USED;
	return k;
}

/* Do the granules from @p up to @end all read @value */
static bool is_all(const struct qn_zone *z, const void *p, const void *end,
		   bool value)
{
	for (; p < end; p = qn_granules_on(p, 1))
		if (qn_zone_bit(z, p) != value)
			return false;
	return true;
}

static const char *check_block(const struct qn_zone *z, const void *p, size_t k)
{
	const void *end = qn_granules_on(p, k);

	if (k < QN_ZONE_MIN || k == QN_ZONE_GAP)
		return "no block begins where one should";
	if (qn_zone_bit(z, before(end, 2)) || !qn_zone_bit(z, before(end, 1)))
		return "the end of a block is not marked";
	if (k >= QN_ZONE_LONG && !is_all(z, qn_granules_on(p, QN_ZONE_LONG - 4),
					 before(end, 2), true))
		return "the inside of a long block is not marked";
	return NULL;
}

static const char *check_run(const struct qn_zone *z, const struct qn_run *run)
{
	size_t size = run->size;
	const void *end = qn_granules_on(run, size);

	if (size < QN_ZONE_MIN || size > granules_behind(z, run))
		return "a free run has an impossible size";
	if (qn_zone_size_before(qn_zone_word(z, end), end) != size)
		return "the two ends of a free run differ";
	if (!is_all(z, run, before(end, 1), true) ||
	    qn_zone_bit(z, before(end, 1)))
		return "the inside of a free run is not marked";
	if (!qn_zone_bit(z, before(run, 1)) || qn_zone_bit(z, end))
		return "two free runs touch";
	return NULL;
}

/* May the node of a run be read */
static const char *look_run(const void *zone, const struct qn_run *run)
{
	return qn_zone_has(zone, run) ? NULL : "a list of free runs is torn";
}

static const char *check_held(const struct qn_zone *z, size_t k,
			      struct qn_zone_sums *sums)
{
	const struct qn_held *held = z->held[k];

	for (; held; held = held->next) {
		if (!qn_zone_has(z, held) || qn_zone_block(z, held) != k)
			return "a held block is no block of its length";
		if (!qn_zone_is_held(held))
			return "a held block has lost its tag";
		sums->held += k;
		sums->nr_held++;
		if (sums->held > sums->used)
			return "a list of held blocks has no end";
	}
	return NULL;
}

static const char *check_lists(const struct qn_zone *z,
			       struct qn_zone_sums *sums)
{
	const char *error = qn_bins_check(&z->bins, sums->free, look_run, z);

	for (size_t k = 0; k <= QN_ZONE_SHORT && !error; k++)
		error = check_held(z, k, sums);
	if (!error && (ptrdiff_t)sums->held + z->credit != z->most)
		error = "what is held is not what was counted";
	if (!error && z->is_roomy != qn_bins_has(&z->bins, z->room))
		error = "a zone is wrong about how roomy it is";
	return error;
}

const char *qn_zone_check(const struct qn_zone *z, struct qn_zone_sums *sums)
{
	const char *p = (const char *)(0 - z->origin * QN_GRANULE);
	const char *end = qn_granules_on(p, z->nr);
	const char *error = NULL;
	size_t k;

	memset(sums, 0, sizeof(*sums));
	if (qn_zone_bit(z, before(p, 2)) || !qn_zone_bit(z, before(p, 1)) ||
	    qn_zone_bit(z, end))
		return "the borders of a zone are not marked";
	for (; p < end && !error; p = qn_granules_on(p, k)) {
		if (qn_zone_bit(z, p)) {
			error = check_run(z, (const struct qn_run *)p);
			k = ((const struct qn_run *)p)->size;
			sums->free += k;
			sums->longest = max(sums->longest, k);
		} else {
			k = qn_zone_block(z, p);
			error = check_block(z, p, k);
			sums->used += k;
			sums->nr_used++;
		}
	}
	return error ? error : check_lists(z, sums);
}
