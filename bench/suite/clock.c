// SPDX-License-Identifier: MIT
/*
 * clock.c - a clock that goes on by 100 us whenever somebody looks, but for the coarse
 * one, which is not asked what to do next.
 *
 * Linked into, or preloaded with, programs whose instructions are counted: allocators look at
 * the clock to decide when to learn and what to purge, and callgrind, which slows a program
 * down fifty times, would not see the same twice.
 */
#define _GNU_SOURCE 1
#include <time.h>

int clock_gettime(clockid_t id, struct timespec *now)
{
	static unsigned long ticks = 1ul << 40;
	unsigned long at = __atomic_add_fetch(
		&ticks, id != CLOCK_MONOTONIC_COARSE, __ATOMIC_RELAXED);

	now->tv_sec = (time_t)(at / 10000);
	now->tv_nsec = (long)(at % 10000 * 100000);
	return 0;
}
