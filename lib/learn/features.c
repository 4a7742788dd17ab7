// SPDX-License-Identifier: MIT
/*
 * features.c - shares and logarithms; see features.h.
 */
#include "learn/features.h"

#include <string.h>

#include "base/bits.h"

#define MOST 127
/* Pages of the heap of a process; microseconds of a millisecond, nearly enough */
#define PAGE_SHIFT 12
#define MS_SHIFT   10
/* Means move by one part in so many, and have so many fractional bits */
#define MEAN_SHIFT 3
#define MEAN_BITS  8

/* @part of @whole */
static s8 share(size_t part, size_t whole)
{
	part = min(part, whole);
	while (whole >> 24) {
		whole >>= 1;
		part >>= 1;
	}
	return whole ? (s8)(part * MOST / whole) : 0;
}

/* Four steps a doubling: 0 is 0, 1 is 4, 3 is 8 */
static s8 logarithm(size_t n)
{
	unsigned int order;

	if (n >= (size_t)1 << 31)
		return MOST;
	order = qn_ilog2(++n);
	n = order < 2 ? n << (2 - order) : n >> (order - 2);
	return (s8)min(4 * order + (unsigned int)(n & 3), (unsigned int)MOST);
}

/* The same of a change, with its sign */
static s8 change(s64 n, unsigned int shift)
{
	u64 size = (n < 0 ? 0 - (u64)n : (u64)n) >> shift;
	s8 l = logarithm((size_t)min(size, (u64)UINT32_MAX));

	return n < 0 ? (s8)-l : l;
}

/* What changed since, in a word that goes around */
static u32 since(u32 *last, u32 now)
{
	u32 diff = now - *last;

	*last = now;
	/* Counters began anew, as in a child of fork() */
	return diff > INT32_MAX ? 0 : diff;
}

/* A decayed mean of @n, below 2^23 */
static u32 mean(u32 *sum, u32 n)
{
	n = min(n, (u32)1 << 23) << MEAN_BITS;
	if (n > *sum)
		*sum += (n - *sum) >> MEAN_SHIFT;
	else
		*sum -= (*sum - n) >> MEAN_SHIFT;
	return *sum >> MEAN_BITS;
}

/* The words of @history */
struct process_history {
	u32 usec;
	u32 purged;
	u32 refaults;
	u32 used;
	u32 mean_refaults;
	u32 mean_purged;
	u32 mean_idle;
	u32 mean_dirty;
};

_Static_assert(sizeof(struct process_history) <=
		       QN_FEATURES_WORDS * sizeof(u32),
	       "what is kept from call to call");

static u32 pages(size_t bytes)
{
	return (u32)(bytes >> PAGE_SHIFT);
}

static void see_price(const struct qn_view *v, s8 in[])
{
	u64 keep_ms = (u64)v->knobs->price * v->page_ns >> PAGE_SHIFT;

	in[0] = logarithm(v->knobs->price);
	in[1] = share(v->pressure, QN_PRESSURE_MOST);
	in[2] = logarithm(v->idle_ms);
	in[4] = logarithm((size_t)min(keep_ms, (u64)UINT32_MAX));
}

static void see_memory(const struct qn_view *v, struct process_history *h,
		       s8 in[])
{
	size_t dirty = v->memory.dirty, used = v->used;

	in[5] = logarithm(pages(dirty));
	in[6] = logarithm(pages(used));
	in[7] = share(dirty, dirty + used);
	in[8] = share(v->memory.live, used);
	in[9] = share(used, v->recent_peak);
	in[10] = change((s64)(s32)(pages(used) - h->used), 0);
	in[11] = share(v->recent_refaults, v->recent_purged);
	in[12] = share(v->recent_purged, used);
	in[22] = (s8)mean(&h->mean_dirty, (u32)in[7]);
	h->used = pages(used);
}

static void see_flows(const struct qn_view *v, struct process_history *h,
		      s8 in[])
{
	u32 refaults = since(&h->refaults, pages(v->memory.refaults));
	u32 purged = since(&h->purged, pages(v->memory.purged));

	in[3] = logarithm(since(&h->usec, (u32)v->memory.usec) >> MS_SHIFT);
	in[13] = logarithm(refaults);
	in[14] = logarithm(purged);
	in[15] = logarithm(mean(&h->mean_refaults, refaults));
	in[16] = logarithm(mean(&h->mean_purged, purged));
	in[17] = logarithm(mean(&h->mean_idle, v->idle_ms));
}

static void see_trend(const struct qn_stats_trend *t, s8 in[])
{
	in[18] = change(t->live_slope, PAGE_SHIFT + QN_STATS_SLOPE);
	in[19] = change(t->peak_slope, PAGE_SHIFT + QN_STATS_SLOPE);
	in[20] = share(t->shift, QN_STATS_ONE);
	in[21] = share((size_t)t->waste.external, QN_STATS_ONE);
	in[23] = share((size_t)t->waste.internal, QN_STATS_ONE);
}

void qn_features_process(const struct qn_view *v, u32 *history,
			 s8 in[QN_NR_FEATURES])
{
	struct process_history *h = (struct process_history *)(void *)history;

	memset(in, 0, QN_NR_FEATURES);
	see_price(v, in);
	see_memory(v, h, in);
	see_flows(v, h, in);
	if (v->trend)
		see_trend(v->trend, in);
}

/* The same of a heap of one's own */
struct heap_history {
	u32 allocs;
	u32 samples;
	u32 hits;
	u32 live;
	u32 mean_refused;
	u32 mean_flushed;
	u32 mean_hits;
};

_Static_assert(sizeof(struct heap_history) <= QN_FEATURES_WORDS * sizeof(u32),
	       "what is kept from call to call");

/* Which of the sampled requests held blocks could serve */
static void see_hits(const struct qn_view *v, struct heap_history *h, s8 in[])
{
	u32 samples = since(&h->samples, v->held.samples);
	u32 hits = since(&h->hits, v->held.hits);

	if (samples)
		mean(&h->mean_hits, (u32)share(hits, samples));
	in[5] = (s8)(h->mean_hits >> MEAN_BITS);
}

void qn_features_heap(const struct qn_view *v, u32 *history,
		      s8 in[QN_NR_FEATURES])
{
	struct heap_history *h = (struct heap_history *)(void *)history;
	const struct qn_held_view *held = &v->held;
	u32 live = (u32)(v->memory.live / QN_ALIGN);

	memset(in, 0, QN_NR_FEATURES);
	in[0] = logarithm(held->total / QN_ALIGN);
	in[1] = share(held->free, held->total);
	in[2] = share(held->largest_free, held->free);
	in[3] = share(held->largest_free, held->total);
	in[4] = share(held->most, held->total);
	see_hits(v, h, in);
	in[6] = logarithm(held->refused);
	in[7] = logarithm(held->flushed);
	in[8] = held->is_roomy ? MOST : 0;
	in[9] = logarithm(since(&h->allocs, held->allocs));
	in[10] = logarithm(mean(&h->mean_refused, held->refused));
	in[11] = logarithm(mean(&h->mean_flushed, held->flushed * 16));
	in[12] = share(v->memory.live, v->memory.peak);
	in[13] = change((s64)(s32)(live - h->live), 0);
	in[14] = share(held->most, held->free);
	h->live = live;
}
