/* SPDX-License-Identifier: MIT */
/*
 * presets.h - the actions of a learned policy: a few settings whose knobs go together.
 *
 * A policy chooses one of them at a time, and the controller publishes its knobs. Each is
 * relative to the knobs that were asked for, so a price set by hand still counts, and who
 * asks for no free memory gets none. Any change between two of them is therefore bounded.
 *
 * Of the heap of a process:
 *
 *	action	name	keep	dirty	dirty_part	boost_most
 *	0	rule	1	1	1		1
 *	1	lean	1/8	1/4	4		0
 *	2	short	1/4	1	1		1/4
 *	3	flat	1	1	1		0
 *	4	long	4	8	1/2		1
 *	5	roomy	64	128	1/4		1
 *
 * Of a heap of one's own:
 *
 *	action	name	held_part	held_most	roomy_part
 *	0	rule	as policy "rule" turns them
 *	1	none	0		1		1
 *	2	few	2		1/2		1
 *	3	many	1/3		3		1
 *	4	most	1/12		12		1
 *	5	tight	1		1		4
 */
#ifndef QN_PRESETS_H
#define QN_PRESETS_H

#include "base/compiler.h"
#include "base/knobs.h"

#define QN_NR_PRESETS 6
/* What the rule does */
#define QN_PRESET_RULE 0

/**
 * qn_preset_process() - the knobs of an action, for the heap of a process
 * @action:	below QN_NR_PRESETS; any other counts as QN_PRESET_RULE
 * @asked:	valid knobs, as the user set them
 * @next:	set to @asked, but for keep, dirty, dirty_part, boost_most; always valid
 *
 * Context: any. Bounded time.
 */
void qn_preset_process(unsigned int action, const struct qn_knobs *asked,
		       struct qn_knobs *next);

/**
 * qn_preset_heap() - the same for a heap of one's own
 * @action:	below QN_NR_PRESETS; any other counts as QN_PRESET_RULE
 * @asked:	valid knobs: those that the heap began with
 * @next:	valid knobs; held_part, held_most and roomy_part are set. Of the rule the
 *		first two are where it begins.
 */
void qn_preset_heap(unsigned int action, const struct qn_heap_knobs *asked,
		    struct qn_heap_knobs *next);

/* Names for reports, by action */
extern const char qn_preset_names[QN_NR_PRESETS][8];
extern const char qn_preset_heap_names[QN_NR_PRESETS][8];

#endif /* QN_PRESETS_H */
