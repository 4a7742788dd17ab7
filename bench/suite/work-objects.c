// SPDX-License-Identifier: MIT
/*
 * work-objects.c - workloads on objects that are nothing but a size and a
 * lifetime: what differs is which die when, and how many live.
 */
#include <string.h>

#include "work.h"

/* A pair at a time, then the next size: what a function's temporary costs */
uint64_t work_pair(const struct job *job)
{
	size_t rounds = scaled(job, 1200000);
	struct block block = { 0 };
	uint64_t sum = 0;

	for (size_t i = 0; i < rounds; i++) {
		for (size_t size = 8; size <= 1024; size += size / 2) {
			block_init(&block, size, (uint32_t)(i + size));
			sum += block_exit(&block);
		}
	}
	return sum;
}

/* Stacks of 1000 objects of one size, freed in reverse order */
uint64_t work_lifo(const struct job *job)
{
	static const uint16_t size[] = { 16, 32, 48, 64, 128, 256, 512 };
	static struct block stack[1000];
	size_t rounds = scaled(job, 16000);
	uint64_t sum = 0;

	for (size_t r = 0; r < rounds; r++) {
		for (uint32_t i = 0; i < 1000; i++)
			block_init(&stack[i], size[r % 7], i);
		for (uint32_t i = 1000; i > 0; i--)
			sum += block_exit(&stack[i - 1]);
	}
	return sum;
}

/*
 * A queue of messages whose length swings between few and many: objects die in
 * the order in which they came, and at times there is a burst of either.
 */
uint64_t work_fifo(const struct job *job)
{
	enum {
		MOST = 1 << 15
	};
	static struct block queue[MOST];
	size_t rounds = scaled(job, 160), head = 0, tail = 0;
	struct rng rng = { 11 };
	uint64_t sum = 0;

	for (size_t r = 0; r < rounds; r++) {
		size_t wanted = 64 + rng_below(&rng, MOST - 64);

		for (size_t i = 0; i < 30000; i++) {
			if (head - tail < wanted) {
				block_init(&queue[head++ % MOST],
					   rng_size(&rng, 16, 2048),
					   (uint32_t)i);
			}
			while (head - tail >= wanted)
				sum += block_exit(&queue[tail++ % MOST]);
		}
	}
	while (tail < head)
		sum += block_exit(&queue[tail++ % MOST]);
	return sum;
}

static void fill_mixed(struct block *block, struct rng *rng, uint32_t tag)
{
	block_init(block, rng_size(rng, 16, 4096), tag);
}

/* Any slot is replaced at any time, sizes to 4 KB, each doubling alike */
static void mix(struct worker *worker)
{
	size_t nr_slots = 30000 / worker->nr;
	struct block *slot = must_alloc(nr_slots * sizeof(*slot));

	memset(slot, 0, nr_slots * sizeof(*slot));
	worker->sum += blocks_replace(slot, nr_slots, worker->ops, &worker->rng,
				      fill_mixed);
	worker->sum += blocks_exit(slot, nr_slots);
	free(slot);
}

uint64_t work_mix(const struct job *job)
{
	return run_threads(job->threads, scaled(job, 3000000), 12, mix, NULL);
}

/*
 * Sizes as real programs ask for them, in batches: a batch is made, part of it
 * is freed in order, in reverse order or at random, the rest lives on for long.
 */
static void free_some(struct block *batch, size_t nr, struct worker *worker)
{
	unsigned int order = rng_below(&worker->rng, 3);

	for (size_t i = 0; i < nr; i++) {
		size_t at = order == 0 ? i : nr - 1 - i;

		if (order == 2)
			at = rng_below(&worker->rng, (uint32_t)nr);
		if (i % 4 || order == 2)
			worker->sum += block_exit(&batch[at]);
	}
}

