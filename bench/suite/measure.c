// SPDX-License-Identifier: MIT
/*
 * measure.c - run a program under a preloaded allocator and say what it took.
 *
 *	measure [-r] [-n RUNS] [-o FILE] LIBRARY PROGRAM [ARGUMENTS...]
 *
 * LIBRARY is preloaded into the program alone ("-" for none). For each run a line
 * goes to FILE (stderr if there is none): CPU time in user and in system mode
 * in microseconds, peak resident set in KB, both of the program and of those of
 * its children that it waited for. The exit status is that of the last run.
 *
 * With -r the third figure is the resident set when the program exits, as the page
 * tables have it: the kernel's peak is rounded by up to some 100 KB, which is too
 * coarse for small programs.
 *
 * Linux keeps the peak of what a process was before exec, so the process that
 * forks must be a small one: this one rather than an interpreter.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void usage(void)
{
	fputs("usage: measure [-r] [-n RUNS] [-o FILE] LIBRARY PROGRAM "
	      "[ARGUMENTS...]\n",
	      stderr);
	exit(2);
}

static bool at_exit;

static void exec_program(char **argv)
{
	if (at_exit)
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	execvp(argv[0], argv);
	fprintf(stderr, "measure: %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

/* Stop the program when it is about to exit, and look at it */
static long resident_at_exit(pid_t pid)
{
	char path[64], line[128];
	long kb = -1;
	int status;
	FILE *f;

	if (waitpid(pid, &status, 0) < 0 || !WIFSTOPPED(status))
		return -1;
	ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACEEXIT);
	ptrace(PTRACE_CONT, pid, NULL, NULL);
	if (waitpid(pid, &status, 0) < 0 || !WIFSTOPPED(status))
		return -1;
	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	f = fopen(path, "re");
	while (f && kb < 0 && fgets(line, sizeof(line), f))
		sscanf(line, "Rss: %ld kB", &kb);
	if (f)
		fclose(f);
	ptrace(PTRACE_CONT, pid, NULL, NULL);
	return kb;
}

static unsigned long long microseconds(struct timeval t)
{
	return (unsigned long long)t.tv_sec * 1000000 +
	       (unsigned long long)t.tv_usec;
}

/* Returns the exit status as shells have it */
static int run(char **argv, FILE *out)
{
	struct rusage usage;
	pid_t pid = fork();
	long resident = 0;
	int status;

	if (!pid)
		exec_program(argv);
	if (pid > 0 && at_exit)
		resident = resident_at_exit(pid);
	if (pid < 0 || wait4(pid, &status, 0, &usage) < 0) {
		perror("measure");
		return 1;
	}
	fprintf(out, "%llu %llu %ld\n", microseconds(usage.ru_utime),
		microseconds(usage.ru_stime),
		at_exit ? resident : usage.ru_maxrss);
	if (WIFSIGNALED(status)) {
		fprintf(stderr, "measure: %s was killed by signal %d\n",
			argv[0], WTERMSIG(status));
		return 128 + WTERMSIG(status);
	}
	return WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
	FILE *out = stderr;
	int option, status = 0;
	long runs = 1;

	while ((option = getopt(argc, argv, "+rn:o:")) != -1) {
		if (option == 'n')
			runs = strtol(optarg, NULL, 10);
		else if (option == 'r')
			at_exit = true;
		else if (option == 'o')
			out = fopen(optarg, "we");
		else
			usage();
		if (!out) {
			perror("measure: the file after -o");
			return 1;
		}
	}
	if (argc - optind < 2 || runs < 1)
		usage();
	/* Not in the child, whose figures it would be part of */
	if (strcmp(argv[optind], "-"))
		setenv("LD_PRELOAD", argv[optind], 1);
	while (runs-- > 0)
		status = run(&argv[optind + 1], out);
	return fclose(out) ? 1 : status;
}
