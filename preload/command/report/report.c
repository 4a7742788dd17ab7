// SPDX-License-Identifier: MIT
/*
 * report.c - what a run of a program looked like, for people who do not know quern.
 *
 * The lines come in blocks: what it took, what the heap was made of, who asked for it, one
 * line of advice where there is any, what measuring cost. Rows that would hold nothing are
 * left out. details.c has the rest, where it is asked for.
 */
#define _GNU_SOURCE 1
#include <string.h>
#include <sys/wait.h>
#include "engine/engine.h"
#include "screen.h"

/* Memory outside of the heap that a program may have got by becoming another one */
#define SUCCESSOR_LEAST ((u64)8 << 20)

/* ---- what it took ---- */

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

static void put_time(struct qn_lines *l, const struct qn_outcome *o)
{
	const struct rusage *u = &o->usage;

	qn_line(l, "took        %s; CPU %s (user %s, system %s)",
		TIME(o->wall_usec), TIME(qn_usage_cpu(u)),
		TIME(qn_usec(u->ru_utime)), TIME(qn_usec(u->ru_stime)));
}

/* By its own account, as one of its children may have been larger */
u64 qn_report_resident(const struct qn_screen *s)
{
	u64 all = qn_usage_peak(&s->report->outcome->usage);

	if (!s->f || s->f->nr_programs != 1 || !s->f->peak_resident)
		return all;
	return s->is_root ? min(all, s->f->peak_resident) : s->f->peak_resident;
}

/* The two peaks need not coincide: the rest is a lower bound */
static void put_memory(struct qn_screen *s, u64 resident, bool is_floor)
{
	u64 heap = s->f ? qn_use_total(&s->f->at_resident) : 0;
	const char *most = is_floor ? "at most " : "";

	if (!s->f || !s->f->is_whole || !s->f->nr_allocs || is_floor ||
	    *s->f->engine.name)
		qn_line(&s->l, "memory      %s%s at its peak (resident set)",
			most, SIZE(resident));
	else if (s->f->nr_programs > 1)
		qn_line(&s->l,
			"memory      %s at the peak of the largest process; heaps "
			"add up to %s",
			SIZE(resident), SIZE(heap));
	else if (heap > resident)
		qn_line(&s->l,
			"memory      %s at its peak; the heap's %s were not all "
			"touched",
			SIZE(resident), SIZE(heap));
	else
		qn_line(&s->l,
			"memory      %s at its peak: heap %s, outside of the heap "
			"%s",
			SIZE(resident), SIZE(heap), SIZE(resident - heap));
}

static void put_usage(struct qn_screen *s)
{
	const struct qn_outcome *o = s->report->outcome;
	u64 resident = qn_report_resident(s);

	put_time(&s->l, o);
	put_memory(s, resident, resident <= o->floor);
}

static void put_child(struct qn_screen *s)
{
	const struct qn_figures *f = s->f;

	qn_line(&s->l, "quern: %s (pid %u) %s", f->exe, f->pid,
		f->replaced   ? "became another program" :
		f->nr_running ? "is still running" :
		f->finished   ? "exited" :
			      "ended without its exit handlers (_exit, signal)");
	if (f->end_usec > f->start_usec)
		qn_line(&s->l, "took        %s; CPU %s",
			TIME(f->end_usec - f->start_usec), TIME(f->cpu_usec));
	if (f->peak_resident)
		put_memory(s, f->peak_resident, false);
}

static void put_programs(struct qn_screen *s)
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
	qn_line(&s->l,
		"processes   %u%s; heaps and peaks are sums, also of those "
		"not there at once%s",
		f->nr_processes, replaced, running);
}

static void put_calls(struct qn_screen *s)
{
	const struct qn_figures *f = s->f;

	/* Without its exit handlers a program leaves what it noted before */
	qn_line(&s->l, "calls       %s%s allocations; %s%s in use at most%s",
		f->exact & QN_STATS_EXACT_COUNT ? "" : "about ",
		COUNT(f->nr_allocs),
		f->exact & QN_STATS_EXACT_PEAK ? "" : "about ",
		SIZE(f->peak_live), f->finished ? "" : " (last known)");
	if (f->nr_threads_total > f->nr_programs)
		qn_line(&s->l,
			"threads     %s; %s blocks freed by another than their owner",
			COUNT(f->nr_threads_total), COUNT(f->nr_remote));
	if (f->nr_failed)
		qn_line(&s->l, "failed      %s requests, for want of memory",
			COUNT(f->nr_failed));
}

/* ---- the heap ---- */

static void put_figures(struct qn_screen *s, const char *label,
			const char *at_peak, const char *at_end,
			const char *hint)
{
	static const int widths[] = { -36, 12, 12, -20 };
	static const unsigned char leaving[] = { 3, 0 };
	const struct qn_text_table t = { &s->l, widths, ARRAY_SIZE(widths),
					 leaving, 36 };
	char text[40];

	snprintf(text, sizeof(text), "  %s", hint);
	QN_TEXT_ROW(&t, label, at_peak, at_end, text);
}

static void put_row(struct qn_screen *s, const char *label, u64 at_peak,
		    u64 at_end, const char *hint)
{
	bool is_known = s->f->is_whole;

	put_figures(s, label, is_known ? SIZE(at_peak) : "unknown",
		    is_known ? SIZE(at_end) : "unknown", hint);
}

