// SPDX-License-Identifier: MIT
/*
 * segment.c - runs of 64 KB units: find, split, merge.
 *
 * See segment.h for the picture. Dirty runs are purged in segment-purge.c, and all is checked
 * in segment-check.c. Order in this file: parts, the two kinds of free runs, cuts, spare
 * units, huge pages, allocation, free.
 */
#include "process/segment-internal.h"

/* More of a spare unit than this is much */
#define SPARE_PARTS 4
/* Of so many units of slabs that come one leads to a look at the limit */
#define SPARES_A_LOOK 4u

/* ---- addresses ---- */

char *qn_unit_start(const struct qn_segments *s, const struct qn_unit *u)
{
	return qn_space_start(&s->space, u);
}

/* ---- parts ---- */

/* Touched parts of @nr units */
u32 qn_segment_parts(const struct qn_unit *u, size_t nr)
{
	u32 sum = 0;

	while (nr-- > 0)
		sum += qn_nr_parts((u++)->touched);
	return sum;
}

/* Of @nr units the first @dirty bytes were written, besides what was touched before */
static u32 parts_written(struct qn_unit *u, size_t nr, size_t dirty)
{
	size_t left = DIV_ROUND_UP(dirty, QN_PART_SIZE);
	u32 sum = 0;

	for (; nr > 0; nr--, u++) {
		u32 n = (u32)min(left, (size_t)QN_UNIT_PARTS);

		u->touched |= (u16)((1u << n) - 1);
		u->purged = 0;
		left -= n;
		sum += qn_nr_parts(u->touched);
	}
	qn_assert(!left);
	return sum;
}

/* ---- free runs ---- */

static struct qn_age age_newest(const struct qn_segments *s)
{
	return (struct qn_age){ .since = qn_segment_now(), .older = s->newest };
}

static void age_add(struct qn_segments *s, struct qn_unit *u, struct qn_age age)
{
	struct qn_unit *newer = age.older ? age.older->newer : s->oldest;

	qn_assert(u->kind == QN_UNIT_DIRTY && u != age.older && u != newer);
	u->since = age.since;
	u->older = age.older;
	u->newer = newer;
	if (age.older)
		age.older->newer = u;
	else
		s->oldest = u;
	if (newer)
		newer->older = u;
	else
		s->newest = u;
}

static void age_del(struct qn_segments *s, struct qn_unit *u)
{
	qn_assert(u->older ? u->older->newer == u : s->oldest == u);
	qn_assert(u->newer ? u->newer->older == u : s->newest == u);
	if (u->older)
		u->older->newer = u->newer;
	else
		s->oldest = u->newer;
	if (u->newer)
		u->newer->older = u->older;
	else
		s->newest = u->older;
}

/* Kind, size and touched parts of @u are set: make it findable from both its ends */
static void free_add(struct qn_segments *s, struct qn_unit *u,
		     struct qn_age age)
{
	struct qn_unit *last = u + u->run.size - 1;
	bool dirty = u->kind == QN_UNIT_DIRTY;

	qn_assert(qn_run_is_free(u) && u->run.size > 0);
	qn_assert(dirty == (u->nr_touched > 0));
	last->kind = u->kind;
	last->run.size = u->run.size;
	qn_bins_add(&s->bins[dirty], &u->run);
	if (dirty) {
		age_add(s, u, age);
		qn_resident_add_dirty(&s->resident,
				      u->nr_touched * QN_PART_SIZE);
	}
}

/* Take a free run out; its ends are NONE, so no interior can look free */
void qn_segment_take_out(struct qn_segments *s, struct qn_unit *u)
{
	bool dirty = u->kind == QN_UNIT_DIRTY;

	qn_assert(qn_run_is_free(u) && u[u->run.size - 1].kind == u->kind);
	qn_assert(u[u->run.size - 1].run.size == u->run.size);
	qn_assert(dirty == (u->nr_touched > 0));
	qn_bins_del(&s->bins[dirty], &u->run);
	if (dirty) {
		age_del(s, u);
		qn_resident_add_dirty(&s->resident,
				      -(u->nr_touched * QN_PART_SIZE));
	}
	u[u->run.size - 1].kind = QN_UNIT_NONE;
	u->kind = QN_UNIT_NONE;
}

