/* SPDX-License-Identifier: MIT */
/*
 * proc.h - what the kernel tells of processes, in /proc.
 *
 * Any process may end between two calls. Its files are then not there, which is no error.
 */
#ifndef QN_PROC_H
#define QN_PROC_H

#include <sys/types.h>
#include "base/compiler.h"

/**
 * qn_file_read() - a text file as a whole
 *
 * Return: the caller's to free; NULL where it cannot be read, with errno.
 */
char *qn_file_read(const char *path);

/* A file of a process, likewise: "maps", "attr/current" */
char *qn_proc_read(pid_t pid, const char *name);

/**
 * qn_proc_peek() - the beginning of a file of a process, for those who look often
 * @text:	filled and terminated
 *
 * Return: false where it cannot be read.
 */
bool qn_proc_peek(pid_t pid, const char *name, char *text, size_t size);

/* What a link of a process points to ("exe"), the caller's; NULL: not allowed, with errno */
char *qn_proc_link(pid_t pid, const char *name);

/* The resident set in bytes; 0: it is not there */
u64 qn_proc_resident(pid_t pid);

/**
 * struct qn_proc_stat - of one look
 * @state:	'R', 'S', 'Z', ...
 * @faults:	minor and major page faults so far
 * @start_ticks: when it began, since the system did
 * @resident:	bytes
 */
struct qn_proc_stat {
	char state;
	u64 faults;
	u64 start_ticks;
	u64 resident;
};

/* Return: false where it is not there; @s is zeroed */
bool qn_proc_stat(pid_t pid, struct qn_proc_stat *s);

/* The path of the first mapping with @name in its line, the caller's; NULL: there is none */
char *qn_maps_find(const char *maps, const char *name);

#endif /* QN_PROC_H */
