// SPDX-License-Identifier: MIT
/*
 * startup.c - from reset to main() on an STM32F407 or another Cortex-M4, and
 * what happens on a fault.
 *
 * A fault prints the registers that tell its cause and ends the run with a
 * status of its own. Two faults are survived: the read of board_can_read(), and
 * a semihosting call that no debugger answers.
 */
#include "board.h"
#include "console.h"
#include "print.h"
#include "semihost.h"

#define FAULT_STATUS 70
#define NR_IRQS      82

#define CPACR          (*(volatile u32 *)0xe000ed88)
#define CPACR_FPU_FULL (0xfu << 20)
#define SHCSR          (*(volatile u32 *)0xe000ed24)
#define SHCSR_FAULTS   (7u << 16)
#define CFSR           (*(volatile u32 *)0xe000ed28)
#define CFSR_PRECISE   (1u << 9)
#define HFSR           (*(volatile u32 *)0xe000ed2c)
#define HFSR_DEBUGEVT  (1u << 31)
#define MMFAR          (*(volatile u32 *)0xe000ed34)
#define BFAR           (*(volatile u32 *)0xe000ed38)
#define ICSR           (*(volatile u32 *)0xe000ed04)

extern u32 __data_load[], __data_start[], __data_end[];
extern u32 __bss_start[], __bss_end[];
extern void (*__init_array_start[])(void), (*__init_array_end[])(void);
extern u32 __stack_bottom[], __stack_top[];

void Reset_Handler(void);

const bool board_is_privileged = true;

/* Set while a fault means "no memory there" */
static volatile bool probing;
static volatile bool probe_failed;

/**
 * struct frame - what the core stacks when it takes an exception
 */
struct frame {
	u32 r0, r1, r2, r3, r12, lr, pc, xpsr;
};

/* The instruction at @pc has 16 bits unless its top five say otherwise */
static u32 next_pc(u32 pc)
{
	return pc + ((*(const u16 *)(uintptr_t)pc >> 11) >= 0x1d ? 4 : 2);
}

bool board_can_read(const volatile u32 *address)
{
	probe_failed = false;
	probing = true;
	(void)*address;
	probing = false;
	return !probe_failed;
}

static bool survive(struct frame *f)
{
	if (HFSR & HFSR_DEBUGEVT) {
		HFSR = HFSR_DEBUGEVT;
		f->r0 = ~0u;
	} else if (probing && (CFSR & CFSR_PRECISE)) {
		CFSR = CFSR;
		probe_failed = true;
	} else {
		return false;
	}
	f->pc = next_pc(f->pc);
	return true;
}

static bool on_stack(const struct frame *f)
{
	return (uintptr_t)f >= (uintptr_t)__stack_bottom &&
	       (uintptr_t)(f + 1) <= (uintptr_t)__stack_top;
}

static void print_fault(const struct frame *f)
{
	print_error("fault: exception %u, CFSR %08x, HFSR %08x, MMFAR %08x, "
		    "BFAR %08x\n",
		    ICSR & 0x1ff, CFSR, HFSR, MMFAR, BFAR);
	if (!on_stack(f)) {
		print_error("fault: the stack overflowed, SP was %08x\n",
			    (u32)(uintptr_t)f);
		return;
	}
	print_error("fault: PC %08x, LR %08x, xPSR %08x, "
		    "R0-R3 %08x %08x %08x %08x\n",
		    f->pc, f->lr, f->xpsr, f->r0, f->r1, f->r2, f->r3);
}

/* Called from the handlers below, on a stack that is known to be good */
__attribute__((used)) static void handle_fault(struct frame *f)
{
	if (on_stack(f) && survive(f))
		return;
	print_fault(f);
	semihost_exit(FAULT_STATUS);
}

/*
 * One body for every exception that has no handler of its own. It finds the
 * stacked frame and, where the stack overflowed, starts a new one at the top.
 */
__attribute__((naked)) static void fault(void)
{
	__asm__ volatile("tst lr, #4\n"
			 "ite eq\n"
			 "mrseq r0, msp\n"
			 "mrsne r0, psp\n"
			 "ldr r1, =__stack_bottom + 256\n"
			 "cmp sp, r1\n"
			 "itt lo\n"
			 "ldrlo r1, =__stack_top\n"
			 "movlo sp, r1\n"
			 "b handle_fault\n"
			 ".ltorg");
}

static void copy_data(void)
{
	const u32 *from = __data_load;

	if (from == __data_start)
		return;
	for (u32 *to = __data_start; to < __data_end;)
		*to++ = *from++;
}

static void clear_bss(void)
{
	for (u32 *p = __bss_start; p < __bss_end;)
		*p++ = 0;
}

static void run_constructors(void)
{
	for (void (**f)(void) = __init_array_start; f < __init_array_end; f++)
		(*f)();
}

void Reset_Handler(void)
{
	CPACR |= CPACR_FPU_FULL;
	SHCSR |= SHCSR_FAULTS;
	__asm__ volatile("dsb\n isb");
	copy_data();
	clear_bss();
	run_constructors();
	console_run();
}

/* Handlers: an application replaces one by defining a function of its name */
#define HANDLER(name) \
	void name##_Handler(void) __attribute__((weak, alias("fault")));
#define IRQ(name) \
	void name##_IRQHandler(void) __attribute__((weak, alias("fault")));
#define RESERVED()
#include "stm32f407-vectors.h"
#undef HANDLER
#undef IRQ
#undef RESERVED

#define HANDLER(name) name##_Handler,
#define IRQ(name)     name##_IRQHandler,
#define RESERVED()    NULL,

/**
 * struct vectors - what the core reads at reset and at each exception
 * @stack:	first stack pointer
 * @handler:	exceptions 1 to 15, then the interrupts of the chip
 */
struct vectors {
	u32 *stack;
	void (*handler[15 + NR_IRQS])(void);
};

#define SECTION_VECTORS __attribute__((section(".vectors"), used))

SECTION_VECTORS static const struct vectors vectors = {
	.stack = __stack_top,
	.handler = {
		Reset_Handler,
#include "stm32f407-vectors.h"
	},
};
