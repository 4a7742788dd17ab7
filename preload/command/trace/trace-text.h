/* SPDX-License-Identifier: MIT */
/*
 * trace-text.h - traces in other formats, both ways.
 *
 *	text	a line an event: nanoseconds, thread, call, object, bytes and, for
 *		aligned, the alignment; what follows '#' is not read. Calls are malloc,
 *		calloc, aligned, realloc, free; start, stop and fork have no object.
 *		"@N" at its end is a call site, which "site N FILE+0x12;..." told of
 *	csv	the same with commas and a line of names; written only
 *	heaptrack  what heaptrack records, raw or interpreted; read only
 */
#ifndef QN_TRACE_TEXT_H
#define QN_TRACE_TEXT_H

#include "trace-file.h"

/**
 * qn_convert() - write a process's events in another format
 * @format:	"text", "csv" or "trace"
 * @output:	file, or NULL: standard output, for text and csv alone
 *
 * Return: 0, or -errno, with a message.
 */
int qn_convert(const struct qn_tracefile *t, u32 process, const char *format,
	       const char *output, u32 features);

/**
 * qn_is_foreign() - is this a file that qn_import() reads
 * @file:	its name; "-": standard input, of which nothing is taken
 *
 * Return: true if it begins as one of text or heaptrack, or is packed.
 */
bool qn_is_foreign(const char *file);

/**
 * qn_import() - make a trace of a file in another format
 * @file:	also packed by zstd or gzip; "-": standard input
 * @format:	"text" or "heaptrack"; NULL: by the first line
 *
 * A line that cannot be understood is named and left out.
 *
 * Return: 0, or -errno, with a message.
 */
int qn_import(const char *file, const char *format, const char *output,
	      u32 features);

#endif /* QN_TRACE_TEXT_H */
