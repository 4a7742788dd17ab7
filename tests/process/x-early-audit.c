// SPDX-License-Identifier: MIT
/*
 * x-early-audit.c - an audit library that allocates in each of its callbacks.
 *
 * It lives in a namespace of its own, with a C library of its own, inside the
 * dynamic linker of a process whose other malloc is quern's.
 */
#define _GNU_SOURCE
#include <link.h>
#include <stdlib.h>
#include <string.h>

static char *last;

static void churn(const char *text)
{
	free(last);
	last = strdup(text);
	free(memset(malloc(100000), 1, 100000));
}

unsigned int la_version(unsigned int version)
{
	churn("version");
	return version;
}

unsigned int la_objopen(struct link_map *map, Lmid_t id, uintptr_t *cookie)
{
	(void)id;
	(void)cookie;
	churn(map->l_name);
	return LA_FLG_BINDTO | LA_FLG_BINDFROM;
}

char *la_objsearch(const char *name, uintptr_t *cookie, unsigned int flag)
{
	(void)cookie;
	(void)flag;
	churn(name);
	return (char *)name;
}

#if __ELF_NATIVE_CLASS == 64
uintptr_t la_symbind64(Elf64_Sym *sym, unsigned int index, uintptr_t *from,
		       uintptr_t *to, unsigned int *flags, const char *name)
{
	(void)index;
	(void)from;
	(void)to;
	(void)flags;
	churn(name);
	return sym->st_value;
}
#endif
