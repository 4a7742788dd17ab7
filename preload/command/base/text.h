/* SPDX-License-Identifier: MIT */
/*
 * text.h - numbers and lines as people read them.
 *
 * The lowest layer of the command: report.c and cmd-demo.c write through it, so
 * that units look the same everywhere and no line is wider than a terminal.
 */
#ifndef QN_TEXT_H
#define QN_TEXT_H

#include <stdio.h>
#include "base/compiler.h"

#define QN_TEXT_COLUMNS 80

/* One formatted number; returned by value so that calls nest in printf() */
struct qn_text {
	char s[32];
};

/* "512 B", "9.54 MiB": three digits, a power of 1024 */
struct qn_text qn_text_size(u64 bytes);

/* "64K", "3M", "100": in the largest unit that leaves no rest, as it may be typed */
struct qn_text qn_text_units(u64 bytes);

/* "3.142": with so many digits behind the point */
struct qn_text qn_text_fixed(double value, int digits);

/* "1,234,567" */
struct qn_text qn_text_count(u64 n);

/* "815 us", "12.3 ms", "4.567 s" */
struct qn_text qn_text_time(u64 usec);

/* @part of @whole as "12.3 %"; "-" if @whole is 0 */
struct qn_text qn_text_share(u64 part, u64 whole);

/**
 * qn_text_clean() - a name from outside, safe to print
 * @dst:	terminated, at most @size bytes
 * @src:	anything; control characters and bytes beyond ASCII become '?'
 */
void qn_text_clean(char *dst, size_t size, const char *src);

/* Two parts of QUERN_CONF with a comma between where it is needed; to be freed */
char *qn_settings_join(const char *a, const char *b);

/* Add a key and its value to settings, which are NULL at first */
void qn_settings_add(char **settings, const char *key, const char *value);

/* "4096", "64K", "2M", "1G"; false if it is no such number */
bool qn_text_number(const char *text, u64 *number);

/**
 * struct qn_lines - a text that counts its lines
 * @out:	where they go
 * @nr:		lines so far
 * @columns:	that a line may take; 0: QN_TEXT_COLUMNS
 * @wanted:	columns that the widest of the tables needs that left some out; 0: none did
 */
struct qn_lines {
	FILE *out;
	unsigned int nr;
	u32 columns;
	u32 wanted;
};

/* As wide as the terminal that @out is, and not wider than QN_TEXT_COLUMNS */
struct qn_lines qn_lines_to(FILE *out);

/* The same, but lines of a file are whole: for those who read it by programs */
struct qn_lines qn_lines_whole_to(FILE *out);

/* Columns that a line may take */
u32 qn_lines_columns(const struct qn_lines *l);

/* One line without its end; what exceeds the columns goes on below, under its first words */
void qn_line(struct qn_lines *l, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The same of a text that is never wrapped: what a file is to hold as a whole */
void qn_line_whole(struct qn_lines *l, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* At the end: how wide a terminal shows what tables left out; nothing if they did not */
void qn_lines_end(struct qn_lines *l);

/* Columns of a terminal, or as COLUMNS has it there; 0: the descriptor is none */
u32 qn_text_columns(int fd);

/**
 * qn_wrap() - as many lines as the text needs
 * @label:	begins the first line; the others are indented to its width. If that leaves
 *		no room for words, the label has a line of its own
 */
void qn_wrap(struct qn_lines *l, const char *label, const char *text);

#endif /* QN_TEXT_H */
