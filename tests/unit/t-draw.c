// SPDX-License-Identifier: MIT
/*
 * t-draw.c - charts as SVG and pages of them.
 *
 * Invariants checked here:
 * - whatever a text holds, it is text in a drawing: no element, no entity, no character
 *   that XML does not have;
 * - steps between ticks are 1, 2 or 5 times a power of ten, in the unit of the labels; the
 *   ticks are around the range, or within it where that is tight;
 * - bounds that are none give sound ticks;
 * - nothing is drawn outside of a drawing, whatever the values are;
 * - a series without points, with one, and with values that are not finite are drawn;
 * - bars are as long as their values, and whiskers are where the bounds are;
 * - elements end in the order in which they began, in drawings and in pages.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/draw/html.h"
#include "command/draw/markup.h"
#include "command/draw/svg.h"
#include "command/draw/ticks.h"

static char *text;
static size_t size;
static FILE *out;

static int setup(void **state)
{
	(void)state;
	text = NULL;
	out = open_memstream(&text, &size);
	return out ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	fclose(out);
	free(text);
	return 0;
}

static const char *drawn(void)
{
	fflush(out);
	return text;
}

static void begin_again(void)
{
	fclose(out);
	free(text);
	text = NULL;
	out = open_memstream(&text, &size);
}

/* ---- text ---- */

static void expect_text(const char *from, const char *to)
{
	qn_markup_text(out, from);
	assert_string_equal(drawn(), to);
	begin_again();
}

