// SPDX-License-Identifier: MIT
/*
 * segment.c - runs of 64 KB units: find, split, merge, purge.
 *
 * See segment.h for the picture. Order in this file: addresses, the two kinds of
 * free runs, growth, huge pages, allocation, free, purging, checks.
 */
#include "process/segment-internal.h"

#include <errno.h>
#include <string.h>

/* More of a spare unit than this is much */
#define SPARE_PARTS 4
/* Parts of a large block that are looked at to tell how much of it was written */
#define LOOK_PARTS 16
/* At least and at most this many units are committed at once: 1 MB, 64 MB */
#define COMMIT_LEAST ((size_t)16)
#define COMMIT_MOST  ((size_t)1024)

u32 qn_segments_now(void)
{
	return (u32)(qn_port_clock() / 1000) | 1;
}

/* ---- addresses ---- */

static size_t unit_index(const struct qn_segment *seg, const struct qn_unit *u)
{
	return (size_t)(u - seg->units);
}

static char *start_of(const struct qn_segment *seg, const struct qn_unit *u)
{
	return seg->base + (unit_index(seg, u) << QN_UNIT_SHIFT);
}

/* The segment in whose table @u lies */
static const struct qn_segment *segment_of(const struct qn_segments *s,
					   const struct qn_unit *u)
{
	const struct qn_segment *seg = s->seg;

	while (u < seg->units || u >= seg->units + seg->max)
		seg++;
	return seg;
}

char *qn_unit_start(const struct qn_segments *s, const struct qn_unit *u)
{
	return start_of(segment_of(s, u), u);
}

struct qn_unit *qn_segments_find(const struct qn_segments *s, const void *p)
{
	/* Pairs with the release in segment_add() */
	unsigned int nr = smp_load_acquire(&s->nr);

	for (unsigned int i = 0; i < nr; i++) {
		const struct qn_segment *seg = &s->seg[i];
		size_t index = qn_unit_index(seg->base, p);

		/* Pairs with the release in segment_extend() */
		if (index < smp_load_acquire(&seg->committed))
			return seg->units + index;
	}
	return NULL;
}

/* ---- what is resident ---- */

/* Sixteenths of @nr units of a dirty run that may be resident */
static u32 parts_of(const struct qn_unit *u, size_t nr)
{
	u32 sum = 0;

	while (nr-- > 0)
		sum += qn_nr_parts((u++)->pages);
	return sum;
}

/*
 * What is left of a dirty run, @parts by its masks, is never without: old contents may
 * lie beyond what was written last, so it stays dirty and is purged some day.
 */
static u32 parts_keep(struct qn_unit *u, size_t nr, u32 parts)
{
	if (nr && !parts)
		parts = u->pages = 1;
	return parts;
}

/* The first @dirty bytes of @nr units may be resident. Return: in sixteenths. */
static u32 parts_set(struct qn_unit *u, size_t nr, size_t dirty)
{
	size_t left = DIV_ROUND_UP(dirty, QN_PART_SIZE);
	u32 sum = 0;

	for (; nr > 0; nr--, u++) {
		u32 n = (u32)min(left, (size_t)16);

		u->pages = (u16)((1u << n) - 1);
		left -= n;
		sum += n;
	}
	return sum;
}

/* ---- free runs ---- */

static void age_add(struct qn_segments *s, struct qn_unit *u)
{
	u->age_prev = s->newest;
	u->age_next = NULL;
	if (s->newest)
		s->newest->age_next = u;
	else
		s->oldest = u;
	s->newest = u;
}

static void age_del(struct qn_segments *s, struct qn_unit *u)
{
	if (u->age_prev)
		u->age_prev->age_next = u->age_next;
	else
		s->oldest = u->age_next;
	if (u->age_next)
		u->age_next->age_prev = u->age_prev;
	else
		s->newest = u->age_prev;
}

/* Kind, size and stamp of @u are set: make it findable from both its ends */
static void free_add(struct qn_segments *s, struct qn_unit *u)
{
	struct qn_unit *last = u + u->run.size - 1;
	bool dirty = u->kind == QN_UNIT_DIRTY;

	last->kind = u->kind;
	last->head = u;
	qn_bins_add(&s->bins[dirty], &u->run);
	if (dirty) {
		age_add(s, u);
		qn_dirty_add(s, u->stamp * QN_PART_SIZE);
	}
}

