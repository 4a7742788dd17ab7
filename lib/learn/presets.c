// SPDX-License-Identifier: MIT
/*
 * presets.c - the table of actions; see presets.h.
 */
#include "learn/presets.h"

const char qn_preset_names[QN_NR_PRESETS][8] = {
	"rule", "lean", "short", "flat", "long", "roomy",
};

const char qn_preset_heap_names[QN_NR_PRESETS][8] = {
	"rule", "none", "few", "many", "most", "tight",
};

/* A knob is multiplied by one and divided by the other */
struct factor {
	u8 times;
	u8 by;
};

/**
 * struct preset - an action on the heap of a process
 * @keep, @dirty, @dirty_part, @boost_most: of the knobs of these names
 */
struct preset {
	struct factor keep;
	struct factor dirty;
	struct factor dirty_part;
	struct factor boost_most;
};

/**
 * struct heap_preset - an action on a heap of one's own
 * @held_part, @held_most, @roomy_part: of the knobs of these names
 */
struct heap_preset {
	struct factor held_part;
	struct factor held_most;
	struct factor roomy_part;
};

/* clang-format off */
static const struct preset presets[QN_NR_PRESETS] = {
	{ {  1, 1 }, {   1, 1 }, { 1, 1 }, { 1, 1 } },
	{ {  1, 8 }, {   1, 4 }, { 4, 1 }, { 0, 1 } },
	{ {  1, 4 }, {   1, 1 }, { 1, 1 }, { 1, 4 } },
	{ {  1, 1 }, {   1, 1 }, { 1, 1 }, { 0, 1 } },
	{ {  4, 1 }, {   8, 1 }, { 1, 2 }, { 1, 1 } },
	{ { 64, 1 }, { 128, 1 }, { 1, 4 }, { 1, 1 } },
};

static const struct heap_preset heap_presets[QN_NR_PRESETS] = {
	{ { 1,  1 }, {  1, 1 }, { 1, 1 } },
	{ { 0,  1 }, {  1, 1 }, { 1, 1 } },
	{ { 2,  1 }, {  1, 2 }, { 1, 1 } },
	{ { 1,  3 }, {  3, 1 }, { 1, 1 } },
	{ { 1, 12 }, { 12, 1 }, { 1, 1 } },
	{ { 1,  1 }, {  1, 1 }, { 4, 1 } },
};
/* clang-format on */

/* The ends of the ranges */
#define LEAST(name, unit, preset, least, most, help) .name = (least),
#define MOST(name, unit, preset, least, most, help)  .name = (most),

static const struct qn_knobs least = { QN_KNOBS(LEAST) };
static const struct qn_knobs most = { QN_KNOBS(MOST) };
static const struct qn_heap_knobs heap_least = { QN_HEAP_KNOBS(LEAST) };
static const struct qn_heap_knobs heap_most = { QN_HEAP_KNOBS(MOST) };

/* 0 stays 0, where it is allowed, and what was asked for is divided to 0 nowhere else */
static size_t scale(size_t value, struct factor f, size_t low, size_t high)
{
	size_t next;

	if (!value || !f.times)
		return low;
	if (__builtin_mul_overflow(value, (size_t)f.times, &next))
		return high;
	return min(max(next / f.by, max(low, (size_t)1)), high);
}

#define SCALE(next, asked, p, name, low, high) \
	((next)->name =                        \
		 scale((asked)->name, (p)->name, (low).name, (high).name))

void qn_preset_process(unsigned int action, const struct qn_knobs *asked,
		       struct qn_knobs *next)
{
	const struct preset *p = &presets[action < QN_NR_PRESETS ? action : 0];

	*next = *asked;
	SCALE(next, asked, p, keep, least, most);
	SCALE(next, asked, p, dirty, least, most);
	SCALE(next, asked, p, dirty_part, least, most);
	SCALE(next, asked, p, boost_most, least, most);
}

void qn_preset_heap(unsigned int action, const struct qn_heap_knobs *asked,
		    struct qn_heap_knobs *next)
{
	const struct heap_preset *p =
		&heap_presets[action < QN_NR_PRESETS ? action : 0];

	SCALE(next, asked, p, held_part, heap_least, heap_most);
	SCALE(next, asked, p, held_most, heap_least, heap_most);
	SCALE(next, asked, p, roomy_part, heap_least, heap_most);
}
