/* SPDX-License-Identifier: MIT */
/*
 * search.h - the cheapest set of knobs, by trying some hundred.
 *
 * Knows nothing of heaps: a set is memory with numbers in it, and the caller says what a set
 * costs. Each knob is first changed alone, then one to three of the best set so far are.
 * Last of all each knob goes back to its preset where that costs hardly more. So a set names
 * the knobs that matter and no others.
 */
#ifndef QN_SEARCH_H
#define QN_SEARCH_H

#include <stddef.h>
#include "base/compiler.h"

/**
 * struct qn_search_knob - a number of a set
 * @name:	for messages
 * @offset:	of the size_t in a set
 * @preset, @least, @most: of its value
 */
struct qn_search_knob {
	const char *name;
	size_t offset;
	size_t preset, least, most;
};

/* Sets whose costs are asked for at once */
#define QN_SEARCH_BATCH 16
/* Bytes of a set at most */
#define QN_SEARCH_BYTES 1024

/**
 * struct qn_search - what is searched
 * @knobs, @nr:	of a set
 * @preset:	the set to begin with
 * @bytes:	of a set
 * @seed:	the same gives the same search
 * @tries:	sets whose costs are asked for, about
 * @cost:	sets @costs[i] of the set at @sets + i * @bytes, for each of @nr; returns 0
 *		or -errno, which ends the search
 * @data:	passed to @cost
 */
struct qn_search {
	const struct qn_search_knob *knobs;
	u32 nr;
	const void *preset;
	size_t bytes;
	u64 seed;
	u32 tries;
	int (*cost)(void *data, const void *sets, u32 nr, double *costs);
	void *data;
};

/* A gain of less than this part is none */
#define QN_SEARCH_GAIN 0.0005

/**
 * qn_search_run() - search
 * @s:		how
 * @best:	set to the cheapest set, which may be the preset one
 * @cost:	set to what it costs
 *
 * Return: 0 or -errno.
 */
int qn_search_run(const struct qn_search *s, void *best, double *cost);

/* Value of a knob of a set */
static inline size_t qn_search_get(const struct qn_search_knob *k,
				   const void *set)
{
	return *(const size_t *)(const void *)((const char *)set + k->offset);
}

#endif /* QN_SEARCH_H */
