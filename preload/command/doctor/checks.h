/* SPDX-License-Identifier: MIT */
/*
 * checks.h - what keeps quern from serving a program, or changes what it does there.
 *
 * A finding is one line: what is there, why it matters, what to do.
 */
#ifndef QN_CHECKS_H
#define QN_CHECKS_H

#include <sys/types.h>
#include "base/compiler.h"

enum qn_verdict {
	QN_VERDICT_OK,   /* as it should be */
	QN_VERDICT_NOTE, /* worth knowing */
	QN_VERDICT_NO,   /* quern does not serve it, or not all of it */
};

/**
 * struct qn_check - a finding
 * @topic:	a stable word for it
 * @text:	what, why, what to do; the list's
 */
struct qn_check {
	enum qn_verdict verdict;
	const char *topic;
	char *text;
};

/**
 * struct qn_checks - all of them, in their order
 * @library:	libquern.so, or NULL: there is none
 * @has_no:	one of them is QN_VERDICT_NO
 */
struct qn_checks {
	struct qn_check *at;
	u32 nr;
	char *library;
	bool has_no;
};

void qn_checks_add(struct qn_checks *c, enum qn_verdict verdict,
		   const char *topic, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void qn_checks_exit(struct qn_checks *c);

/* What is installed */
void qn_check_library(struct qn_checks *c, const char *given);
void qn_check_others(struct qn_checks *c);

/**
 * qn_check_program() - can libquern.so be preloaded into it
 * @path:	its file
 *
 * Nothing of the program runs; the loader lists what it would load.
 */
void qn_check_program(struct qn_checks *c, const char *path);

/**
 * qn_check_process() - does quern serve a process that runs
 *
 * Return: 0, or -errno: its files of /proc cannot be read.
 */
int qn_check_process(struct qn_checks *c, pid_t pid);

/**
 * qn_check_system() - what the kernel allows to heaps
 * @pid:	whose cgroup and limits count; 0: this process's
 */
void qn_check_system(struct qn_checks *c, pid_t pid);

#endif /* QN_CHECKS_H */
