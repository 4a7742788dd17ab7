// SPDX-License-Identifier: MIT
/*
 * newlib.c - the malloc of newlib and of newlib-nano: all of what the C library
 * allocates, as stdio's buffers and the numbers of printf(), comes from quern.
 *
 * Compile it with the program and link it as an object: from an archive, the linker may
 * take the library's own malloc. The library's calls go to the functions with _r in their
 * names, the program's to those without.
 *
 * Locks: like the library's own malloc this one calls __malloc_lock() and
 * __malloc_unlock(), which do nothing unless firmware defines them. A system with tasks
 * does (freertos.c has them), unless the archive masks interrupts itself (QN_LOCK_IRQ).
 * Interrupts may call malloc() in the latter case alone.
 * They need not nest: nothing here calls itself.
 *
 * Failure is NULL, with ENOMEM in errno of the task, which newlib keeps in its struct
 * _reent.
 *
 * The names with a token are those that compilers call who tell types apart (clang's
 * -fsanitize=alloc-token, quern's plugins for gcc): they do as the names without.
 *
 * realloc(p, 0) does as the library's own: newlib-nano frees the block and returns NULL,
 * newlib keeps it as a block of no bytes. The headers tell which of the two it is, so
 * compile this file with the same --specs=nano.specs as the rest; or define
 * QN_REALLOC_ZERO_FREES as 1 or 0.
 */
#include <errno.h>
#include <malloc.h>
#include <reent.h>
#include <stdlib.h>

#include "glue.h"

#ifndef QN_REALLOC_ZERO_FREES
#ifdef _NANO_FORMATTED_IO
#define QN_REALLOC_ZERO_FREES 1
#else
#define QN_REALLOC_ZERO_FREES 0
#endif
#endif

/* Declared by newlib in different places, depending on its version */
void __malloc_lock(struct _reent *r);
void __malloc_unlock(struct _reent *r);
int posix_memalign(void **p, size_t align, size_t size);

static void *result(struct _reent *r, void *p)
{
	__malloc_unlock(r);
	if (!p)
		__errno_r(r) = ENOMEM;
	return p;
}

void *_malloc_r(struct _reent *r, size_t size)
{
	struct qn_heap *h;

	__malloc_lock(r);
	h = qn_board_heap();
	return result(r, h ? qn_heap_alloc(h, size) : NULL);
}

void *_calloc_r(struct _reent *r, size_t n, size_t size)
{
	struct qn_heap *h;

	__malloc_lock(r);
	h = qn_board_heap();
	return result(r, h ? qn_heap_calloc(h, n, size) : NULL);
}

void *_realloc_r(struct _reent *r, void *p, size_t size)
{
	struct qn_heap *h;

	if (QN_REALLOC_ZERO_FREES && p && !size) {
		_free_r(r, p);
		return NULL;
	}
	__malloc_lock(r);
	h = qn_board_heap();
	return result(r, h ? qn_heap_realloc(h, p, size) : NULL);
}

void *_memalign_r(struct _reent *r, size_t align, size_t size)
{
	struct qn_heap *h;

	__malloc_lock(r);
	h = qn_board_heap();
	return result(r, h ? qn_heap_alloc_aligned(h, align, size) : NULL);
}

/* A block exists, so there is a heap */
void _free_r(struct _reent *r, void *p)
{
	if (!p)
		return;
	__malloc_lock(r);
	qn_heap_free(qn_board_heap(), p);
	__malloc_unlock(r);
}

size_t _malloc_usable_size_r(struct _reent *r, void *p)
{
	size_t size;

	if (!p)
		return 0;
	__malloc_lock(r);
	size = qn_heap_usable_size(qn_board_heap(), p);
	__malloc_unlock(r);
	return size;
}

struct mallinfo _mallinfo_r(struct _reent *r)
{
	struct mallinfo info = { 0 };
	struct qn_stats st;

	__malloc_lock(r);
	if (qn_heap_stats(qn_board_heap(), &st) == 0) {
		info.arena = st.size;
		info.uordblks = st.live;
		info.fordblks = st.free;
		info.keepcost = st.largest_free;
	}
	__malloc_unlock(r);
	return info;
}

void *malloc(size_t size)
{
	return _malloc_r(_REENT, size);
}

void *calloc(size_t n, size_t size)
{
	return _calloc_r(_REENT, n, size);
}

void *realloc(void *p, size_t size)
{
	return _realloc_r(_REENT, p, size);
}

void *memalign(size_t align, size_t size)
{
	return _memalign_r(_REENT, align, size);
}

int posix_memalign(void **p, size_t align, size_t size)
{
	int saved = errno;
	void *q;

	if (!align || align & (align - 1) || align % sizeof(void *))
		return EINVAL;
	q = _memalign_r(_REENT, align, size);
	errno = saved;
	if (!q)
		return ENOMEM;
	*p = q;
	return 0;
}

/* As in C23: a size that is no multiple of @align will do */
void *aligned_alloc(size_t align, size_t size)
{
	if (align && !(align & (align - 1)))
		return _memalign_r(_REENT, align, size);
	errno = EINVAL;
	return NULL;
}

void free(void *p)
{
	_free_r(_REENT, p);
}

size_t malloc_usable_size(void *p)
{
	return _malloc_usable_size_r(_REENT, p);
}

struct mallinfo mallinfo(void)
{
	return _mallinfo_r(_REENT);
}

/* Declared by nobody: compilers call them */
#define TOKEN(ret, name, params, args)   \
	ret __alloc_token_##name params; \
	ret __alloc_token_##name params  \
	{                                \
		(void)token;             \
		return name args;        \
	}

/* clang-format off */
TOKEN(void *, malloc, (size_t size, size_t token), (size))
TOKEN(void *, calloc, (size_t n, size_t size, size_t token), (n, size))
TOKEN(void *, realloc, (void *p, size_t size, size_t token), (p, size))
TOKEN(void *, memalign, (size_t align, size_t size, size_t token),
      (align, size))
TOKEN(void *, aligned_alloc, (size_t align, size_t size, size_t token),
      (align, size))
TOKEN(int, posix_memalign, (void **p, size_t align, size_t size, size_t token),
      (p, align, size))
/* clang-format on */
