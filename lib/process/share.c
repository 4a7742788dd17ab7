// SPDX-License-Identifier: MIT
/*
 * share.c - blocks of whole pages; share.h has the picture.
 *
 * Order in this file: sets of pages, chunks and their lists, what is resident, purging,
 * allocation, free.
 */
#include "process/share.h"

#include "port/debug.h"
#include "process/segment-internal.h"

#define PARTS QN_UNIT_PARTS
#define PAGES (QN_SHARE_UNITS * PARTS)

/* ---- sets of pages of a chunk ---- */

struct set {
	u64 low, high;
};

_Static_assert(PAGES == 128, "a set has a bit for each page");

static struct set set_and(struct set a, struct set b)
{
	return (struct set){ a.low & b.low, a.high & b.high };
}

static struct set set_not(struct set a)
{
	return (struct set){ ~a.low, ~a.high };
}

/* Page @by becomes page 0 */
static __always_inline struct set set_shift(struct set a, size_t by)
{
	if (by >= 64)
		return (struct set){ by < 128 ? a.high >> (by - 64) : 0, 0 };
	if (!by)
		return a;
	return (struct set){ a.low >> by | a.high << (64 - by), a.high >> by };
}

static bool set_any(struct set a)
{
	return a.low | a.high;
}

/* Lowest page of a set that is not empty */
static unsigned int set_first(struct set a)
{
	return (unsigned int)(a.low ? __builtin_ctzll(a.low) :
				      64 + __builtin_ctzll(a.high));
}

/* Pages from which on @nr in a row are in the set */
static struct set set_runs(struct set a, unsigned int nr)
{
	for (unsigned int have = 1, more; have < nr; have += more) {
		more = min(have, nr - have);
		a = set_and(a, set_shift(a, more));
	}
	return a;
}

/*
 * How many in a row there are at most, counted up to QN_SHARE_MOST: doubled as long as
 * there are so many, then half of that more, a quarter, ...
 */
static unsigned int set_longest(struct set a)
{
	struct set runs[6], more;
	unsigned int n = 0, i;

	if (!set_any(a))
		return 0;
	for (runs[0] = a; n + 1 < ARRAY_SIZE(runs); n++) {
		more = set_and(runs[n], set_shift(runs[n], 1u << n));
		if (!set_any(more))
			break;
		runs[n + 1] = more;
	}
	a = runs[n];
	qn_assert(set_any(a));
	for (i = n, n = 1u << n; i-- > 0;) {
		more = set_and(a, set_shift(runs[i], n));
		if (!set_any(more))
			continue;
		a = more;
		n += 1u << i;
	}
	return min(n, QN_SHARE_MOST);
}

/* Pages at multiples of @align of them: 1, 2, 4, 8 or 16 */
static struct set set_aligned(unsigned int align)
{
	u64 every = ~(u64)0 / (((u64)1 << align) - 1);

	qn_assert(is_power_of_2(align) && align <= PARTS);
	return (struct set){ every, every };
}

/* ---- chunks ---- */

/* One of the masks of all units of a chunk; what is behind its end has none */
#define SET_OF(chunk, mask)                                         \
	({                                                          \
		u64 _set[2] = { 0, 0 };                             \
		for (size_t _i = 0; _i < (chunk)->chunk_size; _i++) \
			_set[_i / 4] |= (u64)(chunk)[_i].mask       \
					<< _i % 4 * PARTS;          \
		(struct set){ _set[0], _set[1] };                   \
	})

/* Pages that are there: not all chunks have all units */
static struct set all_of(const struct qn_unit *c)
{
	size_t nr = c->chunk_size * PARTS;

	return (struct set){ nr < 64 ? ((u64)1 << nr) - 1 : ~(u64)0,
			     nr <= 64  ? 0 :
			     nr == 128 ? ~(u64)0 :
					 ((u64)1 << (nr - 64)) - 1 };
}

static __seldom struct set free_of(const struct qn_unit *c)
{
	return set_and(all_of(c), set_not(SET_OF(c, busy)));
}

