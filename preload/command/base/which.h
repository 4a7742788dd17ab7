/* SPDX-License-Identifier: MIT */
/*
 * which.h - the malloc that serves a process, with its version.
 *
 * A library tells its version by a function of its own. So the command starts itself with
 * the library preloaded, and that process asks.
 */
#ifndef QN_WHICH_H
#define QN_WHICH_H

#include "base/compiler.h"

/**
 * struct qn_which - an allocator
 * @name:	"jemalloc"; of one that is not known, its file's, such as "libfoo"
 * @version:	"5.3.0", "" if it does not tell
 * @file:	that defines malloc
 */
struct qn_which {
	char name[32];
	char version[32];
	char file[512];
};

/* Fill in whose malloc this very process has */
void qn_which_own(struct qn_which *w);

/* Print it as qn_which_ask() reads it */
int qn_which_print(void);

/**
 * qn_which_ask() - whose malloc does a process get
 * @library:	preloaded in front of what the environment has, or NULL
 *
 * Return: 0; -errno; -ENOEXEC where the process did not tell.
 */
int qn_which_ask(const char *library, struct qn_which *w);

#endif /* QN_WHICH_H */
