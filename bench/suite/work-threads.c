// SPDX-License-Identifier: MIT
/*
 * work-threads.c - workloads in which memory goes from thread to thread. What a
 * thread does depends on its own numbers and on what it was sent, never on who
 * was faster, so the sums are the same each time.
 */
#include <string.h>

#include "work.h"

/*
 * A server's connections: each thread replaces objects of its own at random, then
 * ends, and the thread that comes next goes on with the objects of another.
 */
enum {
	SERVER_SLOTS = 40000
};

static void server(struct worker *worker)
{
	size_t nr = SERVER_SLOTS / worker->nr;
	struct block *slot =
		(struct block *)worker->shared + nr * worker->index;

	for (size_t i = 0; i < worker->ops; i++) {
		struct block *old =
			&slot[rng_below(&worker->rng, (uint32_t)nr)];
		size_t most = i % 32 ? 1024 : 8192;

		worker->sum += block_exit(old);
		block_init(old, rng_size(&worker->rng, 16, most), (uint32_t)i);
	}
}

uint64_t work_server(const struct job *job)
{
	enum {
		GENERATIONS = 12
	};
	struct block *slot = calloc(SERVER_SLOTS, sizeof(*slot));
	size_t ops = scaled(job, 5000000) / GENERATIONS;
	size_t part = SERVER_SLOTS / job->threads;
	uint64_t sum = 0;

	if (!slot)
		die("no memory for %d slots", SERVER_SLOTS);
	for (unsigned int g = 0; g < GENERATIONS; g++) {
		struct block first;

		sum += run_threads(job->threads, ops, 40 + g, server, slot);
		/* everybody's objects to the next; a part is shifted by one */
		for (size_t i = 0; i < part; i++) {
			first = slot[i];
			for (size_t t = 1; t < job->threads; t++)
				slot[(t - 1) * part + i] = slot[t * part + i];
			slot[(job->threads - 1) * part + i] = first;
		}
	}
	sum += blocks_exit(slot, SERVER_SLOTS);
	free(slot);
	return sum;
}

/*
 * The larson benchmark: threads replace blocks of 8 to 1000 bytes at random, so no size
 * can be predicted. Each generation of threads ends soon, and the blocks of all threads
 * are dealt anew to the next.
 */
enum {
	LARSON_SLOTS = 5000
};

static void larson_fill(struct block *block, struct rng *rng, uint32_t tag)
{
	block_init(block, 8 + rng_below(rng, 993), tag);
}

static void larson(struct worker *worker)
{
	struct block *slot =
		(struct block *)worker->shared + LARSON_SLOTS * worker->index;

	worker->sum += blocks_replace(slot, LARSON_SLOTS, worker->ops,
				      &worker->rng, larson_fill);
}

static void blocks_deal(struct block *block, size_t nr, struct rng *rng)
{
	for (size_t i = nr - 1; i > 0; i--) {
		size_t other = rng_below(rng, (uint32_t)i + 1);
		struct block b = block[i];

		block[i] = block[other];
		block[other] = b;
	}
}

uint64_t work_larson(const struct job *job)
{
	enum {
		GENERATIONS = 40
	};

	size_t nr = (size_t)LARSON_SLOTS * job->threads;
	struct block *slot = calloc(nr, sizeof(*slot));
	size_t ops = scaled(job, 8000000) / GENERATIONS;
	struct rng rng = { 61 };
	uint64_t sum = 0;

	if (!slot)
		die("no memory for %zu slots", nr);
	for (unsigned int g = 0; g < GENERATIONS; g++) {
		sum += run_threads(job->threads, ops, 62 + g, larson, slot);
		blocks_deal(slot, nr, &rng);
	}
	sum += blocks_exit(slot, nr);
	free(slot);
	return sum;
}

/* Blocks on their way between threads */
enum {
	BATCH = 200
};

struct batch {
	struct block block[BATCH];
};

static struct batch *batch_new(struct rng *rng)
{
	struct batch *batch = must_alloc(sizeof(*batch));

	for (uint32_t i = 0; i < BATCH; i++)
		block_init(&batch->block[i], rng_real_size(rng), i + 1);
	return batch;
}

