// SPDX-License-Identifier: MIT
/* Blocks of one size until there is no more: how much of RLIMIT_DATA do they use? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

int main(int argc, char **argv)
{
	const struct rlimit limit = { 400 << 20, 400 << 20 };
	size_t size = argc > 1 ? strtoul(argv[1], NULL, 10) : 0, sum = 0;
	char *p;

	setrlimit(RLIMIT_DATA, &limit);
	while ((p = malloc(size))) {
		memset(p, 1, size);
		sum += size;
	}
	printf("blocks of %zu bytes: used %zu MB of 400\n", size, sum >> 20);
	return 0;
}
