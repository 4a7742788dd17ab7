// SPDX-License-Identifier: MIT
/*
 * people.c - which functions matter is told by their names: lists of prefixes and words.
 */
#define _GNU_SOURCE 1
#include "people.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "command/base/demangle.h"
#include "command/base/fail.h"

/* ---- what is folded ---- */

static bool begins(const char *text, const char *const *list)
{
	for (; *list; list++)
		if (!strncmp(text, *list, strlen(*list)))
			return true;
	return false;
}

/* Libraries that nobody who looks for memory has written */
static bool is_of_system(const char *module)
{
	static const char *const names[] = { "libc.so",      "libc-",
					     "libstdc++.so", "libc++.so",
					     "libgcc_s.so",  "ld-linux",
					     "ld-2.",        "libquern",
					     "libpthread",   NULL };

	return begins(module, names);
}

/* "xmalloc", "PyObject_Malloc", "sqlite3DbStrDup", "__rust_alloc", "Perl_safesysmalloc" */
static bool wraps_malloc(const char *name)
{
	static const char *const words[] = { "malloc", "calloc", "realloc",
					     "zalloc", "strdup", "strndup",
					     "memdup" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcasestr(name, words[i]))
			return true;
	return false;
}

/* A path of Rust's or C++'s library; a type without any is built into Rust */
static bool is_of_library(const char *name)
{
	static const char *const prefixes[] = { "operator new",
						"operator delete",
						"std::",
						"__gnu_cxx::",
						"__cxxabiv1::",
						"__cxa_",
						"alloc::",
						"core::",
						"hashbrown::",
						"__rust_",
						"__rdl_",
						"__rg_",
						NULL };

	return begins(name, prefixes);
}

static bool is_builtin(const char *type, const char *end)
{
	const char *path = strstr(type, "::");

	return !path || path >= end || *type == '[' || *type == '(';
}

/* "<TYPE as TRAIT>::function" of Rust, where both are its library's or built in */
static bool is_of_rust(const char *name)
{
	const char *type = name + 1, *as, *end;

	if (*name != '<')
		return false;
	type += strspn(type, "&<");
	for (int i = 0; i < 2; i++)
		if (!strncmp(type, "dyn ", 4) || !strncmp(type, "mut ", 4))
			type += 4;
	as = strstr(type, " as ");
	end = as ?: type + strcspn(type, ">");
	if (!is_of_library(type) && !is_builtin(type, end))
		return false;
	return !as || as[4] == '<' || is_of_library(as + 4);
}

/* Inlined functions of templates have the names that the source gave them */
static bool is_from_library(const char *file)
{
	static const char *const folders[] = {
		"/include/c++/", "/rustc/",        "/rust/deps/",
		"/library/std/", "/library/core/", "/library/alloc/"
	};

	for (size_t i = 0; file && i < ARRAY_SIZE(folders); i++)
		if (strstr(file, folders[i]))
			return true;
	return false;
}

bool qn_people_is_plumbing(const struct qn_symbols_frame *f)
{
	return is_of_system(f->module) || is_of_library(f->function) ||
	       is_of_rust(f->function) || is_from_library(f->file) ||
	       (f->is_named && wraps_malloc(f->function));
}

/* Around main(), or around the first function of a thread */
static bool is_start(const char *function)
{
	static const char *const names[] = { "__libc_start", "start_thread",
					     "clone3", "__clone", NULL };

	return begins(function, names) || !strcmp(function, "clone") ||
	       !strcmp(function, "_start");
}

static bool ends(const char *text, const char *end)
{
	size_t size = strlen(text), want = strlen(end);

	return size >= want && !strcmp(text + size - want, end);
}

/* Rust's main() is called by a function main that the compiler made */
static bool has_inner_main(const struct qn_people *p, u32 at)
{
	for (u32 i = 0; i < at; i++)
		if (ends(p->frames[i].function, "::main"))
			return true;
	return false;
}

static u32 end_of(const struct qn_people *p)
{
	u32 end = 0;

	while (end < p->nr && !is_start(p->frames[end].function))
		end++;
	if (end && !strcmp(p->frames[end - 1].function, "main") &&
	    has_inner_main(p, end - 1))
		end--;
	return end;
}

