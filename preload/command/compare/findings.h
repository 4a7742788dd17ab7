/* SPDX-License-Identifier: MIT */
/*
 * findings.h - what a trial says: which differences are real, who is best at what, and
 * which allocator to take.
 */
#ifndef QN_FINDINGS_H
#define QN_FINDINGS_H

#include "command/draw/ticks.h"
#include "interval.h"
#include "trial.h"

/* A difference below this is none to act on, however sure it is */
#define QN_FINDINGS_LEAST 0.01

/**
 * struct qn_shown - a measure as it is shown
 * @measure:	of enum qn_measure, or of trial.h
 * @key:	in JSON
 * @name:	in sentences and headings
 * @unit:	of the values; times are in microseconds
 * @is_time:	they are
 */
struct qn_shown {
	int measure;
	const char *key;
	const char *name;
	enum qn_unit unit;
	bool is_time;
};

#define QN_NR_SHOWN 5

/* The first of them are results; page faults explain these */
#define QN_NR_RESULTS 4

/* CPU time, wall time, peak, average, page faults */
extern const struct qn_shown qn_shown[QN_NR_SHOWN];

/* The median as text: "1.234 s", "12.3 MiB", "1,234"; "-": not known */
struct qn_text qn_shown_text(const struct qn_trial *t, u32 subject,
			     const struct qn_shown *m);

/* The median in the unit of @m; 0: not known */
double qn_shown_value(const struct qn_trial *t, u32 subject,
		      const struct qn_shown *m);

/* Of @subject to the first candidate, or to @base */
struct qn_interval qn_findings_ratio(const struct qn_trial *t, u32 subject,
				     const struct qn_shown *m);
struct qn_interval qn_findings_between(const struct qn_trial *t, u32 subject,
				       u32 base, const struct qn_shown *m);

/* "-12.1 to -9.8", in percent; "~" before it: noise. "-": not known */
struct qn_text qn_interval_text(const struct qn_interval *i);

/**
 * struct qn_findings - sentences, the caller's
 * @fastest, @leanest: who takes least CPU time, least memory; NULL: too few rounds
 * @advice:	which to take, and what it costs
 * @losses:	where quern is behind; NULL: it did not take part, or too few rounds
 * @notes, @nr_notes: what a reader has to know of the figures
 */
struct qn_findings {
	char *fastest;
	char *leanest;
	char *advice;
	char *losses;
	char **notes;
	u32 nr_notes;
};

/* Needs a whole round */
void qn_findings_make(struct qn_findings *f, const struct qn_trial *t);
void qn_findings_exit(struct qn_findings *f);

#endif /* QN_FINDINGS_H */
