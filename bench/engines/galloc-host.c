// SPDX-License-Identifier: MIT
/*
 * galloc-host.c - galloc's benchmarks on this machine: every engine, and the C
 * library's malloc beside them, costs in nanoseconds.
 *
 *	galloc-host [ACTIONS]
 *
 * Times are of one call each, less what reading the clock costs; each benchmark runs
 * five times, and the run with the lowest sum counts, for a busy machine only adds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/engine.h"
#include "galloc.h"

#define NR_ROUNDS 5
#define HEAP      ((size_t)2 << 20)

/**
 * struct timed - a heap behind a clock, as a player
 * @engine:	NULL: the C library's
 * @heap:	its handle
 * @overhead:	what two readings of the clock cost
 */
struct timed {
	struct player player;
	const struct qn_engine *engine;
	void *heap;
	u32 overhead;
};

static struct timed *timed_of(struct player *p)
{
	return container_of(p, struct timed, player);
}

static u64 now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000000000 + (u64)t.tv_nsec;
}

static void note(struct timed *t, u64 from)
{
	u64 ns = now() - from;

	t->player.cost = ns > t->overhead ? (u32)ns - t->overhead : 0;
}

static void *timed_alloc(struct player *p, size_t align, size_t size)
{
	struct timed *t = timed_of(p);
	u64 from = now();
	void *block = NULL;

	if (align <= QN_ALIGN)
		block = t->engine ? t->engine->alloc(t->heap, size) :
				    malloc(size);
	else if (t->engine)
		block = t->engine->aligned(t->heap, align, size);
	else if (posix_memalign(&block, align, size))
		block = NULL;
	note(t, from);
	return block;
}

static void *timed_resize(struct player *p, void *block, size_t size)
{
	struct timed *t = timed_of(p);
	u64 from = now();
	void *moved = t->engine ? t->engine->realloc(t->heap, block, size) :
				  realloc(block, size);

	note(t, from);
	return moved;
}

static void timed_free(struct player *p, void *block)
{
	struct timed *t = timed_of(p);
	u64 from = now();

	if (t->engine)
		t->engine->free(t->heap, block);
	else
		free(block);
	note(t, from);
}

static u32 clock_cost(void)
{
	u64 least = ~0ull;

	for (int i = 0; i < 10000; i++) {
		u64 from = now(), to = now();

		least = min(least, to - from);
	}
	return (u32)least;
}

static u64 sum_of(const struct galloc *g)
{
	return g->alloc.sum + g->free.sum + g->resize.sum;
}

/* One benchmark, the best of its rounds; @name for what goes wrong */
static bool play(struct galloc *best, const struct qn_engine *engine,
		 void (*bench)(struct galloc *g), u32 nr)
{
	static struct galloc g;
	static u8 memory[HEAP] __aligned(4096);
	struct timed t = {
		.player = { timed_alloc, timed_resize, timed_free, 0 },
		.engine = engine,
		.overhead = clock_cost(),
	};
	struct galloc_block *blocks = calloc(nr, sizeof(*blocks));

	for (int i = 0; i < NR_ROUNDS && blocks; i++) {
		memset(&g, 0, sizeof(g));
		g.player = &t.player;
		g.heap = HEAP;
		g.divide = 1;
		g.nr_actions = nr;
		g.blocks = blocks;
		g.random = 1;
		if (engine)
			t.heap = engine->init(memory, sizeof(memory));
		bench(&g);
		if (g.nr_damaged || (engine && engine->check(t.heap)))
			return false;
		if (!i || sum_of(&g) < sum_of(best))
			*best = g;
	}
	free(blocks);
	return true;
}

static double mean(const struct tally *t)
{
	return t->nr ? (double)t->sum / t->nr : 0;
}

static void print_row(const char *name, const struct galloc *actions,
		      const struct galloc *full, const struct galloc *chunks)
{
	printf("%-12s%8.0f%8.0f%8.0f%9.0f", name, mean(&actions->alloc),
	       mean(&actions->free), mean(&actions->resize),
	       1e9 * actions->nr_actions / sum_of(actions) / 1000);
	if (full->nr_full)
		printf("%8.1f%%%8.1f%%", 100.0 * full->first_full / full->heap,
		       100.0 * full->sum_full / full->nr_full / full->heap);
	else
		printf("%9s%9s", "-", "-");
	printf("%8u%8.0f%8u%9u\n", tally_median(&chunks->alloc),
	       mean(&chunks->alloc), chunks->alloc.min, chunks->alloc.max);
}

static bool play_all(const struct qn_engine *engine, u32 nr)
{
	static struct galloc actions, full, chunks;
	const char *name = engine ? engine->name : "glibc";

	memset(&full, 0, sizeof(full));
	/* What the C library has is not exhausted by a program of this size */
	if (!play(&actions, engine, galloc_actions, nr) ||
	    (engine && !play(&full, engine, galloc_exhaustion, nr)) ||
	    !play(&chunks, engine, galloc_chunks, nr)) {
		fprintf(stderr, "galloc-host: %s damaged a block\n", name);
		return false;
	}
	print_row(name, &actions, &full, &chunks);
	return true;
}

int main(int argc, char **argv)
{
	u32 nr = argc > 1 ? (u32)strtoul(argv[1], NULL, 10) : 10000;
	bool ok = true;

	if (!nr || nr > 1000000) {
		fprintf(stderr, "usage: galloc-host [ACTIONS], 1 to 1000000\n");
		return 2;
	}
	printf("On this machine: galloc's sizes, a heap of 2 MB, %u actions, "
	       "nanoseconds\n\n",
	       nr);
	printf("%-12s%33s%18s%33s\n", "", "random actions", "exhaustion",
	       "chunks, allocations");
	printf("%-12s%8s%8s%8s%9s%9s%9s%8s%8s%8s%9s\n", "", "alloc", "free",
	       "realloc", "k per s", "first", "steady", "median", "mean", "min",
	       "max");
	for (unsigned int i = 0; qn_engines[i]; i++)
		ok &= play_all(qn_engines[i], nr);
	ok &= play_all(NULL, nr);
	return !ok;
}
