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

/* From the bits of a free run to those of a block at its low end */
static __hot_inline void mark(struct qn_zone *z, void *p, size_t k, size_t rest)
{
	qn_assert(k >= QN_ZONE_MIN && k != QN_ZONE_GAP);
	qn_assert(qn_zone_bit(z, p));
	if (k > QN_ZONE_SHORT)
		mark_long(z, p, k, rest == 0);
	else if (rest)
		qn_zone_mark(z, p, k);
	else
		qn_zone_mark_whole(z, p);
}

/* From the bits of a block to those of a free run */
static noinline void unmark(struct qn_zone *z, void *p, size_t k)
{
	qn_assert(qn_zone_block(z, p) == k);
	if (unlikely(k > QN_ZONE_SHORT))
		unmark_long(z, p, k, false);
	else
		qn_zone_word(z, p)->v -= 4u << qn_zone_shift(p);
}

/* ---- room ---- */

/* Granules that may be held by these knobs */
static ptrdiff_t held_most(const struct qn_zone *z,
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

/* The lengths that may be held, a bit each */
#define HELD_LENGTHS \
	((u32)qn_low_mask(QN_ZONE_SHORT + 1) & ~(u32)qn_low_mask(QN_ZONE_MIN))

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
	z->undrained = HELD_LENGTHS;
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

	if (bin >= QN_BINS_EXACT && unlikely(bin >= z->room && !z->is_roomy))
		set_roomy(z);
	insert(z, bin, run);
}

static noinline void add_run(struct qn_zone *z, struct qn_run *run, size_t size)
{
	insert_run(z, run, size);
}

static void merge(struct qn_zone *z, void *p, size_t k);

