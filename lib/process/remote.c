// SPDX-License-Identifier: MIT
/*
 * remote.c - frees of other threads' objects, at both ends: the batch of who frees, the
 * inbox of who owns.
 *
 * See local.h for the picture. Order in this file: the inbox, sending, a thread that does
 * not look, the batch.
 *
 * A thread that sleeps does not look at its inbox. Once its patience (256 KB by
 * default) and the bytes that were left last time wait there, the sender does what can be done
 * without the owner, under hub.threads (inbox_relieve()):
 *
 *  - Medium blocks are merged with their free neighbours, under the lock of the owner's
 *    chunks. Chunks that are all free go back to the segments, where all threads find
 *    them. Pages of free runs are purged if they exceed a limit (qn_medium_relieve()).
 *  - A full slab all of whose objects were sent is on no list of the owner's. It goes
 *    back to the segments.
 *  - Objects of other slabs go back to the inbox.
 *
 * An owner that looks within QN_SLEEP_MS after another did was only late. Then its
 * patience doubles, up to 16 MB. A purge for a sleeping owner counts as a
 * refault only if the owner wants the pages back within that time.
 *
 * Free memory that a sleeping thread keeps at most; used, boost: see qn_segments:
 *
 *	in chunks		1 MB + (used/16 + boost) / threads that have chunks;
 *				half of that once others free its blocks
 *	in sparse slabs		512 KB + used/16 + half of boost, 8 MB of it at most, for
 *				all threads together
 *	in other slabs		seven eighths of each, or all but 32 objects
 *	lists of its classes	what was handed to them
 *	its batch		QN_BATCH_BYTES of others' objects
 *	its inbox		its patience, and objects of slabs that are partly in use
 */
#include "process/local-internal.h"

static u32 now_ms(void)
{
	return (u32)(qn_port_clock() / 1000) | 1;
}

/* ---- the inbox ---- */

/* All that is there */
static __always_inline void *inbox_take(struct qn_local *l)
{
	WRITE_ONCE(l->sent, 0);
	WRITE_ONCE(l->kept, 0);
	/*
	 * Pairs with the release in inbox_send(). In qn_local_put() it must not come before
	 * the store of the state: an acquire alone may.
	 */
	return __atomic_exchange_n(&l->inbox, NULL, __ATOMIC_SEQ_CST);
}

/* The owner looks, after another did: had it slept? */
static noinline __apart void patience_learn(struct qn_local *l)
{
	u32 past = now_ms() - READ_ONCE(l->relieved);
	const struct qn_knobs *knobs = qn_hub_knobs(l->hub);
	size_t more = min(2 * l->patience, knobs->patience_most);

	WRITE_ONCE(l->relieved, 0);
	WRITE_ONCE(l->patience, past < QN_SLEEP_MS ? more : knobs->patience);
}

