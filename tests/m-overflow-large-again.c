// SPDX-License-Identifier: MIT
/*
 * m-overflow-large-again.c - the same in memory that was used before: with a zero, and
 * noticed at the end.
 *
 * Expected: free: the bytes behind the block were overwritten (100003 bytes)
 */
#include "m.h"

int main(void)
{
	char *p = malloc(120000);

	free(memset(p, 1, 120000));
	p = misused(malloc(100003));
	p[100003] = 0;
	return 0;
}
