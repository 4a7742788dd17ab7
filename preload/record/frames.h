/* SPDX-License-Identifier: MIT */
/*
 * frames.h - stacks for the recorder, who wants one for every call.
 *
 * Above stack.h, whose unwinder finds the tables and takes the stacks that are not
 * plain. A plain frame is left by a rule of eight bytes; the rule of a return address
 * is worked out once and kept, so a frame costs a look into a table.
 *
 * A rule tells the distance of the caller's stack from rsp or rbp, and where the caller's
 * rbp lies (cfi.h). libgcc finds the function's entry in .eh_frame. It takes the whole
 * stack where a frame is not plain: a signal's, or a function's that another register
 * tells of. A walk ends at code without an entry, such as code compiled at run time.
 *
 * dlclose() is intercepted (record.c). Afterwards all rules and sites are new ones, since
 * another library may come to the same addresses.
 */
#ifndef QN_FRAMES_H
#define QN_FRAMES_H

#include "base/compiler.h"

/* Find the tables of this process. Context: as qn_stack_start(), after it. */
void qn_frames_start(void);

/**
 * qn_frames_take() - return addresses, the innermost first
 * @pcs:	filled in; those of the library that this is part of are left out
 * @most:	entries of it
 *
 * Ends at code that no table knows (of a JIT compiler). Context: as qn_stack_take().
 *
 * Return: how many; 0 if stacks cannot be had.
 */
unsigned int qn_frames_take(uintptr_t *pcs, unsigned int most);

/* A library was unloaded: another may come to lie at its addresses */
void qn_frames_forget(void);

/* Return: how often that was */
unsigned int qn_frames_generation(void);

#endif /* QN_FRAMES_H */
