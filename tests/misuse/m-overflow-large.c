// SPDX-License-Identifier: MIT
/*
 * m-overflow-large.c - a large block is written one byte beyond its end, and freed.
 *
 * Expected: free: the bytes behind the block were overwritten (200001 bytes)
 * Goes on: fence:1000
 */
#include "m.h"

int main(void)
{
	char *p = misused(malloc(200001));

	memset(p, 'o', 200002);
	free(p);
	return 0;
}