/* Take @u out: it becomes part of a run of the age @age, and @most is its largest part */
static void absorb(struct qn_segments *s, struct qn_unit *u, struct qn_age *age,
		   u32 *most)
{
	if (age->older == u)
		age->older = u->older;
	if (u->kind == QN_UNIT_DIRTY && u->nr_touched > *most) {
		*most = u->nr_touched;
		*age = qn_segment_age(u);
	}
	qn_segment_take_out(s, u);
}

struct qn_unit *qn_segment_merge_aged(struct qn_segments *s, struct qn_unit *u,
				      size_t nr, u32 parts, struct qn_age age)
{
	const struct qn_segment *seg = qn_space_segment(&s->space, u);
	enum qn_unit_kind kind = parts ? QN_UNIT_DIRTY : QN_UNIT_CLEAN;
	size_t index = (size_t)(u - seg->units);
	u32 most = parts;

	qn_assert(qn_port_holds(&s->lock));
	qn_assert(nr > 0 && index + nr <= seg->frontier);
	qn_assert(parts == qn_segment_parts(u, nr));
	if (index + nr < seg->frontier && u[nr].kind == kind) {
		struct qn_unit *next = u + nr;

		absorb(s, next, &age, &most);
		nr += next->run.size;
		parts += parts ? next->nr_touched : 0;
	}
	u->kind = QN_UNIT_NONE;
	if (index > 0 && u[-1].kind == kind) {
		u -= u[-1].run.size;
		absorb(s, u, &age, &most);
		nr += u->run.size;
		parts += parts ? u->nr_touched : 0;
	}
	u->owner = NULL;
	u->kind = (u8)kind;
	u->run.size = nr;
	u->nr_touched = parts;
	free_add(s, u, age);
	return u;
}

struct qn_unit *qn_segment_merge(struct qn_segments *s, struct qn_unit *u,
				 size_t nr, u32 parts)
{
	struct qn_age age = { .older = NULL };

	/* What is clean has no age, and the clock is not asked for it */
	if (parts)
		age = age_newest(s);
	return qn_segment_merge_aged(s, u, nr, parts, age);
}

/* @nr units that were never used */
static struct qn_unit *frontier_alloc(struct qn_segments *s, size_t nr)
{
	struct qn_unit *left;
	size_t nr_left;
	struct qn_unit *u = qn_space_alloc(&s->space, nr, &left, &nr_left);

	if (unlikely(left))
		qn_segment_merge(s, left, nr_left, 0);
	return u;
}

/* ---- parts of free runs ---- */

static void add_used(struct qn_segments *s, size_t units)
{
	qn_resident_add_used(&s->resident, units << QN_UNIT_SHIFT);
}

/* Cut [@from, @from + @nr) out of the free run @u; the rest stays free */
static struct qn_unit *free_cut(struct qn_segments *s, struct qn_unit *u,
				size_t from, size_t nr)
{
	bool dirty = u->kind == QN_UNIT_DIRTY;
	size_t behind = u->run.size - from - nr;
	struct qn_age age = qn_segment_age(u);
	u32 before = 0, after = 0;

	qn_assert(qn_run_is_free(u) && nr > 0);
	qn_assert(from + nr <= u->run.size);
	qn_segment_take_out(s, u);
	if (dirty) {
		before = qn_segment_parts(u, from);
		after = u->nr_touched - before - qn_segment_parts(u + from, nr);
		qn_resident_note_low(&s->resident);
	}
	if (behind)
		qn_segment_merge_aged(s, u + from + nr, behind, after, age);
	if (from)
		qn_segment_merge_aged(s, u, from, before, age);
	return u + from;
}

