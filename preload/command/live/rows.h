/* SPDX-License-Identifier: MIT */
/*
 * rows.h - processes under quern as rows of figures: what quern top shows.
 *
 * A row has the figures of this look and those of the one before, for rates.
 */
#ifndef QN_ROWS_H
#define QN_ROWS_H

#include <jansson.h>
#include "figures-live.h"
#include "live.h"

/* What rows are ordered by, and the columns that can be; as --sort has them */
enum qn_row_key {
	QN_ROW_HEAP,
	QN_ROW_PROCESS,
	QN_ROW_LIVE,
	QN_ROW_PINNED,
	QN_ROW_KEPT,
	QN_ROW_ALLOCS,
	QN_ROW_FAULTS,
	QN_ROW_PID,
	QN_NR_ROW_KEYS,
};

#define QN_ROW_KEYS "heap|process|use|pinned|kept|malloc|faults|pid"

/**
 * struct qn_row - a process
 * @live:	its page
 * @now, @before: figures of this look and of the last; at first of its start
 */
struct qn_row {
	struct qn_live live;
	struct qn_live_figures now;
	struct qn_live_figures before;
};

/**
 * struct qn_rows - what is looked at
 * @target:	one page, or its path is NULL: all that are found
 * @everybody:	of all users
 * @key, @is_reversed: the order; the largest first, pids by number
 * @at, @nr:	of the last look
 */
struct qn_rows {
	struct qn_live target;
	bool everybody;
	enum qn_row_key key;
	bool is_reversed;
	struct qn_row *at;
	u32 nr;
};

/* Look again. Return: false if the target has ended. */
bool qn_rows_look(struct qn_rows *rows);

void qn_rows_sort(struct qn_rows *rows);

void qn_rows_free(struct qn_rows *rows);

/* A line of a table that is no wider than a terminal may be */
struct qn_row_text {
	char s[400];
};

/* How many processes there are, and what their heaps keep */
struct qn_row_text qn_rows_summary(const struct qn_rows *rows);

/* Of the table, in so many columns: what does not fit leaves, figure by figure */
struct qn_row_text qn_rows_head(u32 columns);
struct qn_row_text qn_row_line(const struct qn_row *row, u32 columns);

/**
 * qn_row_detail() - more about a process, line by line
 * @nr:		number of the line, from 0 on
 * @text:	filled
 *
 * Return: false if there are no more.
 */
bool qn_row_detail(const struct qn_row *row, u32 nr, struct qn_row_text *text);

/* Return: the look as a JSON object, the caller's */
json_t *qn_rows_json(const struct qn_rows *rows);

#endif /* QN_ROWS_H */
