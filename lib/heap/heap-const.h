/* SPDX-License-Identifier: MIT */
/*
 * heap-const.h - qn_heap_alloc() where the compiler knows the size.
 *
 * For firmware that is compiled with the folder lib of the sources on its include path, and
 * with the quern-config.h of its archive: the heap's fields are used in place.
 * qn_heap_const_fits() tells whether both have the same heap.
 *
 * A constant size names the list of held blocks. So the caller pops it itself: no call, no
 * size to round, no registers to save. On Cortex-M4 a held block takes 10 instructions less at
 * -O2, 11 at -Os (f-const.c), and each call some 30 bytes of flash more. Where no block of the
 * length is held qn_heap_alloc() serves, two instructions later.
 *
 * Builds that lock, guard or poison call qn_heap_alloc() as always.
 */
#ifndef QN_HEAP_CONST_H
#define QN_HEAP_CONST_H

#include "heap/heap.h"

static __always_inline void qn_heap_note_alloc(struct qn_heap *h)
{
	if (QN_COUNT_CALLS)
		h->calls.nr_allocs++;
}

/* A held block of @k granules comes into use, of the first zone; false: not yet */
static __always_inline bool qn_heap_count_held(struct qn_heap *h, size_t k)
{
	ptrdiff_t credit = h->zone.credit + (ptrdiff_t)k;

	qn_assert(k >= QN_ZONE_MIN && k <= QN_ZONE_SHORT);
	if (unlikely(credit > h->zone.limit))
		return false;
	h->zone.credit = credit;
	qn_heap_note_alloc(h);
	return true;
}

/* Does nothing happen to a block but that it leaves its list */
#define QN_HEAP_IS_BARE                                              \
	(!IS_ENABLED(QN_HEAP_LOCK) && !IS_ENABLED(QN_LOCK_INLINE) && \
	 !IS_ENABLED(QN_GUARD) && !IS_ENABLED(QN_POISON))

/**
 * qn_heap_alloc_const() - qn_heap_alloc() of a size that the compiler knows
 * @h:		the heap
 * @size:	bytes; any other size is served by a call
 *
 * Context: as qn_heap_alloc().
 * Return: the same.
 */
static __always_inline void *qn_heap_alloc_const(struct qn_heap *h, size_t size)
{
	size_t k = qn_zone_fit(qn_size_steps(size));
	struct qn_held *held;

	if (!QN_HEAP_IS_BARE || !__builtin_constant_p(size) ||
	    k > QN_ZONE_SHORT)
		return qn_heap_alloc(h, size);
	held = h->zone.held[k];
	if (!held || unlikely(!qn_heap_count_held(h, k)))
		return qn_heap_alloc(h, size);
	qn_zone_unhold_first(&h->zone, k, held);
	return held;
}

/* Where the archive finds what qn_heap_alloc_const() uses */
extern const u32 qn_heap_const_layout;
#define QN_HEAP_CONST_LAYOUT                                 \
	((u32)(offsetof(struct qn_heap, zone.held) << 20 |   \
	       offsetof(struct qn_heap, zone.credit) << 12 | \
	       offsetof(struct qn_heap, calls) << 2 | QN_HEAP_IS_BARE))

/* Is the archive compiled with the same heap? Ask once, at the start. */
static inline bool qn_heap_const_fits(void)
{
	return qn_heap_const_layout == QN_HEAP_CONST_LAYOUT;
}

#endif /* QN_HEAP_CONST_H */
