// SPDX-License-Identifier: MIT
/*
 * cmd-demo.c - quern demo: real programs under four allocators, side by side, and
 * the firmware.
 *
 * Every program runs once under quern with statistics, which counts what it
 * allocates and makes the report that is shown. Then compare.h runs all programs under
 * all allocators, in rounds. Nothing is left out of its table: where quern loses, the
 * summary says so in words.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "demo-input.h"
#include "command/base/allocators.h"
#include "command/base/fail.h"
#include "command/base/interrupt.h"
#include "command/base/json.h"
#include "command/base/options.h"
#include "command/base/preload.h"
#include "command/base/program.h"
#include "command/base/progress.h"
#include "command/base/stream.h"
#include "command/report/pages.h"
#include "command/report/report.h"

/* Exit status of embedded/run-qemu.sh where there is no emulator */
#define NO_QEMU 77

/* A program that allocates less than this demonstrates nothing */
#define MIN_ALLOCATIONS 1000000

/* Of --json: another meaning of a key raises it */
#define FORMAT 1

/**
 * struct work - what is known of one of the programs
 * @heading:	in the table
 * @missing:	why it is missing, or NULL
 * @nr_allocs:	counted under quern
 * @nr_changes:	of the table, likewise
 * @report:	of the counted run, as text
 */
struct work {
	char *heading;
	char *missing;
	u64 nr_allocs;
	u64 nr_changes;
	char *report;
};

/**
 * struct demo - one call of quern demo
 * @rounds:	--rounds
 * @library:	--library
 * @is_json:	--json
 * @program:	operands, of which there may be none
 * @own_dir:	where the command is, and the firmware
 * @dir:	where the input is
 * @dir_fd:	its descriptor
 * @allocators:	who is compared
 * @contests:	on what, by index of qn_demo_programs
 * @programs, @works: the same ones
 */
struct demo {
	u32 rounds;
	const char *library;
	bool is_json;
	char **program;
	char *own_dir;
	char *dir;
	int dir_fd;
	struct qn_allocators allocators;
	struct qn_contest contests[QN_DEMO_NR_PROGRAMS];
	struct qn_launch programs[QN_DEMO_NR_PROGRAMS];
	struct work works[QN_DEMO_NR_PROGRAMS];
};

/* ---- the counted run ---- */

static char *make_report(const struct demo *demo, u32 contest,
			 const struct qn_outcome *outcome,
			 const struct qn_run_pages *pages)
{
	struct qn_report report = {
		.argv = (char *const *)(uintptr_t)qn_demo_programs[contest].argv,
		.outcome = outcome,
		.pages = pages,
		.columns = qn_text_columns(STDOUT_FILENO),
	};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!pages->has_own)
		report.obstacle =
			qn_program_obstacle(demo->programs[contest].path);
	if (out) {
		qn_report_text(out, &report);
		fclose(out);
	}
	return text;
}

static void take_counts(struct demo *demo, u32 contest,
			struct qn_run_pages *pages,
			const struct qn_outcome *outcome)
{
	const struct qn_demo_program *program = &qn_demo_programs[contest];
	struct work *w = &demo->works[contest];

	pages->root = outcome->pid;
	qn_pages_collect(pages);
	if (pages->has_own) {
		w->nr_allocs = pages->figures[0].nr_allocs;
		w->nr_changes = pages->figures[0].nr_changes;
	}
	w->report = make_report(demo, contest, outcome, pages);
	w->heading = qn_xprintf("%s: %s; %s allocations", program->name,
				program->work, qn_text_count(w->nr_allocs).s);
	demo->contests[contest].about = w->heading;
}

static int check_counts(const struct demo *demo, u32 contest)
{
	const struct work *w = &demo->works[contest];

	if (w->nr_allocs >= MIN_ALLOCATIONS)
		return 0;
	qn_progress_clear();
	qn_error("%s made %s allocations under quern, less than a million; its "
		 "report says why:",
		 qn_demo_programs[contest].name, qn_text_count(w->nr_allocs).s);
	fputs(w->report ? w->report : "", stderr);
	return QN_EXIT_FAILURE;
}

