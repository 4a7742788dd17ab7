// SPDX-License-Identifier: MIT
/*
 * cmd-run.c - quern run: a program under libquern.so, and a report of its heap.
 *
 * Everything that can be wrong with the request is found before the program is
 * started: a program that runs for an hour must not end in "cannot write the
 * report". From then on the command's own troubles never change the exit status.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "clock.h"
#include "format/conf.h"
#include "command/base/compare.h"
#include "command/base/fail.h"
#include "command/base/interrupt.h"
#include "command/base/launch.h"
#include "command/base/options.h"
#include "command/report/pages.h"
#include "command/base/preload.h"
#include "command/base/program.h"
#include "command/report/report.h"
#include "command/report/report-html.h"
#include "command/base/stream.h"
#include "command/base/text.h"
#include "watch.h"

/**
 * struct run - one call of quern run
 * @argv:	the program and its arguments
 * @path:	the program's file
 * @library:	libquern.so
 * @engines:	libquern-engines.so, or NULL: the program runs on quern's own heap
 * @given_library: --library
 * @settings:	what --policy, --engine and --conf said, joined
 * @conf:	all settings, QUERN_CONF of the environment included
 * @stats_dir:	where the pages go
 * @is_own_dir:	it was made for this run, and goes with it
 * @children:	--children
 * @report_path: --report
 * @report_fd:	where the report goes
 * @html_path:	--html
 * @html_fd:	where that goes
 * @watch:	memory over time, for it
 * @outcome:	of the program, while it runs
 * @swept_usec:	when pages were taken in last
 * @is_json:	--json
 * @has_sites:	--sites
 * @is_detailed: --details
 * @is_compared: --compare
 * @input_at:	where standard input stood at the start, for the second run of two
 * @pages:	what the heaps of the run left behind
 * @subjects, @contest, @compare: the two runs, if there are two: quern's own heap first
 */
struct run {
	char **argv;
	char *path;
	char *library;
	char *engines;
	const char *given_library;
	char *settings;
	struct qn_conf conf;
	char *stats_dir;
	bool is_own_dir;
	enum qn_children children;
	const char *report_path;
	int report_fd;
	const char *html_path;
	int html_fd;
	struct qn_watch watch;
	const struct qn_outcome *outcome;
	u64 swept_usec;
	bool is_json;
	bool has_sites;
	bool is_detailed;
	bool is_compared;
	off_t input_at;
	struct qn_run_pages pages;
	struct qn_subject subjects[2];
	struct qn_contest contest;
	struct qn_compare compare;
};

/* Between two times that pages of processes that are gone are taken in */
#define SWEEP_USEC 1000000

/* ---- what must be right before the program starts ---- */

static int read_settings(struct run *run)
{
	char error[QN_CONF_ERROR];

	if (run->has_sites)
		qn_settings_add(&run->settings, "sites:", "1");
	qn_conf_init(&run->conf);
	if (qn_conf_parse(&run->conf, getenv("QUERN_CONF"), error,
			  sizeof(error))) {
		qn_error("QUERN_CONF in the environment: %s", error);
		return QN_EXIT_FAILURE;
	}
	if (qn_conf_parse(&run->conf, run->settings, error, sizeof(error))) {
		qn_error("%s; `quern help run` lists all settings", error);
		return QN_EXIT_FAILURE;
	}
	return 0;
}

/* @option names another file */
static int open_file(const char *path, const char *option, int *fd)
{
	if (qn_is_standard(path))
		*fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	else
		*fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY,
			   0666);
	if (*fd >= 0)
		return 0;
	qn_error("cannot write the report to '%s': %s; name another file: "
		 "--%s=FILE",
		 path, strerror(errno), option);
	return QN_EXIT_FAILURE;
}

static int open_report(struct run *run)
{
	int err = 0;

	if (run->html_path && qn_is_standard(run->html_path) &&
	    run->report_path && qn_is_standard(run->report_path)) {
		qn_error("only one of --report=- and --html=- can go to "
			 "standard output");
		return QN_EXIT_FAILURE;
	}
	if (run->html_path)
		err = open_file(run->html_path, "html", &run->html_fd);
	if (err)
		return err;
	if (run->report_path)
		return open_file(run->report_path, "report", &run->report_fd);
	run->report_fd = fcntl(2, F_DUPFD_CLOEXEC, 3);
	return 0;
}

