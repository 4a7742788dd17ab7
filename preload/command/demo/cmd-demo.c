// SPDX-License-Identifier: MIT
/*
 * cmd-demo.c - quern demo: real programs under four allocators, side by side, and
 * the firmware.
 *
 * Every program runs once under quern with statistics, which counts what it
 * allocates and makes the report that is shown. Then it runs in rounds, each round
 * all programs under all allocators, so that a slow minute of the machine hits
 * all of them; what is compared is the median. Nothing is left out of the table:
 * where quern loses, the summary says so in words.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "demo-input.h"
#include "demo.h"
#include "command/base/fail.h"
#include "command/base/interrupt.h"
#include "command/base/launch.h"
#include "command/base/options.h"
#include "command/report/pages.h"
#include "command/base/preload.h"
#include "command/base/program.h"
#include "command/report/report.h"
#include "command/base/text.h"

/* Exit status of embedded/run-qemu.sh where there is no emulator */
#define NO_QEMU 77

/* A program that allocates less than this demonstrates nothing */
#define MIN_ALLOCATIONS 1000000

/* ---- progress, on stderr ---- */

__attribute__((format(printf, 2, 3))) static void
progress(const struct qn_demo *demo, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs(demo->is_live ? "\r\033[K" : "", stderr);
	vfprintf(stderr, format, args);
	fputs(demo->is_live ? "" : "\n", stderr);
	fflush(stderr);
	va_end(args);
}

static void clear_progress(const struct qn_demo *demo)
{
	if (demo->is_live)
		fputs("\r\033[K", stderr);
}

/* ---- running one program once ---- */

static u64 hash_output(int fd)
{
	u64 hash = 14695981039346656037ull;
	unsigned char buffer[4096];
	off_t at = 0;
	ssize_t n, i;

	while ((n = pread(fd, buffer, sizeof(buffer), at)) > 0) {
		for (i = 0; i < n; i++)
			hash = (hash ^ buffer[i]) * 1099511628211ull;
		at += n;
	}
	return hash;
}

static int open_input(const struct qn_demo *demo,
		      const struct qn_demo_contest *c)
{
	if (!c->program->input)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	return openat(demo->dir_fd, c->program->input, O_RDONLY | O_CLOEXEC);
}

static int launch_in(struct qn_demo *demo, struct qn_demo_contest *c,
		     char *const *envp, struct qn_outcome *outcome)
{
	struct qn_launch what = {
		.path = c->path,
		.argv = (char *const *)(uintptr_t)c->program->argv,
		.envp = envp,
		.fd_in = open_input(demo, c),
		.fd_out = demo->output,
		.fd_err = -1,
	};
	int err;

	if (ftruncate(demo->output, 0) || lseek(demo->output, 0, SEEK_SET))
		err = -errno;
	else
		err = qn_launch(&what, outcome);
	close(what.fd_in);
	return err;
}

/* @conf: "QUERN_CONF=..." or the name alone, to have none */
static int launch_under(struct qn_demo *demo, struct qn_demo_contest *c,
			const struct qn_demo_allocator *a, const char *conf,
			struct qn_outcome *outcome)
{
	char *preload = a->path ? qn_xprintf("LD_PRELOAD=%s", a->path) :
				  qn_xprintf("LD_PRELOAD");
	const char *changes[] = { preload,
				  conf,
				  "LC_ALL=C",
				  "PYTHONMALLOC=malloc",
				  "PYTHONHASHSEED=0",
				  "MALLOC_CONF",
				  "GLIBC_TUNABLES",
				  NULL };
	char **envp = qn_preload_environ(changes);
	int err = launch_in(demo, c, envp, outcome);

	free(envp);
	free(preload);
	return err;
}

