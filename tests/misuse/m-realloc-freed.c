// SPDX-License-Identifier: MIT
/*
 * m-realloc-freed.c - a small block is resized after it was freed.
 *
 * Expected: realloc: the block was freed already (208 bytes)
 * Fenced: realloc: the block was freed already (200 bytes)
 * Goes on: fence:1000
 */
#include "m.h"

int main(void)
{
	void *p = misused(malloc(200)), *q = malloc(200);

	free(p);
	free(q);
	return realloc(p, 300) != NULL;
}
