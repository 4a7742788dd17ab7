// SPDX-License-Identifier: MIT
/*
 * s-process.c - stress of the process's heap: threads that allocate, resize, check
 * and free, their own blocks and each other's, while tables change underneath.
 *
 * Every block is filled with a byte derived from its address and checked before it
 * is resized or freed, so two owners of one byte are noticed. At the end the heap
 * is walked and nothing but what libc keeps may be live.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "process/process.h"
#include "../random.h"

#define NR_THREADS 4
#define NR_SLOTS   512
#define NR_ROUNDS  60000

struct block {
	unsigned char *p;
	size_t size;
};

/* Blocks on their way from one thread to another */
static struct block exchange[NR_SLOTS];

/* Mostly small, some of every scale, a few hot sizes that change with the phase */
static size_t pick_size(uint32_t *rng, unsigned int phase)
{
	uint32_t r = random_next(rng);

	if (r % 4 == 0)
		return 136 + 96 * (phase % 5);
	if (r % 1000 == 1)
		return random_next(rng) % (1 << 20);
	if (r % 50 == 2)
		return random_next(rng) % 40000;
	return random_next(rng) % (8u << (r >> 8) % 9);
}

static unsigned char tag(const void *p)
{
	return (unsigned char)(((uintptr_t)p >> 4) * 167 + 13);
}

static void block_fill(struct block *b)
{
	memset(b->p, tag(b->p), b->size);
}

static void block_verify(const struct block *b, const void *filled_at)
{
	unsigned char want = tag(filled_at);

	for (size_t i = 0; i < b->size; i++)
		if (b->p[i] != want) {
			fprintf(stderr, "block %p of %zu bytes: byte %zu\n",
				(void *)b->p, b->size, i);
			abort();
		}
}

static void block_make(struct block *b, uint32_t *rng, unsigned int phase)
{
	size_t align = (size_t)16 << random_next(rng) % 10;

	b->size = pick_size(rng, phase);
	switch (random_next(rng) % 8) {
	case 0:
		b->p = qn_calloc(1, b->size);
		for (size_t i = 0; b->p && i < b->size; i++)
			if (b->p[i])
				abort();
		break;
	case 1:
		b->p = qn_memalign(align, b->size);
		if ((uintptr_t)b->p % align)
			abort();
		break;
	case 2:
		b->p = qn_process_malloc_token(b->size, random_next(rng) % 3);
		break;
	case 3:
		b->p = qn_process_malloc_cold(b->size);
		break;
	default:
		b->p = qn_malloc(b->size);
	}
	if (!b->p || (uintptr_t)b->p % QN_ALIGN ||
	    qn_malloc_usable_size(b->p) < b->size)
		abort();
	block_fill(b);
}

static void block_resize(struct block *b, uint32_t *rng, unsigned int phase)
{
	unsigned char *old = b->p;
	size_t size = pick_size(rng, phase);
	size_t full = size;

	block_verify(b, old);
	b->p = qn_realloc(b->p, size);
	if (!b->p)
		abort();
	b->size = size < b->size ? size : b->size;
	block_verify(b, old);
	b->size = full;
	block_fill(b);
}

static void block_drop(struct block *b)
{
	block_verify(b, b->p);
	qn_free(b->p);
	b->p = NULL;
}

/* Put the block where another thread finds it, take what lies there */
static void block_swap(struct block *b, uint32_t *rng)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	struct block *there = &exchange[random_next(rng) % NR_SLOTS];
	struct block mine = *b;

	pthread_mutex_lock(&mutex);
	*b = *there;
	*there = mine;
	pthread_mutex_unlock(&mutex);
}

static void *worker(void *arg)
{
	uint32_t rng = (uint32_t)(uintptr_t)arg * 2654435761u + 1;
	struct block *slots = calloc(NR_SLOTS, sizeof(*slots));

	for (unsigned int i = 0; i < NR_ROUNDS; i++) {
		struct block *b = &slots[random_next(&rng) % NR_SLOTS];
		unsigned int phase = i / (NR_ROUNDS / 6);

		if (!b->p)
			block_make(b, &rng, phase);
		else if (random_next(&rng) % 8 == 0)
			block_resize(b, &rng, phase);
		else if (random_next(&rng) % 4 == 0)
			block_swap(b, &rng);
		else
			block_drop(b);
	}
	for (unsigned int i = 0; i < NR_SLOTS; i++)
		if (slots[i].p)
			block_drop(&slots[i]);
	free(slots);
	return NULL;
}

