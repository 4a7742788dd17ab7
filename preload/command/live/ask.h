/* SPDX-License-Identifier: MIT */
/*
 * ask.h - a request to a process, by the control words of its page (format/statspage.h).
 */
#ifndef QN_ASK_H
#define QN_ASK_H

#include "live.h"

/**
 * struct qn_ask - a process that is asked
 * @live:	its page; read again after each answer
 * @fd:		of the file, locked
 * @shared:	the file, mapped
 */
struct qn_ask {
	struct qn_live *live;
	int fd;
	struct qn_stats_page *shared;
};

/**
 * qn_ask_begin() - open a page for requests
 *
 * Says on stderr what is wrong if anything is: the file is not the user's, it cannot be
 * written, its process has ended, an engine serves it.
 *
 * Return: 0, or an exit status.
 */
int qn_ask_begin(struct qn_ask *ask, struct qn_live *live);

/**
 * qn_ask() - one request
 * @ask:	the process
 * @command:	enum qn_stats_command
 * @text:	of QN_STATS_COMMAND_SET, shorter than QN_STATS_CONTROL_TEXT; else ""
 * @wait_ms:	for the answer
 * @value:	of the answer
 *
 * Return: 0, or what the process answered, -errno; -ETIMEDOUT: it did not, and the request
 * is taken back; -ESRCH: it has ended; -ESTALE: it became another program.
 */
int qn_ask(struct qn_ask *ask, u32 command, const char *text, u32 wait_ms,
	   u64 *value);

void qn_ask_end(struct qn_ask *ask);

#endif /* QN_ASK_H */
