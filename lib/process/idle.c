// SPDX-License-Identifier: MIT
/*
 * idle.c - rounds of the thread that gives memory back; see helper.h.
 */
#include "process/idle.h"

#include "port/debug.h"
#include "port/port.h"
#include "process/control.h"
#include "process/local.h"

/* It looks so many times in the time that dirty memory is kept, within these bounds */
#define ROUNDS_A_KEEP QN_HELPER_ROUNDS
#define ROUND_LEAST   10u
#define ROUND_MOST    1000u
/* With pressure each call of free() purges, and there is little left to do */
#define ROUND_PRESSED 100u

/* Threads that allocated nothing lately. Return: whether some did. */
static __apart bool relieve_locals(struct qn_hub *hub)
{
	bool any = false;

	qn_assert(!qn_port_holds(&hub->threads));
	qn_port_lock(&hub->threads);
	for (struct qn_local *l = hub->locals; l; l = l->next)
		any |= !qn_local_idle(l);
	qn_port_unlock(&hub->threads);
	return any;
}

__apart u32 qn_idle_round(struct qn_hub *hub)
{
	const struct qn_resident *r = &hub->segments.resident;
	u32 keep = qn_resident_keep_ms(r), least;
	bool busy;

	qn_assert(keep <= QN_KEEP_MOST);
	while (qn_segments_purge_old(&hub->segments))
		;
	busy = relieve_locals(hub);
	qn_hub_refresh(hub);
	/* Nobody else sees pressure fall */
	if (!busy && !READ_ONCE(r->dirty) && !READ_ONCE(hub->gauge.read))
		return 0;
	least = READ_ONCE(r->pressure) ? ROUND_PRESSED : ROUND_LEAST;
	return min(max(keep / ROUNDS_A_KEEP, least), ROUND_MOST);
}

/*
 * Files are read without a descriptor that the program could see. From then on the thread
 * has none of its own either, so a message of it is lost.
 */
static __apart void look(struct qn_hub *hub)
{
	u64 now = qn_port_clock();

	if (qn_hub_knobs(hub)->pressure &&
	    qn_gauge_is_worth(&hub->gauge, &hub->segments.resident, now) &&
	    qn_port_files_apart())
		qn_hub_gauge(hub, now);
}

__apart void qn_idle_run(void *arg)
{
	struct qn_hub *hub = arg;
	struct qn_helper *h = &hub->helper;

	qn_port_thread_name("quern-helper");
	while (READ_ONCE(h->state) == QN_HELPER_WORKS) {
		u32 heard = qn_helper_bell(h), most, ms;

		look(hub);
		if (unlikely(qn_control_is_asked(hub)))
			qn_control_answer(hub);
		most = hub->attend ? hub->attend(hub) : 0;
		ms = qn_idle_round(hub);
		if (most)
			ms = ms ? min(ms, most) : most;
		if (ms)
			qn_helper_rest(h, heard, ms);
		else if (!qn_helper_sleep(h, qn_hub_reserve(hub),
					  qn_hub_knobs(hub)))
			return;
	}
}
