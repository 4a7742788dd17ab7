// SPDX-License-Identifier: MIT
/*
 * help.c - the options and settings, as text and as a manual page.
 *
 * Both are made from the same tables that the parsers read (struct qn_command
 * here, struct qn_conf_option in lib), so they cannot drift apart.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "format/conf.h"
#include "options.h"
#include "text.h"

#define INDENT "                      "

void qn_help(FILE *out)
{
	const struct qn_command *const *c;

	fputs("quern: an allocator that measures how a program uses its heap\n"
	      "\n"
	      "Usage: quern COMMAND [OPTIONS] ...\n"
	      "\n",
	      out);
	for (c = qn_commands; *c; c++)
		fprintf(out, "  quern %s %s\n", (*c)->name, (*c)->synopsis);
	fputs("  quern help [COMMAND]\n"
	      "  quern --version\n"
	      "\n"
	      "quern help COMMAND lists its options.\n",
	      out);
}

static void put_item(struct qn_lines *l, const char *head, const char *text)
{
	char label[48];

	if (strlen(head) + 4 > strlen(INDENT)) {
		qn_line(l, "  %s", head);
		qn_wrap(l, INDENT, text);
		return;
	}
	snprintf(label, sizeof(label), "  %-*s", (int)strlen(INDENT) - 2, head);
	qn_wrap(l, label, text);
}

static void put_options(struct qn_lines *l, const struct qn_command *command)
{
	const struct qn_option *o;
	char head[64], limits[128], text[512];
	const char *value;

	qn_line(l, "Options:");
	for (o = command->options; o->type; o++) {
		if (!qn_option_is_named(o))
			continue;
		value = qn_option_value(o);
		snprintf(head, sizeof(head), "--%s%s%s", o->name,
			 value ? "=" : "", value ? value : "");
		snprintf(text, sizeof(text), "%s%s", o->help,
			 qn_option_limits(o, limits, sizeof(limits)));
		put_item(l, head, text);
	}
}

/* "fixed|rule", "0..64M", "DIR": what a setting accepts */
static void describe(const struct qn_conf_option *o, char *text, size_t size)
{
	size_t i;

	switch (o->type) {
	case QN_CONF_CHOICE:
		snprintf(text, size, "%s", o->choices);
		for (i = 0; text[i]; i++)
			if (text[i] == ' ')
				text[i] = '|';
		break;
	case QN_CONF_SIZE:
		snprintf(text, size, "N");
		break;
	case QN_CONF_MILLI:
		snprintf(text, size, "X");
		break;
	case QN_CONF_PATH:
		snprintf(text, size, "DIR");
		break;
	}
}

static const char *preset_of(const struct qn_conf_option *o)
{
	return *o->preset ? o->preset : "none";
}

static void put_setting(struct qn_lines *l, const struct qn_conf_option *o)
{
	char accepts[64], head[96], text[512];

	describe(o, accepts, sizeof(accepts));
	snprintf(head, sizeof(head), "%s:%s", o->key, accepts);
	if (o->type == QN_CONF_SIZE)
		snprintf(text, sizeof(text),
			 "%s From %zu to %zu; K, M, G may follow. Default: %s.",
			 o->help, o->min, o->max, preset_of(o));
	else
		snprintf(text, sizeof(text), "%s Default: %s.", o->help,
			 preset_of(o));
	put_item(l, head, text);
}

static struct qn_text milli_text(u64 milli)
{
	struct qn_text t;

	snprintf(t.s, sizeof(t.s), "%.15g", (double)milli / 1000);
	return t;
}

/* "From 0 to 64. Default: 4." */
static void range_of(const struct qn_conf_knob *k, char *text, size_t size)
{
	struct qn_text (*to_text)(u64 value) = k->is_milli ? milli_text :
							     qn_text_units;

	snprintf(text, size, "From %s to %s. Default: %s.", to_text(k->least).s,
		 to_text(k->most).s, to_text(k->preset).s);
}

