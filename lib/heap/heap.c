// SPDX-License-Identifier: MIT
/*
 * heap.c - a heap of one's own; see heap.h.
 *
 * Here are requests: allocate, free, resize, with the common case at the top of each. They
 * are in one file because they share short functions: apart, at -Os each realloc takes 13
 * instructions more, and flash 40 bytes. What is counted on the way is in heap-count.h, what
 * is checked in heap-guard.h.
 *
 * What a fast path leaves to others it leaves by a jump, so it pays nothing for
 * what it does not do. An allocation is counted before the block is made for
 * this reason.
 */
#include "heap/heap-count.h"
#include "heap/heap-guard.h"

/* ---- allocate ---- */

/* The ways that take longer, each of which ends an allocation */
static void *alloc_any(struct qn_heap *h, size_t size);
static void *alloc_rise(struct qn_heap *h, size_t size, size_t k);
static void *alloc_miss(struct qn_heap *h, size_t size, size_t k);
static void *alloc_long(struct qn_heap *h, size_t size, size_t k);

/* A held block of @k granules, or a free run of exactly that length */
static __always_inline void *alloc_exact(struct qn_heap *h, size_t size,
					 size_t k)
{
	struct qn_zone *z = &h->zone;
	struct qn_held *held = z->held[k];
	struct qn_run *run;

	qn_assert(k <= QN_ZONE_SHORT);
	qn_assert(!held || qn_zone_block(z, held) == k);
	if (held) {
		if (unlikely(!qn_heap_count_held(h, k)))
			return alloc_rise(h, size, k);
		qn_zone_unhold_first(z, k, held);
		return held;
	}
	run = qn_zone_place_exact(z, k);
	if (unlikely(!run))
		return alloc_miss(h, size, k);
	if (unlikely(!count_free_run(h, k)))
		return alloc_rise(h, size, k);
	qn_assert(run->size == k);
	qn_bins_assume_exact((unsigned int)k);
	qn_bins_pop(&z->bins, (unsigned int)k, run);
	qn_zone_mark_whole(z, run);
	return run;
}

static noinline void *alloc_short(struct qn_heap *h, size_t size, size_t k)
{
	return alloc_exact(h, size, k);
}

/* There is a block of just @k granules, and somebody wants to know of it first */
static noinline void *alloc_rise(struct qn_heap *h, size_t size, size_t k)
{
	size_t live = qn_heap_live(h) + k;

	if (IS_ENABLED(QN_HITS) && live > h->mark && h->zone.held[k])
		h->nr_hits[0]++;
	rise(h, size, live);
	return alloc_short(h, size, k);
}

/* There is no held block and no run of 0 or 1 granules: these miss */
static __always_inline void *alloc_fast(struct qn_heap *h, size_t size)
{
	size_t k = (size + QN_GRANULE - 1) / QN_GRANULE;

	if (unlikely(k > QN_ZONE_SHORT))
		return alloc_long(h, size, k);
	if (QN_FOR_SIZE)
		return alloc_short(h, size, k);
	return alloc_exact(h, size, k);
}

void *qn_heap_alloc(struct qn_heap *h, size_t size)
{
	void *p;

	qn_heap_lock(h);
	p = alloc_fast(h, with_guard(size));
	if (IS_ENABLED(QN_GUARD) || IS_ENABLED(QN_POISON))
		p = dress(h, p);
	qn_heap_unlock(h);
	return p;
}

/* May a request with these flags of qn_heap_alloc_flags() use a zone */
static bool suits(const struct qn_zone *z, unsigned int flags)
{
	if (flags & QN_ALLOC_DMA && z->flags & QN_ZONE_NODMA)
		return false;
	return !(flags & QN_ZONE_ATTRIBUTES & ~z->flags);
}

/*
 * Merge what a zone holds. What others hold meanwhile does not make it longer. False if
 * there was nothing
 */
static bool merge_held(struct qn_heap *h, struct qn_zone *z)
{
	size_t left = qn_zone_held(z) / QN_ZONE_MIN;
	u32 lists = QN_HELD_LENGTHS;

	if (!left)
		return false;
	while (left-- && qn_zone_merge_next(z, &lists, QN_ZONE_SHORT))
		qn_heap_breathe(h);
	return true;
}

