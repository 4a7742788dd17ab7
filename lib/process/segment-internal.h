/* SPDX-License-Identifier: MIT */
/*
 * segment-internal.h - what segment.c and share.c have of each other: all of it under
 * qn_segments.lock.
 */
#ifndef QN_SEGMENT_INTERNAL_H
#define QN_SEGMENT_INTERNAL_H

#include "process/segment.h"

/* Read by qn_local_make_room() without the lock; what is taken away is negative */
static __always_inline void qn_dirty_add(struct qn_segments *s, size_t bytes)
{
	WRITE_ONCE(s->dirty, s->dirty + bytes);
}

/* Milliseconds, never 0 */
u32 qn_segments_now(void);
/* Was it within the time that says that a purge was a mistake */
bool qn_segments_is_recent(const struct qn_segments *s, u32 stamp);
/*
 * Bytes of [@p, @p + @size), a block that was not there before, that were written, by a
 * look at some of its pages. To read one that nobody touched costs no memory, and no
 * system call that a sandbox may lack.
 */
size_t qn_segments_written(const char *p, size_t size);
/* Bytes that were purged lately were wanted back */
void qn_segments_add_refault(struct qn_segments *s, size_t bytes);
void qn_segments_add_purge(struct qn_segments *s, size_t bytes);
/* Purge if there is too much that is dirty */
void qn_segments_purge_much(struct qn_segments *s);

#endif /* QN_SEGMENT_INTERNAL_H */
