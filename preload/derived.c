// SPDX-License-Identifier: MIT
/*
 * derived.c - names that are built on realloc and free, whose ever those are.
 *
 * A program may have a malloc of its own. What the C library builds on malloc uses that
 * one then, and so must this. The calls go by the public names; so that compilers do
 * not shorten that, these functions are not in the file that defines realloc and free.
 * reallocarray is in a file of its own, for libquern-record.so has it, too.
 */
#include <stdlib.h>

#include "base/compiler.h"
#include "names.h"
#include "process/process.h"

/* Not, or not in every version of the C library, declared by its headers */
void cfree(void *p);
void free_sized(void *p, size_t size);
void free_aligned_sized(void *p, size_t align, size_t size);

QN_EXPORT __apart void cfree(void *p)
{
	free(p);
}

/* The size is a promise of the caller's; the heap knows whether it can be true */
static void sized(void *p, size_t size, const char *where)
{
	if (likely(qn_names.is_malloc_own))
		qn_process_free_sized_slow(p, size, QN_SIZED_OTHER, where);
	else
		free(p);
}

QN_EXPORT __seldom void free_sized(void *p, size_t size)
{
	sized(p, size, "free_sized");
}

QN_EXPORT __seldom void free_aligned_sized(void *p, size_t align __maybe_unused,
					   size_t size)
{
	sized(p, size, "free_aligned_sized");
}
