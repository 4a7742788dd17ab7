// SPDX-License-Identifier: MIT
/*
 * hard.c - malloc and free of the hardened mode: slots in use.
 *
 * hard-internal.h lists the files. Order in this one: what a pointer is, allocation, free,
 * the rest of the family, start.
 */
#include "process/hard-internal.h"

#include <errno.h>
#include <string.h>

#include "port/guard.h"

/* Quarantine of a thread, by level: slots, and bytes of them */
#define KEPT_1  2048u
#define KEPT_2  8192u
#define BYTES_1 ((size_t)512 << 10)
#define BYTES_2 ((size_t)2 << 20)

/* ---- what a pointer is ---- */

/**
 * struct slot - a slot and what is known of it
 */
struct slot {
	struct qn_hard_slab *s;
	size_t i;
	u16 state;
};

static __always_inline size_t size_in(const struct qn_hard_slab *s, u16 state)
{
	return qn_hard_room(s) - (state & QN_HARD_SPARE);
}

static __always_inline void state_set(struct slot at, unsigned int state)
{
	__atomic_store_n(&at.s->state[at.i], (u16)state, __ATOMIC_RELEASE);
}

/* No block in use begins at @p. @at.s: NULL, or the slot that does */
static __apart void judge(const struct qn_unit *u, struct slot at,
			  const void *p, const char *where)
{
	const char *what = QN_HARD_NONE;
	size_t size = SIZE_MAX;

	if (!u) {
		what = QN_HARD_FOREIGN;
	} else if (u->kind == QN_UNIT_CLEAN || u->kind == QN_UNIT_DIRTY ||
		   u->kind == QN_UNIT_SPARE) {
		what = QN_HARD_AGAIN;
	} else if (at.s && at.state & QN_HARD_STATE) {
		what = QN_HARD_AGAIN;
		size = size_in(at.s, at.state);
	}
	qn_hard_report(where, p, size, what);
}

/* Where the marks of a block in use begin */
static __always_inline char *marks_of(struct slot at, char *p)
{
	return p + size_in(at.s, at.state);
}

static __apart void mend(struct slot at, char *p)
{
	size_t room = qn_hard_room(at.s);

	*qn_hard_at(p - QN_HARD_WORD) = qn_hard_word(p - QN_HARD_WORD);
	*qn_hard_at(p + room) = qn_hard_word(p + room);
	qn_hard_mark(marks_of(at, p), p + room, qn_hard_slot_marks(p));
	if (!at.i)
		qn_hard_mark(p - QN_HARD_FRONT, p - QN_HARD_WORD,
			     qn_hard_word(p));
}

static __apart void damaged(struct slot at, char *p, const char *where)
{
	const char *what = qn_hard_slot_look(at.s, at.i);

	if (what)
		qn_hard_report(where, p, size_in(at.s, at.state), what);
	mend(at, p);
}

/* The slot of which @p is the block in use; without a slab if there is none */
static __always_inline struct slot slot_at(struct qn_hard_slab *s,
					   const char *p)
{
	struct slot at = { s, qn_hard_index(s, p), 0 };

	/* Of an address before the first slot this is no slot's, either */
	if (unlikely(at.i >= s->nr || s->base + at.i * s->slot != p))
		at.s = NULL;
	else
		at.state = READ_ONCE(s->state[at.i]);
	return at;
}

static __always_inline bool is_used(struct slot at)
{
	return at.s && (at.state & QN_HARD_STATE) == QN_HARD_USED;
}

/* Are guards and marks around a block in use what they were? */
static __always_inline bool is_whole(struct slot at, char *p)
{
	size_t room = qn_hard_room(at.s);
	u64 before = qn_hard_slot_marks(p);

	return *qn_hard_at(p - QN_HARD_WORD) == before &&
	       *qn_hard_at(p + room) == qn_hard_word(p + room) &&
	       qn_hard_is_marked(marks_of(at, p), p + room, before) &&
	       (likely(at.i) || qn_hard_has_front(at.s));
}

/* Is @p the block of a slot in use? A message if not, or if anything around it was written. */
static bool slot_find(struct slot *at, const struct qn_unit *u, char *p,
		      const char *where)
{
	struct qn_hard_slab *s = qn_hard_slab_of(u);

	*at = s ? slot_at(s, p) : (struct slot){ NULL, 0, 0 };
	if (unlikely(!is_used(*at))) {
		judge(u, *at, p, where);
		return false;
	}
	if (unlikely(!is_whole(*at, p)))
		damaged(*at, p, where);
	return true;
}

