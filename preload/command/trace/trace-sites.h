/* SPDX-License-Identifier: MIT */
/*
 * trace-sites.h - the call sites of one process of a trace.
 *
 * Above trace-file.c and stacks.c, below what prints or writes sites.
 */
#ifndef QN_TRACE_SITES_H
#define QN_TRACE_SITES_H

#include "command/sites/stacks.h"
#include "trace-file.h"

/* All blocks of sites of a process; what is damaged is named and left out */
void qn_trace_stacks(struct qn_stacks *s, const struct qn_tracefile *t,
		     u32 process);

#endif /* QN_TRACE_SITES_H */
