// SPDX-License-Identifier: MIT
/* realloc(p, 0) two hundred times: how much is in use afterwards? */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
	int before, after, kept = 0;

	free(malloc(10));
	before = mallinfo().uordblks;
	for (int i = 0; i < 200; i++)
		kept += realloc(malloc(100), 0) != NULL;
	after = mallinfo().uordblks;
	printf("%d blocks kept, %d bytes more in use\n", kept, after - before);
	return fflush(stdout);
}
