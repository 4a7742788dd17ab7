/* SPDX-License-Identifier: MIT */
/*
 * counter.h - a counter of instructions or cycles, where a machine has one.
 *
 * board.c finds it, meter.c reads it; the host has none.
 */
#ifndef COUNTER_H
#define COUNTER_H

#include "base/compiler.h"

/**
 * struct counter - how to tell what a call costs
 * @read:	a count that only grows, modulo @mask + 1; NULL if there is none
 * @mask:	a power of two - 1
 * @per_1000:	counts in 1000 units
 * @unit:	what a unit is
 */
struct counter {
	u32 (*read)(void);
	u32 mask;
	u32 per_1000;
	const char *unit;
};

/* Units between two reads, rounded */
static inline u32 counter_units(const struct counter *c, u32 from, u32 to)
{
	u32 ticks = (to - from) & c->mask;

	if (c->per_1000 == 1000)
		return ticks;
	return (ticks * 100 + c->per_1000 / 20) / (c->per_1000 / 10);
}

#endif /* COUNTER_H */
