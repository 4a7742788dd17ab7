// SPDX-License-Identifier: MIT
/*
 * knobs.c - the preset knobs, and the ranges of all.
 */
#include "base/knobs.h"

#define PRESET(name, unit, preset, least, most, help) .name = (preset),

const struct qn_knobs qn_knobs_preset = { QN_KNOBS(PRESET) };

#define IS_PRESET_VALID(name, unit, preset, least, most, help)     \
	_Static_assert((preset) >= (size_t)(least) &&              \
			       (size_t)(preset) <= (size_t)(most), \
		       #name " is preset outside of its range");

QN_KNOBS(IS_PRESET_VALID)

const struct qn_heap_knobs qn_heap_knobs_preset __rodata_apart = {
	QN_HEAP_KNOBS(PRESET)
};

QN_HEAP_KNOBS(IS_PRESET_VALID)

/* One compare for both ends: what is below the least wraps around */
#define IS_OUTSIDE(name, unit, preset, least, most, help) \
	|| knobs->name - (size_t)(least) > (size_t)(most) - (least)

__apart bool qn_knobs_are_valid(const struct qn_knobs *knobs)
{
	return !(false QN_KNOBS(IS_OUTSIDE));
}

__seldom_as("tune_heap") bool qn_heap_knobs_are_valid(
	const struct qn_heap_knobs *knobs)
{
	return !(false QN_HEAP_KNOBS(IS_OUTSIDE));
}
