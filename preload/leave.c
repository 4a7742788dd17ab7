// SPDX-License-Identifier: MIT
/*
 * leave.c - calls that the heap's own thread would disturb: it ends before they are made.
 *
 * A process of one thread may unshare and enter namespaces, restrict itself by seccomp, and
 * fork a child that has no other's locks to wait for. With a thread more the first fail,
 * the second would stop that thread or the process, and of the third programs check how many
 * threads there are (CPython does). So the helper (helper.h) is gone when these calls are made.
 *
 * The next function of the name is jumped to with all arguments as they came; it must not
 * notice that it was called from here. fork() itself has handlers (start.c).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "base/compiler.h"
#include "jump.h"
#include "process/process.h"

/* Called from below alone */
#define HIDDEN __attribute__((visibility("hidden")))
void *qn_unshare_next(void) HIDDEN;
void *qn_setns_next(void) HIDDEN;
void *qn_prctl_next(int option) HIDDEN;
void *qn_syscall_next(long nr, long option) HIDDEN;
void *qn_clone_next(void) HIDDEN;
void *qn__Fork_next(void) HIDDEN;

__apart void *qn_unshare_next(void)
{
	static void *known;

	qn_process_end_helper(true);
	return qn_jump_next(&known, "unshare");
}

__apart void *qn_setns_next(void)
{
	static void *known;

	qn_process_end_helper(true);
	return qn_jump_next(&known, "setns");
}

/* A sandbox may kill who removes a file at its end */
static __apart void restrict_self(void)
{
	qn_process_end_helper(true);
	qn_process_live_leave();
}

__apart void *qn_prctl_next(int option)
{
	static void *known;

	if (option == PR_SET_SECCOMP)
		restrict_self();
	return qn_jump_next(&known, "prctl");
}

__apart void *qn_syscall_next(long nr, long option)
{
	static void *known;

	switch (nr) {
	case SYS_prctl:
		if ((int)option != PR_SET_SECCOMP)
			break;
		/* fallthrough */
	case SYS_seccomp:
		restrict_self();
		break;
	case SYS_unshare:
	case SYS_setns:
		qn_process_end_helper(true);
		break;
#ifdef SYS_fork
	case SYS_fork:
#endif
	case SYS_clone:
	case SYS_clone3:
		qn_process_end_helper(false);
		break;
	}
	return qn_jump_next(&known, "syscall");
}

__apart void *qn_clone_next(void)
{
	static void *known;

	qn_process_end_helper(false);
	return qn_jump_next(&known, "clone");
}

/* Since glibc 2.34 */
__apart void *qn__Fork_next(void)
{
	static void *known;

	qn_process_end_helper(false);
	/* Who asks for it weakly, where there is none, gets the other one */
	return qn_jump_next(&known,
			    dlsym(RTLD_NEXT, "_Fork") ? "_Fork" : "fork");
}

#define LEAVE(name) JUMP_FUNCTION(#name, JUMP_TO_RESULT_OF("qn_" #name "_next"))

__asm__(".pushsection .text.apart, \"ax\"\n" LEAVE(unshare) LEAVE(setns)
		LEAVE(prctl) LEAVE(syscall) LEAVE(clone)
			LEAVE(_Fork) ".popsection\n");
