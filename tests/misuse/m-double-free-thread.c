// SPDX-License-Identifier: MIT
/*
 * m-double-free-thread.c - a thread frees its own block twice and ends.
 *
 * Expected: free: the block was freed twice (64 bytes)
 * Fenced: free: the block was freed already (64 bytes)
 * Goes on: fence:1000
 */
#include "m.h"
#include <pthread.h>
#include <unistd.h>

static void *frees(void *arg)
{
	void *p = misused(malloc(64));

	free(p);
	free(p);
	return arg;
}

int main(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, frees, NULL);
	pthread_join(thread, NULL);
	_exit(0);
}
