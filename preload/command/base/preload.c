// SPDX-License-Identifier: MIT
/*
 * preload.c - the environment in which a program gets another allocator.
 */
#define _GNU_SOURCE 1
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>
#include "fail.h"
#include "preload.h"
#include "program.h"

/* Where make install puts libquern.so */
#ifndef QN_LIBDIR
#define QN_LIBDIR "/usr/local/lib"
#endif

/* The loader ends a name there or replaces what follows */
#define SPECIAL " :$"

/* Without /proc there is the name by which the kernel was asked */
char *qn_preload_own_file(void)
{
	char path[PATH_MAX];
	ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - 1);
	unsigned long name = size > 0 ? 0 : getauxval(AT_EXECFN);

	if (name)
		return realpath((const char *)name, NULL);
	return size > 0 ? qn_xprintf("%.*s", (int)size, path) : NULL;
}

char *qn_preload_own_dir(void)
{
	char *path = qn_preload_own_file();
	char *slash = path ? strrchr(path, '/') : NULL;

	if (slash)
		*slash = 0;
	return path;
}

/* @path as it is, or NULL and @path freed if it is not there */
static char *if_readable(char *path)
{
	if (path && access(path, R_OK) == 0)
		return path;
	free(path);
	return NULL;
}

/*
 * Packages have the name without a version among the files for development, and what only
 * quern preloads in a folder of its own
 */
static char *find_in(const char *dir, const char *name)
{
	char *path = if_readable(qn_xprintf("%s/%s", dir, name));

	if (!path)
		path = if_readable(qn_xprintf("%s/%s.0", dir, name));
	if (!path)
		path = if_readable(qn_xprintf("%s/quern/%s", dir, name));
	return path;
}

static char *find_beside(const char *name)
{
	char *dir = qn_preload_own_dir(), *path;

	if (!dir)
		return NULL;
	path = find_in(dir, name);
	free(dir);
	return path;
}

static char *find_default(const char *name)
{
	char *path = find_beside(name);

	if (!path)
		path = find_in(QN_LIBDIR, name);
	if (!path)
		qn_error("%s is neither beside this command nor in %s; "
			 "build it with make, or name it: --library=FILE",
			 name, QN_LIBDIR);
	return path;
}

static char *find_given(const char *given)
{
	char *path = realpath(given, NULL);

	if (path && access(path, R_OK) == 0)
		return path;
	qn_error("cannot read the library '%s': %s; name another one: "
		 "--library=FILE",
		 given, strerror(errno));
	free(path);
	return NULL;
}

char *qn_preload_find(const char *name, const char *given)
{
	char *path = given ? find_given(given) : find_default(name);

	if (!path || !strpbrk(path, SPECIAL))
		return path;
	qn_error("the library is '%s', but the loader takes no name with a "
		 "blank, ':' or '$' from LD_PRELOAD; move it, or name a copy: "
		 "--library=FILE",
		 path);
	free(path);
	return NULL;
}

char *qn_preload_beside(const char *library, const char *name)
{
	int size = (int)(strrchr(library, '/') - library);
	char *dir = qn_xprintf("%.*s", size, library);
	char *path = find_in(dir, name);

	free(dir);

	if (!path)
		qn_error("%s is not beside %s; build both with make, or put a "
			 "copy there",
			 name, library);
	return path;
}

/* The directory in which this system keeps the C library */
static char *libc_dir(void)
{
	Dl_info info;
	char *path, *slash;

	if (!dladdr((void *)(uintptr_t)&getenv, &info) || !info.dli_fname)
		return NULL;
	path = realpath(info.dli_fname, NULL);
	slash = path ? strrchr(path, '/') : NULL;
	if (slash)
		*slash = 0;
	return path;
}

char *qn_preload_peer(const char *soname)
{
	static const char *const others[] = { "/usr/local/lib", "/usr/lib64",
					      "/usr/lib" };
	char *dir = libc_dir(), *path = NULL;
	size_t i;

	if (dir)
		path = if_readable(qn_xprintf("%s/%s", dir, soname));
	free(dir);
	for (i = 0; !path && i < ARRAY_SIZE(others); i++)
		path = if_readable(qn_xprintf("%s/%s", others[i], soname));
	return path;
}

static bool has_element(const char *list, const char *element)
{
	size_t size = strlen(element);

	while (*list) {
		list += strspn(list, " :");
		if (strcspn(list, " :") == size && !memcmp(list, element, size))
			return true;
		list += strcspn(list, " :");
	}
	return false;
}

char *qn_preload_list(const char *library, const char *existing)
{
	if (!existing || !*existing)
		return qn_xprintf("%s", library);
	if (has_element(existing, library))
		return qn_xprintf("%s", existing);
	return qn_xprintf("%s:%s", library, existing);
}

int qn_preload_launch(const struct qn_launch *what, const char *list,
		      const char *setting, struct qn_outcome *outcome)
{
	char *preload = qn_xprintf("LD_PRELOAD=%s", list);
	const char *const changes[] = {
		setting,
		qn_program_is_for_musl(what->path) ? NULL : preload,
		NULL,
	};
	int err = qn_launch_changed(what, changes, outcome);

	free(preload);
	return err;
}
