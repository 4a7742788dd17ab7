// SPDX-License-Identifier: MIT
/*
 * t-text-table.c - tables and lines on terminals of any width. Invariants:
 *
 * - a line is no wider than its terminal, unless one word is;
 * - a figure that is shown is shown whole, and so is every label;
 * - columns leave in their order, and only as many as have to;
 * - the end tells how wide a terminal shows all of them, and only if one has left.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/compiler.h"
#include "command/base/text-table.h"

static const int widths[] = { -24, 10, 10, 10, 12 };
static const unsigned char leaving[] = { 4, 2, 3, 0 };
static const char *const figures[] = { "1,234", "22.5 MiB", "333 ms",
				       "4.44 %" };
static const char label[] = "  a label of some words";

/* Text of a table in so many columns; to be freed */
static char *make_text(u32 columns, const unsigned char *order, u32 keeps)
{
	char *text = NULL;
	size_t size;
	struct qn_lines l = { .out = open_memstream(&text, &size),
			      .columns = columns };
	const struct qn_text_table t = { &l, widths, ARRAY_SIZE(widths), order,
					 keeps };

	QN_TEXT_ROW(&t, label, figures[0], figures[1], figures[2], figures[3]);
	qn_lines_end(&l);
	fclose(l.out);
	return text;
}

static size_t widest(const char *text)
{
	size_t most = 0, size;

	for (; *text; text += size + (text[size] == '\n')) {
		size = strcspn(text, "\n");
		most = size > most ? size : most;
	}
	return most;
}

static bool is_shown(const char *text, unsigned int figure)
{
	return strstr(text, figures[figure]) != NULL;
}

static unsigned int nr_shown(const char *text)
{
	unsigned int nr = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(figures); i++)
		nr += is_shown(text, i);
	return nr;
}

static void test_any_width(void **state)
{
	unsigned int before = 0;

	(void)state;
	for (u32 columns = 26; columns <= 100; columns++) {
		char *text = make_text(columns, leaving, 0);
		unsigned int nr = nr_shown(text);

		assert_true(widest(text) <= min(columns, 80u));
		assert_non_null(strstr(text, label));
		assert_true(nr >= before && nr >= 1);
		assert_int_equal(strstr(text, "shows") == NULL,
				 nr == ARRAY_SIZE(figures));
		before = nr;
		free(text);
	}
	assert_int_equal(before, ARRAY_SIZE(figures));
}

static void expect(u32 columns, const unsigned char *order, u32 keeps,
		   const char *wanted)
{
	char *text = make_text(columns, order, keeps);

	assert_string_equal(text, wanted);
	free(text);
}

static void test_whole_table(void **state)
{
	(void)state;
	expect(66, leaving, 0,
	       "  a label of some words      1,234  22.5 MiB    333 ms      "
	       "4.44 %\n");
}

static void test_label_gives_room_first(void **state)
{
	(void)state;
	expect(58, leaving, 0,
	       "  a label of some words\n"
	       "                     1,234  22.5 MiB    333 ms      4.44 %\n");
}

static void test_columns_leave_in_their_order(void **state)
{
	(void)state;
	expect(57, leaving, 0,
	       "  a label of some words      1,234  22.5 MiB    333 ms\n"
	       "Tables left columns out; a terminal of 66 columns shows\n"
	       "  them.\n");
	expect(45, leaving, 0,
	       "  a label of some words      1,234    333 ms\n"
	       "Tables left columns out; a terminal of 66\n"
	       "  columns shows them.\n");
	/* From the right */
	expect(45, NULL, 0,
	       "  a label of some words      1,234  22.5 MiB\n"
	       "Tables left columns out; a terminal of 66\n"
	       "  columns shows them.\n");
}

/* A label that was to keep its room has it at the cost of columns, as long as some may leave */
static void test_label_keeps_its_room(void **state)
{
	(void)state;
	expect(60, leaving, 24,
	       "  a label of some words      1,234  22.5 MiB    333 ms\n"
	       "Tables left columns out; a terminal of 66 columns shows\n"
	       "  them.\n");
	expect(30, leaving, 24,
	       "  a label of some words\n"
	       "                         1,234\n"
	       "Tables left columns out; a\n"
	       "  terminal of 66 columns shows\n"
	       "  them.\n");
}

static void expect_line(u32 columns, const char *text, const char *wanted)
{
	char *got = NULL;
	size_t size;
	struct qn_lines l = { .out = open_memstream(&got, &size),
			      .columns = columns };

	qn_line(&l, "%s", text);
	fclose(l.out);
	assert_string_equal(got, wanted);
	free(got);
}

static void test_lines(void **state)
{
	(void)state;
	expect_line(0, "short  ", "short\n");
	expect_line(0, "", "\n");
	expect_line(30, "memory      48.8 MiB: heap 4.83 MiB",
		    "memory      48.8 MiB: heap\n"
		    "  4.83 MiB\n");
	expect_line(36, "memory      48.8 MiB at its peak: heap 4.83 MiB",
		    "memory      48.8 MiB at its peak:\n"
		    "            heap 4.83 MiB\n");
	expect_line(24, "    one two three four five six",
		    "    one two three four\n"
		    "    five six\n");
	/* A word that is wider than all is the one thing that is cut in two */
	expect_line(20, "0123456789012345678901234",
		    "01234567890123456789\n"
		    "  01234\n");
}

static void expect_wrapped(u32 columns, const char *head, const char *text,
			   const char *wanted)
{
	char *got = NULL;
	size_t size;
	struct qn_lines l = { .out = open_memstream(&got, &size),
			      .columns = columns };

	qn_wrap(&l, head, text);
	fclose(l.out);
	assert_string_equal(got, wanted);
	free(got);
}

static void test_wrapped_text(void **state)
{
	(void)state;
	expect_wrapped(40, "Advice  ",
		       "take this one rather than that one here",
		       "Advice  take this one rather than that\n"
		       "        one here\n");
	expect_wrapped(30, "  --library=FILE  ", "the library to use, if any",
		       "  --library=FILE\n"
		       "    the library to use, if any\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_width),
		cmocka_unit_test(test_whole_table),
		cmocka_unit_test(test_label_gives_room_first),
		cmocka_unit_test(test_columns_leave_in_their_order),
		cmocka_unit_test(test_label_keeps_its_room),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_wrapped_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
