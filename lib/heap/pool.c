// SPDX-License-Identifier: MIT
/*
 * pool.c - buffers of one size: a list of those that came back, and a border behind
 * which none was taken yet. A bit each says which are taken, so that a wrong pointer
 * is noticed without a search.
 *
 *	struct qn_pool | buffers | bits
 */
#include <string.h>

#include "base/bitset.h"
#include "base/compiler.h"
#include "port/debug.h"
#include "port/port.h"
#include "quern.h"

/**
 * struct qn_pool - the state, at the start of the memory
 * @free:	the buffer that came back last, which holds a pointer to the one
 *		before it; or NULL
 * @base:	the first buffer
 * @stride:	bytes from one to the next
 * @nr:		buffers
 * @fresh:	buffers from this one on were never taken
 * @nr_free:	those in the list and the fresh ones
 * @least_free:	the lowest it ever was
 * @taken:	which are taken
 * @lock:	guards all of it
 *
 * @nr - @fresh + length of the list at @free == @nr_free
 */
struct qn_pool {
	void *free;
	u8 *base;
	size_t stride;
	size_t nr;
	size_t fresh;
	size_t nr_free;
	size_t least_free;
	unsigned long *taken;
	struct qn_lock lock;
};

_Static_assert(sizeof(struct qn_pool) <= QN_POOL_STATE,
	       "QN_POOL_STATE in quern.h is too small");

/* Most buffers that fit, with a bit for each in whole words, in @room bytes */
static size_t buffers_in(size_t room, size_t stride)
{
	size_t nr = room / stride;

	nr -= nr / (8 * stride + 1);
	while (nr && nr * stride + QN_BITSET_WORDS(nr) * sizeof(long) > room)
		nr--;
	return nr;
}

struct qn_pool *qn_pool_init(void *mem, size_t size, size_t osize)
{
	uintptr_t start = round_up((uintptr_t)mem, sizeof(void *));
	uintptr_t base = round_up(start + sizeof(struct qn_pool), QN_ALIGN);
	struct qn_pool *pool = (void *)start;
	size_t before = base - (uintptr_t)mem;
	size_t stride, nr;

	if (!mem || size < before || osize > size)
		return NULL;
	stride = QN_POOL_STRIDE(osize);
	nr = buffers_in(round_down(size - before, sizeof(long)), stride);
	if (!nr)
		return NULL;
	memset(pool, 0, sizeof(*pool));
	pool->base = (u8 *)base;
	pool->stride = stride;
	pool->nr = pool->nr_free = pool->least_free = nr;
	pool->taken = (void *)(pool->base + nr * stride);
	memset(pool->taken, 0, QN_BITSET_WORDS(nr) * sizeof(long));
	return pool;
}

static void *take(struct qn_pool *pool)
{
	u8 *p = pool->free;

	if (p)
		memcpy(&pool->free, p, sizeof(pool->free));
	else if (pool->fresh < pool->nr)
		p = pool->base + pool->fresh++ * pool->stride;
	else
		return NULL;
	qn_bitset_add(pool->taken, (size_t)(p - pool->base) / pool->stride);
	pool->nr_free--;
	pool->least_free = min(pool->least_free, pool->nr_free);
	return p;
}

void *qn_pool_alloc(struct qn_pool *pool)
{
	void *p;

	qn_port_lock(&pool->lock);
	p = take(pool);
	qn_port_unlock(&pool->lock);
	return p;
}

/* The number of a buffer that is taken; a wrong pointer ends the program */
static size_t number_of(const struct qn_pool *pool, const void *p)
{
	size_t at = (uintptr_t)p - (uintptr_t)pool->base;
	size_t i = at / pool->stride;

	if (unlikely(i >= pool->nr || i * pool->stride != at))
		qn_report("qn_pool_free: no buffer of this pool:",
			  (uintptr_t)p);
	if (unlikely(!qn_bitset_has(pool->taken, i)))
		qn_report("qn_pool_free: the buffer is not taken:",
			  (uintptr_t)p);
	return i;
}

void qn_pool_free(struct qn_pool *pool, void *p)
{
	if (!p)
		return;
	qn_port_lock(&pool->lock);
	qn_bitset_del(pool->taken, number_of(pool, p));
	memcpy(p, &pool->free, sizeof(pool->free));
	pool->free = p;
	pool->nr_free++;
	qn_port_unlock(&pool->lock);
}

size_t qn_pool_osize(const struct qn_pool *pool)
{
	return pool->stride;
}

size_t qn_pool_nr(const struct qn_pool *pool)
{
	return pool->nr;
}

size_t qn_pool_nr_free(const struct qn_pool *pool)
{
	return READ_ONCE(pool->nr_free);
}

size_t qn_pool_least_free(const struct qn_pool *pool)
{
	return READ_ONCE(pool->least_free);
}
