// SPDX-License-Identifier: MIT
/*
 * hard-slab.c - slots of the hardened mode: slabs, magazines and quarantines.
 *
 * Order in this file: the pattern, classes, memory for what is known of slabs, slabs, magazines,
 * quarantines, threads.
 */
#include "process/hard-internal.h"

#include <string.h>

#include "port/guard.h"

/* From so many slabs of a class on, the next one's pages become resident at once: that part of its
 * memory may be in vain */
#define TOUCH_FROM 16u
/* The more slots a slab has, the longer it is in use after most of them were freed */
#define SLOTS_LEAST ((size_t)6)
/*
 * Marks behind a block: a part of its length, at least and at most so many bytes. Level 2 has more,
 * for memory is no matter there.
 */
#define SPARE_LEAST   ((size_t)8)
#define SPARE_PART    4
#define SPARE_LEAST_2 ((size_t)64)
#define SPARE_PART_2  2
#define SPARE_MOST    ((size_t)512)
/* Reports to the page between two looks at old memory */
#define TELLS_A_PURGE 64u

struct qn_hard_guard qn_hard;
struct qn_hard_heap qn_hard_heap __bss_apart;

/**
 * struct pool - what threads fetch from and give to; under the lock
 * @slabs:	those that have slots to give, by class
 * @spare:	what was known of slabs that are gone, likewise
 * @nr:		slabs of a class
 * @threads:	parts that no thread has
 * @meta, @meta_end: rest of the memory for all that
 */
static struct {
	struct qn_hard_slab *slabs[QN_HARD_CLASSES];
	struct qn_hard_slab *spare[QN_HARD_CLASSES];
	u32 nr[QN_HARD_CLASSES];
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
	qn_assert(is_aligned((uintptr_t)p, 16) && is_aligned(size, 8));
	return qn_hard_has(p, p + size, QN_HARD_PATTERN);
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
	if (qn_hard.level > 1)
		size = max(size / SPARE_PART_2, SPARE_LEAST_2);
	else
		size = max(size / SPARE_PART, SPARE_LEAST);
	return min(size, SPARE_MOST);
}

unsigned int qn_hard_class_slow(size_t size, size_t align)
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

/* Blocks of a class are aligned to what divides all its slots; before the first is its front */
static size_t first_of(u32 slot)
{
	return round_up(QN_HARD_FRONT,
			min((size_t)(slot & -slot), QN_HARD_ALIGN));
}

/* Units of a slab: room for SLOTS_LEAST slots at least, and a guard */
static size_t units_of(u32 slot)
{
	return DIV_ROUND_UP(SLOTS_LEAST * slot + first_of(slot), QN_UNIT_SIZE);
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
	qn_hard_mark(s->base - QN_HARD_FRONT, s->base, qn_hard_word(s->base));
	s->u = u;
	s->slot = slot;
	s->inverse = ((u64)1 << 40) / slot + 1;
	s->class = (u16) class;
	s->nr = (u16)nr;
	s->touched = pool.nr[class]++ >= TOUCH_FROM && s->zeroed;
	if (s->touched)
		qn_port_touch(qn_unit_start(segments, u),
			      units << QN_UNIT_SHIFT);
	for (size_t i = 0; i < units; i++) {
		u[i].hard = s;
		smp_store_release(&u[i].kind, (u8)QN_UNIT_HARD);
	}
	slab_link(s);
	return s;
}

/*
 * Is a free slot as free() left it? The guard before it is the one behind the last slot that was
 * looked at, if that one was ever in use.
 */
static __always_inline bool is_whole(u16 state, const char *p, size_t room,
				     bool looked_at)
{
	return (state & QN_HARD_STATE) == QN_HARD_FREE &&
	       (looked_at || *qn_hard_at(p - QN_HARD_WORD) ==
				     qn_hard_word(p - QN_HARD_WORD)) &&
	       *qn_hard_at(p + room) == qn_hard_word(p + room) &&
	       qn_hard_slot_is_filled(p, room);
}

/* All its slots are free: look at them a last time */
static noinline void slab_drop(struct qn_hard_slab *s)
{
	size_t units = units_of(s->slot), room = qn_hard_room(s);
	const char *p = s->base, *what;
	struct qn_unit *u = s->u;
	bool looked_at = false;

	for (size_t i = 0; i < s->nr_used; i++, p += s->slot) {
		looked_at = is_whole(s->state[i], p, room, looked_at);
		if (likely(looked_at))
			continue;
		what = qn_hard_slot_look(s, i);
		if (unlikely(what))
			qn_hard_report("free", p,
				       room - (s->state[i] & QN_HARD_SPARE),
				       what);
	}
	slab_unlink(s);
	pool.nr[s->class]--;
	for (size_t i = 0; i < units; i++)
		u[i].kind = i ? QN_UNIT_NONE : QN_UNIT_META;
	s->u = NULL;
	s->next = pool.spare[s->class];
	pool.spare[s->class] = s;
	qn_run_free(&qn_hard_heap.hub->segments, u,
		    s->touched ?
			    units << QN_UNIT_SHIFT :
			    first_of(s->slot) + (size_t)s->nr_used * s->slot);
}

