/* SPDX-License-Identifier: MIT */
/*
 * text-table.h - tables of text: the report's, the demonstration's, those of traces.
 *
 * A table is a list of widths. A row is a list of cells, which are texts: numbers
 * become texts in text.h.
 */
#ifndef QN_TEXT_TABLE_H
#define QN_TEXT_TABLE_H

#include "text.h"

/**
 * struct qn_text_table - where rows go, and how wide their cells are
 * @l:		the lines
 * @widths:	by column, the blanks between columns included; a negative one puts the
 *		cell to the left, 0 leaves the column out
 * @nr:		columns
 */
struct qn_text_table {
	struct qn_lines *l;
	const int *widths;
	unsigned int nr;
};

/**
 * qn_text_row() - one line
 * @cells:	as many as the table has columns; NULL: the row ends before this one
 *
 * A cell that is wider than its column moves the others to the right.
 */
void qn_text_row(const struct qn_text_table *t, const char *const *cells);

/* The same, with the cells as arguments */
#define QN_TEXT_ROW(t, ...) \
	qn_text_row(t, (const char *const[]){ __VA_ARGS__, NULL })

#endif /* QN_TEXT_TABLE_H */
