// SPDX-License-Identifier: MIT
/*
 * map-count-used-up.c - the program itself has as many mappings as it may have.
 *
 *	map-count-used-up [first]
 *
 * With "first" there is a heap before that. Counts the requests that are served.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE ((size_t)4096)
#define MOST ((size_t)2 << 20)
#define NR   20000

static void *(*volatile do_malloc)(size_t) = malloc;
static void *(*volatile do_realloc)(void *, size_t) = realloc;
static char *blocks[NR];

/* Every other page is a mapping of its own */
static void use_up(void)
{
	char *p = mmap(NULL, 2 * MOST * PAGE, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	for (size_t i = 0; i < MOST; i++)
		if (mprotect(p + 2 * i * PAGE, PAGE, PROT_READ | PROT_WRITE))
			break;
}

static int small(void)
{
	int nr = 0;

	for (int i = 0; i < NR; i++) {
		blocks[i] = do_malloc(100);
		if (!blocks[i])
			continue;
		memset(blocks[i], i, 100);
		nr++;
	}
	for (int i = 0; i < NR; i++) {
		if (blocks[i] && blocks[i][99] != (char)i)
			abort();
		free(blocks[i]);
	}
	return nr;
}

static int large(void)
{
	int nr = 0;

	for (int i = 0; i < 500; i++) {
		char *p = do_malloc(100000);

		if (!p)
			continue;
		p[0] = 1;
		nr++;
	}
	return nr;
}

static int grown(void)
{
	int nr = 0;

	for (int i = 0; i < 50; i++) {
		char *p = do_malloc(3 << 20), *q = NULL;

		if (p) {
			p[0] = 1;
			q = do_realloc(p, 8 << 20);
		}
		if (q && q[0] == 1)
			nr++;
	}
	return nr;
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1)
		free(do_malloc(100));
	use_up();
	printf("%d small, ", small());
	printf("%d of 100 KB, %d from 3 MB to 8 MB\n", large(), grown());
	return 0;
}
