// SPDX-License-Identifier: MIT
/*
 * f-freertos.c - tasks that allocate by pvPortMalloc() and vPortFree()
 * (embedded/freertos.c), under a small preemptive kernel of our own.
 *
 * The kernel has priorities and, among equals, takes turns at each tick. SysTick ticks
 * after random times; PendSV switches, with the registers of the FPU. Each task fills
 * and verifies its blocks, and looks after values that it keeps in FPU registers
 * meanwhile. The main program's thread is the idle task, which ends the run when all
 * tasks are done.
 *
 * Options: seed=N, ops=N operations of each task. With F_NO_LOCK the scheduler is not
 * suspended when it should be; no run survives that, and x-firmware-rtos.sh sees to it.
 */
#include <string.h>

#include "FreeRTOS.h"
#include "task.h"

#include "f.h"
#include "f-systick.h"
#include "glue.h"
#include "print.h"
#include "semihost.h"
#include "../random.h"

/* ---- the kernel ---- */

#define STACK_WORDS 512
#define NR_WORKERS  5
#define FOREVER     0xffffffffu

/**
 * struct task - a thread
 * @sp:		where its registers are while it does not run
 * @priority:	the highest of those that are ready runs
 * @wake:	ready from this tick on
 * @stack:	8-byte aligned
 */
struct task {
	u32 *sp;
	u32 priority;
	u32 wake;
	u32 stack[STACK_WORDS] __aligned(8);
};

/* The idle task is the first */
static struct task tasks[1 + NR_WORKERS];
static u32 current, now, suspended, nr_switches;
static bool has_yield;
static u32 tick_random;

void SysTick_Handler(void);
void PendSV_Handler(void);

static u32 mask(void)
{
	u32 old;

	__asm__ volatile("mrs %0, primask\n\tcpsid i" : "=r"(old)::"memory");
	return old;
}

static void unmask(u32 old)
{
	__asm__ volatile("msr primask, %0\n\tisb" ::"r"(old) : "memory");
}

static void yield(void)
{
	ICSR = ICSR_PENDSVSET;
	__asm__ volatile("dsb\n\tisb" ::: "memory");
}

/* The next in turn of those with the highest priority that are ready */
static u32 choose(void)
{
	u32 best = 0;

	for (u32 i = 1; i <= ARRAY_SIZE(tasks); i++) {
		u32 next = (current + i) % ARRAY_SIZE(tasks);
		const struct task *t = &tasks[next];

		if ((s32)(now - t->wake) >= 0 && t->wake != FOREVER &&
		    t->priority > tasks[best].priority)
			best = next;
	}
	return best;
}

/* From PendSV: the stack pointer of one task for that of another */
__attribute__((used)) static u32 *switch_task(u32 *sp)
{
	u32 old = mask(), from = current;

	tasks[current].sp = sp;
	if (suspended)
		has_yield = true;
	else
		current = choose();
	nr_switches += current != from;
	unmask(old);
	return tasks[current].sp;
}

__attribute__((naked)) void PendSV_Handler(void)
{
	__asm__ volatile("mrs r0, psp\n"
			 "tst lr, #0x10\n"
			 "it eq\n"
			 "vstmdbeq r0!, {s16-s31}\n"
			 "stmdb r0!, {r4-r11, lr}\n"
			 "bl switch_task\n"
			 "ldmia r0!, {r4-r11, lr}\n"
			 "tst lr, #0x10\n"
			 "it eq\n"
			 "vldmiaeq r0!, {s16-s31}\n"
			 "msr psp, r0\n"
			 "bx lr\n");
}

static void arm_tick(void)
{
	SYST_RVR = 300 + random_next(&tick_random) % 30000;
	SYST_CVR = 0;
}

void SysTick_Handler(void)
{
	now++;
	arm_tick();
	ICSR = ICSR_PENDSVSET;
}

void vTaskDelay(TickType_t ticks)
{
	tasks[current].wake = now + ticks;
	yield();
}

void vTaskSuspendAll(void)
{
	u32 old = mask();

#ifndef F_NO_LOCK
	suspended++;
#endif
	unmask(old);
}

BaseType_t xTaskResumeAll(void)
{
	u32 old = mask();
	bool due;

#ifndef F_NO_LOCK
	suspended--;
#endif
	due = !suspended && has_yield;
	if (due)
		has_yield = false;
	unmask(old);
	if (due)
		yield();
	return due ? pdTRUE : pdFALSE;
}

