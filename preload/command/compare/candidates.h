/* SPDX-License-Identifier: MIT */
/*
 * candidates.h - the allocators that a program is compared under: those that are
 * installed, those that --with names, and the one that the program has by itself.
 */
#ifndef QN_CANDIDATES_H
#define QN_CANDIDATES_H

#include "command/base/options.h"
#include "command/base/which.h"

/**
 * struct qn_candidate - an allocator, or a setting of quern
 * @given:	as --with names it
 * @name:	in tables: "jemalloc 5.3.0"
 * @library:	preloaded; NULL: the program runs as it is
 * @engines:	libquern-engines.so, preloaded too; or NULL
 * @settings:	of QUERN_CONF, or NULL
 * @which:	what the library says of itself
 */
struct qn_candidate {
	char *given;
	char *name;
	char *library;
	char *engines;
	char *settings;
	struct qn_which which;
};

/**
 * struct qn_candidates - all of them; the first one is what the others are compared to
 * @missing:	names of those that are not installed, or NULL
 */
struct qn_candidates {
	struct qn_candidate *at;
	u32 nr;
	char *missing;
};

/**
 * qn_candidates_find() - who takes part
 * @with:	lists as the user gave them; none: those that are installed
 * @library:	libquern.so as the user named it, or NULL
 * @program:	the file of the program, whose own malloc comes first
 *
 * Return: 0, or the exit status, with a message.
 */
int qn_candidates_find(struct qn_candidates *c, const struct qn_operands *with,
		       const char *library, const char *program);
void qn_candidates_exit(struct qn_candidates *c);

#endif /* QN_CANDIDATES_H */
