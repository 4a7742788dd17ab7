// SPDX-License-Identifier: MIT
/*
 * process-life.c - where a process, its heap and its threads begin and end.
 *
 * The heap is made by the first malloc, settings are applied when they are known, and a
 * thread gets a local at its first malloc. What runs in each start must not lie apart.
 * Order in this file: threads, settings, the heap, the process.
 */
#include "process/process-internal.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "process/audit.h"
#include "process/guest.h"
#include "process/idle.h"
#include "process/process-sites.h"

/* Where there is a statistics file, so many mallocs of each thread are counted exactly */
#define EXACT_MALLOCS 4096

struct qn_hub qn_hub;
bool qn_process_is_ready;
static struct qn_lock hub_starting;
static pthread_key_t thread_key;
/* What qn_process_start() was told, or NULL; when that was, and with which seed */
static struct qn_conf settings_copy;
static const struct qn_conf *settings;
static u64 start_usec;
static u32 start_seed;

__thread struct qn_local *qn_self_of_operators = &qn_local_none;
__thread struct qn_local *qn_self_of_sized = &qn_local_none;
static bool operators_left, sized_taken;
/* The thread's destructors have run: it borrows a local for each call */
static __thread bool thread_done __attribute__((tls_model("initial-exec")));

/* ---- threads ---- */

static void self_set(struct qn_local *l)
{
	qn_assert(l);
	qn_self = l;
	qn_self_of_operators = operators_left ? &qn_local_none : l;
	qn_self_of_sized = sized_taken ? l : &qn_local_none;
}

__apart void qn_process_leave_operators(void)
{
	operators_left = true;
	self_set(qn_self);
}

/* Each start calls this: it must not lie apart */
void qn_process_take_sized(void)
{
	sized_taken = true;
	self_set(qn_self);
}

/* The thread has its blocks that lie apart no more */
static __seldom void apart_put(void)
{
	struct qn_local *l = qn_self_apart;

	if (l == &qn_local_none)
		return;
	qn_self_apart = &qn_local_none;
	qn_audit_thread(l);
	qn_local_put(l);
}

static void thread_exit(void *arg)
{
	struct qn_local *l = arg;

	qn_assert(l == qn_self && l->front == &qn_front);
	self_set(&qn_local_none);
	thread_done = true;
	apart_put();
	qn_audit_thread(l);
	qn_local_put(l);
}

noinline struct qn_local *qn_process_self_slow(void)
{
	struct qn_local *l;

	/* Pairs with the release in qn_process_hub_start() */
	if (!smp_load_acquire(&qn_process_is_ready) && !qn_process_hub_start())
		return NULL;
	if (unlikely(qn_process_is_taking))
		return NULL;
	l = qn_local_get(&qn_hub);
	qn_assert(!l || (l->state == QN_LOCAL_OWNED && l->table));
	if (l && !thread_done && !qn_guest_is_on()) {
		qn_front = l->spare;
		l->front = &qn_front;
		self_set(l);
		pthread_setspecific(thread_key, l);
	}
	return l;
}

/* ---- settings ---- */

/* There is a file that others will read: small programs are counted exactly */
static __apart void exact_begin(void)
{
	bool is_new = qn_self == &qn_local_none;

	qn_assert(qn_process_is_ready || qn_port_holds(&hub_starting));
	qn_hub.is_watched = true;
	qn_hub.exact = EXACT_MALLOCS;
	if (qn_hub.page->nr_threads_total > !is_new)
		return;
	/* Of what went before, the counts can be mended; a peak is past */
	qn_hub.page->exact = QN_STATS_EXACT_COUNT;
	if (!is_new) {
		qn_local_exact_begin(qn_self);
		return;
	}
	qn_hub.page->exact |= QN_STATS_EXACT_PEAK;
	qn_hub.notes_peak = true;
}

static enum qn_hard_error on_error(const struct qn_conf *conf)
{
	if (conf->on_error[0] == 'r')
		return QN_HARD_REPORT;
	return conf->on_error[0] == 'i' ? QN_HARD_IGNORE : QN_HARD_ABORT;
}

/* Settings, when there is a hub that they can be applied to */
static void conf_apply(const struct qn_conf *conf)
{
	const struct qn_policy *policy = qn_policy_find(conf->policy);

	qn_hub.conf = *conf;
	if (conf->stats[0])
		exact_begin();
	qn_segments_init(&qn_hub.segments, &qn_hub.conf.knobs, conf->huge);
	qn_helper_begin(&qn_hub.helper, &qn_hub.conf.knobs);
	if (conf->sample)
		qn_hub.sampler.interval = (u32)conf->sample;
	if (conf->tuned[0])
		qn_hub_table_begin(&qn_hub, &qn_policy_tuned);
	if (policy && policy != qn_hub.controller.policy) {
		qn_controller_init(&qn_hub.controller, policy);
		memcpy(qn_hub.page->policy, conf->policy,
		       sizeof(qn_hub.page->policy));
		qn_hub_table_begin(&qn_hub, policy);
	}
	if (qn_self == &qn_local_none)
		return;
	qn_self->sampler.interval = qn_hub.sampler.interval;
	if (conf->stats[0] || conf->sites || !qn_hub.conf.knobs.fence)
		qn_fence_init(&qn_hub, qn_self);
}

