// SPDX-License-Identifier: MIT
/*
 * m-free-unaligned.c - a pointer that no block could have is freed.
 *
 * Expected: free: the pointer is not the start of a block
 * Goes on: fence:1000
 */
#include "m.h"

int main(void)
{
	char *p = malloc(100);

	free(misused(p + 1));
	use_again(100);
	return 0;
}
