// SPDX-License-Identifier: MIT
/*
 * hard-slab.c - slots of the hardened mode: slabs, magazines and quarantines.
 *
 * Order in this file: the pattern, classes, memory for what is known of slabs, slabs, magazines,
 * quarantines, threads.
 */
#include "process/hard-internal.h"

#include <string.h>

/* Units of a slab: a few slots of the longest */
#define UNITS_MOST ((size_t)8)
/* Blocks from this length on have marks behind them: a part of their length */
#define SPARE_LEAST ((size_t)32)
#define SPARE_PART  4
#define SPARE_MOST  ((size_t)512)
/* Reports to the page between two looks at old memory */
#define TELLS_A_PURGE 64u

struct qn_hard_guard qn_hard;
struct qn_hard_heap qn_hard_heap __bss_apart;

/**
 * struct pool - what threads fetch from and give to; under the lock
 * @slabs:	those that have slots to give, by class
 * @spare:	what was known of slabs that are gone, likewise
 * @threads:	parts that no thread has
 * @meta, @meta_end: rest of the memory for all that
 */
static struct {
	struct qn_hard_slab *slabs[QN_HARD_CLASSES];
	struct qn_hard_slab *spare[QN_HARD_CLASSES];
	struct qn_hard_thread *threads;
	char *meta, *meta_end;
} pool __bss_apart;

struct qn_hard_thread *qn_hard_common __bss_apart;

__thread struct qn_hard_thread *qn_hard_self;
/* It gave its part back */
static __thread bool ended __attribute__((tls_model("initial-exec")));

/* ---- the pattern ---- */

bool qn_hard_is_filled(const char *p, size_t size)
{
	typedef u64 pair __attribute__((vector_size(16), may_alias));
	const pair pattern = { QN_HARD_PATTERN, QN_HARD_PATTERN };
	const pair *at = (const pair *)(const void *)p;
	pair other = { 0, 0 };

	qn_assert(is_aligned((uintptr_t)p, 16) && is_aligned(size, 8));
	for (; size >= 64; size -= 64, at += 4)
		other |= (at[0] ^ pattern) | (at[1] ^ pattern) |
			 (at[2] ^ pattern) | (at[3] ^ pattern);
	for (; size >= 16; size -= 16)
		other |= *at++ ^ pattern;
	if (size)
		other[0] |= *qn_hard_at(at) ^ QN_HARD_PATTERN;
	return !(other[0] | other[1]);
}

/* ---- classes ---- */

/* 16 bytes apart up to 128, then eight for each doubling */
static u32 slot_of(unsigned int class)
{
	u32 base;

	if (class < 8)
		return 16 * (class + 1);
	base = 128u << (class - 8) / 8;
	return base + base / 8 * ((class - 8) % 8 + 1);
}

/* Bytes of marks behind a block at least: a write may miss the guard by a part of the block */
static size_t spare_of(size_t size)
{
	return size < SPARE_LEAST ? 0 : min(size / SPARE_PART, SPARE_MOST);
}

unsigned int qn_hard_class(size_t size, size_t align)
{
	size_t need = max(size + QN_HARD_WORD + spare_of(size), align);
	unsigned int doubling, class;

	need = min(need, QN_HARD_SLOT);

	if (need <= 128) {
		class = (unsigned int)((need + 15) / 16 - 1);
	} else {
		doubling = qn_ilog2(need - 1) - 7;
		class = 8 + 8 * doubling +
			(unsigned int)((need - 1 - ((size_t)128 << doubling)) >>
				       (doubling + 4));
	}
	while (align > 16 && slot_of(class) % align)
		class ++;
	qn_assert(class < QN_HARD_CLASSES);
	return class;
}

static size_t units_of(u32 slot)
{
	return min(max(slot / 1024, 1u), (u32)UNITS_MOST);
}

/* Blocks of a class are aligned to what divides all its slots; before the first is a guard */
static size_t first_of(u32 slot)
{
	return min((size_t)(slot & -slot), QN_HARD_ALIGN);
}

/* Slots that are fetched or given back at a time: a magazine holds twice as many */
static u32 batch_of(unsigned int class)
{
	return class < 16 ? QN_HARD_MAGAZINE / 2 :
	       class < 24 ? 8 :
	       class < 32 ? 4 :
			    2;
}

/* ---- memory for what is known of slabs ---- */

