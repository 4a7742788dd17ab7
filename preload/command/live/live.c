// SPDX-License-Identifier: MIT
/*
 * live.c - pages of processes that run.
 *
 * A process is told from a later one of its number by the time at which it began. The kernel
 * counts that with suspended time and the page without; so what the kernel says is taken as
 * early as it can be meant, and no page of a process that runs is taken for an old one.
 */
#define _GNU_SOURCE 1
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "format/rundir.h"
#include "command/base/fail.h"
#include "command/base/proc.h"
#include "live.h"

/* ---- processes ---- */

static u64 usec_of(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (u64)t.tv_sec * 1000000 + (u64)t.tv_nsec / 1000;
}

static bool is_there(u32 pid)
{
	return pid && (kill((pid_t)pid, 0) == 0 || errno != ESRCH);
}

/* The namespace of our own pids; 0: not known */
static u64 own_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) == 0 ? st.st_ino : 0;
}

/*
 * When it began by CLOCK_MONOTONIC, at the earliest; 0 if the kernel does not say. One that has
 * ended and that nobody has waited for is not there.
 */
static u64 began(u32 pid)
{
	u64 suspended = usec_of(CLOCK_BOOTTIME) - usec_of(CLOCK_MONOTONIC);
	struct qn_proc_stat s;
	u64 usec;

	if (!qn_proc_stat((pid_t)pid, &s))
		return 0;
	if (s.state == 'Z' || s.state == 'X')
		return UINT64_MAX;
	usec = s.start_ticks * 1000000 / (u64)sysconf(_SC_CLK_TCK);
	return usec > suspended ? usec - suspended : 0;
}

bool qn_live_is_over(const struct qn_live *live)
{
	if (live->page.state == QN_STATS_EXITED)
		return true;
	return !live->is_elsewhere &&
	       (!is_there(live->page.pid) ||
		began(live->page.pid) > live->page.start_usec + 1000000);
}

bool qn_live_is_left(const struct qn_live *live)
{
	const char *name = strrchr(live->path, '/');
	char *maps;
	bool is_left;

	if (live->is_elsewhere || qn_live_is_over(live))
		return false;
	maps = qn_proc_read((pid_t)live->page.pid, "maps");
	is_left = maps && *maps && !strstr(maps, name ? name : live->path);
	free(maps);
	return is_left;
}

/* ---- files ---- */

bool qn_live_read(struct qn_live *live)
{
	char error[QN_PAGE_ERROR];

	return qn_page_read(AT_FDCWD, live->path, &live->page, error) == 0;
}

static bool has_name(const char *name)
{
	size_t size = strlen(name);

	return size > 6 && !strcmp(name + size - 6, ".qstat") && *name >= '0' &&
	       *name <= '9';
}

static void note(struct qn_live_list *list, const char *path, const char *error)
{
	const char *name = strrchr(path, '/') + 1;

	if (list->wanted && list->wanted != strtoul(name, NULL, 10))
		return;
	list->nr_unread++;
	snprintf(list->note, sizeof(list->note), "%.120s %s", path, error);
}

static void add(struct qn_live_list *list, int dir, const char *dir_path,
		const char *name, bool is_ours)
{
	char error[QN_PAGE_ERROR];
	struct qn_live *live;
	int err;

	QN_GROW(list->at, list->nr);
	live = &list->at[list->nr];
	live->path = qn_xprintf("%s/%s", dir_path, name);
	err = qn_page_read(dir, name, &live->page, error);
	if (err && err != -ENODATA && err != -ENOENT)
		note(list, live->path, error);
	live->is_elsewhere = live->page.pid_ns &&
			     live->page.pid_ns != own_namespace();
	if (!err && !qn_live_is_over(live)) {
		list->nr++;
		return;
	}
	if (!err && is_ours && !unlinkat(dir, name, 0))
		list->nr_removed++;
	free(live->path);
}

/* @is_ours: what is left of processes that are gone may be removed */
static void add_dir(struct qn_live_list *list, const char *path, bool is_ours)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct dirent *de;
	struct stat st;
	DIR *d = NULL;

	if (fd >= 0 && fstat(fd, &st) == 0)
		d = fdopendir(dup(fd));
	is_ours = is_ours && d && st.st_uid == geteuid();
	while (d && (de = readdir(d)))
		if (has_name(de->d_name))
			add(list, fd, path, de->d_name, is_ours);
	if (d)
		closedir(d);
	if (fd >= 0)
		close(fd);
}

static void add_matches(struct qn_live_list *list, const char *pattern,
			bool is_ours)
{
	glob_t found;

	if (glob(pattern, GLOB_NOSORT, NULL, &found))
		return;
	for (size_t i = 0; i < found.gl_pathc; i++)
		add_dir(list, found.gl_pathv[i], is_ours);
	globfree(&found);
}

/* Directories that quern run made (qn_pages_make_dir()) */
static void add_runs(struct qn_live_list *list)
{
	const char *temp = getenv("TMPDIR");
	char *pattern;

	add_matches(list, "/dev/shm/" QN_STATS_RUN_DIR "*", false);
	add_matches(list, "/tmp/" QN_STATS_RUN_DIR "*", false);
	if (!temp || *temp != '/' || !strcmp(temp, "/tmp"))
		return;
	pattern = qn_xprintf("%s/" QN_STATS_RUN_DIR "*", temp);
	add_matches(list, pattern, false);
	free(pattern);
}

