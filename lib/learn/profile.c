// SPDX-License-Identifier: MIT
/*
 * profile.c - the decayed histogram.
 *
 * Written by whoever samples a request (a heap's slow path), read by policies
 * in the same critical section, so there is nothing atomic here.
 *
 * Decay goes round like the hand of a clock: with each sample it passes a few
 * entries, so that it has passed all of them once every QN_PROFILE_DECAY
 * samples and no call ever does the whole pass.
 */
#include <string.h>

#include "port/debug.h"
#include "learn/profile.h"
#include "learn/table.h"

/* What a pass leaves of a weight; the quarter is rounded up, so 1 goes too */
static u32 decayed(u32 weight)
{
	return weight - (weight + 3) / 4;
}

static __shared void set_weight(struct qn_profile *p, unsigned int step,
				u32 weight)
{
	qn_assert(step >= 1 && step < p->nr_steps);
	p->total += weight - p->hist[step];
	p->requests -= qn_profile_requests(p, step);
	p->hist[step] = (u16)weight;
	p->requests += qn_profile_requests(p, step);
}

static void set_large(struct qn_profile *p, u32 weight)
{
	p->total += weight - p->large;
	p->large = weight;
}

/* The share of the pass that belongs to this sample; @large goes as entry 0 */
static void decay(struct qn_profile *p)
{
	unsigned int width = 1u + p->nr_steps / QN_PROFILE_DECAY;
	unsigned int step = width * (QN_PROFILE_DECAY - p->until_decay);
	unsigned int end = min(step + width, (unsigned int)p->nr_steps);

	qn_assert(p->until_decay && p->until_decay <= QN_PROFILE_DECAY);
	if (step == 0) {
		set_large(p, decayed(p->large));
		step++;
	}
	for (; step < end; step++)
		if (p->hist[step])
			set_weight(p, step, decayed(p->hist[step]));
	if (--p->until_decay == 0)
		p->until_decay = QN_PROFILE_DECAY;
}

void qn_profile_init(struct qn_profile *p, unsigned int nr_steps)
{
	qn_assert(nr_steps >= 2 && nr_steps <= UINT16_MAX);
	memset(p, 0, qn_profile_bytes(nr_steps));
	p->nr_steps = (u16)nr_steps;
	p->until_decay = QN_PROFILE_DECAY;
}

u32 qn_profile_weight(u32 bytes, u32 interval)
{
	u32 weight;

	if (likely(bytes == interval))
		return QN_PROFILE_ONE;
	for (; bytes > UINT32_MAX / QN_PROFILE_ONE / 2; bytes >>= 1)
		interval >>= 1;
	interval = max(interval, 1u);
	weight = (bytes * QN_PROFILE_ONE + interval / 2) / interval;
	return max(min(weight, (u32)UINT16_MAX), 1u);
}

void qn_profile_sample(struct qn_profile *p, size_t size, u32 weight)
{
	size_t step = qn_size_steps(size);

	qn_assert(p->total >= p->large);
	p->nr_samples++;
	decay(p);
	if (step >= p->nr_steps) {
		set_large(p, p->large + weight);
		return;
	}
	weight += p->hist[step];
	set_weight(p, (unsigned int)step, min(weight, (u32)UINT16_MAX));
}

__apart int qn_profile_check(const struct qn_profile *p)
{
	u32 total = p->large, requests = 0;
	unsigned int step;

	for (step = 1; step < p->nr_steps; step++) {
		total += p->hist[step];
		requests += qn_profile_requests(p, step);
	}
	if (p->nr_steps < 2 || p->hist[0] || p->total != total ||
	    p->requests != requests || p->until_decay == 0 ||
	    p->until_decay > QN_PROFILE_DECAY)
		return -EUCLEAN;
	return 0;
}

/* ---- trends ---- */

/* Longer epochs count as so long; the ends of the fixed point */
#define MOST_MS 60000u

