// SPDX-License-Identifier: MIT
/*
 * m-write-freed-at-end.c - a small block is written to after it was freed.
 *
 * Expected: free: the object was written to after it was freed (48 bytes)
 * Fenced: free: the block was written to after it was freed (40 bytes)
 */
#include "m.h"

int main(void)
{
	void *p = misused(malloc(40));

	free(p);
	memset(p, 'w', 40);
	return 0;
}
