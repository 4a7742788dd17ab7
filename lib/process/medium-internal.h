/* SPDX-License-Identifier: MIT */
/*
 * medium-internal.h - what the files medium*.c have of each other: they alone include this.
 */
#ifndef QN_MEDIUM_INTERNAL_H
#define QN_MEDIUM_INTERNAL_H

#include "port/debug.h"
#include "process/medium.h"

/* ---- damage ---- */

#define QN_MEDIUM_WRITTEN  "the block was written to after it was freed"
#define QN_MEDIUM_OVERRUN  "the word before the block was overwritten"
#define QN_MEDIUM_OVERFLOW "the word behind the block was overwritten"

/* The seal of the tag before @p, and those of @flags that are in @mask */
static __always_inline bool qn_tag_is_sound(const void *p, size_t tag,
					    size_t mask, size_t flags)
{
	return !((tag ^ qn_tag_seal(p) ^ flags) & (QN_TAG_SEAL | mask));
}

/* May the tag before @p be read, wherever @p comes from */
bool qn_medium_is_place(const struct qn_medium *m, const char *p);

/* The program ends, with the message @what about @p */
void qn_medium_damaged(const void *p, const char *what) __noreturn;

/*
 * Links of a free run are about to be followed: if something was written over them after
 * the free, say so. @p must be known to have a sound tag of a free run.
 */
void qn_medium_run_look_closely(const struct qn_medium *m, const char *p);

/* The same, while merges are careful */
static __always_inline void qn_medium_run_look(const struct qn_medium *m,
					       const char *p)
{
	if (unlikely(m->careful))
		qn_medium_run_look_closely(m, p);
}

/* ---- what is resident ---- */

/* The unit of an address in a chunk */
static __always_inline struct qn_unit *qn_medium_unit(const struct qn_medium *m,
						      const char *p)
{
	const struct qn_segment *seg = &m->segments->space.seg[0];
	size_t at = (uintptr_t)p - (uintptr_t)seg->base;

	if (likely(at < READ_ONCE(seg->committed) << QN_UNIT_SHIFT))
		return qn_unit_of((char *)seg->units, at);
	return qn_segments_find(m->segments, p);
}

/* The sixteenths of a unit that [@from, @to), offsets in it, lies in */
static inline u32 qn_parts_between(size_t from, size_t to)
{
	qn_assert(from < to && to <= QN_UNIT_SIZE);
	return (2u << ((to - 1) >> QN_PART_SHIFT)) -
	       (1u << (from >> QN_PART_SHIFT));
}

/* ---- what waits, and is empty ---- */

/* All that waits is merged with its neighbours */
void qn_medium_merge_now(struct qn_medium *m);

/* The chunk that is all free goes back, if there is one */
void qn_medium_empty_free(struct qn_medium *m);

#endif /* QN_MEDIUM_INTERNAL_H */
