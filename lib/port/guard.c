// SPDX-License-Identifier: MIT
/*
 * guard.c - forbidden pages and faults on Linux. Only processes in the hardened mode run this,
 * so it calls libc where that is plainer.
 */
#include "port/guard.h"

#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "port/port.h"
#include "port/sys.h"

static bool (*fault_look)(void *p);
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

/* Nothing of ours: the access is tried again, and ends as it would have */
static __apart void on_fault(int nr, siginfo_t *info,
			     void *context __maybe_unused)
{
	if (fault_look(info->si_addr))
		return;
	sigaction(nr, &before, NULL);
}

__apart void qn_port_on_fault(bool (*look)(void *p))
{
	struct sigaction now = { .sa_sigaction = on_fault,
				 .sa_flags = SA_SIGINFO | SA_ONSTACK };

	fault_look = look;
	sigaction(SIGSEGV, &now, &before);
}
