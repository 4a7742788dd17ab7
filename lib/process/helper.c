// SPDX-License-Identifier: MIT
/*
 * helper.c - the life of the thread that gives memory back; see helper.h.
 */
#include "process/helper.h"

#include "port/debug.h"
#include "port/port.h"

static bool state_move(struct qn_helper *h, u32 from, u32 to)
{
	qn_assert(from != QN_HELPER_NEVER && from != to);
	return __atomic_compare_exchange_n(&h->state, &from, to, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

__apart size_t qn_helper_from(const struct qn_knobs *knobs, bool is_young)
{
	size_t from = is_young ? QN_HELPER_FROM_YOUNG : QN_HELPER_FROM;

	if (knobs->price >= QN_PRICE_PRESET)
		return from;
	return max(from / QN_PRICE_PRESET * knobs->price, QN_HELPER_FROM_LEAST);
}

__apart bool qn_helper_sleep(struct qn_helper *h, size_t rest,
			     const struct qn_knobs *knobs)
{
	/* What could not be given back now is no reason to come again */
	WRITE_ONCE(h->from, rest + qn_helper_from(knobs, false));
	if (!state_move(h, QN_HELPER_WORKS, QN_HELPER_SLEEPS))
		return false;
	while (READ_ONCE(h->state) == QN_HELPER_SLEEPS)
		qn_port_wait(&h->state, QN_HELPER_SLEEPS, 0);
	return READ_ONCE(h->state) == QN_HELPER_WORKS;
}

__apart void qn_helper_rest(struct qn_helper *h, u32 heard, u32 ms)
{
	u32 *bell = READ_ONCE(h->bell);

	if (!bell)
		qn_port_wait(&h->state, QN_HELPER_WORKS, ms);
	else if (READ_ONCE(h->state) == QN_HELPER_WORKS)
		qn_port_wait_shared(bell, heard, ms);
}

/* Another state: it is awake, or finds that out before it sleeps */
static __apart void wake(struct qn_helper *h)
{
	u32 *bell = READ_ONCE(h->bell);

	qn_port_wake(&h->state);
	if (!bell)
		return;
	__atomic_fetch_add(bell, 1, __ATOMIC_SEQ_CST);
	qn_port_wake_shared(bell);
}

static __apart void start(struct qn_helper *h)
{
	if (!qn_port_trylock(&h->lock))
		return;
	if (state_move(h, QN_HELPER_NONE, QN_HELPER_WORKS)) {
		WRITE_ONCE(h->from, SIZE_MAX);
		if (!qn_port_thread_start(&h->thread, h->run, h->arg))
			WRITE_ONCE(h->state, QN_HELPER_NEVER);
	}
	qn_port_unlock(&h->lock);
}

__apart void qn_helper_call(struct qn_helper *h, size_t reserve,
			    const struct qn_knobs *knobs, bool is_young)
{
	bool may = h->run && knobs->helper;
	size_t from;

	switch (READ_ONCE(h->state)) {
	case QN_HELPER_NONE:
		from = h->is_wanted ? 0 : qn_helper_from(knobs, is_young);
		WRITE_ONCE(h->from,
			   may ? min(from, qn_helper_from(knobs, false)) :
				 SIZE_MAX);
		if (may && reserve >= from &&
		    qn_port_clock_coarse() >= READ_ONCE(h->not_before))
			start(h);
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

/* Handlers of fork() allocate: none begins while one is under way */
static __apart void pause_start(struct qn_helper *h)
{
	WRITE_ONCE(h->not_before, qn_port_clock_coarse() + QN_HELPER_PAUSE_US);
}

__apart void qn_helper_end(struct qn_helper *h, bool for_good)
{
	u32 state = READ_ONCE(h->state);

	pause_start(h);
	/* A signal handler that interrupted start() */
	if (state == QN_HELPER_NEVER || qn_port_holds(&h->lock))
		return;
	if (state == QN_HELPER_NONE && !for_good)
		return;
	qn_port_lock(&h->lock);
	__atomic_store_n(&h->state, QN_HELPER_ENDS, __ATOMIC_SEQ_CST);
	wake(h);
	qn_port_thread_join(&h->thread);
	qn_assert(!h->thread.tid);
	WRITE_ONCE(h->from, for_good ? SIZE_MAX : 0);
	WRITE_ONCE(h->state, for_good ? QN_HELPER_NEVER : QN_HELPER_NONE);
	qn_port_unlock(&h->lock);
}

__apart void qn_helper_fork_child(struct qn_helper *h,
				  const struct qn_knobs *knobs)
{
	h->lock = (struct qn_lock){ 0 };
	h->thread.tid = 0;
	h->bell = NULL;
	if (h->state == QN_HELPER_NEVER)
		return;
	h->state = QN_HELPER_NONE;
	qn_helper_begin(h, knobs);
	pause_start(h);
}