/* A directory of the user's own choice */
static int take_stats_dir(struct run *run)
{
	struct stat st;

	run->stats_dir = qn_xprintf("%s", run->conf.stats);
	if (stat(run->stats_dir, &st) == 0 && S_ISDIR(st.st_mode) &&
	    access(run->stats_dir, W_OK | X_OK) == 0)
		return 0;
	qn_error("stats:%s is no directory that can be written; make it, or "
		 "leave the setting away",
		 run->stats_dir);
	return QN_EXIT_FAILURE;
}

static int make_stats_dir(struct run *run)
{
	if (*run->conf.stats)
		return take_stats_dir(run);
	run->stats_dir = qn_pages_make_dir();
	run->is_own_dir = run->stats_dir != NULL;
	return run->is_own_dir ? 0 : QN_EXIT_FAILURE;
}

/* Two runs need two heaps, and the same input twice */
static int check_compare(struct run *run)
{
	if (!run->is_compared)
		return 0;
	run->input_at = lseek(STDIN_FILENO, 0, SEEK_CUR);
	if (!strcmp(run->conf.engine, "quern"))
		qn_error("--compare needs what to compare quern with: "
			 "--engine=NAME");
	else
		return 0;
	return QN_EXIT_FAILURE;
}

/* A pipe is read to its end first: a file takes its place */
static int keep_input(struct run *run)
{
	int fd;

	if (run->input_at >= 0 || isatty(STDIN_FILENO))
		return 0;
	fd = qn_stream_keep_input();
	if (fd < 0)
		return fd;
	run->input_at = 0;
	dup2(fd, STDIN_FILENO);
	close(fd);
	return 0;
}

static int find_libraries(struct run *run)
{
	run->library = qn_preload_find("libquern.so", run->given_library);
	if (!run->library)
		return QN_EXIT_FAILURE;
	if (!strcmp(run->conf.engine, "quern"))
		return 0;
	run->engines = qn_preload_beside(run->library, "libquern-engines.so");
	return run->engines ? 0 : QN_EXIT_FAILURE;
}

static int prepare(struct run *run)
{
	int err = read_settings(run);

	if (!err)
		err = check_compare(run);

	if (!err)
		err = qn_program_find(run->argv[0], &run->path);
	if (!err)
		err = find_libraries(run);
	if (!err)
		err = open_report(run);
	if (!err && run->is_compared)
		err = keep_input(run);
	return err ? err : make_stats_dir(run);
}

/* ---- the run ---- */

static void tick(void *data)
{
	struct run *run = data;
	u64 now = qn_clock_usec();

	if (run->html_path)
		qn_watch_look(&run->watch, run->pages.dir, run->outcome);
	if (now - run->swept_usec < SWEEP_USEC)
		return;
	run->swept_usec = now;
	qn_pages_sweep(&run->pages);
}

/* @library goes in front of @list, which is freed */
static char *put_in_front(const char *library, char *list)
{
	char *more = qn_preload_list(library, list);

	free(list);
	return more;
}

/*
 * What takes stacks and the engines are loaded with the program: the library cannot
 * do it itself.
 */
static char *preload_list(const struct run *run, const char *engines)
{
	const char *others = getenv("LD_PRELOAD");
	char *list = qn_xprintf("%s", others ? others : "");

	if (run->conf.sites || run->conf.guard)
		list = put_in_front("libgcc_s.so.1", list);
	if (engines)
		list = put_in_front(engines, list);
	return put_in_front(run->library, list);
}

/* With these settings; @engines or NULL; @how has the streams and the ticks */
static int launch_with(const struct run *run, const char *conf,
		       const char *engines, const struct qn_launch *how,
		       struct qn_outcome *outcome)
{
	char *preload = preload_list(run, engines);
	char *set_conf = qn_xprintf("QUERN_CONF=%s", conf);
	struct qn_launch what = *how;
	int err;

	what.path = run->path;
	what.argv = run->argv;
	err = qn_preload_launch(&what, preload, set_conf, outcome);
	free(set_conf);
	free(preload);
	return err;
}

