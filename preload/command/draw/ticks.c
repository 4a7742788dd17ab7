// SPDX-License-Identifier: MIT
/*
 * ticks.c - where an axis has its ticks, and what stands beside them.
 *
 * Steps are 1, 2 or 5 times a power of ten: people count in them.
 */
#include <math.h>
#include <stdio.h>
#include "ticks.h"

/* A bound that lies this far of a step beyond a tick is at the tick */
#define NEARLY 1e-9

struct scale {
	double from; /* values from here on */
	double factor;
	const char *suffix;
};

static const struct scale bytes[] = {
	{ 1099511627776.0, 1099511627776.0, " TiB" },
	{ 1073741824.0, 1073741824.0, " GiB" },
	{ 1048576.0, 1048576.0, " MiB" },
	{ 1024.0, 1024.0, " KiB" },
	{ 0, 1, " B" },
};

static const struct scale seconds[] = {
	{ 36000, 3600, " h" }, { 600, 60, " min" }, { 1, 1, " s" },
	{ 1e-3, 1e-3, " ms" }, { 0, 1e-6, " us" },
};

static const struct scale plain = { 0, 1, "" };

static const struct scale *scale_of(enum qn_unit unit, double most)
{
	const struct scale *s = unit == QN_UNIT_BYTES ? bytes : seconds;

	if (unit == QN_UNIT_PLAIN)
		return &plain;
	while (s->from > most)
		s++;
	return s;
}

static double round_step(double about)
{
	double power = pow(10, floor(log10(about)));
	double digit = about / power;

	return power * (digit > 5 ? 10 : digit > 2 ? 5 : digit > 1 ? 2 : 1);
}

static void make_sound(struct qn_range *r)
{
	if (!isfinite(r->least) || (r->is_log && r->least <= 0))
		r->least = r->is_log ? 1 : 0;
	if (!isfinite(r->most) || r->most < r->least)
		r->most = r->least;
	if (r->most > r->least)
		return;
	if (r->is_log)
		r->most = 2 * r->least;
	else
		r->most = r->least + fmax(fabs(r->least) / 2, 1);
}

/* Ticks number @first to @last, by what value_of() makes of a number and a step */
static void fill(struct qn_ticks *t, double first, double last, double step,
		 double (*value_of)(double number, double step))
{
	t->nr = 0;
	for (double i = first; i <= last && t->nr < QN_MAX_TICKS; i++)
		t->at[t->nr++] = value_of(i, step);
}

static double times(double number, double step)
{
	/* No "-0" */
	return number * step + 0.0;
}

static double power_of(double number, double step)
{
	return pow(step, number);
}

/* Tick numbers around a range, or within it */
static void bound(const struct qn_range *r, double *least, double *most)
{
	*least = r->is_tight ? ceil(*least - NEARLY) : floor(*least + NEARLY);
	*most = r->is_tight ? floor(*most + NEARLY) : ceil(*most - NEARLY);
}

static void make_linear(struct qn_ticks *t, const struct qn_range *r,
			u32 wanted)
{
	double unit = t->factor;
	double step = round_step((r->most - r->least) / wanted / unit) * unit;
	double least = r->least / step, most = r->most / step;

	bound(r, &least, &most);
	fill(t, least, most, step, times);
}

static void make_log(struct qn_ticks *t, const struct qn_range *r, u32 wanted)
{
	double base = r->unit == QN_UNIT_BYTES ? 2 : 10;
	double least = log(r->least) / log(base);
	double most = log(r->most) / log(base);
	double powers = fmax(1, ceil((most - least) / wanted));

	least /= powers;
	most /= powers;
	bound(r, &least, &most);
	fill(t, least, most, pow(base, powers), power_of);
}

void qn_ticks_make(struct qn_ticks *t, struct qn_range *r, u32 wanted)
{
	const struct scale *s;

	make_sound(r);
	s = scale_of(r->unit, fmax(fabs(r->least), fabs(r->most)));
	t->factor = s->factor;
	t->suffix = s->suffix;
	t->unit = r->unit;
	t->is_log = r->is_log;
	if (r->is_log)
		make_log(t, r, wanted);
	else
		make_linear(t, r, wanted);
	if (r->is_tight || !t->nr)
		return;
	r->least = t->at[0];
	r->most = t->at[t->nr - 1];
}

static struct qn_text with_suffix(double value, int digits, const char *suffix)
{
	struct qn_text t;

	snprintf(t.s, sizeof(t.s), "%.*g%s", digits, value, suffix);
	return t;
}

struct qn_text qn_ticks_label(const struct qn_ticks *t, double value)
{
	/* From bytes to megabytes on one axis */
	const struct scale *s = scale_of(t->unit, value);

	if (t->is_log)
		return with_suffix(value / s->factor, 10, s->suffix);
	return with_suffix(value / t->factor, 10, t->suffix);
}

struct qn_text qn_unit_text(enum qn_unit unit, double value)
{
	const struct scale *s = scale_of(unit, fabs(value));

	if (unit == QN_UNIT_BYTES && value >= 0 && value < 1e18)
		return qn_text_size((u64)value);
	return with_suffix(value / s->factor, unit == QN_UNIT_PLAIN ? 4 : 3,
			   s->suffix);
}
