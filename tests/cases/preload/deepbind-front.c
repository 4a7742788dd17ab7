// SPDX-License-Identifier: MIT
/*
 * Another library's dlopen(), in front of the library's or behind it. It opens a
 * plugin before any other constructor runs.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>

void *dlopen(const char *file, int mode)
{
	void *(*next)(const char *, int) = dlsym(RTLD_NEXT, "dlopen");

	return next(file, mode);
}

static void __attribute__((constructor)) start(void)
{
	void *handle = dlopen("./plugin.so", RTLD_NOW | RTLD_DEEPBIND);

	if (!handle)
		abort();
	((void (*)(void *))dlsym(handle, "take"))(malloc(100));
}
