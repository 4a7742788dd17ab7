// SPDX-License-Identifier: MIT
/*
 * helper.c - rounds of the thread that gives memory back; see helper.h.
 */
#include "process/helper.h"

#include "port/port.h"
#include "process/hub.h"
#include "process/local.h"

/* It looks so many times in the time that dirty memory is kept, within these bounds */
#define ROUNDS_A_KEEP 4u
#define ROUND_LEAST   10u
#define ROUND_MOST    1000u

void qn_helper_look(struct qn_hub *hub)
{
	struct qn_helper *h = &hub->helper;
	u32 state = READ_ONCE(h->state);

	if (!h->start || !qn_hub_knobs(hub)->helper)
		return;
	if (state != QN_HELPER_NONE && state != QN_HELPER_SLEEPS)
		return;
	if (READ_ONCE(hub->segments.resident.dirty) >= QN_HELPER_FROM)
		WRITE_ONCE(h->is_wanted, true);
}

static bool state_move(struct qn_helper *h, u32 from, u32 to)
{
	return __atomic_compare_exchange_n(&h->state, &from, to, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

__apart void qn_helper_call(struct qn_hub *hub)
{
	struct qn_helper *h = &hub->helper;

	/* To make a thread allocates, which must not come here again */
	WRITE_ONCE(h->is_wanted, false);
	if (state_move(h, QN_HELPER_SLEEPS, QN_HELPER_WORKS))
		qn_port_wake(&h->state);
	else if (state_move(h, QN_HELPER_NONE, QN_HELPER_WORKS) && !h->start())
		WRITE_ONCE(h->state, QN_HELPER_FAILED);
}

/* Threads that allocated nothing since the last round. Return: whether some did. */
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

__apart void qn_helper_run(struct qn_hub *hub)
{
	struct qn_helper *h = &hub->helper;

	for (;;) {
		u32 ms = qn_helper_round(hub);

		if (ms) {
			qn_port_wait(&h->state, QN_HELPER_WORKS, ms);
			continue;
		}
		WRITE_ONCE(h->state, QN_HELPER_SLEEPS);
		qn_port_wait(&h->state, QN_HELPER_SLEEPS, 0);
		/* Woken by chance, or by a caller */
		state_move(h, QN_HELPER_SLEEPS, QN_HELPER_WORKS);
	}
}

__apart void qn_helper_fork_child(struct qn_hub *hub)
{
	hub->helper.is_wanted = false;
	hub->helper.state = QN_HELPER_NONE;
}
