/* SPDX-License-Identifier: MIT */
/*
 * trace-top.h - the call sites of a process that ask for the most.
 *
 * Above trace-read.c, trace-sites.c and symbols.c, below `quern trace info`.
 */
#ifndef QN_TRACE_TOP_H
#define QN_TRACE_TOP_H

#include "command/base/text.h"
#include "command/base/symbols.h"
#include "trace-read.h"
#include "trace-sites.h"

/* Sites that are shown */
#define QN_TOP_SITES 5u

/**
 * struct qn_top_site - sums of one site
 * @bytes, @nr:	asked for, by calls that allocate or resize
 * @live, @nr_live: of them now
 */
struct qn_top_site {
	u64 bytes;
	u64 nr;
	u64 live;
	u64 nr_live;
};

/**
 * struct qn_top - of one process
 * @sites:	the process's
 * @sums:	by number of the site; 0 is what is not known
 * @owners, @room: by slot, the site that the object counts at
 * @nr_seen:	sites that occurred
 */
struct qn_top {
	struct qn_stacks sites;
	struct qn_top_site *sums;
	u32 *owners;
	u64 room;
	u32 nr_seen;
};

void qn_top_init(struct qn_top *top, const struct qn_tracefile *t, u32 process);
void qn_top_exit(struct qn_top *top);

/* The next event. A block that is resized counts at the site that resized it. */
void qn_top_add(struct qn_top *top, const struct qn_op *op);

/* The largest on standard output, a line each; nothing if no site is known */
void qn_top_print(const struct qn_top *top, struct qn_lines *l,
		  const struct qn_tracefile *t, u32 process);

#endif /* QN_TRACE_TOP_H */
