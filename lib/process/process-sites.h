/* SPDX-License-Identifier: MIT */
/*
 * process-sites.h - what a process does for its call sites.
 *
 * Above sites.h, which counts, and local.h: a stack is taken in the middle of a refill.
 * The process comes here where it starts, forks, and samples a large block.
 */
#ifndef QN_PROCESS_SITES_H
#define QN_PROCESS_SITES_H

#include "base/compiler.h"
#include "process/local.h"

/* A stack is being taken: this thread gets no local */
extern __thread bool qn_process_is_taking
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

/**
 * qn_process_stacks() - how stacks are had, in the middle of the heap's own code
 * @given:	how they are had anywhere, kept
 */
const struct qn_sites_ops *qn_process_stacks(const struct qn_sites_ops *given);

/**
 * qn_process_sites_start() - keep call sites from now on, if there is memory for them
 * @hub:	of the process
 * @ops:	how stacks are had, kept
 *
 * All samples are followed, from the first on: who asks for sites pays for them.
 *
 * Context: as qn_process_start().
 */
void qn_process_sites_start(struct qn_hub *hub, const struct qn_sites_ops *ops);

/**
 * qn_process_sites_map() - the sites lie in the statistics file, if there are any
 * @hub:	of the process
 * @fd:		the file
 * @at:		where in it, a multiple of 64 KB behind the statistics page
 *
 * They stay private if that cannot be.
 */
void qn_process_sites_map(struct qn_hub *hub, int fd, size_t at);

/* A child's are its own: a copy takes the place of what it shares with its parent */
void qn_process_sites_leave(struct qn_hub *hub);

/**
 * qn_process_sites_hold() - a large block is sampled: note its site, and hold it
 * @hub:	of the process
 * @l:		the thread's local
 * @p:		the block
 * @nr:		samples
 *
 * Context: where sites are kept.
 */
void qn_process_sites_hold(struct qn_hub *hub, struct qn_local *l,
			   const void *p, u32 nr);

#endif /* QN_PROCESS_SITES_H */
