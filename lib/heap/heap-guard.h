/* SPDX-License-Identifier: MIT */
/*
 * heap-guard.h - a word behind each block that tells of writes beyond it, and patterns in new
 * and old blocks, where QN_GUARD and QN_POISON ask for them. heap.c alone includes this.
 */
#ifndef QN_HEAP_GUARD_H
#define QN_HEAP_GUARD_H

#include "heap/heap-internal.h"

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

#endif /* QN_HEAP_GUARD_H */
