// SPDX-License-Identifier: MIT
/*
 * show-page.c - a trial as SVG and as a page of HTML.
 */
#define _GNU_SOURCE 1
#include <math.h>
#include <stdlib.h>
#include "command/base/fail.h"
#include "command/draw/html.h"
#include "command/draw/svg.h"
#include "show.h"

/**
 * struct panel - the bars of one measure, with the texts that they need
 */
struct panel {
	struct qn_bars bars;
	struct qn_bar *rows;
	char **texts;
};

/**
 * struct over_time - the resident set over time of each candidate
 */
struct over_time {
	struct qn_chart chart;
	struct qn_series *series;
	struct qn_point **points;
};

static bool is_drawn(const struct qn_trial *t, u32 s)
{
	return qn_trial_takes_part(t, s);
}

/* ---- bars ---- */

static char *bar_text(const struct qn_trial *t, u32 s, const struct qn_shown *m)
{
	struct qn_interval i = qn_findings_ratio(t, s, m);
	struct qn_text value = qn_shown_text(t, s, m);

	if (!s || !i.is_known)
		return qn_xprintf("%s", value.s);
	return qn_xprintf("%s, %+.1f %%", value.s, 100 * (i.ratio - 1) + 0.0);
}

static char *bar_title(const struct qn_trial *t, u32 s,
		       const struct qn_shown *m)
{
	struct qn_interval i = qn_findings_ratio(t, s, m);

	if (!s || !i.has_bounds)
		return NULL;
	return qn_xprintf("%s to %s: %s %% (95 %%)%s", t->who.at[s].name,
			  t->who.at[0].name, qn_interval_text(&i).s,
			  qn_interval_is_real(&i) ? "" : ": noise");
}

static void fill_row(struct panel *p, u32 at, const struct qn_trial *t, u32 s,
		     const struct qn_shown *m)
{
	struct qn_interval i = qn_findings_ratio(t, s, m);
	double base = qn_shown_value(t, 0, m);

	p->texts[2 * at] = bar_text(t, s, m);
	p->texts[2 * at + 1] = bar_title(t, s, m);
	p->rows[at] = (struct qn_bar){
		.name = t->who.at[s].name,
		.value = qn_shown_value(t, s, m),
		.low = s ? i.low * base : NAN,
		.high = s ? i.high * base : NAN,
		.text = p->texts[2 * at],
		.title = p->texts[2 * at + 1],
		.colour = s,
		.is_faint = s && i.has_bounds && !qn_interval_is_real(&i),
	};
}

static void make_panel(struct panel *p, const struct qn_trial *t,
		       const struct qn_shown *m)
{
	p->rows = qn_xrealloc(NULL, t->who.nr * sizeof(*p->rows));
	p->texts = qn_xrealloc(NULL, 2 * t->who.nr * sizeof(*p->texts));
	p->bars = (struct qn_bars){ .title = m->name,
				    .unit = m->unit,
				    .bars = p->rows,
				    .line_at = qn_shown_value(t, 0, m) };
	for (u32 s = 0; s < t->who.nr; s++)
		if (is_drawn(t, s))
			fill_row(p, p->bars.nr++, t, s, m);
}

static void free_panel(struct panel *p)
{
	for (u32 i = 0; i < 2 * p->bars.nr; i++)
		free(p->texts[i]);
	free(p->texts);
	free(p->rows);
}

/* Is there anything to draw */
static bool is_known(const struct qn_trial *t, const struct qn_shown *m)
{
	return qn_shown_value(t, 0, m) > 0;
}

/* ---- over time ---- */

/* That of the round whose average is in the middle */
static const struct qn_timeline *typical_line(const struct qn_trial *t, u32 s)
{
	const u64 *averages =
		qn_compare_cell(&t->compare, 0, s)->round[QN_AVERAGE];
	u64 median = qn_compare_median(&t->compare, 0, s,
				       (enum qn_measure)QN_AVERAGE);
	u64 distance, least = UINT64_MAX;
	u32 best = 0;

	for (u32 i = 0; i < t->compare.nr_done; i++) {
		distance = max(averages[i], median) - min(averages[i], median);
		if (distance >= least)
			continue;
		least = distance;
		best = i;
	}
	return &t->lines[s * t->nr_rounds + best];
}

static void add_line(struct over_time *o, const struct qn_trial *t, u32 s)
{
	const struct qn_timeline *line = typical_line(t, s);
	struct qn_point *points;

	points = qn_xrealloc(NULL, (line->nr + 1) * sizeof(*points));
	if (line->nr)
		o->chart.x.range.most = fmax(o->chart.x.range.most,
					     line->usec[line->nr - 1] / 1e6);
	for (u32 i = 0; i < line->nr; i++)
		points[i] = (struct qn_point){ .x = line->usec[i] / 1e6,
					       .y = (double)line->bytes[i] };
	o->points[o->chart.nr_series] = points;
	o->series[o->chart.nr_series++] = (struct qn_series){
		.name = t->who.at[s].name,
		.shape = QN_SHAPE_LINE,
		.points = points,
		.nr = line->nr,
		.colour = s,
	};
}

