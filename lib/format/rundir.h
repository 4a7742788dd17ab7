/* SPDX-License-Identifier: MIT */
/*
 * rundir.h - where the statistics pages of processes lie that QUERN_CONF=live:1 shows.
 *
 * A process makes its page in the first of these directories that it can make or that is its
 * own; readers look into all of them:
 *
 *	$XDG_RUNTIME_DIR/quern
 *	/run/user/UID/quern
 *	/dev/shm/quern-UID
 *	/tmp/quern-UID
 *
 * A directory has mode 0700 and belongs to the user, or it is left alone: anybody may have
 * made one in the last two. A page is PID.START.qstat, with the time of the heap's start in
 * microseconds, which tells a process from an earlier one of its number.
 */
#ifndef QN_RUNDIR_H
#define QN_RUNDIR_H

#include "base/compiler.h"

/* Places for it */
#define QN_RUNDIRS 4
/* Bytes of the longest path, its end included; and of a page's name */
#define QN_RUNDIR_PATH 128
#define QN_RUNDIR_NAME 48

/**
 * qn_rundir() - a directory for pages
 * @nr:		which, below QN_RUNDIRS
 * @xdg:	the value of XDG_RUNTIME_DIR, or NULL
 * @uid:	of the user
 * @path:	filled with its path, QN_RUNDIR_PATH bytes
 *
 * Return: false if there is none of that number: @xdg is no absolute path, or a long one.
 */
bool qn_rundir(unsigned int nr, const char *xdg, u32 uid, char *path);

/* The name of a page there, QN_RUNDIR_NAME bytes */
void qn_rundir_page(u32 pid, u64 start_usec, char *name);

#endif /* QN_RUNDIR_H */
