/* SPDX-License-Identifier: MIT */
/*
 * stream.h - files by the names that a user gives: "-" is standard input or output; and
 * temporary ones.
 *
 * Traces are mapped, and their headers are written last, so a pipe will not do: what
 * comes from one is copied into a file without a name first, and what goes into one is
 * written to such a file and copied at the end.
 */
#ifndef QN_STREAM_H
#define QN_STREAM_H

#include <stdio.h>
#include "base/compiler.h"

bool qn_is_standard(const char *name);

/**
 * qn_stream_in() - open a file to read, at any place
 * @name:	its name; of "-" and of a named pipe all is read at once
 *
 * Return: a descriptor, or -errno.
 */
int qn_stream_in(const char *name);

/* Of a pipe so many bytes are kept: programs that read more are rarely compared */
#define QN_STREAM_KEPT_MOST ((u64)1 << 30)

/**
 * qn_stream_keep_input() - standard input from a pipe, to be read more than once
 *
 * Reads it to its end, QN_STREAM_KEPT_MOST bytes at most, into a file without a name.
 *
 * Return: a descriptor of that file, which can only be read; or -errno, with a message
 * unless it was interrupted.
 */
int qn_stream_keep_input(void);

/* A file to write, at any place; of "-" the bytes are copied by qn_stream_close() */
FILE *qn_stream_out(const char *name);

/* For figures about a file of that name: standard error where "-" takes the output */
FILE *qn_stream_beside(const char *name);

/* Return: 0, or -errno where something of it was not written */
int qn_stream_close(FILE *out, const char *name);

/* Return: 0, or -errno; a short write and a signal are no ends */
int qn_write_all(int fd, const char *p, size_t size);

/* A place below TMPDIR, or /tmp where that is no absolute path; the caller's to free */
char *qn_temp_path(const char *name);

/**
 * qn_temp_make() - a new directory or file below TMPDIR
 * @name:	ends with XXXXXX
 * @is_dir:	it is a directory
 * @room:	what it needs, for the message ("30 MB of room")
 *
 * Says on stderr if it cannot be made.
 *
 * Return: its path, the caller's to free, or NULL.
 */
char *qn_temp_make(const char *name, bool is_dir, const char *room);

/* A file below TMPDIR that has no name: a descriptor, or -errno */
int qn_temp_nameless(void);

/**
 * qn_stream_watch_stdout() - what was printed and could not be written is an error
 *
 * At the end of the process it is said, and the status is QN_EXIT_FAILURE.
 */
void qn_stream_watch_stdout(void);

#endif /* QN_STREAM_H */
