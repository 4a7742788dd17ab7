// SPDX-License-Identifier: MIT
/*
 * space.c - segments: how the Linux heap gets address space, and finds its descriptors.
 *
 * See space.h. Order in this file: addresses, how a segment grows, how segments are made,
 * units of the frontier, figures.
 */
#include "process/space.h"

#include "port/debug.h"
#include "port/port.h"
#include "process/resident.h"

/* At least and at most this many units are committed at once: 1 MB, 64 MB */
#define COMMIT_LEAST ((size_t)16)
#define COMMIT_MOST  ((size_t)1024)

/* ---- addresses ---- */

static size_t unit_index(const struct qn_segment *seg, const struct qn_unit *u)
{
	return (size_t)(u - seg->units);
}

struct qn_segment *qn_space_segment(const struct qn_space *space,
				    const struct qn_unit *u)
{
	const struct qn_segment *seg = space->seg;

	while (u < seg->units || u >= seg->units + seg->max)
		seg++;
	qn_assert(seg < space->seg + READ_ONCE(space->nr));
	qn_assert(unit_index(seg, u) < READ_ONCE(seg->committed));
	return (struct qn_segment *)seg;
}

char *qn_space_start(const struct qn_space *space, const struct qn_unit *u)
{
	const struct qn_segment *seg = qn_space_segment(space, u);

	return seg->base + (unit_index(seg, u) << QN_UNIT_SHIFT);
}

struct qn_unit *qn_space_find(const struct qn_space *space, const void *p)
{
	/* Pairs with the release in segment_add() */
	unsigned int nr = smp_load_acquire(&space->nr);

	for (unsigned int i = 0; i < nr; i++) {
		const struct qn_segment *seg = &space->seg[i];
		size_t index = qn_unit_index(seg->base, p);

		/* Pairs with the release in segment_extend() */
		if (index < smp_load_acquire(&seg->committed))
			return seg->units + index;
	}
	return NULL;
}

__apart size_t qn_space_skip(const struct qn_space *space,
			     const struct qn_unit *u, size_t align)
{
	size_t at = (uintptr_t)qn_space_start(space, u) >> QN_UNIT_SHIFT;

	qn_assert(is_power_of_2(align));
	return round_up(at, align) - at;
}

/* ---- growth ---- */

static size_t table_bytes(size_t nr)
{
	return round_up(nr * sizeof(struct qn_unit), QN_UNIT_SIZE);
}

/* The invariant of space.h */
static bool segment_is_sound(const struct qn_segment *seg)
{
	return seg->frontier <= seg->committed && seg->committed <= seg->max &&
	       table_bytes(seg->committed) <= seg->table &&
	       seg->base == (char *)seg->units + table_bytes(seg->max) &&
	       is_aligned((uintptr_t)seg->base, QN_UNIT_SIZE);
}

static bool segment_extend(struct qn_segment *seg, size_t committed)
{
	size_t from = seg->committed, table = table_bytes(committed);

	qn_assert(committed > from);
	if (committed > seg->max)
		return false;
	if (table > seg->table) {
		if (!qn_port_extend((char *)seg->units + seg->table,
				    table - seg->table))
			return false;
		seg->table = table;
	}
	if (!qn_port_extend(seg->base + (from << QN_UNIT_SHIFT),
			    (committed - from) << QN_UNIT_SHIFT))
		return false;
	smp_store_release(&seg->committed, committed);
	qn_assert(segment_is_sound(seg));
	return true;
}

static void note_locked(struct qn_space *space, const struct qn_segment *seg)
{
	space->locked = qn_resident_is_locked(
		seg->base + (seg->committed << QN_UNIT_SHIFT));
}

