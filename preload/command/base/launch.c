// SPDX-License-Identifier: MIT
/*
 * launch.c - running a program so that it does not notice who runs it.
 *
 * All signals are blocked here while the program runs and taken one by one from
 * sigtimedwait(): no handlers, no races between a signal and the wait. The
 * program starts with the mask and the dispositions that the command was given.
 *
 * A signal that the terminal raises (^C, ^\, ^Z, hang-up, window size) goes to the
 * whole foreground group, so the program has it already; the kernel marks it as
 * its own. Everything else was meant for the program and is passed on.
 *
 * Job control: ^Z stops the program alone, for the command has it blocked. Its
 * wait reports the stop, the command stops itself so that the shell takes over,
 * and wakes the program when it is woken.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "clock.h"
#include "fail.h"
#include "interrupt.h"
#include "launch.h"

/**
 * struct signals - what the command was started with
 */
struct signals {
	sigset_t mask;
	struct sigaction child;
};

/* All but those that report a fault of this very process */
static void fill_forwarded(sigset_t *set)
{
	static const int own[] = { SIGSEGV, SIGBUS, SIGFPE,  SIGILL,
				   SIGTRAP, SIGSYS, SIGKILL, SIGSTOP };
	size_t i;

	sigfillset(set);
	for (i = 0; i < ARRAY_SIZE(own); i++)
		sigdelset(set, own[i]);
}

/*
 * SIGCHLD may have been inherited as ignored, which would make the kernel throw
 * the program's status away.
 */
static void take_signals(struct signals *saved)
{
	struct sigaction plain = { .sa_handler = SIG_DFL };
	sigset_t set;

	fill_forwarded(&set);
	sigprocmask(SIG_BLOCK, &set, &saved->mask);
	sigaction(SIGCHLD, &plain, &saved->child);
}

/* What came while the program ended was meant for it: nobody is left to take it */
static void drop_pending(void)
{
	const struct timespec now = { 0 };
	sigset_t set;
	int signo;

	fill_forwarded(&set);
	while ((signo = sigtimedwait(&set, NULL, &now)) > 0)
		if (qn_is_interrupt(signo))
			qn_interrupt_note(signo);
}

static void give_signals_back(const struct signals *saved)
{
	sigaction(SIGCHLD, &saved->child, NULL);
	sigprocmask(SIG_SETMASK, &saved->mask, NULL);
}

static void redirect(int fd, int target)
{
	if (fd >= 0 && dup2(fd, target) < 0)
		_exit(127);
}

/* In the child: become the program, or report why not through @pipe */
static __noreturn void become(const struct qn_launch *what,
			      const struct signals *saved, int pipe)
{
	int err;

	redirect(what->fd_in, 0);
	redirect(what->fd_out, 1);
	redirect(what->fd_err, 2);
	give_signals_back(saved);
	execvpe(what->path, what->argv, what->envp);
	err = errno;
	if (write(pipe, &err, sizeof(err)) < 0)
		_exit(126);
	_exit(127);
}

/* 0 once the program has replaced the child, or -errno of its exec */
static int await_exec(int pipe)
{
	int err = 0;
	ssize_t n;

	do {
		n = read(pipe, &err, sizeof(err));
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(err) ? -err : 0;
}

static int start(const struct qn_launch *what, const struct signals *saved,
		 pid_t *pid)
{
	int fds[2], err;

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	*pid = fork();
	if (*pid == 0)
		become(what, saved, fds[1]);
	err = *pid < 0 ? -errno : 0;
	close(fds[1]);
	if (!err)
		err = await_exec(fds[0]);
	close(fds[0]);
	if (err && *pid > 0)
		waitpid(*pid, NULL, 0);
	return err;
}

static bool is_from_terminal(const siginfo_t *info)
{
	static const int raised[] = { SIGINT,  SIGQUIT, SIGHUP,   SIGTSTP,
				      SIGTTIN, SIGTTOU, SIGWINCH, SIGCONT };
	size_t i;

	if (info->si_code <= 0)
		return false;
	for (i = 0; i < ARRAY_SIZE(raised); i++)
		if (info->si_signo == raised[i])
			return true;
	return false;
}

/*
 * Without a terminal there is no shell to take over, and whoever continues the
 * program need not know of the command.
 */
static void stop_too(pid_t pid)
{
	int tty = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);

	if (tty < 0)
		return;
	close(tty);
	raise(SIGSTOP);
	kill(pid, SIGCONT);
}

