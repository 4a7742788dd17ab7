/* SPDX-License-Identifier: MIT */
/*
 * launch.h - running a program so that it does not notice who runs it.
 *
 * Signals, stopping and continuing, standard streams and the exit status pass
 * through. Knows nothing of statistics: `quern run` and `quern demo` both use it.
 */
#ifndef QN_LAUNCH_H
#define QN_LAUNCH_H

#include <sys/resource.h>
#include <sys/types.h>
#include "base/compiler.h"

/**
 * struct qn_launch - what to run
 * @path:	the file
 * @argv:	its arguments, the name first
 * @envp:	its environment
 * @fd_in, @fd_out, @fd_err: its standard streams; -1: those of the command
 * @tick:	called while it runs; may be NULL
 * @tick_msec:	how often; 0: about once a second
 * @tick_data:	passed to @tick
 * @ticks_on_child: @tick is also called at once when another child of the command ends
 */
struct qn_launch {
	const char *path;
	char *const *argv;
	char *const *envp;
	int fd_in;
	int fd_out;
	int fd_err;
	void (*tick)(void *data);
	unsigned int tick_msec;
	void *tick_data;
	bool ticks_on_child;
};

/**
 * struct qn_outcome - how it went
 * @pid:	of the program
 * @status:	as wait() has it
 * @usage:	of the program and of the children it waited for
 * @start_usec:	by qn_clock_usec()
 * @wall_usec:	from start to end
 * @floor:	a process started by this one has at least so many bytes of peak
 *		resident set on its account, whatever it uses
 */
struct qn_outcome {
	pid_t pid;
	int status;
	struct rusage usage;
	u64 start_usec;
	u64 wall_usec;
	u64 floor;
};

/* In microseconds */
static inline u64 qn_usec(struct timeval t)
{
	return (u64)t.tv_sec * 1000000 + (u64)t.tv_usec;
}

/* Time in user and in system mode, in microseconds */
static inline u64 qn_usage_cpu(const struct rusage *usage)
{
	return qn_usec(usage->ru_utime) + qn_usec(usage->ru_stime);
}

/* The peak resident set, in bytes */
static inline u64 qn_usage_peak(const struct rusage *usage)
{
	return (u64)usage->ru_maxrss * 1024;
}

/* For a stream that nobody looks at: /dev/null, or an empty file where there is none */
int qn_launch_null(void);

/**
 * qn_launch() - run a program to its end
 *
 * While it runs, signals that somebody sends to the command are passed on;
 * signals of the terminal reach the program without that. Where the program is
 * stopped the command stops too, and goes on with it.
 *
 * Return: 0, or -errno if it could not be started; -EINTR: an interrupt was noted before
 * (interrupt.h), and the program did not run.
 */
int qn_launch(const struct qn_launch *what, struct qn_outcome *outcome);

/**
 * qn_launch_changed() - run a program in this process's environment with some changes
 * @what:	all but the environment
 * @changes:	"NAME=value" sets, "NAME" removes; ends with NULL
 *
 * Return: as qn_launch().
 */
int qn_launch_changed(const struct qn_launch *what, const char *const *changes,
		      struct qn_outcome *outcome);

/**
 * qn_launch_end_like() - end this process as the program ended
 *
 * By the same signal, without a second core dump, or with the same status.
 */
void qn_launch_end_like(int status) __noreturn;

#endif /* QN_LAUNCH_H */