static void make_over_time(struct over_time *o, const struct qn_trial *t)
{
	o->series = qn_xrealloc(NULL, t->who.nr * sizeof(*o->series));
	o->points = qn_xrealloc(NULL, t->who.nr * sizeof(*o->points));
	o->chart = (struct qn_chart){
		.title = "resident memory over time, a typical round",
		.x = { NULL, { .unit = QN_UNIT_SECONDS, .is_tight = true } },
		.y = { NULL, { .unit = QN_UNIT_BYTES } },
		.series = o->series,
	};
	for (u32 s = 0; s < t->who.nr; s++)
		if (is_drawn(t, s))
			add_line(o, t, s);
}

static void free_over_time(struct over_time *o)
{
	for (u32 i = 0; i < o->chart.nr_series; i++)
		free(o->points[i]);
	free(o->points);
	free(o->series);
}

/* ---- all of it in one drawing ---- */

void qn_show_svg(FILE *out, const struct qn_trial *t,
		 const struct qn_findings *f)
{
	struct panel panels[QN_NR_RESULTS];
	struct over_time over;
	double height, top = 0;
	u32 nr = 0;

	make_over_time(&over, t);
	height = qn_chart_height(&over.chart);
	for (u32 i = 0; i < QN_NR_RESULTS; i++) {
		if (!is_known(t, &qn_shown[i]))
			continue;
		make_panel(&panels[nr], t, &qn_shown[i]);
		height += qn_bars_height(&panels[nr++].bars);
	}
	qn_svg_begin(out, height, f->advice, true);
	for (u32 i = 0; i < nr; i++) {
		top = qn_bars_draw(out, &panels[i].bars, top);
		free_panel(&panels[i]);
	}
	qn_chart_draw(out, &over.chart, top);
	qn_svg_end(out);
	free_over_time(&over);
}

/* ---- a page ---- */

static void put_table(FILE *out, const struct qn_trial *t)
{
	const char *cells[2 * QN_NR_SHOWN + 2] = { "" };
	struct qn_text texts[2 * QN_NR_SHOWN];
	struct qn_interval interval;
	u32 n;

	for (u32 i = 0; i < QN_NR_SHOWN; i++) {
		cells[2 * i + 1] = qn_shown[i].name;
		cells[2 * i + 2] = "difference, %";
	}
	cells[2 * QN_NR_SHOWN + 1] = NULL;
	qn_html_table(out, cells);
	for (u32 s = 0; s < t->who.nr; s++) {
		n = 0;
		cells[n++] = t->who.at[s].name;
		for (u32 i = 0; i < QN_NR_SHOWN && is_drawn(t, s); i++) {
			interval = qn_findings_ratio(t, s, &qn_shown[i]);
			texts[2 * i] = qn_shown_text(t, s, &qn_shown[i]);
			texts[2 * i + 1] = qn_interval_text(&interval);
			cells[n++] = texts[2 * i].s;
			cells[n++] = s ? texts[2 * i + 1].s : "";
		}
		if (!is_drawn(t, s))
			cells[n++] = qn_compare_cell(&t->compare, 0, s)->failed;
		cells[n] = NULL;
		qn_html_row(out, cells, !is_drawn(t, s));
	}
	qn_html_table_end(out);
}

static void put_bars(FILE *out, const struct qn_trial *t,
		     const struct qn_shown *m)
{
	struct panel p;

	if (!is_known(t, m))
		return;
	make_panel(&p, t, m);
	qn_html_figure(out);
	qn_svg_begin(out, qn_bars_height(&p.bars), m->name, false);
	qn_bars_draw(out, &p.bars, 0);
	qn_svg_end(out);
	qn_html_figure_end(out, NULL);
	free_panel(&p);
}

static void put_over_time(FILE *out, const struct qn_trial *t)
{
	struct over_time over;

	make_over_time(&over, t);
	qn_html_figure(out);
	qn_svg_begin(out, qn_chart_height(&over.chart), over.chart.title,
		     false);
	qn_chart_draw(out, &over.chart, 0);
	qn_svg_end(out);
	qn_html_figure_end(out, NULL);
	free_over_time(&over);
}

static void put_words(FILE *out, const struct qn_findings *f)
{
	const char *const texts[] = { f->fastest, f->leanest, f->losses };

	if (!f->fastest)
		return;
	qn_html_section(out, "In words");
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (texts[i])
			qn_html_text(out, texts[i]);
}

void qn_show_html(FILE *out, const struct qn_trial *t,
		  const struct qn_findings *f)
{
	char *program = qn_show_program(t, 200);

	qn_html_begin(out, "Which allocator serves it best", f->advice);
	qn_html_code(out, program);
	if (t->load.command) {
		qn_html_text(out, "Under the load:");
		qn_html_code(out, t->load.command);
	}
	for (u32 i = 0; i < QN_NR_RESULTS; i++)
		put_bars(out, t, &qn_shown[i]);
	put_over_time(out, t);
	qn_html_text(out, "Whiskers are 95 % intervals of the difference to "
			  "the first row. Pale bars differ from it by noise.");
	qn_html_section(out, "Figures");
	put_table(out, t);
	put_words(out, f);
	qn_html_section(out, "About the figures");
	for (u32 i = 0; i < f->nr_notes; i++)
		qn_html_text(out, f->notes[i]);
	qn_html_end(out);
	free(program);
}
