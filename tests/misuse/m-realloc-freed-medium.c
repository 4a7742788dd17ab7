// SPDX-License-Identifier: MIT
/*
 * m-realloc-freed-medium.c - a block between tags is resized after it was freed.
 *
 * Expected: realloc: the block was freed already
 * Fenced: realloc: the block was freed already (5000 bytes)
 * Goes on: fence:0 fence:1000
 */
#include "m.h"

int main(void)
{
	void *p = misused(malloc(5000));

	free(p);
	return realloc(p, 9000) != NULL;
}
