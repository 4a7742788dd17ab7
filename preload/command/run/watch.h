/* SPDX-License-Identifier: MIT */
/*
 * watch.h - a heap's statistics page, looked at while its program lives.
 *
 * Above pages.h and history.h, below `quern run`.
 */
#ifndef QN_WATCH_H
#define QN_WATCH_H

#include "command/base/launch.h"
#include "command/report/history.h"
#include "command/report/pages.h"

/* Between two looks */
#define QN_WATCH_MSEC 10

/**
 * struct qn_watch - one that goes on
 * @history:	what was seen
 * @nr_execs:	programs that the process was before
 */
struct qn_watch {
	struct qn_history history;
	u32 nr_execs;
};

/* Have a look at the page of process @o->pid in the directory @dir, if it has one yet */
void qn_watch_look(struct qn_watch *w, int dir, const struct qn_outcome *o);

#endif /* QN_WATCH_H */
