// SPDX-License-Identifier: MIT
/*
 * reallocarray.c - built on realloc, whose ever that is. libquern.so and
 * libquern-record.so both have it.
 *
 * In neither it is in the file that defines realloc: derived.c says why.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/compiler.h"

QN_EXPORT void *reallocarray(void *p, size_t n, size_t size)
{
	size_t bytes;

	if (!__builtin_mul_overflow(n, size, &bytes))
		return realloc(p, bytes);
	errno = ENOMEM;
	return NULL;
}