static int count_in(struct demo *demo, u32 contest, const char *stats)
{
	struct qn_run_pages pages;
	struct qn_cell cell = { 0 };
	char *conf = qn_xprintf("QUERN_CONF=stats:%s", stats);
	int err;

	if (qn_pages_open(&pages, stats, true, QN_CHILDREN_SUM)) {
		free(conf);
		return QN_EXIT_FAILURE;
	}
	err = qn_allocators_run(&demo->allocators, contest, QN_QUERN, conf,
				&cell);
	demo->contests[contest].expected = cell.result;
	demo->contests[contest].expected_of = "quern";
	free(conf);
	free(cell.failed);
	if (!err)
		take_counts(demo, contest, &pages, &cell.outcome);
	qn_pages_close(&pages);
	return err ? err : check_counts(demo, contest);
}

static int count(struct demo *demo, u32 contest)
{
	char *stats = qn_pages_make_dir();
	int err;

	if (!stats)
		return QN_EXIT_FAILURE;
	qn_progress("counting what %s allocates",
		    qn_demo_programs[contest].name);
	err = count_in(demo, contest, stats);
	free(stats);
	return err;
}

static int run_contests(struct demo *demo)
{
	int err = 0;

	for (u32 i = 0; !err && i < QN_DEMO_NR_PROGRAMS; i++)
		if (!demo->contests[i].missing)
			err = count(demo, i);
	qn_progress_clear();
	return err ? err : qn_allocators_compare(&demo->allocators);
}

/* The report of the program whose table changed most */
static void print_report(const struct demo *demo)
{
	u32 most = QN_DEMO_NR_PROGRAMS;

	for (u32 i = 0; i < QN_DEMO_NR_PROGRAMS; i++)
		if (demo->works[i].report &&
		    (most == QN_DEMO_NR_PROGRAMS ||
		     demo->works[i].nr_changes > demo->works[most].nr_changes))
			most = i;
	if (most < QN_DEMO_NR_PROGRAMS)
		printf("What quern run says of %s:\n\n%s\n",
		       qn_demo_programs[most].name, demo->works[most].report);
}

static void print_all(const struct demo *demo)
{
	struct qn_lines l = qn_lines_to(stdout);

	qn_compare_put_table(&demo->allocators.compare, &l);
	qn_compare_put_summary(&demo->allocators.compare, QN_QUERN, &l);
	qn_lines_end(&l);
	print_report(demo);
}

/* ---- JSON ---- */

static const struct {
	const char *key;
	bool is_time;
} figures[QN_NR_MEASURES] = {
	[QN_WALL] = { "wall", true },
	[QN_CPU] = { "cpu", true },
	[QN_PEAK] = { "peak", false },
};

static json_t *make_figure(const struct qn_compare *c, u32 contest, u32 subject,
			   enum qn_measure m)
{
	double median = (double)qn_compare_median(c, contest, subject, m);
	json_t *o = json_object();

	json_object_set_new(o, "median",
			    json_real(figures[m].is_time ? median / 1e6 :
							   median));
	json_object_set_new(
		o, "to_first",
		json_real(qn_compare_ratio(c, contest, subject, m)));
	return o;
}

static json_t *make_subject(const struct qn_compare *c, u32 contest,
			    u32 subject)
{
	bool is_there = qn_compare_takes_part(c, contest, subject);
	json_t *o = json_object();

	json_object_set_new(o, "name", qn_json_text(c->subjects[subject].name));
	for (enum qn_measure m = 0; m < QN_NR_MEASURES; m++)
		json_object_set_new(o, figures[m].key,
				    is_there ? make_figure(c, contest, subject,
							   m) :
					       json_null());
	return o;
}

static json_t *make_program(const struct demo *demo, u32 contest)
{
	const struct qn_compare *c = &demo->allocators.compare;
	json_t *o = json_object(), *list = json_array();

	for (u32 s = 0; s < c->nr_subjects; s++)
		json_array_append_new(list, make_subject(c, contest, s));
	json_object_set_new(o, "name", qn_json_text(c->contests[contest].name));
	json_object_set_new(o, "missing",
			    qn_json_text(c->contests[contest].missing));
	qn_json_number(o, "allocations", demo->works[contest].nr_allocs);
	json_object_set_new(o, "candidates", list);
	return o;
}

