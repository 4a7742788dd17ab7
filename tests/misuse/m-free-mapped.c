// SPDX-License-Identifier: MIT
/*
 * m-free-mapped.c - memory is freed that mmap() gave.
 *
 * Expected: free: the pointer is not from this heap
 * Goes on: fence:0 fence:1000
 */
#include "m.h"
#include <sys/mman.h>

int main(void)
{
	void *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	free(misused(p));
	return 0;
}
