/* SPDX-License-Identifier: MIT */
/*
 * tree.h - the resident memory of a program and of all processes below it, while they run.
 *
 * One process: its resident set. Several: the sum of their proportional sets (a page that
 * n processes share counts as an n-th in each), so nothing counts twice.
 *
 * A look costs microseconds, with many or large processes milliseconds. All looks
 * together take at most a fiftieth of a processor: after a dear one the next is put off.
 */
#ifndef QN_TREE_H
#define QN_TREE_H

#include <sys/types.h>
#include "base/compiler.h"

/* A timeline holds at most so many looks: when it is full, every other one goes */
#define QN_TIMELINE_MOST 1024

/**
 * struct qn_timeline - resident bytes over time
 * @usec, @bytes: of each look, since the program began
 * @nr:		looks
 */
struct qn_timeline {
	u32 *usec;
	u64 *bytes;
	u32 nr;
};

/**
 * struct qn_tree - a program that is looked at
 * @root:	the first process
 * @library:	file that one of the processes should have loaded, or NULL
 * @begin_usec:	when it began
 * @next_usec:	no look before
 * @skipped, @stride: of so many looks one is kept in the timeline
 * @last_usec, @last_bytes: of the last look
 * @area:	bytes times microseconds, so far
 * @peak:	the most that a look has seen
 * @root_peak:	the most that the root itself had, by the kernel's own count
 * @nr_looks:	so far
 * @is_loaded:	@library was seen
 * @line:	the timeline
 */
struct qn_tree {
	pid_t root;
	const char *library;
	u64 begin_usec;
	u64 next_usec;
	u32 skipped;
	u32 stride;
	u64 last_usec;
	u64 last_bytes;
	double area;
	u64 peak;
	u64 root_peak;
	u32 nr_looks;
	bool is_loaded;
	struct qn_timeline line;
};

void qn_tree_begin(struct qn_tree *t, const char *library, u64 now_usec);

/* Look, if it is time to */
void qn_tree_look(struct qn_tree *t, u64 now_usec);

/* The mean over time; 0: too few looks to say */
u64 qn_tree_average(const struct qn_tree *t);

/* The timeline, the caller's from now on */
struct qn_timeline qn_tree_take_line(struct qn_tree *t);
void qn_timeline_free(struct qn_timeline *line);

#endif /* QN_TREE_H */
