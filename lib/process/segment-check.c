// SPDX-License-Identifier: MIT
/*
 * segment-check.c - all runs, sums of bytes and bins against the descriptors.
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

/* Bytes, and free units, clean and dirty, are added up */
static __apart const char *segment_check(const struct qn_segment *seg,
					 size_t *dirty, size_t *used,
					 size_t nr_free[2])
{
	size_t i = 0;

	while (i < seg->frontier) {
		const struct qn_unit *u = &seg->units[i];
		bool free = qn_run_is_free(u);
		bool single = u->kind == QN_UNIT_SLAB ||
			      u->kind == QN_UNIT_SPARE;
		size_t nr = single ? 1 : u->run.size;

		if (u->kind == QN_UNIT_NONE || u->kind >= QN_NR_UNIT_KINDS)
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
		if (free) {
			*dirty += u->nr_touched * QN_PART_SIZE;
			nr_free[u->kind == QN_UNIT_DIRTY] += nr;
		}
		if (u->kind == QN_UNIT_SPARE)
			*dirty += qn_nr_parts(u->touched) * QN_PART_SIZE;
		if (u->kind == QN_UNIT_SHARED)
			*dirty += shared_dirty(u);
		if (!free && u->kind != QN_UNIT_SPARE)
			*used += nr << QN_UNIT_SHIFT;
		i += nr;
	}
	return NULL;
}

/* Is it the node of a free run of the kind */
static __always_inline const char *run_check(const struct qn_segments *s,
					     const struct qn_run *run, u8 kind)
{
	const struct qn_unit *u = container_of(run, struct qn_unit, run);

	for (unsigned int i = 0; i < s->space.nr; i++) {
		const struct qn_segment *seg = &s->space.seg[i];
		uintptr_t at = (uintptr_t)u - (uintptr_t)seg->units;

		if (at < seg->frontier * sizeof(*u) && at % sizeof(*u) == 0 &&
		    u->kind == kind)
			return NULL;
	}
	return "a bin has what is no free run of its kind";
}

static __apart const char *clean_check(const void *s, const struct qn_run *run)
{
	return run_check(s, run, QN_UNIT_CLEAN);
}

static __apart const char *dirty_check(const void *s, const struct qn_run *run)
{
	return run_check(s, run, QN_UNIT_DIRTY);
}

__apart const char *qn_segments_check(struct qn_segments *s)
{
	const char *what = NULL;
	size_t dirty = 0, used = 0, nr_free[2] = { 0, 0 };

	qn_port_lock(&s->lock);
	for (unsigned int i = 0; i < s->space.nr && !what; i++)
		what = segment_check(&s->space.seg[i], &dirty, &used, nr_free);
	if (!what && dirty != s->resident.dirty)
		what = "the sum of dirty bytes is wrong";
	if (!what && used != s->resident.used)
		what = "the sum of bytes in use is wrong";
	if (!what)
		what = qn_bins_check(&s->bins[false], nr_free[false],
				     clean_check, s);
	if (!what)
		what = qn_bins_check(&s->bins[true], nr_free[true], dirty_check,
				     s);
	qn_port_unlock(&s->lock);
	return what;
}
