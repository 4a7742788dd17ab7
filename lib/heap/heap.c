// SPDX-License-Identifier: MIT
/*
 * heap.c - a heap of one's own; see heap.h.
 *
 * The order is that of the two rivers: allocate, free, resize first, with the
 * common case at the top of each; learning and upkeep from qn_heap_step(); then
 * what looks without touching.
 *
 * What a fast path leaves to others it leaves by a jump, so it pays nothing for
 * what it does not do. An allocation is counted before the block is made for
 * this reason.
 */
#include "heap/heap-internal.h"

/* ---- counting ---- */

/* @nr blocks and @k granules more, for @size bytes */
static noinline void settle(struct qn_heap *h, size_t k, size_t size,
			    unsigned int nr)
{
	size_t left = (size_t)(h->budget >> QN_BUDGET_SHIFT);

	qn_assert(k > 0);
	qn_assert(h->room >= 0 && h->budget >= 0);
	h->nr_allocs += qn_heap_budget_nr(h) + nr;
	h->room -= (ptrdiff_t)k;
	if (h->room < 0) {
		h->peak -= (size_t)h->room;
		h->room = 0;
	}
	/* From its end on, so that a block has one sample: see weight_of() */
	if (IS_ENABLED(QN_SAMPLING) && left < k) {
		h->samples[h->nr_samples++ % QN_HEAP_SAMPLES] = size;
		left = h->distance + k;
	}
	qn_assert(left >= k || !IS_ENABLED(QN_SAMPLING));
	h->budget = (ptrdiff_t)((left - k) << QN_BUDGET_SHIFT);
}

/* The same where nothing is sampled */
static __always_inline bool count_only(struct qn_heap *h, size_t k)
{
	ptrdiff_t room = h->room - (ptrdiff_t)k;

	h->nr_allocs++;
	if (unlikely(room < 0)) {
		h->peak -= (size_t)room;
		room = 0;
	}
	h->room = room;
	return true;
}

/* Count a block; false, and nothing is counted, if it is to be sampled */
static __always_inline bool count_alloc(struct qn_heap *h, size_t k)
{
	ptrdiff_t budget = h->budget, room = h->room;

	qn_assert(k >= QN_ZONE_MIN && k <= QN_BUDGET_MAX + 1);
	if (!IS_ENABLED(QN_SAMPLING))
		return count_only(h, k);
	budget -= (ptrdiff_t)(k << QN_BUDGET_SHIFT);
	budget++;
	room -= (ptrdiff_t)k;
	if (unlikely((budget | room) < 0)) {
		if (budget < 0)
			return false;
		h->peak -= (size_t)room;
		room = 0;
	}
	h->budget = budget;
	h->room = room;
	return true;
}

/* As count_alloc() where there is time to sample it at once */
static __hot_inline void count_any(struct qn_heap *h, size_t k, size_t size)
{
	if (unlikely(!count_alloc(h, k)))
		settle(h, k, size, 1);
}

/* A block of @k granules ends */
static __hot_inline void count_free(struct qn_heap *h, size_t k)
{
	qn_assert(k >= QN_ZONE_MIN && k <= qn_heap_live(h));
	h->room += (ptrdiff_t)k;
	h->nr_frees++;
}

/* ---- guard and poison ---- */

#define GUARD_SIZE  (IS_ENABLED(QN_GUARD) ? sizeof(uintptr_t) : 0)
#define GUARD_VALUE (~(uintptr_t)0 / 255 * 0xc3)
#define POISON_NEW  0xca
#define POISON_OLD  0xdf

static struct qn_zone *zone_of(struct qn_heap *h, const void *p)
{
	struct qn_zone *z = &h->zone;

	while (z && !qn_zone_has(z, p))
		z = z->next;
	return z;
}

/* What a request has to ask for to have room for its guard */
static __always_inline size_t with_guard(size_t size)
{
	return size > SIZE_MAX - GUARD_SIZE ? SIZE_MAX : size + GUARD_SIZE;
}

static size_t bytes_of(struct qn_heap *h, const void *p)
{
	return qn_zone_block(zone_of(h, p), p) * QN_GRANULE;
}

static uintptr_t *guard_of(struct qn_heap *h, void *p)
{
	return (uintptr_t *)((char *)p + bytes_of(h, p) - GUARD_SIZE);
}

static void set_guard(struct qn_heap *h, void *p)
{
	uintptr_t *guard = guard_of(h, p);

	*guard = GUARD_VALUE ^ (uintptr_t)guard;
}

