// SPDX-License-Identifier: MIT
/*
 * linuxport.c - a Linux kernel as seen through port.h, in the hands of a test.
 *
 * Links: nothing of lib. Tests that use it are linked with this instead of
 * lib/port/posix.c; given before libquern.a it keeps that file out of the program.
 *
 * Address space is handed out of one range that is mapped without access, so a
 * touch of memory that is not there is a fault here too. A byte for each 4 KB says
 * whether it is. What may lie anywhere lies at the lowest address that fits, and a
 * given address stands for one in the range, so runs repeat exactly; a failed purge
 * has already dropped its first page and spoilt the rest, but for what was never written, as
 * port.h allows.
 */
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bits.h"
#include "linuxport.h"
#include "process/slab.h"

#define SHIFT 12
#define UNIT  ((size_t)64 << 10)
#define GB    ((size_t)1 << 30)
#define ARENA (112 * GB)
/* A GB below where a process with this seed begins: see first_segment() */
#define SEED      64
#define ARENA_AT  (((size_t)1 << 44) + (SEED - 1) * GB)
#define NR_PAGES  (ARENA >> SHIFT)
#define MAP_FLAGS (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)

enum {
	PAGE_FREE,
	PAGE_MAPPED,
};

struct linux_port port;

static char *arena;
static unsigned char *pages;
/* Nothing behind it was ever mapped: an emulator looks at each page of what is mapped anew */
static size_t arena_used;

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

static char *arena_map(void)
{
	void *p = mmap((void *)ARENA_AT, ARENA, PROT_NONE, MAP_FLAGS, -1, 0);

	if (p != (void *)ARENA_AT) {
		perror("linuxport: mmap");
		abort();
	}
	return p;
}

void port_reset(size_t page_size)
{
	if (arena_used)
		map(arena, arena_used, PROT_NONE);
	else if (!arena)
		arena = arena_map();
	pages = map(pages, NR_PAGES, PROT_READ | PROT_WRITE);
	memset(&port, 0, sizeof(port));
	port.page_size = page_size;
	port.clock = 3600000000u;
	port.seed = SEED;
	port.limits[0] = port.limits[1] = UINT64_MAX;
}

void port_refuse_all(void)
{
	port_refuse(&port.map, 0, UINT32_MAX);
	port_refuse(&port.extend, 0, UINT32_MAX);
}

