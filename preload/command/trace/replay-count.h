/* SPDX-License-Identifier: MIT */
/*
 * replay-count.h - instructions of what quern replay replays.
 *
 * By the processor's own counter where the kernel hands it out; by callgrind, which
 * runs the replay a second time and counts each time the same; or not at all, and then
 * it is said why.
 */
#ifndef QN_REPLAY_COUNT_H
#define QN_REPLAY_COUNT_H

#include "base/compiler.h"
#include "command/base/text.h"

/* The words for them, in their order */
#define QN_COUNT_CHOICES "auto|perf|callgrind|none"

enum qn_count_how {
	QN_COUNT_AUTO, /* by the processor if that can be */
	QN_COUNT_PERF,
	QN_COUNT_CALLGRIND,
	QN_COUNT_NONE,
};

/**
 * struct qn_count - a count
 * @how:	by what it is made, QN_COUNT_NONE where there is none
 * @nr:		instructions
 * @fd:		of the processor's counter, or -1
 * @why:	there is none, NULL where none was asked for
 */
struct qn_count {
	enum qn_count_how how;
	u64 nr;
	int fd;
	char why[200];
};

/**
 * qn_count_open() - prepare to count
 * @c:		filled in
 * @how:	as asked for
 * @argv:	arguments of this command from its name on, for callgrind
 *
 * By callgrind the count is made here.
 *
 * Return: 0, or -errno with a message if what was asked for by name cannot be.
 */
int qn_count_open(struct qn_count *c, enum qn_count_how how, char *const *argv);

/* Around what is to be counted; nothing where @c->fd is -1 */
void qn_count_start(const struct qn_count *c);
void qn_count_stop(const struct qn_count *c);

/* The count is complete: @c->nr */
void qn_count_close(struct qn_count *c);

/* A line of the report: per call of @nr_calls, and by what */
void qn_count_print(struct qn_lines *l, const struct qn_count *c, u64 nr_calls);

#endif /* QN_REPLAY_COUNT_H */
