// SPDX-License-Identifier: MIT
/*
 * m-overflow-large.c - a large block is written one byte beyond its end, and freed.
 *
 * Expected: free: the bytes behind the block were overwritten (100001 bytes)
 */
#include "m.h"

int main(void)
{
	char *p = misused(malloc(100001));

	memset(p, 'o', 100002);
	free(p);
	return 0;
}
