// SPDX-License-Identifier: MIT
/*
 * trace-top.c - sums by call site.
 */
#include "trace-top.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command/base/fail.h"
#include "command/base/text.h"
#include "command/sites/people.h"

/* Columns in front of a site's functions */
#define INDENT 44u
/* Columns that they have there at least; in front of them elsewhere */
#define BESIDE 36u
#define BELOW  4u

void qn_top_init(struct qn_top *top, const struct qn_tracefile *t, u32 process)
{
	*top = (struct qn_top){ 0 };
	qn_trace_stacks(&top->sites, t, process);
	if (!top->sites.nr)
		return;
	top->sums = qn_xrealloc(NULL, top->sites.nr * sizeof(*top->sums));
	memset(top->sums, 0, top->sites.nr * sizeof(*top->sums));
}

void qn_top_exit(struct qn_top *top)
{
	qn_stacks_exit(&top->sites);
	free(top->sums);
	free(top->owners);
}

void qn_top_add(struct qn_top *top, const struct qn_op *op)
{
	u32 site = op->site < top->sites.nr ? op->site : 0;
	struct qn_top_site *sum;

	if (!top->sums || !qn_op_is_heap(op))
		return;
	QN_REACH(top->owners, &top->room, op->slot);
	if (!qn_op_allocs(op)) {
		sum = &top->sums[top->owners[op->slot]];
		sum->live -= op->old_size;
		sum->nr_live--;
	}
	if (op->op == QN_TRACE_FREE)
		return;
	sum = &top->sums[site];
	top->nr_seen += !sum->nr && site;
	sum->bytes += op->size;
	sum->nr++;
	sum->live += op->size;
	sum->nr_live++;
	top->owners[op->slot] = site;
}

static bool is_beside(void)
{
	u32 columns = qn_text_columns(STDOUT_FILENO);

	return !columns || columns >= INDENT + BESIDE;
}

/* Who called, on what is left of the line, or below if that is too little for a name */
static void print_site(const struct qn_top *top, struct qn_symbols *symbols,
		       u32 site, const char *figures)
{
	u32 columns = qn_text_columns(STDOUT_FILENO);
	u32 indent = is_beside() ? INDENT : BELOW;
	struct qn_people people;
	char *text;

	qn_people_find(&people, symbols, &top->sites, site);
	text = qn_people_text(&people, columns ? columns - indent : 0);
	if (is_beside())
		printf("%s  %s\n", figures, text);
	else
		printf("%s\n%*s%s\n", figures, (int)BELOW, "", text);
	free(text);
}

/* The site with the most of what is not yet @shown; QN_STACKS_MOST: there is none */
static u32 largest(const struct qn_top *top, bool of_live, const u32 *shown,
		   u32 nr_shown)
{
	u32 best = QN_STACKS_MOST;
	u64 most = 0;

	for (u32 i = 0; i < top->sites.nr; i++) {
		u64 n = of_live ? top->sums[i].live : top->sums[i].bytes;
		u32 k = 0;

		while (k < nr_shown && shown[k] != i)
			k++;
		if (k == nr_shown && n > most) {
			most = n;
			best = i;
		}
	}
	return best;
}

static void print_largest(const struct qn_top *top, struct qn_symbols *symbols,
			  bool of_live)
{
	u32 shown[QN_TOP_SITES];
	char figures[160];
	u64 all = 0;

	for (u32 i = 0; i < top->sites.nr; i++)
		all += of_live ? top->sums[i].live : top->sums[i].bytes;
	for (u32 n = 0; n < QN_TOP_SITES; n++) {
		u32 site = largest(top, of_live, shown, n);
		const struct qn_top_site *sum = &top->sums[site];
		u64 bytes;

		if (site == QN_STACKS_MOST)
			return;
		bytes = of_live ? sum->live : sum->bytes;
		snprintf(figures, sizeof(figures),
			 is_beside() ? "    %10s %7s %12s %s" :
				       "%11s %7s %s %s",
			 qn_text_size(bytes).s, qn_text_share(bytes, all).s,
			 qn_text_count(of_live ? sum->nr_live : sum->nr).s,
			 of_live ? "blocks" : "calls");
		print_site(top, symbols, site, figures);
		shown[n] = site;
	}
}

void qn_top_print(const struct qn_top *top, struct qn_lines *l,
		  const struct qn_tracefile *t, u32 process)
{
	struct qn_process_info info;
	struct qn_symbols symbols;

	if (!top->nr_seen)
		return;
	qn_tracefile_process(t, process, &info);
	qn_symbols_init(&symbols, info.name ?: "", info.name_size);
	qn_line(l, "  sites     %s; most bytes asked for, by",
		qn_text_count(top->nr_seen).s);
	print_largest(top, &symbols, false);
	qn_line(l, "            most bytes live at the end, of");
	print_largest(top, &symbols, true);
	qn_symbols_exit(&symbols);
}