static void print_json(const struct demo *demo)
{
	const struct qn_compare *c = &demo->allocators.compare;
	json_t *o = json_object(), *list = json_array();

	for (u32 i = 0; i < c->nr_contests; i++)
		json_array_append_new(list, make_program(demo, i));
	qn_json_number(o, "format", FORMAT);
	qn_json_number(o, "rounds", c->nr_done);
	qn_json_number(o, "rounds_wanted", demo->rounds);
	json_object_set_new(o, "programs", list);
	qn_json_print(stdout, o);
}

/* ---- the firmware ---- */

static char *find_file(const struct demo *demo, const char *name)
{
	char *path = qn_xprintf("%s/%s", demo->own_dir, name);

	if (access(path, R_OK) == 0)
		return path;
	free(path);
	return NULL;
}

static int launch_firmware(char *script, char *image)
{
	char *argv[] = { "sh", script, image, NULL };
	const struct qn_launch what = {
		.path = "/bin/sh",
		.argv = argv,
		.envp = environ,
		.fd_in = -1,
		.fd_out = -1,
		.fd_err = -1,
	};
	struct qn_outcome outcome = { 0 };
	int err = qn_launch(&what, &outcome);

	/* run-qemu.sh has said that QEMU is missing: no failure of the firmware */
	if (!err && WIFEXITED(outcome.status) &&
	    WEXITSTATUS(outcome.status) == NO_QEMU)
		return 0;
	return err ? err : outcome.status;
}

static int run_firmware(const struct demo *demo)
{
	char *image = find_file(demo, "firmware/pipeline.elf");
	char *script = find_file(demo, "../embedded/run-qemu.sh");
	int status = 0;

	printf("The same core as firmware for the STM32F407, in QEMU:\n\n");
	fflush(stdout);
	if (!image)
		printf("firmware/pipeline.elf is not beside the command; "
		       "./bootstrap build makes it.\n");
	else if (!script)
		printf("embedded/run-qemu.sh is not here; run the command from "
		       "its source tree.\n");
	else
		status = launch_firmware(script, image);
	free(image);
	free(script);
	if (status && !qn_interrupted())
		qn_error("the firmware failed; what it printed stands above");
	return status ? QN_EXIT_FAILURE : 0;
}

/* ---- setting up ---- */

static int read_options(struct demo *demo, const struct qn_command *command,
			char **argv)
{
	int err = qn_options_read(command, argv, demo);

	if (err || !demo->program)
		return err;
	qn_error("demo takes no program; for one of your own: "
		 "quern run -- %s",
		 *demo->program);
	return QN_EXIT_FAILURE;
}

/* Debian's own file rather than whatever PATH finds first */
static bool find_program(struct demo *demo, u32 i)
{
	const struct qn_demo_program *program = &qn_demo_programs[i];
	struct work *w = &demo->works[i];

	demo->contests[i].name = program->name;
	demo->programs[i].path = program->file;
	demo->programs[i].argv = (char *const *)(uintptr_t)program->argv;
	if (access(program->file, X_OK) == 0)
		return true;
	w->missing = qn_xprintf("not installed; to include it: apt-get install "
				"%s",
				program->package);
	demo->contests[i].missing = w->missing;
	return false;
}

static int find_programs(struct demo *demo)
{
	struct qn_compare *c = &demo->allocators.compare;
	u32 nr = 0;

	for (u32 i = 0; i < QN_DEMO_NR_PROGRAMS; i++)
		nr += find_program(demo, i);
	c->contests = demo->contests;
	c->nr_contests = QN_DEMO_NR_PROGRAMS;
	c->nr_rounds = demo->rounds;
	demo->allocators.programs = demo->programs;
	if (nr)
		return 0;
	qn_error("none of the programs is here; apt-get install sqlite3 gawk "
		 "python3");
	return QN_EXIT_FAILURE;
}