static void run_threads(uintptr_t seed)
{
	pthread_t threads[NR_THREADS];

	for (uintptr_t i = 0; i < NR_THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, worker,
						(void *)(seed + i)),
				 0);
	for (int i = 0; i < NR_THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < NR_SLOTS; i++)
		if (exchange[i].p)
			block_drop(&exchange[i]);
}

/*
 * Heaps of blocks that are built by one thread and freed by another, while the first sleeps,
 * goes on, or is just waking up
 */
#define NR_HEAP  400
#define NR_HEAPS 300

static struct block *heaps[NR_THREADS];

static void heap_drop(struct block *heap)
{
	for (int i = 0; heap && i < NR_HEAP; i++)
		block_drop(&heap[i]);
	free(heap);
}

static struct block *heap_make(uint32_t *rng)
{
	struct block *heap = calloc(NR_HEAP, sizeof(*heap));

	for (int i = 0; i < NR_HEAP; i++) {
		heap[i].size = random_next(rng) % (i % 4 ? 6000 : 300);
		heap[i].p = qn_malloc(heap[i].size);
		if (!heap[i].p)
			abort();
		block_fill(&heap[i]);
	}
	return heap;
}

static struct block *heap_swap(uintptr_t at, struct block *heap)
{
	return __atomic_exchange_n(&heaps[at % NR_THREADS], heap,
				   __ATOMIC_ACQ_REL);
}

static void *builder(void *arg)
{
	uintptr_t me = (uintptr_t)arg;
	uint32_t rng = (uint32_t)me + 1;

	for (int i = 0; i < NR_HEAPS; i++) {
		heap_drop(heap_swap(me + 1, heap_make(&rng)));
		if (random_next(&rng) % 4 == 0)
			usleep(random_next(&rng) % 2000);
		heap_drop(heap_swap(me, NULL));
	}
	return NULL;
}

static void test_builders(void **state)
{
	pthread_t threads[NR_THREADS];

	(void)state;
	for (uintptr_t i = 0; i < NR_THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, builder,
						(void *)i),
				 0);
	for (int i = 0; i < NR_THREADS; i++)
		pthread_join(threads[i], NULL);
	for (uintptr_t i = 0; i < NR_THREADS; i++)
		heap_drop(heap_swap(i, NULL));
	assert_int_equal(qn_check(), 0);
}

static void test_threads(void **state)
{
	(void)state;
	for (uintptr_t seed = 1; seed <= 3; seed++) {
		run_threads(seed * 100);
		assert_int_equal(qn_check(), 0);
	}
}

/* Everything was freed and trimmed: nothing is live, little is kept */
static void test_nothing_left(void **state)
{
	struct qn_stats st;

	(void)state;
	qn_trim();
	assert_int_equal(qn_stats_get(&st), 0);
	assert_true(st.nr_allocs > 100000);
	assert_int_equal(st.live, 0);
	assert_true(qn_process_stats()->dirty < (64 << 10));
}

/* Threads one after the other reuse one cache and leave nothing behind */
static void *short_life(void *arg)
{
	void *p = qn_malloc(100);

	qn_free(qn_malloc(3000));
	return arg ? p : (qn_free(p), NULL);
}

static void test_short_threads(void **state)
{
	size_t used = 0;
	pthread_t t;
	void *p;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		assert_int_equal(pthread_create(&t, NULL, short_life,
						i % 2 ? &t : NULL),
				 0);
		pthread_join(t, &p);
		qn_free(p);
		if (i == 100)
			used = qn_process_stats()->used;
	}
	assert_in_range(qn_process_stats()->used, 0, used + (128 << 10));
	assert_in_range(qn_process_stats()->nr_threads, 0, 2);
}

/* A size that dominates gets a class of its own while objects of it are live */
static void test_hot_size_is_promoted(void **state)
{
	static unsigned char *held[20000];
	const struct qn_stats_page *page = qn_process_stats();
	uint64_t before = page->nr_changes;

	(void)state;
	for (int round = 0; round < 20 && page->nr_changes == before; round++) {
		for (int i = 0; i < 20000; i++) {
			held[i] = qn_malloc(1000 - 100 * (i % 2));
			memset(held[i], i, 900);
		}
		for (int i = 0; i < 20000; i++) {
			assert_int_equal(held[i][899], i & 255);
			qn_free(held[i]);
		}
	}
	assert_true(page->nr_changes > before);
	assert_int_equal(qn_check(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_builders),
		cmocka_unit_test(test_nothing_left),
		cmocka_unit_test(test_short_threads),
		cmocka_unit_test(test_hot_size_is_promoted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
