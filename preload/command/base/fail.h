/* SPDX-License-Identifier: MIT */
/*
 * fail.h - how the command says that something went wrong.
 *
 * Every message names what was wrong and what to do, starts with the command's
 * name and goes to stderr, whatever the report is written to.
 */
#ifndef QN_FAIL_H
#define QN_FAIL_H

#include "base/compiler.h"

/*
 * Exit statuses of the command itself, as env(1) and timeout(1) have them; any
 * other status is the program's own.
 */
enum qn_exit {
	QN_EXIT_FAILURE = 125,        /* the command could not do its part */
	QN_EXIT_NOT_EXECUTABLE = 126, /* the program is there, but cannot run */
	QN_EXIT_NOT_FOUND = 127,      /* there is no such program */
};

/* Write "quern: " and the message, and end the line */
void qn_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/**
 * qn_error_read() - a file that a user named cannot be read
 * @name:	as given; "-" is standard input
 * @err:	-errno
 */
void qn_error_read(const char *name, int err);

/* The same of one that cannot be written, which may have no room; "-" is standard output */
void qn_error_write(const char *name, int err);

/* realloc() that ends the command where memory is short */
void *qn_xrealloc(void *p, size_t size);

/**
 * qn_xgrow() - room for one more element of a list that only grows
 * @p:		the list, or NULL
 * @nr:		elements that it has
 * @size:	of an element
 *
 * The room is not kept: it follows from @nr, so each @nr from 0 on must come by here.
 *
 * Return: the list, which may have moved.
 */
void *qn_xgrow(void *p, u64 nr, size_t size);

/* The same of list @p, in place */
#define QN_GROW(p, nr) ((p) = qn_xgrow((p), (nr), sizeof(*(p))))

/**
 * qn_xreach() - room for the element at an index
 * @room:	elements that there is room for; raised. What is new is not initialised
 * @at:		the index
 */
void *qn_xreach(void *p, u64 *room, u64 at, size_t size);

#define QN_REACH(p, room, at) ((p) = qn_xreach((p), (room), (at), sizeof(*(p))))

/**
 * qn_xremap() - memory of whole pages, which is none of malloc's
 * @p:		what it was, or NULL
 * @old_size:	its bytes
 * @size:	bytes wanted, which read as zero behind @old_size; 0: none
 *
 * For what may grow large in a command that measures a heap, which may be malloc's.
 * Ends the command where memory is short.
 */
void *qn_xremap(void *p, size_t old_size, size_t size);

/* A formatted string on the heap, the caller's to free */
char *qn_xprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif /* QN_FAIL_H */