static noinline struct qn_unit *bins_find(struct qn_segments *s, bool dirty,
					  size_t nr)
{
	struct qn_run *run = qn_bins_find(&s->bins[dirty], nr);

	return run ? container_of(run, struct qn_unit, run) : NULL;
}

static struct qn_unit *bins_alloc(struct qn_segments *s, bool dirty, size_t nr,
				  size_t align)
{
	struct qn_unit *u = bins_find(s, dirty, nr);
	size_t skip = 0;

	qn_assert(nr > 0 && is_power_of_2(align));
	if (unlikely(u && align > 1)) {
		skip = qn_space_skip(&s->space, u, align);
		/* Too short behind that: one that is long enough wherever it lies */
		if (u->run.size - nr < skip) {
			u = bins_find(s, dirty, nr + align - 1);
			skip = u ? qn_space_skip(&s->space, u, align) : 0;
		}
	}
	return u ? free_cut(s, u, skip, nr) : NULL;
}

static __apart struct qn_unit *frontier_alloc_aligned(struct qn_segments *s,
						      size_t nr, size_t align)
{
	size_t all = qn_space_need(&s->space, nr, align), skip, behind;
	struct qn_unit *u = frontier_alloc(s, all);

	/* The segment could not grow: they lie in another one */
	if (u && qn_space_skip(&s->space, u, align) + nr > all) {
		qn_segment_merge(s, u, all, 0);
		all = nr + align - 1;
		u = frontier_alloc(s, all);
	}
	if (!u)
		return NULL;
	skip = qn_space_skip(&s->space, u, align);
	qn_assert(skip + nr <= all);
	behind = all - skip - nr;
	if (behind)
		qn_segment_merge(s, u + skip + nr, behind, 0);
	if (skip)
		qn_segment_merge(s, u, skip, 0);
	return u + skip;
}

/*
 * A unit with old contents becomes a slab, which carves its first page at once and the
 * others perhaps never: what they hold is dirty memory all the same. @huge: it does not
 * count, as huge pages are for those who will.
 */
static void slab_unit_init(struct qn_segments *s, struct qn_unit *u, bool huge)
{
	u32 parts = huge ? 0 : qn_nr_parts(u->touched);

	qn_assert(qn_port_holds(&s->lock));
	qn_assert(!u->owner);
	u->kind = QN_UNIT_SLAB;
	u->purged = 0;
	u->stale = (parts ? parts - 1 : 0) & 0x3f;
	s->resident.stale += u->stale * QN_PART_SIZE;
}

/* ---- spare units ---- */

static void spare_push(struct qn_segments *s, struct qn_unit *u, u32 parts)
{
	bool much = parts > SPARE_PARTS;

	qn_assert(u->kind == QN_UNIT_SLAB && !u->owner);
	qn_assert(parts == qn_nr_parts(u->touched));
	qn_assert(!s->spare[much] == !s->nr_spare[much]);
	u->kind = QN_UNIT_SPARE;
	u->next = s->spare[much];
	s->spare[much] = u;
	s->nr_spare[much]++;
	s->spares_came = true;
	qn_resident_add_dirty(&s->resident, parts * QN_PART_SIZE);
}

static struct qn_unit *spare_pop(struct qn_segments *s, bool much)
{
	struct qn_unit *u = s->spare[much];

	qn_assert(!u == !s->nr_spare[much]);
	if (!u)
		return NULL;
	qn_assert(u->kind == QN_UNIT_SPARE);
	qn_assert(much == (qn_nr_parts(u->touched) > SPARE_PARTS));
	s->spare[much] = u->next;
	s->nr_spare[much]--;
	qn_resident_add_dirty(&s->resident,
			      -(qn_nr_parts(u->touched) * QN_PART_SIZE));
	return u;
}

