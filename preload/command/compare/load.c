// SPDX-License-Identifier: MIT
/*
 * load.c - the command that drives a server, and the server's end.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "clock.h"
#include "command/base/fail.h"
#include "command/base/interrupt.h"
#include "load.h"

/* For a load that has to go, before it is killed */
#define PATIENCE_USEC 1000000

static char **make_environ(pid_t server)
{
	size_t nr = 0;
	char **list;

	while (environ[nr])
		nr++;
	list = qn_xrealloc(NULL, (nr + 2) * sizeof(*list));
	list[0] = qn_xprintf("QUERN_COMPARE_PID=%d", (int)server);
	for (size_t i = 0; i <= nr; i++)
		list[i + 1] = environ[i];
	return list;
}

/* Signals are as at the start of a program; a group of its own, to end all of it */
static void set_attributes(posix_spawnattr_t *attr)
{
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(attr);
	posix_spawnattr_setsigmask(attr, &none);
	posix_spawnattr_setsigdefault(attr, &all);
	posix_spawnattr_setpgroup(attr, 0);
	posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK |
					       POSIX_SPAWN_SETSIGDEF |
					       POSIX_SPAWN_SETPGROUP);
}

static void start(struct qn_load *l, int fd_out, int fd_log)
{
	char *argv[] = { "sh", "-c", (char *)(uintptr_t)l->command, NULL };
	char **envp = make_environ(l->server);
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;

	set_attributes(&attr);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", 0, 0);
	posix_spawn_file_actions_adddup2(&actions, fd_out, 1);
	posix_spawn_file_actions_adddup2(&actions, fd_log, 2);
	l->begin_usec = qn_clock_usec();
	l->error = posix_spawn(&l->pid, "/bin/sh", &actions, &attr, argv, envp);
	if (l->error)
		l->pid = 0;
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	free(envp[0]);
	free(envp);
}

static bool has_ended(struct qn_load *l)
{
	if (l->pid && waitpid(l->pid, &l->status, WNOHANG) != l->pid)
		return false;
	l->end_usec = qn_clock_usec();
	return true;
}

void qn_load_step(struct qn_load *l, int fd_out, int fd_log)
{
	if (!l->begin_usec) {
		start(l, fd_out, fd_log);
		return;
	}
	if (!l->end_usec) {
		if (qn_interrupted() && l->pid)
			kill(-l->pid, SIGTERM);
		if (has_ended(l))
			kill(l->server, SIGTERM);
		return;
	}
	if (l->was_killed || qn_clock_usec() - l->end_usec < l->grace_usec)
		return;
	l->was_killed = true;
	kill(l->server, SIGKILL);
}

void qn_load_end(struct qn_load *l)
{
	u64 since = qn_clock_usec();

	if (!l->pid || l->end_usec)
		return;
	kill(-l->pid, SIGTERM);
	while (waitpid(l->pid, &l->status, WNOHANG) != l->pid) {
		if (qn_clock_usec() - since > PATIENCE_USEC)
			kill(-l->pid, SIGKILL);
		usleep(5000);
	}
}

void qn_load_begin(struct qn_load *l)
{
	*l = (struct qn_load){ .command = l->command,
			       .grace_usec = l->grace_usec };
}
