// SPDX-License-Identifier: MIT
/*
 * sampler-main.c - all instructions of the sensor pipeline on quern's heap, to be
 * held against those of the same image without the sampler (QN_SAMPLING=0).
 *
 *	policy=fixed	(or rule) fixed: both images do the same to the last block, so
 *			that what differs is the sampler alone
 *	ops=N		calls of the heap
 *	seed=N		what happens
 *	step=N		calls of the heap between two steps of it
 *	heap=N		bytes; if a request fails the status is 3
 *
 * Nothing stands between the pipeline and the heap: this counts more than the heap. With KNOWN
 * each size comes to a call of its own, for hints.awk.
 */
#include <string.h>

#include "board.h"
#include "heap-quern.h"
#include "heap/heap-const.h"
#include "options.h"
#include "pipeline.h"
#include "print.h"
#include "quern.h"

#define STATUS_OK        0
#define STATUS_BAD       1
#define STATUS_USAGE     2
#define STATUS_EXHAUSTED 3

static struct pipeline pipeline;

#ifdef KNOWN
/*
 * As if each site asked for one size, which the compiler knows: 0 and all call the heap, 1 and
 * they take a held block in place. The way to the case is the same.
 */
#define CASE(k)                                                         \
	case k:                                                         \
		__asm__ volatile("@ %0" : : "i"(k));                    \
		return KNOWN ? qn_heap_alloc_const(h, k * QN_GRANULE) : \
			       qn_heap_alloc(h, k * QN_GRANULE);

static void *alloc_known(void *heap, size_t size)
{
	struct qn_heap *h = heap;

	/* clang-format off */
	switch (DIV_ROUND_UP(size, QN_GRANULE)) {
	CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8) CASE(9)
	CASE(10) CASE(11) CASE(12) CASE(13) CASE(14) CASE(15) CASE(16)
	CASE(17) CASE(18) CASE(19) CASE(20) CASE(21) CASE(22)
	}
	/* clang-format on */
	return qn_heap_alloc(h, size);
}
#endif

/* The counter may go round in a run, but not in a tick of the pipeline */
static u64 count_run(const struct counter *counter)
{
	u32 before = counter->read(), now;
	u64 ticks = 0;
	bool more;

	do {
		more = pipeline_tick(&pipeline);
		now = counter->read();
		ticks += (now - before) & counter->mask;
		before = now;
	} while (more);
	return ticks * 1000 / counter->per_1000;
}

/* The heap of firmware does not count its calls */
static u32 nr_allocs(const struct store *s)
{
	u32 nr = 0;

	for (int kind = 0; kind < NR_BLOCK_KINDS; kind++)
		nr += s->kind_allocs[kind];
	return nr;
}

static int run(const struct options *o, const struct counter *counter)
{
	struct board_memory sram = board_sram();
	struct qn_heap *heap = qn_heap_init(sram.start, o->heap);
	struct heap_ops ops = heap_quern(heap);
	struct pipeline_config config = {
		.seed = o->seed,
		.budget = o->scale * 1024,
		.nr_ops = o->ops,
		.step_every = o->step,
	};
	struct qn_stats st;
	u64 total;

	if (o->heap > sram.size || !heap)
		return STATUS_USAGE;
#ifdef KNOWN
	ops.alloc = alloc_known;
#endif
	qn_heap_set_policy(heap, o->is_fixed ? "fixed" : "rule");
	pipeline_init(&pipeline, &config, &ops, sram.start);
	total = count_run(counter);
	if (qn_heap_stats(heap, &st) || qn_heap_check(heap))
		return STATUS_BAD;
	print("instructions=%u thousand=%u calls=%u allocs=%u samples=%u "
	      "checksum=%08x\n",
	      (u32)(total % 1000), (u32)(total / 1000), pipeline.store.nr_ops,
	      nr_allocs(&pipeline.store), (u32)st.nr_samples,
	      pipeline_checksum(&pipeline));
	return pipeline.store.nr_failed ? STATUS_EXHAUSTED : STATUS_OK;
}

int main(int argc, char **argv)
{
	struct counter counter;
	struct options options;

	board_counter_init(&counter);
	if (!counter.read) {
		print_error("sampler: this machine counts no instructions\n");
		return STATUS_BAD;
	}
	if (!options_parse(&options, argc, argv))
		return STATUS_USAGE;
	return run(&options, &counter);
}