/* Granules that are not in use, wherever they are */
static size_t free_granules(const struct qn_heap *h)
{
	size_t nr = 0 - qn_heap_live(h);
	const struct qn_zone *z;

	for (z = &h->zone; z; z = z->next)
		nr += z->nr;
	return nr;
}

/*
 * No zone that suits has a run of @k granules, which a request needs beside @own that it
 * has: merge what is held, and look for hidden runs. False if there is nothing new
 */
static bool squeeze(struct qn_heap *h, size_t k, size_t own, unsigned int flags)
{
	unsigned int nr_new = 0;
	struct qn_zone *z;

	qn_assert(qn_heap_live(h) <= h->peak);
	if (k > free_granules(h) + own)
		return false;
	h->nr_squeezed++;
	for (z = &h->zone; z; z = z->next) {
		if (!suits(z, flags))
			continue;
		nr_new += merge_held(h, z);
		nr_new += qn_zone_unhide(z, k);
	}
	return nr_new > 0;
}

/* There is no memory: does somebody free some */
static noinline bool ask_hook(struct qn_heap *h, size_t size)
{
	bool again = false;

	if (h->hook) {
		qn_heap_unlock(h);
		again = h->hook(h->hook_arg, size - GUARD_SIZE);
		qn_heap_lock(h);
	}
	h->nr_failed += !again;
	return again;
}

/* A request for @size bytes found no run of @k granules: is another try worth it */
static noinline bool try_again(struct qn_heap *h, size_t size, size_t k,
			       size_t own, unsigned int flags)
{
	return squeeze(h, k, own, flags) || ask_hook(h, size);
}

/* From the zones in turn, in any way there is; with this flag no memory is made free for it */
#define JUST_ONCE 0x100u

static noinline void *alloc_from(struct qn_heap *h, size_t size,
				 unsigned int flags)
{
	struct qn_zone *z;
	size_t k;
	void *p;

	do {
		for (z = &h->zone; z; z = z->next) {
			if (!suits(z, flags))
				continue;
			k = qn_heap_granules(size);
			qn_zone_pay(z, k);
			p = qn_zone_alloc(z, &k);
			if (p) {
				qn_assert(k * QN_GRANULE >= size);
				count_alloc(h, z, k, size);
				qn_heap_pay_off(h, z);
				return p;
			}
		}
	} while (!(flags & JUST_ONCE) &&
		 try_again(h, size, qn_heap_granules(size), 0, flags));
	return NULL;
}

static noinline void *alloc_any(struct qn_heap *h, size_t size)
{
	return alloc_from(h, size, 0);
}

/*
 * The first zone has nothing. If it is the only one, holds nothing and hides no run, nothing
 * helps; else what is left is to make room there. But a short one was not yet looked for in
 * runs that are longer by one granule
 */
static noinline void *alloc_none(struct qn_heap *h, size_t size, size_t k)
{
	const struct qn_zone *z = &h->zone;

	if (z->next || k <= QN_ZONE_SHORT)
		return alloc_any(h, size);
	if (!qn_zone_held(z) && !z->bins.head[qn_bin_of_large(k)])
		return ask_hook(h, size) ? alloc_any(h, size) : NULL;
	return try_again(h, size, k, 0, 0) ? alloc_any(h, size) : NULL;
}

#if QN_POLICY_PAPER
/* A multiple of the knob granule, if one window shows it. It misses at most once more. */
static size_t rounded(const struct qn_heap *h, size_t k)
{
	size_t g = h->knobs.granule, up = (k + g - 1) / g * g;

	return up <= QN_ZONE_SHORT ? up : k;
}
#endif

/* A block of the first zone, and what is owed for it */
static __always_inline void *paid(struct qn_heap *h, void *p)
{
	qn_heap_pay_off(h, &h->zone);
	return p;
}

/* A request that pays first */
static noinline void *alloc_rest(struct qn_heap *h, size_t size, size_t k)
{
	void *p;

	qn_zone_pay(&h->zone, k);
	p = qn_zone_alloc(&h->zone, &k);
	if (unlikely(!p))
		return alloc_none(h, size, k);
	count_alloc(h, &h->zone, k, size);
	return paid(h, p);
}

