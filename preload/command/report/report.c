// SPDX-License-Identifier: MIT
/*
 * report.c - what a run of a program looked like, on one screen.
 *
 * The lines come in blocks: what ran, what the memory was made of, the table, the
 * controller, lives and trends. Two are elastic: the last decisions are as many as leave
 * two lines for the table, which shows as many entries as there is room for then, and
 * sums up the rest.
 */
#define _GNU_SOURCE 1
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include "learn/controller.h"
#include "learn/presets.h"
#include "engine/engine.h"
#include "report.h"
#include "command/base/text-table.h"
#include "command/sites/people.h"

#define SIZE(n)         (qn_text_size(n).s)
#define COUNT(n)        (qn_text_count(n).s)
#define TIME(n)         (qn_text_time(n).s)
#define SHARE(n, whole) (qn_text_share(n, whole).s)

/* Changes and choices shown at most, lines that the table has at least and its header's */
#define NR_EVENTS    3
#define NR_DECISIONS 2
#define TABLE_LEAST  2
#define TABLE_HEADER 2
/* Columns in front of a call site's functions */
#define SITE_INDENT 23u

/**
 * struct screen - the report of one program, or of their sum
 * @l:		the lines
 * @report:	what it is made from
 * @f:		the figures it shows
 * @total:	of the table
 * @nr_events:	changes shown
 * @nr_decisions: choices among presets shown, with a line for all of them; or 0
 * @is_root:	of the program that was asked for, alone or with others
 */
struct screen {
	struct qn_lines l;
	const struct qn_report *report;
	const struct qn_figures *f;
	struct qn_entry total;
	unsigned int nr_events;
	unsigned int nr_decisions;
	bool is_root;
};

/* ---- what ran ---- */

static void put_status(struct qn_lines *l, const char *name,
		       const struct qn_outcome *o)
{
	int signo = WTERMSIG(o->status);

	if (WIFEXITED(o->status))
		qn_line(l, "quern: %s (pid %d) exited with status %d", name,
			(int)o->pid, WEXITSTATUS(o->status));
	else
		qn_line(l, "quern: %s (pid %d) was ended by signal %d (%s)%s",
			name, (int)o->pid, signo, strsignal(signo),
			WCOREDUMP(o->status) ? ", core dumped" : "");
}

static void put_title(struct qn_lines *l, const struct qn_report *report)
{
	const char *slash = strrchr(report->argv[0], '/');
	char name[32];

	qn_text_clean(name, sizeof(name),
		      slash && slash[1] ? slash + 1 : report->argv[0]);
	put_status(l, name, report->outcome);
}

static void put_usage(struct qn_lines *l, const struct qn_outcome *o)
{
	const struct rusage *u = &o->usage;
	u64 resident = qn_usage_peak(u);

	qn_line(l, "time        %s; CPU %s (user %s, system %s)",
		TIME(o->wall_usec), TIME(qn_usage_cpu(u)),
		TIME(qn_usec(u->ru_utime)), TIME(qn_usec(u->ru_stime)));
	qn_line(l, "memory      peak resident set %s%s",
		resident <= o->floor ? "at most " : "", SIZE(resident));
}

static void put_child(struct screen *s)
{
	const struct qn_figures *f = s->f;

	qn_line(&s->l, "quern: %s (pid %u) %s", f->exe, f->pid,
		f->replaced   ? "became another program" :
		f->nr_running ? "is still running" :
		f->finished   ? "exited" :
			      "ended without its exit handlers (_exit, signal)");
	if (f->end_usec > f->start_usec)
		qn_line(&s->l, "time        %s; CPU %s",
			TIME(f->end_usec - f->start_usec), TIME(f->cpu_usec));
	if (f->peak_resident)
		qn_line(&s->l, "memory      peak resident set %s",
			SIZE(f->peak_resident));
}

static void put_programs(struct screen *s)
{
	const struct qn_figures *f = s->f;
	char running[48] = "", replaced[48] = "";
	unsigned int execs = f->nr_programs - f->nr_processes;

	if (f->nr_programs < 2)
		return;
	if (f->nr_running)
		snprintf(running, sizeof(running), "; %u still running",
			 f->nr_running);
	if (execs)
		snprintf(replaced, sizeof(replaced), ", with %u exec%s", execs,
			 execs == 1 ? "" : "s");
	qn_line(&s->l, "processes   %u%s; heaps and peaks added up%s",
		f->nr_processes, replaced, running);
}