void *qn_hard_meta(size_t size)
{
	struct qn_segments *s = &qn_hard_heap.hub->segments;
	size_t nr = DIV_ROUND_UP(size, QN_UNIT_SIZE);
	char *p = pool.meta;
	struct qn_unit *u;
	bool zeroed;

	size = round_up(size, (size_t)64);
	if ((size_t)(pool.meta_end - p) < size) {
		u = qn_run_alloc(s, nr, 1, QN_UNIT_META, &zeroed);
		if (!u)
			return NULL;
		p = qn_unit_start(s, u);
		pool.meta_end = p + (nr << QN_UNIT_SHIFT);
		if (!zeroed)
			memset(p, 0, nr << QN_UNIT_SHIFT);
	}
	pool.meta = p + size;
	return p;
}

/* ---- slabs ---- */

static void slab_link(struct qn_hard_slab *s)
{
	struct qn_hard_slab **list = &pool.slabs[s->class];

	s->prev = NULL;
	s->next = *list;
	if (s->next)
		s->next->prev = s;
	*list = s;
}

static void slab_unlink(struct qn_hard_slab *s)
{
	if (s->prev)
		s->prev->next = s->next;
	else
		pool.slabs[s->class] = s->next;
	if (s->next)
		s->next->prev = s->prev;
}

/* What is known of a slab of @nr slots: nothing yet */
static struct qn_hard_slab *slab_meta(unsigned int class, size_t nr)
{
	size_t words = DIV_ROUND_UP(nr, 64);
	size_t size = sizeof(struct qn_hard_slab) + words * sizeof(u64) +
		      nr * sizeof(u16);
	struct qn_hard_slab *s = pool.spare[class];

	if (s)
		pool.spare[class] = s->next;
	else
		s = qn_hard_meta(size);
	if (!s)
		return NULL;
	memset(s, 0, size);
	s->state = (u16 *)(void *)(s->given + words);
	return s;
}

static noinline struct qn_hard_slab *slab_add(unsigned int class)
{
	struct qn_segments *segments = &qn_hard_heap.hub->segments;
	u32 slot = slot_of(class);
	size_t units = units_of(slot), first = first_of(slot);
	size_t nr = ((units << QN_UNIT_SHIFT) - first) / slot;
	struct qn_hard_slab *s = slab_meta(class, nr);
	struct qn_unit *u;

	if (!s)
		return NULL;
	u = qn_run_alloc(segments, units, 1, QN_UNIT_META, &s->zeroed);
	if (!u) {
		s->next = pool.spare[class];
		pool.spare[class] = s;
		return NULL;
	}
	s->base = qn_unit_start(segments, u) + first;
	s->u = u;
	s->slot = slot;
	s->inverse = ((u64)1 << 40) / slot + 1;
	s->class = (u16) class;
	s->nr = (u16)nr;
	for (size_t i = 0; i < units; i++) {
		u[i].hard = s;
		smp_store_release(&u[i].kind, (u8)QN_UNIT_HARD);
	}
	slab_link(s);
	return s;
}

/* All its slots are free: look at them a last time */
static noinline void slab_drop(struct qn_hard_slab *s)
{
	size_t units = units_of(s->slot);
	struct qn_unit *u = s->u;
	const char *what;

	for (size_t i = 0; i < s->nr_used; i++) {
		what = qn_hard_slot_look(s, i);
		if (unlikely(what))
			qn_hard_report("free", s->base + i * s->slot,
				       qn_hard_room(s) -
					       (s->state[i] & QN_HARD_SPARE),
				       what);
	}
	slab_unlink(s);
	for (size_t i = 0; i < units; i++)
		u[i].kind = i ? QN_UNIT_NONE : QN_UNIT_META;
	s->u = NULL;
	s->next = pool.spare[s->class];
	pool.spare[s->class] = s;
	qn_run_free(&qn_hard_heap.hub->segments, u,
		    first_of(s->slot) + (size_t)s->nr_used * s->slot);
}