/* They become runs, which others can have and which can be purged */
static void spare_flush(struct qn_segments *s, bool much)
{
	struct qn_unit *u;

	while ((u = spare_pop(s, much)))
		qn_segment_merge(s, u, 1, qn_nr_parts(u->touched));
}

void qn_segment_flush(struct qn_segments *s)
{
	spare_flush(s, false);
	spare_flush(s, true);
	qn_assert(!s->nr_spare[0] && !s->nr_spare[1]);
}

static struct qn_unit *dirty_alloc(struct qn_segments *s, size_t nr,
				   size_t align)
{
	struct qn_unit *u = bins_alloc(s, true, nr, align);

	if (!u && s->nr_spare[0] + s->nr_spare[1] >= nr) {
		qn_segment_flush(s);
		u = bins_alloc(s, true, nr, align);
	}
	return u;
}

/* ---- runs of both kinds ---- */

/* So many of the newest dirty runs are looked at; more find larger ones */
#define MIX_TRIES 16
/* Requests of fewer units are served from clean memory: little is won */
#define MIX_LEAST ((size_t)4)

/**
 * struct mix - a dirty run and the clean units around it
 * @u:		the dirty run
 * @before:	free clean units in front of it
 * @behind:	and behind it; at the frontier as many as are wanted
 */
struct mix {
	struct qn_unit *u;
	size_t before;
	size_t behind;
};

/* @u and what is around it, if that is @nr units */
static __seldom bool mix_at(const struct qn_segments *s, struct qn_unit *u,
			    size_t nr, struct mix *m)
{
	const struct qn_segment *seg = qn_space_segment(&s->space, u);
	struct qn_unit *end = u + u->run.size;

	m->u = u;
	m->before = 0;
	m->behind = 0;
	/* The bins look at some runs of a length only, so one can hide that is long enough */
	if (u->run.size >= nr)
		return true;
	if (u > seg->units && u[-1].kind == QN_UNIT_CLEAN)
		m->before = u[-1].run.size;
	if (end == seg->units + seg->frontier)
		m->behind = nr - u->run.size;
	else if (end->kind == QN_UNIT_CLEAN)
		m->behind = end->run.size;
	return m->before + u->run.size + m->behind >= nr;
}

/* Of the newest dirty runs that will do with clean neighbours, the longest */
static __seldom bool mix_find(const struct qn_segments *s, size_t nr,
			      struct mix *best)
{
	struct qn_unit *u = s->newest;
	struct mix m;

	best->u = NULL;
	for (int i = 0; u && i < MIX_TRIES; i++, u = u->older)
		if ((!best->u || u->run.size > best->u->run.size) &&
		    mix_at(s, u, nr, &m))
			*best = m;
	return best->u;
}

/*
 * A run whose units are dirty as far as they go, for a request that is longer than any
 * dirty run: it saves memory, and the page faults.
 */
static __seldom struct qn_unit *mix_alloc(struct qn_segments *s, size_t nr)
{
	size_t more, behind;
	struct qn_unit *end;
	struct mix m;

	if (!mix_find(s, nr, &m))
		return NULL;
	qn_assert(m.u->kind == QN_UNIT_DIRTY);
	if (m.u->run.size >= nr)
		return free_cut(s, m.u, 0, nr);
	end = m.u + m.u->run.size;
	more = nr - m.u->run.size;
	behind = min(more, m.behind);
	if (behind && qn_space_at_frontier(&s->space, end)) {
		if (!qn_space_extend(&s->space, end, behind))
			return NULL;
	} else if (behind) {
		free_cut(s, end, 0, behind);
	}
	free_cut(s, m.u, 0, m.u->run.size);
	more -= behind;
	qn_assert(more <= m.before);
	if (more)
		free_cut(s, m.u - m.before, m.before - more, more);
	return m.u - more;
}

