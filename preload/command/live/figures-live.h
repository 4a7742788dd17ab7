/* SPDX-License-Identifier: MIT */
/*
 * figures-live.h - what the page of a process that runs says, in numbers and short texts.
 *
 * The page may be written while it is read: nothing in it is believed to be within bounds.
 */
#ifndef QN_FIGURES_LIVE_H
#define QN_FIGURES_LIVE_H

#include "command/base/text.h"
#include "format/statspage.h"

/**
 * struct qn_live_figures - of one look
 * @usec:	when the page was read, by qn_clock_usec()
 * @process:	resident set of the process by the kernel; 0: not known
 * @faults:	its page faults so far, likewise
 * @resident:	what the heap can keep resident: the sum of the following and metadata
 * @live, @pinned, @kept: in use; free, but pinned by blocks in use; free for reuse
 * @allocs:	blocks handed out so far
 */
struct qn_live_figures {
	u64 usec;
	u64 process;
	u64 faults;
	u64 resident;
	u64 live;
	u64 pinned;
	u64 kept;
	u64 allocs;
};

/* @is_here: the kernel may be asked about its pid */
void qn_live_figures(struct qn_live_figures *f,
		     const struct qn_stats_page *page, bool is_here);

/* @now less @before, a second */
u64 qn_live_rate(u64 now, u64 before, u64 usec);

/* "7.5" */
struct qn_text qn_live_price(const struct qn_stats_page *page);

/* A line of text about a decision */
struct qn_live_line {
	char s[160];
};

/* Changes of the table and of knobs that the page still has, oldest first */
u32 qn_live_nr_decisions(const struct qn_stats_page *page);
struct qn_live_line qn_live_decision(const struct qn_stats_page *page, u32 i);

/* Choices among presets, likewise */
u32 qn_live_nr_choices(const struct qn_stats_page *page);
struct qn_live_line qn_live_choice(const struct qn_stats_page *page, u32 i);

#endif /* QN_FIGURES_LIVE_H */
