// SPDX-License-Identifier: MIT
/*
 * rows.c - processes under quern as rows; see rows.h.
 */
#define _GNU_SOURCE 1
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "command/base/fail.h"
#include "command/base/json.h"
#include "command/base/text-table.h"
#include "rows.h"

/* Decisions that a detailed view has, the last ones */
#define DECISIONS 5

/* ---- looks ---- */

static bool is_same(const struct qn_live *a, const struct qn_live *b)
{
	return !strcmp(a->path, b->path) &&
	       a->page.start_usec == b->page.start_usec;
}

/* The figures of the last look, or those of the start: none */
static void take_before(struct qn_row *row, const struct qn_rows *old)
{
	memset(&row->before, 0, sizeof(row->before));
	row->before.usec = row->live.page.start_usec;
	for (u32 i = 0; i < old->nr; i++)
		if (is_same(&old->at[i].live, &row->live))
			row->before = old->at[i].now;
}

static void add(struct qn_rows *rows, const struct qn_rows *old,
		const struct qn_live *live)
{
	struct qn_row *row;

	QN_GROW(rows->at, rows->nr);
	row = &rows->at[rows->nr++];
	row->live = *live;
	row->live.path = qn_xprintf("%s", live->path);
	qn_live_figures(&row->now, &row->live.page, !live->is_elsewhere);
	take_before(row, old);
}

static void free_rows(struct qn_rows *rows)
{
	for (u32 i = 0; i < rows->nr; i++)
		free(rows->at[i].live.path);
	free(rows->at);
	rows->at = NULL;
	rows->nr = 0;
}

bool qn_rows_look(struct qn_rows *rows)
{
	struct qn_rows old = *rows;
	struct qn_live_list list = { .nr = 0 };
	bool is_there = true;

	rows->at = NULL;
	rows->nr = 0;
	if (rows->target.path) {
		is_there = qn_live_read(&rows->target) &&
			   !qn_live_is_over(&rows->target);
		if (is_there)
			add(rows, &old, &rows->target);
	} else {
		qn_live_find(&list, rows->everybody);
		for (u32 i = 0; i < list.nr; i++)
			add(rows, &old, &list.at[i]);
		qn_live_free(&list);
	}
	free_rows(&old);
	qn_rows_sort(rows);
	return is_there;
}

void qn_rows_free(struct qn_rows *rows)
{
	free_rows(rows);
	free(rows->target.path);
	rows->target.path = NULL;
}

/* ---- rates and order ---- */

static u64 elapsed(const struct qn_row *row)
{
	return row->now.usec - min(row->now.usec, row->before.usec);
}

static u64 allocs_rate(const struct qn_row *row)
{
	return qn_live_rate(row->now.allocs, row->before.allocs, elapsed(row));
}

static u64 faults_rate(const struct qn_row *row)
{
	return qn_live_rate(row->now.faults, row->before.faults, elapsed(row));
}

/* What it is ordered by, the largest first */
static u64 value_of(const struct qn_row *row, enum qn_row_key key)
{
	switch (key) {
	case QN_ROW_PROCESS:
		return row->now.process;
	case QN_ROW_LIVE:
		return row->now.live;
	case QN_ROW_PINNED:
		return row->now.pinned;
	case QN_ROW_KEPT:
		return row->now.kept;
	case QN_ROW_ALLOCS:
		return allocs_rate(row);
	case QN_ROW_FAULTS:
		return faults_rate(row);
	case QN_ROW_PID:
		return UINT32_MAX - row->live.page.pid;
	default:
		return row->now.resident;
	}
}

static int compare(const void *a, const void *b, void *data)
{
	const struct qn_row *ra = a, *rb = b;
	const struct qn_rows *rows = data;
	u64 x = value_of(ra, rows->key), y = value_of(rb, rows->key);
	int order = (x < y) - (x > y);

	if (!order)
		return (ra->live.page.pid > rb->live.page.pid) -
		       (ra->live.page.pid < rb->live.page.pid);
	return rows->is_reversed ? -order : order;
}

