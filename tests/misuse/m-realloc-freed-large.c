// SPDX-License-Identifier: MIT
/*
 * m-realloc-freed-large.c - a large block is resized after it was freed.
 *
 * Expected: realloc: the block was freed already
 * Fenced: realloc: the block was freed already (1048576 bytes)
 * Goes on: fence:0 fence:1000
 */
#include "m.h"

int main(void)
{
	void *p = misused(malloc(1 << 20));

	free(p);
	return realloc(p, 2 << 20) != NULL;
	return 0;
}
