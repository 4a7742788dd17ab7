/* SPDX-License-Identifier: MIT */
/*
 * compare.h - subjects side by side: the same programs under each of them.
 *
 * A subject is an allocator or an engine. A contest is one program at work. The
 * harness runs every contest under every subject, once a round, and the order of the
 * subjects rotates from round to round. So a slow minute of the machine hits all of
 * them. What is compared is the median of a measure over the rounds, as a ratio to the
 * first subject.
 *
 * The harness does not know how a program is run: `run` of struct qn_compare does that.
 */
#ifndef QN_COMPARE_H
#define QN_COMPARE_H

#include "launch.h"
#include "text.h"

#define QN_COMPARE_MAX_ROUNDS 250

/* Figures of a run besides those that the table has */
#define QN_NR_OWN 3

enum qn_measure {
	QN_WALL, /* microseconds */
	QN_CPU,  /* microseconds, in user and in system mode */
	QN_PEAK, /* bytes, the peak resident set */
	QN_NR_MEASURES,
	QN_OWN = QN_NR_MEASURES, /* the first of QN_NR_OWN */
	QN_NR_ALL_MEASURES = QN_OWN + QN_NR_OWN,
};

/**
 * struct qn_subject - one of those that are compared
 * @name:	in tables
 * @missing:	why it does not take part, for its row of the table; NULL: it does
 */
struct qn_subject {
	const char *name;
	const char *missing;
};

/**
 * struct qn_contest - one program at work
 * @name:	in messages
 * @about:	heading of its rows in the table
 * @missing:	why it does not take part; NULL: it does
 * @expected:	the result that all subjects should have
 * @expected_of: whose result that was, for messages; NULL: the first run sets both
 */
struct qn_contest {
	const char *name;
	const char *about;
	const char *missing;
	u64 expected;
	const char *expected_of;
};

/**
 * struct qn_cell - one contest under one subject
 * @round:	measured figures, by measure and round
 * @failed:	why its last run is not valid; NULL: all runs are. It runs no more
 * @outcome, @result, @own: of the last run
 */
struct qn_cell {
	u64 *round[QN_NR_ALL_MEASURES];
	char *failed;
	struct qn_outcome outcome;
	u64 result;
	u64 own[QN_NR_OWN];
};

/**
 * struct qn_compare - a comparison
 * @subjects:	who is compared; the first one is the base of ratios and takes part
 * @contests:	on what
 * @nr_rounds:	wanted, 1 to QN_COMPARE_MAX_ROUNDS
 * @run:	runs a contest under a subject. It fills in the cell's @outcome, its @own
 *		if there are such figures, and @result: a number that is the same where
 *		the program did the same, such as a hash of what it printed. Return: 0,
 *		or an error, with a message, which ends the rounds
 * @data:	the caller's
 * @must_agree:	a result that is not the expected one is an error
 * @goes_on:	an error ends the runs of its cell alone
 * @is_quiet:	no progress is shown
 * @nr_done:	whole rounds; all figures are of these
 * @cells:	contest by contest
 * @values:	memory of the cells' rounds
 */
struct qn_compare {
	const struct qn_subject *subjects;
	struct qn_contest *contests;
	u32 nr_subjects;
	u32 nr_contests;
	u32 nr_rounds;
	int (*run)(struct qn_compare *c, u32 contest, u32 subject,
		   struct qn_cell *cell);
	void *data;
	bool must_agree;
	bool goes_on;
	bool is_quiet;
	u32 nr_done;
	struct qn_cell *cells;
	u64 *values;
};

/**
 * qn_compare_run() - all rounds
 *
 * Return: 0; also where it was interrupted and there is a whole round at least: then
 * @nr_done is less than @nr_rounds. -EINTR without a whole round; -EILSEQ, with a
 * message, where the subjects had to agree and did not; else what @run returned.
 */
int qn_compare_run(struct qn_compare *c);
void qn_compare_exit(struct qn_compare *c);

const struct qn_cell *qn_compare_cell(const struct qn_compare *c, u32 contest,
				      u32 subject);

/* Over the whole rounds; the mean of the middle two where their number is even */
u64 qn_compare_median(const struct qn_compare *c, u32 contest, u32 subject,
		      enum qn_measure m);

/* The value that a quarter of the whole rounds is below */
u64 qn_compare_quartile(const struct qn_compare *c, u32 contest, u32 subject,
			enum qn_measure m);

/* Of medians, to the first subject; 1 where that has 0 */
double qn_compare_ratio(const struct qn_compare *c, u32 contest, u32 subject,
			enum qn_measure m);

/* Geometric mean of the ratios of all contests that ran under all subjects */
double qn_compare_mean(const struct qn_compare *c, u32 subject,
		       enum qn_measure m);

/**
 * qn_compare_mean_to() - the same, with another subject as the base of ratios
 * @is_inner:	the least and the greatest ratio are left out where there are more
 */
double qn_compare_mean_to(const struct qn_compare *c, u32 subject, u32 base,
			  enum qn_measure m, bool is_inner);

/* Contests that ran under all subjects, which means are of */
u32 qn_compare_nr_common(const struct qn_compare *c);

/* The subject with the least median, @but left out; @but where there is no other */
u32 qn_compare_best(const struct qn_compare *c, u32 contest, u32 but,
		    enum qn_measure m);

/* Is the contest measured under this subject */
bool qn_compare_takes_part(const struct qn_compare *c, u32 contest,
			   u32 subject);

/* How far the rounds are apart: the most less the least, of the median; worst cell */
double qn_compare_spread(const struct qn_compare *c, enum qn_measure m);

/* Did all subjects end this contest with the same result */
bool qn_compare_agrees(const struct qn_compare *c, u32 contest);

/* Each contest under each subject: medians, and ratios to the first one */
void qn_compare_put_table(const struct qn_compare *c, struct qn_lines *l);

/* Where @subject stands among the others, wins and losses alike, in words */
void qn_compare_put_summary(const struct qn_compare *c, u32 subject,
			    struct qn_lines *l);

/* A hash of all that is in a file, whatever its place is */
u64 qn_compare_hash(int fd);

/**
 * qn_compare_launch() - one run of a contest: a program, what it prints kept
 * @what:	all but the environment. Its @fd_out is a file that keeps what is printed,
 *		emptied before; its @fd_in is read from the beginning
 * @changes:	of the environment, as in qn_launch_changed()
 *
 * Fills in the cell, with a hash of what was printed as the result.
 *
 * Return: 0; -EINTR after an interrupt, whatever the program made of that; else
 * QN_EXIT_FAILURE, with a message.
 */
int qn_compare_launch(struct qn_compare *c, u32 contest, u32 subject,
		      const struct qn_launch *what, const char *const *changes,
		      struct qn_cell *cell);

/**
 * qn_compare_fail() - say that a run was not valid, and why
 * @why:	the end of a sentence that has contest and subject; on the heap, is taken
 *
 * Return: QN_EXIT_FAILURE.
 */
int qn_compare_fail(const struct qn_compare *c, u32 contest, u32 subject,
		    struct qn_cell *cell, char *why);

#endif /* QN_COMPARE_H */
