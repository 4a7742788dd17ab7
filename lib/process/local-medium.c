// SPDX-License-Identifier: MIT
/*
 * local-medium.c - a thread's medium blocks: when a chunk is fetched, when what was
 * freed is looked at, what of them is sampled and accounted.
 *
 * Between local.h, whose callers are malloc and free, and medium.h, where the blocks lie.
 * Order in this file: the lock, accounts, samples, allocation, frees, resizing, units,
 * what others do.
 */
#include "process/local-internal.h"

#include <string.h>

/* Medium blocks are accounted once so many bytes are pending */
#define PENDING_MEDIUM ((size_t)256 << 10)

/* ---- the lock ---- */

/* Others have it while they hold hub.threads: wait for that */
static noinline __apart void lock_contended(struct qn_local *l)
{
	do {
		qn_port_lock(&l->hub->threads);
		qn_port_unlock(&l->hub->threads);
	} while (!qn_medium_trylock(&l->medium));
}

/* The owner does what needs the lock */
static __always_inline void lock_inline(struct qn_local *l)
{
	struct qn_medium *m = &l->medium;

	if (unlikely(!qn_medium_trylock(m)))
		lock_contended(l);
	m->free += m->owed;
	m->owed = 0;
}

static noinline void lock(struct qn_local *l)
{
	lock_inline(l);
}

static __always_inline void unlock(struct qn_local *l)
{
	qn_medium_unlock(&l->medium);
}

/* ---- accounts ---- */

/* Medium blocks count as direct runs; what is free in their chunks, as carved */
static noinline void account(struct qn_local *l)
{
	struct qn_medium *m = &l->medium;
	size_t used = qn_medium_used(m);
	size_t total = (size_t)(m->told - m->credit);

	qn_assert(READ_ONCE(m->busy));
	qn_assert(m->count == &m->free);
	qn_hub_account_direct(l->hub, (s64)(used - m->known), total,
			      m->nr_allocs);
	qn_follow_tick(&l->hub->follow, total);
	qn_ledger_slab(&l->hub->ledger, QN_CLASS_DIRECT,
		       (s64)(m->free - m->known_free));
	m->known = used;
	m->known_free = m->free;
	/* Where all is counted one by one, no block is given unseen */
	m->least = unlikely(l->exact) ? SIZE_MAX :
					m->free - min(m->free, PENDING_MEDIUM);
	m->most = min(m->free + PENDING_MEDIUM, m->look);
	m->moved = false;
	m->told = m->credit;
	m->nr_allocs = 0;
}

void qn_local_medium_account(struct qn_local *l)
{
	lock(l);
	account(l);
	unlock(l);
}

/* Return: whether there was something to account */
static __always_inline bool account_much(struct qn_local *l)
{
	const struct qn_medium *m = &l->medium;
	size_t more = qn_medium_used(m) - m->known;

	qn_assert(READ_ONCE(m->busy));
	if (likely(!m->moved && m->free >= m->least &&
		   more + PENDING_MEDIUM <= 2 * PENDING_MEDIUM))
		return false;
	account(l);
	return true;
}

/* ---- samples ---- */

ptrdiff_t qn_local_medium_draw(struct qn_local *l)
{
	u32 part = qn_hub_direct_part(l->hub);

	return (ptrdiff_t)qn_local_draw(l, QN_SLAB_MAX / part,
					&l->medium_interval) *
	       part;
}

/*
 * A sampled block has its call site, where such are kept: then an object that is
 * followed takes its place, if it may. Return: the block.
 */
static noinline __apart void *medium_note_site(struct qn_local *l, void *p,
					       size_t size, size_t align,
					       u64 bytes, u32 nr)
{
	struct qn_hub *hub = l->hub;
	u32 site = qn_sites_note(&hub->follow.sites, bytes, nr);
	void *q = NULL;

	if (align <= QN_ALIGN && size <= QN_UNIT_SIZE / 2)
		q = qn_follow_alloc(&hub->follow, size,
				    l->table->map[QN_SLAB_MAX / QN_STEP],
				    (u32)min(bytes, (u64)UINT32_MAX), site);
	else
		qn_sites_skip(&hub->follow.sites, bytes);
	if (q)
		qn_local_medium_free(l, qn_segments_find(&hub->segments, p), p);
	return q ? q : p;
}

