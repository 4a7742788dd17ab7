/* SPDX-License-Identifier: MIT */
/*
 * meter.h - a heap that counts what another heap's calls cost.
 *
 * Stands between an application and its heap: same interface, same behaviour.
 */
#ifndef METER_H
#define METER_H

#include "counter.h"
#include "heap-ops.h"

#define METER_BINS 512

/**
 * struct meter_costs - the costs of one kind of call
 * @nr:		calls
 * @sum:	of all
 * @max:	the dearest
 * @bins:	calls by cost; the last bin is for it and everything above
 */
struct meter_costs {
	u32 nr;
	u64 sum;
	u32 max;
	u32 bins[METER_BINS];
};

/**
 * struct meter - a measured heap
 * @ops:	the interface; what an application is given
 * @inner:	the heap that is measured
 * @counter:	by what; @counter.read NULL: only calls are counted
 * @overhead:	what a call costs that does nothing, less the call itself
 * @nr_calls:	of all kinds
 * @alloc, @free: costs; realloc is not in here, since it copies
 * @every:	calls between two of @look, 0 for never
 * @look:	sees the heap between two calls
 * @arg:	its argument
 */
struct meter {
	struct heap_ops ops;
	const struct heap_ops *inner;
	struct counter counter;
	u32 overhead;
	u32 nr_calls;
	struct meter_costs alloc;
	struct meter_costs free;
	u32 every;
	void (*look)(void *arg);
	void *arg;
};

/**
 * meter_init() - put a meter in front of a heap
 * @m:		filled in
 * @inner:	kept
 * @counter:	copied
 */
void meter_init(struct meter *m, const struct heap_ops *inner,
		const struct counter *counter);

/* Mean in 1/10 unit */
u32 meter_mean10(const struct meter_costs *c);

/* The cost that @per_1000 of 1000 calls keep to, METER_BINS - 1 at most */
u32 meter_quantile(const struct meter_costs *c, u32 per_1000);

#endif /* METER_H */
