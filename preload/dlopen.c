// SPDX-License-Identifier: MIT
/*
 * dlopen.c - dlopen() and dlmopen() without RTLD_DEEPBIND.
 *
 * A library that is opened with that flag looks for its symbols in the libraries
 * that it needs first. So it would find the C library's malloc and free, and
 * blocks would cross from one heap to the other. PHP opens its modules so.
 *
 * The next dlopen() in line must not notice that it was called from here: it takes
 * the caller's search path and namespace from the return address. So it is jumped
 * to, in assembly since C has no way to ask for that.
 *
 * Another namespace than the first has a C library of its own, and this library is
 * not in it: there the flag changes nothing for blocks, and it stays.
 */
#define _GNU_SOURCE
#include <dlfcn.h>

#include "base/compiler.h"

#define NUMBER_OF(n) #n
#define NUMBER(n)    NUMBER_OF(n)
#define DEEPBIND     NUMBER(RTLD_DEEPBIND)

_Static_assert(LM_ID_BASE == 0, "the first namespace is 0");

static void *nothing(void)
{
	return NULL;
}

/* Found when it is needed: at the start nobody may ask for it, and a look-up costs */
static void *next(void **known, const char *name)
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

/* Called from below alone */
void *qn_dlopen_next(void) __attribute__((visibility("hidden")));
void *qn_dlmopen_next(void) __attribute__((visibility("hidden")));

__apart void *qn_dlopen_next(void)
{
	static void *known;

	return next(&known, "dlopen");
}

__apart void *qn_dlmopen_next(void)
{
	static void *known;

	return next(&known, "dlmopen");
}

/* clang-format off */
#if defined(__x86_64__)
#define PUSH(r) "	pushq %" r "\n	.cfi_adjust_cfa_offset 8\n"
#define POP(r)  "	popq %" r "\n	.cfi_adjust_cfa_offset -8\n"
#define CLEAR_SECOND \
	"	andl $~" DEEPBIND ", %esi\n"
#define CLEAR_THIRD_IF_FIRST_IS_0 \
	"	testq %rdi, %rdi\n" \
	"	jne 1f\n" \
	"	andl $~" DEEPBIND ", %edx\n" \
	"1:\n"
#define JUMP_TO_RESULT_OF(function) \
	PUSH("rdi") PUSH("rsi") PUSH("rdx") \
	"	call " function "\n" \
	POP("rdx") POP("rsi") POP("rdi") \
	"	jmp *%rax\n"
#elif defined(__aarch64__)
#define CLEAR_SECOND \
	"	and w1, w1, #~" DEEPBIND "\n"
#define CLEAR_THIRD_IF_FIRST_IS_0 \
	"	cbnz x0, 1f\n" \
	"	and w2, w2, #~" DEEPBIND "\n" \
	"1:\n"
#define JUMP_TO_RESULT_OF(function) \
	"	stp x29, x30, [sp, #-48]!\n" \
	"	.cfi_def_cfa_offset 48\n" \
	"	.cfi_offset x29, -48\n" \
	"	.cfi_offset x30, -40\n" \
	"	stp x0, x1, [sp, #16]\n" \
	"	str x2, [sp, #32]\n" \
	"	bl " function "\n" \
	"	mov x16, x0\n" \
	"	ldr x2, [sp, #32]\n" \
	"	ldp x0, x1, [sp, #16]\n" \
	"	ldp x29, x30, [sp], #48\n" \
	"	.cfi_restore x29\n" \
	"	.cfi_restore x30\n" \
	"	.cfi_def_cfa_offset 0\n" \
	"	br x16\n"
#else
#error "write dlopen() for this processor: it must end in a jump"
#endif

#define FUNCTION(name, body) \
	".globl " name "\n" \
	".type " name ", %function\n" \
	name ":\n" \
	"	.cfi_startproc\n" \
	body \
	"	.cfi_endproc\n" \
	".size " name ", . - " name "\n"

__asm__(".pushsection .text.apart, \"ax\"\n"
	FUNCTION("dlopen", CLEAR_SECOND
		 JUMP_TO_RESULT_OF("qn_dlopen_next"))
	FUNCTION("dlmopen", CLEAR_THIRD_IF_FIRST_IS_0
		 JUMP_TO_RESULT_OF("qn_dlmopen_next"))
	".popsection\n");
/* clang-format on */
