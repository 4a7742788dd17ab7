// SPDX-License-Identifier: MIT
/*
 * completion.c - words that bash and zsh offer behind "quern": scripts made from the tables of
 * options.
 *
 * Bash gets words, zsh the lines of help as well. A value that is a file is offered files; one of
 * a choice its words; a setting the keys of QUERN_CONF. Behind the options of a command that
 * takes a program, the shell's own completion goes on.
 */
#include <string.h>
#include "help.h"

/* What a row's value is */
enum kind {
	KIND_NONE,    /* no value */
	KIND_WORDS,   /* of a choice */
	KIND_SETTING, /* keys of QUERN_CONF */
	KIND_FILE,
	KIND_OTHER, /* a number, a name */
};

static bool is_file(const char *arg)
{
	return arg && (!strcmp(arg, "FILE") || !strcmp(arg, "DIR") ||
		       !strcmp(arg, "TRACE") || !strcmp(arg, "RUN"));
}

/* A key of QUERN_CONF that has an option of its own: its choices */
static const char *setting_choices(const struct qn_option *o)
{
	for (unsigned int i = 0; o->key && i < qn_conf_nr_options; i++) {
		size_t size = strlen(qn_conf_options[i].key);

		if (!strncmp(o->key, qn_conf_options[i].key, size) &&
		    o->key[size] == ':')
			return qn_conf_options[i].choices;
	}
	return NULL;
}

static enum kind kind_of(const struct qn_option *o)
{
	switch (o->type) {
	case QN_OPTION_FLAG:
	case QN_OPTION_HELP:
		return KIND_NONE;
	case QN_OPTION_CHOICE:
		return KIND_WORDS;
	case QN_OPTION_SETTING:
		if (setting_choices(o))
			return KIND_WORDS;
		return *o->key ? KIND_OTHER : KIND_SETTING;
	default:
		return is_file(o->arg) ? KIND_FILE : KIND_OTHER;
	}
}

/* Words with "|" or blanks between them, with blanks */
static void put_words(FILE *out, const char *words)
{
	for (; *words; words++)
		fputc(*words == '|' ? ' ' : *words, out);
}

static void put_choices(FILE *out, const struct qn_option *o)
{
	put_words(out, o->choices ? o->choices : setting_choices(o));
}

static void put_keys(FILE *out)
{
	unsigned int i;

	for (i = 0; i < qn_conf_nr_options; i++)
		fprintf(out, "%s%s:", i ? " " : "", qn_conf_options[i].key);
	for (i = 0; i < qn_conf_nr_knobs; i++)
		fprintf(out, " %s:", qn_conf_knobs[i].key);
}

static bool takes_program(const struct qn_command *command)
{
	const struct qn_option *o;

	for (o = command->options; o->type; o++)
		if (o->type == QN_OPTION_PROGRAM)
			return true;
	return false;
}

/**
 * operand_words() - words that operands may be; the others are files
 * @is_first:	they are the first operand's, else those of all behind it
 *
 * Return: NULL where there are none.
 */
static const char *operand_words(const struct qn_command *command,
				 bool *is_first)
{
	const struct qn_option *o;

	*is_first = true;
	for (o = command->options; o->type; o++) {
		if (qn_option_is_named(o))
			continue;
		if (o->choices)
			return o->choices;
		*is_first = false;
	}
	return NULL;
}

static void put_names(FILE *out)
{
	const struct qn_command *const *c;

	for (c = qn_commands; *c; c++)
		fprintf(out, "%s ", (*c)->name);
}

/* ---- bash ---- */

