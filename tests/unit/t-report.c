// SPDX-License-Identifier: MIT
/*
 * t-report.c - the command's reading, adding up and reporting.
 *
 * Invariants:
 *   - a page is accepted whole or not at all, and what is wrong is said in words;
 *   - live + external + dirty + metadata is what the heap keeps resident; no
 *     difference of two figures of a torn page wraps around;
 *   - adding up pages adds every counter, merges entries of one object size, and
 *     keeps the last changes in the order of time;
 *   - a report is one screen of plain ASCII, whatever stands in the page;
 *   - a program without a page is never shown with zeroes;
 *   - what is not known is null in JSON, and the object can be read back;
 *   - pages that a process left before exec come before its last one; a page that
 *     cannot be used is mentioned and never counted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "learn/controller.h"
#include "command/report/history.h"
#include "command/report/pages.h"
#include "command/report/report.h"
#include "command/sites/people.h"
#include "command/base/text.h"
#include "../random.h"

static char text[1 << 16];
static char *const arguments[] = { "/usr/bin/mill", "--grind", NULL };

static struct qn_stats_page sound_page(void)
{
	struct qn_stats_page page = {
		.magic = QN_STATS_MAGIC,
		.version = QN_STATS_VERSION,
		.size = sizeof(page),
		.state = QN_STATS_EXITED,
		.pid = 42,
		.start_usec = 5000000,
		.end_usec = 7500000,
		.exe = "mill",
		.policy = "rule",
		.live = 700,
		.peak_live = 5000,
		.large = 200,
		.nr_large = 3,
		.large_total = 900,
		.carved = 800,
		.dirty = 50,
		.metadata = 60,
		.peak_used = 6000,
		.peak = { .usec = 10,
			  .live = 4000,
			  .large = 1000,
			  .carved = 3500,
			  .dirty = 400,
			  .metadata = 60 },
		.at_live = { .usec = 9,
			     .live = 5000,
			     .large = 1000,
			     .carved = 4200,
			     .dirty = 20,
			     .metadata = 50 },
		.refreshed = 100,
		.exact = QN_STATS_EXACT_COUNT | QN_STATS_EXACT_PEAK,
		.nr_threads_total = 1,
		.nr_samples = 9,
		.sample_ns = 2000000,
		.generation = 2,
		.nr_classes = 3,
		.nr_changes = 1,
	};

	page.classes[1] = (struct qn_stats_class){
		.osize = 32,
		.nr_allocs = 100,
		.live = 320,
		.slab = 480,
		.peak_slab = 1600,
		.requested = 24 * 16,
	};
	page.classes[2] = (struct qn_stats_class){
		.osize = 48,
		.promoted = 1,
		.nr_allocs = 10,
		.live = 180,
		.slab = 320,
		.peak_slab = 1600,
	};
	page.changes[0] = (struct qn_stats_change){
		.usec = 250000,
		.action = QN_ACTION_PROMOTE,
		.class = 2,
		.size = 48,
		.gain = 9000,
		.generation = 2,
	};
	return page;
}

/* ---- pages ---- */

static int check(struct qn_stats_page page, size_t size)
{
	char error[QN_PAGE_ERROR] = "";
	int err = qn_page_check(&page, size, error);

	assert_true(err ? *error != 0 : *error == 0);
	return err;
}

static void sound_page_is_accepted(void **unused)
{
	(void)unused;
	assert_int_equal(check(sound_page(), sizeof(struct qn_stats_page)), 0);
}

static void truncated_page_is_refused(void **unused)
{
	struct qn_stats_page page = sound_page();
	size_t size;

	(void)unused;
	assert_int_equal(check(page, 0), -ENODATA);
	for (size = 1; size < sizeof(page); size++)
		assert_int_equal(check(page, size), -EBADMSG);
}

static void blank_page_is_no_page(void **unused)
{
	struct qn_stats_page page = { 0 };

	(void)unused;
	assert_int_equal(check(page, sizeof(page)), -ENODATA);
}

static void damaged_page_is_refused(void **unused)
{
	struct qn_stats_page page = sound_page();

	(void)unused;
	page.magic ^= 1;
	assert_int_equal(check(page, sizeof(page)), -EBADMSG);
	page = sound_page();
	page.size++;
	assert_int_equal(check(page, sizeof(page)), -EBADMSG);
	page = sound_page();
	page.state = 77;
	assert_int_equal(check(page, sizeof(page)), -EBADMSG);
}

static void other_version_is_named(void **unused)
{
	struct qn_stats_page page = sound_page();
	char error[QN_PAGE_ERROR];

	(void)unused;
	page.version = 977;
	page.size = 100;
	assert_int_equal(qn_page_check(&page, sizeof(page), error),
			 -EPROTONOSUPPORT);
	assert_non_null(strstr(error, "977"));
}

static void names_are_terminated(void **unused)
{
	struct qn_stats_page page = sound_page();
	char error[QN_PAGE_ERROR];

	(void)unused;
	memset(page.exe, 'x', sizeof(page.exe));
	memset(page.policy, 'y', sizeof(page.policy));
	assert_int_equal(qn_page_check(&page, sizeof(page), error), 0);
	assert_int_equal(strlen(page.exe), sizeof(page.exe) - 1);
	assert_int_equal(strlen(page.policy), sizeof(page.policy) - 1);
}

/* ---- figures ---- */

static struct qn_figures figures_of(const struct qn_stats_page *page)
{
	struct qn_figures f;

	qn_figures_init(&f);
	qn_figures_add(&f, page, false, false);
	return f;
}

static void waste_is_split(void **unused)
{
	struct qn_stats_page page = sound_page();
	struct qn_figures f = figures_of(&page);

	(void)unused;
	/* 500 bytes live in slabs of 800; a quarter of each object is rounding */
	assert_true(f.sampled);
	assert_int_equal(f.at_end.live, 700);
	assert_int_equal(f.at_end.internal, 125);
	assert_int_equal(f.at_end.external, 300);
	assert_int_equal(f.at_end.dirty, 50);
	assert_int_equal(f.at_end.metadata, 60);
	assert_int_equal(qn_use_total(&f.at_end), 700 + 300 + 50 + 60);
	assert_int_equal(f.at_resident.external, 500);
	assert_int_equal(f.at_resident.internal, 750);
	assert_int_equal(qn_use_total(&f.at_resident), 4000 + 500 + 400 + 60);
	assert_int_equal(f.at_peak.live, 5000);
	assert_int_equal(f.at_peak.external, 200);
	assert_int_equal(qn_use_total(&f.at_peak), 5000 + 200 + 20 + 50);
	assert_int_equal(f.nr_allocs, 113);
	qn_figures_exit(&f);
}

