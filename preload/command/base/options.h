/* SPDX-License-Identifier: MIT */
/*
 * options.h - one table of options per subcommand: the parser, the help, the manual
 * page and every message about an option are made from it.
 *
 * A row names a member of the subcommand's own struct, and the member's type. So
 * qn_options_read() fills that struct in, and a subcommand has no parser of its own.
 */
#ifndef QN_OPTIONS_H
#define QN_OPTIONS_H

#include <stddef.h>
#include <stdio.h>
#include "base/compiler.h"

enum qn_option_type {
	QN_OPTION_END,    /* behind the last row */
	QN_OPTION_HELP,   /* prints the help and ends the command */
	QN_OPTION_FLAG,   /* bool: true where the option is given */
	QN_OPTION_TEXT,   /* const char * */
	QN_OPTION_NUMBER, /* u32 or u64, within a range */
	QN_OPTION_SIZE,   /* the same; K, M or G may follow */
	QN_OPTION_CHOICE, /* enum: which of the words */
	QN_OPTION_SETTING, /* char *: settings of QUERN_CONF, joined; may be repeated */
	QN_OPTION_LIST,    /* struct qn_operands: the option may be repeated */
	QN_OPTION_OPERAND, /* const char *: an argument without dashes */
	QN_OPTION_OPERANDS, /* struct qn_operands: all that are left, at least one */
	QN_OPTION_PROGRAM, /* char **: the first operand and all that follows it */
};

/**
 * struct qn_operands - arguments without dashes, or values of an option that is repeated
 * @at, @nr:	in their order; the list is the caller's to free
 */
struct qn_operands {
	const char **at;
	u32 nr;
};

/**
 * struct qn_option - one option or operand
 * @name:	without the dashes; what an operand is, for messages ("a trace")
 * @letter:	after a single dash it means the same; 0: none
 * @arg:	name of the value in the help; NULL for a flag, and for a choice whose
 *		words are shown; the help of a choice with a name tells its words
 * @type:	of the value
 * @at:		offset of the member that takes it
 * @bytes:	size of that member
 * @is_needed:	the command refuses to start without it
 * @least, @most: of a number or a size; @most 0: as much as the member can hold
 * @preset:	the value where the option is not given, as a user would type it; NULL:
 *		the member is left as it was
 * @choices:	words with "|" between them; the first one stands for 0
 * @key:	of a setting, with its colon; "" where the value has the key
 * @help:	one or two sentences; range and default are added to them
 */
struct qn_option {
	const char *name;
	char letter;
	const char *arg;
	enum qn_option_type type;
	size_t at;
	size_t bytes;
	bool is_needed;
	u64 least;
	u64 most;
	const char *preset;
	const char *choices;
	const char *key;
	const char *help;
};

/* Does not compile where the condition is false; else 0 */
#define QN_OPTION_CHECK(condition) (0 * sizeof(char[(condition) ? 1 : -1]))

#define QN_OPTION_MEMBER(s, member, is_right)                  \
	.at = offsetof(s, member) + QN_OPTION_CHECK(is_right), \
	.bytes = sizeof(((s *)0)->member)

#define QN_OPTION_HAS_TYPE(s, member, t) \
	__builtin_types_compatible_p(__typeof__(((s *)0)->member), t)

#define QN_OPTION_IS_NUMBER(s, member)         \
	(QN_OPTION_HAS_TYPE(s, member, u32) || \
	 QN_OPTION_HAS_TYPE(s, member, u64))

/* The type and the place of a row's value; @s is the type of the command's struct */
#define QN_FLAG(s, member)      \
	.type = QN_OPTION_FLAG, \
	QN_OPTION_MEMBER(s, member, QN_OPTION_HAS_TYPE(s, member, bool))
#define QN_TEXT(s, member)          \
	.type = QN_OPTION_TEXT,     \
	QN_OPTION_MEMBER(s, member, \
			 QN_OPTION_HAS_TYPE(s, member, const char *))
#define QN_NUMBER(s, member)      \
	.type = QN_OPTION_NUMBER, \
	QN_OPTION_MEMBER(s, member, QN_OPTION_IS_NUMBER(s, member))
#define QN_SIZE(s, member)      \
	.type = QN_OPTION_SIZE, \
	QN_OPTION_MEMBER(s, member, QN_OPTION_IS_NUMBER(s, member))
#define QN_CHOICE(s, member)      \
	.type = QN_OPTION_CHOICE, \
	QN_OPTION_MEMBER(s, member, sizeof(((s *)0)->member) == sizeof(u32))
