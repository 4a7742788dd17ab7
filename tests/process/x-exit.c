// SPDX-License-Identifier: MIT
/*
 * x-exit.c - the end of a preloaded process.
 *
 * Invariants:
 *  - malloc and free work in whatever runs after main() returned: atexit and
 *    on_exit functions, destructors, threads that are still there
 *  - each way to end gives the status that it gives without the library
 *
 * Each case is this program started again with the case's name; what must have
 * happened by the end is counted in bytes written to a pipe.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/wait.h>

#include "x.h"

/* The child's end of the pipe */
#define REPORT_FD 9

static void churn(void)
{
	void *p[100];

	for (size_t i = 0; i < 100; i++) {
		p[i] = malloc(i * i * 5);
		if (!p[i])
			abort();
		memset(p[i], 1, i * i * 5);
	}
	for (size_t i = 0; i < 100; i++) {
		p[i] = realloc(p[i], i * 100 + 1);
		free(p[i]);
	}
	free(aligned_alloc(4096, 100000));
}

static void report(void)
{
	churn();
	if (write(REPORT_FD, ".", 1) != 1)
		abort();
}

/* ---- what the child does ---- */

static void *early;
static int is_child;

static void __attribute__((constructor)) at_start(void)
{
	early = malloc(5000);
}

static void __attribute__((destructor)) at_end(void)
{
	free(early);
	if (is_child)
		report();
}

static void on_exit_report(int status, void *p)
{
	free(p);
	_exit(status == 3 && x_failed == 0 ? (report(), 3) : 99);
}

static int end_by_return(void)
{
	atexit(report);
	atexit(report);
	return 3;
}

/* Registered first, runs last: no other ends the process before */
static int end_by_on_exit(void)
{
	on_exit(on_exit_report, malloc(77));
	atexit(report);
	exit(3);
}

static void *exits(void *arg)
{
	churn();
	exit((int)(intptr_t)arg);
}

static void *churns(void *arg)
{
	for (;;)
		churn();
	return arg;
}

static int end_by_thread(void)
{
	pthread_t thread;

	atexit(report);
	pthread_create(&thread, NULL, exits, (void *)3);
	return churns(NULL) != NULL;
}

static void *outlives(void *arg)
{
	(void)arg;
	usleep(20000);
	churn();
	exit(3);
}

/* The main thread ends, the process goes on */
static int end_without_main(void)
{
	pthread_t thread;

	atexit(report);
	pthread_create(&thread, NULL, outlives, NULL);
	churn();
	pthread_exit(NULL);
}

/* Others allocate while the process ends */
static int end_under_load(void)
{
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, churns, NULL);
	atexit(report);
	usleep(2000);
	return 3;
}

static int end_by_quick_exit(void)
{
	at_quick_exit(report);
	quick_exit(3);
}

static int end_by_exit_now(void)
{
	atexit(report);
	churn();
	_exit(3);
}

static int end_by_abort(void)
{
	churn();
	abort();
}

static int end_by_signal(void)
{
	churn();
	kill(getpid(), SIGTERM);
	return 0;
}

static int end_by_exec(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, churns, NULL);
	churn();
	execl("/bin/sh", "sh", "-c", "exit 3", (char *)NULL);
	return 99;
}

/* ---- what the parent expects ---- */

struct end {
	const char *name;
	int (*run)(void);
	int status; /* or minus the signal */
	int nr_reports;
};

static const struct end ends[] = {
	{ "return", end_by_return, 3, 3 },
	{ "on_exit", end_by_on_exit, 3, 2 },
	{ "thread", end_by_thread, 3, 2 },
	{ "no-main", end_without_main, 3, 2 },
	{ "load", end_under_load, 3, 2 },
	{ "quick_exit", end_by_quick_exit, 3, 1 },
	{ "_exit", end_by_exit_now, 3, 0 },
	{ "abort", end_by_abort, -SIGABRT, 0 },
	{ "signal", end_by_signal, -SIGTERM, 0 },
	{ "exec", end_by_exec, 3, 0 },
};

#define NR_ENDS ((int)(sizeof(ends) / sizeof(ends[0])))

static void start(const char *name, int fd)
{
	dup2(fd, REPORT_FD);
	execl("/proc/self/exe", "x-exit", name, (char *)NULL);
	_exit(98);
}

static int run_end(const struct end *end)
{
	char reports[16];
	int status = -1;
	ssize_t nr = 0;
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return 0;
	pid = fork();
	if (pid == 0)
		start(end->name, fds[1]);
	close(fds[1]);
	waitpid(pid, &status, 0);
	nr = read(fds[0], reports, sizeof(reports));
	close(fds[0]);
	if (end->status < 0)
		return WIFSIGNALED(status) &&
		       WTERMSIG(status) == -end->status &&
		       nr == end->nr_reports;
	return WIFEXITED(status) && WEXITSTATUS(status) == end->status &&
	       nr == end->nr_reports;
}

static int child(const char *name)
{
	is_child = 1;
	x_watchdog(30);
	for (int i = 0; i < NR_ENDS; i++)
		if (!strcmp(ends[i].name, name))
			return ends[i].run();
	return 97;
}

int main(int argc, char **argv)
{
	int status = 0;

	x_begin(argv);
	if (argc > 1)
		return child(argv[1]);
	for (int i = 0; i < NR_ENDS; i++) {
		int good = 1;

		for (int n = 0; n < 10 && good; n++)
			good = run_end(&ends[i]);
		status |= x_report(i + 1, good, "end by ", ends[i].name);
	}
	printf("1..%d\n", NR_ENDS);
	return status;
}
