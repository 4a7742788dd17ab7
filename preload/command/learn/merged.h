/* SPDX-License-Identifier: MIT */
/*
 * merged.h - what many runs of a program have in common: their statistics as one profile.
 *
 * A run is a statistics page (QUERN_CONF=stats:DIR), a heap of a JSON report (quern run
 * --json), or a profile that was merged before, which stands for as many runs as went into
 * it. All figures are means over the runs, weighted; peaks have their highest value, too.
 * The profile is a text:
 *
 *	quern profile 1
 *	# where it comes from
 *	runs WEIGHT
 *	peak_live MEAN MOST
 *	peak_used MEAN MOST
 *	allocations MEAN
 *	returned MEAN WANTED_BACK
 *	size SIZE PROMOTED CALLS BYTES CARVED ASKED
 *
 * A line of sizes: object size, 0 for all direct runs; the share of runs in which it had a
 * class of its own; mean shares of calls and of bytes; mean of its highest carved bytes;
 * mean of bytes asked for, 0: not known.
 */
#ifndef QN_MERGED_H
#define QN_MERGED_H

#include <stdio.h>
#include "base/compiler.h"

#define QN_MERGED_LINE "quern profile 1"

/**
 * struct qn_merged_size - an object size, or all direct runs
 * @promoted, @calls, @bytes, @carved: see above; sums over the runs while they are added
 * @asked, @asked_runs: sum, and weight of the runs that know it
 */
struct qn_merged_size {
	u32 osize;
	double promoted;
	double calls;
	double bytes;
	double carved;
	double asked, asked_runs;
};

/**
 * struct qn_merged - a profile; sums over the runs
 * @runs:	sum of their weights
 * @comments:	lines of provenance, or NULL
 */
struct qn_merged {
	double runs;
	double peak_live, most_live;
	double peak_used, most_used;
	double allocations;
	double returned, wanted_back;
	struct qn_merged_size *sizes;
	u32 nr;
	char *comments;
};

void qn_merged_init(struct qn_merged *m);
void qn_merged_exit(struct qn_merged *m);

/**
 * qn_merged_read() - add a file
 * @m:		the profile
 * @path:	a page, a report or a profile
 * @weight:	of each run in it
 *
 * Return: 0, or -errno with a message.
 */
int qn_merged_read(struct qn_merged *m, const char *path, double weight);

/* Add one profile to another, each run of it with a weight */
void qn_merged_add(struct qn_merged *m, const struct qn_merged *from,
		   double weight);

void qn_merged_write(FILE *out, struct qn_merged *m);

/**
 * qn_merged_promoted() - sizes that had a class of their own in half of the runs
 * @sizes:	filled in
 * @most:	elements of it
 *
 * Return: how many.
 */
u32 qn_merged_promoted(const struct qn_merged *m, u32 *sizes, u32 most);

#endif /* QN_MERGED_H */
