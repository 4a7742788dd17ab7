// SPDX-License-Identifier: MIT
/*
 * merged.c - statistics of runs in, one profile out; see merged.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/config.h"
#include "command/base/fail.h"
#include "command/base/stream.h"
#include "command/report/pages.h"
#include "merged.h"
#include "quern.h"

/* Sizes of one file; more is damage */
#define MOST_SIZES 4096

void qn_merged_init(struct qn_merged *m)
{
	*m = (struct qn_merged){ .runs = 0 };
}

void qn_merged_exit(struct qn_merged *m)
{
	free(m->sizes);
	free(m->comments);
}

static struct qn_merged_size *size_of(struct qn_merged *m, u32 osize)
{
	for (u32 i = 0; i < m->nr; i++)
		if (m->sizes[i].osize == osize)
			return &m->sizes[i];
	QN_GROW(m->sizes, m->nr);
	m->sizes[m->nr] = (struct qn_merged_size){ .osize = osize };
	return &m->sizes[m->nr++];
}

void qn_merged_add(struct qn_merged *m, const struct qn_merged *from,
		   double weight)
{
	m->runs += from->runs * weight;
	m->peak_live += from->peak_live * weight;
	m->most_live = max(m->most_live, from->most_live);
	m->peak_used += from->peak_used * weight;
	m->most_used = max(m->most_used, from->most_used);
	m->allocations += from->allocations * weight;
	m->returned += from->returned * weight;
	m->wanted_back += from->wanted_back * weight;
	for (u32 i = 0; i < from->nr; i++) {
		const struct qn_merged_size *s = &from->sizes[i];
		struct qn_merged_size *to = size_of(m, s->osize);

		to->promoted += s->promoted * weight;
		to->calls += s->calls * weight;
		to->bytes += s->bytes * weight;
		to->carved += s->carved * weight;
		to->asked += s->asked * weight;
		to->asked_runs += s->asked_runs * weight;
	}
}

static void note(struct qn_merged *m, const char *path, const char *program,
		 double runs)
{
	char *next = qn_xprintf("%srun %s: %s, %g of them\n",
				m->comments ? m->comments : "", path, program,
				runs);

	free(m->comments);
	m->comments = next;
}

/* ---- statistics pages ---- */

static void add_figures(struct qn_merged *run, const struct qn_figures *f)
{
	struct qn_entry total = qn_figures_total(f);

	run->runs = 1;
	run->peak_live = run->most_live = (double)f->peak_live;
	run->peak_used = run->most_used = (double)f->peak_used;
	run->allocations = (double)f->nr_allocs;
	run->returned = (double)f->purged;
	run->wanted_back = (double)f->refaults;
	for (u32 i = 0; i < f->nr_entries; i++) {
		const struct qn_entry *e = &f->entries[i];
		struct qn_merged_size *s = size_of(run, e->osize);

		s->promoted = e->promoted;
		s->calls = (double)e->nr_allocs /
			   (double)max(total.nr_allocs, (u64)1);
		s->bytes = (double)e->bytes / (double)max(total.bytes, (u64)1);
		s->carved = (double)e->peak;
		if (!e->asked_allocs)
			continue;
		s->asked = e->asked / 16 / (double)e->asked_allocs;
		s->asked_runs = 1;
	}
}

static int read_page(struct qn_merged *m, const char *path, double weight)
{
	static struct qn_stats_page page;
	char error[QN_PAGE_ERROR];
	struct qn_merged run;
	struct qn_figures f;
	int err = qn_page_read(AT_FDCWD, path, &page, error);

	if (err) {
		qn_error("%s: %s", path, error);
		return err;
	}
	qn_figures_init(&f);
	qn_figures_add(&f, &page, false, false);
	qn_merged_init(&run);
	add_figures(&run, &f);
	note(m, path, f.exe, weight);
	qn_merged_add(m, &run, weight);
	qn_merged_exit(&run);
	qn_figures_exit(&f);
	return 0;
}

