// SPDX-License-Identifier: MIT
/*
 * text-table.c - tables of text.
 */
#include "text-table.h"

void qn_text_row(const struct qn_text_table *t, const char *const *cells)
{
	char line[512];
	size_t at = 0;

	line[0] = 0;
	for (unsigned int i = 0; i < t->nr && cells[i]; i++)
		if (t->widths[i] && at < sizeof(line))
			at += (size_t)snprintf(line + at, sizeof(line) - at,
					       "%*s", t->widths[i], cells[i]);
	qn_line(t->l, "%s", line);
}
