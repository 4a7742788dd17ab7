// SPDX-License-Identifier: MIT
/*
 * local-life.c - how a local gets its thread, loses it, and what it does now and then.
 *
 * Order in this file: tables, a look around, idleness and trimming, distances of samples,
 * life cycle.
 */
#include "process/local-internal.h"

#include <string.h>

#include "quern.h"

/* A thread hands samples in at least once in so many refills */
#define REFILLS_A_LOOK 1024

/* ---- tables ---- */

/* A new table is in use: classes whose size changed start afresh */
static __cold void class_retable(struct qn_local *l)
{
	unsigned int was = l->nr_base, base;

	qn_hub_table_get(l->hub, &l->table);
	base = l->table->nr_base;
	l->nr_base = base;
	/* Those below stay, but for a policy that begins with others */
	if (unlikely(was && was != base))
		base = 0;
	for (unsigned int c = base + 1; c < QN_NR_CLASSES; c++) {
		u32 osize = l->class[c].osize;

		if (osize && osize != qn_table_osize(l->table, c))
			qn_local_class_retire(l, c);
	}
	memcpy(l->front->map, l->table->map, QN_HUB_STEPS);
}

/* ---- a look around ---- */

/* A rise by less is not worth a look at all that is free */
#define PRESSED_STEP (QN_PRESSURE_MOST / 16)

/* Pressure changed: what was within its limits may not be any more */
static __apart noinline void press(struct qn_local *l)
{
	u32 pressure = READ_ONCE(l->hub->segments.resident.pressure);
	bool rose = pressure > l->pressed;

	if (rose && pressure < QN_PRESSURE_MOST &&
	    pressure - l->pressed < PRESSED_STEP)
		return;
	l->pressed = pressure;
	if (!rose)
		return;
	qn_local_sparse_press(l);
	qn_local_medium_press(l);
}

noinline void qn_local_look_around(struct qn_local *l)
{
	if (unlikely(l->table != READ_ONCE(l->hub->table)))
		class_retable(l);
	if (l->batch)
		qn_local_flush_batch(l);
	if (READ_ONCE(l->inbox))
		qn_local_collect(l);
	if (l->nr_refills - l->handed_in >= REFILLS_A_LOOK)
		qn_local_hand_in(l);
	if (unlikely(l->exact))
		qn_local_exact_go_on(l);
	if (READ_ONCE(l->hub->has_old))
		qn_hub_purge_old(l->hub);
	if (unlikely(l->sparse_waits))
		qn_local_sparse_again(l);
	if (unlikely(l->medium.free > QN_CHUNKS_LEAST))
		qn_local_medium_yield(l);
	if (unlikely(READ_ONCE(l->hub->segments.resident.pressure) !=
		     l->pressed))
		press(l);
}

/* ---- idleness ---- */

/* What waits goes back to where it belongs; empty slabs and chunks leave */
static __seldom void local_settle(struct qn_local *l)
{
	qn_local_collect(l);
	qn_local_medium_settle(l);
	for (unsigned int c = 1; c < QN_NR_CLASSES; c++) {
		struct qn_local_class *k = &l->class[c];
		struct qn_unit *u = k->current;

		qn_local_heads_flush(l, c);
		if (u && qn_slab_used(u) == 0) {
			k->current = NULL;
			qn_local_slab_retire(l, k, u);
		} else if (u) {
			qn_local_slab_sync(l, u);
		}
	}
	qn_local_account(l);
}

void qn_local_trim(struct qn_local *l)
{
	local_settle(l);
	qn_local_medium_trim(l);
}

__apart void qn_local_give_all(struct qn_local *l)
{
	struct qn_hub *hub = l->hub;

	qn_local_flush_batch(l);
	qn_local_trim(l);
	qn_port_lock(&hub->threads);
	for (struct qn_local *o = hub->locals; o; o = o->next) {
		if (o->state == QN_LOCAL_ORPHAN)
			qn_local_trim(o);
		else if (o->state == QN_LOCAL_OWNED && o != l)
			qn_local_medium_idle(o);
	}
	qn_port_unlock(&hub->threads);
}

__apart bool qn_local_idle(struct qn_local *l)
{
	u32 seen = READ_ONCE(l->handed_in);

	if (l->state == QN_LOCAL_ORPHAN) {
		if (l->is_trimmed)
			return true;
		l->is_trimmed = true;
		qn_local_trim(l);
		return false;
	}
	l->is_trimmed = false;
	if (l->state != QN_LOCAL_OWNED)
		return true;
	if (l->seen != seen) {
		l->seen = seen;
		l->nr_rounds = 0;
	}
	if (l->nr_rounds < QN_HELPER_ROUNDS) {
		l->nr_rounds++;
		return false;
	}
	qn_local_medium_idle(l);
	return true;
}

/* ---- distances of samples ---- */

noinline u32 qn_local_draw(struct qn_local *l, u32 least, u32 *interval)
{
	if (qn_trap_is_on())
		return qn_trap_draw(&l->sampler, least, interval);
	*interval = l->sampler.interval;
	return qn_sampler_draw(&l->sampler);
}

/*
 * A sequence of distances of its own. Of a countdown that runs nothing is known but that
 * it has not ended, so it may be given up for a new one; all but that of a list that was
 * cut, of which the next refill is the sample. A fork() that interrupted a refill must
 * not make it one either.
 */