/* What is live now has not fallen since its peak: then the end is the peak */
static void peak_may_be_the_end(void **unused)
{
	struct qn_stats_page page = sound_page();
	struct qn_figures f;

	(void)unused;
	page.live = 9000;
	page.peak_live = 9000;
	page.large = 8500;
	f = figures_of(&page);
	assert_int_equal(f.at_peak.live, 9000);
	assert_int_equal(f.at_peak.dirty, 50);
	qn_figures_exit(&f);
}

/* Of a program that was killed not all frees are known, but its peak is */
static void no_more_is_live_than_ever(void **unused)
{
	struct qn_stats_page page = sound_page();
	struct qn_figures f;

	(void)unused;
	page.state = QN_STATS_RUNNING;
	page.live = 9000;
	f = figures_of(&page);
	assert_int_equal(f.at_end.live, 5000);
	qn_figures_exit(&f);
	page.exact = QN_STATS_EXACT_COUNT;
	f = figures_of(&page);
	assert_int_equal(f.at_end.live, 9000);
	qn_figures_exit(&f);
}

static void torn_page_does_not_wrap(void **unused)
{
	struct qn_stats_page page = sound_page();
	struct qn_figures f;

	(void)unused;
	page.live = 100000;
	page.large = 200000;
	page.classes[1].requested = 500 * 16;
	f = figures_of(&page);
	assert_int_equal(f.at_end.external, 800);
	assert_int_equal(f.at_end.internal, 0);
	qn_figures_exit(&f);
}

static void without_samples_rounding_is_unknown(void **unused)
{
	struct qn_stats_page page = sound_page();
	struct qn_figures f;

	(void)unused;
	page.classes[1].requested = 0;
	f = figures_of(&page);
	assert_false(f.sampled);
	qn_figures_exit(&f);
}

static void pages_add_up(void **unused)
{
	struct qn_stats_page a = sound_page(), b = sound_page();
	struct qn_figures f = figures_of(&a);
	struct qn_entry total;

	(void)unused;
	b.pid = 43;
	b.start_usec = 4000000;
	b.classes[3] = b.classes[1];
	b.classes[3].osize = 64;
	qn_figures_add(&f, &b, false, false);
	total = qn_figures_total(&f);
	assert_int_equal(f.nr_processes, 2);
	assert_int_equal(f.nr_entries, 4);
	assert_int_equal(f.nr_allocs, 113 + 213);
	assert_int_equal(total.nr_allocs, f.nr_allocs);
	assert_int_equal(f.peak_live, 10000);
	assert_int_equal(f.start_usec, 4000000);
	assert_int_equal(f.events[0].usec, 4250000);
	assert_int_equal(f.events[1].usec, 5250000);
	qn_figures_exit(&f);
}

static void last_changes_are_kept(void **unused)
{
	struct qn_stats_page page = sound_page();
	struct qn_figures f;
	unsigned int i;

	(void)unused;
	page.nr_changes = QN_STATS_CHANGES + 72;
	for (i = 72; i < page.nr_changes; i++)
		page.changes[i % QN_STATS_CHANGES] =
			(struct qn_stats_change){ .usec = i, .generation = i };
	f = figures_of(&page);
	assert_int_equal(f.nr_changes, QN_STATS_CHANGES + 72);
	assert_int_equal(f.nr_events, QN_STATS_CHANGES);
	for (i = 0; i < f.nr_events; i++)
		assert_int_equal(f.events[i].change.generation, 72 + i);
	page.start_usec += 1000;
	qn_figures_add(&f, &page, false, false);
	assert_int_equal(f.nr_events, QN_STATS_CHANGES);
	assert_int_equal(f.events[0].usec, 5001000 + 72);
	page.start_usec -= 3000;
	qn_figures_add(&f, &page, false, false);
	assert_int_equal(f.nr_events, QN_STATS_CHANGES);
	assert_int_equal(f.events[0].usec, 5001000 + 72);
	qn_figures_exit(&f);
}

static struct qn_stats_page choosing_page(void)
{
	struct qn_stats_page page = sound_page();

	page.decisions = (struct qn_stats_decisions){
		.nr = QN_STATS_DECISIONS + 3,
		.nr_departed = 7,
		.nr_changes = 4,
		.nr_reverts = 1,
	};
	for (u32 i = 3; i < page.decisions.nr; i++)
		page.decisions.last[i % QN_STATS_DECISIONS] =
			(struct qn_stats_decision){ .usec = i * 1000000,
						    .cost = 512,
						    .gain = -256,
						    .action = 4,
						    .preset = 1,
						    .in = { (s8)i, -127 } };
	return page;
}

static void last_choices_are_kept(void **unused)
{
	struct qn_stats_page page = choosing_page(), other = sound_page();
	struct qn_figures f = figures_of(&page);

	(void)unused;
	other.decisions.nr = 2;
	other.decisions.nr_departed = 1;
	qn_figures_add(&f, &other, false, false);
	assert_int_equal(f.decisions.nr, QN_STATS_DECISIONS + 5);
	assert_int_equal(f.decisions.nr_departed, 8);
	assert_int_equal(qn_figures_nr_decisions(&f), QN_STATS_DECISIONS);
	for (unsigned int i = 0; i < QN_STATS_DECISIONS; i++)
		assert_int_equal(qn_figures_decision(&f, i)->usec,
				 (3 + i) * 1000000);
	qn_figures_exit(&f);
}

static void entries_that_matter_come_first(void **unused)
{
	struct qn_stats_page page = sound_page();
	struct qn_figures f;

	(void)unused;
	page.classes[2].nr_allocs = 1000000;
	page.classes[2].peak_slab = 1000000;
	f = figures_of(&page);
	qn_figures_sort(&f);
	assert_int_equal(f.entries[0].osize, 48);
	assert_int_equal(f.nr_entries, 3);
	qn_figures_exit(&f);
}

/* ---- text ---- */

static bool is_detailed = true;
static long resident_kib = 4096;
static unsigned int most_lines = 2 * QN_REPORT_LINES;

/* Blocks of lines, an empty line between them; checks each for one screen or two */
static unsigned int count_screens(const char *report)
{
	unsigned int screens = 1, lines = 0;

	while (*report) {
		size_t size = strcspn(report, "\n"), i;

		for (i = 0; i < size; i++)
			assert_true(report[i] >= ' ' && report[i] <= '~');
		assert_true(size <= QN_TEXT_COLUMNS);
		assert_int_equal(report[size], '\n');
		lines = size ? lines + 1 : 0;
		screens += !size;
		assert_true(lines <= most_lines);
		report += size + 1;
	}
	return screens;
}