static const char bash_head[] =
	"# bash completion for quern; made by quern help --completion=bash\n"
	"\n"
	"# The word at the cursor, and the option that it is a value of: bash takes\n"
	"# '=' and ':' for ends of words, where readline says so\n"
	"_quern_value()\n"
	"{\n"
	"	option=\n"
	"	if [ \"$cur\" = = ]; then\n"
	"		option=$prev cur=\n"
	"	elif [ \"$prev\" = = ]; then\n"
	"		option=${COMP_WORDS[COMP_CWORD - 2]}\n"
	"	elif [[ $cur == --*=* ]]; then\n"
	"		option=${cur%%=*} cur=${cur#*=}\n"
	"	elif [[ $prev == -* ]]; then\n"
	"		option=$prev\n"
	"	fi\n"
	"}\n"
	"\n"
	"_quern_words()\n"
	"{\n"
	"	COMPREPLY=($(compgen -W \"$1\" -- \"$cur\"))\n"
	"	[[ ${COMPREPLY[0]} != *[=:] ]] || compopt -o nospace 2>/dev/null\n"
	"	return 0\n"
	"}\n"
	"\n"
	"_quern_files()\n"
	"{\n"
	"	compopt -o filenames 2>/dev/null\n"
	"	COMPREPLY=($(compgen -f -- \"$cur\"))\n"
	"}\n"
	"\n"
	"# Behind the options the program's own words are completed\n"
	"_quern_program()\n"
	"{\n"
	"	local i\n"
	"\n"
	"	for ((i = 2; i < COMP_CWORD; i++)); do\n"
	"		[ \"${COMP_WORDS[i]}\" = -- ] || continue\n"
	"		if declare -F _command_offset >/dev/null; then\n"
	"			_command_offset $((i + 1))\n"
	"		elif ((i + 1 == COMP_CWORD)); then\n"
	"			COMPREPLY=($(compgen -c -- \"$cur\"))\n"
	"		else\n"
	"			_quern_files\n"
	"		fi\n"
	"		return 0\n"
	"	done\n"
	"	return 1\n"
	"}\n"
	"\n"
	"_quern()\n"
	"{\n"
	"	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	"	local command=${COMP_WORDS[1]} option\n"
	"\n"
	"	COMPREPLY=()\n";

static void put_bash_value(FILE *out, const struct qn_command *command,
			   const struct qn_option *o)
{
	enum kind kind = kind_of(o);

	if (kind == KIND_NONE)
		return;
	fprintf(out, "	%s:--%s", command->name, o->name);
	if (o->letter)
		fprintf(out, " | %s:-%c", command->name, o->letter);
	fputs(") ", out);
	switch (kind) {
	case KIND_WORDS:
		fputs("_quern_words '", out);
		put_choices(out, o);
		fputs("'; return ;;\n", out);
		break;
	case KIND_SETTING:
		fputs("_quern_words \"$_quern_keys\"; return ;;\n", out);
		break;
	case KIND_FILE:
		fputs("_quern_files; return ;;\n", out);
		break;
	default:
		fputs("return ;;\n", out);
	}
}

static void put_bash_values(FILE *out)
{
	const struct qn_command *const *c;
	const struct qn_option *o;

	fputs("	_quern_value\n	case $command:$option in\n", out);
	for (c = qn_commands; *c; c++)
		for (o = (*c)->options; o->type; o++)
			if (qn_option_is_named(o))
				put_bash_value(out, *c, o);
	fputs("	esac\n", out);
}

static void put_bash_options(FILE *out, const struct qn_command *command)
{
	const struct qn_option *o;
	bool is_first;
	const char *words = operand_words(command, &is_first);

	fprintf(out, "	%s)\n		", command->name);
	if (takes_program(command))
		fputs("_quern_program && return\n		", out);
	fputs("[[ $cur == -* ]] && _quern_words '", out);
	for (o = command->options; o->type; o++)
		if (qn_option_is_named(o))
			fprintf(out, "--%s%s ", o->name,
				kind_of(o) == KIND_NONE ? "" : "=");
	fputs("' && return\n", out);
	if (takes_program(command)) {
		fputs("		COMPREPLY=($(compgen -c -- \"$cur\")) ;;\n",
		      out);
	} else if (words) {
		fprintf(out,
			"		((COMP_CWORD %s 2)) || { _quern_files; return; }\n"
			"		_quern_words '",
			is_first ? "==" : ">");
		put_words(out, words);
		fputs("' ;;\n", out);
	} else {
		fputs("		_quern_files ;;\n", out);
	}
}

static void put_bash(FILE *out)
{
	const struct qn_command *const *c;

	fputs(bash_head, out);
	fputs("	if ((COMP_CWORD == 1)); then\n		_quern_words '", out);
	put_names(out);
	fputs("help --help --version'\n		return\n	fi\n", out);
	/* What follows the program is not ours, whatever it looks like */
	fputs("	case $command in\n	help) _quern_words '", out);
	put_names(out);
	fputs("'; return ;;\n	", out);
	for (c = qn_commands; *c; c++)
		if (takes_program(*c))
			fprintf(out, "%s | ", (*c)->name);
	fputs("'') _quern_program && return ;;\n	esac\n", out);
	put_bash_values(out);
	fputs("	case $command in\n", out);
	for (c = qn_commands; *c; c++)
		put_bash_options(out, *c);
	fputs("	esac\n}\n\n_quern_keys='", out);
	put_keys(out);
	fputs("'\ncomplete -F _quern quern\n", out);
}

