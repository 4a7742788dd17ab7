/* SPDX-License-Identifier: MIT */
/*
 * stack.h - who called: return addresses of this thread, and which files they lie in.
 *
 * By libgcc's unwinder, which reads the tables for exceptions: programs as they are
 * distributed have those, also where they are in C, but no frame pointers. It is
 * loaded once, before the first stack is wanted, and tried out, so that what it sets up
 * on first use is set up. From then on it takes no lock and allocates nothing where the
 * C library has _dl_find_object() (glibc 2.35); elsewhere there are no stacks. One
 * exception: code that was made at run time and registered with it (JIT compilers)
 * makes it allocate once; both users of this file serve that call or refuse it.
 */
#ifndef QN_STACK_H
#define QN_STACK_H

#include "base/compiler.h"

/**
 * qn_stack_start() - find the unwinder, and try it out
 * @may_load:	load it if it is not there. Not from a constructor that runs before the
 *		C library's own: dlopen() would run that with no arguments and no
 *		environment.
 *
 * Context: once, while the process starts; allocates.
 * Return: NULL, or why there are no stacks.
 */
const char *qn_stack_start(bool may_load);

/**
 * qn_stack_take() - return addresses, the innermost first
 * @pcs:	filled in; those of the library that this is part of are left out
 * @most:	entries of it
 *
 * Context: any, also within malloc(); takes no lock. Time grows with @most.
 * Return: how many; 0 if stacks cannot be had.
 */
unsigned int qn_stack_take(uintptr_t *pcs, unsigned int most);

/**
 * qn_stack_locate() - the file that an address lies in
 * @pc:		an address
 * @base:	what its addresses begin at, so that @pc - @base is what its tables have
 *
 * Context: as qn_stack_take().
 * Return: the file's name; NULL if there is none.
 */
const char *qn_stack_locate(uintptr_t pc, uintptr_t *base);

/* The addresses of the library that this is part of, once stacks can be had */
void qn_stack_own(uintptr_t *start, uintptr_t *end);

#endif /* QN_STACK_H */