/* An interrupt is the user's wish to end it all, whatever the program makes of it */
static int check_outcome(struct qn_demo *demo, const struct qn_demo_contest *c,
			 const struct qn_demo_allocator *a, int err, int status)
{
	if (qn_interrupted())
		return -EINTR;
	if (!err && WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	clear_progress(demo);
	if (err)
		qn_error("cannot start %s: %s", c->path, strerror(-err));
	else if (WIFEXITED(status))
		qn_error("%s under %s failed: status %d", c->program->name,
			 a->name, WEXITSTATUS(status));
	else
		qn_error("%s under %s was ended by signal %d (%s)",
			 c->program->name, a->name, WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	return QN_EXIT_FAILURE;
}

static int run_once(struct qn_demo *demo, struct qn_demo_contest *c,
		    const struct qn_demo_allocator *a, const char *conf,
		    struct qn_outcome *outcome)
{
	int err = launch_under(demo, c, a, conf, outcome);

	return check_outcome(demo, c, a, err, outcome->status);
}

/* ---- the counted run ---- */

static char *make_report(const struct qn_demo_contest *c,
			 const struct qn_outcome *outcome,
			 const struct qn_run_pages *pages)
{
	struct qn_report report = {
		.argv = (char *const *)(uintptr_t)c->program->argv,
		.outcome = outcome,
		.pages = pages,
	};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!pages->has_own)
		report.obstacle = qn_program_obstacle(c->path);
	if (out) {
		qn_report_text(out, &report);
		fclose(out);
	}
	return text;
}

static void take_counts(struct qn_demo_contest *c, struct qn_run_pages *pages,
			const struct qn_outcome *outcome)
{
	pages->root = outcome->pid;
	qn_pages_collect(pages);
	if (pages->has_own) {
		c->nr_allocs = pages->figures[0].nr_allocs;
		c->nr_changes = pages->figures[0].nr_changes;
	}
	c->report = make_report(c, outcome, pages);
}

static int check_counts(const struct qn_demo *demo,
			const struct qn_demo_contest *c)
{
	if (c->nr_allocs >= MIN_ALLOCATIONS)
		return 0;
	clear_progress(demo);
	qn_error("%s made %s allocations under quern, less than a million; its "
		 "report says why:",
		 c->program->name, qn_text_count(c->nr_allocs).s);
	fputs(c->report ? c->report : "", stderr);
	return QN_EXIT_FAILURE;
}

static int count_in(struct qn_demo *demo, struct qn_demo_contest *c,
		    const char *stats)
{
	struct qn_run_pages pages;
	struct qn_outcome outcome = { 0 };
	char *conf = qn_xprintf("QUERN_CONF=stats:%s", stats);
	int err;

	if (qn_pages_open(&pages, stats, true, QN_CHILDREN_SUM)) {
		free(conf);
		return QN_EXIT_FAILURE;
	}
	err = run_once(demo, c, &demo->allocators[QUERN], conf, &outcome);
	free(conf);
	c->output = hash_output(demo->output);
	if (!err)
		take_counts(c, &pages, &outcome);
	qn_pages_close(&pages);
	return err ? err : check_counts(demo, c);
}

static int count(struct qn_demo *demo, struct qn_demo_contest *c)
{
	char *stats = qn_pages_make_dir();
	int err;

	if (!stats)
		return QN_EXIT_FAILURE;
	progress(demo, "counting what %s allocates", c->program->name);
	err = count_in(demo, c, stats);
	free(stats);
	return err;
}

/* ---- the rounds ---- */

static u64 usec_of(const struct timeval *t)
{
	return (u64)t->tv_sec * 1000000 + (u64)t->tv_usec;
}

static void note_round(struct qn_demo_result *result, unsigned int round,
		       const struct qn_outcome *o)
{
	result->round[WALL][round] = o->wall_usec;
	result->round[CPU][round] =
		usec_of(&o->usage.ru_utime) + usec_of(&o->usage.ru_stime);
	result->round[PEAK][round] = (u64)o->usage.ru_maxrss * 1024;
}

static int measure(struct qn_demo *demo, struct qn_demo_contest *c,
		   unsigned int who, unsigned int round)
{
	const struct qn_demo_allocator *a = &demo->allocators[who];
	struct qn_outcome outcome = { 0 };
	int err;

	if (a->missing)
		return 0;
	if (demo->is_live)
		progress(demo, "round %u of %u: %s under %s", round + 1,
			 demo->rounds, c->program->name, a->name);
	err = run_once(demo, c, a, "QUERN_CONF", &outcome);
	if (!err && hash_output(demo->output) != c->output) {
		clear_progress(demo);
		qn_error("%s under %s printed something else than under %s",
			 c->program->name, a->name,
			 demo->allocators[QUERN].name);
		err = QN_EXIT_FAILURE;
	}
	if (!err)
		note_round(&c->results[who], round, &outcome);
	return err;
}

static int run_round(struct qn_demo *demo, unsigned int round)
{
	unsigned int p, a;
	int err = 0;

	if (!demo->is_live)
		progress(demo, "round %u of %u", round + 1, demo->rounds);
	for (p = 0; p < QN_DEMO_NR_PROGRAMS; p++)
		for (a = 0; a < NR_ALLOCATORS; a++)
			if (!err && demo->contests[p].path)
				err = measure(demo, &demo->contests[p],
					      (a + round) % NR_ALLOCATORS,
					      round);
	return err;
}

static int compare(const void *a, const void *b)
{
	const u64 *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void find_medians(struct qn_demo *demo, struct qn_demo_result *result)
{
	unsigned int m;

	for (m = 0; m < NR_MEASURES; m++) {
		qsort(result->round[m], demo->rounds, sizeof(u64), compare);
		result->median[m] = result->round[m][demo->rounds / 2];
	}
}

static int run_contests(struct qn_demo *demo)
{
	unsigned int i, a;
	int err = 0;

	for (i = 0; !err && i < QN_DEMO_NR_PROGRAMS; i++)
		if (demo->contests[i].path)
			err = count(demo, &demo->contests[i]);
	for (i = 0; !err && i < demo->rounds; i++)
		err = run_round(demo, i);
	clear_progress(demo);
	/* What whole rounds there are is told all the same */
	if (err == -EINTR && i > 1) {
		demo->rounds = i - 1;
		err = 0;
	}
	for (i = 0; i < QN_DEMO_NR_PROGRAMS; i++)
		for (a = 0; a < NR_ALLOCATORS; a++)
			find_medians(demo, &demo->contests[i].results[a]);
	return err;
}

/* The report of the program whose table changed most */
static void print_report(const struct qn_demo *demo)
{
	const struct qn_demo_contest *most = NULL;
	unsigned int i;

	for (i = 0; i < QN_DEMO_NR_PROGRAMS; i++) {
		const struct qn_demo_contest *c = &demo->contests[i];

		if (c->report && (!most || c->nr_changes > most->nr_changes))
			most = c;
	}
	if (most)
		printf("What quern run says of %s:\n\n%s\n",
		       most->program->name, most->report);
}

/* ---- the firmware ---- */

static char *find_file(const struct qn_demo *demo, const char *name)
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
	const char *changes[] = { NULL };
	char **envp = qn_preload_environ(changes);
	struct qn_launch what = {
		.path = "/bin/sh",
		.argv = argv,
		.envp = envp,
		.fd_in = -1,
		.fd_out = -1,
		.fd_err = -1,
	};
	struct qn_outcome outcome = { 0 };
	int err = qn_launch(&what, &outcome);

	free(envp);
	/* run-qemu.sh has said that QEMU is missing: no failure of the firmware */
	if (!err && WIFEXITED(outcome.status) &&
	    WEXITSTATUS(outcome.status) == NO_QEMU)
		return 0;
	return err ? err : outcome.status;
}

static int run_firmware(const struct qn_demo *demo)
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

static int read_options(struct qn_demo *demo, const struct qn_command *command,
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

static int find_allocators(struct qn_demo *demo)
{
	static const struct qn_demo_allocator all[NR_ALLOCATORS] = {
		[GLIBC] = { .name = "glibc" },
		[JEMALLOC] = { .name = "jemalloc",
			       .soname = "libjemalloc.so.2",
			       .package = "libjemalloc2" },
		[MIMALLOC] = { .name = "mimalloc",
			       .soname = "libmimalloc.so.2",
			       .package = "libmimalloc2.0" },
		[QUERN] = { .name = "quern" },
	};
	struct qn_demo_allocator *a = demo->allocators;

	memcpy(a, all, sizeof(all));
	a[QUERN].path = qn_preload_find("libquern.so", demo->library);
	if (!a[QUERN].path)
		return QN_EXIT_FAILURE;
	for (; a < demo->allocators + NR_ALLOCATORS; a++) {
		if (!a->soname)
			continue;
		a->path = qn_preload_peer(a->soname);
		a->missing = !a->path;
	}
	return 0;
}

/* Debian's own file rather than whatever PATH finds first */
static char *find_file_of(const struct qn_demo_program *program)
{
	char *path = qn_xprintf("%s", program->file);

	if (access(path, X_OK) == 0)
		return path;
	free(path);
	return NULL;
}

static int find_programs(struct qn_demo *demo)
{
	unsigned int i, nr = 0;

	for (i = 0; i < QN_DEMO_NR_PROGRAMS; i++) {
		demo->contests[i].program = &qn_demo_programs[i];
		demo->contests[i].path = find_file_of(&qn_demo_programs[i]);
		nr += demo->contests[i].path != NULL;
	}
	if (nr)
		return 0;
	qn_error("none of the programs is here; apt-get install sqlite3 gawk "
		 "python3");
	return QN_EXIT_FAILURE;
}

static int make_input(struct qn_demo *demo)
{
	const char *parent = getenv("TMPDIR");
	int err;

	demo->dir = qn_xprintf("%s/quern-demo-XXXXXX",
			       parent && *parent == '/' ? parent : "/tmp");
	if (!mkdtemp(demo->dir)) {
		qn_error("cannot make '%s': %s; set TMPDIR to a directory with "
			 "30 MB of room",
			 demo->dir, strerror(errno));
		free(demo->dir);
		demo->dir = NULL;
		return QN_EXIT_FAILURE;
	}
	progress(demo, "making the input in %s", demo->dir);
	demo->dir_fd = open(demo->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err = demo->dir_fd < 0 || chdir(demo->dir) ?
		      -errno :
		      qn_demo_input_make(demo->dir_fd);
	if (err)
		qn_error("cannot write to '%s': %s; set TMPDIR to a directory "
			 "with 30 MB of room",
			 demo->dir, strerror(-err));
	return err ? QN_EXIT_FAILURE : 0;
}

static int prepare(struct qn_demo *demo)
{
	int err;

	demo->is_live = isatty(2);
	demo->own_dir = qn_preload_own_dir();
	err = find_allocators(demo);
	if (!err)
		err = find_programs(demo);
	if (!err)
		err = make_input(demo);
	if (err)
		return err;
	demo->output = memfd_create("output", MFD_CLOEXEC);
	return demo->output < 0 ? QN_EXIT_FAILURE : 0;
}

static void release(struct qn_demo *demo)
{
	unsigned int i;

	for (i = 0; i < NR_ALLOCATORS; i++)
		free(demo->allocators[i].path);
	for (i = 0; i < QN_DEMO_NR_PROGRAMS; i++) {
		free(demo->contests[i].path);
		free(demo->contests[i].report);
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

static __noreturn void end_interrupted(const struct qn_demo *demo,
				       unsigned int wanted)
{
	if (demo->is_measured)
		qn_error("interrupted: what stands above is of %u of %u rounds",
			 demo->rounds, wanted);
	else
		qn_error("interrupted before a round was through: there is "
			 "nothing to compare yet");
	qn_launch_end_like(qn_interrupted());
}

static int demo_main(const struct qn_command *command, int argc, char **argv)
{
	static struct qn_demo demo;
	unsigned int wanted;
	int err;

	(void)argc;
	err = read_options(&demo, command, argv);
	wanted = demo.rounds;
	qn_interrupt_catch();
	if (!err)
		err = prepare(&demo);
	if (!err)
		err = run_contests(&demo);
	if (!err) {
		demo.is_measured = true;
		qn_demo_print_table(&demo);
		qn_demo_print_summary(&demo);
		print_report(&demo);
		if (!qn_interrupted())
			err = run_firmware(&demo);
	}
	release(&demo);
	if (qn_interrupted())
		end_interrupted(&demo, wanted);
	return err;
}

/* clang-format off */
static const struct qn_option demo_options[] = {
	{ "rounds", 0, "N", QN_NUMBER(struct qn_demo, rounds), .least = 1,
	  .most = QN_DEMO_MAX_ROUNDS, .preset = "5", .help =
	  "How often everything is measured; the table shows medians. Five rounds "
	  "take about a minute." },
	{ "library", 0, "FILE", QN_TEXT(struct qn_demo, library), .help =
	  "The libquern.so to use. By default the one beside this command, "
	  "then the installed one." },
	{ "a program", 0, NULL, QN_PROGRAM(struct qn_demo, program) },
	QN_OPTIONS_LAST,
};
/* clang-format on */

const struct qn_command qn_command_demo = {
	.name = "demo",
	.synopsis = "[OPTIONS]",
	.about = "Runs sqlite3, gawk and python3 on input that it makes, under "
		 "glibc, jemalloc, mimalloc and quern, and prints one table; "
		 "then the report of a run under quern, and the firmware in "
		 "QEMU.",
	.options = demo_options,
	.run = demo_main,
};
