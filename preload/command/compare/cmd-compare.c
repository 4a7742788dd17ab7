// SPDX-License-Identifier: MIT
/*
 * cmd-compare.c - quern compare: which allocator serves a program best.
 *
 * Whatever can be wrong with the request is found before the first run.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "command/base/fail.h"
#include "command/base/interrupt.h"
#include "command/base/launch.h"
#include "command/base/options.h"
#include "command/base/program.h"
#include "command/base/stream.h"
#include "show.h"

/* Exit status where a program failed or printed something else under a candidate */
#define DISAGREES 1

/**
 * struct output - a file that is written at the end, and can be
 * @path:	as given; NULL: not wanted
 * @fd:		open to write
 * @is_new:	it was not there before
 */
struct output {
	const char *path;
	int fd;
	bool is_new;
};

/**
 * struct options - one call of quern compare
 * @rounds:	--rounds
 * @with:	--with
 * @is_json, @is_markdown: instead of text
 * @svg, @html:	files
 * @until, @grace: of a server
 * @must_agree:	--must-agree
 * @is_which:	--which
 * @library:	libquern.so, or NULL
 * @program:	and its arguments
 */
struct options {
	u32 rounds;
	struct qn_operands with;
	bool is_json;
	bool is_markdown;
	const char *svg;
	const char *html;
	const char *until;
	u32 grace;
	bool must_agree;
	bool is_which;
	const char *library;
	char **program;
};

struct compare {
	struct options o;
	struct qn_trial trial;
	struct output svg;
	struct output html;
};

/* ---- what must be right before the first run ---- */

static int check_options(const struct options *o)
{
	const bool to_stdout[] = { o->is_json, o->is_markdown,
				   qn_is_standard(o->svg),
				   qn_is_standard(o->html) };
	u32 nr = 0;

	for (size_t i = 0; i < ARRAY_SIZE(to_stdout); i++)
		nr += to_stdout[i];
	if (!o->program)
		qn_error("compare needs a program: quern compare [OPTIONS] -- "
			 "PROGRAM [ARGUMENTS]");
	else if (nr > 1)
		qn_error("only one of these can go to standard output: --json, "
			 "--markdown, --svg=- and --html=-");
	else
		return 0;
	return QN_EXIT_FAILURE;
}

static int check_program(const struct qn_trial *t)
{
	const char *obstacle = qn_program_known_obstacle(t->path);
	char *own = obstacle ? NULL : qn_program_malloc(t->path);
	char *image = qn_program_image(t->path);
	bool is_inside = own && !strcmp(own, image);

	if (obstacle)
		qn_error("%s cannot be compared under allocators. %s",
			 t->argv[0], obstacle);
	else if (is_inside)
		qn_error("%s has a malloc of its own linked in, which no "
			 "preloaded one replaces",
			 t->argv[0]);
	free(image);
	free(own);
	return obstacle || is_inside ? QN_EXIT_FAILURE : 0;
}

/* The same input for each run: a file's from where it stands, all of a pipe, no terminal's */
static int open_input(struct qn_trial *t)
{
	struct stat st;

	t->in_at = 0;
	if (isatty(STDIN_FILENO) || fstat(STDIN_FILENO, &st) ||
	    S_ISCHR(st.st_mode)) {
		t->fd_in = qn_launch_null();
		return 0;
	}
	t->in_at = lseek(STDIN_FILENO, 0, SEEK_CUR);
	if (t->in_at >= 0) {
		t->fd_in = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
		return 0;
	}
	t->in_at = 0;
	t->fd_in = qn_stream_keep_input();
	return t->fd_in < 0 ? QN_EXIT_FAILURE : 0;
}

static int open_output(struct output *o, const char *path, const char *option)
{
	o->path = path;
	o->fd = -1;
	if (!path)
		return 0;
	if (qn_is_standard(path)) {
		o->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
		return o->fd < 0 ? QN_EXIT_FAILURE : 0;
	}
	o->is_new = access(path, F_OK) != 0;
	o->fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
	if (o->fd >= 0)
		return 0;
	qn_error("cannot write '%s': %s; name another file: --%s=FILE", path,
		 strerror(errno), option);
	return QN_EXIT_FAILURE;
}

