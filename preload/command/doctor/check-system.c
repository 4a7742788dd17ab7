// SPDX-License-Identifier: MIT
/*
 * check-system.c - what the kernel allows to heaps: huge pages, overcommit, limits.
 */
#define _GNU_SOURCE 1
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "checks.h"
#include "command/base/fail.h"
#include "command/base/proc.h"
#include "command/base/text.h"

/* The kernel's own preset */
#define USUAL_MAPS 65530

static void check_proc(struct qn_checks *c)
{
	if (access("/proc/self/maps", R_OK))
		qn_checks_add(c, QN_VERDICT_NOTE, "proc",
			      "/proc is not mounted here: quern top, ctl, "
			      "doctor and flame cannot look at a process by "
			      "its number, and limits are not told.");
}

/* ---- memory management ---- */

static void check_huge_pages(struct qn_checks *c)
{
	char *text =
		qn_file_read("/sys/kernel/mm/transparent_hugepage/enabled");

	if (!text)
		return;
	if (strstr(text, "[always]"))
		qn_checks_add(c, QN_VERDICT_NOTE, "huge pages",
			      "Transparent huge pages are on for all: memory "
			      "of every allocator comes in 2 MB pages, and "
			      "resident sets grow by it. madvise is the better "
			      "setting of "
			      "/sys/kernel/mm/transparent_hugepage/enabled.");
	else if (strstr(text, "[never]"))
		qn_checks_add(c, QN_VERDICT_NOTE, "huge pages",
			      "Transparent huge pages are off: "
			      "QUERN_CONF=huge:SIZE has no effect. madvise "
			      "allows them to those that ask.");
	else
		qn_checks_add(c, QN_VERDICT_OK, "huge pages",
			      "Transparent huge pages are for those that ask; "
			      "quern does with QUERN_CONF=huge:SIZE.");
	free(text);
}

static void check_overcommit(struct qn_checks *c)
{
	char *text = qn_file_read("/proc/sys/vm/overcommit_memory");
	char mode = text ? *text : '?';

	if (mode == '2')
		qn_checks_add(c, QN_VERDICT_NOTE, "overcommit",
			      "vm.overcommit_memory is 2: memory counts when "
			      "it is asked for, not when it is used. malloc "
			      "fails early where vm.overcommit_ratio is low.");
	else if (mode == '0' || mode == '1')
		qn_checks_add(c, QN_VERDICT_OK, "overcommit",
			      "vm.overcommit_memory is %c: memory counts when "
			      "it is used.",
			      mode);
	free(text);
}

static void check_map_count(struct qn_checks *c)
{
	char *text = qn_file_read("/proc/sys/vm/max_map_count");
	unsigned long most = text ? strtoul(text, NULL, 10) : 0;

	if (most && most < USUAL_MAPS)
		qn_checks_add(c, QN_VERDICT_NOTE, "mappings",
			      "vm.max_map_count is %lu, less than usual; a "
			      "large heap that is split into many mappings "
			      "meets it. sysctl vm.max_map_count=%d.",
			      most, USUAL_MAPS);
	else if (most)
		qn_checks_add(c, QN_VERDICT_OK, "mappings",
			      "vm.max_map_count is %lu.", most);
	free(text);
}

/* ---- limits ---- */

static void check_limit(struct qn_checks *c, pid_t pid, int which,
			const char *name)
{
	struct rlimit limit;

	if (prlimit(pid, (enum __rlimit_resource)which, NULL, &limit) ||
	    limit.rlim_cur == RLIM_INFINITY)
		return;
	qn_checks_add(c, QN_VERDICT_NOTE, "limit",
		      "%s is %s: malloc fails beyond it, and quern gives free "
		      "memory back before that.",
		      name, qn_text_size(limit.rlim_cur).s);
}

/* The directory of a process in version 2, or in version 1's tree for memory */
static char *find_cgroup(pid_t pid, bool *is_v2)
{
	char *path = pid ? qn_xprintf("/proc/%d/cgroup", (int)pid) :
			   qn_xprintf("/proc/self/cgroup");
	char *text = qn_file_read(path), *at = text, *line, *found = NULL;

	while (at && (line = strsep(&at, "\n")) != NULL) {
		char *v1 = strstr(line, ":memory:");

		if (v1) {
			free(found);
			found = qn_xprintf("/sys/fs/cgroup/memory%s", v1 + 8);
			*is_v2 = false;
			break;
		}
		if (!strncmp(line, "0::", 3)) {
			found = qn_xprintf("/sys/fs/cgroup%s", line + 3);
			*is_v2 = true;
		}
	}
	free(text);
	free(path);
	return found;
}

/* A number of a cgroup; UINT64_MAX: there is none, or "max" */
static u64 read_number(const char *dir, const char *name)
{
	char *path = qn_xprintf("%s/%s", dir, name);
	char *text = qn_file_read(path), *end;
	u64 n = UINT64_MAX;

	if (text && *text >= '0' && *text <= '9')
		n = strtoull(text, &end, 10);
	free(text);
	free(path);
	return n;
}

/* Version 1 says "none" by the greatest number of pages */
static bool is_limit(u64 n)
{
	return n < 1ull << 62;
}

static void check_memory_limit(struct qn_checks *c, const char *dir,
			       const char *max, const char *used)
{
	u64 most = read_number(dir, max), now = read_number(dir, used);

	if (!is_limit(most))
		return;
	if (is_limit(now) && now > most / 10 * 9)
		qn_checks_add(c, QN_VERDICT_NOTE, "cgroup",
			      "The cgroup has %s of the %s that %s allows: the "
			      "kernel may kill a process of it. Raise it, or "
			      "lower quern's price (QUERN_CONF=price:0.1).",
			      qn_text_size(now).s, qn_text_size(most).s, max);
	else
		qn_checks_add(c, QN_VERDICT_OK, "cgroup",
			      "%s of the cgroup is %s; near it quern keeps "
			      "less free memory.",
			      max, qn_text_size(most).s);
}

static void check_cgroup(struct qn_checks *c, pid_t pid)
{
	bool is_v2 = false;
	char *dir = find_cgroup(pid, &is_v2);

	if (!dir)
		return;
	check_memory_limit(c, dir,
			   is_v2 ? "memory.max" : "memory.limit_in_bytes",
			   is_v2 ? "memory.current" : "memory.usage_in_bytes");
	if (is_v2)
		check_memory_limit(c, dir, "memory.high", "memory.current");
	free(dir);
}

/* "some avg10=1.23 avg60=..." */
static void check_stalls(struct qn_checks *c)
{
	char *text = qn_file_read("/proc/pressure/memory");
	const char *at = text ? strstr(text, "avg10=") : NULL;
	double percent = at ? strtod(at + 6, NULL) : 0;

	if (percent >= 1)
		qn_checks_add(c, QN_VERDICT_NOTE, "pressure",
			      "Processes stall for memory %.1f %% of the time: "
			      "the machine is short of it, and quern keeps "
			      "less free memory while it is.",
			      percent);
	else if (at)
		qn_checks_add(c, QN_VERDICT_OK, "pressure",
			      "Nothing stalls for memory.");
	free(text);
}

void qn_check_system(struct qn_checks *c, pid_t pid)
{
	check_proc(c);
	check_huge_pages(c);
	check_overcommit(c);
	check_map_count(c);
	check_limit(c, pid, RLIMIT_AS, "RLIMIT_AS");
	check_limit(c, pid, RLIMIT_DATA, "RLIMIT_DATA");
	check_cgroup(c, pid);
	check_stalls(c);
}
