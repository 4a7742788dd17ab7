// SPDX-License-Identifier: MIT
/*
 * x-early-interpose.c - a malloc in front of quern's that finds it by dlsym(),
 * as heap profilers do. A failing dlsym() allocates its message.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>

int interpose_nr;

static void *(*next_malloc)(size_t);
static void *(*next_calloc)(size_t, size_t);
static void *(*next_realloc)(void *, size_t);
static void (*next_free)(void *);

static void *next(const char *name)
{
	void *address = dlsym(RTLD_NEXT, name);

	if (!address)
		abort();
	return address;
}

static void find(void)
{
	if (next_malloc)
		return;
	next_free = (void (*)(void *))next("free");
	next_calloc = (void *(*)(size_t, size_t))next("calloc");
	next_realloc = (void *(*)(void *, size_t))next("realloc");
	next_malloc = (void *(*)(size_t))next("malloc");
	if (dlsym(RTLD_NEXT, "no_such_name"))
		abort();
}

void *malloc(size_t size)
{
	find();
	interpose_nr++;
	return next_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	find();
	return next_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
	find();
	return next_realloc(p, size);
}

void free(void *p)
{
	find();
	next_free(p);
}
