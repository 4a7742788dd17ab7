// SPDX-License-Identifier: MIT
/*
 * process.c - malloc and free of a Linux process, where the fast paths of process.h end.
 *
 * Each kind of unit is told apart here, on the way in and on the way out.
 *
 * The files of a process, lowest first; a file calls those of rows above its own:
 *
 *	process-page.c		the statistics page and its file
 *	process-sites.c		call sites
 *	process-life.c		threads, settings, start
 *	process-direct.c	large blocks, blocks of whole pages
 *	process.c		malloc and free
 *	process-place.c		blocks that lie apart
 *	process-calloc.c, process-realloc.c, process-sized.c, process-fork.c,
 *	process-figures.c	what their names say
 *	process-public.c	the qn_malloc() family of quern.h
 */
#include "process/process-internal.h"

#include <errno.h>
#include <string.h>

#include "process/guest.h"
#include "process/slack.h"

/* ---- allocation ---- */

__apart void *qn_process_fail(void)
{
	if (qn_process_is_ready)
		qn_stat_add(qn_hub.page->nr_failed, 1);
	errno = ENOMEM;
	return NULL;
}

/* Bytes that are not in use, wherever they are; what fast paths did may be missing */
static __apart size_t free_bytes(void)
{
	size_t mapped, live = qn_ledger_get(&qn_hub.ledger.live);

	qn_port_lock(&qn_hub.segments.lock);
	mapped = qn_space_mapped(&qn_hub.segments.space);
	qn_port_unlock(&qn_hub.segments.lock);
	return mapped - min(mapped, live);
}

__apart void *qn_process_alloc_again(size_t size, size_t align, size_t *old)
{
	struct qn_local *l = NULL;

	if (!qn_guest_is_on() && size <= free_bytes())
		l = qn_process_self();
	if (!l)
		return qn_process_fail();
	qn_fence_give(&qn_hub, l);
	qn_local_give_all(l);
	qn_process_self_put(l);
	qn_segments_purge(&qn_hub.segments, 0);
	return qn_process_alloc(size, align, old, QN_PROCESS_LAST);
}

/* None of these has a countdown: chance decides whether it is guarded */
static __apart void *guarded_alloc(size_t size, size_t align, size_t *old,
				   unsigned int how)
{
	struct qn_local *l = qn_process_self();
	void *p = NULL;

	if (l) {
		p = qn_trap_sample(&l->sampler, 1, 1, size, align);
		qn_process_self_put(l);
	}
	if (!p)
		return qn_process_alloc(size, align, old, how);
	*old = 0;
	qn_hub_account_direct(&qn_hub, 0, size, 1);
	return p;
}

noinline void *qn_process_alloc(size_t size, size_t align, size_t *old,
				unsigned int how)
{
	struct qn_local *l;
	void *p = NULL;

	qn_assert(is_power_of_2(align));
	*old = size;
	if (qn_trap_is_on() && !(how & QN_PROCESS_CHOSEN))
		return guarded_alloc(size, align, old, how | QN_PROCESS_CHOSEN);
	if (qn_guest_is_on()) {
		p = qn_guest_alloc(size, align, old);
		return likely(p != NULL) ? p : qn_process_fail();
	}
	l = qn_process_self();
	if (unlikely(!l))
		return qn_process_fail();
	if (how & QN_PROCESS_FENCE)
		p = qn_fence_alloc(l, size, align, old);
	if (p)
		; /* That is it */
	else if (size <= QN_SLAB_MAX && align <= QN_ALIGN)
		p = qn_local_refill(l, size);
	else if (unlikely(qn_process_is_shared(size, align)))
		p = qn_process_shared_alloc(l, size, align, old);
	else if (size <= QN_MEDIUM_MAX && align <= QN_MEDIUM_MAX)
		p = qn_local_medium_alloc(l, size, align);
	else
		p = qn_process_large_alloc(l, size, align, old);
	qn_assert(is_aligned((uintptr_t)p, align));
	qn_assert(!p || *old <= round_up(size, QN_PART_SIZE));
	qn_process_self_put(l);
	if (likely(p != NULL))
		return p;
	return how & QN_PROCESS_LAST ? qn_process_fail() :
				       qn_process_alloc_again(size, align, old);
}

static void *alloc(size_t size, size_t align, size_t *old)
{
	return qn_process_alloc(size, align, old, QN_PROCESS_FENCE);
}

static __seldom void *hard_malloc(size_t size)
{
	void *p = qn_hard_malloc(size);

	return likely(p != NULL) ? p : qn_process_fail();
}

/* Its list was not looked at, for it has none. The hardened mode knows of no byte of it. */
static __seldom void *malloc_nothing(void)
{
	return qn_hard_is_on() ? hard_malloc(0) : qn_process_malloc(1);
}

