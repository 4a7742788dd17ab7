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

/*
 * A block of @size whose last unit has old contents behind it becomes longer elsewhere.
 * How many bytes are not zero of a zeroed one that may come to lie where it was?
 */
static size_t moved(size_t size, size_t longer, int fill)
{
	char *p = malloc(size + TAIL), *fence, *zero;
	size_t nr;

	free(memset(p, 255, size + TAIL));
	p = malloc(size);
	fence = malloc(40000);
	p = realloc(memset(p, fill, size), longer);
	zero = calloc(1, size + TAIL);
	nr = nonzero(zero, size + TAIL);
	free(fence);
	free(zero);
	free(p);
	return nr;
}

int main(void)
{
	size_t nr = 0;

	for (size_t i = 0; i < 20; i++) {
		nr += moved(MB + 65536 * (i % 5) + 100, 3 * MB + i * 70000, 1);
		/* Of zeroes, which are not copied */
		nr += moved(200000 + 65536 * (i % 5), 3 * MB + i * 70000, 0);
	}
	printf("%zu bytes are not zero\n", nr);
	return 0;
}
