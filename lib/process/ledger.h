/* SPDX-License-Identifier: MIT */
/*
 * ledger.h - the bytes that a process's heap has in use: what its decisions are taken of.
 *
 * The statistics page shows the same figures to readers, who may write there too: a reset,
 * or a damaged file. So no decision reads the page. Each change of the ledger stores its
 * new figure in the page. Two threads may store in the wrong order; the next change mends
 * that.
 *
 * Threads tell what they did now and then, and by and by. A figure may be below 0 for a
 * moment, when a free was told before its malloc.
 */
#ifndef QN_LEDGER_H
#define QN_LEDGER_H

#include "base/compiler.h"
#include "base/config.h"
#include "format/statspage.h"

/**
 * struct qn_ledger - bytes in use; all atomic
 * @page:	where they are shown
 * @live:	of all blocks
 * @peak_live:	the highest so far
 * @large:	of direct runs and medium blocks
 * @class_live:	of objects, by class
 * @class_slab:	cut into objects, in use or free, by class; of class 0 what is free in
 *		chunks
 * @nr_samples:	samples so far
 * @nr_allocs:	objects that were handed out so far
 */
struct qn_ledger {
	struct qn_stats_page *page;
	u64 live;
	u64 peak_live;
	u64 large;
	u64 class_live[QN_NR_CLASSES];
	u64 class_slab[QN_NR_CLASSES];
	u64 nr_samples;
	u64 nr_allocs;
};

/* A figure changes by @bytes, and so does the one that is shown. Return: the new one. */
static inline u64 qn_ledger_add(u64 *word, u64 *shown, s64 bytes)
{
	u64 sum = __atomic_add_fetch(word, (u64)bytes, __ATOMIC_RELAXED);

	WRITE_ONCE(*shown, sum);
	return sum;
}

/* Return: bytes of all blocks */
static inline u64 qn_ledger_live(struct qn_ledger *l, s64 bytes)
{
	return qn_ledger_add(&l->live, &l->page->live, bytes);
}

static inline void qn_ledger_large(struct qn_ledger *l, s64 bytes)
{
	qn_ledger_add(&l->large, &l->page->large, bytes);
}

static inline void qn_ledger_class(struct qn_ledger *l, unsigned int class,
				   s64 bytes)
{
	qn_ledger_add(&l->class_live[class], &l->page->classes[class].live,
		      bytes);
}

static inline void qn_ledger_slab(struct qn_ledger *l, unsigned int class,
				  s64 bytes)
{
	qn_ledger_add(&l->class_slab[class], &l->page->classes[class].slab,
		      bytes);
}

/* A figure as it is used: never below 0 */
static inline size_t qn_ledger_get(const u64 *word)
{
	s64 bytes = (s64)READ_ONCE(*word);

	return bytes > 0 ? (size_t)bytes : 0;
}

#endif /* QN_LEDGER_H */
