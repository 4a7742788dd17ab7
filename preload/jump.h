/* SPDX-License-Identifier: MIT */
/*
 * jump.h - a function of libc's name, which does something and jumps to the next of its name.
 *
 * A call would show: dlopen() takes the caller's search path and namespace from the return
 * address, syscall() and clone() have arguments that nobody can pass on, and clone()
 * returns twice. So it is assembly, since C has no way to ask for a jump.
 */
#ifndef QN_JUMP_H
#define QN_JUMP_H

/**
 * qn_jump_next() - the next function in line, found when it is first asked for
 * @known:	0 at first
 * @name:	of the function
 *
 * At the start nobody may ask for it, and a look-up costs.
 *
 * Return: its address, or that of a function that returns NULL.
 */
void *qn_jump_next(void **known, const char *name)
	__attribute__((visibility("hidden")));

/* clang-format off */
#if defined(__x86_64__)
#define JUMP_PUSH(r) "	pushq %" r "\n	.cfi_adjust_cfa_offset 8\n"
#define JUMP_POP(r)  "	popq %" r "\n	.cfi_adjust_cfa_offset -8\n"
/* Seven words and the return address: the stack is aligned */
#define JUMP_TO_RESULT_OF(function) \
	JUMP_PUSH("rdi") JUMP_PUSH("rsi") JUMP_PUSH("rdx") \
	JUMP_PUSH("rcx") JUMP_PUSH("r8") JUMP_PUSH("r9") JUMP_PUSH("rbx") \
	"	call " function "\n" \
	"	movq %rax, %r11\n" \
	JUMP_POP("rbx") JUMP_POP("r9") JUMP_POP("r8") \
	JUMP_POP("rcx") JUMP_POP("rdx") JUMP_POP("rsi") JUMP_POP("rdi") \
	"	xorl %eax, %eax\n" \
	"	jmp *%r11\n"
#elif defined(__aarch64__)
#define JUMP_TO_RESULT_OF(function) \
	"	stp x29, x30, [sp, #-80]!\n" \
	"	.cfi_def_cfa_offset 80\n" \
	"	.cfi_offset x29, -80\n" \
	"	.cfi_offset x30, -72\n" \
	"	stp x0, x1, [sp, #16]\n" \
	"	stp x2, x3, [sp, #32]\n" \
	"	stp x4, x5, [sp, #48]\n" \
	"	stp x6, x7, [sp, #64]\n" \
	"	bl " function "\n" \
	"	mov x16, x0\n" \
	"	ldp x6, x7, [sp, #64]\n" \
	"	ldp x4, x5, [sp, #48]\n" \
	"	ldp x2, x3, [sp, #32]\n" \
	"	ldp x0, x1, [sp, #16]\n" \
	"	ldp x29, x30, [sp], #80\n" \
	"	.cfi_restore x29\n" \
	"	.cfi_restore x30\n" \
	"	.cfi_def_cfa_offset 0\n" \
	"	br x16\n"
#else
#error "write it for this processor: it must end in a jump"
#endif

#define JUMP_FUNCTION(name, body) \
	".globl " name "\n" \
	".type " name ", %function\n" \
	name ":\n" \
	"	.cfi_startproc\n" \
	body \
	"	.cfi_endproc\n" \
	".size " name ", . - " name "\n"
/* clang-format on */

#endif /* QN_JUMP_H */
