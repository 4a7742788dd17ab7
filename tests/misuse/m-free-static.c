// SPDX-License-Identifier: MIT
/*
 * m-free-static.c - a static variable is freed.
 *
 * Expected: free: the pointer is not from this heap
 * Goes on: fence:0 fence:1000
 */
#include "m.h"

int main(void)
{
	static char array[100];

	free(misused(array));
	return 0;
}
