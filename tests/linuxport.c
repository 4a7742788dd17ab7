// SPDX-License-Identifier: MIT
/*
 * linuxport.c - a Linux kernel as seen through port.h, in the hands of a test.
 *
 * Links: nothing of lib. Tests that use it are linked with this instead of
 * lib/port/posix.c; given before libquern.a it keeps that file out of the program.
 *
 * Address space is handed out of one range that is mapped without access, so a
 * touch of memory that is not committed is a fault here too. A byte for each 4 KB
 * says what the page is. Reservations are placed at the lowest address that fits,
 * so runs repeat exactly; a failed purge has already dropped its first page and
 * spoilt the rest, as port.h allows.
 */
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "linuxport.h"

#define SHIFT     12
#define UNIT      ((size_t)64 << 10)
#define ARENA     ((size_t)72 << 30)
#define NR_PAGES  (ARENA >> SHIFT)
#define MAP_FLAGS (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)

enum {
	PAGE_FREE,
	PAGE_RESERVED,
	PAGE_COMMITTED,
};

struct linux_port port;

static char *arena;
static unsigned char *pages;

static void __attribute__((noreturn)) violated(const char *what)
{
	fprintf(stderr, "linuxport: precondition of port.h broken: %s\n", what);
	abort();
}

static void *map(void *at, size_t size, int prot)
{
	void *p = mmap(at, size, prot, MAP_FLAGS | (at ? MAP_FIXED : 0), -1, 0);

	if (p == MAP_FAILED) {
		perror("linuxport: mmap");
		abort();
	}
	return p;
}

void port_reset(size_t page_size)
{
	if (!arena) {
		arena = map(NULL, ARENA + UNIT, PROT_NONE);
		arena = (char *)round_up((uintptr_t)arena, UNIT);
	} else {
		map(arena, ARENA, PROT_NONE);
	}
	pages = map(pages, NR_PAGES, PROT_READ | PROT_WRITE);
	memset(&port, 0, sizeof(port));
	port.page_size = page_size;
	port.clock = 3600000000u;
	port.seed = 1;
}

/* ---- the books ---- */

static size_t page_of(const void *p)
{
	return (size_t)((const char *)p - arena) >> SHIFT;
}

static bool is_inside(const void *p, size_t size)
{
	size_t at = (size_t)((const char *)p - arena);

	return size <= ARENA && at <= ARENA - size;
}

static bool all_are(const void *p, size_t size, unsigned char state)
{
	const unsigned char *from = pages + page_of(p);
	size_t nr = size >> SHIFT;

	if (!is_inside(p, size))
		return false;
	return nr == 0 ||
	       (*from == state && memcmp(from, from + 1, nr - 1) == 0);
}

static void set_all(const void *p, size_t size, unsigned char state)
{
	memset(pages + page_of(p), state, size >> SHIFT);
}

bool port_is_committed(const void *p, size_t size)
{
	return all_are(p, size, PAGE_COMMITTED);
}

bool port_is_reserved(const void *p, size_t size)
{
	return is_inside(p, size) &&
	       !memchr(pages + page_of(p), PAGE_FREE, size >> SHIFT);
}

static void check_range(const void *p, size_t size)
{
	if (size == 0)
		violated("an empty range");
	if (((uintptr_t)p | size) & (port.page_size - 1))
		violated("not whole pages");
	if (!is_inside(p, size))
		violated("never reserved");
}

static bool is_refused(struct port_call *call, size_t size)
{
	unsigned int nr = call->fail_nr ? call->fail_nr : 1;

	call->nr++;
	if (call->fail_at && call->nr >= call->fail_at &&
	    call->nr - call->fail_at < nr)
		return true;
	if (call->most && size > call->most)
		return true;
	call->bytes += size;
	return false;
}

/* ---- memory ---- */

/* The lowest place for @size bytes, or NULL */
static char *find_place(size_t size)
{
	size_t need = (size + port.skew) >> SHIFT;
	size_t at = 0;

	while (at + need <= NR_PAGES) {
		const unsigned char *from = pages + at;

		if (!*from && memcmp(from, from + 1, need - 1) == 0)
			return arena + (at << SHIFT) + port.skew;
		at += UNIT >> SHIFT;
	}
	return NULL;
}

void *qn_port_reserve(void *hint, size_t size)
{
	char *p = hint;

	if (size == 0 || size & (port.page_size - 1))
		violated("reserve: not whole pages");
	if (is_refused(&port.reserve, size))
		return NULL;
	if (!p || port.no_hints || (uintptr_t)p & (port.page_size - 1) ||
	    !all_are(p, size, PAGE_FREE)) {
		/* A gap in front, or the place may be the one asked for */
		size_t gap = port.no_hints ? UNIT : 0;

		p = find_place(size + gap);
		p = p ? p + gap : NULL;
	}
	if (p)
		set_all(p, size, PAGE_RESERVED);
	return p;
}

