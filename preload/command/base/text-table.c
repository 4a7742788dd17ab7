// SPDX-License-Identifier: MIT
/*
 * text-table.c - tables of text.
 */
#include "text-table.h"

#include <stdlib.h>
#include <string.h>

static u32 sum_of(const int *widths, unsigned int nr)
{
	u32 sum = 0;

	for (unsigned int i = 0; i < nr; i++)
		sum += (u32)abs(widths[i]);
	return sum;
}

/* Room of the label, which is on the left, if the other columns stay as they are */
static u32 label_room(const struct qn_text_table *t, const int *widths)
{
	u32 label = (u32)abs(t->widths[0]);
	u32 others = sum_of(widths + 1, t->nr - 1);
	u32 all = qn_lines_columns(t->l);
	u32 room = all > others ? all - others : 0;

	return t->widths[0] < 0 ? min(label, room) : label;
}

static bool is_too_wide(const struct qn_text_table *t, const int *widths)
{
	u32 label = (u32)abs(t->widths[0]), room = label_room(t, widths);

	if (room < min(label, t->label ? t->label : QN_TEXT_LABEL))
		return true;
	return room + sum_of(widths + 1, t->nr - 1) > qn_lines_columns(t->l);
}

/* The next column to leave, 0: there is none; @nr: that have left */
static unsigned int next_to_leave(const struct qn_text_table *t,
				  unsigned int nr)
{
	if (t->leaving)
		return t->leaving[nr];
	return t->nr - 1 > nr ? t->nr - 1 - nr : 0;
}

/* Widths with which a row fits. Return: columns that the whole table wants. */
static u32 fit(const struct qn_text_table *t, int *widths)
{
	u32 all = sum_of(t->widths, t->nr);
	unsigned int nr = 0, c;

	memcpy(widths, t->widths, t->nr * sizeof(*widths));
	while (is_too_wide(t, widths)) {
		c = next_to_leave(t, nr);
		if (!c)
			break;
		widths[c] = 0;
		nr++;
	}
	if (t->widths[0] < 0)
		widths[0] =
			-(int)max(label_room(t, widths),
				  min((u32)-t->widths[0], (u32)QN_TEXT_LABEL));
	return nr ? all : 0;
}

static void put(const struct qn_text_table *t, const int *widths,
		const char *const *cells, char *line, size_t size)
{
	size_t at = 0;

	line[0] = 0;
	for (unsigned int i = 0; i < t->nr && cells[i]; i++)
		if (widths[i] && at < size)
			at += (size_t)snprintf(line + at, size - at, "%*s",
					       widths[i], cells[i]);
	at = strlen(line);
	while (at && line[at - 1] == ' ')
		line[--at] = 0;
}

void qn_text_row_put(const struct qn_text_table *t, const char *const *cells,
		     char *line, size_t size)
{
	int widths[QN_TEXT_MOST_CELLS];

	t->l->wanted = max(t->l->wanted, fit(t, widths));
	put(t, widths, cells, line, size);
}

/* A label that has its place, and more than it was given */
static bool is_label_alone(const struct qn_text_table *t, const int *widths,
			   const char *const *cells)
{
	return cells[0] && widths[0] != t->widths[0] &&
	       strlen(cells[0]) > (size_t)-widths[0];
}

void qn_text_row(const struct qn_text_table *t, const char *const *cells)
{
	const char *bare[QN_TEXT_MOST_CELLS + 1];
	int widths[QN_TEXT_MOST_CELLS];
	char line[512];

	t->l->wanted = max(t->l->wanted, fit(t, widths));
	if (is_label_alone(t, widths, cells)) {
		qn_line(t->l, "%s", cells[0]);
		bare[0] = "";
		for (unsigned int i = 1; i <= t->nr; i++) {
			bare[i] = cells[i];
			if (!cells[i])
				break;
		}
		cells = bare;
	}
	put(t, widths, cells, line, sizeof(line));
	qn_line(t->l, "%s", line);
}

u32 qn_text_table_width(const struct qn_text_table *t)
{
	int widths[QN_TEXT_MOST_CELLS];

	fit(t, widths);
	return sum_of(widths, t->nr);
}
