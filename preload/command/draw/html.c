// SPDX-License-Identifier: MIT
/*
 * html.c - a report as one HTML file.
 */
#include "html.h"
#include "markup.h"
#include "svg.h"

static const char style[] =
	"*{box-sizing:border-box}\n"
	"body{margin:0 auto;padding:16px;max-width:1060px;color:var(--ink);"
	"background:var(--paper);font:16px/1.5 system-ui,sans-serif}\n"
	"h1{font-size:1.5em;line-height:1.25;margin:.4em 0}\n"
	"h2{font-size:1.15em;margin:1.6em 0 .4em}\n"
	".lead{font-size:1.1em}\n"
	"p{max-width:44em;margin:.5em 0}\n"
	"pre{overflow-x:auto;padding:10px;border:1px solid var(--grid);"
	"border-radius:6px;font-size:13px}\n"
	".wide{overflow-x:auto}\n"
	"table{border-collapse:collapse;font-variant-numeric:tabular-nums;"
	"font-size:15px}\n"
	"th,td{padding:4px 10px;border-bottom:1px solid var(--grid);"
	"text-align:right;white-space:nowrap}\n"
	"th:first-child,td:first-child{text-align:left;padding-left:0}\n"
	"tr.faint td{color:var(--faint)}\n"
	"figure{display:inline-block;width:100%;max-width:500px;"
	"margin:10px 8px 10px 0;vertical-align:top}\n"
	"figcaption{color:var(--faint);font-size:14px}\n";

static void put_element(FILE *out, const char *name, const char *class,
			const char *text)
{
	fprintf(out, "<%s%s>", name, class);
	qn_markup_text(out, text);
	fprintf(out, "</%s>\n", name);
}

void qn_html_begin(FILE *out, const char *title, const char *lead)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\" class=\"qn\">\n<head>\n"
	      "<meta charset=\"utf-8\"/>\n"
	      "<meta name=\"viewport\" "
	      "content=\"width=device-width,initial-scale=1\"/>\n"
	      "<meta name=\"color-scheme\" content=\"light dark\"/>\n",
	      out);
	put_element(out, "title", "", title);
	fputs("<style>\n", out);
	qn_svg_style(out);
	fputs(style, out);
	fputs("</style>\n</head>\n<body>\n", out);
	put_element(out, "h1", "", title);
	if (lead)
		put_element(out, "p", " class=\"lead\"", lead);
}

void qn_html_end(FILE *out)
{
	fputs("</body>\n</html>\n", out);
}

void qn_html_section(FILE *out, const char *heading)
{
	put_element(out, "h2", "", heading);
}

void qn_html_text(FILE *out, const char *text)
{
	put_element(out, "p", "", text);
}

void qn_html_code(FILE *out, const char *text)
{
	put_element(out, "pre", "", text);
}

static void put_cells(FILE *out, const char *name, const char *const *cells,
		      bool is_faint)
{
	fputs(is_faint ? "<tr class=\"faint\">" : "<tr>", out);
	for (; *cells; cells++) {
		fprintf(out, "<%s>", name);
		qn_markup_text(out, *cells);
		fprintf(out, "</%s>", name);
	}
	fputs("</tr>\n", out);
}

void qn_html_table(FILE *out, const char *const *heads)
{
	fputs("<div class=\"wide\"><table>\n<thead>", out);
	put_cells(out, "th", heads, false);
	fputs("</thead>\n<tbody>\n", out);
}

void qn_html_row(FILE *out, const char *const *cells, bool is_faint)
{
	put_cells(out, "td", cells, is_faint);
}

void qn_html_table_end(FILE *out)
{
	fputs("</tbody></table></div>\n", out);
}

void qn_html_figure(FILE *out)
{
	fputs("<figure>\n", out);
}

void qn_html_figure_end(FILE *out, const char *caption)
{
	if (caption)
		put_element(out, "figcaption", "", caption);
	fputs("</figure>\n", out);
}
