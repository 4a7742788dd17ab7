// SPDX-License-Identifier: MIT
/*
 * startup-user.c - from the entry point to main() in QEMU's user mode.
 *
 * The counterpart of startup.c where the emulator has loaded data, cleared .bss
 * and turned the FPU on; a fault is the emulator's to report.
 */
#include "board.h"
#include "console.h"

void Reset_Handler(void);

const bool board_is_privileged = false;

bool board_can_read(const volatile u32 *address)
{
	(void)*address;
	return true;
}

__attribute__((used)) static void start(void)
{
	console_run();
}

/* A stack in the firmware's own SRAM instead of the process's */
__attribute__((naked)) void Reset_Handler(void)
{
	__asm__ volatile("ldr r0, =__stack_top\n"
			 "mov sp, r0\n"
			 "b start\n"
			 ".ltorg");
}
