/* SPDX-License-Identifier: MIT */
/*
 * tuned.h - settings that were found for one program, as a file.
 *
 * A text. The first line names the format and its version; lines that begin with "#" say
 * where the settings come from. Then comes one setting a line, in any order:
 *
 *	quern tuned 1
 *	# what made it, of what
 *	knob NAME VALUE		a row of lib/base/knobs.h; bytes and counts in digits
 *	class SIZE		a size in bytes that has a class of its own
 *
 * QUERN_CONF=policy:tuned,tuned:FILE reads it. For firmware the same is written as a C
 * header of macros, which policy "tuned" is built with.
 */
#ifndef QN_TUNED_H
#define QN_TUNED_H

#include <stdio.h>
#include "base/compiler.h"
#include "base/config.h"
#include "search.h"

#define QN_TUNED_LINE "quern tuned 1"

/**
 * struct qn_tuned - what was found
 * @knobs, @nr_knobs: all rows
 * @set:	their values; those that are as preset are not written
 * @sizes, @nr_sizes: with a class of their own
 * @comments:	lines of provenance, each with its end
 */
struct qn_tuned {
	const struct qn_search_knob *knobs;
	u32 nr_knobs;
	const void *set;
	const u32 *sizes;
	u32 nr_sizes;
	const char *comments;
};

/* Knobs of a process's heap at most */
#define QN_TUNED_KNOBS 64

/*
 * Those rows of knobs.h that a search may turn. Not for it to say: what memory is worth,
 * whether there is a helper and a kill switch, marks, and what depends on threads that a
 * replay does not have. Return: how many.
 */
u32 qn_tuned_knobs(struct qn_search_knob to[]);

void qn_tuned_write(FILE *out, const struct qn_tuned *t);

/* As a header for firmware */
void qn_tuned_write_header(FILE *out, const struct qn_tuned *t);

/* Does a file of this name become a header */
bool qn_tuned_is_header(const char *name);

#endif /* QN_TUNED_H */