static void sampler_begin(struct qn_local *l)
{
	u32 next, interval;

	qn_sampler_init(&l->sampler, READ_ONCE(l->hub->sampler.interval),
			qn_sampler_draw(&l->hub->sampler) ^ (u32)(uintptr_t)l);
	l->nr_forks = l->hub->nr_forks;
	for (unsigned int c = 0; c < QN_NR_CLASSES; c++) {
		struct qn_local_class *k = &l->class[c];

		next = qn_local_draw(l, max(k->osize, (u32)QN_STEP), &interval);
		if (k->until_sample < k->osize)
			continue;
		k->until_sample = max(next, k->osize);
		k->interval = interval;
	}
	l->medium.credit = qn_local_medium_draw(l);
	l->medium.told = l->medium.credit;
}

__apart void qn_local_resample(struct qn_local *l)
{
	qn_local_medium_account(l);
	sampler_begin(l);
}

__apart void qn_local_fork_child(struct qn_local *l)
{
	l->nr_samples = 0;
	l->medium.nr_allocs = 0;
	/* What waits in the lists will be the child's mallocs */
	for (unsigned int c = 0; c < QN_NR_CLASSES; c++)
		l->class[c].pending_allocs = (s32)qn_local_ready(l, c);
	sampler_begin(l);
}

/* ---- life cycle ---- */

static struct qn_local *local_new(struct qn_hub *hub)
{
	struct qn_local *l = qn_hub_meta_alloc(hub, sizeof(*l));

	qn_assert(qn_port_holds(&hub->threads));
	if (!l)
		return NULL;
	l->hub = hub;
	l->patience = qn_hub_knobs(hub)->patience;
	qn_medium_init(&l->medium, &hub->segments, l, hub->page_size);
	sampler_begin(l);
	if (hub->exact)
		qn_local_exact_start(l);
	qn_fence_init(hub, l);
	l->next = hub->locals;
	WRITE_ONCE(hub->locals, l);
	return l;
}

/* What one thread frees another does not know of when it allocates */
static __apart void peak_inexact(struct qn_hub *hub)
{
	WRITE_ONCE(hub->notes_peak, false);
	WRITE_ONCE(hub->page->exact, hub->page->exact & ~QN_STATS_EXACT_PEAK);
}

/* Context: hub.threads held. Return: NULL if there is no memory. */
static struct qn_local *local_adopt(struct qn_hub *hub)
{
	struct qn_local *l = hub->orphans;

	qn_assert(!l || (l->state == QN_LOCAL_ORPHAN && !l->table));
	if (l)
		hub->orphans = l->next_orphan;
	else
		l = local_new(hub);
	if (!l)
		return NULL;
	if (unlikely(l->nr_forks != hub->nr_forks))
		qn_local_fork_child(l);
	l->thread = qn_port_self();
	WRITE_ONCE(l->state, QN_LOCAL_OWNED);
	l->base = hub->segments.space.seg[0].base;
	l->units = (char *)hub->segments.space.seg[0].units;
	l->front = &l->spare;
	qn_local_see_units(l);
	class_retable(l);
	return l;
}

struct qn_local *qn_local_get(struct qn_hub *hub)
{
	struct qn_local *l;

	qn_port_lock(&hub->threads);
	l = local_adopt(hub);
	if (l) {
		qn_stat_add(hub->page->nr_threads, 1);
		qn_stat_add(hub->page->nr_threads_total, 1);
		if (hub->notes_peak && hub->page->nr_threads_total > 1)
			peak_inexact(hub);
	}
	qn_port_unlock(&hub->threads);
	return l;
}

__apart struct qn_local *qn_local_get_apart(struct qn_hub *hub)
{
	struct qn_local *l;

	qn_port_lock(&hub->threads);
	l = local_adopt(hub);
	if (l) {
		l->is_apart = true;
		if (hub->notes_peak)
			peak_inexact(hub);
	}
	qn_port_unlock(&hub->threads);
	return l;
}

/* An orphan's slabs leave when they are empty, the current ones too */
static __seldom void currents_retire(struct qn_local *l)
{
	for (unsigned int c = 1; c < QN_NR_CLASSES; c++) {
		struct qn_local_class *k = &l->class[c];
		struct qn_unit *u = k->current;

		k->current = NULL;
		if (u)
			qn_local_slab_retire(l, k, u);
	}
}

__seldom void qn_local_put(struct qn_local *l)
{
	struct qn_hub *hub = l->hub;

	qn_assert(l != &qn_local_none && l->state == QN_LOCAL_OWNED);
	qn_local_flush_batch(l);
	if (l->nr_samples)
		qn_local_hand_in(l);
	qn_port_lock(&hub->threads);
	__atomic_store_n(&l->state, QN_LOCAL_ORPHAN, __ATOMIC_SEQ_CST);
	local_settle(l);
	currents_retire(l);
	l->front = &l->spare;
	qn_assert(!l->batch);
	/* Nobody may come for it, and tables are few */
	qn_hub_table_put(hub, &l->table);
	l->next_orphan = hub->orphans;
	hub->orphans = l;
	if (likely(!l->is_apart))
		qn_stat_add(hub->page->nr_threads, (u64)-1);
	l->is_apart = false;
	qn_port_unlock(&hub->threads);
}
