// SPDX-License-Identifier: MIT
/*
 * heap-cost.c - replays into a heap of one's own; see heap-cost.h.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "command/base/fail.h"
#include "format/trace.h"
#include "heap-cost.h"
#include "heap/heap.h"
#include "port/port.h"

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

/* The smallest heap is found to one part in so many */
#define SMALLEST_PART 64

/**
 * struct run - a replay
 * @heap:	the heap
 * @blocks:	by slot
 * @p:		what is played
 */
struct run {
	struct qn_heap *heap;
	void **blocks;
	struct qn_heap_play *p;
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
	r->p->instructions +=
		k <= QN_ZONE_SHORT && z->held[k] == *block ? HOLD : MERGE;
	*block = NULL;
}

static void refuse_if(struct run *r, bool failed)
{
	if (!failed)
		return;
	r->p->nr_failed++;
	r->p->instructions += QN_HEAP_REFUSAL;
}

static void alloc_block(struct run *r, void **block, const struct qn_sim_op *op)
{
	size_t squeezed = r->heap->nr_squeezed;
	size_t held = qn_zone_nr_held(&r->heap->zone);

	r->p->instructions += alloc_cost(&r->heap->zone, granules(op->size));
	if (op->op == QN_TRACE_ALIGNED)
		*block = qn_heap_alloc_aligned(
			r->heap, (size_t)1 << op->align_shift, op->size);
	else
		*block = qn_heap_alloc(r->heap, op->size);
	if (r->heap->nr_squeezed != squeezed)
		r->p->instructions += (double)held * MERGE;
	refuse_if(r, !*block);
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
	refuse_if(r, !p);
	r->p->instructions += p == *block ? HOLD : CUT + MERGE;
	*block = p ? p : *block;
}

static void set_knobs(struct qn_heap *h, const struct qn_heap_play *p)
{
	const struct qn_heap_knobs *knobs = p->knobs;

	qn_heap_set_policy(h, knobs ? "fixed" : "rule");
	if (!knobs && p->policy)
		h->controller.policy = p->policy;
	if (!knobs)
		return;
#define SET(name, unit, preset, least, most, help) \
	qn_heap_set_knob(h, #name, knobs->name);
	QN_HEAP_KNOBS(SET)
#undef SET
}

static void play_calls(struct run *r)
{
	struct qn_heap_play *p = r->p;

	for (; p->calls < p->nr; p->calls++) {
		if (p->nr_failed && !p->goes_on)
			return;
		call(r, &p->trace->ops[p->calls]);
		if (p->calls % QN_HEAP_STEP_CALLS)
			continue;
		if (p->at_step)
			p->at_step(p);
		qn_heap_step(r->heap);
	}
}

int qn_heap_play(struct qn_heap_play *p)
{
	void *mem = qn_xremap(NULL, 0, p->size);
	struct run r = { .heap = qn_heap_init(mem, p->size), .p = p };
	int err = 0;

	/* Samples are drawn by chance, the same in each replay */
	qn_port_seed_fix(1);
	p->instructions = 0;
	p->calls = p->nr_failed = 0;
	r.blocks = calloc(p->trace->nr_slots, sizeof(*r.blocks));
	if (r.heap && r.blocks) {
		set_knobs(r.heap, p);
		play_calls(&r);
	} else {
		err = -ENOMEM;
	}
	free(r.blocks);
	qn_xremap(mem, p->size, 0);
	return err;
}

/* Return: instructions, or QN_HEAP_COST_FAILED */
static double replay(const struct qn_sim_trace *t, u64 nr, u64 size,
		     const struct qn_heap_knobs *knobs)
{
	struct qn_heap_play p = {
		.trace = t,
		.nr = nr,
		.size = size,
		.knobs = knobs,
	};

	return qn_heap_play(&p) || p.nr_failed ? QN_HEAP_COST_FAILED :
						 p.instructions;
}

double qn_heap_cost(const struct qn_sim_trace *t, u64 nr, u64 size,
		    const struct qn_heap_knobs *knobs)
{
	double instructions = replay(t, nr, size, knobs);
	u64 fails = 0, fits = size;

	if (instructions >= QN_HEAP_COST_FAILED)
		return instructions;
	while (fits - fails > fits / SMALLEST_PART) {
		u64 half = fails + (fits - fails) / 2;

		if (replay(t, nr, half, knobs) < QN_HEAP_COST_FAILED)
			fits = half;
		else
			fails = half;
	}
	return sqrt(instructions * (double)fits);
}
