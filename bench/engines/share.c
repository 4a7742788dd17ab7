// SPDX-License-Identifier: MIT
/*
 * share.c - a library to preload: how much of a program's time its heap takes.
 *
 *	SHARE=SYSTEM SHARE_OUT=FILE LD_PRELOAD=.../share.so PROGRAM...
 *
 * SYSTEM is glibc, whose malloc is taken as it is; quern, the heap of libquern.so; or an
 * engine by its name. What each call takes is read from the processor's time stamp. What
 * an engine puts off is done right after the call and counted apart, as if it went on
 * beside the program, and each call is held against it: did it come too early?
 *
 * For programs of one thread; of a program's child processes nothing is counted. At the
 * end FILE gets one line of key=value words, in ticks of the time stamp.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "engine/engine.h"
#include "share.h"

void *__libc_malloc(size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t align, size_t size);
void __libc_free(void *p);

#define SPAN ((size_t)16 << 30)

/**
 * struct share - the process
 * @system:	what serves it
 * @engine:	if that is an engine; @heap its handle
 * @lock:	0 or 1
 * @pid:	the process that is counted
 * @out:	SHARE_OUT
 * @start:	ticks at the start
 * @overhead:	ticks that reading them costs
 * @alloc, @free, @wait, @gap: what was counted
 * @last:	when the latest call returned
 * @put_off:	ticks of the wait that it left; 0: none
 * @nr_early:	calls that came before it would have been over
 */
static struct share {
	enum {
		SHARE_NEW,
		SHARE_GLIBC,
		SHARE_QUERN,
		SHARE_ENGINE
	} system;

	const struct qn_engine *engine;
	void *heap;
	int lock;
	pid_t pid;
	const char *name;
	const char *out;
	u64 start;
	u64 overhead;
	struct share_ticks alloc, free, wait, gap;
	u64 last;
	u64 put_off;
	u64 nr_early;
} share;

static __thread bool is_inside;

/* ---- time ---- */

static __always_inline u64 now(void)
{
#if defined(__x86_64__) || defined(__i386__)
	return __builtin_ia32_rdtsc();
#else
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000000000 + (u64)t.tv_nsec;
#endif
}

static u64 less_overhead(u64 ticks)
{
	return ticks > share.overhead ? ticks - share.overhead : 0;
}

static void find_overhead(void)
{
	u64 least = ~0ull;

	for (int i = 0; i < 1000; i++) {
		u64 from = now();

		least = min(least, now() - from);
	}
	share.overhead = least;
}

/* ---- the start, in the first call of all ---- */

static __attribute__((noreturn)) void give_up(const char *why)
{
	ssize_t n = write(STDERR_FILENO, why, strlen(why));

	(void)n;
	_exit(2);
}

static void start_engine(const char *name)
{
	size_t size = SPAN;
	void *mem;

	share.engine = qn_engine_find(name);
	if (!share.engine)
		give_up("share: SHARE names no system: glibc, quern or an "
			"engine\n");
	if (share.engine->most)
		size = min(size, share.engine->most);
	mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (mem != MAP_FAILED)
		share.heap = share.engine->init(mem, size);
	if (!share.heap)
		give_up("share: no address space for the engine\n");
}

static noinline void start(void)
{
	const char *name = getenv("SHARE");

	share.name = name ? name : "glibc";
	share.out = getenv("SHARE_OUT");
	share.pid = getpid();
	find_overhead();
	if (!strcmp(share.name, "glibc")) {
		share.system = SHARE_GLIBC;
	} else if (!strcmp(share.name, "quern")) {
		share.system = SHARE_QUERN;
	} else {
		start_engine(share.name);
		share.system = SHARE_ENGINE;
	}
	share.start = share.last = now();
}

/* ---- calls ---- */

static void *raw_alloc(size_t align, size_t size)
{
	switch (share.system) {
	case SHARE_ENGINE:
		return align <= QN_ALIGN ?
			       share.engine->alloc(share.heap, size) :
			       share.engine->aligned(share.heap, align, size);
	case SHARE_QUERN:
		return align <= QN_ALIGN ? qn_malloc(size) :
					   qn_memalign(align, size);
	default:
		return align <= QN_ALIGN ? __libc_malloc(size) :
					   __libc_memalign(align, size);
	}
}

static void *raw_resize(void *p, size_t size)
{
	switch (share.system) {
	case SHARE_ENGINE:
		return share.engine->realloc(share.heap, p, size);
	case SHARE_QUERN:
		return qn_realloc(p, size);
	default:
		return __libc_realloc(p, size);
	}
}

