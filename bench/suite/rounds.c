// SPDX-License-Identifier: MIT
/*
 * rounds.c - runs contests under subjects in rounds, for the suite: compare.h as a
 * program.
 *
 *	rounds <PLAN >FIGURES
 *
 * Both are JSON; bench/suite/rounds.py writes the one and reads the other. The plan is
 * an object:
 *
 *	rounds		how often everything runs
 *	limit		seconds after which a run has failed
 *	subjects	a list of objects; the first one is the base of ratios
 *	    name
 *	    set		its changes of the environment: "NAME=value" or "NAME"
 *	    before	words in front of each command
 *	contests	a list of objects
 *	    name
 *	    argv	the command
 *	    dir		where it runs
 *	    set		changes of the environment
 *	    prepare	a command to run before each run; may be empty
 *	    answer	a file to compare instead of what is printed; null: none
 *	    compared	whether outputs must be equal
 *	    figures	so many numbers of what is printed are figures of the run
 *	    watched	whether the resident set is read every 10 ms. Its average, in
 *			bytes, is then the run's first figure
 *
 * A run that fails is told, and ends the runs of its cell alone.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "clock.h"
#include "command/base/compare.h"
#include "command/base/fail.h"
#include "command/base/interrupt.h"

#define WATCH_MSEC 10

/* Strings in both structures are the plan's */
struct subject {
	const char **set;
	const char **before;
};

struct contest {
	const char **argv;
	const char *dir;
	const char **set;
	const char **prepare;
	const char *answer;
	int is_compared;
	int nr_figures;
	int is_watched;
};

/**
 * struct plan - what standard input asks for
 * @limit:	seconds
 * @null, @output: files that programs read from and write to
 * @points:	resident sets of first rounds: by contest and subject a list of
 *		microseconds and bytes
 */
struct plan {
	int limit;
	int null;
	int output;
	struct qn_subject *named_subjects;
	struct qn_contest *named_contests;
	struct subject *subjects;
	struct contest *contests;
	json_t *points;
	struct qn_compare compare;
};

/* ---- one run ---- */

/**
 * struct watch - a run, seen from outside
 * @points:	list for what is seen, or NULL
 * @sum:	of @nr resident sets, in bytes
 */
struct watch {
	const struct qn_outcome *outcome;
	u64 limit_usec;
	bool is_late;
	bool is_watched;
	json_t *points;
	u64 sum;
	u64 nr;
};

static u64 resident_of(pid_t pid)
{
	unsigned long long pages = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%*u %llu", &pages) != 1)
		pages = 0;
	fclose(f);
	return pages * (u64)sysconf(_SC_PAGESIZE);
}

static void look(void *data)
{
	struct watch *w = data;
	u64 usec = qn_clock_usec() - w->outcome->start_usec;
	u64 resident = w->is_watched ? resident_of(w->outcome->pid) : 0;

	if (resident) {
		w->sum += resident;
		w->nr++;
	}
	if (resident && w->points)
		json_array_append_new(w->points,
				      json_pack("[II]", (json_int_t)usec,
						(json_int_t)resident));
	if (usec > w->limit_usec) {
		w->is_late = true;
		kill(w->outcome->pid, SIGKILL);
	}
}

/* Both lists as one, which ends with NULL */
static const char **joined(const char **a, const char **b)
{
	const char **list = NULL;
	size_t nr = 0;

	for (; *a; a++) {
		QN_GROW(list, nr);
		list[nr++] = *a;
	}
	for (; *b; b++) {
		QN_GROW(list, nr);
		list[nr++] = *b;
	}
	QN_GROW(list, nr);
	list[nr] = NULL;
	return list;
}

static struct qn_launch launch_of(const struct plan *plan, const char **argv,
				  int output)
{
	return (struct qn_launch){ .path = argv[0],
				   .argv = (char *const *)argv,
				   .fd_in = plan->null,
				   .fd_out = output,
				   .fd_err = plan->null };
}

static int prepare(const struct plan *plan, const struct contest *at)
{
	struct qn_launch what = launch_of(plan, at->prepare, plan->null);
	struct qn_outcome outcome;
	int err;

	if (!at->prepare[0])
		return 0;
	err = qn_launch_changed(&what, at->set, &outcome);
	return err ? err : outcome.status ? -ECANCELED : 0;
}

