// SPDX-License-Identifier: MIT
/*
 * guard.c - forbidden pages and faults on Linux. Only processes in the hardened mode or with
 * guarded samples run this, so it calls libc where that is plainer.
 */
#define _GNU_SOURCE 1
#include "port/guard.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "port/port.h"
#include "port/sys.h"

/* glibc's headers may be older than the kernel */
#define POPULATE_WRITE 23

static bool (*fault_look)(void *p, int how);
static struct sigaction before;

__apart u64 qn_port_secret(void)
{
	const void *random = (const void *)getauxval(AT_RANDOM);
	u64 half[2] = { 0, 0 }, mix;

	if (random)
		memcpy(half, random, sizeof(half));
	mix = half[0] * 0x9e3779b97f4a7c15u + (half[1] ^ half[1] >> 29);
	mix += (u64)qn_port_seed() * 0xc2b2ae3d27d4eb4fu;
	mix = (mix ^ mix >> 31) * 0xbf58476d1ce4e5b9u;
	return mix | 1;
}

static __seldom long map_at(void *p, size_t size, long prot)
{
	const long flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
			   MAP_FIXED;

	return qn_sys6(SYS_mmap, (long)p, (long)size, prot, flags, -1, 0);
}

__seldom bool qn_port_forbid(void *p, size_t size)
{
	return !qn_sys_failed(map_at(p, size, PROT_NONE));
}

/* As qn_port_map() has it, so that it becomes one mapping with its neighbours */
__seldom bool qn_port_permit(void *p, size_t size)
{
	if (qn_sys_failed(map_at(p, size, PROT_READ | PROT_WRITE)))
		return false;
	qn_sys3(SYS_madvise, (long)p, (long)size, MADV_NOHUGEPAGE);
	return true;
}

__seldom void qn_port_touch(void *p, size_t size)
{
	qn_sys3(SYS_madvise, (long)p, (long)size, POPULATE_WRITE);
}

__apart char *qn_port_reserve(size_t size)
{
	const long flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	long p = qn_sys6(QN_SYS_MMAP, 0, (long)size, PROT_NONE, flags, -1, 0);

	return qn_sys_failed(p) ? NULL : (char *)p;
}

__apart bool qn_port_open(void *p, size_t size)
{
	return !qn_sys_failed(qn_sys3(SYS_mprotect, (long)p, (long)size,
				      PROT_READ | PROT_WRITE));
}

__apart u32 qn_port_thread_id(void)
{
	return (u32)qn_sys3(SYS_gettid, 0, 0, 0);
}

/* ---- faults ---- */

__apart bool qn_port_on_small_stack(void)
{
	stack_t stack;

	return !qn_sys3(SYS_sigaltstack, 0, (long)&stack, 0) &&
	       stack.ss_flags & SS_ONSTACK;
}

static __apart int how_accessed(const void *context __maybe_unused)
{
#if defined(__x86_64__) || defined(__i386__)
	const ucontext_t *at = context;

	return at->uc_mcontext.gregs[REG_ERR] & 2 ? QN_PORT_WRITE :
						    QN_PORT_READ;
#else
	return QN_PORT_ACCESS;
#endif
}

/*
 * Nothing of ours: a handler from before is called. Else the access is tried again, and ends as
 * it would have; what was sent is sent again.
 */
static __apart void pass_on(int nr, siginfo_t *info, void *context)
{
	if (before.sa_flags & SA_SIGINFO) {
		before.sa_sigaction(nr, info, context);
	} else if (before.sa_handler != SIG_DFL &&
		   before.sa_handler != SIG_IGN) {
		before.sa_handler(nr);
	} else if (info->si_code > 0 || before.sa_handler == SIG_DFL) {
		sigaction(nr, &before, NULL);
		if (info->si_code <= 0)
			qn_sys3(SYS_tgkill, qn_sys3(SYS_getpid, 0, 0, 0),
				qn_port_thread_id(), nr);
	}
}

static __apart void on_fault(int nr, siginfo_t *info, void *context)
{
	int saved = errno;

	/* What kill() sends has no address */
	if (info->si_code <= 0 ||
	    !fault_look(info->si_addr, how_accessed(context)))
		pass_on(nr, info, context);
	errno = saved;
}

__apart void qn_port_on_fault(bool (*look)(void *p, int how))
{
	struct sigaction now = { .sa_sigaction = on_fault,
				 .sa_flags = SA_SIGINFO | SA_ONSTACK };

	fault_look = look;
	sigaction(SIGSEGV, &now, &before);
}
