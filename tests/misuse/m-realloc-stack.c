// SPDX-License-Identifier: MIT
/*
 * m-realloc-stack.c - a local variable is resized.
 *
 * Expected: realloc: the pointer is not from this heap
 * Goes on: fence:0 fence:1000
 */
#include "m.h"

int main(void)
{
	char array[100];

	return realloc(misused(array), 200) != NULL;
	return 0;
}
