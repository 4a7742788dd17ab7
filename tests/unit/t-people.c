// SPDX-License-Identifier: MIT
/*
 * t-people.c - names and stacks for people.
 *
 * Invariants checked here:
 * - names of C++ and Rust are as their sources have them, other names stay;
 * - the innermost function that is the program's own leads, what it called is named
 *   behind it, starts of programs and threads are left out;
 * - where nothing is the program's own, all is shown;
 * - a line fits the columns that it is given, and is whole where it is given none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "command/base/demangle.h"
#include "command/sites/people.h"

static void expect_name(const char *mangled, const char *plain)
{
	char *name = qn_demangle(mangled);

	assert_string_equal(name, plain);
	free(name);
}

static void test_demangle(void **state)
{
	(void)state;
	expect_name("main", "main");
	expect_name("parse.constprop.0", "parse");
	expect_name("memcpy@@GLIBC_2.14", "memcpy");
	expect_name("_Zbroken", "_Zbroken");
	expect_name("", "");
#ifdef QN_HAVE_IBERTY
	expect_name("_ZNK4shop5Store6renderB5cxx11Ev", "shop::Store::render");
	expect_name("_ZN4shop4loadEi", "shop::load");
	/* void f<std::vector<std::string>>(...), as the standard has substitutions */
	expect_name("_Z1fISt6vectorINSt7__cxx1112basic_stringIcSt11char_traits"
		    "IcESaIcEEESaIS6_EEEvT_",
		    "f<std::vector<std::string>>");
	expect_name("_ZN3std2rt10lang_start17h0123456789abcdefE",
		    "std::rt::lang_start");
	expect_name("_RNvCs1234_7mycrate3foo", "mycrate::foo");
#endif
}

static void test_brief(void **state)
{
	static const char *const names[][2] = {
		{ "f<std::vector<int>>::g", "f<>::g" },
		{ "main", "main" },
		{ "A::operator-><int>", "A::operator-><>" },
		{ "<a::B<c> as d::E>::f", "<a::B<> as d::E>::f" },
		{ "a::operator<<", "a::operator<<" },
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		qn_demangle_brief(names[i][0], text, sizeof(text));
		assert_string_equal(text, names[i][1]);
	}
	qn_demangle_brief("abcdef", text, 4);
	assert_string_equal(text, "abc");
}

/* Functions, up to NULL, of the program; "libc:name" is of the C library, "?x" nameless */
static struct qn_people *stack_of(const char *const *names)
{
	static struct qn_people p;

	p.nr = 0;
	for (; *names; names++) {
		bool is_libc = !strncmp(*names, "libc:", 5);
		bool is_named = **names != '?';

		p.frames[p.nr++] = (struct qn_symbols_frame){
			.function = *names + (is_libc ? 5 : !is_named),
			.module = is_libc ? "libc.so.6" : "program",
			.is_named = is_named,
		};
	}
	qn_people_fold(&p);
	return &p;
}

#define STACK(...) stack_of((const char *const[]){ __VA_ARGS__, NULL })

static void expect_line(const struct qn_people *p, u32 columns,
			const char *want)
{
	char *text = qn_people_text(p, columns);

	assert_string_equal(text, want);
	free(text);
}

static void test_fold(void **state)
{
	(void)state;
	expect_line(STACK("load", "main", "libc:__libc_start_call_main",
			  "libc:__libc_start_main", "_start"),
		    0, "load < main");
	expect_line(STACK("libc:strdup", "load", "main"), 0,
		    "load by strdup < main");
	expect_line(STACK("operator new", "std::vector<int>::push_back",
			  "shop::load", "std::for_each<int>", "main"),
		    0, "shop::load by std::vector<>::push_back < main");
	expect_line(STACK("sqlite3DbMallocRaw", "sqlite3_prepare", "main"), 0,
		    "sqlite3_prepare by sqlite3DbMallocRaw < main");
	expect_line(STACK("libc:fopen", "libc:getgrnam"), 0,
		    "fopen < getgrnam");
	expect_line(
		STACK("<alloc::string::String as core::clone::Clone>::clone",
		      "<u8 as <[_]>::to_vec_in::ConvertVec>::to_vec",
		      "<shop::Order as core::clone::Clone>::clone",
		      "shop::main", "std::rt::lang_start", "main",
		      "libc:__libc_start_main"),
		0,
		"<shop::Order as core::clone::Clone>::clone by <u8 as "
		"<>::to_vec_in::ConvertVec>::to_vec < shop::main");
	expect_line(STACK("?program+0x12", "load", "?program+0x99", "main"), 0,
		    "load by program+0x12 < main");
	expect_line(STACK("?program+0x12", "libc:qsort", "?program+0x99"), 0,
		    "program+0x12 < program+0x99");
	expect_line(STACK("work", "libc:start_thread", "libc:clone3"), 0,
		    "work");
}

static void test_lines(void **state)
{
	struct qn_people *p;

	(void)state;
	p = STACK("a::first<int, long>", "second", "third");
	p->frames[0].file = "/src/a.cc";
	p->frames[0].line = 12;
	p->frames[1].file = "b.cc";
	p->frames[1].line = 3;
	expect_line(
		p, 0,
		"a::first<int, long> at a.cc:12 < second at b.cc:3 < third");
	expect_line(
		p, 57,
		"a::first<int, long> at a.cc:12 < second at b.cc:3 < third");
	expect_line(p, 56, "a::first<> at a.cc:12 < second at b.cc:3 < third");
	expect_line(p, 46, "a::first<> at a.cc:12 < second < third");
	expect_line(p, 37, "a::first<> at a.cc:12 < second < ...");
	expect_line(p, 28, "a::first<> at a.cc:12 < ...");
	expect_line(p, 26, "a::first<> at a.cc:12");
	expect_line(p, 20, "a::first<>");
	expect_line(p, 5, "a::fi");
	p = STACK("libc:strdup", "shop::load", "main");
	expect_line(p, 26, "shop::load by strdup < ...");
	expect_line(p, 25, "shop::load");
	p->nr = 0;
	qn_people_fold(p);
	expect_line(p, 0, "not known");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_demangle),
		cmocka_unit_test(test_brief),
		cmocka_unit_test(test_fold),
		cmocka_unit_test(test_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
