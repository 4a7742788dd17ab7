// SPDX-License-Identifier: MIT
/*
 * rundir.c - names of the directories and files of live pages.
 */
#include "format/rundir.h"

#include <string.h>

#include "format/print.h"

__apart bool qn_rundir(unsigned int nr, const char *xdg, u32 uid, char *path)
{
	struct qn_print p = { path, QN_RUNDIR_PATH };

	*path = '\0';
	switch (nr) {
	case 0:
		if (!xdg || *xdg != '/' ||
		    strlen(xdg) + sizeof("/quern") > QN_RUNDIR_PATH)
			return false;
		qn_print(&p, xdg);
		qn_print(&p, "/quern");
		return true;
	case 1:
		qn_print(&p, "/run/user/");
		qn_print_number(&p, uid);
		qn_print(&p, "/quern");
		return true;
	default:
		qn_print(&p, nr == 2 ? "/dev/shm/quern-" : "/tmp/quern-");
		qn_print_number(&p, uid);
		return nr < QN_RUNDIRS;
	}
}

__apart void qn_rundir_page(u32 pid, u64 start_usec, char *name)
{
	struct qn_print p = { name, QN_RUNDIR_NAME };

	qn_print_number(&p, pid);
	qn_print(&p, ".");
	qn_print_number(&p, start_usec);
	qn_print(&p, ".qstat");
}
