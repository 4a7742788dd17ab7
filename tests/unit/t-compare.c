// SPDX-License-Identifier: MIT
/*
 * t-compare.c - subjects side by side, with runs that are made up.
 *
 * Invariants checked here:
 * - each contest runs under each subject once a round, in an order that rotates;
 * - who or what is missing never runs, and is no part of any mean;
 * - a median is of whole rounds alone; ratios are of medians, to the first subject;
 * - an interrupt keeps the whole rounds, any other error ends the comparison, or
 *   the runs of its cell alone, whose contest is then no part of any mean;
 * - a result that is not the expected one is found, whoever has it;
 * - no line of the table is wider than a terminal; a loss is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command/base/compare.h"
#include "command/base/fail.h"

#define MOST_RUNS 64

/* What the next comparison meets */
static u64 walls
	[3][QN_COMPARE_MAX_ROUNDS]; /* by subject and round, of all contests */
static u32 order[MOST_RUNS];        /* subject of each run */
static u32 nr_runs;
static u32 fails_at; /* this run, counted from 1 */
static int fails_with;
static u32 odd_subject; /* its result is another one */

static struct qn_subject subjects[3];
static struct qn_contest contests[2];
static struct qn_compare c;
static char said[512];

static int made_up(struct qn_compare *of, u32 contest, u32 subject,
		   struct qn_cell *cell)
{
	u64 wall = walls[subject][of->nr_done] * (contest + 1);

