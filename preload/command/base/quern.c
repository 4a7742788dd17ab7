// SPDX-License-Identifier: MIT
/*
 * quern.c - the command: its subcommands by name.
 *
 * The command's folders, bottom first; each includes only what stands above it:
 *
 *   base	messages, numbers, lines and tables; files by name, and those of /proc; JSON;
 *		options by their table; programs found and run with a library preloaded; comparisons of such
 *		runs; symbols; help and manual page
 *   sites	call sites: stacks and sums
 *   draw	charts as SVG, and pages in HTML
 *   flame	call sites as a tree: a picture, and profiles for other tools
 *   report	statistics pages: read, checked, added up; text and JSON (jansson)
 *   run	quern run
 *   live	processes that run: quern top and ctl; the screen by ncurses
 *   compare	quern compare: a program under one allocator after another
 *   doctor	quern doctor: what is in the way
 *   trace	traces: read, merged, written, in other formats; quern record, trace,
 *		replay, flame and fit
 *   hints	quern hints: records of compilers' plugins, and what a heap makes of them
 *   demo	quern demo, and its input, which is made by rule
 *   learn	episodes of traces with knobs and policies to try; quern tune,
 *		merge and train
 *
 * It links libquern.a, libjansson and libm. quern.1 is made from quern.1.in by
 * `quern help --manual`, quern-NAME.1 by `quern help --page NAME`, and completion for shells by
 * `quern help --completion=SHELL`.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "fail.h"
#include "options.h"
#include "quern.h"
#include "stream.h"

const struct qn_command *const qn_commands[] = {
	&qn_command_run,    &qn_command_compare,
	&qn_command_doctor, &qn_command_top,
	&qn_command_ctl,    &qn_command_flame,
	&qn_command_record, &qn_command_trace,
	&qn_command_replay, &qn_command_fit,
	&qn_command_hints,  &qn_command_tune,
	&qn_command_merge,  &qn_command_train,
	&qn_command_demo,   NULL,
};

/*
 * A file opened later must not become standard output by accident. The program
 * still starts with the descriptor closed, as it would without the command.
 */
static void occupy_standard_streams(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	} while (fd >= 0 && fd <= 2);
	if (fd > 2)
		close(fd);
}

static const struct qn_command *find_command(const char *name)
{
	const struct qn_command *const *c;

	for (c = qn_commands; *c; c++)
		if (!strcmp((*c)->name, name))
			return *c;
	return NULL;
}

static int refuse_command(const char *name)
{
	qn_error("there is no command '%s'; `quern help` lists what there is%s",
		 name,
		 *name == '-' ? "" :
				" (to run a program: quern run -- PROGRAM)");
	return QN_EXIT_FAILURE;
}

static int print_version(void)
{
	printf("quern %d.%d.%d\n", QN_VERSION_MAJOR, QN_VERSION_MINOR,
	       QN_VERSION_PATCH);
	return 0;
}

static int print_manual(const char *path)
{
	int fd = path ? qn_stream_in(path) : -1;
	FILE *template = fd >= 0 ? fdopen(fd, "r") : NULL;
	int err;

	if (!template) {
		qn_error("help --manual needs a template that can be read: "
			 "quern help --manual preload/command/base/quern.1.in");
		return QN_EXIT_FAILURE;
	}
	err = qn_help_manual(template, stdout);
	fclose(template);
	if (err)
		qn_error("a marked line of %s names no command", path);
	return err ? QN_EXIT_FAILURE : 0;
}

static int print_page(const char *name)
{
	const struct qn_command *command = name ? find_command(name) : NULL;

	if (!command)
		return refuse_command(name ? name : "");
	qn_help_page(stdout, command);
	return 0;
}

static int print_completion(const char *shell)
{
	if (qn_help_completion(stdout, shell))
		return 0;
	qn_error("--completion=%s: give bash or zsh", shell);
	return QN_EXIT_FAILURE;
}

static int print_names(void)
{
	const struct qn_command *const *c;

	for (c = qn_commands; *c; c++)
		printf("%s\n", (*c)->name);
	return 0;
}

/* Options of help are for the build: what they print is installed */
static int print_help(char **argv)
{
	static const char completion[] = "--completion=";
	const struct qn_command *command;

	if (!argv[0]) {
		qn_help(stdout);
		return 0;
	}
	if (!strcmp(argv[0], "--manual"))
		return print_manual(argv[1]);
	if (!strcmp(argv[0], "--page"))
		return print_page(argv[1]);
	if (!strcmp(argv[0], "--names"))
		return print_names();
	if (!strncmp(argv[0], completion, sizeof(completion) - 1))
		return print_completion(argv[0] + sizeof(completion) - 1);
	command = find_command(argv[0]);
	if (!command)
		return refuse_command(argv[0]);
	qn_help_command(stdout, command);
	return 0;
}

static bool is_any(const char *text, const char *a, const char *b)
{
	return !strcmp(text, a) || !strcmp(text, b);
}

int main(int argc, char **argv)
{
	const struct qn_command *command;

	occupy_standard_streams();
	qn_stream_watch_stdout();
	if (argc < 2) {
		qn_help(stderr);
		return QN_EXIT_FAILURE;
	}
	if (is_any(argv[1], "--version", "-V"))
		return print_version();
	if (is_any(argv[1], "--help", "-h") || !strcmp(argv[1], "help"))
		return print_help(argv + 2);
	command = find_command(argv[1]);
	if (!command)
		return refuse_command(argv[1]);
	return command->run(command, argc - 2, argv + 2);
}
