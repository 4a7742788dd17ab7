// SPDX-License-Identifier: MIT
/*
 * m-write-freed-zero.c - zeroes are written to a freed block, and others get lost.
 *
 * Expected: free: a block of this slab was freed twice, or written to after it was freed (48 bytes)
 * Fenced: free: the block was written to after it was freed (40 bytes)
 */
#include "m.h"

int main(void)
{
	void *p = malloc(40), *q = malloc(40), *r = malloc(40);

	free(p);
	free(r);
	q = misused(q);
	free(q);
	memset(q, 0, 40);
	return 0;
}
