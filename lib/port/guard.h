/* SPDX-License-Identifier: MIT */
/*
 * guard.h - what the hardened mode and guarded samples ask of Linux beside port.h: pages that
 * nobody may touch, the faults of those who do, and a number that nobody can guess.
 *
 * Apart from port.h, since no other heap needs it: a simulated port has no part of it.
 */
#ifndef QN_PORT_GUARD_H
#define QN_PORT_GUARD_H

#include "base/compiler.h"

/**
 * qn_port_secret() - a number that differs from process to process
 *
 * Of the sixteen random bytes that the kernel gives each process. They also make the C library's
 * stack guard, so the result is a mix that does not tell them. Return: not 0.
 */
u64 qn_port_secret(void);

/**
 * qn_port_forbid() - drop the contents of whole pages; whoever touches them faults
 * @p:		page aligned, mapped
 * @size:	bytes, whole pages
 *
 * Return: false if the system has no room for another mapping; then they are as they were.
 */
bool qn_port_forbid(void *p, size_t size);

/* Forbidden pages read as zero, and may be written. Return: false as above. */
bool qn_port_permit(void *p, size_t size);

/*
 * Whole pages that nobody touched become resident at once, for less than a fault each. Linux
 * before 5.14 does nothing.
 */
void qn_port_touch(void *p, size_t size);

/**
 * qn_port_reserve() - address space that nobody may touch, and that costs no memory
 * @size:	bytes, whole pages
 *
 * Return: its start, or NULL.
 */
char *qn_port_reserve(size_t size);

/* Pages of it that are forbidden read as zero from now on. Return: false as above. */
bool qn_port_open(void *p, size_t size);

/* The number of the calling thread, as ps and debuggers have it; a system call */
u32 qn_port_thread_id(void);

/* Does the calling thread run on an alternate stack for signals? A system call. */
bool qn_port_on_small_stack(void);

enum qn_port_access {
	QN_PORT_ACCESS, /* read or write: this processor does not tell */
	QN_PORT_READ,
	QN_PORT_WRITE,
};

/**
 * qn_port_on_fault() - ask @look about each access that the system refuses
 * @look:	told the address, and enum qn_port_access; true: it may be tried again
 *
 * An access of which @look knows nothing ends as it would have done without: in the handler
 * that there was before, or the program's end. A program that sets a handler for SIGSEGV later
 * takes this one's place.
 *
 * Context: once, while there is one thread.
 */
void qn_port_on_fault(bool (*look)(void *p, int how));

#endif /* QN_PORT_GUARD_H */