	if (nr_runs < MOST_RUNS)
		order[nr_runs] = subject;
	if (++nr_runs == fails_at)
		return fails_with;
	cell->outcome = (struct qn_outcome){ .wall_usec = wall };
	cell->outcome.usage.ru_utime.tv_sec = 1;
	cell->outcome.usage.ru_stime.tv_usec = (suseconds_t)wall;
	cell->outcome.usage.ru_maxrss = (long)subject + 1;
	cell->own[0] = wall / 2;
	cell->result = 100 + contest + (subject == odd_subject);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	memset(subjects, 0, sizeof(subjects));
	memset(contests, 0, sizeof(contests));
	memset(walls, 0, sizeof(walls));
	subjects[0].name = "one";
	subjects[1].name = "two";
	subjects[2].name = "three";
	contests[0].name = contests[0].about = "first";
	contests[1].name = contests[1].about = "second";
	nr_runs = fails_at = 0;
	odd_subject = UINT32_MAX;
	c = (struct qn_compare){ .subjects = subjects,
				 .contests = contests,
				 .nr_subjects = 3,
				 .nr_contests = 2,
				 .nr_rounds = 3,
				 .run = made_up,
				 .is_quiet = true };
	for (u32 s = 0; s < 3; s++)
		for (u32 r = 0; r < QN_COMPARE_MAX_ROUNDS; r++)
			walls[s][r] = 1000 * (s + 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	qn_compare_exit(&c);
	return 0;
}

/* What is said on stderr is kept */
static int run(void)
{
	FILE *kept = tmpfile();
	int err, fd = dup(2);

	assert_non_null(kept);
	dup2(fileno(kept), 2);
	err = qn_compare_run(&c);
	dup2(fd, 2);
	close(fd);
	rewind(kept);
	said[fread(said, 1, sizeof(said) - 1, kept)] = 0;
	fclose(kept);
	return err;
}

static void assert_near(double is, double want)
{
	if (fabs(is - want) > 1e-9)
		fail_msg("%f is not %f", is, want);
}

static void test_rounds_rotate(void **state)
{
	static const u32 want[] = { 0, 1, 2, 0, 1, 2, 1, 2, 0,
				    1, 2, 0, 2, 0, 1, 2, 0, 1 };

	(void)state;
	assert_int_equal(run(), 0);
	assert_int_equal(nr_runs, ARRAY_SIZE(want));
	assert_memory_equal(order, want, sizeof(want));
	assert_int_equal(c.nr_done, 3);
	assert_string_equal(said, "");
}

static void test_medians(void **state)
{
	(void)state;
	walls[1][0] = 9000;
	walls[1][1] = 1000;
	walls[1][2] = 3000;
	assert_int_equal(run(), 0);
	assert_int_equal(qn_compare_median(&c, 0, 1, QN_WALL), 3000);
	assert_int_equal(qn_compare_median(&c, 1, 1, QN_WALL), 6000);
	assert_int_equal(qn_compare_median(&c, 0, 1, QN_CPU), 1003000);
	assert_int_equal(qn_compare_median(&c, 0, 2, QN_PEAK), 3 * 1024);
	assert_int_equal(qn_compare_median(&c, 0, 1, QN_OWN), 1500);
	assert_int_equal(qn_compare_median(&c, 0, 1, QN_OWN + 1), 0);
	assert_int_equal(qn_compare_quartile(&c, 0, 1, QN_WALL), 1000);
	assert_near(qn_compare_ratio(&c, 0, 1, QN_WALL), 3);
	assert_near(qn_compare_ratio(&c, 0, 0, QN_WALL), 1);
	assert_near(qn_compare_spread(&c, QN_WALL), 8.0 / 3);
	assert_near(qn_compare_spread(&c, QN_PEAK), 0);
}

static void test_median_of_even(void **state)
{
	(void)state;
	c.nr_rounds = 2;
	walls[1][0] = 4000;
	walls[1][1] = 1000;
	assert_int_equal(run(), 0);
	assert_int_equal(qn_compare_median(&c, 0, 1, QN_WALL), 2500);
}

static void test_means(void **state)
{
	(void)state;
	c.nr_rounds = 1;
	assert_int_equal(run(), 0);
	assert_near(qn_compare_mean(&c, 2, QN_WALL), 3);
	/* Of 2 and 8, which is not their arithmetic mean */
	c.cells[1].round[QN_WALL][0] = 2000;
	c.cells[4].round[QN_WALL][0] = 16000;
	assert_near(qn_compare_mean(&c, 1, QN_WALL), 4);
	/* Of 2 / 3 and 8 / 3 */
	assert_near(qn_compare_mean_to(&c, 1, 2, QN_WALL, false), 4.0 / 3);
	/* There are no others */
	assert_near(qn_compare_mean_to(&c, 1, 0, QN_WALL, true), 4);
	contests[1].missing = "gone";
	assert_near(qn_compare_mean(&c, 1, QN_WALL), 2);
}

static void test_inner_mean(void **state)
{
	static struct qn_contest four[4];

	(void)state;
	c.contests = four;
	c.nr_contests = 4;
	c.nr_rounds = 1;
	assert_int_equal(run(), 0);
	c.cells[1].round[QN_WALL][0] = 500;
	c.cells[4].round[QN_WALL][0] = 2000 * 7;
	c.cells[7].round[QN_WALL][0] = 3000 * 28;
	c.cells[10].round[QN_WALL][0] = 4000 * 100;
	assert_near(qn_compare_mean_to(&c, 1, 0, QN_WALL, true), 14);
}

static void test_best(void **state)
{
	(void)state;
	assert_int_equal(run(), 0);
	assert_int_equal(qn_compare_best(&c, 0, 2, QN_WALL), 0);
	assert_int_equal(qn_compare_best(&c, 0, 0, QN_WALL), 1);
	for (u32 r = 0; r < c.nr_rounds; r++)
		c.cells[2].round[QN_WALL][r] = 1;
	assert_int_equal(qn_compare_best(&c, 0, 0, QN_WALL), 2);
	assert_int_equal(qn_compare_best(&c, 0, 2, QN_WALL), 0);
	subjects[1].missing = "gone";
	assert_int_equal(qn_compare_best(&c, 0, 0, QN_WALL), 2);
}

static void test_nothing_divides_by_zero(void **state)
{
	(void)state;
	memset(walls, 0, sizeof(walls));
	assert_int_equal(run(), 0);
	assert_near(qn_compare_ratio(&c, 0, 1, QN_WALL), 1);
	assert_near(qn_compare_spread(&c, QN_WALL), 0);
}

static void test_missing(void **state)
{
	(void)state;
	subjects[1].missing = "not here";
	contests[0].missing = "not there";
	assert_int_equal(run(), 0);
	assert_int_equal(nr_runs, 3 * 2);
	for (u32 i = 0; i < nr_runs; i++)
		assert_int_not_equal(order[i], 1);
	assert_true(qn_compare_agrees(&c, 1));
}

static void test_interrupts(void **state)
{
	(void)state;
	/* In the third round: two whole ones are left, and all figures are of them */
	walls[0][2] = 1;
	fails_at = 14;
	fails_with = -EINTR;
	assert_int_equal(run(), 0);
	assert_int_equal(nr_runs, 14);
	assert_int_equal(c.nr_done, 2);
	assert_int_equal(qn_compare_median(&c, 0, 0, QN_WALL), 1000);
	qn_compare_exit(&c);

	nr_runs = 0;
	fails_at = 6;
	assert_int_equal(run(), -EINTR);
	assert_int_equal(c.nr_done, 0);
	assert_int_equal(qn_compare_median(&c, 0, 0, QN_WALL), 0);
}

static void test_errors(void **state)
{
	(void)state;
	fails_at = 14;
	fails_with = QN_EXIT_FAILURE;
	assert_int_equal(run(), QN_EXIT_FAILURE);
	assert_int_equal(nr_runs, 14);
}

static void test_goes_on(void **state)
{
	(void)state;
	c.goes_on = true;
	fails_at = 5; /* the second contest under two, in the first round */
	fails_with = QN_EXIT_FAILURE;
	walls[1][1] = 2000;
	assert_int_equal(run(), 0);
	assert_int_equal(nr_runs, 3 * 3 * 2 - 2);
	assert_int_equal(qn_compare_nr_common(&c), 1);
	assert_near(qn_compare_mean(&c, 1, QN_WALL), 2);
	qn_compare_exit(&c);

	c.must_agree = true;
	odd_subject = 1;
	nr_runs = fails_at = 0;
	assert_int_equal(run(), 0);
	assert_int_equal(nr_runs, 3 * 3 * 2 - 2 * 2);
	assert_false(qn_compare_takes_part(&c, 0, 1));
	assert_true(qn_compare_takes_part(&c, 0, 2));
	assert_string_equal(c.cells[1].failed,
			    "printed something else than under one");
	assert_int_equal(qn_compare_nr_common(&c), 0);
	assert_near(qn_compare_mean(&c, 2, QN_WALL), 1);
	assert_int_equal(qn_compare_best(&c, 0, 0, QN_WALL), 2);
}

static void test_results(void **state)
{
	(void)state;
	odd_subject = 2;
	assert_int_equal(run(), 0);
	assert_false(qn_compare_agrees(&c, 0));
	qn_compare_exit(&c);

	c.must_agree = true;
	nr_runs = 0;
	assert_int_equal(run(), -EILSEQ);
	assert_int_equal(nr_runs, 3);
	assert_string_equal(said, "quern: first under three printed something "
				  "else than under one\n");
	qn_compare_exit(&c);

	/* The caller may know what is right */
	contests[0].expected = 101;
	contests[0].expected_of = "itself";
	assert_int_equal(run(), -EILSEQ);
	assert_string_equal(said, "quern: first under one printed something "
				  "else than under itself\n");
	qn_compare_exit(&c);

	contests[0].expected = contests[1].expected = 100;
	contests[1].missing = "gone";
	odd_subject = UINT32_MAX;
	assert_int_equal(run(), 0);
	assert_true(qn_compare_agrees(&c, 0));
}

/* All that is printed, the caller's to free */
static char *text_of(u32 subject)
{
	char *text = NULL;
	size_t size;
	struct qn_lines l = { .out = open_memstream(&text, &size) };

	assert_non_null(l.out);
	qn_compare_put_table(&c, &l);
	qn_compare_put_summary(&c, subject, &l);
	fclose(l.out);
	return text;
}

static void assert_has(const char *text, const char *line)
{
	if (!strstr(text, line))
		fail_msg("'%s' is not in:\n%s", line, text);
}

static void test_table(void **state)
{
	char *text;

	(void)state;
	subjects[1].missing = "not here";
	c.must_agree = true;
	assert_int_equal(run(), 0);
	text = text_of(2);
	assert_has(text, "ratio to one\n");
	assert_has(text, "  one            0.001     1.001           0.0"
			 "          1.00    1.00    1.00\n");
	assert_has(text, "  two        not here\n");
	assert_has(text, "  three                              "
			 "                   3.00    1.00    3.00\n");
	assert_has(text, "Medians of 3 interleaved rounds;");
	assert_has(text, "wall time: three needs 200.0 % more than one, the "
			 "best of the others.\n");
	assert_has(text, "  second, peak resident set: 3.00, one 1.00\n");
	free(text);
	text = text_of(0);
	assert_has(text, "wall time: one needs 66.7 % less than three");
	assert_has(text, "  nowhere\n");
	free(text);
}

static void test_hash(void **state)
{
	FILE *f = tmpfile();
	u64 empty, one;

	(void)state;
	assert_non_null(f);
	empty = qn_compare_hash(fileno(f));
	for (int i = 0; i < 10000; i++)
		fputc(i % 251, f);
	fflush(f);
	one = qn_compare_hash(fileno(f));
	assert_true(one != empty);
	assert_true(one == qn_compare_hash(fileno(f)));
	fseek(f, 9999, SEEK_SET);
	fputc(0xff, f);
	fflush(f);
	assert_true(one != qn_compare_hash(fileno(f)));
	fclose(f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_rounds_rotate),
		TEST(test_medians),
		TEST(test_median_of_even),
		TEST(test_means),
		TEST(test_inner_mean),
		TEST(test_best),
		TEST(test_nothing_divides_by_zero),
		TEST(test_missing),
		TEST(test_interrupts),
		TEST(test_errors),
		TEST(test_goes_on),
		TEST(test_results),
		TEST(test_table),
		TEST(test_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