/* ---- reports ---- */

static double number(const json_t *o, const char *key)
{
	return json_number_value(json_object_get(o, key));
}

static void add_entry(struct qn_merged *run, const json_t *e, double bytes)
{
	struct qn_merged_size *s = size_of(run, (u32)number(e, "object_size"));

	s->promoted = json_is_true(json_object_get(e, "promoted"));
	s->calls = number(e, "allocations") /
		   (run->allocations ? run->allocations : 1);
	s->bytes = number(e, "allocated_bytes") / (bytes ? bytes : 1);
	s->carved = number(e, "peak_carved");
	s->asked = number(e, "mean_requested");
	s->asked_runs = s->asked ? 1 : 0;
}

static void add_heap(struct qn_merged *run, const json_t *heap)
{
	const json_t *returned = json_object_get(heap, "returned");
	const json_t *entries =
		json_object_get(json_object_get(heap, "table"), "entries");
	double bytes = 0;
	const json_t *e;
	size_t i;

	run->runs = 1;
	run->peak_live = run->most_live = number(heap, "peak_live");
	run->peak_used = run->most_used = number(heap, "peak_used");
	run->allocations = number(heap, "allocations");
	run->returned = number(returned, "bytes");
	run->wanted_back = number(returned, "wanted_back");
	json_array_foreach(entries, i, e) bytes += number(e, "allocated_bytes");
	json_array_foreach(entries, i, e) add_entry(run, e, bytes);
}

static int read_report(struct qn_merged *m, const char *path, double weight)
{
	json_error_t error;
	json_t *report = json_load_file(path, 0, &error);
	const json_t *heaps = json_object_get(report, "heaps"), *heap;
	struct qn_merged run;
	size_t i;

	if (!report || !json_array_size(heaps)) {
		if (report)
			qn_error("%s is no report with a heap; make one: quern "
				 "run --json --report=FILE -- PROGRAM",
				 path);
		else
			qn_error("%s: line %d: %s", path, error.line,
				 error.text);
		json_decref(report);
		return -EBADMSG;
	}
	json_array_foreach(heaps, i, heap)
	{
		const char *name =
			json_string_value(json_object_get(heap, "program"));

		qn_merged_init(&run);
		add_heap(&run, heap);
		note(m, path, name ? name : "?", weight);
		qn_merged_add(m, &run, weight);
		qn_merged_exit(&run);
	}
	json_decref(report);
	return 0;
}

/* ---- profiles ---- */

static bool read_size(struct qn_merged *p, const char *line)
{
	struct qn_merged_size s = { .osize = 0 }, *to;

	if (p->nr >= MOST_SIZES ||
	    sscanf(line, "size %u %lf %lf %lf %lf %lf", &s.osize, &s.promoted,
		   &s.calls, &s.bytes, &s.carved, &s.asked) != 6)
		return false;
	s.asked_runs = s.asked > 0;
	to = size_of(p, s.osize);
	*to = s;
	return true;
}

static bool read_line(struct qn_merged *p, const char *line)
{
	return *line == '#' || *line == '\n' ||
	       sscanf(line, "runs %lf", &p->runs) == 1 ||
	       sscanf(line, "peak_live %lf %lf", &p->peak_live,
		      &p->most_live) == 2 ||
	       sscanf(line, "peak_used %lf %lf", &p->peak_used,
		      &p->most_used) == 2 ||
	       sscanf(line, "allocations %lf", &p->allocations) == 1 ||
	       sscanf(line, "returned %lf %lf", &p->returned,
		      &p->wanted_back) == 2 ||
	       read_size(p, line);
}

