/* SPDX-License-Identifier: MIT */
/*
 * sampler.h - which requests to look at: a Poisson process over bytes.
 *
 * The distance to the next sample is exponential with mean @interval bytes, so
 * every byte requested is equally likely to be looked at and the sampler cannot
 * lock on to a period of the program. It has no memory: several countdowns (one
 * per class) drawn from one sampler are together the same process.
 */
#ifndef QN_SAMPLER_H
#define QN_SAMPLER_H

#include "compiler.h"
#include "knobs.h"

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

#endif /* QN_SAMPLER_H */
