// SPDX-License-Identifier: MIT
/*
 * x-threads.c - threads of a preloaded program.
 *
 * Invariants:
 *  - blocks keep their contents whoever frees them and wherever they are freed
 *  - memory freed by another thread, or left by one that ended, is used again
 *  - a thread may allocate and free until its very end: in destructors of its
 *    own data, in several rounds, after the heap's own destructor has run
 *  - the heap has no thread of its own
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "x.h"
#include "../random.h"
#include "../resident.h"

/* Mostly small, now and then large */
static size_t random_size(unsigned int *state)
{
	unsigned int n = random_next(state);

	if (n % 512 == 0)
		return n % 300000;
	return n % 16 == 0 ? n % 5000 : n % 500;
}

/* A block knows its size and is filled: whoever frees it can verify it */
static unsigned char *block_new(size_t size)
{
	unsigned char *p;

	size += sizeof(size);
	p = malloc(size);
	if (!p)
		abort();
	memcpy(p, &size, sizeof(size));
	memset(p + sizeof(size), (int)(size & 0xff), size - sizeof(size));
	return p;
}

static int block_is_good(const unsigned char *p)
{
	size_t size;

	memcpy(&size, p, sizeof(size));
	for (size_t i = sizeof(size); i < size; i++)
		if (p[i] != (size & 0xff))
			return 0;
	return 1;
}

static void block_free(unsigned char *p)
{
	CHECK(block_is_good(p));
	free(p);
}

static void run_threads(int nr, void *(*run)(void *))
{
	pthread_t threads[16];

	for (intptr_t i = 0; i < nr; i++)
		if (pthread_create(&threads[i], NULL, run, (void *)i))
			abort();
	for (int i = 0; i < nr; i++)
		pthread_join(threads[i], NULL);
}

/* ---- many short threads ---- */

static void *short_thread(void *arg)
{
	unsigned int state = (unsigned int)(uintptr_t)arg;
	unsigned char *p[50];

	for (int i = 0; i < 50; i++)
		p[i] = block_new(random_size(&state));
	for (int i = 1; i < 50; i++)
		block_free(p[i]);
	return p[0];
}

static void thousand_threads(void)
{
	size_t before = 0;
	pthread_t thread;
	void *p;

	for (uintptr_t i = 0; i < 1000; i++) {
		if (pthread_create(&thread, NULL, short_thread, (void *)i))
			abort();
		pthread_join(thread, &p);
		block_free(p);
		if (i == 100)
			before = resident();
	}
	CHECK(resident() < before + (8 << 20));
}

static void *detached_thread(void *arg)
{
	static unsigned int seed;

	block_free(short_thread((void *)(uintptr_t)atomic_fetch_add(
		(_Atomic unsigned int *)&seed, 1)));
	atomic_fetch_sub((_Atomic int *)arg, 1);
	return NULL;
}

static void detached_threads(void)
{
	static _Atomic int nr_running;
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	for (int i = 0; i < 300; i++) {
		atomic_fetch_add(&nr_running, 1);
		while (pthread_create(&thread, &attr, detached_thread,
				      (void *)&nr_running))
			usleep(1000);
	}
	while (atomic_load(&nr_running))
		usleep(1000);
	pthread_attr_destroy(&attr);
}

/* ---- thread-specific data ---- */

#define NR_ROUNDS 3

struct tsd {
	int round;
	unsigned char *block;
	void *small[20];
};

static pthread_key_t keys[4];
static _Atomic int nr_destroyed;

static struct tsd *tsd_new(int round)
{
	struct tsd *t = calloc(1, sizeof(*t));

	t->round = round;
	t->block = block_new((size_t)(100 * round + 3000));
	for (int i = 0; i < 20; i++)
		t->small[i] = malloc((size_t)i * 30);
	return t;
}

static void tsd_free(struct tsd *t)
{
	for (int i = 0; i < 20; i++) {
		t->small[i] = realloc(t->small[i], (size_t)i * 50 + 1);
		free(t->small[i]);
	}
	block_free(t->block);
	free(t);
}

/* The C library calls again as long as there is data again, four rounds */
static void tsd_destroy(unsigned int key, struct tsd *t)
{
	int round = t->round;

	errno = 5;
	tsd_free(t);
	CHECK(errno == 5);
	atomic_fetch_add(&nr_destroyed, 1);
	if (round < NR_ROUNDS)
		pthread_setspecific(keys[key], tsd_new(round + 1));
}

