// SPDX-License-Identifier: MIT
/*
 * m-overflow-medium.c - a block between tags is written beyond its end.
 *
 * Expected: free: the word behind the block was overwritten
 * Fenced: free: the bytes behind the block were overwritten (5000 bytes)
 */
#include "m.h"

int main(void)
{
	char *p = misused(malloc(5000));

	memset(p, 'o', malloc_usable_size(p) + 8);
	return 0;
}