/* What a program leaves in a file counts as printed */
static int read_answer(struct plan *plan, u32 contest, u32 subject,
		       struct qn_cell *cell)
{
	const char *path = plan->contests[contest].answer;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return qn_compare_fail(&plan->compare, contest, subject, cell,
				       qn_xprintf("left no %s", path));
	cell->result = qn_compare_hash(fd);
	close(fd);
	return 0;
}

static int read_figures(struct plan *plan, u32 contest, u32 subject,
			struct qn_cell *cell)
{
	const struct contest *at = &plan->contests[contest];
	char text[256], *next = text, *end;
	ssize_t size = pread(plan->output, text, sizeof(text) - 1, 0);

	text[size > 0 ? size : 0] = 0;
	for (int i = 0; i < at->nr_figures; i++, next = end) {
		cell->own[i] = strtoull(next, &end, 10);
		if (end == next)
			return qn_compare_fail(
				&plan->compare, contest, subject, cell,
				qn_xprintf("printed fewer than %d figures",
					   at->nr_figures));
	}
	return 0;
}

static int read_output(struct plan *plan, u32 contest, u32 subject,
		       struct qn_cell *cell)
{
	const struct contest *at = &plan->contests[contest];
	int err = 0;

	if (at->answer)
		err = read_answer(plan, contest, subject, cell);
	if (!err)
		err = read_figures(plan, contest, subject, cell);
	if (!at->is_compared)
		cell->result = 0;
	return err;
}

static json_t *points_of(struct plan *plan, u32 contest, u32 subject)
{
	const char *name = plan->named_contests[contest].name;
	json_t *of = json_object_get(plan->points, name);
	json_t *list = json_array();

	if (!of) {
		of = json_object();
		json_object_set_new(plan->points, name, of);
	}
	json_object_set_new(of, plan->named_subjects[subject].name, list);
	return list;
}

static int run_program(struct plan *plan, u32 contest, u32 subject,
		       struct qn_cell *cell, struct watch *w)
{
	const struct contest *at = &plan->contests[contest];
	const struct subject *under = &plan->subjects[subject];
	const char **argv = joined(under->before, at->argv);
	const char **set = joined(at->set, under->set);
	struct qn_launch what = launch_of(plan, argv, plan->output);
	int err;

	what.tick = look;
	what.tick_data = w;
	what.tick_msec = at->is_watched ? WATCH_MSEC : 0;
	err = qn_compare_launch(&plan->compare, contest, subject, &what, set,
				cell);
	free(set);
	free(argv);
	return err;
}

static int run(struct qn_compare *c, u32 contest, u32 subject,
	       struct qn_cell *cell)
{
	struct plan *plan = c->data;
	const struct contest *at = &plan->contests[contest];
	struct watch w = { .outcome = &cell->outcome,
			   .limit_usec = (u64)plan->limit * 1000000,
			   .is_watched = at->is_watched };
	int err;

	if (chdir(at->dir) || prepare(plan, at))
		return qn_compare_fail(c, contest, subject, cell,
				       qn_xprintf("could not be prepared"));
	if (at->is_watched && !c->nr_done)
		w.points = points_of(plan, contest, subject);
	err = run_program(plan, contest, subject, cell, &w);
	if (w.is_late)
		return qn_compare_fail(c, contest, subject, cell,
				       qn_xprintf("was not done after %d s",
						  plan->limit));
	if (err)
		return err;
	if (w.nr)
		cell->own[0] = w.sum / w.nr;
	return read_output(plan, contest, subject, cell);
}

/* ---- the plan ---- */

static const char **list_of(json_t *array)
{
	const char **list = NULL;
	size_t i, nr = json_array_size(array);

	for (i = 0; i < nr; i++) {
		QN_GROW(list, i);
		list[i] = json_string_value(json_array_get(array, i));
	}
	QN_GROW(list, i);
	list[i] = NULL;
	return list;
}

