// SPDX-License-Identifier: MIT
/*
 * t-findings.c - what a comparison says, on rounds that are made up.
 *
 * Invariants checked here:
 * - where nobody is better beyond noise, or by a hundredth, the program stays as it is;
 * - who is not behind in CPU time and in memory is the one to take; where nobody has both,
 *   their product decides, and the best of each alone is named;
 * - few rounds give no advice, and no first place;
 * - a candidate that failed is neither taken nor first;
 * - where quern is behind is told, against the best of the others;
 * - an interval is marked as noise if and only if it has 0.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "command/compare/findings.h"

#define NR 3

/* By candidate: CPU time in microseconds, peak in KB, the same in all rounds but noise */
static u64 cpu[NR], peak[NR], noise;
static u32 fails;

static struct qn_candidate candidates[NR];
static struct qn_subject subjects[NR];
static struct qn_contest contest;
static char *differs[NR];
static bool was_loaded[NR];
static u32 nr_looks[NR];
static char *argv[] = { "/nowhere/program", NULL };
static struct qn_trial t;
static struct qn_findings f;

static int made_up(struct qn_compare *c, u32 of, u32 subject,
		   struct qn_cell *cell)
{
	/* Up and down, and not alike for two of them */
	u64 sway = noise * ((c->nr_done * (subject + 2) + subject) % 5);

	(void)of;
	if (subject == fails)
		return qn_compare_fail(c, 0, subject, cell, strdup("failed"));
	cell->outcome = (struct qn_outcome){ .wall_usec = cpu[subject] };
	cell->outcome.usage.ru_utime.tv_usec =
		(suseconds_t)(cpu[subject] + sway);
	cell->outcome.usage.ru_maxrss = (long)(peak[subject] + sway);
	cell->own[QN_AVERAGE - QN_OWN] = peak[subject] * 1024;
	cell->own[QN_FAULTS - QN_OWN] = 100;
	return 0;
}

static int setup(void **state)
{
	static const char *const names[NR] = { "one", "two", "three" };

	(void)state;
	for (u32 i = 0; i < NR; i++) {
		cpu[i] = peak[i] = 100000;
		candidates[i] = (struct qn_candidate){
			.name = (char *)(uintptr_t)names[i]
		};
		subjects[i] = (struct qn_subject){ .name = names[i] };
	}
	noise = 1;
	fails = UINT32_MAX;
	contest = (struct qn_contest){ .name = "program", .about = "program" };
	return 0;
}

static void find(u32 nr_rounds)
{
	t = (struct qn_trial){ .argv = argv,
			       .path = argv[0],
			       .nr_rounds = nr_rounds,
			       .subjects = subjects,
			       .differs = differs,
			       .was_loaded = was_loaded,
			       .nr_looks = nr_looks };
	t.who = (struct qn_candidates){ .at = candidates, .nr = NR };
	t.compare = (struct qn_compare){ .subjects = subjects,
					 .contests = &contest,
					 .nr_subjects = NR,
					 .nr_contests = 1,
					 .nr_rounds = nr_rounds,
					 .run = made_up,
					 .goes_on = true,
					 .is_quiet = true };
	assert_int_equal(qn_compare_run(&t.compare), 0);
	qn_findings_make(&f, &t);
}

static int teardown(void **state)
{
	(void)state;
	qn_findings_exit(&f);
	qn_compare_exit(&t.compare);
	return 0;
}

static void expect(const char *text, const char *part)
{
	if (!text || !strstr(text, part))
		print_error("'%s' is not in '%s'\n", part, text ? text : "");
	assert_true(text && strstr(text, part));
}

static void test_noise(void **state)
{
	(void)state;
	noise = 3000;
	find(7);
	expect(f.advice, "Stay with one: no other takes less");
	expect(f.fastest, "one");
	expect(f.fastest, "two");
	expect(f.fastest, "three");
	assert_null(f.losses);
}

