/* SPDX-License-Identifier: MIT */
/*
 * sampler.h - which requests to look at: a Poisson process over bytes.
 *
 * The distance to the next sample is exponential with mean @interval bytes, so
 * every byte requested is equally likely to be looked at and the sampler cannot
 * lock on to a period of the program. It has no memory: several countdowns (one
 * per class) drawn from one sampler are together the same process.
 *
 * The interval follows the live memory (qn_sampler_adapt()): short while few
 * samples are live, longer once there are as many as are of use. A countdown
 * runs to its end with the interval that it was drawn with, and its sample
 * stands for that many bytes, so whoever keeps a countdown keeps its interval.
 * That leaves sums unbiased however the interval changes: what a countdown adds
 * is interval bytes with probability 1 / interval for each byte that goes by.
 *
 * One sample on its way to a decision, on Linux:
 *
 *  1. Each class of each local has a countdown. Medium and large blocks count for a 64th
 *     of their bytes, since nothing is decided by them.
 *  2. qn_local_sample() puts the requested size into a buffer of eight, with the interval
 *     that its countdown was drawn with. The profile weighs it by that (profile.h).
 *  3. A full buffer, or 1024 refills, lead to qn_hub_learn(): the sizes go into the profile,
 *     and at most every 2 ms the controller looks at the next entries (controller.h).
 *  4. A changed copy of the table is published; locals notice at their next refill. Objects
 *     never move.
 *
 * In firmware a heap has one countdown, a block has one sample at most, and qn_heap_step()
 * does the rest.
 *
 * Safe to be entered from anywhere: a sampler is a plain structure, owned by one
 * thread or guarded by its owner's lock. Drawing calls nothing, takes no lock,
 * allocates nothing and keeps no state elsewhere; a signal handler that
 * interrupts it and draws as well can at most repeat a number. A forked child
 * has the parent's state: it has to begin a sequence of its own
 * (qn_sampler_seed()) and to draw running countdowns anew, which changes nothing in
 * what is expected of them, since they have no memory; all but those of which
 * something is known already, as that a sample is due.
 */
#ifndef QN_SAMPLER_H
#define QN_SAMPLER_H

#include "base/compiler.h"
#include "base/config.h"

/**
 * struct qn_sampler - source of sample distances
 * @interval:	mean bytes between samples
 * @rng:	state of a xorshift generator; never 0
 */
struct qn_sampler {
	u32 interval;
	u32 rng;
};

/**
 * struct qn_sample - a request that was looked at
 * @size:	bytes requested; what does not fit is the largest u32
 * @interval:	that its countdown was drawn with: bytes of requests that it stands for
 */
struct qn_sample {
	u32 size;
	u32 interval;
};

/**
 * qn_sampler_init() - begin a sequence
 * @s:		filled in
 * @interval:	mean bytes between samples; 0 is taken as 1
 * @seed:	any number; equal seeds give equal sequences on every target
 */
void qn_sampler_init(struct qn_sampler *s, u32 interval, u32 seed);

/**
 * qn_sampler_draw() - bytes until the next sample
 *
 * Exponential with mean @interval, from 1 to 16 * @interval, or to the largest
 * u32 if that is less. Fixed point, no division.
 *
 * Context: serialised by the caller. Bounded time.
 */
u32 qn_sampler_draw(struct qn_sampler *s);

/* The same with another mean than its own */
u32 qn_sampler_draw_of(struct qn_sampler *s, u32 interval);

/**
 * qn_sampler_seed() - a seed for another sequence
 *
 * Of a sampler's sequence like a distance, but with all bits: what two of them begin
 * has nothing to do with each other, nor with what follows in this one.
 *
 * Context: serialised by the caller. Bounded time.
 */
u32 qn_sampler_seed(struct qn_sampler *s);

/**
 * qn_sampler_adapt() - let the interval follow the live memory
 * @s:		the sampler; distances drawn from now on have the new interval
 * @least:	bytes: the interval is this, or twice, four times, ... as much
 * @live:	bytes in use, of those that are sampled
 *
 * @live / interval is how many live samples there are to be expected, had all of
 * them been drawn with the present interval. Above QN_LIVE_SAMPLES the interval
 * doubles, below five sixteenths of that it is halved; one step a call.
 *
 * Context: serialised by the caller. Bounded time.
 */
void qn_sampler_adapt(struct qn_sampler *s, u32 least, size_t live);

/**
 * qn_sampler_alone() - what a sample stands for if its block can have no other
 * @interval:	that its countdown was drawn with; not 0
 * @size:	bytes of the block
 *
 * Where a countdown begins anew behind the block that it ended in, a block can
 * have but one sample, with probability p = 1 - exp(-@size / @interval). The sample
 * of a block of @size bytes then stands for @size / p: an interval where blocks are
 * small, nearly @size where they are larger. Within 3 %, for sizes to 8 MB.
 *
 * Return: in 1/256 of @interval. Context: any. Bounded time: a division.
 */
u32 qn_sampler_alone(u32 interval, size_t size);

#endif /* QN_SAMPLER_H */
