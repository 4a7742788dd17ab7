// SPDX-License-Identifier: MIT
/*
 * segment-purge.c - dirty runs that are given back: the oldest first, where there are too
 * many, or once they are old.
 */
#include "process/segment-internal.h"

/*
 * Purge the oldest run, or as much of its high end as is wanted: what is low is
 * reused first. Return: false if the system would not.
 */
static __seldom bool purge_oldest(struct qn_segments *s, size_t want)
{
	struct qn_unit *u = s->oldest;
	size_t nr = u->run.size, from = nr;
	u32 before = u->nr_touched, parts = 0;
	struct qn_age age = qn_segment_age(u);
	bool done;

	qn_assert(u->kind == QN_UNIT_DIRTY && !u->older);
	while (from > 0 && parts * QN_PART_SIZE < want)
		parts += qn_nr_parts(u[--from].touched);
	qn_assert(parts <= before);
	qn_segment_take_out(s, u);
	done = qn_resident_purge(&s->resident, u, qn_unit_start(s, u),
				 from * QN_UNIT_PARTS, nr * QN_UNIT_PARTS,
				 qn_segment_now() - age.since);
	if (!done) {
		/* Locked memory, say: keep it, as dirty as it was */
		qn_segment_merge(s, u, nr, before);
		return false;
	}
	qn_segment_merge(s, u + from, nr - from, 0);
	if (from)
		qn_segment_merge_aged(s, u, from, before - parts, age);
	return true;
}

size_t qn_segment_purge_to(struct qn_segments *s, size_t keep)
{
	struct qn_resident *r = &s->resident;
	size_t before = r->dirty;

	qn_assert(qn_port_holds(&s->lock));
	qn_segment_flush(s);
	while (s->oldest && r->dirty > keep)
		if (!purge_oldest(s, r->dirty - keep))
			break;
	if (s->share.dirty && r->dirty > keep)
		s->share.purge(s, r->dirty - keep);
	qn_assert(r->dirty <= before);
	qn_assert(qn_segments_are_sound(s));
	return before - r->dirty;
}

/* Has what came at @since waited for so long */
static bool is_old(u32 since, u32 now, u32 keep)
{
	return now - since >= keep && now - since <= INT32_MAX;
}

static bool share_is_old(const struct qn_segments *s, u32 now, u32 keep)
{
	return s->share.dirty && is_old(s->share.since, now, keep);
}

static __seldom bool purge_old(struct qn_segments *s, u32 now, u32 keep)
{
	size_t to = s->resident.dirty - min(s->resident.dirty, QN_OLD_SLICE);

	qn_assert(qn_port_holds(&s->lock));
	while (s->oldest && is_old(s->oldest->since, now, keep)) {
		if (s->resident.dirty <= to)
			return true;
		if (!purge_oldest(s, s->resident.dirty - to))
			return false;
	}
	if (!share_is_old(s, now, keep) || s->resident.dirty <= to)
		return share_is_old(s, now, keep);
	return s->share.purge(s, s->resident.dirty - to) &&
	       share_is_old(s, now, keep);
}

bool qn_segments_purge_old(struct qn_segments *s)
{
	u32 keep = qn_resident_keep_ms(&s->resident), now = qn_segment_now();
	bool more = false;

	qn_port_lock(&s->lock);
	/* From now on they have an age */
	if (!s->spares_came)
		qn_segment_flush(s);
	s->spares_came = false;
	if ((s->oldest && is_old(s->oldest->since, now, keep)) ||
	    share_is_old(s, now, keep))
		more = purge_old(s, now, keep);
	qn_port_unlock(&s->lock);
	return more;
}

__seldom size_t qn_segments_purge(struct qn_segments *s, size_t keep)
{
	size_t sum;

	qn_port_lock(&s->lock);
	sum = qn_segment_purge_to(s, keep);
	qn_port_unlock(&s->lock);
	return sum;
}

__seldom void qn_segments_decay(struct qn_segments *s)
{
	qn_port_lock(&s->lock);
	if (qn_resident_decay(&s->resident))
		qn_segments_purge_much(s);
	qn_port_unlock(&s->lock);
}
