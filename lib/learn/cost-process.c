// SPDX-License-Identifier: MIT
/*
 * cost-process.c - the costs of the heap of a process, at the price of memory; see cost.h.
 */
#include "learn/cost.h"

#include <string.h>

#include "learn/presets.h"

#define PAGE_SHIFT 12
/* Nanoseconds of a call that returns memory, and of each page of it */
#define PURGE_NS 2000u
#define PAGE_NS  340u
/* Longer intervals count as so long; less memory in use counts as so much */
#define USEC_MOST  (60u * 1000 * 1000)
#define USED_LEAST ((size_t)1 << 20)
/* Ratios of presets */
#define ONE 1024u

static u32 pages(size_t bytes)
{
	return (u32)(bytes >> PAGE_SHIFT);
}

/* What so many pages cost in so long: a price of 1 GB-second a CPU-second is 1 ns a byte */
static u64 memory_ns(u32 nr, u32 usec, size_t price)
{
	return (u64)nr * usec / 1000 * (1u << PAGE_SHIFT) / price;
}

static u32 fault_ns(const struct qn_view *v)
{
	return max(v->page_ns, 2 * PAGE_NS) - PAGE_NS;
}

bool qn_cost_process(const struct qn_view *v, struct qn_interval *last,
		     struct qn_flow *flow)
{
	const struct qn_interval now = {
		.is_known = true,
		.usec = (u32)v->memory.usec,
		.purged = pages(v->memory.purged),
		.refaults = pages(v->memory.refaults),
		.purges = (u32)v->nr_purges,
		.dirty = pages(v->memory.dirty),
	};
	const struct qn_interval was = *last;
	u32 used = pages(max(max(v->used, v->recent_peak), USED_LEAST)), purges;

	*last = now;
	if (qn_cost_is_back(&was, &now))
		return false;
	memset(flow, 0, sizeof(*flow));
	flow->usec = min(now.usec - was.usec, USEC_MOST);
	flow->purged = now.purged - was.purged;
	flow->refaults = now.refaults - was.refaults;
	flow->dirty = now.dirty / 2 + was.dirty / 2;
	purges = min(now.purges - was.purges, flow->purged);
	flow->cpu = (u64)flow->refaults * fault_ns(v) +
		    (u64)flow->purged * PAGE_NS + (u64)purges * PURGE_NS;
	flow->mem = memory_ns(flow->dirty, flow->usec, v->knobs->price);
	flow->base = memory_ns(used, flow->usec, v->knobs->price) + 1;
	return true;
}

/* ---- what a preset would have changed ---- */

/* How much free memory knobs let be, nearly */
static size_t limit(const struct qn_view *v, const struct qn_knobs *k)
{
	return k->dirty + v->used / k->dirty_part +
	       min(k->boost_most, v->used / k->boost_part);
}

/* @part of @whole in 1/1024 */
static u32 ratio(size_t part, size_t whole)
{
	while (whole >> 20) {
		whole >>= 1;
		part >>= 1;
	}
	return whole ? (u32)min(part * ONE / whole, (size_t)UINT16_MAX) : ONE;
}

/* Who keeps more has no refaults and no purges, and keeps what was purged and not wanted */
static s64 longer(const struct qn_view *v, const struct qn_flow *f)
{
	u32 kept = f->purged - min(f->refaults, f->purged);

	return (s64)f->cpu - (s64)memory_ns(kept, f->usec, v->knobs->price);
}

/*
 * Who keeps a part of it has that much less dirty memory. The rest goes in any case, but
 * sooner, and what is wanted back of it is fetched again once in the time that is left: as
 * large a share as of what was purged lately.
 */
static s64 shorter(const struct qn_view *v, const struct qn_flow *f, u32 part)
{
	u32 back = ratio(v->recent_refaults, v->recent_purged);
	u64 keep_us = (u64)v->knobs->price * v->page_ns / 4 * part / ONE + 1;
	u64 gone = (u64)f->dirty * (ONE - part) / ONE;
	u64 turned = gone * min((u64)f->usec, keep_us) / keep_us;

	back = v->recent_purged ? min(back, ONE) : ONE / 2;
	return (s64)(f->mem * (ONE - part) / ONE) -
	       (s64)(turned * v->page_ns * back / ONE);
}

s32 qn_cost_gain_process(const struct qn_view *v, const struct qn_flow *flow,
			 unsigned int action)
{
	struct qn_knobs rule, next;
	size_t limits[2];
	u32 part;

	qn_preset_process(QN_PRESET_RULE, v->asked, &rule);
	qn_preset_process(action, v->asked, &next);
	limits[0] = limit(v, &rule);
	limits[1] = limit(v, &next);
	if (next.keep > rule.keep || limits[1] > limits[0])
		return qn_cost_share(longer(v, flow), flow);
	part = min(ratio(next.keep, rule.keep), ratio(limits[1], limits[0]));
	return qn_cost_share(shorter(v, flow, min(part, ONE)), flow);
}
