// SPDX-License-Identifier: MIT
/*
 * report-html.c - a run or a replay as one HTML file: memory over time, what the heap was
 * made of, whose memory it was, sizes, lives.
 */
#define _GNU_SOURCE 1
#include "report-html.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "command/base/fail.h"
#include "command/base/text.h"
#include "command/draw/html.h"
#include "command/draw/svg.h"
#include "learn/controller.h"
#include "learn/presets.h"

/* Marks of decisions at most: the last ones */
#define NR_MARKS 40u

static void draw_chart(FILE *out, const struct qn_chart *c, const char *caption)
{
	qn_html_figure(out);
	qn_svg_begin(out, qn_chart_height(c), c->title, false);
	qn_chart_draw(out, c, 0);
	qn_svg_end(out);
	qn_html_figure_end(out, caption);
}

/* ---- memory over time ---- */

/**
 * struct marks - decisions of the controller
 */
struct marks {
	struct qn_mark at[2 * NR_MARKS];
	char *titles[2 * NR_MARKS];
	u32 nr;
};

static void add_mark(struct marks *m, u64 usec, char *title)
{
	if (m->nr == ARRAY_SIZE(m->at)) {
		free(title);
		return;
	}
	m->titles[m->nr] = title;
	m->at[m->nr++] = (struct qn_mark){ (double)usec / 1e6, title };
}

static char *event_text(const struct qn_stats_change *c)
{
	if (c->action == QN_ACTION_PROMOTE)
		return qn_xprintf("%s B got a block size of its own: saves %s",
				  qn_text_count(c->size).s,
				  qn_text_size(c->gain).s);
	if (c->action == QN_ACTION_DEMOTE)
		return qn_xprintf("%s B lost its own block size",
				  qn_text_count(c->size).s);
	return qn_xprintf("the policy turned knobs");
}

static void find_marks(struct marks *m, const struct qn_figures *f)
{
	unsigned int nr = f->nr_events, nr_choices;
	u8 last = QN_NR_PRESETS;

	for (unsigned int i = nr - min(nr, NR_MARKS); i < nr; i++)
		add_mark(m,
			 f->events[i].usec -
				 min(f->start_usec, f->events[i].usec),
			 event_text(&f->events[i].change));
	nr_choices = qn_figures_nr_decisions(f);
	for (unsigned int i = 0; i < nr_choices; i++) {
		const struct qn_stats_decision *d = qn_figures_decision(f, i);

		if (d->preset != last && d->preset < QN_NR_PRESETS)
			add_mark(m, d->usec,
				 qn_xprintf("set of knobs: %s",
					    qn_preset_names[d->preset]));
		last = d->preset;
	}
}

/* The points of one area, which lies on @low */
static struct qn_point *area_of(const struct qn_history *h, int part)
{
	struct qn_point *points =
		qn_xrealloc(NULL, (h->nr + 1) * sizeof(*points));

	for (u32 i = 0; i < h->nr; i++) {
		const struct qn_moment *m = &h->at[i];
		u64 tops[] = { m->live, m->live + m->pinned,
			       m->live + m->pinned + m->kept, m->resident };
		double low = part == 0 || part == 3 ? 0 :
						      (double)tops[part - 1];

		points[i] = (struct qn_point){ .x = (double)m->usec / 1e6,
					       .y = tops[part] || part < 3 ?
							    (double)tops[part] :
							    NAN,
					       .low = low };
	}
	return points;
}

static void put_memory(FILE *out, const struct qn_html_report *r)
{
	static const char *const names[] = { "in use", "pinned", "kept",
					     "resident" };
	const struct qn_history *h = r->history;
	struct marks marks = { .nr = 0 };
	struct qn_series series[4];
	bool is_known = false;
	struct qn_chart c = {
		.title = "Memory over time",
		.x = { .range = { .unit = QN_UNIT_SECONDS } },
		.y = { .range = { .unit = QN_UNIT_BYTES } },
		.series = series,
	};

	if (!h || h->nr < 2)
		return;
	for (u32 i = 0; i < h->nr; i++)
		is_known |= h->at[i].resident > 0;
	for (u32 i = 0; i < 3u + is_known; i++)
		series[c.nr_series++] = (struct qn_series){
			.name = names[i],
			.shape = i < 3 ? QN_SHAPE_AREA : QN_SHAPE_LINE,
			.points = area_of(h, (int)i),
			.nr = h->nr,
			.colour = i,
		};
	if (r->figures)
		find_marks(&marks, r->figures);
	c.marks = marks.at;
	c.nr_marks = marks.nr;
	qn_html_section(out, "Memory over time");
	draw_chart(out, &c,
		   "Blocks in use, free memory that they pin, and free memory "
		   "that is kept for reuse, one on the other. The line is the "
		   "process's resident memory. Vertical lines are decisions of "
		   "the controller.");
	for (u32 i = 0; i < c.nr_series; i++)
		free((void *)(uintptr_t)series[i].points);
	for (u32 i = 0; i < marks.nr; i++)
		free(marks.titles[i]);
}

