// SPDX-License-Identifier: MIT
/*
 * show-text.c - a trial as text and as Markdown.
 */
#define _GNU_SOURCE 1
#include <stdlib.h>
#include <string.h>
#include "command/base/fail.h"
#include "command/base/text-table.h"
#include "show.h"

/* As a shell takes it: quoted where it has to be */
static void put_argument(FILE *out, const char *arg)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_./=:,+@%-";

	if (*arg && !arg[strspn(arg, plain)]) {
		fputs(arg, out);
		return;
	}
	fputc('\'', out);
	for (; *arg; arg++)
		if (*arg == '\'')
			fputs("'\\''", out);
		else
			fputc(*arg, out);
	fputc('\'', out);
}

char *qn_show_program(const struct qn_trial *t, size_t most)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return qn_xprintf("%s", t->argv[0]);
	for (char **arg = t->argv; *arg; arg++) {
		if (arg > t->argv)
			fputc(' ', out);
		put_argument(out, *arg);
	}
	fclose(out);
	if (size > most)
		strcpy(text + most - 3, "...");
	return text;
}

/* ---- text ---- */

/* Names of columns */
static const char *const short_names[QN_NR_SHOWN] = { "CPU time", "wall time",
						      "peak", "average",
						      "faults" };

static const char *failed(const struct qn_trial *t, u32 s)
{
	return qn_compare_cell(&t->compare, 0, s)->failed;
}

static void put_medians(const struct qn_trial *t, struct qn_lines *l)
{
	static const int widths[] = { -23, 11, 11, 11, 11, 12 };
	static const unsigned char leaving[] = { 5, 4, 2, 3, 0 };
	const struct qn_text_table table = { l, widths, ARRAY_SIZE(widths),
					     leaving, 0 };
	struct qn_text cells[QN_NR_SHOWN];
	char name[40];

	QN_TEXT_ROW(&table, "", short_names[0], short_names[1], short_names[2],
		    short_names[3], short_names[4]);
	for (u32 s = 0; s < t->who.nr; s++) {
		if (failed(t, s)) {
			qn_line(l, "  %-20.20s %s", t->who.at[s].name,
				failed(t, s));
			continue;
		}
		for (u32 i = 0; i < QN_NR_SHOWN; i++)
			cells[i] = qn_shown_text(t, s, &qn_shown[i]);
		snprintf(name, sizeof(name), "  %.20s", t->who.at[s].name);
		QN_TEXT_ROW(&table, name, cells[0].s, cells[1].s, cells[2].s,
			    cells[3].s, cells[4].s);
	}
}

static void put_differences(const struct qn_trial *t, struct qn_lines *l)
{
	static const int widths[] = { -23, 13, 14, 14, 14 };
	static const unsigned char leaving[] = { 4, 2, 3, 0 };
	const struct qn_text_table table = { l, widths, ARRAY_SIZE(widths),
					     leaving, 0 };
	struct qn_text cells[QN_NR_RESULTS];
	struct qn_interval interval;
	char name[40];

	qn_line(l, "Difference to %s in %%, 95 %% intervals; ~ is noise",
		t->who.at[0].name);
	QN_TEXT_ROW(&table, "", short_names[0], short_names[1], short_names[2],
		    short_names[3]);
	for (u32 s = 1; s < t->who.nr; s++) {
		if (failed(t, s))
			continue;
		for (u32 i = 0; i < QN_NR_RESULTS; i++) {
			interval = qn_findings_ratio(t, s, &qn_shown[i]);
			cells[i] = qn_interval_text(&interval);
		}
		snprintf(name, sizeof(name), "  %.20s", t->who.at[s].name);
		QN_TEXT_ROW(&table, name, cells[0].s, cells[1].s, cells[2].s,
			    cells[3].s);
	}
}

void qn_show_text(FILE *out, const struct qn_trial *t,
		  const struct qn_findings *f)
{
	struct qn_lines l = qn_lines_to(out);
	char *program = qn_show_program(t, 70);

	qn_line(&l, "%s", program);
	put_medians(t, &l);
	qn_line(&l, "%s", "");
	put_differences(t, &l);
	qn_line(&l, "%s", "");
	if (f->fastest)
		qn_wrap(&l, "Speed   ", f->fastest);
	if (f->leanest)
		qn_wrap(&l, "Memory  ", f->leanest);
	qn_wrap(&l, "Advice  ", f->advice);
	if (f->losses)
		qn_wrap(&l, "Behind  ", f->losses);
	qn_line(&l, "%s", "");
	for (u32 i = 0; i < f->nr_notes; i++)
		qn_wrap(&l, "", f->notes[i]);
	qn_lines_end(&l);
	free(program);
}

/* ---- Markdown ---- */

/* Between the bars of a table, and in a line */
static void put_markdown(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (strchr("|\\`*_<>[]", *text))
			fputc('\\', out);
		fputc(*text == '\n' ? ' ' : *text, out);
	}
}

static void put_markdown_row(FILE *out, const struct qn_trial *t, u32 s)
{
	struct qn_interval interval;

	fputs("| ", out);
	put_markdown(out, t->who.at[s].name);
	for (u32 i = 0; i < QN_NR_SHOWN && !failed(t, s); i++) {
		fprintf(out, " | %s", qn_shown_text(t, s, &qn_shown[i]).s);
		interval = qn_findings_ratio(t, s, &qn_shown[i]);
		if (s && interval.is_known)
			fprintf(out, " (%s %%)", qn_interval_text(&interval).s);
	}
	if (failed(t, s)) {
		fputs(" | ", out);
		put_markdown(out, failed(t, s));
		fputs(" | | | |", out);
	}
	fputs(" |\n", out);
}

void qn_show_markdown(FILE *out, const struct qn_trial *t,
		      const struct qn_findings *f)
{
	char *program = qn_show_program(t, 200);

	fputs("### ", out);
	put_markdown(out, program);
	fputs("\n\n", out);
	put_markdown(out, f->advice);
	fputs("\n\n| |", out);
	for (u32 i = 0; i < QN_NR_SHOWN; i++)
		fprintf(out, " %s |", qn_shown[i].name);
	fputs("\n| --- | ---: | ---: | ---: | ---: | ---: |\n", out);
	for (u32 s = 0; s < t->who.nr; s++)
		put_markdown_row(out, t, s);
	fputs("\n", out);
	if (f->losses) {
		put_markdown(out, f->losses);
		fputs("\n\n", out);
	}
	for (u32 i = 0; i < f->nr_notes; i++) {
		fputs("- ", out);
		put_markdown(out, f->notes[i]);
		fputs("\n", out);
	}
	free(program);
}
