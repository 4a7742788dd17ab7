/* SPDX-License-Identifier: MIT */
/*
 * resident.h - what a process has resident, for tests that hold it to a bound.
 */
#ifndef QN_TESTS_RESIDENT_H
#define QN_TESTS_RESIDENT_H

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Bytes of anonymous pages. Two kinds of page do not count: pages of files, which the
 * kernel maps by dozens when one is touched, and pages that were only read, which have
 * no memory. Allocates nothing.
 */
static inline size_t resident(void)
{
	char text[4096], *anonymous;
	int fd = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
	ssize_t size = read(fd, text, sizeof(text) - 1);

	if (size <= 0)
		abort();
	close(fd);
	text[size] = '\0';
	anonymous = strstr(text, "Anonymous:");
	if (!anonymous)
		abort();
	return strtoul(anonymous + strlen("Anonymous:"), NULL, 10) * 1024;
}

static inline long resident_mb(void)
{
	return (long)(resident() >> 20);
}

#endif /* QN_TESTS_RESIDENT_H */
