// SPDX-License-Identifier: MIT
/*
 * x-early-first.c - a library that x-early.sh has started before all others.
 *
 * Its constructor runs before that of libquern.so and before the C library's,
 * so its calls of malloc are the first that need a heap, and its atfork handlers
 * are the innermost: they run while libquern.so's hold the heap.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NR_BLOCKS 1000

int early_nr_prepare, early_nr_parent, early_nr_child;

static unsigned char *blocks[NR_BLOCKS];

void early_churn(void)
{
	void *p[100];

	for (size_t i = 0; i < 100; i++) {
		p[i] = malloc(i * i * 20);
		if (!p[i])
			abort();
		memset(p[i], 3, i * i * 20);
	}
	for (size_t i = 0; i < 100; i++)
		free(p[i]);
}

static void prepare(void)
{
	early_nr_prepare++;
	early_churn();
}

static void parent(void)
{
	early_nr_parent++;
	early_churn();
}

static void child(void)
{
	early_nr_child++;
	early_churn();
}

static void *run(void *arg)
{
	early_churn();
	return arg;
}

static int is_asked(char **env, const char *setting)
{
	for (; *env; env++)
		if (!strcmp(*env, setting))
			return 1;
	return 0;
}

static void __attribute__((constructor))
start(int argc, char **argv, char **env)
{
	pthread_t thread;

	(void)argc;
	(void)argv;
	if (is_asked(env, "X_EARLY_SAYS=1") && write(1, "first\n", 6) != 6)
		abort();
	for (size_t i = 0; i < NR_BLOCKS; i++) {
		blocks[i] = calloc(1, i * 5 + 1);
		memset(blocks[i], (int)i, i * 5 + 1);
	}
	if (pthread_create(&thread, NULL, run, NULL) ||
	    pthread_join(thread, NULL))
		abort();
	pthread_atfork(prepare, parent, child);
}

int early_is_good(void)
{
	for (size_t i = 0; i < NR_BLOCKS; i++)
		for (size_t n = 0; n < i * 5 + 1; n++)
			if (blocks[i][n] != (unsigned char)i)
				return 0;
	return 1;
}

static void __attribute__((destructor)) end(void)
{
	for (size_t i = 0; i < NR_BLOCKS; i++)
		free(blocks[i]);
	early_churn();
}
