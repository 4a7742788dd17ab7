// SPDX-License-Identifier: MIT
/*
 * heap.c - a heap of one's own; see heap.h.
 *
 * The order is that of the two rivers: allocate, free, resize first, with the
 * common case at the top; learning and upkeep from qn_heap_step(); then what
 * looks without touching.
 */
#include <string.h>

#include "heap.h"

static __always_inline void heap_lock(struct qn_heap *h)
{
	if (IS_ENABLED(QN_HEAP_LOCK))
		qn_port_lock(&h->lock);
}

static __always_inline void heap_unlock(struct qn_heap *h)
{
	if (IS_ENABLED(QN_HEAP_LOCK))
		qn_port_unlock(&h->lock);
}

/* ---- counting ---- */

static u32 draw_granules(struct qn_heap *h)
{
	return qn_sampler_draw(&h->sampler) / QN_GRANULE + 1;
}

/* Bring the counts up to date, arm @slack anew */
static noinline void settle_counts(struct qn_heap *h, size_t size)
{
	size_t used = h->armed - (size_t)h->slack;
	size_t live = (h->allocated += used) - h->freed;

	h->peak = max(h->peak, live);
	if (used >= h->due) {
		h->samples[h->nr_samples++ % QN_HEAP_SAMPLES] = size;
		h->due = draw_granules(h);
	} else {
		h->due -= used;
	}
	h->armed = min(h->peak - live, h->due - 1);
	h->slack = (ptrdiff_t)h->armed;
}

/* A block of @k granules serves a request of @size bytes */
static __always_inline void count_alloc(struct qn_heap *h, size_t k,
					size_t size)
{
	h->nr_allocs++;
	h->slack -= (ptrdiff_t)k;
	if (unlikely(h->slack < 0))
		settle_counts(h, size);
}

static __always_inline void count_free(struct qn_heap *h, size_t k)
{
	h->freed += k;
	h->nr_frees++;
}

/* ---- allocate ---- */

/* Granules for @size bytes; huge sizes give lengths that no zone has */
static size_t granules_for(size_t size)
{
	return qn_zone_fit(qn_size_steps(size));
}

/* No run is long enough: a held block may be */
static struct qn_run *take_held(struct qn_zone *z, size_t k)
{
	struct qn_run *run;
	size_t n;

	for (n = k - QN_ZONE_MIN; n < QN_HELD_SIZES; n++) {
		run = qn_zone_unhold(z, n);
		if (run) {
			run->size = n + QN_ZONE_MIN;
			return run;
		}
	}
	return NULL;
}

static struct qn_run *zone_alloc(struct qn_zone *z, size_t k, size_t align)
{
	struct qn_run *run;

	if (align > QN_GRANULE)
		return qn_zone_alloc_aligned(z, k, align);
	run = qn_zone_alloc(z, k);
	return run ? run : take_held(z, k);
}

/* The zones in turn, the lock held */
static noinline void *alloc_slow(struct qn_heap *h, size_t size, size_t align,
				 unsigned int flags)
{
	size_t k = granules_for(size);
	struct qn_run *run;
	struct qn_zone *z;

	for (z = h->zones; z; z = z->next) {
		if (flags & QN_ALLOC_DMA && z->flags & QN_ZONE_NODMA)
			continue;
		run = zone_alloc(z, k, align);
		qn_zone_relax(z);
		if (run) {
			count_alloc(h, run->size, size);
			return run;
		}
	}
	h->nr_failed++;
	return NULL;
}

/* A held block or a free run of exactly the size, else the slow way */
static __always_inline void *alloc_fast(struct qn_heap *h, size_t size)
{
	struct qn_zone *z = h->zones;
	size_t n = (size - QN_GRANULE - 1) / QN_GRANULE;
	struct qn_run *run;
	void *p;

	if (unlikely(n >= QN_HELD_SIZES))
		return alloc_slow(h, size, 0, 0);
	p = qn_zone_unhold(z, n);
	if (unlikely(!p)) {
		run = z->bins.head[n + QN_ZONE_MIN];
		if (unlikely(!run))
			return alloc_slow(h, size, 0, 0);
		qn_zone_take(z, run);
		p = run;
	}
	count_alloc(h, n + QN_ZONE_MIN, size);
	return p;
}

void *qn_heap_alloc(struct qn_heap *h, size_t size)
{
	void *p;

	heap_lock(h);
	p = alloc_fast(h, size);
	heap_unlock(h);
	return p;
}

static void *alloc_locked(struct qn_heap *h, size_t size, size_t align,
			  unsigned int flags)
{
	void *p;

	heap_lock(h);
	p = alloc_slow(h, size, align, flags);
	heap_unlock(h);
	return p;
}

