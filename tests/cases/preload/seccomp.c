// SPDX-License-Identifier: MIT
/*
 * seccomp.c - a sandbox that has few system calls, begun before or after the heap.
 *
 *	seccomp refuse|kill first|later CALL...
 *
 * It has what a program needs to write and to end, and the calls named; the others are
 * refused or end the process. With "first" there is a heap before the sandbox.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NR            3000
#define ROOM          64
#define STMT(code, k) ((struct sock_filter)BPF_STMT(code, k))

static const struct {
	const char *name;
	int nr;
} calls[] = {
	{ "brk", SYS_brk },         { "mmap", SYS_mmap },
	{ "munmap", SYS_munmap },   { "mprotect", SYS_mprotect },
	{ "madvise", SYS_madvise }, { "mremap", SYS_mremap },
	{ "futex", SYS_futex },
};

static struct sock_filter list[ROOM];
static unsigned short nr_list;

static void allow(int nr)
{
	list[nr_list++] = (struct sock_filter)BPF_JUMP(
		BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1);
	list[nr_list++] = STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
}

static void allow_named(const char *name)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (!strcmp(calls[i].name, name))
			allow(calls[i].nr);
}

static int begin_sandbox(const char *how, char **names)
{
	unsigned int rest = strcmp(how, "kill") ? SECCOMP_RET_ERRNO | EPERM :
						  SECCOMP_RET_KILL_PROCESS;
	struct sock_fprog prog = { .filter = list };

	list[nr_list++] = STMT(BPF_LD | BPF_W | BPF_ABS, 0);
	allow(SYS_write);
	allow(SYS_exit_group);
	while (*names)
		allow_named(*names++);
	list[nr_list++] = STMT(BPF_RET | BPF_K, rest);
	prog.len = nr_list;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}

static size_t size_of(int i)
{
	return i % 7 ? i % 500 + 1 : 200000;
}

static int use_heap(void)
{
	static char *p[NR];
	int nr = 0;

	for (int i = 0; i < NR; i++) {
		p[i] = malloc(size_of(i));
		if (!p[i])
			continue;
		memset(p[i], i, size_of(i));
		nr++;
	}
	for (int i = 0; i < NR; i++) {
		if (p[i] && p[i][size_of(i) - 1] != (char)i)
			abort();
		free(p[i]);
	}
	return nr;
}

int main(int argc, char **argv)
{
	char *volatile p, *volatile q = NULL, text[80];
	int nr;

	if (argc < 3)
		return 9;
	if (!strcmp(argv[2], "first"))
		use_heap();
	if (begin_sandbox(argv[1], argv + 3))
		return 9;
	use_heap();
	nr = use_heap();
	p = malloc(8 << 20);
	if (p) {
		memset(p, 5, 8 << 20);
		q = realloc(p, 32 << 20);
	}
	nr = snprintf(text, sizeof(text), "%d requests served, realloc %s\n",
		      nr, q && q[(8 << 20) - 1] == 5 ? "done" : "refused");
	if (write(STDOUT_FILENO, text, (size_t)nr) < 0)
		_exit(9);
	_exit(0);
}
