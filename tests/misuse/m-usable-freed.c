// SPDX-License-Identifier: MIT
/*
 * m-usable-freed.c - the size of a small block is asked for after it was freed.
 *
 * Expected: malloc_usable_size: the block was freed already (32 bytes)
 * Goes on: fence:1000
 */
#include "m.h"

int main(void)
{
	void *p = misused(malloc(32));

	free(p);
	return malloc_usable_size(p) != 0;
}
