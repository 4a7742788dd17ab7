// SPDX-License-Identifier: MIT
/*
 * jump.c - the next function of a name; see jump.h.
 */
#define _GNU_SOURCE
#include <dlfcn.h>

#include "base/compiler.h"
#include "jump.h"

static void *nothing(void)
{
	return NULL;
}

__seldom void *qn_jump_next(void **known, const char *name)
{
	void *address = READ_ONCE(*known);

	if (!address) {
		address = dlsym(RTLD_NEXT, name);
		if (!address)
			address = (void *)nothing;
		WRITE_ONCE(*known, address);
	}
	return address;
}