static void test_too_little_to_act_on(void **state)
{
	struct qn_interval i;

	(void)state;
	cpu[1] = 99500;
	peak[2] = 99200;
	find(7);
	i = qn_findings_ratio(&t, 1, &qn_shown[0]);
	assert_true(qn_interval_is_real(&i));
	expect(f.advice, "Stay with one");
}

static void test_best_in_both(void **state)
{
	(void)state;
	cpu[2] = 80000;
	peak[2] = 90000;
	cpu[1] = 120000;
	find(7);
	expect(f.advice,
	       "Take three: 20.0 % less CPU time and 10.0 % less peak "
	       "memory than under one");
	expect(f.fastest, "Least CPU time: three.");
	expect(f.leanest, "Least peak memory: three.");
}

static void test_trade(void **state)
{
	(void)state;
	cpu[1] = 80000;
	peak[1] = 200000;
	cpu[2] = 110000;
	peak[2] = 50000;
	find(7);
	expect(f.advice,
	       "Take three, which has the least CPU time times memory: "
	       "10.0 % more CPU time and 50.0 % less peak memory");
	expect(f.advice,
	       "Where CPU time alone counts: two, with 27.3 % less CPU "
	       "time and 300.0 % more peak memory than three");
	assert_null(strstr(f.advice, "Where peak memory alone counts"));
}

static void test_few_rounds(void **state)
{
	(void)state;
	cpu[2] = 50000;
	find(5);
	expect(f.advice, "None yet");
	assert_null(f.fastest);
	assert_null(f.leanest);
}

static void test_failed(void **state)
{
	(void)state;
	cpu[2] = peak[2] = 50000;
	fails = 2;
	find(7);
	expect(f.advice, "Stay with one");
	assert_null(strstr(f.fastest, "three"));
	assert_null(strstr(f.leanest, "three"));
}

static void test_losses(void **state)
{
	(void)state;
	strcpy(candidates[2].which.name, "quern");
	cpu[1] = 80000;
	cpu[2] = 90000;
	peak[2] = 103000;
	find(7);
	expect(f.losses, "three: 12.5 % more CPU time than two");
	expect(f.losses, "3.0 % more peak memory than ");
	expect(f.advice, "Take two: 20.0 % less CPU time");
}

static void test_no_losses(void **state)
{
	(void)state;
	strcpy(candidates[2].which.name, "quern");
	cpu[2] = peak[2] = 50000;
	find(7);
	expect(f.losses, "three: nowhere behind");
	expect(f.advice, "Take three: 50.0 % less CPU time and 50.0 % less");
}

/* Several of quern's that are behind nowhere are told together */
static void test_no_losses_of_two(void **state)
{
	(void)state;
	strcpy(candidates[1].which.name, "quern");
	strcpy(candidates[2].which.name, "quern");
	cpu[1] = cpu[2] = peak[1] = peak[2] = 50000;
	find(7);
	assert_string_equal(f.losses,
			    "two, three: nowhere behind the best of the others "
			    "beyond noise.");
}

static void test_interval_text(void **state)
{
	const struct qn_interval real = { 0.9, 0.872, 0.931, true, true };
	const struct qn_interval none = { 1.01, 0.98, 1.5, true, true };
	const struct qn_interval few = { 1.102, 1.102, 1.102, true, false };
	const struct qn_interval unknown = { 1, 1, 1, false, false };

	(void)state;
	find(1);
	assert_string_equal(qn_interval_text(&real).s, "-13 to -6.9");
	assert_string_equal(qn_interval_text(&none).s, "~-2.0 to +50");
	assert_string_equal(qn_interval_text(&few).s, "? +10.2");
	assert_string_equal(qn_interval_text(&unknown).s, "-");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_noise),
		TEST(test_too_little_to_act_on),
		TEST(test_best_in_both),
		TEST(test_trade),
		TEST(test_few_rounds),
		TEST(test_failed),
		TEST(test_losses),
		TEST(test_no_losses),
		TEST(test_no_losses_of_two),
		TEST(test_interval_text),
	};

	return cmocka_run_group_tests_name("findings", tests, NULL, NULL);
}
