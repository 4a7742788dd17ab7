// SPDX-License-Identifier: MIT
/*
 * local-slab.c - the slabs of a thread: which is current, which wait in a queue, which leave.
 *
 * A slab is current, full, partial, sparse or draining (enum qn_slab_state). Frees count
 * down to its next event, and qn_local_event() moves it. Order in this file: the queue of
 * partial slabs, slabs that leave, sparse slabs, frees, the current slab, checks.
 */
#include "process/local-internal.h"

/*
 * A slab that becomes sparse is often empty soon after. So its pages wait for so many ms before
 * they are purged, unless such slabs have more bytes than that. More of either purges less in
 * vain, and keeps more where a thread stops.
 */
#define SPARSE_MS    10u
#define SPARSE_YOUNG ((size_t)16 << 20)

/* ---- the queue of partial slabs ---- */

/* The fullest first: those that just woke */
static void queue_add(struct qn_local_class *k, struct qn_unit *u)
{
	qn_assert(!k->head == !k->tail);
	qn_assert(u != k->head && u != k->current);
	qn_assert(u->osize == k->osize);
	u->prev = NULL;
	u->next = k->head;
	if (k->head)
		k->head->prev = u;
	else
		k->tail = u;
	k->head = u;
}

static void queue_add_tail(struct qn_local_class *k, struct qn_unit *u)
{
	qn_assert(!k->head == !k->tail);
	qn_assert(u != k->tail && u != k->current);
	qn_assert(u->osize == k->osize);
	u->prev = k->tail;
	u->next = NULL;
	if (k->tail)
		k->tail->next = u;
	else
		k->head = u;
	k->tail = u;
}

static void queue_del(struct qn_local_class *k, struct qn_unit *u)
{
	qn_assert(u->prev ? u->prev->next == u : k->head == u);
	qn_assert(u->next ? u->next->prev == u : k->tail == u);
	if (u->prev)
		u->prev->next = u->next;
	else
		k->head = u->next;
	if (u->next)
		u->next->prev = u->prev;
	else
		k->tail = u->prev;
}

/* ---- slabs that leave ---- */

static void slab_release(struct qn_local *l, struct qn_unit *u)
{
	size_t bytes = (size_t)(u->carved - u->hidden) * u->osize;
	struct qn_hub *hub = l->hub;

	qn_assert(!qn_slab_used(u));
	qn_assert(u != l->class[u->class].current);
	if (u->free)
		qn_slab_leave(u, qn_local_slab_start(l, u),
			      qn_local_links_to_follow(l));
	qn_local_slab_sync(l, u);
	l->class[u->class].pending_slab -= (s32)bytes;
	/* Or more would seem to be free than there is */
	qn_local_class_account(l, &l->class[u->class]);
	/* Pairs with nothing: no object of it is in use, nobody asks */
	WRITE_ONCE(u->owner, NULL);
	qn_unit_free(&hub->segments, u);
}

