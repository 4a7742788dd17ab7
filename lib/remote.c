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
	struct qn_sent *p =
		__atomic_exchange_n(&l->inbox, NULL, __ATOMIC_ACQUIRE);

	while (p) {
		struct qn_sent *next = p->next;
		struct qn_unit *u = qn_local_find(l, &l->hub->segments, p);

		__builtin_prefetch((char *)p + (s32)p->ahead, 1);
		if (likely(u && u->owner == l && u->free != p))
			qn_local_free(l, u, p);
		else if (u && u->kind == QN_UNIT_MEDIUM && u->holder == l)
			qn_local_medium_free_inline(l, u, p);
		else
			qn_misuse("free", p, "the block was freed twice");
		p = next;
	}
}

/* ---- sending ---- */

static void inbox_send(struct qn_local *to, struct qn_sent *first,
		       struct qn_sent *last)
{
	struct qn_sent *head = READ_ONCE(to->inbox);

	do {
		last->next = head;
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

static void send(struct qn_local *to, struct qn_sent *first,
		 struct qn_sent *last)
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
	l->batch_key += 0x9e3779b1u;
}

/* Is @p, which may have the key of the batch by chance, in it? */
static void batch_look(const struct qn_local *l, const void *p, u32 size)
{
	const struct qn_sent *s = l->batch;

	for (u32 nr = l->batch_nr; nr > 0; nr--, s = s->next)
		if (s == p)
			qn_misuse_of("free", p, size, QN_SLAB_TWICE);
}

static __always_inline void batch_add(struct qn_local *l, struct qn_sent *s,
				      u32 size)
{
	struct qn_sent **before =
		&l->batch_before[l->batch_nr % QN_BATCH_AHEAD];

	s->next = l->batch;
	/* Apart, or they are put together in a register first */
	WRITE_ONCE(s->ahead, (u32)((char *)*before - (char *)s));
	WRITE_ONCE(s->key, l->batch_key);
	*before = s;
	if (!l->batch)
		l->batch_last = s;
	l->batch = s;
	l->batch_nr++;
	l->batch_bytes += size;
	if (l->batch_nr >= QN_BATCH_OBJECTS || l->batch_bytes >= QN_BATCH_BYTES)
		qn_local_flush_batch(l);
}

/* The batch is another owner's, or seems to have the object already */
static noinline void batch_begin(struct qn_local *l, struct qn_local *to,
				 struct qn_sent *s, u32 size)
{
	if (unlikely(l->state != QN_LOCAL_OWNED)) {
		/* A thread that is gone already: no batch any more */
		s->ahead = 0;
		send(to, s, s);
		return;
	}
	if (l->batch_to != to) {
		qn_local_flush_batch(l);
		l->batch_to = to;
	}
	batch_look(l, s, size);
	batch_add(l, s, size);
}

/* A local without a thread has no batch, so it has no owner that this could be */
static __always_inline void batch_put(struct qn_local *l, struct qn_local *to,
				      struct qn_sent *s, u32 size)
{
	if (likely(l->batch_to == to && s->key != l->batch_key))
		batch_add(l, s, size);
	else
		batch_begin(l, to, s, size);
}

static noinline void free_remote_medium(struct qn_local *l,
					const struct qn_unit *u, void *p)
{
	size_t tag = 0, size;

	/* Before a unit there may be nothing to read */
	if (likely((uintptr_t)p % QN_UNIT_SIZE))
		tag = qn_medium_tag(p);
	size = qn_tag_size(tag) - sizeof(size_t);
	/* This has a message for what is no block */
	if (unlikely(!tag))
		size = qn_medium_size(u, p, "free");
	batch_put(l, u->holder, p, (u32)size);
}

void qn_local_free_remote(struct qn_local *l, struct qn_unit *u, void *p)
{
	if (likely(u->kind != QN_UNIT_MEDIUM))
		batch_put(l, READ_ONCE(u->owner), p, u->osize);
	else
		free_remote_medium(l, u, p);
}