void *qn_heap_alloc_aligned(struct qn_heap *h, size_t align, size_t size)
{
	if (!is_power_of_2(align))
		return NULL;
	return alloc_locked(h, size, align, 0);
}

void *qn_heap_alloc_flags(struct qn_heap *h, size_t size, unsigned int flags)
{
	void *p;

	if (flags & ~(QN_ALLOC_ZERO | QN_ALLOC_DMA))
		return NULL;
	if (flags & QN_ALLOC_DMA)
		p = alloc_locked(h, size, 0, flags);
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

/* The zone of a block; where it begins and how long it is */
struct place {
	struct qn_zone *zone;
	size_t g;
	size_t k;
};

static __always_inline bool is_held(const struct qn_zone *z, const void *p,
				    size_t k)
{
	const struct qn_held *held = p;

	return unlikely(qn_zone_is_suspect(held)) && k <= QN_ZONE_SHORT &&
	       qn_zone_is_held(z, held, (unsigned int)k - QN_ZONE_MIN);
}

/* What is wrong with a pointer that is no live block */
static __cold const char *finding(const struct qn_heap *h, const void *p)
{
	const struct qn_zone *z;

	for (z = h->zones; z; z = z->next) {
		if ((uintptr_t)p - z->base >= z->nr * QN_GRANULE)
			continue;
		if (!is_aligned((uintptr_t)p, QN_GRANULE))
			return "misaligned pointer, no block begins at";
		if (qn_zone_block(z, qn_zone_granule(z, p)))
			return "freed twice:";
		return "freed twice, or no block begins at";
	}
	return "not memory of this heap:";
}

static noinline __cold __noreturn void bad_pointer(struct qn_heap *h, void *p)
{
	const char *what = finding(h, p);

	heap_unlock(h);
	qn_report(what, (uintptr_t)p);
}

/* Find a live block, or stop the program */
static struct place locate(struct qn_heap *h, void *p)
{
	struct place at = { .zone = h->zones };

	for (; at.zone; at.zone = at.zone->next) {
		at.g = qn_zone_granule(at.zone, p);
		if (at.g < at.zone->nr)
			break;
	}
	if (at.zone)
		at.k = qn_zone_block(at.zone, at.g);
	if (!at.k || is_held(at.zone, p, at.k))
		bad_pointer(h, p);
	return at;
}

static noinline void free_slow(struct qn_heap *h, void *p)
{
	struct place at;
	unsigned int n;

	if (!p)
		return;
	at = locate(h, p);
	count_free(h, at.k);
	n = (unsigned int)at.k - QN_ZONE_MIN;
	if (n < QN_HELD_SIZES && qn_zone_holds(at.zone, n)) {
		qn_zone_hold(at.zone, p, n);
		return;
	}
	qn_zone_free(at.zone, at.g, at.k);
	qn_zone_relax(at.zone);
}

/* A short block behind a block in use, of a length that is held */
static __always_inline bool free_fast(struct qn_heap *h, void *p)
{
	struct qn_zone *z = h->zones;
	size_t g = qn_zone_granule(z, p);
	u32 window, body;
	unsigned int n;

	if (unlikely(g >= z->nr))
		return false;
	window = qn_zone_window(z, g);
	body = window >> 3;
	if (unlikely((window & 7) != QN_WINDOW_BEHIND_USED || !body))
		return false;
	n = qn_ctz(body);
	if (!qn_zone_holds(z, n) || unlikely(qn_zone_is_suspect(p)))
		return false;
	qn_zone_hold(z, p, n);
	count_free(h, n + QN_ZONE_MIN);
	return true;
}

void qn_heap_free(struct qn_heap *h, void *p)
{
	heap_lock(h);
	if (!free_fast(h, p))
		free_slow(h, p);
	heap_unlock(h);
}

/* ---- resize ---- */

static void count_resize(struct qn_heap *h, size_t from, size_t to, size_t size)
{
	if (to <= from) {
		h->freed += from - to;
		return;
	}
	h->slack -= (ptrdiff_t)(to - from);
	if (h->slack < 0)
		settle_counts(h, size);
}

/* Where it lies, or towards lower addresses */
static bool resize(struct qn_heap *h, const struct place *at, size_t size)
{
	size_t k = qn_zone_resize(at->zone, at->g, at->k, granules_for(size));

	if (!k)
		return false;
	count_resize(h, at->k, k, size);
	return true;
}

static void *slide(struct qn_heap *h, const struct place *at, size_t size)
{
	size_t k = granules_for(size);
	void *p = qn_zone_slide(at->zone, at->g, at->k, &k);

	if (p)
		count_resize(h, at->k, k, size);
	return p;
}

static void *realloc_locked(struct qn_heap *h, void *p, size_t size)
{
	struct place at = locate(h, p);
	void *to;

	if (resize(h, &at, size))
		return p;
	to = alloc_fast(h, size);
	if (to) {
		memcpy(to, p, min(at.k * QN_GRANULE, size));
		free_slow(h, p);
		return to;
	}
	to = slide(h, &at, size);
	if (to)
		h->nr_failed--;
	return to;
}

void *qn_heap_realloc(struct qn_heap *h, void *p, size_t size)
{
	heap_lock(h);
	p = p ? realloc_locked(h, p, size) : alloc_fast(h, size);
	heap_unlock(h);
	return p;
}

size_t qn_heap_usable_size(struct qn_heap *h, void *p)
{
	size_t k = 0;

	heap_lock(h);
	if (p)
		k = locate(h, p).k;
	heap_unlock(h);
	return k * QN_GRANULE;
}

/* ---- learn ---- */

/* The lengths that the table promotes */
static u32 hot_lengths(const struct qn_table *t)
{
	u32 hot = 0;

	for (unsigned int c = 1; c < t->nr_classes; c++) {
		unsigned int k = t->class_steps[c];

		if (k > 0 && k <= QN_ZONE_SHORT)
			hot |= 1u << 31 >> (max(k, 2u) - QN_ZONE_MIN);
	}
	return hot;
}

static void set_hot(struct qn_heap *h)
{
	struct qn_zone *z;

	for (z = h->zones; z; z = z->next)
		qn_zone_set_hot(z, hot_lengths(h->table));
}

/* One sampled size into the profile and the mean of the waste */
static void learn(struct qn_heap *h, size_t size)
{
	size_t bytes = granules_for(size) * QN_GRANULE;
	u32 share;

	qn_profile_sample(h->profile, size);
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
	return true;
}

static bool act(struct qn_heap *h)
{
	struct qn_view view = { .table = h->table, .profile = h->profile };
	struct qn_action action;
	struct qn_table *old = h->table;

	if (!qn_controller_step(&h->controller, &view, h->next_table, &action))
		return false;
	h->table = h->next_table;
	h->next_table = old;
	set_hot(h);
	return true;
}

/* Merge a few held blocks; all that are not wanted, in the end */
static bool drain_held(struct qn_heap *h)
{
	bool more = false;
	struct qn_zone *z;

	for (z = h->zones; z; z = z->next)
		for (unsigned int i = 0; i < QN_STEP_DRAINS; i++)
			more |= qn_zone_drain(z, QN_HELD_SIZES);
	return more;
}

int qn_heap_step(struct qn_heap *h)
{
	bool more;

	if (!h)
		return -EINVAL;
	heap_lock(h);
	more = drain_samples(h);
	more |= act(h);
	more |= drain_held(h);
	heap_unlock(h);
	return more;
}

int qn_heap_set_policy(struct qn_heap *h, const char *name)
{
	const struct qn_policy *policy = name ? qn_policy_find(name) : NULL;

	if (!h || !policy)
		return -EINVAL;
	heap_lock(h);
	qn_controller_init(&h->controller, policy);
	heap_unlock(h);
	return 0;
}

/* ---- make ---- */

/* Cut @size bytes off the start of [*@mem, @end) */
static void *cut(uintptr_t *mem, uintptr_t end, size_t size)
{
	uintptr_t p = *mem;

	size = round_up(size, QN_GRANULE);
	if (p == 0 || end - p < size) {
		*mem = 0;
		return NULL;
	}
	*mem = p + size;
	return (void *)p;
}

/* Memory that only some requests can use comes first, the rest in order */
static void link_zone(struct qn_heap *h, struct qn_zone *z)
{
	struct qn_zone **link = &h->zones;

	while (*link &&
	       (!(z->flags & QN_ZONE_NODMA) || (*link)->flags & QN_ZONE_NODMA))
		link = &(*link)->next;
	z->next = *link;
	*link = z;
	h->nr_zones++;
}

static void init_learning(struct qn_heap *h)
{
	qn_table_init_direct(h->table, QN_HEAP_STEPS);
	qn_profile_init(h->profile, QN_HEAP_STEPS);
	qn_sampler_init(&h->sampler, QN_SAMPLE_BYTES, qn_port_seed());
	qn_controller_init(&h->controller, &qn_policy_rule);
	h->due = draw_granules(h);
}

struct qn_heap *qn_heap_init(void *mem, size_t size)
{
	uintptr_t start = round_up((uintptr_t)mem, QN_GRANULE);
	uintptr_t end = (uintptr_t)mem + size;
	struct qn_heap *h;

	if (!mem || end < start)
		return NULL;
	h = cut(&start, end, sizeof(*h));
	if (!h)
		return NULL;
	memset(h, 0, sizeof(*h));
	h->table = cut(&start, end, qn_table_bytes(QN_HEAP_STEPS));
	h->next_table = cut(&start, end, qn_table_bytes(QN_HEAP_STEPS));
	h->profile = cut(&start, end, qn_profile_bytes(QN_HEAP_STEPS));
	if (!start || !qn_zone_init(&h->zone, (void *)start, end - start))
		return NULL;
	h->zone.mem = (uintptr_t)mem;
	h->zone.size = size;
	link_zone(h, &h->zone);
	h->error = "";
	init_learning(h);
	return h;
}

static bool overlaps(const struct qn_heap *h, const void *mem, size_t size)
{
	uintptr_t start = (uintptr_t)mem;
	const struct qn_zone *z;

	for (z = h->zones; z; z = z->next) {
		if (start < z->mem + z->size && z->mem < start + size)
			return true;
	}
	return false;
}

static int add_zone(struct qn_heap *h, void *mem, size_t size,
		    unsigned int flags)
{
	uintptr_t start = round_up((uintptr_t)mem, QN_GRANULE);
	uintptr_t end = (uintptr_t)mem + size;
	struct qn_zone *z;

	if (end < start || overlaps(h, mem, size))
		return -EINVAL;
	z = cut(&start, end, sizeof(*z));
	if (!z || h->nr_zones == QN_NR_ZONES ||
	    !qn_zone_init(z, (void *)start, end - start))
		return -ENOSPC;
	z->mem = (uintptr_t)mem;
	z->size = size;
	z->flags = (u8)flags;
	link_zone(h, z);
	set_hot(h);
	return 0;
}

int qn_heap_add_zone(struct qn_heap *h, void *mem, size_t size, unsigned flags)
{
	int err;

	if (!h || !mem || flags & ~QN_ZONE_NODMA)
		return -EINVAL;
	heap_lock(h);
	err = add_zone(h, mem, size, flags);
	heap_unlock(h);
	return err;
}

/* ---- look ---- */

static size_t live_granules(const struct qn_heap *h)
{
	return h->allocated + h->armed - (size_t)h->slack - h->freed;
}

static void add_zone_stats(const struct qn_zone *z, struct qn_stats *st)
{
	struct qn_run *largest = qn_bins_largest(&z->bins);

	st->size += z->size;
	st->metadata += z->size - z->nr * QN_GRANULE;
	st->held += qn_zone_nr_held(z) * QN_GRANULE;
	if (largest)
		st->largest_free =
			max(st->largest_free, largest->size * QN_GRANULE);
}

static void fill_stats(const struct qn_heap *h, struct qn_stats *st)
{
	size_t live = live_granules(h);
	const struct qn_zone *z;

	memset(st, 0, sizeof(*st));
	for (z = h->zones; z; z = z->next)
		add_zone_stats(z, st);
	st->live = live * QN_GRANULE;
	st->peak_live = max(h->peak, live) * QN_GRANULE;
	st->internal = st->live / 65536 * h->waste +
		       (st->live % 65536 * h->waste >> 16);
	st->requested = st->live - st->internal;
	st->free = st->size - st->metadata - st->live;
	st->external = st->free - st->largest_free;
	st->nr_allocs = h->nr_allocs;
	st->nr_frees = h->nr_frees;
	st->nr_live = h->nr_allocs - h->nr_frees;
	st->nr_failed = h->nr_failed;
	st->nr_samples = h->nr_samples;
	st->nr_tables = h->table->generation;
}

int qn_heap_stats(struct qn_heap *h, struct qn_stats *st)
{
	if (!h || !st)
		return -EINVAL;
	heap_lock(h);
	fill_stats(h, st);
	heap_unlock(h);
	return 0;
}

/* What the zones hold against what was counted */
static const char *check_sums(const struct qn_heap *h)
{
	size_t live = 0, nr_live = 0;
	struct qn_zone_sums sums;
	const struct qn_zone *z;
	const char *error;

	for (z = h->zones; z; z = z->next) {
		error = qn_zone_check(z, &sums);
		if (error)
			return error;
		live += sums.used - sums.held;
		nr_live += sums.nr_used - sums.nr_held;
	}
	if (live != live_granules(h) || nr_live != h->nr_allocs - h->nr_frees)
		return "the blocks found are not the blocks counted";
	return "";
}

int qn_heap_check(struct qn_heap *h)
{
	if (!h)
		return -EINVAL;
	heap_lock(h);
	h->error = check_sums(h);
	if (!*h->error && qn_table_check(h->table))
		h->error = "the granule table breaks its invariant";
	if (!*h->error && qn_profile_check(h->profile))
		h->error = "the profile does not add up";
	heap_unlock(h);
	return *h->error ? -EUCLEAN : 0;
}

const char *qn_heap_error(const struct qn_heap *h)
{
	return h ? h->error : "no heap";
}
