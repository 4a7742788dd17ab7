// SPDX-License-Identifier: MIT
/*
 * m-double-free-medium.c - a block between tags is freed twice, and was merged.
 *
 * Expected: free: the block was freed already
 * Fenced: free: the block was freed already (5000 bytes)
 * Goes on: fence:0 fence:1000
 */
#include "m.h"

int main(void)
{
	char *before = malloc(5000);
	void *p = misused(malloc(5000));

	free(before);
	free(p);
	free(p);
	return 0;
}
