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

#define QN_COMPARE_MAX_ROUNDS 99

enum qn_measure {
	QN_WALL, /* microseconds */
	QN_CPU,  /* microseconds, in user and in system mode */
	QN_PEAK, /* bytes, the peak resident set */
	QN_NR_MEASURES,
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
 * @round:	what was measured, by measure and round
 * @outcome, @result: of the last run
 */
struct qn_cell {
	u64 round[QN_NR_MEASURES][QN_COMPARE_MAX_ROUNDS];
	struct qn_outcome outcome;
	u64 result;
};

/**
 * struct qn_compare - a comparison
 * @subjects:	who is compared; the first one is the base of ratios and takes part
 * @contests:	on what
 * @nr_rounds:	wanted, 1 to QN_COMPARE_MAX_ROUNDS
 * @run:	runs a contest under a subject. It fills in @outcome, and @result: a number
 *		that is the same where the program did the same, such as a hash of what
 *		it printed. Return: 0, or an error, with a message, which ends the rounds
 * @data:	the caller's
 * @must_agree:	a result that is not the expected one is an error
 * @is_quiet:	no progress is shown
 * @nr_done:	whole rounds; all figures are of these
 * @cells:	contest by contest
 */
struct qn_compare {
	const struct qn_subject *subjects;
	struct qn_contest *contests;
	u32 nr_subjects;
	u32 nr_contests;
	u32 nr_rounds;
	int (*run)(struct qn_compare *c, u32 contest, u32 subject,
		   struct qn_outcome *outcome, u64 *result);
	void *data;
	bool must_agree;
	bool is_quiet;
	u32 nr_done;
	struct qn_cell *cells;
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

/* Of medians, to the first subject; 1 where that has 0 */
double qn_compare_ratio(const struct qn_compare *c, u32 contest, u32 subject,
			enum qn_measure m);

/* Geometric mean of the ratios of all contests that ran */
double qn_compare_mean(const struct qn_compare *c, u32 subject,
		       enum qn_measure m);

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
 * qn_compare_check() - did a program end as it should
 * @err:	0 or -errno of qn_launch()
 * @status:	as wait() has it
 *
 * Return: 0; -EINTR after an interrupt, whatever the program made of that; else
 * QN_EXIT_FAILURE, with a message.
 */
int qn_compare_check(const struct qn_compare *c, u32 contest, u32 subject,
		     int err, int status);

#endif /* QN_COMPARE_H */
