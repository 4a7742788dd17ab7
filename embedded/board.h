/* SPDX-License-Identifier: MIT */
/*
 * board.h - what the machine under the firmware offers: memory and a counter.
 *
 * startup.c and the linker scripts are below, applications above. The host
 * builds of the applications do without this file.
 */
#ifndef BOARD_H
#define BOARD_H

#include "base/compiler.h"
#include "counter.h"

/**
 * struct board_memory - a piece of RAM that nothing else uses
 * @start:	first byte
 * @size:	bytes; 0 if this machine lacks the memory
 */
struct board_memory {
	void *start;
	size_t size;
};

/* What SRAM has left, and what CCM has left */
struct board_memory board_sram(void);
struct board_memory board_ccm(void);

/**
 * board_counter_init() - look for a counter that can be trusted
 * @c:		filled in; @c->read is NULL if there is none
 *
 * The cycle counter of the core where it runs; else SysTick, if it proves to
 * advance by the same number for the same instructions each time, as it does
 * under QEMU's -icount and not otherwise.
 */
void board_counter_init(struct counter *c);

/**
 * board_can_read() - is there memory at an address
 *
 * In startup.c: a read that faults is caught.
 */
bool board_can_read(const volatile u32 *address);

/* True where system registers can be reached: not in QEMU's user mode */
extern const bool board_is_privileged;

#endif /* BOARD_H */
