// SPDX-License-Identifier: MIT
/*
 * m-realloc-interior-large.c - a pointer into a large block is resized.
 *
 * Expected: realloc: the pointer is not the start of a block
 * Goes on: fence:0 fence:1000
 */
#include "m.h"

int main(void)
{
	char *p = malloc(1 << 20);

	return realloc(misused(p + 64), 2 << 20) != NULL;
	return 0;
}
