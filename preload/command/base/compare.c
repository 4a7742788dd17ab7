// SPDX-License-Identifier: MIT
/*
 * compare.c - subjects side by side: the same programs under each of them.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "compare.h"
#include "fail.h"
#include "interrupt.h"
#include "progress.h"
#include "text-table.h"

#define FIXED(value, digits) (qn_text_fixed(value, digits).s)

/* ---- the rounds ---- */

static struct qn_cell *cell_of(const struct qn_compare *c, u32 contest,
			       u32 subject)
{
	return &c->cells[contest * c->nr_subjects + subject];
}

const struct qn_cell *qn_compare_cell(const struct qn_compare *c, u32 contest,
				      u32 subject)
{
	return cell_of(c, contest, subject);
}

bool qn_compare_takes_part(const struct qn_compare *c, u32 contest, u32 subject)
{
	return !c->contests[contest].missing && !c->subjects[subject].missing &&
	       !cell_of(c, contest, subject)->failed;
}

static void note(struct qn_cell *cell, u32 round)
{
	const struct qn_outcome *o = &cell->outcome;

	cell->round[QN_WALL][round] = o->wall_usec;
	cell->round[QN_CPU][round] = qn_usage_cpu(&o->usage);
	cell->round[QN_PEAK][round] = qn_usage_peak(&o->usage);
	for (u32 i = 0; i < QN_NR_OWN; i++)
		cell->round[QN_OWN + i][round] = cell->own[i];
}

int qn_compare_fail(const struct qn_compare *c, u32 contest, u32 subject,
		    struct qn_cell *cell, char *why)
{
	qn_progress_clear();
	qn_error("%s under %s %s", c->contests[contest].name,
		 c->subjects[subject].name, why);
	free(cell->failed);
	cell->failed = why;
	return QN_EXIT_FAILURE;
}

/* The first run of a contest says what the others are held to */
static int check_result(const struct qn_compare *c, u32 contest, u32 subject,
			struct qn_cell *cell)
{
	struct qn_contest *at = &c->contests[contest];

	if (!at->expected_of) {
		at->expected = cell->result;
		at->expected_of = c->subjects[subject].name;
	}
	if (!c->must_agree || cell->result == at->expected)
		return 0;
	qn_compare_fail(c, contest, subject, cell,
			qn_xprintf("printed something else than under %s",
				   at->expected_of));
	return -EILSEQ;
}

static int run_cell(struct qn_compare *c, u32 contest, u32 subject, u32 round)
{
	struct qn_cell *cell = cell_of(c, contest, subject);
	int err;

	if (!qn_compare_takes_part(c, contest, subject))
		return 0;
	if (!c->is_quiet && qn_progress_is_live())
		qn_progress("round %u of %u: %s under %s", round + 1,
			    c->nr_rounds, c->contests[contest].name,
			    c->subjects[subject].name);
	err = c->run(c, contest, subject, cell);
	if (!err)
		err = check_result(c, contest, subject, cell);
	if (!err)
		note(cell, round);
	if (!err || err == -EINTR || !c->goes_on)
		return err;
	if (!cell->failed)
		cell->failed = qn_xprintf("did not run");
	return 0;
}

/* Of many rounds every other one will do, or fewer */
static bool is_told(const struct qn_compare *c, u32 round)
{
	return !c->is_quiet && !qn_progress_is_live() &&
	       round % (c->nr_rounds / 20 + 1) == 0;
}

static int run_round(struct qn_compare *c, u32 round)
{
	int err = 0;

	if (is_told(c, round))
		qn_progress("round %u of %u", round + 1, c->nr_rounds);
	for (u32 p = 0; p < c->nr_contests; p++)
		for (u32 s = 0; s < c->nr_subjects && !err; s++)
			err = run_cell(c, p, (s + round) % c->nr_subjects,
				       round);
	return err;
}

static void *zeroed(size_t nr, size_t size)
{
	return memset(qn_xrealloc(NULL, nr * size), 0, nr * size);
}

static void make_cells(struct qn_compare *c)
{
	u32 nr = c->nr_contests * c->nr_subjects;
	u64 *values;

	c->cells = zeroed(nr, sizeof(*c->cells));
	c->values = zeroed((size_t)nr * QN_NR_ALL_MEASURES * c->nr_rounds,
			   sizeof(*values));
	values = c->values;
	for (u32 i = 0; i < nr; i++)
		for (u32 m = 0; m < QN_NR_ALL_MEASURES; m++) {
			c->cells[i].round[m] = values;
			values += c->nr_rounds;
		}
}