/* ---- zsh ---- */

/* Between single quotes, within [] of _arguments */
static void put_quoted(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", out);
		else if (strchr("[]:\\", *text))
			fprintf(out, "\\%c", *text);
		else
			fputc(*text, out);
	}
}

/* Its first sentence: a list has one line for each */
static void put_short(FILE *out, const char *text)
{
	char first[80];

	snprintf(first, sizeof(first), "%.*s", (int)strcspn(text, ".;"), text);
	put_quoted(out, first);
}

static void put_zsh_value(FILE *out, const struct qn_option *o)
{
	switch (kind_of(o)) {
	case KIND_WORDS:
		fprintf(out, ":%s:(", o->name);
		put_choices(out, o);
		fputc(')', out);
		break;
	case KIND_SETTING:
		fputs(":setting:_quern_keys", out);
		break;
	case KIND_FILE:
		fprintf(out, ":%s:_files", o->name);
		break;
	case KIND_OTHER:
		fprintf(out, ":%s: ", o->arg ? o->arg : o->name);
		break;
	case KIND_NONE:
		break;
	}
}

static bool is_repeated(const struct qn_option *o)
{
	return o->type == QN_OPTION_SETTING || o->type == QN_OPTION_LIST;
}

static void put_zsh_option(FILE *out, const struct qn_option *o)
{
	bool has_value = kind_of(o) != KIND_NONE;

	fprintf(out, " \\\n			'%s--%s%s[",
		is_repeated(o) ? "*" : "", o->name, has_value ? "=" : "");
	put_short(out, o->help);
	fputc(']', out);
	put_zsh_value(out, o);
	fputc('\'', out);
	if (!o->letter)
		return;
	fprintf(out, " \\\n			'-%c%s[", o->letter,
		has_value ? "+" : "");
	put_short(out, o->help);
	fputc(']', out);
	put_zsh_value(out, o);
	fputc('\'', out);
}

static void put_zsh_command(FILE *out, const struct qn_command *command)
{
	bool is_first;
	const char *words = operand_words(command, &is_first);
	const struct qn_option *o;

	fprintf(out, "	%s)\n		_arguments -s -S", command->name);
	for (o = command->options; o->type; o++)
		if (qn_option_is_named(o))
			put_zsh_option(out, o);
	if (takes_program(command)) {
		fputs(" \\\n			'*::program:_normal' ;;\n",
		      out);
	} else if (words) {
		fprintf(out, " \\\n			'%s:word:(",
			is_first ? "1" : "*");
		put_words(out, words);
		fprintf(out, ")' '%s:file:_files' ;;\n", is_first ? "*" : "1");
	} else {
		fputs(" \\\n			'*:file:_files' ;;\n", out);
	}
}

static void put_zsh(FILE *out)
{
	const struct qn_command *const *c;

	fputs("#compdef quern\n"
	      "# zsh completion for quern; made by quern help --completion=zsh\n"
	      "\n"
	      "_quern_keys()\n{\n	compadd -S '' -- ",
	      out);
	put_keys(out);
	fputs("\n}\n\n_quern()\n{\n	local -a commands\n\n	commands=(\n",
	      out);
	for (c = qn_commands; *c; c++) {
		fprintf(out, "		'%s:", (*c)->name);
		put_quoted(out, (*c)->brief);
		fputs("'\n", out);
	}
	fputs("		'help:Help on a command'\n	)\n"
	      "	if ((CURRENT == 2)); then\n"
	      "		_describe command commands\n		return\n"
	      "	fi\n"
	      "	shift words\n	((CURRENT--))\n	case $words[1] in\n"
	      "	help)\n		_describe command commands ;;\n",
	      out);
	for (c = qn_commands; *c; c++)
		put_zsh_command(out, *c);
	fputs("	esac\n}\n\n_quern \"$@\"\n", out);
}

bool qn_help_completion(FILE *out, const char *shell)
{
	if (!strcmp(shell, "bash"))
		put_bash(out);
	else if (!strcmp(shell, "zsh"))
		put_zsh(out);
	else
		return false;
	return true;
}
