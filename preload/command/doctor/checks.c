// SPDX-License-Identifier: MIT
/*
 * checks.c - the list of findings, and what is installed.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "checks.h"
#include "command/base/fail.h"
#include "command/base/preload.h"
#include "command/base/proc.h"
#include "command/base/which.h"

void qn_checks_add(struct qn_checks *c, enum qn_verdict verdict,
		   const char *topic, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = qn_xprintf("%s", format);
	va_end(args);
	QN_GROW(c->at, c->nr);
	c->at[c->nr++] = (struct qn_check){ verdict, topic, text };
	c->has_no |= verdict == QN_VERDICT_NO;
}

void qn_checks_exit(struct qn_checks *c)
{
	for (u32 i = 0; i < c->nr; i++)
		free(c->at[i].text);
	free(c->at);
	free(c->library);
}

/* ---- what is installed ---- */

void qn_check_library(struct qn_checks *c, const char *given)
{
	struct qn_which w;
	char *real;
	int err;

	c->library = qn_preload_find("libquern.so", given);
	if (!c->library) {
		qn_checks_add(c, QN_VERDICT_NO, "library",
			      "There is no libquern.so to preload; build or "
			      "install it, or name it: --library=FILE.");
		return;
	}
	err = qn_which_ask(c->library, &w);
	real = realpath(c->library, NULL);
	if (err || !real || strcmp(w.file, real) != 0)
		qn_checks_add(c, QN_VERDICT_NO, "library",
			      "%s is preloaded, but malloc is that of %s; look "
			      "into LD_PRELOAD, /etc/ld.so.preload and the "
			      "mount options of its directory (noexec).",
			      c->library, *w.file ? w.file : "the C library");
	else
		qn_checks_add(c, QN_VERDICT_OK, "library",
			      "quern %s serves a process that preloads %s.",
			      w.version, c->library);
	free(real);
}

/* "jemalloc 5.3.0" behind what is in @list, which it takes; the first soname that is there */
static char *add_other(char *list, const char *const *sonames)
{
	struct qn_which w;
	char *path = NULL, *more;

	for (; *sonames && !path; sonames++)
		path = qn_preload_peer(*sonames);
	if (!path || qn_which_ask(path, &w)) {
		free(path);
		return list;
	}
	free(path);
	more = qn_xprintf("%s%s%s %s", list ? list : "", list ? ", " : "",
			  w.name, w.version);
	free(list);
	return more;
}

static void check_everywhere(struct qn_checks *c)
{
	char *text = qn_file_read("/etc/ld.so.preload");
	const char *preload = getenv("LD_PRELOAD");

	if (text && text[strspn(text, " \t\n")])
		qn_checks_add(c, QN_VERDICT_NOTE, "preloaded",
			      "/etc/ld.so.preload names %.*s for every "
			      "program; a malloc there comes behind that of "
			      "LD_PRELOAD.",
			      (int)strcspn(text, "\n"), text);
	if (preload && *preload)
		qn_checks_add(c, QN_VERDICT_NOTE, "preloaded",
			      "LD_PRELOAD of this shell is %s; quern run puts "
			      "libquern.so in front of it.",
			      preload);
	free(text);
}

void qn_check_others(struct qn_checks *c)
{
	static const char *const sonames[][4] = {
		{ "libjemalloc.so.2", "libjemalloc.so.1" },
		{ "libmimalloc.so.2", "libmimalloc.so.3", "libmimalloc.so.1" },
		{ "libtcmalloc_minimal.so.4", "libtcmalloc.so.4" },
	};
	char *list = NULL;

	check_everywhere(c);
	for (size_t i = 0; i < ARRAY_SIZE(sonames); i++)
		list = add_other(list, sonames[i]);
	if (list)
		qn_checks_add(c, QN_VERDICT_OK, "installed",
			      "quern compare finds %s.", list);
	else
		qn_checks_add(c, QN_VERDICT_NOTE, "installed",
			      "No other allocator is installed for quern "
			      "compare: apt-get install libjemalloc2 "
			      "libmimalloc2.0 libtcmalloc-minimal4.");
	free(list);
}