/* Take a free run out; its ends are NONE, so no interior can look free */
static void free_del(struct qn_segments *s, struct qn_unit *u)
{
	bool dirty = u->kind == QN_UNIT_DIRTY;

	qn_bins_del(&s->bins[dirty], &u->run);
	if (dirty) {
		age_del(s, u);
		qn_dirty_add(s, -(u->stamp * QN_PART_SIZE));
	}
	u[u->run.size - 1].kind = QN_UNIT_NONE;
	u->kind = QN_UNIT_NONE;
}

/* Stamps of two runs of one kind that become one */
static u32 merge_stamps(enum qn_unit_kind kind, u32 a, u32 b)
{
	return kind == QN_UNIT_DIRTY ? a + b : max(a, b);
}

/* Add [@u, @u + @nr) to the free runs, merged with its free neighbours */
static struct qn_unit *free_merge(struct qn_segments *s, struct qn_unit *u,
				  size_t nr, enum qn_unit_kind kind, u32 stamp)
{
	const struct qn_segment *seg = segment_of(s, u);
	size_t index = unit_index(seg, u);

	if (index + nr < seg->frontier && u[nr].kind == kind) {
		struct qn_unit *next = u + nr;

		free_del(s, next);
		nr += next->run.size;
		stamp = merge_stamps(kind, stamp, next->stamp);
	}
	u->kind = QN_UNIT_NONE;
	if (index > 0 && u[-1].kind == kind) {
		u = u[-1].head;
		free_del(s, u);
		nr += u->run.size;
		stamp = merge_stamps(kind, stamp, u->stamp);
	}
	u->owner = NULL;
	u->kind = (u8)kind;
	u->run.size = nr;
	u->stamp = stamp;
	free_add(s, u);
	return u;
}

/* ---- growth ---- */

static size_t table_bytes(size_t nr)
{
	return round_up(nr * sizeof(struct qn_unit), QN_UNIT_SIZE);
}

static bool segment_extend(struct qn_segment *seg, size_t committed)
{
	size_t from = seg->committed, table = table_bytes(committed);

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
	return true;
}

/* Locked memory is no longer purged, which is tried on a page that nobody touched */
static void note_locked(struct qn_segments *s, const struct qn_segment *seg)
{
	size_t page = qn_port_page_size();
	char *end = seg->base + (seg->committed << QN_UNIT_SHIFT);

	s->locked = qn_port_purge(end - page, page) == -EINVAL;
}

/* Make units up to @end usable, some more where the kernel gives it */
static bool segment_grow(struct qn_segments *s, struct qn_segment *seg,
			 size_t end)
{
	size_t ahead = s->locked ? 0 : min(seg->frontier / 4, COMMIT_MOST);
	bool much = ahead > COMMIT_LEAST;

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
	if (much || s->locked)
		note_locked(s, seg);
	return true;
}