/* Each block begins at a page in use, and the chunk stands in one list at most */
static bool chunk_is_sound(const struct qn_share *sh, const struct qn_unit *c)
{
	for (size_t i = 0; i < c->chunk_size; i++)
		if (c[i].kind != QN_UNIT_SHARED || c[i].first != c ||
		    (c[i].heads & ~c[i].busy))
			return false;
	if (!c->longest)
		return true;
	return c->longest <= QN_SHARE_MOST && sh->lists >> c->longest & 1 &&
	       (c->chunk_prev ? c->chunk_prev->chunk_next == c :
				sh->list[c->longest] == c) &&
	       (!c->chunk_next || c->chunk_next->chunk_prev == c);
}

static __seldom void list_del(struct qn_share *sh, struct qn_unit *c)
{
	qn_assert(chunk_is_sound(sh, c));
	if (!c->longest)
		return;
	if (c->chunk_next)
		c->chunk_next->chunk_prev = c->chunk_prev;
	if (c->chunk_prev)
		c->chunk_prev->chunk_next = c->chunk_next;
	else
		sh->list[c->longest] = c->chunk_next;
	if (!sh->list[c->longest])
		WRITE_ONCE(sh->lists, sh->lists & ~((u64)1 << c->longest));
	c->longest = 0;
}

/* Pages were taken or freed: the chunk goes to the list that it belongs to now */
static __seldom void list_move(struct qn_share *sh, struct qn_unit *c)
{
	unsigned int n = set_longest(free_of(c));

	qn_assert(chunk_is_sound(sh, c));
	if (n == c->longest)
		return;
	list_del(sh, c);
	if (!n)
		return;
	c->longest = (u16)n;
	c->chunk_prev = NULL;
	c->chunk_next = sh->list[n];
	if (c->chunk_next)
		c->chunk_next->chunk_prev = c;
	sh->list[n] = c;
	WRITE_ONCE(sh->lists, sh->lists | (u64)1 << n);
	qn_assert(chunk_is_sound(sh, c));
}

/* ---- what is resident ---- */

static void add_dirty(struct qn_segments *s, size_t bytes)
{
	qn_assert(qn_port_holds(&s->lock));
	s->share.dirty += bytes;
	qn_resident_add_dirty(&s->resident, bytes);
	qn_assert(s->share.dirty <= s->resident.dirty);
}

/* Return: how many of the pages, from the first on, may not read as zero */
static __seldom size_t pages_take(struct qn_segments *s, struct qn_unit *c,
				  size_t from, size_t to)
{
	size_t old = from;

	qn_assert(from < to && to <= c->chunk_size * PARTS);
	for (size_t i = from / PARTS; i * PARTS < to; i++) {
		struct qn_unit *u = &c[i];
		u32 mask = qn_parts_of(i, from, to), dirty = mask & u->touched;

		qn_assert(!(u->busy & mask));
		if (dirty)
			old = i * PARTS + qn_ilog2(dirty) + 1;
		add_dirty(s, -(qn_nr_parts(dirty) * QN_PART_SIZE));
		u->busy |= (u16)mask;
		qn_resident_expect(&s->resident, u, 1);
	}
	return old - from;
}

/* @bytes will be dirty: as old as all of that is on average */
static void age_add(struct qn_share *sh, size_t bytes)
{
	u32 past = qn_segment_now() - sh->since;

	sh->since += (u32)((u64)past * bytes / (sh->dirty + bytes));
}

/* @dirty: they were written, perhaps; else they read as zero */
static __seldom void pages_drop(struct qn_segments *s, struct qn_unit *c,
				size_t from, size_t to, bool dirty)
{
	qn_assert(from < to && to <= c->chunk_size * PARTS);
	if (dirty) {
		qn_resident_look(&s->resident, c, qn_unit_start(s, c), from,
				 to);
		age_add(&s->share, (to - from) * QN_PART_SIZE);
	}
	for (size_t i = from / PARTS; i * PARTS < to; i++) {
		u32 mask = qn_parts_of(i, from, to);

		qn_assert((c[i].busy & mask) == mask);
		qn_assert(!(c[i].heads & mask));
		c[i].busy &= (u16)~mask;
		c[i].touched = (u16)(c[i].touched & ~mask);
		if (!dirty)
			continue;
		c[i].touched |= (u16)mask;
		add_dirty(s, qn_nr_parts(mask) * QN_PART_SIZE);
	}
}

/* ---- purging ---- */

/*
 * Free pages [@from, @to) may be resident: purge what of them is whole pages of the
 * system. Return: false if the system would not.
 */
