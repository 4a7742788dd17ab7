/* SPDX-License-Identifier: MIT */
/*
 * profile.h - what the sampler learned: a decayed histogram of request sizes.
 *
 * Filled by sampled events, read by policies; bounded, no pointers, fixed
 * point. A sample stands for QN_SAMPLE_BYTES bytes of requests on average,
 * whatever its size, so hist[] is proportional to bytes requested, not to
 * calls.
 */
#ifndef QN_PROFILE_H
#define QN_PROFILE_H

#include "compiler.h"
#include "knobs.h"

/*
 * One sample adds this much: room for some decays before the last of it is
 * gone. A size that is all there is settles at four decay periods' worth.
 */
#define QN_PROFILE_ONE 32

/**
 * struct qn_profile - decayed request sizes
 * @nr_samples:	samples ever taken
 * @total:	sum of @hist, plus what fell outside the map (@large)
 * @large:	weight of requests larger than the map
 * @requests:	sum of qn_profile_requests() over all sizes
 * @until_decay: samples left until all weights are decayed once more
 * @nr_steps:	entries of @hist
 * @hist:	weight of each size in steps
 *
 * Invariant: @total == @large + sum of @hist; @requests == sum of
 * qn_profile_requests(); @hist[0] == 0.
 */
struct qn_profile {
	u32 nr_samples;
	u32 total;
	u32 large;
	u32 requests;
	u16 until_decay;
	u16 nr_steps;
	u16 hist[];
};

static __always_inline size_t qn_profile_bytes(unsigned int nr_steps)
{
	return round_up(sizeof(struct qn_profile) + nr_steps * sizeof(u16),
			sizeof(void *));
}

/*
 * How often a size is requested, where @hist says how many bytes of it: the
 * weight per step, with QN_PROFILE_REQUESTS fractional bits.
 */
#define QN_PROFILE_REQUESTS 8

static __always_inline u32 qn_profile_requests(const struct qn_profile *p,
					       unsigned int step)
{
	return ((u32)p->hist[step] << QN_PROFILE_REQUESTS) / step;
}

/**
 * qn_profile_init() - nothing known
 * @p:		qn_profile_bytes(@nr_steps) bytes
 * @nr_steps:	as the table's, from 2 to 65535
 */
void qn_profile_init(struct qn_profile *p, unsigned int nr_steps);

/**
 * qn_profile_sample() - account one sampled request
 * @p:		the profile
 * @size:	bytes requested
 *
 * Every QN_PROFILE_DECAY samples all weights lose a quarter; that pass is split
 * so that one call touches at most 1 + @nr_steps / QN_PROFILE_DECAY entries. A
 * full entry stays full.
 *
 * Context: serialised by the caller. Bounded time.
 */
void qn_profile_sample(struct qn_profile *p, size_t size);

/**
 * qn_profile_check() - does the invariant hold
 *
 * Return: 0 or -EUCLEAN.
 */
int qn_profile_check(const struct qn_profile *p);

#endif /* QN_PROFILE_H */
