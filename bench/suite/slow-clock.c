// SPDX-License-Identifier: MIT
/*
 * slow-clock.c - a clock to preload where callgrind slows a program down: it goes on
 * fifty times more slowly, so that the program sees about the time that a plain run
 * takes. The allocator looks at it to decide when to learn.
 */
#define _GNU_SOURCE 1
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SLOWER 50

int clock_gettime(clockid_t id, struct timespec *now)
{
	static long start;
	long ns, at;

	if (syscall(SYS_clock_gettime, id, now))
		return -1;
	if (id != CLOCK_MONOTONIC && id != CLOCK_MONOTONIC_COARSE)
		return 0;
	at = now->tv_sec * 1000000000l + now->tv_nsec;
	if (!start)
		start = at;
	ns = start + (at - start) / SLOWER;
	now->tv_sec = ns / 1000000000l;
	now->tv_nsec = ns % 1000000000l;
	return 0;
}
