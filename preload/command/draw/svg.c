// SPDX-License-Identifier: MIT
/*
 * svg.c - charts as SVG: the drawing, and what charts have in common. chart.c and bars.c
 * draw the charts.
 */
#include "markup.h"
#include "plot.h"
#include "svg.h"

/* Okabe and Ito's colours, which colour-blind readers tell apart, darker on white */
static const char style[] =
	".qn{--ink:#1f2328;--faint:#59636e;--grid:#d8dee4;--paper:#fff;"
	"--c0:#0969a8;--c1:#c2500a;--c2:#0a7f5f;--c3:#a8497f;"
	"--c4:#8a6d00;--c5:#2f87b8;--c6:#6e5bb8;--c7:#57606a}\n"
	"@media (prefers-color-scheme:dark){"
	".qn{--ink:#e6edf3;--faint:#9da7b1;--grid:#343b44;--paper:#14181d;"
	"--c0:#58b2f0;--c1:#f0935a;--c2:#3fc79c;--c3:#e592bf;"
	"--c4:#e3c34d;--c5:#8fd0f2;--c6:#b3a3f0;--c7:#aab4be}}\n"
	"svg.qn{display:block;width:100%;height:auto;"
	"font:12px system-ui,sans-serif}\n"
	"svg.qn text{fill:var(--ink)}\n"
	"svg.qn .head{font-weight:600;font-size:13px}\n"
	"svg.qn .tick{fill:var(--faint);font-size:11px}\n"
	"svg.qn .grid{stroke:var(--grid);stroke-width:1}\n"
	"svg.qn .axis{stroke:var(--faint);stroke-width:1}\n"
	"svg.qn .mark{stroke:var(--faint);stroke-dasharray:3 3}\n"
	"svg.qn .whisker{stroke:var(--ink);stroke-width:1.5;fill:none}\n"
	"svg.qn .line{fill:none;stroke-width:1.6;stroke-linejoin:round}\n"
	"svg.qn .area{fill-opacity:.3}\n"
	"svg.qn .faint{fill-opacity:.35}\n";

void qn_svg_style(FILE *out)
{
	fputs(style, out);
	for (u32 i = 0; i < QN_SVG_COLOURS; i++)
		fprintf(out,
			"svg.qn .s%u{stroke:var(--c%u)}"
			"svg.qn .f%u{fill:var(--c%u)}\n",
			i, i, i, i);
}

void qn_svg_begin(FILE *out, double height, const char *title, bool is_file)
{
	fprintf(out,
		"<svg%s class=\"qn\" role=\"img\" viewBox=\"0 0 %d %.0f\">\n"
		"<title>",
		is_file ? " xmlns=\"http://www.w3.org/2000/svg\"" : "",
		QN_SVG_WIDTH, height);
	qn_markup_text(out, title);
	fputs("</title>\n", out);
	if (!is_file)
		return;
	fputs("<style>\n", out);
	qn_svg_style(out);
	fprintf(out,
		"</style>\n<rect width=\"%d\" height=\"%.0f\" "
		"style=\"fill:var(--paper)\"/>\n",
		QN_SVG_WIDTH, height);
}

void qn_svg_end(FILE *out)
{
	fputs("</svg>\n", out);
}

/* ---- parts of charts ---- */

void qn_plot_text(FILE *out, double x, double y, const char *attributes,
		  const char *text, u32 most)
{
	fprintf(out, "<text x=\"%.1f\" y=\"%.1f\"%s%s>", x, y,
		*attributes ? " " : "", attributes);
	qn_markup_cut(out, text, most);
	fputs("</text>\n", out);
}

void qn_plot_line(FILE *out, const char *class, double x1, double y1, double x2,
		  double y2)
{
	fprintf(out,
		"<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" "
		"y2=\"%.1f\"/>\n",
		class, x1, y1, x2, y2);
}

void qn_plot_title(FILE *out, const char *title)
{
	if (!title)
		return;
	fputs("<title>", out);
	qn_markup_text(out, title);
	fputs("</title>", out);
}

void qn_plot_head(FILE *out, double top, const char *title)
{
	if (title)
		qn_plot_text(out, QN_PLOT_MARGIN, top + 17, "class=\"head\"",
			     title, QN_PLOT_HEAD_MOST);
}
