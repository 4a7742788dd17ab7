// SPDX-License-Identifier: MIT
/*
 * details.c - the part of the report that --details adds: how the heap came to what the
 * first part says.
 *
 * The lines come in blocks: all moments that are known, the table, the controller, lives
 * and trends. Two are elastic: the last decisions are as many as leave two lines for the
 * table, which shows as many entries as there is room for then, and sums up the rest.
 */
#define _GNU_SOURCE 1
#include "learn/controller.h"
#include "learn/presets.h"
#include "screen.h"

/* Changes and choices shown at most, lines that the table has at least and its header's */
#define NR_EVENTS    3
#define NR_DECISIONS 2
#define TABLE_LEAST  2
#define TABLE_HEADER 2

/* ---- what the memory was made of ---- */

static void put_use(const struct qn_screen *s, const struct qn_text_table *t,
		    const char *label, const struct qn_use *use)
{
	bool is_whole = s->f->is_whole;

	QN_TEXT_ROW(t, label, SIZE(use->live), SIZE(use->internal),
		    SIZE(use->external),
		    is_whole ? SIZE(use->dirty) : "unknown",
		    is_whole ? SIZE(use->metadata) : "unknown",
		    is_whole ? SIZE(qn_use_total(use)) : "unknown");
}

static void put_use_shares(const struct qn_screen *s,
			   const struct qn_text_table *t,
			   const struct qn_use *use)
{
	u64 live = use->live;

	if (live && s->f->is_whole)
		QN_TEXT_ROW(t, "  of live", SHARE(live, live),
			    SHARE(use->internal, live),
			    SHARE(use->external, live), SHARE(use->dirty, live),
			    SHARE(use->metadata, live),
			    SHARE(qn_use_total(use), live));
}

/* The footprint is often as large as it gets when most is live, so that one row says it */
static void put_uses(struct qn_screen *s)
{
	const struct qn_figures *f = s->f;
	/* Without samples there is no column of what is lost to rounding */
	const int widths[] = { -12, 10, f->sampled ? 11 : 0, 11, 11, 11, 12 };
	static const unsigned char leaving[] = { 2, 5, 4, 3, 1, 0 };
	const struct qn_text_table t = { &s->l, widths, ARRAY_SIZE(widths),
					 leaving, 0 };

	QN_TEXT_ROW(&t, "made of", "live", "(internal)", "+external", "+dirty",
		    "+metadata", "=resident");
	put_use(s, &t, "most in use", &f->at_peak);
	put_use_shares(s, &t, &f->at_peak);
	if (qn_use_total(&f->at_resident) > qn_use_total(&f->at_peak))
		put_use(s, &t, "most memory", &f->at_resident);
	put_use(s, &t, f->finished ? "at the end" : "as recorded", &f->at_end);
}

/* ---- the table ---- */

static void put_entry(const struct qn_screen *s, const struct qn_text_table *t,
		      const char *label, const struct qn_entry *e)
{
	char asked[24] = "-";

	if (e->asked_allocs)
		snprintf(asked, sizeof(asked), "%.1f",
			 e->asked / 16 / (double)e->asked_allocs);
	QN_TEXT_ROW(t, label, asked, COUNT(e->nr_allocs),
		    SHARE(e->bytes, s->total.bytes), SIZE(e->live),
		    SIZE(e->carved), SIZE(e->peak));
}

static void put_osize(const struct qn_screen *s, const struct qn_text_table *t,
		      const struct qn_entry *e)
{
	char label[40];

	snprintf(label, sizeof(label), "%10s%s", COUNT(e->osize),
		 e->promoted ? " *" : "");
	put_entry(s, t, e->osize ? label : "  direct", e);
}

static void put_rest(const struct qn_screen *s, const struct qn_text_table *t,
		     unsigned int from, unsigned int to)
{
	struct qn_entry rest = { 0 };
	char label[24];
	unsigned int i;

	for (i = from; i < to; i++)
		qn_entry_add(&rest, &s->f->entries[i]);
	snprintf(label, sizeof(label), "  %u others", to - from);
	put_entry(s, t, label, &rest);
}

/* Sizes that anything was asked of; they come first */
static unsigned int nr_used(const struct qn_figures *f)
{
	const struct qn_entry *e = f->entries;
	unsigned int nr = 0;

	while (nr < f->nr_entries && (e[nr].nr_allocs || e[nr].peak))
		nr++;
	return nr;
}

static unsigned int nr_promoted(const struct qn_figures *f)
{
	unsigned int i, nr = 0;

	for (i = 0; i < f->nr_entries; i++)
		nr += f->entries[i].promoted;
	return nr;
}