/* As if it had been interrupted at its first instruction, without FPU registers */
static void make_task(struct task *t, void (*run)(void *arg), void *arg,
		      u32 priority)
{
	u32 *sp = t->stack + STACK_WORDS;

	*--sp = 1u << 24;
	*--sp = (u32)(uintptr_t)run & ~1u;
	sp -= 5;
	*--sp = (u32)(uintptr_t)arg;
	*--sp = 0xfffffffd;
	sp -= 8;
	t->sp = sp;
	t->priority = priority;
	t->wake = 0;
}

/* Go on as the idle task, on its stack */
static void start_kernel(void (*idle)(void))
{
	SHPR3 = 0xffff0000;
	arm_tick();
	SYST_CSR = SYST_CSR_START;
	__asm__ volatile("msr psp, %0\n"
			 "movs r3, #2\n"
			 "msr control, r3\n"
			 "isb\n"
			 "bx %1\n" ::"r"(tasks[0].stack + STACK_WORDS),
			 "r"(idle)
			 : "r3", "memory");
}

/* ---- the tasks ---- */

/**
 * struct worker - a task that allocates
 * @actor:	what it does
 * @number:	from 1 on
 * @nr_ops:	operations to do
 * @is_done:	they are done
 */
struct worker {
	struct f_actor actor;
	u32 number;
	u32 nr_ops;
	bool is_done;
};

static struct worker workers[NR_WORKERS];
static u32 nr_hooks, seed;
u32 f_traced;

static const struct f_ops ops = { pvPortMalloc, vPortFree, NULL };

void vApplicationMallocFailedHook(void)
{
	nr_hooks++;
}

static __noreturn void stop(const char *what)
{
	SYST_CSR = 0;
	print_error("seed %u: %s\n", seed, what);
	semihost_exit(1);
}

void f_assert(int ok, const char *what)
{
	if (!ok)
		stop(what);
}

/* Registers that a function keeps, and some that it does not, a while */
static bool fpu_keeps(u32 tag)
{
	u32 a, b, c, d;

	__asm__ volatile("vmov s0, %4\n"
			 "vmov s15, %5\n"
			 "vmov s16, %6\n"
			 "vmov s31, %7\n"
			 "mov r3, #100\n"
			 "1: subs r3, #1\n"
			 "bne 1b\n"
			 "vmov %0, s0\n"
			 "vmov %1, s15\n"
			 "vmov %2, s16\n"
			 "vmov %3, s31\n"
			 : "=r"(a), "=r"(b), "=r"(c), "=r"(d)
			 : "r"(tag), "r"(tag + 1), "r"(tag + 2), "r"(tag + 3)
			 : "r3", "cc", "s0", "s15", "s16", "s31");
	return a == tag && b == tag + 1 && c == tag + 2 && d == tag + 3;
}

static void run_worker(void *arg)
{
	struct worker *w = arg;

	for (u32 i = 0; i < w->nr_ops; i++) {
		f_actor_step(&w->actor);
		if (w->actor.damage)
			stop(w->actor.damage);
		if (!fpu_keeps(w->number << 20 | i))
			stop("a register of the FPU has changed");
		if (w->number > 2 && i % 8 == 7)
			vTaskDelay(1 + i % w->number);
	}
	w->is_done = true;
	/* A tick between a look at the time and its use would wrap it around */
	vTaskDelay(FOREVER / 2);
	stop("a task that is done runs again");
}

/* ---- before and after ---- */

static void check_figures(void)
{
	HeapStats_t st;

	vPortGetHeapStats(&st);
	configASSERT(st.xAvailableHeapSpaceInBytes == xPortGetFreeHeapSize());
	configASSERT(st.xMinimumEverFreeBytesRemaining ==
		     xPortGetMinimumEverFreeHeapSize());
	configASSERT(st.xSizeOfLargestFreeBlockInBytes >=
		     st.xSizeOfSmallestFreeBlockInBytes);
	configASSERT(st.xSizeOfLargestFreeBlockInBytes <=
		     st.xAvailableHeapSpaceInBytes);
	configASSERT(st.xNumberOfFreeBlocks >= 1);
	configASSERT(qn_heap_check(qn_board_heap()) == 0);
}

