// SPDX-License-Identifier: MIT
/*
 * slab.c - cutting units into objects, and the checks on the way back.
 */
#include "process/slab.h"

#include <string.h>

#include "format/print.h"

void qn_slab_init(struct qn_unit *u, struct qn_local *owner, unsigned int class,
		  u32 osize)
{
	qn_assert(osize && osize % QN_ALIGN == 0);
	qn_assert(osize <= QN_UNIT_SIZE);
	qn_assert(class < QN_NR_CLASSES);
	u->free = NULL;
	u->osize = osize;
	u->nr = (u16)(QN_UNIT_SIZE / osize);
	u->carved = 0;
	u->prev = NULL;
	u->next = NULL;
	u->synced = 0;
	u->synced_kept = 0;
	u->hidden = 0;
	u->hidden_pages = 0;
	u->class = (u8) class;
	qn_slab_set_state(u, QN_SLAB_CURRENT);
	qn_slab_watch(u, 0, -1);
	u->owner = owner;
}

void *qn_slab_carve(struct qn_unit *u, char *start, size_t bytes, u32 *nr)
{
	u32 osize = u->osize;
	u32 n = min((u32)bytes / osize, (u32)u->nr - u->carved);
	char *p = start + (size_t)u->carved * osize;
	char *last;

	qn_assert(qn_slab_can_carve(u));
	qn_assert(is_aligned((uintptr_t)start, QN_ALIGN));
	n = max(n, (u32)1);
	last = p + (size_t)(n - 1) * osize;
	for (char *o = p; o != last; o += osize)
		qn_link_set(o, o + osize);
	qn_link_set(last, NULL);
	u->count += n;
	qn_in_order();
	u->carved = (u16)(u->carved + n);
	qn_assert(u->carved <= u->nr);
	qn_assert(qn_slab_used(u) + u->hidden <= u->carved);
	qn_resident_carve(u, qn_slab_parts(u));
	*nr = n;
	return p;
}

/* ---- misuse ---- */

struct qn_refusals qn_refusals __bss_apart;

static __apart void say(const char *where, const void *p, size_t size,
			const char *what)
{
	char line[264];
	struct qn_print to = { line, sizeof(line) };

	qn_print_finding(&to, where, p, what);
	if (size != SIZE_MAX) {
		qn_print(&to, " (");
		qn_print_number(&to, size);
		qn_print(&to, " bytes)");
	}
	qn_print(&to, "; next: " QN_MISUSE_NEXT "\n");
	qn_port_write(line, (size_t)(to.at - line));
}

__apart void qn_misuse_of(const char *where, const void *p, size_t size,
			  const char *what)
{
	say(where, p, size, what);
	qn_port_abort();
}

__apart void qn_misuse(const char *where, const void *p, const char *what)
{
	qn_misuse_of(where, p, SIZE_MAX, what);
}

__apart void qn_refuse(const char *where, const void *p, size_t size,
		       const char *what)
{
	if (!qn_refusals.silent)
		say(where, p, size, what);
	if (!qn_refusals.goes_on)
		qn_port_abort();
}

/* What QN_SLAB_SHORT is known by */
static const char short_list[] __rodata_apart = QN_SLAB_SHORT;

static struct qn_slab_fault fault(const void *p, const char *what)
{
	return (struct qn_slab_fault){ p, what };
}

/* Mark an object of @u. Return: it was marked before. */
static bool mark(const struct qn_unit *u, u8 *seen, size_t at)
{
	size_t i = at / u->osize;
	bool before = seen[i / 8] >> i % 8 & 1;

	seen[i / 8] |= (u8)(1u << i % 8);
	return before;
}

/* Is there an object, not on the list, that free() was about to put there? */
static __apart bool is_on_its_way(const struct qn_unit *u, const char *start,
				  const u8 *seen)
{
	for (u32 i = 0; i < u->carved; i++) {
		const void *p = start + (size_t)i * u->osize;

		if (!(seen[i / 8] >> i % 8 & 1) && qn_link_get(p) == u->free)
			return true;
	}
	return false;
}

/*
 * Has the free list, of @nr objects, fewer than are counted? Who looks may be a signal
 * handler that interrupted the owner: all code takes care that the list is never short
 * meanwhile, or that @count is 0; but for free(), which may count before it links.
 */
static bool is_short(const struct qn_unit *u, const char *start, const u8 *seen,
		     u32 nr)
{
	s32 missing = (s32)qn_slab_nr_free(u) - (s32)nr;

	return u->count && missing > 0 &&
	       (missing > 1 || !is_on_its_way(u, start, seen));
}

noinline __cold struct qn_slab_fault qn_slab_look(const struct qn_unit *u,
						  const char *start,
						  const char *list, u8 *seen,
						  u32 *budget)
{
	const char *last = start;
	u32 nr = 0;

	for (const char *p = list; p && *budget; nr++, --*budget) {
		size_t at = (size_t)(p - start);

		/* The first link is free()'s own; others were written over */
		if (at >= (size_t)u->carved * u->osize && p != list)
			return fault(last, QN_SLAB_WRITTEN);
		if (at >= (size_t)u->carved * u->osize || at % u->osize)
			return fault(p, QN_SLAB_INTERIOR);
		if (mark(u, seen, at))
			return fault(p, QN_SLAB_TWICE);
		last = p;
		p = qn_link_get(p);
	}
	if (*budget && list == u->free && is_short(u, start, seen, nr))
		return fault(last, short_list);
	return fault(NULL, NULL);
}

