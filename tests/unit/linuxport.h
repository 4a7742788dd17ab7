/* SPDX-License-Identifier: MIT */
/*
 * linuxport.h - the strings by which tests pull the simulated Linux port.
 *
 * linuxport.c implements lib/port/port.h over one large range of address space
 * that it keeps books of, so that a test decides what the kernel grants, what the
 * clock says and how large a page is. A call that breaks a precondition of
 * port.h stops the test program with a message.
 */
#ifndef QN_TESTS_LINUXPORT_H
#define QN_TESTS_LINUXPORT_H

#include <setjmp.h>
#include <string.h>

#include "port/port.h"

/**
 * struct port_call - one kind of request to the kernel
 * @nr:		calls so far, refused ones included
 * @fail_at:	the number of the first call to refuse, from 1; 0 for none
 * @fail_nr:	how many are refused from there on; 0 is taken as 1
 * @most:	larger requests are refused; 0 for no such limit
 * @bytes:	sum of what was granted
 */
struct port_call {
	unsigned int nr;
	unsigned int fail_at;
	unsigned int fail_nr;
	size_t most;
	size_t bytes;
};

#define PORT_PURGES 64

/**
 * struct port_range - what one call was about
 */
struct port_range {
	char *p;
	size_t size;
};

/* A file, and the text that it has; of @size bytes, 0: up to its terminator */
struct port_file {
	const char *path;
	const char *text;
	size_t size;
};

/**
 * struct linux_port - everything a test can see and set
 * @page_size:	of the simulated machine, 4 KB to 64 KB
 * @clock:	microseconds
 * @thread_ns, @thread_step: of the thread's CPU time; by how much it goes on at each look
 * @seed:	what qn_port_seed() returns
 * @skew:	memory that may lie anywhere begins so many bytes behind a multiple of
 *		64 KB; a multiple of the page size
 * @no_places:	nothing can be had at a given place
 * @locked:	memory is locked: none is purged
 * @threads:	locks may be contended; if false, taking a held lock is an error
 * @map, @extend, @release, @purge, @huge: the requests
 * @purged:	granted purges, number n in slot n % PORT_PURGES
 * @nr_purged:	how many
 * @text, @text_size: what was written, terminated; cut short if it is too much
 * @trap:	where qn_port_abort() jumps to; NULL: it stops the test program
 * @files:	what qn_port_read() finds; up to one without a path
 * @nr_reads:	calls of it
 * @read_error:	what it returns instead, or 0
 * @limits:	of all memory, and of data; UINT64_MAX: none
 * @forks:	calls of qn_port_fork_begin() without their qn_port_fork_end()
 * @nr_woken:	calls of qn_port_wake()
 * @no_threads: there are none to be had
 * @nr_threads, @nr_joins: calls of qn_port_thread_start() and _join(); nothing runs
 */
struct linux_port {
	size_t page_size;
	u64 clock;
	u64 thread_ns;
	u64 thread_step;
	u32 seed;
	size_t skew;
	bool no_places;
	bool locked;
	bool threads;
	struct port_call map, extend, release, purge, huge;
	struct port_range purged[PORT_PURGES];
	unsigned int nr_purged;
	char text[1024];
	size_t text_size;
	jmp_buf *trap;
	int forks;
	unsigned int nr_woken;
	bool no_threads;
	unsigned int nr_threads;
	unsigned int nr_joins;
	const struct port_file *files;
	unsigned int nr_reads;
	int read_error;
	u64 limits[2];
};

extern struct linux_port port;

/**
 * port_reset() - begin anew: nothing mapped, nothing refused, the clock at 1 h
 * @page_size:	of the machine
 */
void port_reset(size_t page_size);

/* Refuse calls number @after + 1 .. @after + @nr from now on */
static inline void port_refuse(struct port_call *call, unsigned int after,
			       unsigned int nr)
{
	call->fail_at = call->nr + after + 1;
	call->fail_nr = nr;
}

/* Grant everything again */
static inline void port_grant(struct port_call *call)
{
	call->fail_at = 0;
	call->most = 0;
}

/* No memory at all; all that there is */
void port_refuse_all(void);
void port_grant_all(void);

static inline void port_sleep_ms(u64 ms)
{
	port.clock += ms * 1000;
}

/* Is all of [@p, @p + @size) mapped? */
bool port_is_mapped(const void *p, size_t size);

/* Was "quern: WHERE(P): WHAT" all that was written? */
bool port_said(const char *where, const void *p, const char *what);

/* Does @call stop the program? Locks that it held are still held then. */
bool port_stops(void (*call)(void *arg), void *arg);

/* @call has to stop the program with this report about @p */
#define assert_misuse(call, arg, where, p, what)         \
	do {                                             \
		if (!port_stops(call, arg))              \
			fail_msg("%s went on", #call);   \
		if (!port_said(where, p, what))          \
			fail_msg("said: %s", port.text); \
	} while (0)

#endif /* QN_TESTS_LINUXPORT_H */
