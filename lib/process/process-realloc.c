// SPDX-License-Identifier: MIT
/*
 * process-realloc.c - blocks that change their size.
 *
 * realloc() leaves a block where it is if it can: within an object's size, into the free run
 * behind a medium block, into free units behind a direct run. Else it allocates, copies and
 * frees. From MOVE_LEAST on blocks are moved by their page tables (large_move()), so that
 * never both are resident. From COPY_LEAST on pages that are zero are not copied
 * (copy_touched()).
 *
 * Order in this file: the fast case, large blocks, what happens in place, what moves.
 */
#include "process/process-internal.h"

#include <errno.h>
#include <string.h>

#include "process/guest.h"
#include "process/slack.h"

/* Blocks from this length on are copied by pages: those that are zero stay untouched */
#define COPY_LEAST ((size_t)64 << 10)

/* Blocks from this length on are moved rather than copied, so many times in all */
#define MOVE_LEAST ((size_t)1 << 20)
#define MOVES_MOST 4096u
/* Blocks that grow are fenced up to this length */
#define FENCE_GROWN ((size_t)4096)

/* ---- in place ---- */

/* May a block of a slab stay where it is? Not if it would waste half */
static bool slab_resize(const struct qn_unit *u, size_t size)
{
	return size <= u->osize && (size > u->osize / 2 || u->osize <= 64);
}

/* Who resizes once does so again: leave room, an eighth to a doubling */
static size_t grown(size_t size, size_t old)
{
	size_t step;

	if (size <= old || size <= QN_SLAB_MAX || size > QN_MEDIUM_MAX)
		return size;
	step = (size_t)1 << (qn_ilog2(size) - 3);
	return round_up(size, step);
}

/* Of other blocks than objects of slabs */
static bool block_resize(struct qn_unit *u, void *p, size_t size)
{
	if (u->kind == QN_UNIT_MEDIUM)
		return size > QN_SLAB_MAX && size <= QN_MEDIUM_MAX &&
		       qn_local_medium_resize(qn_self, u, p, size);
	if (u->kind == QN_UNIT_SHARED)
		return qn_process_shared_resize(u, p, size);
	if (u->kind == QN_UNIT_FENCE)
		return size == qn_fence_size(u, p, "realloc");
	return u->kind == QN_UNIT_LARGE && size > QN_MEDIUM_MAX &&
	       qn_process_large_resize(u, size);
}

/* ---- large blocks ---- */

/*
 * Copy to where all is zero, but for the pages that are zero in the source, too: to read
 * one that was never touched costs no memory.
 *
 * Return: the bytes that were left out.
 */
static noinline __apart size_t copy_touched(char *to, const char *from,
					    size_t size)
{
	size_t left = 0, n;

	qn_assert(to + size <= from || from + size <= to);
	for (size_t at = 0; at < size; at += n) {
		n = min(size - at, qn_hub.page_size);
		/* What is behind the block is no longer than that */
		if (qn_is_zero(from + at, round_up(n, QN_STEP)))
			left += n;
		else
			memcpy(to + at, from + at, n);
	}
	return left;
}

/*
 * What is in a large block goes to a larger one by way of page tables: a copy costs more
 * from some length on, and twice the memory. A range that was moved is a mapping of its
 * own, of which a process may have some 65 000, so this is not done without end.
 */
static noinline __apart int large_move(struct qn_unit *u, void *to)
{
	static u32 nr_moves;
	/* Whole units: behind the block there may be old contents, and what is left is clean */
	size_t size = u->run.size << QN_UNIT_SHIFT;
	int r;

	qn_assert(u->kind == QN_UNIT_LARGE);
	qn_assert(is_aligned((uintptr_t)to, QN_UNIT_SIZE));
	if (__atomic_fetch_add(&nr_moves, 1, __ATOMIC_RELAXED) >= MOVES_MOST) {
		__atomic_store_n(&nr_moves, MOVES_MOST, __ATOMIC_RELAXED);
		return -EAGAIN;
	}
	r = qn_port_move(to, qn_unit_start(&qn_hub.segments, u), size);
	if (r)
		return r;
	qn_process_large_free(u, 0);
	/* With the last page came what was behind the old block there */
	qn_slack_set(qn_segments_find(&qn_hub.segments, to), to, false);
	return 0;
}

/* Of @old bytes that were copied @left were not: what is mostly not there is not dirty */
static __apart void moved_free(struct qn_unit *u, char *p, size_t old,
			       size_t left)
{
	/* Whole units, as in large_move() */
	size_t size = u->kind == QN_UNIT_SHARED ? round_up(old, QN_PART_SIZE) :
						  u->run.size << QN_UNIT_SHIFT;
	bool gone = left > old / 2 && u->kind != QN_UNIT_FENCE &&
		    qn_resident_drop(p, size);

	if (u->kind == QN_UNIT_SHARED)
		qn_process_shared_free(u, p, !gone);
	else if (u->kind == QN_UNIT_FENCE)
		qn_process_fence_free(u, p);
	else
		qn_process_large_free(u, gone ? 0 : old);
}

