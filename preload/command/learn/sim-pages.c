// SPDX-License-Identifier: MIT
/*
 * sim-pages.c - the account of resident pages; see sim-pages.h.
 */
#define _GNU_SOURCE 1
#include <string.h>
#include <sys/mman.h>

#include "command/base/fail.h"
#include "process/local.h"
#include "sim-pages.h"

#define PAGE_SHIFT 12

_Static_assert(QN_UNIT_SIZE >> PAGE_SHIFT == QN_UNIT_PARTS,
	       "a part of a unit is a page");

struct qn_sim_pages qn_sim_pages;

/* ---- where a page is ---- */

/**
 * struct place - a unit of the heap
 * @known:	its bits
 */
struct place {
	u16 *known;
	struct qn_unit *unit;
};

static u16 *bits_of(unsigned int i, const struct qn_segment *seg)
{
	u16 **known = &qn_sim_pages.known[i];

	/* Pages of it that are never written cost nothing */
	if (!*known)
		*known = qn_xremap(NULL, 0, seg->max * sizeof(**known));
	return *known;
}

/* Return: false if @p is no memory of the heap's */
static bool find(const void *p, struct place *at)
{
	const struct qn_space *space = &qn_sim_pages.hub->segments.space;

	for (unsigned int i = 0; i < space->nr; i++) {
		const struct qn_segment *seg = &space->seg[i];
		size_t index = qn_unit_index(seg->base, p);

		if (index >= seg->committed)
			continue;
		at->known = bits_of(i, seg) + index;
		at->unit = seg->units + index;
		return true;
	}
	return false;
}

static u32 part_of(const void *p)
{
	return (uintptr_t)p >> PAGE_SHIFT & (QN_UNIT_PARTS - 1);
}

/* ---- what comes ---- */

void qn_sim_pages_begin(const struct qn_hub *hub, bool is_real)
{
	qn_sim_pages = (struct qn_sim_pages){ .hub = hub, .is_real = is_real };
}

static void come(u16 *known, u32 parts)
{
	u32 nr = qn_nr_parts(parts);

	*known |= (u16)parts;
	qn_sim_pages.nr += nr;
	qn_sim_pages.most = max(qn_sim_pages.most, qn_sim_pages.nr);
	qn_sim_pages.faults += nr;
}

void qn_sim_pages_touch(void *p, size_t size)
{
	char *at = p, *end = at + size;
	struct place place;

	while (at < end && find(at, &place)) {
		u32 part = 1u << part_of(at);

		if (!(*place.known & part)) {
			come(place.known, part);
			*(volatile char *)at = 1;
		}
		at = (char *)(((uintptr_t)at | (QN_PART_SIZE - 1)) + 1);
	}
}

void qn_sim_pages_look(void)
{
	const struct qn_space *space = &qn_sim_pages.hub->segments.space;

	for (unsigned int i = 0; i < space->nr; i++) {
		const struct qn_segment *seg = &space->seg[i];
		u16 *known = bits_of(i, seg);

		for (size_t n = 0; n < seg->frontier; n++) {
			u32 parts = seg->units[n].touched & ~(u32)known[n];

			if (unlikely(parts) &&
			    seg->units[n].kind != QN_UNIT_META)
				come(&known[n], parts);
		}
	}
}

/* ---- what goes ---- */

/* Parts of the unit at @at up to @end, which is in it or behind it */
static u32 parts_to(const char *at, const char *end)
{
	u32 from = part_of(at);
	size_t nr = ((size_t)(end - at) >> PAGE_SHIFT) + from;

	return (u32)((1ull << min(nr, (size_t)QN_UNIT_PARTS)) - (1ull << from));
}

/* Purged memory reads as zero. To clear it takes a tenth of a purge and a fault. */
static void clear(char *at, u32 parts)
{
	char *unit = (char *)((uintptr_t)at & ~(uintptr_t)(QN_UNIT_SIZE - 1));

	for (u32 i = 0; i < QN_UNIT_PARTS; i++)
		if (parts >> i & 1)
			memset(unit + i * QN_PART_SIZE, 0, QN_PART_SIZE);
}

static void go(char *p, size_t size)
{
	char *end = p + size, *at = p;
	struct place place;
	u32 was, parts;

	for (; at < end && find(at, &place);
	     at = (char *)(((uintptr_t)at | (QN_UNIT_SIZE - 1)) + 1)) {
		parts = parts_to(at, end);
		was = *place.known | place.unit->touched;
		come(place.known, was & parts & ~(u32)*place.known);
		*place.known &= (u16)~parts;
		qn_sim_pages.nr -= qn_nr_parts(was & parts);
		qn_sim_pages.purged += qn_nr_parts(was & parts);
		if (!qn_sim_pages.is_real)
			clear(at, was & parts);
	}
	qn_sim_pages.purges += at > p;
}

/* Contents go elsewhere as they are; what was there before is lost */
static void move(char *to, char *from, size_t size)
{
	struct place a, b;

	for (size_t at = 0; at < size; at += QN_PART_SIZE) {
		u32 of_a, of_b;

		if (!find(from + at, &a) || !find(to + at, &b))
			return;
		of_a = 1u << part_of(from + at);
		of_b = 1u << part_of(to + at);
		qn_sim_pages.nr -= (*b.known & of_b) != 0;
		*b.known &= (u16)~of_b;
		if (*a.known & of_a)
			*b.known |= (u16)of_b;
		*a.known &= (u16)~of_a;
	}
}

/* ---- the core's calls ---- */

int __real_qn_port_purge(void *p, size_t size);
int __wrap_qn_port_purge(void *p, size_t size);
int __real_qn_port_move(void *to, void *from, size_t size);
int __wrap_qn_port_move(void *to, void *from, size_t size);
void *__real_qn_local_refill(struct qn_local *l, size_t size);
void *__wrap_qn_local_refill(struct qn_local *l, size_t size);
void *__real_qn_local_medium_alloc(struct qn_local *l, size_t size,
				   size_t align);
void *__wrap_qn_local_medium_alloc(struct qn_local *l, size_t size,
				   size_t align);
struct qn_unit *__real_qn_run_alloc(struct qn_segments *s, size_t nr,
				    size_t align, enum qn_unit_kind kind,
				    bool *zeroed);
struct qn_unit *__wrap_qn_run_alloc(struct qn_segments *s, size_t nr,
				    size_t align, enum qn_unit_kind kind,
				    bool *zeroed);

int __wrap_qn_port_purge(void *p, size_t size)
{
	bool is_real = !qn_sim_pages.hub || qn_sim_pages.is_real;
	int err = is_real ? __real_qn_port_purge(p, size) : 0;

	if (!err && qn_sim_pages.hub)
		go(p, size);
	return err;
}

int __wrap_qn_port_move(void *to, void *from, size_t size)
{
	int err = __real_qn_port_move(to, from, size);

	if (!err && qn_sim_pages.hub)
		move(to, from, size);
	return err;
}

void *__wrap_qn_local_refill(struct qn_local *l, size_t size)
{
	qn_sim_pages.refills++;
	return __real_qn_local_refill(l, size);
}

void *__wrap_qn_local_medium_alloc(struct qn_local *l, size_t size,
				   size_t align)
{
	qn_sim_pages.mediums++;
	return __real_qn_local_medium_alloc(l, size, align);
}

struct qn_unit *__wrap_qn_run_alloc(struct qn_segments *s, size_t nr,
				    size_t align, enum qn_unit_kind kind,
				    bool *zeroed)
{
	qn_sim_pages.runs++;
	return __real_qn_run_alloc(s, nr, align, kind, zeroed);
}
