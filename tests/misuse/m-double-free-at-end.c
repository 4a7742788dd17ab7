// SPDX-License-Identifier: MIT
/*
 * m-double-free-at-end.c - a small block is freed twice; nothing is allocated after.
 *
 * Expected: free: the block was freed twice (32 bytes)
 * Fenced: free: the block was freed already (24 bytes)
 * Goes on: fence:1000
 */
#include "m.h"

int main(void)
{
	void *p = misused(malloc(24));

	free(p);
	free(p);
	return 0;
}
