// SPDX-License-Identifier: MIT
/*
 * process-fork.c - fork(): all locks are taken around it, and the child begins anew.
 *
 * Threads of the parent are gone in the child. Whatever they were in the middle of stays as
 * it was and is never touched again.
 */
#include "process/process-internal.h"

#include <string.h>

#include "process/guest.h"
#include "process/process-sites.h"

/* ---- locks ---- */

__apart struct qn_lock *qn_process_lock(unsigned int i)
{
	switch (i) {
	case 0:
		return &qn_hub.threads;
	case 1:
		return &qn_hub.learn;
	case 2:
		return &qn_hub.follow.lock;
	case 3:
		return &qn_hub.follow.sites.lock;
	case 4:
		return &qn_hub.gauge.lock;
	case 5:
		return &qn_hard.lock;
	case 6:
		return &qn_hub.segments.lock;
	default:
		/* There is one of the two, or none */
		return qn_trap_is_on() ? &qn_trap.lock : &qn_guest.lock;
	}
}

/* In a signal handler: the helper may wait for a lock that this very thread holds */
static __apart bool holds_any(void)
{
	for (unsigned int i = 0; i < QN_PROCESS_LOCKS; i++)
		if (qn_port_holds(qn_process_lock(i)))
			return true;
	return false;
}

__apart void qn_process_end_helper(bool for_good)
{
	if (qn_process_is_ready && !holds_any()) {
		qn_helper_end(&qn_hub.helper, for_good);
		qn_hub_forget_pressure(&qn_hub);
	} else if (for_good)
		qn_hub.helper.run = NULL;
}

/* Of milliseconds: whoever is not at an end by then waits for this thread */
#define PATIENCE 200

/* One past the last lock that this thread holds, in what a signal handler interrupted */
static __apart unsigned int held_end(void)
{
	unsigned int end = QN_PROCESS_LOCKS;

	while (end && !qn_port_holds(qn_process_lock(end - 1)))
		end--;
	return end;
}

/* fork() went on without a lock: its child has none of the heap's threads */
static bool gave_up __bss_apart;

/* Return: false if another thread has it and may be waiting for a lock of this one */
static __apart bool lock_for_fork(struct qn_lock *lock, bool is_early)
{
	u32 word = 0;

	if (!is_early) {
		qn_port_lock(lock);
		return true;
	}
	for (int tries = 0; tries < PATIENCE; tries++) {
		if (qn_port_trylock(lock))
			return true;
		qn_port_wait(&word, 0, 1);
	}
	return false;
}

/*
 * A signal handler may fork() that interrupted this thread in malloc(): what the thread
 * holds then stays as it is, in the child too, where malloc() goes on if the handler
 * returns. So nothing here may need what such a lock guards.
 *
 * Another thread may then have an earlier lock and wait for the one that this thread holds: both
 * would wait for ever. So fork() goes on without a lock that it cannot have in time. In the child
 * that lock stays taken: it may call what a signal handler may call, and exec().
 */
__apart void qn_process_fork_prepare(void)
{
	unsigned int end;
	u64 taken = 0;

	if (!qn_process_is_ready)
		return;
	qn_process_end_helper(false);
	end = held_end();
	gave_up = false;
	for (unsigned int i = 0; i < QN_PROCESS_LOCKS; i++) {
		if (qn_port_holds(qn_process_lock(i)))
			continue;
		if (lock_for_fork(qn_process_lock(i), i < end))
			taken |= (u64)1 << i;
		else
			gave_up = true;
	}
	qn_assert(qn_hub.fork_depth < 64 / QN_PROCESS_LOCKS);
	qn_hub.fork_locks = qn_hub.fork_locks << QN_PROCESS_LOCKS | taken;
	qn_hub.fork_depth++;
	qn_hub.fork_seed = qn_sampler_seed(&qn_hub.sampler);
	qn_port_fork_begin();
}

static __apart void fork_unlock(void)
{
	u64 taken = qn_hub.fork_locks;

	qn_assert(qn_hub.fork_depth > 0);
	if (!--qn_hub.fork_depth)
		qn_port_fork_end();
	qn_hub.fork_locks >>= QN_PROCESS_LOCKS;
	for (unsigned int i = QN_PROCESS_LOCKS; i-- > 0;)
		if (taken >> i & 1)
			qn_port_unlock(qn_process_lock(i));
}

__apart void qn_process_fork_parent(void)
{
	if (qn_process_is_ready)
		fork_unlock();
}

/* ---- the child ---- */

/*
 * Who reads which table: counted anew, unless this thread was at it. A local that is about
 * to lose its thread is an orphan already, and has its table still (qn_local_put()).
 */
static __apart void tables_lost(u32 self)
{
	if (qn_port_holds(&qn_hub.learn))
		return;
	for (unsigned int i = 0; i < QN_NR_TABLES; i++)
		qn_hub.tables[i]->nr_users = 0;
	for (struct qn_local *l = qn_hub.locals; l; l = l->next)
		if (l->thread == self && l->state != QN_LOCAL_LOST && l->table)
			((struct qn_table *)l->table)->nr_users++;
}

/* Threads that are gone may have been in the middle of anything */
static __apart void locals_lost(void)
{
	u32 self = qn_port_self();
	bool lost = false;

	for (struct qn_local *l = qn_hub.locals; l; l = l->next) {
		if (l->thread == self || l->state != QN_LOCAL_OWNED)
			continue;
		l->state = QN_LOCAL_LOST;
		lost = true;
	}
	if (lost)
		tables_lost(self);
}

__apart void qn_process_fork_child(void)
{
	bool stats = qn_hub.conf.stats[0] != '\0', shared;

	if (!qn_process_is_ready)
		return;
	shared = qn_process_live_child() || stats;
	fork_unlock();
	locals_lost();
	if (shared)
		qn_process_page_leave();
	qn_assert(qn_self == &qn_local_none ||
		  qn_self->state == QN_LOCAL_OWNED);
	qn_process_sites_leave(&qn_hub);
	qn_sites_restart(&qn_hub.follow.sites);
	qn_hub.page->sites_at = 0;
	if (qn_self->exact)
		qn_local_account_end(qn_self);
	if (qn_self_apart->exact)
		qn_local_account_end(qn_self_apart);
	qn_process_page_restart(qn_hub.page);
	qn_process_page_init(qn_hub.page, 0);
	qn_hub.began = qn_hub.page->start_usec;
	qn_hub_fork_child(&qn_hub);
	if (qn_self != &qn_local_none)
		qn_local_fork_child(qn_self);
	if (qn_self_apart != &qn_local_none)
		qn_local_fork_child(qn_self_apart);
	memcpy(qn_hub.page->policy, qn_hub.conf.policy,
	       sizeof(qn_hub.page->policy));
	if (qn_hub.attend || qn_hub.conf.report[0])
		qn_process_page_sign(qn_hub.page);
	if (stats)
		qn_process_page_publish(qn_hub.conf.stats);
	if (gave_up)
		qn_hub.helper.run = NULL;
	else if (qn_hub.attend)
		qn_process_live_start();
}
