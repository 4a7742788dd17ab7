// SPDX-License-Identifier: MIT
/*
 * tree.c - the resident memory of a program and of all processes below it.
 *
 * Processes are found by /proc/PID/task/TID/children. A process that ends during the look
 * is missing from it.
 */
#define _GNU_SOURCE 1
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "command/base/fail.h"
#include "command/base/proc.h"
#include "tree.h"

#define MOST_PROCESSES 512

/* Looks take this part of the time at most */
#define PART_OF_TIME 50

/* Fewer looks say nothing of a mean */
#define LEAST_LOOKS 4

struct family {
	pid_t pids[MOST_PROCESSES];
	u32 nr;
};

/* ---- who belongs to it ---- */

static void add_listed(struct family *f, const char *list)
{
	char *end;
	long pid;

	for (; f->nr < MOST_PROCESSES; list = end) {
		pid = strtol(list, &end, 10);
		if (end == list)
			return;
		f->pids[f->nr++] = (pid_t)pid;
	}
}

static void add_children(struct family *f, pid_t pid)
{
	char path[64], list[4096];
	struct dirent *task;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	tasks = opendir(path);
	while (tasks && (task = readdir(tasks)) != NULL) {
		if (*task->d_name == '.')
			continue;
		snprintf(path, sizeof(path), "task/%.12s/children",
			 task->d_name);
		if (qn_proc_peek(pid, path, list, sizeof(list)))
			add_listed(f, list);
	}
	if (tasks)
		closedir(tasks);
}

static void find_family(struct family *f, pid_t root)
{
	f->nr = 1;
	f->pids[0] = root;
	for (u32 i = 0; i < f->nr; i++)
		add_children(f, f->pids[i]);
}

/* ---- what it has ---- */

/* Behind "@key:" in kilobytes; 0 where it is not there */
static u64 kilobytes(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? strtoull(at + strlen(key), NULL, 10) * 1024 : 0;
}

static u64 proportional_of(pid_t pid)
{
	char text[1024];
	u64 bytes = 0;

	if (qn_proc_peek(pid, "smaps_rollup", text, sizeof(text)))
		bytes = kilobytes(text, "\nPss:");
	return bytes ? bytes : qn_proc_resident(pid);
}

static u64 peak_of(pid_t pid)
{
	char text[1024];

	if (!qn_proc_peek(pid, "status", text, sizeof(text)))
		return 0;
	return kilobytes(text, "\nVmHWM:");
}

static u64 bytes_of(const struct family *f)
{
	u64 bytes = 0;

	if (f->nr == 1)
		return qn_proc_resident(f->pids[0]);
	for (u32 i = 0; i < f->nr; i++)
		bytes += proportional_of(f->pids[i]);
	return bytes;
}

static bool has_loaded(pid_t pid, const char *library)
{
	char *maps = qn_proc_read(pid, "maps");
	bool is_there = maps && strstr(maps, library);

	free(maps);
	return is_there;
}

/* ---- the timeline ---- */

static void halve(struct qn_tree *t)
{
	struct qn_timeline *l = &t->line;

	for (u32 i = 0; 2 * i < l->nr; i++) {
		l->usec[i] = l->usec[2 * i];
		l->bytes[i] = l->bytes[2 * i];
	}
	l->nr = (l->nr + 1) / 2;
	t->stride *= 2;
}

static void note(struct qn_tree *t, u64 usec, u64 bytes)
{
	struct qn_timeline *l = &t->line;

	if (t->nr_looks)
		t->area += (double)(usec - t->last_usec) *
			   ((double)bytes + (double)t->last_bytes) / 2;
	t->last_usec = usec;
	t->last_bytes = bytes;
	t->peak = max(t->peak, bytes);
	t->nr_looks++;
	if (++t->skipped < t->stride)
		return;
	t->skipped = 0;
	l->usec[l->nr] = (u32)(usec - t->begin_usec);
	l->bytes[l->nr++] = bytes;
	if (l->nr == QN_TIMELINE_MOST)
		halve(t);
}

void qn_tree_begin(struct qn_tree *t, const char *library, u64 now_usec)
{
	struct qn_timeline *l = &t->line;

	*t = (struct qn_tree){ .library = library,
			       .begin_usec = now_usec,
			       .stride = 1 };
	l->usec = qn_xrealloc(NULL, QN_TIMELINE_MOST * sizeof(*l->usec));
	l->bytes = qn_xrealloc(NULL, QN_TIMELINE_MOST * sizeof(*l->bytes));
}

/* On a busy machine a look waits for its turn, and that costs the program nothing */
static u64 own_cpu_usec(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (u64)t.tv_sec * 1000000 + (u64)t.tv_nsec / 1000;
}

void qn_tree_look(struct qn_tree *t, u64 now_usec)
{
	u64 bytes, began = own_cpu_usec();
	struct family f;

	if (now_usec < t->next_usec || t->root <= 0)
		return;
	find_family(&f, t->root);
	bytes = bytes_of(&f);
	t->root_peak = max(t->root_peak, peak_of(t->root));
	/* The last process is the one that a script or a shell has become */
	if (t->library && !t->is_loaded)
		t->is_loaded = has_loaded(f.pids[f.nr - 1], t->library);
	if (bytes)
		note(t, now_usec, bytes);
	t->next_usec = now_usec + PART_OF_TIME * (own_cpu_usec() - began);
}

u64 qn_tree_average(const struct qn_tree *t)
{
	u64 usec;

	if (t->nr_looks < LEAST_LOOKS)
		return 0;
	usec = t->last_usec - t->begin_usec -
	       (t->line.nr ? t->line.usec[0] : 0);
	return usec ? (u64)(t->area / (double)usec) : 0;
}

struct qn_timeline qn_tree_take_line(struct qn_tree *t)
{
	struct qn_timeline line = t->line;
	size_t nr = line.nr ? line.nr : 1;

	t->line = (struct qn_timeline){ 0 };
	line.usec = qn_xrealloc(line.usec, nr * sizeof(*line.usec));
	line.bytes = qn_xrealloc(line.bytes, nr * sizeof(*line.bytes));
	return line;
}

void qn_timeline_free(struct qn_timeline *line)
{
	free(line->usec);
	free(line->bytes);
	*line = (struct qn_timeline){ 0 };
}
