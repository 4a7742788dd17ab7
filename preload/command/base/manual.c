// SPDX-License-Identifier: MIT
/*
 * manual.c - manual pages: quern.1 from its template, and a page for each subcommand.
 */
#define _GNU_SOURCE 1
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "help.h"

/* ---- troff ---- */

/* A leading dot or quote and every backslash have a meaning; a dash is to be typed as one */
static void put_troff(FILE *out, const char *text)
{
	if (*text == '.' || *text == '\'')
		fputs("\\&", out);
	for (; *text; text++) {
		if (*text == '\\' || *text == '-')
			fputc('\\', out);
		/* A second '\\' would be one more escape */
		fputs(*text == '\\' ? "e" : (const char[]){ *text, 0 }, out);
	}
}

static void put_upper(FILE *out, const char *text)
{
	for (; *text; text++)
		fputc(toupper((unsigned char)*text), out);
}

/* ---- options and settings ---- */

static void put_option(FILE *out, const struct qn_option *o)
{
	const char *value = qn_option_value(o);
	char limits[128];

	fputs(".TP\n.B ", out);
	if (o->letter)
		fprintf(out, "\\-%c\\fR, \\fB", o->letter);
	put_troff(out, "--");
	put_troff(out, o->name);
	if (value)
		fprintf(out, "\\fR=\\fI%s", value);
	fputs("\n", out);
	put_troff(out, o->help);
	put_troff(out, qn_option_limits(o, limits, sizeof(limits)));
	fputc('\n', out);
}

static void put_options(FILE *out, const struct qn_command *command)
{
	const struct qn_option *o;

	for (o = command->options; o->type; o++)
		if (qn_option_is_named(o))
			put_option(out, o);
}

/* Of a choice with many words a line may end behind each */
static void put_accepts(FILE *out, const char *accepts)
{
	bool is_long = strlen(accepts) > 60;

	for (; *accepts; accepts++)
		fprintf(out, "%c%s", *accepts,
			is_long && *accepts == '|' ? " " : "");
	fputc('\n', out);
}

static void put_settings(FILE *out)
{
	const struct qn_conf_option *o = qn_conf_options;
	char accepts[128], limits[128];

	for (; o < qn_conf_options + qn_conf_nr_options; o++) {
		qn_setting_accepts(o, accepts, sizeof(accepts));
		fprintf(out, ".TP\n.B %s\\fR:\\fI", o->key);
		put_accepts(out, accepts);
		put_troff(out, o->help);
		qn_setting_limits(o, limits, sizeof(limits));
		fprintf(out, "\n%s\n", limits);
	}
}

static void put_knobs(FILE *out)
{
	const struct qn_conf_knob *k = qn_conf_knobs;
	char range[128];

	for (; k < qn_conf_knobs + qn_conf_nr_knobs; k++) {
		qn_setting_range(k, range, sizeof(range));
		fprintf(out, ".TP\n.B %s\\fR:\\fI%s\n", k->key, k->unit);
		put_troff(out, k->help);
		fprintf(out, "\n%s\n", range);
	}
}

/* ---- all commands ---- */

static void put_synopses(FILE *out)
{
	const struct qn_command *const *c;

	for (c = qn_commands; *c; c++) {
		fprintf(out, ".B quern %s\n", (*c)->name);
		put_troff(out, (*c)->synopsis);
		fputs("\n.br\n", out);
	}
}

static void put_commands(FILE *out)
{
	const struct qn_command *const *c;

	for (c = qn_commands; *c; c++) {
		fprintf(out, ".TP\n.BR quern\\-%s (1)\n", (*c)->name);
		put_troff(out, (*c)->brief);
		fputc('\n', out);
	}
}

static const struct qn_command *find(const char *name, size_t size)
{
	const struct qn_command *const *c;

	for (c = qn_commands; *c; c++)
		if (strlen((*c)->name) == size &&
		    !memcmp((*c)->name, name, size))
			return *c;
	return NULL;
}

/* A line "@...@" of the template; false if it names nothing */
static bool put_marked(FILE *out, const char *line)
{
	static const char options[] = "-options@\n";
	const char *end = strstr(line, options);
	const struct qn_command *command;

	if (!strcmp(line, "@conf@\n"))
		put_settings(out);
	else if (!strcmp(line, "@knobs@\n"))
		put_knobs(out);
	else if (!strcmp(line, "@synopsis@\n"))
		put_synopses(out);
	else if (!strcmp(line, "@commands@\n"))
		put_commands(out);
	else {
		command = end ? find(line + 1, (size_t)(end - line) - 1) : NULL;
		if (!command)
			return false;
		put_options(out, command);
	}
	return true;
}

int qn_help_manual(FILE *template, FILE *out)
{
	char *line = NULL;
	size_t room = 0;
	int err = 0;

	while (getline(&line, &room, template) > 0) {
		if (*line != '@')
			fputs(line, out);
		else if (!put_marked(out, line))
			err = -EINVAL;
	}
	free(line);
	return err;
}

/* ---- one command ---- */

static void put_json(FILE *out, const char *keys)
{
	fputs(".SH JSON\n", out);
	put_troff(out, keys);
	fputs("\nSizes are in bytes, times in seconds; null stands for what is not "
	      "known. Keys keep their meaning, and new ones may be added.\n",
	      out);
}

void qn_help_page(FILE *out, const struct qn_command *command)
{
	fputs(".\\\" made by quern help --page, from the table of options\n"
	      ".TH QUERN\\-",
	      out);
	put_upper(out, command->name);
	fprintf(out,
		" 1 \"\" quern \"User Commands\"\n"
		".SH NAME\nquern\\-%s \\- ",
		command->name);
	put_troff(out, command->brief);
	fprintf(out, "\n.SH SYNOPSIS\n.B quern %s\n", command->name);
	put_troff(out, command->synopsis);
	fputs("\n.SH DESCRIPTION\n", out);
	put_troff(out, command->about);
	fputs("\n.SH OPTIONS\n", out);
	put_options(out, command);
	if (command->has_conf) {
		fputs(".SH SETTINGS\nOf \\-\\-conf and\n.BR QUERN_CONF .\n",
		      out);
		put_settings(out);
		fputs(".SH KNOBS\nWhich are set likewise; K, M, G may "
		      "follow.\n",
		      out);
		put_knobs(out);
	}
	if (command->json)
		put_json(out, command->json);
	fputs(".SH EXIT STATUS\nSee\n.BR quern (1).\n"
	      ".SH SEE ALSO\n.BR quern (1)\n",
	      out);
}
