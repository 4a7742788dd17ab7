// SPDX-License-Identifier: MIT
/*
 * m-usable-static.c - the size of a static variable is asked for.
 *
 * Expected: malloc_usable_size: the pointer is not from this heap
 * Goes on: fence:0 fence:1000
 */
#include "m.h"

int main(void)
{
	static char array[100];

	return malloc_usable_size(misused(array)) != 0;
	return 0;
}