static void put_table_header(struct qn_screen *s, const struct qn_text_table *t)
{
	const struct qn_figures *f = s->f;
	unsigned int promoted = nr_promoted(f);

	qn_line(&s->l, "table %-6u%u sizes, %u used%s%s%s", f->generation,
		f->nr_entries, nr_used(f), promoted ? ", " : "",
		promoted ? COUNT(promoted) : "",
		promoted ? " made by the controller (*)" : "");
	QN_TEXT_ROW(t, " object size", "asked for", "allocations", "of bytes",
		    "live", "carved", "max carved");
}

/* @room lines for the entries */
static void put_table(struct qn_screen *s, unsigned int room)
{
	const struct qn_figures *f = s->f;
	unsigned int i, used = nr_used(f), shown = used;
	/* Columns: what was asked for if there are samples, what is live if anything is */
	int widths[] = { -12, f->sampled ? 10 : 0, 15, 10, 11, 11, 11 };
	static const unsigned char leaving[] = { 6, 1, 5, 4, 2, 0 };
	const struct qn_text_table t = { &s->l, widths, ARRAY_SIZE(widths),
					 leaving, 0 };

	s->total = qn_figures_total(f);
	if (!s->total.live)
		widths[4] = 0;
	put_table_header(s, &t);
	if (shown > room)
		shown = room - 1;
	for (i = 0; i < shown; i++)
		put_osize(s, &t, &f->entries[i]);
	if (shown < used)
		put_rest(s, &t, shown, used);
}

/* ---- the controller ---- */

static void put_event(struct qn_screen *s, const struct qn_event *event)
{
	const struct qn_stats_change *c = &event->change;
	u64 start = s->f->start_usec;
	struct qn_text when =
		qn_text_time(event->usec > start ? event->usec - start : 0);
	const char *where = s->f->nr_programs > 1 ? event->exe : "";
	const char *in = *where ? " in " : "";

	if (c->action == QN_ACTION_PROMOTE)
		qn_line(&s->l,
			"%12s  %s B got a size of its own: table %u, saves %s%s%s",
			when.s, COUNT(c->size), c->generation, SIZE(c->gain),
			in, where);
	else if (c->action == QN_ACTION_DEMOTE)
		qn_line(&s->l, "%12s  %s B lost its own size: table %u%s%s",
			when.s, COUNT(c->size), c->generation, in, where);
	else if (c->action == QN_ACTION_KNOBS)
		qn_line(&s->l, "%12s  the policy turned knobs%s%s", when.s, in,
			where);
	else
		qn_line(&s->l, "%12s  action %u on %s B: table %u%s%s", when.s,
			c->action, COUNT(c->size), c->generation, in, where);
}

static void put_controller(struct qn_screen *s)
{
	const struct qn_figures *f = s->f;
	unsigned int shown = s->nr_events, i;

	if (!f->nr_changes)
		qn_line(&s->l, "controller  policy %s: no changes", f->policy);
	else
		qn_line(&s->l,
			"controller  policy %s: %s change%s; the last %u:",
			f->policy, COUNT(f->nr_changes),
			f->nr_changes == 1 ? "" : "s", shown);
	for (i = f->nr_events - shown; i < f->nr_events; i++)
		put_event(s, &f->events[i]);
}

static const char *preset_name(unsigned int preset)
{
	return preset < QN_NR_PRESETS ? qn_preset_names[preset] : "?";
}

/* Costs are parts of 1024 of what the recent peak of memory in use costs meanwhile */
static void put_decision(struct qn_screen *s, const struct qn_stats_decision *d)
{
	qn_line(&s->l, "%12s  %s (chose %s%s): cost %.1f %%, gain %+.1f %%",
		TIME(d->usec), preset_name(d->preset), preset_name(d->action),
		d->phase ? "" : ", shadow", d->cost * 100.0 / 1024,
		d->gain * 100.0 / 1024);
}

static void put_decisions(struct qn_screen *s)
{
	const struct qn_stats_decisions *d = &s->f->decisions;
	unsigned int nr = qn_figures_nr_decisions(s->f);

	if (!s->nr_decisions)
		return;
	qn_line(&s->l,
		"presets     %s choices, %s not the rule's; %s changes, %s back to it",
		COUNT(d->nr), COUNT(d->nr_departed), COUNT(d->nr_changes),
		COUNT(d->nr_reverts));
	for (unsigned int i = nr - s->nr_decisions; i < nr; i++)
		put_decision(s, qn_figures_decision(s->f, i));
}

static bool has_returned(const struct qn_figures *f)
{
	return f->nr_purges > 0;
}

static bool has_pressure(const struct qn_figures *f)
{
	return f->most_pressure > 0;
}

