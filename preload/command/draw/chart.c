// SPDX-License-Identifier: MIT
/*
 * chart.c - series over two axes.
 */
#include <math.h>
#include "markup.h"
#include "plot.h"
#include "svg.h"

#define PLOT      190.0 /* height within the axes */
#define ABOVE     18.0  /* room for the name of y */
#define FOOT      40.0  /* labels and name of x */
#define LEGEND    18.0  /* height of a row of the legend */
#define NAME_MOST 28    /* letters of a name in the legend */

struct plot {
	FILE *out;
	double left;
	double right;
	double top;
	double bottom;
	struct qn_range x;
	struct qn_range y;
};

/* ---- scales ---- */

static double share_of(const struct qn_range *r, double value)
{
	double share;

	if (r->is_log)
		share = value > 0 ? log(value / r->least) /
					    log(r->most / r->least) :
				    0;
	else
		share = (value - r->least) / (r->most - r->least);
	return fmin(fmax(share, 0), 1);
}

static double x_of(const struct plot *p, double value)
{
	return p->left + share_of(&p->x, value) * (p->right - p->left);
}

static double y_of(const struct plot *p, double value)
{
	return p->bottom - share_of(&p->y, value) * (p->bottom - p->top);
}

static bool is_there(const struct qn_point *point)
{
	return isfinite(point->x) && isfinite(point->y);
}

static void widen(struct qn_range *r, double value)
{
	if (!isfinite(value) || (r->is_log && value <= 0))
		return;
	r->least = fmin(r->least, value);
	r->most = fmax(r->most, value);
}

static bool has_low(const struct qn_series *s)
{
	return s->shape >= QN_SHAPE_AREA;
}

static void widen_series(struct plot *p, const struct qn_series *s)
{
	for (u32 i = 0; i < s->nr; i++) {
		if (!is_there(&s->points[i]))
			continue;
		widen(&p->x, s->points[i].x);
		widen(&p->y, s->points[i].y);
		if (has_low(s))
			widen(&p->y, s->points[i].low);
		if (s->shape == QN_SHAPE_DOTS)
			widen(&p->y, s->points[i].high);
	}
}

/* From the data, unless the axis has bounds of its own */
static void find_ranges(struct plot *p, const struct qn_chart *c)
{
	p->x = c->x.range;
	p->y = c->y.range;
	p->x.least = p->y.least = INFINITY;
	p->x.most = p->y.most = -INFINITY;
	for (u32 i = 0; i < c->nr_series; i++)
		widen_series(p, &c->series[i]);
	if (!p->y.is_log)
		widen(&p->y, 0);
	if (c->x.range.least < c->x.range.most)
		p->x = c->x.range;
	if (c->y.range.least < c->y.range.most)
		p->y = c->y.range;
}

/* ---- the legend ---- */

static double entry_width(const struct qn_series *s)
{
	u32 nr = qn_markup_length(s->name);

	return 22 + min(nr, (u32)NAME_MOST) * QN_PLOT_LETTER;
}

static void put_entry(FILE *out, const struct qn_series *s, double x, double y)
{
	fprintf(out,
		"<rect class=\"f%u\" x=\"%.1f\" y=\"%.1f\" width=\"10\" "
		"height=\"10\"/>\n",
		s->colour % QN_SVG_COLOURS, x, y + 2);
	qn_plot_text(out, x + 14, y + 11, "", s->name, NAME_MOST);
}

/* Its height; @out NULL: nothing is drawn */
static double put_legend(FILE *out, const struct qn_chart *c, double top)
{
	double x = QN_PLOT_MARGIN, y = 0, width;
	u32 nr = 0;

	for (u32 i = 0; i < c->nr_series; i++) {
		if (!c->series[i].name)
			continue;
		width = entry_width(&c->series[i]);
		if (nr++ && x + width > QN_SVG_WIDTH - QN_PLOT_MARGIN) {
			x = QN_PLOT_MARGIN;
			y += LEGEND;
		}
		if (out)
			put_entry(out, &c->series[i], x, top + y);
		x += width;
	}
	return nr ? y + LEGEND : 0;
}

