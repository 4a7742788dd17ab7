/* SPDX-License-Identifier: MIT */
/*
 * simport.h - how a test steers and reads the simulated port.
 */
#ifndef SIMPORT_H
#define SIMPORT_H

#include <setjmp.h>

#include "port/port.h"

/**
 * struct simport - what was asked of the port
 * @nr_locks, @nr_unlocks: calls
 * @text:	all that was written, terminated; @size bytes
 * @expects_abort: jump to @abort instead of stopping
 * @clock:	the time
 * @fail_in:	let the n-th request for memory from now on fail; 0: none
 */
struct simport {
	unsigned long nr_locks;
	unsigned long nr_unlocks;
	char text[256];
	size_t size;
	bool expects_abort;
	jmp_buf abort;
	u64 clock;
	unsigned int fail_in;
};

extern struct simport simport;

void simport_reset(void);

/* Does @stmt stop the program? What it wrote is in simport.text */
#define simport_stops(stmt)                            \
	({                                             \
		simport_reset();                       \
		simport.expects_abort = true;          \
		if (setjmp(simport.abort) == 0) {      \
			stmt;                          \
			simport.expects_abort = false; \
		}                                      \
		bool stopped_ = simport.expects_abort; \
		simport.expects_abort = false;         \
		stopped_;                              \
	})

#endif /* SIMPORT_H */
