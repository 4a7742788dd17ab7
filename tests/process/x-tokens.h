/* SPDX-License-Identifier: MIT */
/*
 * x-tokens.h - what the C and the C++ program of x-tokens.sh share: blocks that know what
 * they hold.
 */
#ifndef QN_TESTS_X_TOKENS_H
#define QN_TESTS_X_TOKENS_H

#include <malloc.h>
#include <stdint.h>

#include "x.h"

enum {
	X_BLOCKS = 64
};

struct x_block {
	unsigned char *p;
	size_t size;
};

/* Write all that may be used of a block; each has its own contents */
static inline void x_fill(struct x_block *b, void *p, size_t size, size_t align)
{
	unsigned char *c = (unsigned char *)p;

	CHECK(p != NULL);
	CHECK((uintptr_t)p % align == 0);
	b->p = c;
	b->size = size;
	for (size_t i = 0; i < size; i++)
		c[i] = (unsigned char)((uintptr_t)b / sizeof(*b) * 37 + i * 11);
}

static inline void x_look(const struct x_block *b)
{
	size_t wrong = 0;

	for (size_t i = 0; i < b->size; i++)
		wrong += b->p[i] !=
			 (unsigned char)((uintptr_t)b / sizeof(*b) * 37 +
					 i * 11);
	CHECK(!wrong);
}

/* Bytes that may be used, which must be enough */
static inline size_t x_usable(void *p, size_t size)
{
	size_t usable = malloc_usable_size(p);

	CHECK(usable >= size && usable < 2 * size + 64 * 1024);
	return usable;
}

/* Is a name served by the library that has another name as well? */
static inline int x_same_library(const char *name, const char *other)
{
	void *a = dlsym(RTLD_DEFAULT, name), *b = dlsym(RTLD_DEFAULT, other);
	Dl_info have, want;

	if (a && b && dladdr(a, &have) && dladdr(b, &want) &&
	    have.dli_fbase == want.dli_fbase)
		return 1;
	printf("# %s is not where %s is\n", name, other);
	return 0;
}

/* Whose the names are that this process calls */
static inline const char *x_server(void)
{
	return dlsym(RTLD_DEFAULT, "qn_malloc") ? "qn_malloc" :
						  "__alloc_token_0_malloc";
}

#endif /* QN_TESTS_X_TOKENS_H */
