// SPDX-License-Identifier: MIT
/* Blocks cross between malloc's names and the C library's own names of the same */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t align, size_t size);
void *__libc_valloc(size_t size);
void *__libc_pvalloc(size_t size);
void __libc_free(void *p);

int main(int argc, char **argv)
{
	const char *how = argv[1];
	void *p = malloc(100);

	if (!strcmp(how, "free")) {
		__libc_free(p);
		puts("fine");
		return 0;
	}
	if (!strcmp(how, "realloc")) {
		p = __libc_realloc(p, 1000);
	} else {
		free(p);
		if (!strcmp(how, "malloc"))
			p = __libc_malloc(100);
		if (!strcmp(how, "calloc"))
			p = __libc_calloc(10, 10);
		if (!strcmp(how, "memalign"))
			p = __libc_memalign(64, 100);
		if (!strcmp(how, "valloc"))
			p = __libc_valloc(100);
		if (!strcmp(how, "pvalloc"))
			p = __libc_pvalloc(100);
	}
	memset(p, 1, malloc_usable_size(p));
	p = realloc(p, 100000);
	free(p);
	puts("fine");
	return 0;
}