void qn_local_collect(struct qn_local *l)
{
	struct qn_sent *p = inbox_take(l);

	if (unlikely(READ_ONCE(l->relieved)))
		patience_learn(l);
	while (p) {
		struct qn_sent *next = qn_link_get(p);
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

	qn_assert(first && last);
	do {
		qn_link_set(last, head);
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
			qn_local_medium_settle(to);
		qn_local_account(to);
	}
	qn_port_unlock(&hub->threads);
}

/* ---- a thread that does not look ---- */

/*
 * A full slab is on no list of its owner's. If all its objects are in the inbox as well,
 * the owner has no way to reach it, so another thread can give it back. hub.returned has
 * room for one slab of those whose units share a place there: the others wait for
 * another time.
 */
static struct qn_returned *returned_at(struct qn_hub *hub,
				       const struct qn_unit *u)
{
	return &hub->returned[(uintptr_t)u / sizeof(*u) % QN_HUB_RETURNED];
}

static __apart void returned_count(struct qn_hub *hub, void *p)
{
	for (; p; p = qn_link_get(p)) {
		struct qn_unit *u = qn_segments_find(&hub->segments, p);
		struct qn_returned *r = returned_at(hub, u);

		qn_assert(u && u->kind == QN_UNIT_SLAB);
		if (!r->slab)
			*r = (struct qn_returned){ .slab = u };
		if (r->slab != u)
			continue;
		r->nr++;
		r->sum += (uintptr_t)p % QN_UNIT_SIZE;
	}
}

/* Are all objects of a full slab there */
static __apart bool returned_all(const struct qn_returned *r)
{
	const struct qn_unit *u = r->slab;
	u64 sum = (u64)u->nr * (u->nr - 1u) / 2 * u->osize;

	/* Pairs with the release in slab_retire() */
	if (r->nr != u->nr || smp_load_acquire(&u->state) != QN_SLAB_FULL)
		return false;
	if (r->sum != sum)
		qn_misuse("free", u, "a block was freed twice");
	return true;
}

/* Only slabs that are complete stay in the table. Return: how many */
static __apart u32 returned_choose(struct qn_hub *hub)
{
	u32 nr = 0;

	for (u32 i = 0; i < QN_HUB_RETURNED; i++) {
		struct qn_returned *r = &hub->returned[i];

		if (!r->slab)
			continue;
		if (returned_all(r))
			nr++;
		else
			r->slab = NULL;
	}
	return nr;
}

static __apart void returned_release(struct qn_local *to)
{
	struct qn_hub *hub = to->hub;

	for (u32 i = 0; i < QN_HUB_RETURNED; i++) {
		struct qn_returned *r = &hub->returned[i];

		if (r->slab)
			qn_local_slab_return(to, r->slab);
		r->slab = NULL;
	}
}

/* Objects of @list whose slabs are complete are taken out of it, and the slabs go */
static noinline __apart void slabs_take(struct qn_local *to, void **list)
{
	struct qn_hub *hub = to->hub;
	void *p, *before = NULL;

	qn_assert(qn_port_holds(&hub->threads));
	returned_count(hub, *list);
	if (!returned_choose(hub))
		return;
	for (p = *list; p; p = qn_link_get(p)) {
		struct qn_unit *u = qn_segments_find(&hub->segments, p);

		if (returned_at(hub, u)->slab == u)
			qn_link_after(list, before, qn_link_get(p));
		else
			before = p;
	}
	returned_release(to);
}

/* What is left goes back: the owner will have it */
static __apart void inbox_put_back(struct qn_local *to, void *list)
{
	size_t bytes = 0;
	struct qn_sent *last = NULL;

	for (struct qn_sent *p = list; p; p = qn_link_get(p)) {
		bytes += qn_segments_find(&to->hub->segments, p)->osize;
		/* The one that it names may be gone */
		p->ahead = 0;
		last = p;
	}
	if (last)
		inbox_send(to, list, last);
	WRITE_ONCE(to->kept, bytes);
}

/*
 * Much waits for a thread that does not look: it sleeps, perhaps. What can be done for it
 * by others is done, since they could use the memory.
 */
static noinline __apart void inbox_relieve(struct qn_local *to)
{
	struct qn_hub *hub = to->hub;
	void *list;

	if (!qn_port_trylock(&hub->threads))
		return;
	if (to->state == QN_LOCAL_OWNED) {
		list = inbox_take(to);
		if (qn_local_medium_take(to, &list) && list)
			slabs_take(to, &list);
		inbox_put_back(to, list);
		WRITE_ONCE(to->relieved, now_ms());
	}
	qn_port_unlock(&hub->threads);
}

static void send(struct qn_local *to, struct qn_sent *first,
		 struct qn_sent *last, size_t bytes)
{
	qn_assert(to != &qn_local_none);
	qn_assert(bytes > 0);
	bytes += __atomic_fetch_add(&to->sent, bytes, __ATOMIC_RELAXED);
	inbox_send(to, first, last);
	/* Either this sees the orphan or qn_local_put() sees the inbox */
	if (unlikely(__atomic_load_n(&to->state, __ATOMIC_SEQ_CST) ==
		     QN_LOCAL_ORPHAN))
		orphan_collect(to);
	else if (unlikely(bytes >
			  READ_ONCE(to->patience) + READ_ONCE(to->kept)))
		inbox_relieve(to);
}

/* ---- the batch ---- */

void qn_local_flush_batch(struct qn_local *l)
{
	struct qn_local *to = l->batch_to;

	if (!l->batch)
		return;
	qn_assert(to && l->batch_last);
	qn_assert(l->batch_nr > 0 && l->batch_nr <= QN_BATCH_OBJECTS);
	qn_stat_add(l->hub->page->nr_remote, l->batch_nr);
	send(to, l->batch, l->batch_last, l->batch_bytes);
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

	for (u32 nr = l->batch_nr; nr > 0; nr--, s = qn_link_get(s))
		if (s == p)
			qn_misuse_of("free", p, size, QN_SLAB_TWICE);
}

static __always_inline void batch_add(struct qn_local *l, struct qn_sent *s,
				      u32 size)
{
	struct qn_sent **before =
		&l->batch_before[l->batch_nr % QN_BATCH_AHEAD];

	qn_assert(l->batch_to && l->batch_to != l);
	qn_assert(!l->batch == !l->batch_nr);
	qn_assert(l->batch_nr < QN_BATCH_OBJECTS);
	qn_link_set(s, l->batch);
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

/* A block of the thread's own that lies apart: no batch has those */
static noinline void apart_free(struct qn_local *l, void *p)
{
	struct qn_unit *u = qn_local_find(l, &l->hub->segments, p);

	if (u->kind == QN_UNIT_MEDIUM)
		qn_local_medium_free(l, u, p);
	else
		qn_local_free(l, u, p);
}

/* The batch is another owner's, or seems to have the object already */
static noinline void batch_begin(struct qn_local *l, struct qn_local *to,
				 struct qn_sent *s, u32 size)
{
	qn_assert(to && size > 0);
	if (unlikely(to == qn_self_apart)) {
		apart_free(to, s);
		return;
	}
	if (unlikely(l->state != QN_LOCAL_OWNED)) {
		/* A thread that is gone already: no batch any more */
		s->ahead = 0;
		send(to, s, s, size);
		return;
	}
	if (l->batch_to != to) {
		qn_local_flush_batch(l);
		qn_assert(!l->batch && !l->batch_bytes);
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
	if (unlikely(size == SIZE_MAX))
		return;
	batch_put(l, u->holder, p, (u32)size);
}

void qn_local_free_remote(struct qn_local *l, struct qn_unit *u, void *p)
{
	if (likely(u->kind != QN_UNIT_MEDIUM))
		batch_put(l, READ_ONCE(u->owner), p, u->osize);
	else
		free_remote_medium(l, u, p);
}
