// SPDX-License-Identifier: MIT
/*
 * process-live.c - the statistics page as a file for live views (format/rundir.h), and the
 * figures as a text that is written anew from time to time.
 *
 * Both are the helper's work: none of the program's threads opens a file, and the helper has
 * no descriptors that the program could see. It makes the file when the process is QN_LIVE_US
 * old, so programs that end sooner, or become another one by then, leave nothing behind. Where
 * there can be no helper the file is made at once. A child has no file of its own before that.
 *
 * The page moves into the file while other threads count. Under all locks that guard words of
 * it only counters of calls go on; some calls may be missing in those afterwards.
 *
 * A file is its owner's alone, in a directory that is its owner's alone. A process that is
 * killed, or replaced by exec, leaves it; readers remove it.
 */
#include "process/process-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "format/rundir.h"
#include "port/sys.h"
#include "process/control.h"
#include "process/guest.h"

#define QN_LIVE_US 100000u
/* Between two writes of the metrics */
#define METRICS_US 5000000u
/* What the helper may sleep, so that figures are no older */
#define REST_MS QN_STATS_CONTROL_MS
/* All metrics take a third of it */
#define METRICS_BYTES 12288

/**
 * struct live - of this process
 * @runtime:	XDG_RUNTIME_DIR at the start, or ""
 * @is_tried:	the file was made, or could not be made
 * @is_over:	none is made any more
 * @pid:	whose file it is
 * @path:	of the file, or ""
 * @metrics, @metrics_new: the metrics' file, or "", and what is renamed to it
 * @metrics_due: when it is written next, in microseconds
 */
static struct live {
	char runtime[QN_RUNDIR_PATH];
	bool is_tried;
	bool is_over;
	u32 pid;
	char path[QN_RUNDIR_PATH + QN_RUNDIR_NAME];
	char metrics[sizeof(qn_hub.conf.metrics) + 12];
	char metrics_new[sizeof(qn_hub.conf.metrics) + 16];
	u64 metrics_due;
} live __bss_apart;

/* ---- the file ---- */

__apart void qn_process_live_at(const char *runtime)
{
	if (runtime && strlen(runtime) < sizeof(live.runtime))
		memcpy(live.runtime, runtime, strlen(runtime) + 1);
}

static __apart bool is_own_dir(int fd)
{
	struct stat st;

	return qn_sys3(SYS_fstat, fd, (long)&st, 0) == 0 &&
	       st.st_uid == (u32)qn_sys3(SYS_geteuid, 0, 0, 0) &&
	       (st.st_mode & 07777) == 0700;
}

/* A descriptor of the directory, made where it is not there; or -errno */
static __apart int dir_open(const char *path)
{
	const long flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd;

	qn_sys3(SYS_mkdirat, AT_FDCWD, (long)path, 0700);
	fd = (int)qn_sys6(SYS_openat, AT_FDCWD, (long)path, flags, 0, 0, 0);
	if (fd < 0 || is_own_dir(fd))
		return fd;
	qn_sys3(SYS_close, fd, 0, 0);
	return -EPERM;
}

static __apart int file_open(int dir, const char *name)
{
	const long flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int fd = (int)qn_sys6(SYS_openat, dir, (long)name, flags, 0600, 0, 0);

	qn_sys3(SYS_close, dir, 0, 0);
	return fd;
}

/* In the first directory that will have it; live.path is its name. Return: -errno, or it. */
static __apart int file_make(void)
{
	u32 uid = (u32)qn_sys3(SYS_geteuid, 0, 0, 0);
	char name[QN_RUNDIR_NAME];
	int fd = -ENOENT;

	qn_rundir_page(qn_hub.page->pid, qn_hub.began, name);
	for (unsigned int i = 0; i < QN_RUNDIRS && fd < 0; i++) {
		struct qn_print p = { live.path, sizeof(live.path) };

		if (!qn_rundir(i, live.runtime, uid, live.path))
			continue;
		fd = dir_open(live.path);
		if (fd >= 0)
			fd = file_open(fd, name);
		p.at += strlen(live.path);
		p.left -= strlen(live.path);
		qn_print(&p, "/");
		qn_print(&p, name);
	}
	if (fd < 0)
		live.path[0] = '\0';
	return fd;
}

static __apart void file_remove(void)
{
	if (live.path[0] && live.pid == (u32)qn_sys3(SYS_getpid, 0, 0, 0))
		qn_sys3(SYS_unlinkat, AT_FDCWD, (long)live.path, 0);
	live.path[0] = '\0';
}

/* Readers elsewhere must not take another process for this one */
static __apart u64 pid_namespace(void)
{
	struct stat st;

	if (qn_sys6(SYS_newfstatat, AT_FDCWD, (long)"/proc/self/ns/pid",
		    (long)&st, 0, 0, 0))
		return 0;
	return st.st_ino;
}

/* With all locks: each word of the page but for counters of calls has one of them */
static __apart bool page_move(int fd)
{
	unsigned int i;
	bool ok;

	for (i = 0; i < QN_PROCESS_LOCKS; i++)
		qn_port_lock(qn_process_lock(i));
	ok = qn_process_page_map(fd);
	while (i-- > 0)
		qn_port_unlock(qn_process_lock(i));
	return ok;
}

