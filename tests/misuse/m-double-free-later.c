// SPDX-License-Identifier: MIT
/*
 * m-double-free-later.c - a small block is freed again after others.
 *
 * Expected: free: the block was freed twice
 * Fenced: free: the block was freed already (200 bytes)
 * Goes on: fence:1000
 */
#include "m.h"

int main(void)
{
	void *blocks[10];
	void *p;

	for (int i = 0; i < 10; i++)
		blocks[i] = malloc(200);
	p = misused(blocks[3]);
	free(p);
	for (int i = 4; i < 10; i++)
		free(blocks[i]);
	free(p);
	use_again(200);
	return 0;
}
