/* SPDX-License-Identifier: MIT */
/*
 * report.h - what a run of a program looked like, for people and for programs.
 *
 * report.c writes one screen of text, report-json.c an object with stable keys;
 * both take the same struct qn_report and compute nothing that figures.h does not.
 */
#ifndef QN_REPORT_H
#define QN_REPORT_H

#include <stdio.h>
#include "command/base/compare.h"
#include "pages.h"

/* Lines of one report, call sites not counted: they are shown where they are asked for */
#define QN_REPORT_LINES 24

/* What the value of "format" in the JSON report is; keys are only ever added */
#define QN_REPORT_FORMAT 1

/* Call sites that are shown of either kind; JSON has all of them */
#define QN_REPORT_SITES 5

/**
 * struct qn_report - all that is known
 * @argv:	the program and its arguments
 * @outcome:	how it ended
 * @pages:	what the heaps of the run left behind
 * @obstacle:	why the program itself left nothing; used where @pages->has_own is
 *		not set
 * @columns:	of the terminal; 0: it goes to a file, in which lines of call sites are
 *		whole and others have QN_TEXT_COLUMNS
 * @is_detailed: --details: with the table, the controller, lives and trends
 * @compare:	two runs of the program, on quern's own heap and, which is @outcome, on
 *		an engine; or NULL
 */
struct qn_report {
	char *const *argv;
	const struct qn_outcome *outcome;
	const struct qn_run_pages *pages;
	const char *obstacle;
	u32 columns;
	bool is_detailed;
	const struct qn_compare *compare;
};

/**
 * qn_report_text() - at most QN_REPORT_LINES lines of QN_TEXT_COLUMNS columns
 *
 * A line whose figures need more goes on below. Details are as many again. With
 * QN_CHILDREN_EACH: as many for every program of the run.
 */
void qn_report_text(FILE *out, const struct qn_report *report);

/**
 * qn_report_json() - one JSON object and a newline
 */
void qn_report_json(FILE *out, const struct qn_report *report);

#endif /* QN_REPORT_H */