/* Make units up to @end usable, some more where the kernel gives it */
static bool segment_grow(struct qn_space *space, struct qn_segment *seg,
			 size_t end)
{
	size_t ahead = space->locked ? 0 : min(seg->frontier / 4, COMMIT_MOST);
	bool much = ahead > COMMIT_LEAST;

	qn_assert(segment_is_sound(seg));
	qn_assert(end > seg->frontier);
	if (end <= seg->committed)
		return true;
	if (end > seg->max)
		return false;
	ahead = min(max(ahead, COMMIT_LEAST), seg->max - end);
	while (!segment_extend(seg, end + ahead)) {
		if (!ahead)
			return false;
		ahead /= 2;
	}
	if (much || space->locked)
		note_locked(space, seg);
	qn_assert(end <= seg->committed);
	return true;
}

/* ---- segments ---- */

static struct qn_segment *segment_add(struct qn_space *space, char *units,
				      char *base, size_t nr, size_t max)
{
	struct qn_segment *seg = &space->seg[space->nr];

	qn_assert(space->nr < QN_NR_SEGMENTS);
	qn_assert(nr > 0);
	seg->base = base;
	seg->units = (struct qn_unit *)(void *)units;
	seg->frontier = 0;
	seg->committed = nr;
	seg->max = max;
	qn_assert(segment_is_sound(seg));
	/* Pairs with the acquire in qn_space_find() */
	smp_store_release(&space->nr, space->nr + 1);
	return seg;
}

/* Memory that begins with a unit, wherever there is some */
static __apart char *map_units(size_t size)
{
	char *p = qn_port_map(NULL, size + QN_UNIT_SIZE);
	char *base = (char *)round_up((uintptr_t)p, QN_UNIT_SIZE);
	size_t skip = (size_t)(base - p);

	if (!p)
		return NULL;
	if (skip)
		qn_port_release(p, skip);
	qn_port_release(base + size, QN_UNIT_SIZE - skip);
	return base;
}

/* A segment of one mapping: a table for @max units, then @nr of them */
static __apart struct qn_segment *segment_whole(struct qn_space *space,
						char *at, size_t nr, size_t max)
{
	size_t table = table_bytes(max);
	size_t size = table + (nr << QN_UNIT_SHIFT);

	if (space->nr == QN_NR_SEGMENTS || nr > max)
		return NULL;
	at = at ? qn_port_map(at, size) : map_units(size);
	if (!at)
		return NULL;
	space->seg[space->nr].table = table;
	return segment_add(space, at, at + table, nr, max);
}

/* A segment whose table can grow as well, with @nr units */
static struct qn_segment *segment_apart(struct qn_space *space, char *at,
					size_t nr)
{
	char *base = at + table_bytes(QN_SEGMENT_MAX);
	size_t table = table_bytes(nr);

	if (!qn_port_map(at, table))
		return NULL;
	if (!qn_port_map(base, nr << QN_UNIT_SHIFT)) {
		qn_port_release(at, table);
		return NULL;
	}
	space->seg[space->nr].table = table;
	return segment_add(space, at, base, nr, QN_SEGMENT_MAX);
}

/*
 * An address that nothing else lies near, so that segment 0 can grow in place: between
 * where programs and where libraries are mapped, random like theirs. Some machines have
 * addresses of 39 bits.
 */
static char *far_address(unsigned int shift)
{
	u64 at = (u64)1 << shift;

	at += (u64)(qn_port_seed() & 0xffff) << (shift - 14);
	return (char *)(uintptr_t)at;
}

/* The best that there is of so many units */
static struct qn_segment *first_of(struct qn_space *space, size_t nr)
{
	struct qn_segment *seg = NULL;

	for (unsigned int i = 0; sizeof(void *) == 8 && !seg && i < 2; i++) {
		char *at = far_address(i ? 36 : 44);

		seg = segment_apart(space, at, nr);
		if (!seg)
			seg = segment_whole(space, at, nr,
					    QN_SEGMENT_ONE / COMMIT_LEAST * nr);
	}
	/* What does not grow had better be larger */
	return seg ? seg : segment_whole(space, NULL, nr * nr, nr * nr);
}

static struct qn_segment *first_segment(struct qn_space *space)
{
	struct qn_segment *seg = NULL;

	for (size_t nr = COMMIT_LEAST; !seg && nr; nr /= 2)
		seg = first_of(space, nr);
	return seg;
}

