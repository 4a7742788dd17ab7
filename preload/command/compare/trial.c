// SPDX-License-Identifier: MIT
/*
 * trial.c - a program run under one allocator after another, and what is measured.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "clock.h"
#include "command/base/fail.h"
#include "command/base/interrupt.h"
#include "command/base/preload.h"
#include "command/base/program.h"
#include "command/base/proc.h"
#include "command/base/progress.h"
#include "command/base/text.h"
#include "load.h"
#include "trial.h"

#define LOOK_MSEC 10

/* Of what a program that failed had said */
#define LOG_MOST 2000

bool qn_trial_takes_part(const struct qn_trial *t, u32 subject)
{
	return qn_compare_takes_part(&t->compare, 0, subject);
}

/* ---- one run ---- */

static void tick(void *data)
{
	struct qn_trial *t = data;

	t->tree.root = t->outcome.pid;
	t->load.server = t->outcome.pid;
	if (!t->load.end_usec)
		qn_tree_look(&t->tree, qn_clock_usec());
	if (t->load.command)
		qn_load_step(&t->load, t->fd_out, t->fd_log);
}

static int empty(int fd)
{
	return ftruncate(fd, 0) || lseek(fd, 0, SEEK_SET) ? -errno : 0;
}

/* LD_PRELOAD for a candidate, as a change of the environment; NULL: as it is */
static char *make_preload(const struct qn_candidate *c)
{
	char *list, *all, *change;

	if (!c->library)
		return NULL;
	list = qn_preload_list(c->engines ? c->engines : c->library,
			       getenv("LD_PRELOAD"));
	all = qn_preload_list(c->library, list);
	change = qn_xprintf("LD_PRELOAD=%s", all);
	free(all);
	free(list);
	return change;
}

static char *make_conf(const struct qn_candidate *c)
{
	char *joined, *change;

	if (!c->settings)
		return NULL;
	joined = qn_settings_join(getenv("QUERN_CONF"), c->settings);
	change = qn_xprintf("QUERN_CONF=%s", joined);
	free(joined);
	return change;
}

static int launch(struct qn_trial *t, const struct qn_candidate *c)
{
	const bool is_server = t->load.command != NULL;
	const struct qn_launch what = {
		.path = t->path,
		.argv = t->argv,
		.fd_in = t->fd_in,
		.fd_out = is_server ? t->fd_log : t->fd_out,
		.fd_err = t->fd_log,
		.tick = tick,
		.tick_msec = LOOK_MSEC,
		.tick_data = t,
		.ticks_on_child = is_server,
	};
	char *preload = make_preload(c), *conf = make_conf(c);
	const char *changes[3] = { preload ? preload : conf,
				   preload ? conf : NULL, NULL };
	int err = qn_launch_changed(&what, changes, &t->outcome);

	free(preload);
	free(conf);
	return err;
}

/*
 * The copy of this command that became the program is on its account: a peak that is no
 * larger than that is no peak of the program.
 */
static void correct_peak(struct qn_trial *t)
{
	u64 floor = min(t->outcome.floor, qn_proc_resident(getpid()));
	struct qn_outcome *o = &t->outcome;
	u64 peak = qn_usage_peak(&o->usage);

	if (peak <= floor) {
		peak = t->tree.root_peak ? t->tree.root_peak : peak;
		t->least_peak = max(t->least_peak, floor);
	}
	peak = max(peak, t->tree.peak);
	o->usage.ru_maxrss = (long)(peak / 1024);
}

static int run_once(struct qn_trial *t, const struct qn_candidate *c)
{
	int err = empty(t->fd_out);

	if (!err)
		err = empty(t->fd_log);
	if (!err && lseek(t->fd_in, t->in_at, SEEK_SET) < 0 && errno != ESPIPE)
		err = -errno;
	if (err)
		return err;
	t->outcome = (struct qn_outcome){ 0 };
	qn_timeline_free(&t->tree.line);
	qn_load_begin(&t->load);
	qn_tree_begin(&t->tree, c->library, qn_clock_usec());
	err = launch(t, c);
	qn_load_end(&t->load);
	if (qn_interrupted())
		return -EINTR;
	if (err)
		return err;
	correct_peak(t);
	if (t->load.end_usec)
		t->outcome.wall_usec = t->load.end_usec - t->load.begin_usec;
	return 0;
}

