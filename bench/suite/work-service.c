// SPDX-License-Identifier: MIT
/*
 * work-service.c - a service with load and pauses, for services.py.
 *
 * A request is a burst of blocks of one kind, which are all freed before the next. Kinds
 * take turns, so that what one leaves seldom fits the next. Between bursts the program
 * waits: for most of them shortly, for some for seconds. It runs for a fixed time of
 * pauses, which is the same under every allocator.
 */
#include <time.h>

#include "work.h"

/**
 * struct kind - blocks of a burst
 * @nr:		how many
 * @low, @high:	bytes of each
 */
struct kind {
	unsigned int nr;
	unsigned int low;
	unsigned int high;
};

static const struct kind kinds[] = {
	{ 300000, 16, 216 },
	{ 30000, 1000, 5000 },
	{ 600, 50000, 250000 },
	{ 3000, 4000, 44000 },
};

/* Milliseconds */
static const unsigned int pauses[] = { 50, 300, 1000, 3000, 100, 50, 500 };

static uint64_t burst(const struct kind *kind, struct rng *rng)
{
	static struct block block[300000];

	for (unsigned int i = 0; i < kind->nr; i++)
		block_init(&block[i],
			   kind->low + rng_below(rng, kind->high - kind->low),
			   i);
	return blocks_exit(block, kind->nr);
}

static void wait_ms(unsigned int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000l };

	while (nanosleep(&t, &t))
		;
}

uint64_t work_service(const struct job *job)
{
	size_t rounds = scaled(job, 28);
	struct rng rng = { 31 };
	uint64_t sum = 0;

	for (size_t i = 0; i < rounds; i++) {
		sum += burst(&kinds[i % 4], &rng);
		wait_ms(pauses[i % 7]);
	}
	return sum;
}
