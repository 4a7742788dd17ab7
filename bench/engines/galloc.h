/* SPDX-License-Identifier: MIT */
/*
 * galloc.h - galloc's three benchmarks, over any heap, on any machine.
 *
 * As its README describes them: random actions, exhaustion of the heap, and the
 * benchmark of simple-chunk-allocator. There each allocator does as much as it can in
 * a given time; here each does the same work, and what it costs is counted.
 *
 * What is drawn does not depend on the heap, so all see the same requests until one of
 * them fails. Every block carries a mark at both ends.
 */
#ifndef GALLOC_H
#define GALLOC_H

#include "base/compiler.h"

/* Costs below this many units are counted one by one */
#define TALLY_BINS 16384

/**
 * struct tally - costs of one kind of call
 * @nr:		calls
 * @sum, @min, @max: of their costs
 * @bins:	calls by cost; the last one is for it and everything above
 */
struct tally {
	u32 nr;
	u64 sum;
	u32 min;
	u32 max;
	u32 bins[TALLY_BINS];
};

/**
 * struct player - a heap that says what its calls cost
 * @alloc, @resize, @free: as memalign, realloc, free; set @cost
 * @cost:	of the latest call, in units of the machine
 */
struct player {
	void *(*alloc)(struct player *p, size_t align, size_t size);
	void *(*resize)(struct player *p, void *block, size_t size);
	void (*free)(struct player *p, void *block);
	u32 cost;
};

/* What is live */
struct galloc_block {
	u8 *p;
	u32 size;
	u8 mark;
};

/**
 * struct galloc - a run
 * @player:	the heap
 * @heap:	its bytes
 * @divide:	all sizes and alignments are this much smaller than galloc's
 * @nr_actions:	how much is done
 * @blocks:	room for @nr_actions of them
 * @nr_live:	of them
 * @live:	bytes
 * @alloc, @resize, @free: what calls cost
 * @nr_failed:	calls of @alloc and @resize that returned NULL
 * @nr_moved:	resized blocks that moved
 * @nr_damaged:	blocks whose marks were not as written
 * @first_full:	bytes live when the heap was exhausted for the first time
 * @nr_full, @sum_full: times that it was later, and the bytes live then
 * @random:	state of the generator
 */
struct galloc {
	struct player *player;
	u32 heap;
	u32 divide;
	u32 nr_actions;
	struct galloc_block *blocks;
	u32 nr_live;
	u32 live;
	struct tally alloc;
	struct tally resize;
	struct tally free;
	u32 nr_failed;
	u32 nr_moved;
	u32 nr_damaged;
	u32 first_full;
	u32 nr_full;
	u64 sum_full;
	u32 random;
};

/* Allocate, free, resize, with equal chances */
void galloc_actions(struct galloc *g);

/* Allocate until it is full; then free one and fill it again, over and over */
void galloc_exhaustion(struct galloc *g);

/* Allocate; at a chance of one in ten free the seven oldest of more than ten */
void galloc_chunks(struct galloc *g);

/* The cost in the middle, at most TALLY_BINS - 1 */
u32 tally_median(const struct tally *t);

#endif /* GALLOC_H */
