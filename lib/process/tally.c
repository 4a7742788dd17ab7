// SPDX-License-Identifier: MIT
/*
 * tally.c - see tally.h.
 */
#include "process/tally.h"

#include <string.h>

#include "process/local-internal.h"

/* ---- units ---- */

/* Is a local nobody's but ours while hub.threads is held? */
static bool is_at_rest(const struct qn_local *l, const struct qn_local *self)
{
	return l == self || l->state == QN_LOCAL_ORPHAN;
}

/* Another thread may take or give the unit back meanwhile: then it counts or not */
static void add_large(struct qn_tally *t, const struct qn_unit *u)
{
	u8 kind = READ_ONCE(u->kind);
	size_t bytes = 0;

	if (kind == QN_UNIT_LARGE)
		bytes = READ_ONCE(u->bytes);
	else if (kind == QN_UNIT_FENCE && READ_ONCE(u->cut))
		bytes = READ_ONCE(u->fenced);
	if (bytes < QN_TALLY_MAPPED)
		return;
	t->mapped += bytes;
	t->nr_mapped++;
}

/*
 * What the statistics do not know yet of another thread's slab. It goes on meanwhile:
 * at worst this is off by what a slab holds.
 */
static void add_slab_of_other(struct qn_tally *t, const struct qn_unit *u)
{
	s32 used = (s32)READ_ONCE(u->count) + READ_ONCE(u->floor);

	used = min(max(used, 0), (s32)READ_ONCE(u->nr));
	t->untold +=
		(used - (s32)READ_ONCE(u->synced)) * (s64)READ_ONCE(u->osize);
}

static void add_unit(struct qn_tally *t, struct qn_unit *u,
		     const struct qn_local *self)
{
	struct qn_local *owner = READ_ONCE(u->owner);

	if (!owner)
		add_large(t, u);
	else if (is_at_rest(owner, self))
		qn_local_slab_sync(owner, u);
	else
		add_slab_of_other(t, u);
}

static void add_units(struct qn_tally *t, const struct qn_segments *s,
		      const struct qn_local *self)
{
	for (unsigned int i = 0; i < QN_NR_SEGMENTS; i++) {
		const struct qn_segment *seg = &s->space.seg[i];
		size_t nr = READ_ONCE(seg->committed);

		t->usable += nr << QN_UNIT_SHIFT;
		for (size_t j = 0; j < nr; j++) {
			char *p = seg->base + (j << QN_UNIT_SHIFT);
			struct qn_unit *u = qn_segments_find(s, p);

			if (u)
				add_unit(t, u, self);
		}
	}
}

/* ---- locals ---- */

static void add_runs(struct qn_tally *t, const struct qn_medium *m)
{
	for (size_t i = 0; i < QN_MEDIUM_LISTS; i++)
		for (void *p = m->waiting[i]; p; p = qn_link_get(p))
			t->nr_runs++;
	for (unsigned int b = 0; b < QN_NR_BINS; b++)
		for (struct qn_run *run = m->bins.head[b]; run; run = run->next)
			t->nr_runs++;
}

static void add_ready(struct qn_tally *t, struct qn_local *l)
{
	for (unsigned int c = 1; c < QN_NR_CLASSES; c++) {
		for (void *p = *qn_local_head(l, c); p; p = qn_link_get(p))
			t->ready_of[c]++;
		t->nr_ready += t->ready_of[c];
		t->ready += (size_t)t->ready_of[c] * l->class[c].osize;
	}
}

/* Likewise, what another thread has found out and not told */
static void add_other(struct qn_tally *t, const struct qn_local *l)
{
	for (unsigned int c = 1; c < QN_NR_CLASSES; c++)
		t->untold += READ_ONCE(l->class[c].pending_live);
	t->untold += (s64)(qn_medium_used(&l->medium) - l->medium.known);
}

static void add_locals(struct qn_tally *t, struct qn_hub *hub,
		       struct qn_local *self)
{
	for (const struct qn_local *l = hub->locals; l; l = l->next)
		if (l->state == QN_LOCAL_OWNED && l != self)
			add_other(t, l);
	add_ready(t, self);
	add_runs(t, &self->medium);
	qn_local_account(self);
	for (struct qn_local *l = hub->orphans; l; l = l->next_orphan) {
		add_runs(t, &l->medium);
		qn_local_account(l);
	}
}

__apart void qn_tally(struct qn_tally *t, struct qn_hub *hub,
		      struct qn_local *l)
{
	s64 live;

	memset(t, 0, sizeof(*t));
	if (l) {
		qn_local_collect(l);
		qn_port_lock(&hub->threads);
		add_units(t, &hub->segments, l);
		add_locals(t, hub, l);
		qn_port_unlock(&hub->threads);
	}
	qn_hub_refresh(hub);
	live = (s64)READ_ONCE(hub->ledger.live);
	/* The page takes what is ready, or sent back, to be in use */
	if (l)
		live += t->untold - (s64)(t->ready + l->batch_bytes);
	t->live = live > 0 ? (size_t)live : 0;
	t->mapped = min(t->mapped, t->live);
}
