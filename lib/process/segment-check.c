// SPDX-License-Identifier: MIT
/*
 * segment-check.c - all runs and sums of bytes against the descriptors.
 */
#include "process/segment-internal.h"

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
					 size_t *dirty, size_t *used)
{
	size_t i = 0;

	while (i < seg->frontier) {
		const struct qn_unit *u = &seg->units[i];
		bool free = qn_run_is_free(u);
		bool single = u->kind == QN_UNIT_SLAB ||
			      u->kind == QN_UNIT_SPARE;
		size_t nr = single ? 1 : u->run.size;

		if (u->kind == QN_UNIT_NONE || u->kind > QN_UNIT_SHARED)
			return "a run begins with no known kind";
		if (nr == 0 || nr > seg->frontier - i)
			return "a run ends behind the frontier";
		if (free && u[nr - 1].run.size != nr)
			return "the last unit of a free run forgot its first";
		if (free && i + nr < seg->frontier && u[nr].kind == u->kind)
			return "two free runs were not merged";
		if (!free && !single && u->owner)
			return "a run that is no slab has an owner";
		if (free && u->nr_touched != qn_segment_parts(u, nr))
			return "a free run forgot what of it is resident";
		if (free && (u->kind == QN_UNIT_DIRTY) != !!u->nr_touched)
			return "a free run is of the wrong kind";
		if (free)
			*dirty += u->nr_touched * QN_PART_SIZE;
		if (u->kind == QN_UNIT_SPARE)
			*dirty += qn_nr_parts(u->touched) * QN_PART_SIZE;
		if (u->kind == QN_UNIT_SHARED)
			*dirty += shared_dirty(u);
		if (!free && u->kind != QN_UNIT_SPARE)
			*used += nr << QN_UNIT_SHIFT;
		i += nr;
	}
	(void)s;
	return NULL;
}

__apart const char *qn_segments_check(struct qn_segments *s)
{
	const char *what = NULL;
	size_t dirty = 0, used = 0;

	qn_port_lock(&s->lock);
	for (unsigned int i = 0; i < s->space.nr && !what; i++)
		what = segment_check(s, &s->space.seg[i], &dirty, &used);
	if (!what && dirty != s->resident.dirty)
		what = "the sum of dirty bytes is wrong";
	if (!what && used != s->resident.used)
		what = "the sum of bytes in use is wrong";
	qn_port_unlock(&s->lock);
	return what;
}
