/* SPDX-License-Identifier: MIT */
/*
 * trace-ranks.h - a set of numbers in which one can count: how many lie between two, and
 * which is the third from here.
 *
 * Below trace-columns.c and trace-groups.c, which tell objects by the living ones around
 * them. A bit for each number, and a count for each GROUP of them: to count takes a word
 * for each 4096 numbers of the distance.
 */
#ifndef QN_TRACE_RANKS_H
#define QN_TRACE_RANKS_H

#include "base/compiler.h"

/**
 * struct qn_ranks - a set of numbers below @nr, at first empty
 * @set:	a bit for each
 * @counts:	bits of each group
 */
struct qn_ranks {
	u64 *set;
	u32 *counts;
	u32 nr;
};

void qn_ranks_init(struct qn_ranks *r, u32 nr);
void qn_ranks_exit(struct qn_ranks *r);

/* Is @i in the set? It may be any number. */
bool qn_ranks_has(const struct qn_ranks *r, u64 i);

/* Add one that is not in the set, take out one that is */
void qn_ranks_add(struct qn_ranks *r, u32 i);
void qn_ranks_del(struct qn_ranks *r, u32 i);

/* Return: how many of the set are in [from, to) */
u32 qn_ranks_count(const struct qn_ranks *r, u32 from, u32 to);

/**
 * qn_ranks_above() - the one of [from, to) that @n of these are below
 * @i:		filled in
 *
 * Return: false if there is none.
 */
bool qn_ranks_above(const struct qn_ranks *r, u32 from, u32 to, u64 n, u32 *i);

/* The one of [from, to) that @n of these are above; false if there is none */
bool qn_ranks_below(const struct qn_ranks *r, u32 from, u32 to, u64 n, u32 *i);

#endif /* QN_TRACE_RANKS_H */
