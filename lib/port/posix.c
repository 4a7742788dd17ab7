// SPDX-License-Identifier: MIT
/*
 * posix.c - the port to Linux.
 *
 * System calls and the vDSO's clock only: nothing here allocates, takes a lock of
 * libc or leaves a trace in errno.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "port/port.h"
#include "port/sys.h"

/* MREMAP_DONTUNMAP, which not all headers have; mremap()'s others want _GNU_SOURCE */
#define QN_MREMAP_DONTUNMAP 4
#ifndef MREMAP_MAYMOVE
#define MREMAP_MAYMOVE 1
#define MREMAP_FIXED   2
#endif
/* Since Linux 5.9, by one number on all machines; not all headers have it */
#define QN_SYS_CLOSE_RANGE     436
#define QN_CLOSE_RANGE_UNSHARE 2
/* Since Linux 4.17; a kernel before it takes the address as a hint */
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
/* Purges that are not tried, at most, after one that failed */
#define PURGE_PAUSE 255u

/* The thread between qn_port_fork_begin() and _end(), by the address of its mark */
static __thread char mark __attribute__((tls_model("initial-exec")));
static char *forker;

void qn_port_fork_begin(void)
{
	WRITE_ONCE(forker, &mark);
}

void qn_port_fork_end(void)
{
	WRITE_ONCE(forker, NULL);
}

static bool is_forker(void)
{
	return unlikely(READ_ONCE(forker) == &mark);
}

/*
 * A lock's word is 0, or the number of the thread that holds it, with a bit for others
 * that sleep. It is never without a name: a signal handler of the holder may look.
 */
#define SLEEPERS 1u

u32 qn_port_self(void)
{
	return ((u32)((uintptr_t)&mark >> 4) & ~3u) | 2;
}