/* Means become sums again */
static void scale(struct qn_merged *p)
{
	p->peak_live *= p->runs;
	p->peak_used *= p->runs;
	p->allocations *= p->runs;
	p->returned *= p->runs;
	p->wanted_back *= p->runs;
	for (u32 i = 0; i < p->nr; i++) {
		struct qn_merged_size *s = &p->sizes[i];

		s->promoted *= p->runs;
		s->calls *= p->runs;
		s->bytes *= p->runs;
		s->carved *= p->runs;
		s->asked *= p->runs;
		s->asked_runs *= p->runs;
	}
}

static int read_profile(struct qn_merged *m, const char *path, double weight)
{
	FILE *in = fopen(path, "r");
	struct qn_merged p;
	char line[256];
	int nr = 0, err = 0;

	qn_merged_init(&p);
	while (!err && in && fgets(line, sizeof(line), in))
		if (nr++ && !read_line(&p, line)) {
			qn_error("%s: line %d does not belong to a profile",
				 path, nr);
			err = -EBADMSG;
		}
	if (!err && (!in || !(p.runs > 0) || !(p.runs < 1e12))) {
		qn_error("%s: a profile without runs", path);
		err = -EBADMSG;
	}
	if (!err) {
		scale(&p);
		note(m, path, "a profile", p.runs * weight);
		qn_merged_add(m, &p, weight);
	}
	qn_merged_exit(&p);
	if (in)
		fclose(in);
	return err;
}

/* ---- files ---- */

int qn_merged_read(struct qn_merged *m, const char *path, double weight)
{
	static const char profile[] = QN_MERGED_LINE "\n";
	char head[sizeof(profile)] = "";
	FILE *in = fopen(path, "r");
	size_t size;

	if (!in) {
		qn_error_read(path, -errno);
		return -errno;
	}
	size = fread(head, 1, sizeof(head) - 1, in);
	fclose(in);
	if (size && (head[0] == '{' || head[0] == '['))
		return read_report(m, path, weight);
	if (!strcmp(head, profile))
		return read_profile(m, path, weight);
	return read_page(m, path, weight);
}

static int by_bytes(const void *a, const void *b)
{
	const struct qn_merged_size *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return x->osize < y->osize ? -1 : x->osize > y->osize;
}

void qn_merged_write(FILE *out, struct qn_merged *m)
{
	double runs = m->runs;
	const char *at = m->comments ? m->comments : "";

	fprintf(out, "%s\n# quern merge %d.%d.%d\n", QN_MERGED_LINE,
		QN_VERSION_MAJOR, QN_VERSION_MINOR, QN_VERSION_PATCH);
	while (*at) {
		size_t size = strcspn(at, "\n") + 1;

		fprintf(out, "# %.*s", (int)size, at);
		at += size;
	}
	fprintf(out, "runs %.17g\n", runs);
	fprintf(out, "peak_live %.17g %.17g\n", m->peak_live / runs,
		m->most_live);
	fprintf(out, "peak_used %.17g %.17g\n", m->peak_used / runs,
		m->most_used);
	fprintf(out, "allocations %.17g\n", m->allocations / runs);
	fprintf(out, "returned %.17g %.17g\n", m->returned / runs,
		m->wanted_back / runs);
	if (m->nr)
		qsort(m->sizes, m->nr, sizeof(*m->sizes), by_bytes);
	for (u32 i = 0; i < m->nr; i++) {
		const struct qn_merged_size *s = &m->sizes[i];

		fprintf(out, "size %u %.6g %.6g %.6g %.6g %.6g\n", s->osize,
			s->promoted / runs, s->calls / runs, s->bytes / runs,
			s->carved / runs,
			s->asked_runs > 0 ? s->asked / s->asked_runs : 0);
	}
}

u32 qn_merged_promoted(const struct qn_merged *m, u32 *sizes, u32 most)
{
	u32 nr = 0;

	for (u32 i = 0; i < m->nr && nr < most; i++)
		if (m->sizes[i].osize && m->sizes[i].promoted * 2 >= m->runs)
			sizes[nr++] = m->sizes[i].osize;
	return nr;
}
