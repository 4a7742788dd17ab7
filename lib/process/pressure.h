/* SPDX-License-Identifier: MIT */
/*
 * pressure.h - how scarce memory is, in 1/1024: texts of the kernel, and their levels.
 *
 * Pure: texts and numbers in, levels out. gauge.h says who reads the files and when.
 * A text is bytes without a terminator, of which nothing is believed: each function reads
 * it once from front to end, within its size.
 *
 *	some tasks stalled	level = share of the last 10 s / 10 %
 *	a limit is near		level = 1 - (what is left) / (an eighth of the limit)
 *
 * Both stay within 0 and 1. Tasks that stall for a tenth of the time pay for memory with
 * more time than any page fault takes. Of a limit an eighth is what a program can grow by
 * between two looks without a failure. The page cache is no part of what is used: the
 * kernel fills a container up to its limit with it.
 */
#ifndef QN_PRESSURE_H
#define QN_PRESSURE_H

#include "base/compiler.h"
#include "quern.h"

/* A limit that is none */
#define QN_PRESSURE_NONE UINT64_MAX

/**
 * struct qn_text - what was read of a file
 * @at:		its bytes; not terminated
 * @size:	how many
 */
struct qn_text {
	const char *at;
	size_t size;
};

/**
 * qn_pressure_stall() - level of a file memory.pressure or /proc/pressure/memory
 * @t:		its text: the line "some avg10=1.23 ..." is looked for
 * @level:	set to it
 *
 * Return: false if there is no such line.
 */
bool qn_pressure_stall(struct qn_text t, u32 *level);

/**
 * qn_pressure_number() - the number that a file consists of
 * @t:		digits or "max", and nothing but an end of line behind them
 * @value:	set to it; to QN_PRESSURE_NONE for "max" and for what is larger
 *
 * Return: false if it is something else.
 */
bool qn_pressure_number(struct qn_text t, u64 *value);

/* The same of a line that begins with @key and a space: false if no whole line does */
bool qn_pressure_field(struct qn_text t, const char *key, u64 *value);

/* Number @nr, from 0, of those that stand in the first line with spaces between them */
bool qn_pressure_word(struct qn_text t, unsigned int nr, u64 *value);

/**
 * qn_pressure_cgroup() - where the process stands in the tree of cgroup v2
 * @t:		the text of /proc/self/cgroup: the line "0::/PATH" is looked for
 * @path:	set to /PATH, a part of @t
 *
 * Return: false if there is no whole line of that kind, or the path leads upwards.
 */
bool qn_pressure_cgroup(struct qn_text t, struct qn_text *path);

/* Level where @left bytes are left of @limit; 0 if that is none. Any context. */
u32 qn_pressure_near(u64 left, u64 limit);

#endif /* QN_PRESSURE_H */
