/* SPDX-License-Identifier: MIT */
/*
 * clock.h - the time that runs and calls are measured by.
 */
#ifndef QN_CLOCK_H
#define QN_CLOCK_H

#include <time.h>
#include "base/compiler.h"

/* CLOCK_MONOTONIC in nanoseconds */
static inline u64 qn_clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000000000 + (u64)t.tv_nsec;
}

/* The same in microseconds, as statistics pages have it */
static inline u64 qn_clock_usec(void)
{
	return qn_clock_ns() / 1000;
}

#endif /* QN_CLOCK_H */
