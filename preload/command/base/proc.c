// SPDX-License-Identifier: MIT
/*
 * proc.c - files whose sizes are not known before they are read.
 */
#define _GNU_SOURCE 1
#include "proc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "fail.h"

/* Mappings of some hundred thousand lines; beyond it nothing is read */
#define MOST_TEXT ((size_t)64 << 20)

/* ---- whole files ---- */

char *qn_file_read(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;
	size_t room = 4096, size = 0;
	ssize_t n = 0;
	char *text;

	if (fd < 0)
		return NULL;
	text = qn_xrealloc(NULL, room);
	while (size < MOST_TEXT &&
	       (n = read(fd, text + size, room - 1 - size)) > 0) {
		size += (size_t)n;
		if (room - size < 2)
			text = qn_xrealloc(text, room *= 2);
	}
	err = errno;
	close(fd);
	text[size] = 0;
	if (n >= 0)
		return text;
	free(text);
	errno = err;
	return NULL;
}

char *qn_proc_read(pid_t pid, const char *name)
{
	char *path = qn_xprintf("/proc/%d/%s", (int)pid, name);
	char *text = qn_file_read(path);
	int err = errno;

	free(path);
	errno = err;
	return text;
}

char *qn_proc_link(pid_t pid, const char *name)
{
	char *path = qn_xprintf("/proc/%d/%s", (int)pid, name), to[PATH_MAX];
	ssize_t size = readlink(path, to, sizeof(to) - 1);
	int err = errno;

	free(path);
	errno = err;
	if (size < 0)
		return NULL;
	to[size] = 0;
	return qn_xprintf("%s", to);
}

char *qn_maps_find(const char *maps, const char *name)
{
	const char *at = strstr(maps, name), *begin = at, *end;

	if (!at)
		return NULL;
	while (begin > maps && begin[-1] != '\n')
		begin--;
	end = at + strcspn(at, "\n");
	begin = memchr(begin, '/', (size_t)(end - begin));
	return begin ? qn_xprintf("%.*s", (int)(end - begin), begin) : NULL;
}

/* ---- looks that must not cost much ---- */

bool qn_proc_peek(pid_t pid, const char *name, char *text, size_t size)
{
	ssize_t n, at = 0;
	char path[80];
	int fd;

	*text = 0;
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	while ((n = read(fd, text + at, size - 1 - (size_t)at)) > 0)
		at += n;
	close(fd);
	text[at] = 0;
	return n >= 0;
}

u64 qn_proc_resident(pid_t pid)
{
	unsigned long long pages = 0;
	char text[128];

	if (!qn_proc_peek(pid, "statm", text, sizeof(text)) ||
	    sscanf(text, "%*u %llu", &pages) != 1)
		return 0;
	return pages * (u64)sysconf(_SC_PAGESIZE);
}

/* The program's name, in parentheses, may hold anything */
bool qn_proc_stat(pid_t pid, struct qn_proc_stat *s)
{
	unsigned long long minor, major, ticks, pages;
	char text[1024], state;
	const char *at;

	*s = (struct qn_proc_stat){ 0 };
	if (!qn_proc_peek(pid, "stat", text, sizeof(text)))
		return false;
	at = strrchr(text, ')');
	if (!at || sscanf(at,
			  ") %c %*d %*d %*d %*d %*d %*u %llu %*u %llu %*u %*u "
			  "%*u %*d %*d %*d %*d %*d %*d %llu %*u %llu",
			  &state, &minor, &major, &ticks, &pages) != 5)
		return false;
	s->state = state;
	s->faults = minor + major;
	s->start_ticks = ticks;
	s->resident = pages * (u64)sysconf(_SC_PAGESIZE);
	return true;
}
