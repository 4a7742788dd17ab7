/* SPDX-License-Identifier: MIT */
/*
 * progress.h - one line on stderr that says how far a long task is.
 *
 * On a terminal each line replaces the one before. Elsewhere each line stays, so a
 * caller says less there.
 */
#ifndef QN_PROGRESS_H
#define QN_PROGRESS_H

#include "base/compiler.h"

/* Is stderr a terminal */
bool qn_progress_is_live(void);

void qn_progress(const char *format, ...) __attribute__((format(printf, 1, 2)));

/**
 * qn_progress_events() - how far a long read of events is, on a terminal
 * @nr:		that were read; called for each of them
 * @all:	that there are
 */
void qn_progress_events(u64 nr, u64 all);

/* Before anything else is printed: a terminal's line goes away */
void qn_progress_clear(void);

#endif /* QN_PROGRESS_H */
