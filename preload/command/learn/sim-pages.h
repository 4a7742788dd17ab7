/* SPDX-License-Identifier: MIT */
/*
 * sim-pages.h - which pages of the heap are resident: an account, not a question to the
 * kernel.
 *
 * A bit for each page says that the account knows of it. It comes to know of a page when
 * the sim touches a block, and when it looks at what the core wrote on its own
 * (qn_unit.touched); pages go when the core purges them. The command links the core with
 * its calls of the port wrapped, see quern_LDFLAGS.
 */
#ifndef QN_SIM_PAGES_H
#define QN_SIM_PAGES_H

#include "process/hub.h"

/**
 * struct qn_sim_pages - of this process
 * @hub:	whose memory; NULL: no account is kept
 * @is_real:	purges reach the kernel
 * @known:	by segment: bits of the pages of each unit
 * @nr:		pages resident, those of the heap's own descriptors left out
 * @most:	highest @nr so far
 * @faults:	how many became resident
 * @purges, @purged: calls that gave back, and pages that went
 * @refills, @mediums, @runs: calls beyond the lists of malloc
 */
struct qn_sim_pages {
	const struct qn_hub *hub;
	bool is_real;
	u16 *known[QN_NR_SEGMENTS];
	u64 nr, most;
	u64 faults;
	u64 purges, purged;
	u64 refills, mediums, runs;
};

extern struct qn_sim_pages qn_sim_pages;

/* The account begins: nothing is resident. Context: once in a process. */
void qn_sim_pages_begin(const struct qn_hub *hub, bool is_real);

/* A block is written to: each page of it becomes resident */
void qn_sim_pages_touch(void *p, size_t size);

/* Take note of what the core wrote. Time: a step for each unit in use so far. */
void qn_sim_pages_look(void);

#endif /* QN_SIM_PAGES_H */
