// SPDX-License-Identifier: MIT
/*
 * local.c - a thread's slabs: refill, events, life cycle.
 *
 * See local.h for the picture; medium blocks are in local-medium.c, frees of other threads'
 * objects in remote.c. Order in this file: queues, accounts, samples, slabs that leave,
 * sparse slabs, frees, refill, tables, life cycle, checks.
 */
#include "process/local-internal.h"

#include <string.h>

/* Account a class once so many bytes or objects are pending */
#define PENDING_BYTES   (64 << 10)
#define PENDING_OBJECTS 1024
/* Of objects from this size on all that a slab has, where it is resident */
#define CARVE_LARGE 256u
/* A thread hands samples in at least once in so many refills */
#define REFILLS_A_LOOK 1024
/*
 * Links of a list that are followed when it is handed over; of one in so many lists,
 * and of a thread's first ones, all
 */
#define LINKS_A_REFILL 4
#define REFILLS_A_WALK 32
#define REFILLS_FIRST  64
/* A class with fewer objects and bytes at hand is given more, now and then */
#define FEW_OBJECTS 32u
#define FEW_BYTES   16384u
/*
 * A list is followed so far at most to be cut for a sample: to the end of any list of a
 * class that serves several sizes in steps, so that no size is seen more than another
 */
#define CUT_MOST 256u
_Static_assert(QN_UNIT_SIZE / CUT_MOST <= (QN_READY_STEPS - 1) * QN_STEP,
	       "of classes below, each serves one size in steps");
/* The first slow refills of a thread are accounted at once */
#define SLOW_FIRST 4096
/* Where all is counted one by one, it is not once the heap has so many units */
#define EXACT_UNITS 1024
/* There all of the page is brought up to date after so many */
#define EXACT_REFRESH 64

/*
 * Has no memory and no units: sends every call to the slow path. Never written, and little
 * of it is read, so it lies behind what processes touch.
 */
struct qn_local qn_local_none __bss_apart;
__thread struct qn_local *qn_self = &qn_local_none;
__thread void *qn_ready[QN_READY_STEPS];

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

/* ---- accounts ---- */

static noinline void class_account(struct qn_local *l, struct qn_local_class *k)
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

static __always_inline void class_account_much(struct qn_local *l,
					       struct qn_local_class *k)
{
	if (unlikely(k->pending_live >= PENDING_BYTES ||
		     k->pending_live <= -PENDING_BYTES ||
		     k->pending_allocs >= PENDING_OBJECTS))
		class_account(l, k);
}

/* Objects of @u came into use or out of it */
static __always_inline void slab_sync_used(struct qn_local_class *k,
					   struct qn_unit *u)
{
	u16 used = (u16)qn_slab_used(u);

	k->pending_live += ((s32)used - (s32)u->synced) * (s32)u->osize;
	u->synced = used;
}

/* Bring what the statistics know of a slab up to date */
static void slab_sync(struct qn_local *l, struct qn_unit *u)
{
	struct qn_local_class *k = &l->class[u->class];
	u16 kept = (u16)(u->carved - u->hidden);

	qn_assert(u->kind == QN_UNIT_SLAB && u->owner == l);
	qn_assert(u->hidden <= u->carved && u->carved <= u->nr);
	k->pending_slab += ((s32)kept - u->synced_kept) * (s32)u->osize;
	u->synced_kept = kept;
	slab_sync_used(k, u);
	class_account_much(l, k);
}

void qn_local_slab_sync(struct qn_local *l, struct qn_unit *u)
{
	slab_sync(l, u);
}

