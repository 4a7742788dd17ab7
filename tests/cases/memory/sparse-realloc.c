// SPDX-License-Identifier: MIT
/* Blocks of which one page is written grow to double: is what was not written copied? */
#include "../../resident.h"

enum {
	BLOCKS = 500
};

int main(int argc, char **argv)
{
	size_t size = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	static char *p[BLOCKS];

	for (int i = 0; i < BLOCKS; i++) {
		p[i] = malloc(size);
		p[i][size / 2] = 1;
	}
	for (int i = 0; i < BLOCKS; i++) {
		p[i] = realloc(p[i], 2 * size);
		if (p[i][size / 2] != 1)
			abort();
	}
	printf("%d blocks of %zu bytes: after realloc rss %ld MB\n", BLOCKS,
	       size, resident_mb());
	return 0;
}
