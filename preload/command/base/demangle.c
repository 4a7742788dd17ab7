// SPDX-License-Identifier: MIT
/*
 * demangle.c - the demangler's words, made shorter: std::vector<int,
 * std::allocator<int> > is std::vector<int> to its user.
 */
#define _GNU_SOURCE 1
#include "demangle.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#ifdef QN_HAVE_IBERTY
#include <libiberty/demangle.h>
#endif

#include "fail.h"

/* ---- the demanglers ---- */

#ifdef QN_HAVE_IBERTY

static char *demangle(const char *name)
{
	return cplus_demangle(name, DMGL_AUTO);
}

#else

/* Where a comma or the bracket closes at depth 0 */
static void cut_parameters(char *name)
{
	int depth = 0;
	char *at;

	for (at = name; *at; at++) {
		depth += (*at == '<') -
			 (*at == '>' && at > name && at[-1] != '-');
		if (*at == '(' && depth <= 0 && at > name &&
		    strncmp(at, "(anonymous", 10) != 0 &&
		    strncmp(at - min(at - name, 8), "operator", 8) != 0) {
			*at = '\0';
			return;
		}
	}
}

/* By libstdc++, where this machine has it; of Rust nothing is known */
static char *demangle(const char *name)
{
	static char *(*get)(const char *, char *, size_t *, int *);
	static bool has_looked;
	int status = 0;
	char *plain;

	if (!has_looked) {
		void *lib = dlopen("libstdc++.so.6", RTLD_NOW | RTLD_LOCAL);

		has_looked = true;
		if (lib)
			*(void **)&get = dlsym(lib, "__cxa_demangle");
	}
	if (!get || strncmp(name, "_Z", 2) != 0)
		return NULL;
	plain = get(name, NULL, NULL, &status);
	if (plain)
		cut_parameters(plain);
	return plain;
}

#endif

/* ---- shorter ---- */

/* Behind the text @at with its brackets; @at is at what follows the name */
static char *behind_brackets(char *at)
{
	int depth = 0;

	for (; *at; at++) {
		depth += (*at == '<') - (*at == '>');
		if (depth <= 0 && *at == '>')
			return at + 1;
		if (depth < 0)
			break;
	}
	return at;
}

/* Arguments that nobody writes down */
static void cut_defaults(char *name)
{
	static const char *const known[] = {
		", std::allocator<", ", std::char_traits<",
		", std::less<",      ", std::hash<",
		", std::equal_to<",  ", std::default_delete<",
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		char *at = name;

		while ((at = strstr(at, known[i]))) {
			char *to = behind_brackets(at + strlen(known[i]) - 1);

			memmove(at, to, strlen(to) + 1);
		}
	}
}

static void replace(char *name, const char *what, const char *with)
{
	size_t old = strlen(what), new = strlen(with);
	char *at = name;

	while ((at = strstr(at, what))) {
		memcpy(at, with, new);
		memmove(at + new, at + old, strlen(at + old) + 1);
		at += new;
	}
}

static void tidy(char *name)
{
	replace(name, "std::__cxx11::", "std::");
	replace(name, "[abi:cxx11]", "");
	cut_defaults(name);
	replace(name, " >", ">");
	replace(name, "std::basic_string<char>", "std::string");
	replace(name, "std::basic_string_view<char>", "std::string_view");
	replace(name, "(anonymous namespace)", "{anonymous}");
}

/* "parse.constprop.0" and "malloc@@GLIBC_2.2.5" are parse and malloc */
static void cut_marks(char *name)
{
	static const char *const marks[] = {
		".constprop.", ".isra.", ".part.", ".cold",
		".lto_priv.",  ".llvm.", "@"
	};

	for (size_t i = 0; i < ARRAY_SIZE(marks); i++) {
		char *at = strstr(name, marks[i]);

		if (at && at > name)
			*at = '\0';
	}
}

char *qn_demangle(const char *name)
{
	char *bare = qn_xprintf("%s", name), *plain;

	cut_marks(bare);
	plain = demangle(bare);
	if (!plain)
		return bare;
	free(bare);
	tidy(plain);
	return plain;
}

void qn_demangle_brief(const char *name, char *to, size_t room)
{
	size_t at = 0, i = 0;
	int depth = 0;

	/* What Rust puts first in brackets is the name itself */
	for (; *name == '<' && at + 1 < room; name++)
		to[at++] = '<';
	for (; name[i] && at + 1 < room; i++) {
		bool is_operator = i >= 8 &&
				   !strncmp(name + i - 8, "operator", 8);
		bool is_arrow = name[i] == '>' && i && name[i - 1] == '-';

		if (name[i] == '<' && !is_operator && !depth++)
			to[at++] = '<';
		if (name[i] == '>' && depth && !is_arrow && depth-- > 1)
			continue;
		if (!depth)
			to[at++] = name[i];
	}
	to[at] = '\0';
}