static uint64_t batch_del(struct batch *batch)
{
	uint64_t sum = 0;

	sum += blocks_exit(batch->block, BATCH);
	free(batch);
	return sum;
}

/* Half of the threads only allocate, the other half only frees */
static void produce_or_consume(struct worker *worker)
{
	struct channel *channel =
		(struct channel *)worker->shared + worker->index / 2;

	for (size_t i = 0; i < worker->ops / BATCH; i++) {
		if (worker->index % 2)
			worker->sum += batch_del(channel_take(channel));
		else
			channel_put(channel, batch_new(&worker->rng));
	}
}

uint64_t work_producer(const struct job *job)
{
	struct channel channel[MAX_THREADS / 2];

	if (job->threads % 2)
		die("producer: an even number of threads");
	for (size_t i = 0; i < job->threads / 2; i++)
		channel_init(&channel[i]);
	return run_threads(job->threads, scaled(job, 8000000), 51,
			   produce_or_consume, channel);
}

/*
 * A pipeline closed to a ring: each thread allocates a batch, passes it on, and
 * frees what it is sent, one part at once and the other some rounds later.
 */
static void hand_off(struct worker *worker)
{
	enum {
		KEPT = 32
	};
	struct channel *channel = worker->shared;
	struct channel *next = &channel[(worker->index + 1) % worker->nr];
	struct batch *kept[KEPT] = { NULL };

	for (size_t i = 0; i < worker->ops / BATCH; i++) {
		struct batch **slot = &kept[rng_below(&worker->rng, KEPT)];
		struct batch *batch;

		channel_put(next, batch_new(&worker->rng));
		batch = channel_take(&channel[worker->index]);
		for (size_t k = i % 2; k < BATCH; k += 2)
			worker->sum += block_exit(&batch->block[k]);
		if (*slot)
			worker->sum += batch_del(*slot);
		*slot = batch;
	}
	for (size_t i = 0; i < KEPT; i++)
		if (kept[i])
			worker->sum += batch_del(kept[i]);
}

uint64_t work_handoff(const struct job *job)
{
	struct channel channel[MAX_THREADS];

	for (size_t i = 0; i < job->threads; i++)
		channel_init(&channel[i]);
	return run_threads(job->threads, scaled(job, 6000000), 52, hand_off,
			   channel);
}

/*
 * Buffers of 1 to 32 KB that everybody puts somewhere and anybody takes: what a thread
 * frees is another's, of any size.
 */
enum {
	EXCHANGE_SLOTS = 512
};

static void exchange(struct worker *worker)
{
	struct block **slot = worker->shared;

	for (size_t i = 0; i < worker->ops; i++) {
		struct block *block = must_alloc(sizeof(*block));
		size_t at = rng_below(&worker->rng, EXCHANGE_SLOTS);

		block_init(block, rng_size(&worker->rng, 1024, 32768),
			   (uint32_t)i);
		block = __atomic_exchange_n(&slot[at], block, __ATOMIC_ACQ_REL);
		if (block)
			worker->sum += block_exit(block);
		free(block);
	}
}

uint64_t work_exchange(const struct job *job)
{
	static struct block *slot[EXCHANGE_SLOTS];
	uint64_t sum = run_threads(job->threads, scaled(job, 800000), 55,
				   exchange, slot);

	for (size_t i = 0; i < EXCHANGE_SLOTS; i++) {
		if (slot[i])
			sum += block_exit(slot[i]);
		free(slot[i]);
		slot[i] = NULL;
	}
	return sum;
}

/* Write an object often, as if it were a counter of the thread */
static uint64_t hammer(unsigned char *p, size_t size, size_t times)
{
	volatile unsigned char *at = p;

	memset(p, 0, size);
	for (size_t i = 0; i < times; i++)
		at[i % size]++;
	return at[size - 1];
}

/* Small objects that two threads allocate at the same time and write often */
static void thrash(struct worker *worker)
{
	for (size_t i = 0; i < worker->ops; i++) {
		size_t size = 8 + i % 3 * 8;
		unsigned char *p = must_alloc(size);

		worker->sum += hammer(p, size, 100);
		free(p);
	}
}