static void put_calls(struct screen *s)
{
	const struct qn_figures *f = s->f;

	/* Without its exit handlers a program leaves what it noted before */
	qn_line(&s->l, "heap        peak live %s%s; %s%s allocations%s",
		f->exact & QN_STATS_EXACT_PEAK ? "" : "about ",
		SIZE(f->peak_live),
		f->exact & QN_STATS_EXACT_COUNT ? "" : "about ",
		COUNT(f->nr_allocs), f->finished ? "" : ", as last recorded");
	if (f->nr_threads_total > f->nr_programs)
		qn_line(&s->l,
			"threads     %s; %s blocks freed by another than their owner",
			COUNT(f->nr_threads_total), COUNT(f->nr_remote));
	if (f->nr_failed)
		qn_line(&s->l, "failed      %s requests, for want of memory",
			COUNT(f->nr_failed));
}

/* ---- what the memory was made of ---- */

static void put_use(const struct screen *s, const struct qn_text_table *t,
		    const char *label, const struct qn_use *use)
{
	bool is_whole = s->f->is_whole;

	QN_TEXT_ROW(t, label, SIZE(use->live), SIZE(use->internal),
		    SIZE(use->external),
		    is_whole ? SIZE(use->dirty) : "unknown",
		    is_whole ? SIZE(use->metadata) : "unknown",
		    is_whole ? SIZE(qn_use_total(use)) : "unknown");
}

