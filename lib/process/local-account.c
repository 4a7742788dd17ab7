// SPDX-License-Identifier: MIT
/*
 * local-account.c - what the statistics know of a thread: accounts of its classes, and
 * mallocs that are counted one by one.
 *
 * Counts are told in slow paths, once much is pending. Where a file is read by others, each
 * of a thread's first mallocs comes to a slow path (qn_local_exact_begin()).
 */
#include "process/local-internal.h"

/* Where all is counted one by one, it is not once the heap has so many units */
#define EXACT_UNITS 1024
/* There all of the page is brought up to date after so many */
#define EXACT_REFRESH 64

/* ---- accounts ---- */

noinline void qn_local_class_account(struct qn_local *l,
				     struct qn_local_class *k)
{
	unsigned int c = (unsigned int)(k - l->class);

	qn_assert(c < QN_NR_CLASSES);
	qn_hub_account(l->hub, c, k->pending_live, (u64)(s64)k->pending_allocs);
	if (k->pending_slab)
		qn_ledger_slab(&l->hub->ledger, c, k->pending_slab);
	k->pending_slab = 0;
	k->pending_live = 0;
	k->pending_allocs = 0;
}

/* Bring what the statistics know of a slab up to date */
void qn_local_slab_sync(struct qn_local *l, struct qn_unit *u)
{
	struct qn_local_class *k = &l->class[u->class];
	u16 kept = (u16)(u->carved - u->hidden);

	qn_assert(u->kind == QN_UNIT_SLAB && u->owner == l);
	qn_assert(u->hidden <= u->carved && u->carved <= u->nr);
	k->pending_slab += ((s32)kept - u->synced_kept) * (s32)u->osize;
	u->synced_kept = kept;
	qn_local_slab_sync_used(k, u);
	qn_local_class_account_much(l, k);
}

/* Of all its slabs, also those that are in no queue; of @s, as far as it was used */
static __apart void segment_sync(struct qn_local *l, const struct qn_segment *s)
{
	size_t end = READ_ONCE(s->frontier);
	struct qn_unit *u = s->units;

	for (size_t i = 0; i < end; i++)
		if (READ_ONCE(u[i].owner) == l)
			qn_local_slab_sync(l, &u[i]);
}

static __apart void slabs_sync(struct qn_local *l)
{
	const struct qn_segments *s = &l->hub->segments;

	for (unsigned int i = 0; i < READ_ONCE(s->space.nr); i++)
		segment_sync(l, &s->space.seg[i]);
	qn_local_account(l);
}

void qn_local_account(struct qn_local *l)
{
	qn_local_medium_account(l);
	for (unsigned int c = 0; c < QN_NR_CLASSES; c++) {
		struct qn_local_class *k = &l->class[c];

		if (k->pending_live || k->pending_allocs || k->pending_slab)
			qn_local_class_account(l, k);
	}
}

u32 qn_local_ready(struct qn_local *l, unsigned int c)
{
	u32 nr = 0;

	qn_assert(c < QN_NR_CLASSES);
	for (void *p = *qn_local_head(l, c); p; p = qn_link_get(p))
		nr++;
	return nr;
}

__apart size_t qn_local_ready_bytes(struct qn_local *l)
{
	size_t bytes = 0;

	for (unsigned int c = 1; c < QN_NR_CLASSES; c++)
		bytes += (size_t)qn_local_ready(l, c) * l->class[c].osize;
	return bytes;
}

__apart void qn_local_account_end(struct qn_local *l)
{
	qn_local_collect(l);
	for (unsigned int c = 1; c < QN_NR_CLASSES; c++) {
		struct qn_local_class *k = &l->class[c];
		s32 nr = (s32)qn_local_ready(l, c);

		k->pending_allocs -= nr;
		k->pending_live -= nr * (s32)k->osize;
	}
	slabs_sync(l);
}

/* ---- counting one by one ---- */

__apart void qn_local_exact_start(struct qn_local *l)
{
	l->exact = l->hub->exact;
	qn_local_exact_go_on(l);
	/* For medium blocks, too */
	qn_local_medium_account(l);
}

__apart void qn_local_exact_begin(struct qn_local *l)
{
	for (unsigned int c = 1; c < QN_NR_CLASSES; c++)
		qn_local_heads_flush(l, c);
	qn_local_exact_start(l);
	slabs_sync(l);
}

static __apart void exact_end(struct qn_local *l)
{
	struct qn_hub *hub = l->hub;

	l->exact = 0;
	l->nr_refills = 0;
	qn_local_medium_account(l);
	WRITE_ONCE(hub->notes_peak, false);
	WRITE_ONCE(hub->page->exact, 0);
}

__apart void qn_local_exact_note(struct qn_local *l)
{
	struct qn_hub *hub = l->hub;
	const struct qn_ledger *ledger = &hub->ledger;
	const struct qn_segment *s = &hub->segments.space.seg[0];

	qn_assert(l->exact > 0);
	/* What was freed meanwhile may not be known yet */
	if (READ_ONCE(hub->notes_peak) &&
	    (s64)READ_ONCE(ledger->live) > (s64)READ_ONCE(ledger->peak_live)) {
		slabs_sync(l);
		qn_hub_raise_peak(hub, READ_ONCE(ledger->live));
	}
	if (l->exact % EXACT_REFRESH == 0)
		qn_hub_refresh(hub);
	if (--l->exact == 0 || READ_ONCE(s->frontier) > EXACT_UNITS)
		exact_end(l);
}
