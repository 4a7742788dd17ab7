// SPDX-License-Identifier: MIT
/*
 * help.c - the options and settings, as text.
 *
 * It is made from the same tables that the parsers read (struct qn_command here, struct
 * qn_conf_option in lib), as the manual pages are (manual.c) and the words that a shell offers
 * (completion.c). So they cannot drift apart.
 */
#include <string.h>
#include "help.h"
#include "text.h"

#define INDENT "                      "

void qn_help(FILE *out)
{
	const struct qn_command *const *c;

	fputs("quern: an allocator that measures how a program uses its heap\n"
	      "\n"
	      "Usage: quern COMMAND [OPTIONS] ...\n"
	      "       quern help [COMMAND]\n"
	      "       quern --version\n"
	      "\n"
	      "Commands:\n",
	      out);
	for (c = qn_commands; *c; c++)
		fprintf(out, "  %-8s  %s\n", (*c)->name, (*c)->brief);
	fputs("\n"
	      "First: quern run -- PROGRAM, or quern compare -- PROGRAM\n"
	      "quern help COMMAND lists the options of a command.\n",
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
	char letter[8], head[64], limits[128], text[512];
	const char *value;

	qn_line(l, "Options:");
	for (o = command->options; o->type; o++) {
		if (!qn_option_is_named(o))
			continue;
		value = qn_option_value(o);
		snprintf(letter, sizeof(letter), "-%c, ", o->letter);
		snprintf(head, sizeof(head), "%s--%s%s%s",
			 o->letter ? letter : "", o->name, value ? "=" : "",
			 value ? value : "");
		snprintf(text, sizeof(text), "%s%s", o->help,
			 qn_option_limits(o, limits, sizeof(limits)));
		put_item(l, head, text);
	}
}

void qn_setting_accepts(const struct qn_conf_option *o, char *text, size_t size)
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
	case QN_CONF_FILE:
		snprintf(text, size, "FILE");
		break;
	case QN_CONF_DIR:
		snprintf(text, size, "DIR");
		break;
	}
}

/* "none" where there is none */
static const char *preset_of(const struct qn_conf_option *o)
{
	return *o->preset ? o->preset : "none";
}

void qn_setting_limits(const struct qn_conf_option *o, char *text, size_t size)
{
	const char *preset = preset_of(o);

	if (o->type == QN_CONF_SIZE)
		snprintf(text, size, "From %s to %s%s. Default: %s.",
			 qn_text_units(o->min).s, qn_text_units(o->max).s,
			 o->max < 1024 ? "" : "; K, M, G may follow", preset);
	else
		snprintf(text, size, "Default: %s.", preset);
}

static void put_setting(struct qn_lines *l, const struct qn_conf_option *o)
{
	char accepts[128], head[160], limits[128], text[768];

	qn_setting_accepts(o, accepts, sizeof(accepts));
	qn_setting_limits(o, limits, sizeof(limits));
	snprintf(head, sizeof(head), "%s:%s", o->key, accepts);
	snprintf(text, sizeof(text), "%s %s", o->help, limits);
	put_item(l, head, text);
}

static struct qn_text milli_text(u64 milli)
{
	struct qn_text t;

	snprintf(t.s, sizeof(t.s), "%.15g", (double)milli / 1000);
	return t;
}

void qn_setting_range(const struct qn_conf_knob *k, char *text, size_t size)
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
	qn_setting_range(k, range, sizeof(range));
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
	struct qn_lines l = qn_lines_to(out);
	char usage[160];

	snprintf(usage, sizeof(usage), "quern %s %s", command->name,
		 command->synopsis);
	qn_wrap(&l, "Usage: ", usage);
	qn_line(&l, "%s", "");
	qn_wrap(&l, "", command->about);
	qn_line(&l, "%s", "");
	put_options(&l, command);
	if (command->has_conf)
		put_settings(&l);
}