/* ---- the heap ---- */

noinline __cold bool qn_process_hub_start(void)
{
	bool ok = true;

	qn_port_lock(&hub_starting);
	if (!qn_process_is_ready) {
		if (start_seed)
			qn_port_seed_fix(start_seed);
		ok = qn_hub_init(&qn_hub) == 0 &&
		     pthread_key_create(&thread_key, thread_exit) == 0;
		if (ok) {
			qn_process_page_init(qn_hub.page, start_usec);
			qn_hub.began = qn_hub.page->start_usec;
		}
		if (ok && settings)
			conf_apply(settings);
		/* Pairs with the acquire in qn_process_self_slow() */
		if (ok)
			smp_store_release(&qn_process_is_ready, true);
	}
	qn_port_unlock(&hub_starting);
	return ok;
}

/* ---- the process ---- */

static pthread_key_t hard_key;

static __apart void thread_keep(void *thread)
{
	pthread_setspecific(hard_key, thread);
}

static __apart int harden(const struct qn_conf *conf)
{
	if (pthread_key_create(&hard_key, qn_hard_thread_exit))
		return -ENOMEM;
	return qn_guest_harden(&qn_hub, (unsigned int)conf->hard,
			       on_error(conf), thread_keep);
}

/*
 * From now on one block in so many is guarded; the countdowns are drawn for it. A service had
 * better go on without.
 */
static __apart void guard_start(const struct qn_conf *conf,
				const struct qn_sites_ops *ops)
{
	static const char text[] __rodata_apart =
		"quern: no address space for what QUERN_CONF=guard: asks for: "
		"no block is guarded\n";

	if (qn_guest_guard(&qn_hub, (u32)conf->guard, on_error(conf),
			   ops ? qn_process_stacks(ops) : NULL))
		qn_port_write(text, sizeof(text) - 1);
	else if (qn_self != &qn_local_none)
		qn_local_resample(qn_self);
}

/* An engine takes over: this thread, the only one, has the empty local again */
static __apart void guest_start(const struct qn_conf *conf,
				const struct qn_engine *engine)
{
	static const char text[] =
		"quern: no address space for what QUERN_CONF=engine: or hard: "
		"asks for\n";
	struct qn_local *l = qn_self;

	if (engine ? qn_guest_start(engine, &qn_hub) : harden(conf)) {
		qn_port_write(text, sizeof(text) - 1);
		_exit(2);
	}
	/* Each block of an engine is accounted by itself; hardened ones some at a time */
	qn_hub.exact = 0;
	qn_hub.notes_peak = false;
	if (qn_hub.is_watched)
		qn_hub.page->exact = QN_STATS_EXACT_COUNT |
				     (engine ? QN_STATS_EXACT_PEAK : 0);
	if (l == &qn_local_none)
		return;
	pthread_setspecific(thread_key, NULL);
	self_set(&qn_local_none);
	qn_local_put(l);
}

/* Somebody wants figures, though none that are exact */
static bool has_readers(const struct qn_conf *conf)
{
	return conf->live || conf->metrics[0] || conf->report[0];
}

/* What most processes do not have */
static __apart void start_rest(const struct qn_conf *conf,
			       const struct qn_sites_ops *stacks,
			       const struct qn_engine *engine)
{
	qn_refusals.goes_on = on_error(conf) != QN_HARD_ABORT;
	qn_refusals.silent = on_error(conf) == QN_HARD_IGNORE;
	if (engine || conf->hard)
		guest_start(conf, engine);
	if (stacks && conf->sites)
		qn_process_sites_start(&qn_hub, stacks);
	if (conf->guard)
		guard_start(conf, stacks);
	if (has_readers(conf))
		qn_process_page_sign(qn_hub.page);
	if (conf->stats[0])
		qn_process_page_publish(conf->stats);
	if (conf->live || conf->metrics[0])
		qn_process_live_start();
}

/*
 * A program that never allocates gets no heap, unless there is a file to write;
 * others at their first malloc(): perhaps in a sandbox by then, which has neither clock
 * nor seed to give.
 */
void qn_process_start(const struct qn_conf *conf,
		      const struct qn_sites_ops *stacks,
		      const struct qn_engine *engine)
{
	bool is_plain = !conf->stats[0] && !stacks && !engine && !conf->hard &&
			!conf->guard && !has_readers(conf) &&
			on_error(conf) == QN_HARD_ABORT;

	settings_copy = *conf;
	settings = &settings_copy;
	start_usec = qn_port_clock_first();
	start_seed = conf->seed ? (u32)conf->seed : qn_port_seed();
	if (qn_process_is_ready)
		conf_apply(conf);
	else if (is_plain || !qn_process_hub_start())
		return;
	if (!is_plain)
		start_rest(conf, stacks, engine);
}

void qn_process_audit(void)
{
	struct qn_local *l = qn_self;

	if (unlikely(qn_guest_is_on()))
		qn_guest_audit();
	else if (qn_process_is_ready)
		qn_audit_process(&qn_hub, l != &qn_local_none ? l : NULL);
}

void qn_process_allow_helper(void)
{
	qn_hub.helper.run = qn_idle_run;
	qn_hub.helper.arg = &qn_hub;
}
