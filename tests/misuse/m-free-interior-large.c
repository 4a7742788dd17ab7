// SPDX-License-Identifier: MIT
/*
 * m-free-interior-large.c - a pointer into a large block is freed.
 *
 * Expected: free: the pointer is not the start of a block
 * Goes on: fence:0 fence:1000
 */
#include "m.h"

int main(void)
{
	char *p = malloc(1 << 20);

	free(misused(p + 4096));
	return 0;
}
