// SPDX-License-Identifier: MIT
/*
 * local.c - a refill: where malloc gets objects from when the list of a class is empty.
 *
 * See local.h for the picture. What is beside it: local-slab.c (slabs and their events),
 * local-medium.c (medium blocks), remote.c (frees of other threads' objects), local-account.c
 * (figures), local-life.c (threads). Order in this file: samples, refill.
 */
#include "process/local-internal.h"

#include "process/control.h"

/* Of objects from this size on all that a slab has, where it is resident */
#define CARVE_LARGE 256u
/* A class with fewer objects and bytes at hand is given more, now and then */
#define FEW_OBJECTS 32u
#define FEW_BYTES   16384u
/*
 * A list is followed so far at most to be cut for a sample: to the end of any list of a
 * class that serves several sizes in steps, so that no size is seen more than another
 */
#define CUT_MOST 256u
_Static_assert(QN_UNIT_SIZE / CUT_MOST <= QN_TABLE_READY_STEPS * QN_STEP,
	       "of classes below, each serves one size in steps");
/*
 * Of a current slab with no more free objects than this part of it a refill would be soon
 * followed by the next. Half of what a full slab wakes for by default; with more slabs stay
 * in use, and memory (DECISIONS.md).
 */
#define HANDFUL 32u
/* The first slow refills of a thread are accounted at once */
#define SLOW_FIRST 4096

/*
 * Has no memory and no units: sends every call to the slow path. Never written, and little
 * of it is read, so it lies behind what processes touch.
 */
struct qn_local qn_local_none __bss_apart;
__thread struct qn_local *qn_self = &qn_local_none;
__thread struct qn_local *qn_self_apart = &qn_local_none;
__thread struct qn_front qn_front;

/* ---- samples ---- */

void qn_local_hand_in(struct qn_local *l)
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
	if (unlikely(qn_control_is_asked(l->hub)))
		qn_control_answer(l->hub);
}

__cold u32 qn_local_sample_note(struct qn_local *l, size_t size, u32 least,
				u32 *interval)
{
	struct qn_sample *s;

	qn_fence_sample(l);
	if (l->nr_samples == QN_LOCAL_SAMPLES)
		qn_local_hand_in(l);
	qn_assert(l->nr_samples < QN_LOCAL_SAMPLES);
	qn_assert(*interval > 0);
	s = &l->samples[l->nr_samples++];
	s->size = (u32)min(size, (size_t)UINT32_MAX);
	s->interval = *interval;
	return qn_local_draw(l, least, interval);
}

/* Perhaps it lies on pages of its own */
static __apart bool sample_guard(struct qn_local *l,
				 const struct qn_local_class *k, size_t size,
				 u64 bytes)
{
	l->followed =
		qn_trap_sample(&l->sampler, bytes, k->osize, size, QN_ALIGN);
	return l->followed != NULL;
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
	if (qn_trap_is_on() && sample_guard(l, k, size, bytes))
		return true;
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
		k->until_sample +=
			qn_local_sample_note(l, size, 0, &k->interval);
	k->until_sample -= (u32)bytes;
	return nr;
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
			qn_local_sample_note(l, size, osize, &k->interval) +
			k->ahead;
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

/* ---- refill ---- */

static struct qn_unit *class_slab(struct qn_local *l, struct qn_local_class *k)
{
	struct qn_unit *u = k->current;

	if (u && u->free)
		return u;
	/* Free objects before untouched ones */
	if (u && qn_slab_can_carve(u) &&
	    !(k->head && qn_slab_has_free(k->head)))
		return u;
	return qn_local_class_next_slab(l, k);
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
	qn_local_slab_sync_used(k, u);
	qn_local_class_account_much(l, k);
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
			    qn_local_links_to_follow(l));
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
	qn_local_class_account(l, k);
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
		qn_local_class_account(l, k);
	}
	return p;
}

void *qn_local_refill(struct qn_local *l, size_t size)
{
	unsigned int c = l->front->map[qn_size_steps(size)];
	struct qn_local_class *k = &l->class[c];
	struct qn_unit *u = k->current;

	qn_assert(size <= QN_SLAB_MAX && l->table);
	qn_assert(!u || u->state == QN_SLAB_CURRENT);
	if (unlikely(++l->nr_refills % QN_REFILLS_AT_HOME == 0 || !u))
		return refill_slow(l, size);
	/* The more there are, the longer it takes to the next refill */
	if (k->head && qn_slab_nr_free(u) <= u->nr / HANDFUL)
		u = qn_local_class_woken(l, k);
	if (likely(u->free))
		return take_free(l, c, u, size);
	return refill_slow(l, size);
}
