// SPDX-License-Identifier: MIT
/*
 * sites.c - the part of the report about call sites: which functions never freed, asked
 * for most, and freed at once.
 *
 * Figures are estimates from samples, so the lists say how many there were: a few can be far
 * off, and large blocks are seldom sampled.
 */
#define _GNU_SOURCE 1
#include <stdlib.h>
#include <string.h>
#include "screen.h"
#include "command/sites/people.h"

/* Columns in front of a call site's functions */
#define INDENT 22u
/* Columns that they have there at least; in front of them elsewhere */
#define BESIDE 36u
#define BELOW  4u
/* Sites of which some may read alike */
#define LOOKED_AT (4u * QN_REPORT_SITES)

/**
 * struct list - one of the lists
 * @heading:	of it
 * @by:		what it is ordered by
 */
struct list {
	const char *heading;
	enum qn_sitelist_by by;
};

static u64 sum_of(const struct qn_sitelist *list, enum qn_sitelist_by by)
{
	u64 sum = 0;

	for (u32 i = 0; i < list->nr; i++)
		sum += qn_sitelist_get(&list->sums[i], by);
	return sum;
}

/* Samples of blocks that were freed soon are not counted apart */
static u64 samples_of(const struct qn_sitelist *list, enum qn_sitelist_by by)
{
	u64 nr = 0;

	for (u32 i = 0; i < list->nr && by != QN_SITES_BY_BRIEF; i++)
		nr += by == QN_SITES_BY_LIVE ? list->sums[i].nr_live :
					       list->sums[i].nr;
	return nr;
}

static void put_heading(struct qn_screen *s, const struct list *list)
{
	u64 nr = samples_of(&s->f->sites, list->by);

	if (nr)
		qn_line(&s->l, "%s, estimated from %s sample%s", list->heading,
			COUNT(nr), nr == 1 ? "" : "s");
	else
		qn_line(&s->l, "%s", list->heading);
}

/* A line, and what all sites have that read alike */
struct line {
	char *text;
	u64 bytes;
};

/* Beside its figures, or below them if there is no room for a name */
static bool is_beside(const struct qn_screen *s)
{
	return !s->report->columns || s->report->columns >= INDENT + BESIDE;
}

static u32 indent_of(const struct qn_screen *s)
{
	return is_beside(s) ? INDENT : BELOW;
}

static void put_site(struct qn_screen *s, const struct line *line, u64 all)
{
	if (is_beside(s)) {
		qn_line_whole(&s->l, "%11s %8s  %s", SIZE(line->bytes),
			      SHARE(line->bytes, all), line->text);
		return;
	}
	qn_line(&s->l, "%11s %8s", SIZE(line->bytes), SHARE(line->bytes, all));
	qn_line_whole(&s->l, "%*s%s", (int)BELOW, "", line->text);
}

static char *text_of(struct qn_screen *s, struct qn_symbols *symbols, u32 site)
{
	u32 columns = s->report->columns;
	struct qn_people people;

	qn_people_find(&people, symbols, &s->f->sites.stacks, site);
	return qn_people_text(&people, columns ? columns - indent_of(s) : 0);
}

/* Calls in one line of the source are one to its reader */
static u32 add_line(struct line *lines, u32 nr, char *text, u64 bytes)
{
	for (u32 i = 0; i < nr; i++)
		if (!strcmp(lines[i].text, text)) {
			lines[i].bytes += bytes;
			free(text);
			return nr;
		}
	lines[nr] = (struct line){ text, bytes };
	return nr + 1;
}

static int compare_lines(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	return (x->bytes < y->bytes) - (x->bytes > y->bytes);
}

static void put_list(struct qn_screen *s, struct qn_symbols *symbols,
		     const struct list *list)
{
	const struct qn_sitelist *sites = &s->f->sites;
	const struct qn_sitelist_sum *sum = NULL;
	struct line lines[LOOKED_AT];
	u64 all = sum_of(sites, list->by);
	u32 nr = 0;

	if (!all)
		return;
	put_heading(s, list);
	for (u32 i = 0; i < LOOKED_AT; i++) {
		sum = qn_sitelist_next(sites, sum, list->by);
		if (!sum)
			break;
		nr = add_line(lines, nr, text_of(s, symbols, sum->site),
			      qn_sitelist_get(sum, list->by));
	}
	qsort(lines, nr, sizeof(*lines), compare_lines);
	for (u32 i = 0; i < nr; i++) {
		if (i < QN_REPORT_SITES)
			put_site(s, &lines[i], all);
		free(lines[i].text);
	}
}

/* What is missing from the lists */
static void put_gaps(struct qn_screen *s)
{
	const struct qn_sitelist *list = &s->f->sites;

	if (list->full_nr)
		qn_line(&s->l,
			"note        %s samples for %s have no site: there are "
			"too many",
			COUNT(list->full_nr), SIZE(list->full_bytes));
	if (list->unknown_nr)
		qn_line(&s->l, "note        %s samples for %s have no stack",
			COUNT(list->unknown_nr), SIZE(list->unknown_bytes));
	if (list->unfollowed)
		qn_line(&s->l,
			"note        samples for %s were not followed to their "
			"free: NEVER FREED",
			SIZE(list->unfollowed));
	if (list->unfollowed)
		qn_line(&s->l, "            may lack some of them");
}

void qn_report_sites(struct qn_screen *s)
{
	static const struct list lists[] = {
		{ "NEVER FREED: in use at the end", QN_SITES_BY_LIVE },
		{ "ASKED FOR MOST", QN_SITES_BY_BYTES },
		{ "SHORT-LIVED: freed before 64 KiB more were asked for",
		  QN_SITES_BY_BRIEF },
	};
	struct qn_symbols symbols;

	if (!s->f->sites.is_kept)
		return;
	if (!s->f->sites.nr) {
		qn_line(&s->l, "call sites  none: no sample was taken; "
			       "--conf=sample:4K takes more");
		return;
	}
	qn_symbols_init(&symbols, "", 0);
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		put_list(s, &symbols, &lists[i]);
	put_gaps(s);
	qn_symbols_exit(&symbols);
}
