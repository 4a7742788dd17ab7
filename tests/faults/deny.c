// SPDX-License-Identifier: MIT
/*
 * deny.c - a sandbox: runs a program to which some system calls are refused.
 *
 *	deny ERROR CALL[,CALL...] PROGRAM [ARGUMENT...]
 *
 * ERROR is EPERM or ENOSYS. exec, which comes after the filter is set, is always let through.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
	const char *name;
	unsigned int nr;
} calls[] = {
	{ "madvise", SYS_madvise },
	{ "mremap", SYS_mremap },
	{ "munmap", SYS_munmap },
	{ "mprotect", SYS_mprotect },
	{ "clone", SYS_clone },
	{ "clone3", SYS_clone3 },
	{ "futex", SYS_futex },
	{ "getrandom", SYS_getrandom },
	{ "prctl", SYS_prctl },
	{ "prlimit64", SYS_prlimit64 },
	{ "openat", SYS_openat },
	{ "sched_yield", SYS_sched_yield },
	{ "close_range", 436 },
	{ "mincore", SYS_mincore },
	{ "rt_sigprocmask", SYS_rt_sigprocmask },
	{ "clock_gettime", SYS_clock_gettime },
};

#define NR_CALLS (sizeof(calls) / sizeof(calls[0]))

static struct sock_filter filter[2 * NR_CALLS + 2];
static unsigned short nr;

static void deny(const char *name, int error)
{
	for (size_t i = 0; i < NR_CALLS; i++) {
		if (strcmp(calls[i].name, name))
			continue;
		filter[nr++] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, calls[i].nr, 0, 1);
		filter[nr++] = (struct sock_filter)BPF_STMT(
			BPF_RET | BPF_K,
			SECCOMP_RET_ERRNO | (unsigned int)error);
		return;
	}
	fprintf(stderr, "deny: %s is not in its table\n", name);
	exit(2);
}

int main(int argc, char **argv)
{
	struct sock_fprog program = { 0, filter };
	int error;

	if (argc < 4) {
		fprintf(stderr,
			"usage: deny ERROR CALL[,CALL...] PROGRAM [ARGUMENT...]\n");
		return 2;
	}
	error = strcmp(argv[1], "ENOSYS") ? EPERM : ENOSYS;
	filter[nr++] = (struct sock_filter)BPF_STMT(
		BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (char *name = strtok(argv[2], ","); name; name = strtok(NULL, ","))
		deny(name, error);
	filter[nr++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
						    SECCOMP_RET_ALLOW);
	program.len = nr;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) {
		perror("deny");
		return 77;
	}
	execvp(argv[3], argv + 3);
	perror(argv[3]);
	return 127;
}