int qn_compare_run(struct qn_compare *c)
{
	int err = 0;

	make_cells(c);
	for (c->nr_done = 0; c->nr_done < c->nr_rounds; c->nr_done++) {
		err = run_round(c, c->nr_done);
		if (err)
			break;
	}
	qn_progress_clear();
	/* What whole rounds there are is told all the same */
	return err == -EINTR && c->nr_done ? 0 : err;
}

void qn_compare_exit(struct qn_compare *c)
{
	u32 nr = c->cells ? c->nr_contests * c->nr_subjects : 0;

	for (u32 i = 0; i < nr; i++)
		free(c->cells[i].failed);
	free(c->cells);
	free(c->values);
	c->cells = NULL;
	c->values = NULL;
}

/* ---- one run ---- */

u64 qn_compare_hash(int fd)
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

/* Why a program did not end as it should, on the heap; NULL: it did */
static char *describe_end(int err, int status)
{
	if (err)
		return qn_xprintf("could not be started: %s", strerror(-err));
	if (WIFSIGNALED(status))
		return qn_xprintf("was ended by signal %d (%s)",
				  WTERMSIG(status),
				  strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status))
		return qn_xprintf("failed: status %d", WEXITSTATUS(status));
	return NULL;
}

int qn_compare_launch(struct qn_compare *c, u32 contest, u32 subject,
		      const struct qn_launch *what, const char *const *changes,
		      struct qn_cell *cell)
{
	int err = 0;
	char *why;

	cell->outcome = (struct qn_outcome){ 0 };
	if (ftruncate(what->fd_out, 0) || lseek(what->fd_out, 0, SEEK_SET))
		err = -errno;
	/* What has no beginning, /dev/null say, is the same each time */
	if (!err && lseek(what->fd_in, 0, SEEK_SET) && errno != ESPIPE)
		err = -errno;
	if (!err)
		err = qn_launch_changed(what, changes, &cell->outcome);
	cell->result = qn_compare_hash(what->fd_out);
	if (qn_interrupted())
		return -EINTR;
	why = describe_end(err, cell->outcome.status);
	return why ? qn_compare_fail(c, contest, subject, cell, why) : 0;
}

/* ---- figures ---- */