/* True once the program has ended and @outcome says how */
static bool has_ended(struct qn_outcome *outcome)
{
	pid_t got;

	for (;;) {
		got = wait4(outcome->pid, &outcome->status, WNOHANG | WUNTRACED,
			    &outcome->usage);
		if (got != outcome->pid)
			return false;
		if (!WIFSTOPPED(outcome->status))
			return true;
		stop_too(outcome->pid);
	}
}

static void await_end(const struct qn_launch *what, struct qn_outcome *outcome)
{
	unsigned int msec = what->tick_msec ? what->tick_msec : 1000;
	struct timespec pause = { msec / 1000, msec % 1000 * 1000000L };
	siginfo_t info;
	sigset_t set;
	int signo;

	fill_forwarded(&set);
	while (!has_ended(outcome)) {
		signo = sigtimedwait(&set, &info, what->tick ? &pause : NULL);
		if (qn_is_interrupt(signo))
			qn_interrupt_note(signo);
		if ((signo < 0 && errno == EAGAIN) ||
		    (signo == SIGCHLD && what->ticks_on_child))
			what->tick(what->tick_data);
		else if (signo > 0 && signo != SIGCHLD &&
			 !is_from_terminal(&info))
			kill(outcome->pid, signo);
	}
}

int qn_launch_null(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	return fd < 0 ? memfd_create("null", MFD_CLOEXEC) : fd;
}

int qn_launch(const struct qn_launch *what, struct qn_outcome *outcome)
{
	struct signals saved;
	struct rusage own;
	int err;

	getrusage(RUSAGE_SELF, &own);
	outcome->floor = (u64)own.ru_maxrss * 1024;
	take_signals(&saved);
	outcome->start_usec = qn_clock_usec();
	err = qn_interrupted() ? -EINTR : start(what, &saved, &outcome->pid);
	if (!err)
		await_end(what, outcome);
	outcome->wall_usec = qn_clock_usec() - outcome->start_usec;
	drop_pending();
	give_signals_back(&saved);
	return err;
}

/* ---- a changed environment ---- */

static size_t name_size(const char *setting)
{
	return strcspn(setting, "=");
}

static bool is_changed(const char *setting, const char *const *changes)
{
	size_t size = name_size(setting);

	for (; *changes; changes++)
		if (name_size(*changes) == size &&
		    !memcmp(*changes, setting, size))
			return true;
	return false;
}

static char **make_environ(const char *const *changes)
{
	size_t nr = 0, i;
	char **list;

	for (i = 0; environ[i]; i++)
		nr++;
	for (i = 0; changes[i]; i++)
		nr++;
	list = qn_xrealloc(NULL, (nr + 1) * sizeof(*list));
	nr = 0;
	for (i = 0; environ[i]; i++)
		if (!is_changed(environ[i], changes))
			list[nr++] = environ[i];
	for (i = 0; changes[i]; i++)
		if (strchr(changes[i], '='))
			list[nr++] = (char *)(uintptr_t)changes[i];
	list[nr] = NULL;
	return list;
}

int qn_launch_changed(const struct qn_launch *what, const char *const *changes,
		      struct qn_outcome *outcome)
{
	char **envp = make_environ(changes);
	struct qn_launch with = *what;
	int err;

	with.envp = envp;
	err = qn_launch(&with, outcome);
	free(envp);
	return err;
}

/* ---- the end ---- */

static void die_by(int signo)
{
	struct sigaction plain = { .sa_handler = SIG_DFL };
	struct rlimit none = { 0, 0 };
	sigset_t set;

	fflush(stdout);
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
	sigaction(signo, &plain, NULL);
	sigemptyset(&set);
	sigaddset(&set, signo);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(signo);
}

void qn_launch_end_like(int status)
{
	if (WIFSIGNALED(status)) {
		die_by(WTERMSIG(status));
		exit(128 + WTERMSIG(status));
	}
	exit(WEXITSTATUS(status));
}