static struct qn_segment *segment_add(struct qn_segments *s, char *units,
				      char *base, size_t nr, size_t max)
{
	struct qn_segment *seg = &s->seg[s->nr];

	seg->base = base;
	seg->units = (struct qn_unit *)(void *)units;
	seg->frontier = 0;
	seg->committed = nr;
	seg->max = max;
	/* Pairs with the acquire in qn_segments_find() */
	smp_store_release(&s->nr, s->nr + 1);
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
static __apart struct qn_segment *segment_whole(struct qn_segments *s, char *at,
						size_t nr, size_t max)
{
	size_t table = table_bytes(max);
	size_t size = table + (nr << QN_UNIT_SHIFT);

	if (s->nr == QN_NR_SEGMENTS || nr > max)
		return NULL;
	at = at ? qn_port_map(at, size) : map_units(size);
	if (!at)
		return NULL;
	s->seg[s->nr].table = table;
	return segment_add(s, at, at + table, nr, max);
}

/* A segment whose table can grow as well, with @nr units */
static struct qn_segment *segment_apart(struct qn_segments *s, char *at,
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
	s->seg[s->nr].table = table;
	return segment_add(s, at, base, nr, QN_SEGMENT_MAX);
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
static struct qn_segment *first_of(struct qn_segments *s, size_t nr)
{
	struct qn_segment *seg = NULL;

	for (unsigned int i = 0; sizeof(void *) == 8 && !seg && i < 2; i++) {
		char *at = far_address(i ? 36 : 44);

		seg = segment_apart(s, at, nr);
		if (!seg)
			seg = segment_whole(s, at, nr,
					    QN_SEGMENT_ONE / COMMIT_LEAST * nr);
	}
	/* What does not grow had better be larger */
	return seg ? seg : segment_whole(s, NULL, nr * nr, nr * nr);
}

static struct qn_segment *first_segment(struct qn_segments *s)
{
	struct qn_segment *seg = NULL;

	for (size_t nr = COMMIT_LEAST; !seg && nr; nr /= 2)
		seg = first_of(s, nr);
	return seg;
}

/* What is left behind the frontier of a segment that will not grow any more */
static __apart void segment_close(struct qn_segments *s, struct qn_segment *seg)
{
	size_t from = seg->frontier;

	if (seg->committed <= from)
		return;
	seg->frontier = seg->committed;
	free_merge(s, seg->units + from, seg->committed - from, QN_UNIT_CLEAN,
		   0);
}

/* There can be few, so each has half of all before it, less if that is resident at once */
static __apart struct qn_segment *next_segment(struct qn_segments *s, size_t nr)
{
	size_t all = qn_segments_mapped(s) >> QN_UNIT_SHIFT;
	size_t n = max(nr, all / (s->locked ? 8 : 2));
	struct qn_segment *seg;

	while (!(seg = segment_whole(s, NULL, n, n)) && n > nr)
		n = max(n / 2, nr);
	if (seg)
		note_locked(s, seg);
	return seg;
}

/* @nr units that were never used, from the last segment or a new one */
static struct qn_unit *frontier_alloc(struct qn_segments *s, size_t nr)
{
	struct qn_segment *seg = s->nr ? &s->seg[s->nr - 1] : first_segment(s);
	struct qn_segment *last = seg;

	if (!seg)
		return NULL;
	if (!segment_grow(s, seg, seg->frontier + nr)) {
		seg = next_segment(s, nr);
		if (!seg)
			return NULL;
		segment_close(s, last);
	}
	seg->frontier += nr;
	return seg->units + seg->frontier - nr;
}

/* ---- dirty memory ---- */

/* Bytes that the program has; some of the last may not be counted yet */
static size_t in_use(const struct qn_segments *s)
{
	size_t used = READ_ONCE(s->used);

	return s->live ? min(used, (size_t)READ_ONCE(*s->live)) : used;
}

/*
 * What refaults taught is bounded: a loop over boost_most and a part of what is in use is
 * served without purges, and a process that lets go of more gets rid of it.
 */
static size_t dirty_limit(const struct qn_segments *s, const struct qn_knobs *k)
{
	size_t used = in_use(s);
	size_t boost = READ_ONCE(s->boost);

	/* Who asks for none gets none */
	if (!k->dirty)
		return 0;
	return k->dirty + used / k->dirty_part +
	       min(boost, k->boost_most + used / k->boost_part);
}

void qn_segments_add_purge(struct qn_segments *s, size_t bytes)
{
	s->purged += bytes;
	s->recent += bytes;
	s->nr_purges++;
}

/* Read by in_use() without the lock */
static void add_used(struct qn_segments *s, size_t units)
{
	WRITE_ONCE(s->used, s->used + (units << QN_UNIT_SHIFT));
}

bool qn_segments_is_recent(const struct qn_segments *s, u32 stamp)
{
	return stamp && qn_segments_now() - stamp <=
				(u32)qn_segments_knobs(s)->refault_ms;
}

/* @bytes that were purged lately were wanted back: it was a mistake */
void qn_segments_add_refault(struct qn_segments *s, size_t bytes)
{
	s->refaults += bytes;
	s->recent_refaults += bytes;
	if (s->recent_refaults > (1 << 20) + s->recent / 4)
		WRITE_ONCE(s->boost,
			   s->boost + qn_segments_knobs(s)->boost_gain * bytes);
}

/* Clean memory is about to be touched: was it purged too soon? */
static void note_refault(struct qn_segments *s, size_t bytes, u32 stamp)
{
	if (qn_segments_is_recent(s, stamp))
		qn_segments_add_refault(s, bytes);
}

/* Cut [@from, @from + @nr) out of the free run @u; the rest stays free */
static struct qn_unit *free_cut(struct qn_segments *s, struct qn_unit *u,
				size_t from, size_t nr)
{
	enum qn_unit_kind kind = u->kind;
	size_t behind = u->run.size - from - nr;
	u32 stamp = u->stamp, before = stamp, after = stamp;

	free_del(s, u);
	if (kind == QN_UNIT_DIRTY) {
		before = parts_of(u, from);
		after = stamp - before - parts_of(u + from, nr);
		before = parts_keep(u, from, before);
		after = parts_keep(u + from + nr, behind, after);
		s->low = min(s->low, s->dirty);
	}
	if (behind)
		free_merge(s, u + from + nr, behind, kind, after);
	if (from)
		free_merge(s, u, from, kind, before);
	/* When it was purged */
	u[from].stamp = kind == QN_UNIT_DIRTY ? 0 : stamp;
	return u + from;
}

static noinline struct qn_unit *bins_find(struct qn_segments *s, bool dirty,
					  size_t nr)
{
	struct qn_run *run = qn_bins_find(&s->bins[dirty], nr);

	return run ? container_of(run, struct qn_unit, run) : NULL;
}

/* Units from @u to the first that is aligned to so many */
static __apart size_t skip_to(const struct qn_segments *s,
			      const struct qn_unit *u, size_t align)
{
	size_t at = (uintptr_t)qn_unit_start(s, u) >> QN_UNIT_SHIFT;

	return round_up(at, align) - at;
}

static struct qn_unit *bins_alloc(struct qn_segments *s, bool dirty, size_t nr,
				  size_t align)
{
	struct qn_unit *u = bins_find(s, dirty, nr);
	size_t skip = 0;

	if (unlikely(u && align > 1)) {
		skip = skip_to(s, u, align);
		/* Too short behind that: one that is long enough wherever it lies */
		if (u->run.size - nr < skip) {
			u = bins_find(s, dirty, nr + align - 1);
			skip = u ? skip_to(s, u, align) : 0;
		}
	}
	return u ? free_cut(s, u, skip, nr) : NULL;
}

/* So many units at the frontier have @nr among them that are aligned */
static __apart size_t frontier_units(const struct qn_segments *s, size_t nr,
				     size_t align)
{
	const struct qn_segment *seg;
	size_t at, need;

	if (!s->nr)
		return nr + align - 1;
	seg = &s->seg[s->nr - 1];
	at = ((uintptr_t)seg->base >> QN_UNIT_SHIFT) + seg->frontier;
	need = round_up(at, align) - at + nr;
	/* They will lie elsewhere */
	return seg->max - seg->frontier < need ? nr + align - 1 : need;
}

static __apart struct qn_unit *frontier_alloc_aligned(struct qn_segments *s,
						      size_t nr, size_t align)
{
	size_t all = frontier_units(s, nr, align), skip, behind;
	struct qn_unit *u = frontier_alloc(s, all);

	/* The segment could not grow: they lie in another one */
	if (u && skip_to(s, u, align) + nr > all) {
		free_merge(s, u, all, QN_UNIT_CLEAN, 0);
		all = nr + align - 1;
		u = frontier_alloc(s, all);
	}
	if (!u)
		return NULL;
	skip = skip_to(s, u, align);
	behind = all - skip - nr;
	if (behind)
		free_merge(s, u + skip + nr, behind, QN_UNIT_CLEAN, 0);
	if (skip)
		free_merge(s, u, skip, QN_UNIT_CLEAN, 0);
	return u + skip;
}

/*
 * A unit with old contents becomes a slab, which carves its first page at once and the
 * others perhaps never: what they hold is dirty memory all the same. @huge: it does not
 * count, as huge pages are for those who will.
 */
static void slab_unit_init(struct qn_segments *s, struct qn_unit *u, bool zero,
			   bool huge)
{
	u32 parts = zero || huge ? 0 : qn_nr_parts(u->pages);

	u->kind = QN_UNIT_SLAB;
	u->touched = zero ? 0 : u->pages;
	u->stale = (u8)(parts ? parts - 1 : 0);
	s->stale += u->stale * QN_PART_SIZE;
}

/* ---- spare units ---- */

static void spare_push(struct qn_segments *s, struct qn_unit *u, u32 parts)
{
	bool much = parts > SPARE_PARTS;

	u->kind = QN_UNIT_SPARE;
	u->next = s->spare[much];
	s->spare[much] = u;
	s->nr_spare[much]++;
	qn_dirty_add(s, parts * QN_PART_SIZE);
}

static struct qn_unit *spare_pop(struct qn_segments *s, bool much)
{
	struct qn_unit *u = s->spare[much];

	if (!u)
		return NULL;
	s->spare[much] = u->next;
	s->nr_spare[much]--;
	qn_dirty_add(s, -(qn_nr_parts(u->pages) * QN_PART_SIZE));
	return u;
}

/* They become runs, which others can have and which can be purged */
static void spare_flush(struct qn_segments *s, bool much)
{
	struct qn_unit *u;

	while ((u = spare_pop(s, much))) {
		u32 parts = parts_keep(u, 1, qn_nr_parts(u->pages));

		free_merge(s, u, 1, QN_UNIT_DIRTY, parts);
	}
}

static void spares_flush(struct qn_segments *s)
{
	spare_flush(s, false);
	spare_flush(s, true);
}

static struct qn_unit *dirty_alloc(struct qn_segments *s, size_t nr,
				   size_t align)
{
	struct qn_unit *u = bins_alloc(s, true, nr, align);

	if (!u && s->nr_spare[0] + s->nr_spare[1] >= nr) {
		spares_flush(s);
		u = bins_alloc(s, true, nr, align);
	}
	return u;
}

static struct qn_unit *clean_alloc(struct qn_segments *s, size_t nr,
				   size_t align)
{
	struct qn_unit *u = bins_alloc(s, false, nr, align);

	if (u)
		return u;
	u = align > 1 ? frontier_alloc_aligned(s, nr, align) :
			frontier_alloc(s, nr);
	if (u)
		u->stamp = 0;
	return u;
}

/* ---- huge pages ---- */

#define HUGE_UNITS (QN_PORT_HUGE >> QN_UNIT_SHIFT)

/* Where memory grows is there so much of it that a huge page more does not count? */
static bool huge_is_on(const struct qn_segments *s)
{
	return s->huge && in_use(s) >= s->huge;
}

/* Units for a huge page that were never used; what is skipped may serve small slabs */
static struct qn_unit *frontier_alloc_huge(struct qn_segments *s)
{
	const struct qn_segment *seg = &s->seg[s->nr - 1];
	size_t at = ((uintptr_t)seg->base >> QN_UNIT_SHIFT) + seg->frontier;
	size_t skip = round_up(at, HUGE_UNITS) - at;
	struct qn_unit *u;

	if (seg->max - seg->frontier < skip + HUGE_UNITS)
		return NULL;
	u = frontier_alloc(s, skip + HUGE_UNITS);
	if (!u)
		return NULL;
	u[skip].stamp = 0;
	if (skip)
		free_merge(s, u, skip, QN_UNIT_CLEAN, 0);
	return u + skip;
}

/*
 * Instead of clean memory that is touched page by page: a huge page, of which all that
 * is not taken now is dirty, so that it is used next, or purged. Where the system has
 * none, try again when there is twice as much memory.
 */
static __apart bool huge_add(struct qn_segments *s)
{
	struct qn_unit *u;
	u32 stamp;

	u = bins_alloc(s, false, HUGE_UNITS, HUGE_UNITS);
	if (!u)
		u = frontier_alloc_huge(s);
	if (!u)
		return false;
	stamp = u->stamp;
	if (!qn_port_make_huge(qn_unit_start(s, u), QN_PORT_HUGE)) {
		s->huge *= 2;
		/* Its first page was touched, perhaps */
		free_merge(s, u, HUGE_UNITS, QN_UNIT_DIRTY,
			   parts_set(u, HUGE_UNITS, QN_PART_SIZE));
		return false;
	}
	note_refault(s, QN_PORT_HUGE, stamp);
	free_merge(s, u, HUGE_UNITS, QN_UNIT_DIRTY,
		   parts_set(u, HUGE_UNITS, QN_PORT_HUGE));
	return true;
}

/* ---- allocation ---- */

/* @u came into use, @zero: it is clean */
static struct qn_unit *run_use(struct qn_segments *s, struct qn_unit *u,
			       size_t nr, enum qn_unit_kind kind, bool zero)
{
	if (!u)
		return NULL;
	u->owner = NULL;
	u->kind = (u8)kind;
	/* Neighbours that are freed look at its last one */
	for (size_t i = 1; kind == QN_UNIT_MEDIUM && i < nr; i++)
		u[i].kind = (u8)kind;
	u->run.size = nr;
	add_used(s, nr);
	/* How much of a large block is touched is known when it is freed */
	if (kind == QN_UNIT_LARGE && !qn_segments_is_recent(s, u->stamp))
		u->stamp = 0;
	else if (zero && kind != QN_UNIT_MEDIUM && kind != QN_UNIT_LARGE)
		note_refault(s, nr << QN_UNIT_SHIFT, u->stamp);
	return u;
}

struct qn_unit *qn_run_alloc(struct qn_segments *s, size_t nr, size_t align,
			     enum qn_unit_kind kind, bool *zeroed)
{
	struct qn_unit *u;
	bool zero;

	qn_port_lock(&s->lock);
	u = dirty_alloc(s, nr, align);
	zero = !u;
	if (!u)
		u = clean_alloc(s, nr, align);
	u = run_use(s, u, nr, kind, zero);
	qn_port_unlock(&s->lock);
	if (zeroed)
		*zeroed = zero;
	return u;
}

struct qn_unit *qn_chunk_alloc(struct qn_segments *s, size_t nr, size_t least,
			       bool *zeroed)
{
	struct qn_unit *u;
	size_t n = nr;

	qn_port_lock(&s->lock);
	while (!(u = dirty_alloc(s, n, 1)) && n / 2 >= least)
		n /= 2;
	if (!u && nr <= HUGE_UNITS && huge_is_on(s) && huge_add(s)) {
		n = nr;
		u = dirty_alloc(s, n, 1);
	}
	*zeroed = !u;
	if (!u) {
		n = nr;
		while (!(u = clean_alloc(s, n, 1)) && n / 2 >= least)
			n /= 2;
	}
	u = run_use(s, u, n, QN_UNIT_MEDIUM, *zeroed);
	qn_port_unlock(&s->lock);
	return u;
}

/* The unit that dirty memory would give next, if little of it is resident */
static struct qn_unit *little_alloc(struct qn_segments *s)
{
	struct qn_unit *u = bins_find(s, true, 1);

	if (!u)
		return NULL;
	return qn_nr_parts(u->pages) <= SPARE_PARTS ? free_cut(s, u, 0, 1) :
						      NULL;
}

/*
 * A slab writes its first pages at once and the others perhaps never: one that will
 * stay small had better not get a unit whose old contents would stay with it.
 */
static struct qn_unit *unit_alloc(struct qn_segments *s, bool much, bool *zero)
{
	struct qn_unit *u = spare_pop(s, much);

	*zero = false;
	/* Of some, pages were purged before they were empty */
	if (u && u->hidden_pages)
		note_refault(s, qn_nr_parts(u->hidden_pages) * QN_PART_SIZE,
			     u->stamp);
	if (!u)
		u = much ? dirty_alloc(s, 1, 1) : little_alloc(s);
	if (!u && much && huge_is_on(s) && huge_add(s))
		u = dirty_alloc(s, 1, 1);
	if (u)
		return u;
	u = clean_alloc(s, 1, 1);
	*zero = u != NULL;
	/* It is written page by page, and often not to its end */
	if (u && much)
		note_refault(s, QN_UNIT_SIZE / 2, u->stamp);
	return u ? u : dirty_alloc(s, 1, 1);
}

struct qn_unit *qn_unit_alloc(struct qn_segments *s, bool much)
{
	struct qn_unit *u;
	bool zero;

	qn_port_lock(&s->lock);
	u = unit_alloc(s, much, &zero);
	if (u) {
		u->owner = NULL;
		add_used(s, 1);
		slab_unit_init(s, u, zero, much && huge_is_on(s));
	}
	qn_port_unlock(&s->lock);
	return u;
}

/* ---- free ---- */

/*
 * Purge the oldest run, or as much of its high end as is wanted: what is low is
 * reused first. Return: false if the system would not.
 */
static bool purge_oldest(struct qn_segments *s, size_t want)
{
	struct qn_unit *u = s->oldest;
	size_t nr = u->run.size, from = nr;
	u32 stamp = u->stamp, parts = 0;

	while (from > 0 && parts * QN_PART_SIZE < want)
		parts += qn_nr_parts(u[--from].pages);
	free_del(s, u);
	if (qn_port_purge(qn_unit_start(s, u + from),
			  (nr - from) << QN_UNIT_SHIFT)) {
		/* Locked memory, say: keep it, as dirty as it was */
		free_merge(s, u, nr, QN_UNIT_DIRTY, stamp);
		return false;
	}
	free_merge(s, u + from, nr - from, QN_UNIT_CLEAN, qn_segments_now());
	if (from)
		free_merge(s, u, from, QN_UNIT_DIRTY,
			   parts_keep(u, from, stamp - parts));
	qn_segments_add_purge(s, parts * QN_PART_SIZE);
	return true;
}

static size_t purge_to(struct qn_segments *s, size_t keep)
{
	size_t before = s->dirty;

	spares_flush(s);
	while (s->oldest && s->dirty > keep)
		if (!purge_oldest(s, s->dirty - keep))
			break;
	if (s->share.dirty && s->dirty > keep)
		qn_segments_add_purge(s, s->share.purge(s, s->dirty - keep));
	return before - s->dirty;
}

void qn_segments_purge_much(struct qn_segments *s)
{
	const struct qn_knobs *k = qn_segments_knobs(s);
	size_t limit = dirty_limit(s, k);

	if (unlikely(s->dirty + s->stale > limit))
		purge_to(s, limit / 16 * k->purge_keep);
}

/*
 * @nr units come back; @parts of them may be resident, as their masks say; if none, they
 * were purged at @stamp
 */
static void run_free(struct qn_segments *s, struct qn_unit *u, size_t nr,
		     u32 parts, u32 stamp)
{
	add_used(s, -nr);
	if (parts)
		free_merge(s, u, nr, QN_UNIT_DIRTY, parts);
	else
		free_merge(s, u, nr, QN_UNIT_CLEAN, stamp);
	qn_segments_purge_much(s);
}

__apart size_t qn_segments_written(const char *p, size_t size)
{
	size_t nr = DIV_ROUND_UP(size, QN_PART_SIZE), seen = 0, written = 0;

	for (size_t i = 0; i < nr; i += DIV_ROUND_UP(nr, LOOK_PARTS)) {
		seen++;
		written += !qn_is_zero(p + i * QN_PART_SIZE, QN_PART_SIZE);
	}
	return nr * written / seen * QN_PART_SIZE;
}

void qn_run_free(struct qn_segments *s, struct qn_unit *u, size_t dirty)
{
	size_t nr = u->run.size, refault = 0;

	if (u->kind == QN_UNIT_LARGE && u->stamp && dirty)
		refault = qn_segments_written(qn_unit_start(s, u), dirty);
	qn_port_lock(&s->lock);
	if (refault)
		qn_segments_add_refault(s, refault);
	run_free(s, u, nr, parts_set(u, nr, dirty), 0);
	qn_port_unlock(&s->lock);
}

void qn_unit_free(struct qn_segments *s, struct qn_unit *u)
{
	u16 touched = u->touched;
	u32 parts = qn_nr_parts(touched);

	qn_port_lock(&s->lock);
	add_used(s, (size_t)-1);
	s->stale -= u->stale * QN_PART_SIZE;
	u->pages = touched;
	if (s->nr_spare[parts > SPARE_PARTS] >=
	    qn_segments_knobs(s)->spare_units)
		spare_flush(s, parts > SPARE_PARTS);
	spare_push(s, u, parts);
	qn_segments_purge_much(s);
	qn_port_unlock(&s->lock);
}

void qn_run_free_parts(struct qn_segments *s, struct qn_unit *u)
{
	size_t nr = u->run.size;
	u32 stamp = 0;

	qn_port_lock(&s->lock);
	for (size_t i = 0; i < nr; i++) {
		u[i].kind = QN_UNIT_NONE;
		stamp = max(stamp, u[i].stamp);
	}
	run_free(s, u, nr, parts_of(u, nr), stamp);
	qn_port_unlock(&s->lock);
}

/* Take @more units behind the run that ends at @end, if they are free */
static bool take_behind(struct qn_segments *s, struct qn_unit *end, size_t more)
{
	struct qn_segment *seg = (struct qn_segment *)segment_of(s, end - 1);
	size_t index = unit_index(seg, end);

	if (index == seg->frontier) {
		if (!segment_grow(s, seg, index + more))
			return false;
		seg->frontier += more;
		return true;
	}
	if ((end->kind != QN_UNIT_CLEAN && end->kind != QN_UNIT_DIRTY) ||
	    end->run.size < more)
		return false;
	free_cut(s, end, 0, more);
	note_refault(s, more << QN_UNIT_SHIFT, end->stamp);
	return true;
}

bool qn_run_resize(struct qn_segments *s, struct qn_unit *u, size_t nr,
		   size_t dirty)
{
	size_t old = u->run.size;
	bool done = true;

	if (nr == old)
		return true;
	qn_port_lock(&s->lock);
	if (nr < old) {
		run_free(s, u + nr, old - nr,
			 parts_set(u + nr, old - nr, dirty), 0);
	} else {
		done = take_behind(s, u + old, nr - old);
		if (done)
			add_used(s, nr - old);
	}
	if (done)
		u->run.size = nr;
	qn_port_unlock(&s->lock);
	return done;
}

/* ---- purging ---- */

size_t qn_segments_purge(struct qn_segments *s, size_t keep)
{
	size_t sum;

	qn_port_lock(&s->lock);
	sum = purge_to(s, keep);
	qn_port_unlock(&s->lock);
	return sum;
}

size_t qn_segments_sparse_limit(const struct qn_segments *s)
{
	const struct qn_knobs *k = qn_segments_knobs(s);
	size_t boost = READ_ONCE(s->boost);

	if (!k->dirty)
		return 0;
	return k->dirty + in_use(s) / k->dirty_part +
	       min(boost / 2, k->sparse_boost);
}

size_t qn_segments_chunk_limit(const struct qn_segments *s)
{
	const struct qn_knobs *k = qn_segments_knobs(s);

	return (k->dirty + dirty_limit(s, k)) / 2;
}

size_t qn_segments_chunk_share(const struct qn_segments *s)
{
	const struct qn_knobs *k = qn_segments_knobs(s);
	size_t more = (dirty_limit(s, k) - k->dirty) / 2;

	return k->dirty + more / max(READ_ONCE(s->nr_holders), 1u);
}

void qn_segments_note_purge(struct qn_segments *s, size_t bytes)
{
	qn_port_lock(&s->lock);
	qn_segments_add_purge(s, bytes);
	qn_port_unlock(&s->lock);
}

void qn_segments_note_reuse(struct qn_segments *s, size_t bytes, u32 stamp)
{
	qn_port_lock(&s->lock);
	note_refault(s, bytes, stamp);
	qn_port_unlock(&s->lock);
}

void qn_segments_decay(struct qn_segments *s)
{
	u32 now = qn_segments_now();

	qn_port_lock(&s->lock);
	if (now - s->second >= 1000) {
		s->second = now;
		WRITE_ONCE(s->boost, s->boost - min(s->boost, s->low / 2));
		s->low = s->dirty;
		s->recent /= 2;
		s->recent_refaults /= 2;
		qn_segments_purge_much(s);
	}
	qn_port_unlock(&s->lock);
}

/* ---- the rest ---- */

void qn_segments_init(struct qn_segments *s, const struct qn_knobs *knobs,
		      size_t huge)
{
	/* Pairs with the acquire in qn_segments_knobs() */
	smp_store_release(&s->knobs, knobs);
	s->huge = huge;
}

__apart void qn_segments_exit(struct qn_segments *s)
{
	while (s->nr > 0) {
		const struct qn_segment *seg = &s->seg[--s->nr];

		qn_port_release(seg->base, seg->committed << QN_UNIT_SHIFT);
		qn_port_release(seg->units, seg->table);
	}
}

size_t qn_segments_metadata(const struct qn_segments *s)
{
	size_t sum = 0;

	for (unsigned int i = 0; i < s->nr; i++)
		sum += round_up(s->seg[i].frontier * sizeof(struct qn_unit),
				(size_t)4096);
	return sum;
}

size_t qn_segments_mapped(const struct qn_segments *s)
{
	size_t sum = 0;

	for (unsigned int i = 0; i < s->nr; i++)
		sum += s->seg[i].table + (s->seg[i].committed << QN_UNIT_SHIFT);
	return sum;
}

/* Free bytes of a chunk of blocks of whole pages that may be resident */
static __apart size_t shared_dirty(const struct qn_unit *u)
{
	size_t parts = 0;

	for (size_t i = 0; i < u->run.size; i++)
		parts += qn_nr_parts(u[i].touched & ~(u32)u[i].busy);
	return parts * QN_PART_SIZE;
}

static __apart const char *segment_check(const struct qn_segments *s,
					 const struct qn_segment *seg,
					 size_t *dirty)
{
	size_t i = 0;

	while (i < seg->frontier) {
		const struct qn_unit *u = &seg->units[i];
		bool is_free = u->kind == QN_UNIT_CLEAN ||
			       u->kind == QN_UNIT_DIRTY;
		bool single = u->kind == QN_UNIT_SLAB ||
			      u->kind == QN_UNIT_SPARE;
		size_t nr = single ? 1 : u->run.size;

		if (u->kind == QN_UNIT_NONE || u->kind > QN_UNIT_SHARED)
			return "a run begins with no known kind";
		if (nr == 0 || nr > seg->frontier - i)
			return "a run ends behind the frontier";
		if (is_free && u[nr - 1].head != u)
			return "the last unit of a free run forgot its first";
		if (is_free && i + nr < seg->frontier && u[nr].kind == u->kind)
			return "two free runs were not merged";
		if (!is_free && !single && u->owner)
			return "a run that is no slab has an owner";
		if (u->kind == QN_UNIT_DIRTY && u->stamp != parts_of(u, nr))
			return "a dirty run forgot what of it is resident";
		if (u->kind == QN_UNIT_DIRTY)
			*dirty += u->stamp * QN_PART_SIZE;
		if (u->kind == QN_UNIT_SPARE)
			*dirty += qn_nr_parts(u->pages) * QN_PART_SIZE;
		if (u->kind == QN_UNIT_SHARED)
			*dirty += shared_dirty(u);
		i += nr;
	}
	(void)s;
	return NULL;
}

__apart const char *qn_segments_check(struct qn_segments *s)
{
	const char *what = NULL;
	size_t dirty = 0;

	qn_port_lock(&s->lock);
	for (unsigned int i = 0; i < s->nr && !what; i++)
		what = segment_check(s, &s->seg[i], &dirty);
	if (!what && dirty != s->dirty)
		what = "the sum of dirty bytes is wrong";
	qn_port_unlock(&s->lock);
	return what;
}
