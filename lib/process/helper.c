// SPDX-License-Identifier: MIT
/*
 * helper.c - rounds of the thread that gives memory back; see helper.h.
 */
#include "process/helper.h"

#include "port/port.h"
#include "process/hub.h"
#include "process/local.h"

/* It looks so many times in the time that dirty memory is kept, within these bounds */
#define ROUNDS_A_KEEP QN_HELPER_ROUNDS
#define ROUND_LEAST   10u
#define ROUND_MOST    1000u

/* ---- rounds ---- */

/* Threads that allocated nothing lately. Return: whether some did. */
static __apart bool relieve_locals(struct qn_hub *hub)
{
	bool any = false;

	qn_port_lock(&hub->threads);
	for (struct qn_local *l = hub->locals; l; l = l->next)
		any |= !qn_local_idle(l);
	qn_port_unlock(&hub->threads);
	return any;
}

__apart u32 qn_helper_round(struct qn_hub *hub)
{
	u32 keep = qn_resident_keep_ms(&hub->segments.resident);
	bool busy;

	while (qn_segments_purge_old(&hub->segments))
		;
	busy = relieve_locals(hub);
	qn_hub_refresh(hub);
	if (!busy && !READ_ONCE(hub->segments.resident.dirty))
		return 0;
	return min(max(keep / ROUNDS_A_KEEP, ROUND_LEAST), ROUND_MOST);
}

static bool state_move(struct qn_helper *h, u32 from, u32 to)
{
	return __atomic_compare_exchange_n(&h->state, &from, to, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

/* The thread */
static __apart void run(void *arg)
{
	struct qn_hub *hub = arg;
	struct qn_helper *h = &hub->helper;

	qn_port_thread_name("quern-helper");
	while (READ_ONCE(h->state) == QN_HELPER_WORKS) {
		u32 ms = qn_helper_round(hub);

		if (ms) {
			qn_port_wait(&h->state, QN_HELPER_WORKS, ms);
			continue;
		}
		/* What could not be given back now is no reason to come again */
		WRITE_ONCE(h->from, qn_helper_reserve(hub) + QN_HELPER_FROM);
		if (!state_move(h, QN_HELPER_WORKS, QN_HELPER_SLEEPS))
			return;
		while (READ_ONCE(h->state) == QN_HELPER_SLEEPS)
			qn_port_wait(&h->state, QN_HELPER_SLEEPS, 0);
	}
}

/* ---- its life ---- */

size_t qn_helper_reserve(const struct qn_hub *hub)
{
	return READ_ONCE(hub->segments.resident.dirty) +
	       qn_ledger_get(&hub->ledger.class_slab[QN_CLASS_DIRECT]);
}

static __apart bool is_early(struct qn_hub *hub, size_t reserve)
{
	u64 now = qn_port_clock_coarse();

	if (now < READ_ONCE(hub->helper.not_before))
		return true;
	return now - hub->page->start_usec < QN_HELPER_YOUNG_US &&
	       reserve < QN_HELPER_FROM_YOUNG;
}

static __apart void start(struct qn_hub *hub)
{
	struct qn_helper *h = &hub->helper;
	size_t reserve = qn_helper_reserve(hub);

	if (!h->is_allowed || !qn_hub_knobs(hub)->helper) {
		WRITE_ONCE(h->from, SIZE_MAX);
		return;
	}
	WRITE_ONCE(h->from, QN_HELPER_FROM);
	if (reserve < QN_HELPER_FROM || is_early(hub, reserve) ||
	    !qn_port_trylock(&h->lock))
		return;
	if (state_move(h, QN_HELPER_NONE, QN_HELPER_WORKS)) {
		WRITE_ONCE(h->from, SIZE_MAX);
		if (!qn_port_thread_start(&h->thread, run, hub))
			WRITE_ONCE(h->state, QN_HELPER_NEVER);
	}
	qn_port_unlock(&h->lock);
}

__apart void qn_helper_call(struct qn_hub *hub)
{
	struct qn_helper *h = &hub->helper;

	switch (READ_ONCE(h->state)) {
	case QN_HELPER_NONE:
		start(hub);
		return;
	case QN_HELPER_SLEEPS:
		WRITE_ONCE(h->from, SIZE_MAX);
		if (state_move(h, QN_HELPER_SLEEPS, QN_HELPER_WORKS))
			qn_port_wake(&h->state);
		return;
	default:
		WRITE_ONCE(h->from, SIZE_MAX);
	}
}

__apart void qn_helper_end(struct qn_hub *hub, bool for_good)
{
	struct qn_helper *h = &hub->helper;
	u32 state = READ_ONCE(h->state);

	/* A signal handler that interrupted start() */
	if (state == QN_HELPER_NEVER || qn_port_holds(&h->lock))
		return;
	if (state == QN_HELPER_NONE && !for_good)
		return;
	qn_port_lock(&h->lock);
	WRITE_ONCE(h->state, QN_HELPER_ENDS);
	qn_port_wake(&h->state);
	qn_port_thread_join(&h->thread);
	WRITE_ONCE(h->not_before, qn_port_clock_coarse() + QN_HELPER_PAUSE_US);
	WRITE_ONCE(h->from, for_good ? SIZE_MAX : QN_HELPER_FROM);
	WRITE_ONCE(h->state, for_good ? QN_HELPER_NEVER : QN_HELPER_NONE);
	qn_port_unlock(&h->lock);
}

__apart void qn_helper_fork_child(struct qn_hub *hub)
{
	struct qn_helper *h = &hub->helper;

	h->lock = (struct qn_lock){ 0 };
	h->thread.tid = 0;
	if (h->state == QN_HELPER_NEVER)
		return;
	h->state = QN_HELPER_NONE;
	h->not_before = qn_port_clock_coarse() + QN_HELPER_PAUSE_US;
	h->from = 0;
}