/* Nothing of exactly this length: carve a longer run */
static noinline void *alloc_miss(struct qn_heap *h, size_t size, size_t k)
{
	struct qn_choice from;
	unsigned long mask;

	/* One granule at most is served by two; more has wrapped around */
	if (unlikely(k < QN_ZONE_MIN))
		return size > QN_GRANULE ? alloc_any(h, size) :
					   alloc_short(h, size, QN_ZONE_MIN);
	qn_assert(k <= QN_ZONE_SHORT);
#if QN_POLICY_PAPER
	if (unlikely(k <= h->knobs.granule_most) && k != rounded(h, k))
		return alloc_short(h, size, rounded(h, k));
#endif
	mask = qn_zone_serving(&h->zone, k);
	if (QN_FOR_SIZE) {
		if (unlikely(!mask && (h->zone.undrained ||
				       !qn_bins_are_any(&h->zone.bins, mask))))
			return alloc_any(h, size);
		count_alloc(h, &h->zone, k, size);
		return paid(h, qn_zone_carve(&h->zone, k, mask));
	}
	if (unlikely(!mask && h->zone.undrained))
		return alloc_rest(h, size, k);
	if (unlikely(!mask && !qn_bins_are_any(&h->zone.bins, mask)))
		return alloc_none(h, size, k);
	count_any(h, k, size);
	if (!mask)
		return paid(h, qn_zone_carve(&h->zone, k, mask));
	from = qn_zone_place(&h->zone, false, k, mask);
	qn_assert(from.run->size >= k + QN_ZONE_MIN);
	qn_assert(from.bin == qn_bin_of(from.run->size));
	if (from.bin >= QN_BINS_EXACT)
		return paid(h, qn_zone_cut(&h->zone, from.run, from.bin, k));
	return qn_zone_split(&h->zone, from, k);
}

/* A block that one window does not show */
static noinline void *alloc_long(struct qn_heap *h, size_t size, size_t k)
{
	struct qn_choice from;

	if (QN_FOR_SIZE || unlikely(k > QN_ZONE_LIMIT))
		return alloc_any(h, size);
	qn_assert(k > QN_ZONE_SHORT);
	k += k == QN_ZONE_GAP;
	if (unlikely(h->zone.undrained))
		return alloc_rest(h, size, k);
	from = qn_zone_place(&h->zone, true, k, 0);
	if (unlikely(!from.run))
		return alloc_none(h, size, k);
	k += from.run->size == k + 1;
	qn_assert(from.run->size >= k);
	qn_assert(from.bin == qn_bin_of(from.run->size));
	count_any(h, k, size);
	return paid(h, qn_zone_cut(&h->zone, from.run, from.bin, k));
}

static void *align_zones(struct qn_heap *h, size_t align, size_t size,
			 unsigned int flags)
{
	struct qn_zone *z;
	size_t k;
	void *p;

	for (z = &h->zone; z; z = z->next) {
		if (!suits(z, flags))
			continue;
		k = qn_heap_granules(size);
		p = qn_zone_alloc_aligned(z, &k, align);
		if (p) {
			qn_assert(is_aligned((uintptr_t)p, align));
			count_alloc(h, z, k, size);
			qn_heap_pay_off(h, z);
			return p;
		}
	}
	return NULL;
}

static void *alloc_aligned(struct qn_heap *h, size_t align, size_t size,
			   unsigned int flags)
{
	size_t run = qn_zone_spare(qn_heap_granules(size), align);
	void *p;

	do
		p = align_zones(h, align, size, flags);
	while (unlikely(!p) && try_again(h, size, run, 0, flags));
	return p;
}

void *qn_heap_alloc_aligned(struct qn_heap *h, size_t align, size_t size)
{
	void *p;

	if (!is_power_of_2(align))
		return NULL;
	if (align <= QN_GRANULE)
		return qn_heap_alloc(h, size);
	qn_heap_lock(h);
	p = dress(h, alloc_aligned(h, align, with_guard(size), 0));
	qn_heap_unlock(h);
	return p;
}

static void *alloc_suiting(struct qn_heap *h, size_t size, unsigned int flags)
{
	void *p;

	qn_heap_lock(h);
	p = dress(h, alloc_from(h, with_guard(size), flags));
	qn_heap_unlock(h);
	return p;
}