static void report_pages(const struct qn_run_pages *pages, int status)
{
	struct qn_outcome outcome = { .pid = 42,
				      .status = status,
				      .wall_usec = 2500000,
				      .usage = { .ru_utime = { 1, 0 },
						 .ru_maxrss = resident_kib } };
	struct qn_report report = { .argv = arguments,
				    .outcome = &outcome,
				    .pages = pages,
				    .is_detailed = is_detailed,
				    .obstacle = "It is made of stone." };
	FILE *out = fmemopen(text, sizeof(text), "w");

	memset(text, 0, sizeof(text));
	qn_report_text(out, &report);
	fclose(out);
}

static void report_page(const struct qn_stats_page *page, int status)
{
	struct qn_figures f = figures_of(page);
	struct qn_run_pages pages = {
		.figures = &f, .nr = 1, .has_own = true, .own = *page
	};

	qn_figures_sort(&f);
	report_pages(&pages, status);
	qn_figures_exit(&f);
}

static void report_says_what_happened(void **unused)
{
	struct qn_stats_page page = sound_page();

	(void)unused;
	report_page(&page, 3 << 8);
	count_screens(text);
	assert_non_null(strstr(text, "mill (pid 42) exited with status 3\n"));
	assert_non_null(strstr(text, "2.500 s; CPU 1.000 s"));
	assert_non_null(strstr(text, "4.00 MiB"));
	assert_non_null(strstr(text, "113 allocations;"));
	assert_non_null(strstr(text, "48 *"));
	assert_non_null(strstr(text, "250 ms  48 B got a size of its own"));
	assert_non_null(strstr(text, "about 2.00 ms, 0.2 % of the CPU time"));
	report_page(&page, SIGKILL);
	assert_non_null(strstr(text, "was ended by signal 9"));
}

/* A page of ten epochs */
static struct qn_stats_page moving_page(void)
{
	struct qn_stats_page page = sound_page();

	page.trend = (struct qn_stats_trend){
		.nr_epochs = 10,
		.nr_growing = 6,
		.nr_shrinking = 3,
		.shift = QN_STATS_ONE / 8,
		.most_shift = QN_STATS_ONE / 2,
		.live_of_peak = QN_STATS_ONE / 5,
		.live_slope = -(3 << 20) * 256 / 2,
		.peak_slope = 256,
		.purged_slope = 512,
		.refaults_slope = 128,
		.waste = { .dirty = QN_STATS_ONE / 4 },
		.sum_shift = QN_STATS_ONE,
		.sum_live_of_peak = 8 * QN_STATS_ONE,
		.sum_waste = { .internal = QN_STATS_ONE / 2,
			       .external = QN_STATS_ONE * 2,
			       .dirty = QN_STATS_ONE * 3,
			       .metadata = QN_STATS_ONE / 4 },
	};
	page.lives[2] = (struct qn_stats_life){
		.by_bytes = { 1000, 3000 },
		.nr_ended = 4,
		.nr_grown = 2,
		.grown_from = 200,
		.grown_to = 300,
	};
	return page;
}

static void trend_is_told(void **unused)
{
	struct qn_stats_page page = sound_page();

	(void)unused;
	report_page(&page, 0);
	assert_null(strstr(text, "trend"));
	assert_null(strstr(text, "lives"));
	page = moving_page();
	report_page(&page, 0);
	count_screens(text);
	assert_non_null(strstr(
		text, "\ntrend       live grew in 6 of 10 epochs, shrank in 3; "
		      "80.0 % of its peak\n"));
	assert_non_null(strstr(text, "by -1.50 MiB an epoch; sizes moved "
				     "10.0 %, at most 50.0 %\n"));
	assert_non_null(strstr(text, "\nwaste       internal 5.0 %, external "
				     "20.0 %, dirty 30.0 %, metadata 2.5 %\n"));
	assert_non_null(strstr(text, "2 grew, to 150.0 %\n"));
}

static void trends_add_up(void **unused)
{
	struct qn_stats_page page = moving_page();
	struct qn_figures f = figures_of(&page);

	(void)unused;
	assert_int_equal(f.trend.shift, QN_STATS_ONE / 8);
	page.trend.most_shift *= 2;
	page.trend.live_slope = INT64_MAX;
	qn_figures_add(&f, &page, false, false);
	assert_int_equal(f.trend.nr_epochs, 20);
	assert_int_equal(f.trend.nr_growing, 12);
	assert_int_equal(f.trend.most_shift, QN_STATS_ONE);
	assert_int_equal(f.trend.sum_shift, 2 * QN_STATS_ONE);
	assert_int_equal(f.trend.sum_waste.dirty, 6 * QN_STATS_ONE);
	assert_int_equal(f.trend.peak_slope, 512);
	assert_int_equal(qn_figures_lives(&f).grown_to, 600);
	qn_figures_exit(&f);
}

/* The row of the moment when most was live is not that of the largest footprint */
static void both_peaks_are_told(void **unused)
{
	struct qn_stats_page page = sound_page();

	(void)unused;
	page.peak.dirty = 4000;
	report_page(&page, 0);
	assert_non_null(strstr(text, "\nmost in use   4.88 KiB "));
	assert_non_null(strstr(text, "\nmost memory   3.91 KiB "));
	assert_non_null(strstr(text, "\nat the end       700 B "));
	page.peak = page.at_live;
	report_page(&page, 0);
	assert_null(strstr(text, "most memory"));
}

/* How often a word stands in the report */
static unsigned int count_word(const char *word)
{
	unsigned int nr = 0;
	const char *at = text;

	while ((at = strstr(at, word))) {
		nr++;
		at += strlen(word);
	}
	return nr;
}

static void estimates_are_marked(void **unused)
{
	struct qn_stats_page page = sound_page();

	(void)unused;
	report_page(&page, 0);
	assert_non_null(strstr(
		text,
		"calls       113 allocations; 4.88 KiB in use at most\n"));
	page.exact = QN_STATS_EXACT_COUNT;
	report_page(&page, 0);
	assert_non_null(strstr(
		text, "113 allocations; about 4.88 KiB in use at most\n"));
	page.exact = 0;
	report_page(&page, 0);
	assert_non_null(strstr(
		text,
		"about 113 allocations; about 4.88 KiB in use at most\n"));
}

