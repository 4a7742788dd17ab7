// SPDX-License-Identifier: MIT
/* malloc_info() of a program with small, medium and large blocks, half of them freed */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
	void *p[1000];

	for (int i = 0; i < 1000; i++)
		p[i] = malloc(i * 10 + 1);
	for (int i = 0; i < 1000; i += 2)
		free(p[i]);
	p[0] = malloc(5 << 20);
	return malloc_info(0, stdout);
}