static void tsd_destroy_0(void *t)
{
	tsd_destroy(0, t);
}

static void tsd_destroy_1(void *t)
{
	tsd_destroy(1, t);
}

static void tsd_destroy_2(void *t)
{
	tsd_destroy(2, t);
}

static void tsd_destroy_3(void *t)
{
	tsd_destroy(3, t);
}

/* Odd ones have never allocated before their destructors run */
static void *tsd_thread(void *arg)
{
	struct tsd **t = arg;

	for (int i = 0; i < 4; i++)
		pthread_setspecific(keys[i], t[i]);
	return NULL;
}

static void tsd_destructors(void)
{
	static void (*const destroy[4])(void *) = {
		tsd_destroy_0, tsd_destroy_1, tsd_destroy_2, tsd_destroy_3
	};
	size_t before = 0;

	for (int i = 0; i < 4; i++)
		CHECK(!pthread_key_create(&keys[i], destroy[i]));
	for (int n = 0; n < 500; n++) {
		struct tsd *t[4];
		pthread_t thread;

		for (int i = 0; i < 4; i++)
			t[i] = tsd_new(1);
		if (pthread_create(&thread, NULL, tsd_thread, t))
			abort();
		pthread_join(thread, NULL);
		if (n == 50)
			before = mallinfo2().uordblks;
	}
	CHECK(nr_destroyed == 500 * 4 * NR_ROUNDS);
	CHECK(mallinfo2().uordblks < before + (4 << 20));
	for (int i = 0; i < 4; i++)
		pthread_key_delete(keys[i]);
}

/* ---- one allocates, another frees ---- */

#define NR_SLOTS 1024

static unsigned char *_Atomic slots[NR_SLOTS];

static void *producer(void *arg)
{
	unsigned int state = (unsigned int)(uintptr_t)arg + 1;

	for (int i = 0; i < 400000; i++) {
		unsigned char *p = block_new(random_size(&state));
		unsigned char *none = NULL;

		while (!atomic_compare_exchange_weak(&slots[i % NR_SLOTS],
						     &none, p)) {
			if (none)
				sched_yield();
			none = NULL;
		}
	}
	return NULL;
}

static void *consumer(void *arg)
{
	(void)arg;
	for (int i = 0; i < 400000; i++) {
		unsigned char *p;

		while (!(p = atomic_exchange(&slots[i % NR_SLOTS], NULL)))
			sched_yield();
		block_free(p);
	}
	return NULL;
}

static void *produce_or_consume(void *arg)
{
	return arg ? producer(arg) : consumer(arg);
}

/* What is in flight is bounded, so is what the process holds */
static void producer_consumer(void)
{
	size_t before;

	run_threads(2, produce_or_consume);
	before = resident();
	run_threads(2, produce_or_consume);
	run_threads(2, produce_or_consume);
	CHECK(resident() < before + (32 << 20));
}

static void *exchanger(void *arg)
{
	unsigned int state = (unsigned int)(uintptr_t)arg + 77;

	for (int i = 0; i < 200000; i++) {
		unsigned int n = random_next(&state) % NR_SLOTS;
		unsigned char *p = block_new(random_size(&state));

		p = atomic_exchange(&slots[n], p);
		if (p)
			block_free(p);
	}
	return NULL;
}

static void cross_frees(void)
{
	run_threads(4, exchanger);
	for (int i = 0; i < NR_SLOTS; i++) {
		unsigned char *p = atomic_exchange(&slots[i], NULL);

		if (p)
			block_free(p);
	}
}

/* A thread that frees and reallocates others' blocks, and has none itself */
static void *only_frees(void *arg)
{
	unsigned char **p = arg;

	for (int i = 0; i < 2000; i += 2) {
		p[i] = realloc(p[i], 40000);
		block_free(p[i]);
		block_free(p[i + 1]);
	}
	return NULL;
}

static void free_in_fresh_thread(void)
{
	static unsigned char *p[2000];
	pthread_t thread;

	for (int n = 0; n < 20; n++) {
		unsigned int state = (unsigned int)n;

		for (int i = 0; i < 2000; i++)
			p[i] = block_new(random_size(&state) % 30000);
		if (pthread_create(&thread, NULL, only_frees, p))
			abort();
		pthread_join(thread, NULL);
	}
}

/* The blocks of a thread that ends stay; once they are free they serve again */
static void *allocates_and_ends(void *arg)
{
	unsigned char **p = arg;

	for (int i = 0; i < 2000; i++)
		p[i] = block_new((size_t)i);
	return NULL;
}

