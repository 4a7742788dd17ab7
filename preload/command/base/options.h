/* SPDX-License-Identifier: MIT */
/*
 * options.h - one table of options per subcommand: the parser, the help and the
 * manual page are made from it.
 */
#ifndef QN_OPTIONS_H
#define QN_OPTIONS_H

#include <stdio.h>
#include "base/compiler.h"

/**
 * struct qn_option - one option
 * @name:	without the dashes
 * @arg:	what its value is called in the help; NULL if it takes none
 * @id:		what qn_options_next() returns for it; > 0
 * @help:	one or two sentences
 */
struct qn_option {
	const char *name;
	const char *arg;
	int id;
	const char *help;
};

/**
 * struct qn_command - one subcommand
 * @name:	as typed
 * @synopsis:	what follows the name
 * @about:	what it does, in a few sentences
 * @options:	ends with a NULL name
 * @has_conf:	it takes the settings of QUERN_CONF
 * @run:	does it; returns the exit status
 */
struct qn_command {
	const char *name;
	const char *synopsis;
	const char *about;
	const struct qn_option *options;
	bool has_conf;
	int (*run)(const struct qn_command *command, int argc, char **argv);
};

/**
 * struct qn_options - where the parser stands
 * @argv:	the next argument; behind the last option, the first operand
 * @value:	of the option just returned
 */
struct qn_options {
	const struct qn_command *command;
	char **argv;
	const char *value;
};

enum {
	QN_OPTIONS_END = 0,
	QN_OPTIONS_ERROR = -1, /* said on stderr */
};

/**
 * qn_options_next() - the next option
 *
 * "--name=value" and "--name value" are the same, -h is --help and -o is --output. "--" or the first argument
 * without a dash ends the options.
 *
 * Return: its id, or one of the two above.
 */
int qn_options_next(struct qn_options *o);

/**
 * qn_option_number() - the value of an option that is a number
 * @name:	of the option, for the message
 * @value:	digits; K, M or G may follow
 * @most:	a larger one is refused
 * @to:		set if it is right
 *
 * Return: 0, or the exit status; the message was printed.
 */
int qn_option_number(const char *name, const char *value, u64 most, u64 *to);

extern const struct qn_command qn_command_run;
extern const struct qn_command qn_command_record;
extern const struct qn_command qn_command_trace;
extern const struct qn_command qn_command_replay;
extern const struct qn_command qn_command_fit;
extern const struct qn_command qn_command_demo;

/* All of them, up to NULL */
extern const struct qn_command *const qn_commands[];

/* What `quern help` and `quern help NAME` print */
void qn_help(FILE *out);
void qn_help_command(FILE *out, const struct qn_command *command);

/**
 * qn_help_manual() - the manual page
 * @template:	troff with lines "@NAME-options@", "@conf@" and "@knobs@", which are replaced
 *
 * Return: 0, or -EINVAL if a line of that kind names nothing.
 */
int qn_help_manual(FILE *template, FILE *out);

#endif /* QN_OPTIONS_H */
