// SPDX-License-Identifier: MIT
/*
 * x-spawn.c - a preloaded process that starts others, from several threads.
 *
 * Invariants:
 *  - vfork and exec, posix_spawn, popen and system work while other threads
 *    allocate; children that share the parent's memory until they exec leave
 *    its heap as it was
 *  - the programs started are served by quern as well
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "x.h"

#define NR_ROUNDS 50

extern char **environ;

static _Atomic int stop;

static void churn(void)
{
	void *p[50];

	for (size_t i = 0; i < 50; i++)
		p[i] = memset(malloc(i * i * 9 + 1), 2, i * i * 9 + 1);
	for (size_t i = 0; i < 50; i++)
		free(p[i]);
}

static void *churns(void *arg)
{
	while (!stop)
		churn();
	return arg;
}

static void wait_for(pid_t pid, int want)
{
	int status = -1;

	CHECK(pid > 0);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == want);
}

static void by_vfork(void)
{
	pid_t pid = vfork();

	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", "exit 7", (char *)NULL);
		_exit(1);
	}
	wait_for(pid, 7);
}

static void by_failing_vfork(void)
{
	pid_t pid = vfork();

	if (pid == 0) {
		execl("/no/such/program", "no", (char *)NULL);
		_exit(5);
	}
	wait_for(pid, 5);
}

static void by_posix_spawn(void)
{
	char *argv[] = { "sh", "-c", "exit 6", NULL };
	pid_t pid = -1;

	CHECK(!posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, environ));
	wait_for(pid, 6);
	CHECK(posix_spawnp(&pid, "no-such-program", NULL, NULL, argv, environ));
}

static void by_popen(void)
{
	char line[100] = "";
	FILE *f = popen("echo $((6 * 7))", "r");

	CHECK(f && fgets(line, sizeof(line), f) && !strcmp(line, "42\n"));
	CHECK(f && pclose(f) == 0);
}

static void by_system(void)
{
	int status = system("exit 4");

	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 4);
}

static void *spawns(void *arg)
{
	for (int i = 0; i < NR_ROUNDS && !x_failed; i++) {
		by_vfork();
		by_failing_vfork();
		by_posix_spawn();
		by_popen();
		by_system();
		churn();
	}
	return arg;
}

static void one_thread(void)
{
	spawns(NULL);
}

static void three_threads(void)
{
	pthread_t threads[4];

	stop = 0;
	pthread_create(&threads[0], NULL, churns, NULL);
	for (int i = 1; i < 4; i++)
		pthread_create(&threads[i], NULL, spawns, NULL);
	for (int i = 1; i < 4; i++)
		pthread_join(threads[i], NULL);
	stop = 1;
	pthread_join(threads[0], NULL);
}

/* The library is among what the child has mapped */
static void children_are_served(void)
{
	char line[1000];
	int found = 0;
	FILE *f = popen("exec cat /proc/self/maps", "r");

	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, strrchr(x_library(), '/')))
			found = 1;
	CHECK(f && pclose(f) == 0 && found);
}

static const struct x_case cases[] = {
	{ "vfork, posix_spawn, popen, system", one_thread },
	{ "the same with threads", three_threads },
	{ "children are served too", children_are_served },
};

int main(int argc, char **argv)
{
	(void)argc;
	x_begin(argv);
	return X_RUN(cases);
}