void *qn_heap_alloc_flags(struct qn_heap *h, size_t size, unsigned int flags)
{
	void *p;

	if (flags & ~(QN_ALLOC_ZERO | QN_ALLOC_DMA | QN_ZONE_ATTRIBUTES))
		return NULL;
	if (flags & ~QN_ALLOC_ZERO)
		p = alloc_suiting(h, size, flags);
	else
		p = qn_heap_alloc(h, size);
	if (p && flags & QN_ALLOC_ZERO)
		memset(p, 0, size);
	return p;
}

void *qn_heap_calloc(struct qn_heap *h, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	return qn_heap_alloc_flags(h, bytes, QN_ALLOC_ZERO);
}

/* ---- free ---- */

static void free_other(struct qn_heap *h, void *p, u32 window);
static void free_behind(struct qn_heap *h, void *p, u32 window,
			const struct qn_word32 *word);
static void free_slow(struct qn_heap *h, void *p);

/* Was it freed before, if that is to be noticed */
static __always_inline bool is_freed(const void *p)
{
	return QN_CHECKS && qn_zone_is_held(p);
}

static __always_inline void free_here(struct qn_heap *h, void *p, size_t k)
{
	qn_assert(qn_zone_block(&h->zone, p) == k);
	count_merge(h, &h->zone, k);
	qn_zone_free(&h->zone, p, k, 0);
}

/*
 * A short one behind a free run is held without a look at how long the run is. What is
 * no block is not held
 */
static __always_inline bool hold_behind(struct qn_heap *h, void *p, u32 window,
					const struct qn_word32 *word)
{
	unsigned int first = qn_zone_first(window, QN_WINDOW_BEHIND_RUN);
	struct qn_zone *z = &h->zone;

	if (z->fate[first] != QN_FATE_HOLD || is_freed(p) ||
	    !qn_zone_is_behind_run(word, p) || !qn_zone_hold(z, p, first - 1))
		return false;
	note_free(h);
	return true;
}

/* A short block behind a block is the common case */
static __always_inline void free_fast(struct qn_heap *h, void *p)
{
	struct qn_zone *z = &h->zone;
	struct qn_word32 *word;
	unsigned int first, fate;
	u32 bits, window;

	if (unlikely(!qn_zone_has(z, p))) {
		free_slow(h, p);
		return;
	}
	word = qn_zone_word(z, p);
	bits = word->v;
	window = bits >> qn_zone_shift(p);
	first = qn_zone_first(window, QN_WINDOW_BEHIND_BLOCK);
	fate = z->fate[first];
	if (fate == QN_FATE_HOLD && likely(!is_freed(p))) {
		if (!qn_zone_hold(z, p, first - 1)) {
			z->refused++;
			free_here(h, p, first - 1);
			return;
		}
		note_free(h);
	} else if (fate == QN_FATE_MERGE) {
		if (window >> first & 2) {
			free_here(h, p, first - 1);
			return;
		}
		word->v = bits - (4u << qn_zone_shift(p));
		qn_zone_insert_short(z, p, first - 1);
		count_merge(h, z, first - 1);
	} else if (!(window & 1)) {
		free_other(h, p, window);
	} else if (!hold_behind(h, p, window, word)) {
		free_behind(h, p, window, word);
	}
}

/*
 * The same with little code: what is not held is one case, and a block behind a free run is
 * held as one behind a block
 */
static __always_inline void free_small(struct qn_heap *h, void *p)
{
	struct qn_zone *z = &h->zone;
	unsigned int first, fate;
	struct qn_word32 *word;
	u32 window;

	if (unlikely(!qn_zone_has(z, p)))
		goto slow;
	word = qn_zone_word(z, p);
	window = word->v >> qn_zone_shift(p);
	first = qn_zone_first(window, QN_WINDOW_BEHIND_BLOCK >> (window & 1));
	fate = z->fate[first];
	if (fate == QN_FATE_LOOK || is_freed(p) ||
	    (window & 1 && !qn_zone_is_behind_run(word, p)))
		goto slow;
	if (fate == QN_FATE_HOLD) {
		if (qn_zone_hold(z, p, first - 1)) {
			note_free(h);
			return;
		}
		z->refused++;
	}
	count_merge(h, z, first - 1);
	if (!(window & 1) && !(window >> first & 2))
		qn_zone_free_relaxed(z, p, first - 1);
	else
		qn_zone_free(z, p, first - 1, qn_zone_free_before(z, p));
	return;
slow:
	free_slow(h, p);
}

