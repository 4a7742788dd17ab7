// SPDX-License-Identifier: MIT
/*
 * subject-libc.c - malloc of the C library that the image is linked with, over
 * an sbrk() that ends where the given memory ends.
 *
 * A C library starts only once; image.c lets it start again.
 */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#ifdef __PICOLIBC__
#include <picotls.h>
#endif

#include "subject.h"

/* Newlib's malloc comes to the first, picolibc's calls the second */
void *_sbrk(ptrdiff_t more);
void *sbrk(ptrdiff_t more);

static u8 *brk_now, *brk_end;

void *_sbrk(ptrdiff_t more)
{
	u8 *old = brk_now;

	if (more > brk_end - brk_now) {
		errno = ENOMEM;
		return (void *)-1;
	}
	brk_now += more;
	return old;
}

void *sbrk(ptrdiff_t more)
{
	return _sbrk(more);
}

static void *libc_alloc(void *heap, size_t size)
{
	(void)heap;
	return malloc(size);
}

static void *libc_alloc_aligned(void *heap, size_t align, size_t size)
{
	(void)heap;
	return memalign(align, size);
}

static void *libc_resize(void *heap, void *p, size_t size)
{
	(void)heap;
	return realloc(p, size);
}

static void libc_free(void *heap, void *p)
{
	(void)heap;
	free(p);
}

/* Picolibc keeps errno in the thread's own memory, of which there is none yet */
static void start_library(void)
{
#ifdef __PICOLIBC__
	static u8 tls[64] __aligned(8);

	_set_tls(tls);
#endif
}

static void *libc_init(void *mem, size_t size,
		       const struct subject_setup *setup)
{
	(void)setup;
	start_library();
	brk_now = mem;
	brk_end = brk_now + size;
	return mem;
}

const struct subject subject = {
	.name = SUBJECT_NAME,
	.alloc = libc_alloc,
	.alloc_aligned = libc_alloc_aligned,
	.resize = libc_resize,
	.free = libc_free,
	.init = libc_init,
};
