// SPDX-License-Identifier: MIT
/*
 * granules.c - what would serve the sizes that records state.
 *
 * On Linux the core's own table says so. A heap in firmware has blocks of whole granules.
 */
#include "granules.h"

#include <stdlib.h>

#include "command/base/fail.h"
#include "learn/table.h"

/* On Linux: slabs up to SLAB_MOST, then steps, then whole pages from PAGES_LEAST on */
#define SLAB_MOST   1024
#define PAGES_LEAST 32769
#define PAGE        4096
#define STEPS       (SLAB_MOST / QN_STEP + 1)

/* In firmware: granules, two at least */
#define GRANULE       8
#define GRANULE_LEAST 16

/* A size that is asked for less often, in a hundred times, is not worth a class */
#define OWN_SHARE 2

static bool is_firmware(const struct qn_hint_file *f)
{
	return f->ptr_bits == 32;
}

static u64 served_by_process(u64 size)
{
	static union {
		struct qn_table table;
		u8 bytes[sizeof(struct qn_table) + STEPS];
	} t;

	size_t step = qn_size_steps((size_t)size);

	if (!t.table.nr_steps)
		qn_table_init_slabs(&t.table, STEPS);
	if (size >= PAGES_LEAST)
		return round_up(size, (u64)PAGE);
	if (step < STEPS && t.table.map[step])
		return qn_table_osize(&t.table, t.table.map[step]);
	return (u64)step * QN_STEP;
}

u64 qn_granules_served(const struct qn_hint_file *f, u64 size)
{
	if (!is_firmware(f))
		return served_by_process(size);
	return max(round_up(size, (u64)GRANULE), (u64)GRANULE_LEAST);
}

static bool is_constant(const struct qn_hint *h)
{
	return (h->flags & QN_HINT_CONST) && h->size_min == h->size_max;
}

/* Entries come by size, so equal ones are neighbours */
static void add(struct qn_granules *g, const struct qn_hint_file *f,
		const struct qn_hint_entry *e)
{
	struct qn_granule *last = g->nr ? &g->at[g->nr - 1] : NULL;
	u64 served = qn_granules_served(f, e->hint.size_max);

	if (last && last->size == e->hint.size_max) {
		last->weight += e->weight;
		return;
	}
	QN_GROW(g->at, g->nr);
	g->at[g->nr++] = (struct qn_granule){
		.size = e->hint.size_max,
		.served = (u32)min(served, (u64)UINT32_MAX),
		.weight = e->weight,
	};
}

void qn_granules_init(struct qn_granules *g, const struct qn_hint_file *f)
{
	*g = (struct qn_granules){ 0 };
	for (u32 i = 0; i < f->nr; i++) {
		g->weight += f->at[i].weight;
		if (is_constant(&f->at[i].hint))
			add(g, f, &f->at[i]);
	}
	for (u32 i = 0; i < g->nr; i++) {
		struct qn_granule *at = &g->at[i];
		bool is_often = at->weight * 100 >= g->weight * OWN_SHARE;

		at->own_class = is_often && !is_firmware(f) &&
				at->served <= SLAB_MOST &&
				round_up(at->size, 16u) < at->served;
	}
}

void qn_granules_exit(struct qn_granules *g)
{
	free(g->at);
	*g = (struct qn_granules){ 0 };
}

/* What a heap of the target takes itself: QN_HEAP_STATE */
static u64 state_of(const struct qn_hint_file *f)
{
	return is_firmware(f) ? 1536 : 4096;
}

struct qn_hint_fit qn_hint_fit(const struct qn_hint_file *f, u64 bytes)
{
	struct qn_hint_fit fit = { .room = bytes - min(bytes, state_of(f)) };

	for (u32 i = 0; i < f->nr; i++) {
		const struct qn_hint_entry *e = &f->at[i];
		u64 least = qn_granules_served(f, e->hint.size_min);
		u64 most = qn_granules_served(f, e->hint.size_max);

		fit.least = max(fit.least, least);
		fit.once += least * e->nr;
		if (e->hint.size_max == QN_HINT_UNKNOWN) {
			fit.unbounded += e->nr;
			continue;
		}
		fit.most = max(fit.most, most);
		if (most > fit.room)
			fit.over += e->nr;
	}
	return fit;
}