int qn_port_commit(void *p, size_t size)
{
	check_range(p, size);
	if (!all_are(p, size, PAGE_RESERVED))
		violated("commit: not reserved, or committed already");
	if (is_refused(&port.commit, size))
		return -ENOMEM;
	map(p, size, PROT_READ | PROT_WRITE);
	set_all(p, size, PAGE_COMMITTED);
	return 0;
}

void qn_port_release(void *p, size_t size)
{
	check_range(p, size);
	if (!port_is_reserved(p, size))
		violated("release: not reserved");
	is_refused(&port.release, size);
	map(p, size, PROT_NONE);
	set_all(p, size, PAGE_FREE);
}

int qn_port_purge(void *p, size_t size)
{
	check_range(p, size);
	if (!port_is_committed(p, size))
		violated("purge: not committed");
	if (is_refused(&port.purge, size)) {
		madvise(p, port.page_size, MADV_DONTNEED);
		memset((char *)p + port.page_size, 0xa5, size - port.page_size);
		return -EINVAL;
	}
	madvise(p, size, MADV_DONTNEED);
	port.purged[port.nr_purged++ % PORT_PURGES] =
		(struct port_range){ p, size };
	return 0;
}

int qn_port_resident(const void *p, size_t size, unsigned char *in)
{
	check_range(p, size);
	if (!port_is_committed(p, size))
		violated("resident: not committed");
	if (is_refused(&port.resident, size))
		return -ENOMEM;
	/* The kernel's pages may be shorter than the test's */
	for (size_t at = 0; at < size; at += (size_t)1 << SHIFT) {
		unsigned char one = 0;

		if (mincore((char *)p + at, (size_t)1 << SHIFT, &one))
			return -errno;
		if (at % port.page_size == 0)
			in[at / port.page_size] = 0;
		in[at / port.page_size] |= one & 1;
	}
	return 0;
}

bool qn_port_make_huge(void *p, size_t size)
{
	check_range(p, size);
	if ((uintptr_t)p % size || size != QN_PORT_HUGE)
		violated("make_huge: not a huge page");
	if (!port_is_committed(p, size))
		violated("make_huge: not committed");
	*(volatile char *)p = 0;
	return !is_refused(&port.huge, size);
}

size_t qn_port_page_size(void)
{
	return port.page_size;
}

/* ---- locks ---- */

bool qn_port_trylock(struct qn_lock *lock)
{
	u32 old = 0;

	return __atomic_compare_exchange_n(&lock->word, &old, 1, false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

void qn_port_lock(struct qn_lock *lock)
{
	while (!qn_port_trylock(lock)) {
		if (!port.threads)
			violated("lock: held already");
		sched_yield();
	}
}

void qn_port_unlock(struct qn_lock *lock)
{
	if (__atomic_exchange_n(&lock->word, 0, __ATOMIC_RELEASE) != 1)
		violated("unlock: not held");
}

void qn_port_fork_begin(void)
{
	port.forks++;
}

void qn_port_fork_end(void)
{
	port.forks--;
}

/* ---- the rest ---- */

u64 qn_port_clock(void)
{
	return READ_ONCE(port.clock);
}

u64 qn_port_clock_coarse(void)
{
	return qn_port_clock();
}

u32 qn_port_seed(void)
{
	return port.seed;
}

void qn_port_seed_fix(u32 seed)
{
	port.seed = seed;
}

void qn_port_write(const char *text, size_t size)
{
	size = min(size, sizeof(port.text) - 1 - port.text_size);
	memcpy(port.text + port.text_size, text, size);
	port.text_size += size;
	port.text[port.text_size] = '\0';
}

void qn_port_abort(void)
{
	if (port.trap)
		longjmp(*port.trap, 1);
	fprintf(stderr, "linuxport: stopped: %s", port.text);
	abort();
}

bool port_stops(void (*call)(void *arg), void *arg)
{
	jmp_buf trap;
	volatile bool stopped = true;

	port.text_size = 0;
	port.trap = &trap;
	if (setjmp(trap) == 0) {
		call(arg);
		stopped = false;
	}
	port.trap = NULL;
	return stopped;
}

bool port_said(const char *where, const void *p, const char *what)
{
	char line[256];

	snprintf(line, sizeof(line), "quern: %s(%p): %s\n", where, p, what);
	return strcmp(line, port.text) == 0;
}
