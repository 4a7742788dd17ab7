// SPDX-License-Identifier: MIT
/*
 * bare.c - the port to a Cortex-M without an operating system.
 *
 * The lock is the interrupt mask; time is the cycle counter, where the core has
 * one. What only the board knows, where text goes and what stopping means, are
 * weak functions that firmware overrides.
 */
#include "base/config.h"
#include "port/mask.h"
#include "port/port.h"

#define SCB_DEMCR      (*(volatile u32 *)0xe000edfcu)
#define SCB_DEMCR_TRC  (1u << 24)
#define DWT_CTRL       (*(volatile u32 *)0xe0001000u)
#define DWT_CTRL_NOCYC (1u << 25)
#define DWT_CTRL_CYC   (1u << 0)
#define DWT_CYCCNT     (*(volatile u32 *)0xe0001004u)

/* Where a diagnostic goes; a board without a console need not have this */
__weak void qn_board_write(const char *text, size_t size);

__weak void qn_board_write(const char *text, size_t size)
{
	(void)text;
	(void)size;
}

/* The end after a diagnostic; a debugger finds the program here */
__weak __noreturn void qn_board_abort(void);

__weak __noreturn void qn_board_abort(void)
{
	for (;;)
		__asm__ volatile("" ::: "memory");
}

void qn_port_lock(struct qn_lock *lock)
{
	qn_mask_lock(lock);
}

bool qn_port_trylock(struct qn_lock *lock)
{
	qn_port_lock(lock);
	return true;
}

void qn_port_unlock(struct qn_lock *lock)
{
	qn_mask_unlock(lock);
}

/* Does the cycle counter exist and move; emulators have it and leave it at 0 */
static bool start_counter(void)
{
	u32 before;

	SCB_DEMCR |= SCB_DEMCR_TRC;
	if (DWT_CTRL & DWT_CTRL_NOCYC)
		return false;
	DWT_CTRL |= DWT_CTRL_CYC;
	before = DWT_CYCCNT;
	for (unsigned int i = 0; i < 16; i++)
		__asm__ volatile("" ::: "memory");
	return DWT_CYCCNT != before;
}

/*
 * Right if called at least once while the counter goes round: 25 s at 168 MHz
 */
u64 qn_port_clock(void)
{
	static enum {
		UNKNOWN,
		NONE,
		RUNS
	} counter;

	static u32 last, rest;
	static u64 usec;
	u32 now, cycles;

	if (counter == UNKNOWN)
		counter = start_counter() ? RUNS : NONE;
	if (counter == NONE)
		return 0;
	now = DWT_CYCCNT;
	cycles = now - last;
	last = now;
	usec += cycles / QN_CPU_MHZ;
	rest += cycles % QN_CPU_MHZ;
	if (rest >= QN_CPU_MHZ) {
		rest -= QN_CPU_MHZ;
		usec++;
	}
	return usec;
}

u32 qn_port_seed(void)
{
	return 0x9e3779b9u;
}

void qn_port_write(const char *text, size_t size)
{
	qn_board_write(text, size);
}

void qn_port_abort(void)
{
	qn_board_abort();
}
