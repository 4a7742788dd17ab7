/* SPDX-License-Identifier: MIT */
/*
 * preload.h - the environment in which a program gets another allocator.
 */
#ifndef QN_PRELOAD_H
#define QN_PRELOAD_H

#include "launch.h"

/* This command's file, the caller's to free; NULL if unknown */
char *qn_preload_own_file(void);

/* Directory of this command's file, the caller's to free; NULL if unknown */
char *qn_preload_own_dir(void);

/**
 * qn_preload_find() - where a library of quern's is
 * @name:	"libquern.so" or another that is built and installed with it
 * @given:	a file that the user named, or NULL: beside the command, then in the
 *		directory it was installed to
 *
 * Says on stderr what is wrong if anything is.
 *
 * Return: an absolute path, the caller's to free, or NULL.
 */
char *qn_preload_find(const char *name, const char *given);

/**
 * qn_preload_beside() - where a library is that another one needs
 * @library:	what qn_preload_find() found
 * @name:	of a file in the same directory
 *
 * Says on stderr if it is not there.
 *
 * Return: its path, the caller's to free, or NULL.
 */
char *qn_preload_beside(const char *library, const char *name);

/**
 * qn_preload_peer() - where another allocator's library is
 * @soname:	such as "libjemalloc.so.2"
 *
 * Return: an absolute path, the caller's to free, or NULL if it is not installed.
 */
char *qn_preload_peer(const char *soname);

/**
 * qn_preload_list() - a value for LD_PRELOAD
 * @library:	goes first, for it was asked for last
 * @existing:	what LD_PRELOAD was, or NULL; kept
 */
char *qn_preload_list(const char *library, const char *existing);

/**
 * qn_preload_launch() - run a program with libraries preloaded
 * @what:	all but the environment
 * @list:	of qn_preload_list(); left out where it would keep the program from starting
 * @setting:	"NAME=value", for the libraries
 *
 * Return: as qn_launch().
 */
int qn_preload_launch(const struct qn_launch *what, const char *list,
		      const char *setting, struct qn_outcome *outcome);

#endif /* QN_PRELOAD_H */
