// SPDX-License-Identifier: MIT
/*
 * remote.c - frees of other threads' objects, at both ends: the batch of who frees, the
 * inbox of who owns.
 *
 * See local.h for the picture. Order in this file: the inbox, sending, the batch.
 */
#include "local-internal.h"

/* ---- the inbox ---- */

void qn_local_collect(struct qn_local *l)
{
	/* Pairs with the release in inbox_send() */
	void *p = __atomic_exchange_n(&l->inbox, NULL, __ATOMIC_ACQUIRE);

	while (p) {
		void *next = *(void **)p;
		struct qn_unit *u = qn_local_find(l, &l->hub->segments, p);

		__builtin_prefetch(((void **)p)[1], 1);
		if (likely(u && u->owner == l))
			qn_local_free(l, u, p);
		else if (u && u->kind == QN_UNIT_MEDIUM && u->holder == l)
			qn_local_medium_free_inline(l, u, p);
		else
			qn_misuse("free", p, "the block was freed twice");
		p = next;
	}
}

/* ---- sending ---- */

static void inbox_send(struct qn_local *to, void *first, void **last)
{
	void *head = READ_ONCE(to->inbox);

	do {
		*last = head;
		/* Pairs with the acquire in qn_local_collect() */
	} while (!__atomic_compare_exchange_n(&to->inbox, &head, first, true,
					      __ATOMIC_SEQ_CST,
					      __ATOMIC_RELAXED));
}

/* An orphan has nobody to look at its inbox: do it for it */
static void orphan_collect(struct qn_local *to)
{
	struct qn_hub *hub = to->hub;

	qn_port_lock(&hub->threads);
	if (to->state == QN_LOCAL_ORPHAN) {
		qn_local_collect(to);
		/* Nobody may come for its last chunk */
		if (!qn_medium_used(&to->medium))
			qn_medium_settle(&to->medium);
		qn_local_account(to);
	}
	qn_port_unlock(&hub->threads);
}

static void send(struct qn_local *to, void *first, void **last)
{
	inbox_send(to, first, last);
	/* Either this sees the orphan or qn_local_put() sees the inbox */
	if (unlikely(__atomic_load_n(&to->state, __ATOMIC_SEQ_CST) ==
		     QN_LOCAL_ORPHAN))
		orphan_collect(to);
}

/* ---- the batch ---- */

void qn_local_flush_batch(struct qn_local *l)
{
	struct qn_local *to = l->batch_to;

	if (!l->batch)
		return;
	qn_stat_add(l->hub->page->nr_remote, l->batch_nr);
	send(to, l->batch, l->batch_last);
	l->batch = NULL;
	l->batch_nr = 0;
	l->batch_bytes = 0;
	l->batch_to = NULL;
}

void qn_local_free_remote(struct qn_local *l, struct qn_unit *u, void *p)
{
	bool medium = u->kind == QN_UNIT_MEDIUM;
	struct qn_local *to = medium ? u->holder : READ_ONCE(u->owner);
	u32 size = medium ? (u32)qn_medium_size(u, p, "free") : u->osize;

	if (unlikely(l->state != QN_LOCAL_OWNED)) {
		/* A thread that is gone already: no batch any more */
		((void **)p)[1] = NULL;
		send(to, p, p);
		return;
	}
	if (l->batch_to != to) {
		qn_local_flush_batch(l);
		l->batch_to = to;
	}
	((void **)p)[0] = l->batch;
	((void **)p)[1] = l->batch_before[l->batch_nr % QN_BATCH_AHEAD];
	l->batch_before[l->batch_nr % QN_BATCH_AHEAD] = p;
	if (!l->batch)
		l->batch_last = p;
	l->batch = p;
	l->batch_nr++;
	l->batch_bytes += size;
	if (l->batch_nr >= QN_BATCH_OBJECTS || l->batch_bytes >= QN_BATCH_BYTES)
		qn_local_flush_batch(l);
}