/* Context: one thread at a time: the helper, or the program's only one */
static __apart void publish(void)
{
	int fd;

	live.is_tried = true;
	live.pid = (u32)qn_sys3(SYS_getpid, 0, 0, 0);
	fd = file_make();
	if (fd < 0)
		return;
	qn_hub.page->pid_ns = pid_namespace();
	if (page_move(fd))
		WRITE_ONCE(qn_hub.helper.bell, &qn_hub.page->control.bell);
	else
		file_remove();
	qn_sys3(SYS_close, fd, 0, 0);
}

/* ---- metrics ---- */

/* At the end alone: the helper has no standard error */
static __apart void metrics_complain(void)
{
	static const char no[] __rodata_apart =
		"quern: cannot write the file of QUERN_CONF=metrics:FILE; "
		"check its path and rights\n";

	qn_port_write(no, sizeof(no) - 1);
}

/* A file beside it takes its place, so a reader never sees a part of it */
static __apart bool metrics_write(void)
{
	static char text[METRICS_BYTES] __bss_apart;
	const long flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY |
			   O_NOFOLLOW;
	struct qn_print p = { text, sizeof(text) };
	long size, fd, n;

	qn_hub_refresh(&qn_hub);
	qn_process_print_metrics(&p, qn_hub.page);
	size = p.at - text;
	fd = qn_sys6(SYS_openat, AT_FDCWD, (long)live.metrics_new, flags, 0644,
		     0, 0);
	if (fd < 0)
		return false;
	n = qn_sys3(SYS_write, fd, (long)text, size);
	qn_sys3(SYS_close, fd, 0, 0);
	if (n == size)
		qn_sys6(SYS_renameat2, AT_FDCWD, (long)live.metrics_new,
			AT_FDCWD, (long)live.metrics, 0, 0);
	else
		qn_sys3(SYS_unlinkat, AT_FDCWD, (long)live.metrics_new, 0);
	return n == size;
}

/* A child's would take the place of its parent's, if the name has no number */
static __apart void metrics_begin(void)
{
	struct qn_print p = { live.metrics, sizeof(live.metrics) };
	struct qn_print new = { live.metrics_new, sizeof(live.metrics_new) };
	const char *path = qn_hub.conf.metrics;
	bool is_child = qn_hub.nr_forks > 0;

	live.metrics[0] = '\0';
	if (!path[0] || (is_child && !strstr(path, "%p")))
		return;
	qn_print_path(&p, path, qn_hub.page->pid);
	qn_print(&new, live.metrics);
	qn_print(&new, ".tmp");
	live.metrics_due = qn_hub.began + QN_LIVE_US;
}

/* ---- rounds of the helper ---- */

static __apart bool is_live_due(void)
{
	return qn_hub.conf.live && !qn_hub.conf.stats[0] && !live.is_tried &&
	       !READ_ONCE(live.is_over);
}

static __apart u32 ms_until(u64 now, u64 due)
{
	return due > now ? (u32)((due - now) / 1000 + 1) : 1;
}

/* Files are made without a descriptor that the program could see, as those that are read */
static __apart u32 attend(struct qn_hub *hub)
{
	u64 now = qn_port_clock();
	u32 ms = REST_MS;

	if (now - hub->began < QN_LIVE_US)
		return ms_until(now, hub->began + QN_LIVE_US);
	if (!qn_port_files_apart())
		return ms;
	if (is_live_due())
		publish();
	if (live.metrics[0] && now >= live.metrics_due) {
		metrics_write();
		live.metrics_due = now + METRICS_US;
	}
	if (live.metrics[0])
		ms = min(ms, ms_until(now, live.metrics_due));
	return ms;
}

static __apart void helper_begin(void)
{
	struct qn_helper *h = &qn_hub.helper;

	qn_hub.attend = attend;
	h->is_wanted = true;
	WRITE_ONCE(h->from, 0);
	qn_helper_call(h, 0, qn_hub_knobs(&qn_hub), false);
}

/* ---- start and end ---- */

__apart void qn_process_live_start(void)
{
	const struct qn_helper *h = &qn_hub.helper;

	metrics_begin();
	helper_begin();
	if (h->run && qn_hub_knobs(&qn_hub)->helper &&
	    READ_ONCE(h->state) != QN_HELPER_NEVER)
		return;
	if (is_live_due())
		publish();
}

__apart bool qn_process_live_child(void)
{
	bool was_file = live.path[0] != '\0';

	qn_control_end(&qn_hub);
	live.path[0] = '\0';
	live.is_tried = false;
	return was_file;
}

__apart void qn_process_live_leave(void)
{
	WRITE_ONCE(live.is_over, true);
	file_remove();
}

__apart void qn_process_live_finish(void)
{
	if (!qn_hub.attend)
		return;
	WRITE_ONCE(live.is_over, true);
	qn_process_end_helper(true);
	if (live.metrics[0] && !metrics_write())
		metrics_complain();
	file_remove();
}
