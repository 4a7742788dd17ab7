// SPDX-License-Identifier: MIT
/*
 * pair.c - a known number of malloc and free pairs, to be counted by callgrind.
 *
 *	pair SIZE LIVE ROUNDS [empty]
 *
 * allocates LIVE blocks of SIZE bytes and frees them in reverse order, ROUNDS
 * times. With "empty" it calls functions that only return, so that the difference
 * of the two is what the pairs cost.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *blocks[1 << 16];

static void *empty_malloc(size_t size)
{
	return (void *)size;
}

static void empty_free(void *p)
{
	(void)p;
}

int main(int argc, char **argv)
{
	void *(*volatile alloc)(size_t) = malloc;
	void (*volatile release)(void *) = free;
	size_t size, live, rounds;

	if (argc < 4) {
		fprintf(stderr, "usage: pair SIZE LIVE ROUNDS [empty]\n");
		return 2;
	}
	size = strtoul(argv[1], NULL, 10);
	live = strtoul(argv[2], NULL, 10);
	rounds = strtoul(argv[3], NULL, 10);
	if (live > sizeof(blocks) / sizeof(blocks[0])) {
		fprintf(stderr, "pair: at most 65536 live blocks\n");
		return 2;
	}
	if (argc > 4) {
		alloc = empty_malloc;
		release = empty_free;
	}
	for (size_t r = 0; r < rounds; r++) {
		for (size_t i = 0; i < live; i++)
			blocks[i] = alloc(size);
		for (size_t i = live; i > 0; i--)
			release(blocks[i - 1]);
	}
	return 0;
}