static bool pages_purge(struct qn_segments *s, struct qn_unit *c, size_t from,
			size_t to, size_t *sum)
{
	size_t page = max(qn_port_page_size() / QN_PART_SIZE, (size_t)1);
	size_t bytes;

	from = round_up(from, page);
	to = round_down(to, page);
	if (from >= to)
		return true;
	qn_assert(to <= c->chunk_size * PARTS);
	bytes = qn_resident_purge(&s->resident, c, qn_unit_start(s, c), from,
				  to, qn_segment_now() - s->share.since);
	qn_assert(bytes <= (to - from) * QN_PART_SIZE);
	add_dirty(s, -bytes);
	*sum += bytes;
	return bytes;
}

static bool chunk_purge(struct qn_segments *s, struct qn_unit *c, size_t *sum)
{
	struct set loose = set_and(free_of(c), SET_OF(c, touched)), rest;
	size_t at = 0, n;

	while (set_any(loose)) {
		at += set_first(loose);
		loose = set_shift(loose, set_first(loose));
		rest = set_not(loose);
		n = set_any(rest) ? set_first(rest) : PAGES;
		if (!pages_purge(s, c, at, at + n, sum))
			return false;
		at += n;
		loose = set_shift(loose, n);
	}
	qn_assert(at <= PAGES);
	return true;
}

static __seldom size_t share_purge(struct qn_segments *s, size_t want)
{
	size_t sum = 0;

	qn_assert(qn_port_holds(&s->lock) && !s->share.list[0]);
	for (unsigned int n = 1; n <= QN_SHARE_MOST; n++)
		for (struct qn_unit *c = s->share.list[n]; c; c = c->chunk_next)
			if (sum >= want || !chunk_purge(s, c, &sum))
				return sum;
	return sum;
}

/* ---- allocation ---- */

/* Where in a chunk @nr pages fit; PAGES if nowhere */
static size_t place_in(const struct qn_unit *c, unsigned int nr,
		       unsigned int align)
{
	struct set at = set_and(set_runs(free_of(c), nr), set_aligned(align));

	return set_any(at) ? set_first(at) : PAGES;
}

/* Of the lists of those that may do, the first chunk in which @nr pages fit */
static struct qn_unit *chunk_find(const struct qn_share *sh, unsigned int nr,
				  unsigned int align, size_t *at)
{
	u64 lists = sh->lists >> nr << nr;

	for (; lists; lists &= lists - 1) {
		struct qn_unit *c = sh->list[__builtin_ctzll(lists)];

		qn_assert(c->longest >= nr && !c->chunk_prev);
		*at = place_in(c, nr, align);
		if (*at < PAGES)
			return c;
	}
	return NULL;
}

/* A chunk more, of @units or more. Keeps the lock, if there is one. */
static __seldom struct qn_unit *chunk_add(struct qn_segments *s, size_t units)
{
	struct qn_unit *c = qn_chunk_alloc(s, QN_SHARE_UNITS, units);
	u32 parts = 0;

	/* Near a limit of the system what is needed may be there */
	if (!c)
		c = qn_chunk_alloc(s, units, units);
	if (!c)
		return NULL;
	qn_port_lock(&s->lock);
	qn_assert(units <= c->chunk_size && c->chunk_size <= QN_SHARE_UNITS);
	for (size_t i = 0; i < c->chunk_size; i++) {
		c[i].kind = QN_UNIT_SHARED;
		c[i].busy = 0;
		c[i].heads = 0;
		c[i].longest = 0;
		c[i].first = c;
		parts += qn_nr_parts(c[i].touched);
	}
	s->share.purge = share_purge;
	add_dirty(s, parts * QN_PART_SIZE);
	return c;
}

__seldom void *qn_share_alloc(struct qn_segments *s, size_t size, size_t align,
			      size_t *old)
{
	size_t nr = DIV_ROUND_UP(max(size, (size_t)1), QN_PART_SIZE), at = 0;
	struct qn_unit *c;
	char *p = NULL;

	qn_assert(nr <= QN_SHARE_MOST && align <= QN_UNIT_SIZE);
	align = max(align / QN_PART_SIZE, (size_t)1);
	qn_port_lock(&s->lock);
	c = chunk_find(&s->share, (unsigned int)nr, (unsigned int)align, &at);
	if (!c) {
		qn_port_unlock(&s->lock);
		c = chunk_add(s, DIV_ROUND_UP(nr, PARTS));
		if (!c)
			return NULL;
		at = 0;
	}
	qn_assert(at % align == 0);
	*old = pages_take(s, c, at, at + nr) * QN_PART_SIZE;
	c[at / PARTS].heads |= (u16)(1u << at % PARTS);
	list_move(&s->share, c);
	p = qn_unit_start(s, c) + at * QN_PART_SIZE;
	qn_port_unlock(&s->lock);
	return p;
}

