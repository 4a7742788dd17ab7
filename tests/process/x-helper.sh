#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-helper.sh - memory that comes back while a program is idle: QUERN_CONF=helper:1, and
# a price.

. "$(dirname "$0")/../x.sh"

cat >"$tmp/idle.c" <<'END'
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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

static int nr_threads(void)
{
	DIR *d = opendir("/proc/self/task");
	int n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
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
ok "no process has a helper unasked" $?

run price:0.075 >"$tmp/price"
[ "$(awk 'NR == 1 { print $2 }' "$tmp/price")" = 2 ]
ok "a price asks for the helper" $?
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

run helper:1 >"$tmp/with"
[ "$(awk 'NR == 1 { print $2 }' "$tmp/with")" = 2 ]
ok "helper:1 has one" $?
sed 's/^/# /' "$tmp/none" "$tmp/price" "$tmp/without" "$tmp/with"
finish
