// SPDX-License-Identifier: MIT
/*
 * replay-count.c - two ways to count instructions.
 */
#define _GNU_SOURCE 1
#include "replay-count.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command/base/fail.h"
#include "command/base/interrupt.h"
#include "command/base/launch.h"
#include "command/base/stream.h"

/* ---- the processor ---- */

static const char *hint(int err)
{
	if (err == EACCES || err == EPERM)
		return "; the kernel allows it where "
		       "/proc/sys/kernel/perf_event_paranoid is 2 or less";
	if (err == ENOENT || err == EOPNOTSUPP || err == ENODEV)
		return "; this machine, perhaps a virtual one, has no such "
		       "counter";
	return "";
}

static int open_perf(struct qn_count *c)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_HARDWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_HW_INSTRUCTIONS,
		.disabled = 1,
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};
	int err;

	c->fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1,
			     PERF_FLAG_FD_CLOEXEC);
	if (c->fd >= 0) {
		c->how = QN_COUNT_PERF;
		return 0;
	}
	err = errno;
	snprintf(c->why, sizeof(c->why), "perf_event_open: %s%s", strerror(err),
		 hint(err));
	return -err;
}

void qn_count_start(const struct qn_count *c)
{
	if (c->fd >= 0)
		ioctl(c->fd, PERF_EVENT_IOC_ENABLE, 0);
}

void qn_count_stop(const struct qn_count *c)
{
	if (c->fd >= 0)
		ioctl(c->fd, PERF_EVENT_IOC_DISABLE, 0);
}

void qn_count_close(struct qn_count *c)
{
	if (c->fd < 0)
		return;
	if (read(c->fd, &c->nr, sizeof(c->nr)) != sizeof(c->nr)) {
		c->how = QN_COUNT_NONE;
		snprintf(c->why, sizeof(c->why), "the counter was not read");
	}
	close(c->fd);
	c->fd = -1;
}

/* ---- callgrind ---- */

/* The same command once more, without a count of its own and what it prints */
static int run_callgrind(const char *file, char *const *argv)
{
	char *out = qn_xprintf("--callgrind-out-file=%s", file);
	char *fixed[] = { "valgrind",
			  "-q",
			  "--tool=callgrind",
			  "--toggle-collect=do_malloc",
			  "--toggle-collect=do_realloc",
			  "--toggle-collect=do_free",
			  out,
			  "/proc/self/exe",
			  "replay",
			  "--count=none" };
	const size_t nr_fixed = ARRAY_SIZE(fixed);
	char *own = realpath("/proc/self/exe", NULL);
	struct qn_outcome outcome = { .status = 0 };
	struct qn_launch what = { .path = fixed[0],
				  .envp = environ,
				  .fd_in = -1,
				  .fd_out = memfd_create("output", MFD_CLOEXEC),
				  .fd_err = -1 };
	char **all;
	size_t nr = 0, before = 0;
	int err;

	while (argv[nr])
		nr++;
	while (argv[before] && strcmp(argv[before], "--") != 0)
		before++;
	all = qn_xrealloc(NULL, (nr_fixed + nr + 1) * sizeof(*all));
	memcpy(all, fixed, sizeof(fixed));
	all[nr_fixed - 3] = own;
	/* The count of this run is the last option that was asked for, so it counts */
	memcpy(all + nr_fixed - 1, argv, before * sizeof(*all));
	all[nr_fixed - 1 + before] = fixed[nr_fixed - 1];
	memcpy(all + nr_fixed + before, argv + before,
	       (nr + 1 - before) * sizeof(*all));
	what.argv = all;
	err = own ? qn_launch(&what, &outcome) : -ENOENT;
	if (err && err != -EINTR)
		qn_error("cannot run valgrind: %s (Debian: apt-get install "
			 "valgrind)",
			 strerror(-err));
	else if (WIFSIGNALED(outcome.status) && !qn_interrupted())
		qn_launch_end_like(outcome.status);
	if (what.fd_out >= 0)
		close(what.fd_out);
	free(all);
	free(own);
	free(out);
	return err ? err : outcome.status ? -EIO : 0;
}

static int count_callgrind(struct qn_count *c, char *const *argv)
{
	char *file = qn_temp_make("quern-count-XXXXXX", false, "room");
	char line[256];
	int err = file ? run_callgrind(file, argv) : -EIO;
	FILE *in = err ? NULL : fopen(file, "re");

	while (in && fgets(line, sizeof(line), in))
		if (sscanf(line, "totals: %" SCNu64, &c->nr) == 1)
			c->how = QN_COUNT_CALLGRIND;
	if (in)
		fclose(in);
	if (file)
		unlink(file);
	free(file);
	if (!err && c->how != QN_COUNT_CALLGRIND && !qn_interrupted()) {
		qn_error("callgrind wrote no totals");
		err = -EIO;
	}
	return err;
}

/* ---- both ---- */

int qn_count_open(struct qn_count *c, enum qn_count_how how, char *const *argv)
{
	int err;

	*c = (struct qn_count){ .how = QN_COUNT_NONE, .fd = -1 };
	if (how == QN_COUNT_NONE)
		return 0;
	if (how == QN_COUNT_CALLGRIND)
		return count_callgrind(c, argv);
	err = open_perf(c);
	if (how == QN_COUNT_AUTO)
		return 0;
	if (err)
		qn_error("--count=perf: %s; count by valgrind: "
			 "--count=callgrind",
			 c->why);
	return err;
}

void qn_count_print(struct qn_lines *l, const struct qn_count *c, u64 nr_calls)
{
	u64 tenths = nr_calls ? c->nr * 10 / nr_calls : 0;

	if (c->how == QN_COUNT_PERF)
		qn_line(l,
			"  counted   %" PRIu64 ".%" PRIu64
			" instructions each, by the processor, the loop of the "
			"replay among them",
			tenths / 10, tenths % 10);
	else if (c->how == QN_COUNT_CALLGRIND)
		qn_line(l,
			"  counted   %" PRIu64 ".%" PRIu64
			" instructions each, by callgrind",
			tenths / 10, tenths % 10);
	else if (*c->why)
		qn_line(l,
			"  counted   instructions are not available: %s; "
			"--count=callgrind counts by valgrind",
			c->why);
}
