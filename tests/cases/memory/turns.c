// SPDX-License-Identifier: MIT
/*
 * turns.c - threads that take turns, and whoever has the turn frees what all of them built:
 * an interpreter with one lock and a collector.
 *
 *	turns SMALLEST LARGEST
 *
 * No more than LIMIT is ever in use. What of it a thread built is freed by the next one
 * while the first sleeps.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NR_THREADS 12
#define NR_ROUNDS  5
#define LIMIT      ((size_t)24 << 20)
#define MOST       200000

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t passed = PTHREAD_COND_INITIALIZER;
static unsigned int turn;
static size_t smallest, largest;
static void *blocks[MOST];
static size_t nr_blocks, bytes;

static unsigned long peak_mb(void)
{
	char line[256];
	unsigned long kb = 0;
	FILE *f = fopen("/proc/self/status", "r");

	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "VmHWM: %lu", &kb);
	if (f)
		fclose(f);
	return kb >> 10;
}

static void collect(void)
{
	while (nr_blocks)
		free(blocks[--nr_blocks]);
	bytes = 0;
}

/* Four times the limit and a half: half of it stays for the next thread */
static void work(unsigned int *seed)
{
	for (size_t sum = 0; sum < 4 * LIMIT + LIMIT / 2;) {
		size_t size = smallest +
			      (size_t)rand_r(seed) % (largest - smallest + 1);

		if (bytes + size > LIMIT || nr_blocks == MOST)
			collect();
		blocks[nr_blocks] = malloc(size);
		memset(blocks[nr_blocks++], 1, size);
		bytes += size;
		sum += size;
	}
}

static void wait_for(unsigned int nr)
{
	while (turn < nr)
		pthread_cond_wait(&passed, &lock);
}

static void *thread(void *arg)
{
	unsigned int me = (unsigned int)(size_t)arg, seed = me + 1;

	pthread_mutex_lock(&lock);
	for (unsigned int i = 0; i < NR_ROUNDS; i++) {
		wait_for(i * NR_THREADS + me);
		work(&seed);
		turn++;
		pthread_cond_broadcast(&passed);
	}
	wait_for(NR_ROUNDS * NR_THREADS);
	pthread_mutex_unlock(&lock);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t ids[NR_THREADS];

	smallest = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
	largest = argc > 2 ? strtoul(argv[2], NULL, 10) : 6000;
	for (size_t i = 0; i < NR_THREADS; i++)
		pthread_create(&ids[i], NULL, thread, (void *)i);
	for (int i = 0; i < NR_THREADS; i++)
		pthread_join(ids[i], NULL);
	collect();
	printf("peak %lu MB\n", peak_mb());
	return 0;
}
