// SPDX-License-Identifier: MIT
/*
 * work-large.c - workloads on blocks that grow, and on large ones.
 */
#include <string.h>

#include "work.h"

/* Vectors that double when they are full, dropped at random; many at a time */
uint64_t work_vectors(const struct job *job)
{
	enum {
		VECTORS = 1500
	};
	static struct block vector[VECTORS];
	static uint32_t used[VECTORS];
	size_t ops = scaled(job, 4000000);
	struct rng rng = { 31 };
	uint64_t sum = 0;

	for (size_t i = 0; i < ops; i++) {
		uint32_t at = rng_below(&rng, VECTORS);
		struct block *v = &vector[at];

		if (!v->p) {
			block_init(v, 16, at);
			used[at] = 0;
		}
		used[at] += 16u << rng_below(&rng, 6);
		while (used[at] > v->size)
			block_resize(v, v->size * 2);
		if (v->size >= 1u << 16 || rng_below(&rng, 400) == 0)
			sum += block_exit(v);
	}
	sum += blocks_exit(vector, VECTORS);
	return sum;
}

/* Strings that grow by what is appended, to 4 KB, and one buffer to 48 MB */
uint64_t work_strings(const struct job *job)
{
	enum {
		STRINGS = 4000
	};
	static struct block string[STRINGS];
	size_t ops = scaled(job, 2500000), most = scaled(job, 48 << 20);
	struct block buffer = { 0 };
	struct rng rng = { 32 };
	uint64_t sum = 0;

	block_init(&buffer, 4096, 1);
	for (size_t i = 0; i < ops; i++) {
		struct block *s = &string[rng_below(&rng, STRINGS)];

		if (!s->p)
			block_init(s, 8, (uint32_t)i);
		else if (s->size < 4096)
			block_resize(s, s->size + 1 + rng_below(&rng, 40));
		else
			sum += block_exit(s);
		if (i % (ops / 40 + 1) == 0 && buffer.size < most)
			block_resize(&buffer, buffer.size * 5 / 4);
	}
	sum += blocks_exit(string, STRINGS);
	return sum + block_exit(&buffer);
}

static void fill_large(struct block *block, struct rng *rng, uint32_t tag)
{
	block_init(block, rng_size(rng, 32 << 10, 4 << 20), tag);
}

/* Blocks of 32 KB to 4 MB, written whole, replaced at random */
uint64_t work_large(const struct job *job)
{
	enum {
		SLOTS = 64
	};
	static struct block slot[SLOTS];
	struct rng rng = { 33 };
	uint64_t sum = blocks_replace(slot, SLOTS, scaled(job, 4000), &rng,
				      fill_large);

	return sum + blocks_exit(slot, SLOTS);
}

/* A block of 1 to 64 MB at a time, of which every page is touched */
uint64_t work_huge(const struct job *job)
{
	size_t rounds = scaled(job, 60);
	uint64_t sum = 0;

	for (size_t r = 0; r < rounds; r++) {
		for (size_t size = 1 << 20; size <= 64 << 20; size *= 2) {
			unsigned char *p = must_alloc(size + r);

			for (size_t i = 0; i < size; i += 4096)
				p[i] = (unsigned char)(r + i / 4096);
			for (size_t i = 0; i < size; i += 4096)
				sum += p[i] - (unsigned char)(r + i / 4096);
			sum += p[size / 8192 * 4096];
			free(p);
		}
	}
	return sum;
}

static void fill_zeroed(struct block *block, struct rng *rng, uint32_t tag)
{
	block_init_zeroed(block, rng_size(rng, 256, 256 << 10), tag);
}

/* Zeroed arrays of 256 bytes to 256 KB */
uint64_t work_calloc(const struct job *job)
{
	enum {
		SLOTS = 200
	};
	static struct block slot[SLOTS];
	struct rng rng = { 35 };
	uint64_t sum = blocks_replace(slot, SLOTS, scaled(job, 120000), &rng,
				      fill_zeroed);

	return sum + blocks_exit(slot, SLOTS);
}
