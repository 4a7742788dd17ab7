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
 * struct qn_allocators - all of them
 * @subjects:	those whose library is not installed are missing
 * @paths:	of their libraries; NULL: none is needed, or it is missing
 */
struct qn_allocators {
	struct qn_subject subjects[QN_NR_ALLOCATORS];
	char *paths[QN_NR_ALLOCATORS];
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
 * qn_allocators_launch() - run a program under one of them
 * @subject:	which one
 * @conf:	"QUERN_CONF=..." for this run, or NULL: no settings
 * @what:	all but the environment, in which no settings of an allocator are left
 *
 * Programs run with LC_ALL=C, and Python with its objects on malloc and a fixed seed,
 * so that they do the same each time.
 *
 * Return: as qn_launch().
 */
int qn_allocators_launch(const struct qn_allocators *a, u32 subject,
			 const char *conf, const struct qn_launch *what,
			 struct qn_outcome *outcome);

#endif /* QN_ALLOCATORS_H */