/* ---- free ---- */

/* How many pages a block has that begins at page @at of a chunk */
static __seldom size_t nr_pages(const struct qn_unit *c, size_t at)
{
	size_t n = 1;

	qn_assert(c[at / PARTS].heads >> at % PARTS & 1);
	for (; at + n < c->chunk_size * PARTS; n++) {
		const struct qn_unit *u = &c[(at + n) / PARTS];

		if (!((u->busy & ~u->heads) >> (at + n) % PARTS & 1))
			break;
	}
	return n;
}

/* Which page of its chunk @p is, if a block begins there; else PAGES */
static __seldom size_t page_of(const struct qn_segments *s,
			       const struct qn_unit *u, const char *p)
{
	size_t at = (size_t)(p - qn_unit_start(s, u));

	if (u->kind != QN_UNIT_SHARED || at % QN_PART_SIZE ||
	    !(u->heads >> at / QN_PART_SIZE & 1))
		return PAGES;
	qn_assert(u >= u->first && u < u->first + u->first->chunk_size);
	return (size_t)(u - u->first) * PARTS + at / QN_PART_SIZE;
}

__seldom size_t qn_share_size(struct qn_segments *s, struct qn_unit *u,
			      const void *p)
{
	size_t at, nr = 0;

	qn_port_lock(&s->lock);
	at = page_of(s, u, p);
	if (at < PAGES)
		nr = nr_pages(u->first, at);
	qn_port_unlock(&s->lock);
	return nr * QN_PART_SIZE;
}

/* All of it is free: it becomes a run again */
static void chunk_del(struct qn_segments *s, struct qn_unit *c)
{
	qn_assert(!set_any(SET_OF(c, heads)));
	for (size_t i = 0; i < c->chunk_size; i++)
		add_dirty(s, -(qn_nr_parts(c[i].touched) * QN_PART_SIZE));
	list_del(&s->share, c);
	qn_port_unlock(&s->lock);
	qn_run_free_parts(s, c);
}

/* Pages were freed. Gives the lock back. */
static __seldom void chunk_settle(struct qn_segments *s, struct qn_unit *c)
{
	qn_assert(qn_port_holds(&s->lock));
	if (!set_any(SET_OF(c, busy))) {
		chunk_del(s, c);
		return;
	}
	list_move(&s->share, c);
	qn_segments_purge_much(s);
	qn_port_unlock(&s->lock);
}

__seldom size_t qn_share_free(struct qn_segments *s, struct qn_unit *u, void *p,
			      bool dirty)
{
	struct qn_unit *c;
	size_t at, nr;

	qn_port_lock(&s->lock);
	at = page_of(s, u, p);
	if (at == PAGES) {
		qn_port_unlock(&s->lock);
		return 0;
	}
	c = u->first;
	nr = nr_pages(c, at);
	u->heads &= (u16) ~(1u << at % PARTS);
	pages_drop(s, c, at, at + nr, dirty);
	chunk_settle(s, c);
	return nr * QN_PART_SIZE;
}

__seldom bool qn_share_resize(struct qn_segments *s, struct qn_unit *u, void *p,
			      size_t size)
{
	size_t nr = DIV_ROUND_UP(max(size, (size_t)1), QN_PART_SIZE), at, old;
	struct qn_unit *c = u->first;
	struct set behind;

	qn_port_lock(&s->lock);
	at = page_of(s, u, p);
	qn_assert(at < PAGES);
	old = nr_pages(c, at);
	if (nr < old) {
		pages_drop(s, c, at + nr, at + old, true);
		chunk_settle(s, c);
		return true;
	}
	if (nr > old && at + nr <= c->chunk_size * PARTS) {
		behind = set_runs(free_of(c), (unsigned int)(nr - old));
		if (set_shift(behind, at + old).low & 1) {
			pages_take(s, c, at + old, at + nr);
			list_move(&s->share, c);
			old = nr;
		}
	}
	qn_port_unlock(&s->lock);
	return nr == old;
}
