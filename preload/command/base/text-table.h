/* SPDX-License-Identifier: MIT */
/*
 * text-table.h - tables of text: the report's, the demonstration's, those of traces.
 *
 * A table is a list of widths. A row is a list of cells, which are texts: numbers
 * become texts in text.h.
 *
 * A table that is wider than its lines first gives the label, its first column, less room,
 * down to a least width. Then columns leave, one after another, and last of all the label
 * gets QN_TEXT_LABEL columns. A figure is never cut, and no label either: one that is too
 * long has a line of its own.
 */
#ifndef QN_TEXT_TABLE_H
#define QN_TEXT_TABLE_H

#include "text.h"

#define QN_TEXT_LABEL      16
#define QN_TEXT_MOST_CELLS 16

/**
 * struct qn_text_table - where rows go, and how wide their cells are
 * @l:		the lines
 * @widths:	by column, the blanks between columns included; a negative one puts the
 *		cell to the left, 0 leaves the column out
 * @nr:		columns
 * @leaving:	columns in the order in which they leave, up to 0; NULL: from the right
 * @label:	columns that the label keeps while others can leave; 0: QN_TEXT_LABEL
 */
struct qn_text_table {
	struct qn_lines *l;
	const int *widths;
	unsigned int nr;
	const unsigned char *leaving;
	unsigned int label;
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

/* The same as a text, for one who draws; a label that is too long stays where it is */
void qn_text_row_put(const struct qn_text_table *t, const char *const *cells,
		     char *line, size_t size);

/* Columns that a row takes, with what has left */
u32 qn_text_table_width(const struct qn_text_table *t);

#endif /* QN_TEXT_TABLE_H */