/* Up to @nr slots, those at the lowest addresses; the lowest is the last in @slot */
static u32 slab_take(struct qn_hard_slab *s, void **slot, u32 nr)
{
	size_t words = DIV_ROUND_UP((size_t)s->nr, 64), end = 0, i;
	u32 left = nr, n;

	for (size_t w = 0; w < words && left; w++) {
		u64 given = s->given[w];

		for (; left && ~given; given |= given + 1) {
			i = 64 * w + qn_ctz(~given);
			if (i >= s->nr)
				break;
			end = i + 1;
			slot[--left] = s->base + i * s->slot;
		}
		s->given[w] = given;
	}
	n = nr - left;
	if (left)
		memmove(slot, slot + left, n * sizeof(*slot));
	s->nr_used = (u16)max((size_t)s->nr_used, end);
	s->nr_given = (u16)(s->nr_given + n);
	if (s->nr_given == s->nr)
		slab_unlink(s);
	return n;
}

static __always_inline void slab_give(const void *p)
{
	struct qn_hard_slab *s = qn_hard_find(p)->hard;
	size_t i = qn_hard_index(s, p);

	qn_assert(s->given[i / 64] >> i % 64 & 1);
	s->given[i / 64] &= ~((u64)1 << i % 64);
	if (unlikely(s->nr_given-- == s->nr))
		slab_link(s);
	if (unlikely(!s->nr_given) && (s->next || s->prev))
		slab_drop(s);
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
	if (*qn_hard_at(p - QN_HARD_WORD) != qn_hard_word(p - QN_HARD_WORD) ||
	    (!i && !qn_hard_has_front(s)))
		return qn_hard_before;
	if (*qn_hard_at(p + room) != qn_hard_word(p + room))
		return QN_HARD_BEHIND;
	if ((state & QN_HARD_STATE) == QN_HARD_FREE)
		return qn_hard_is_filled(p, room) ? NULL : QN_HARD_WRITTEN;
	return qn_hard_is_marked(p + room - (state & QN_HARD_SPARE), p + room,
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

noinline bool qn_hard_magazine_fill(struct qn_hard_thread *t,
				    struct qn_hard_magazine *m)
{
	unsigned int class = (unsigned int)(m - t->magazine);
	struct qn_hard_slab *s;

	lock(t);
	s = pool.slabs[class];
	if (!s)
		s = slab_add(class);
	if (!s && qn_hard_large_relax())
		s = slab_add(class);
	if (s)
		m->nr = slab_take(s, m->slot, m->most / 2);
	m->nr_in_order = m->nr;
	unlock(t);
	return m->nr;
}

static void magazine_give(struct qn_hard_thread *t, struct qn_hard_magazine *m,
			  u32 nr)
{
	lock(t);
	for (; m->nr && nr > 0; nr--)
		slab_give(m->slot[--m->nr]);
	m->nr_in_order = min(m->nr_in_order, m->nr);
	unlock(t);
}

noinline void qn_hard_magazine_give(struct qn_hard_thread *t,
				    struct qn_hard_magazine *m)
{
	magazine_give(t, m, m->most / 2);
}

/* ---- quarantines ---- */

noinline void qn_hard_kept_put(struct qn_hard_thread *t)
{
	u64 kept = t->kept[t->head];

	t->head = (t->head + 1) & (qn_hard_heap.most_kept - 1);
	t->nr_kept--;
	qn_hard_kept_out(t, kept);
}

/* ---- threads ---- */

void qn_hard_account(struct qn_hard_thread *t)
{
	struct qn_hub *hub = qn_hard_heap.hub;

	qn_hub_account_direct(hub, (s64)(t->asked - t->freed) + t->grown,
			      t->asked, t->nr);
	t->asked = 0;
	t->freed = 0;
	t->grown = 0;
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
		t = qn_hard_meta(sizeof(*t) + most * sizeof(t->kept[0]));
	if (!t)
		return NULL;
	for (unsigned int class = 0; class < QN_HARD_CLASSES; class ++) {
		t->magazine[class].most = 2 * batch_of(class);
		t->magazine[class].osize = slot_of(class);
	}
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
			magazine_give(t, &t->magazine[class], QN_HARD_MAGAZINE);
}

__seldom void qn_hard_thread_exit(void *thread)
{
	struct qn_hard_thread *t = thread;

	qn_assert(t == qn_hard_self);
	t->busy = true;
	ended = true;
	while (t->nr_kept)
		qn_hard_kept_put(t);
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
	qn_hard_leave(t, true);
}

__apart bool qn_hard_trim(void)
{
	struct qn_hard_thread *t = qn_hard_enter();

	if (!t)
		return false;
	magazines_give(t);
	qn_hard_leave(t, false);
	return qn_segments_purge(&qn_hard_heap.hub->segments, 0) > 0;
}

__apart bool qn_hard_slabs_init(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(qn_hard_heap.class); i++)
		qn_hard_heap.class[i] =
			(u8)qn_hard_class_slow(i * QN_HARD_WORD, QN_ALIGN);
	qn_hard_common = thread_make();
	return qn_hard_common;
}
