#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-helper.sh - memory that comes back while a program is idle, and calls that the thread
# which does that must not disturb.

. "$(dirname "$0")/../x.sh"

cat >"$tmp/threads.inc" <<'END'
#include <dirent.h>

static int nr_threads(void)
{
	DIR *d = opendir("/proc/self/task");
	int n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}
END

cat >"$tmp/idle.c" <<'END'
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "threads.inc"

static void *p[4000];
static volatile sig_atomic_t nr_signals;

static long resident_mb(void)
{
	long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f || fscanf(f, "%*s %ld", &pages) != 1)
		abort();
	fclose(f);
	return pages / 256;
}

/* 80 MB in blocks of all kinds, twice: the helper begins in a call of malloc */
static void burst(void)
{
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 4000; i++)
			memset(p[i] = malloc(100 + i % 40 * 1000), 1,
			       100 + i % 40 * 1000);
		for (int i = 0; i < 4000; i++)
			free(p[i]);
		for (int i = 0; i < 1000; i++)
			free(malloc(3000));
		usleep(30000);
	}
	/* It is looked for at times, while malloc is called */
	for (int i = 0; i < 20; i++) {
		for (int n = 0; n < 500; n++)
			free(malloc(100 + n * 40));
		usleep(5000);
	}
}

/* What is resident at most 4 s later, in which malloc is not called */
static long idle_mb(void)
{
	long mb = resident_mb();

	for (int i = 0; i < 40 && mb > 12; i++) {
		usleep(100000);
		mb = resident_mb();
	}
	return mb;
}

static void count(int sig)
{
	(void)sig;
	nr_signals++;
}

/* MB after a pause, threads, signals that this thread got of 100; the same in a child */
int main(void)
{
	long mb;

	signal(SIGUSR1, count);
	burst();
	mb = idle_mb();
	for (int i = 0; i < 100; i++)
		kill(getpid(), SIGUSR1);
	printf("%ld %d %d\n", mb, nr_threads(), (int)nr_signals);
	fflush(stdout);
	if (fork() == 0) {
		int before = nr_threads();

		burst();
		mb = idle_mb();
		printf("%ld %d %d\n", mb, before, nr_threads());
		return 0;
	}
	wait(NULL);
	return 0;
}
END
must $cc -O1 -fno-builtin -o "$tmp/idle" "$tmp/idle.c"

run() # SETTINGS: lines of the program
{
	QUERN_CONF=$1 LD_PRELOAD=$lib "$tmp/idle"
}

run helper:0 >"$tmp/none"
[ "$(awk '{ print $2 }' "$tmp/none" | tr '\n' ' ')" = "1 1 " ]
ok "helper:0: no process has a helper" $?
run helper:1 >"$tmp/with"
[ "$(awk 'NR == 1 { print $2 }' "$tmp/with")" = 2 ]
ok "a process that could give much back has one" $?

run price:0.075 >"$tmp/price"
[ "$(awk 'NR == 1 { print $1 <= 12 }' "$tmp/price")" = 1 ]
ok "an idle program gives back what it does not use" $?
[ "$(awk 'NR == 1 { print $3 >= 1 }' "$tmp/price")" = 1 ]
ok "signals are the program's" $?
[ "$(awk 'NR == 2 { print $2 " " $3 }' "$tmp/price")" = "1 2" ]
ok "a child has none, and gets its own" $?
[ "$(awk 'NR == 2 { print $1 <= 12 }' "$tmp/price")" = 1 ]
ok "it gives back as well" $?

run price:0.075,helper:0 >"$tmp/without"
[ "$(awk 'NR == 1 { print $2 }' "$tmp/without")" = 1 ]
ok "helper:0 holds, whatever the price" $?
sed 's/^/# /' "$tmp/none" "$tmp/price" "$tmp/without" "$tmp/with"

# What a second thread would disturb
cat >"$tmp/alone.c" <<'END'
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/single_threaded.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "threads.inc"

#define SECCOMP_MODE_STRICT 1

