// SPDX-License-Identifier: MIT
/*
 * fail.c - how the command says that something went wrong.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "fail.h"

static __noreturn void fail_memory(void)
{
	fputs("quern: out of memory; the report cannot be made\n", stderr);
	exit(QN_EXIT_FAILURE);
}

void qn_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("quern: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
}

void qn_error_read(const char *name, int err)
{
	const char *hint = err == -ENOENT || err == -ENOTDIR ?
				   "; check the path" :
			   err == -EACCES ? "; read it as its owner" :
					    "";

	if (!strcmp(name, "-"))
		qn_error("cannot read standard input: %s", strerror(-err));
	else
		qn_error("cannot read '%s': %s%s", name, strerror(-err), hint);
}

void qn_error_write(const char *name, int err)
{
	const char *hint = err == -ENOSPC || err == -EDQUOT ?
				   "; make room, or name a file elsewhere" :
				   "; name another file";

	if (!strcmp(name, "-"))
		qn_error("cannot write to standard output: %s", strerror(-err));
	else
		qn_error("cannot write '%s': %s%s", name, strerror(-err), hint);
}

void *qn_xrealloc(void *p, size_t size)
{
	p = realloc(p, size);
	if (!p)
		fail_memory();
	return p;
}

void *qn_xgrow(void *p, u64 nr, size_t size)
{
	return nr & (nr - 1) ? p : qn_xrealloc(p, (2 * nr + 1) * size);
}

void *qn_xreach(void *p, u64 *room, u64 at, size_t size)
{
	if (at < *room)
		return p;
	*room = 2 * at + 256;
	return qn_xrealloc(p, *room * size);
}

void *qn_xremap(void *p, size_t old_size, size_t size)
{
	if (!size) {
		if (p)
			munmap(p, old_size);
		return NULL;
	}
	if (p)
		p = mremap(p, old_size, size, MREMAP_MAYMOVE);
	else
		p = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		fail_memory();
	return p;
}

char *qn_xprintf(const char *format, ...)
{
	va_list args;
	char *text;
	int size;

	va_start(args, format);
	size = vasprintf(&text, format, args);
	va_end(args);
	if (size < 0)
		fail_memory();
	return text;
}