#define QN_SETTING(s, member)      \
	.type = QN_OPTION_SETTING, \
	QN_OPTION_MEMBER(s, member, QN_OPTION_HAS_TYPE(s, member, char *))
#define QN_OPERAND(s, member)       \
	.type = QN_OPTION_OPERAND,  \
	QN_OPTION_MEMBER(s, member, \
			 QN_OPTION_HAS_TYPE(s, member, const char *))
#define QN_LIST(s, member)          \
	.type = QN_OPTION_LIST,     \
	QN_OPTION_MEMBER(s, member, \
			 QN_OPTION_HAS_TYPE(s, member, struct qn_operands))
#define QN_OPERANDS(s, member)      \
	.type = QN_OPTION_OPERANDS, \
	QN_OPTION_MEMBER(s, member, \
			 QN_OPTION_HAS_TYPE(s, member, struct qn_operands))
#define QN_PROGRAM(s, member)      \
	.type = QN_OPTION_PROGRAM, \
	QN_OPTION_MEMBER(s, member, QN_OPTION_HAS_TYPE(s, member, char **))

/* The last two rows of every table */
/* clang-format off */
#define QN_OPTIONS_LAST                                                 \
	{ .name = "help", .letter = 'h', .type = QN_OPTION_HELP,        \
	  .help = "Print this." },                                      \
	{ .type = QN_OPTION_END }

/* clang-format on */

/**
 * struct qn_command - one subcommand
 * @name:	as typed
 * @brief:	what it is for, on one line with the names of all commands
 * @synopsis:	what follows the name
 * @about:	what it does, in a few sentences
 * @options:	the rows, QN_OPTIONS_LAST behind them; operands in their order
 * @json:	what --json prints, key by key, for the manual page; NULL: quern.1 tells
 * @has_conf:	it takes the settings of QUERN_CONF
 * @run:	does it; returns the exit status
 */
struct qn_command {
	const char *name;
	const char *brief;
	const char *synopsis;
	const char *about;
	const char *json;
	const struct qn_option *options;
	bool has_conf;
	int (*run)(const struct qn_command *command, int argc, char **argv);
};

/**
 * qn_options_read() - read a subcommand's arguments
 * @command:	whose table is used
 * @argv:	the arguments behind the command's name, up to NULL; left as they are
 * @to:		the subcommand's struct: its members are set
 *
 * "--name=value" and "--name value" are the same. "--" ends the options. So does the
 * first operand where the table has a program; elsewhere options may stand before,
 * between and behind operands.
 *
 * Return: 0, or the exit status, with a message. --help does not return.
 */
int qn_options_read(const struct qn_command *command, char **argv, void *to);

/* " From 1 to 99. Default: 5.", what of it there is; returns @text */
const char *qn_option_limits(const struct qn_option *o, char *text,
			     size_t size);

/* The row's value in the help: "FILE", "sum|each|none"; NULL if it takes none */
const char *qn_option_value(const struct qn_option *o);

/* Is the row an option, and no operand */
bool qn_option_is_named(const struct qn_option *o);

extern const struct qn_command qn_command_run;
extern const struct qn_command qn_command_compare;
extern const struct qn_command qn_command_doctor;
extern const struct qn_command qn_command_record;
extern const struct qn_command qn_command_trace;
extern const struct qn_command qn_command_flame;
extern const struct qn_command qn_command_replay;
extern const struct qn_command qn_command_fit;
extern const struct qn_command qn_command_hints;
extern const struct qn_command qn_command_tune;
extern const struct qn_command qn_command_merge;
extern const struct qn_command qn_command_train;
extern const struct qn_command qn_command_demo;
extern const struct qn_command qn_command_ctl;
extern const struct qn_command qn_command_top;

/* All of them, up to NULL */
extern const struct qn_command *const qn_commands[];

/* What `quern help` and `quern help NAME` print */
void qn_help(FILE *out);
void qn_help_command(FILE *out, const struct qn_command *command);

/* The manual page of a subcommand, quern-NAME.1 */
void qn_help_page(FILE *out, const struct qn_command *command);

/* Words to be offered behind "quern", for bash or zsh; false: no other shell */
bool qn_help_completion(FILE *out, const char *shell);

/**
 * qn_help_manual() - the manual page
 * @template:	troff with lines "@synopsis@", "@commands@", "@NAME-options@", "@conf@" and
 *		"@knobs@", which are replaced
 *
 * Return: 0, or -EINVAL if a line of that kind names nothing.
 */
int qn_help_manual(FILE *template, FILE *out);

#endif /* QN_OPTIONS_H */
