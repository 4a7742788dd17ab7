// SPDX-License-Identifier: MIT
/*
 * m-double-free-remote-medium.c - another thread frees a block that was freed.
 *
 * Expected: free: the block was freed already
 * Fenced: free: the block was freed already (5000 bytes)
 * Goes on: fence:0 fence:1000
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
	void *p = misused(malloc(5000));
	pthread_t thread;

	free(p);
	pthread_create(&thread, NULL, frees, p);
	pthread_join(thread, NULL);
	return 0;
}