/* Slabs from before the class changed its size are not counted. Any thread */
static void class_uncount(struct qn_local_class *k)
{
	u32 nr = READ_ONCE(k->nr_slabs);

	while (nr > 0 &&
	       !__atomic_compare_exchange_n(&k->nr_slabs, &nr, nr - 1, true,
					    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

static void class_slab_release(struct qn_local *l, struct qn_local_class *k,
			       struct qn_unit *u)
{
	class_uncount(k);
	slab_release(l, u);
}

__apart void qn_local_slab_return(struct qn_local *l, struct qn_unit *u)
{
	struct qn_hub *hub = l->hub;
	s64 osize = u->osize;

	qn_assert(qn_port_holds(&hub->threads));
	qn_assert(u->owner == l && u->state == QN_SLAB_FULL);
	class_uncount(&l->class[u->class]);
	qn_hub_account(hub, u->class, -(s64)u->synced * osize, 0);
	qn_ledger_slab(&hub->ledger, u->class, -(s64)u->synced_kept * osize);
	WRITE_ONCE(u->owner, NULL);
	qn_unit_free(&hub->segments, u);
}

/*
 * A slab is sparse where an eighth of it is in use at most, and few enough objects that
 * there may be pages without one
 */
static u32 sparse_most(const struct qn_knobs *knobs, const struct qn_unit *u)
{
	return min((u32)u->nr / 8, (u32)knobs->sparse_objects);
}

/* A full slab wakes when so many of its objects are free */
static u32 slab_wakes(const struct qn_knobs *knobs, const struct qn_unit *u)
{
	return u->nr / (u32)knobs->wake_part;
}

/*
 * The next event: a full slab wakes when a part of it is free; then it is looked at
 * when half of it is in use, when it is sparse, and when nothing is in use.
 */
static void slab_watch(const struct qn_local *l, struct qn_unit *u,
		       enum qn_slab_state state)
{
	const struct qn_knobs *knobs = qn_hub_knobs(l->hub);
	s32 used = (s32)qn_slab_used(u);
	s32 nr = u->nr;
	s32 floor = 0;

	if (state == QN_SLAB_FULL)
		floor = min(nr - (s32)slab_wakes(knobs, u), used - 1);
	else if (used > nr / 2)
		floor = nr / 2;
	else
		floor = (s32)sparse_most(knobs, u);
	if (used <= floor)
		floor = 0;
	qn_slab_watch(u, (u32)used, max(floor, 0));
}

/* @u is no longer current: where does it belong now? */
void qn_local_slab_retire(struct qn_local *l, struct qn_local_class *k,
			  struct qn_unit *u)
{
	enum qn_slab_state state = QN_SLAB_FULL;

	qn_assert(u->state == QN_SLAB_CURRENT && k->current != u);
	qn_assert(k == &l->class[u->class]);
	qn_local_slab_sync(l, u);
	if (qn_slab_used(u) == 0) {
		class_slab_release(l, k, u);
		return;
	}
	if (qn_slab_has_room(u)) {
		state = QN_SLAB_PARTIAL;
		queue_add_tail(k, u);
	}
	slab_watch(l, u, state);
	/* Last: a full slab may be another's from now on (qn_local_slab_return()) */
	qn_slab_set_state(u, state);
}

static __cold void slab_drain(struct qn_local *l, struct qn_unit *u)
{
	qn_local_slab_sync(l, u);
	if (qn_slab_used(u) == 0) {
		slab_release(l, u);
		return;
	}
	qn_slab_set_state(u, QN_SLAB_DRAIN);
	slab_watch(l, u, QN_SLAB_DRAIN);
}

/* ---- sparse slabs ---- */

/* Purge the pages of @u that hold nothing in use */
static __apart void slab_hide(struct qn_local *l, struct qn_unit *u)
{
	char *start = qn_local_slab_start(l, u);
	u32 pages = qn_slab_hide(u, start, l->hub->page_size);

	qn_assert(u->state == QN_SLAB_SPARSE && !u->is_looked_at);
	for (u32 i = 0; i < QN_UNIT_PARTS; i++) {
		u32 n = 0;

		while (pages >> (i + n) & 1)
			n++;
		/* Locked memory, say, stays: only free objects lie there in any case */
		if (n)
			qn_resident_purge(&l->hub->segments.resident, u, start,
					  i, i + n, 0);
		i += n;
	}
	u->is_looked_at = true;
	qn_local_slab_sync(l, u);
}

static size_t sparse_bytes(const struct qn_unit *u)
{
	return (size_t)(u->carved - u->hidden - qn_slab_used(u)) * u->osize;
}

/* Free bytes of the sparse slabs whose pages were not looked at yet */
static size_t class_sparse_bytes(const struct qn_local_class *k)
{
	size_t bytes = 0;
	const struct qn_unit *u = k->tail;

	for (; u && u->state == QN_SLAB_SPARSE; u = u->prev)
		if (!u->is_looked_at)
			bytes += sparse_bytes(u);
	return bytes;
}

/*
 * Purge what can be purged of a class's sparse slabs: of all that are not young, and of
 * young ones, the oldest first, as long as @l->sparse is more than @most.
 */
static __apart void class_sparse_purge(struct qn_local *l,
				       struct qn_local_class *k, size_t most)
{
	struct qn_unit *u = k->tail, *first = NULL;

	for (; u && u->state == QN_SLAB_SPARSE; u = u->prev)
		first = u;
	for (u = first; u; u = u->next) {
		if (u->is_looked_at || (u->is_young && l->sparse <= most))
			continue;
		l->sparse -= sparse_bytes(u);
		slab_hide(l, u);
	}
}

/* Those that stay are no longer young */
static __apart void class_sparse_ripen(struct qn_local_class *k)
{
	struct qn_unit *u = k->tail;

	for (; u && u->state == QN_SLAB_SPARSE; u = u->prev)
		u->is_young = false;
}

/*
 * Perhaps there is much free memory in sparse slabs: @l->sparse knows what came, not
 * what left since. @most: what young ones may keep.
 */
static __apart void sparse_look(struct qn_local *l, size_t limit, size_t most)
{
	u32 now = (u32)(qn_port_clock_coarse() / 1000);
	bool is_time = now - l->sparse_looked >= SPARSE_MS;

	if (!is_time && l->sparse <= most)
		return;
	l->sparse = 0;
	for (unsigned int c = 1; c < QN_NR_CLASSES; c++)
		l->sparse += class_sparse_bytes(&l->class[c]);
	for (unsigned int c = 1; c < QN_NR_CLASSES; c++) {
		if (l->sparse > limit / 4 * 3)
			class_sparse_purge(l, &l->class[c], most / 2);
		if (is_time)
			class_sparse_ripen(&l->class[c]);
	}
	if (is_time)
		l->sparse_looked = now;
	l->sparse_waits = l->sparse > limit;
}

/* What @l may keep with them; threads at work share what young ones may have */
static __apart size_t young_most(const struct qn_local *l, size_t limit)
{
	const struct qn_resident *r = &l->hub->segments.resident;

	if (!limit)
		return 0;
	return limit + SPARSE_YOUNG / max(READ_ONCE(r->nr_holders), 1u);
}

__apart void qn_local_sparse_press(struct qn_local *l)
{
	size_t limit =
		qn_resident_limit(&l->hub->segments.resident, QN_KEEP_SPARSE);

	l->sparse = SIZE_MAX;
	sparse_look(l, limit, limit);
}

__apart void qn_local_sparse_again(struct qn_local *l)
{
	size_t limit =
		qn_resident_limit(&l->hub->segments.resident, QN_KEEP_SPARSE);

	sparse_look(l, limit, young_most(l, limit));
}

/* @u came down to an eighth: it is the last to be used and may be purged */
static void slab_thin_out(struct qn_local *l, struct qn_local_class *k,
			  struct qn_unit *u)
{
	size_t limit;

	qn_assert(u->state == QN_SLAB_PARTIAL);
	qn_assert(qn_slab_used(u) > 0);
	qn_slab_set_state(u, QN_SLAB_SPARSE);
	u->is_looked_at = false;
	u->is_young = true;
	queue_del(k, u);
	queue_add_tail(k, u);
	l->sparse += sparse_bytes(u);
	limit = qn_resident_limit(&l->hub->segments.resident, QN_KEEP_SPARSE);
	if (l->sparse > limit)
		sparse_look(l, limit, young_most(l, limit));
}

/* A slab with hidden objects is needed again */
static __apart void slab_show(struct qn_local *l, struct qn_unit *u)
{
	qn_assert(u->state == QN_SLAB_SPARSE && u->is_looked_at);
	qn_resident_touch(&l->hub->segments.resident, u,
			  u->hidden_pages & qn_slab_parts(u));
	qn_slab_show(u, qn_local_slab_start(l, u));
	qn_local_slab_sync(l, u);
}

/* ---- frees ---- */

void qn_local_event(struct qn_local *l, struct qn_unit *u)
{
	struct qn_local_class *k = &l->class[u->class];

	if (unlikely(u->state == QN_SLAB_CURRENT))
		qn_misuse("free", u->free, "the block was freed twice");
	qn_assert(!u->count);
	if (u->state == QN_SLAB_FULL && u->osize == k->osize) {
		qn_slab_set_state(u, QN_SLAB_PARTIAL);
		queue_add(k, u);
	} else {
		qn_local_slab_sync(l, u);
	}
	if (qn_slab_used(u) > 0) {
		slab_watch(l, u, u->state);
		if (u->state == QN_SLAB_PARTIAL &&
		    qn_slab_used(u) <= sparse_most(qn_hub_knobs(l->hub), u))
			slab_thin_out(l, k, u);
		return;
	}
	if (u->state == QN_SLAB_PARTIAL || u->state == QN_SLAB_SPARSE) {
		queue_del(k, u);
		class_slab_release(l, k, u);
		return;
	}
	slab_release(l, u);
}

/* Objects waiting in a list go back to their slabs */
void qn_local_heads_flush(struct qn_local *l, unsigned int c)
{
	void **head = qn_local_head(l, c);
	void *p = *head, *last = p;

	qn_assert(c > 0 && c < QN_NR_CLASSES);
	*head = NULL;
	while (p) {
		struct qn_unit *u = qn_local_find(l, &l->hub->segments, p);

		if (unlikely(!u || u->owner != l))
			qn_misuse("free", last, QN_SLAB_WRITTEN);
		/* It was never malloc's */
		l->class[c].pending_allocs--;
		last = p;
		p = qn_link_get(p);
		qn_local_free(l, u, last);
	}
}

/* The class starts afresh: what it has is not handed out any more */
__apart void qn_local_class_retire(struct qn_local *l, unsigned int c)
{
	struct qn_local_class *k = &l->class[c];
	struct qn_unit *u, *next;

	qn_assert(c > 0);
	qn_local_heads_flush(l, c);
	for (u = k->head; u; u = next) {
		next = u->next;
		queue_del(k, u);
		slab_drain(l, u);
	}
	qn_assert(!k->head && !k->tail);
	u = k->current;
	k->current = NULL;
	if (u)
		slab_drain(l, u);
	WRITE_ONCE(k->nr_slabs, 0);
	k->osize = 0;
}

/* ---- the current slab ---- */

static __cold struct qn_unit *slab_new(struct qn_local *l,
				       struct qn_local_class *k)
{
	struct qn_unit *u;

	qn_local_make_room(l, QN_UNIT_SIZE);
	u = qn_unit_alloc(&l->hub->segments, READ_ONCE(k->nr_slabs) > 0);
	if (!u)
		return NULL;
	qn_assert(u->kind == QN_UNIT_SLAB && !u->owner);
	qn_assert(k->osize <= QN_SLAB_MAX);
	qn_slab_init(u, l, (unsigned int)(k - l->class), k->osize);
	qn_local_see_units(l);
	__atomic_fetch_add(&k->nr_slabs, 1, __ATOMIC_RELAXED);
	return u;
}

/* The first in the queue is to be the current one: its caller sets @k->current */
static __always_inline struct qn_unit *queue_take(struct qn_local_class *k)
{
	struct qn_unit *u = k->head;

	qn_assert(u->state == QN_SLAB_PARTIAL || u->state == QN_SLAB_SPARSE);
	qn_assert(!u->hidden && u != k->current);
	queue_del(k, u);
	qn_slab_set_state(u, QN_SLAB_CURRENT);
	qn_slab_watch(u, qn_slab_used(u), -1);
	return u;
}

/* A current slab with few free objects waits for more, and so do the statistics */
static __always_inline void slab_fill(struct qn_unit *u, u32 wakes)
{
	u32 used = qn_slab_used(u);

	qn_slab_watch(u, used, (s32)min(u->nr - wakes, used - 1));
	qn_slab_set_state(u, QN_SLAB_FULL);
}

struct qn_unit *qn_local_class_woken(struct qn_local *l,
				     struct qn_local_class *k)
{
	struct qn_unit *old = k->current;
	struct qn_unit *u = k->head;

	if (u->state != QN_SLAB_PARTIAL ||
	    qn_slab_nr_free(u) <= qn_slab_nr_free(old))
		return old;
	k->current = queue_take(k);
	if (qn_slab_can_carve(old))
		qn_local_slab_retire(l, k, old);
	else
		slab_fill(old, slab_wakes(qn_hub_knobs(l->hub), old));
	return u;
}

/* A slab with room becomes the current one */
struct qn_unit *qn_local_class_next_slab(struct qn_local *l,
					 struct qn_local_class *k)
{
	struct qn_unit *old = k->current;
	struct qn_unit *u = k->head;

	if (u) {
		if (u->hidden)
			slab_show(l, u);
		queue_take(k);
	} else {
		u = slab_new(l, k);
		if (!u)
			return NULL;
	}
	qn_assert(u != old && qn_slab_has_room(u));
	k->current = u;
	if (old)
		qn_local_slab_retire(l, k, old);
	return u;
}

/* ---- checks ---- */

static __apart const char *slab_check(const struct qn_local *l,
				      const struct qn_unit *u)
{
	u32 nr = 0;

	if (u->kind != QN_UNIT_SLAB || u->owner != l)
		return "a queue holds something that is no slab of its thread";
	if (u->carved > u->nr || qn_slab_used(u) > u->carved)
		return "a slab has more objects in use than were carved";
	for (void *p = u->free; p && nr <= u->carved; p = qn_link_get(p))
		nr++;
	if (nr + u->hidden + qn_slab_used(u) != u->carved)
		return "a slab's free list has not the length that it counts";
	return NULL;
}

static __apart const char *class_check(const struct qn_local *l,
				       const struct qn_local_class *k)
{
	const char *what = NULL;

	for (struct qn_unit *u = k->head; u && !what; u = u->next) {
		what = slab_check(l, u);
		if (!what && u->state != QN_SLAB_PARTIAL &&
		    u->state != QN_SLAB_SPARSE)
			what = "a queued slab is neither partial nor sparse";
		if (!what && !qn_slab_has_room(u))
			what = "a queued slab has no room";
		if (!what && u->osize != k->osize)
			what = "a queued slab has other objects than its class";
	}
	if (!what && k->current)
		what = slab_check(l, k->current);
	return what;
}

__apart const char *qn_local_check(struct qn_local *l)
{
	const char *what = NULL;

	qn_local_collect(l);
	for (unsigned int c = 0; c < QN_NR_CLASSES && !what; c++)
		what = class_check(l, &l->class[c]);
	return what ? what : qn_local_medium_check(l);
}