/* Of all its slabs, also those that are in no queue; of @s, as far as it was used */
static __apart void segment_sync(struct qn_local *l, const struct qn_segment *s)
{
	size_t end = READ_ONCE(s->frontier);
	struct qn_unit *u = s->units;

	for (size_t i = 0; i < end; i++)
		if (READ_ONCE(u[i].owner) == l)
			slab_sync(l, &u[i]);
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
			class_account(l, k);
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

/* A thread with an empty list comes to the slow path, and there to a look around */
static void exact_go_on(struct qn_local *l)
{
	l->nr_refills = UINT32_MAX;
}

static void exact_begin(struct qn_local *l)
{
	l->exact = l->hub->exact;
	exact_go_on(l);
	/* For medium blocks, too */
	qn_local_medium_account(l);
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
	const struct qn_stats_page *page = hub->page;
	const struct qn_segment *s = &hub->segments.space.seg[0];

	qn_assert(l->exact > 0);
	/* What was freed meanwhile may not be known yet */
	if (READ_ONCE(hub->notes_peak) &&
	    (s64)READ_ONCE(hub->ledger.live) > (s64)page->peak_live) {
		slabs_sync(l);
		qn_hub_raise_peak(hub, READ_ONCE(hub->ledger.live));
	}
	if (l->exact % EXACT_REFRESH == 0)
		qn_hub_refresh(hub);
	if (--l->exact == 0 || READ_ONCE(s->frontier) > EXACT_UNITS)
		exact_end(l);
}

/* ---- samples ---- */

static void hand_in_samples(struct qn_local *l)
{
	qn_assert(l->nr_samples <= QN_LOCAL_SAMPLES);
	WRITE_ONCE(l->handed_in, l->nr_refills);
	/* Should the process be killed, this is what is known of it */
	if (l->hub->is_watched)
		qn_local_account(l);
	l->sampler.interval = READ_ONCE(l->hub->sampler.interval);
	if (qn_hub_learn(l->hub, l->samples, l->nr_samples) ||
	    l->nr_samples == QN_LOCAL_SAMPLES)
		l->nr_samples = 0;
}

__cold u32 qn_local_sample_note(struct qn_local *l, size_t size, u32 *interval)
{
	struct qn_sample *s;

	qn_fence_sample(l);
	if (l->nr_samples == QN_LOCAL_SAMPLES)
		hand_in_samples(l);
	qn_assert(l->nr_samples < QN_LOCAL_SAMPLES);
	qn_assert(*interval > 0);
	s = &l->samples[l->nr_samples++];
	s->size = (u32)min(size, (size_t)UINT32_MAX);
	s->interval = *interval;
	*interval = l->sampler.interval;
	return qn_sampler_draw(&l->sampler);
}

/*
 * The object of samples that stand for @bytes, perhaps to be followed from now on.
 * Following costs more than a sample, so it is not done to each; each stands for more.
 */
static __cold bool sample_follow(struct qn_local *l, struct qn_local_class *k,
				 size_t size, u64 bytes, u32 nr)
{
	struct qn_follow *f = &l->hub->follow;
	u32 site = qn_sites_note(&f->sites, bytes, nr);
	u32 one_in = qn_follow_one_in(f);

	qn_assert(is_power_of_2(one_in));
	qn_follow_tick(f, bytes);
	if (l->sampler.rng & (one_in - 1))
		return false;
	l->followed = qn_follow_alloc(f, size, (unsigned int)(k - l->class),
				      (u32)min(bytes * one_in, (u64)UINT32_MAX),
				      site);
	return l->followed != NULL;
}

u32 qn_local_sample(struct qn_local *l, struct qn_local_class *k, size_t size,
		    size_t bytes)
{
	u32 nr;

	for (nr = 0; unlikely(k->until_sample < bytes); nr++)
		k->until_sample += qn_local_sample_note(l, size, &k->interval);
	k->until_sample -= (u32)bytes;
	return nr;
}

/* ---- slabs that leave ---- */

/* Of a list: to the end in a short life, and now and then in a long one */
static __always_inline u32 links_to_follow(const struct qn_local *l)
{
	if (unlikely(l->nr_refills % REFILLS_A_WALK == 0) ||
	    l->nr_refills < REFILLS_FIRST)
		return UINT32_MAX;
	return LINKS_A_REFILL;
}

static void slab_release(struct qn_local *l, struct qn_unit *u)
{
	size_t bytes = (size_t)(u->carved - u->hidden) * u->osize;
	struct qn_hub *hub = l->hub;

	qn_assert(!qn_slab_used(u));
	qn_assert(u != l->class[u->class].current);
	if (u->free)
		qn_slab_leave(u, qn_local_slab_start(l, u), links_to_follow(l));
	slab_sync(l, u);
	l->class[u->class].pending_slab -= (s32)bytes;
	/* Or more would seem to be free than there is */
	class_account(l, &l->class[u->class]);
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
		floor = min(nr - nr / (s32)knobs->wake_part, used - 1);
	else if (used > nr / 2)
		floor = nr / 2;
	else
		floor = (s32)sparse_most(knobs, u);
	if (used <= floor)
		floor = 0;
	qn_slab_watch(u, (u32)used, max(floor, 0));
}

/* @u is no longer current: where does it belong now? */
static void slab_retire(struct qn_local *l, struct qn_local_class *k,
			struct qn_unit *u)
{
	enum qn_slab_state state = QN_SLAB_FULL;

	qn_assert(u->state == QN_SLAB_CURRENT && k->current != u);
	qn_assert(k == &l->class[u->class]);
	slab_sync(l, u);
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
	slab_sync(l, u);
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
	slab_sync(l, u);
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

/* Purge what can be purged of the sparse slabs */
static __apart void sparse_purge(struct qn_local *l)
{
	for (unsigned int c = 1; c < QN_NR_CLASSES; c++) {
		struct qn_unit *u = l->class[c].tail;

		for (; u && u->state == QN_SLAB_SPARSE; u = u->prev)
			if (!u->is_looked_at)
				slab_hide(l, u);
	}
	l->sparse = 0;
}

/*
 * Perhaps there is much free memory in sparse slabs: @l->sparse knows what came, not
 * what left since.
 */
static __apart void sparse_look(struct qn_local *l, size_t limit)
{
	l->sparse = 0;
	for (unsigned int c = 1; c < QN_NR_CLASSES; c++)
		l->sparse += class_sparse_bytes(&l->class[c]);
	if (l->sparse > limit / 4 * 3)
		sparse_purge(l);
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
	queue_del(k, u);
	queue_add_tail(k, u);
	l->sparse += sparse_bytes(u);
	limit = qn_resident_limit(&l->hub->segments.resident, QN_KEEP_SPARSE);
	if (l->sparse > limit)
		sparse_look(l, limit);
}

/* A slab with hidden objects is needed again */
static __apart void slab_show(struct qn_local *l, struct qn_unit *u)
{
	qn_assert(u->state == QN_SLAB_SPARSE && u->is_looked_at);
	qn_resident_touch(&l->hub->segments.resident, u,
			  u->hidden_pages & qn_slab_parts(u));
	qn_slab_show(u, qn_local_slab_start(l, u));
	slab_sync(l, u);
}

/* ---- frees ---- */

void qn_local_event(struct qn_local *l, struct qn_unit *u)
{
	struct qn_local_class *k = &l->class[u->class];

	if (unlikely(u->state == QN_SLAB_CURRENT))
		qn_misuse("free", u->free, "the block was freed twice");
	qn_assert(!u->count);
	slab_sync(l, u);
	if (u->state == QN_SLAB_FULL && u->osize == k->osize) {
		qn_slab_set_state(u, QN_SLAB_PARTIAL);
		queue_add(k, u);
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
static void heads_flush(struct qn_local *l, unsigned int c)
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

__apart void qn_local_exact_begin(struct qn_local *l)
{
	for (unsigned int c = 1; c < QN_NR_CLASSES; c++)
		heads_flush(l, c);
	exact_begin(l);
	slabs_sync(l);
}

/* The class starts afresh: what it has is not handed out any more */
static __apart void class_retire(struct qn_local *l, unsigned int c)
{
	struct qn_local_class *k = &l->class[c];
	struct qn_unit *u, *next;

	qn_assert(c > l->table->nr_base);
	heads_flush(l, c);
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

/* ---- refill ---- */

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

/* A slab with room becomes the current one */
static struct qn_unit *class_next_slab(struct qn_local *l,
				       struct qn_local_class *k)
{
	struct qn_unit *old = k->current;
	struct qn_unit *u = k->head;

	if (u) {
		qn_assert(u->state == QN_SLAB_PARTIAL ||
			  u->state == QN_SLAB_SPARSE);
		queue_del(k, u);
		if (u->hidden)
			slab_show(l, u);
		qn_slab_set_state(u, QN_SLAB_CURRENT);
		qn_slab_watch(u, qn_slab_used(u), -1);
	} else {
		u = slab_new(l, k);
		if (!u)
			return NULL;
	}
	qn_assert(u != old && qn_slab_has_room(u));
	k->current = u;
	if (old)
		slab_retire(l, k, old);
	return u;
}

static struct qn_unit *class_slab(struct qn_local *l, struct qn_local_class *k)
{
	struct qn_unit *u = k->current;

	if (u && u->free)
		return u;
	/* Free objects before untouched ones */
	if (u && qn_slab_can_carve(u) &&
	    !(k->head && qn_slab_has_free(k->head)))
		return u;
	return class_next_slab(l, k);
}

static __cold void class_retable(struct qn_local *l);

noinline void qn_local_look_around(struct qn_local *l)
{
	if (unlikely(l->table != READ_ONCE(l->hub->table)))
		class_retable(l);
	if (l->batch)
		qn_local_flush_batch(l);
	if (READ_ONCE(l->inbox))
		qn_local_collect(l);
	if (l->nr_refills - l->handed_in >= REFILLS_A_LOOK)
		hand_in_samples(l);
	if (unlikely(l->exact))
		exact_go_on(l);
	if (READ_ONCE(l->hub->has_old))
		qn_hub_purge_old(l->hub);
}

__apart bool qn_local_idle(struct qn_local *l)
{
	u32 seen = READ_ONCE(l->handed_in);

	if (l->state == QN_LOCAL_ORPHAN) {
		if (l->is_trimmed)
			return true;
		l->is_trimmed = true;
		qn_local_trim(l);
		return false;
	}
	l->is_trimmed = false;
	if (l->state != QN_LOCAL_OWNED)
		return true;
	if (l->seen != seen) {
		l->seen = seen;
		l->nr_rounds = 0;
	}
	if (l->nr_rounds < QN_HELPER_ROUNDS) {
		l->nr_rounds++;
		return false;
	}
	qn_local_medium_idle(l);
	return true;
}

/*
 * How many objects to hand over: all that there are. Where a sample is due before they
 * are used up, those up to it, so that the refill that follows is the sample. Cutting a
 * list means following it, so where that is farther than @most a few are handed over
 * instead, and what the sample is early by is added to the next distance. How many is
 * left to chance: a program whose requests come in step with its refills would be seen at
 * the same place each time.
 *
 * Return: 0: the request that is the sample has its object already, @l->followed.
 */
static noinline __cold u32 class_limit_due(struct qn_local *l,
					   struct qn_local_class *k,
					   size_t size, u32 osize, u32 have,
					   u32 most)
{
	u64 bytes = 0;
	u32 left, nr = 0;

	for (; k->until_sample < osize; nr++) {
		bytes += k->interval;
		k->until_sample +=
			qn_local_sample_note(l, size, &k->interval) + k->ahead;
		k->ahead = 0;
	}
	if (nr && sample_follow(l, k, size, bytes, nr)) {
		k->until_sample -= osize;
		k->pending_allocs++;
		return 0;
	}
	left = k->until_sample / osize;
	qn_assert(left > 0);
	if (left >= have)
		return have;
	if (left > most) {
		left = 1 + qn_sampler_draw(&l->sampler) % most;
		k->ahead = k->until_sample - left * osize;
		k->until_sample = left * osize;
	}
	return left;
}

static __always_inline u32 class_limit(struct qn_local *l,
				       struct qn_local_class *k, size_t size,
				       u32 osize, u32 have, u32 most)
{
	if (unlikely(k->until_sample < (size_t)have * osize))
		return class_limit_due(l, k, size, osize, have, most);
	return have;
}

/* The object that class_limit_due() got, or NULL */
static __cold void *take_followed(struct qn_local *l)
{
	void *p = l->followed;

	l->followed = NULL;
	return p;
}

/* How much of a slab to cut at once: what is resident in any case, else little at first */
static size_t carve_bytes(const struct qn_knobs *knobs,
			  const struct qn_local_class *k,
			  const struct qn_unit *u)
{
	size_t bytes = READ_ONCE(k->nr_slabs) * knobs->carve_slab;
	size_t most = knobs->carve_most;
	u32 parts = (1u << DIV_ROUND_UP(most, QN_PART_SIZE)) - 1;
	u32 first = (u32)u->carved * u->osize >> QN_PART_SHIFT;
	u32 rest = UINT16_MAX >> first;

	if (u->osize >= CARVE_LARGE && (u->touched >> first & rest) == rest)
		return QN_UNIT_SIZE;
	if ((u->touched >> first & parts) == parts)
		return most;
	return min(max(bytes, knobs->carve), most);
}

static void *class_carve(struct qn_local *l, struct qn_local_class *k,
			 struct qn_unit *u, size_t size, u32 *nr)
{
	size_t bytes = carve_bytes(qn_hub_knobs(l->hub), k, u);

	/* Links need not be followed here */
	bytes = class_limit(l, k, size, u->osize,
			    max((u32)bytes / u->osize, 1u), UINT32_MAX) *
		u->osize;
	if (unlikely(!bytes))
		return NULL;
	return qn_slab_carve(u, qn_local_slab_start(l, u), bytes, nr);
}

/* Objects of @u were handed over: the first is the caller's, the rest is a list */
static __always_inline void *hand_over(struct qn_local *l, unsigned int c,
				       struct qn_unit *u, void *list, u32 nr)
{
	struct qn_local_class *k = &l->class[c];

	qn_assert(u->class == c && u->owner == l);
	qn_assert(!*qn_local_head(l, c));
	qn_assert(k->until_sample >= nr * u->osize);
	*qn_local_head(l, c) = qn_link_get(list);
	k->pending_allocs += (s32)nr;
	k->until_sample -= nr * u->osize;
	slab_sync_used(k, u);
	class_account_much(l, k);
	return list;
}

/* @u has free objects: hand over all of them */
static __always_inline void *take_free(struct qn_local *l, unsigned int c,
				       struct qn_unit *u, size_t size)
{
	u32 have = qn_slab_nr_free(u);
	u32 nr = class_limit(l, &l->class[c], size, u -> osize, have, CUT_MOST);
	void *list;

	if (unlikely(!nr)) {
		list = take_followed(l);
		if (list)
			return list;
	}
	list = qn_slab_take(u, qn_local_slab_start(l, u), nr,
			    links_to_follow(l));
	return hand_over(l, c, u, list, nr);
}

/*
 * A class that lives on a few objects is refilled all the time: now and then it gets
 * some more, until it has enough of them.
 */
static bool class_wants_more(const struct qn_local *l, struct qn_local_class *k,
			     const struct qn_unit *u)
{
	u32 nr = qn_slab_nr_free(u);

	return nr < FEW_OBJECTS && nr * u->osize < FEW_BYTES &&
	       qn_slab_can_carve(u) &&
	       ++k->nr_few % (u32)qn_hub_knobs(l->hub)->few_times == 0;
}

static void *take_any(struct qn_local *l, unsigned int c, struct qn_unit *u,
		      size_t size)
{
	struct qn_local_class *k = &l->class[c];
	void *list;
	u32 nr;

	if (u->free && !class_wants_more(l, k, u))
		return take_free(l, c, u, size);
	list = class_carve(l, k, u, size, &nr);
	if (unlikely(!list))
		return take_followed(l);
	k->pending_slab += (s32)(nr * u->osize);
	u->synced_kept = (u16)(u->synced_kept + nr);
	return hand_over(l, c, u, list, nr);
}

/* One object, so that the next malloc comes to the slow path too */
static __apart noinline void *take_one(struct qn_local *l, unsigned int c,
				       struct qn_unit *u, size_t size)
{
	struct qn_local_class *k = &l->class[c];
	char *start = qn_local_slab_start(l, u);
	void *p = NULL;
	u32 nr = 1;

	qn_assert(l->exact && u == k->current);
	if (!class_limit(l, k, size, u->osize, 1, 1))
		p = take_followed(l);
	if (!p && u->free) {
		p = hand_over(l, c, u, qn_slab_take(u, start, 1, UINT32_MAX),
			      1);
	} else if (!p) {
		p = qn_slab_carve(u, start, u->osize, &nr);
		k->pending_slab += (s32)u->osize;
		u->synced_kept++;
		p = hand_over(l, c, u, p, 1);
	}
	class_account(l, k);
	qn_local_exact_note(l);
	return p;
}

/* Does a class have objects without a unit or a slab more */
static bool class_has_some(struct qn_local *l, unsigned int c)
{
	const struct qn_unit *u = l->class[c].current;

	return u && (*qn_local_head(l, c) || qn_slab_has_room(u));
}

/*
 * A class that is hardly asked for borrows from one whose objects are up to a quarter
 * larger than the request: a page of its own would stay all but empty. When it has
 * borrowed as much as a page holds, it gets one. Return: the class that serves.
 */
static unsigned int class_borrow(struct qn_local *l, unsigned int c,
				 size_t size)
{
	struct qn_local_class *k = &l->class[c];
	size_t most = size + size / 4;

	if (k->current || k->head ||
	    k->nr_borrowed >= qn_hub_knobs(l->hub)->borrow / k->osize)
		return c;
	for (unsigned int b = c + 1; b <= l->table->nr_base; b++) {
		if (qn_table_osize(l->table, b) > most)
			break;
		if (!class_has_some(l, b))
			continue;
		k->nr_borrowed++;
		return b;
	}
	return c;
}

static noinline void *refill_slow(struct qn_local *l, size_t size)
{
	struct qn_local_class *k;
	struct qn_unit *u;
	unsigned int c;
	void **head;
	void *p;

	qn_local_look_around(l);
	c = l->table->map[qn_size_steps(size)];
	k = &l->class[c];
	if (unlikely(!k->osize))
		k->osize = (u32)qn_table_osize(l->table, c);
	c = class_borrow(l, c, size);
	k = &l->class[c];
	qn_assert(c > 0 && c < l->table->nr_classes);
	qn_assert(k->osize >= size);
	head = qn_local_head(l, c);
	p = *head;
	if (unlikely(p)) {
		/* Another class than the caller's: borrowed, or the table changed */
		*head = qn_link_get(p);
		return p;
	}
	u = class_slab(l, k);
	if (unlikely(!u))
		return NULL;
	if (unlikely(l->exact))
		return take_one(l, c, u, size);
	p = take_any(l, c, u, size);
	/* A short program that ends suddenly leaves what was accounted so far */
	if (l->nr_slow < SLOW_FIRST) {
		l->nr_slow++;
		class_account(l, k);
	}
	return p;
}

void *qn_local_refill(struct qn_local *l, size_t size)
{
	unsigned int c = l->map[qn_size_steps(size)];
	struct qn_unit *u = l->class[c].current;

	qn_assert(size <= QN_SLAB_MAX && l->table);
	qn_assert(!u || u->state == QN_SLAB_CURRENT);
	if (likely(++l->nr_refills % QN_REFILLS_AT_HOME && u && u->free))
		return take_free(l, c, u, size);
	return refill_slow(l, size);
}

/* ---- tables ---- */

/* A new table is in use: classes whose size changed start afresh */
static __cold void class_retable(struct qn_local *l)
{
	l->table = qn_hub_table_get(l->hub, l->table);
	/* The classes below are permanent */
	for (unsigned int c = l->table->nr_base + 1u; c < QN_NR_CLASSES; c++) {
		u32 osize = l->class[c].osize;

		if (osize && osize != qn_table_osize(l->table, c))
			class_retire(l, c);
	}
	memcpy(l->map, l->table->map, QN_HUB_STEPS);
}

/* ---- life cycle ---- */

/* What waits goes back to where it belongs; empty slabs and chunks leave */
static __seldom void local_settle(struct qn_local *l)
{
	qn_local_collect(l);
	qn_local_medium_settle(l);
	for (unsigned int c = 1; c < QN_NR_CLASSES; c++) {
		struct qn_local_class *k = &l->class[c];
		struct qn_unit *u = k->current;

		heads_flush(l, c);
		if (u && qn_slab_used(u) == 0) {
			k->current = NULL;
			slab_retire(l, k, u);
		} else if (u) {
			slab_sync(l, u);
		}
	}
	qn_local_account(l);
}

void qn_local_trim(struct qn_local *l)
{
	local_settle(l);
	qn_local_medium_trim(l);
}

/*
 * A sequence of distances of its own. Of a countdown that runs nothing is known but that
 * it has not ended, so it may be given up for a new one; all but that of a list that was
 * cut, of which the next refill is the sample. A fork() that interrupted a refill must
 * not make it one either.
 */
static void sampler_begin(struct qn_local *l)
{
	u32 next;

	qn_sampler_init(&l->sampler, READ_ONCE(l->hub->sampler.interval),
			qn_sampler_draw(&l->hub->sampler) ^ (u32)(uintptr_t)l);
	l->nr_forks = l->hub->nr_forks;
	for (unsigned int c = 0; c < QN_NR_CLASSES; c++) {
		struct qn_local_class *k = &l->class[c];

		next = qn_sampler_draw(&l->sampler);
		if (k->until_sample < k->osize)
			continue;
		k->until_sample = max(next, k->osize);
		k->interval = l->sampler.interval;
	}
	l->medium.credit = qn_local_medium_draw(l);
	l->medium.told = l->medium.credit;
}

__apart void qn_local_resample(struct qn_local *l)
{
	qn_local_medium_account(l);
	sampler_begin(l);
}

__apart void qn_local_fork_child(struct qn_local *l)
{
	l->nr_samples = 0;
	l->medium.nr_allocs = 0;
	/* What waits in the lists will be the child's mallocs */
	for (unsigned int c = 0; c < QN_NR_CLASSES; c++)
		l->class[c].pending_allocs = (s32)qn_local_ready(l, c);
	sampler_begin(l);
}

static struct qn_local *local_new(struct qn_hub *hub)
{
	struct qn_local *l = qn_hub_meta_alloc(hub, sizeof(*l));

	qn_assert(qn_port_holds(&hub->threads));
	if (!l)
		return NULL;
	l->hub = hub;
	l->patience = qn_hub_knobs(hub)->patience;
	qn_medium_init(&l->medium, &hub->segments, l, hub->page_size);
	sampler_begin(l);
	if (hub->exact)
		exact_begin(l);
	qn_fence_init(hub, l);
	l->next = hub->locals;
	WRITE_ONCE(hub->locals, l);
	return l;
}

/* What one thread frees another does not know of when it allocates */
static __apart void peak_inexact(struct qn_hub *hub)
{
	WRITE_ONCE(hub->notes_peak, false);
	WRITE_ONCE(hub->page->exact, hub->page->exact & ~QN_STATS_EXACT_PEAK);
}

struct qn_local *qn_local_get(struct qn_hub *hub)
{
	struct qn_local *l;

	qn_port_lock(&hub->threads);
	l = hub->orphans;
	qn_assert(!l || (l->state == QN_LOCAL_ORPHAN && !l->table));
	if (l)
		hub->orphans = l->next_orphan;
	else
		l = local_new(hub);
	if (l) {
		if (unlikely(l->nr_forks != hub->nr_forks))
			qn_local_fork_child(l);
		l->thread = qn_port_self();
		WRITE_ONCE(l->state, QN_LOCAL_OWNED);
		l->base = hub->segments.space.seg[0].base;
		l->units = (char *)hub->segments.space.seg[0].units;
		l->ready = l->heads;
		qn_local_see_units(l);
		class_retable(l);
		qn_stat_add(hub->page->nr_threads, 1);
		qn_stat_add(hub->page->nr_threads_total, 1);
		if (hub->notes_peak && hub->page->nr_threads_total > 1)
			peak_inexact(hub);
	}
	qn_port_unlock(&hub->threads);
	return l;
}

/* An orphan's slabs leave when they are empty, the current ones too */
static __seldom void currents_retire(struct qn_local *l)
{
	for (unsigned int c = 1; c < QN_NR_CLASSES; c++) {
		struct qn_local_class *k = &l->class[c];
		struct qn_unit *u = k->current;

		k->current = NULL;
		if (u)
			slab_retire(l, k, u);
	}
}

__seldom void qn_local_put(struct qn_local *l)
{
	struct qn_hub *hub = l->hub;

	qn_assert(l != &qn_local_none && l->state == QN_LOCAL_OWNED);
	qn_local_flush_batch(l);
	if (l->nr_samples)
		hand_in_samples(l);
	qn_port_lock(&hub->threads);
	__atomic_store_n(&l->state, QN_LOCAL_ORPHAN, __ATOMIC_SEQ_CST);
	local_settle(l);
	currents_retire(l);
	l->ready = l->heads;
	qn_assert(!l->batch);
	/* Nobody may come for it, and tables are few */
	qn_hub_table_put(hub, l->table);
	l->table = NULL;
	l->next_orphan = hub->orphans;
	hub->orphans = l;
	qn_stat_add(hub->page->nr_threads, (u64)-1);
	qn_port_unlock(&hub->threads);
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