/* Perhaps a guarded block takes the place of *@p. Return: whether one does. */
static __apart bool medium_trap(struct qn_local *l, void **p, size_t size,
				size_t align, u64 bytes)
{
	struct qn_hub *hub = l->hub;
	void *q = qn_trap_sample(&l->sampler, bytes, (u32)size, size, align);

	if (!q)
		return false;
	qn_sites_skip(&hub->follow.sites, bytes);
	qn_local_medium_free(l, qn_segments_find(&hub->segments, *p), *p);
	*p = q;
	return true;
}

static noinline __apart void *medium_sample(struct qn_local *l, void *p,
					    size_t size, size_t align)
{
	struct qn_medium *m = &l->medium;
	const u32 part = qn_hub_direct_part(l->hub);
	u64 bytes = 0;
	u32 next, nr = 0;

	qn_local_medium_account(l);
	if (unlikely(l->exact))
		qn_local_exact_note(l);
	for (; m->credit <= 0; nr++) {
		bytes += (u64)l->medium_interval * part;
		next = qn_local_sample_note(l, size, QN_SLAB_MAX / part,
					    &l->medium_interval);
		m->credit += (ptrdiff_t)next * part;
	}
	qn_assert(m->credit > 0);
	m->told = m->credit;
	if (qn_trap_is_on() && medium_trap(l, &p, size, align, bytes))
		return p;
	if (l->hub->follow.sites.page)
		p = medium_note_site(l, p, size, align, bytes, nr);
	return p;
}

/* ---- allocation ---- */

static void *medium_try(struct qn_local *l, size_t size, size_t align)
{
	struct qn_medium *m = &l->medium;
	size_t bytes = qn_medium_bytes(size);
	void *p;

	qn_assert(READ_ONCE(m->busy));
	qn_assert(!m->owed);
	if (unlikely(align > QN_MEDIUM_STEP))
		return qn_medium_alloc_aligned(m, size, align);
	p = qn_medium_get(m, bytes, true);
	return likely(!p) ? qn_medium_cut(m, bytes) : p;
}

static noinline void *medium_grow(struct qn_local *l, size_t size, size_t align)
{
	if (!qn_medium_grow(&l->medium, size + 2 * align))
		return NULL;
	qn_local_see_units(l);
	return medium_try(l, size, align);
}

void *qn_local_medium_alloc(struct qn_local *l, size_t size, size_t align)
{
	bool due, told = false;
	void *p;

	qn_assert(size <= QN_MEDIUM_MAX);
	qn_assert(is_power_of_2(align) && align <= QN_MEDIUM_MAX);
	if (unlikely(READ_ONCE(l->inbox) ||
		     ++l->nr_refills % QN_REFILLS_AT_HOME == 0))
		qn_local_look_around(l);
	lock_inline(l);
	p = medium_try(l, size, align);
	if (unlikely(!p))
		p = medium_grow(l, size, align);
	due = l->medium.credit <= 0;
	if (likely(!due))
		told = account_much(l);
	unlock(l);
	if (unlikely(due && p))
		return medium_sample(l, p, size, align);
	if (unlikely(told && l->exact))
		qn_local_exact_note(l);
	return p;
}

void *qn_local_medium_calloc(struct qn_local *l, size_t size)
{
	struct qn_medium *m = &l->medium;
	char *p;

	m->clean = NULL;
	p = qn_local_medium_alloc(l, size, QN_ALIGN);
	if (unlikely(!p))
		return NULL;
	if (m->clean >= p && m->clean < p + size)
		size = (size_t)(m->clean - p);
	return memset(p, 0, size);
}

/* ---- frees ---- */

void qn_local_medium_much(struct qn_local *l)
{
	lock(l);
	qn_medium_look(&l->medium);
	account(l);
	unlock(l);
}

void qn_local_medium_free(struct qn_local *l, const struct qn_unit *u, void *p)
{
	qn_local_medium_free_inline(l, u, p);
}

/* ---- resizing, and units that others take ---- */