void qn_rows_sort(struct qn_rows *rows)
{
	if (rows->nr)
		qsort_r(rows->at, rows->nr, sizeof(*rows->at), compare, rows);
}

/* ---- text ---- */

/* "815", "9.5M": five characters at most */
static struct qn_text brief(u64 bytes)
{
	static const char units[] = "KMGTPE";
	double value = (double)bytes;
	int unit = -1;
	struct qn_text t;

	for (; value >= 999.5 && unit < 5; unit++)
		value /= 1024;
	if (unit < 0)
		snprintf(t.s, sizeof(t.s), "%u", (unsigned int)bytes);
	else
		snprintf(t.s, sizeof(t.s), value < 9.95 ? "%.1f%c" : "%.0f%c",
			 value, units[unit]);
	return t;
}

/* A figure that the kernel would not tell is none */
static struct qn_text brief_known(u64 bytes)
{
	static const struct qn_text unknown = { "-" };

	return bytes ? brief(bytes) : unknown;
}

struct qn_row_text qn_rows_summary(const struct qn_rows *rows)
{
	struct qn_row_text t;
	u64 resident = 0, live = 0, kept = 0;

	for (u32 i = 0; i < rows->nr; i++) {
		resident += rows->at[i].now.resident;
		live += rows->at[i].now.live;
		kept += rows->at[i].now.kept;
	}
	snprintf(t.s, sizeof(t.s),
		 "%u process%s under quern: heaps %s, in use %s, kept for "
		 "reuse %s",
		 rows->nr, rows->nr == 1 ? "" : "es", qn_text_size(resident).s,
		 qn_text_size(live).s, qn_text_size(kept).s);
	return t;
}

/* The names on the left have a blank in front of them */
static const int widths[] = { 7, -16, 8, 7, 7, 7, 7, 9, 8, 6, -10, -6 };
/* TABLE, POLICY, PRICE, FAULT/S, MALLOC/S, PINNED, PROCESS, KEPT */
static const unsigned char leaving[] = { 9, 10, 11, 8, 7, 5, 2, 6, 0 };

static struct qn_row_text make_line(u32 columns, const char *const *cells)
{
	struct qn_lines l = { .columns = columns };
	const struct qn_text_table t = { &l, widths, ARRAY_SIZE(widths),
					 leaving, 0 };
	struct qn_row_text text;

	qn_text_row_put(&t, cells, text.s, sizeof(text.s));
	return text;
}

struct qn_row_text qn_rows_head(u32 columns)
{
	static const char *const names[ARRAY_SIZE(widths)] = {
		"PID",  " PROGRAM", "PROCESS", "HEAP",  "USE",     "PINNED",
		"KEPT", "MALLOC/S", "FAULT/S", "TABLE", " POLICY", " PRICE",
	};

	return make_line(columns, names);
}

struct qn_row_text qn_row_line(const struct qn_row *row, u32 columns)
{
	const struct qn_stats_page *page = &row->live.page;
	char name[16], policy[sizeof(page->policy)], pid[16], table[16];
	char named[18], by[sizeof(policy) + 1], price[40];

	qn_text_clean(name, sizeof(name), page->exe);
	qn_text_clean(policy, sizeof(policy), page->policy);
	snprintf(named, sizeof(named), " %s", name);
	snprintf(by, sizeof(by), " %s", page->engine.name[0] ? "-" : policy);
	snprintf(price, sizeof(price), " %s", qn_live_price(page).s);
	snprintf(pid, sizeof(pid), "%u", page->pid);
	snprintf(table, sizeof(table), "%u", page->generation);
	return make_line(columns,
			 (const char *const[ARRAY_SIZE(widths)]){
				 pid,
				 named,
				 brief_known(row->now.process).s,
				 brief(row->now.resident).s,
				 brief(row->now.live).s,
				 brief(row->now.pinned).s,
				 brief(row->now.kept).s,
				 brief(allocs_rate(row)).s,
				 row->now.process ? brief(faults_rate(row)).s :
						    "-",
				 table,
				 by,
				 price,
			 });
}

