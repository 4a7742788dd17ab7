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

#include "debug.h"
#include "profile.h"
#include "table.h"

/* What a pass leaves of a weight; the quarter is rounded up, so 1 goes too */
static u32 decayed(u32 weight)
{
	return weight - (weight + 3) / 4;
}

static void set_weight(struct qn_profile *p, unsigned int step, u32 weight)
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

void qn_profile_sample(struct qn_profile *p, size_t size)
{
	size_t step = qn_size_steps(size);
	u32 weight;

	qn_assert(p->total >= p->large);
	p->nr_samples++;
	decay(p);
	if (step >= p->nr_steps) {
		set_large(p, p->large + QN_PROFILE_ONE);
		return;
	}
	weight = (u32)p->hist[step] + QN_PROFILE_ONE;
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