/* A thread without a local has no table, so it passes by */
void *qn_process_malloc_slow(size_t size)
{
	struct qn_local *l = qn_self;
	size_t old;
	void *p;

	if (unlikely(!size))
		return malloc_nothing();
	if (unlikely(!l->table) && qn_hard_is_on())
		return hard_malloc(size);
	if (unlikely(!l->table || qn_fence_is_on(l)))
		return alloc(size, QN_ALIGN, &old);
	qn_assert(l->state == QN_LOCAL_OWNED);
	qn_assert(!*qn_local_head(l, l->front->map[qn_size_steps(size)]));
	p = qn_local_refill(l, size);
	return likely(p != NULL) ? p :
				   qn_process_alloc_again(size, QN_ALIGN, &old);
}

/* A block of just this size does not wait: cut one, or fetch a run of units */
static noinline void *malloc_cut(size_t size, struct qn_local *l)
{
	size_t old;
	void *p;

	qn_assert(size > QN_SLAB_MAX);
	qn_assert(l == qn_self);
	if (unlikely(size > QN_MEDIUM_MAX || !l->table || qn_fence_is_on(l)))
		return alloc(size, QN_ALIGN, &old);
	p = qn_local_medium_alloc(l, size, QN_ALIGN);
	return likely(p != NULL) ? p :
				   qn_process_alloc_again(size, QN_ALIGN, &old);
}

void *qn_process_malloc_medium(size_t size)
{
	struct qn_local *l = qn_self;
	void *p = NULL;

	/* Where this is inlined, the compiler does not know */
	if (size <= QN_SLAB_MAX)
		__builtin_unreachable();
	if (likely(size <= QN_MEDIUM_MAX))
		p = qn_medium_get(&l->medium, qn_medium_bytes(size), false);
	return likely(p != NULL) ? p : malloc_cut(size, l);
}

/* ---- what a pointer is ---- */

/* No block begins at @p, in a unit of no kind that has others */
static __apart struct qn_unit *refused(const char *where, const void *p,
				       const struct qn_unit *u)
{
	const char *what = "the pointer is not the start of a block";

	if (!u)
		what = "the pointer is not from this heap";
	else if (u->kind == QN_UNIT_CLEAN || u->kind == QN_UNIT_DIRTY ||
		 u->kind == QN_UNIT_SPARE)
		what = "the block was freed already";
	qn_refuse(where, p, SIZE_MAX, what);
	return NULL;
}

struct qn_unit *qn_process_unit(const char *where, const void *p)
{
	struct qn_unit *u = qn_local_find(qn_self, &qn_hub.segments, p);

	if (unlikely(!u))
		return refused(where, p, u);
	if (likely(u->kind == QN_UNIT_SLAB || u->kind == QN_UNIT_MEDIUM ||
		   u->kind == QN_UNIT_FOLLOW || u->kind == QN_UNIT_SHARED ||
		   u->kind == QN_UNIT_FENCE))
		return u;
	if (u->kind != QN_UNIT_LARGE || qn_unit_start(&qn_hub.segments, u) != p)
		return refused(where, p, u);
	return u;
}

/* An object of a slab of the thread's own, perhaps one that it freed just now */
void qn_process_own_look(const struct qn_unit *u, const void *p,
			 const char *where)
{
	u32 at = (u32)((uintptr_t)p % QN_UNIT_SIZE);

	if (unlikely(at % u->osize || at >= u->carved * u->osize))
		qn_misuse(where, p, "the pointer is not the start of a block");
	if (unlikely(qn_slab_is_last(u, p)))
		qn_misuse_of(where, p, u->osize, "the block was freed already");
}

static void object_look(const struct qn_unit *u, const void *p,
			const char *where)
{
	u32 at = (u32)((uintptr_t)p % QN_UNIT_SIZE);

	if (READ_ONCE(u->owner) == qn_self)
		qn_process_own_look(u, p, where);
	else if (unlikely(at % u->osize))
		qn_misuse(where, p, "the pointer is not the start of a block");
}

noinline size_t qn_process_block_size(struct qn_unit *u, const void *p,
				      const char *where)
{
	if (unlikely(u->kind == QN_UNIT_FOLLOW))
		return qn_follow_size(where, p);
	if (u->kind == QN_UNIT_FENCE)
		return qn_fence_size(u, p, where);
	if (u->kind == QN_UNIT_MEDIUM)
		return qn_medium_size(u, p, where);
	if (u->kind == QN_UNIT_SHARED)
		return qn_process_shared_size(u, p, where);
	return u->kind == QN_UNIT_SLAB ? u->osize : u->bytes;
}

/* What is noticed of a block at some cost: nothing moves it or gives it back yet */
noinline void qn_process_block_look(const struct qn_unit *u, const void *p,
				    const char *where)
{
	if (u->kind == QN_UNIT_SLAB)
		object_look(u, p, where);
	else if (u->kind == QN_UNIT_LARGE)
		qn_slack_look(u, p, where);
}

/* ---- free ---- */

