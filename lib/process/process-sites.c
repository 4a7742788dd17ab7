// SPDX-License-Identifier: MIT
/*
 * process-sites.c - what a process does for its call sites: a guard around the taking of
 * a stack, sampled large blocks, the memory of the sites.
 *
 * Few processes ask for sites, so all of it lies apart (preload/libquern.ld). Order in
 * this file: stacks, large blocks, memory.
 */
#include "process/process-sites.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "port/sys.h"

__thread bool qn_process_is_taking;
static const struct qn_sites_ops *sites_given;

/* ---- stacks ---- */

/*
 * Should the unwinder allocate after all, it must not meet this thread's local in the
 * middle of a refill: it has none meanwhile, and what the lists that are ready do not
 * serve is refused.
 */
static __apart unsigned int stack_take(uintptr_t *pcs, unsigned int most)
{
	struct qn_local *l = qn_self;
	int saved = errno;
	unsigned int nr;

	if (qn_process_is_taking)
		return 0;
	qn_process_is_taking = true;
	qn_self = &qn_local_none;
	nr = sites_given->take(pcs, most);
	qn_self = l;
	qn_process_is_taking = false;
	errno = saved;
	return nr;
}

static __apart const char *stack_locate(uintptr_t pc, uintptr_t *base)
{
	return sites_given->locate(pc, base);
}

__apart const struct qn_sites_ops *
qn_process_stacks(const struct qn_sites_ops *given)
{
	static const struct qn_sites_ops guarded = { stack_take, stack_locate };

	sites_given = given;
	return &guarded;
}

/* ---- large blocks ---- */

__apart void qn_process_sites_hold(struct qn_hub *hub, struct qn_local *l,
				   const void *p, u32 nr)
{
	u64 bytes = (u64)nr * l->sampler.interval * qn_hub_direct_part(hub);

	qn_sites_hold(&hub->follow.sites, p,
		      qn_sites_note(&hub->follow.sites, bytes, nr), bytes);
}

/* ---- memory ---- */

static __apart void *map_private(size_t size)
{
	long p = qn_sys6(SYS_mmap, 0, (long)size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p < 0 && p > -4096 ? NULL : (void *)p;
}

__apart void qn_process_sites_start(struct qn_hub *hub,
				    const struct qn_sites_ops *ops)
{
	void *memory = map_private(QN_SITES_BYTES);

	if (!memory)
		return;
	hub->follow.most = UINT32_MAX;
	hub->follow.one_in = 1;
	hub->follow.share = QN_FOLLOW_SHARE_SITES;
	hub->follow.after = 0;
	qn_sites_init(&hub->follow.sites, memory, qn_process_stacks(ops));
	if (qn_self != &qn_local_none)
		qn_local_resample(qn_self);
}

__apart void qn_process_sites_map(struct qn_hub *hub, int fd, size_t at)
{
	struct qn_sites_page *page = hub->follow.sites.page;

	if (!page || qn_sys6(SYS_pwrite64, fd, (long)page, QN_SITES_PAGE_BYTES,
			     (long)at, 0, 0) != (long)QN_SITES_PAGE_BYTES)
		return;
	qn_sys6(SYS_mmap, (long)page, QN_SITES_PAGE_BYTES,
		PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, (long)at);
	WRITE_ONCE(hub->page->sites_at, (u32)at);
}

__apart void qn_process_sites_leave(struct qn_hub *hub)
{
	struct qn_sites_page *page = hub->follow.sites.page;
	void *copy = page ? map_private(QN_SITES_PAGE_BYTES) : NULL;

	if (!copy) {
		hub->follow.sites.page = NULL;
		return;
	}
	memcpy(copy, page, sizeof(*page));
	qn_sys6(SYS_mmap, (long)page, QN_SITES_PAGE_BYTES,
		PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		-1, 0);
	memcpy(page, copy, sizeof(*page));
	qn_sys3(SYS_munmap, (long)copy, QN_SITES_PAGE_BYTES, 0);
}
