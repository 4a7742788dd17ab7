// SPDX-License-Identifier: MIT
/*
 * figures.c - what statistics pages say, added up.
 *
 * A page is a snapshot whose words need not agree with each other, so every
 * difference is clamped at 0 instead of being trusted to be positive.
 */
#define _GNU_SOURCE 1
#include <stdlib.h>
#include <string.h>
#include "command/base/fail.h"
#include "figures.h"
#include "command/base/text.h"
#include "quern.h"

static u64 difference(u64 a, u64 b)
{
	return a > b ? a - b : 0;
}

void qn_figures_init(struct qn_figures *f)
{
	memset(f, 0, sizeof(*f));
}

void qn_figures_exit(struct qn_figures *f)
{
	free(f->entries);
	qn_sitelist_exit(&f->sites);
	qn_figures_init(f);
}

void qn_entry_add(struct qn_entry *sum, const struct qn_entry *e)
{
	sum->promoted |= e->promoted;
	sum->nr_allocs += e->nr_allocs;
	sum->bytes += e->bytes;
	sum->live += e->live;
	sum->carved += e->carved;
	sum->peak += e->peak;
	sum->asked += e->asked;
	sum->asked_allocs += e->asked_allocs;
}

struct qn_entry qn_figures_total(const struct qn_figures *f)
{
	struct qn_entry total = { 0 };
	unsigned int i;

	for (i = 0; i < f->nr_entries; i++)
		qn_entry_add(&total, &f->entries[i]);
	return total;
}

static struct qn_entry *find_entry(struct qn_figures *f, u32 osize)
{
	unsigned int i;

	for (i = 0; i < f->nr_entries; i++)
		if (f->entries[i].osize == osize)
			return &f->entries[i];
	return NULL;
}

/* The entry of that object size, made if there is none yet */
static struct qn_entry *get_entry(struct qn_figures *f, u32 osize)
{
	struct qn_entry *e = find_entry(f, osize);

	if (e)
		return e;
	QN_GROW(f->entries, f->nr_entries);
	e = &f->entries[f->nr_entries++];
	memset(e, 0, sizeof(*e));
	e->osize = osize;
	return e;
}

static void add_class(struct qn_figures *f, const struct qn_stats_class *c)
{
	struct qn_entry e = {
		.promoted = c->promoted,
		.nr_allocs = c->nr_allocs,
		.bytes = c->nr_allocs * c->osize,
		.live = c->live,
		.carved = c->slab,
		.peak = max(c->peak_slab, c->slab),
	};

	if (c->requested) {
		e.asked = (double)c->requested * (double)c->nr_allocs;
		e.asked_allocs = c->nr_allocs;
	}
	qn_entry_add(get_entry(f, c->osize), &e);
}

static void add_entries(struct qn_figures *f, const struct qn_stats_page *page)
{
	struct qn_entry direct = {
		.nr_allocs = page->nr_large,
		.bytes = page->large_total,
		.live = page->large,
		.carved = page->large,
		.peak = max(page->peak.large, page->large),
	};
	unsigned int i;

	for (i = 0; i < QN_STATS_CLASSES; i++) {
		if (page->classes[i].osize)
			add_class(f, &page->classes[i]);
		f->nr_allocs += page->classes[i].nr_allocs;
	}
	f->nr_allocs += page->nr_large;
	if (page->nr_large)
		qn_entry_add(get_entry(f, 0), &direct);
}

/* Bytes of each object of the class that nobody asked for, as a share of it */
static double rounding(const struct qn_stats_class *c)
{
	double asked = (double)c->requested / 16;

	if (!c->requested || asked >= c->osize)
		return 0;
	return 1 - asked / c->osize;
}

/*
 * Share of the slabs' live bytes that is rounding, with every class weighted by
 * the bytes that it holds at the end (@at_peak: at most). Classes without samples
 * count like the mean of the others.
 */
static double rounding_of_slabs(const struct qn_stats_page *page, bool at_peak)
{
	double weight = 0, lost = 0, bytes;
	unsigned int i;

	for (i = 0; i < QN_STATS_CLASSES; i++) {
		const struct qn_stats_class *c = &page->classes[i];

		if (!c->osize || !c->requested)
			continue;
		bytes = (double)(at_peak ? max(c->peak_slab, c->slab) :
					   c->live);
		weight += bytes;
		lost += bytes * rounding(c);
	}
	return weight > 0 ? lost / weight : 0;
}

static bool is_sampled(const struct qn_stats_page *page)
{
	unsigned int i;

	for (i = 0; i < QN_STATS_CLASSES; i++)
		if (page->classes[i].osize && page->classes[i].requested)
			return true;
	return false;
}

