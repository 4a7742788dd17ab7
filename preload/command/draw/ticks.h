/* SPDX-License-Identifier: MIT */
/*
 * ticks.h - where an axis has its ticks, and what stands beside them.
 */
#ifndef QN_TICKS_H
#define QN_TICKS_H

#include "base/compiler.h"
#include "command/base/text.h"

#define QN_MAX_TICKS 24

enum qn_unit {
	QN_UNIT_PLAIN,
	QN_UNIT_BYTES,   /* in powers of 1024 */
	QN_UNIT_SECONDS, /* in us, ms, s, min or h */
};

/**
 * struct qn_ticks - the ticks of an axis, upwards
 * @at:		their values
 * @nr:		at least 2, unless they had to be within bounds
 * @factor:	what one of @suffix is
 * @suffix:	of the labels, with its blank
 * @unit, @is_log: of the range
 *
 * Linear: at[i + 1] - at[i] is 1, 2 or 5 times a power of ten, times @factor.
 * Logarithmic: at[i + 1] / at[i] is a power of 10, of bytes a power of 2.
 */
struct qn_ticks {
	double at[QN_MAX_TICKS];
	u32 nr;
	double factor;
	const char *suffix;
	enum qn_unit unit;
	bool is_log;
};

/**
 * struct qn_range - what an axis shows
 * @least, @most: the least and the greatest value
 * @unit:	of both
 * @is_log:	equal distances are equal ratios; both bounds are above 0 then
 * @is_tight:	the axis ends with its values; else it goes on to the next tick
 */
struct qn_range {
	double least;
	double most;
	enum qn_unit unit;
	bool is_log;
	bool is_tight;
};

/**
 * qn_ticks_make() - round ticks for a range
 * @r:		bounds that are not finite, or in the wrong order, become sound ones
 * @wanted:	about so many, 2 to 10
 *
 * A range that is not tight becomes that of its ticks.
 */
void qn_ticks_make(struct qn_ticks *t, struct qn_range *r, u32 wanted);

/* "20", "1.5 MiB": the label of a value that is a tick, in the unit of all of them */
struct qn_text qn_ticks_label(const struct qn_ticks *t, double value);

/* "1.53 MiB", "12.3 ms": any value, in the unit that suits it */
struct qn_text qn_unit_text(enum qn_unit unit, double value);

#endif /* QN_TICKS_H */