static int launch(struct run *run, struct qn_outcome *outcome)
{
	const struct qn_launch how = { .fd_in = -1,
				       .fd_out = -1,
				       .fd_err = -1,
				       .tick = tick,
				       .tick_msec = run->html_path ?
							    QN_WATCH_MSEC :
							    0,
				       .tick_data = run };
	char *settings = qn_settings_join(getenv("QUERN_CONF"), run->settings);
	char *stats = qn_xprintf("stats:%s", run->stats_dir);
	char *conf = qn_settings_join(settings, stats);
	int err;

	run->pages.since_usec = run->swept_usec = qn_clock_usec();
	run->outcome = outcome;
	err = launch_with(run, conf, run->engines, &how, outcome);
	free(conf);
	free(stats);
	free(settings);
	return err;
}

/* On quern's own heap, nothing to be seen of it; the input is put back */
static int launch_quern(struct run *run, struct qn_outcome *outcome)
{
	int null = qn_launch_null();
	const struct qn_launch how = {
		.fd_in = run->input_at < 0 ? null : -1,
		.fd_out = null,
		.fd_err = null,
	};
	char *settings = qn_settings_join(getenv("QUERN_CONF"), run->settings);
	char *conf = qn_settings_join(settings, "engine:quern");
	int err = null < 0 ? -errno : 0;

	if (!err)
		err = launch_with(run, conf, NULL, &how, outcome);
	if (run->input_at >= 0)
		lseek(STDIN_FILENO, run->input_at, SEEK_SET);
	free(conf);
	free(settings);
	if (null >= 0)
		close(null);
	return err;
}

/* ---- the report ---- */

static bool is_same_file(int a, int b)
{
	struct stat sa, sb;

	return fstat(a, &sa) == 0 && fstat(b, &sb) == 0 &&
	       sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

/*
 * An old report is overwritten. But --report=/dev/stdout opens the very file that
 * the program has written to: there the report goes to the end.
 */
static int find_place(int fd)
{
	bool is_shared = is_same_file(fd, 1) || is_same_file(fd, 2);

	if (is_shared && lseek(fd, 0, SEEK_END) < 0 && errno != ESPIPE)
		return -errno;
	if (!is_shared && ftruncate(fd, 0) && errno != EINVAL)
		return -errno;
	return 0;
}

/* @path: NULL: standard error as it was */
static int write_report(int fd, const char *path, const char *text, size_t size)
{
	int err = path ? find_place(fd) : 0;

	err = err ? err : qn_write_all(fd, text, size);
	if (err && path)
		qn_error("cannot write the report to '%s': %s; the program "
			 "has run, its figures are lost",
			 path, strerror(-err));
	return err;
}

static void make_report(const struct run *run, const struct qn_report *report)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return;
	if (run->is_json)
		qn_report_json(out, report);
	else
		qn_report_text(out, report);
	fclose(out);
	write_report(run->report_fd, run->report_path, text, size);
	free(text);
}

/* ---- the page in HTML ---- */

/* The text of the report, with its details and whole lines */
static char *whole_text(const struct qn_report *report)
{
	struct qn_report whole = *report;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	whole.is_detailed = true;
	whole.columns = 0;
	qn_report_text(out, &whole);
	fclose(out);
	return text;
}

static char *lead_of(const struct qn_report *report)
{
	const struct qn_outcome *o = report->outcome;
	u64 peak = qn_usage_peak(&o->usage);

	return qn_xprintf("It took %s and %s of CPU time, and %s of memory at "
			  "its peak.",
			  qn_text_time(o->wall_usec).s,
			  qn_text_time(qn_usage_cpu(&o->usage)).s,
			  qn_text_size(peak).s);
}

/* What the program left last, without its resident set: that is gone */
static void note_end(struct run *run, const struct qn_outcome *outcome)
{
	struct qn_moment m;

	if (!run->pages.has_own)
		return;
	m = qn_moment_of(&run->pages.own, outcome->wall_usec);
	qn_history_note(&run->watch.history, &m);
}