static void line_returned(const struct qn_row *row, struct qn_row_text *t)
{
	const struct qn_stats_page *page = &row->live.page;

	snprintf(
		t->s, sizeof(t->s),
		"returned %s to the system, wanted back soon %s; pressure %.2f",
		qn_text_size(page->purged).s, qn_text_size(page->refaults).s,
		(double)min(page->pressure, 1024u) / 1024);
}

static void line_blocks(const struct qn_row *row, struct qn_row_text *t)
{
	const struct qn_stats_page *page = &row->live.page;

	snprintf(t->s, sizeof(t->s),
		 "blocks %s, in use at most %s; threads %llu; samples %s",
		 qn_text_count(row->now.allocs).s,
		 qn_text_size(page->peak_live).s,
		 (unsigned long long)page->nr_threads,
		 qn_text_count(page->nr_samples).s);
}

bool qn_row_detail(const struct qn_row *row, u32 nr, struct qn_row_text *text)
{
	const struct qn_stats_page *page = &row->live.page;
	u32 decisions = qn_live_nr_decisions(page);
	u32 choices = qn_live_nr_choices(page);
	u32 from = decisions - min(decisions, (u32)DECISIONS);

	if (nr == 0)
		line_blocks(row, text);
	else if (nr == 1)
		line_returned(row, text);
	else if (nr - 2 < decisions - from)
		snprintf(text->s, sizeof(text->s), "%s",
			 qn_live_decision(page, from + nr - 2).s);
	else if (nr - 2 == decisions - from && choices)
		snprintf(text->s, sizeof(text->s), "%s",
			 qn_live_choice(page, choices - 1).s);
	else
		return false;
	return true;
}

/* ---- JSON ---- */

/* Of qn_rows_json(): another meaning of a key raises it */
#define JSON_FORMAT 1

static json_t *row_json(const struct qn_row *row)
{
	const struct qn_stats_page *page = &row->live.page;
	/* 0 stands for what the kernel would not tell */
	bool is_known = row->now.process > 0;
	char name[sizeof(page->exe)], policy[sizeof(page->policy)];
	json_t *o = json_object(), *list = json_array();

	qn_text_clean(name, sizeof(name), page->exe);
	qn_text_clean(policy, sizeof(policy), page->policy);
	qn_json_number(o, "pid", page->pid);
	json_object_set_new(o, "program", json_string(name));
	json_object_set_new(o, "file", qn_json_text(row->live.path));
	qn_json_known(o, "process_resident", row->now.process, is_known);
	qn_json_number(o, "heap_resident", row->now.resident);
	qn_json_number(o, "live", row->now.live);
	qn_json_number(o, "peak_live", page->peak_live);
	qn_json_number(o, "pinned", row->now.pinned);
	qn_json_number(o, "kept", row->now.kept);
	qn_json_number(o, "metadata", page->metadata);
	qn_json_number(o, "allocations", row->now.allocs);
	qn_json_number(o, "allocations_per_second", allocs_rate(row));
	qn_json_known(o, "faults_per_second", faults_rate(row), is_known);
	qn_json_number(o, "returned", page->purged);
	qn_json_number(o, "wanted_back", page->refaults);
	qn_json_number(o, "table", page->generation);
	json_object_set_new(o, "policy", json_string(policy));
	json_object_set_new(o, "price",
			    json_real((double)page->knobs.price / 1000));
	for (u32 i = 0; i < qn_live_nr_decisions(page); i++)
		json_array_append_new(list,
				      json_string(qn_live_decision(page, i).s));
	json_object_set_new(o, "decisions", list);
	return o;
}

json_t *qn_rows_json(const struct qn_rows *rows)
{
	json_t *o = json_object(), *list = json_array();
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	qn_json_number(o, "format", JSON_FORMAT);
	json_object_set_new(
		o, "time",
		json_real((double)now.tv_sec + (double)now.tv_nsec / 1e9));
	for (u32 i = 0; i < rows->nr; i++)
		json_array_append_new(list, row_json(&rows->at[i]));
	json_object_set_new(o, "processes", list);
	return o;
}
