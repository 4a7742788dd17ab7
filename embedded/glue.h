/* SPDX-License-Identifier: MIT */
/*
 * glue.h - the heap behind names that others have chosen: malloc, operator new.
 *
 * Between lib/ and newlib.c, new.cc: those do not own memory. glue.c has a default that
 * suits firmware with one heap.
 */
#ifndef GLUE_H
#define GLUE_H

#include "quern.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * qn_board_heap() - the heap that malloc and operator new serve from
 *
 * Unless firmware defines a function of this name, it is made at the first call, over
 * the memory between __heap_start and __heap_end of the linker script.
 *
 * Context: any; if the archive has no lock (QN_LOCK_IRQ) the first call must not be
 * interrupted by another. Constant time but for the first call.
 * Return: the heap; NULL if the memory is too small for one.
 */
struct qn_heap *qn_board_heap(void);

/**
 * qn_board_lock(), qn_board_unlock() - what keeps tasks apart that use operator new
 *
 * They do nothing unless firmware defines them; freertos.c does. Not needed if the
 * archive masks interrupts itself (QN_LOCK_IRQ), nor without tasks. They need not nest.
 */
void qn_board_lock(void);
void qn_board_unlock(void);

/**
 * qn_board_no_memory() - operator new has no memory and may not fail
 * @size:	bytes asked for
 *
 * Called by the forms without std::nothrow. Unless firmware defines it, the program
 * stops with a message. It may free memory and return: the request is tried again.
 */
void qn_board_no_memory(size_t size);

#ifdef __cplusplus
}
#endif

#endif /* GLUE_H */
