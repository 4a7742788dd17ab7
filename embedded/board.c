// SPDX-License-Identifier: MIT
/*
 * board.c - memory bounds and the counter, for every machine of embedded/.
 *
 * Bounds come from the linker script, presence is found out at run time, so
 * that one image serves emulators that lack a part of the chip.
 */
#include "board.h"

#define SYST_CSR               (*(volatile u32 *)0xe000e010)
#define SYST_RVR               (*(volatile u32 *)0xe000e014)
#define SYST_CVR               (*(volatile u32 *)0xe000e018)
#define SYST_BITS              0xffffffu
#define SYST_ENABLE_CORE_CLOCK 0x5u

#define DEMCR         (*(volatile u32 *)0xe000edfc)
#define DEMCR_TRCENA  (1u << 24)
#define DWT_CTRL      (*(volatile u32 *)0xe0001000)
#define DWT_CYCCNT    (*(volatile u32 *)0xe0001004)
#define DWT_CYCCNTENA 1u

/* Rounds of the loop that SysTick is tried on, of two instructions each */
#define PROBE_ROUNDS 50000u

extern u8 __heap_start[], __heap_end[], __ccm_start[], __ccm_end[];

static struct board_memory memory(u8 *start, const u8 *end)
{
	struct board_memory m = { start, (size_t)(end - start) };

	if (!m.size || !board_can_read((const volatile u32 *)(void *)start))
		m.size = 0;
	return m;
}

struct board_memory board_sram(void)
{
	return memory(__heap_start, __heap_end);
}

struct board_memory board_ccm(void)
{
	return memory(__ccm_start, __ccm_end);
}

static u32 read_cycles(void)
{
	return DWT_CYCCNT;
}

static u32 read_systick(void)
{
	return SYST_BITS - SYST_CVR;
}

static void spin(u32 rounds)
{
	__asm__ volatile("1: subs %0, #1\n"
			 "bne 1b"
			 : "+r"(rounds)
			 :
			 : "cc");
}

static u32 spin_ticks(u32 rounds)
{
	u32 start = read_systick();

	spin(rounds);
	return (read_systick() - start) & SYST_BITS;
}

/* Ticks in 1000 instructions, rounded, less what reading the counter costs */
static u32 probe_systick(void)
{
	const u32 thousands = 2 * PROBE_ROUNDS / 1000;
	u32 one = spin_ticks(PROBE_ROUNDS);
	u32 two = spin_ticks(2 * PROBE_ROUNDS);

	return (two - one + thousands / 2) / thousands;
}

static bool find_cycles(struct counter *c)
{
	u32 start;

	DEMCR |= DEMCR_TRCENA;
	DWT_CTRL |= DWT_CYCCNTENA;
	start = DWT_CYCCNT;
	spin(16);
	if (DWT_CYCCNT == start)
		return false;
	*c = (struct counter){ read_cycles, ~0u, 1000, "cycles" };
	return true;
}

static bool find_instructions(struct counter *c)
{
	u32 ticks;

	SYST_RVR = SYST_BITS;
	SYST_CVR = 0;
	SYST_CSR = SYST_ENABLE_CORE_CLOCK;
	ticks = probe_systick();
	for (int i = 0; i < 4; i++)
		if (probe_systick() != ticks)
			return false;
	if (ticks < 1000)
		return false;
	*c = (struct counter){ read_systick, SYST_BITS, ticks, "instructions" };
	return true;
}

void board_counter_init(struct counter *c)
{
	*c = (struct counter){ 0 };
	if (!board_is_privileged)
		return;
	if (!find_cycles(c))
		find_instructions(c);
}