static void put_html(struct run *run, const struct qn_report *report, FILE *out)
{
	struct qn_html_report html = { .history = &run->watch.history };
	char *title = qn_xprintf("quern run: %s", run->argv[0]);
	char *text = whole_text(report), *lead = lead_of(report);
	struct qn_flame flame = { .nr = 0 };
	struct qn_symbols symbols;

	qn_symbols_init(&symbols, "", 0);
	html.title = title;
	html.lead = lead;
	html.text = text;
	if (run->pages.nr) {
		html.figures = &run->pages.figures[0];
		qn_flame_of_samples(&flame, html.figures->exe,
				    &html.figures->sites, &symbols);
		html.flame = &flame;
	}
	qn_report_html(out, &html);
	qn_flame_exit(&flame);
	qn_symbols_exit(&symbols);
	free(title);
	free(text);
	free(lead);
}

static void make_html(struct run *run, const struct qn_report *report)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return;
	note_end(run, report->outcome);
	put_html(run, report, out);
	fclose(out);
	write_report(run->html_fd, run->html_path, text, size);
	free(text);
}

static void report_run(struct run *run, const struct qn_outcome *outcome)
{
	struct qn_report report = {
		.argv = run->argv,
		.outcome = outcome,
		.pages = &run->pages,
		.is_detailed = run->is_detailed,
		.columns = qn_text_columns(run->report_fd),
		.compare = run->is_compared ? &run->compare : NULL,
	};

	run->pages.root = outcome->pid;
	qn_pages_collect(&run->pages);
	if (!run->pages.has_own)
		report.obstacle = qn_program_obstacle(run->path);
	make_report(run, &report);
	if (run->html_path)
		make_html(run, &report);
}

/* From here on a signal would only lose the report and leave the pages behind */
static void block_signals(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
}

/* The first of two runs was stopped: the user will not want the second */
static bool was_stopped(const struct qn_outcome *outcome)
{
	if (!WIFSIGNALED(outcome->status) && !qn_interrupted())
		return false;
	qn_error("%s while the program ran on quern's own heap; it is not run "
		 "again",
		 qn_interrupted() ? "interrupted" : "ended by a signal");
	return true;
}

/* On quern's own heap, then on the engine; they agree if they end alike */
static int run_compared(struct qn_compare *c, u32 contest, u32 subject,
			struct qn_cell *cell)
{
	struct qn_outcome *outcome = &cell->outcome;
	struct run *run = c->data;
	int err = subject ? launch(run, outcome) : launch_quern(run, outcome);

	(void)contest;
	cell->result = (u64)outcome->status;
	if (!err && !subject && was_stopped(outcome))
		return -ECANCELED;
	return err;
}

static int launch_both(struct run *run, struct qn_outcome *outcome, int *status)
{
	const struct qn_outcome *quern;
	int err;

	run->subjects[0].name = "quern";
	run->subjects[1].name = run->conf.engine;
	run->contest.name = run->argv[0];
	run->compare = (struct qn_compare){
		.subjects = run->subjects,
		.contests = &run->contest,
		.nr_subjects = 2,
		.nr_contests = 1,
		.nr_rounds = 1,
		.run = run_compared,
		.data = run,
		.is_quiet = true,
	};
	err = qn_compare_run(&run->compare);
	*outcome = qn_compare_cell(&run->compare, 0, 1)->outcome;
	quern = &qn_compare_cell(&run->compare, 0, 0)->outcome;
	*status = qn_interrupted() ? qn_interrupted() : quern->status;
	return err;
}

/* Return: an exit status on failure, else 0 and @status as wait() has it */
static int run_program(struct run *run, int *status)
{
	struct qn_outcome outcome;
	int err;

	err = qn_pages_open(&run->pages, run->stats_dir, run->is_own_dir,
			    run->children);
	if (err) {
		qn_error("cannot read '%s': %s", run->stats_dir,
			 strerror(-err));
		return QN_EXIT_FAILURE;
	}
	err = run->is_compared ? launch_both(run, &outcome, status) :
				 launch(run, &outcome);
	block_signals();
	if (err == -ECANCELED) {
		err = 0;
	} else if (err && err != -EINTR) {
		err = qn_program_refuse(run->path, err);
	} else if (!err) {
		report_run(run, &outcome);
		*status = outcome.status;
	}
	qn_pages_close(&run->pages);
	return err;
}