static bool add_subject(struct plan *plan, json_t *from, json_error_t *error)
{
	u32 at = plan->compare.nr_subjects++;
	const char *name;
	json_t *set, *before;

	if (json_unpack_ex(from, error, 0, "{s:s, s:o, s:o}", "name", &name,
			   "set", &set, "before", &before))
		return false;
	QN_GROW(plan->subjects, at);
	QN_GROW(plan->named_subjects, at);
	plan->subjects[at] = (struct subject){ list_of(set), list_of(before) };
	plan->named_subjects[at] = (struct qn_subject){ .name = name };
	return true;
}

static bool add_contest(struct plan *plan, json_t *from, json_error_t *error)
{
	u32 at = plan->compare.nr_contests++;
	struct contest contest = { 0 };
	json_t *argv, *set, *before, *answer;
	const char *name;

	if (json_unpack_ex(from, error, 0,
			   "{s:s, s:o, s:s, s:o, s:o, s:o, s:b, s:i, s:b}",
			   "name", &name, "argv", &argv, "dir", &contest.dir,
			   "set", &set, "prepare", &before, "answer", &answer,
			   "compared", &contest.is_compared, "figures",
			   &contest.nr_figures, "watched", &contest.is_watched))
		return false;
	contest.argv = list_of(argv);
	contest.set = list_of(set);
	contest.answer = json_string_value(answer);
	contest.prepare = list_of(before);
	QN_GROW(plan->contests, at);
	QN_GROW(plan->named_contests, at);
	plan->contests[at] = contest;
	plan->named_contests[at] = (struct qn_contest){ .name = name };
	return contest.argv[0] && contest.nr_figures >= 0 &&
	       contest.nr_figures <= QN_NR_OWN;
}

static bool read_plan(struct plan *plan, json_t *root, json_error_t *error)
{
	json_t *subjects, *contests, *one;
	size_t i;
	int rounds;

	if (!root ||
	    json_unpack_ex(root, error, 0, "{s:i, s:i, s:o, s:o}", "rounds",
			   &rounds, "limit", &plan->limit, "subjects",
			   &subjects, "contests", &contests))
		return false;
	json_array_foreach(subjects, i, one)
	{
		if (!add_subject(plan, one, error))
			return false;
	}
	json_array_foreach(contests, i, one)
	{
		if (!add_contest(plan, one, error))
			return false;
	}
	plan->compare.nr_rounds = (u32)rounds;
	return rounds >= 1 && rounds <= QN_COMPARE_MAX_ROUNDS &&
	       plan->compare.nr_subjects && plan->compare.nr_contests;
}

/* ---- the figures ---- */

static const char *const measures[QN_NR_ALL_MEASURES] = {
	[QN_WALL] = "wall", [QN_CPU] = "cpu",      [QN_PEAK] = "peak",
	[QN_OWN] = "own0",  [QN_OWN + 1] = "own1", [QN_OWN + 2] = "own2",
};

static json_t *measure_of(const struct qn_compare *c, u32 contest, u32 subject,
			  enum qn_measure m)
{
	const struct qn_cell *cell = qn_compare_cell(c, contest, subject);
	json_t *rounds = json_array();

	for (u32 r = 0; r < c->nr_done; r++)
		json_array_append_new(
			rounds, json_integer((json_int_t)cell->round[m][r]));
	return json_pack("{s:I, s:I, s:f, s:o}", "median",
			 (json_int_t)qn_compare_median(c, contest, subject, m),
			 "quartile",
			 (json_int_t)qn_compare_quartile(c, contest, subject,
							 m),
			 "ratio", qn_compare_ratio(c, contest, subject, m),
			 "rounds", rounds);
}

static json_t *cell_of(const struct qn_compare *c, u32 contest, u32 subject)
{
	const char *failed = qn_compare_cell(c, contest, subject)->failed;
	json_t *o = json_object();

	if (failed)
		json_object_set_new(o, "failed", json_string(failed));
	for (enum qn_measure m = 0; !failed && m < QN_NR_ALL_MEASURES; m++)
		json_object_set_new(o, measures[m],
				    measure_of(c, contest, subject, m));
	return o;
}

static json_t *contest_of(const struct qn_compare *c, u32 contest)
{
	json_t *o = json_object();

	for (u32 s = 0; s < c->nr_subjects; s++)
		json_object_set_new(o, c->subjects[s].name,
				    cell_of(c, contest, s));
	return o;
}

