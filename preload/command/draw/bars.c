// SPDX-License-Identifier: MIT
/*
 * bars.c - horizontal bars with whiskers.
 */
#include <math.h>
#include "markup.h"
#include "plot.h"
#include "svg.h"

#define ROW       24.0
#define BAR       14.0
#define FOOT      24.0
#define NAME_MOST 18 /* letters of a name */
#define TEXT_MOST 24 /* letters of a text */

struct plot {
	FILE *out;
	double left;
	double right;
	double top;
	double bottom;
	double most;
};

double qn_bars_height(const struct qn_bars *b)
{
	return QN_PLOT_HEAD + b->nr * ROW + FOOT;
}

static double x_of(const struct plot *p, double value)
{
	double share = fmin(fmax(value / p->most, 0), 1);

	return p->left + share * (p->right - p->left);
}

static double width_of(const char *text, u32 most)
{
	u32 nr = text ? qn_markup_length(text) : 0;

	return min(nr, most) * QN_PLOT_LETTER + QN_PLOT_MARGIN;
}

/* Names to the left, texts to the right, bars between them */
static void find_edges(struct plot *p, const struct qn_bars *b)
{
	double name = 0, text = 0;

	for (u32 i = 0; i < b->nr; i++) {
		name = fmax(name, width_of(b->bars[i].name, NAME_MOST));
		text = fmax(text, width_of(b->bars[i].text, TEXT_MOST));
	}
	p->left = QN_PLOT_MARGIN + name;
	p->right = QN_SVG_WIDTH - QN_PLOT_MARGIN - text;
}

static double greatest(const struct qn_bars *b)
{
	double most = b->line_at;

	for (u32 i = 0; i < b->nr; i++) {
		if (isfinite(b->bars[i].value))
			most = fmax(most, b->bars[i].value);
		if (isfinite(b->bars[i].high))
			most = fmax(most, b->bars[i].high);
	}
	return most;
}

static void put_axis(struct plot *p, const struct qn_bars *b)
{
	struct qn_range r = { .most = greatest(b), .unit = b->unit };
	struct qn_ticks t;
	double x;

	qn_ticks_make(&t, &r, 4);
	p->most = r.most;
	for (u32 i = 0; i < t.nr; i++) {
		x = x_of(p, t.at[i]);
		qn_plot_line(p->out, "grid", x, p->top, x, p->bottom);
		qn_plot_text(p->out, x, p->bottom + 14,
			     "class=\"tick\" text-anchor=\"middle\"",
			     qn_ticks_label(&t, t.at[i]).s, TEXT_MOST);
	}
}

static void put_whisker(const struct plot *p, const struct qn_bar *bar,
			double y)
{
	double low = x_of(p, bar->low), high = x_of(p, bar->high);

	if (!isfinite(bar->low) || !isfinite(bar->high) ||
	    bar->low >= bar->high)
		return;
	fprintf(p->out,
		"<path class=\"whisker\" d=\"M%.1f %.1fH%.1fM%.1f %.1fV%.1f"
		"M%.1f %.1fV%.1f\"/>\n",
		low, y, high, low, y - 4, y + 4, high, y - 4, y + 4);
}

static void put_bar(const struct plot *p, const struct qn_bar *bar, double y)
{
	fputs("<g>", p->out);
	qn_plot_title(p->out, bar->title);
	qn_plot_text(p->out, p->left - 6, y + 4, "text-anchor=\"end\"",
		     bar->name, NAME_MOST);
	if (isfinite(bar->value))
		fprintf(p->out,
			"<rect class=\"f%u%s\" x=\"%.1f\" y=\"%.1f\" "
			"width=\"%.1f\" height=\"%.1f\"/>\n",
			bar->colour % QN_SVG_COLOURS,
			bar->is_faint ? " faint" : "", p->left, y - BAR / 2,
			x_of(p, bar->value) - p->left, BAR);
	put_whisker(p, bar, y);
	qn_plot_text(p->out, p->right + 8, y + 4, "",
		     bar->text ? bar->text : "", TEXT_MOST);
	fputs("</g>\n", p->out);
}

double qn_bars_draw(FILE *out, const struct qn_bars *b, double top)
{
	struct plot p = { .out = out, .top = top + QN_PLOT_HEAD };

	p.bottom = p.top + b->nr * ROW;
	find_edges(&p, b);
	qn_plot_head(out, top, b->title);
	put_axis(&p, b);
	for (u32 i = 0; i < b->nr; i++)
		put_bar(&p, &b->bars[i], p.top + (i + .5) * ROW);
	if (b->line_at > 0)
		qn_plot_line(out, "axis", x_of(&p, b->line_at), p.top,
			     x_of(&p, b->line_at), p.bottom);
	return p.bottom + FOOT;
}
