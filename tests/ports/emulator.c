// SPDX-License-Identifier: MIT
/*
 * emulator.c - preloaded into QEMU's user mode itself: refuses what it gets wrong.
 *
 * QEMU 7.2 passes MREMAP_DONTUNMAP on, and takes the old range for unmapped from then on. So
 * madvise() of it does nothing and succeeds. Linux before 5.7 refuses the flag, as this does.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>

#define DONTUNMAP 4

void *mremap(void *old, size_t size, size_t new_size, int flags, ...)
{
	void *(*next)(void *, size_t, size_t, int, ...);
	va_list args;
	void *to;

	if (flags & DONTUNMAP) {
		errno = EINVAL;
		return MAP_FAILED;
	}
	va_start(args, flags);
	to = va_arg(args, void *);
	va_end(args);
	*(void **)&next = dlsym(RTLD_NEXT, "mremap");
	return next(old, size, new_size, flags, to);
}
