/* SPDX-License-Identifier: MIT */
/*
 * granules.h - what would serve the sizes that records state: the table of granules before
 * anything was learned, and what of a heap's memory they take.
 */
#ifndef QN_HINT_GRANULES_H
#define QN_HINT_GRANULES_H

#include "hint-file.h"

/**
 * struct qn_granule - one size that is stated as a constant
 * @size:	bytes asked for
 * @served:	bytes that the block takes
 * @weight:	of all entries with the size
 * @own_class:	a class of the size alone would save memory, and it is asked for often
 */
struct qn_granule {
	u32 size;
	u32 served;
	u64 weight;
	bool own_class;
};

/**
 * struct qn_granules - all of them
 * @at, @nr:	by size
 * @weight:	of all entries of the file, constant or not
 */
struct qn_granules {
	struct qn_granule *at;
	u32 nr;
	u64 weight;
};

/**
 * qn_granules_init() - what would serve a file's constant sizes
 *
 * Those for pointers of 32 bits are served by a heap in firmware, others by libquern.so.
 */
void qn_granules_init(struct qn_granules *g, const struct qn_hint_file *f);
void qn_granules_exit(struct qn_granules *g);

/* Bytes that a block of that size takes there */
u64 qn_granules_served(const struct qn_hint_file *f, u64 size);

/**
 * struct qn_hint_fit - what a heap would have to hold
 * @room:	bytes for blocks
 * @least:	bytes of the largest block that is asked for in any case, should its site run
 * @most:	bytes of the largest block that has a bound
 * @once:	bytes of one block from each site, of its smallest size
 * @over:	sites that may ask for more than @room
 * @unbounded:	sites whose largest size is not known
 */
struct qn_hint_fit {
	u64 room;
	u64 least;
	u64 most;
	u64 once;
	u32 over;
	u32 unbounded;
};

/* Hold a file's sites against a heap in @bytes of memory */
struct qn_hint_fit qn_hint_fit(const struct qn_hint_file *f, u64 bytes);

#endif /* QN_HINT_GRANULES_H */