/* ---- the heap ---- */

static void put_row(FILE *out, const char *name, u64 peak, u64 end)
{
	struct qn_text a = qn_text_size(peak), b = qn_text_size(end);
	const char *const cells[] = { name, a.s, b.s, NULL };

	qn_html_row(out, cells, false);
}

static void put_heap(FILE *out, const struct qn_figures *f)
{
	static const char *const heads[] = { "Heap", "at its peak", "at exit",
					     NULL };
	const struct qn_use *peak = &f->at_resident, *end = &f->at_end;

	if (!f->is_whole || !f->nr_allocs)
		return;
	qn_html_section(out, "What the heap was made of");
	qn_html_table(out, heads);
	put_row(out, "in use by the program", peak->live, end->live);
	if (f->sampled)
		put_row(out, "of it lost by rounding sizes up", peak->internal,
			end->internal);
	put_row(out, "free, pinned by blocks in use", peak->external,
		end->external);
	put_row(out, "free, kept for reuse", peak->dirty, end->dirty);
	put_row(out, "quern itself", peak->metadata, end->metadata);
	put_row(out, "together", qn_use_total(peak), qn_use_total(end));
	qn_html_table_end(out);
}

/* ---- call sites ---- */

static void put_flame(FILE *out, const struct qn_flame *f, enum qn_flame_of of)
{
	if (!qn_flame_total(f, of))
		return;
	fputs("<div class=\"wide\"><div style=\"min-width:640px\">\n", out);
	qn_flame_svg(out, f, of, false);
	fputs("</div></div>\n", out);
}

static void put_flames(FILE *out, const struct qn_flame *f)
{
	if (!f || !f->nr)
		return;
	qn_html_section(out, "Whose memory it is");
	qn_html_text(out, "A click on a function makes it as wide as the "
			  "picture, the next one leads back.");
	if (f->has_peak)
		put_flame(out, f, QN_FLAME_PEAK);
	put_flame(out, f, QN_FLAME_LEAKED);
	put_flame(out, f, QN_FLAME_BYTES);
}

/* ---- sizes ---- */

static int compare_sizes(const void *a, const void *b)
{
	const struct qn_entry *x = a, *y = b;

	return (x->osize > y->osize) - (x->osize < y->osize);
}

static char *entry_text(const struct qn_entry *e)
{
	char asked[64] = "";

	if (e->asked_allocs)
		snprintf(asked, sizeof(asked), "; asked for %.1f B on average",
			 e->asked / 16 / (double)e->asked_allocs);
	return qn_xprintf(
		"%s B: %s blocks, %s%s%s", qn_text_count(e->osize).s,
		qn_text_count(e->nr_allocs).s, qn_text_size(e->bytes).s, asked,
		e->promoted ? "; a size that the controller made" : "");
}

/**
 * struct sizes - the chart's data
 * @entries, @nr: of slabs, by size
 * @bars:	one more than @nr
 */
struct sizes {
	struct qn_entry *entries;
	u32 nr;
	struct qn_point *bars;
	struct qn_point *means;
	struct qn_mark *marks;
	u32 nr_means, nr_marks;
	char **titles;
};

static void make_sizes(struct sizes *s, const struct qn_figures *f)
{
	u64 room = (f->nr_entries + 1) * sizeof(*s->bars);

	s->entries =
		qn_xrealloc(NULL, (f->nr_entries + 1) * sizeof(*s->entries));
	s->bars = qn_xrealloc(NULL, room);
	s->means = qn_xrealloc(NULL, room);
	s->marks = qn_xrealloc(NULL, (f->nr_entries + 1) * sizeof(*s->marks));
	s->titles = qn_xrealloc(NULL, (f->nr_entries + 1) * sizeof(*s->titles));
	for (u32 i = 0; i < f->nr_entries; i++)
		if (f->entries[i].osize)
			s->entries[s->nr++] = f->entries[i];
	qsort(s->entries, s->nr, sizeof(*s->entries), compare_sizes);
	for (u32 i = 0; i < s->nr; i++) {
		const struct qn_entry *e = &s->entries[i];
		double below = i ? s->entries[i - 1].osize : e->osize / 2.0;

		s->titles[i] = entry_text(e);
		s->bars[i] = (struct qn_point){ .x = below,
						.y = (double)e->bytes,
						.title = s->titles[i] };
		if (e->asked_allocs && e->bytes)
			s->means[s->nr_means++] = (struct qn_point){
				.x = max(e->asked / 16 /
						 (double)e->asked_allocs,
					 1.0),
				.y = (double)e->bytes,
				.low = (double)e->bytes,
				.high = (double)e->bytes,
				.title = s->titles[i],
			};
		if (e->promoted)
			s->marks[s->nr_marks++] =
				(struct qn_mark){ e->osize, s->titles[i] };
	}
	if (s->nr)
		s->bars[s->nr] =
			(struct qn_point){ .x = s->entries[s->nr - 1].osize };
}

