// SPDX-License-Identifier: MIT
/*
 * m-overflow-large-again.c - the same in memory that was used before: with a zero, and
 * noticed at the end.
 *
 * Expected: free: the bytes behind the block were overwritten (200003 bytes)
 */
#include "m.h"

int main(void)
{
	char *p = malloc(220000);

	free(memset(p, 1, 220000));
	p = misused(malloc(200003));
	p[200003] = 0;
	return 0;
}