static void blocks_outlive_threads(void)
{
	static unsigned char *p[2000];
	pthread_t thread;
	size_t before = 0;

	for (int n = 0; n < 50; n++) {
		if (pthread_create(&thread, NULL, allocates_and_ends, p))
			abort();
		pthread_join(thread, NULL);
		for (int i = 0; i < 2000; i++)
			block_free(p[i]);
		if (n == 5)
			before = resident();
	}
	CHECK(resident() < before + (8 << 20));
}

/* ---- small stacks ---- */

static void *allocates_all_sizes(void *arg)
{
	for (size_t size = 1; size < 3 << 20; size = size * 5 / 4 + 1) {
		unsigned char *p = malloc(size);

		p = realloc(p, size * 2);
		free(p);
		free(calloc(size, 1));
		free(aligned_alloc(4096, size));
	}
	return arg;
}

/* The heap's own frames fit the smallest stack that there is */
static void small_stacks(void)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	CHECK(!pthread_attr_setstacksize(
		&attr, (size_t)sysconf(_SC_THREAD_STACK_MIN)));
	for (int i = 0; i < 20; i++) {
		if (pthread_create(&thread, &attr, allocates_all_sizes, NULL))
			abort();
		pthread_join(thread, NULL);
	}
	pthread_attr_destroy(&attr);
}

/* ---- cancellation ---- */

static void cleanup(void *p)
{
	block_free(p);
}

static void *cancelled(void *arg)
{
	(void)arg;
	pthread_cleanup_push(cleanup, block_new(500));
	for (;;) {
		block_free(block_new(100));
		pthread_testcancel();
	}
	pthread_cleanup_pop(1);
	return NULL;
}

static void cancellation(void)
{
	pthread_t thread;

	for (int i = 0; i < 100; i++) {
		if (pthread_create(&thread, NULL, cancelled, NULL))
			abort();
		usleep(100);
		pthread_cancel(thread);
		pthread_join(thread, NULL);
	}
}

/* ---- nobody but the program's threads ---- */

/* The heap's own, which gives memory back and which nobody waits for */
static bool is_helper(const char *task)
{
	char path[64], name[16] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%.20s/comm", task);
	f = fopen(path, "r");
	if (!f)
		return true; /* gone meanwhile */
	if (fscanf(f, "%15s", name) != 1)
		name[0] = '\0';
	fclose(f);
	return !strcmp(name, "quern-helper");
}

static int nr_tasks(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	int nr = 0;

	CHECK(dir);
	while ((entry = readdir(dir)))
		nr += entry->d_name[0] != '.' && !is_helper(entry->d_name);
	closedir(dir);
	return nr;
}

/* A joined thread may be seen for a moment yet */
static bool is_alone(void)
{
	for (int i = 0; i < 100; i++) {
		if (nr_tasks() == 1)
			return true;
		usleep(10000);
	}
	return false;
}

static void fill_and_free(size_t size, size_t bytes)
{
	void *list = NULL;

	for (size_t sum = 0; sum < bytes; sum += size) {
		void **p = malloc(size);

		memset(p, 1, size);
		*p = list;
		list = p;
	}
	while (list) {
		void *next = *(void **)list;

		free(list);
		list = next;
	}
}

static void no_helper(void)
{
	CHECK(is_alone());
	fill_and_free(100, 128 << 20);
	CHECK(nr_tasks() == 1);
	fill_and_free(1 << 20, 128 << 20);
	CHECK(nr_tasks() == 1);
	usleep(300000);
	free(malloc(100));
	CHECK(nr_tasks() == 1);
	run_threads(8, allocates_all_sizes);
	CHECK(is_alone());
}

static const struct x_case cases[] = {
	{ "a thousand short threads", thousand_threads },
	{ "detached threads", detached_threads },
	{ "destructors of thread-specific data", tsd_destructors },
	{ "producer and consumer", producer_consumer },
	{ "frees across threads", cross_frees },
	{ "frees in a fresh thread", free_in_fresh_thread },
	{ "blocks outlive their thread", blocks_outlive_threads },
	{ "small stacks", small_stacks },
	{ "cancelled threads", cancellation },
	{ "no thread but the program's and the helper", no_helper },
};

int main(int argc, char **argv)
{
	(void)argc;
	x_begin(argv);
	return X_RUN(cases);
}