static void sizes(struct worker *worker)
{
	enum {
		BATCHES = 160,
		BATCH = 1000
	};
	struct block(*batch)[BATCH] = must_alloc(BATCHES * sizeof(*batch));

	memset(batch, 0, BATCHES * sizeof(*batch));
	for (size_t r = 0; r < worker->ops / BATCH; r++) {
		struct block *b = batch[r % BATCHES];

		for (uint32_t i = 0; i < BATCH; i++) {
			worker->sum += block_exit(&b[i]);
			block_init(&b[i], rng_real_size(&worker->rng), i);
		}
		free_some(b, BATCH, worker);
	}
	for (size_t i = 0; i < BATCHES * BATCH; i++)
		worker->sum += block_exit(&batch[i / BATCH][i % BATCH]);
	free(batch);
}

uint64_t work_sizes(const struct job *job)
{
	return run_threads(job->threads, scaled(job, 8000000), 13, sizes, NULL);
}

/*
 * A program that does one thing after the other: each phase has sizes of its
 * own and leaves one object in 64 behind.
 */
static uint64_t phase(struct block *block, size_t nr, size_t low, size_t high,
		      struct rng *rng)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < nr; i++)
		if (!block[i].p)
			block_init(&block[i],
				   low + rng_below(rng, (uint32_t)(high - low)),
				   (uint32_t)i);
	for (size_t i = 0; i < nr; i++)
		if (rng_below(rng, 64))
			sum += block_exit(&block[i]);
	return sum;
}

uint64_t work_phases(const struct job *job)
{
	enum {
		MOST = 1 << 20
	};
	static struct block block[MOST];
	size_t bytes = scaled(job, 40 << 20);
	struct rng rng = { 14 };
	uint64_t sum = 0;

	for (int r = 0; r < 3; r++) {
		for (size_t low = 24; low <= 6144; low *= 4) {
			size_t high = low * 2, nr = bytes / low;

			sum += phase(block, nr < MOST ? nr : MOST, low, high,
				     &rng);
		}
	}
	sum += blocks_exit(block, MOST);
	return sum;
}

/* What a long-running program keeps: it grows, and little of it is ever freed */
uint64_t work_leak(const struct job *job)
{
	size_t nr = scaled(job, 5000000);
	struct block recent[256] = { 0 };
	struct rng rng = { 15 };
	uint64_t sum = 0;

	for (size_t i = 0; i < nr; i++) {
		struct block *old = &recent[rng_below(&rng, 256)];

		if (i % 8)
			sum += block_exit(old);
		old->p = NULL; /* every eighth is forgotten */
		block_init(old, rng_real_size(&rng), (uint32_t)i);
	}
	sum += blocks_exit(recent, 256);
	return sum;
}

/* Nodes of a structure that is built, and taken apart in another order */
uint64_t work_nodes(const struct job *job)
{
	enum {
		NODES = 500000
	};
	static struct block node[NODES];
	size_t rounds = scaled(job, 6);
	struct rng rng = { 16 };
	uint64_t sum = 0;

	for (size_t r = 0; r < rounds; r++) {
		for (uint32_t i = 0; i < NODES; i++)
			block_init(&node[i], 16 + rng_below(&rng, 4) * 8, i);
		for (uint32_t i = NODES; i > 0; i--) {
			struct block *other = &node[rng_below(&rng, i)];
			struct block last = node[i - 1];

			node[i - 1] = *other;
			*other = last;
			sum += block_exit(&node[i - 1]);
		}
	}
	return sum;
}

static void fill_aligned(struct block *block, struct rng *rng, uint32_t tag)
{
	enum {
		ALIGN = 64
	};

	block_init_aligned(block, rng_size(rng, 64, 8192) / ALIGN * ALIGN,
			   ALIGN, tag);
}

/* Cache lines and vectors: 64 bytes to 8 KB, aligned to 64 */
uint64_t work_aligned(const struct job *job)
{
	enum {
		SLOTS = 8000
	};
	static struct block slot[SLOTS];
	struct rng rng = { 17 };
	uint64_t sum = blocks_replace(slot, SLOTS, scaled(job, 1500000), &rng,
				      fill_aligned);

	return sum + blocks_exit(slot, SLOTS);
}
