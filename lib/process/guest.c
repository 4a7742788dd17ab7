// SPDX-License-Identifier: MIT
/*
 * guest.c - the memory, the lock and the accounts of an engine that serves a process.
 *
 * Beside what the engine served, the page gets what was asked for and what quern's
 * own table would have served for the same requests: so one run compares the two.
 */
#include "process/guest.h"

#include <errno.h>

#include "base/config.h"

/* Calls between two steps of an engine that puts work off, as in an idle loop */
#define STEP_EVERY 64

struct qn_guest qn_guest;

/* As much address space as there is, in halves of what is wished for */
static int get_memory(struct qn_guest *g, const struct qn_engine *e)
{
	size_t size = (size_t)1 << QN_ENGINE_SPAN_SHIFT;

	if (e->most)
		size = min(size, e->most);
	for (; size >= (size_t)1 << QN_ENGINE_SPAN_LEAST; size /= 2) {
		char *p = qn_port_map(NULL, size);

		if (!p)
			continue;
		g->heap = e->init(p, size);
		if (g->heap) {
			g->mem = p;
			g->size = size;
			return 0;
		}
		qn_port_release(p, size);
	}
	return -ENOMEM;
}

static void note_name(struct qn_stats_engine *page,
		      const struct qn_engine *engine)
{
	size_t i = 0;

	for (; engine->name[i] && i < sizeof(page->name) - 1; i++)
		page->name[i] = engine->name[i];
	page->name[i] = '\0';
}

int qn_guest_start(const struct qn_engine *engine, struct qn_hub *hub)
{
	struct qn_guest *g = &qn_guest;
	int err = get_memory(g, engine);

	if (err)
		return err;
	g->hub = hub;
	/* Nothing is sampled from now on, so this table stays */
	g->table = hub->table;
	note_name(&hub->page->engine, engine);
	hub->page->engine.size = g->size;
	g->engine = engine;
	return 0;
}

__apart int qn_guest_harden(struct qn_hub *hub, unsigned int level,
			    enum qn_hard_error error,
			    void (*keep)(void *thread))
{
	static const struct qn_engine hard = { .name = "hard" };
	int err = qn_hard_start(hub, level, error, keep);

	if (err)
		return err;
	qn_guest.hub = hub;
	qn_guest.size = SIZE_MAX;
	qn_guest.engine = &hard;
	return 0;
}

__apart int qn_guest_guard(struct qn_hub *hub, u32 one_in,
			   enum qn_hard_error error,
			   const struct qn_sites_ops *ops)
{
	int err = qn_trap_start(hub, one_in, error, ops);

	if (err)
		return err;
	qn_guest.mem = qn_trap.base;
	qn_guest.size = qn_trap.size;
	return 0;
}

/* Bytes that a block of quern's own would have for a request */
static size_t served_by_table(const struct qn_table *t, size_t size)
{
	size_t steps = qn_size_steps(size);
	size_t osize = 0;

	if (steps < t->nr_steps)
		osize = qn_table_osize(t, t->map[steps]);
	return osize ? osize : steps * QN_STEP;
}

static void add(u64 *word, u64 more)
{
	WRITE_ONCE(*word, *word + more);
}

static void note_alloc(struct qn_guest *g, const void *p, size_t asked)
{
	struct qn_stats_engine *page = &g->hub->page->engine;
	size_t usable = g->engine->usable(g->heap, p);

	add(&page->asked, asked);
	add(&page->served, usable);
	add(&page->by_table, served_by_table(g->table, asked));
	qn_hub_account_large(g->hub, (s64)usable, 1);
}

static void step(struct qn_guest *g)
{
	if (g->engine->step && g->hub->page->nr_large % STEP_EVERY == 0)
		g->engine->step(g->heap);
}

void *qn_guest_alloc(size_t size, size_t align, size_t *old)
{
	struct qn_guest *g = &qn_guest;
	void *p;

	if (likely(qn_hard_is_on()))
		return qn_hard_alloc(size, align, old);
	*old = size;
	qn_port_lock(&g->lock);
	if (align <= QN_ALIGN)
		p = g->engine->alloc(g->heap, size);
	else
		p = g->engine->aligned(g->heap, align, size);
	if (p) {
		note_alloc(g, p, size);
		step(g);
	}
	qn_port_unlock(&g->lock);
	return p;
}

void *qn_guest_realloc(void *p, size_t size)
{
	struct qn_guest *g = &qn_guest;
	size_t before;
	void *q;

	if (likely(qn_hard_is_on()))
		return qn_hard_realloc(p, size);
	qn_port_lock(&g->lock);
	before = g->engine->usable(g->heap, p);
	q = g->engine->realloc(g->heap, p, size);
	if (q) {
		qn_hub_account_large(g->hub, -(s64)before, 0);
		note_alloc(g, q, size);
	}
	qn_port_unlock(&g->lock);
	return q;
}

bool qn_guest_free(void *p)
{
	struct qn_guest *g = &qn_guest;

	if (likely(qn_hard_is_on()))
		return qn_hard_free(p);
	if (likely(!qn_guest_is_on())) {
		qn_trap_free(p);
		return true;
	}
	qn_port_lock(&g->lock);
	qn_hub_account_large(g->hub, -(s64)g->engine->usable(g->heap, p), 0);
	g->engine->free(g->heap, p);
	qn_port_unlock(&g->lock);
	return true;
}

size_t qn_guest_usable(const void *p)
{
	struct qn_guest *g = &qn_guest;
	size_t usable;

	if (qn_hard_is_on())
		return qn_hard_usable(p);
	if (!qn_guest_is_on()) {
		usable = qn_trap_size(p, "malloc_usable_size");
		return usable == SIZE_MAX ? 0 : usable;
	}
	qn_port_lock(&g->lock);
	usable = g->engine->usable(g->heap, p);
	qn_port_unlock(&g->lock);
	return usable;
}

__seldom bool qn_guest_sized_look(const void *p, size_t size, bool is_exact,
				  const char *where)
{
	if (qn_hard_is_on())
		return qn_hard_sized_look(p, size, where);
	return qn_guest_is_on() || qn_trap_sized_look(p, size, is_exact, where);
}

__apart void qn_guest_audit(void)
{
	if (qn_hard_is_on())
		qn_hard_audit();
}

const char *qn_guest_check(void)
{
	struct qn_guest *g = &qn_guest;
	const char *error = NULL;

	if (!qn_guest_is_on() || qn_hard_is_on())
		return NULL;
	qn_port_lock(&g->lock);
	error = g->engine->check(g->heap);
	qn_port_unlock(&g->lock);
	return error;
}