uint64_t work_thrash(const struct job *job)
{
	return run_threads(job->threads, scaled(job, 2500000), 53, thrash,
			   NULL);
}

/* The same, but each thread starts by freeing a neighbour of the others' object */
static void scratch(struct worker *worker)
{
	unsigned char **given = worker->shared;

	worker->sum += hammer(given[worker->index], 8, 1000);
	free(given[worker->index]);
	thrash(worker);
}

uint64_t work_scratch(const struct job *job)
{
	unsigned char *given[MAX_THREADS];
	uint64_t sum = 0;

	for (int r = 0; r < 10; r++) {
		for (size_t i = 0; i < job->threads; i++)
			given[i] = must_alloc(8);
		sum += run_threads(job->threads, scaled(job, 250000), 54,
				   scratch, given);
	}
	return sum;
}

/* Threads that live for a moment: a few hundred objects, half left to the next */
static void short_life(struct worker *worker)
{
	enum {
		LEFT = 300
	};
	struct block *left =
		(struct block *)worker->shared + worker->index * LEFT;

	for (size_t r = 0; r < 4; r++) {
		for (uint32_t i = r % 2; i < LEFT; i += 2) {
			worker->sum += block_exit(&left[i]);
			block_init(&left[i], rng_real_size(&worker->rng), i);
		}
	}
}

uint64_t work_threads(const struct job *job)
{
	struct block *left = calloc(job->threads * 300, sizeof(*left));
	size_t rounds = scaled(job, 5000);
	uint64_t sum = 0;

	if (!left)
		die("no memory for the threads' objects");
	for (size_t r = 0; r < rounds; r++)
		sum += run_threads(job->threads, 0, 1000 + r, short_life, left);
	sum += blocks_exit(left, job->threads * 300);
	free(left);
	return sum;
}

/*
 * Two hundred threads, as a server has them that gives each connection one. Each keeps what its
 * connection has, and now and then answers a request: objects that live for a moment, one
 * buffer, a part of what it keeps replaced, and one object for the next thread.
 */
enum {
	CROWD_SLOTS = 40,
	CROWD_REQUEST = 24
};

static void crowd_request(struct worker *worker, struct block *kept)
{
	struct block moment[CROWD_REQUEST] = { 0 }, buffer = { 0 };

	for (uint32_t i = 0; i < CROWD_REQUEST; i++)
		block_init(&moment[i], rng_real_size(&worker->rng), i + 1);
	block_init(&buffer, rng_size(&worker->rng, 1024, 32768), 1);
	for (uint32_t i = 0; i < CROWD_SLOTS / 8; i++) {
		struct block *old = &kept[rng_below(&worker->rng, CROWD_SLOTS)];

		worker->sum += block_exit(old);
		block_init(old, rng_size(&worker->rng, 16, 2048), i + 1);
	}
	worker->sum += block_exit(&buffer);
	worker->sum += blocks_exit(moment, CROWD_REQUEST);
}

static void crowd(struct worker *worker)
{
	struct block **slot = worker->shared;
	struct block kept[CROWD_SLOTS] = { 0 };

	for (size_t i = 0; i < worker->ops / CROWD_REQUEST; i++) {
		struct block *letter = must_alloc(sizeof(*letter));

		crowd_request(worker, kept);
		block_init(letter, rng_size(&worker->rng, 16, 1024), 1);
		letter = __atomic_exchange_n(
			&slot[(worker->index + 1) % worker->nr], letter,
			__ATOMIC_ACQ_REL);
		if (letter)
			worker->sum += block_exit(letter);
		free(letter);
	}
	worker->sum += blocks_exit(kept, CROWD_SLOTS);
}

uint64_t work_crowd(const struct job *job)
{
	static struct block *slot[MAX_THREADS];
	uint64_t sum = run_threads(job->threads, scaled(job, 5000000), 58,
				   crowd, slot);

	for (size_t i = 0; i < job->threads; i++) {
		if (slot[i])
			sum += block_exit(slot[i]);
		free(slot[i]);
		slot[i] = NULL;
	}
	return sum;
}
