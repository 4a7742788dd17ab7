// SPDX-License-Identifier: MIT
/* A plugin that allocates while it is loaded, and takes and gives blocks */
#include <stdlib.h>
#include <string.h>

static char *early;

static void __attribute__((constructor)) start(void)
{
	early = malloc(100);
}

void take(void *p)
{
	free(p);
}

char *give(void)
{
	free(early);
	return strcpy(malloc(100), "given");
}