/* Of a program that was killed soon only what is in use is known */
static void put_in_use(struct qn_screen *s, const struct qn_use *peak,
		       const struct qn_use *end)
{
	put_figures(s, "  in use by the program", SIZE(peak->live),
		    SIZE(end->live), "");
	if (s->f->sampled)
		put_figures(s, "    of it lost by rounding sizes up",
			    SIZE(peak->internal), SIZE(end->internal), "");
}

static void put_uses(struct qn_screen *s)
{
	const struct qn_figures *f = s->f;
	const struct qn_use *peak = &f->at_resident, *end = &f->at_end;

	put_figures(s, "HEAP", "at its peak",
		    f->finished ? "at exit" : "last known", "");
	put_in_use(s, peak, end);
	put_row(s, "  free, pinned by blocks in use", peak->external,
		end->external, "");
	put_row(s, "  free, kept for reuse", peak->dirty, end->dirty,
		peak->dirty + end->dirty ? "dirty:0 returns it" : "");
	put_row(s, "  quern itself", peak->metadata, end->metadata, "");
	put_row(s, "  together", qn_use_total(peak), qn_use_total(end), "");
}

/* ---- what measuring cost ---- */

/* Of a program that was not looked at even once there is nothing to tell */
static void put_cost(struct qn_screen *s)
{
	const struct qn_figures *f = s->f;
	u64 cpu = s->is_root ? qn_usage_cpu(&s->report->outcome->usage) :
			       f->cpu_usec;

	if (!f->nr_samples && !f->nr_slices)
		return;
	qn_line(&s->l, "measuring   about %s%s%s%s, for %s sample%s",
		TIME(f->sample_ns / 1000), cpu ? ", " : "",
		cpu ? SHARE(f->sample_ns, cpu * 1000) : "",
		cpu ? " of the CPU time" : "", COUNT(f->nr_samples),
		f->nr_samples == 1 ? "" : "s");
}

/* ---- an engine in quern's place ---- */

static const int engine_widths[] = { -12, 12, 15, 19 };

static void put_engine(struct qn_screen *s)
{
	const struct qn_stats_engine *e = &s->f->engine;
	const struct qn_engine *engine = qn_engine_find(e->name);
	const struct qn_text_table t = { &s->l, engine_widths,
					 ARRAY_SIZE(engine_widths), NULL, 0 };
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
static void put_comparison(struct qn_screen *s)
{
	const struct qn_compare *c = s->report->compare;
	const struct qn_text_table t = { &s->l, engine_widths,
					 ARRAY_SIZE(engine_widths), NULL, 0 };

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

static void put_silent(struct qn_screen *s)
{
	qn_wrap(&s->l, "            ",
		"nothing was allocated through quern: the program brings a "
		"malloc of its own, or needs none");
}

/* Nothing tells a program that was killed from one that became another by exec */
static void put_successor(struct qn_screen *s)
{
	const struct qn_figures *f = s->f;
	u64 resident = qn_report_resident(s);

	if (!s->is_root || f->finished || f->nr_running ||
	    f->nr_programs != 1 ||
	    resident < qn_use_total(&f->at_resident) + SUCCESSOR_LEAST)
		return;
	qn_wrap(&s->l, "note        ",
		"the program ended by a signal or _exit(), or became one that "
		"quern does not serve (static, setuid, in another root "
		"directory). Then most of the memory is that one's.");
}

static void put_heap(struct qn_screen *s)
{
	put_programs(s);
	put_calls(s);
	put_successor(s);
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
	qn_report_sites(s);
	qn_report_advice(s);
	put_cost(s);
	if (s->report->is_detailed)
		qn_report_details(s);
}

/* The program did not load the library; others of the run may have */
static void put_absent(struct qn_lines *l, const struct qn_report *report)
{
	qn_wrap(l, "no heap     ", report->obstacle);
	if (report->pages->nr)
		qn_line(l,
			"            What follows is of its children alone.");
}

static struct qn_lines lines_of(FILE *out, const struct qn_report *report)
{
	return (struct qn_lines){
		.out = out,
		.columns = min(report->columns, (u32)QN_TEXT_COLUMNS),
	};
}

static void put_root(FILE *out, const struct qn_report *report)
{
	const struct qn_run_pages *pages = report->pages;
	struct qn_screen s = { .l = lines_of(out, report), .report = report };
	bool has_heap = pages->nr &&
			(pages->has_own || pages->children != QN_CHILDREN_EACH);

	if (has_heap)
		s.f = &pages->figures[0];
	s.is_root = true;
	put_title(&s.l, report);
	put_usage(&s);
	if (!pages->has_own)
		put_absent(&s.l, report);
	if (has_heap)
		put_heap(&s);
	put_notes(&s.l, report);
	qn_lines_end(&s.l);
}

static void put_each(FILE *out, const struct qn_report *report)
{
	const struct qn_run_pages *pages = report->pages;
	unsigned int i;

	for (i = pages->has_own; i < pages->nr; i++) {
		struct qn_screen s = { .l = lines_of(out, report),
				       .report = report,
				       .f = &pages->figures[i] };

		fputc('\n', out);
		put_child(&s);
		put_heap(&s);
		qn_lines_end(&s.l);
	}
}

void qn_report_text(FILE *out, const struct qn_report *report)
{
	put_root(out, report);
	if (report->pages->children == QN_CHILDREN_EACH)
		put_each(out, report);
}