double qn_chart_height(const struct qn_chart *c)
{
	return QN_PLOT_HEAD + put_legend(NULL, c, 0) + ABOVE + PLOT + FOOT;
}

/* ---- the axes ---- */

static double label_width(const struct qn_ticks *t)
{
	double width = 0;

	for (u32 i = 0; i < t->nr; i++) {
		struct qn_text label = qn_ticks_label(t, t->at[i]);

		width = fmax(width, qn_markup_length(label.s) * QN_PLOT_LETTER);
	}
	return width;
}

static void put_y_axis(struct plot *p, const struct qn_chart *c)
{
	struct qn_ticks t;
	double y;

	qn_ticks_make(&t, &p->y, 5);
	p->left = QN_PLOT_MARGIN + label_width(&t) + 4;
	for (u32 i = 0; i < t.nr; i++) {
		y = y_of(p, t.at[i]);
		qn_plot_line(p->out, "grid", p->left, y, p->right, y);
		qn_plot_text(p->out, p->left - 5, y + 4,
			     "class=\"tick\" text-anchor=\"end\"",
			     qn_ticks_label(&t, t.at[i]).s, NAME_MOST);
	}
	if (c->y.label)
		qn_plot_text(p->out, p->right, p->top - 5,
			     "class=\"tick\" text-anchor=\"end\"", c->y.label,
			     QN_PLOT_HEAD_MOST);
}

static void put_x_axis(struct plot *p, const struct qn_chart *c)
{
	struct qn_ticks t;
	double x;

	qn_ticks_make(&t, &p->x, 5);
	for (u32 i = 0; i < t.nr; i++) {
		x = x_of(p, t.at[i]);
		qn_plot_line(p->out, "axis", x, p->bottom, x, p->bottom + 4);
		qn_plot_text(p->out, x, p->bottom + 16,
			     "class=\"tick\" text-anchor=\"middle\"",
			     qn_ticks_label(&t, t.at[i]).s, NAME_MOST);
	}
	qn_plot_line(p->out, "axis", p->left, p->bottom, p->right, p->bottom);
	if (c->x.label)
		qn_plot_text(p->out, (p->left + p->right) / 2, p->bottom + 32,
			     "class=\"tick\" text-anchor=\"middle\"",
			     c->x.label, QN_PLOT_HEAD_MOST);
}

/* ---- the series ---- */

/* Whatever is not there ends a line, and the next point begins another */
static void put_path(const struct plot *p, const struct qn_series *s)
{
	const struct qn_point *point;
	bool is_begun = false;

	for (u32 i = 0; i < s->nr; i++) {
		point = &s->points[i];
		if (!is_there(point)) {
			is_begun = false;
			continue;
		}
		if (is_begun && s->shape == QN_SHAPE_STEPS)
			fprintf(p->out, "H%.1f", x_of(p, point->x));
		fprintf(p->out, "%c%.1f %.1f", is_begun ? 'L' : 'M',
			x_of(p, point->x), y_of(p, point->y));
		is_begun = true;
	}
}

static void put_line(const struct plot *p, const struct qn_series *s)
{
	fprintf(p->out, "<path class=\"line s%u\" d=\"",
		s->colour % QN_SVG_COLOURS);
	put_path(p, s);
	fputs("\">", p->out);
	qn_plot_title(p->out, s->name);
	fputs("</path>\n", p->out);
}

/* Forth along y and back along low, for each stretch of points that are there */
static void put_area(const struct plot *p, const struct qn_series *s)
{
	u32 first = 0, i, k;

	fprintf(p->out, "<path class=\"area f%u\" d=\"",
		s->colour % QN_SVG_COLOURS);
	while (first < s->nr) {
		for (i = first; i < s->nr && is_there(&s->points[i]); i++)
			fprintf(p->out, "%c%.1f %.1f", i > first ? 'L' : 'M',
				x_of(p, s->points[i].x),
				y_of(p, s->points[i].y));
		for (k = i; k > first; k--)
			fprintf(p->out, "L%.1f %.1f",
				x_of(p, s->points[k - 1].x),
				y_of(p, s->points[k - 1].low));
		if (i > first)
			fputc('Z', p->out);
		first = i + 1;
	}
	fputs("\">", p->out);
	qn_plot_title(p->out, s->name);
	fputs("</path>\n", p->out);
}