static void put_returned(struct qn_screen *s)
{
	const struct qn_figures *f = s->f;

	if (has_returned(f))
		qn_line(&s->l,
			"returned    %s to the system in %s call%s; %s wanted back "
			"soon",
			SIZE(f->purged), COUNT(f->nr_purges),
			f->nr_purges == 1 ? "" : "s", SIZE(f->refaults));
	if (has_pressure(f))
		qn_line(&s->l, "pressure    %.2f at most (%s), %.2f at last",
			qn_figures_level(f->most_pressure),
			qn_figures_pressure_source(f),
			qn_figures_level(f->pressure));
}

/* ---- lives ---- */

/* Bytes of @life whose age in bytes is below @limit, and all that ended */
static u64 ended_before(const struct qn_stats_life *life, u64 limit)
{
	u64 bytes = 0;
	unsigned int i;

	for (i = 0; i < QN_STATS_LIVES; i++)
		if ((u64)QN_STATS_LIFE_BYTES << i <= limit)
			bytes += life->by_bytes[i];
	return bytes;
}

static void put_lives(struct qn_screen *s)
{
	struct qn_stats_life life = qn_figures_lives(s->f);
	u64 ended = ended_before(&life, UINT64_MAX);
	char live[96] = "", grown[96] = "";

	qn_line(&s->l,
		"lives       below 64 KiB of requests %s, 1 MiB %s, 16 MiB %s",
		SHARE(ended_before(&life, 64 << 10), ended),
		SHARE(ended_before(&life, 1 << 20), ended),
		SHARE(ended_before(&life, 16 << 20), ended));
	if (life.nr_live)
		snprintf(live, sizeof(live), "; %s in use stand for %s",
			 COUNT(life.nr_live), SIZE(life.live));
	if (life.nr_grown)
		snprintf(grown, sizeof(grown), "; %s grew, to %s",
			 COUNT(life.nr_grown),
			 SHARE(life.grown_to, life.grown_from));
	qn_line(&s->l, "            by %s block%s%s%s", COUNT(life.nr_ended),
		life.nr_ended == 1 ? "" : "s", live, grown);
}

static bool has_lives(const struct qn_screen *s)
{
	return qn_figures_lives(s->f).nr_ended > 0;
}

/* ---- trends ---- */

static void put_trend(struct qn_screen *s)
{
	const struct qn_stats_trend *t = &s->f->trend;
	u64 whole = (u64)t->nr_epochs * QN_STATS_ONE;
	u64 bytes = (u64)t->live_slope >> QN_STATS_SLOPE;
	bool falls = t->live_slope < 0;

	if (falls)
		bytes = -(u64)t->live_slope >> QN_STATS_SLOPE;
	qn_line(&s->l,
		"trend       live grew in %s of %s epochs, shrank in %s; %s of "
		"its peak",
		COUNT(t->nr_growing), COUNT(t->nr_epochs),
		COUNT(t->nr_shrinking), SHARE(t->sum_live_of_peak, whole));
	qn_line(&s->l,
		"            at last by %s%s an epoch; sizes moved %s, at most %s",
		falls ? "-" : "", SIZE(bytes), SHARE(t->sum_shift, whole),
		SHARE(t->most_shift, QN_STATS_ONE));
	qn_line(&s->l,
		"waste       internal %s, external %s, dirty %s, metadata %s",
		SHARE(t->sum_waste.internal, whole),
		SHARE(t->sum_waste.external, whole),
		SHARE(t->sum_waste.dirty, whole),
		SHARE(t->sum_waste.metadata, whole));
}

/* Lines below the table: the controller's, lives, trends, what went to the system */
static unsigned int lines_below(const struct qn_screen *s)
{
	return 1 + has_returned(s->f) + has_pressure(s->f) + 2u * has_lives(s) +
	       3u * (s->f->trend.nr_epochs > 0);
}

/* The last changes and choices take what the table leaves, the former first */
static unsigned int share_lines(struct qn_screen *s, unsigned int room)
{
	unsigned int left = room - TABLE_LEAST;

	s->nr_events = min(s->f->nr_events, (unsigned int)NR_EVENTS);
	s->nr_events = min(s->nr_events, left);
	left -= s->nr_events;
	s->nr_decisions =
		min(qn_figures_nr_decisions(s->f), (unsigned int)NR_DECISIONS);
	s->nr_decisions = min(s->nr_decisions, left - (left > 0));
	return room - s->nr_events - s->nr_decisions - (s->nr_decisions > 0);
}

void qn_report_details(struct qn_screen *s)
{
	unsigned int from = s->l.nr, room;

	put_uses(s);
	room = QN_REPORT_LINES - (s->l.nr - from) - TABLE_HEADER;
	room = share_lines(s, room - lines_below(s));
	put_table(s, room);
	put_controller(s);
	put_decisions(s);
	if (has_lives(s))
		put_lives(s);
	if (s->f->trend.nr_epochs)
		put_trend(s);
	put_returned(s);
}
