// SPDX-License-Identifier: MIT
/*
 * m-free-interior-medium.c - a pointer into a block between tags is freed.
 *
 * Expected: free: the pointer is not the start of a block
 * Goes on: fence:0 fence:1000
 */
#include "m.h"

int main(void)
{
	char *p = malloc(5000);

	memset(p, 0, 5000);
	free(misused(p + 1024));
	return 0;
}