static struct qn_unit *clean_alloc(struct qn_segments *s, size_t nr,
				   size_t align)
{
	struct qn_unit *u = bins_alloc(s, false, nr, align);

	if (u)
		return u;
	return align > 1 ? frontier_alloc_aligned(s, nr, align) :
			   frontier_alloc(s, nr);
}

/* ---- huge pages ---- */

#define HUGE_UNITS (QN_PORT_HUGE >> QN_UNIT_SHIFT)

/* Where memory grows is there so much of it that a huge page more does not count? */
static bool huge_is_on(const struct qn_segments *s)
{
	return s->huge && qn_resident_in_use(&s->resident) >= s->huge;
}

/* Units for a huge page that were never used; what is skipped may serve small slabs */
static struct qn_unit *frontier_alloc_huge(struct qn_segments *s)
{
	size_t all = qn_space_need(&s->space, HUGE_UNITS, HUGE_UNITS), skip;
	struct qn_unit *u;

	if (!qn_space_has_room(&s->space, all))
		return NULL;
	u = frontier_alloc(s, all);
	if (!u)
		return NULL;
	skip = qn_space_skip(&s->space, u, HUGE_UNITS);
	if (skip)
		qn_segment_merge(s, u, skip, 0);
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

	u = bins_alloc(s, false, HUGE_UNITS, HUGE_UNITS);
	if (!u)
		u = frontier_alloc_huge(s);
	if (!u)
		return false;
	if (!qn_port_make_huge(qn_unit_start(s, u), QN_PORT_HUGE)) {
		s->huge *= 2;
		/* Its first page was touched, perhaps */
		qn_segment_merge(s, u, HUGE_UNITS,
				 parts_written(u, HUGE_UNITS, QN_PART_SIZE));
		return false;
	}
	qn_resident_reuse(&s->resident, u, HUGE_UNITS, QN_UNIT_SIZE);
	qn_segment_merge(s, u, HUGE_UNITS,
			 parts_written(u, HUGE_UNITS, QN_PORT_HUGE));
	return true;
}

/* ---- allocation ---- */

/* @u came into use */
static struct qn_unit *run_use(struct qn_segments *s, struct qn_unit *u,
			       size_t nr, enum qn_unit_kind kind)
{
	if (!u)
		return NULL;
	qn_assert(qn_port_holds(&s->lock) && !qn_run_is_free(u));
	u->owner = NULL;
	u->kind = (u8)kind;
	/* Neighbours that are freed look at its last one */
	for (size_t i = 1; kind == QN_UNIT_MEDIUM && i < nr; i++)
		u[i].kind = (u8)kind;
	u->run.size = nr;
	if (kind == QN_UNIT_FENCE)
		u->cut = 0;
	add_used(s, nr);
	/* How much of a large block is touched is known when it is freed */
	if (kind == QN_UNIT_LARGE)
		qn_resident_expect(&s->resident, u, nr);
	else if (kind != QN_UNIT_MEDIUM)
		qn_resident_reuse(&s->resident, u, nr, QN_UNIT_SIZE);
	return u;
}

bool qn_segments_have_dirty(struct qn_segments *s, size_t bytes)
{
	size_t nr = DIV_ROUND_UP(bytes, QN_UNIT_SIZE);
	bool have;

	if (READ_ONCE(s->resident.dirty) < bytes)
		return false;
	qn_port_lock(&s->lock);
	have = bins_find(s, true, nr) || s->nr_spare[0] + s->nr_spare[1] >= nr;
	qn_port_unlock(&s->lock);
	return have;
}

struct qn_unit *qn_run_alloc(struct qn_segments *s, size_t nr, size_t align,
			     enum qn_unit_kind kind, bool *zeroed)
{
	struct qn_unit *u;
	bool zero;

