/* SPDX-License-Identifier: MIT */
/*
 * history.h - what a heap was made of over time, in a bounded number of moments.
 *
 * Below report-html.c, which draws it. `quern run` fills it in while the program lives,
 * `quern replay` between batches of calls.
 */
#ifndef QN_HISTORY_H
#define QN_HISTORY_H

#include "format/statspage.h"

/* Moments that are kept: twice as many pixels as a drawing has would not be seen */
#define QN_HISTORY_MOST 512u

/**
 * struct qn_moment - a moment
 * @usec:	since the start
 * @live, @pinned, @kept: bytes in use; free beside them; free and kept for reuse
 * @resident:	of the process; 0: not known
 */
struct qn_moment {
	u64 usec;
	u64 live;
	u64 pinned;
	u64 kept;
	u64 resident;
};

/**
 * struct qn_history - moments in their order
 * @at, @nr:	those that are kept
 * @stride:	each of them stands for so many, and was the one with the most memory
 * @pending, @nr_pending: the next one, of how many so far
 */
struct qn_history {
	struct qn_moment at[QN_HISTORY_MOST];
	u32 nr;
	u32 stride;
	struct qn_moment pending;
	u32 nr_pending;
};

/* A moment, not earlier than the last one */
void qn_history_note(struct qn_history *h, const struct qn_moment *m);

/* What a statistics page says now */
struct qn_moment qn_moment_of(const struct qn_stats_page *page, u64 usec);

#endif /* QN_HISTORY_H */