static int compare(const void *a, const void *b)
{
	const struct qn_live *x = a, *y = b;

	if (x->page.pid != y->page.pid)
		return x->page.pid < y->page.pid ? -1 : 1;
	if (x->page.pid_ns != y->page.pid_ns)
		return x->page.pid_ns < y->page.pid_ns ? -1 : 1;
	return (x->page.start_usec > y->page.start_usec) -
	       (x->page.start_usec < y->page.start_usec);
}

static bool is_same_process(const struct qn_live *a, const struct qn_live *b)
{
	return a->page.pid == b->page.pid && a->page.pid_ns == b->page.pid_ns;
}

/* The program that a process became last is the one that runs; one directory may come twice */
static void keep_last(struct qn_live_list *list)
{
	u32 nr = 0;

	if (list->nr)
		qsort(list->at, list->nr, sizeof(*list->at), compare);
	for (u32 i = 0; i < list->nr; i++) {
		struct qn_live *live = &list->at[i];

		if (i + 1 < list->nr && is_same_process(live, live + 1)) {
			if (live->page.pid_ns &&
			    live->page.start_usec < live[1].page.start_usec &&
			    !unlink(live->path))
				list->nr_removed++;
			free(live->path);
		} else {
			list->at[nr++] = *live;
		}
	}
	list->nr = nr;
}

void qn_live_find(struct qn_live_list *list, bool everybody)
{
	const char *xdg = getenv("XDG_RUNTIME_DIR");
	char path[QN_RUNDIR_PATH];

	for (unsigned int i = 0; i < QN_RUNDIRS; i++)
		if (qn_rundir(i, xdg, geteuid(), path))
			add_dir(list, path, true);
	if (everybody) {
		add_matches(list, "/run/user/*/quern", false);
		add_matches(list, "/dev/shm/quern-[0-9]*", false);
		add_matches(list, "/tmp/quern-[0-9]*", false);
	}
	add_runs(list);
	keep_last(list);
}

void qn_live_free(struct qn_live_list *list)
{
	for (u32 i = 0; i < list->nr; i++)
		free(list->at[i].path);
	free(list->at);
	memset(list, 0, sizeof(*list));
}

bool qn_live_follow(struct qn_live *live)
{
	struct qn_live_list list = { .wanted = live->page.pid };
	bool is_found = false;

	qn_live_find(&list, geteuid() == 0);
	for (u32 i = 0; i < list.nr && !is_found; i++) {
		struct qn_live *new = &list.at[i];

		if (!is_same_process(new, live) ||
		    new->page.start_usec <= live->page.start_usec)
			continue;
		free(live->path);
		*live = *new;
		new->path = NULL;
		is_found = true;
	}
	qn_live_free(&list);
	return is_found;
}

/* ---- what a user means ---- */

/* Does it have the library; -errno if that cannot be seen */
static int has_library(u32 pid)
{
	char *maps = qn_proc_read((pid_t)pid, "maps");
	int has = maps ? strstr(maps, "/libquern.so") != NULL : -errno;

	free(maps);
	return has;
}

static int refuse_pid(u32 pid, const struct qn_live_list *list)
{
	int has = has_library(pid);

	if (access("/proc/self", F_OK))
		qn_error("/proc is not mounted, so a process is not found by "
			 "its number: name the file of its page");
	else if (!is_there(pid))
		qn_error("there is no process %u", pid);
	else if (has < 0)
		qn_error("process %u is another user's: %s", pid,
			 strerror(-has));
	else if (!has)
		qn_error("process %u does not run under quern; `quern doctor` "
			 "tells how it can",
			 pid);
	else if (list->nr_unread)
		qn_error("process %u runs under quern, but its page cannot be "
			 "read: %s",
			 pid, list->note);
	else
		qn_error(
			"process %u runs under quern, but shows nothing: start "
			"it with QUERN_CONF=live:1, or by quern run (it takes "
			"a tenth of a second)",
			pid);
	return QN_EXIT_FAILURE;
}

static int name_pid(u32 pid, struct qn_live *live)
{
	struct qn_live_list list = { .wanted = pid };
	int status = 0;
	u32 i = 0;

	qn_live_find(&list, geteuid() == 0);
	while (i < list.nr &&
	       (list.at[i].page.pid != pid || list.at[i].is_elsewhere))
		i++;
	if (i < list.nr) {
		*live = list.at[i];
		live->path = qn_xprintf("%s", list.at[i].path);
	} else {
		status = refuse_pid(pid, &list);
	}
	qn_live_free(&list);
	return status;
}

static void refuse_file(const char *name, int err, const char *error)
{
	if (err == -ENOENT || err == -EACCES)
		qn_error_read(name, err);
	else
		qn_error("'%s' %s; name a process, or the PID.qstat of one",
			 name, error);
}

int qn_live_name(const char *target, struct qn_live *live)
{
	char error[QN_PAGE_ERROR];
	int err;

	memset(live, 0, sizeof(*live));
	if (strspn(target, "0123456789") == strlen(target))
		return name_pid((u32)strtoul(target, NULL, 10), live);
	err = qn_page_read(AT_FDCWD, target, &live->page, error);
	if (err) {
		refuse_file(target, err, error);
		return QN_EXIT_FAILURE;
	}
	live->path = qn_xprintf("%s", target);
	live->is_elsewhere = live->page.pid_ns &&
			     live->page.pid_ns != own_namespace();
	return 0;
}
