// SPDX-License-Identifier: MIT
/*
 * string.c - what libquern.so uses of string.h, for itself alone.
 *
 * Each of these names taken from libc costs every process under quern a look-up at
 * its start, and the first call up to 128 KB of libc that become resident: more
 * than all the rest of a heap's start. So the library has its own, hidden. Blocks
 * above COPY_MAX go to libc after all, which knows the processor: the linker calls
 * memcpy __wrap_memcpy and libc's __real_memcpy (--wrap), likewise memset.
 */
#include <string.h>

#include "base/compiler.h"

/* No loop here may become a call of itself; for clang -fno-builtin says it */
#ifndef __clang__
#pragma GCC optimize("no-tree-loop-distribute-patterns")
#endif

#define COPY_MAX 256

void *__real_memcpy(void *to, const void *from, size_t size);
void *__real_memset(void *p, int byte, size_t size);
void *__wrap_memcpy(void *to, const void *from, size_t size);
void *__wrap_memset(void *p, int byte, size_t size);

/* Any 16 or 8 bytes, wherever they lie */
typedef u64 word __attribute__((aligned(1), may_alias));
typedef u64 pair __attribute__((vector_size(16), aligned(1), may_alias));

static void copy_short(char *to, const char *from, size_t size)
{
	if (size >= 8) {
		u64 head = *(const word *)from;
		u64 tail = *(const word *)(from + size - 8);

		*(word *)to = head;
		*(word *)(to + size - 8) = tail;
		return;
	}
	for (size_t i = 0; i < size; i++)
		to[i] = from[i];
}

/* 2 * @nr pairs from both ends, which may overlap in the middle */
static __always_inline void copy_pairs(char *to, const char *from, size_t size,
				       size_t nr)
{
#pragma GCC unroll 8
	for (size_t i = 0; i < nr; i++) {
		size_t end = size - 16 * (i + 1);

		*(pair *)(to + 16 * i) = *(const pair *)(from + 16 * i);
		*(pair *)(to + end) = *(const pair *)(from + end);
	}
}

void *__wrap_memcpy(void *to, const void *from, size_t size)
{
	if (size > COPY_MAX)
		return __real_memcpy(to, from, size);
	if (size > 128)
		copy_pairs(to, from, size, 8);
	else if (size > 64)
		copy_pairs(to, from, size, 4);
	else if (size > 32)
		copy_pairs(to, from, size, 2);
	else if (size >= 16)
		copy_pairs(to, from, size, 1);
	else
		copy_short(to, from, size);
	return to;
}

static void fill_short(char *p, u64 bytes, size_t size)
{
	if (size >= 8) {
		*(word *)p = bytes;
		*(word *)(p + size - 8) = bytes;
		return;
	}
	while (size-- > 0)
		*p++ = (char)bytes;
}

static __always_inline void fill_pairs(char *p, u64 bytes, size_t size,
				       size_t nr)
{
	pair two = { bytes, bytes };

#pragma GCC unroll 8
	for (size_t i = 0; i < nr; i++) {
		*(pair *)(p + 16 * i) = two;
		*(pair *)(p + size - 16 * (i + 1)) = two;
	}
}

void *__wrap_memset(void *p, int byte, size_t size)
{
	u64 bytes = (unsigned char)byte * (~(u64)0 / 255);

	if (size > COPY_MAX)
		return __real_memset(p, byte, size);
	if (size > 128)
		fill_pairs(p, bytes, size, 8);
	else if (size > 64)
		fill_pairs(p, bytes, size, 4);
	else if (size > 32)
		fill_pairs(p, bytes, size, 2);
	else if (size >= 16)
		fill_pairs(p, bytes, size, 1);
	else
		fill_short(p, bytes, size);
	return p;
}

int memcmp(const void *a, const void *b, size_t size)
{
	const unsigned char *p = a, *q = b;

	for (; size > 0; size--, p++, q++)
		if (*p != *q)
			return *p - *q;
	return 0;
}

void *memchr(const void *p, int byte, size_t size)
{
	const unsigned char *at = p;

	for (; size > 0; size--, at++)
		if (*at == (unsigned char)byte)
			return (void *)(uintptr_t)at;
	return NULL;
}

size_t strlen(const char *text)
{
	size_t size = 0;

	while (text[size])
		size++;
	return size;
}

int strncmp(const char *a, const char *b, size_t size)
{
	for (; size > 0; size--, a++, b++)
		if (*a != *b || !*a)
			return (unsigned char)*a - (unsigned char)*b;
	return 0;
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, SIZE_MAX);
}

size_t strcspn(const char *text, const char *stops)
{
	size_t size = 0;

	while (text[size] && !memchr(stops, text[size], strlen(stops)))
		size++;
	return size;
}

__apart char *strstr(const char *text, const char *part)
{
	size_t size = strlen(part);

	while (strncmp(text, part, size)) {
		if (!*text)
			return NULL;
		text++;
	}
	return (char *)(uintptr_t)text;
}
