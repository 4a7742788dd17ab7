/* SPDX-License-Identifier: MIT */
/*
 * heap-internal.h - what the files that make up a heap share: heap.c, which serves
 * requests; heap-step.c, which learns; heap-make.c, which lays out zones; heap-look.c,
 * which looks.
 *
 * They alone include this; what others may call is in quern.h. The heap is locked, but for
 * qn_heap_lock().
 */
#ifndef QN_HEAP_INTERNAL_H
#define QN_HEAP_INTERNAL_H

#include <string.h>

#include "heap/heap.h"
#include "port/mask.h"

static __always_inline void qn_heap_lock(struct qn_heap *h)
{
	if (IS_ENABLED(QN_LOCK_INLINE))
		qn_mask_lock(&h->lock);
	else if (IS_ENABLED(QN_HEAP_LOCK))
		qn_port_lock(&h->lock);
}

static __always_inline void qn_heap_unlock(struct qn_heap *h)
{
	if (IS_ENABLED(QN_LOCK_INLINE))
		qn_mask_unlock(&h->lock);
	else if (IS_ENABLED(QN_HEAP_LOCK))
		qn_port_unlock(&h->lock);
}

/* Let others have the heap between two pieces of work */
static inline void qn_heap_breathe(struct qn_heap *h)
{
	qn_heap_unlock(h);
	qn_heap_lock(h);
}

/* A request is served: merge what @z owes for it, others between two merges */
static __always_inline void qn_heap_pay_off(struct qn_heap *h,
					    struct qn_zone *z)
{
	if (IS_ENABLED(QN_HEAP_LOCK) && unlikely(z->owed))
		while (qn_zone_pay_off(z))
			qn_heap_breathe(h);
}

/* Granules for @size bytes; huge sizes give lengths that no zone has */
static inline size_t qn_heap_granules(size_t size)
{
	return qn_zone_fit(qn_size_steps(size));
}

/* Granules in use */
static inline size_t qn_heap_live(const struct qn_heap *h)
{
	return h->top - (size_t)(h->zone.limit - h->zone.credit);
}

/* Granules in use in one zone. Bounded by the number of zones. */
static inline size_t qn_heap_zone_live(const struct qn_heap *h,
				       const struct qn_zone *z)
{
	size_t live;

	if (z != &h->zone)
		return (size_t)(z->credit - z->limit);
	live = qn_heap_live(h);
	for (z = h->zone.next; z; z = z->next)
		live -= (size_t)(z->credit - z->limit);
	return live;
}

/* Whatever is live, the heap is asked again above the peak and above the mark */
static inline void qn_heap_set_top(struct qn_heap *h)
{
	size_t top = min(h->peak, h->mark);

	h->zone.limit += (ptrdiff_t)(top - h->top);
	h->top = top;
}

/* A heap that is filled once is sampled so many times; a sample is for so many bytes */
#define QN_HEAP_SAMPLED_PARTS 64
#define QN_HEAP_SAMPLE_LEAST  128

/*
 * Mean bytes from what is live to the mark: less in a small heap, which would learn too
 * late
 */
static inline u32 qn_heap_sample_interval(const struct qn_heap *h)
{
	size_t part = max(h->zone.size / QN_HEAP_SAMPLED_PARTS,
			  (size_t)QN_HEAP_SAMPLE_LEAST);

	return (u32)min(part, (size_t)QN_SAMPLE_BYTES);
}

/* In heap-step.c: @z and those behind it use @k from now on */
void qn_heap_zones_set_knobs(struct qn_zone *z, const struct qn_heap_knobs *k);

/* In heap-step.c: all zones hold what the pressure allows. Context: the heap is locked. */
void qn_heap_zones_press(struct qn_heap *h);

#endif /* QN_HEAP_INTERNAL_H */
