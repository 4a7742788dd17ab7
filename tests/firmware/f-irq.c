// SPDX-License-Identifier: MIT
/*
 * f-irq.c - interrupts allocate: the main loop, SysTick and PendSV share a heap, and
 * interrupt each other at random points.
 *
 * SysTick comes after a random time, again and again, and pends PendSV every other
 * time; SysTick interrupts PendSV, and both the main loop. Each takes, resizes and
 * gives back blocks of its own, filled and verified. In the end the heap is walked,
 * and its accounts have to be those of the three together.
 *
 * With QN_LOCK_BASEPRI SysTick changes its priority at random. Where the heap's mask
 * does not hold it back it must not allocate, and has to come also while the heap is
 * masked.
 *
 * Options: seeds=N runs with seeds from first=N on, each of ops=N operations of the
 * main loop. Without QN_LOCK_IRQ a run does not survive this: x-firmware-irq.sh sees
 * to that, too.
 */
#include "board.h"
#include "f.h"
#include "f-systick.h"
#include "base/config.h"
#include "print.h"
#include "quern.h"
#include "../random.h"

/* Priorities: SysTick where the mask holds it back, and where it does not */
#define PRIO_PENDSV 0xf0u
#define PRIO_MASKED 0x80u
#define PRIO_URGENT 0x10u

void SysTick_Handler(void);
void PendSV_Handler(void);

/**
 * struct ticks - what SysTick saw
 * @random:	decides when it comes next, and how urgent
 * @is_urgent:	the heap's mask does not hold back the next one
 * @nr:		times it came
 * @nr_urgent:	of those, urgent ones
 * @nr_in_mask:	of those, with the heap masked
 * @nr_pended:	times that PendSV came
 * @late:	longest time from when it was due, in ticks
 * @late_urgent: the same of urgent ones
 */
static struct ticks {
	u32 random;
	bool is_urgent;
	u32 nr;
	u32 nr_urgent;
	u32 nr_in_mask;
	u32 nr_pended;
	u32 late;
	u32 late_urgent;
} ticks;

static unsigned char memory[16 * 1024];
static struct qn_heap *heap;
static struct f_actor in_main, in_systick, in_pendsv;

static void *heap_alloc(size_t size)
{
	return qn_heap_alloc(heap, size);
}

static void heap_free(void *p)
{
	qn_heap_free(heap, p);
}

static void *heap_resize(void *p, size_t size)
{
	return qn_heap_realloc(heap, p, size);
}

static const struct f_ops ops = { heap_alloc, heap_free, heap_resize };

static bool heap_is_masked(void)
{
	u32 mask;

	__asm__ volatile("mrs %0, basepri" : "=r"(mask));
	return mask != 0;
}

static void set_urgency(bool is_urgent)
{
	u32 prio = is_urgent ? PRIO_URGENT : PRIO_MASKED;

	ticks.is_urgent = is_urgent;
	SHPR3 = prio << 24 | PRIO_PENDSV << 16;
}

/* The next one after 20 to 6000 instructions; it takes about 1000 itself */
static void arm_systick(void)
{
	SYST_RVR = 200 + random_next(&ticks.random) % 64000;
	SYST_CVR = 0;
}

static void handle_urgent(u32 late)
{
	ticks.nr_urgent++;
	ticks.nr_in_mask += heap_is_masked();
	ticks.late_urgent = max(ticks.late_urgent, late);
}

void SysTick_Handler(void)
{
	u32 late = SYST_RVR - SYST_CVR;

	ticks.nr++;
	if (ticks.is_urgent) {
		handle_urgent(late);
	} else {
		ticks.late = max(ticks.late, late);
		f_actor_step(&in_systick);
	}
	if (random_next(&ticks.random) & 1)
		ICSR = ICSR_PENDSVSET;
	if (QN_LOCK_BASEPRI)
		set_urgency(random_next(&ticks.random) & 1);
	arm_systick();
}

void PendSV_Handler(void)
{
	ticks.nr_pended++;
	f_actor_step(&in_pendsv);
}

