// SPDX-License-Identifier: MIT
/*
 * string.c - what libquern.so uses of string.h, for itself alone.
 *
 * Each of these names taken from libc costs every process under quern a look-up at
 * its start, and the first call up to 128 KB of libc that become resident: more
 * than all the rest of a heap's start. So the library has its own, hidden. Blocks
 * above COPY_MAX go to libc after all, which knows the processor, by two old names
 * for memmove and memset. Compiled such that no loop here becomes a call of itself.
 */
#include <string.h>
#include <strings.h>

#include "compiler.h"

#define COPY_MAX 512

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

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
	char *t = to;
	const char *f = from;
	pair tail;

	if (size > COPY_MAX) {
		bcopy(from, to, size);
	} else if (size <= 16) {
		copy_short(t, f, size);
	} else {
		tail = *(const pair *)(f + size - 16);
		for (size_t i = 0; i < size - 16; i += 16)
			*(pair *)(t + i) = *(const pair *)(f + i);
		*(pair *)(t + size - 16) = tail;
	}
	return to;
}

void *memmove(void *to, const void *from, size_t size)
{
	bcopy(from, to, size);
	return to;
}

static void fill(char *p, u64 bytes, size_t size)
{
	pair two = { bytes, bytes };

	if (size < 16) {
		for (; size >= 8; size -= 8, p += 8)
			*(word *)p = bytes;
		while (size-- > 0)
			*p++ = (char)bytes;
		return;
	}
	for (size_t i = 0; i < size - 16; i += 16)
		*(pair *)(p + i) = two;
	*(pair *)(p + size - 16) = two;
}

void *memset(void *p, int byte, size_t size)
{
	if (!byte && size > COPY_MAX)
		bzero(p, size);
	else
		fill(p, (unsigned char)byte * (~(u64)0 / 255), size);
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

size_t strcspn(const char *text, const char *stops)
{
	size_t size = 0;

	while (text[size] && !memchr(stops, text[size], strlen(stops)))
		size++;
	return size;
}

char *strstr(const char *text, const char *part)
{
	size_t size = strlen(part);

	while (strncmp(text, part, size)) {
		if (!*text)
			return NULL;
		text++;
	}
	return (char *)(uintptr_t)text;
}
