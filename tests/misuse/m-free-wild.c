// SPDX-License-Identifier: MIT
/*
 * m-free-wild.c - a number is freed.
 *
 * Expected: free: the pointer is not from this heap
 * Goes on: fence:0 fence:1000
 */
#include "m.h"

int main(void)
{
	free(misused((void *)0x1234567890));
	return 0;
}