/* ---- its end ---- */

static char *describe(int status)
{
	if (WIFSIGNALED(status))
		return qn_xprintf("was ended by signal %d (%s)",
				  WTERMSIG(status),
				  strsignal(WTERMSIG(status)));
	return qn_xprintf("ended with status %d", WEXITSTATUS(status));
}

/* Why a server's run does not count; NULL: it does */
static char *check_load(const struct qn_trial *t)
{
	const struct qn_load *l = &t->load;
	char *how, *why;

	if (l->error)
		return qn_xprintf("has no load: sh cannot be started: %s",
				  strerror(l->error));
	if (!l->end_usec) {
		how = describe(t->outcome.status);
		why = qn_xprintf("%s before its load had", how);
		free(how);
		return why;
	}
	if (!l->status)
		return NULL;
	how = describe(l->status);
	why = qn_xprintf("was not measured: the command of --until %s", how);
	free(how);
	return why;
}

/* The same for any program; the first run decides on the status */
static char *check_end(const struct qn_trial *t, bool is_first)
{
	char *how, *first, *why;

	if (t->load.command)
		return check_load(t);
	if (is_first)
		return WIFSIGNALED(t->outcome.status) ?
			       describe(t->outcome.status) :
			       NULL;
	if (t->outcome.status == t->status)
		return NULL;
	how = describe(t->outcome.status);
	first = describe(t->status);
	why = qn_xprintf("%s; under %s it %s", how, t->who.at[0].name, first);
	free(how);
	free(first);
	return why;
}

static void show_log(const struct qn_trial *t)
{
	off_t size = lseek(t->fd_log, 0, SEEK_END);
	char text[LOG_MOST + 1], *line = text, *next;
	ssize_t n;

	n = pread(t->fd_log, text, LOG_MOST,
		  size > LOG_MOST ? size - LOG_MOST : 0);
	if (n <= 0)
		return;
	text[n] = 0;
	qn_error("the last that it said:");
	for (; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		fprintf(stderr, "  | %s\n", line);
	}
}

/* ---- the output ---- */

/**
 * struct place - where two outputs differ
 * @offset, @line: from 0, and from 1
 */
struct place {
	u64 offset;
	u64 line;
};

static bool find_difference(int a, int b, struct place *at)
{
	static char x[65536], y[65536];
	ssize_t nx, ny;

	*at = (struct place){ 0, 1 };
	do {
		nx = pread(a, x, sizeof(x), (off_t)at->offset);
		ny = pread(b, y, sizeof(y), (off_t)at->offset);
		for (ssize_t i = 0; i < max(nx, ny); i++) {
			if (i >= nx || i >= ny || x[i] != y[i])
				return true;
			at->line += x[i] == '\n';
			at->offset++;
		}
	} while (nx > 0);
	return false;
}

static int copy_output(int from, int to)
{
	char buffer[65536];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(from, buffer, sizeof(buffer), at)) > 0) {
		if (pwrite(to, buffer, (size_t)n, at) != n)
			return -EIO;
		at += n;
	}
	return n < 0 ? -errno : 0;
}

/* A load prints times and rates: only who asks has it compared */
static bool is_output_compared(const struct qn_trial *t)
{
	return !t->load.command || t->must_agree;
}

/* Return: why it is an error, if it is one */
static char *check_output(struct qn_trial *t, u32 subject)
{
	struct place at;

	if (!is_output_compared(t) || t->differs[subject] ||
	    !find_difference(t->fd_first, t->fd_out, &at))
		return NULL;
	if (!subject)
		t->is_unsteady = true;
	t->differs[subject] = qn_xprintf("line %llu, byte %llu",
					 (unsigned long long)at.line,
					 (unsigned long long)at.offset + 1);
	if (!t->must_agree)
		return NULL;
	return qn_xprintf("printed something else from %s on than %s first did",
			  t->differs[subject], t->who.at[0].name);
}

/* ---- the rounds ---- */

