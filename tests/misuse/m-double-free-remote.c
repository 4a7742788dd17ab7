// SPDX-License-Identifier: MIT
/*
 * m-double-free-remote.c - two threads free the same block.
 *
 * Expected: free: the block was freed twice
 * Fenced: free: the block was freed already (100 bytes)
 * Goes on: fence:1000
 */
#include "m.h"
#include <pthread.h>

static void *frees(void *p)
{
	free(p);
	return NULL;
}

int main(void)
{
	void *p = misused(malloc(100));
	pthread_t thread;

	for (int i = 0; i < 2; i++) {
		pthread_create(&thread, NULL, frees, p);
		pthread_join(thread, NULL);
	}
	use_again(100);
	return 0;
}