/* A program that was too short for anything but a few calls of malloc */
static void nothing_is_told_of_nothing(void **unused)
{
	struct qn_stats_page page = sound_page();

	(void)unused;
	page.nr_samples = 0;
	page.nr_slices = 0;
	page.sample_ns = 0;
	page.classes[1].requested = 0;
	page.classes[1].live = 0;
	page.classes[2].live = 0;
	page.live = page.large = page.large_total = page.nr_large = 0;
	page.peak.large = 0;
	page.classes[3] = (struct qn_stats_class){ .osize = 64 };
	report_page(&page, 0);
	assert_null(strstr(text, "measuring"));
	assert_null(strstr(text, "returned"));
	assert_null(strstr(text, "pressure"));
	assert_null(strstr(text, "asked for"));
	assert_null(strstr(text, "(internal)"));
	assert_null(strstr(text, "  64 "));
	/* In no table but the one that tells what was live at its peak */
	assert_int_equal(count_word("  live"), 1);
	assert_non_null(strstr(text, "3 sizes, 2 used, 1 made by"));
	page.nr_purges = 1;
	page.nr_slices = 1;
	report_page(&page, 0);
	assert_non_null(strstr(text, "returned"));
	assert_non_null(strstr(text, "measuring"));
}

/* Who said most, and how it ended; a file may say anything */
static void pressure_is_shown(void **unused)
{
	struct qn_stats_page page = sound_page();

	(void)unused;
	page.pressure = 256;
	page.most_pressure = 896;
	page.pressure_source = QN_STATS_PRESSURE_CGROUP;
	report_page(&page, 0);
	assert_non_null(strstr(
		text, "pressure    0.88 at most (cgroup), 0.25 at last\n"));
	page.most_pressure = 4096;
	page.pressure_source = 1000;
	report_page(&page, 0);
	assert_non_null(strstr(
		text, "pressure    1.00 at most (nobody), 0.25 at last\n"));
}

/* Killed before its figures were brought up to date even once */
static void unknown_is_no_zero(void **unused)
{
	struct qn_stats_page page = sound_page();

	(void)unused;
	page.state = QN_STATS_RUNNING;
	page.refreshed = 0;
	page.dirty = page.metadata = page.carved = 0;
	page.at_live = page.peak = (struct qn_stats_use){ 0 };
	report_page(&page, SIGKILL);
	assert_null(strstr(text, " 0 B"));
	assert_non_null(strstr(text, "\nas recorded      700 B      125 B"
				     "      300 B    unknown    unknown"));
}

static void unfinished_program_is_marked(void **unused)
{
	struct qn_stats_page page = sound_page();

	(void)unused;
	page.state = QN_STATS_RUNNING;
	report_page(&page, SIGKILL);
	assert_non_null(strstr(text, "in use at most (last known)\n"));
}

/* A page that somebody who never heard of quern can read; the figures add up */
static struct qn_stats_page plain_page(void)
{
	struct qn_stats_page page = sound_page();

	page.peak = (struct qn_stats_use){ .usec = 1,
					   .live = 40 << 20,
					   .large = 40 << 20,
					   .carved = 5 << 20,
					   .dirty = 2 << 20,
					   .metadata = 1 << 20 };
	return page;
}

static void report_resident(const struct qn_stats_page *page, long kib)
{
	struct qn_figures f = figures_of(page);
	struct qn_run_pages pages = {
		.figures = &f, .nr = 1, .has_own = true, .own = *page
	};

	resident_kib = kib;
	is_detailed = false;
	most_lines = QN_REPORT_LINES;
	report_pages(&pages, 0);
	count_screens(text);
	resident_kib = 4096;
	is_detailed = true;
	most_lines = 2 * QN_REPORT_LINES;
	qn_figures_exit(&f);
}

static void heap_is_told_in_words(void **unused)
{
	struct qn_stats_page page = plain_page();

	(void)unused;
	report_resident(&page, 60 << 10);
	assert_non_null(strstr(text,
			       "\nmemory      60.0 MiB at its peak: heap "
			       "48.0 MiB, outside of the heap 12.0 MiB\n"));
	assert_non_null(strstr(text,
			       "\n  in use by the program                 "
			       "40.0 MiB       700 B\n"));
	assert_non_null(strstr(text,
			       "\n  free, pinned by blocks in use         "
			       "5.00 MiB       300 B\n"));
	assert_non_null(strstr(text,
			       "\n  free, kept for reuse                  "
			       "2.00 MiB        50 B  dirty:0 returns it\n"));
	assert_non_null(strstr(text,
			       "\n  quern itself                          "
			       "1.00 MiB        60 B\n"));
	assert_non_null(strstr(text,
			       "\n  together                              "
			       "48.0 MiB    1.08 KiB\n"));
	assert_null(strstr(text, "ADVICE"));
	assert_null(strstr(text, "object size"));
	/* A child of it was larger */
	page.peak_resident = 50 << 20;
	report_resident(&page, 60 << 10);
	assert_non_null(strstr(text,
			       "\nmemory      50.0 MiB at its peak: heap "
			       "48.0 MiB, outside of the heap 2.00 MiB\n"));
	page.peak_resident = 0;
	/* More than the process ever had in memory */
	report_resident(&page, 40 << 10);
	assert_non_null(strstr(text, "\nmemory      40.0 MiB at its peak; the "
				     "heap's 48.0 MiB were not all touched\n"));
}

static void one_conclusion_is_drawn(void **unused)
{
	struct qn_stats_page page = plain_page();

	(void)unused;
	report_resident(&page, 200 << 10);
	assert_non_null(strstr(text,
			       "\nADVICE      most memory is not malloc's: "
			       "152 MiB of 200 MiB"));
	/* Of one that did not end in order they may be another program's */
	page.state = QN_STATS_RUNNING;
	report_resident(&page, 200 << 10);
	assert_null(strstr(text, "ADVICE"));
	assert_non_null(strstr(text, "\nnote        the program ended by"));
	report_resident(&page, 50 << 10);
	assert_null(strstr(text, "\nnote"));
	page.state = QN_STATS_EXITED;
	page.purged = 100 << 20;
	page.nr_purges = 7;
	page.refaults = 24 << 20;
	report_resident(&page, 60 << 10);
	assert_null(strstr(text, "ADVICE"));
	page.refaults = 50 << 20;
	report_resident(&page, 60 << 10);
	assert_non_null(strstr(text, "\nADVICE      50.0 MiB of the 100 MiB"));
	assert_non_null(strstr(text, "--conf=dirty:64M"));
	page.refaults = 0;
	page.peak.dirty = 30 << 20;
	report_resident(&page, 100 << 10);
	assert_non_null(
		strstr(text, "\nADVICE      30.0 MiB of the heap were free"));
	page.peak.dirty = 0;
	page.changes[0].gain = 3 << 20;
	report_resident(&page, 60 << 10);
	assert_non_null(
		strstr(text, "\nADVICE      1 size that the program asks"));
}

