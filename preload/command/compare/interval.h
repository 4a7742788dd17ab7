/* SPDX-License-Identifier: MIT */
/*
 * interval.h - how far two subjects are apart, and how sure that is.
 *
 * Rounds are pairs: both subjects ran in the same minute of the machine. The estimate is
 * Hodges and Lehmann's for the logarithms of the rounds' ratios: the median of the means
 * of all pairs of them. Its interval belongs to Wilcoxon's signed-rank test, whose
 * distribution is counted exactly: M. Hollander and D. A. Wolfe, Nonparametric Statistical
 * Methods, 1999, sections 3.2 and 3.3. It assumes no distribution but that the ratios lie
 * alike on both sides of their middle. So nothing is drawn at random, and one slow round
 * does not matter.
 */
#ifndef QN_INTERVAL_H
#define QN_INTERVAL_H

#include "base/compiler.h"

/* With fewer rounds no interval has 95 % */
#define QN_INTERVAL_LEAST 6

/**
 * struct qn_interval - a ratio and its bounds
 * @ratio:	estimated
 * @low, @high:	with 95 % confidence at least; equal to @ratio where @has_bounds is false
 * @is_known:	all values were above 0
 * @has_bounds:	there were QN_INTERVAL_LEAST rounds
 */
struct qn_interval {
	double ratio;
	double low;
	double high;
	bool is_known;
	bool has_bounds;
};

/* Of @a to @b, round by round */
struct qn_interval qn_interval_ratio(const u64 *a, const u64 *b, u32 nr);

/* Is 1 outside, so that the two differ beyond noise */
bool qn_interval_is_real(const struct qn_interval *i);

/**
 * qn_interval_critical() - the greatest sum of ranks that is improbable
 * @nr:		pairs, at most 250
 *
 * Return: the greatest w with P(W <= w) <= 2.5 %; -1 where there is none.
 */
int qn_interval_critical(u32 nr);

#endif /* QN_INTERVAL_H */
