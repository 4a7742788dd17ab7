/* SPDX-License-Identifier: MIT */
/*
 * tally.h - what a process has in use, counted now.
 *
 * Above local.h, below process-figures.c. The statistics page is written in slow paths, so it
 * knows late what fast ones did. A tally looks at each slab. It is right to the byte for
 * the calling thread and for threads that are gone. Of others that run, two things count
 * as in use: objects that are ready in their lists, and those that they freed for
 * another thread and have not sent. A slab that they work on meanwhile may be off.
 */
#ifndef QN_TALLY_H
#define QN_TALLY_H

#include "process/local.h"

/* Blocks from this size on are mapped one by one in glibc */
#define QN_TALLY_MAPPED ((size_t)128 << 10)

/**
 * struct qn_tally - bytes, and numbers of blocks
 * @live:	blocks in use, as served
 * @mapped, @nr_mapped: of these, blocks of QN_TALLY_MAPPED bytes and more
 * @ready, @nr_ready: objects in the calling thread's lists for malloc
 * @ready_of:	numbers of them, by class
 * @nr_runs:	free runs in chunks of the calling thread and of threads that are gone
 * @usable:	address space that may be touched
 * @untold:	of @live, what other threads that run have not told the page
 */
struct qn_tally {
	size_t live;
	size_t mapped;
	size_t nr_mapped;
	size_t ready;
	size_t nr_ready;
	u32 ready_of[QN_NR_CLASSES];
	size_t nr_runs;
	size_t usable;
	s64 untold;
};

/**
 * qn_tally() - count
 * @t:		the result
 * @hub:	the hub, whose page is brought up to date
 * @l:		the calling thread's local, or NULL: then nothing but the page is known
 *
 * Time: some steps for each unit of the heap and each object of the thread's lists.
 *
 * Context: takes hub.threads.
 */
void qn_tally(struct qn_tally *t, struct qn_hub *hub, struct qn_local *l);

#endif /* QN_TALLY_H */
