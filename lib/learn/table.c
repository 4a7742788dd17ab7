// SPDX-License-Identifier: MIT
/*
 * table.c - building and changing granule tables.
 *
 * Lowest piece with an idea of size classes: heaps read the result, the
 * controller asks for the changes. Everything works on a table that nobody
 * reads yet, so there is no ordering to care for; publishing is the heap's
 * business.
 *
 * Promotion and demotion keep the map such that a size has the smallest class
 * that holds it, whatever their order: a promoted class takes the lower end of
 * the range of the class it splits, and its sizes fall back to the class above
 * it, which is what remains of the same base class.
 */
#include <string.h>

#include "port/debug.h"
#include "learn/table.h"

_Static_assert(QN_TABLE_EXACT_STEPS >= QN_TABLE_PER_DOUBLING &&
		       QN_TABLE_PER_DOUBLING >= 1,
	       "QN_TABLE_EXACT_STEPS: at least QN_TABLE_PER_DOUBLING");

/* Object size in steps of the static class number @class, from 1 on */
static unsigned int base_steps(unsigned int class)
{
	unsigned int doubling, start, part;

	if (class <= QN_TABLE_EXACT_STEPS)
		return class;
	doubling = (class - QN_TABLE_EXACT_STEPS - 1) / QN_TABLE_PER_DOUBLING;
	part = (class - QN_TABLE_EXACT_STEPS - 1) % QN_TABLE_PER_DOUBLING + 1;
	start = (unsigned int)QN_TABLE_EXACT_STEPS << doubling;
	return start + start / QN_TABLE_PER_DOUBLING * part;
}

/*
 * Give @class the steps from @step downwards as far as they are served by @from
 * now, at least @step itself. Direct steps are not a range: each is a size.
 */
static void move_range(struct qn_table *t, unsigned int step, unsigned int from,
		       unsigned int class)
{
	do
		t->map[step--] = (u8) class;
	while (step && t->map[step] == from && from != QN_CLASS_DIRECT);
	t->map[0] = t->map[1];
}

static unsigned int free_slot(const struct qn_table *t)
{
	unsigned int class;

	for (class = t->nr_base + 1u; class < QN_NR_CLASSES; class ++)
		if (!t->class_steps[class])
			return class;
	return 0;
}

void qn_table_init_direct(struct qn_table *t, unsigned int nr_steps)
{
	qn_assert(nr_steps >= 2 && nr_steps <= UINT16_MAX);
	memset(t, 0, qn_table_bytes(nr_steps));
	t->generation = 1;
	t->nr_steps = (u16)nr_steps;
	t->nr_classes = 1;
}

void qn_table_init_slabs(struct qn_table *t, unsigned int nr_steps)
{
	unsigned int class, step = 1;

	qn_table_init_direct(t, nr_steps);
	for (class = 1; class < QN_NR_CLASSES && step < nr_steps; class ++) {
		t->class_steps[class] =
			(u16)min(base_steps(class), nr_steps - 1);
		while (step <= t->class_steps[class])
			t->map[step++] = (u8) class;
	}
	t->map[0] = t->map[1];
	t->nr_base = (u8)(class - 1);
	t->nr_classes = (u8) class;
}

__seldom_as("coarse") void qn_table_init_coarse(struct qn_table *t,
						unsigned int nr_steps,
						unsigned int every)
{
	unsigned int class = 0, step = 0;

	qn_table_init_direct(t, nr_steps);
	qn_assert((nr_steps - 1) % every == 0);
	qn_assert(QN_TABLE_READY_STEPS % every == 0);
	qn_assert(QN_TABLE_READY_STEPS + nr_steps / every < QN_NR_CLASSES);
	while (step + 1 < nr_steps) {
		unsigned int nr = step < QN_TABLE_READY_STEPS ? 1 : every;

		class ++;
		memset(&t->map[step + 1], (int)class, nr);
		step += nr;
		t->class_steps[class] = (u16)step;
	}
	t->map[0] = t->map[1];
	t->nr_base = (u8) class;
	t->nr_classes = (u8)(class + 1);
}

void qn_table_copy(struct qn_table *dst, const struct qn_table *src)
{
	qn_assert(dst != src);
	dst->generation = src->generation + 1;
	dst->nr_users = 0;
	dst->nr_steps = src->nr_steps;
	dst->nr_base = src->nr_base;
	dst->nr_classes = src->nr_classes;
	memcpy(dst->class_steps, src->class_steps, sizeof(dst->class_steps));
	memcpy(dst->map, src->map, src->nr_steps);
}

/* Tables change seldom, and not in the first moments of a process */
__seldom_as("promote") int qn_table_promote(struct qn_table *t,
					    unsigned int step)
{
	unsigned int class, old;

	if (step == 0 || step >= t->nr_steps)
		return -ERANGE;
	old = t->map[step];
	if (t->class_steps[old] == step)
		return -EEXIST;
	class = free_slot(t);
	if (!class)
		return -ENOSPC;
	t->class_steps[class] = (u16)step;
	t->nr_classes = (u8)max((unsigned int)t->nr_classes, class + 1);
	move_range(t, step, old, class);
	qn_assert(t->map[step] == class);
	return (int)class;
}

__seldom_as("demote") int qn_table_demote(struct qn_table *t,
					  unsigned int class)
{
	unsigned int step, heir = QN_CLASS_DIRECT;

	if (class <= t->nr_base || class >= t->nr_classes ||
	    !t->class_steps[class])
		return -EINVAL;
	step = t->class_steps[class];
	if (!qn_table_is_direct(t, step))
		heir = t->map[step + 1];
	qn_assert(heir != class);
	move_range(t, step, class, heir);
	t->class_steps[class] = 0;
	while (t->nr_classes > t->nr_base + 1 &&
	       !t->class_steps[t->nr_classes - 1])
		t->nr_classes--;
	return 0;
}

/* Classes are as the counts say, and each serves its own size */
static bool classes_ok(const struct qn_table *t)
{
	unsigned int class, steps, top = t->nr_base;

	if (t->class_steps[0])
		return false;
	for (class = 1; class < QN_NR_CLASSES; class ++) {
		steps = t->class_steps[class];
		if (class <= t->nr_base && steps <= t->class_steps[class - 1])
			return false;
		if (!steps)
			continue;
		if (steps >= t->nr_steps || t->map[steps] != class)
			return false;
		top = class;
	}
	return t->nr_classes == top + 1;
}

/* One entry: large enough, exact where it would be direct, and in order */
static bool step_ok(const struct qn_table *t, unsigned int step)
{
	unsigned int class = t->map[step];
	unsigned int steps;

	if (class == QN_CLASS_DIRECT)
		return qn_table_is_direct(t, step);
	if (class >= t->nr_classes)
		return false;
	steps = t->class_steps[class];
	if (qn_table_is_direct(t, step))
		return steps == step;
	return steps >= step && t->class_steps[t->map[step - 1]] <= steps;
}

__apart int qn_table_check(const struct qn_table *t)
{
	unsigned int step;

	if (t->generation == 0 || t->nr_steps < 2 ||
	    t->nr_classes <= t->nr_base || t->nr_classes > QN_NR_CLASSES)
		return -EUCLEAN;
	if (!classes_ok(t) || t->map[0] != t->map[1])
		return -EUCLEAN;
	for (step = 1; step < t->nr_steps; step++)
		if (!step_ok(t, step))
			return -EUCLEAN;
	return 0;
}