static void add_use(struct qn_use *sum, const struct qn_stats_use *use,
		    double rounding)
{
	u64 in_slabs = difference(use->live, use->large);

	sum->live += use->live;
	sum->internal += (u64)(rounding * (double)in_slabs);
	sum->external += difference(use->carved, in_slabs);
	sum->dirty += use->dirty;
	sum->metadata += use->metadata;
}

/*
 * What there is at the end, or when the program was killed: then frees may be unknown,
 * but no more can be live than ever was.
 */
static struct qn_stats_use use_at_end(const struct qn_stats_page *page)
{
	struct qn_stats_use end = {
		.live = page->live,
		.large = page->large,
		.dirty = page->dirty,
		.metadata = page->metadata,
	};
	unsigned int i;

	if (page->exact & QN_STATS_EXACT_PEAK)
		end.live = min(page->live, page->peak_live);
	for (i = 0; i < QN_STATS_CLASSES; i++)
		end.carved += page->classes[i].slab;
	return end;
}

/* Live memory may not have fallen since its peak, or there is none that was recorded */
static void add_uses(struct qn_figures *f, const struct qn_stats_page *page)
{
	struct qn_stats_use end = use_at_end(page);
	bool is_highest = end.live > page->at_live.live;

	f->sampled |= is_sampled(page);
	add_use(&f->at_end, &end, rounding_of_slabs(page, false));
	add_use(&f->at_peak, is_highest ? &end : &page->at_live,
		rounding_of_slabs(page, !is_highest));
	add_use(&f->at_resident, page->peak.usec ? &page->peak : &end,
		rounding_of_slabs(page, page->peak.usec > 0));
}

static void add_event(struct qn_figures *f, const struct qn_event *event)
{
	unsigned int at;

	if (f->nr_events == QN_STATS_CHANGES) {
		if (event->usec <= f->events[0].usec)
			return;
		memmove(&f->events[0], &f->events[1],
			(QN_STATS_CHANGES - 1) * sizeof(f->events[0]));
		f->nr_events--;
	}
	for (at = f->nr_events++; at > 0; at--) {
		if (f->events[at - 1].usec <= event->usec)
			break;
		f->events[at] = f->events[at - 1];
	}
	f->events[at] = *event;
}

static void add_events(struct qn_figures *f, const struct qn_stats_page *page)
{
	u64 n = difference(page->nr_changes, QN_STATS_CHANGES);
	struct qn_event event;

	for (; n < page->nr_changes; n++) {
		event.change = page->changes[n % QN_STATS_CHANGES];
		event.usec = page->start_usec + event.change.usec;
		qn_text_clean(event.exe, sizeof(event.exe), page->exe);
		add_event(f, &event);
	}
}

static void add_life(struct qn_stats_life *sum,
		     const struct qn_stats_life *life)
{
	unsigned int i;

	for (i = 0; i < QN_STATS_LIVES; i++) {
		sum->by_bytes[i] += life->by_bytes[i];
		sum->by_time[i] += life->by_time[i];
	}
	sum->live += life->live;
	sum->nr_live += life->nr_live;
	sum->nr_ended += life->nr_ended;
	sum->nr_grown += life->nr_grown;
	sum->nr_shrunk += life->nr_shrunk;
	sum->grown_from += life->grown_from;
	sum->grown_to += life->grown_to;
}

static void add_waste(struct qn_stats_waste *sum,
		      const struct qn_stats_waste *waste)
{
	sum->internal += waste->internal;
	sum->external += waste->external;
	sum->dirty += waste->dirty;
	sum->metadata += waste->metadata;
}

/* A torn page may hold anything: no overflow of signed numbers */
static s64 slopes_added(s64 a, s64 b)
{
	return (s64)((u64)a + (u64)b);
}

static void add_trend(struct qn_figures *f, const struct qn_stats_trend *t)
{
	struct qn_stats_trend *sum = &f->trend;

	if (f->nr_programs == 1) {
		*sum = *t;
		return;
	}
	sum->nr_epochs += t->nr_epochs;
	sum->nr_growing += t->nr_growing;
	sum->nr_shrinking += t->nr_shrinking;
	sum->most_shift = max(sum->most_shift, t->most_shift);
	sum->live_slope = slopes_added(sum->live_slope, t->live_slope);
	sum->peak_slope = slopes_added(sum->peak_slope, t->peak_slope);
	sum->purged_slope = slopes_added(sum->purged_slope, t->purged_slope);
	sum->refaults_slope =
		slopes_added(sum->refaults_slope, t->refaults_slope);
	sum->sum_shift += t->sum_shift;
	sum->sum_live_of_peak += t->sum_live_of_peak;
	add_waste(&sum->sum_waste, &t->sum_waste);
}

