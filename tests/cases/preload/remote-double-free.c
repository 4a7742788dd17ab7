// SPDX-License-Identifier: MIT
/*
 * Another thread frees a block twice, in the order that the argument says: p is that
 * block, q another one. Then the owner goes on to allocate.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NR_LATER 4000

static char *p, *q;

static void *frees(void *order)
{
	for (const char *c = order; *c; c++)
		free(*c == 'p' ? p : q);
	return NULL;
}

int main(int argc, char **argv)
{
	size_t size = strtoul(argv[argc - 1], NULL, 0);
	void *before[50], *later[NR_LATER];
	pthread_t thread;

	alarm(20);
	for (int i = 0; i < 50; i++)
		before[i] = malloc(size);
	p = malloc(size);
	q = malloc(size);
	for (int i = 0; i < 50; i += 2)
		free(before[i]);
	pthread_create(&thread, NULL, frees, argv[1]);
	pthread_join(thread, NULL);
	for (int i = 0; i < NR_LATER; i++)
		later[i] = memset(malloc(size), 255, size);
	printf("not noticed: %p\n", later[0]);
	return 0;
}
