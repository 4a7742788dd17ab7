// SPDX-License-Identifier: MIT
/*
 * process-direct.c - blocks that no thread owns: large ones, which are runs of units, and
 * blocks of whole pages (share.h). Both are accounted and sampled as class QN_CLASS_DIRECT.
 */
#include "process/process-internal.h"

#include "process/process-sites.h"
#include "process/slack.h"

/* ---- accounts and samples ---- */

static void direct_account(s64 more, u64 total, u64 nr_allocs)
{
	qn_hub_account_direct(&qn_hub, more, total, nr_allocs);
	if (unlikely(qn_self->exact))
		qn_local_exact_note(qn_self);
}

/* A large block or one of whole pages came: samples, and what is kept of them */
static void direct_note(struct qn_local *l, void *p, size_t size)
{
	u32 nr;

	qn_follow_tick(&qn_hub.follow, size);
	nr = qn_local_sample(l, &l->class[QN_CLASS_DIRECT], size,
			     min(size / qn_hub_direct_part(&qn_hub),
				 (size_t)UINT32_MAX / 2));
	if (unlikely(nr && qn_hub.follow.sites.page))
		qn_process_sites_hold(&qn_hub, l, p, nr);
}

/* What goes must be looked up while it is there */
static void direct_forget(const void *p)
{
	if (unlikely(qn_hub.follow.sites.page))
		qn_sites_drop(&qn_hub.follow.sites, p);
}

/* ---- large blocks ---- */

static size_t units_of(size_t size)
{
	return size / QN_UNIT_SIZE + (size % QN_UNIT_SIZE != 0);
}

static void large_set_bytes(struct qn_unit *u, size_t size, u64 nr_allocs)
{
	s64 more = (s64)size - (s64)(nr_allocs ? 0 : u->bytes);

	qn_assert(u->kind == QN_UNIT_LARGE);
	qn_assert(size <= u->run.size << QN_UNIT_SHIFT);
	qn_assert(size > (u->run.size - 1) << QN_UNIT_SHIFT);
	qn_slack_end(u);
	u->bytes = size;
	direct_account(more, nr_allocs ? size : 0, nr_allocs);
}

void *qn_process_large_alloc(struct qn_local *l, size_t size, size_t align,
			     size_t *old)
{
	struct qn_unit *u;
	size_t units = max(align >> QN_UNIT_SHIFT, (size_t)1);
	bool zeroed;
	void *p;

	if (size > PTRDIFF_MAX || align > PTRDIFF_MAX / 2)
		return NULL;
	qn_local_make_room(l, size);
	u = qn_run_alloc(&qn_hub.segments, units_of(size), units, QN_UNIT_LARGE,
			 &zeroed);
	if (!u)
		return NULL;
	qn_assert(u->kind == QN_UNIT_LARGE && !u->owner);
	qn_assert(u->run.size == units_of(size));
	*old = zeroed ? 0 : min(size, qn_resident_end(u, u->run.size));
	large_set_bytes(u, size, 1);
	p = qn_unit_start(&qn_hub.segments, u);
	qn_assert(is_aligned((uintptr_t)p, align));
	qn_assert(is_aligned((uintptr_t)p, QN_UNIT_SIZE));
	qn_slack_set(u, p, zeroed);
	direct_note(l, p, size);
	return p;
}

/* @dirty: bytes of it that may be resident */
void qn_process_large_free(struct qn_unit *u, size_t dirty)
{
	size_t bytes = u->bytes;

	qn_assert(u->kind == QN_UNIT_LARGE);
	qn_assert(dirty <= u->run.size << QN_UNIT_SHIFT);
	direct_forget(qn_unit_start(&qn_hub.segments, u));
	qn_slack_end(u);
	qn_hub_account_large(&qn_hub, -(s64)bytes, 0);
	if (!dirty)
		qn_resident_forget(u, u->run.size);
	qn_run_free(&qn_hub.segments, u, dirty);
}

/* Stay where it is if the run can be made to fit */
__seldom bool qn_process_large_resize(struct qn_unit *u, size_t size)
{
	size_t nr = units_of(size);
	size_t kept = nr << QN_UNIT_SHIFT;

	/* From now on nobody knows that more was written */
	if (size < u->bytes)
		qn_resident_note(u, u->bytes);
	if (size > PTRDIFF_MAX ||
	    !qn_run_resize(&qn_hub.segments, u, nr,
			   u->bytes > kept ? u->bytes - kept : 0))
		return false;
	large_set_bytes(u, size, 0);
	qn_slack_set(u, qn_unit_start(&qn_hub.segments, u), false);
	return true;
}

/* ---- blocks of whole pages ---- */

__seldom void *qn_process_shared_alloc(struct qn_local *l, size_t size,
				       size_t align, size_t *old)
{
	void *p;

	if (!qn_share_may_serve(&qn_hub.segments, size))
		qn_local_make_room(l, QN_SHARE_UNITS * QN_UNIT_SIZE);
	p = qn_share_alloc(&qn_hub.segments, size, align, old);
	if (!p)
		return NULL;
	qn_assert(is_aligned((uintptr_t)p, max(align, QN_PART_SIZE)));
	size = round_up(size, QN_PART_SIZE);
	direct_account((s64)size, size, 1);
	direct_note(l, p, size);
	return p;
}

static __apart void shared_refuse(const char *where, const void *p,
				  const struct qn_unit *u)
{
	size_t at = (uintptr_t)p % QN_UNIT_SIZE;

	qn_refuse(where, p, SIZE_MAX,
		  at % QN_PART_SIZE || u->busy >> at / QN_PART_SIZE & 1 ?
			  "the pointer is not the start of a block" :
			  "the block was freed already");
}

__seldom size_t qn_process_shared_size(struct qn_unit *u, const void *p,
				       const char *where)
{
	size_t bytes = qn_share_size(&qn_hub.segments, u, p);

	if (likely(bytes))
		return bytes;
	shared_refuse(where, p, u);
	return SIZE_MAX;
}

__seldom void qn_process_shared_free(struct qn_unit *u, void *p, bool dirty)
{
	size_t bytes;

	direct_forget(p);
	bytes = qn_share_free(&qn_hub.segments, u, p, dirty);
	if (unlikely(!bytes))
		shared_refuse("free", p, u);
	else
		qn_hub_account_large(&qn_hub, -(s64)bytes, 0);
}

__seldom bool qn_process_shared_resize(struct qn_unit *u, void *p, size_t size)
{
	size_t old = qn_share_size(&qn_hub.segments, u, p);

	if (size < QN_PART_SIZE / 2 || size > QN_SHARE_BYTES ||
	    !qn_share_resize(&qn_hub.segments, u, p, size))
		return false;
	direct_account((s64)round_up(size, QN_PART_SIZE) - (s64)old, 0, 0);
	return true;
}