static void fill_extreme(struct qn_stats_page *page)
{
	unsigned int i;

	memset((char *)page + offsetof(struct qn_stats_page, start_usec), 0xff,
	       sizeof(*page) - offsetof(struct qn_stats_page, start_usec));
	memset(page->exe, '\033', sizeof(page->exe) - 1);
	page->exe[sizeof(page->exe) - 1] = 0;
	page->policy[sizeof(page->policy) - 1] = 0;
	for (i = 0; i < QN_STATS_CLASSES; i++)
		page->classes[i].osize = 16 * (i + 1);
}

static void extreme_figures_fit_the_screen(void **unused)
{
	struct qn_stats_page page = sound_page();

	(void)unused;
	fill_extreme(&page);
	page.engine.name[sizeof(page.engine.name) - 1] = 0;
	/* Figures are not cut: a line of absurd ones goes on below */
	most_lines *= 2;
	report_page(&page, 0);
	assert_int_equal(count_screens(text), 1);
	page.engine.name[0] = 0;
	report_page(&page, 0);
	assert_int_equal(count_screens(text), 1);
	most_lines /= 2;
	assert_non_null(strstr(text, "others"));
}

static void choices_are_told(void **unused)
{
	struct qn_stats_page page = choosing_page();

	(void)unused;
	report_page(&page, 0);
	assert_int_equal(count_screens(text), 1);
	assert_non_null(strstr(text,
			       "presets     19 choices, 7 not the rule's; "
			       "4 changes, 1 back to it\n"));
	assert_non_null(strstr(text, "lean (chose long, shadow): "
				     "cost 50.0 %, gain -25.0 %\n"));
	page = sound_page();
	report_page(&page, 0);
	assert_null(strstr(text, "presets"));
}

/* Which engine it was, and what it served beside what quern would have */
static void engine_is_compared(void **unused)
{
	struct qn_stats_page page = sound_page();

	(void)unused;
	page.engine = (struct qn_stats_engine){
		.name = "buddy",
		.asked = 1000,
		.served = 1500,
		.by_table = 1100,
		.size = 1 << 20,
	};
	report_page(&page, 0);
	assert_non_null(strstr(text, "engine      buddy, Knuth's "));
	assert_non_null(strstr(text, "100.0 %"));
	assert_non_null(strstr(text, "150.0 %"));
	assert_non_null(strstr(text, "110.0 %"));
	assert_null(strstr(text, "controller"));
	strcpy(page.engine.name, "mangle");
	report_page(&page, 0);
	assert_non_null(strstr(text, "mangle, which is not known here"));
}

static void random_pages_do_no_harm(void **unused)
{
	struct qn_stats_page page, sound = sound_page();
	char error[QN_PAGE_ERROR];
	u32 state = 7, round, i;

	(void)unused;
	most_lines *= 2;
	for (round = 0; round < 2000; round++) {
		page = sound;
		for (i = 0; i < 1 + round % 4000; i++)
			((unsigned char *)&page)[random_next(&state) %
						 sizeof(page)] =
				(unsigned char)random_next(&state);
		page.magic = QN_STATS_MAGIC;
		page.version = QN_STATS_VERSION;
		page.size = sizeof(page);
		page.state = QN_STATS_RUNNING;
		assert_int_equal(qn_page_check(&page, sizeof(page), error), 0);
		report_page(&page, 0);
		assert_int_equal(count_screens(text), 1);
	}
	most_lines /= 2;
}

static void absent_page_is_explained(void **unused)
{
	struct qn_run_pages pages = { 0 };

	(void)unused;
	report_pages(&pages, 0);
	assert_non_null(strstr(text, "no heap     It is made of stone.\n"));
	assert_null(strstr(text, "allocations"));
	assert_int_equal(count_screens(text), 1);
}

static void silent_heap_is_explained(void **unused)
{
	struct qn_stats_page page = sound_page();

	(void)unused;
	memset(page.classes, 0, sizeof(page.classes));
	page.nr_large = 0;
	report_page(&page, 0);
	assert_non_null(strstr(text, "nothing was allocated through quern"));
	assert_null(strstr(text, "object size"));
}

/* ---- JSON ---- */

static json_t *report_as_json(const struct qn_run_pages *pages)
{
	struct qn_outcome outcome = { .pid = 42, .status = SIGTERM };
	struct qn_report report = { .argv = arguments,
				    .outcome = &outcome,
				    .pages = pages,
				    .is_detailed = is_detailed,
				    .obstacle = "It is made of stone." };
	FILE *out = fmemopen(text, sizeof(text), "w");
	json_t *object;

	memset(text, 0, sizeof(text));
	qn_report_json(out, &report);
	fclose(out);
	object = json_loads(text, 0, NULL);
	assert_non_null(object);
	return object;
}

static json_t *json_at(json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	assert_non_null(value);
	return value;
}

static void json_has_the_figures(void **unused)
{
	struct qn_stats_page page = sound_page();
	struct qn_figures f = figures_of(&page);
	struct qn_run_pages pages = { .figures = &f, .nr = 1, .has_own = true };
	json_t *o = report_as_json(&pages), *heap, *entries;

	(void)unused;
	heap = json_array_get(json_at(o, "heaps"), 0);
	entries = json_at(json_at(heap, "table"), "entries");
	assert_int_equal(json_integer_value(json_at(o, "format")), 1);
	assert_int_equal(
		json_integer_value(json_at(json_at(o, "status"), "signal")),
		SIGTERM);
	assert_true(json_is_null(json_at(json_at(o, "status"), "exit")));
	assert_true(json_is_null(json_at(o, "obstacle")));
	assert_int_equal(json_integer_value(json_at(heap, "allocations")), 113);
	assert_int_equal(json_integer_value(
				 json_at(json_at(heap, "at_end"), "external")),
			 300);
	assert_int_equal(json_array_size(entries), 3);
	assert_true(json_is_null(
		json_at(json_array_get(entries, 1), "mean_requested")));
	json_decref(o);
	qn_figures_exit(&f);
}

static void json_has_the_choices(void **unused)
{
	struct qn_stats_page page = choosing_page();
	struct qn_figures f = figures_of(&page);
	struct qn_run_pages pages = { .figures = &f, .nr = 1, .has_own = true };
	json_t *o = report_as_json(&pages), *controller, *last, *first;

	(void)unused;
	controller =
		json_at(json_array_get(json_at(o, "heaps"), 0), "controller");
	last = json_at(json_at(controller, "presets"), "last");
	assert_int_equal(json_array_size(last), QN_STATS_DECISIONS);
	first = json_array_get(last, 0);
	assert_string_equal(json_string_value(json_at(first, "chosen")),
			    "long");
	assert_string_equal(json_string_value(json_at(first, "in_force")),
			    "lean");
	assert_int_equal(json_array_size(json_at(first, "inputs")),
			 QN_STATS_INPUTS);
	assert_int_equal(
		json_integer_value(json_array_get(json_at(first, "inputs"), 0)),
		3);
	json_decref(o);
	qn_figures_exit(&f);
}

