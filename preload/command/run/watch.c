// SPDX-License-Identifier: MIT
/*
 * watch.c - the page of a process is PID.qstat, and PID.N.qstat once it has become its Nth
 * other program.
 */
#define _GNU_SOURCE 1
#include "watch.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "clock.h"
#include "command/base/proc.h"

static void name_of(char *name, size_t size, pid_t pid, u32 nr_execs)
{
	if (nr_execs)
		snprintf(name, size, "%d.%u.qstat", (int)pid, nr_execs);
	else
		snprintf(name, size, "%d.qstat", (int)pid);
}

void qn_watch_look(struct qn_watch *w, int dir, const struct qn_outcome *o)
{
	static struct qn_stats_page page;
	char name[40], error[QN_PAGE_ERROR];
	struct qn_moment m;

	do {
		name_of(name, sizeof(name), o->pid, w->nr_execs + 1);
	} while (!faccessat(dir, name, R_OK, 0) && ++w->nr_execs);
	name_of(name, sizeof(name), o->pid, w->nr_execs);
	if (qn_page_read(dir, name, &page, error))
		return;
	m = qn_moment_of(&page, qn_clock_usec() - o->start_usec);
	m.resident = qn_proc_resident(o->pid);
	qn_history_note(&w->history, &m);
}
