// SPDX-License-Identifier: MIT
/*
 * posix.c - the port to Linux.
 *
 * System calls and the vDSO's clock only: nothing here allocates, takes a lock of
 * libc or leaves a trace in errno.
 */
#include <errno.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/random.h>
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

enum {
	UNLOCKED,
	LOCKED,
	CONTENDED
};

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

static void futex(u32 *word, int op, u32 value)
{
	qn_sys6(SYS_futex, (long)word, op, (long)value, 0, 0, 0);
}

static noinline __cold void lock_contended(u32 *word)
{
	/* The holder may be about to leave: try a little before sleeping */
	for (int i = 0; i < 64; i++) {
		u32 old = UNLOCKED;

		if (__atomic_compare_exchange_n(word, &old, LOCKED, false,
						__ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return;
	}
	/* Pairs with the release in qn_port_unlock() */
	while (__atomic_exchange_n(word, CONTENDED, __ATOMIC_ACQUIRE) !=
	       UNLOCKED)
		futex(word, FUTEX_WAIT_PRIVATE, CONTENDED);
}

void qn_port_lock(struct qn_lock *lock)
{
	u32 old = UNLOCKED;

	if (is_forker())
		return;
	/* Pairs with the release in qn_port_unlock() */
	if (!__atomic_compare_exchange_n(&lock->word, &old, LOCKED, false,
					 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		lock_contended(&lock->word);
}

bool qn_port_trylock(struct qn_lock *lock)
{
	u32 old = UNLOCKED;

	if (is_forker())
		return true;
	/* Pairs with the release in qn_port_unlock() */
	return __atomic_compare_exchange_n(&lock->word, &old, LOCKED, false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

void qn_port_unlock(struct qn_lock *lock)
{
	if (is_forker())
		return;
	if (__atomic_exchange_n(&lock->word, UNLOCKED, __ATOMIC_RELEASE) ==
	    CONTENDED)
		futex(&lock->word, FUTEX_WAKE_PRIVATE, 1);
}

u64 qn_port_clock_coarse(void)
{
	struct timespec ts = { 0 };

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return (u64)ts.tv_sec * 1000000 + (u64)ts.tv_nsec / 1000;
}

/*
 * The first look is the start of the process, and in many the only one: not
 * through libc, which would make 64 KB of it resident for that. The vDSO is four
 * times as fast as the system call.
 */
u64 qn_port_clock(void)
{
	static bool again;
	struct timespec ts = { 0 };

	if (READ_ONCE(again)) {
		clock_gettime(CLOCK_MONOTONIC, &ts);
	} else {
		WRITE_ONCE(again, true);
		qn_sys3(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&ts, 0);
	}
	return (u64)ts.tv_sec * 1000000 + (u64)ts.tv_nsec / 1000;
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

void qn_port_write(const char *text, size_t size)
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

void *qn_port_reserve(void *hint, size_t size)
{
	long p = qn_sys6(SYS_mmap, (long)hint, (long)size, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (qn_sys_failed(p))
		return NULL;
	/* A page of a sparse slab must not cost a huge page */
	qn_sys3(SYS_madvise, p, (long)size, MADV_NOHUGEPAGE);
	return (void *)p;
}

int qn_port_commit(void *p, size_t size)
{
	return (int)qn_sys3(SYS_mprotect, (long)p, (long)size,
			    PROT_READ | PROT_WRITE);
}

void qn_port_release(void *p, size_t size)
{
	qn_sys3(SYS_munmap, (long)p, (long)size, 0);
}

int qn_port_purge(void *p, size_t size)
{
	return (int)qn_sys3(SYS_madvise, (long)p, (long)size, MADV_DONTNEED);
}

__apart int qn_port_resident(const void *p, size_t size, unsigned char *in)
{
	return (int)qn_sys3(SYS_mincore, (long)p, (long)size, (long)in);
}

/* Since Linux 5.7. It unmaps what is at @to before it knows that it can go on. */
__apart int qn_port_move(void *to, void *from, size_t size)
{
	const long flags = MREMAP_MAYMOVE | MREMAP_FIXED | QN_MREMAP_DONTUNMAP;
	long r = qn_sys6(SYS_mremap, (long)from, (long)size, (long)size, flags,
			 (long)to, 0);

	if (!qn_sys_failed(r))
		return 0;
	if (qn_sys_failed(qn_sys6(
		    SYS_mmap, (long)to, (long)size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
		    0)))
		return -ENOTRECOVERABLE;
	qn_sys3(SYS_madvise, (long)to, (long)size, MADV_NOHUGEPAGE);
	return (int)r;
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