static double bar_end(const struct plot *p, const struct qn_series *s, u32 i)
{
	const struct qn_point *at = &s->points[i];

	if (i + 1 < s->nr && isfinite(at[1].x))
		return x_of(p, at[1].x);
	return i ? 2 * x_of(p, at->x) - x_of(p, at[-1].x) : p->right;
}

static void put_bars(const struct plot *p, const struct qn_series *s)
{
	double x, end, y, low;

	for (u32 i = 0; i < s->nr; i++) {
		if (!is_there(&s->points[i]))
			continue;
		x = x_of(p, s->points[i].x);
		end = fmin(bar_end(p, s, i), p->right);
		y = y_of(p, s->points[i].y);
		low = y_of(p, s->points[i].low);
		fprintf(p->out,
			"<rect class=\"f%u\" x=\"%.1f\" y=\"%.1f\" "
			"width=\"%.1f\" height=\"%.1f\">",
			s->colour % QN_SVG_COLOURS, x, fmin(y, low),
			fmax(end - x - 1, .5), fabs(low - y));
		qn_plot_title(p->out, s->points[i].title);
		fputs("</rect>\n", p->out);
	}
}

static void put_dot(const struct plot *p, const struct qn_series *s, u32 i)
{
	const struct qn_point *at = &s->points[i];
	double x = x_of(p, at->x);

	if (s->shape == QN_SHAPE_DOTS && at->low < at->high)
		qn_plot_line(p->out, "whisker", x, y_of(p, at->low), x,
			     y_of(p, at->high));
	fprintf(p->out,
		"<circle class=\"f%u\" cx=\"%.1f\" cy=\"%.1f\" r=\"%s\">",
		s->colour % QN_SVG_COLOURS, x, y_of(p, at->y),
		s->shape == QN_SHAPE_DOTS ? "3.5" : "2.5");
	qn_plot_title(p->out, at->title);
	fputs("</circle>\n", p->out);
}

static void put_series(const struct plot *p, const struct qn_series *s)
{
	if (!s->nr)
		return;
	if (s->shape == QN_SHAPE_BARS) {
		put_bars(p, s);
		return;
	}
	if (s->shape == QN_SHAPE_AREA)
		put_area(p, s);
	if (s->shape == QN_SHAPE_LINE || s->shape == QN_SHAPE_STEPS)
		put_line(p, s);
	for (u32 i = 0; i < s->nr; i++)
		if (is_there(&s->points[i]) &&
		    (s->shape == QN_SHAPE_DOTS || s->points[i].title))
			put_dot(p, s, i);
}

static void put_mark(const struct plot *p, const struct qn_mark *m)
{
	double x = x_of(p, m->x);

	if (!isfinite(m->x))
		return;
	fputs("<g>", p->out);
	qn_plot_title(p->out, m->title);
	qn_plot_line(p->out, "mark", x, p->top, x, p->bottom);
	fprintf(p->out,
		"<path style=\"fill:var(--faint)\" "
		"d=\"M%.1f %.1fl-4 -7h8z\"/></g>\n",
		x, p->top);
}

double qn_chart_draw(FILE *out, const struct qn_chart *c, double top)
{
	struct plot p = { .out = out, .right = QN_SVG_WIDTH - 22 };

	qn_plot_head(out, top, c->title);
	p.top = top + QN_PLOT_HEAD + ABOVE +
		put_legend(out, c, top + QN_PLOT_HEAD);
	p.bottom = p.top + PLOT;
	find_ranges(&p, c);
	put_y_axis(&p, c);
	put_x_axis(&p, c);
	for (u32 i = 0; i < c->nr_series; i++)
		put_series(&p, &c->series[i]);
	for (u32 i = 0; i < c->nr_marks; i++)
		put_mark(&p, &c->marks[i]);
	return top + qn_chart_height(c);
}