/* The least of the subjects before the last one, and the last one as a ratio to it */
static json_t *rival_of(const struct qn_compare *c, u32 contest,
			enum qn_measure m)
{
	u32 last = c->nr_subjects - 1;
	u32 best = qn_compare_best(c, contest, last, m);
	u64 least = qn_compare_median(c, contest, best, m);

	if (best == last || !least || !qn_compare_takes_part(c, contest, last))
		return json_null();
	return json_pack("{s:s, s:f}", "name", c->subjects[best].name, "ratio",
			 (double)qn_compare_median(c, contest, last, m) /
				 (double)least);
}

static json_t *rivals_of(const struct qn_compare *c, u32 contest)
{
	json_t *o = json_object();

	for (enum qn_measure m = 0; m < QN_NR_MEASURES; m++)
		json_object_set_new(o, measures[m], rival_of(c, contest, m));
	return o;
}

/* Means of ratios: by measure, base and subject, over all contests and the inner ones */
static json_t *means_of(const struct qn_compare *c, enum qn_measure m)
{
	json_t *bases = json_object(), *o;

	for (u32 b = 0; b < c->nr_subjects; b++) {
		o = json_object();
		for (u32 s = 0; s < c->nr_subjects; s++)
			json_object_set_new(
				o, c->subjects[s].name,
				json_pack("[ff]",
					  qn_compare_mean_to(c, s, b, m, false),
					  qn_compare_mean_to(c, s, b, m,
							     true)));
		json_object_set_new(bases, c->subjects[b].name, o);
	}
	return bases;
}

static void print_figures(const struct plan *plan)
{
	const struct qn_compare *c = &plan->compare;
	json_t *contests = json_object(), *rivals = json_object();
	json_t *means = json_object(), *root;

	for (u32 p = 0; p < c->nr_contests; p++) {
		json_object_set_new(contests, c->contests[p].name,
				    contest_of(c, p));
		json_object_set_new(rivals, c->contests[p].name,
				    rivals_of(c, p));
	}
	for (enum qn_measure m = 0; m < QN_NR_MEASURES; m++)
		json_object_set_new(means, measures[m], means_of(c, m));
	root = json_pack("{s:i, s:i, s:o, s:o, s:o, s:O}", "rounds",
			 (int)c->nr_done, "common",
			 (int)qn_compare_nr_common(c), "contests", contests,
			 "rivals", rivals, "means", means, "points",
			 plan->points);
	json_dumpf(root, stdout, JSON_REAL_PRECISION(9));
	json_decref(root);
}

static void release(struct plan *plan)
{
	for (u32 s = 0; s < plan->compare.nr_subjects; s++) {
		free(plan->subjects[s].set);
		free(plan->subjects[s].before);
	}
	for (u32 p = 0; p < plan->compare.nr_contests; p++) {
		free(plan->contests[p].argv);
		free(plan->contests[p].set);
		free(plan->contests[p].prepare);
	}
	qn_compare_exit(&plan->compare);
	free(plan->subjects);
	free(plan->contests);
	free(plan->named_subjects);
	free(plan->named_contests);
	json_decref(plan->points);
}

int main(void)
{
	struct plan plan = { .points = json_object() };
	struct qn_compare *c = &plan.compare;
	json_error_t error = { .text = "no number or name makes sense" };
	json_t *root = json_loadf(stdin, 0, &error);
	int err;

	if (!read_plan(&plan, root, &error)) {
		qn_error("the plan of rounds: %s", error.text);
		return QN_EXIT_FAILURE;
	}
	plan.null = open("/dev/null", O_RDWR | O_CLOEXEC);
	plan.output = memfd_create("output", MFD_CLOEXEC);
	c->subjects = plan.named_subjects;
	c->contests = plan.named_contests;
	c->run = run;
	c->data = &plan;
	c->must_agree = true;
	c->goes_on = true;
	qn_interrupt_catch();
	err = qn_compare_run(c);
	if (!err)
		print_figures(&plan);
	release(&plan);
	json_decref(root);
	return qn_interrupted() ? 128 + qn_interrupted() : err ? 1 : 0;
}