static void test_escapes(void **state)
{
	(void)state;
	expect_text("", "");
	expect_text("plain", "plain");
	expect_text(
		"<b a=\"1\" c='2'>&amp;</b>",
		"&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;amp;&lt;/b&gt;");
	expect_text("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
		    "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
	/* Control characters, among them the C1 ones and escape */
	expect_text("a\x01\x1b[0m\x7f\xc2\x80", "a??[0m???");
	expect_text("tab\tline\n", "tab\tline\n");
	/* Cut short, too long for what it says, a surrogate, beyond Unicode, U+FFFF */
	expect_text("\xc3", "?");
	expect_text("\xe2\x82", "??");
	expect_text("\xc0\xaf", "??");
	expect_text("\xe0\x80\xaf", "???");
	expect_text("\xed\xa0\x80", "???");
	expect_text("\xf4\x90\x80\x80", "????");
	expect_text("\xef\xbf\xbf", "???");
	/* A broken sequence does not swallow what follows */
	expect_text("\xe2<", "?&lt;");
}

static void test_cut(void **state)
{
	(void)state;
	qn_markup_cut(out, "12345", 5);
	assert_string_equal(drawn(), "12345");
	begin_again();
	qn_markup_cut(out, "123456", 5);
	assert_string_equal(drawn(), "12...");
	begin_again();
	qn_markup_cut(out, "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9",
		      5);
	assert_string_equal(drawn(), "\xc3\xa9\xc3\xa9...");
	assert_int_equal(qn_markup_length("\xc3\xa9x\xff"), 3);
}

/* ---- ticks ---- */

static bool is_round(double step)
{
	double digit = step / pow(10, floor(log10(step) + 1e-9));

	return fabs(digit - 1) < 1e-6 || fabs(digit - 2) < 1e-6 ||
	       fabs(digit - 5) < 1e-6;
}

static void check_ticks(double least, double most, enum qn_unit unit,
			bool is_tight)
{
	struct qn_range r = {
		.least = least, .most = most, .unit = unit, .is_tight = is_tight
	};
	struct qn_ticks t;
	double step;

	qn_ticks_make(&t, &r, 5);
	assert_in_range(t.nr, is_tight ? 1 : 2, 12);
	for (u32 i = 1; i < t.nr; i++) {
		step = t.at[i] - t.at[i - 1];
		assert_true(is_round(step / t.factor));
		assert_true(fabs(step - (t.at[1] - t.at[0])) < 1e-6 * step);
	}
	if (is_tight) {
		assert_true(t.at[0] >= least - 1e-9 * fabs(most));
		assert_true(t.at[t.nr - 1] <= most * (1 + 1e-9));
		return;
	}
	assert_true(t.at[0] <= least + 1e-8 * (most - least));
	assert_true(t.at[t.nr - 1] >= most - 1e-8 * (most - least));
	assert_true(r.least == t.at[0] && r.most == t.at[t.nr - 1]);
}

static void test_ticks_are_round(void **state)
{
	(void)state;
	for (double most = 1e-6; most < 1e13; most *= 1.37) {
		for (u32 unit = QN_UNIT_PLAIN; unit <= QN_UNIT_SECONDS;
		     unit++) {
			check_ticks(0, most, unit, false);
			check_ticks(0, most, unit, true);
			check_ticks(most / 3, most, unit, false);
			check_ticks(-most, most, unit, false);
		}
	}
}

static void expect_labels(double most, enum qn_unit unit, const char *second,
			  const char *last)
{
	struct qn_range r = { .most = most, .unit = unit };
	struct qn_ticks t;

	qn_ticks_make(&t, &r, 5);
	assert_string_equal(qn_ticks_label(&t, t.at[1]).s, second);
	assert_string_equal(qn_ticks_label(&t, t.at[t.nr - 1]).s, last);
}

static void test_labels(void **state)
{
	(void)state;
	expect_labels(10, QN_UNIT_PLAIN, "2", "10");
	expect_labels(0.9, QN_UNIT_PLAIN, "0.2", "1");
	expect_labels(700 * 1048576.0, QN_UNIT_BYTES, "200 MiB", "800 MiB");
	expect_labels(1500 * 1048576.0, QN_UNIT_BYTES, "0.5 GiB", "1.5 GiB");
	expect_labels(0.012, QN_UNIT_SECONDS, "5 ms", "15 ms");
	expect_labels(1200, QN_UNIT_SECONDS, "5 min", "20 min");
}

static void test_log_ticks(void **state)
{
	struct qn_range r = { .least = 16,
			      .most = 1 << 20,
			      .unit = QN_UNIT_BYTES,
			      .is_log = true };
	struct qn_ticks t;

	(void)state;
	qn_ticks_make(&t, &r, 5);
	assert_true(t.at[0] <= 16 && t.at[t.nr - 1] >= 1 << 20);
	for (u32 i = 2; i < t.nr; i++)
		assert_true(fabs(t.at[i] / t.at[i - 1] - t.at[1] / t.at[0]) <
			    1e-9);
	assert_string_equal(qn_ticks_label(&t, 4096).s, "4 KiB");
	assert_string_equal(qn_ticks_label(&t, 64).s, "64 B");
}

static void test_unsound_bounds(void **state)
{
	static const double odd[] = { NAN, INFINITY, -INFINITY, 0, -5, 7 };
	struct qn_ticks t;

	(void)state;
	for (u32 i = 0; i < 6 * 6 * 4; i++) {
		struct qn_range r = { .least = odd[i % 6],
				      .most = odd[i / 6 % 6],
				      .is_log = i / 36 % 2,
				      .is_tight = i / 72 };

		qn_ticks_make(&t, &r, 5);
		assert_true(isfinite(r.least) && isfinite(r.most));
		assert_true(r.least < r.most);
		assert_true(t.nr <= QN_MAX_TICKS);
		for (u32 k = 0; k < t.nr; k++)
			assert_true(isfinite(t.at[k]));
	}
}

/* ---- drawings ---- */

/* The elements that are open; what "<name" and "</name>" say */
static void check_nesting(const char *page)
{
	char open[32][16];
	u32 nr = 0;
	size_t n;

	while ((page = strchr(page, '<')) != NULL) {
		page++;
		n = strcspn(page, " />\n");
		if (*page == '!')
			continue;
		if (*page == '/') {
			n = strcspn(page + 1, ">");
			assert_true(nr > 0);
			nr--;
			assert_int_equal(strlen(open[nr]), n);
			assert_memory_equal(open[nr], page + 1, n);
			continue;
		}
		assert_true(n < sizeof(open[0]) && nr < 32);
		if (page[strcspn(page, ">") - 1] == '/')
			continue;
		memcpy(open[nr], page, n);
		open[nr++][n] = 0;
	}
	assert_int_equal(nr, 0);
}

/* The number behind the first @key at or behind @from */
static double number_at(const char *from, const char *key)
{
	const char *at = strstr(from, key);

	assert_non_null(at);
	return strtod(at + strlen(key), NULL);
}

static void check_bounds(const char *svg, const char *key, double most)
{
	double x;

	for (svg = strstr(svg, key); svg; svg = strstr(svg + 1, key)) {
		x = strtod(svg + strlen(key), NULL);
		assert_true(x >= 0 && x <= most);
	}
}

static void check_drawing(double height)
{
	const char *svg = drawn();

	check_nesting(svg);
	assert_null(strstr(svg, "nan"));
	assert_null(strstr(svg, "inf"));
	check_bounds(svg, " x=\"", QN_SVG_WIDTH);
	check_bounds(svg, " x1=\"", QN_SVG_WIDTH);
	check_bounds(svg, " x2=\"", QN_SVG_WIDTH);
	check_bounds(svg, " cx=\"", QN_SVG_WIDTH);
	check_bounds(svg, " width=\"", QN_SVG_WIDTH);
	check_bounds(svg, " y=\"", height);
	check_bounds(svg, " y1=\"", height);
	check_bounds(svg, " y2=\"", height);
	check_bounds(svg, " cy=\"", height);
	check_bounds(svg, " height=\"", height);
}

static void draw(const struct qn_chart *c)
{
	double height = qn_chart_height(c);

	qn_svg_begin(out, height, "a <drawing>", true);
	assert_true(qn_chart_draw(out, c, 0) == height);
	qn_svg_end(out);
	check_drawing(height);
}

static struct qn_chart chart_of(const struct qn_series *series, u32 nr)
{
	return (struct qn_chart){
		.title = "a & b",
		.x = { "time", { .unit = QN_UNIT_SECONDS, .is_tight = true } },
		.y = { "bytes", { .unit = QN_UNIT_BYTES } },
		.series = series,
		.nr_series = nr
	};
}

static void test_line(void **state)
{
	static const struct qn_point points[] = {
		{ .x = 0, .y = 0 },
		{ .x = 5, .y = 50 },
		{ .x = 10, .y = 100, .title = "<the end>" },
	};
	const struct qn_series s = { "one", QN_SHAPE_LINE, points, 3, 0 };
	const struct qn_chart c = chart_of(&s, 1);
	const char *path;
	double x[3], y[3];

	(void)state;
	draw(&c);
	path = strstr(drawn(), "<path class=\"line s0\"");
	assert_non_null(path);
	assert_int_equal(sscanf(strchr(path, 'M'), "M%lf %lfL%lf %lfL%lf %lf\"",
				&x[0], &y[0], &x[1], &y[1], &x[2], &y[2]),
			 6);
	/* The middle is in the middle, and y points upwards */
	assert_true(fabs(x[1] - (x[0] + x[2]) / 2) < .11);
	assert_true(fabs(y[1] - (y[0] + y[2]) / 2) < .11);
	assert_true(x[0] < x[2] && y[0] > y[2]);
	assert_non_null(strstr(drawn(), "&lt;the end&gt;"));
	assert_null(strstr(drawn(), "<the end>"));
}

static void test_no_points(void **state)
{
	static const struct qn_point one = { .x = 3, .y = 4 };
	static const struct qn_point gone = { .x = NAN, .y = INFINITY };

	(void)state;
	for (u32 shape = QN_SHAPE_LINE; shape <= QN_SHAPE_DOTS; shape++) {
		const struct qn_series s[] = { { "none", shape, NULL, 0, 0 },
					       { NULL, shape, &one, 1, 1 },
					       { "gone", shape, &gone, 1, 9 } };
		struct qn_chart c = chart_of(s, 1);

		draw(&c);
		begin_again();
		c.nr_series = 3;
		draw(&c);
		begin_again();
		c.nr_series = 0;
		draw(&c);
		begin_again();
	}
}

/* A gap ends the path and begins another */
static void test_gap(void **state)
{
	static const struct qn_point points[] = { { .x = 0, .y = 1 },
						  { .x = 1, .y = 2 },
						  { .x = 2, .y = NAN },
						  { .x = 3, .y = 4 },
						  { .x = 4, .y = 1e30 } };
	const struct qn_series s[] = {
		{ "line", QN_SHAPE_LINE, points, 5, 0 },
		{ "steps", QN_SHAPE_STEPS, points, 5, 1 },
		{ "area", QN_SHAPE_AREA, points, 5, 2 },
		{ "bars", QN_SHAPE_BARS, points, 5, 3 },
	};
	const struct qn_mark marks[] = { { 2.5, "a > b" }, { NAN, "none" } };
	struct qn_chart c = chart_of(s, 4);
	const char *d, *second;

	(void)state;
	c.marks = marks;
	c.nr_marks = 2;
	draw(&c);
	d = strstr(drawn(), "line s0\" d=\"") + strlen("line s0\" d=\"");
	assert_int_equal(*d, 'M');
	second = strchr(d + 1, 'M');
	assert_true(second && second < strchr(d, '>'));
	assert_non_null(strstr(drawn(), "a &gt; b"));
	assert_null(strstr(drawn(), "<title>none"));
}

/* Values beyond the bounds of an axis stay in the drawing */
static void test_bounds(void **state)
{
	static const struct qn_point points[] = { { .x = -10, .y = -10 },
						  { .x = 50, .y = 1e9 } };
	const struct qn_series s = { "one", QN_SHAPE_DOTS, points, 2, 0 };
	struct qn_chart c = chart_of(&s, 1);

	(void)state;
	c.x.range.most = 10;
	c.y.range.most = 10;
	draw(&c);
	begin_again();
	c.x.range = c.y.range =
		(struct qn_range){ .least = 1, .most = 8, .is_log = true };
	draw(&c);
}

/* ---- bars ---- */

static void test_bars(void **state)
{
	static const struct qn_bar rows[] = {
		{ .name = "one",
		  .value = 40,
		  .low = 30,
		  .high = 50,
		  .text = "40" },
		{ .name = "two & three",
		  .value = 20,
		  .is_faint = true,
		  .title = "\"noise\"" },
		{ .name = "four",
		  .value = NAN,
		  .low = NAN,
		  .high = NAN,
		  .text = "missing, with a text that is far too long for here" },
	};
	const struct qn_bars b = { "<title>", QN_UNIT_PLAIN, rows, 3, 25 };
	double height = qn_bars_height(&b), first, second, from, to, left;
	const char *at;

	(void)state;
	qn_svg_begin(out, height, "bars", true);
	assert_true(qn_bars_draw(out, &b, 0) == height);
	qn_svg_end(out);
	check_drawing(height);
	at = strstr(drawn(), "<rect class=\"f0\"");
	assert_non_null(at);
	left = number_at(at, " x=\"");
	first = number_at(at, " width=\"");
	/* A whisker around the end of its bar */
	at = strstr(at, "class=\"whisker\"");
	assert_int_equal(
		sscanf(strstr(at, "d=\""), "d=\"M%lf %*fH%lf", &from, &to), 2);
	assert_true(fabs((from - left) / first - .75) < .01);
	assert_true(fabs((to - left) / first - 1.25) < .01);
	at = strstr(at, "<rect class=\"f0 faint\"");
	assert_non_null(at);
	second = number_at(at, " width=\"");
	assert_true(fabs(first - 2 * second) < .3);
	assert_null(strstr(at + 1, "<rect"));
	assert_non_null(strstr(drawn(), "&quot;noise&quot;"));
}

static void test_no_bars(void **state)
{
	const struct qn_bars b = { .title = NULL };

	(void)state;
	qn_svg_begin(out, qn_bars_height(&b), "none", true);
	qn_bars_draw(out, &b, 0);
	qn_svg_end(out);
	check_drawing(qn_bars_height(&b));
}

/* ---- pages ---- */

static void test_page(void **state)
{
	static const char *const heads[] = { "a", "<b>", NULL };
	static const char *const cells[] = { "x", "1 & 2", NULL };
	const struct qn_bars b = { .title = "bars" };

	(void)state;
	qn_html_begin(out, "<script>alert(1)</script>", "lead & all");
	qn_html_section(out, "a \"section\"");
	qn_html_text(out, "1 < 2");
	qn_html_code(out, "$ quern <file\n");
	qn_html_table(out, heads);
	qn_html_row(out, cells, false);
	qn_html_row(out, cells, true);
	qn_html_table_end(out);
	qn_html_figure(out);
	qn_svg_begin(out, qn_bars_height(&b), "bars", false);
	qn_bars_draw(out, &b, 0);
	qn_svg_end(out);
	qn_html_figure_end(out, "caption > all");
	qn_html_end(out);
	assert_null(strstr(drawn(), "<script"));
	assert_null(strstr(drawn(), "http"));
	assert_non_null(strstr(drawn(), "<td>1 &amp; 2</td>"));
	assert_non_null(strstr(drawn(), "<th>&lt;b&gt;</th>"));
	/* All but these end like elements of XML */
	check_nesting(strstr(drawn(), "<html"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_escapes),
		TEST(test_cut),
		TEST(test_ticks_are_round),
		TEST(test_labels),
		TEST(test_log_ticks),
		TEST(test_unsound_bounds),
		TEST(test_line),
		TEST(test_no_points),
		TEST(test_gap),
		TEST(test_bounds),
		TEST(test_bars),
		TEST(test_no_bars),
		TEST(test_page),
	};

	return cmocka_run_group_tests_name("draw", tests, NULL, NULL);
}
