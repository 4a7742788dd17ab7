/* SPDX-License-Identifier: MIT */
/*
 * screen.h - what the parts of the text of a report share.
 *
 * report.c has what everybody wants to know, sites.c who asked for the memory, advice.c
 * what to do about it, details.c how the heap came to it.
 */
#ifndef QN_SCREEN_H
#define QN_SCREEN_H

#include "report.h"
#include "command/base/text-table.h"

#define SIZE(n)         (qn_text_size(n).s)
#define COUNT(n)        (qn_text_count(n).s)
#define TIME(n)         (qn_text_time(n).s)
#define SHARE(n, whole) (qn_text_share(n, whole).s)

/**
 * struct qn_screen - the report of one program, or of their sum
 * @l:		the lines
 * @report:	what it is made from
 * @f:		the figures it shows
 * @total:	of the table
 * @nr_events:	changes shown
 * @nr_decisions: choices among presets shown, with a line for all of them; or 0
 * @is_root:	of the program that was asked for, alone or with others
 */
struct qn_screen {
	struct qn_lines l;
	const struct qn_report *report;
	const struct qn_figures *f;
	struct qn_entry total;
	unsigned int nr_events;
	unsigned int nr_decisions;
	bool is_root;
};

/* The process's most memory at once; of several processes the largest one's */
u64 qn_report_resident(const struct qn_screen *s);

/* Never freed, asked for most, short-lived; nothing where no call sites were kept */
void qn_report_sites(struct qn_screen *s);

/* A few lines, or nothing */
void qn_report_advice(struct qn_screen *s);

/* At most QN_REPORT_LINES lines */
void qn_report_details(struct qn_screen *s);

#endif /* QN_SCREEN_H */
