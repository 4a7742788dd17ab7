// SPDX-License-Identifier: MIT
/*
 * x-tokens-main.c - a C program that was built for tokens; x-tokens.sh runs it.
 *
 * Invariants, for the names with a token and for the fast ones:
 *  - they do as the names that they are made from: size, alignment, contents, zeroes, errno
 *  - free() and realloc() take what they gave
 *  - they are served by quern where there is one, and there blocks of a token that outlives
 *    the others lie apart
 */
#define _GNU_SOURCE
#include <errno.h>

#include "x-tokens.h"

extern void *token_malloc(size_t size,
			  size_t token) __asm__("__alloc_token_malloc");
extern void *token_calloc(size_t n, size_t size,
			  size_t token) __asm__("__alloc_token_calloc");
extern void *token_realloc(void *p, size_t size,
			   size_t token) __asm__("__alloc_token_realloc");
extern void *
token_reallocarray(void *p, size_t n, size_t size,
		   size_t token) __asm__("__alloc_token_reallocarray");
extern void *
token_aligned_alloc(size_t align, size_t size,
		    size_t token) __asm__("__alloc_token_aligned_alloc");
extern void *token_memalign(size_t align, size_t size,
			    size_t token) __asm__("__alloc_token_memalign");
extern void *token_valloc(size_t size,
			  size_t token) __asm__("__alloc_token_valloc");
extern void *token_pvalloc(size_t size,
			   size_t token) __asm__("__alloc_token_pvalloc");
extern int
token_posix_memalign(void **p, size_t align, size_t size,
		     size_t token) __asm__("__alloc_token_posix_memalign");

extern void *fast_malloc(size_t size) __asm__("__alloc_token_0_malloc");
extern void *fast_calloc(size_t n,
			 size_t size) __asm__("__alloc_token_15_calloc");
extern void *fast_realloc(void *p,
			  size_t size) __asm__("__alloc_token_3_realloc");
extern int
fast_posix_memalign(void **p, size_t align,
		    size_t size) __asm__("__alloc_token_7_posix_memalign");

static struct x_block block[X_BLOCKS];
static size_t page;

/* All tokens that a compiler may think of */
static size_t token_of(size_t i)
{
	return i % 3 == 0 ? i : i * (size_t)0x9e3779b97f4a7c15;
}

static void *aligned(size_t kind, size_t size, size_t token)
{
	void *p = NULL;

	switch (kind) {
	case 0:
		return token_aligned_alloc(64, size, token);
	case 1:
		return token_memalign(64, size, token);
	case 2:
		return token_valloc(size, token);
	case 3:
		return token_pvalloc(size, token);
	case 4:
		CHECK(!token_posix_memalign(&p, 64, size, token));
		return p;
	default:
		CHECK(!fast_posix_memalign(&p, 64, size));
		return p;
	}
}

static void *plain(size_t kind, size_t size, size_t token)
{
	switch (kind) {
	case 0:
		return token_malloc(size, token);
	case 1:
		return token_realloc(NULL, size, token);
	case 2:
		return token_reallocarray(NULL, 1, size, token);
	case 3:
		return fast_malloc(size);
	default:
		return fast_realloc(NULL, size);
	}
}

static void look_and_free(void)
{
	for (size_t i = 0; i < X_BLOCKS; i++)
		x_look(&block[i]);
	for (size_t i = 0; i < X_BLOCKS; i++)
		free(block[i].p);
}

static void blocks(void)
{
	for (size_t size = 1; size < 300000; size = size * 3 / 2 + 1) {
		for (size_t i = 0; i < X_BLOCKS; i++) {
			void *p = x_keep(plain(i % 5, size, token_of(i)));

			x_fill(&block[i], p, x_usable(p, size), 16);
		}
		look_and_free();
	}
}

static void alignments(void)
{
	for (size_t size = 64; size < 300000; size = size * 3 & ~(size_t)63) {
		for (size_t i = 0; i < X_BLOCKS; i++) {
			size_t kind = i % 6;
			void *p = x_keep(aligned(kind, size, token_of(i)));
			int whole = kind == 2 || kind == 3;

			x_fill(&block[i], p, x_usable(p, size),
			       whole ? page : 64);
			CHECK(kind != 3 || malloc_usable_size(p) >= page);
		}
		look_and_free();
	}
}

static int is_zero(const unsigned char *p, size_t size)
{
	while (size && !p[size - 1])
		size--;
	return !size;
}

