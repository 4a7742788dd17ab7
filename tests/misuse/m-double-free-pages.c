// SPDX-License-Identifier: MIT
/*
 * m-double-free-pages.c - a block of whole pages is freed twice.
 *
 * Expected: free: the block was freed already
 * Fenced: free: the block was freed already (40000 bytes)
 * Goes on: fence:0 fence:1000
 */
#include "m.h"

int main(void)
{
	void *p = misused(malloc(40000)), *other = malloc(40000);

	free(p);
	free(p);
	free(other);
	return 0;
}