/* Something is wrong with the free list of @u: find out what */
static __noreturn __apart void list_misuse(struct qn_unit *u, char *start)
{
	u8 seen[QN_SLAB_SEEN] = { 0 };
	u32 budget = UINT32_MAX;
	struct qn_slab_fault f = qn_slab_look(u, start, u->free, seen, &budget);

	/* Nothing in it: objects are missing that were handed out already */
	if (!f.what || f.what == short_list)
		qn_misuse("free", start, short_list);
	qn_misuse("free", f.p, f.what);
}

/*
 * Follow links from the first object, @n objects in all, @n at least 1; stop at one
 * that leads out of the slab. A circle is longer than any list, so it shows where a
 * list should end.
 *
 * Return: the last object reached.
 */
static __always_inline char *list_walk(struct qn_unit *u, char *start, u32 n)
{
	size_t first = (size_t)((char *)u->free - start), at = first;
	u32 sum = 0;

	qn_assert(n > 0);
	for (;;) {
		if (unlikely(at >= QN_UNIT_SIZE))
			list_misuse(u, start);
		sum += (u32)at;
		if (--n == 0)
			break;
		at = (size_t)((char *)qn_link_get(start + at) - start);
		if (unlikely(at == first))
			list_misuse(u, start);
	}
	/* Starts of objects are multiples of osize, and so is their sum */
	if (unlikely(sum % u->osize))
		list_misuse(u, start);
	return start + at;
}

void *qn_slab_take(struct qn_unit *u, char *start, u32 nr, u32 look)
{
	bool all = nr == qn_slab_nr_free(u);
	void *first = u->free;
	char *last;

	qn_assert(look > 0);
	qn_assert(nr <= qn_slab_nr_free(u));
	if (unlikely(!nr))
		list_misuse(u, start);
	u->count += nr;
	qn_in_order();
	if (all && nr > look) {
		list_walk(u, start, look);
		u->free = NULL;
		return first;
	}
	last = list_walk(u, start, nr);
	if (unlikely(all != !qn_link_get(last)))
		list_misuse(u, start);
	u->free = qn_link_get(last);
	qn_link_set(last, NULL);
	return first;
}

void qn_slab_leave(struct qn_unit *u, char *start, u32 look)
{
	u32 nr = u->carved - u->hidden;
	char *last;

	qn_assert(look > 0);
	qn_assert(!qn_slab_used(u));
	/* Its last object was freed just now */
	last = list_walk(u, start, min(nr, look));
	if (unlikely(nr <= look && qn_link_get(last)))
		list_misuse(u, start);
}

/* ---- pages of sparse slabs ---- */

#define MAP_WORDS (QN_UNIT_SIZE / QN_ALIGN / (8 * sizeof(unsigned long)))
#define WORD_BITS (8 * sizeof(unsigned long))

/* The pages that an object touches, one bit each */
static u32 object_pages(const struct qn_unit *u, u32 i)
{
	u32 first = i * u->osize >> QN_PART_SHIFT;
	u32 last = (i * u->osize + u->osize - 1) >> QN_PART_SHIFT;

	return (2u << last) - (1u << first);
}

/* One bit for each object in use */
static void map_used(const struct qn_unit *u, const char *start,
		     unsigned long *map)
{
	/* The list goes to and fro: wait for memory in its order, not in that of the list */
	for (u32 at = 0; at < u->carved * u->osize; at += 64)
		__builtin_prefetch(start + at);
	memset(map, 0, MAP_WORDS * sizeof(*map));
	for (u32 i = 0; i < u->carved; i++)
		map[i / WORD_BITS] |= 1ul << i % WORD_BITS;
	for (const char *p = u->free; p; p = qn_link_get(p)) {
		u32 i = (u32)(p - start) / u->osize;

		map[i / WORD_BITS] &= ~(1ul << i % WORD_BITS);
	}
}

static __seldom u32 pages_used(const struct qn_unit *u, const char *start)
{
	unsigned long map[MAP_WORDS];
	u32 pages = 0;

	map_used(u, start, map);
	for (u32 w = 0; w < MAP_WORDS; w++)
		for (unsigned long m = map[w]; m; m &= m - 1)
			pages |=
				object_pages(u, w * (u32)WORD_BITS + qn_ctz(m));
	return pages;
}

/* Pages of the system may be larger: one that is used in part is used */
static u32 pages_widen(u32 used, size_t page)
{
	u32 per = (u32)(page >> QN_PART_SHIFT);
	u32 wide = used;

	for (u32 at = 0; per > 1 && at < 16; at += per) {
		u32 group = ((1u << per) - 1) << at;

		if (used & group)
			wide |= group;
	}
	return wide;
}

__apart u32 qn_slab_hide(struct qn_unit *u, char *start, size_t page)
{
	u32 pages = pages_widen(u->touched, page) &
		    ~pages_widen(pages_used(u, start), page);
	char *p, *before = NULL;

	qn_assert(is_power_of_2(page));
	qn_assert(!u->hidden && !u->hidden_pages);
	if (!pages)
		return 0;
	for (p = u->free; p; p = qn_link_get(p)) {
		if (object_pages(u, (u32)(p - start) / u->osize) & pages) {
			u->hidden++;
			qn_in_order();
			qn_link_after(&u->free, before, qn_link_get(p));
		} else {
			before = p;
		}
	}
	u->hidden_pages = (u16)pages;
	qn_assert(u->hidden + qn_slab_used(u) <= u->carved);
	return pages;
}

__apart void qn_slab_show(struct qn_unit *u, char *start)
{
	for (u32 i = 0; u->hidden_pages && i < u->carved; i++) {
		if (!(object_pages(u, i) & u->hidden_pages))
			continue;
		qn_link_push(&u->free, start + (size_t)i * u->osize);
		qn_in_order();
		u->hidden--;
	}
	qn_assert(!u->hidden);
	u->hidden_pages = 0;
}