/* @part of @whole in 1/65536 */
static u32 share_of(size_t part, size_t whole)
{
	part = min(part, whole);
	for (; whole >> 16; whole >>= 1)
		part >>= 1;
	return whole ? (u32)((part << 16) / whole) : 0;
}

/* The share of entry @step now; entry 0 is for what is larger than the map */
static u16 share_at(const struct qn_profile *p, unsigned int step)
{
	u32 weight = step ? p->hist[step] : p->large;

	return (u16)min(share_of(weight, p->total), (u32)UINT16_MAX);
}

/* Half of what all shares changed by; they become those to compare with */
static u32 shift_shares(struct qn_trend *t, const struct qn_profile *p)
{
	bool was_known = t->is_known;
	u32 sum = 0;

	if (!p->total)
		return 0;
	t->is_known = true;

	for (unsigned int step = 0; step < t->nr_steps; step++) {
		u16 share = share_at(p, step), last = t->share[step];

		sum += share > last ? share - last : last - share;
		t->share[step] = share;
	}
	return was_known ? min(sum / 2, QN_STATS_ONE) : 0;
}

/* @now - @last divided by the length of the epoch in units of QN_TREND_MS */
static ptrdiff_t slope_of(size_t now, size_t last, u32 ms)
{
	ptrdiff_t diff = (ptrdiff_t)(now - last), by = (ptrdiff_t)ms;

	return diff / by * QN_TREND_MS + diff % by * QN_TREND_MS / by;
}

static void slope_decay(s64 *mean, ptrdiff_t slope)
{
	*mean += ((s64)slope * (1 << QN_STATS_SLOPE) - *mean) >> 2;
}

static void note_slopes(struct qn_trend *t, const struct qn_trend_look *look,
			struct qn_stats_trend *out)
{
	u64 usec = min(look->usec - t->usec, (u64)MOST_MS * 1000);
	u32 ms = max((u32)usec / 1000, 1u);
	ptrdiff_t live = slope_of(look->live, t->live, ms);
	ptrdiff_t flat = (ptrdiff_t)(max(look->live, t->live) / QN_STATS_FLAT);

	out->nr_growing += live > flat;
	out->nr_shrinking += live < -flat;
	slope_decay(&out->live_slope, live);
	slope_decay(&out->peak_slope, slope_of(look->peak, t->peak, ms));
	slope_decay(&out->purged_slope, slope_of(look->purged, t->purged, ms));
	slope_decay(&out->refaults_slope,
		    slope_of(look->refaults, t->refaults, ms));
	t->usec = look->usec;
	t->live = look->live;
	t->peak = look->peak;
	t->purged = look->purged;
	t->refaults = look->refaults;
}

static void note_waste(const struct qn_trend_look *look,
		       struct qn_stats_trend *out)
{
	size_t all = look->live + look->external + look->dirty + look->metadata;

	out->waste.internal = share_of(look->internal, all);
	out->waste.external = share_of(look->external, all);
	out->waste.dirty = share_of(look->dirty, all);
	out->waste.metadata = share_of(look->metadata, all);
	out->sum_waste.internal += out->waste.internal;
	out->sum_waste.external += out->waste.external;
	out->sum_waste.dirty += out->waste.dirty;
	out->sum_waste.metadata += out->waste.metadata;
}

void qn_trend_init(struct qn_trend *t, unsigned int nr_steps)
{
	memset(t, 0, qn_trend_bytes(nr_steps));
	t->nr_steps = (u16)nr_steps;
}

/* The first comes after a tenth of a second, which most processes do not live */
__apart void qn_trend_epoch(struct qn_trend *t, const struct qn_profile *p,
			    const struct qn_trend_look *look,
			    struct qn_stats_trend *out)
{
	qn_assert(t->nr_steps == p->nr_steps);
	out->shift = shift_shares(t, p);
	out->most_shift = max(out->most_shift, out->shift);
	out->sum_shift += out->shift;
	out->live_of_peak = share_of(look->live, look->peak);
	out->sum_live_of_peak += out->live_of_peak;
	note_slopes(t, look, out);
	note_waste(look, out);
	out->nr_epochs++;
}
