/* SPDX-License-Identifier: MIT */
/*
 * html.h - a report as one HTML file: sections, tables and drawings. It needs no network
 * and no script, is light or dark as the reader's system is, and suits a phone.
 */
#ifndef QN_HTML_H
#define QN_HTML_H

#include <stdio.h>
#include "base/compiler.h"

/**
 * qn_html_begin() - begin a page
 * @title:	of the page, and its heading
 * @lead:	the result in a sentence or two, or NULL
 */
void qn_html_begin(FILE *out, const char *title, const char *lead);
void qn_html_end(FILE *out);

/* A heading; sections begin without being ended */
void qn_html_section(FILE *out, const char *heading);

/* A paragraph, and one of what was typed or printed */
void qn_html_text(FILE *out, const char *text);
void qn_html_code(FILE *out, const char *text);

/**
 * qn_html_table() - begin a table, which scrolls sideways where the screen is narrow
 * @heads:	of the columns, up to NULL. The first column is to the left, the others,
 *		which are numbers, to the right
 */
void qn_html_table(FILE *out, const char *const *heads);

/* Up to NULL; @is_faint: paler, such as a difference that is noise */
void qn_html_row(FILE *out, const char *const *cells, bool is_faint);
void qn_html_table_end(FILE *out);

/**
 * qn_html_figure() - begin a figure: a drawing follows, made by qn_svg_begin() with
 * is_file false. Neighbours stand side by side where there is room
 */
void qn_html_figure(FILE *out);
void qn_html_figure_end(FILE *out, const char *caption);

#endif /* QN_HTML_H */