/* Of a file whose other functions have names: an address there tells people nothing */
static bool is_nameless(const struct qn_people *p, u32 at, u32 end)
{
	const struct qn_symbols_frame *f = &p->frames[at];

	if (f->is_named)
		return false;
	for (u32 i = 0; i < end; i++)
		if (p->frames[i].is_named &&
		    !strcmp(p->frames[i].module, f->module) &&
		    !qn_people_is_plumbing(&p->frames[i]))
			return true;
	return false;
}

void qn_people_fold(struct qn_people *p)
{
	u32 end = end_of(p);

	p->nr_shown = 0;
	for (u32 i = 0; i < end; i++)
		if (!qn_people_is_plumbing(&p->frames[i]) &&
		    !is_nameless(p, i, end))
			p->shown[p->nr_shown++] = (u16)i;
	p->by = p->nr_shown ? p->shown[0] : 0;
	if (p->nr_shown)
		return;
	for (u32 i = 0; i < p->nr; i++)
		p->shown[p->nr_shown++] = (u16)i;
}

void qn_people_find(struct qn_people *p, struct qn_symbols *symbols,
		    const struct qn_stacks *stacks, u32 site)
{
	u32 nr;
	const struct qn_trace_frame *f = qn_stacks_frames(stacks, site, &nr);

	p->nr = 0;
	for (u32 i = 0; i < min(nr, (u32)QN_TRACE_DEPTH); i++)
		p->nr += qn_symbols_find(symbols, qn_stacks_name(stacks, &f[i]),
					 f[i].offset, &p->frames[p->nr]);
	qn_people_fold(p);
}

/* ---- the line ---- */

/**
 * struct line - one that is being written
 * @is_brief:	template arguments are left out
 * @is_bare:	callers have no source line
 * @is_own:	what it called is not told, nor that there are callers
 * @is_name:	it has no source line itself
 * @nr:		functions that are told
 */
struct line {
	bool is_brief;
	bool is_bare;
	bool is_own;
	bool is_name;
	u32 nr;
};

static void put_name(FILE *out, const char *name, bool is_brief)
{
	char brief[512];

	if (!is_brief) {
		fputs(name, out);
		return;
	}
	qn_demangle_brief(name, brief, sizeof(brief));
	fputs(brief, out);
}

static void put_frame(FILE *out, const struct qn_symbols_frame *f,
		      bool is_brief, bool is_bare)
{
	const char *slash = f->file ? strrchr(f->file, '/') : NULL;

	put_name(out, f->function, is_brief);
	if (f->file && !is_bare)
		fprintf(out, " at %s:%u", slash ? slash + 1 : f->file, f->line);
}

static char *make_line(const struct qn_people *p, const struct line *how)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return qn_xprintf("?");
	if (!p->nr)
		fputs("not known", out);
	for (u32 i = 0; i < how->nr; i++) {
		fputs(i ? " < " : "", out);
		put_frame(out, &p->frames[p->shown[i]], how->is_brief,
			  i ? how->is_bare : how->is_name);
		if (!i && p->by && !how->is_own) {
			fputs(" by ", out);
			put_name(out, p->frames[p->by - 1].function, true);
		}
	}
	if (how->nr < p->nr_shown && !how->is_own)
		fputs(" < ...", out);
	fclose(out);
	return text;
}

/* The next thing that can be done without. Return: false if there is none. */
static bool shorten(struct line *how)
{
	if (!how->is_brief)
		how->is_brief = true;
	else if (!how->is_bare)
		how->is_bare = true;
	else if (how->nr > 1)
		how->nr--;
	else if (!how->is_own)
		how->is_own = true;
	else if (!how->is_name)
		how->is_name = true;
	else
		return false;
	return true;
}

char *qn_people_text(const struct qn_people *p, u32 columns)
{
	struct line how = { .nr = p->nr_shown };
	char *text = make_line(p, &how);

	while (columns && strlen(text) > columns) {
		if (!shorten(&how)) {
			text[columns] = '\0';
			break;
		}
		free(text);
		text = make_line(p, &how);
	}
	return text;
}