/* Up to @nr slots, those at the lowest addresses; the lowest is the last in @slot */
static u32 slab_take(struct qn_hard_slab *s, void **slot, u32 nr)
{
	size_t words = DIV_ROUND_UP((size_t)s->nr, 64), i;
	u32 n = 0;

	for (size_t w = 0; w < words && n < nr; w++)
		while (n < nr && ~s->given[w]) {
			i = 64 * w + qn_ctz(~s->given[w]);
			if (i >= s->nr)
				break;
			s->given[w] |= (u64)1 << i % 64;
			if (i >= s->nr_used)
				s->nr_used = (u16)(i + 1);
			slot[n++] = s->base + i * s->slot;
		}
	for (u32 k = 0; k < n / 2; k++) {
		void *p = slot[k];

		slot[k] = slot[n - 1 - k];
		slot[n - 1 - k] = p;
	}
	s->nr_given = (u16)(s->nr_given + n);
	if (s->nr_given == s->nr)
		slab_unlink(s);
	return n;
}

static void slab_give(struct qn_hard_slab *s, const void *p)
{
	size_t i = qn_hard_index(s, p);

	qn_assert(s->given[i / 64] >> i % 64 & 1);
	s->given[i / 64] &= ~((u64)1 << i % 64);
	if (s->nr_given-- == s->nr)
		slab_link(s);
	if (!s->nr_given && (s->next || s->prev))
		slab_drop(s);
}

static struct qn_hard_slab *slab_at(const void *p)
{
	return qn_hard_find(p)->hard;
}

const char *qn_hard_slot_look(const struct qn_hard_slab *s, size_t i)
{
	const char *p = s->base + i * s->slot;
	size_t room = qn_hard_room(s);
	u16 state = __atomic_load_n(&s->state[i], __ATOMIC_ACQUIRE);

	switch (state & QN_HARD_STATE) {
	case QN_HARD_BUSY:
		return NULL;
	case QN_HARD_FRESH:
		return s->zeroed && !qn_is_zero(p, room - QN_HARD_WORD) ?
			       QN_HARD_NOBODY :
			       NULL;
	}
	if (*qn_hard_at(p - QN_HARD_WORD) != qn_hard_word(p - QN_HARD_WORD))
		return qn_hard_before;
	if (*qn_hard_at(p + room) != qn_hard_word(p + room))
		return QN_HARD_BEHIND;
	if ((state & QN_HARD_STATE) == QN_HARD_FREE)
		return qn_hard_is_filled(p, room) ? NULL : QN_HARD_WRITTEN;
	return qn_hard_is_marked(p + room, state & QN_HARD_SPARE,
				 qn_hard_slot_marks(p)) ?
		       NULL :
		       QN_HARD_BEHIND;
}

/* ---- magazines ---- */

/* Who has the common part has the lock */
static void lock(const struct qn_hard_thread *t)
{
	if (t != qn_hard_common)
		qn_port_lock(&qn_hard.lock);
}

static void unlock(const struct qn_hard_thread *t)
{
	if (t != qn_hard_common)
		qn_port_unlock(&qn_hard.lock);
}

static noinline bool magazine_fill(struct qn_hard_thread *t, unsigned int class)
{
	struct qn_hard_magazine *m = &t->magazine[class];
	struct qn_hard_slab *s;

	lock(t);
	s = pool.slabs[class];
	if (!s)
		s = slab_add(class);
	if (!s && qn_hard_large_relax())
		s = slab_add(class);
	if (s)
		m->nr = slab_take(s, m->slot, batch_of(class));
	m->nr_in_order = m->nr;
	unlock(t);
	return m->nr;
}

static noinline void magazine_give(struct qn_hard_thread *t, unsigned int class,
				   u32 nr)
{
	struct qn_hard_magazine *m = &t->magazine[class];

	lock(t);
	while (m->nr && nr-- > 0) {
		void *p = m->slot[--m->nr];

		slab_give(slab_at(p), p);
	}
	m->nr_in_order = min(m->nr_in_order, m->nr);
	unlock(t);
}

static u32 random_below(struct qn_hard_thread *t, u32 nr)
{
	u64 rng = t->rng;

	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	t->rng = rng;
	return (u32)((rng >> 32) * nr >> 32);
}

void *qn_hard_slot_get(struct qn_hard_thread *t, unsigned int class)
{
	struct qn_hard_magazine *m = &t->magazine[class];
	void *p;
	u32 i;

	if (unlikely(!m->nr) && !magazine_fill(t, class))
		return NULL;
	/* Chance needs some to choose among */
	if (!m->nr_in_order || m->nr - m->nr_in_order >= batch_of(class) / 2) {
		i = m->nr_in_order + random_below(t, m->nr - m->nr_in_order);
	} else {
		/* The last freed one takes its place */
		i = --m->nr_in_order;
	}
	p = m->slot[i];
	m->slot[i] = m->slot[--m->nr];
	return p;
}

