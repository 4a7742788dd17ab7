/* SPDX-License-Identifier: MIT */
/*
 * segment-internal.h - what segment.c and share.c have of each other: all of it under
 * qn_segments.lock.
 */
#ifndef QN_SEGMENT_INTERNAL_H
#define QN_SEGMENT_INTERNAL_H

#include "process/segment.h"

/* Purge if there is too much that is dirty */
void qn_segments_purge_much(struct qn_segments *s);

#endif /* QN_SEGMENT_INTERNAL_H */
