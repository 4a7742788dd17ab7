// SPDX-License-Identifier: MIT
/*
 * sampler.c - exponential distances in fixed point.
 *
 * The inverse of the distribution: -ln(u) * interval with u uniform in (0, 1].
 * The logarithm is the position of the highest bit and a chord through a table
 * for what follows it. Sixteen chords are at most 0.0007 off, which moves the
 * mean by 0.04 %; both targets draw the same numbers from the same seed.
 */
#include "base/bits.h"
#include "port/debug.h"
#include "learn/sampler.h"

#define LOG2_SHIFT 4

/* log2(1 + i / 16) in 1/65536, the last cut to what fits */
static const u16 log2_table[(1 << LOG2_SHIFT) + 1] = {
	0,     5732,  11136, 16248, 21098, 25711, 30109, 34312, 38336,
	42196, 45904, 49472, 52911, 56229, 59434, 62534, 65535,
};

/* ln 2 in 1/65536 */
#define LN2 45426u

/* Marsaglia's xorshift; every state but 0 in one cycle */
static u32 next_random(u32 x)
{
	x ^= x << 13;
	x ^= x >> 17;
	return x ^ (x << 5);
}

/* -log2(@x / 2^32) in 1/65536, for @x > 0: from 0 to 32 */
static u32 minus_log2(u32 x)
{
	unsigned int exponent = qn_ilog2(x);
	u32 mantissa = x << (31 - exponent) << 1;
	u32 i = mantissa >> (32 - LOG2_SHIFT);
	u32 part = mantissa << LOG2_SHIFT >> 16;
	u32 slope = (u32)log2_table[i + 1] - log2_table[i];

	return ((32 - exponent) << 16) - log2_table[i] - ((slope * part) >> 16);
}

/* Neighbouring seeds must not begin alike: the finalizer of MurmurHash3 */
static u32 scramble(u32 x)
{
	x = (x ^ (x >> 16)) * 0x85ebca6bu;
	x = (x ^ (x >> 13)) * 0xc2b2ae35u;
	return x ^ (x >> 16);
}

void qn_sampler_init(struct qn_sampler *s, u32 interval, u32 seed)
{
	s->interval = max(interval, 1u);
	s->rng = scramble(seed);
	if (!s->rng)
		s->rng = 0x9e3779b9u;
}

u32 qn_sampler_seed(struct qn_sampler *s)
{
	s->rng = next_random(s->rng);
	return scramble(~s->rng);
}

u32 qn_sampler_draw(struct qn_sampler *s)
{
	/* That of a process is adapted while another thread draws the seed of a local */
	return qn_sampler_draw_of(s, READ_ONCE(s->interval));
}

u32 qn_sampler_draw_of(struct qn_sampler *s, u32 interval)
{
	u64 bytes;
	u32 log;

	qn_assert(interval && s->rng);
	s->rng = next_random(s->rng);
	log = (u32)((u64)minus_log2(s->rng) * LN2 >> 16);
	bytes = ((u64)interval * min(log, 16u << 16) + (1 << 15)) >> 16;
	if (unlikely(bytes > UINT32_MAX))
		return UINT32_MAX;
	return max((u32)bytes, 1u);
}

/* Half as often once there are enough; the distance of the two is the hysteresis */
#define MOST  QN_LIVE_SAMPLES
#define LEAST (MOST * 5 / 16)

void qn_sampler_adapt(struct qn_sampler *s, u32 least, size_t live)
{
	u32 interval = s->interval;

	if (unlikely(interval < least))
		s->interval = least;
	else if (unlikely(live / MOST >= interval) &&
		 interval <= UINT32_MAX / 2)
		s->interval = interval * 2;
	else if (unlikely(live / LEAST < interval) && interval / 2 >= least)
		s->interval = interval / 2;
}

/* x / (1 - exp(-x)) = 1 + x / 2 + x^2 / 12 - ..., and nearly x + 1 / 8 from 3 to 5 */
__seldom_as("alone") u32 qn_sampler_alone(u32 interval, size_t size)
{
	u32 x = (u32)min(size, (size_t)1 << 23) * 256 / interval;

	return x < 3 * 256 ? 256 + x / 2 + x * x / (12 * 256) : x + 256 / 8;
}