void port_grant_all(void)
{
	port_grant(&port.map);
	port_grant(&port.extend);
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

bool port_is_mapped(const void *p, size_t size)
{
	return all_are(p, size, PAGE_MAPPED);
}

static void check_range(const void *p, size_t size)
{
	if (size == 0)
		violated("an empty range");
	if (((uintptr_t)p | size) & (port.page_size - 1))
		violated("not whole pages");
	if (!is_inside(p, size))
		violated("never mapped");
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

/* The highest place for @size bytes, or NULL */
static char *find_place(size_t size)
{
	size_t need = (size + port.skew) >> SHIFT;
	size_t at = NR_PAGES - round_up(need, UNIT >> SHIFT);

	while (need <= NR_PAGES && at < NR_PAGES) {
		const unsigned char *from = pages + at;

		if (!*from && memcmp(from, from + 1, need - 1) == 0)
			return arena + (at << SHIFT) + port.skew;
		at -= UNIT >> SHIFT;
	}
	return NULL;
}

static void set_mapped(char *p, size_t size)
{
	map(p, size, PROT_READ | PROT_WRITE);
	arena_used = max(arena_used, (size_t)(p - arena) + size);
	set_all(p, size, PAGE_MAPPED);
}

void *qn_port_map(void *at, size_t size)
{
	char *p = at;

	if (size == 0 || ((uintptr_t)at | size) & (port.page_size - 1))
		violated("map: not whole pages");
	if (is_refused(&port.map, size))
		return NULL;
	if (!p)
		p = find_place(size);
	else if (port.no_places || !all_are(p, size, PAGE_FREE))
		p = NULL;
	if (p)
		set_mapped(p, size);
	else
		port.map.bytes -= size;
	return p;
}

bool qn_port_extend(void *end, size_t size)
{
	char *p = end;

	if (size == 0 || ((uintptr_t)p | size) & (port.page_size - 1))
		violated("extend: not whole pages");
	if (!port_is_mapped(p - port.page_size, port.page_size))
		violated("extend: nothing ends there");
	if (is_refused(&port.extend, size))
		return false;
	if (port.no_places || !all_are(p, size, PAGE_FREE)) {
		port.extend.bytes -= size;
		return false;
	}
	set_mapped(p, size);
	return true;
}

void qn_port_release(void *p, size_t size)
{
	check_range(p, size);
	if (!port_is_mapped(p, size))
		violated("release: not mapped");
	is_refused(&port.release, size);
	map(p, size, PROT_NONE);
	set_all(p, size, PAGE_FREE);
}

/* Pages that the test chose may be shorter than the system's, which purges whole ones */
static void drop(void *p, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (((uintptr_t)p | size) % page)
		memset(p, 0, size);
	else
		madvise(p, size, MADV_DONTNEED);
}

/* No system makes something of pages that read as zero */
static void spoil(char *p, const char *end)
{
	const size_t page = (size_t)1 << SHIFT;

	for (; p < end; p += page)
		if (!qn_is_zero(p, page))
			memset(p, 0xa5, page);
}

int qn_port_purge(void *p, size_t size)
{
	check_range(p, size);
	if (!port_is_mapped(p, size))
		violated("purge: not mapped");
	if (port.locked)
		return -EINVAL;
	if (is_refused(&port.purge, size)) {
		drop(p, port.page_size);
		spoil((char *)p + port.page_size, (char *)p + size);
		return -EINVAL;
	}
	drop(p, size);
	port.purged[port.nr_purged++ % PORT_PURGES] =
		(struct port_range){ p, size };
	return 0;
}

int qn_port_move(void *to, void *from, size_t size)
{
	check_range(to, size);
	check_range(from, size);
	if (!port_is_mapped(to, size) || !port_is_mapped(from, size))
		violated("move: not mapped");
	memcpy(to, from, size);
	madvise(from, size, MADV_DONTNEED);
	return 0;
}

bool qn_port_make_huge(void *p, size_t size)
{
	check_range(p, size);
	if ((uintptr_t)p % size || size != QN_PORT_HUGE)
		violated("make_huge: not a huge page");
	if (!port_is_mapped(p, size))
		violated("make_huge: not mapped");
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

/* Locks of this port do not know who has them */
bool qn_port_holds(const struct qn_lock *lock)
{
	return READ_ONCE(lock->word);
}

void qn_port_unlock(struct qn_lock *lock)
{
	if (__atomic_exchange_n(&lock->word, 0, __ATOMIC_RELEASE) != 1)
		violated("unlock: not held");
}

u32 qn_port_self(void)
{
	return 1;
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

u64 qn_port_thread_ns(void)
{
	return port.thread_ns += port.thread_step;
}

u64 qn_port_clock_coarse(void)
{
	return qn_port_clock();
}

u64 qn_port_clock_first(void)
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
	char line[512];

	snprintf(line, sizeof(line), "quern: %s(%p): %s; next: %s\n", where, p,
		 what, QN_MISUSE_NEXT);
	return strcmp(line, port.text) == 0;
}

void qn_port_wait(u32 *word, u32 value, u32 ms)
{
	if (READ_ONCE(*word) == value)
		port_sleep_ms(ms);
}

void qn_port_wake(u32 *word)
{
	(void)word;
	port.nr_woken++;
}

void qn_port_wait_shared(u32 *word, u32 value, u32 ms)
{
	qn_port_wait(word, value, ms);
}

void qn_port_wake_shared(u32 *word)
{
	qn_port_wake(word);
}

bool qn_port_thread_start(struct qn_port_thread *t, void (*run)(void *),
			  void *arg)
{
	(void)run;
	(void)arg;
	port.nr_threads++;
	t->tid = port.no_threads ? 0 : port.nr_threads;
	return t->tid != 0;
}

void qn_port_thread_join(struct qn_port_thread *t)
{
	port.nr_joins++;
	t->tid = 0;
}

void qn_port_thread_name(const char *name)
{
	(void)name;
}

long qn_port_read(const char *path, char *text, size_t size)
{
	const struct port_file *f = port.files;
	size_t n;

	port.nr_reads++;
	if (port.read_error)
		return port.read_error;
	while (f && f->path && strcmp(f->path, path))
		f++;
	if (!f || !f->path)
		return -ENOENT;
	n = f->size ? f->size : strlen(f->text);
	n = n < size ? n : size;
	memcpy(text, f->text, n);
	return (long)n;
}

bool qn_port_files_apart(void)
{
	return true;
}

u64 qn_port_limit(bool data)
{
	return port.limits[data];
}
