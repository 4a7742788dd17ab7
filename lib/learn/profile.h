/* SPDX-License-Identifier: MIT */
/*
 * profile.h - what the sampler learned: a decayed histogram of request sizes.
 *
 * Filled by sampled events, read by policies; bounded, no pointers, fixed
 * point. A sample stands for as many bytes of requests, whatever its size, so
 * hist[] is proportional to bytes requested, not to calls. Where the interval
 * of the sampler has changed, a sample whose countdown was drawn before weighs
 * what it stands for now (qn_profile_weight()): sizes that are seldom asked for
 * have old countdowns for longer, and would be too many or too few otherwise.
 */
#ifndef QN_PROFILE_H
#define QN_PROFILE_H

#include "base/compiler.h"
#include "base/config.h"
#include "format/statspage.h"

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
 * @weight:	QN_PROFILE_ONE, or what qn_profile_weight() says
 *
 * Every QN_PROFILE_DECAY samples all weights lose a quarter; that pass is split
 * so that one call touches at most 1 + @nr_steps / QN_PROFILE_DECAY entries. A
 * full entry stays full.
 *
 * Context: serialised by the caller. Bounded time.
 */
void qn_profile_sample(struct qn_profile *p, size_t size, u32 weight);

/**
 * qn_profile_weight() - what a sample weighs
 * @bytes:	of requests that it stands for
 * @interval:	of the sampler now: these many weigh QN_PROFILE_ONE
 *
 * Return: from 1 to the largest u16, rounded. Context: any. Bounded time.
 */
u32 qn_profile_weight(u32 bytes, u32 interval);

/**
 * qn_profile_check() - does the invariant hold
 *
 * Return: 0 or -EUCLEAN.
 */
int qn_profile_check(const struct qn_profile *p);

/**
 * struct qn_trend_look - a heap at the end of an epoch, and what became of it so far
 * @usec:	on a clock that starts with the heap
 * @live, @peak: bytes of blocks in use, and their highest
 * @internal:	of @live, what nobody asked for
 * @external:	free in slabs and chunks
 * @dirty:	free and resident
 * @metadata:	of the heap itself
 * @purged, @refaults: bytes ever returned to the system, and wanted back soon
 */
struct qn_trend_look {
	u64 usec;
	size_t live;
	size_t peak;
	size_t internal;
	size_t external;
	size_t dirty;
	size_t metadata;
	size_t purged;
	size_t refaults;
};

/**
 * struct qn_trend - what the next epoch is held against
 * @usec, @live, @peak, @purged, @refaults: as in struct qn_trend_look, when the last ended
 * @nr_steps:	entries of @share
 * @is_known:	there were samples before, so that @share says something
 * @share:	of each size in the profile then, in 1/65536, the highest u16 for more; of
 *		what is larger than the map in entry 0
 */
struct qn_trend {
	u64 usec;
	size_t live;
	size_t peak;
	size_t purged;
	size_t refaults;
	u16 nr_steps;
	bool is_known;
	u16 share[];
};

static __always_inline size_t qn_trend_bytes(unsigned int nr_steps)
{
	return round_up(sizeof(struct qn_trend) + nr_steps * sizeof(u16),
			sizeof(u64));
}

/**
 * qn_trend_init() - the first epoch begins, on a clock that says 0
 * @t:		qn_trend_bytes(@nr_steps) bytes
 * @nr_steps:	as the profile's
 */
void qn_trend_init(struct qn_trend *t, unsigned int nr_steps);

/* Has the epoch lasted for QN_TREND_MS? */
static __always_inline bool qn_trend_is_due(const struct qn_trend *t, u64 usec)
{
	return usec - t->usec >= (u64)QN_TREND_MS * 1000;
}

/**
 * qn_trend_epoch() - an epoch ends
 * @t:		what the last one left; the next is held against @look
 * @p:		the profile
 * @look:	the heap now
 * @out:	updated
 *
 * What changed is divided by how long the epoch was, so it may be longer than
 * QN_TREND_MS. An epoch in which nothing was sampled has shift 0, and so has the first in
 * which something was.
 *
 * Context: serialised by the caller. Bounded time: a few operations for each size of the
 * map.
 */
void qn_trend_epoch(struct qn_trend *t, const struct qn_profile *p,
		    const struct qn_trend_look *look,
		    struct qn_stats_trend *out);

#endif /* QN_PROFILE_H */