static void json_has_the_engine(void **unused)
{
	struct qn_stats_page page = sound_page();
	struct qn_figures f;
	struct qn_run_pages pages = { .figures = &f, .nr = 1, .has_own = true };
	json_t *o, *e;

	(void)unused;
	strcpy(page.engine.name, "boundary");
	page.engine.by_table = 1100;
	f = figures_of(&page);
	o = report_as_json(&pages);
	e = json_at(json_array_get(json_at(o, "heaps"), 0), "engine");
	assert_string_equal(json_string_value(json_at(e, "name")), "boundary");
	assert_int_equal(json_integer_value(json_at(e, "quern_would_serve")),
			 1100);
	json_decref(o);
	qn_figures_exit(&f);
}

static double json_number(json_t *object, const char *key)
{
	return json_number_value(json_at(object, key));
}

static void json_has_the_pressure(void **unused)
{
	struct qn_stats_page page = sound_page();
	struct qn_figures f;
	struct qn_run_pages pages = { .figures = &f, .nr = 1, .has_own = true };
	json_t *o, *level;

	(void)unused;
	page.pressure = 512;
	page.most_pressure = 1024;
	page.pressure_source = QN_STATS_PRESSURE_STALLS;
	f = figures_of(&page);
	o = report_as_json(&pages);
	level = json_at(json_array_get(json_at(o, "heaps"), 0), "pressure");
	assert_true(json_number(level, "now") == 0.5);
	assert_true(json_number(level, "highest") == 1);
	assert_string_equal(json_string_value(json_at(level, "from")),
			    "stalls");
	json_decref(o);
	qn_figures_exit(&f);
}

static void json_has_the_trend(void **unused)
{
	struct qn_stats_page page = moving_page();
	struct qn_figures f = figures_of(&page);
	struct qn_run_pages pages = { .figures = &f, .nr = 1, .has_own = true };
	json_t *o = report_as_json(&pages), *t, *life;

	(void)unused;
	t = json_at(json_array_get(json_at(o, "heaps"), 0), "trend");
	assert_int_equal(json_integer_value(json_at(t, "epochs")), 10);
	assert_int_equal(json_integer_value(json_at(t, "growing")), 6);
	assert_int_equal(json_integer_value(json_at(t, "shrinking")), 3);
	assert_true(json_number(t, "epoch_seconds") == QN_TREND_MS / 1e3);
	assert_true(json_number(t, "live_slope") == -1.5 * (1 << 20));
	assert_true(json_number(t, "peak_slope") == 1);
	assert_true(json_number(t, "returned_slope") == 2);
	assert_true(json_number(t, "wanted_back_slope") == 0.5);
	assert_true(json_number(t, "shift") == 0.125);
	assert_true(json_number(t, "shift_most") == 0.5);
	assert_true(json_number(t, "shift_mean") == 0.1);
	assert_true(json_number(t, "live_of_peak_mean") == 0.8);
	assert_true(json_number(json_at(t, "waste"), "dirty") == 0.25);
	assert_true(json_number(json_at(t, "waste_mean"), "external") == 0.2);
	life = json_array_get(
		json_at(json_at(json_array_get(json_at(o, "heaps"), 0),
				"lives"),
			"sizes"),
		2);
	assert_int_equal(json_integer_value(json_at(life, "grown_from")), 200);
	assert_int_equal(json_integer_value(json_at(life, "grown_to")), 300);
	json_decref(o);
	/* Of several programs nobody knows which was the last epoch */
	qn_figures_add(&f, &page, false, false);
	o = report_as_json(&pages);
	t = json_at(json_array_get(json_at(o, "heaps"), 0), "trend");
	assert_true(json_is_null(json_at(t, "shift")));
	assert_true(json_number(t, "shift_mean") == 0.1);
	json_decref(o);
	qn_figures_exit(&f);
}

static void json_has_null_for_unknown(void **unused)
{
	struct qn_stats_page page = sound_page();
	struct qn_run_pages pages = { .nr = 1, .has_own = true };
	struct qn_figures f;
	json_t *o, *heap;

	(void)unused;
	page.classes[1].requested = 0;
	page.peak.usec = 0;
	page.end_usec = 0;
	f = figures_of(&page);
	pages.figures = &f;
	o = report_as_json(&pages);
	heap = json_array_get(json_at(o, "heaps"), 0);
	assert_true(json_is_null(json_at(heap, "trend")));
	assert_true(json_is_null(json_at(heap, "wall_seconds")));
	assert_true(json_is_null(json_at(json_at(heap, "at_end"), "internal")));
	json_decref(o);
	qn_figures_exit(&f);
}

static void json_of_absent_page(void **unused)
{
	struct qn_run_pages pages = { 0 };
	json_t *o = report_as_json(&pages);

	(void)unused;
	assert_true(json_is_false(json_at(o, "library_loaded")));
	assert_string_equal(json_string_value(json_at(o, "obstacle")),
			    "It is made of stone.");
	assert_int_equal(json_array_size(json_at(o, "heaps")), 0);
	json_decref(o);
}

/* ---- directories ---- */

static void put_file(const char *dir, const char *name, const void *data,
		     size_t size)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, size, f), size);
	fclose(f);
}

/* A pid that no process has: of a child that is gone */
static pid_t dead_pid(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
	return pid;
}

/*
 * The program 42 that was sh before, a child that is gone, one that runs (this
 * process), and three files that are no use
 */
static char *make_dir(pid_t dead)
{
	struct qn_stats_page page = sound_page();
	char *dir = qn_pages_make_dir(), name[64];

	assert_non_null(dir);
	put_file(dir, "42.1.qstat", &page, sizeof(page));
	page.start_usec -= 1000;
	strcpy(page.exe, "sh");
	page.state = QN_STATS_RUNNING;
	put_file(dir, "42.qstat", &page, sizeof(page));
	page.start_usec += 5000;
	page.pid = (u32)dead;
	strcpy(page.exe, "child");
	snprintf(name, sizeof(name), "%d.qstat", (int)dead);
	put_file(dir, name, &page, sizeof(page));
	page.pid = (u32)getpid();
	strcpy(page.exe, "daemon");
	snprintf(name, sizeof(name), "%d.qstat", (int)getpid());
	put_file(dir, name, &page, sizeof(page));
	put_file(dir, "7.qstat", &page, 100);
	put_file(dir, "8.qstat", "", 0);
	put_file(dir, "notes", "abc", 3);
	return dir;
}

