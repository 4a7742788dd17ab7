// SPDX-License-Identifier: MIT
/*
 * heap-look.c - what looks at a heap of one's own: statistics, the walk over all blocks, the
 * check of its invariants. No block and no free run changes by it.
 */
#include "heap/heap-internal.h"

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

/* Blocks in use, where nobody counts them */
static size_t nr_used(const struct qn_heap *h)
{
	const struct qn_zone *z;
	enum qn_state state;
	size_t nr = 0;

	for (z = &h->zone; z; z = z->next) {
		char *p = qn_zone_start(z), *end = qn_granules_on(p, z->nr);

		for (; p < end; nr += state == QN_USED)
			p += qn_zone_piece(z, p, &state) * QN_GRANULE;
	}
	return nr;
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
	st->internal = (st->live >> QN_WASTE_SHIFT) * h->waste +
		       ((st->live & qn_low_mask(QN_WASTE_SHIFT)) * h->waste >>
			QN_WASTE_SHIFT);
	st->requested = st->live - st->internal;
	st->free = st->size - st->metadata - st->live;
	qn_assert(st->free >= st->largest_free && st->free >= st->held);
	st->external = st->free - st->largest_free;
	st->nr_allocs = h->calls.nr_allocs;
	st->nr_frees = h->calls.nr_frees;
	qn_assert(st->nr_allocs >= st->nr_frees);
	st->nr_live = QN_COUNT_CALLS ? st->nr_allocs - st->nr_frees :
				       nr_used(h);
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

/* Bytes of the longest run that a request finds without a search of its bin */
static size_t largest_of(const struct qn_zone *z)
{
	return qn_bins_largest_found(&z->bins) * QN_GRANULE;
}

/* 1 - @part / @whole in 1/1024; words suffice */
static unsigned int lack_of(size_t part, size_t whole)
{
	for (; whole >> 20; whole /= 2)
		part /= 2;
	return whole ? (unsigned int)((whole - part) * 1024 / whole) : 0;
}

static void fill_brief(const struct qn_heap *h, struct qn_brief *b)
{
	const struct qn_zone *z;

	memset(b, 0, sizeof(*b));
	b->live = qn_heap_live(h) * QN_GRANULE;
	b->peak_live = h->peak * QN_GRANULE;
	for (z = &h->zone; z; z = z->next) {
		b->free += z->nr * QN_GRANULE;
		b->largest_free = max(b->largest_free, largest_of(z));
	}
	b->free -= b->live;
	b->fragmentation = lack_of(b->largest_free, b->free);
}

int qn_heap_brief(struct qn_heap *h, struct qn_brief *brief)
{
	if (!h || !brief)
		return -EINVAL;
	qn_heap_lock(h);
	fill_brief(h, brief);
	qn_heap_unlock(h);
	return 0;
}

static void fill_zone_stats(const struct qn_heap *h, const struct qn_zone *z,
			    struct qn_zone_stats *st)
{
	st->start = qn_zone_start(z);
	st->size = z->nr * QN_GRANULE;
	st->used = qn_heap_zone_live(h, z) * QN_GRANULE;
	st->held = qn_zone_held(z) * QN_GRANULE;
	st->free = st->size - st->used;
	st->largest_free = largest_of(z);
	st->flags = z->flags &
		    (QN_ZONE_NODMA | QN_ZONE_FIRST | QN_ZONE_ATTRIBUTES);
}

int qn_heap_zone_stats(struct qn_heap *h, unsigned nr, struct qn_zone_stats *st)
{
	const struct qn_zone *z;

	if (!h || !st)
		return -EINVAL;
	qn_heap_lock(h);
	for (z = &h->zone; z && nr; z = z->next)
		nr--;
	if (z)
		fill_zone_stats(h, z, st);
	qn_heap_unlock(h);
	return z ? 0 : -ENOENT;
}

void qn_heap_reset_peak(struct qn_heap *h)
{
	qn_heap_lock(h);
	h->peak = qn_heap_live(h);
	qn_heap_set_top(h);
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
		if (sums.used - sums.held != qn_heap_zone_live(h, z))
			return "the blocks found are not the blocks counted";
		live += sums.used - sums.held;
		nr_live += sums.nr_used - sums.nr_held;
	}
	if (live != qn_heap_live(h) ||
	    (QN_COUNT_CALLS &&
	     nr_live != h->calls.nr_allocs - h->calls.nr_frees))
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