/* A block of some local */
static void block_free(struct qn_unit *u, void *p)
{
	struct qn_local *l = qn_process_self();

	qn_assert(u->kind == QN_UNIT_SLAB || u->kind == QN_UNIT_MEDIUM);
	if (!l) {
		qn_local_free_remote(&qn_local_none, u, p);
		return;
	}
	/* What the local knows of segment 0 may be old: look again */
	qn_local_see_units(l);
	if (u->kind == QN_UNIT_MEDIUM && u->holder == l) {
		qn_local_medium_free(l, u, p);
	} else if (u->owner == l) {
		qn_link_push(&u->free, p);
		if (--u->count == 0)
			qn_local_event(l, u);
	} else {
		qn_local_free_remote(l, u, p);
	}
	qn_process_self_put(l);
}

static noinline void large_free_looked_at(struct qn_unit *u, const char *p)
{
	qn_slack_look(u, p, "free");
	qn_process_large_free(u, u->bytes);
}

noinline void qn_process_fence_free(struct qn_unit *u, void *p)
{
	struct qn_local *l = qn_self;

	qn_fence_free(&qn_hub, l != &qn_local_none ? l : NULL, u, p);
}

/* A block of quern's own, which the thread does not know of yet, or none */
static noinline void own_free(void *p)
{
	struct qn_unit *u = qn_process_unit("free", p);

	if (unlikely(!u))
		return;
	if (u->kind == QN_UNIT_FOLLOW)
		qn_follow_free(&qn_hub.follow, "free", p);
	else if (u->kind == QN_UNIT_FENCE)
		qn_process_fence_free(u, p);
	else if (u->kind == QN_UNIT_LARGE)
		large_free_looked_at(u, p);
	else if (u->kind == QN_UNIT_SHARED)
		qn_process_shared_free(u, p, true);
	else
		block_free(u, p);
}

static __seldom void guest_free(void *p)
{
	if (!(qn_hard_is_on() ? qn_hard_free(p) : qn_guest_free(p)))
		own_free(p);
}

/* Anything, NULL as well */
void qn_process_free_slow(void *p)
{
	if (!p)
		return;
	if (qn_guest_may_own(p))
		guest_free(p);
	else
		own_free(p);
}

/* A medium block or an object of another thread, or one that lies apart */
void qn_process_free_in(void *p, struct qn_local *l, struct qn_unit *u)
{
	struct qn_medium *m = &l->medium;

	if (likely(u->kind == QN_UNIT_MEDIUM && u->holder == l)) {
		/* This has a message for what is no block */
		if (unlikely(!qn_medium_put(m, p)))
			qn_local_medium_free(l, u, p);
		else if (unlikely(m->free > m->most))
			qn_local_medium_much(l);
		return;
	}
	if (likely(u->kind == QN_UNIT_SLAB || u->kind == QN_UNIT_MEDIUM))
		qn_local_free_remote(l, u, p);
	else if (u->kind == QN_UNIT_FENCE)
		qn_process_fence_free(u, p);
	else
		qn_process_free_slow(p);
}

/* ---- the rest of the family ---- */

/*
 * Objects of a slab lie at multiples of their size from an aligned start, and a
 * power of two has objects of just that size: one of two tries is aligned, unless it is
 * a sample and comes from elsewhere.
 */
static __seldom void *slab_memalign(size_t align, size_t size)
{
	void *p = qn_process_malloc(round_up(max(size, (size_t)1), align));

	size = (size_t)2 << qn_ilog2(max(size, align) - 1);
	while (p && !is_aligned((uintptr_t)p, align)) {
		qn_process_free(p);
		/* One request, one allocation */
		qn_hub_account(&qn_hub, qn_hub.table->map[qn_size_steps(size)],
			       0, (u64)-1);
		p = qn_process_malloc(size);
	}
	return p;
}

__seldom void *qn_process_memalign(size_t align, size_t size)
{
	size_t old;

	if (align <= QN_ALIGN)
		return qn_process_malloc(size);
	if (qn_self->table && !qn_fence_is_on(qn_self) && size <= QN_SLAB_MAX &&
	    align <= QN_SLAB_MAX && !qn_trap_is_on())
		return slab_memalign(align, size);
	return alloc(qn_hard_is_on() ? size : max(size, (size_t)1), align,
		     &old);
}

__seldom size_t qn_process_usable_size(const void *p)
{
	static const char where[] __rodata_apart = "malloc_usable_size";
	struct qn_unit *u;
	size_t size;

	if (qn_guest_owns(p))
		return qn_guest_usable(p);
	if (!p)
		return 0;
	u = qn_process_unit(where, p);
	if (!u)
		return 0;
	qn_process_block_look(u, p, where);
	size = qn_process_block_size(u, p, where);
	return size == SIZE_MAX ? 0 : size;
}

__apart bool qn_process_owns(const void *p)
{
	return (!qn_hard_is_on() && qn_guest_owns(p)) ||
	       qn_segments_find(&qn_hub.segments, p);
}

__apart bool qn_process_trim(void)
{
	struct qn_local *l;

	if (qn_hard_is_on())
		return qn_hard_trim();
	l = qn_process_self();
	if (!l)
		return false;
	qn_local_give_all(l);
	qn_process_self_put(l);
	return qn_segments_purge(&qn_hub.segments, 0) > 0;
}
