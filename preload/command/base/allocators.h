/* SPDX-License-Identifier: MIT */
/*
 * allocators.h - the allocators that programs are compared under, as subjects of
 * compare.h, and a program run under one of them.
 */
#ifndef QN_ALLOCATORS_H
#define QN_ALLOCATORS_H

#include "compare.h"

enum {
	QN_GLIBC,
	QN_JEMALLOC,
	QN_MIMALLOC,
	QN_QUERN,
	QN_NR_ALLOCATORS,
};

/**
 * struct qn_allocators - all of them, and what is run under them
 * @subjects:	those whose library is not installed are missing
 * @paths:	of their libraries; NULL: none is needed, or it is missing
 * @output:	what the last program printed
 * @programs:	the caller's, by contest: path and arguments, and a file that is standard
 *		input of each run from its beginning; the rest is not looked at
 * @compare:	the comparison; the caller sets its contests and the number of rounds
 */
struct qn_allocators {
	struct qn_subject subjects[QN_NR_ALLOCATORS];
	char *paths[QN_NR_ALLOCATORS];
	int output;
	const struct qn_launch *programs;
	struct qn_compare compare;
};

/**
 * qn_allocators_find() - look for their libraries
 * @library:	libquern.so as the user named it, or NULL
 *
 * Return: 0, or the exit status where there is no libquern.so, with a message.
 */
int qn_allocators_find(struct qn_allocators *a, const char *library);
void qn_allocators_exit(struct qn_allocators *a);

/**
 * qn_allocators_run() - run one program under one of them, once
 * @conf:	"QUERN_CONF=..." for this run, or NULL: no settings
 * @cell:	of the comparison, or the caller's own. What the program printed is in
 *		@a->output
 *
 * No settings of an allocator are left in the environment. Programs run with LC_ALL=C,
 * and Python with its objects on malloc and a fixed seed, so that they do the same each
 * time.
 *
 * Return: as qn_compare_launch().
 */
int qn_allocators_run(struct qn_allocators *a, u32 contest, u32 subject,
		      const char *conf, struct qn_cell *cell);

/**
 * qn_allocators_compare() - all programs under all of them, which must print the same
 *
 * Return: as qn_compare_run().
 */
int qn_allocators_compare(struct qn_allocators *a);

#endif /* QN_ALLOCATORS_H */
