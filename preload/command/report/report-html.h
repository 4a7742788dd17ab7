/* SPDX-License-Identifier: MIT */
/*
 * report-html.h - a run or a replay as one HTML file.
 *
 * Above report.h, flame.h and draw. Drawings come from the figures that the text of the
 * report comes from.
 */
#ifndef QN_REPORT_HTML_H
#define QN_REPORT_HTML_H

#include <stdio.h>
#include "command/flame/flame.h"
#include "history.h"
#include "report.h"

/**
 * struct qn_html_report - what is drawn; each part may be missing
 * @title:	of the page
 * @lead:	the result in a sentence
 * @figures:	of the heap
 * @history:	memory over time
 * @flame:	call sites
 * @text:	the report as text
 */
struct qn_html_report {
	const char *title;
	const char *lead;
	const struct qn_figures *figures;
	const struct qn_history *history;
	const struct qn_flame *flame;
	const char *text;
};

void qn_report_html(FILE *out, const struct qn_html_report *r);

#endif /* QN_REPORT_HTML_H */
