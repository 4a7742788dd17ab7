// SPDX-License-Identifier: MIT
/*
 * f-page.c - statistics pages that anybody may have written: read, added up, and shown.
 *
 * Links: the reports of the command, preload/command/report, and the live views' figures.
 *
 * A page begins as a sound one; the input writes bytes into it. A report is plain text of a
 * screen, JSON can be read back, and nothing is read outside of the page. Call sites likewise.
 */
#include <errno.h>
#include <jansson.h>

#include "command/live/figures-live.h"
#include "command/report/history.h"
#include "command/report/pages.h"
#include "command/report/report.h"
#include "command/sites/sitelist.h"

#include "fuzz.h"

static struct qn_stats_page page;
static struct qn_sites_page *sites;
static char *const arguments[] = { (char *)"/usr/bin/mill", NULL };

static void sound(void)
{
	memset(&page, 0, sizeof(page));
	page.magic = QN_STATS_MAGIC;
	page.version = QN_STATS_VERSION;
	page.size = sizeof(page);
	page.state = QN_STATS_EXITED;
	page.pid = 42;
	page.start_usec = 5000000;
	page.end_usec = 7500000;
	page.nr_classes = 3;
	page.nr_changes = 1;
	memset(sites, 0, sizeof(*sites));
	sites->magic = QN_SITES_MAGIC;
	sites->version = QN_SITES_VERSION;
	sites->size = sizeof(*sites);
	sites->nr_sites = 1;
	sites->nr_modules = 1;
	sites->sites[5] = (struct qn_site){
		.hash = 5, .bytes = 100, .nr = 1, .nr_frames = 1
	};
}

/* Values that figures may stumble over */
static u64 value(struct fuzz_input *in)
{
	static const u64 edges[] = { 0,          1,          UINT64_MAX,
				     INT64_MAX,  1ull << 63, UINT32_MAX,
				     1ull << 32, 5000000 };
	uint32_t how = fuzz_byte(in);

	return how < 128 ? edges[how % ARRAY_SIZE(edges)] :
			   (u64)fuzz_u32(in) << how % 33;
}

/* Write to the page, or to its sites */
static void spoil(struct fuzz_input *in)
{
	bool in_sites = fuzz_byte(in) % 4 == 0;
	size_t size = in_sites ? sizeof(*sites) : sizeof(page);
	size_t at = fuzz_u32(in) % (size - sizeof(u64));
	u64 v = value(in);

	if (fuzz_byte(in) & 1)
		at &= ~(size_t)7;
	memcpy((in_sites ? (char *)sites : (char *)&page) + at, &v,
	       fuzz_byte(in) % 8 + 1);
}

/* ---- what is made of it ---- */

static void expect_plain(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		fuzz_expect(text[i] == '\n' ||
				    (text[i] >= ' ' && text[i] < 127),
			    "byte %d in a report", text[i]);
}

static struct qn_report report_of(struct qn_run_pages *pages,
				  struct qn_outcome *outcome)
{
	*outcome = (struct qn_outcome){ .pid = 42, .wall_usec = 2500000 };
	return (struct qn_report){ .argv = arguments,
				   .outcome = outcome,
				   .pages = pages,
				   .is_detailed = true };
}

static void report(struct qn_figures *f)
{
	struct qn_run_pages pages = {
		.figures = f, .nr = 1, .has_own = true, .own = page
	};
	struct qn_outcome outcome;
	struct qn_report r = report_of(&pages, &outcome);
	json_error_t error;
	json_t *json;
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		abort();
	qn_report_text(out, &r);
	fclose(out);
	expect_plain(text, size);
	free(text);
	out = open_memstream(&text, &size);
	if (!out)
		abort();
	qn_report_json(out, &r);
	fclose(out);
	json = json_loadb(text, size, 0, &error);
	fuzz_expect(json, "line %d: %s", error.line, error.text);
	json_decref(json);
	free(text);
}

static void expect_text(const char *text, size_t size)
{
	fuzz_expect(memchr(text, 0, size), "a text has no end");
	expect_plain(text, strlen(text));
}

static void live(void)
{
	struct qn_live_figures f = { 0 };
	struct qn_live_line line;

	for (u32 i = 0, nr = qn_live_nr_decisions(&page); i < nr; i++) {
		line = qn_live_decision(&page, i);
		expect_text(line.s, sizeof(line.s));
	}
	for (u32 i = 0, nr = qn_live_nr_choices(&page); i < nr; i++) {
		line = qn_live_choice(&page, i);
		expect_text(line.s, sizeof(line.s));
	}
	qn_live_price(&page);
	qn_live_figures(&f, &page, false);
	qn_moment_of(&page, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = fuzz_begin(data, size);
	char error[QN_PAGE_ERROR];
	static struct qn_figures f;
	size_t bytes = sizeof(page);
	uint32_t how = fuzz_byte(&in);

	if (!sites)
		sites = malloc(sizeof(*sites));
	if (!sites)
		return 0;
	sound();
	if (fuzz_byte(&in) % 16 == 0)
		bytes = fuzz_u16(&in) % (sizeof(page) + 1);
	while (fuzz_left(&in))
		spoil(&in);
	if (qn_page_check(&page, bytes, error))
		return 0;
	qn_figures_init(&f);
	qn_figures_add(&f, &page, how & 1, how & 2);
	qn_figures_add(&f, &page, how & 4, how & 8);
	if (qn_sitelist_check(sites, sizeof(*sites)))
		qn_sitelist_add(&f.sites, sites);
	qn_figures_sort(&f);
	report(&f);
	live();
	qn_figures_exit(&f);
	return 0;
}