static void add_counters(struct qn_figures *f, const struct qn_stats_page *page)
{
	f->cpu_usec += page->cpu_usec;
	f->peak_resident = max(f->peak_resident, page->peak_resident);
	f->peak_live += max(page->peak_live, page->live);
	f->peak_used += page->peak_used;
	f->purged += page->purged;
	f->nr_purges += page->nr_purges;
	f->refaults += page->refaults;
	f->pressure = max(f->pressure, page->pressure);
	if (page->most_pressure > f->most_pressure) {
		f->most_pressure = page->most_pressure;
		f->pressure_source = page->pressure_source;
	}
	f->nr_threads_total += page->nr_threads_total;
	f->nr_remote += page->nr_remote;
	f->nr_failed += page->nr_failed;
	f->nr_samples += page->nr_samples;
	f->sample_ns += page->sample_ns;
	f->nr_slices += page->nr_slices;
	f->nr_changes += page->nr_changes;
	for (unsigned int i = 0; i < QN_STATS_LIFE_GROUPS; i++)
		add_life(&f->lives[i], &page->lives[i]);
	f->generation = max(f->generation, page->generation);
}

double qn_figures_level(u32 pressure)
{
	return min(pressure, QN_PRESSURE_MOST) / (double)QN_PRESSURE_MOST;
}

const char *qn_figures_pressure_source(const struct qn_figures *f)
{
	static const char *const names[] = {
		[QN_STATS_PRESSURE_NONE] = "nobody",
		[QN_STATS_PRESSURE_ASKED] = "the program",
		[QN_STATS_PRESSURE_STALLS] = "stalls",
		[QN_STATS_PRESSURE_CGROUP] = "cgroup",
		[QN_STATS_PRESSURE_LIMIT] = "limit",
	};

	return f->pressure_source < ARRAY_SIZE(names) ?
		       names[f->pressure_source] :
		       names[QN_STATS_PRESSURE_NONE];
}

struct qn_stats_life qn_figures_lives(const struct qn_figures *f)
{
	struct qn_stats_life sum = { .nr_live = 0 };
	unsigned int i;

	for (i = 0; i < QN_STATS_LIFE_GROUPS; i++)
		add_life(&sum, &f->lives[i]);
	return sum;
}

static void add_decisions(struct qn_figures *f,
			  const struct qn_stats_decisions *d)
{
	struct qn_stats_decisions *sum = &f->decisions;

	if (d->nr > f->nr_decided) {
		f->nr_decided = d->nr;
		memcpy(sum->last, d->last, sizeof(sum->last));
	}
	sum->nr += d->nr;
	sum->nr_departed += d->nr_departed;
	sum->nr_changes += d->nr_changes;
	sum->nr_reverts += d->nr_reverts;
}

static void add_engine(struct qn_stats_engine *sum,
		       const struct qn_stats_engine *e)
{
	sum->asked += e->asked;
	sum->served += e->served;
	sum->by_table += e->by_table;
	sum->size = max(sum->size, e->size);
}

static void add_identity(struct qn_figures *f, const struct qn_stats_page *page)
{
	if (!f->nr_programs) {
		qn_text_clean(f->exe, sizeof(f->exe), page->exe);
		qn_text_clean(f->policy, sizeof(f->policy), page->policy);
		qn_text_clean(f->engine.name, sizeof(f->engine.name),
			      page->engine.name);
		f->pid = page->pid;
		f->start_usec = page->start_usec;
		f->exact = page->exact;
		f->is_whole = true;
	}
	f->exact &= page->exact;
	f->is_whole &= page->refreshed > 0;
	f->start_usec = min(f->start_usec, page->start_usec);
	f->end_usec = max(f->end_usec, page->end_usec);
	f->finished = page->state == QN_STATS_EXITED;
}

void qn_figures_add(struct qn_figures *f, const struct qn_stats_page *page,
		    bool is_alive, bool is_replaced)
{
	add_identity(f, page);
	f->replaced = is_replaced;
	f->nr_programs++;
	f->nr_processes += !is_replaced;
	f->nr_running += is_alive && !is_replaced &&
			 page->state == QN_STATS_RUNNING;
	add_counters(f, page);
	add_trend(f, &page->trend);
	add_decisions(f, &page->decisions);
	add_engine(&f->engine, &page->engine);
	add_entries(f, page);
	add_uses(f, page);
	add_events(f, page);
}

/* What an entry weighs in the order of the report */
static double weight(const struct qn_entry *e, const struct qn_entry *total)
{
	double w = 0;

	if (total->bytes)
		w += (double)e->bytes / (double)total->bytes;
	if (total->peak)
		w += (double)e->peak / (double)total->peak;
	return w;
}

static int compare(const void *a, const void *b, void *total)
{
	double wa = weight(a, total), wb = weight(b, total);

	return wa < wb ? 1 : wa > wb ? -1 : 0;
}

void qn_figures_sort(struct qn_figures *f)
{
	struct qn_entry total = qn_figures_total(f);

	if (f->nr_entries)
		qsort_r(f->entries, f->nr_entries, sizeof(*f->entries), compare,
			&total);
}
