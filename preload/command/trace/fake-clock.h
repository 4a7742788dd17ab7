/* SPDX-License-Identifier: MIT */
/*
 * fake-clock.h - the time that the core sees while a trace is replayed.
 *
 * The command links the core with its clocks wrapped: see quern_LDFLAGS. Until
 * qn_fake_clock_set() is called they are the system's.
 */
#ifndef QN_FAKE_CLOCK_H
#define QN_FAKE_CLOCK_H

#include "base/compiler.h"

/* From now on it is so many microseconds since something, for all of the process */
void qn_fake_clock_set(u64 usec);

#endif /* QN_FAKE_CLOCK_H */