static int open_scratch(struct qn_trial *t)
{
	t->fd_out = qn_temp_nameless();
	t->fd_first = qn_temp_nameless();
	t->fd_log = qn_temp_nameless();
	if (t->fd_out >= 0 && t->fd_first >= 0 && t->fd_log >= 0)
		return 0;
	qn_error("cannot make a file for the program's output; set TMPDIR to a "
		 "directory with room for it");
	return QN_EXIT_FAILURE;
}

static int prepare(struct compare *c)
{
	struct qn_trial *t = &c->trial;
	int err = check_options(&c->o);

	if (err)
		return err;
	t->argv = c->o.program;
	t->nr_rounds = c->o.rounds;
	t->must_agree = c->o.must_agree;
	t->load.command = c->o.until;
	t->load.grace_usec = (u64)c->o.grace * 1000000;
	err = qn_program_find(t->argv[0], &t->path);
	if (!err)
		err = check_program(t);
	if (!err)
		err = qn_candidates_find(&t->who, &c->o.with, c->o.library,
					 t->path);
	if (!err)
		err = open_output(&c->svg, c->o.svg, "svg");
	if (!err)
		err = open_output(&c->html, c->o.html, "html");
	if (!err)
		err = open_scratch(t);
	/* Last of all, since it may take as long as the one who writes it */
	return err ? err : open_input(t);
}

/* ---- what it found ---- */

typedef void show_fn(FILE *out, const struct qn_trial *t,
		     const struct qn_findings *f);

static int write_output(struct output *o, const struct qn_trial *t,
			const struct qn_findings *f, show_fn *show)
{
	FILE *out;
	int err = 0, closed;

	if (!o->path)
		return 0;
	if (ftruncate(o->fd, 0) && errno != EINVAL)
		err = -errno;
	out = fdopen(o->fd, "w");
	if (!out)
		return QN_EXIT_FAILURE;
	o->fd = -1;
	o->is_new = false;
	show(out, t, f);
	closed = qn_stream_close(out, "");
	err = err ? err : closed;
	if (err)
		qn_error_write(o->path, err);
	return err ? QN_EXIT_FAILURE : 0;
}

static int show_all(struct compare *c)
{
	const struct qn_trial *t = &c->trial;
	bool is_taken = qn_is_standard(c->o.svg) || qn_is_standard(c->o.html);
	struct qn_findings f;
	int err;

	qn_findings_make(&f, t);
	if (c->o.is_json)
		qn_show_json(stdout, t, &f);
	else if (c->o.is_markdown)
		qn_show_markdown(stdout, t, &f);
	else if (!is_taken)
		qn_show_text(stdout, t, &f);
	fflush(stdout);
	err = write_output(&c->svg, t, &f, qn_show_svg);
	if (!err)
		err = write_output(&c->html, t, &f, qn_show_html);
	qn_findings_exit(&f);
	return err;
}

static void drop_output(struct output *o)
{
	if (o->fd >= 0)
		close(o->fd);
	if (o->is_new)
		unlink(o->path);
}

static void release(struct compare *c)
{
	struct qn_trial *t = &c->trial;
	const int fds[] = { t->fd_in, t->fd_out, t->fd_first, t->fd_log };

	drop_output(&c->svg);
	drop_output(&c->html);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		if (fds[i] > 2)
			close(fds[i]);
	qn_trial_exit(t);
	free(t->path);
	free(c->o.with.at);
}

static __noreturn void end_interrupted(u32 nr_done, u32 nr_rounds)
{
	if (nr_done)
		qn_error("interrupted: what stands above is of %u of %u rounds",
			 nr_done, nr_rounds);
	else
		qn_error("interrupted before a round was through: there is "
			 "nothing to compare yet");
	qn_launch_end_like(qn_interrupted());
}

static int compare(struct compare *c)
{
	int err = prepare(c);

	if (!err)
		err = qn_trial_run(&c->trial);
	/* The first candidate failed in a later round: whole rounds are told */
	if (!c->trial.compare.nr_done ||
	    (err && !qn_trial_takes_part(&c->trial, 0)))
		return err ? err : QN_EXIT_FAILURE;
	if (!err)
		err = show_all(c);
	return !err && c->trial.failed ? DISAGREES : err;
}

