// SPDX-License-Identifier: MIT
/*
 * heap-cost.c - replays into a heap of one's own; see heap-cost.h.
 */
#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "command/base/fail.h"
#include "format/trace.h"
#include "heap-cost.h"
#include "heap/heap.h"

/*
 * Instructions on a Cortex-M4 (bench/RESULTS.md): a block that was held; a free run of just
 * the length; a longer one, cut; a block that is held again; one that is merged. To merge
 * all that is held takes as much for each block.
 */
#define HELD_HIT   25
#define EXACT_HIT  45
#define CUT        105
#define HOLD       38
#define MERGE      93
#define LONG_BLOCK 150

/* Calls between two steps, as guest.c has it */
#define STEP_CALLS 64
/* The smallest heap is found to one part in so many */
#define SMALLEST_PART 64

/**
 * struct run - a replay
 * @heap:	the heap
 * @blocks:	by slot
 * @nr_instructions: so far
 * @failed:	a request was not served
 */
struct run {
	struct qn_heap *heap;
	void **blocks;
	double nr_instructions;
	bool failed;
};

static size_t granules(u64 size)
{
	return max((size_t)DIV_ROUND_UP(size, (u64)QN_GRANULE),
		   (size_t)QN_ZONE_MIN);
}

static double alloc_cost(const struct qn_zone *z, size_t k)
{
	if (k > QN_ZONE_SHORT)
		return LONG_BLOCK;
	if (z->held[k])
		return HELD_HIT;
	return qn_zone_place_exact(z, k) ? EXACT_HIT : CUT;
}

static void free_block(struct run *r, void **block, size_t k)
{
	const struct qn_zone *z = &r->heap->zone;

	if (!*block)
		return;
	qn_heap_free(r->heap, *block);
	r->nr_instructions +=
		k <= QN_ZONE_SHORT && z->held[k] == *block ? HOLD : MERGE;
	*block = NULL;
}

static void alloc_block(struct run *r, void **block, const struct qn_sim_op *op)
{
	size_t squeezed = r->heap->nr_squeezed;
	size_t held = qn_zone_nr_held(&r->heap->zone);

	r->nr_instructions += alloc_cost(&r->heap->zone, granules(op->size));
	if (op->op == QN_TRACE_ALIGNED)
		*block = qn_heap_alloc_aligned(
			r->heap, (size_t)1 << op->align_shift, op->size);
	else
		*block = qn_heap_alloc(r->heap, op->size);
	if (r->heap->nr_squeezed != squeezed)
		r->nr_instructions += (double)held * MERGE;
	r->failed |= !*block;
}

static void call(struct run *r, const struct qn_sim_op *op)
{
	void **block = &r->blocks[op->slot];
	void *p;

	if (op->op == QN_TRACE_FREE) {
		if (*block)
			free_block(r, block,
				   qn_heap_usable_size(r->heap, *block) /
					   QN_GRANULE);
		return;
	}
	if (op->op != QN_TRACE_REALLOC || !*block) {
		alloc_block(r, block, op);
		return;
	}
	p = qn_heap_realloc(r->heap, *block, max(op->size, (u64)1));
	r->failed |= !p;
	r->nr_instructions += p == *block ? HOLD : CUT + MERGE;
	*block = p ? p : *block;
}

static void set_knobs(struct qn_heap *h, const struct qn_heap_knobs *knobs)
{
	if (!knobs)
		return;
	qn_heap_set_policy(h, "fixed");
#define SET(name, unit, preset, least, most, help) \
	qn_heap_set_knob(h, #name, knobs->name);
	QN_HEAP_KNOBS(SET)
#undef SET
}

/* Return: instructions, or QN_HEAP_COST_FAILED */
static double replay(const struct qn_sim_trace *t, u64 nr, void *mem, u64 size,
		     const struct qn_heap_knobs *knobs)
{
	struct run r = { .heap = qn_heap_init(mem, size) };

	if (!r.heap)
		return QN_HEAP_COST_FAILED;
	set_knobs(r.heap, knobs);
	r.blocks = calloc(t->nr_slots, sizeof(*r.blocks));
	if (!r.blocks)
		return QN_HEAP_COST_FAILED;
	for (u64 i = 0; i < nr && !r.failed; i++) {
		call(&r, &t->ops[i]);
		if (i % STEP_CALLS == 0)
			qn_heap_step(r.heap);
	}
	free(r.blocks);
	return r.failed ? QN_HEAP_COST_FAILED : r.nr_instructions;
}

double qn_heap_cost(const struct qn_sim_trace *t, u64 nr, u64 size,
		    const struct qn_heap_knobs *knobs)
{
	void *mem = qn_xremap(NULL, 0, size);
	double instructions = replay(t, nr, mem, size, knobs);
	u64 fails = 0, fits = size;

	if (instructions >= QN_HEAP_COST_FAILED)
		goto out;
	while (fits - fails > fits / SMALLEST_PART) {
		u64 half = fails + (fits - fails) / 2;

		if (replay(t, nr, mem, half, knobs) < QN_HEAP_COST_FAILED)
			fits = half;
		else
			fails = half;
	}
	instructions = sqrt(instructions * (double)fits);
out:
	qn_xremap(mem, size, 0);
	return instructions;
}
