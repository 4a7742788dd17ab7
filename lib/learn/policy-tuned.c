// SPDX-License-Identifier: MIT
/*
 * policy-tuned.c - the table that was found for one program, and no learning.
 *
 * On Linux the sizes come from a file (format/tuned.h), and a process has the table from its
 * start; knobs are settings there, see qn_tuned_merge(). In firmware both come from a
 * header granules.h that `quern tune` writes, and a heap promotes the sizes as it steps:
 *
 *	#define QN_GRANULES 1
 *	#define QN_GRANULES_KNOBS(K)   K(held_part, 8) K(roomy_part, 4)
 *	#define QN_GRANULES_CLASSES(C) C(24) C(40)
 */
#include "learn/policy-tuned.h"

#include "learn/controller.h"

#if QN_SMALL && QN_POLICY_TUNED
#include "granules.h"
_Static_assert(QN_GRANULES == 1, "granules.h is of another version");
#else
#define QN_GRANULES_KNOBS(K)
#define QN_GRANULES_CLASSES(C)
#endif

#define CLASS(size)       (size),
#define KNOB(name, value) knobs->name = (value);

/* The last is none, so that there is one */
static const u16 granules[] = { QN_GRANULES_CLASSES(CLASS) 0 };

static const u16 *sizes = granules;
static unsigned int nr_sizes = ARRAY_SIZE(granules) - 1;

void qn_policy_tuned_set(const u16 *classes, unsigned int nr)
{
	sizes = classes;
	nr_sizes = nr;
}

static bool is_missing(const struct qn_table *t, size_t step)
{
	return step < t->nr_steps && t->class_steps[t->map[step]] != step;
}

static bool tuned_begin(struct qn_table *table)
{
	bool any = false;

	for (unsigned int i = 0; i < nr_sizes; i++) {
		size_t step = qn_size_steps(sizes[i]);

		any |= is_missing(table, step) &&
		       qn_table_promote(table, (unsigned int)step) >= 0;
	}
	return any;
}

/* The first of the slice that has no class yet; with all slots taken nothing comes of it */
static bool tuned_look(const struct qn_view *view, u32 *state,
		       unsigned int from, unsigned int to,
		       struct qn_action *act)
{
	(void)state;
	for (unsigned int i = 0; i < nr_sizes; i++) {
		size_t step = qn_size_steps(sizes[i]);

		if (step < from || step >= to || !is_missing(view->table, step))
			continue;
		act->kind = QN_ACTION_PROMOTE;
		act->step = (u16)step;
		return true;
	}
	return false;
}

static void tuned_begin_heap(struct qn_heap_knobs *knobs)
{
	(void)knobs;
	QN_GRANULES_KNOBS(KNOB)
}

const struct qn_policy qn_policy_tuned = {
	.name = "tuned",
	.look = tuned_look,
	.begin = tuned_begin,
	.begin_heap = tuned_begin_heap,
};