/* Not of quern's own heap, from before the mode began */
static __apart bool is_ours(const struct qn_unit *u)
{
	return !u || !(u->kind == QN_UNIT_SLAB || u->kind == QN_UNIT_MEDIUM ||
		       u->kind == QN_UNIT_LARGE || u->kind == QN_UNIT_SHARED ||
		       u->kind == QN_UNIT_FENCE || u->kind == QN_UNIT_FOLLOW);
}

bool qn_hard_owns(const void *p)
{
	const struct qn_unit *u;

	if (!p)
		return false;
	u = qn_hard_find(p);
	return (likely(u != NULL) && likely(u->kind == QN_UNIT_HARD)) ||
	       is_ours(u);
}

/* ---- allocation ---- */

/* The guard at @guard comes into being, if the slot @i on its other side did not bring it */
static __always_inline void guard_open(const struct qn_hard_slab *s, size_t i,
				       char *guard, const char *what)
{
	u64 *at = qn_hard_at(guard), word = qn_hard_word(guard);
	u16 state = 0;

	/* Pairs with the release in state_set() */
	if (i < s->nr)
		state = __atomic_load_n(&s->state[i], __ATOMIC_ACQUIRE);
	if (unlikely(state && *at != word))
		qn_hard_report("free", s->base + i * s->slot, size_in(s, state),
			       what);
	*at = word;
}

/* Nobody had the slot before */
static noinline void slot_open(struct slot at, char *p)
{
	size_t room = qn_hard_room(at.s);

	guard_open(at.s, at.i - 1, p - QN_HARD_WORD, QN_HARD_BEHIND);
	guard_open(at.s, at.i + 1, p + room, qn_hard_before);
	/* Where both ends were written no page is read first: that would be a fault more */
	if (at.s->zeroed && at.s->slot <= QN_PART_SIZE &&
	    unlikely(!qn_hard_has(p, p + room - QN_HARD_WORD, 0)))
		qn_hard_report("malloc", p, room, QN_HARD_NOBODY);
}

/*
 * Of a slot that was free all is looked at but its guards: they stay, and the next free() of it
 * looks at them.
 *
 * Return: false if it must not be handed out, since it is in use: it was freed by two at once.
 */
static __always_inline bool slot_use(struct qn_hard_thread *t, char *p,
				     size_t size)
{
	struct qn_hard_slab *s = qn_hard_find(p)->hard;
	size_t i = qn_hard_index(s, p), room = qn_hard_room(s);
	struct slot at = { s, i, READ_ONCE(s->state[i]) };

	qn_assert(size <= room);
	if ((at.state & QN_HARD_STATE) == QN_HARD_FREE) {
		if (unlikely(!qn_hard_slot_is_filled(p, room)))
			damaged(at, p, "free");
	} else if (unlikely(at.state & QN_HARD_STATE)) {
		judge(NULL, at, p, "free");
		return false;
	} else {
		slot_open(at, p);
	}
	state_set(at, QN_HARD_BUSY);
	qn_hard_mark(p + size, p + room, qn_hard_slot_marks(p));
	state_set(at, QN_HARD_USED | (unsigned int)(room - size));
	t->asked += size;
	t->nr++;
	return true;
}

static __always_inline void *slot_alloc(size_t size, size_t align)
{
	struct qn_hard_thread *t = qn_hard_enter();
	unsigned int class = qn_hard_class(size, align);
	void *p;

	if (unlikely(!t))
		return NULL;
	do {
		p = qn_hard_slot_get(t, class);
	} while (likely(p != NULL) && unlikely(!slot_use(t, p, size)));
	qn_hard_leave(t, t->nr >= QN_HARD_TELL);
	return p;
}

noinline void *qn_hard_alloc(size_t size, size_t align, size_t *old)
{
	if (unlikely(size > QN_HARD_SLOT - QN_HARD_WORD ||
		     align > QN_HARD_ALIGN))
		return qn_hard_large_alloc(size, align, old);
	*old = size;
	return slot_alloc(size, align);
}

void *qn_hard_malloc(size_t size)
{
	size_t old;

	if (unlikely(size > QN_HARD_LISTED))
		return qn_hard_alloc(size, QN_ALIGN, &old);
	return slot_alloc(size, QN_ALIGN);
}

/* ---- free ---- */

static __always_inline void slot_free(struct slot at, char *p)
{
	struct qn_hard_thread *t = qn_hard_enter();

	if (unlikely(!t))
		return;
	state_set(at, QN_HARD_BUSY);
	qn_hard_slot_fill(p, qn_hard_room(at.s));
	state_set(at, QN_HARD_FREE | (at.state & QN_HARD_SPARE));
	t->freed += size_in(at.s, at.state);
	qn_hard_slot_keep(t, at.s, p);
	qn_hard_leave(t, t->freed >= QN_HARD_TELL_BYTES);
}

