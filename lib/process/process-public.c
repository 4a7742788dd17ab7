// SPDX-License-Identifier: MIT
/*
 * process-public.c - what quern.h shows of the heap of a process.
 */
#include "process/process-internal.h"

#include <errno.h>
#include <string.h>

#include "heap/heap.h"
#include "process/guest.h"

/* ---- the family ---- */

QN_EXPORT void *qn_malloc(size_t size)
{
	return qn_process_malloc(size);
}

QN_EXPORT void qn_free(void *p)
{
	qn_process_free(p);
}

QN_EXPORT void *qn_calloc(size_t n, size_t size)
{
	return qn_process_calloc(n, size);
}

QN_EXPORT void *qn_realloc(void *p, size_t size)
{
	return qn_process_realloc(p, size);
}

QN_EXPORT void *qn_memalign(size_t align, size_t size)
{
	if (!is_power_of_2(align)) {
		errno = EINVAL;
		return NULL;
	}
	return qn_process_memalign(align, size);
}

QN_EXPORT size_t qn_malloc_usable_size(const void *p)
{
	return qn_process_usable_size(p);
}

QN_EXPORT int qn_trim(void)
{
	return qn_process_trim();
}

/* What quern.h asks for with no heap named: this one, wherever it is linked (heap.h) */
__apart int qn_heap_press_process(u32 level)
{
	if (!qn_process_is_ready && !qn_process_hub_start())
		return -ENOMEM;
	if (!qn_hub_knobs(&qn_hub)->pressure)
		return 0;
	qn_gauge_ask(&qn_hub.gauge, &qn_hub.segments.resident, level);
	qn_hub_show_pressure(&qn_hub);
	WRITE_ONCE(qn_hub.has_old, true);
	return 0;
}

/* ---- figures and checks ---- */

QN_EXPORT __apart int qn_stats_get(struct qn_stats *st)
{
	const struct qn_stats_page *page;

	if (!st)
		return -EINVAL;
	page = qn_process_stats();
	memset(st, 0, sizeof(*st));
	if (!page)
		return -ENOMEM;
	st->size = page->used + page->dirty;
	st->metadata = page->metadata;
	st->live = page->live;
	st->peak_live = page->peak_live;
	st->nr_allocs = page->nr_large;
	st->requested = page->large;
	/* Free in chunks of medium blocks */
	st->free = page->classes[QN_CLASS_DIRECT].slab;
	for (unsigned int c = 1; c < QN_NR_CLASSES; c++) {
		const struct qn_stats_class *sc = &page->classes[c];
		u64 objects = sc->osize ? sc->live / sc->osize : 0;

		st->nr_allocs += sc->nr_allocs;
		st->nr_live += objects;
		st->requested += sc->requested ? objects * sc->requested / 16 :
						 sc->live;
		/* Accounted at different times, so one may be ahead */
		st->free += sc->slab - min(sc->slab, sc->live);
	}
	st->requested = min(st->requested, st->live);
	st->internal = st->live - st->requested;
	st->external = st->free;
	st->free += page->dirty;
	st->nr_frees = st->nr_allocs - st->nr_live;
	st->nr_failed = page->nr_failed;
	st->nr_samples = page->nr_samples;
	st->nr_tables = page->generation;
	return 0;
}

QN_EXPORT __apart int qn_check(void)
{
	const char *what = qn_segments_check(&qn_hub.segments);

	if (!what)
		what = qn_follow_check(&qn_hub.follow);
	if (!what)
		what = qn_guest_check();
	if (!what && qn_self != &qn_local_none)
		what = qn_local_check(qn_self);
	if (!what)
		return 0;
	qn_port_write("quern: ", 7);
	qn_port_write(what, strlen(what));
	qn_port_write("\n", 1);
	return -EUCLEAN;
}
