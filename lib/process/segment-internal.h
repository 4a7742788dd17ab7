/* SPDX-License-Identifier: MIT */
/*
 * segment-internal.h - what the files segment*.c and share.c have of each other: all of it
 * under qn_segments.lock.
 */
#ifndef QN_SEGMENT_INTERNAL_H
#define QN_SEGMENT_INTERNAL_H

#include "port/debug.h"
#include "process/segment.h"

/* What is free has a place, and no list has one end only */
static inline bool qn_segments_are_sound(const struct qn_segments *s)
{
	const struct qn_resident *r = &s->resident;
	size_t units = 0;

	for (unsigned int i = 0; i < s->space.nr; i++)
		units += s->space.seg[i].frontier;
	return s->share.dirty <= r->dirty &&
	       r->dirty <= units << QN_UNIT_SHIFT && !s->oldest == !s->newest &&
	       !s->spare[0] == !s->nr_spare[0] &&
	       !s->spare[1] == !s->nr_spare[1];
}

static inline bool qn_run_is_free(const struct qn_unit *u)
{
	return u->kind == QN_UNIT_CLEAN || u->kind == QN_UNIT_DIRTY;
}

/* Milliseconds, as qn_unit.since has them */
static inline u32 qn_segment_now(void)
{
	return (u32)(qn_port_clock_coarse() / 1000);
}

/**
 * struct qn_age - where a run goes among the dirty ones
 * @since:	when it came, in ms
 * @older:	the one before it, or NULL: it is the oldest
 */
struct qn_age {
	u32 since;
	struct qn_unit *older;
};

/* Of a dirty run that is about to be taken out: what is left of it can have its place */
static inline struct qn_age qn_segment_age(const struct qn_unit *u)
{
	return (struct qn_age){ .since = u->since, .older = u->older };
}

/* ---- segment.c ---- */

/* Touched parts of @nr units */
u32 qn_segment_parts(const struct qn_unit *u, size_t nr);

/*
 * Add [@u, @u + @nr) to the free runs, merged with its free neighbours. @parts of it may be
 * resident: it is dirty if there are some. Return: the run.
 */
struct qn_unit *qn_segment_merge(struct qn_segments *s, struct qn_unit *u,
				 size_t nr, u32 parts);

/*
 * The same of what has been free before: it gets its place among the dirty runs again. A
 * merged run is as old as the largest part of it.
 */
struct qn_unit *qn_segment_merge_aged(struct qn_segments *s, struct qn_unit *u,
				      size_t nr, u32 parts, struct qn_age age);

/* Take a free run out; its ends are NONE, so no interior can look free */
void qn_segment_take_out(struct qn_segments *s, struct qn_unit *u);

/* Spare units become runs, which others can have and which can be purged */
void qn_segment_flush(struct qn_segments *s);

/* Purge if there is too much that is dirty */
void qn_segments_purge_much(struct qn_segments *s);

/* ---- segment-purge.c ---- */

/* Purge until no more than @keep bytes are dirty. Return: bytes purged. */
size_t qn_segment_purge_to(struct qn_segments *s, size_t keep);

#endif /* QN_SEGMENT_INTERNAL_H */