static void free_sizes(struct sizes *s)
{
	for (u32 i = 0; i < s->nr; i++)
		free(s->titles[i]);
	free(s->titles);
	free(s->entries);
	free(s->bars);
	free(s->means);
	free(s->marks);
}

static void put_sizes(FILE *out, const struct qn_figures *f)
{
	struct sizes s = { .nr = 0 };
	struct qn_entry total = qn_figures_total(f);
	char caption[300];
	u64 direct = 0;

	make_sizes(&s, f);
	for (u32 i = 0; i < f->nr_entries; i++)
		direct += f->entries[i].osize ? 0 : f->entries[i].bytes;
	if (s.nr && total.bytes > direct) {
		const struct qn_series series[] = {
			{ "asked for, by block size", QN_SHAPE_BARS, s.bars,
			  s.nr + 1, 0 },
			{ "mean size asked for", QN_SHAPE_DOTS, s.means,
			  s.nr_means, 1 },
		};
		const struct qn_chart c = {
			.title = "Bytes asked for, by size",
			.x = { "size",
			       { .unit = QN_UNIT_BYTES, .is_log = true } },
			.y = { .range = { .unit = QN_UNIT_BYTES } },
			.series = series,
			.nr_series = s.nr_means ? 2 : 1,
			.marks = s.marks,
			.nr_marks = s.nr_marks,
		};

		snprintf(
			caption, sizeof(caption),
			"A bar is a block size of the table: requests up to its "
			"right edge get such blocks. A dot is the mean size that "
			"was asked for there. Vertical lines are sizes that the "
			"controller made. Larger blocks, %s of all bytes, are "
			"not in it.",
			qn_text_share(direct, total.bytes).s);
		draw_chart(out, &c, caption);
	}
	free_sizes(&s);
}

/* ---- lives ---- */

static void put_lives(FILE *out, const struct qn_figures *f)
{
	struct qn_stats_life life = qn_figures_lives(f);
	struct qn_point points[QN_STATS_LIVES + 1];
	char titles[QN_STATS_LIVES][128];
	u64 ended = 0;
	u32 nr = 0;

	for (u32 i = 0; i < QN_STATS_LIVES; i++) {
		ended += life.by_bytes[i];
		nr = life.by_bytes[i] ? i + 1 : nr;
	}
	if (!ended)
		return;
	for (u32 i = 0; i < nr; i++) {
		u64 limit = (u64)QN_STATS_LIFE_BYTES << i;

		snprintf(titles[i], sizeof(titles[i]),
			 "freed before %s more were asked for: %s",
			 qn_text_size(limit).s,
			 qn_text_share(life.by_bytes[i], ended).s);
		points[i] = (struct qn_point){
			.x = (double)limit / 2,
			.y = 100.0 * (double)life.by_bytes[i] / (double)ended,
			.title = titles[i],
		};
	}
	points[nr] = (struct qn_point){ .x = (double)((u64)QN_STATS_LIFE_BYTES
						      << (nr - 1)) };
	{
		const struct qn_series series = { NULL, QN_SHAPE_BARS, points,
						  nr + 1, 2 };
		const struct qn_chart c = {
			.title = "Lives of blocks",
			.x = { "bytes asked for meanwhile",
			       { .unit = QN_UNIT_BYTES, .is_log = true } },
			.y = { "% of bytes", { .unit = QN_UNIT_PLAIN } },
			.series = &series,
			.nr_series = 1,
		};

		draw_chart(
			out, &c,
			"How long blocks lived that were sampled and followed "
			"to their free, in bytes that the program asked for "
			"meanwhile.");
	}
}

void qn_report_html(FILE *out, const struct qn_html_report *r)
{
	qn_html_begin(out, r->title, r->lead);
	put_memory(out, r);
	if (r->figures)
		put_heap(out, r->figures);
	put_flames(out, r->flame);
	if (r->figures && r->figures->nr_allocs) {
		qn_html_section(out, "Sizes and lives");
		put_sizes(out, r->figures);
		put_lives(out, r->figures);
	}
	if (r->text) {
		qn_html_section(out, "The report");
		qn_html_code(out, r->text);
	}
	qn_html_end(out);
}
