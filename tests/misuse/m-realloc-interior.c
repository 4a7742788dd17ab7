// SPDX-License-Identifier: MIT
/*
 * m-realloc-interior.c - a pointer into a small block is resized.
 *
 * Expected: realloc: the pointer is not the start of a block
 * Goes on: fence:1000
 */
#include "m.h"

int main(void)
{
	char *p = malloc(200);

	return realloc(misused(p + 16), 300) != NULL;
}
