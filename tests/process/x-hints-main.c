// SPDX-License-Identifier: MIT
/*
 * x-hints-main.c - a program with hint records and tokens; x-hints.sh builds it with records of
 * several kinds, into the program or into a library, and runs it.
 *
 *	x-hints-main apart|together [LIBRARY]
 *
 * Blocks of token COLD and others are made in turn. They are to lie apart, or together; with a
 * library that is opened meanwhile, from then on. With PLUGIN the compiler makes tokens and
 * records.
 */
#define _GNU_SOURCE
#include "x-tokens.h"

#ifdef PLUGIN
/* The plugin makes calls with tokens of these, and records of what runs how often */
struct often {
	char bytes[100];
};

struct seldom {
	struct seldom *next;
	char bytes[92];
};

#define COLD 1

static __attribute__((cold, noinline)) void *make_seldom(void)
{
	struct seldom *p = malloc(sizeof(*p));

	return p;
}

static __attribute__((noinline)) void *make_often(void)
{
	struct often *p = malloc(sizeof(*p));

	return p;
}

static void *token_malloc(size_t size, size_t token)
{
	CHECK(size == sizeof(struct often));
	return token == COLD ? make_seldom() : make_often();
}
#else
extern void *token_malloc(size_t size,
			  size_t token) __asm__("__alloc_token_malloc");
#endif

enum {
	NR = 1 << 13,
	OTHER = 3
};

static void *warm[NR], *cold[NR];
static uintptr_t others[NR];

static void make(size_t size, size_t token)
{
	for (size_t i = 0; i < NR; i++) {
		warm[i] = x_keep(token_malloc(size, OTHER));
		cold[i] = x_keep(token_malloc(size, token));
		memset(warm[i], 1, size);
		memset(cold[i], 2, size);
	}
}

static void unmake(void)
{
	for (size_t i = 0; i < NR; i++) {
		CHECK(*(char *)cold[i] == 2);
		free(warm[i]);
		free(cold[i]);
	}
}

/* Of the second half: the first blocks are fenced */
static size_t together(void)
{
	for (size_t i = 0; i < NR; i++)
		others[i] = (uintptr_t)warm[i];
	return x_together(cold + NR / 2, NR / 2, others, NR);
}

static void places(void)
{
	make(100, COLD);
	x_check_apart(together());
	x_sound();
	unmake();
}

static const char *library;

static void opened(void)
{
	/* What is known of a type outweighs records: nothing is known of this one */
	make(100, OTHER + 1);
	CHECK(together() >= 90);
	unmake();
	CHECK(dlopen(library, RTLD_NOW));
	/* It is noticed somewhat later */
	for (int i = 0; i < 40; i++) {
		make(200, OTHER + 1);
		unmake();
	}
	make(100, COLD);
	x_check_apart(together());
	unmake();
}

int main(int argc, char **argv)
{
	static const struct x_case cases[] = {
		{ "records of the program", places },
	};
	static const struct x_case library_cases[] = {
		{ "records of a library that is opened", opened },
	};

	x_watchdog(X_SECONDS);
	x_expect(argc, argv);
	library = argc > 2 ? argv[2] : NULL;
	return library ? X_RUN(library_cases) : X_RUN(cases);
}