	qn_port_lock(&s->lock);
	u = dirty_alloc(s, nr, align);
	if (!u && align == 1 && nr >= MIX_LEAST)
		u = mix_alloc(s, nr);
	zero = !u;
	if (!u)
		u = clean_alloc(s, nr, align);
	u = run_use(s, u, nr, kind);
	if (zero)
		qn_segments_purge_much(s);
	qn_assert(qn_segments_are_sound(s));
	qn_port_unlock(&s->lock);
	if (zeroed)
		*zeroed = zero;
	return u;
}

struct qn_unit *qn_chunk_alloc(struct qn_segments *s, size_t nr, size_t least)
{
	struct qn_unit *u;
	bool grows = false;
	size_t n = nr;

	qn_assert(least > 0);
	qn_port_lock(&s->lock);
	while (!(u = dirty_alloc(s, n, 1)) && n / 2 >= least)
		n /= 2;
	if (!u && nr <= HUGE_UNITS && huge_is_on(s) && huge_add(s)) {
		n = nr;
		u = dirty_alloc(s, n, 1);
	}
	if (!u) {
		n = nr;
		while (!(u = clean_alloc(s, n, 1)) && n / 2 >= least)
			n /= 2;
		grows = true;
	}
	u = run_use(s, u, n, QN_UNIT_MEDIUM);
	if (grows)
		qn_segments_purge_much(s);
	qn_assert(qn_segments_are_sound(s));
	qn_port_unlock(&s->lock);
	return u;
}

/* The unit that dirty memory would give next, if little of it is resident */
static struct qn_unit *little_alloc(struct qn_segments *s)
{
	struct qn_unit *u = bins_find(s, true, 1);

	if (!u)
		return NULL;
	return qn_nr_parts(u->touched) <= SPARE_PARTS ? free_cut(s, u, 0, 1) :
							NULL;
}

/*
 * A slab writes its first pages at once and the others perhaps never: one that will
 * stay small had better not get a unit whose old contents would stay with it.
 */
static struct qn_unit *unit_alloc(struct qn_segments *s, bool much)
{
	struct qn_unit *u = spare_pop(s, much);

	/* Of some, pages were purged before they were empty */
	if (u && u->hidden_pages)
		qn_resident_reuse(&s->resident, u, 1,
				  qn_nr_parts(u->hidden_pages) * QN_PART_SIZE);
	if (!u)
		u = much ? dirty_alloc(s, 1, 1) : little_alloc(s);
	if (!u && much && huge_is_on(s) && huge_add(s))
		u = dirty_alloc(s, 1, 1);
	if (u)
		return u;
	u = clean_alloc(s, 1, 1);
	/* It is written page by page, and often not to its end */
	if (u && much)
		qn_resident_reuse(&s->resident, u, 1, QN_UNIT_SIZE / 2);
	return u ? u : dirty_alloc(s, 1, 1);
}

struct qn_unit *qn_unit_alloc(struct qn_segments *s, bool much)
{
	struct qn_unit *u;

	qn_port_lock(&s->lock);
	u = unit_alloc(s, much);
	if (u) {
		u->owner = NULL;
		add_used(s, 1);
		slab_unit_init(s, u, much && huge_is_on(s));
	}
	qn_assert(qn_segments_are_sound(s));
	qn_port_unlock(&s->lock);
	return u;
}

/* ---- free ---- */

/* @came: bytes that have just become dirty, perhaps */
static void purge_much(struct qn_segments *s, size_t came)
{
	size_t keep;

	qn_assert(qn_port_holds(&s->lock));
	if (unlikely(qn_resident_is_much(&s->resident, came, &keep)))
		qn_segment_purge_to(s, keep);
}

void qn_segments_purge_much(struct qn_segments *s)
{
	purge_much(s, 0);
}

/* @nr units come back; @parts of them may be resident, as their masks say */
static void run_free(struct qn_segments *s, struct qn_unit *u, size_t nr,
		     u32 parts)
{
	qn_assert(s->resident.used >= nr << QN_UNIT_SHIFT);
	add_used(s, -nr);
	qn_segment_merge(s, u, nr, parts);
	purge_much(s, parts * QN_PART_SIZE);
}

