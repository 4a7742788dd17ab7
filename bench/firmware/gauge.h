/* SPDX-License-Identifier: MIT */
/*
 * gauge.h - what one call of the subject costs, in instructions.
 *
 * Counted from the call to the return, both included. What a resize copies is the
 * caller's data, not the heap's work: memcpy(), memmove() and memset() of the image
 * are wrapped, and what they take within a resize is subtracted. In other calls they
 * count like any function. The image therefore links with GAUGE_WRAP of
 * Makefile.inc.
 */
#ifndef GAUGE_H
#define GAUGE_H

#include "counter.h"
#include "subject.h"

/* Kinds of calls that are told apart */
enum gauge_kind {
	GAUGE_ALLOC,
	GAUGE_FREE,
	GAUGE_RESIZE,
	GAUGE_ALIGNED,
	GAUGE_STEP,
	NR_GAUGE_KINDS,
};

/* Costs below this many instructions are counted one by one */
#define GAUGE_BINS 8192

/**
 * struct costs - the costs of one kind of call
 * @nr:		calls
 * @sum:	of all
 * @max:	the dearest
 * @bins:	calls by cost; the last bin is for it and everything above
 */
struct costs {
	u32 nr;
	u64 sum;
	u32 max;
	u32 bins[GAUGE_BINS];
};

/**
 * struct gauge - counts calls of a subject
 * @subject:	what is called
 * @heap:	its first argument
 * @overhead:	what measuring adds to each kind of call
 * @cost:	of the latest call
 */
struct gauge {
	const struct subject *subject;
	void *heap;
	u32 overhead[NR_GAUGE_KINDS];
	u32 cost;
};

/**
 * gauge_init() - find out what measuring itself costs
 * @g:		filled in, apart from @heap
 *
 * Return: false if this machine has no counter of instructions.
 */
bool gauge_init(struct gauge *g);

/* Call the subject; the cost is in @g->cost */
void *gauge_alloc(struct gauge *g, size_t size);
void *gauge_aligned(struct gauge *g, size_t align, size_t size);
void *gauge_resize(struct gauge *g, void *p, size_t size);
void gauge_free(struct gauge *g, void *p);
int gauge_step(struct gauge *g);

void costs_add(struct costs *c, u32 cost);

/* Mean in 1/100 instruction */
u32 costs_mean(const struct costs *c);

/* The cost that @per_1000 of 1000 calls keep to, GAUGE_BINS - 1 at most */
u32 costs_quantile(const struct costs *c, u32 per_1000);

#endif /* GAUGE_H */
