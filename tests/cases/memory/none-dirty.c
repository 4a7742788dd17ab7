// SPDX-License-Identifier: MIT
/*
 * Bursts of 200 MB that are all freed, one after another: what stays resident where
 * QUERN_CONF=dirty:0 says that nothing is to be kept?
 */
#include <string.h>
#include "../../resident.h"

enum {
	BURST = 200 << 20
};

int main(int argc, char **argv)
{
	size_t size = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
	size_t nr = BURST / size;
	char **p = malloc(nr * sizeof(*p));

	for (int burst = 0; burst < 10; burst++) {
		for (size_t i = 0; i < nr; i++) {
			p[i] = malloc(size);
			memset(p[i], 1, size);
		}
		for (size_t i = 0; i < nr; i++)
			free(p[i]);
	}
	free(p);
	printf("10 bursts of blocks of %zu bytes: rss %ld MB\n", size,
	       resident_mb());
	return 0;
}