static void note(struct qn_trial *t, u32 subject, struct qn_cell *cell)
{
	const struct rusage *u = &t->outcome.usage;
	u32 at = subject * t->nr_rounds + t->compare.nr_done;

	cell->outcome = t->outcome;
	cell->own[QN_AVERAGE - QN_OWN] = qn_tree_average(&t->tree);
	cell->own[QN_FAULTS - QN_OWN] = (u64)u->ru_minflt + (u64)u->ru_majflt;
	t->was_loaded[subject] |= t->tree.is_loaded;
	t->nr_looks[subject] += t->tree.nr_looks;
	qn_timeline_free(&t->lines[at]);
	t->lines[at] = qn_tree_take_line(&t->tree);
}

static int fail(struct qn_trial *t, u32 subject, struct qn_cell *cell,
		char *why)
{
	int err = qn_compare_fail(&t->compare, 0, subject, cell, why);

	show_log(t);
	t->failed = true;
	/* Without the first one there is nothing to compare with */
	if (!subject)
		t->compare.goes_on = false;
	return err;
}

static int run(struct qn_compare *c, u32 contest, u32 subject,
	       struct qn_cell *cell)
{
	struct qn_trial *t = c->data;
	int err = run_once(t, &t->who.at[subject]);
	char *why;

	(void)contest;
	if (err == -EINTR)
		return err;
	if (err) {
		c->goes_on = false;
		return qn_program_refuse(t->path, err);
	}
	why = check_end(t, false);
	if (!why)
		why = check_output(t, subject);
	if (why)
		return fail(t, subject, cell, why);
	note(t, subject, cell);
	return 0;
}

/* Unmeasured; what it prints and how it ends is what the others are held to */
static int run_first(struct qn_trial *t)
{
	char *why;
	int err;

	if (qn_progress_is_live())
		qn_progress("a first run, unmeasured: %s under %s", t->argv[0],
			    t->who.at[0].name);
	err = run_once(t, &t->who.at[0]);
	if (err == -EINTR)
		return err;
	if (err) {
		qn_progress_clear();
		return qn_program_refuse(t->path, err);
	}
	t->status = t->outcome.status;
	why = check_end(t, true);
	if (why) {
		qn_progress_clear();
		qn_error("%s %s, under %s already: there is nothing to compare",
			 t->argv[0], why, t->who.at[0].name);
		show_log(t);
		free(why);
		return QN_EXIT_FAILURE;
	}
	return copy_output(t->fd_out, t->fd_first) ? QN_EXIT_FAILURE : 0;
}

static void *zeroed(size_t nr, size_t size)
{
	return memset(qn_xrealloc(NULL, nr * size), 0, nr * size);
}

static void prepare(struct qn_trial *t)
{
	u32 nr = t->who.nr;

	t->subjects = zeroed(nr, sizeof(*t->subjects));
	t->differs = zeroed(nr, sizeof(*t->differs));
	t->was_loaded = zeroed(nr, sizeof(*t->was_loaded));
	t->nr_looks = zeroed(nr, sizeof(*t->nr_looks));
	t->lines = zeroed((size_t)nr * t->nr_rounds, sizeof(*t->lines));
	for (u32 i = 0; i < nr; i++)
		t->subjects[i].name = t->who.at[i].name;
	t->contest.name = t->contest.about = t->argv[0];
	t->compare = (struct qn_compare){
		.subjects = t->subjects,
		.contests = &t->contest,
		.nr_subjects = nr,
		.nr_contests = 1,
		.nr_rounds = t->nr_rounds,
		.run = run,
		.data = t,
		.goes_on = true,
		.is_quiet = !qn_progress_is_live(),
	};
}

int qn_trial_run(struct qn_trial *t)
{
	int err;

	prepare(t);
	err = run_first(t);
	return err ? err : qn_compare_run(&t->compare);
}

void qn_trial_exit(struct qn_trial *t)
{
	if (t->lines)
		for (u32 i = 0; i < t->who.nr * t->nr_rounds; i++)
			qn_timeline_free(&t->lines[i]);
	if (t->differs)
		for (u32 i = 0; i < t->who.nr; i++)
			free(t->differs[i]);
	qn_compare_exit(&t->compare);
	qn_timeline_free(&t->tree.line);
	free(t->lines);
	free(t->differs);
	free(t->was_loaded);
	free(t->nr_looks);
	free(t->subjects);
	qn_candidates_exit(&t->who);
}
