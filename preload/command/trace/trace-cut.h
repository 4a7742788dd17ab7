/* SPDX-License-Identifier: MIT */
/*
 * trace-cut.h - a smaller program of a large one: whole objects left out.
 */
#ifndef QN_TRACE_CUT_H
#define QN_TRACE_CUT_H

#include "trace-file.h"

/**
 * struct qn_cut - which objects stay
 * @process:	of the trace
 * @threshold:	those whose hashed number is below
 * @nr_objects, @nr_kept: objects before and after
 * @peak_before, @peak: bytes live at peak before and after
 * @nr_calls:	allocations, reallocs and frees that stay
 * @most:	not more of them
 * @largest:	objects that were ever larger are left out first
 * @sizes:	by number of the object, its largest size
 */
struct qn_cut {
	u32 process;
	u64 threshold;
	u64 nr_objects;
	u64 nr_kept;
	u64 peak_before;
	u64 peak;
	u64 nr_calls;
	u64 most;
	u64 largest;
	u64 *sizes;
};

/**
 * qn_cut_find() - the most objects that keep to a budget
 * @c:		filled in; to be given back by qn_cut_exit()
 * @heap:	bytes that may be live at once, counted in steps of 8 a block
 * @most:	calls at most, 0 for any number
 *
 * An object stays or goes by a hash of its number, so the same trace is always cut
 * the same way, and a smaller cut is a part of a larger one. Objects of more than an
 * eighth of @heap go first.
 */
void qn_cut_find(struct qn_cut *c, const struct qn_tracefile *t, u32 process,
		 u64 heap, u64 most);

/* Return: does the cut keep this event */
bool qn_cut_keeps(const struct qn_cut *c, const struct qn_op *op);

/* @features as in qn_writer_open(). Return: 0, or -errno, with a message. */
int qn_cut_write(struct qn_cut *c, const struct qn_tracefile *t,
		 const char *path, u32 features);

void qn_cut_exit(struct qn_cut *c);

#endif /* QN_TRACE_CUT_H */