bool qn_local_medium_resize(struct qn_local *l, const struct qn_unit *u,
			    void *p, size_t size)
{
	bool done, told = false;

	qn_assert(size <= QN_MEDIUM_MAX);
	if (u->holder != l)
		return false;
	lock(l);
	done = qn_medium_resize(&l->medium, p, size);
	if (done)
		told = account_much(l);
	unlock(l);
	if (unlikely(told && l->exact))
		qn_local_exact_note(l);
	return done;
}

void qn_local_make_room(struct qn_local *l, size_t bytes)
{
	if (!l->medium.waits ||
	    qn_segments_have_dirty(&l->hub->segments, bytes))
		return;
	lock(l);
	qn_medium_merge(&l->medium);
	/* Chunks that went are dirty now, and no longer what is free here */
	account_much(l);
	unlock(l);
}

__apart void qn_local_medium_settle(struct qn_local *l)
{
	lock(l);
	qn_medium_settle(&l->medium);
	unlock(l);
}

__apart void qn_local_medium_press(struct qn_local *l)
{
	lock(l);
	qn_medium_press(&l->medium);
	account(l);
	unlock(l);
}

/* To look at all that is free is worth it once an eighth of that was taken elsewhere */
#define YIELD_PART 8

__seldom void qn_local_medium_yield(struct qn_local *l)
{
	struct qn_medium *m = &l->medium;
	size_t used = qn_resident_in_use(&m->segments->resident);

	m->yielded = min(m->yielded, used);
	if (used - m->yielded < m->free / YIELD_PART)
		return;
	m->yielded = used;
	lock(l);
	qn_medium_yield(m);
	account(l);
	unlock(l);
}

__apart void qn_local_medium_trim(struct qn_local *l)
{
	lock(l);
	qn_medium_trim(&l->medium);
	unlock(l);
}

__apart const char *qn_local_medium_check(struct qn_local *l)
{
	const char *what;

	lock(l);
	what = qn_medium_check(&l->medium);
	unlock(l);
	return what;
}

/* ---- what others do ---- */

/* The blocks of @list are taken out of it. Return: their bytes */
static __apart size_t list_take(struct qn_local *l, void **list)
{
	struct qn_medium *m = &l->medium;
	size_t bytes = 0;
	void *p, *next, *before = NULL;

	for (p = *list; p; p = next) {
		struct qn_unit *u = qn_segments_find(m->segments, p);

		next = qn_link_get(p);
		if (u && u->kind == QN_UNIT_MEDIUM && u->holder == l) {
			qn_link_after(list, before, next);
			bytes += qn_medium_take(m, u, p);
		} else {
			before = p;
		}
	}
	return bytes;
}

/* Others work on the chunks of @l. Return: false if its thread does. */
static __apart bool others_begin(struct qn_local *l)
{
	struct qn_medium *m = &l->medium;

	qn_assert(qn_port_holds(&l->hub->threads));
	if (!qn_medium_trylock(m))
		return false;
	qn_assert(m->count == &m->free);
	m->count = &m->owed;
	return true;
}

/* @before: m->owed at first; @bytes of blocks were freed */
static __apart void others_end(struct qn_local *l, size_t before, size_t bytes)
{
	struct qn_medium *m = &l->medium;

	m->count = &m->free;
	qn_hub_account_direct(l->hub, -(s64)bytes, 0, 0);
	qn_ledger_slab(&l->hub->ledger, QN_CLASS_DIRECT,
		       (s64)(m->owed - before));
	m->known -= bytes;
	m->known_free += m->owed - before;
	qn_medium_unlock(m);
}

__apart bool qn_local_medium_take(struct qn_local *l, void **list)
{
	struct qn_medium *m = &l->medium;
	size_t before, bytes;

	if (!others_begin(l))
		return false;
	before = m->owed;
	bytes = list_take(l, list);
	qn_medium_relieve(m);
	others_end(l, before, bytes);
	return true;
}

__apart void qn_local_medium_idle(struct qn_local *l)
{
	struct qn_medium *m = &l->medium;
	size_t before;

	if (!m->nr_chunks || !others_begin(l))
		return;
	before = m->owed;
	qn_medium_idle(m);
	others_end(l, before, 0);
}
