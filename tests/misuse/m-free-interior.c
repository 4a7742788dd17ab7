// SPDX-License-Identifier: MIT
/*
 * m-free-interior.c - a pointer into a small block is freed.
 *
 * Expected: free: the pointer is not the start of a block
 * Goes on: fence:1000
 */
#include "m.h"

int main(void)
{
	char *p = malloc(480);

	free(misused(p + 16));
	use_again(480);
	return 0;
}