static void put_use_shares(const struct screen *s,
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
static void put_uses(struct screen *s)
{
	const struct qn_figures *f = s->f;
	/* Without samples there is no column of what is lost to rounding */
	const int widths[] = { -12, 10, f->sampled ? 11 : 0, 11, 11, 11, 12 };
	const struct qn_text_table t = { &s->l, widths, ARRAY_SIZE(widths) };

	QN_TEXT_ROW(&t, "made of", "live", "(internal)", "+external", "+dirty",
		    "+metadata", "=resident");
	put_use(s, &t, "at its peak", &f->at_peak);
	put_use_shares(s, &t, &f->at_peak);
	if (qn_use_total(&f->at_resident) > qn_use_total(&f->at_peak))
		put_use(s, &t, "most memory", &f->at_resident);
	put_use(s, &t, f->finished ? "at the end" : "as recorded", &f->at_end);
}

/* ---- the table ---- */

static void put_entry(const struct screen *s, const struct qn_text_table *t,
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

static void put_osize(const struct screen *s, const struct qn_text_table *t,
		      const struct qn_entry *e)
{
	char label[40];

	snprintf(label, sizeof(label), "%10s%s", COUNT(e->osize),
		 e->promoted ? " *" : "");
	put_entry(s, t, e->osize ? label : "  direct", e);
}

static void put_rest(const struct screen *s, const struct qn_text_table *t,
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

static void put_table_header(struct screen *s, const struct qn_text_table *t)
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
static void put_table(struct screen *s, unsigned int room)
{
	const struct qn_figures *f = s->f;
	unsigned int i, used = nr_used(f), shown = used;
	/* Columns: what was asked for if there are samples, what is live if anything is */
	int widths[] = { -12, f->sampled ? 10 : 0, 15, 10, 11, 11, 11 };
	const struct qn_text_table t = { &s->l, widths, ARRAY_SIZE(widths) };

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

static void put_event(struct screen *s, const struct qn_event *event)
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

static void put_controller(struct screen *s)
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
static void put_decision(struct screen *s, const struct qn_stats_decision *d)
{
	qn_line(&s->l, "%12s  %s (chose %s%s): cost %.1f %%, gain %+.1f %%",
		TIME(d->usec), preset_name(d->preset), preset_name(d->action),
		d->phase ? "" : ", shadow", d->cost * 100.0 / 1024,
		d->gain * 100.0 / 1024);
}

static void put_decisions(struct screen *s)
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

/* Of a program that was not looked at even once there is nothing to tell */
static bool has_samples(const struct qn_figures *f)
{
	return f->nr_samples || f->nr_slices;
}

static bool has_returned(const struct qn_figures *f)
{
	return f->nr_purges > 0;
}

static bool has_pressure(const struct qn_figures *f)
{
	return f->most_pressure > 0;
}

static void put_costs(struct screen *s)
{
	const struct qn_figures *f = s->f;
	u64 cpu = s->is_root ? qn_usage_cpu(&s->report->outcome->usage) :
			       f->cpu_usec;

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
	if (has_samples(f))
		qn_line(&s->l,
			"sampler     %s samples, %s slice%s: about %s%s%s%s",
			COUNT(f->nr_samples), COUNT(f->nr_slices),
			f->nr_slices == 1 ? "" : "s", TIME(f->sample_ns / 1000),
			cpu ? ", " : "",
			cpu ? SHARE(f->sample_ns, cpu * 1000) : "",
			cpu ? " of the CPU time" : "");
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

static void put_lives(struct screen *s)
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

static bool has_lives(const struct screen *s)
{
	return qn_figures_lives(s->f).nr_ended > 0;
}

/* ---- trends ---- */

static void put_trend(struct screen *s)
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

/* ---- call sites ---- */

static void put_site(struct screen *s, struct qn_symbols *symbols,
		     const struct qn_sitelist_sum *sum, bool by_live)
{
	u32 columns = s->report->columns;
	struct qn_people people;
	char *text;

	qn_people_find(&people, symbols, &s->f->sites.stacks, sum->site);
	text = qn_people_text(
		&people,
		columns ? max(columns, SITE_INDENT + 20u) - SITE_INDENT : 0);
	qn_line_whole(&s->l, "%11s %9s  %s",
		      SIZE(by_live ? sum->live : sum->bytes),
		      COUNT(by_live ? sum->nr_live : sum->nr), text);
	free(text);
}

static void put_top(struct screen *s, struct qn_symbols *symbols, bool by_live)
{
	const struct qn_sitelist_sum *sum = NULL;

	for (int i = 0; i < QN_REPORT_SITES; i++) {
		sum = qn_sitelist_next(&s->f->sites, sum, by_live);
		if (!sum)
			break;
		put_site(s, symbols, sum, by_live);
	}
}

static void put_sites(struct screen *s)
{
	const struct qn_sitelist *list = &s->f->sites;
	struct qn_symbols symbols;

	if (!list->is_kept)
		return;
	if (!list->nr) {
		qn_line(&s->l, "call sites  none: no sample was taken; "
			       "--conf=sample:4K takes more");
		return;
	}
	qn_symbols_init(&symbols, "", 0);
	qn_line(&s->l, "call sites  %s; most bytes in use, and samples",
		COUNT(list->nr));
	put_top(s, &symbols, true);
	qn_line(&s->l, "            most bytes asked for, and samples");
	put_top(s, &symbols, false);
	if (list->full_nr)
		qn_line(&s->l,
			"            %s samples for %s have none: there are too many",
			COUNT(list->full_nr), SIZE(list->full_bytes));
	if (list->unknown_nr)
		qn_line(&s->l, "            %s samples for %s have no stack",
			COUNT(list->unknown_nr), SIZE(list->unknown_bytes));
	if (list->unfollowed)
		qn_line(&s->l,
			"            what %s stand for was not followed until its free",
			SIZE(list->unfollowed));
	qn_symbols_exit(&symbols);
}

/* ---- an engine in quern's place ---- */

static const int engine_widths[] = { -12, 12, 15, 19 };

static void put_engine(struct screen *s)
{
	const struct qn_stats_engine *e = &s->f->engine;
	const struct qn_engine *engine = qn_engine_find(e->name);
	const struct qn_text_table t = { &s->l, engine_widths,
					 ARRAY_SIZE(engine_widths) };
	char about[120];

	snprintf(about, sizeof(about),
		 "%s, %s; behind one lock, nothing is returned to the system",
		 e->name, engine ? engine->about : "which is not known here");
	qn_wrap(&s->l, "engine      ", about);
	QN_TEXT_ROW(&t, "all blocks", "asked for", "engine serves",
		    "quern would serve");
	QN_TEXT_ROW(&t, "", SIZE(e->asked), SIZE(e->served), SIZE(e->by_table));
	QN_TEXT_ROW(&t, "  of asked", SHARE(e->asked, e->asked),
		    SHARE(e->served, e->asked), SHARE(e->by_table, e->asked));
}

static void put_compared(const struct qn_text_table *t,
			 const struct qn_compare *c, u32 subject)
{
	char label[40];

	snprintf(label, sizeof(label), "  %s", c->subjects[subject].name);
	QN_TEXT_ROW(t, label, TIME(qn_compare_median(c, 0, subject, QN_WALL)),
		    TIME(qn_compare_median(c, 0, subject, QN_CPU)),
		    SIZE(qn_compare_median(c, 0, subject, QN_PEAK)));
}

/* Two runs of the program */
static void put_comparison(struct screen *s)
{
	const struct qn_compare *c = s->report->compare;
	const struct qn_text_table t = { &s->l, engine_widths,
					 ARRAY_SIZE(engine_widths) };

	if (!c || !s->is_root)
		return;
	QN_TEXT_ROW(&t, "two runs", "time", "CPU", "peak resident set");
	put_compared(&t, c, 1);
	put_compared(&t, c, 0);
	if (!qn_compare_agrees(c, 0))
		qn_line(&s->l, "note        the two runs ended differently: "
			       "they may not have done the same");
}

/* ---- the whole ---- */

static void put_notes(struct qn_lines *l, const struct qn_report *report)
{
	const struct qn_run_pages *pages = report->pages;

	if (pages->nr_unread)
		qn_line(l,
			"note        %u of the statistics files left out: %s",
			pages->nr_unread, pages->note);
}

static void put_silent(struct screen *s)
{
	qn_wrap(&s->l, "            ",
		"nothing was allocated through quern: the program brings a "
		"malloc of its own, or needs none");
}

/* Lines below the table: the controller's, what it cost, lives, trends, a note */
static unsigned int lines_below(const struct screen *s)
{
	return 1 + has_returned(s->f) + has_pressure(s->f) + has_samples(s->f) +
	       (s->report->pages->nr_unread > 0) + 2u * has_lives(s) +
	       3u * (s->f->trend.nr_epochs > 0);
}

/* The last changes and choices take what the table leaves, the former first */
static unsigned int share_lines(struct screen *s, unsigned int room)
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

static void put_learned(struct screen *s)
{
	unsigned int room = QN_REPORT_LINES - s->l.nr - TABLE_HEADER;

	room = share_lines(s, room - lines_below(s));
	put_table(s, room);
	put_controller(s);
	put_decisions(s);
	if (has_lives(s))
		put_lives(s);
	if (s->f->trend.nr_epochs)
		put_trend(s);
	put_costs(s);
}

static void put_heap(struct screen *s)
{
	put_programs(s);
	put_calls(s);
	if (!s->f->nr_allocs) {
		put_silent(s);
		return;
	}
	if (*s->f->engine.name) {
		put_engine(s);
		put_comparison(s);
		return;
	}
	put_uses(s);
	put_learned(s);
	put_sites(s);
}

/* The program did not load the library; others of the run may have */
static void put_absent(struct qn_lines *l, const struct qn_report *report)
{
	qn_wrap(l, "no heap     ", report->obstacle);
	if (report->pages->nr)
		qn_line(l,
			"            What follows is of its children alone.");
}

static void put_root(FILE *out, const struct qn_report *report)
{
	const struct qn_run_pages *pages = report->pages;
	struct screen s = { .l = { .out = out }, .report = report };

	put_title(&s.l, report);
	put_usage(&s.l, report->outcome);
	if (!pages->has_own)
		put_absent(&s.l, report);
	if (pages->nr &&
	    (pages->has_own || pages->children != QN_CHILDREN_EACH)) {
		s.f = &pages->figures[0];
		s.is_root = true;
		put_heap(&s);
	}
	put_notes(&s.l, report);
}

static void put_each(FILE *out, const struct qn_report *report)
{
	const struct qn_run_pages *pages = report->pages;
	unsigned int i;

	for (i = pages->has_own; i < pages->nr; i++) {
		struct screen s = { .l = { .out = out },
				    .report = report,
				    .f = &pages->figures[i] };

		fputc('\n', out);
		put_child(&s);
		put_heap(&s);
	}
}

void qn_report_text(FILE *out, const struct qn_report *report)
{
	put_root(out, report);
	if (report->pages->children == QN_CHILDREN_EACH)
		put_each(out, report);
}