void qn_run_free(struct qn_segments *s, struct qn_unit *u, size_t dirty)
{
	size_t nr = u->run.size;

	qn_assert(!qn_run_is_free(u) && u->kind != QN_UNIT_SLAB);
	qn_assert(dirty <= nr << QN_UNIT_SHIFT);
	if (u->kind == QN_UNIT_LARGE && dirty)
		qn_resident_look(&s->resident, u, qn_unit_start(s, u), 0,
				 DIV_ROUND_UP(dirty, QN_PART_SIZE));
	qn_port_lock(&s->lock);
	run_free(s, u, nr, parts_written(u, nr, dirty));
	qn_assert(qn_segments_are_sound(s));
	qn_port_unlock(&s->lock);
}

void qn_unit_free(struct qn_segments *s, struct qn_unit *u)
{
	const struct qn_knobs *k = qn_segments_knobs(s);
	u32 parts = qn_nr_parts(u->touched);
	bool much = parts > SPARE_PARTS;

	qn_port_lock(&s->lock);
	qn_assert(u->kind == QN_UNIT_SLAB && !u->owner);
	qn_assert(s->resident.used >= QN_UNIT_SIZE);
	qn_assert(s->resident.stale >= u->stale * QN_PART_SIZE);
	add_used(s, (size_t)-1);
	s->resident.stale -= u->stale * QN_PART_SIZE;
	if (s->nr_spare[much] >= k->spare_units)
		spare_flush(s, much);
	spare_push(s, u, parts);
	if (s->nr_spare[much] % SPARES_A_LOOK == 1 || !k->dirty)
		qn_segments_purge_much(s);
	qn_assert(qn_segments_are_sound(s));
	qn_port_unlock(&s->lock);
}

void qn_run_free_parts(struct qn_segments *s, struct qn_unit *u)
{
	size_t nr = u->run.size;

	qn_port_lock(&s->lock);
	qn_assert(nr > 0 && !qn_run_is_free(u));
	for (size_t i = 0; i < nr; i++)
		u[i].kind = QN_UNIT_NONE;
	run_free(s, u, nr, qn_segment_parts(u, nr));
	qn_assert(qn_segments_are_sound(s));
	qn_port_unlock(&s->lock);
}

/* Take @more units behind the run that ends at @end, if they are free */
static bool take_behind(struct qn_segments *s, struct qn_unit *end, size_t more)
{
	if (qn_space_at_frontier(&s->space, end))
		return qn_space_extend(&s->space, end, more);
	if (!qn_run_is_free(end) || end->run.size < more)
		return false;
	free_cut(s, end, 0, more);
	qn_resident_reuse(&s->resident, end, more, QN_UNIT_SIZE);
	return true;
}

__seldom bool qn_run_resize(struct qn_segments *s, struct qn_unit *u, size_t nr,
			    size_t dirty)
{
	size_t old = u->run.size;
	bool done = true;

	qn_assert(nr > 0 && !qn_run_is_free(u));
	if (nr == old)
		return true;
	qn_port_lock(&s->lock);
	if (nr < old) {
		run_free(s, u + nr, old - nr,
			 parts_written(u + nr, old - nr, dirty));
	} else {
		done = take_behind(s, u + old, nr - old);
		if (done)
			add_used(s, nr - old);
	}
	if (done)
		u->run.size = nr;
	qn_assert(qn_segments_are_sound(s));
	qn_port_unlock(&s->lock);
	return done;
}

/* ---- the rest ---- */

void qn_segments_init(struct qn_segments *s, const struct qn_knobs *knobs,
		      size_t huge)
{
	/* Pairs with the acquire in qn_segments_knobs() */
	smp_store_release(&s->resident.knobs, knobs);
	s->huge = huge;
}

__apart void qn_segments_exit(struct qn_segments *s)
{
	qn_space_exit(&s->space);
}