/* The files that are there now become standard input */
static int open_inputs(struct demo *demo)
{
	for (u32 i = 0; i < QN_DEMO_NR_PROGRAMS; i++) {
		const char *name = qn_demo_programs[i].input;
		int fd = openat(demo->dir_fd, name ? name : "/dev/null",
				O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			return -errno;
		demo->programs[i].fd_in = fd;
	}
	return 0;
}

static int make_input(struct demo *demo)
{
	int err;

	demo->dir = qn_temp_make("quern-demo-XXXXXX", true, "30 MB of room");
	if (!demo->dir)
		return QN_EXIT_FAILURE;
	qn_progress("making the input in %s", demo->dir);
	demo->dir_fd = open(demo->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err = demo->dir_fd < 0 || chdir(demo->dir) ?
		      -errno :
		      qn_demo_input_make(demo->dir_fd);
	if (!err)
		err = open_inputs(demo);
	if (err)
		qn_error("cannot write to '%s': %s; set TMPDIR to a directory "
			 "with 30 MB of room",
			 demo->dir, strerror(-err));
	return err ? QN_EXIT_FAILURE : 0;
}

static int prepare(struct demo *demo)
{
	int err;

	demo->own_dir = qn_preload_own_dir();
	err = qn_allocators_find(&demo->allocators, demo->library);
	if (!err)
		err = find_programs(demo);
	return err ? err : make_input(demo);
}

static void release(struct demo *demo)
{
	qn_allocators_exit(&demo->allocators);
	for (u32 i = 0; i < QN_DEMO_NR_PROGRAMS; i++) {
		if (demo->programs[i].fd_in > 0)
			close(demo->programs[i].fd_in);
		free(demo->works[i].heading);
		free(demo->works[i].missing);
		free(demo->works[i].report);
	}
	if (demo->dir) {
		qn_demo_input_remove(demo->dir_fd);
		if (chdir("/") || rmdir(demo->dir))
			qn_error("could not remove '%s': %s", demo->dir,
				 strerror(errno));
	}
	free(demo->dir);
	free(demo->own_dir);
}

static __noreturn void end_interrupted(const struct demo *demo)
{
	u32 nr_done = demo->allocators.compare.nr_done;

	if (nr_done)
		qn_error("interrupted: what stands above is of %u of %u rounds",
			 nr_done, demo->rounds);
	else
		qn_error("interrupted before a round was through: there is "
			 "nothing to compare yet");
	qn_launch_end_like(qn_interrupted());
}

static int demo_main(const struct qn_command *command, int argc, char **argv)
{
	static struct demo demo;
	int err;

	(void)argc;
	err = read_options(&demo, command, argv);
	qn_interrupt_catch();
	if (!err)
		err = prepare(&demo);
	if (!err)
		err = run_contests(&demo);
	if (!err && demo.is_json) {
		print_json(&demo);
	} else if (!err) {
		print_all(&demo);
		if (!qn_interrupted())
			err = run_firmware(&demo);
	}
	release(&demo);
	if (qn_interrupted())
		end_interrupted(&demo);
	return err < 0 ? QN_EXIT_FAILURE : err;
}

/* clang-format off */
static const struct qn_option demo_options[] = {
	{ "rounds", 0, "N", QN_NUMBER(struct demo, rounds), .least = 1,
	  .most = QN_COMPARE_MAX_ROUNDS, .preset = "5", .help =
	  "How often everything is measured; the table shows medians. Five rounds "
	  "take about a minute." },
	{ "json", 0, NULL, QN_FLAG(struct demo, is_json), .help =
	  "Print the table as a JSON object; its keys stay as they are. The firmware "
	  "does not run." },
	{ "library", 0, "FILE", QN_TEXT(struct demo, library), .help =
	  "The libquern.so to use. By default the one beside this command, "
	  "then the installed one." },
	{ "a program", 0, NULL, QN_PROGRAM(struct demo, program) },
	QN_OPTIONS_LAST,
};
/* clang-format on */

const struct qn_command qn_command_demo = {
	.name = "demo",
	.brief = "quern and other allocators on sqlite3, gawk and python3",
	.synopsis = "[OPTIONS]",
	.about = "Runs sqlite3, gawk and python3 on input that it makes, under "
		 "glibc, jemalloc, mimalloc and quern, and prints one table; "
		 "then the report of a run under quern, and the firmware in "
		 "QEMU.",
	.json = "The keys are format, rounds, rounds_wanted and programs, each "
		"with name, missing (why it did not run), allocations and "
		"candidates. A candidate has name, wall, cpu and peak, each "
		"with median and to_first, its ratio to the first candidate; "
		"null if it is not installed.",
	.options = demo_options,
	.run = demo_main,
};