/* One task, no scheduler: what each function does */
static void check_functions(void)
{
	size_t free = xPortGetFreeHeapSize(), least;
	u8 *p = pvPortMalloc(1000), *q;

	configASSERT(p && xPortGetFreeHeapSize() + 1000 <= free);
	least = xPortGetMinimumEverFreeHeapSize();
	configASSERT(least == xPortGetFreeHeapSize());
	memset(p, 0xff, 1000);
	vPortFree(p);
#ifdef F_REGIONS
	/* Neither what a free run keeps at its start nor at its end */
	for (u32 i = 16; i < 900; i++)
		configASSERT(p[i] == 0);
#endif
	configASSERT(xPortGetFreeHeapSize() == free);
	configASSERT(xPortGetMinimumEverFreeHeapSize() == least);
	xPortResetHeapMinimumEverFreeHeapSize();
	configASSERT(xPortGetMinimumEverFreeHeapSize() == free);

	q = pvPortCalloc(25, 40);
	for (u32 i = 0; i < 1000; i++)
		configASSERT(q[i] == 0);
	vPortFree(q);
	vPortFree(NULL);
	configASSERT(f_traced == 0);

	configASSERT(!nr_hooks);
	configASSERT(!pvPortMalloc(1 << 20) && nr_hooks == 1);
	configASSERT(!pvPortCalloc(1 << 20, 1 << 20) && nr_hooks == 2);
	configASSERT(!pvPortMalloc(0) && nr_hooks == 3);
	nr_hooks = 0;
	check_figures();
}

static size_t live_bytes(void)
{
	struct qn_stats live;

	configASSERT(qn_heap_stats(qn_board_heap(), &live) == 0);
	return live.live;
}

static void check_accounts(void)
{
	u32 nr_allocs = 2, nr_frees = 2, nr_failed = 0;
	HeapStats_t st;

	vPortGetHeapStats(&st);
	for (u32 i = 0; i < NR_WORKERS; i++) {
		nr_allocs += workers[i].actor.nr_allocs;
		nr_frees += workers[i].actor.nr_frees;
		nr_failed += workers[i].actor.nr_failed;
	}
	configASSERT(st.xNumberOfSuccessfulAllocations == nr_allocs);
	configASSERT(st.xNumberOfSuccessfulFrees == nr_frees);
	configASSERT(nr_hooks == nr_failed);
	configASSERT(f_traced == live_bytes());
}

static bool all_done(void)
{
	for (u32 i = 0; i < NR_WORKERS; i++)
		if (!READ_ONCE(workers[i].is_done))
			return false;
	return true;
}

static void idle(void)
{
	while (!all_done()) {
		vTaskSuspendAll();
		qn_heap_step(qn_board_heap());
		xTaskResumeAll();
	}
	SYST_CSR = 0;
	check_figures();
	check_accounts();
	for (u32 i = 0; i < NR_WORKERS; i++)
		if (f_actor_finish(&workers[i].actor))
			stop(workers[i].actor.damage);
	check_figures();
	configASSERT(f_traced == 0);
	print("seed %u: %u ticks, %u switches, %u requests failed\n", seed, now,
	      nr_switches, nr_hooks);
	semihost_exit(0);
}

int main(int argc, char **argv)
{
	static const u32 priorities[NR_WORKERS] = { 1, 1, 2, 2, 3 };
#ifdef F_REGIONS
	static u8 low[5 * 1024], high[3 * 1024];
	const HeapRegion_t regions[] = {
		{ low, sizeof(low) },
		{ high, sizeof(high) },
		{ NULL, 0 },
	};

	configASSERT(!pvPortMalloc(10) && nr_hooks == 1);
	nr_hooks = 0;
	vPortDefineHeapRegions(regions);
#endif
	seed = f_option(argc, argv, "seed", 1);
	tick_random = seed * 2654435761u;
	vPortInitialiseBlocks();
	check_functions();
	for (u32 i = 0; i < NR_WORKERS; i++) {
		struct worker *w = &workers[i];

		w->number = i + 1;
		w->nr_ops = f_option(argc, argv, "ops", 2000);
		f_actor_init(&w->actor, &ops, seed, i);
		make_task(&tasks[1 + i], run_worker, w, priorities[i]);
	}
	start_kernel(idle);
	return 1;
}
