/* SPDX-License-Identifier: MIT */
/*
 * svg.h - charts as SVG: lines over time, bars with confidence intervals, dots.
 *
 * A drawing is QN_SVG_WIDTH wide and as high as its charts are together. A viewBox scales
 * it to the screen, and text stays legible on a phone. Colours are CSS variables, light and
 * dark by prefers-color-scheme. There are no scripts and no fonts: <title> elements are
 * the tooltips.
 *
 * A caller begins a drawing with the sum of the heights, draws its charts one below the
 * other, and ends it.
 */
#ifndef QN_SVG_H
#define QN_SVG_H

#include <stdio.h>
#include "base/compiler.h"
#include "ticks.h"

#define QN_SVG_WIDTH 480

/* Series beyond so many get colours that others have */
#define QN_SVG_COLOURS 8

enum qn_shape {
	QN_SHAPE_LINE,  /* from point to point */
	QN_SHAPE_STEPS, /* a value holds up to the next point */
	QN_SHAPE_AREA,  /* filled between low and y */
	QN_SHAPE_BARS,  /* from low to y, as wide as up to the next point */
	QN_SHAPE_DOTS,  /* with whiskers from low to high, where those differ */
};

/**
 * struct qn_point - one value of a series
 * @x, @y:	where; a value that is not finite interrupts a line
 * @low, @high:	see enum qn_shape
 * @title:	tooltip, or NULL: none. A point of a line with one gets a dot
 */
struct qn_point {
	double x;
	double y;
	double low;
	double high;
	const char *title;
};

/**
 * struct qn_series - points that belong together
 * @name:	in the legend; NULL: not in it
 * @points, @nr: of lines and bars with ascending x; may be none
 * @colour:	0 to QN_SVG_COLOURS - 1
 */
struct qn_series {
	const char *name;
	enum qn_shape shape;
	const struct qn_point *points;
	u32 nr;
	u32 colour;
};

/* A moment or a value of x worth a vertical line, with a tooltip */
struct qn_mark {
	double x;
	const char *title;
};

/**
 * struct qn_axis - one axis of a chart
 * @label:	what it shows, or NULL
 * @range:	@range.least and @range.most both 0: what the series need, y with 0
 */
struct qn_axis {
	const char *label;
	struct qn_range range;
};

struct qn_chart {
	const char *title;
	struct qn_axis x;
	struct qn_axis y;
	const struct qn_series *series;
	u32 nr_series;
	const struct qn_mark *marks;
	u32 nr_marks;
};

/**
 * struct qn_bar - one row of horizontal bars
 * @name:	to the left
 * @value:	length of the bar; not finite: no bar
 * @low, @high:	of the whisker; none where they are equal or not finite
 * @text:	to the right
 * @title:	tooltip, or NULL
 * @is_faint:	drawn paler, such as a difference that is noise
 */
struct qn_bar {
	const char *name;
	double value;
	double low;
	double high;
	const char *text;
	const char *title;
	u32 colour;
	bool is_faint;
};

/**
 * struct qn_bars - horizontal bars, whose names and values stay legible on a phone
 * @unit:	of the values
 * @line_at:	a vertical line, such as where ratios are 1; 0: none
 */
struct qn_bars {
	const char *title;
	enum qn_unit unit;
	const struct qn_bar *bars;
	u32 nr;
	double line_at;
};

/* What a chart takes of a drawing's height */
double qn_chart_height(const struct qn_chart *c);
double qn_bars_height(const struct qn_bars *b);

/**
 * qn_svg_begin() - begin a drawing
 * @height:	of all charts together
 * @title:	for readers that see no pictures
 * @is_file:	it is a file of its own, with name space and colours; else a part of an
 *		HTML page that has qn_svg_style() in its head
 */
void qn_svg_begin(FILE *out, double height, const char *title, bool is_file);
void qn_svg_end(FILE *out);

/* The CSS that all drawings share, without its <style> element */
void qn_svg_style(FILE *out);

/* Draw at @top of the drawing; return the top of what is below */
double qn_chart_draw(FILE *out, const struct qn_chart *c, double top);
double qn_bars_draw(FILE *out, const struct qn_bars *b, double top);

#endif /* QN_SVG_H */
