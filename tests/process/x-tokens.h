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

/* Units of 64 KB that hold blocks */
static inline int x_by_unit(const void *a, const void *b)
{
	uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;

	return x < y ? -1 : x > y;
}

/* Of @nr blocks, those in whose unit there is one of @others, in percent; @others is sorted */
static inline size_t x_together(void *const *p, size_t nr, uintptr_t *others,
				size_t nr_others)
{
	size_t sum = 0;

	for (size_t i = 0; i < nr_others; i++)
		others[i] >>= 16;
	qsort(others, nr_others, sizeof(*others), x_by_unit);
	for (size_t i = 0; i < nr; i++) {
		uintptr_t unit = (uintptr_t)p[i] >> 16;

		sum += bsearch(&unit, others, nr_others, sizeof(unit),
			       x_by_unit) != NULL;
	}
	return sum * 100 / nr;
}

/* Said by x-tokens.sh: 1 blocks are to lie apart, 0 together, -1 nothing of it */
static int x_apart = -1;

static inline void x_expect(int argc, char **argv)
{
	if (argc > 1)
		x_apart = !strcmp(argv[1], "apart");
}

static inline void x_check_apart(size_t together)
{
	if (x_apart < 0)
		return;
	printf("# %zu %% lie together with others\n", together);
	CHECK(x_apart ? together <= 10 : together >= 90);
}

/* The heap is sound, where it is quern's */
static inline void x_sound(void)
{
	int (*check)(void) = (int (*)(void))dlsym(RTLD_DEFAULT, "qn_check");

	CHECK(!check || check() == 0);
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
