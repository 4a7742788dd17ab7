// SPDX-License-Identifier: MIT
/* A block is freed twice, and then the program ends: no malloc() comes upon it. */
#include <stdlib.h>

int main(int argc, char **argv)
{
	char *volatile p = malloc(argc > 1 ? strtoul(argv[1], NULL, 0) : 24);

	free(p);
	free(p);
	return 0;
}
