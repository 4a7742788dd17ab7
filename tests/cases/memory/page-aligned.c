// SPDX-License-Identifier: MIT
/* Aligned blocks of one size, written whole: how much is resident? */
#include <string.h>
#include "../../resident.h"

int main(int argc, char **argv)
{
	size_t align = argc > 3 ? strtoul(argv[1], NULL, 10) : 4096;
	size_t size = argc > 3 ? strtoul(argv[2], NULL, 10) : 4096;
	int nr = argc > 3 ? atoi(argv[3]) : 0;
	void *p;

	for (int i = 0; i < nr; i++) {
		if (posix_memalign(&p, align, size))
			return 1;
		memset(p, 1, size);
	}
	printf("align %zu size %zu: asked for %zu MB, rss %ld MB\n", align,
	       size, size * nr >> 20, resident_mb());
	return 0;
}
