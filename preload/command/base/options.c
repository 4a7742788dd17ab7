// SPDX-License-Identifier: MIT
/*
 * options.c - reading a subcommand's arguments by its table.
 */
#include <stdlib.h>
#include <string.h>
#include "fail.h"
#include "options.h"
#include "text.h"

/* A bound from here on is the member's, and nothing that a user wants to know */
#define TOLD_MOST INT32_MAX

/**
 * struct reading - where the parser stands
 * @argv:	the next argument
 * @to:		the subcommand's struct
 * @given:	a bit for each row that was given
 */
struct reading {
	const struct qn_command *command;
	char **argv;
	void *to;
	u64 given;
};

/* ---- the rows ---- */

bool qn_option_is_named(const struct qn_option *o)
{
	return o->type != QN_OPTION_OPERAND && o->type != QN_OPTION_OPERANDS &&
	       o->type != QN_OPTION_PROGRAM;
}

static bool takes_value(const struct qn_option *o)
{
	return o->type != QN_OPTION_FLAG && o->type != QN_OPTION_HELP;
}

const char *qn_option_value(const struct qn_option *o)
{
	return o->arg ? o->arg : o->choices;
}

static u64 most_of(const struct qn_option *o)
{
	u64 most = o->bytes == sizeof(u32) ? UINT32_MAX : UINT64_MAX;

	return o->most ? o->most : most;
}

/* As it may be typed */
static struct qn_text number_of(const struct qn_option *o, u64 number)
{
	struct qn_text t;

	if (o->type == QN_OPTION_SIZE)
		return qn_text_units(number);
	snprintf(t.s, sizeof(t.s), "%llu", (unsigned long long)number);
	return t;
}

/* "1 to 99", "1 on"; "" where there is no bound to tell of */
static void put_range(const struct qn_option *o, char *text, size_t size)
{
	struct qn_text least = number_of(o, o->least);
	struct qn_text most = number_of(o, most_of(o));

	*text = 0;
	if (most_of(o) < TOLD_MOST)
		snprintf(text, size, "%s to %s", least.s, most.s);
	else if (o->least)
		snprintf(text, size, "%s on", least.s);
}

const char *qn_option_limits(const struct qn_option *o, char *text, size_t size)
{
	char range[80] = "";

	/* That nothing is no size needs no telling */
	if ((o->type == QN_OPTION_NUMBER || o->type == QN_OPTION_SIZE) &&
	    (o->least > 1 || most_of(o) < TOLD_MOST))
		put_range(o, range, sizeof(range));
	snprintf(text, size, "%s%s%s%s%s%s", *range ? " From " : "", range,
		 *range ? "." : "", o->preset ? " Default: " : "",
		 o->preset ? o->preset : "", o->preset ? "." : "");
	return text;
}

/* ---- values ---- */

static int refuse_number(const struct qn_option *o, const char *value)
{
	char range[80];

	put_range(o, range, sizeof(range));
	qn_error("--%s=%s: give a number%s%s%s", o->name, value,
		 *range ? " from " : "", range,
		 o->type == QN_OPTION_SIZE ? "; K, M or G may follow" : "");
	return QN_EXIT_FAILURE;
}

static int set_number(const struct qn_option *o, const char *value, void *to)
{
	bool has_unit = strspn(value, "0123456789") != strlen(value);
	u64 number;

	if (!qn_text_number(value, &number) || number < o->least ||
	    number > most_of(o) || (has_unit && o->type == QN_OPTION_NUMBER))
		return refuse_number(o, value);
	if (o->bytes == sizeof(u32))
		*(u32 *)to = (u32)number;
	else
		*(u64 *)to = number;
	return 0;
}

/* "sum, each or none" */
static int refuse_choice(const struct qn_option *o, const char *value)
{
	const char *last = strrchr(o->choices, '|'), *at;
	char text[128];
	size_t nr = 0;

	for (at = o->choices; *at && nr < sizeof(text) - 8; at++) {
		if (*at != '|')
			text[nr++] = *at;
		else
			nr += (size_t)sprintf(text + nr,
					      at == last ? " or " : ", ");
	}
	text[nr] = 0;
	qn_error("--%s=%s: give %s", o->name, value, text);
	return QN_EXIT_FAILURE;
}

static int set_choice(const struct qn_option *o, const char *value, void *to)
{
	const char *word = o->choices;
	u32 nr = 0;
	size_t size;

	for (;; word += size + 1, nr++) {
		size = strcspn(word, "|");
		if (strlen(value) == size && !memcmp(word, value, size))
			break;
		if (!word[size])
			return refuse_choice(o, value);
	}
	*(u32 *)to = nr;
	return 0;
}

static void add_operand(struct qn_operands *to, const char *value)
{
	QN_GROW(to->at, to->nr);
	to->at[to->nr++] = value;
}

