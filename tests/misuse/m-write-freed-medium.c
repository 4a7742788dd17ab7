// SPDX-License-Identifier: MIT
/*
 * m-write-freed-medium.c - a block between tags is written to after it was freed.
 *
 * Expected: free: the block was written to after it was freed
 * Fenced: free: the block was written to after it was freed (5000 bytes)
 */
#include "m.h"

int main(void)
{
	void *p = misused(malloc(5000));

	free(p);
	memset(p, 'w', 5000);
	return 0;
}