/* What is to be done for a new block, by whoever asked for it */
static __always_inline void *dress(struct qn_heap *h, void *p)
{
	if (!p)
		return NULL;
	if (IS_ENABLED(QN_POISON))
		memset(p, POISON_NEW, bytes_of(h, p));
	if (IS_ENABLED(QN_GUARD))
		set_guard(h, p);
	return p;
}

/* Is it a block in use that has been written beyond */
static bool is_overrun(struct qn_heap *h, void *p)
{
	struct qn_zone *z = zone_of(h, p);
	size_t k = z ? qn_zone_block(z, p) : 0;
	uintptr_t *guard;

	if (!k || (k <= QN_ZONE_SHORT && qn_zone_is_held(p)))
		return false;
	guard = guard_of(h, p);
	return *guard != (GUARD_VALUE ^ (uintptr_t)guard);
}

static __always_inline void check_guard(struct qn_heap *h, void *p)
{
	if (!IS_ENABLED(QN_GUARD) || !is_overrun(h, p))
		return;
	qn_heap_unlock(h);
	qn_report("written past its end:", (uintptr_t)p);
}

/* A block of @k granules is about to be freed */
static __always_inline void poison(void *p, size_t k)
{
	if (IS_ENABLED(QN_POISON))
		memset(p, POISON_OLD, k * QN_GRANULE);
}

/* ---- allocate ---- */

/* The ways that take longer, each of which ends an allocation */
static void *alloc_any(struct qn_heap *h, size_t size);
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
		if (unlikely(!count_alloc(h, k)))
			return alloc_any(h, size);
		qn_zone_unhold_first(z, k, held);
		return held;
	}
	run = qn_zone_place_exact(z, k);
	if (unlikely(!run))
		return alloc_miss(h, size, k);
	if (unlikely(!count_alloc(h, k)))
		return alloc_any(h, size);
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

/* From the zones in turn, in any way there is */
static noinline void *alloc_zones(struct qn_heap *h, size_t size,
				  unsigned int flags)
{
	struct qn_zone *z;
	size_t k;
	void *p;

	for (z = &h->zone; z; z = z->next) {
		if (flags & QN_ALLOC_DMA && z->flags & QN_ZONE_NODMA)
			continue;
		k = qn_heap_granules(size);
		p = qn_zone_alloc(z, &k);
		if (p) {
			qn_assert(k * QN_GRANULE >= size);
			settle(h, k, size, 1);
			return p;
		}
	}
	return NULL;
}