void qn_heap_free(struct qn_heap *h, void *p)
{
	qn_heap_lock(h);
	check_guard(h, p);
	if (IS_ENABLED(QN_POISON))
		free_slow(h, p);
	else if (QN_FOR_SIZE)
		free_small(h, p);
	else
		free_fast(h, p);
	qn_heap_unlock(h);
}

/* What is wrong with a pointer that is no live block */
static __cold const char *finding(struct qn_heap *h, void *p)
{
	void *granule = (void *)round_down((uintptr_t)p, QN_GRANULE);
	struct qn_zone *z = zone_of(h, granule);

	if (!z)
		return "not memory of this heap:";
	if (granule != p)
		return "misaligned pointer, no block begins at";
	if (qn_zone_block(z, p))
		return "freed twice:";
	return "freed twice, or no block begins at";
}

static noinline __cold __noreturn void bad_pointer(struct qn_heap *h, void *p)
{
	const char *what = finding(h, p);

	qn_heap_unlock(h);
	qn_report(what, (uintptr_t)p);
}

/* The length of a live block, or 0 */
static __hot_inline size_t live_block(const struct qn_zone *z, const void *p)
{
	size_t k = z ? qn_zone_block(z, p) : 0;

	return k && k <= QN_ZONE_SHORT && qn_zone_is_held(p) ? 0 : k;
}

/* A live block: where and how long */
struct block {
	struct qn_zone *zone;
	size_t k;
};

/* Find a live block, or stop the program */
static __hot_inline void locate(struct qn_heap *h, void *p, struct block *b)
{
	b->zone = zone_of(h, p);
	b->k = live_block(b->zone, p);
	if (!b->k)
		bad_pointer(h, p);
}

static noinline void free_slow(struct qn_heap *h, void *p)
{
	struct qn_zone *z = zone_of(h, p);
	size_t k = live_block(z, p);

	if (unlikely(!k)) {
		if (p)
			bad_pointer(h, p);
		return;
	}
	poison(p, k);
	if (z != &h->zone)
		h->zone.limit += (ptrdiff_t)k;
	if (k <= QN_ZONE_SHORT && z->fate[k + 1] == QN_FATE_HOLD) {
		if (qn_zone_hold(z, p, k)) {
			note_free(h);
			return;
		}
		z->refused++;
	}
	count_merge(h, z, k);
	qn_zone_free(z, p, k, qn_zone_free_before(z, p));
}

/* A long block, if it is a block: the start was seen */
static __hot_inline void free_long(struct qn_heap *h, void *p, size_t run)
{
	size_t k = qn_zone_long(&h->zone, p);

	if (unlikely(!k)) {
		free_slow(h, p);
		return;
	}
	count_merge(h, &h->zone, k);
	qn_zone_free_long(&h->zone, p, k, run);
}

/* What is a block if its window begins as one does; @run granules before it are free */
static __hot_inline void free_at(struct qn_heap *h, void *p, u32 window,
				 size_t run)
{
	u32 start = run ? QN_WINDOW_BEHIND_RUN : QN_WINDOW_BEHIND_BLOCK;
	unsigned int first = qn_zone_first(window, start);
	struct qn_zone *z = &h->zone;
	unsigned int fate = z->fate[first];
	size_t k = first - 1;

	if (fate == QN_FATE_LOOK && first > QN_ZONE_SHORT) {
		free_long(h, p, run);
	} else if (unlikely(fate == QN_FATE_LOOK ||
			    (fate != QN_FATE_MERGE && qn_zone_is_held(p)))) {
		free_slow(h, p);
	} else if (fate != QN_FATE_HOLD || run || !qn_zone_hold(z, p, k)) {
		z->refused += fate == QN_FATE_HOLD;
		count_merge(h, z, k);
		if (run || window >> first & 2)
			qn_zone_free(z, p, k, run);
		else
			qn_zone_free_relaxed(z, p, k);
	} else {
		note_free(h);
	}
}

/* Behind a free run and not held, or no block at all */
static noinline void free_behind(struct qn_heap *h, void *p, u32 window,
				 const struct qn_word32 *word)
{
	size_t run = qn_zone_size_before(word, p);

	if (unlikely(run < QN_ZONE_MIN))
		free_slow(h, p);
	else
		free_at(h, p, window, run);
}