static void put_knob(struct qn_lines *l, const struct qn_conf_knob *k)
{
	char head[64], range[128], text[512];

	snprintf(head, sizeof(head), "%s:%s", k->key, k->unit);
	range_of(k, range, sizeof(range));
	snprintf(text, sizeof(text), "%s %s", k->help, range);
	put_item(l, head, text);
}

static void put_settings(struct qn_lines *l)
{
	unsigned int i;

	qn_line(l, "%s", "");
	qn_line(l,
		"Settings of QUERN_CONF and --conf, as KEY:VALUE,KEY:VALUE:");
	for (i = 0; i < qn_conf_nr_options; i++)
		put_setting(l, &qn_conf_options[i]);
	qn_line(l, "%s", "");
	qn_line(l, "Knobs, which are set likewise:");
	for (i = 0; i < qn_conf_nr_knobs; i++)
		put_knob(l, &qn_conf_knobs[i]);
}

void qn_help_command(FILE *out, const struct qn_command *command)
{
	struct qn_lines l = { .out = out };

	qn_line(&l, "Usage: quern %s %s", command->name, command->synopsis);
	qn_line(&l, "%s", "");
	qn_wrap(&l, "", command->about);
	qn_line(&l, "%s", "");
	put_options(&l, command);
	if (command->has_conf)
		put_settings(&l);
}

/* troff gives a leading dot or quote and every backslash a meaning */
static void put_troff(FILE *out, const char *text)
{
	if (*text == '.' || *text == '\'')
		fputs("\\&", out);
	for (; *text; text++) {
		if (*text == '\\' || *text == '-')
			fputc('\\', out);
		fputc(*text, out);
	}
}

static void put_troff_options(FILE *out, const struct qn_command *command)
{
	const struct qn_option *o;
	char limits[128];

	for (o = command->options; o->type; o++) {
		if (!qn_option_is_named(o))
			continue;
		fputs(".TP\n.B ", out);
		put_troff(out, "--");
		put_troff(out, o->name);
		if (qn_option_value(o))
			fprintf(out, "\\fR=\\fI%s", qn_option_value(o));
		fputs("\n", out);
		put_troff(out, o->help);
		fprintf(out, "%s\n",
			qn_option_limits(o, limits, sizeof(limits)));
	}
}

static void put_troff_settings(FILE *out)
{
	const struct qn_conf_option *o = qn_conf_options;
	char accepts[64];

	for (; o < qn_conf_options + qn_conf_nr_options; o++) {
		describe(o, accepts, sizeof(accepts));
		fprintf(out, ".TP\n.B %s\\fR:\\fI%s\n", o->key, accepts);
		put_troff(out, o->help);
		if (o->type == QN_CONF_SIZE)
			fprintf(out, "\nFrom %zu to %zu; K, M, G may follow.",
				o->min, o->max);
		fprintf(out, "\nDefault: %s.\n", preset_of(o));
	}
}

static void put_troff_knobs(FILE *out)
{
	const struct qn_conf_knob *k = qn_conf_knobs;
	char range[128];

	for (; k < qn_conf_knobs + qn_conf_nr_knobs; k++) {
		range_of(k, range, sizeof(range));
		fprintf(out, ".TP\n.B %s\\fR:\\fI%s\n", k->key, k->unit);
		put_troff(out, k->help);
		fprintf(out, "\n%s\n", range);
	}
}

/* A line "@...@" of the template; false if it names nothing */
static bool put_marked(FILE *out, const char *line)
{
	const struct qn_command *const *c;
	char name[64];

	if (!strcmp(line, "@conf@\n")) {
		put_troff_settings(out);
		return true;
	}
	if (!strcmp(line, "@knobs@\n")) {
		put_troff_knobs(out);
		return true;
	}
	for (c = qn_commands; *c; c++) {
		snprintf(name, sizeof(name), "@%s-options@\n", (*c)->name);
		if (strcmp(line, name) != 0)
			continue;
		put_troff_options(out, *c);
		return true;
	}
	return false;
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
