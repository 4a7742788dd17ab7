// SPDX-License-Identifier: MIT
/*
 * cost.c - shares of a base, and the costs of a heap of one's own; see cost.h.
 *
 * There is no division of 64 bits here: firmware would need a function for it.
 */
#include "learn/cost.h"

#include <string.h>

#include "learn/presets.h"

/* Instructions of a request and its free where a held block serves; more where none does */
#define HIT_COST  84u
#define MISS_COST 110u
/* Those of a request that has all held blocks merged, and of each byte held then */
#define FLUSH_COST 200u
#define FLUSH_BYTE 2u
/* Ratios of presets */
#define ONE 1024u
/* More requests count as so many; samples of an interval */
#define ALLOCS_MOST  ((u32)1 << 20)
#define SAMPLES_MOST ((u32)1 << 11)

/* Of 22 bits, so that there is room for the fractional bits */
#define WHOLE_BITS 21

s32 qn_cost_share(s64 n, const struct qn_flow *flow)
{
	u64 size = n < 0 ? 0 - (u64)n : (u64)n, base = flow->base;
	u32 share = QN_COST_MOST;

	for (; (size | base) >> WHOLE_BITS; base >>= 1)
		size >>= 1;
	if (base)
		share = min((u32)size * QN_COST_ONE / (u32)base, share);
	return n < 0 ? -(s32)share : (s32)share;
}

u32 qn_cost_of(const struct qn_flow *flow)
{
	return (u32)qn_cost_share(
		(s64)min(flow->cpu + flow->mem, (u64)INT64_MAX), flow);
}

bool qn_cost_is_back(const struct qn_interval *last,
		     const struct qn_interval *now)
{
	return !last->is_known || now->usec - last->usec > INT32_MAX ||
	       now->purged - last->purged > INT32_MAX ||
	       now->refaults - last->refaults > INT32_MAX ||
	       now->allocs - last->allocs > INT32_MAX;
}

/* Of the requests since, those that no held block served, as far as samples tell */
static u32 misses(const struct qn_interval *was, const struct qn_interval *now,
		  u32 allocs)
{
	u32 samples = now->samples - was->samples;
	u32 hits = min(now->hits - was->hits, samples);

	for (; samples >= SAMPLES_MOST; samples >>= 1)
		hits >>= 1;
	return samples ? allocs * (samples - hits) / samples : allocs;
}

bool qn_cost_heap(const struct qn_view *v, struct qn_interval *last,
		  struct qn_flow *flow)
{
	const struct qn_interval now = {
		.is_known = true,
		.allocs = v->held.allocs,
		.samples = v->held.samples,
		.hits = v->held.hits,
	};
	const struct qn_interval was = *last;

	*last = now;
	if (qn_cost_is_back(&was, &now) || now.allocs == was.allocs)
		return false;
	memset(flow, 0, sizeof(*flow));
	flow->allocs = min(now.allocs - was.allocs, ALLOCS_MOST);
	flow->misses = misses(&was, &now, flow->allocs);
	flow->refused = v->held.refused;
	flow->flushed = v->held.flushed;
	flow->base = (u64)flow->allocs * HIT_COST;
	flow->cpu = (u64)flow->misses * MISS_COST +
		    (u64)flow->flushed *
			    (FLUSH_COST + FLUSH_BYTE * (u64)v->held.most);
	return true;
}

/* Half of the blocks that were refused would have served a request */
static s64 hold_more(const struct qn_view *v, const struct qn_flow *f,
		     u32 times)
{
	u64 more = FLUSH_BYTE * (u64)v->held.most * (times - 1);

	return (s64)min(f->refused / 2, f->misses) * MISS_COST -
	       (s64)(f->flushed * more);
}

s32 qn_cost_gain_heap(const struct qn_view *v, const struct qn_flow *flow,
		      unsigned int action)
{
	const struct qn_heap_knobs *now = v->heap_knobs;
	struct qn_heap_knobs next = *now;
	u64 hits = flow->allocs - flow->misses, merges;
	size_t part;

	qn_preset_heap(action, &qn_heap_knobs_preset, &next);
	if (next.held_part && next.held_part < now->held_part)
		return qn_cost_share(
			hold_more(v, flow,
				  (u32)(now->held_part / next.held_part)),
			flow);
	/* Of what is held now, what would be, in 1/1024 */
	part = next.held_part && now->held_part ?
		       now->held_part * ONE / next.held_part :
		       (next.held_part ? ONE : 0);
	if (next.roomy_part > now->roomy_part)
		return qn_cost_share((s64)min(flow->refused / 2, flow->misses) *
					     MISS_COST,
				     flow);
	part = min(part, (size_t)ONE);
	merges = (u64)flow->flushed * FLUSH_BYTE * (u64)v->held.most;
	return qn_cost_share(
		(s64)(merges * (ONE - part) / ONE) -
			(s64)(hits * MISS_COST * (ONE - part) / ONE),
		flow);
}
