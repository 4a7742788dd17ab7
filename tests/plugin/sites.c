// SPDX-License-Identifier: MIT
/*
 * sites.c - allocation sites in C. x-hints.sh compiles it with the compilers' plugins, and
 * compares the records with the lines WANT, which follow from reading:
 *
 *	WANT BYTES ELEM ALIGN OF FLAGS...	"-" where there is none
 *
 * OF is the type, or the function with () where no type can be told. WANT:O2 is expected with
 * -O2 alone, WANT:gcc of GCC alone, WANT:clang,O0 of clang without optimisation, and so on.
 * Sizes are for pointers of 64 bits.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

struct node {
	struct node *next;
	long key;
};

typedef struct {
	double x;
	double y;
	double z;
} point;

struct text {
	char *at;
	size_t used;
	size_t room;
};

struct allocator {
	void *(*get)(size_t size);
	void *(*find)(int key);
};

extern void use(void *p);
extern void *pool_get(int pool, size_t size) __attribute__((alloc_size(2)));
extern void *table_get(size_t rows, size_t columns)
	__attribute__((alloc_size(1, 2), malloc));
extern void *named_get(int where, size_t size);

/* WANT:gcc 16 16 - node pointers returned */
/* WANT:clang-14 16 16 - node pointers returned */
/* WANT:clang-19 16 - - node_make() returned */
struct node *node_make(void)
{
	struct node *n = malloc(sizeof(*n));

	return n;
}

/* A type that the code itself uses: LLVM 19 forgets its size once it has optimised the code */
/* WANT:gcc 16 16 - node pointers */
/* WANT:clang-14 16 16 - node pointers */
/* WANT:clang-19,O0 16 16 - node pointers */
/* WANT:clang-19,O2 16 - - node pointers */
void node_key(long key)
{
	struct node *n = malloc(sizeof(*n));

	n->next = NULL;
	n->key = key;
	use(n);
}

/* WANT 17-272 - - packet() returned */
void *packet(uint8_t size)
{
	return malloc(size + 17);
}

/* WANT:gcc 7-107 - - clamped() returned */
/* WANT:clang,O2 7-107 - - clamped() returned */
/* WANT:clang,O0 7+ - - clamped() returned */
void *clamped(unsigned int size)
{
	return size > 100 ? NULL : malloc(size + 7);
}

/* WANT 1000 - - brief() freed */
void brief(void)
{
	void *p = malloc(1000);

	use(p);
	free(p);
}

/* WANT:gcc 0-1572840 24 - point array zeroed returned */
/* WANT:clang-14 0-1572840 24 - point array zeroed returned */
/* WANT:clang-19 0-1572840 24 - points() array zeroed returned */
point *points(uint16_t n)
{
	return calloc(n, sizeof(point));
}

/* WANT:gcc 240 24 - point array zeroed returned */
/* WANT:clang-14 240 24 - point array zeroed returned */
/* WANT:clang-19 240 24 - ten_points() array zeroed returned */
point *ten_points(void)
{
	return calloc(10, sizeof(point));
}

/* WANT:gcc any 4 - int array returned */
/* WANT:clang any 4 - numbers() array returned */
int *numbers(size_t n)
{
	return malloc(n * sizeof(int));
}

/* A header and elements. WANT 48+ 8 - with_header() array returned */
void *with_header(size_t n)
{
	return malloc(48 + n * sizeof(double));
}

/* WANT 2000 - - many() loop */
void many(int n)
{
	for (int i = 0; i < n; i++)
		use(malloc(2000));
}

/* Without optimisation the old room is a number like any other */
/* WANT:gcc,O2 any 1 - char grows array realloc */
/* WANT:gcc,O0 any 1 - char array realloc */
/* WANT:clang,O2 any - - append() grows realloc */
/* WANT:clang,O0 any - - append() realloc */
void append(struct text *t)
{
	if (t->used == t->room) {
		t->room *= 2;
		t->at = realloc(t->at, t->room);
	}
}

/* WANT 3008 - 64 aligned() returned */
void *aligned(void)
{
	return aligned_alloc(64, 3008);
}

/* WANT 8192 - 4096 pages() */
void pages(void)
{
	void *p;

	if (!posix_memalign(&p, 4096, 8192))
		use(p);
}

/* Attributes. WANT 77 - - of_pool() returned */
void *of_pool(void)
{
	return pool_get(3, 77);
}

/* WANT 33 11 - of_table() array returned */
void *of_table(void)
{
	return table_get(3, 11);
}

/* By the user's list. WANT 222 - - of_named() returned */
void *of_named(void)
{
	return named_get(1, 222);
}

/* By pointer; a function of another shape is none. WANT 555 - - by_hook() hook */
void by_hook(struct allocator *a)
{
	use(a->get(555));
	use(a->find(556));
}

/* Merged: one record. WANT 333 - - twice() */
void twice(void)
{
	use(malloc(333));
	use(malloc(333));
}

static void *checked(size_t size)
{
	void *p = malloc(size);

	if (!p)
		abort();
	return p;
}

/* Inlined. WANT:O2 444 - - by_wrapper() */
/* WANT:O2 445 - - by_wrapper() */
/* WANT:O0 any - - checked() returned */
void by_wrapper(void)
{
	use(checked(444));
	use(checked(445));
}

/* WANT 666 - - at_start() cold */
__attribute__((cold)) void at_start(void)
{
	use(malloc(666));
}

/* No allocation, but a block of the stack and one that was there before */
void none(size_t n)
{
	use(__builtin_alloca(n));
	free(NULL);
}