/* 40 MB come and go: then there is a helper */
static void burst(void)
{
	static void *p[400];

	for (int i = 0; i < 400; i++)
		memset(p[i] = malloc(100000), 1, 100000);
	for (int i = 0; i < 400; i++)
		free(p[i]);
}

static int say(const char *what, int good)
{
	printf("%d %s\n", good, what);
	fflush(stdout);
	return good;
}

static int child(void *arg)
{
	(void)arg;
	free(malloc(100));
	return nr_threads() == 1 ? 7 : 1;
}

static void *leave(void *arg)
{
	(void)arg;
	usleep(100000);
	return NULL;
}

int main(int argc, char **argv)
{
	const char *test = argc > 1 ? argv[1] : "";
	int status;
	char *p;

	burst();
	say("there is a helper", nr_threads() == 2);
	say("for libc there is one thread", __libc_single_threaded);
	if (!strcmp(test, "unshare")) {
		say("unshare", !unshare(CLONE_NEWUSER) || errno == EPERM ||
				       errno == ENOSPC);
	} else if (!strcmp(test, "syscall")) {
		say("unshare by syscall()",
		    !syscall(SYS_unshare, CLONE_NEWUSER) || errno == EPERM ||
			    errno == ENOSPC);
	} else if (!strcmp(test, "setns")) {
		say("setns of nothing", setns(-1, 0) < 0 && errno == EBADF);
	} else if (!strcmp(test, "fork")) {
		if (fork() == 0)
			_exit(child(NULL));
		say("alone after fork()", nr_threads() == 1);
		wait(&status);
		say("a child", WEXITSTATUS(status) == 7);
		usleep(200000);
		burst();
		say("there is one again", nr_threads() == 2);
		return 0;
#ifdef __x86_64__
	} else if (!strcmp(test, "behind")) {
		long pid = SYS_fork;

		__asm__ volatile("syscall"
				 : "+a"(pid)
				 :
				 : "rcx", "r11", "memory");
		if (!pid)
			_exit(unshare(CLONE_NEWUSER) && errno != EPERM &&
			      errno != ENOSPC);
		wait(&status);
		say("a child made behind libc's back", status == 0);
		return 0;
#endif
	} else if (!strcmp(test, "clone")) {
		p = mmap(NULL, 65536, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		say("clone", clone(child, p + 65536, SIGCHLD, NULL) > 0);
		wait(&status);
		say("a child", WEXITSTATUS(status) == 7);
		return 0;
	} else if (!strcmp(test, "arguments")) {
		p = (char *)syscall(SYS_mmap, NULL, 65536L,
				    PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1L, 0L);
		say("six arguments", p != MAP_FAILED && !*p);
		say("errno", syscall(SYS_close, -1) == -1 && errno == EBADF);
		say("prctl", !prctl(PR_SET_NAME, "alone", 0, 0, 0) &&
				     !prctl(PR_GET_NAME, p, 0, 0, 0) &&
				     !strcmp(p, "alone"));
		say("it still is", nr_threads() == 2);
		return 0;
	} else if (!strcmp(test, "seccomp")) {
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0);
		write(1, "1 restricted\n", 13);
		syscall(SYS_exit, 0);
	} else if (!strcmp(test, "exit")) {
		pthread_t t;

		pthread_create(&t, NULL, leave, NULL);
		pthread_exit(NULL);
	}
	say("alone", nr_threads() == 1);
	usleep(200000);
	burst();
	say("for good", nr_threads() == 1);
	return 0;
}
END
must $cc -O1 -fno-builtin -pthread -o "$tmp/alone" "$tmp/alone.c"

for test in unshare syscall setns fork clone behind arguments seccomp exit; do
	QUERN_CONF=dirty:64M LD_PRELOAD=$lib timeout 20 "$tmp/alone" $test \
		>"$tmp/out" 2>&1 &&
		! grep -q '^0' "$tmp/out"
	ok "nothing is disturbed: $test" $? || sed 's/^/# /' "$tmp/out"
done
finish
