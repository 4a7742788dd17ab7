// SPDX-License-Identifier: MIT
/*
 * A large block moves by realloc() from memory that was used before; what it leaves is
 * calloc()ed, and must be zero to its end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MB   ((size_t)1 << 20)
#define TAIL 60000

static size_t nonzero(const char *p, size_t size)
{
	size_t nr = 0;

	for (size_t i = 0; i < size; i++)
		nr += p[i] != 0;
	return nr;
}

int main(void)
{
	size_t nr = 0;

	for (size_t i = 0; i < 20; i++) {
		size_t size = MB + 65536 * (i % 5) + 100;
		char *p = malloc(size + TAIL), *fence, *zero;

		free(memset(p, 255, size + TAIL));
		p = malloc(size);
		fence = malloc(40000);
		p = realloc(memset(p, 1, size), 3 * MB + i * 70000);
		zero = calloc(1, size + TAIL);
		nr += nonzero(zero, size + TAIL);
		free(fence);
		free(zero);
		free(p);
	}
	printf("%zu bytes are not zero\n", nr);
	return 0;
}
