/* SPDX-License-Identifier: MIT */
/*
 * people.h - call sites as people want to read them: the function of their own program
 * leads.
 *
 * Above stacks.h and symbols.h, below what prints sites: the report, `quern trace info`,
 * flame graphs.
 */
#ifndef QN_PEOPLE_H
#define QN_PEOPLE_H

#include "command/base/symbols.h"
#include "stacks.h"

/* Functions of a site at most: each return address may have inlined ones */
#define QN_PEOPLE_FRAMES (QN_TRACE_DEPTH * QN_SYMBOLS_INLINED)

/**
 * struct qn_people - the functions of one site, the innermost first
 * @frames, @nr: all of them
 * @shown, @nr_shown: indices of those that are no wrapper of malloc, not the standard
 *		library's, no start of a program or thread, and have a name where others
 *		of their file do; where there is none, all
 * @by:		index of the last one in front of the first that is shown, + 1; 0: none
 */
struct qn_people {
	struct qn_symbols_frame frames[QN_PEOPLE_FRAMES];
	u32 nr;
	u16 shown[QN_PEOPLE_FRAMES];
	u32 nr_shown;
	u32 by;
};

/* The site's frames; none if nothing is known of it */
void qn_people_find(struct qn_people *p, struct qn_symbols *symbols,
		    const struct qn_stacks *stacks, u32 site);

/* Choose what is shown of @frames; qn_people_find() has done it */
void qn_people_fold(struct qn_people *p);

/**
 * qn_people_text() - one line, such as "parse at FILE:12 by strdup < main at FILE:30"
 * @columns:	that it may take; 0: as many as it needs
 *
 * A line that is too wide loses template arguments, lines of callers, callers, the function
 * that was called, then its own source line. A name that is wider still is cut.
 *
 * Return: the caller's to free.
 */
char *qn_people_text(const struct qn_people *p, u32 columns);

/* Is the function a wrapper of malloc, or the standard library's */
bool qn_people_is_plumbing(const struct qn_symbols_frame *f);

#endif /* QN_PEOPLE_H */