/* Behind a block: not short, or held twice, or no block at all */
static noinline void free_other(struct qn_heap *h, void *p, u32 window)
{
	free_at(h, p, window, 0);
}

/* ---- resize ---- */

/* With what is free behind it, and with the @run granules before it */
static __hot_inline void *reshape(struct qn_heap *h, const struct block *b,
				  void *p, size_t run, size_t size)
{
	size_t to = qn_heap_granules(size);

	p = qn_zone_reshape(b->zone, p, b->k, run, &to);
	if (p) {
		qn_assert(qn_zone_block(b->zone, p) == to);
		settle(h, b->zone, to - b->k, size);
		qn_heap_pay_off(h, b->zone);
	}
	return p;
}

/* What a block that has to move asks of the zone of the next one */
static unsigned int flags_of(const struct block *b)
{
	return (b->zone->flags & QN_ZONE_ATTRIBUTES) |
	       (b->zone->flags & QN_ZONE_NODMA ? 0 : QN_ALLOC_DMA);
}

static __hot_inline void *copy_to(struct qn_heap *h, const struct block *b,
				  void *p, void *to, size_t size)
{
	qn_heap_unlock(h);
	memcpy(to, p, min(b->k * QN_GRANULE, size));
	qn_heap_lock(h);
	free_slow(h, p);
	return to;
}

/*
 * Where it lies; else elsewhere, and the copy is made with the heap unlocked; else towards
 * lower addresses. What bus masters can reach now they can reach afterwards: nobody remembers
 * whether that was asked for
 */
static void *resize(struct qn_heap *h, const struct block *b, void *p,
		    size_t size)
{
	size_t run = 0;
	void *to;

	for (;;) {
		to = reshape(h, b, p, run, size);
		if (to || run)
			return to;
		to = alloc_from(h, size, flags_of(b) | JUST_ONCE);
		if (to)
			return copy_to(h, b, p, to, size);
		run = qn_zone_free_before(b->zone, p);
		if (!run)
			return NULL;
	}
}

/*
 * Held blocks lie behind it, or who is asked frees what does, or adds a zone: from the
 * start once more
 */
static void *realloc_locked(struct qn_heap *h, void *p, size_t size)
{
	struct block b;
	void *to;

	do {
		locate(h, p, &b);
		check_guard(h, p);
		to = resize(h, &b, p, size);
	} while (unlikely(!to) &&
		 try_again(h, size, qn_heap_granules(size), b.k, flags_of(&b)));
	return to;
}

void *qn_heap_realloc(struct qn_heap *h, void *p, size_t size)
{
	if (!p)
		return qn_heap_alloc(h, size);
	qn_heap_lock(h);
	p = realloc_locked(h, p, with_guard(size));
	if (IS_ENABLED(QN_GUARD) && p)
		set_guard(h, p);
	qn_heap_unlock(h);
	return p;
}

/* In place if it lies right, else elsewhere; never towards lower addresses */
static void *realloc_aligned(struct qn_heap *h, void *p, size_t align,
			     size_t size)
{
	struct block b;
	void *to;

	locate(h, p, &b);
	check_guard(h, p);
	if (is_aligned((uintptr_t)p, align) && reshape(h, &b, p, 0, size))
		return p;
	to = alloc_aligned(h, align, size, flags_of(&b));
	return to ? copy_to(h, &b, p, to, size) : NULL;
}

void *qn_heap_realloc_aligned(struct qn_heap *h, void *p, size_t align,
			      size_t size)
{
	if (!is_power_of_2(align))
		return NULL;
	if (!p)
		return qn_heap_alloc_aligned(h, align, size);
	if (align <= QN_GRANULE)
		return qn_heap_realloc(h, p, size);
	qn_heap_lock(h);
	p = realloc_aligned(h, p, align, with_guard(size));
	if (IS_ENABLED(QN_GUARD) && p)
		set_guard(h, p);
	qn_heap_unlock(h);
	return p;
}

size_t qn_heap_usable_size(struct qn_heap *h, void *p)
{
	size_t bytes = 0;
	struct block b;

	qn_heap_lock(h);
	if (p) {
		locate(h, p, &b);
		bytes = b.k * QN_GRANULE - GUARD_SIZE;
	}
	qn_heap_unlock(h);
	return bytes;
}