static void collect(struct qn_run_pages *r, const char *dir,
		    enum qn_children children)
{
	assert_int_equal(qn_pages_open(r, dir, true, children), 0);
	r->root = 42;
	qn_pages_collect(r);
	assert_true(r->has_own);
	assert_int_equal(r->nr_execs, 1);
	assert_string_equal(r->own.exe, "mill");
}

static void leave_dir(struct qn_run_pages *r, char *dir)
{
	assert_int_equal(unlinkat(r->dir, "notes", 0), 0);
	qn_pages_close(r);
	assert_int_equal(access(dir, F_OK), -1);
	free(dir);
}

static void directory_is_summed(void **unused)
{
	char *dir = make_dir(dead_pid());
	struct qn_run_pages r;

	(void)unused;
	collect(&r, dir, QN_CHILDREN_SUM);
	assert_int_equal(r.nr, 1);
	assert_string_equal(r.figures[0].exe, "mill");
	assert_int_equal(r.figures[0].nr_programs, 4);
	assert_int_equal(r.figures[0].nr_processes, 3);
	assert_int_equal(r.figures[0].nr_running, 1);
	assert_int_equal(r.figures[0].nr_allocs, 4 * 113);
	assert_int_equal(r.nr_unread, 1);
	assert_non_null(strstr(r.note, "7.qstat is cut off"));
	report_pages(&r, 0);
	assert_int_equal(count_screens(text), 1);
	assert_non_null(strstr(text, "3, with 1 exec; "));
	assert_non_null(strstr(text, "1 still running"));
	assert_non_null(strstr(text, "7.qstat is cut off"));
	leave_dir(&r, dir);
}

static void directory_is_listed(void **unused)
{
	char *dir = make_dir(dead_pid());
	struct qn_run_pages r;

	(void)unused;
	collect(&r, dir, QN_CHILDREN_EACH);
	assert_int_equal(r.nr, 4);
	assert_string_equal(r.figures[0].exe, "mill");
	assert_string_equal(r.figures[1].exe, "sh");
	assert_true(r.figures[1].replaced);
	report_pages(&r, 0);
	assert_int_equal(count_screens(text), 4);
	assert_non_null(strstr(text, "quern: sh (pid 42) became another"));
	assert_non_null(strstr(text, "quern: daemon"));
	leave_dir(&r, dir);
}

static void children_are_left_out(void **unused)
{
	char *dir = make_dir(dead_pid());
	struct qn_run_pages r;

	(void)unused;
	collect(&r, dir, QN_CHILDREN_NONE);
	assert_int_equal(r.nr, 1);
	assert_int_equal(r.figures[0].nr_allocs, 113);
	leave_dir(&r, dir);
}

static void sweep_takes_what_is_gone(void **unused)
{
	pid_t dead = dead_pid();
	char *dir = make_dir(dead), name[64];
	struct qn_run_pages r;

	(void)unused;
	assert_int_equal(qn_pages_open(&r, dir, true, QN_CHILDREN_SUM), 0);
	r.root = 42;
	qn_pages_sweep(&r);
	assert_int_equal(r.figures[0].nr_programs, 1);
	assert_string_equal(r.figures[0].exe, "child");
	snprintf(name, sizeof(name), "%d.qstat", (int)dead);
	assert_int_equal(faccessat(r.dir, name, F_OK, 0), -1);
	assert_int_equal(faccessat(r.dir, "42.qstat", F_OK, 0), 0);
	qn_pages_collect(&r);
	assert_string_equal(r.figures[0].exe, "mill");
	assert_int_equal(r.figures[0].nr_programs, 4);
	leave_dir(&r, dir);
}

static void foreign_directory_is_left_alone(void **unused)
{
	char *dir = make_dir(dead_pid());
	struct qn_run_pages r;

	(void)unused;
	assert_int_equal(qn_pages_open(&r, dir, false, QN_CHILDREN_SUM), 0);
	r.root = 42;
	r.since_usec = 5000000;
	qn_pages_sweep(&r);
	assert_int_equal(r.nr, 0);
	qn_pages_collect(&r);
	assert_int_equal(r.figures[0].nr_programs, 3);
	qn_pages_close(&r);
	assert_int_equal(access(dir, F_OK), 0);
	collect(&r, dir, QN_CHILDREN_SUM);
	leave_dir(&r, dir);
}

/* ---- numbers ---- */

static void sizes_read_well(void **unused)
{
	(void)unused;
	assert_string_equal(qn_text_size(0).s, "0 B");
	assert_string_equal(qn_text_size(1023).s, "1023 B");
	assert_string_equal(qn_text_size(1024).s, "1.00 KiB");
	assert_string_equal(qn_text_size(10240).s, "10.0 KiB");
	assert_string_equal(qn_text_size(1048575).s, "1.00 MiB");
	assert_string_equal(qn_text_size(1000 * 1048576ull).s, "1000 MiB");
	assert_string_equal(qn_text_size(UINT64_MAX).s, "16.0 EiB");
}

static void other_numbers_read_well(void **unused)
{
	(void)unused;
	assert_string_equal(qn_text_count(0).s, "0");
	assert_string_equal(qn_text_count(999).s, "999");
	assert_string_equal(qn_text_count(1000).s, "1,000");
	assert_string_equal(qn_text_count(1234567).s, "1,234,567");
	assert_string_equal(qn_text_time(815).s, "815 us");
	assert_string_equal(qn_text_time(1500).s, "1.50 ms");
	assert_string_equal(qn_text_time(2500000).s, "2.500 s");
	assert_string_equal(qn_text_share(1, 3).s, "33.3 %");
	assert_string_equal(qn_text_share(1, 10000).s, "0.01 %");
	assert_string_equal(qn_text_share(1, 0).s, "-");
}

/* ---- call sites ---- */