/* A block of COPY_LEAST or more to a longer one. Return: NULL if there is no memory. */
static noinline __apart void *large_grow(struct qn_unit *u, char *p, size_t old,
					 size_t size)
{
	size_t dirty, left = 0;
	char *q = qn_process_alloc(size, QN_ALIGN, &dirty, 0);

	qn_assert(old >= COPY_LEAST && old < size);
	if (q && old >= MOVE_LEAST && u->kind == QN_UNIT_LARGE) {
		int r = large_move(u, q);

		if (r == 0)
			return q;
		dirty = size;
		/* Nobody can have it any more: it stays a block for good */
		if (r == -ENOTRECOVERABLE)
			q = qn_process_alloc(size, QN_ALIGN, &dirty, 0);
	}
	if (!q)
		return NULL;
	if (dirty)
		memcpy(q, p, old);
	else
		left = copy_touched(q, p, old);
	moved_free(u, p, old, left);
	return q;
}

/* ---- all others ---- */

/*
 * Where a block of @old bytes goes. One that grows does so again, perhaps, and a fenced
 * one would have to be copied each time.
 */
static noinline void *realloc_new(size_t size, size_t old)
{
	size_t dirty;

	if (likely(!qn_fence_is_on(qn_self)))
		return qn_process_malloc(grown(size, old));
	if (size <= FENCE_GROWN)
		return qn_process_malloc(size);
	return qn_process_alloc(grown(size, old), QN_ALIGN, &dirty, 0);
}

/* Of an object of a slab of the thread's own: nothing is looked up twice */
static __always_inline void *own_realloc(const struct qn_unit *u, void *p,
					 size_t size)
{
	size_t old = u->osize;
	void *q;

	/* In place all that qn_process_own_look() looks at would cost more than the rest */
	if (slab_resize(u, size) && likely(u->free != p))
		return p;
	qn_process_own_look(u, p, "realloc");
	q = qn_process_malloc(grown(size, old));
	if (unlikely(!q))
		return NULL;
	memcpy(q, p, min(size, old));
	qn_process_free(p);
	return q;
}

/* To a block of its own; the old one is freed */
static noinline void *move_block(void *p, size_t old, size_t size)
{
	void *q = realloc_new(size, old);

	if (!q)
		return NULL;
	memcpy(q, p, min(size, old));
	qn_process_free(p);
	return q;
}

/* A guarded block lies against a forbidden page: another size needs another place */
static __seldom void *guest_realloc(void *p, size_t size)
{
	void *q = NULL;
	size_t old;

	if (qn_guest_is_on()) {
		q = qn_guest_realloc(p, size);
	} else {
		old = qn_trap_size(p, "realloc");
		if (old == size)
			return p;
		if (old != SIZE_MAX)
			q = move_block(p, old, size);
	}
	return q ? q : qn_process_fail();
}

static noinline void *realloc_slow(void *p, size_t size)
{
	struct qn_unit *u;
	size_t old;
	void *q;

	if (!p)
		return qn_process_malloc(size);
	if (qn_guest_owns(p))
		return guest_realloc(p, size);
	u = qn_process_unit("realloc", p);
	if (unlikely(!u))
		return qn_process_fail();
	if (u->kind == QN_UNIT_SLAB && slab_resize(u, size) &&
	    (READ_ONCE(u->owner) != qn_self || u->free != p))
		return p;
	qn_process_block_look(u, p, "realloc");
	old = u->kind == QN_UNIT_SLAB ? u->osize :
					qn_process_block_size(u, p, "realloc");
	qn_assert(old > 0);
	if (unlikely(old == SIZE_MAX))
		return qn_process_fail();
	if (unlikely(u->kind == QN_UNIT_FOLLOW && size <= QN_SLAB_MAX)) {
		q = qn_follow_resize(&qn_hub.follow, p, size);
		if (q)
			return q;
	}
	if (block_resize(u, p, size))
		return p;
	if (old >= COPY_LEAST && size > old)
		return large_grow(u, p, old, size);
	return move_block(p, old, size);
}

void *qn_process_realloc(void *p, size_t size)
{
	struct qn_local *l = qn_self;
	size_t at = (uintptr_t)p - (uintptr_t)l->base;

	if (likely(at < l->reach)) {
		const struct qn_unit *u = qn_unit_of(l->units, at);

		if (likely(u->owner == l))
			return own_realloc(u, p, size);
	}
	return realloc_slow(p, size);
}
