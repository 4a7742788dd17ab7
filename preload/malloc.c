// SPDX-License-Identifier: MIT
/*
 * malloc.c - the C library's names for the process's heap.
 *
 * The top of the river: malloc() and free() are the inline fast paths of
 * process.h and nothing more, the other names check their arguments and pass
 * them down. Functions that are built on these names are in derived.c.
 * Contracts are glibc's, which preloaded programs were written against:
 * realloc(p, 0) frees and returns NULL, alignments that are no power of two
 * are refused as its manual says. Must be compiled with -fno-builtin, or the
 * compiler turns code of this kind into calls of itself.
 */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

#include "port/port.h"
#include "names.h"
#include "process/process.h"

QN_EXPORT void *malloc(size_t size)
{
	return qn_process_malloc(size);
}

QN_EXPORT void free(void *p)
{
	qn_process_free(p);
}

QN_EXPORT void *calloc(size_t n, size_t size)
{
	return qn_process_calloc(n, size);
}

static void *fail(int error)
{
	errno = error;
	return NULL;
}

/* To 0 bytes is a free with NULL as its result, and no failure */
QN_EXPORT void *realloc(void *p, size_t size)
{
	if (unlikely(p && !size)) {
		free(p);
		return NULL;
	}
	return qn_process_realloc(p, size);
}

QN_EXPORT __seldom void *memalign(size_t align, size_t size)
{
	if (!is_power_of_2(align))
		return fail(EINVAL);
	return qn_process_memalign(align, size);
}

QN_EXPORT __seldom void *aligned_alloc(size_t align, size_t size)
{
	return memalign(align, size);
}

/* Reports by its result: errno and, on failure, *@memptr stay as they were */
QN_EXPORT __seldom int posix_memalign(void **memptr, size_t align, size_t size)
{
	int saved = errno;
	void *p;

	if (!is_power_of_2(align) || align % sizeof(void *))
		return EINVAL;
	p = qn_process_memalign(align, size);
	errno = saved;
	if (!p)
		return ENOMEM;
	*memptr = p;
	return 0;
}

QN_EXPORT __seldom void *valloc(size_t size)
{
	return qn_process_memalign(qn_port_page_size(), size);
}

/* valloc() of whole pages */
QN_EXPORT __seldom void *pvalloc(size_t size)
{
	size_t page = qn_port_page_size();

	if (size > PTRDIFF_MAX)
		return fail(ENOMEM);
	return qn_process_memalign(page, round_up(size, page));
}

/* Of a block of another malloc nothing is known */
QN_EXPORT size_t malloc_usable_size(void *p)
{
	if (unlikely(!qn_names.is_malloc_own) && !qn_process_owns(p))
		return 0;
	return qn_process_usable_size(p);
}

QN_EXPORT __apart int malloc_trim(size_t pad __maybe_unused)
{
	return qn_process_trim();
}

/*
 * The C library's own names of these. A program's malloc may be built on them, and the
 * malloc behind it is this one.
 */
#define ALIAS(alias, name)                      \
	__asm__(".globl " #alias "\n"           \
		".type " #alias ", %function\n" \
		".set " #alias ", " #name "\n")

ALIAS(__libc_malloc, malloc);
ALIAS(__libc_calloc, calloc);
ALIAS(__libc_realloc, realloc);
ALIAS(__libc_free, free);
ALIAS(__libc_memalign, memalign);
ALIAS(__libc_valloc, valloc);
ALIAS(__libc_pvalloc, pvalloc);
ALIAS(__posix_memalign, posix_memalign);