static void zeroes(void)
{
	for (size_t i = 0; i < 4000; i++) {
		size_t size = i * 53 % 3000 + i % 40 * 1000 + 1;
		unsigned char *p, *q;

		p = x_keep(token_calloc(size, 1, token_of(i)));
		q = x_keep(fast_calloc(1, size));
		CHECK(p && q && is_zero(p, size) && is_zero(q, size));
		memset(p, 0xff, size);
		memset(q, 0xff, size);
		free(q);
		free(p);
	}
}

static void growth(void)
{
	size_t size = 8;
	unsigned char *p = token_malloc(size, 5);

	for (size_t i = 0; i < 8; i++)
		p[i] = (unsigned char)i;
	for (; size < 1 << 20; size = size * 7 / 4) {
		p = size % 2 ? token_realloc(p, size, 5) :
			       token_reallocarray(p, size, 1, 5);
		CHECK(p && x_usable(p, size));
		p[size - 1] = size > 8 ? 0 : 7;
	}
	CHECK(p[0] == 0 && p[5] == 5 && p[7] == 7);
	p = token_realloc(p, 8, 5);
	CHECK(p && p[7] == 7);
	CHECK(!token_realloc(p, 0, 5));
}

static void failures(void)
{
	void *p = &page;

	errno = 0;
	CHECK(!token_malloc(x_size(SIZE_MAX / 2), 1) && errno == ENOMEM);
	errno = 0;
	CHECK(!token_calloc(x_size(SIZE_MAX / 2), 4, 1) && errno == ENOMEM);
	errno = 0;
	CHECK(!token_reallocarray(NULL, x_size(SIZE_MAX / 2), 4, 1) &&
	      errno == ENOMEM);
	errno = 0;
	CHECK(!fast_malloc(x_size(SIZE_MAX / 2)) && errno == ENOMEM);
	CHECK(token_posix_memalign(&p, 3, 8, 1) == EINVAL && p == &page);
	CHECK(token_posix_memalign(&p, 64, x_size(SIZE_MAX / 2), 1) == ENOMEM);
	CHECK(p == &page);
}

/* Blocks of token 1 are replaced all the time, those of token 2 stay */
static void lives(void)
{
	enum {
		SHORT = 1 << 17,
		LONG = 1 << 15,
		LAST = 512
	};

	static void *brief[SHORT], *lasting[LONG];
	static uintptr_t others[SHORT];
	size_t nr = 0, at = 0;

	for (size_t i = 0; nr < LONG; i++) {
		at = (at + 40503) % SHORT;
		free(brief[at]);
		brief[at] = x_keep(token_malloc(100, 1));
		CHECK(brief[at]);
		memset(brief[at], 1, 100);
		if (i % 32)
			continue;
		lasting[nr] = x_keep(token_malloc(100, 2));
		CHECK(lasting[nr]);
		memset(lasting[nr++], 2, 100);
	}
	for (size_t i = 0; i < SHORT; i++)
		others[i] = (uintptr_t)brief[i];
	x_check_apart(x_together(lasting + LONG - LAST, LAST, others, SHORT));
	x_sound();
	for (size_t i = 0; i < SHORT; i++)
		free(brief[i]);
	for (size_t i = 0; i < LONG; i++) {
		CHECK(((unsigned char *)lasting[i])[99] == 2);
		free(lasting[i]);
	}
	x_sound();
}

static void servers(void)
{
	static const char *const names[] = {
		"malloc",       "calloc",        "realloc",
		"reallocarray", "aligned_alloc", "memalign",
		"valloc",       "pvalloc",       "posix_memalign",
	};
	char name[64];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(name, sizeof(name), "__alloc_token_%s", names[i]);
		CHECK(x_same_library(name, x_server()));
	}
	for (int n = 0; n < 16; n++) {
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			snprintf(name, sizeof(name), "__alloc_token_%d_%s", n,
				 names[i]);
			CHECK(dlsym(RTLD_DEFAULT, name));
		}
	}
}

int main(int argc, char **argv)
{
	static const struct x_case cases[] = {
		{ "blocks are apart, large enough, and go back", blocks },
		{ "alignments", alignments },
		{ "zeroes", zeroes },
		{ "realloc keeps contents", growth },
		{ "failures", failures },
		{ "blocks that stay", lives },
		{ "who serves the names", servers },
	};

	x_watchdog(X_SECONDS);
	x_expect(argc, argv);
	page = (size_t)sysconf(_SC_PAGESIZE);
	return X_RUN(cases);
}
