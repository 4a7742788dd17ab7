/* SPDX-License-Identifier: MIT */
/*
 * work.h - what the workloads share: random numbers that are the same in every
 * run, blocks that know what they hold, threads, and a queue between threads.
 *
 * A workload does a fixed amount of work, never work for a fixed time, and what
 * it returns depends on that work alone: not on addresses, not on which thread
 * came first.
 */
#ifndef BENCH_WORK_H
#define BENCH_WORK_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/**
 * struct rng - a sequence of pseudo-random numbers (splitmix64)
 * @state: where it is; any number starts a sequence of its own
 */
struct rng {
	uint64_t state;
};

static inline uint64_t rng_next(struct rng *rng)
{
	uint64_t z = rng->state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

/* Uniform in [0, n) */
static inline uint32_t rng_below(struct rng *rng, uint32_t n)
{
	return (uint32_t)(((rng_next(rng) >> 32) * n) >> 32);
}

/* In [low, high), each doubling of the size as likely as any other */
size_t rng_size(struct rng *rng, size_t low, size_t high);

/* As programs ask: most of it under 100 bytes, a thousandth above 16 KB */
size_t rng_real_size(struct rng *rng);

/**
 * struct block - memory with known content
 * @p: what malloc returned; NULL for none
 * @size: as it was asked for
 * @tag: what its content is made from
 */
struct block {
	unsigned char *p;
	uint32_t size;
	uint32_t tag;
};

/* Allocate and write every cache line; stops the program if there is no memory */
void block_init(struct block *block, size_t size, uint32_t tag);

/* The same by a function of calloc's kind, whose zeroes are checked */
void block_init_zeroed(struct block *block, size_t size, uint32_t tag);

/* The same at an alignment, a power of two that divides @size */
void block_init_aligned(struct block *block, size_t size, size_t align,
			uint32_t tag);

/* realloc, and check what was kept; @tag stays */
void block_resize(struct block *block, size_t size);

/* Check the content and free; returns @tag, 0 where there was no block */
uint32_t block_exit(struct block *block);

/* The same of @nr of them: the sum */
uint64_t blocks_exit(struct block *block, size_t nr);

/**
 * blocks_replace() - the pattern of many workloads: any slot is replaced at any time
 * @slot:	@nr blocks, some of them none
 * @ops:	how many are replaced
 * @fill:	makes a block in a free slot; a constant, so it is no call through a pointer
 *
 * Return: the sum of what was freed.
 */
static inline __attribute__((always_inline)) uint64_t
blocks_replace(struct block *slot, size_t nr, size_t ops, struct rng *rng,
	       void (*fill)(struct block *block, struct rng *rng, uint32_t tag))
{
	uint64_t sum = 0;

	for (size_t i = 0; i < ops; i++) {
		struct block *old = &slot[rng_below(rng, (uint32_t)nr)];

		sum += block_exit(old);
		fill(old, rng, (uint32_t)i);
	}
	return sum;
}

/* Ends the program with a message */
void die(const char *format, ...)
	__attribute__((format(printf, 1, 2), noreturn));

/* malloc that does not fail */
void *must_alloc(size_t size);

/**
 * struct worker - one thread's part of a workload
 * @index: which of @nr it is
 * @nr: threads
 * @ops: how much it has to do
 * @rng: its own numbers
 * @shared: what the workload hands to all
 * @sum: what came out; added up over all threads
 */
struct worker {
	unsigned int index;
	unsigned int nr;
	size_t ops;
	struct rng rng;
	void *shared;
	uint64_t sum;
	void (*run)(struct worker *worker);
};

#define MAX_THREADS 512

/* Run nr threads with ops / nr each, wait for them, and add up their sums */
uint64_t run_threads(unsigned int nr, size_t ops, uint64_t seed,
		     void (*run)(struct worker *worker), void *shared);

/**
 * struct channel - a bounded queue of pointers between threads
 */
struct channel {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	void *slot[16];
	unsigned int nr_put;
	unsigned int nr_taken;
};

void channel_init(struct channel *channel);

/* Waits while it is full */
void channel_put(struct channel *channel, void *item);

/* Waits while it is empty */
void *channel_take(struct channel *channel);

/**
 * struct job - how a workload is to run
 * @threads: how many, where it has any
 * @percent: of its full amount of work
 */
struct job {
	unsigned int threads;
	unsigned int percent;
};

/* A share of the full number, at least 1 */
static inline size_t scaled(const struct job *job, size_t full)
{
	size_t part = full * job->percent / 100;

	return part ? part : 1;
}

/* Objects: work-objects.c */
uint64_t work_pair(const struct job *job);
uint64_t work_lifo(const struct job *job);
uint64_t work_fifo(const struct job *job);
uint64_t work_mix(const struct job *job);
uint64_t work_sizes(const struct job *job);
uint64_t work_phases(const struct job *job);
uint64_t work_leak(const struct job *job);
uint64_t work_nodes(const struct job *job);
uint64_t work_aligned(const struct job *job);

/* Data structures: work-data.c */
uint64_t work_symbols(const struct job *job);
uint64_t work_trees(const struct job *job);
uint64_t work_bignum(const struct job *job);
uint64_t work_documents(const struct job *job);
uint64_t work_cache(const struct job *job);

/* Blocks that grow, and large ones: work-large.c */
uint64_t work_vectors(const struct job *job);
uint64_t work_strings(const struct job *job);
uint64_t work_large(const struct job *job);
uint64_t work_huge(const struct job *job);
uint64_t work_calloc(const struct job *job);

/* Between threads: work-threads.c */
uint64_t work_server(const struct job *job);
uint64_t work_larson(const struct job *job);
uint64_t work_producer(const struct job *job);
uint64_t work_handoff(const struct job *job);
uint64_t work_exchange(const struct job *job);
uint64_t work_thrash(const struct job *job);
uint64_t work_scratch(const struct job *job);
uint64_t work_threads(const struct job *job);
uint64_t work_crowd(const struct job *job);

/* Load and pauses: work-service.c */
uint64_t work_service(const struct job *job);

#endif /* BENCH_WORK_H */