static bool lock_try(struct qn_lock *lock, u32 self)
{
	u32 old = 0;

	/* Pairs with the release in qn_port_unlock() */
	return __atomic_compare_exchange_n(&lock->word, &old, self, false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static void futex(u32 *word, int op, u32 value)
{
	qn_sys6(SYS_futex, (long)word, op, (long)value, 0, 0, 0);
}

static __apart void wait(u32 *word, int op, u32 value, u32 ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000l };

	qn_sys6(SYS_futex, (long)word, op, (long)value, ms ? (long)&t : 0, 0,
		0);
}

__apart void qn_port_wait(u32 *word, u32 value, u32 ms)
{
	wait(word, QN_FUTEX_WAIT | QN_FUTEX_PRIVATE, value, ms);
}

__apart void qn_port_wake(u32 *word)
{
	futex(word, QN_FUTEX_WAKE | QN_FUTEX_PRIVATE, INT32_MAX);
}

__apart void qn_port_wait_shared(u32 *word, u32 value, u32 ms)
{
	wait(word, QN_FUTEX_WAIT, value, ms);
}

__apart void qn_port_wake_shared(u32 *word)
{
	futex(word, QN_FUTEX_WAKE, INT32_MAX);
}

static __apart void lock_contended(struct qn_lock *lock, u32 self)
{
	u32 old;

	/* The holder may be about to leave: try a little before sleeping */
	for (int i = 0; i < 64; i++)
		if (lock_try(lock, self))
			return;
	/* Whoever has slept does not know whether others still do */
	while (!lock_try(lock, self | SLEEPERS)) {
		old = READ_ONCE(lock->word);
		if (old && (old & SLEEPERS ||
			    __atomic_compare_exchange_n(
				    &lock->word, &old, old | SLEEPERS, false,
				    __ATOMIC_RELAXED, __ATOMIC_RELAXED)))
			futex(&lock->word, QN_FUTEX_WAIT | QN_FUTEX_PRIVATE,
			      old | SLEEPERS);
	}
}

void qn_port_lock(struct qn_lock *lock)
{
	u32 self = qn_port_self();

	if (!is_forker() && !lock_try(lock, self))
		lock_contended(lock, self);
}

bool qn_port_trylock(struct qn_lock *lock)
{
	return is_forker() || lock_try(lock, qn_port_self());
}

void qn_port_unlock(struct qn_lock *lock)
{
	if (is_forker())
		return;
	if (__atomic_exchange_n(&lock->word, 0, __ATOMIC_RELEASE) & SLEEPERS)
		futex(&lock->word, QN_FUTEX_WAKE | QN_FUTEX_PRIVATE, 1);
}

bool qn_port_holds(const struct qn_lock *lock)
{
	return (READ_ONCE(lock->word) & ~SLEEPERS) == qn_port_self();
}

u64 qn_port_clock_coarse(void)
{
	struct timespec ts = { 0 };

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return (u64)ts.tv_sec * 1000000 + (u64)ts.tv_nsec / 1000;
}

u64 qn_port_clock(void)
{
	struct timespec ts = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * 1000000 + (u64)ts.tv_nsec / 1000;
}

/*
 * The start of the process, and in many the only look: not through libc, which would
 * make 64 KB of it resident for that. The vDSO is four times as fast as the system call.
 */
u64 qn_port_clock_first(void)
{
	struct timespec ts = { 0 };

	qn_sys3(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&ts, 0);
	return (u64)ts.tv_sec * 1000000 + (u64)ts.tv_nsec / 1000;
}

u64 qn_port_thread_ns(void)
{
	struct timespec ts = { 0 };

	qn_sys3(SYS_clock_gettime, CLOCK_THREAD_CPUTIME_ID, (long)&ts, 0);
	return (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
}

static u32 fixed_seed;

void qn_port_seed_fix(u32 seed)
{
	fixed_seed = seed;
}

u32 qn_port_seed(void)
{
	u32 seed = fixed_seed;

	if (seed)
		return seed;
	/* A system without it: what the addresses of the process have of chance */
	if (qn_sys3(SYS_getrandom, (long)&seed, sizeof(seed), GRND_NONBLOCK) !=
	    sizeof(seed))
		seed = (u32)((uintptr_t)&seed >> 4);
	return seed;
}

__apart void qn_port_write(const char *text, size_t size)
{
	while (size > 0) {
		long n = qn_sys3(SYS_write, STDERR_FILENO, (long)text,
				 (long)size);

		if (n <= 0 && n != -EINTR)
			break;
		if (n > 0) {
			text += n;
			size -= (size_t)n;
		}
	}
}

void qn_port_abort(void)
{
	abort();
}

size_t qn_port_page_size(void)
{
	/* Where there is one size only, asking for it costs a page of libc */
#ifdef __x86_64__
	return 4096;
#else
	return getauxval(AT_PAGESZ);
#endif
}

static long map(void *at, size_t size, long flags)
{
	return qn_sys6(QN_SYS_MMAP, (long)at, (long)size,
		       PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1,
		       0);
}

/* At @at, over nothing. Return: 0 or -errno. */
static int map_free(void *at, size_t size)
{
	long p = map(at, size, MAP_FIXED_NOREPLACE);

	if (qn_sys_failed(p))
		return (int)p;
	if (p == (long)at)
		return 0;
	qn_sys3(SYS_munmap, p, (long)size, 0);
	return -EEXIST;
}

/* A page of a sparse slab must not cost a huge page */
static void no_huge(void *p, size_t size)
{
	qn_sys3(SYS_madvise, (long)p, (long)size, MADV_NOHUGEPAGE);
}

void *qn_port_map(void *at, size_t size)
{
	long p = at ? map_free(at, size) : map(NULL, size, 0);

	if (qn_sys_failed(p))
		return NULL;
	at = at ? at : (void *)p;
	no_huge(at, size);
	return at;
}

/*
 * A new mapping becomes one with that before it when both are alike, but it is refused
 * where there are as many as there may be; one that is there may still become longer.
 */
bool qn_port_extend(void *end, size_t size)
{
	size_t page = qn_port_page_size();
	char *last = (char *)end - page;

	if (map_free(end, size) == 0) {
		no_huge(end, size);
		return true;
	}
	return !qn_sys_failed(qn_sys6(SYS_mremap, (long)last, (long)page,
				      (long)(page + size), 0, 0, 0));
}

void qn_port_release(void *p, size_t size)
{
	qn_sys3(SYS_munmap, (long)p, (long)size, 0);
}

/*
 * Where memory is locked, or a sandbox has no madvise(), each free() would ask in vain.
 * Threads may race for these words: then some calls more or less are left out.
 */
int qn_port_purge(void *p, size_t size)
{
	static u32 left, pause;
	static int error;
	int r;

	if (unlikely(READ_ONCE(left))) {
		WRITE_ONCE(left, READ_ONCE(left) - 1);
		return READ_ONCE(error);
	}
	r = (int)qn_sys3(SYS_madvise, (long)p, (long)size, MADV_DONTNEED);
	if (unlikely(r)) {
		WRITE_ONCE(error, r);
		WRITE_ONCE(pause, min(2 * READ_ONCE(pause) + 1, PURGE_PAUSE));
		WRITE_ONCE(left, READ_ONCE(pause));
	} else if (unlikely(READ_ONCE(pause))) {
		WRITE_ONCE(pause, 0);
	}
	return r;
}

/*
 * Since Linux 5.7. It may unmap what is at @to before it knows that it can go on: then
 * that place is free.
 */
__apart int qn_port_move(void *to, void *from, size_t size)
{
	const long flags = MREMAP_MAYMOVE | MREMAP_FIXED | QN_MREMAP_DONTUNMAP;
	long r = qn_sys6(SYS_mremap, (long)from, (long)size, (long)size, flags,
			 (long)to, 0);
	int at_to;

	if (!qn_sys_failed(r))
		return 0;
	at_to = map_free(to, size);
	if (at_to == 0)
		no_huge(to, size);
	return at_to == 0 || at_to == -EEXIST ? (int)r : -ENOTRECOVERABLE;
}

/*
 * The range alone is made eligible, touched, and made ineligible again: a huge page
 * that is there stays, and khugepaged does not put together what was purged. Whether
 * it worked is told by a page that nobody touched.
 */
__apart bool qn_port_make_huge(void *p, size_t size)
{
	long at = (long)p, middle = at + (long)(size / 2);
	unsigned char in = 0;

	if (qn_port_page_size() != 4096 ||
	    qn_sys3(SYS_madvise, at, (long)size, MADV_HUGEPAGE))
		return false;
	*(volatile char *)p = 0;
	if (qn_sys3(SYS_mincore, middle, 4096, (long)&in))
		in = 0;
	qn_sys3(SYS_madvise, at, (long)size, MADV_NOHUGEPAGE);
	return in & 1;
}

/* Whatever lies there, a FIFO say, is not waited for */
__apart long qn_port_read(const char *path, char *text, size_t size)
{
	const long flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	long fd = qn_sys6(SYS_openat, AT_FDCWD, (long)path, flags, 0, 0, 0);
	long n;

	if (fd < 0)
		return fd;
	n = qn_sys3(SYS_read, fd, (long)text, (long)size);
	qn_sys3(SYS_close, fd, 0, 0);
	return n;
}

/* Nothing is copied of what is to be closed, so no file is held open for a moment */
__apart bool qn_port_files_apart(void)
{
	return qn_sys3(QN_SYS_CLOSE_RANGE, 0, UINT_MAX,
		       QN_CLOSE_RANGE_UNSHARE) == 0;
}

__apart u64 qn_port_limit(bool data)
{
	struct {
		u64 soft, hard;
	} limit = { UINT64_MAX, UINT64_MAX };

	qn_sys6(SYS_prlimit64, 0, data ? RLIMIT_DATA : RLIMIT_AS, 0,
		(long)&limit, 0, 0);
	return limit.soft;
}
