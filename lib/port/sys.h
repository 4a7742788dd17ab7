/* SPDX-License-Identifier: MIT */
/*
 * sys.h - Linux system calls without libc.
 *
 * A wrapper of libc costs more than the call when a program has just started: a
 * look-up by the loader, and up to 64 KB of libc that nobody else has touched.
 * It also writes errno, which malloc and free must leave alone. For posix.c and
 * process-*.c.
 */
#ifndef QN_PORT_SYS_H
#define QN_PORT_SYS_H

#include <sys/syscall.h>

#include "base/compiler.h"

/*
 * Of <linux/futex.h>, which compilers for another C library than the system's do not find:
 * musl-gcc
 */
#define QN_FUTEX_WAIT    0
#define QN_FUTEX_WAKE    1
#define QN_FUTEX_PRIVATE 128

/* On 32-bit machines mmap() has another number, or its arguments elsewhere */
#ifdef SYS_mmap2
#define QN_SYS_MMAP SYS_mmap2
#else
#define QN_SYS_MMAP SYS_mmap
#endif

/**
 * qn_sys6() - a system call
 * @nr:		SYS_...
 * @a, @b, @c, @d, @e, @f: its arguments, 0 for those it does not have
 *
 * Return: its result, or -errno; errno is not touched.
 */
#if defined(__x86_64__)
static __always_inline long qn_sys6(long nr, long a, long b, long c, long d,
				    long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;

	__asm__ volatile("syscall"
			 : "+a"(nr)
			 : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return nr;
}
#elif defined(__aarch64__)
static __always_inline long qn_sys6(long nr, long a, long b, long c, long d,
				    long e, long f)
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
}
#else
#include <errno.h>
#include <unistd.h>

static inline long qn_sys6(long nr, long a, long b, long c, long d, long e,
			   long f)
{
	int saved = errno;
	long result = syscall(nr, a, b, c, d, e, f);

	if (result == -1)
		result = -errno;
	errno = saved;
	return result;
}
#endif

static __always_inline long qn_sys3(long nr, long a, long b, long c)
{
	return qn_sys6(nr, a, b, c, 0, 0, 0);
}

/* Results from here on are errors, also where they are addresses */
static __always_inline bool qn_sys_failed(long result)
{
	return (unsigned long)result > -4096UL;
}

#endif /* QN_PORT_SYS_H */
