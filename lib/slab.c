// SPDX-License-Identifier: MIT
/*
 * slab.c - cutting units into objects, and the checks on the way back.
 */
#include "slab.h"

#include <string.h>

void qn_slab_init(struct qn_unit *u, struct qn_local *owner, unsigned int class,
		  u32 osize)
{
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

	n = max(n, (u32)1);
	last = p + (size_t)(n - 1) * osize;
	for (char *o = p; o != last; o += osize)
		*(void **)(void *)o = o + osize;
	*(void **)(void *)last = NULL;
	u->carved = (u16)(u->carved + n);
	u->touched |= (u16)qn_slab_parts(u);
	u->count += n;
	*nr = n;
	return p;
}

/* ---- misuse ---- */

static char *append(char *to, const char *text)
{
	size_t n = strlen(text);

	memcpy(to, text, n);
	return to + n;
}

static char *append_pointer(char *to, const void *p)
{
	uintptr_t v = (uintptr_t)p;
	unsigned int digits = 1;

	while (digits < 2 * sizeof(v) && v >> (4 * digits))
		digits++;
	to = append(to, "0x");
	while (digits-- > 0)
		*to++ = "0123456789abcdef"[(v >> (4 * digits)) & 15];
	return to;
}

__apart void qn_misuse(const char *where, const void *p, const char *what)
{
	char line[200];
	char *end = append(line, "quern: ");

	end = append(end, where);
	end = append(end, "(");
	end = append_pointer(end, p);
	end = append(end, "): ");
	end = append(end, what);
	end = append(end, "\n");
	qn_port_write(line, (size_t)(end - line));
	qn_port_abort();
}

/* Something is wrong with the free list of @u: find out what */
static __noreturn __apart void list_misuse(struct qn_unit *u, char *start)
{
	u8 seen[QN_UNIT_SIZE / 16 / 8] = { 0 };
	char *last = start;

	for (char *p = u->free; p; p = *(char **)(void *)p) {
		size_t at = (size_t)(p - start);
		size_t i = at / u->osize;

		if (at >= (size_t)u->carved * u->osize)
			qn_misuse(
				"free", last,
				"the object was written to after it was freed");
		if (at % u->osize)
			qn_misuse("free", p,
				  "the pointer is not the start of a block");
		if (seen[i / 8] & (1u << (i % 8)))
			qn_misuse("free", p, "the block was freed twice");
		seen[i / 8] |= (u8)(1u << (i % 8));
		last = p;
	}
	qn_misuse("free", start,
		  "a block of this slab was freed twice, or written to after "
		  "it was freed");
}

/*
 * Follow links from the first object, @n objects in all, @n at least 1; stop at one
 * that leads out of the slab. A circle is longer than any list, so it shows where a
 * list should end.
 *
 * Return: the last object reached.
 */
static __always_inline void **list_walk(struct qn_unit *u, char *start, u32 n)
{
	size_t at = (size_t)((char *)u->free - start);
	u32 sum = 0;

	for (;;) {
		if (unlikely(at >= QN_UNIT_SIZE))
			list_misuse(u, start);
		sum += (u32)at;
		if (--n == 0)
			break;
		at = (size_t)(*(char **)(void *)(start + at) - start);
	}
	/* Starts of objects are multiples of osize, and so is their sum */
	if (unlikely(sum % u->osize))
		list_misuse(u, start);
	return (void **)(void *)(start + at);
}

void *qn_slab_take(struct qn_unit *u, char *start, u32 nr, u32 look)
{
	bool all = nr == qn_slab_nr_free(u);
	void *first = u->free;
	void **last;

	if (unlikely(!nr))
		list_misuse(u, start);
	u->count += nr;
	if (all && nr > look) {
		list_walk(u, start, look);
		u->free = NULL;
		return first;
	}
	last = list_walk(u, start, nr);
	if (unlikely(all != !*last))
		list_misuse(u, start);
	u->free = *last;
	*last = NULL;
	return first;
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
	for (const char *p = u->free; p; p = *(char *const *)(const void *)p) {
		u32 i = (u32)(p - start) / u->osize;

		map[i / WORD_BITS] &= ~(1ul << i % WORD_BITS);
	}
}

static u32 pages_used(const struct qn_unit *u, const char *start)
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

u32 qn_slab_hide(struct qn_unit *u, char *start, size_t page)
{
	u32 pages = pages_widen(u->touched, page) &
		    ~pages_widen(pages_used(u, start), page);
	void **link = &u->free;

	if (!pages)
		return 0;
	while (*link) {
		char *p = *link;

		if (object_pages(u, (u32)(p - start) / u->osize) & pages) {
			*link = *(void **)(void *)p;
			u->hidden++;
		} else {
			link = (void **)(void *)p;
		}
	}
	u->hidden_pages = (u16)pages;
	u->touched &= (u16)~pages;
	return pages;
}

void qn_slab_show(struct qn_unit *u, char *start)
{
	for (u32 i = 0; u->hidden_pages && i < u->carved; i++) {
		void **p = (void **)(void *)(start + (size_t)i * u->osize);

		if (!(object_pages(u, i) & u->hidden_pages))
			continue;
		*p = u->free;
		u->free = p;
		u->hidden--;
	}
	u->touched |= (u16)qn_slab_parts(u);
	u->hidden_pages = 0;
}