static void raw_free(void *p)
{
	if (share.system == SHARE_ENGINE)
		share.engine->free(share.heap, p);
	else if (share.system == SHARE_QUERN)
		qn_free(p);
	else
		__libc_free(p);
}

/* A call begins. Return: does it count? Calls within one do not. */
static bool enter(void)
{
	u64 gap;

	if (is_inside)
		return false;
	is_inside = true;
	while (__atomic_exchange_n(&share.lock, 1, __ATOMIC_ACQUIRE))
		;
	if (unlikely(share.system == SHARE_NEW))
		start();
	gap = less_overhead(now() - share.last);
	share_ticks_add(&share.gap, gap);
	share.nr_early += gap < share.put_off;
	share.put_off = 0;
	return true;
}

static void leave(void)
{
	if (share.engine && share.engine->step) {
		u64 from = now();

		if (share.engine->step(share.heap)) {
			share.put_off = less_overhead(now() - from);
			share_ticks_add(&share.wait, share.put_off);
		}
	}
	__atomic_store_n(&share.lock, 0, __ATOMIC_RELEASE);
	is_inside = false;
	share.last = now();
}

static void *alloc(size_t align, size_t size)
{
	u64 from;
	void *p;

	if (!enter())
		return raw_alloc(align, size);
	from = now();
	p = raw_alloc(align, size);
	share_ticks_add(&share.alloc, less_overhead(now() - from));
	leave();
	if (!p)
		errno = ENOMEM;
	return p;
}

void *malloc(size_t size)
{
	return alloc(1, size);
}

void free(void *p)
{
	u64 from;

	if (!p)
		return;
	if (!enter()) {
		raw_free(p);
		return;
	}
	from = now();
	raw_free(p);
	share_ticks_add(&share.free, less_overhead(now() - from));
	leave();
}

/* What is cleared is the caller's data: it does not count */
void *calloc(size_t n, size_t size)
{
	size_t bytes;
	void *p;

	if (__builtin_mul_overflow(n, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	p = alloc(1, bytes);
	return p ? memset(p, 0, bytes) : NULL;
}

void *realloc(void *p, size_t size)
{
	u64 from;
	void *q;

	if (!p || !enter())
		return p ? raw_resize(p, size) : alloc(1, size);
	from = now();
	q = raw_resize(p, size);
	share_ticks_add(&share.alloc, less_overhead(now() - from));
	leave();
	return q;
}

void *memalign(size_t align, size_t size)
{
	return alloc(align, size);
}

void *aligned_alloc(size_t align, size_t size)
{
	return alloc(align, size);
}

int posix_memalign(void **to, size_t align, size_t size)
{
	void *p = alloc(align, size);

	if (!p)
		return ENOMEM;
	*to = p;
	return 0;
}

/*
 * glibc's own cannot be reached from here. Its word in front of a block has the size
 * and three bits; the second says that the block is a mapping, which loses a word more.
 */
static size_t glibc_usable_size(const void *p)
{
	size_t word = *((const size_t *)p - 1);

	return (word & ~(size_t)7) - (word & 2 ? 2 : 1) * sizeof(size_t);
}

size_t malloc_usable_size(void *p)
{
	if (!p)
		return 0;
	if (share.system == SHARE_ENGINE)
		return share.engine->usable(share.heap, p);
	if (share.system == SHARE_QUERN)
		return qn_malloc_usable_size(p);
	return glibc_usable_size(p);
}

/* ---- the end ---- */

static void print_ticks(int fd, const char *name, const struct share_ticks *t)
{
	dprintf(fd, " %s.nr=%llu %s.sum=%llu %s.median=%llu %s.p999=%llu", name,
		(unsigned long long)t->nr, name, (unsigned long long)t->sum,
		name, (unsigned long long)share_ticks_quantile(t, 500), name,
		(unsigned long long)share_ticks_quantile(t, 999));
}

__attribute__((destructor)) static void finish(void)
{
	u64 all = now() - share.start;
	int fd;

	if (!share.out || share.pid != getpid())
		return;
	is_inside = true;
	fd = open(share.out, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (fd < 0)
		return;
	dprintf(fd, "system=%s all=%llu early=%llu", share.name,
		(unsigned long long)all, (unsigned long long)share.nr_early);
	print_ticks(fd, "alloc", &share.alloc);
	print_ticks(fd, "free", &share.free);
	print_ticks(fd, "wait", &share.wait);
	print_ticks(fd, "gap", &share.gap);
	dprintf(fd, "\n");
	close(fd);
}