static void magazine_put(struct qn_hard_thread *t, unsigned int class, void *p)
{
	struct qn_hard_magazine *m = &t->magazine[class];

	if (unlikely(m->nr == 2 * batch_of(class)))
		magazine_give(t, class, batch_of(class));
	m->slot[m->nr++] = p;
}

/* ---- quarantines ---- */

static void kept_put(struct qn_hard_thread *t)
{
	unsigned int class = t->kept_class[t->head];
	void *p = t->kept[t->head];

	t->head = (t->head + 1) & (qn_hard_heap.most_kept - 1);
	t->nr_kept--;
	t->bytes -= slot_of(class);
	magazine_put(t, class, p);
}

void qn_hard_slot_keep(struct qn_hard_thread *t, struct qn_hard_slab *s,
		       void *p)
{
	u32 mask = qn_hard_heap.most_kept - 1, at;

	if (likely(t->nr_kept > mask))
		kept_put(t);
	at = (t->head + t->nr_kept++) & mask;
	t->kept[at] = p;
	t->kept_class[at] = (u8)s->class;
	t->bytes += s->slot;
	while (unlikely(t->bytes > qn_hard_heap.most_bytes))
		kept_put(t);
}

/* ---- threads ---- */

void qn_hard_account(struct qn_hard_thread *t)
{
	struct qn_hub *hub = qn_hard_heap.hub;

	qn_hub_account_direct(hub, t->live, t->asked, t->nr);
	t->live = 0;
	t->asked = 0;
	t->nr = 0;
	if (++t->nr_tells % TELLS_A_PURGE == 0)
		qn_hub_purge_old(hub);
}

static struct qn_hard_thread *thread_make(void)
{
	u32 most = qn_hard_heap.most_kept;
	struct qn_hard_thread *t = pool.threads;

	if (t)
		pool.threads = t->next;
	else
		t = qn_hard_meta(sizeof(*t) + most * (sizeof(t->kept[0]) + 1));
	if (!t)
		return NULL;
	t->kept_class = (u8 *)&t->kept[most];
	t->rng = (qn_port_seed() ^ qn_hard_word(t)) | 1;
	return t;
}

noinline struct qn_hard_thread *qn_hard_enter_slow(void)
{
	struct qn_hard_thread *t = qn_hard_self;

	if (qn_port_holds(&qn_hard.lock))
		return NULL;
	qn_port_lock(&qn_hard.lock);
	if (t || ended)
		return qn_hard_common;
	t = thread_make();
	if (!t)
		return qn_hard_common;
	qn_port_unlock(&qn_hard.lock);
	t->busy = true;
	qn_hard_self = t;
	qn_hard_heap.keep(t);
	return t;
}

static void magazines_give(struct qn_hard_thread *t)
{
	for (unsigned int class = 0; class < QN_HARD_CLASSES; class ++)
		if (t->magazine[class].nr)
			magazine_give(t, class, QN_HARD_MAGAZINE);
}

__seldom void qn_hard_thread_exit(void *thread)
{
	struct qn_hard_thread *t = thread;

	qn_assert(t == qn_hard_self);
	t->busy = true;
	ended = true;
	while (t->nr_kept)
		kept_put(t);
	magazines_give(t);
	qn_hard_account(t);
	qn_hard_self = NULL;
	qn_port_lock(&qn_hard.lock);
	t->busy = false;
	t->next = pool.threads;
	pool.threads = t;
	qn_port_unlock(&qn_hard.lock);
}

__apart void qn_hard_tell(void)
{
	struct qn_hard_thread *t = qn_hard_enter();

	if (!t)
		return;
	qn_hard_account(t);
	qn_hard_leave(t);
}

__apart bool qn_hard_trim(void)
{
	struct qn_hard_thread *t = qn_hard_enter();

	if (!t)
		return false;
	magazines_give(t);
	qn_hard_leave(t);
	return qn_segments_purge(&qn_hard_heap.hub->segments, 0) > 0;
}

__apart bool qn_hard_slabs_init(void)
{
	qn_hard_common = thread_make();
	return qn_hard_common;
}