/* There can be few, so each has half of all before it, less if that is resident at once */
static __apart struct qn_segment *next_segment(struct qn_space *space,
					       size_t nr)
{
	size_t all = qn_space_mapped(space) >> QN_UNIT_SHIFT;
	size_t n = max(nr, all / (space->locked ? 8 : 2));
	struct qn_segment *seg;

	while (!(seg = segment_whole(space, NULL, n, n)) && n > nr)
		n = max(n / 2, nr);
	if (seg)
		note_locked(space, seg);
	return seg;
}

/* ---- units of the frontier ---- */

static struct qn_segment *last_segment(struct qn_space *space)
{
	return space->nr ? &space->seg[space->nr - 1] : first_segment(space);
}

static __apart struct qn_unit *segment_close(struct qn_segment *seg, size_t *nr)
{
	size_t from = seg->frontier;

	*nr = seg->committed - from;
	seg->frontier = seg->committed;
	return *nr ? seg->units + from : NULL;
}

struct qn_unit *qn_space_alloc(struct qn_space *space, size_t nr,
			       struct qn_unit **left, size_t *nr_left)
{
	struct qn_segment *seg = last_segment(space), *last = seg;

	qn_assert(nr > 0);
	*left = NULL;
	if (!seg)
		return NULL;
	if (!segment_grow(space, seg, seg->frontier + nr)) {
		seg = next_segment(space, nr);
		if (!seg)
			return NULL;
		*left = segment_close(last, nr_left);
	}
	seg->frontier += nr;
	qn_assert(segment_is_sound(seg));
	qn_assert(seg == &space->seg[space->nr - 1]);
	return seg->units + seg->frontier - nr;
}

bool qn_space_at_frontier(const struct qn_space *space,
			  const struct qn_unit *end)
{
	const struct qn_segment *seg = qn_space_segment(space, end - 1);

	return unit_index(seg, end) == seg->frontier;
}

bool qn_space_extend(struct qn_space *space, struct qn_unit *end, size_t nr)
{
	struct qn_segment *seg = qn_space_segment(space, end - 1);

	qn_assert(nr > 0 && qn_space_at_frontier(space, end));
	if (!segment_grow(space, seg, unit_index(seg, end) + nr))
		return false;
	seg->frontier += nr;
	qn_assert(segment_is_sound(seg));
	return true;
}

bool qn_space_has_room(const struct qn_space *space, size_t nr)
{
	const struct qn_segment *seg = &space->seg[space->nr - 1];

	qn_assert(space->nr > 0);
	return seg->max - seg->frontier >= nr;
}

__apart size_t qn_space_need(const struct qn_space *space, size_t nr,
			     size_t align)
{
	const struct qn_segment *seg;
	size_t at, need;

	qn_assert(nr > 0 && is_power_of_2(align));
	if (!space->nr)
		return nr + align - 1;
	seg = &space->seg[space->nr - 1];
	at = ((uintptr_t)seg->base >> QN_UNIT_SHIFT) + seg->frontier;
	need = round_up(at, align) - at + nr;
	qn_assert(need >= nr && need < nr + align);
	/* They will lie elsewhere */
	return qn_space_has_room(space, need) ? need : nr + align - 1;
}

/* ---- figures ---- */

size_t qn_space_metadata(const struct qn_space *space)
{
	size_t sum = 0;

	for (unsigned int i = 0; i < space->nr; i++)
		sum += round_up(space->seg[i].frontier * sizeof(struct qn_unit),
				(size_t)4096);
	return sum;
}

size_t qn_space_mapped(const struct qn_space *space)
{
	size_t sum = 0;

	for (unsigned int i = 0; i < space->nr; i++)
		sum += space->seg[i].table +
		       (space->seg[i].committed << QN_UNIT_SHIFT);
	return sum;
}

__apart void qn_space_exit(struct qn_space *space)
{
	while (space->nr > 0) {
		const struct qn_segment *seg = &space->seg[--space->nr];

		qn_port_release(seg->base, seg->committed << QN_UNIT_SHIFT);
		qn_port_release(seg->units, seg->table);
	}
}