static void release(struct run *run)
{
	qn_compare_exit(&run->compare);
	if (run->is_own_dir)
		rmdir(run->stats_dir);
	free(run->stats_dir);
	free(run->settings);
	free(run->engines);
	free(run->library);
	free(run->path);
}

static int run_main(const struct qn_command *command, int argc, char **argv)
{
	static struct run run = { .report_fd = -1, .html_fd = -1 };
	int status = 0, err;

	(void)argc;
	err = qn_options_read(command, argv, &run);
	qn_interrupt_catch();
	if (!err)
		err = prepare(&run);
	if (!err)
		err = run_program(&run, &status);
	release(&run);
	if (err == -EINTR) {
		qn_error("interrupted before the program began");
		status = qn_interrupted();
	} else if (err) {
		return err < 0 ? QN_EXIT_FAILURE : err;
	}
	qn_launch_end_like(status);
}

/* clang-format off */
static const struct qn_option run_options[] = {
	{ "report", 0, "FILE", QN_TEXT(struct run, report_path), .help =
	  "Write the report to FILE instead of standard error; - is standard "
	  "output." },
	{ "html", 0, "FILE", QN_TEXT(struct run, html_path), .help =
	  "Write a page to FILE as well: memory over time, whose memory it is "
	  "(--sites), sizes and lives, in one file that needs no network; - is "
	  "standard output." },
	{ "json", 0, NULL, QN_FLAG(struct run, is_json), .help =
	  "Write the report as a JSON object; its keys stay as they are." },
	{ "sites", 0, NULL, QN_FLAG(struct run, has_sites), .help =
	  "The report tells which functions asked for most and which never freed, "
	  "from samples with their callers; the same as --conf=sites:1. It takes "
	  "some 1 % of the CPU time, and half a millisecond of each process. Misuse "
	  "of the heap is then noticed later: no blocks are fenced." },
	{ "details", 0, NULL, QN_FLAG(struct run, is_detailed), .help =
	  "The report tells as well how the heap came to it: block sizes, the "
	  "controller's choices, lives of blocks and trends." },
	{ "children", 0, NULL, QN_CHOICE(struct run, children),
	  .choices = "sum|each|none", .preset = "sum", .help =
	  "What becomes of the processes that the program starts: added to its "
	  "figures, a report for each of them, or left out." },
	{ "policy", 0, "NAME", QN_SETTING(struct run, settings), .key = "policy:",
	  .help =
	  "Who decides on the granule table; the same as --conf=policy:NAME. "
	  "fixed leaves it as it is." },
	{ "engine", 0, "NAME", QN_SETTING(struct run, settings), .key = "engine:",
	  .help =
	  "The heap that serves the program; the same as --conf=engine:NAME. The "
	  "report then says what it served, and what quern would have." },
	{ "compare", 0, NULL, QN_FLAG(struct run, is_compared), .help =
	  "With --engine: the program runs twice with the same input, first on quern's own "
	  "heap, where its output is thrown away. The report has times and memory of both "
	  "runs." },
	{ "conf", 0, "KEY:VALUE", QN_SETTING(struct run, settings), .key = "", .help =
	  "A setting, or several with commas between them; they go before those "
	  "of QUERN_CONF. May be given more than once." },
	{ "library", 0, "FILE", QN_TEXT(struct run, given_library), .help =
	  "The libquern.so to use. By default the one beside this command, then "
	  "the installed one." },
	{ "a program", 0, NULL, QN_PROGRAM(struct run, argv), .is_needed = true },
	QN_OPTIONS_LAST,
};
/* clang-format on */

const struct qn_command qn_command_run = {
	.name = "run",
	.brief = "run a program on quern, and report what its heap did",
	.synopsis = "[OPTIONS] -- PROGRAM [ARGUMENTS]",
	.about = "Runs a program with its heap served by libquern.so. The "
		 "program's input, output, signals and exit status pass "
		 "through. When it has ended, one screen on standard error "
		 "tells what its heap did.",
	.options = run_options,
	.has_conf = true,
	.run = run_main,
};
