/* SPDX-License-Identifier: MIT */
/*
 * show.h - a trial and what it says, as text, Markdown, JSON, SVG and HTML.
 */
#ifndef QN_SHOW_H
#define QN_SHOW_H

#include <stdio.h>
#include "findings.h"

/* Keys of the JSON stay as they are; a new number means that one has changed */
#define QN_COMPARE_FORMAT 1

void qn_show_text(FILE *out, const struct qn_trial *t,
		  const struct qn_findings *f);
void qn_show_markdown(FILE *out, const struct qn_trial *t,
		      const struct qn_findings *f);
void qn_show_json(FILE *out, const struct qn_trial *t,
		  const struct qn_findings *f);
void qn_show_svg(FILE *out, const struct qn_trial *t,
		 const struct qn_findings *f);
void qn_show_html(FILE *out, const struct qn_trial *t,
		  const struct qn_findings *f);

/* The program as it was typed, cut to @most bytes; the caller's */
char *qn_show_program(const struct qn_trial *t, size_t most);

#endif /* QN_SHOW_H */