static int compare_main(const struct qn_command *command, int argc, char **argv)
{
	static struct compare c;
	u32 nr_done;
	int err;

	(void)argc;
	c.svg.fd = c.html.fd = -1;
	err = qn_options_read(command, argv, &c.o);
	if (!err && c.o.is_which)
		return qn_which_print();
	qn_interrupt_catch();
	if (!err)
		err = compare(&c);
	nr_done = c.trial.compare.nr_done;
	release(&c);
	if (qn_interrupted())
		end_interrupted(nr_done, c.o.rounds);
	return err < 0 ? QN_EXIT_FAILURE : err;
}

/* clang-format off */
static const struct qn_option compare_options[] = {
	{ "rounds", 'n', "N", QN_NUMBER(struct options, rounds), .least = 1,
	  .most = QN_COMPARE_MAX_ROUNDS, .preset = "7", .help =
	  "How often the program runs under each of them. Six is the least that "
	  "tells a difference from noise; more find smaller differences." },
	{ "with", 0, "LIST", QN_LIST(struct options, with), .help =
	  "Who is compared, with commas between them; the others are compared to "
	  "the first. It takes own (what the program has), glibc, jemalloc, "
	  "mimalloc, tcmalloc, a library's path, quern, quern:SETTING such as "
	  "quern:policy=fixed+price=0.75, and the engines of quern help run. By "
	  "default all that are installed." },
	{ "until", 0, "COMMAND", QN_TEXT(struct options, until), .help =
	  "The program is a server: sh runs COMMAND beside it, which waits until "
	  "it is ready and drives it, with its process in QUERN_COMPARE_PID. When "
	  "COMMAND has ended the program gets SIGTERM." },
	{ "grace", 0, "SECONDS", QN_NUMBER(struct options, grace), .most = 3600,
	  .preset = "10", .help =
	  "From SIGTERM to SIGKILL." },
	{ "must-agree", 0, NULL, QN_FLAG(struct options, must_agree), .help =
	  "Another output than the first run's is an error. With --until it is "
	  "the command's output." },
	{ "json", 0, NULL, QN_FLAG(struct options, is_json), .help =
	  "Print a JSON object; its keys stay as they are." },
	{ "markdown", 0, NULL, QN_FLAG(struct options, is_markdown), .help =
	  "Print a table in Markdown." },
	{ "svg", 0, "FILE", QN_TEXT(struct options, svg), .help =
	  "Write the result as a drawing; - is standard output." },
	{ "html", 0, "FILE", QN_TEXT(struct options, html), .help =
	  "Write the result as a page that needs no network." },
	{ "library", 0, "FILE", QN_TEXT(struct options, library), .help =
	  "The libquern.so to use. By default the one beside this command, then "
	  "the installed one." },
	{ "which", 0, NULL, QN_FLAG(struct options, is_which), .help =
	  "Print name, version and file of the malloc that this command itself "
	  "has, and end: LD_PRELOAD=FILE.so quern compare --which." },
	{ "a program", 0, NULL, QN_PROGRAM(struct options, program) },
	QN_OPTIONS_LAST,
};
/* clang-format on */

const struct qn_command qn_command_compare = {
	.name = "compare",
	.brief = "which allocator serves a program best, and what is noise",
	.synopsis = "[OPTIONS] -- PROGRAM [ARGUMENTS]",
	.about =
		"Runs a program under the C library's allocator, jemalloc, mimalloc, "
		"tcmalloc and quern, in rounds whose order rotates, and says which "
		"takes least CPU time and memory. A difference has a 95 % interval; "
		"one that may be noise is marked so. The environment is left as it "
		"is but for LD_PRELOAD, and QUERN_CONF where quern has settings. Each "
		"run reads the same standard input: a file's, or up to 1 GiB from a "
		"pipe, which is read to its end first. The exit status is 1 where the "
		"program failed under one of them, or with --must-agree printed "
		"something else.",
	.json = "The keys are format, program, until, rounds, rounds_wanted, "
		"candidates, fastest, leanest, advice, losses and notes. A "
		"candidate has given, name, allocator, version, library, "
		"settings, failed, output_differs_from, cpu, wall, "
		"peak, average and faults. Each of the last five has median, "
		"rounds and to_first: ratio, low and high (the interval) and "
		"is_real.",
	.options = compare_options,
	.run = compare_main,
};