static int by_value(const void *a, const void *b)
{
	const u64 *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The values of all whole rounds, least first */
static void sort_rounds(const struct qn_compare *c, u32 contest, u32 subject,
			enum qn_measure m, u64 *sorted)
{
	const struct qn_cell *cell = cell_of(c, contest, subject);

	memcpy(sorted, cell->round[m], c->nr_done * sizeof(*sorted));
	qsort(sorted, c->nr_done, sizeof(*sorted), by_value);
}

u64 qn_compare_median(const struct qn_compare *c, u32 contest, u32 subject,
		      enum qn_measure m)
{
	u64 sorted[QN_COMPARE_MAX_ROUNDS], low, high;

	if (!c->nr_done)
		return 0;
	sort_rounds(c, contest, subject, m, sorted);
	low = sorted[(c->nr_done - 1) / 2];
	high = sorted[c->nr_done / 2];
	return low + (high - low) / 2;
}

u64 qn_compare_quartile(const struct qn_compare *c, u32 contest, u32 subject,
			enum qn_measure m)
{
	u64 sorted[QN_COMPARE_MAX_ROUNDS];

	if (!c->nr_done)
		return 0;
	sort_rounds(c, contest, subject, m, sorted);
	return sorted[(c->nr_done - 1) / 4];
}

static double ratio_to(const struct qn_compare *c, u32 contest, u32 subject,
		       u32 base, enum qn_measure m)
{
	u64 of_base = qn_compare_median(c, contest, base, m);
	u64 own = qn_compare_median(c, contest, subject, m);

	return of_base ? (double)own / (double)of_base : 1;
}

double qn_compare_ratio(const struct qn_compare *c, u32 contest, u32 subject,
			enum qn_measure m)
{
	return ratio_to(c, contest, subject, 0, m);
}

/* Did the contest run under all subjects */
static bool is_common(const struct qn_compare *c, u32 contest)
{
	for (u32 s = 0; s < c->nr_subjects; s++)
		if (!c->subjects[s].missing &&
		    !qn_compare_takes_part(c, contest, s))
			return false;
	return true;
}

u32 qn_compare_nr_common(const struct qn_compare *c)
{
	u32 nr = 0;

	for (u32 p = 0; p < c->nr_contests; p++)
		nr += is_common(c, p);
	return nr;
}

double qn_compare_mean_to(const struct qn_compare *c, u32 subject, u32 base,
			  enum qn_measure m, bool is_inner)
{
	double sum = 0, least = INFINITY, most = -INFINITY, x;
	u32 nr = 0;

	for (u32 p = 0; p < c->nr_contests; p++) {
		if (!is_common(c, p))
			continue;
		x = log(ratio_to(c, p, subject, base, m));
		least = fmin(least, x);
		most = fmax(most, x);
		sum += x;
		nr++;
	}
	if (is_inner && nr > 2) {
		sum -= least + most;
		nr -= 2;
	}
	return nr ? exp(sum / nr) : 1;
}

double qn_compare_mean(const struct qn_compare *c, u32 subject,
		       enum qn_measure m)
{
	return qn_compare_mean_to(c, subject, 0, m, false);
}

u32 qn_compare_best(const struct qn_compare *c, u32 contest, u32 but,
		    enum qn_measure m)
{
	u32 best = but;

	for (u32 s = 0; s < c->nr_subjects; s++) {
		if (!qn_compare_takes_part(c, contest, s) || s == but)
			continue;
		if (best == but ||
		    qn_compare_median(c, contest, s, m) <
			    qn_compare_median(c, contest, best, m))
			best = s;
	}
	return best;
}

static double spread_of(const struct qn_compare *c, u32 contest, u32 subject,
			enum qn_measure m)
{
	u64 median = qn_compare_median(c, contest, subject, m);
	u64 sorted[QN_COMPARE_MAX_ROUNDS];

	if (!median)
		return 0;
	sort_rounds(c, contest, subject, m, sorted);
	return (double)(sorted[c->nr_done - 1] - sorted[0]) / (double)median;
}

double qn_compare_spread(const struct qn_compare *c, enum qn_measure m)
{
	double worst = 0;

	for (u32 p = 0; p < c->nr_contests; p++)
		for (u32 s = 0; s < c->nr_subjects; s++)
			worst = fmax(worst, spread_of(c, p, s, m));
	return worst;
}

bool qn_compare_agrees(const struct qn_compare *c, u32 contest)
{
	for (u32 s = 0; s < c->nr_subjects; s++)
		if (!c->subjects[s].missing &&
		    cell_of(c, contest, s)->result !=
			    c->contests[contest].expected)
			return false;
	return true;
}

/* ---- the table ---- */

static const int widths[] = { -12, 10, 10, 14, 14, 8, 8 };
/* Ratios are what the table is for */
static const unsigned char leaving[] = { 1, 2, 3, 4, 0 };

static void put_missing(struct qn_lines *l, const struct qn_subject *s)
{
	qn_line(l, "  %-10s %s", s->name, s->missing);
}

static void put_subject(const struct qn_compare *c,
			const struct qn_text_table *t, u32 p, u32 s)
{
	double wall = (double)qn_compare_median(c, p, s, QN_WALL) / 1e6;
	double cpu = (double)qn_compare_median(c, p, s, QN_CPU) / 1e6;
	double peak = (double)qn_compare_median(c, p, s, QN_PEAK) / 1048576;
	char label[40];

	snprintf(label, sizeof(label), "  %s", c->subjects[s].name);
	QN_TEXT_ROW(t, label, FIXED(wall, 3), FIXED(cpu, 3), FIXED(peak, 1),
		    FIXED(qn_compare_ratio(c, p, s, QN_WALL), 2),
		    FIXED(qn_compare_ratio(c, p, s, QN_CPU), 2),
		    FIXED(qn_compare_ratio(c, p, s, QN_PEAK), 2));
}

static void put_contest(const struct qn_compare *c,
			const struct qn_text_table *t, u32 p)
{
	const struct qn_contest *at = &c->contests[p];

	if (at->missing) {
		qn_line(t->l, "%s: %s", at->name, at->missing);
		return;
	}
	qn_line(t->l, "%s", at->about);
	for (u32 s = 0; s < c->nr_subjects; s++)
		if (c->subjects[s].missing)
			put_missing(t->l, &c->subjects[s]);
		else
			put_subject(c, t, p, s);
}

static void put_means(const struct qn_compare *c, const struct qn_text_table *t)
{
	char label[40];

	qn_line(t->l, "all of them, geometric mean");
	for (u32 s = 0; s < c->nr_subjects; s++) {
		if (c->subjects[s].missing)
			continue;
		snprintf(label, sizeof(label), "  %s", c->subjects[s].name);
		QN_TEXT_ROW(t, label, "", "", "",
			    FIXED(qn_compare_mean(c, s, QN_WALL), 2),
			    FIXED(qn_compare_mean(c, s, QN_CPU), 2),
			    FIXED(qn_compare_mean(c, s, QN_PEAK), 2));
	}
}

static void put_notes(const struct qn_compare *c, struct qn_lines *l)
{
	qn_line(l,
		"Medians of %u interleaved round%s; peak is the peak "
		"resident set.",
		c->nr_done, c->nr_done == 1 ? "" : "s");
	if (c->nr_done > 1)
		qn_line(l,
			"Rounds of one program under one allocator differ "
			"by up to %.0f %% in wall time,",
			100 * qn_compare_spread(c, QN_WALL));
	if (c->nr_done > 1)
		qn_line(l, "%.0f %% in CPU time, %.0f %% in peak.",
			100 * qn_compare_spread(c, QN_CPU),
			100 * qn_compare_spread(c, QN_PEAK));
	if (c->must_agree)
		qn_line(l, "What the programs print is the same under all.");
	qn_line(l, "%s", "");
}

void qn_compare_put_table(const struct qn_compare *c, struct qn_lines *l)
{
	const struct qn_text_table t = { l, widths, ARRAY_SIZE(widths), leaving,
					 0 };
	char title[60];

	snprintf(title, sizeof(title), "ratio to %s", c->subjects[0].name);
	qn_line(l, "%*s", (int)qn_text_table_width(&t) - 5, title);
	QN_TEXT_ROW(&t, "", "wall s", "CPU s", "peak MiB", "wall", "CPU",
		    "peak");
	for (u32 p = 0; p < c->nr_contests; p++)
		put_contest(c, &t, p);
	if (c->nr_contests > 1)
		put_means(c, &t);
	put_notes(c, l);
}

/* ---- the summary, wins and losses alike ---- */

static const char *const measure_names[QN_NR_MEASURES] = {
	[QN_WALL] = "wall time",
	[QN_CPU] = "CPU time",
	[QN_PEAK] = "peak resident set",
};

/* The one with the least mean of @m, @but left out */
static u32 find_best_mean(const struct qn_compare *c, u32 but,
			  enum qn_measure m)
{
	u32 best = but;

	for (u32 s = 0; s < c->nr_subjects; s++) {
		if (c->subjects[s].missing || s == but)
			continue;
		if (best == but ||
		    qn_compare_mean(c, s, m) < qn_compare_mean(c, best, m))
			best = s;
	}
	return best;
}

static void put_verdict(const struct qn_compare *c, u32 subject,
			enum qn_measure m, struct qn_lines *l)
{
	u32 rival = find_best_mean(c, subject, m);
	double own = qn_compare_mean(c, subject, m);
	double percent = 100 * (own / qn_compare_mean(c, rival, m) - 1);

	qn_line(l, "%s: %s needs %.1f %% %s than %s, the best of the others.",
		measure_names[m], c->subjects[subject].name, fabs(percent),
		percent > 0 ? "more" : "less", c->subjects[rival].name);
}

/* Where something else is better by more than half a percent */
static u32 put_losses(const struct qn_compare *c, u32 contest, u32 subject,
		      struct qn_lines *l)
{
	u32 nr = 0;

	for (enum qn_measure m = 0; m < QN_NR_MEASURES; m++) {
		u32 best = qn_compare_best(c, contest, subject, m);
		double own = qn_compare_ratio(c, contest, subject, m);
		double other = qn_compare_ratio(c, contest, best, m);

		if (own < 1.005 * other)
			continue;
		qn_line(l, "  %s, %s: %.2f, %s %.2f", c->contests[contest].name,
			measure_names[m], own, c->subjects[best].name, other);
		nr++;
	}
	return nr;
}

void qn_compare_put_summary(const struct qn_compare *c, u32 subject,
			    struct qn_lines *l)
{
	u32 losses = 0;

	for (enum qn_measure m = 0; m < QN_NR_MEASURES; m++)
		put_verdict(c, subject, m, l);
	qn_line(l, "Where %s is not the best (ratios to %s):",
		c->subjects[subject].name, c->subjects[0].name);
	for (u32 p = 0; p < c->nr_contests; p++)
		if (!c->contests[p].missing)
			losses += put_losses(c, p, subject, l);
	if (!losses)
		qn_line(l, "  nowhere");
	qn_line(l, "%s", "");
}