/* What is no slot, to all appearances */
static noinline bool free_other(struct qn_unit *u, void *p)
{
	struct slot at;

	if (!is_ours(u))
		return false;
	if (u && u->kind == QN_UNIT_HARD_LARGE)
		qn_hard_large_free(u, p);
	else
		slot_find(&at, u, p, "free");
	return true;
}

bool qn_hard_free(void *p)
{
	struct qn_unit *u = qn_hard_find(p);
	struct slot at;

	if (unlikely(!u || u->kind != QN_UNIT_HARD))
		return free_other(u, p);
	at = slot_at(u->hard, p);
	if (unlikely(!is_used(at))) {
		judge(u, at, p, "free");
		return true;
	}
	if (unlikely(!is_whole(at, p)))
		damaged(at, p, "free");
	slot_free(at, p);
	return true;
}

/* ---- the rest of the family ---- */

/* What the slot has to spare comes into use, or goes out of it */
static void slot_resize(struct slot at, char *p, size_t size)
{
	size_t room = qn_hard_room(at.s), old = size_in(at.s, at.state);
	struct qn_hard_thread *t = qn_hard_enter();

	state_set(at, QN_HARD_BUSY);
	/* Nobody is told the marks */
	if (size > old)
		memset(p + old, 0, size - old);
	qn_hard_mark(p + size, p + room, qn_hard_slot_marks(p));
	state_set(at, QN_HARD_USED | (unsigned int)(room - size));
	if (unlikely(!t))
		return;
	t->grown += (s64)size - (s64)old;
	qn_hard_leave(t, false);
}

void *qn_hard_realloc(void *p, size_t size)
{
	struct qn_unit *u = qn_hard_find(p);
	size_t need = size + QN_HARD_WORD, dirty;
	struct slot at;
	void *q;

	if (unlikely(u && u->kind == QN_UNIT_HARD_LARGE))
		return qn_hard_large_realloc(u, p, size);
	if (unlikely(!slot_find(&at, u, p, "realloc")))
		return NULL;
	if (size < at.s->slot && need <= at.s->slot &&
	    (need > at.s->slot / 2 || at.s->slot <= 64)) {
		slot_resize(at, p, size);
		return p;
	}
	q = qn_hard_alloc(size, QN_ALIGN, &dirty);
	if (unlikely(!q))
		return NULL;
	memcpy(q, p, min(size, size_in(at.s, at.state)));
	slot_free(at, p);
	return q;
}

/* Bytes of a block; SIZE_MAX after a message if it is none */
static size_t size_of(const void *p, const char *where)
{
	struct qn_unit *u = qn_hard_find(p);
	struct slot at;

	if (u && u->kind == QN_UNIT_HARD_LARGE)
		return qn_hard_large_look(u, p, where) ? u->asked : SIZE_MAX;
	if (!slot_find(&at, u, (char *)(uintptr_t)p, where))
		return SIZE_MAX;
	return size_in(at.s, at.state);
}

__seldom size_t qn_hard_usable(const void *p)
{
	size_t size = size_of(p, "malloc_usable_size");

	return size == SIZE_MAX ? 0 : size;
}

bool qn_hard_sized_look(const void *p, size_t size, const char *where)
{
	size_t have = size_of(p, where);

	if (unlikely(have == SIZE_MAX))
		return false;
	if (unlikely(have != size))
		qn_hard_report(
			where, p, have,
			"the block was not allocated with the size given");
	return true;
}

/* ---- start ---- */

__apart int qn_hard_start(struct qn_hub *hub, unsigned int level,
			  enum qn_hard_error error, void (*keep)(void *thread))
{
	struct qn_hard_heap *h = &qn_hard_heap;

	qn_assert(level > 0 && level <= QN_HARD_MOST);
	h->hub = hub;
	h->secret = qn_port_secret();
	h->error = error;
	h->keep = keep;
	h->most_kept = level > 1 ? KEPT_2 : KEPT_1;
	h->most_bytes = level > 1 ? BYTES_2 : BYTES_1;
	h->page = qn_port_page_size();
	qn_hard.level = level;
	if (qn_hard_slabs_init() && qn_hard_large_init()) {
		qn_port_on_fault(qn_hard_fault);
		return 0;
	}
	qn_hard.level = 0;
	return -ENOMEM;
}