static int set(const struct qn_option *o, const char *value, void *base)
{
	void *to = (char *)base + o->at;

	switch (o->type) {
	case QN_OPTION_FLAG:
		*(bool *)to = true;
		return 0;
	case QN_OPTION_TEXT:
	case QN_OPTION_OPERAND:
		*(const char **)to = value;
		return 0;
	case QN_OPTION_LIST:
	case QN_OPTION_OPERANDS:
		add_operand(to, value);
		return 0;
	case QN_OPTION_NUMBER:
	case QN_OPTION_SIZE:
		return set_number(o, value, to);
	case QN_OPTION_CHOICE:
		return set_choice(o, value, to);
	case QN_OPTION_SETTING:
		qn_settings_add(to, o->key, value);
		return 0;
	default:
		return QN_EXIT_FAILURE;
	}
}

/* ---- arguments ---- */

static const struct qn_option *find(const struct qn_command *command,
				    const char *name, size_t size)
{
	const struct qn_option *o;

	for (o = command->options; o->type; o++)
		if (qn_option_is_named(o) && strlen(o->name) == size &&
		    !memcmp(o->name, name, size))
			return o;
	return NULL;
}

static const struct qn_option *find_letter(const struct qn_command *command,
					   const char *text)
{
	const struct qn_option *o;

	for (o = command->options; o->type; o++)
		if (o->letter && o->letter == text[0] && !text[1])
			return o;
	return NULL;
}

static int refuse_unknown(const struct reading *r, const char *text)
{
	qn_error("%s has no option '%s'; `quern help %s` lists what there is",
		 r->command->name, text, r->command->name);
	return QN_EXIT_FAILURE;
}

static void note(struct reading *r, const struct qn_option *o)
{
	r->given |= 1ull << (o - r->command->options);
}

/* @equals: behind the name, or NULL */
static int take(struct reading *r, const struct qn_option *o,
		const char *equals)
{
	const char *value = equals ? equals + 1 : NULL;

	if (!takes_value(o) && equals) {
		qn_error("option --%s takes no value", o->name);
		return QN_EXIT_FAILURE;
	}
	if (o->type == QN_OPTION_HELP) {
		qn_help_command(stdout, r->command);
		exit(0);
	}
	if (takes_value(o) && !equals && *r->argv)
		value = *r->argv++;
	if (takes_value(o) && (!value || !*value)) {
		qn_error("option --%s needs a value: --%s=%s", o->name, o->name,
			 qn_option_value(o));
		return QN_EXIT_FAILURE;
	}
	note(r, o);
	return set(o, value, r->to);
}

static int take_option(struct reading *r, const char *text)
{
	const char *equals = text[1] == '-' ? strchr(text, '=') : NULL;
	const struct qn_option *o;

	if (text[1] != '-')
		o = find_letter(r->command, text + 1);
	else
		o = find(r->command, text + 2,
			 equals ? (size_t)(equals - text) - 2 :
				  strlen(text + 2));
	return o ? take(r, o, equals) : refuse_unknown(r, text);
}

static bool was_given(const struct reading *r, const struct qn_option *o)
{
	return r->given >> (o - r->command->options) & 1;
}

/* The first operand of the table that has nothing yet; NULL if there is none */
static const struct qn_option *next_operand(const struct reading *r)
{
	const struct qn_option *o;

	for (o = r->command->options; o->type; o++)
		if (!qn_option_is_named(o) &&
		    (!was_given(r, o) || o->type == QN_OPTION_OPERANDS))
			return o;
	return NULL;
}

static int take_operand(struct reading *r, const struct qn_option *o)
{
	if (!o) {
		qn_error("%s: '%s' is too much: quern %s %s", r->command->name,
			 *r->argv, r->command->name, r->command->synopsis);
		return QN_EXIT_FAILURE;
	}
	note(r, o);
	if (o->type != QN_OPTION_PROGRAM)
		return set(o, *r->argv++, r->to);
	*(char ***)((char *)r->to + o->at) = r->argv;
	while (*r->argv)
		r->argv++;
	return 0;
}

static bool is_option(const char *text)
{
	return text[0] == '-' && text[1];
}

static int read_all(struct reading *r)
{
	bool has_ended = false;
	int err = 0;

	while (!err && *r->argv) {
		if (has_ended || !is_option(*r->argv)) {
			err = take_operand(r, next_operand(r));
		} else if (!strcmp(*r->argv, "--")) {
			has_ended = true;
			r->argv++;
		} else {
			err = take_option(r, *r->argv++);
		}
	}
	return err;
}

static int check_needed(const struct reading *r)
{
	const struct qn_option *o;

	for (o = r->command->options; o->type; o++) {
		if (!o->is_needed || was_given(r, o))
			continue;
		qn_error("%s needs %s%s: quern %s %s", r->command->name,
			 qn_option_is_named(o) ? "--" : "", o->name,
			 r->command->name, r->command->synopsis);
		return QN_EXIT_FAILURE;
	}
	return 0;
}

int qn_options_read(const struct qn_command *command, char **argv, void *to)
{
	struct reading r = { .command = command, .argv = argv, .to = to };
	const struct qn_option *o;
	int err = 0;

	for (o = command->options; o->type; o++)
		if (o->preset)
			err |= set(o, o->preset, to);
	if (!err)
		err = read_all(&r);
	return err ? err : check_needed(&r);
}
