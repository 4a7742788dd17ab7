/* SPDX-License-Identifier: MIT */
/*
 * table.h - the granule table: how a request size is served.
 *
 * Immutable once published, replaced as a whole: a heap builds the next one in
 * a buffer of its own and switches one pointer. Sizes are counted in steps of
 * QN_ALIGN bytes. An entry of the map is a class; class 0 means "a direct run
 * of that many steps", any other class serves objects of class_steps[class]
 * steps: from slabs on Linux, from blocks held unmerged on the MCU.
 *
 * Classes 1 .. nr_base are there from the start and never change; together they
 * serve every step up to the size of the last of them. The others are slots for
 * promoted sizes: class_steps 0 says that a slot is free. A promoted class
 * takes over a range of steps that ends at its own size, so the map stays
 * monotone.
 *
 * free() never looks here: a block knows its own size by the memory it lies in.
 */
#ifndef QN_TABLE_H
#define QN_TABLE_H

#include "base/compiler.h"
#include "base/config.h"
#include "quern.h"

#define QN_STEP         QN_ALIGN
#define QN_CLASS_DIRECT 0

/* A size in steps, rounded up; 0 becomes 1. Right up to SIZE_MAX. */
static __always_inline size_t qn_size_steps(size_t size)
{
	return (size - (size != 0)) / QN_STEP + 1;
}

/**
 * struct qn_table - one generation of the granule table
 * @generation:	1 for the first, one more for each successor
 * @nr_users:	who still reads it; guarded by the owning heap's lock
 * @nr_steps:	entries of @map; the largest size it serves is
 *		(@nr_steps - 1) * QN_STEP bytes
 * @nr_base:	classes 1 .. @nr_base are permanent
 * @nr_classes:	classes in use or free slots between; all c < @nr_classes
 * @class_steps: object size in steps; [0] is 0
 * @map:	size in steps -> class; [0] is as [1], so that a lookup that
 *		rounds 0 bytes to 0 steps is right too
 *
 * Invariant, for every step s in 1 .. @nr_steps - 1 with c = @map[s]:
 * c == 0 or (@class_steps[c] >= s and, if s > 1 and @map[s - 1] != 0,
 * @class_steps[@map[s - 1]] <= @class_steps[c]). For every class c in use:
 * @map[@class_steps[c]] == c. Both together: a size has the smallest class that
 * holds it.
 */
struct qn_table {
	u32 generation;
	u32 nr_users;
	u16 nr_steps;
	u8 nr_base;
	u8 nr_classes;
	u16 class_steps[QN_NR_CLASSES];
	u8 map[];
};

static __always_inline size_t qn_table_bytes(unsigned int nr_steps)
{
	return round_up(sizeof(struct qn_table) + nr_steps, sizeof(void *));
}

static __always_inline size_t qn_table_osize(const struct qn_table *t,
					     unsigned int class)
{
	return (size_t)t->class_steps[class] * QN_STEP;
}

/* Without promotion, is a size of @step steps a direct run? */
static __always_inline bool qn_table_is_direct(const struct qn_table *t,
					       unsigned int step)
{
	return step > t->class_steps[t->nr_base];
}

/**
 * qn_table_init_direct() - every size a direct run
 * @t:		qn_table_bytes(@nr_steps) bytes
 * @nr_steps:	entries of the map, from 2 to 65535
 */
void qn_table_init_direct(struct qn_table *t, unsigned int nr_steps);

/**
 * qn_table_init_slabs() - the static classes: one per step up to
 * QN_TABLE_EXACT_STEPS, then QN_TABLE_PER_DOUBLING to a doubling
 * @t:		qn_table_bytes(@nr_steps) bytes
 * @nr_steps:	entries of the map, from 2 to 65535
 *
 * Class ids ascend with the object size. The last class ends at the last step
 * of the map; should the slots not reach so far, the sizes above are direct.
 */
void qn_table_init_slabs(struct qn_table *t, unsigned int nr_steps);

/*
 * In each table of a process class c is that of c steps, up to this. A list of one size is cut
 * for a sample wherever it is due (CUT_MOST in process/local.c).
 */
#define QN_TABLE_READY_STEPS 16

/**
 * qn_table_init_coarse() - permanent classes of up to QN_TABLE_READY_STEPS steps, then at
 * every so many steps, and no others
 * @t:		qn_table_bytes(@nr_steps) bytes
 * @nr_steps:	entries of the map, a multiple of @every and one more
 * @every:	steps from a class to the next
 */
void qn_table_init_coarse(struct qn_table *t, unsigned int nr_steps,
			  unsigned int every);

/**
 * qn_table_copy() - start the next generation from @src
 * @dst:	at least as many bytes as @src; nobody uses it
 * @src:	a valid table
 */
void qn_table_copy(struct qn_table *dst, const struct qn_table *src);

/**
 * qn_table_promote() - give a size a class of its own
 * @t:		a table that is not published
 * @step:	the size in steps
 *
 * Where classes have slabs the sizes below @step that shared its class come
 * along; of direct ones @step alone moves. Bounded by QN_NR_CLASSES and the
 * width of the class.
 *
 * Return: the new class, -EEXIST (has one already), -ERANGE (outside the map),
 * -ENOSPC (no free slot).
 */
int qn_table_promote(struct qn_table *t, unsigned int step);

/**
 * qn_table_demote() - take a promoted class away
 * @t:		a table that is not published
 * @class:	a promoted class
 *
 * Its sizes go to the class that serves the next larger step; those that were
 * direct without it are direct again. Bounded as qn_table_promote().
 *
 * Return: 0 or -EINVAL (not a promoted class).
 */
int qn_table_demote(struct qn_table *t, unsigned int class);

/**
 * qn_table_check() - does the invariant hold
 *
 * Return: 0 or -EUCLEAN.
 */
int qn_table_check(const struct qn_table *t);

#endif /* QN_TABLE_H */
