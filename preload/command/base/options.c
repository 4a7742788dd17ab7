// SPDX-License-Identifier: MIT
/*
 * options.c - reading a subcommand's options by its table.
 */
#include <string.h>
#include "fail.h"
#include "options.h"
#include "text.h"

static const struct qn_option *find(const struct qn_command *command,
				    const char *name, size_t size)
{
	const struct qn_option *o;

	for (o = command->options; o->name; o++)
		if (strlen(o->name) == size && !memcmp(o->name, name, size))
			return o;
	return NULL;
}

static int refuse_unknown(const struct qn_options *o, const char *text)
{
	qn_error("%s has no option '%s'; `quern help %s` lists what there is",
		 o->command->name, text, o->command->name);
	return QN_OPTIONS_ERROR;
}

static int take_value(struct qn_options *o, const struct qn_option *option,
		      const char *equals)
{
	if (!option->arg && equals) {
		qn_error("option --%s takes no value", option->name);
		return QN_OPTIONS_ERROR;
	}
	o->value = equals ? equals + 1 : NULL;
	if (option->arg && !equals && *o->argv)
		o->value = *o->argv++;
	if (option->arg && (!o->value || !*o->value)) {
		qn_error("option --%s needs a value: --%s=%s", option->name,
			 option->name, option->arg);
		return QN_OPTIONS_ERROR;
	}
	return option->id;
}

int qn_options_next(struct qn_options *o)
{
	const char *text = *o->argv, *equals;
	const struct qn_option *option;

	if (!text || text[0] != '-' || !text[1])
		return QN_OPTIONS_END;
	o->argv++;
	if (!strcmp(text, "--"))
		return QN_OPTIONS_END;
	if (!strcmp(text, "-h"))
		text = "--help";
	if (!strcmp(text, "-o"))
		text = "--output";
	if (text[1] != '-')
		return refuse_unknown(o, text);
	equals = strchr(text, '=');
	option = find(o->command, text + 2,
		      equals ? (size_t)(equals - text) - 2 : strlen(text + 2));
	return option ? take_value(o, option, equals) : refuse_unknown(o, text);
}

int qn_option_number(const char *name, const char *value, u64 most, u64 *to)
{
	u64 number;

	if (qn_text_number(value, &number) && number <= most) {
		*to = number;
		return 0;
	}
	if (most == UINT64_MAX)
		qn_error("--%s=%s: give a number; K, M or G may follow", name,
			 value);
	else
		qn_error("--%s=%s: give a number up to %llu", name, value,
			 (unsigned long long)most);
	return QN_EXIT_FAILURE;
}
