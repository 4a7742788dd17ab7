// SPDX-License-Identifier: MIT
/*
 * cmd-doctor.c - quern doctor: does quern serve a program or a process, and what is in
 * the way.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "checks.h"
#include "command/base/fail.h"
#include "command/base/json.h"
#include "command/base/options.h"
#include "command/base/program.h"
#include "command/base/text.h"

/* Exit status where something is in the way */
#define DOES_NOT_WORK 1

/* Keys of the JSON stay as they are; a new number means that one has changed */
#define FORMAT 1

/**
 * struct doctor - one call of quern doctor
 * @is_json:	--json
 * @library:	--library
 * @program:	operands, or NULL: the system alone
 */
struct doctor {
	bool is_json;
	const char *library;
	char **program;
};

static const char *const verdicts[] = {
	[QN_VERDICT_OK] = "ok",
	[QN_VERDICT_NOTE] = "note",
	[QN_VERDICT_NO] = "no",
};

/* A number is a process */
static pid_t pid_of(const char *text)
{
	char *end;
	long pid = strtol(text, &end, 10);

	return *text >= '0' && *text <= '9' && !*end && pid > 0 &&
			       pid <= INT32_MAX ?
		       (pid_t)pid :
		       0;
}

/* The file of a process by its own name, if it is still there; the caller's */
static char *program_of(pid_t pid)
{
	char *link = qn_xprintf("/proc/%d/exe", (int)pid);
	char *real = realpath(link, NULL);

	if (!real)
		return link;
	free(link);
	return real;
}

static int check_process(struct qn_checks *c, pid_t pid)
{
	char *exe = program_of(pid);
	int err = qn_check_process(c, pid);

	if (err == -ENOENT)
		qn_error("there is no process %d", (int)pid);
	else if (err)
		qn_error("cannot look into process %d: %s; ask as its user, or "
			 "as root",
			 (int)pid, strerror(-err));
	else if (c->has_no)
		qn_check_program(c, exe);
	free(exe);
	return err ? QN_EXIT_FAILURE : 0;
}

static int check_program(struct qn_checks *c, const char *name)
{
	char *path;
	int err = qn_program_find(name, &path);

	if (!err)
		qn_check_program(c, path);
	free(path);
	return err;
}

static int check_all(const struct doctor *d, struct qn_checks *c)
{
	pid_t pid = d->program ? pid_of(*d->program) : 0;
	int err = 0;

	qn_check_library(c, d->library);
	if (pid && d->program[1]) {
		qn_error("doctor looks at one process at a time");
		return QN_EXIT_FAILURE;
	}
	if (pid)
		err = check_process(c, pid);
	else if (d->program)
		err = check_program(c, *d->program);
	if (err)
		return err;
	qn_check_system(c, pid);
	if (!pid)
		qn_check_others(c);
	return 0;
}

static const char *summary(const struct doctor *d, const struct qn_checks *c)
{
	if (!d->program)
		return c->has_no ? "quern does not work here" :
				   "quern works here";
	if (pid_of(*d->program))
		return c->has_no ? "quern does not serve this process" :
				   "quern serves this process";
	return c->has_no ? "quern cannot serve all of this program" :
			   "quern can serve this program: quern run";
}

static void print_text(const struct doctor *d, const struct qn_checks *c)
{
	struct qn_lines l = qn_lines_to(stdout);
	char label[24];

	qn_line(&l, "%s%s", summary(d, c), c->has_no ? "; NO says why:" : ".");
	for (u32 i = 0; i < c->nr; i++) {
		snprintf(label, sizeof(label), "%-5s %-11s ",
			 c->at[i].verdict == QN_VERDICT_NO ?
				 "NO" :
				 verdicts[c->at[i].verdict],
			 c->at[i].topic);
		qn_wrap(&l, label, c->at[i].text);
	}
}

static void print_json(const struct qn_checks *c)
{
	json_t *root = json_object(), *list = json_array(), *one;

	for (u32 i = 0; i < c->nr; i++) {
		one = json_object();
		json_object_set_new(one, "verdict",
				    json_string(verdicts[c->at[i].verdict]));
		json_object_set_new(one, "topic", json_string(c->at[i].topic));
		json_object_set_new(one, "text", qn_json_text(c->at[i].text));
		json_array_append_new(list, one);
	}
	json_object_set_new(root, "format", json_integer(FORMAT));
	json_object_set_new(root, "works", json_boolean(!c->has_no));
	json_object_set_new(root, "checks", list);
	qn_json_print(stdout, root);
}

static int doctor_main(const struct qn_command *command, int argc, char **argv)
{
	struct doctor d = { 0 };
	struct qn_checks c = { 0 };
	int err = qn_options_read(command, argv, &d);

	(void)argc;
	if (err)
		return err;
	err = check_all(&d, &c);
	if (!err && d.is_json)
		print_json(&c);
	else if (!err)
		print_text(&d, &c);
	if (!err && c.has_no)
		err = DOES_NOT_WORK;
	qn_checks_exit(&c);
	return err;
}

/* clang-format off */
static const struct qn_option doctor_options[] = {
	{ "json", 0, NULL, QN_FLAG(struct doctor, is_json), .help =
	  "Print a JSON object; its keys stay as they are." },
	{ "library", 0, "FILE", QN_TEXT(struct doctor, library), .help =
	  "The libquern.so to use. By default the one beside this command, then "
	  "the installed one." },
	{ "a program", 0, NULL, QN_PROGRAM(struct doctor, program) },
	QN_OPTIONS_LAST,
};
/* clang-format on */

const struct qn_command qn_command_doctor = {
	.name = "doctor",
	.brief =
		"whether quern can serve a program, or serves a process, and why not",
	.synopsis = "[OPTIONS] [PID | -- PROGRAM]",
	.about =
		"Tells whether quern can serve a program, or does serve a process "
		"that runs, and what is in the way: static linking, rights, another C "
		"library or malloc, sanitizers, snaps, AppArmor. Then what the kernel "
		"allows to heaps, and what is installed. Nothing of the program runs. "
		"Each finding is a line with its reason and what to do. The exit "
		"status is 1 where one of them is NO.",
	.json = "The keys are format, works (no finding is NO) and checks, each "
		"with verdict, topic and text.",
	.options = doctor_options,
	.run = doctor_main,
};