/* The first list of held blocks that is not empty; 0 if none is left */
static size_t next_held(struct qn_zone *z)
{
	u32 left = z->undrained;
	size_t k;

	for (; left; left &= left - 1) {
		k = qn_ctz32(left);
		if (z->held[k])
			break;
	}
	z->undrained = left;
	if (!left) {
		set_drained(z);
		return 0;
	}
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
		k = next_held(z);
		if (!k)
			return;
		merge(z, qn_zone_unhold(z, k), k);
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
	k = z->undrained ? next_held(z) : 0;
	if (k)
		merge(z, qn_zone_unhold(z, k), k);
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

void *qn_zone_cut(struct qn_zone *z, struct qn_run *run, unsigned int bin,
		  size_t k)
{
	struct qn_run *tail = qn_granules_on(run, k);
	size_t rest = run->size - k;
	unsigned int to = 0;

	qn_assert(run->size >= k && rest != 1);
	qn_assert(bin == qn_bin_of(run->size));
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

void *qn_zone_carve(struct qn_zone *z, size_t k, unsigned long mask)
{
	unsigned int bin = qn_zone_place(z, false, k, mask).bin;

	qn_assert(bin >= k + QN_ZONE_MIN && bin < QN_NR_BINS);
	return qn_zone_cut(z, z->bins.head[bin], bin, k);
}

/* A block of a whole run of @k granules, or NULL */
static void *take_whole(struct qn_zone *z, size_t k)
{
	struct qn_run *run = qn_zone_place_exact(z, k);

	return run ? qn_zone_cut(z, run, (unsigned int)k, k) : NULL;
}

/* Of a run that is longer by the one granule that is no run */
static void *take_one_more(struct qn_zone *z, size_t *want)
{
	size_t k = *want + 1;
	void *p = k < QN_ZONE_GAP ? take_whole(z, k) : NULL;

	if (p)
		*want = k;
	return p;
}

static void *take_short(struct qn_zone *z, size_t *want)
{
	size_t k = *want;
	void *p = qn_zone_unhold(z, k);
	unsigned long mask;

	if (!p)
		p = take_whole(z, k);
	if (p)
		return p;
	mask = qn_zone_serving(z, k);
	if (!qn_bins_are_any(&z->bins, mask))
		return take_one_more(z, want);
	return qn_zone_carve(z, k, mask);
}

static void *take_long(struct qn_zone *z, size_t *k)
{
	size_t want = *k;
	struct qn_choice from = qn_zone_place(z, true, want, 0);

	if (!from.run)
		return NULL;
	want += from.run->size == want + 1;
	*k = want;
	return qn_zone_cut(z, from.run, from.bin, want);
}

void *qn_zone_alloc(struct qn_zone *z, size_t *k)
{
	qn_assert(*k == qn_zone_fit(*k));
	return *k <= QN_ZONE_SHORT ? take_short(z, k) : take_long(z, k);
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

/* Of @avail free granules that are in no bin, a block of @k and a run */
static noinline void put_block(struct qn_zone *z, void *p, size_t avail,
			       size_t k)
{
	qn_assert(k <= avail && avail - k != 1);
	if (k < avail)
		add_run(z, qn_granules_on(p, k), avail - k);
	mark(z, p, k, avail - k);
	update_room_after(z, k);
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
	if (unlikely(k > QN_ZONE_SHORT)) {
		qn_zone_free_long(z, p, k, run);
		return;
	}
	k = unmark_short(z, p, k, run);
	release(z, p, k, run);
}

/* What is free around a block before it is resized: the same, out of line */
static noinline size_t take_next(struct qn_zone *z, void *p)
{
	return absorb_next(z, p);
}

/* ---- blocks held ---- */

static noinline void merge(struct qn_zone *z, void *p, size_t k)
{
	z->nr_merged++;
	qn_zone_free(z, p, k, qn_zone_free_before(z, p));
}

size_t qn_zone_drain(struct qn_zone *z, u32 which, size_t most)
{
	size_t k = z->drain, nr = 0;

	qn_assert(k >= QN_ZONE_MIN && k <= QN_ZONE_SHORT);
	for (unsigned int tries = most ? QN_ZONE_SHORT : 0; tries > 0;
	     tries--) {
		while (which >> k & 1 && z->held[k]) {
			merge(z, qn_zone_unhold(z, k), k);
			if (++nr == most)
				goto enough;
		}
		k = k < QN_ZONE_SHORT ? k + 1 : QN_ZONE_MIN;
	}
enough:
	z->drain = (u8)k;
	return nr;
}

/* Merge one held block, if it is among the first lists that are left */
static void relax(struct qn_zone *z)
{
	qn_assert(z->undrained && !z->is_roomy);
	qn_assert(!(z->undrained & ~HELD_LENGTHS));
	for (unsigned int tries = QN_RELAX_TRIES; tries > 0; tries--) {
		size_t k = qn_ctz32(z->undrained);
		void *p = qn_zone_unhold(z, k);

		if (p) {
			merge(z, p, k);
			return;
		}
		z->undrained &= z->undrained - 1;
		if (!z->undrained) {
			set_drained(z);
			return;
		}
	}
}

void qn_zone_free_relaxed(struct qn_zone *z, void *p, size_t k)
{
	qn_zone_word(z, p)->v -= 4u << qn_zone_shift(p);
	qn_bins_assume_exact((unsigned int)k);
	((struct qn_run *)p)->size = k;
	insert(z, (unsigned int)k, p);
	if (z->undrained)
		relax(z);
}

bool qn_zone_has_held(const struct qn_zone *z)
{
	for (size_t k = QN_ZONE_MIN; k <= QN_ZONE_SHORT; k++)
		if (z->held[k])
			return true;
	return false;
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

size_t qn_zone_resize(struct qn_zone *z, void *p, size_t k, size_t want)
{
	size_t avail = k + free_after(z, qn_granules_on(p, k));
	size_t size = fit_block(avail, want);

	qn_assert(qn_zone_block(z, p) == k);
	if (!size || size == k)
		return size;
	unmark(z, p, k);
	take_next(z, qn_granules_on(p, k));
	put_block(z, p, avail, size);
	return size;
}

void *qn_zone_slide(struct qn_zone *z, void *p, size_t k, size_t *want)
{
	size_t skip = qn_zone_free_before(z, p);
	size_t avail = skip + k + free_after(z, qn_granules_on(p, k));
	size_t size = fit_block(avail, *want);
	void *to = before(p, skip);

	if (!skip || !size)
		return NULL;
	unmark(z, p, k);
	take_next(z, qn_granules_on(p, k));
	absorb_prev(z, p, skip);
	qn_assert(to < p && size >= k);
	memmove(to, p, k * QN_GRANULE);
	put_block(z, to, avail, size);
	*want = size;
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

static void init_room(struct qn_zone *z)
{
	z->knobs = &qn_heap_knobs_preset;
	set_room(z);
	z->drain = QN_ZONE_MIN;
	z->most = held_most(z, z->knobs);
	z->credit = z->most;
	z->limit = z->credit;
	qn_assert(z->credit >= 0);
	memset(z->fate, QN_FATE_LOOK, sizeof(z->fate));
	set_roomy(z);
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
	update_room(z);
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
