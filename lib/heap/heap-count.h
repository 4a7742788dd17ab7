/* SPDX-License-Identifier: MIT */
/*
 * heap-count.h - what a heap counts of each request: live memory, its peak, the limit of what
 * is held, the sample, and calls where that is asked for. heap.c alone includes this.
 */
#ifndef QN_HEAP_COUNT_H
#define QN_HEAP_COUNT_H

#include "heap/heap-const.h"
#include "heap/heap-internal.h"

static __always_inline void note_free(struct qn_heap *h)
{
	if (QN_COUNT_CALLS)
		h->calls.nr_frees++;
}

/*
 * A request for @size bytes brings @live granules into use: more than ever, or more than
 * the mark, and then it is the sample
 */
static __hot_inline void rise(struct qn_heap *h, size_t size, size_t live)
{
	qn_assert(live > h->top);
	if (IS_ENABLED(QN_SAMPLING) && live > h->mark) {
		h->sample = size;
		h->nr_samples++;
		h->mark = QN_HEAP_NO_MARK;
	}
	if (live > h->peak)
		h->peak = live;
	qn_heap_set_top(h);
}

/* @k granules more in use in @z, for @size bytes; nothing of them was held */
static noinline void settle(struct qn_heap *h, struct qn_zone *z, size_t k,
			    size_t size)
{
	z->limit -= (ptrdiff_t)k;
	if (z != &h->zone)
		h->zone.limit -= (ptrdiff_t)k;
	if (h->zone.limit < h->zone.credit)
		rise(h, size, qn_heap_live(h));
}

/* A block of @k granules comes into use that was free, of the first zone; false: not yet */
static __always_inline bool count_free_run(struct qn_heap *h, size_t k)
{
	ptrdiff_t limit = h->zone.limit - (ptrdiff_t)k;

	qn_assert(k >= QN_ZONE_MIN);
	if (unlikely(limit < h->zone.credit))
		return false;
	h->zone.limit = limit;
	qn_heap_note_alloc(h);
	return true;
}

/* A block of @k granules comes into use that was free and serves @size bytes */
static __hot_inline void count_alloc(struct qn_heap *h, struct qn_zone *z,
				     size_t k, size_t size)
{
	settle(h, z, k, size);
	qn_heap_note_alloc(h);
}

/* The same of the first zone, where it is the common case that nobody wants to know */
static __hot_inline void count_any(struct qn_heap *h, size_t k, size_t size)
{
	if (unlikely(!count_free_run(h, k))) {
		rise(h, size, qn_heap_live(h) + k);
		h->zone.limit -= (ptrdiff_t)k;
		qn_heap_note_alloc(h);
	}
}

/* A block of @k granules ends, and is not held */
static __hot_inline void count_merge(struct qn_heap *h, struct qn_zone *z,
				     size_t k)
{
	qn_assert(k >= QN_ZONE_MIN && k <= qn_heap_zone_live(h, z));
	z->limit += (ptrdiff_t)k;
	note_free(h);
}

#endif /* QN_HEAP_COUNT_H */
