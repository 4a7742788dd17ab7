// SPDX-License-Identifier: MIT
/*
 * work.c - what work.h declares. Every block is written and checked, since memory
 * that nobody touches costs nothing, and since an allocator that hands out the
 * same memory twice must not win.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "work.h"

#define CACHE_LINE 64

void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "%s: ", program_invocation_short_name);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

void *must_alloc(size_t size)
{
	void *p = malloc(size);

	if (!p)
		die("no memory for %zu bytes", size);
	return p;
}

/* --- random numbers --------------------------------------------------------- */

size_t rng_size(struct rng *rng, size_t low, size_t high)
{
	unsigned int doublings = 0;
	size_t base, top;

	while (low << (doublings + 1) <= high)
		doublings++;
	base = low << rng_below(rng, doublings + (low << doublings < high));
	top = base * 2 < high ? base * 2 : high;
	return base + rng_below(rng, (uint32_t)(top - base));
}

/*
 * Shares of requests, in thousandths, at most so large. Drawn after what
 * interpreters, compilers and servers ask for: a few small sizes take most.
 */
static const struct {
	uint16_t share;
	uint16_t fixed;
	uint32_t low, high;
} real_sizes[] = {
	{ 130, 1, 16, 0 },     { 90, 1, 24, 0 },      { 120, 1, 32, 0 },
	{ 80, 1, 40, 0 },      { 70, 1, 48, 0 },      { 90, 1, 56, 0 },
	{ 60, 1, 64, 0 },      { 40, 1, 72, 0 },      { 110, 0, 8, 40 },
	{ 100, 0, 40, 128 },   { 60, 0, 128, 512 },   { 25, 0, 512, 1024 },
	{ 15, 0, 1024, 4096 }, { 9, 0, 4096, 16384 }, { 1, 0, 16384, 65536 },
};

size_t rng_real_size(struct rng *rng)
{
	uint32_t at = rng_below(rng, 1000);
	size_t i = 0;

	while (at >= real_sizes[i].share)
		at -= real_sizes[i++].share;
	if (real_sizes[i].fixed)
		return real_sizes[i].low;
	return real_sizes[i].low +
	       rng_below(rng, real_sizes[i].high - real_sizes[i].low);
}

/* --- blocks ----------------------------------------------------------------- */

/* One byte a cache line, and the last */
static void block_write(struct block *block)
{
	for (size_t i = 0; i < block->size; i += CACHE_LINE)
		block->p[i] = (unsigned char)(block->tag + i / CACHE_LINE);
	if (block->size)
		block->p[block->size - 1] = (unsigned char)block->tag;
}

static void block_check(const struct block *block, size_t size)
{
	for (size_t i = 0; i + 1 < size; i += CACHE_LINE)
		if (block->p[i] != (unsigned char)(block->tag + i / CACHE_LINE))
			die("block of %u bytes: byte %zu has changed",
			    block->size, i);
}

void block_init(struct block *block, size_t size, uint32_t tag)
{
	block->p = must_alloc(size);
	block->size = (uint32_t)size;
	block->tag = tag;
	block_write(block);
}

void block_init_zeroed(struct block *block, size_t size, uint32_t tag)
{
	block->p = calloc(size, 1);
	if (!block->p)
		die("no memory for %zu zeroed bytes", size);
	for (size_t i = 0; i < size; i += 4096)
		if (block->p[i])
			die("calloc of %zu bytes: byte %zu is not 0", size, i);
	block->size = (uint32_t)size;
	block->tag = tag;
	block_write(block);
}

void block_init_aligned(struct block *block, size_t size, size_t align,
			uint32_t tag)
{
	block->p = aligned_alloc(align, size);
	if (!block->p)
		die("no memory for %zu bytes aligned to %zu", size, align);
	if ((uintptr_t)block->p % align)
		die("%zu bytes at %p are not aligned to %zu", size,
		    (void *)block->p, align);
	block->size = (uint32_t)size;
	block->tag = tag;
	block_write(block);
}

void block_resize(struct block *block, size_t size)
{
	size_t kept = size < block->size ? size : block->size;
	unsigned char *p = realloc(block->p, size);

	if (!p)
		die("no memory to make %u bytes %zu", block->size, size);
	block->p = p;
	/* the last byte is no cache line's first, but for that one */
	if (kept && (kept - 1) % CACHE_LINE == 0)
		kept--;
	block_check(block, kept);
	block->size = (uint32_t)size;
	block_write(block);
}

uint32_t block_exit(struct block *block)
{
	if (!block->p)
		return 0;
	block_check(block, block->size);
	if (block->size &&
	    block->p[block->size - 1] != (unsigned char)block->tag)
		die("block of %u bytes: its end has changed", block->size);
	free(block->p);
	block->p = NULL;
	return block->tag;
}

uint64_t blocks_exit(struct block *block, size_t nr)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < nr; i++)
		sum += block_exit(&block[i]);
	return sum;
}

/* --- threads ---------------------------------------------------------------- */

static void *worker_main(void *arg)
{
	struct worker *worker = arg;

	worker->run(worker);
	return NULL;
}

uint64_t run_threads(unsigned int nr, size_t ops, uint64_t seed,
		     void (*run)(struct worker *worker), void *shared)
{
	struct worker worker[MAX_THREADS];
	pthread_t thread[MAX_THREADS];
	uint64_t sum = 0;

	if (!nr || nr > MAX_THREADS)
		die("1 to %d threads, not %u", MAX_THREADS, nr);
	for (unsigned int i = 0; i < nr; i++) {
		worker[i] = (struct worker){
			.index = i,
			.nr = nr,
			.ops = ops / nr,
			.rng = { seed * 64 + i },
			.shared = shared,
			.run = run,
		};
		if (pthread_create(&thread[i], NULL, worker_main, &worker[i]))
			die("cannot create thread %u", i);
	}
	for (unsigned int i = 0; i < nr; i++) {
		pthread_join(thread[i], NULL);
		sum += worker[i].sum;
	}
	return sum;
}

#define CHANNEL_SLOTS (sizeof((struct channel){ 0 }.slot) / sizeof(void *))

void channel_init(struct channel *channel)
{
	memset(channel, 0, sizeof(*channel));
	pthread_mutex_init(&channel->lock, NULL);
	pthread_cond_init(&channel->changed, NULL);
}

void channel_put(struct channel *channel, void *item)
{
	pthread_mutex_lock(&channel->lock);
	while (channel->nr_put - channel->nr_taken == CHANNEL_SLOTS)
		pthread_cond_wait(&channel->changed, &channel->lock);
	channel->slot[channel->nr_put++ % CHANNEL_SLOTS] = item;
	pthread_cond_broadcast(&channel->changed);
	pthread_mutex_unlock(&channel->lock);
}

void *channel_take(struct channel *channel)
{
	void *item;

	pthread_mutex_lock(&channel->lock);
	while (channel->nr_put == channel->nr_taken)
		pthread_cond_wait(&channel->changed, &channel->lock);
	item = channel->slot[channel->nr_taken++ % CHANNEL_SLOTS];
	pthread_cond_broadcast(&channel->changed);
	pthread_mutex_unlock(&channel->lock);
	return item;
}
