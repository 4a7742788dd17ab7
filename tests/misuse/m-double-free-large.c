// SPDX-License-Identifier: MIT
/*
 * m-double-free-large.c - a large block is freed twice.
 *
 * Expected: free: the block was freed already
 * Fenced: free: the block was freed already (1048576 bytes)
 * Goes on: fence:0 fence:1000
 */
#include "m.h"

int main(void)
{
	void *p = misused(malloc(1 << 20));

	free(p);
	free(p);
	return 0;
}