static void test_sites(void **state)
{
	static struct qn_sites_page page;
	struct qn_sitelist list = { 0 };
	const struct qn_sitelist_sum *sum;

	(void)state;
	page = (struct qn_sites_page){ .magic = QN_SITES_MAGIC,
				       .version = QN_SITES_VERSION,
				       .size = sizeof(page),
				       .nr_modules = 1,
				       .full_nr = 3 };
	strcpy(page.modules[0].name, "/not/there");
	for (u64 i = 1; i < 20; i++)
		page.sites[7 * i] = (struct qn_site){
			.hash = i,
			.bytes = 100 * i,
			.live = i % 3 ? 0 : 1000 - i,
			.nr_frames = 2,
			.frames = { (u64)1 << QN_SITES_SHIFT | i, 5 },
		};
	assert_true(qn_sitelist_check(&page, sizeof(page)));
	assert_false(qn_sitelist_check(&page, sizeof(page) - 1));
	qn_sitelist_add(&list, &page);
	/* Another program with the same files: sites are the same */
	memmove(page.sites, page.sites + 7,
		(QN_SITES_NR - 7) * sizeof(page.sites[0]));
	qn_sitelist_add(&list, &page);
	assert_int_equal(list.nr, 19);
	assert_int_equal(list.full_nr, 6);
	sum = qn_sitelist_next(&list, NULL, QN_SITES_BY_LIVE);
	assert_int_equal(sum->live, 2 * 997);
	sum = qn_sitelist_next(&list, sum, QN_SITES_BY_LIVE);
	assert_int_equal(sum->live, 2 * 994);
	for (u32 i = 2; (sum = qn_sitelist_next(&list, sum, QN_SITES_BY_LIVE));
	     i++)
		assert_in_range(i, 2, 5);
	sum = qn_sitelist_next(&list, NULL, QN_SITES_BY_BYTES);
	for (u64 i = 19; i; i--) {
		assert_int_equal(sum->bytes,
				 (i == 1 ? 100 : 200 * i) + (i == 1 ? 100 : 0));
		sum = qn_sitelist_next(&list, sum, QN_SITES_BY_BYTES);
	}
	assert_null(sum);
	qn_sitelist_exit(&list);
}

/* Any bytes behind a sound header */
static void test_sites_hostile(void **state)
{
	static struct qn_sites_page page;
	static struct qn_people people;
	u32 random = 1;

	(void)state;
	for (u32 round = 0; round < 40; round++) {
		struct qn_sitelist list = { 0 };
		struct qn_symbols symbols;
		u32 *word = (u32 *)&page;

		for (size_t i = 0; i < sizeof(page) / 4; i++) {
			random_turn(&random);
			word[i] = random >> (random >> 27);
		}
		page.magic = QN_SITES_MAGIC;
		page.version = QN_SITES_VERSION;
		page.size = sizeof(page);
		page.nr_modules = random % 200;
		for (u32 i = 0; i < QN_SITES_NR; i++)
			page.sites[i].nr_frames %= 20;
		qn_symbols_init(&symbols, "", 0);
		if (qn_sitelist_check(&page, sizeof(page)))
			qn_sitelist_add(&list, &page);
		for (u32 i = 0; i < list.nr; i++) {
			char *line;

			qn_people_find(&people, &symbols, &list.stacks,
				       list.sums[i].site);
			line = qn_people_text(&people, 60);
			assert_true(strlen(line) <= 60);
			free(line);
		}
		qn_symbols_exit(&symbols);
		qn_sitelist_exit(&list);
	}
}

/* Bounded, in order, and no peak is lost, wherever it was */
static void history_keeps_the_peak(void **unused)
{
	static struct qn_history h;

	(void)unused;
	for (u32 peak = 0; peak < 9000; peak += 700) {
		u64 most = 0, last = 0;

		memset(&h, 0, sizeof(h));
		for (u32 i = 0; i < 10000; i++) {
			const struct qn_moment m = {
				.usec = i,
				.live = i == peak ? 100000 : i,
			};

			qn_history_note(&h, &m);
		}
		assert_in_range(h.nr, QN_HISTORY_MOST / 2, QN_HISTORY_MOST);
		for (u32 i = 0; i < h.nr; i++) {
			assert_true(!i || h.at[i].usec > last);
			last = h.at[i].usec;
			most = max(most, h.at[i].live);
		}
		assert_int_equal(most, 100000);
	}
}

static void moment_is_of_the_page(void **unused)
{
	struct qn_stats_page page = sound_page();
	struct qn_moment m;

	(void)unused;
	page.carved = 800;
	m = qn_moment_of(&page, 5);
	assert_int_equal(m.live, 700);
	assert_int_equal(m.pinned, 300);
	assert_int_equal(m.kept, 50);
	page.live = 5000;
	m = qn_moment_of(&page, 5);
	assert_int_equal(m.live, 5000);
	assert_int_equal(m.pinned, 0);
	page.live = (u64)-5;
	m = qn_moment_of(&page, 5);
	assert_int_equal(m.live, 0);
	assert_int_equal(m.pinned, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sound_page_is_accepted),
		cmocka_unit_test(truncated_page_is_refused),
		cmocka_unit_test(blank_page_is_no_page),
		cmocka_unit_test(damaged_page_is_refused),
		cmocka_unit_test(other_version_is_named),
		cmocka_unit_test(names_are_terminated),
		cmocka_unit_test(waste_is_split),
		cmocka_unit_test(peak_may_be_the_end),
		cmocka_unit_test(no_more_is_live_than_ever),
		cmocka_unit_test(torn_page_does_not_wrap),
		cmocka_unit_test(both_peaks_are_told),
		cmocka_unit_test(history_keeps_the_peak),
		cmocka_unit_test(moment_is_of_the_page),
		cmocka_unit_test(heap_is_told_in_words),
		cmocka_unit_test(one_conclusion_is_drawn),
		cmocka_unit_test(estimates_are_marked),
		cmocka_unit_test(nothing_is_told_of_nothing),
		cmocka_unit_test(unknown_is_no_zero),
		cmocka_unit_test(without_samples_rounding_is_unknown),
		cmocka_unit_test(pages_add_up),
		cmocka_unit_test(last_changes_are_kept),
		cmocka_unit_test(last_choices_are_kept),
		cmocka_unit_test(choices_are_told),
		cmocka_unit_test(entries_that_matter_come_first),
		cmocka_unit_test(report_says_what_happened),
		cmocka_unit_test(trend_is_told),
		cmocka_unit_test(trends_add_up),
		cmocka_unit_test(unfinished_program_is_marked),
		cmocka_unit_test(extreme_figures_fit_the_screen),
		cmocka_unit_test(engine_is_compared),
		cmocka_unit_test(random_pages_do_no_harm),
		cmocka_unit_test(absent_page_is_explained),
		cmocka_unit_test(silent_heap_is_explained),
		cmocka_unit_test(json_has_the_figures),
		cmocka_unit_test(json_has_the_choices),
		cmocka_unit_test(json_has_the_engine),
		cmocka_unit_test(pressure_is_shown),
		cmocka_unit_test(json_has_the_pressure),
		cmocka_unit_test(json_has_the_trend),
		cmocka_unit_test(json_has_null_for_unknown),
		cmocka_unit_test(json_of_absent_page),
		cmocka_unit_test(directory_is_summed),
		cmocka_unit_test(directory_is_listed),
		cmocka_unit_test(children_are_left_out),
		cmocka_unit_test(sweep_takes_what_is_gone),
		cmocka_unit_test(foreign_directory_is_left_alone),
		cmocka_unit_test(sizes_read_well),
		cmocka_unit_test(other_numbers_read_well),
		cmocka_unit_test(test_sites),
		cmocka_unit_test(test_sites_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
