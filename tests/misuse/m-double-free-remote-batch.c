// SPDX-License-Identifier: MIT
/*
 * m-double-free-remote-batch.c - another thread frees a block twice, others between.
 *
 * Expected: free: the block was freed twice (112 bytes)
 * Fenced: free: the block was freed already (100 bytes)
 * Goes on: fence:1000
 */
#include "m.h"
#include <pthread.h>

static void *blocks[10];

static void *frees(void *p)
{
	free(p);
	for (int i = 0; i < 10; i++)
		free(blocks[i]);
	free(p);
	return NULL;
}

int main(void)
{
	pthread_t thread;
	void *p;

	for (int i = 0; i < 10; i++)
		blocks[i] = malloc(100);
	p = misused(malloc(100));
	pthread_create(&thread, NULL, frees, p);
	pthread_join(thread, NULL);
	return 0;
}
