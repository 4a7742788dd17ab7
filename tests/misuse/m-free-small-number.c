// SPDX-License-Identifier: MIT
/*
 * m-free-small-number.c - a pointer just above NULL is freed.
 *
 * Expected: free: the pointer is not from this heap
 * Goes on: fence:0 fence:1000
 */
#include "m.h"

int main(void)
{
	free(misused((void *)8));
	return 0;
}
