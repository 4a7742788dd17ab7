// SPDX-License-Identifier: MIT
/*
 * m-overflow-medium-realloc.c - a block written beyond its end is to grow.
 *
 * Expected: realloc: the word behind the block was overwritten
 * Fenced: realloc: the bytes behind the block were overwritten (5000 bytes)
 * Goes on: fence:1000
 */
#include "m.h"

int main(void)
{
	char *p = misused(malloc(5000));

	memset(p, 'o', malloc_usable_size(p) + 8);
	return !realloc(p, 6000);
}
