// SPDX-License-Identifier: MIT
/*
 * dlopen.c - dlopen() and dlmopen() without RTLD_DEEPBIND.
 *
 * A library that is opened with that flag looks for its symbols in the libraries
 * that it needs first. So it would find the C library's malloc and free, and
 * blocks would cross from one heap to the other. PHP opens its modules so.
 *
 * The next dlopen() in line is jumped to: jump.h tells why.
 *
 * Another namespace than the first has a C library of its own, and this library is
 * not in it: there the flag changes nothing for blocks, and it stays.
 */
#define _GNU_SOURCE
#include <dlfcn.h>

#include "base/compiler.h"
#include "jump.h"

#define NUMBER_OF(n) #n
#define NUMBER(n)    NUMBER_OF(n)
#define DEEPBIND     NUMBER(RTLD_DEEPBIND)

_Static_assert(LM_ID_BASE == 0, "the first namespace is 0");

/* Called from below alone */
void *qn_dlopen_next(void) __attribute__((visibility("hidden")));
void *qn_dlmopen_next(void) __attribute__((visibility("hidden")));

__apart void *qn_dlopen_next(void)
{
	static void *known;

	return qn_jump_next(&known, "dlopen");
}

__apart void *qn_dlmopen_next(void)
{
	static void *known;

	return qn_jump_next(&known, "dlmopen");
}

/* clang-format off */
#if defined(__x86_64__)
#define CLEAR_SECOND \
	"	andl $~" DEEPBIND ", %esi\n"
#define CLEAR_THIRD_IF_FIRST_IS_0 \
	"	testq %rdi, %rdi\n" \
	"	jne 1f\n" \
	"	andl $~" DEEPBIND ", %edx\n" \
	"1:\n"
#elif defined(__aarch64__)
#define CLEAR_SECOND \
	"	and w1, w1, #~" DEEPBIND "\n"
#define CLEAR_THIRD_IF_FIRST_IS_0 \
	"	cbnz x0, 1f\n" \
	"	and w2, w2, #~" DEEPBIND "\n" \
	"1:\n"
#endif

__asm__(".pushsection .text.apart, \"ax\"\n"
	JUMP_FUNCTION("dlopen", CLEAR_SECOND
		 JUMP_TO_RESULT_OF("qn_dlopen_next"))
	JUMP_FUNCTION("dlmopen", CLEAR_THIRD_IF_FIRST_IS_0
		 JUMP_TO_RESULT_OF("qn_dlmopen_next"))
	".popsection\n");
/* clang-format on */
