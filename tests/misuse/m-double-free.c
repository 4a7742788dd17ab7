// SPDX-License-Identifier: MIT
/*
 * m-double-free.c - a small block is freed twice in a row.
 *
 * Expected: free: the block was freed twice
 * Fenced: free: the block was freed already (40 bytes)
 * Goes on: fence:1000
 */
#include "m.h"

int main(void)
{
	void *p = misused(malloc(40));

	free(p);
	free(p);
	use_again(40);
	return 0;
}
