/* SPDX-License-Identifier: MIT */
/*
 * share.h - many durations, as their sum and a histogram whose bins are an eighth of an
 * octave wide.
 */
#ifndef SHARE_H
#define SHARE_H

#include "base/bits.h"
#include "base/compiler.h"

#define SHARE_BINS (8 * 64)

/**
 * struct share_ticks - durations
 * @nr, @sum:	of all
 * @bins:	how many of each size
 */
struct share_ticks {
	u64 nr;
	u64 sum;
	u64 bins[SHARE_BINS];
};

static inline unsigned int share_bin(u64 ticks)
{
	unsigned int shift;

	if (ticks < 8)
		return (unsigned int)ticks;
	shift = qn_ilog2(ticks) - 3;
	return 8 * (shift + 1) + (unsigned int)(ticks >> shift) - 8;
}

static inline void share_ticks_add(struct share_ticks *t, u64 ticks)
{
	t->nr++;
	t->sum += ticks;
	t->bins[share_bin(ticks)]++;
}

/* The smallest duration of the bin that @per_1000 of 1000 end in or before */
static inline u64 share_ticks_quantile(const struct share_ticks *t,
				       u32 per_1000)
{
	u64 wanted = (t->nr * per_1000 + 999) / 1000, seen = 0;
	unsigned int bin = 0;

	for (; bin < SHARE_BINS - 1; bin++) {
		seen += t->bins[bin];
		if (seen >= wanted)
			break;
	}
	if (bin < 8)
		return bin;
	return (u64)(8 + bin % 8) << (bin / 8 - 1);
}

#endif /* SHARE_H */