static void work(u32 nr_ops)
{
	for (u32 i = 0; i < nr_ops && !in_main.damage; i++) {
		f_actor_step(&in_main);
		if (i % 16 == 0)
			qn_heap_step(heap);
	}
}

static bool has_failed(u32 seed, const char *what, u32 is, u32 should_be)
{
	if (is == should_be)
		return false;
	print_error("seed %u: %s %u, should be %u\n", seed, what, is,
		    should_be);
	return true;
}

/* The bytes of the blocks that an actor holds, as served */
static u32 bytes_of(const struct f_actor *a)
{
	u32 sum = 0;

	for (u32 i = 0; i < F_BLOCKS; i++)
		sum += qn_heap_usable_size(heap, a->blocks[i].p);
	return sum;
}

static bool accounts_fail(u32 seed)
{
	u32 nr = f_actor_nr(&in_main) + f_actor_nr(&in_systick) +
		 f_actor_nr(&in_pendsv);
	struct qn_stats st;

	qn_heap_stats(heap, &st);
	return has_failed(seed, "live blocks", st.nr_live, nr) ||
	       has_failed(seed, "live bytes", st.live,
			  bytes_of(&in_main) + bytes_of(&in_systick) +
				  bytes_of(&in_pendsv)) ||
	       has_failed(seed, "failed requests", st.nr_failed,
			  in_main.nr_failed + in_systick.nr_failed +
				  in_pendsv.nr_failed);
}

static bool actor_fails(u32 seed, const char *who, struct f_actor *a)
{
	const char *what = f_actor_finish(a);

	if (what)
		print_error("seed %u: %s found that %s\n", seed, who, what);
	return what != NULL;
}

static bool heap_fails(u32 seed)
{
	if (!qn_heap_check(heap))
		return false;
	print_error("seed %u: %s\n", seed, qn_heap_error(heap));
	return true;
}

static bool is_bad(u32 seed)
{
	struct qn_stats st;

	if (heap_fails(seed) || accounts_fail(seed))
		return true;
	if (actor_fails(seed, "the main loop", &in_main) ||
	    actor_fails(seed, "SysTick", &in_systick) ||
	    actor_fails(seed, "PendSV", &in_pendsv))
		return true;
	qn_heap_stats(heap, &st);
	return heap_fails(seed) ||
	       has_failed(seed, "blocks left", st.nr_live, 0) ||
	       has_failed(seed, "bytes left", st.live, 0);
}

static bool run(u32 seed, u32 nr_ops)
{
	heap = qn_heap_init(memory, sizeof(memory));
	f_actor_init(&in_main, &ops, seed, 0);
	f_actor_init(&in_systick, &ops, seed, 1);
	f_actor_init(&in_pendsv, &ops, seed, 2);
	ticks.random = in_main.random ^ 0x5bd1e995;
	set_urgency(false);
	arm_systick();
	SYST_CSR = SYST_CSR_START;
	work(nr_ops);
	SYST_CSR = 0;
	return !is_bad(seed);
}

static u32 instructions(u32 nr_ticks, u32 per_1000)
{
	return (u32)((u64)nr_ticks * 1000 / per_1000);
}

int main(int argc, char **argv)
{
	u32 seed = f_option(argc, argv, "first", 1);
	u32 end = seed + f_option(argc, argv, "seeds", 20);
	u32 nr_ops = f_option(argc, argv, "ops", 3000);
	struct counter counter;

	board_counter_init(&counter);
	if (!counter.per_1000)
		counter.per_1000 = 1000;
	for (; seed < end; seed++)
		if (!run(seed, nr_ops))
			return 1;
	print("interrupts           %u SysTick, %u PendSV\n", ticks.nr,
	      ticks.nr_pended);
	print("latest SysTick       %u instructions after it was due\n",
	      instructions(ticks.late, counter.per_1000));
	if (ticks.nr_urgent)
		print("urgent SysTick       %u, %u while masked, latest %u "
		      "instructions\n",
		      ticks.nr_urgent, ticks.nr_in_mask,
		      instructions(ticks.late_urgent, counter.per_1000));
	return 0;
}