/* Merge what a zone holds. What others hold meanwhile does not make it longer */
static bool merge_held(struct qn_heap *h, struct qn_zone *z)
{
	size_t nr = 0, most = qn_zone_held(z) / QN_ZONE_MIN;

	while (nr < most && qn_zone_drain(z, ~0u)) {
		qn_heap_breathe(h);
		nr++;
	}
	return nr;
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
 * No zone has a run of @k granules, which a request needs beside @own that it has:
 * merge all that is held, and look for hidden runs. False if there is nothing new
 */
static bool squeeze(struct qn_heap *h, size_t k, size_t own)
{
	bool is_new = false;
	struct qn_zone *z;

	qn_assert(qn_heap_live(h) <= h->peak);
	if (k > free_granules(h) + own)
		return false;
	h->nr_squeezed++;
	for (z = &h->zone; z; z = z->next) {
		is_new |= merge_held(h, z);
		is_new |= qn_zone_unhide(z, k);
	}
	return is_new;
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
			       size_t own)
{
	return squeeze(h, k, own) || ask_hook(h, size);
}

static void *alloc_from(struct qn_heap *h, size_t size, unsigned int flags)
{
	void *p;

	do
		p = alloc_zones(h, size, flags);
	while (unlikely(!p) && try_again(h, size, qn_heap_granules(size), 0));
	return p;
}

static noinline void *alloc_any(struct qn_heap *h, size_t size)
{
	return alloc_from(h, size, 0);
}

/* The first zone has nothing: what is more than all that is free fails at once */
static noinline void *alloc_none(struct qn_heap *h, size_t size)
{
	if (!QN_FOR_SIZE && qn_heap_granules(size) > free_granules(h) &&
	    !ask_hook(h, size))
		return NULL;
	return alloc_any(h, size);
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
	mask = qn_zone_serving(&h->zone, k);
	if (unlikely(!mask && !qn_bins_are_any(&h->zone.bins, mask)))
		return alloc_none(h, size);
	count_any(h, k, size);
	if (!mask)
		return qn_zone_carve(&h->zone, k, mask);
	from = qn_zone_place(&h->zone, false, k, mask);
	qn_assert(from.run->size >= k + QN_ZONE_MIN);
	qn_assert(from.bin == qn_bin_of(from.run->size));
	if (from.bin >= QN_BINS_EXACT)
		return qn_zone_cut(&h->zone, from.run, from.bin, k);
	return qn_zone_split(&h->zone, from, k);
}

/* A block that one window does not show, with little code */
static void *alloc_long_small(struct qn_heap *h, size_t size, size_t k)
{
	void *p = qn_zone_alloc(&h->zone, &k);

	if (unlikely(!p))
		return alloc_none(h, size);
	settle(h, k, size, 1);
	return p;
}

/* A block that one window does not show */
static noinline void *alloc_long(struct qn_heap *h, size_t size, size_t k)
{
	struct qn_choice from;

	if (unlikely(k > QN_BUDGET_MAX))
		return alloc_any(h, size);
	qn_assert(k > QN_ZONE_SHORT);
	k += k == QN_ZONE_GAP;
	if (QN_FOR_SIZE)
		return alloc_long_small(h, size, k);
	from = qn_zone_place(&h->zone, true, k, 0);
	if (unlikely(!from.run))
		return alloc_none(h, size);
	k += from.run->size == k + 1;
	qn_assert(from.run->size >= k);
	qn_assert(from.bin == qn_bin_of(from.run->size));
	count_any(h, k, size);
	return qn_zone_cut(&h->zone, from.run, from.bin, k);
}

static void *align_zones(struct qn_heap *h, size_t align, size_t size)
{
	struct qn_zone *z;
	size_t k;
	void *p;

	for (z = &h->zone; z; z = z->next) {
		k = qn_heap_granules(size);
		p = qn_zone_alloc_aligned(z, &k, align);
		if (p) {
			qn_assert(is_aligned((uintptr_t)p, align));
			settle(h, k, size, 1);
			return p;
		}
	}
	return NULL;
}

static void *alloc_aligned(struct qn_heap *h, size_t align, size_t size)
{
	size_t run = qn_zone_spare(qn_heap_granules(size), align);
	void *p;

	do
		p = align_zones(h, align, size);
	while (unlikely(!p) && try_again(h, size, run, 0));
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
	p = dress(h, alloc_aligned(h, align, with_guard(size)));
	qn_heap_unlock(h);
	return p;
}

static void *alloc_dma(struct qn_heap *h, size_t size)
{
	void *p;

	qn_heap_lock(h);
	p = dress(h, alloc_from(h, with_guard(size), QN_ALLOC_DMA));
	qn_heap_unlock(h);
	return p;
}

void *qn_heap_alloc_flags(struct qn_heap *h, size_t size, unsigned int flags)
{
	void *p;

	if (flags & ~(QN_ALLOC_ZERO | QN_ALLOC_DMA))
		return NULL;
	if (flags & QN_ALLOC_DMA)
		p = alloc_dma(h, size);
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

static void free_other(struct qn_heap *h, void *p, u32 window,
		       const struct qn_word32 *word);
static void free_slow(struct qn_heap *h, void *p);

static __always_inline void free_here(struct qn_heap *h, void *p, size_t k)
{
	qn_assert(qn_zone_block(&h->zone, p) == k);
	count_free(h, k);
	qn_zone_free(&h->zone, p, k, 0);
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
	if (fate == QN_FATE_HOLD && likely(!qn_zone_is_held(p))) {
		if (!qn_zone_hold(z, p, first - 1)) {
			free_here(h, p, first - 1);
			return;
		}
	} else if (fate == QN_FATE_MERGE) {
		if (window >> first & 2) {
			free_here(h, p, first - 1);
			return;
		}
		word->v = bits - (4u << qn_zone_shift(p));
		qn_zone_insert_short(z, p, first - 1);
	} else {
		free_other(h, p, window, word);
		return;
	}
	count_free(h, first - 1);
}

void qn_heap_free(struct qn_heap *h, void *p)
{
	qn_heap_lock(h);
	check_guard(h, p);
	if (IS_ENABLED(QN_POISON))
		free_slow(h, p);
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
static struct block locate(struct qn_heap *h, void *p)
{
	struct block b = { .zone = zone_of(h, p) };

	b.k = live_block(b.zone, p);
	if (!b.k)
		bad_pointer(h, p);
	return b;
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
	count_free(h, k);
	poison(p, k);
	if (k > QN_ZONE_SHORT || z->fate[k + 1] != QN_FATE_HOLD ||
	    !qn_zone_hold(z, p, k))
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
	count_free(h, k);
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
	} else if (fate != QN_FATE_HOLD || !qn_zone_hold(z, p, k)) {
		count_free(h, k);
		if (run || window >> first & 2)
			qn_zone_free(z, p, k, run);
		else
			qn_zone_free_relaxed(z, p, k);
	} else {
		count_free(h, k);
	}
}

/* Behind a free run, or no block at all */
static noinline void free_behind(struct qn_heap *h, void *p, u32 window,
				 const struct qn_word32 *word)
{
	size_t run = qn_zone_size_before(word, p);

	if (unlikely(run < QN_ZONE_MIN))
		free_slow(h, p);
	else
		free_at(h, p, window, run);
}

/* Neither short nor behind a block, or held twice, or no block at all */
static noinline void free_other(struct qn_heap *h, void *p, u32 window,
				const struct qn_word32 *word)
{
	if (window & 1)
		free_behind(h, p, window, word);
	else
		free_at(h, p, window, 0);
}

/* ---- resize ---- */

static void count_resize(struct qn_heap *h, size_t from, size_t to, size_t size)
{
	if (to <= from) {
		h->room += (ptrdiff_t)(from - to);
		return;
	}
	settle(h, to - from, size, 0);
}

/* Where it lies */
static bool resize(struct qn_heap *h, struct block b, void *p, size_t size)
{
	size_t k = qn_zone_resize(b.zone, p, b.k, qn_heap_granules(size));

	if (!k)
		return false;
	qn_assert(qn_zone_block(b.zone, p) == k);
	count_resize(h, b.k, k, size);
	return true;
}

/* Towards lower addresses */
static void *slide(struct qn_heap *h, struct block b, void *p, size_t size)
{
	size_t k = qn_heap_granules(size);

	p = qn_zone_slide(b.zone, p, b.k, &k);
	qn_assert(!p || qn_zone_block(b.zone, p) == k);
	if (p)
		count_resize(h, b.k, k, size);
	return p;
}

/*
 * Elsewhere: the copy is made with the heap unlocked. What bus masters can reach now they
 * can reach afterwards: nobody remembers whether that was asked for
 */
static void *move(struct qn_heap *h, struct block b, void *p, size_t size)
{
	bool is_nodma = b.zone->flags & QN_ZONE_NODMA;
	void *to = alloc_zones(h, size, is_nodma ? 0 : QN_ALLOC_DMA);

	if (!to)
		return NULL;
	qn_heap_unlock(h);
	memcpy(to, p, min(b.k * QN_GRANULE, size));
	qn_heap_lock(h);
	free_slow(h, p);
	return to;
}

static void *realloc_locked(struct qn_heap *h, void *p, size_t size);

/*
 * Held blocks lie behind it, or who is asked frees what does, or adds a zone: from the
 * start once more. The call is the last thing that is done, so it is a jump where the
 * compiler optimises.
 */
static noinline __cold void *realloc_again(struct qn_heap *h, struct block b,
					   void *p, size_t size)
{
	if (!try_again(h, size, qn_heap_granules(size), b.k))
		return NULL;
	return realloc_locked(h, p, size);
}

static void *realloc_locked(struct qn_heap *h, void *p, size_t size)
{
	struct block b = locate(h, p);
	void *to;

	check_guard(h, p);
	if (resize(h, b, p, size))
		return p;
	to = move(h, b, p, size);
	if (!to)
		to = slide(h, b, p, size);
	return likely(to != NULL) ? to : realloc_again(h, b, p, size);
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

size_t qn_heap_usable_size(struct qn_heap *h, void *p)
{
	size_t bytes = 0;

	qn_heap_lock(h);
	if (p)
		bytes = locate(h, p).k * QN_GRANULE - GUARD_SIZE;
	qn_heap_unlock(h);
	return bytes;
}

void qn_heap_set_hook(struct qn_heap *h, bool (*hook)(void *arg, size_t size),
		      void *arg)
{
	qn_heap_lock(h);
	h->hook = hook;
	h->hook_arg = arg;
	qn_heap_unlock(h);
}

/* ---- learn ---- */

/* The lengths that the table promotes */
static u32 hot_lengths(const struct qn_table *t)
{
	u32 hot = 0;

	for (unsigned int c = 1; c < t->nr_classes; c++) {
		unsigned int k = t->class_steps[c];

		if (k > 0 && k <= QN_ZONE_SHORT)
			hot |= 1u << max(k, (unsigned int)QN_ZONE_MIN);
	}
	return hot;
}

/*
 * What the sample of a block of @bytes weighs in the profile. The interval is that of the
 * countdown that runs now, not of the one that ended: where it changes, a sample weighs
 * what its successor should, which leaves sums as they are while there is one countdown.
 */
static u32 weight_of(const struct qn_heap *h, size_t bytes)
{
	return qn_sampler_alone(h->sampler.interval, bytes) * QN_PROFILE_ONE /
	       256;
}

/* One sampled size into the profile and the mean of the waste */
static void learn(struct qn_heap *h, size_t size)
{
	size_t bytes = qn_heap_granules(size) * QN_GRANULE;
	u32 share;

	qn_assert(h->nr_tables > 0);
	qn_assert(bytes >= size);
	qn_profile_sample(h->profile, size, weight_of(h, bytes));
	if (bytes > UINT16_MAX)
		return;
	share = (u32)((bytes - size) << 16) / (u32)bytes;
	h->waste += (share >> 5) - (h->waste >> 5);
}

static bool drain_samples(struct qn_heap *h)
{
	if (h->nr_samples - h->nr_drained > QN_HEAP_SAMPLES)
		h->nr_drained = h->nr_samples - QN_HEAP_SAMPLES;
	if (h->nr_drained == h->nr_samples)
		return false;
	learn(h, h->samples[h->nr_drained++ % QN_HEAP_SAMPLES]);
	qn_sampler_adapt(&h->sampler, qn_heap_sample_interval(h),
			 qn_heap_live(h) * QN_GRANULE);
	h->distance = qn_sampler_draw(&h->sampler) / QN_GRANULE + 1;
	h->distance = min(h->distance, QN_BUDGET_MAX);
	qn_assert(h->distance > 0);
	return true;
}

void qn_heap_zones_set_knobs(struct qn_zone *z, const struct qn_heap_knobs *k,
			     const struct qn_heap_knobs *before)
{
	for (; z; z = z->next)
		qn_zone_set_knobs(z, k, before);
}

static void set_knobs(struct qn_heap *h, const struct qn_heap_knobs *next)
{
	struct qn_heap_knobs before = h->knobs;

	h->knobs = *next;
	qn_heap_zones_set_knobs(&h->zone, &h->knobs, &before);
}

/*
 * Learning begins with the first step: firmware that takes none does not have
 * its code either. Until then the distance between samples is fixed
 */
static void start_learning(struct qn_heap *h)
{
	qn_table_init_direct(h->table, QN_HEAP_STEPS);
	qn_profile_init(h->profile, QN_HEAP_STEPS);
	qn_sampler_init(&h->sampler, qn_heap_sample_interval(h),
			qn_port_seed());
	if (!h->controller.policy)
		qn_controller_init(&h->controller, &qn_policy_rule);
	h->nr_tables = 1;
}

/* What is held, since the last look */
static void view_held(struct qn_heap *h, struct qn_held_view *v)
{
	struct qn_zone *z;

	v->flushed = (u32)(h->nr_squeezed - h->seen_squeezed);
	h->seen_squeezed = h->nr_squeezed;
	for (z = &h->zone; z; z = z->next) {
		v->refused += z->refused;
		v->is_roomy |= z->is_roomy;
		v->most += qn_zone_held_most(z) * QN_GRANULE;
		z->refused = 0;
	}
}

static void tune(struct qn_heap *h, struct qn_view *view)
{
	struct qn_heap_knobs next;

	if (!h->controller.policy->tune_heap)
		return;
	view_held(h, &view->held);
	if (!qn_controller_tune_heap(&h->controller, view, &next))
		return;
	set_knobs(h, &next);
}

static bool act(struct qn_heap *h)
{
	struct qn_view view = {
		.table = h->table,
		.profile = h->profile,
		.heap_knobs = &h->knobs,
		.memory.live = qn_heap_live(h) * QN_GRANULE,
		.memory.peak = h->peak * QN_GRANULE,
	};
	struct qn_action action;
	struct qn_table *old = h->table;

	tune(h, &view);
	qn_assert(old != h->next_table);
	if (!qn_controller_step(&h->controller, &view, h->next_table, &action))
		return false;
	h->table = h->next_table;
	h->next_table = old;
	h->nr_tables++;
	h->hot = hot_lengths(h->table);
	return true;
}

/*
 * Merge a few held blocks; hot ones only every so many times. Who steps until there is
 * nothing to do gets all of them merged.
 */
static bool drain_held(struct qn_heap *h)
{
	const struct qn_heap_knobs *k = &h->knobs;
	u32 which = h->nr_steps++ % k->drain_hot ? ~h->hot : ~0u;
	struct qn_zone *z;
	bool more = false;
	unsigned int i;

	for (z = &h->zone; z; z = z->next) {
		for (i = 0; i < k->step_drains; i++)
			if (!qn_zone_drain(z, which))
				break;
		more |= i == k->step_drains || qn_zone_has_held(z);
	}
	return more;
}

int qn_heap_step(struct qn_heap *h)
{
	bool more;

	if (!h)
		return -EINVAL;
	qn_heap_lock(h);
	if (!h->nr_tables)
		start_learning(h);
	more = IS_ENABLED(QN_SAMPLING) && drain_samples(h);
	qn_heap_breathe(h);
	more |= act(h);
	qn_heap_breathe(h);
	more |= drain_held(h);
	qn_heap_unlock(h);
	return more;
}

static void begin_knobs(struct qn_heap *h, const struct qn_policy *policy)
{
	struct qn_heap_knobs k = qn_heap_knobs_preset;

	if (policy->begin_heap)
		policy->begin_heap(&k);
	set_knobs(h, &k);
}

/**
 * struct knob_row - a row of QN_HEAP_KNOBS
 * @name:	its name
 * @offset:	of its member
 */
struct knob_row {
	const char *name;
	size_t offset;
};

#define KNOB_ROW(knob, unit, preset, least, most, help) \
	{ #knob, offsetof(struct qn_heap_knobs, knob) },

static const struct knob_row knob_rows[] = { QN_HEAP_KNOBS(KNOB_ROW) };

static const struct knob_row *knob_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(knob_rows); i++)
		if (qn_is_text(knob_rows[i].name, name))
			return &knob_rows[i];
	return NULL;
}

int qn_heap_set_knob(struct qn_heap *h, const char *name, size_t value)
{
	const struct knob_row *row = name ? knob_find(name) : NULL;
	struct qn_heap_knobs next;
	int err = -ERANGE;

	if (!h || !row)
		return -EINVAL;
	qn_heap_lock(h);
	next = h->knobs;
	memcpy((char *)&next + row->offset, &value, sizeof(value));
	if (qn_heap_knobs_are_valid(&next)) {
		set_knobs(h, &next);
		err = 0;
	}
	qn_heap_unlock(h);
	return err;
}

int qn_heap_set_policy(struct qn_heap *h, const char *name)
{
	const struct qn_policy *policy = name ? qn_policy_find(name) : NULL;

	if (!h || !policy)
		return -EINVAL;
	qn_heap_lock(h);
	qn_controller_init(&h->controller, policy);
	begin_knobs(h, policy);
	qn_heap_unlock(h);
	return 0;
}

/* ---- make ---- */

/* What lies behind @size bytes at @p */
static void *behind(void *p, size_t size)
{
	return (void *)((uintptr_t)p + round_up(size, QN_GRANULE));
}

/* What a zone needs at least, with its struct */
#define ZONE_LEAST (2 * sizeof(struct qn_zone))

/* Where the granules of a zone end */
static uintptr_t zone_end(const struct qn_zone *z)
{
	return (uintptr_t)qn_granules_on(qn_zone_start(z), z->nr);
}

/*
 * Lay a zone out from @start on in the memory [@mem, @end), and further ones in what
 * exceeds the limit of a zone. What is too little for another one stays unused
 */
static bool make_zones(struct qn_zone *z, uintptr_t start, uintptr_t mem,
		       uintptr_t end)
{
	qn_assert(mem <= start && start <= end);
	while (qn_zone_init(z, (void *)start, end - start)) {
		z->mem = mem;
		mem = zone_end(z);
		qn_assert(mem > start && mem <= end);
		if (end - mem < ZONE_LEAST) {
			z->size = end - z->mem;
			return true;
		}
		z->size = mem - z->mem;
		z->next = (struct qn_zone *)mem;
		z = z->next;
		start = (uintptr_t)(z + 1);
	}
	return false;
}

struct qn_heap *qn_heap_init(void *mem, size_t size)
{
	uintptr_t end = (uintptr_t)mem + size;
	struct qn_heap *h = (void *)round_up((uintptr_t)mem, QN_GRANULE);
	struct qn_table *table = behind(h, sizeof(*h));
	struct qn_table *next = behind(table, qn_table_bytes(QN_HEAP_STEPS));
	void *profile = behind(next, qn_table_bytes(QN_HEAP_STEPS));
	void *start = behind(profile, qn_profile_bytes(QN_HEAP_STEPS));

	if (!mem || end < (uintptr_t)h ||
	    end - (uintptr_t)h < (uintptr_t)start - (uintptr_t)h)
		return NULL;
	memset(h, 0, sizeof(*h));
	h->table = table;
	h->next_table = next;
	h->profile = profile;
	if (!make_zones(&h->zone, (uintptr_t)start, (uintptr_t)mem, end))
		return NULL;
	h->nr_regions = 1;
	h->error = "";
	h->distance = qn_heap_sample_interval(h) / QN_GRANULE;
	h->budget = (ptrdiff_t)(h->distance << QN_BUDGET_SHIFT);
	h->knobs = qn_heap_knobs_preset;
	qn_heap_zones_set_knobs(&h->zone, &h->knobs, &qn_heap_knobs_preset);
	qn_assert(h->distance > 0 && h->distance <= QN_BUDGET_MAX);
	qn_assert(!qn_heap_live(h));
	return h;
}

static bool overlaps(const struct qn_heap *h, const void *mem, size_t size)
{
	uintptr_t start = (uintptr_t)mem;
	const struct qn_zone *z;

	for (z = &h->zone; z; z = z->next) {
		if (start < z->mem + z->size && z->mem < start + size)
			return true;
	}
	return false;
}

/* Two zones change places, each with what follows it */
static void swap_zones(struct qn_zone *a, struct qn_zone *b)
{
	unsigned char *x = (unsigned char *)a, *y = (unsigned char *)b, byte;

	qn_assert(a != b);
	for (size_t i = 0; i < sizeof(*a); i++) {
		byte = x[i];
		x[i] = y[i];
		y[i] = byte;
	}
	qn_bins_moved(&a->bins);
	qn_bins_moved(&b->bins);
}

static struct qn_zone *last_of(struct qn_zone *z)
{
	while (z->next)
		z = z->next;
	return z;
}

/*
 * @z and those behind it, in this order. What is to be first is; of the rest, memory that
 * only some requests can use comes before the others, each in order
 */
static void link_zones(struct qn_heap *h, struct qn_zone *z)
{
	struct qn_zone *at = &h->zone;

	qn_assert(z != at && h->nr_regions <= QN_NR_ZONES);
	if (z->flags & QN_ZONE_FIRST ||
	    (z->flags & QN_ZONE_NODMA && !(at->flags & QN_ZONE_NODMA))) {
		swap_zones(at, z);
		last_of(at)->next = z;
		return;
	}
	while (at->next &&
	       (!(z->flags & QN_ZONE_NODMA) || at->next->flags & QN_ZONE_NODMA))
		at = at->next;
	last_of(z)->next = at->next;
	at->next = z;
}

static int add_zones(struct qn_heap *h, void *mem, size_t size,
		     unsigned int flags)
{
	struct qn_zone *z = (void *)round_up((uintptr_t)mem, QN_GRANULE), *part;
	uintptr_t end = (uintptr_t)mem + size;

	if (end < (uintptr_t)z || overlaps(h, mem, size))
		return -EINVAL;
	if (h->nr_regions == QN_NR_ZONES)
		return -EMFILE;
	if (end - (uintptr_t)z < sizeof(*z) ||
	    !make_zones(z, (uintptr_t)(z + 1), (uintptr_t)mem, end))
		return -ENOSPC;
	h->nr_regions++;
	qn_heap_zones_set_knobs(z, &h->knobs, &qn_heap_knobs_preset);
	for (part = z; part; part = part->next)
		part->flags = (u8)flags;
	link_zones(h, z);
	return 0;
}

int qn_heap_add_zone(struct qn_heap *h, void *mem, size_t size, unsigned flags)
{
	int err;

	if (!h || !mem || flags & ~(QN_ZONE_NODMA | QN_ZONE_FIRST))
		return -EINVAL;
	qn_heap_lock(h);
	err = add_zones(h, mem, size, flags);
	qn_heap_unlock(h);
	return err;
}

/* ---- look ---- */

static void add_zone_stats(const struct qn_zone *z, struct qn_stats *st)
{
	size_t largest = qn_bins_largest(&z->bins) * QN_GRANULE;

	qn_assert(z->size >= z->nr * QN_GRANULE);
	qn_assert(largest <= z->nr * QN_GRANULE);
	st->size += z->size;
	st->metadata += z->size - z->nr * QN_GRANULE;
	st->held += qn_zone_nr_held(z) * QN_GRANULE;
	st->largest_free = max(st->largest_free, largest);
}

static void fill_stats(const struct qn_heap *h, struct qn_stats *st)
{
	size_t live = qn_heap_live(h);
	const struct qn_zone *z;

	memset(st, 0, sizeof(*st));
	for (z = &h->zone; z; z = z->next)
		add_zone_stats(z, st);
	st->live = live * QN_GRANULE;
	st->peak_live = h->peak * QN_GRANULE;
	st->internal = st->live / 65536 * h->waste +
		       (st->live % 65536 * h->waste >> 16);
	st->requested = st->live - st->internal;
	st->free = st->size - st->metadata - st->live;
	qn_assert(st->free >= st->largest_free && st->free >= st->held);
	st->external = st->free - st->largest_free;
	st->nr_allocs = h->nr_allocs + qn_heap_budget_nr(h);
	st->nr_frees = h->nr_frees;
	qn_assert(st->nr_allocs >= st->nr_frees);
	st->nr_live = st->nr_allocs - st->nr_frees;
	st->nr_failed = h->nr_failed;
	st->nr_squeezed = h->nr_squeezed;
	st->nr_samples = h->nr_samples;
	st->nr_tables = max(h->nr_tables, 1u);
}

int qn_heap_stats(struct qn_heap *h, struct qn_stats *st)
{
	if (!h || !st)
		return -EINVAL;
	qn_heap_lock(h);
	fill_stats(h, st);
	qn_heap_unlock(h);
	return 0;
}

void qn_heap_reset_peak(struct qn_heap *h)
{
	qn_heap_lock(h);
	h->peak = qn_heap_live(h);
	h->room = 0;
	qn_heap_unlock(h);
}

/* Until @look has seen enough */
static bool walk_zone(const struct qn_zone *z,
		      bool (*look)(void *arg, void *p, size_t size,
				   enum qn_state state),
		      void *arg)
{
	char *p = qn_zone_start(z), *end = qn_granules_on(p, z->nr);
	enum qn_state state;
	size_t size;

	for (; p < end; p += size) {
		size = qn_zone_piece(z, p, &state) * QN_GRANULE;
		if (!size || !look(arg, p, size, state))
			return false;
	}
	return true;
}

int qn_heap_walk(struct qn_heap *h,
		 bool (*look)(void *arg, void *p, size_t size,
			      enum qn_state state),
		 void *arg)
{
	const struct qn_zone *z;

	if (!h || !look)
		return -EINVAL;
	qn_heap_lock(h);
	for (z = &h->zone; z && walk_zone(z, look, arg); z = z->next)
		;
	qn_heap_unlock(h);
	return 0;
}

/* What the zones hold against what was counted */
static const char *check_sums(const struct qn_heap *h)
{
	size_t live = 0, nr_live = 0;
	struct qn_zone_sums sums;
	const struct qn_zone *z;
	const char *error;

	for (z = &h->zone; z; z = z->next) {
		error = qn_zone_check(z, &sums);
		if (error)
			return error;
		live += sums.used - sums.held;
		nr_live += sums.nr_used - sums.nr_held;
	}
	if (live != qn_heap_live(h) ||
	    nr_live != h->nr_allocs + qn_heap_budget_nr(h) - h->nr_frees)
		return "the blocks found are not the blocks counted";
	return "";
}

static const char *check_learning(const struct qn_heap *h)
{
	if (qn_table_check(h->table))
		return "the granule table breaks its invariant";
	if (qn_profile_check(h->profile))
		return "the profile does not add up";
	return "";
}

int qn_heap_check(struct qn_heap *h)
{
	if (!h)
		return -EINVAL;
	qn_heap_lock(h);
	h->error = check_sums(h);
	if (!*h->error && h->nr_tables)
		h->error = check_learning(h);
	qn_heap_unlock(h);
	return *h->error ? -EUCLEAN : 0;
}

const char *qn_heap_error(const struct qn_heap *h)
{
	return h ? h->error : "no heap";
}
