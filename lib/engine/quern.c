// SPDX-License-Identifier: MIT
/*
 * quern.c - quern's heap of one's own as an engine: hands on to qn_heap_*().
 *
 * In a process it is not what serves malloc() by default (slabs and threads do,
 * process.c), but the heap that firmware has, over one piece of memory.
 */
#include "engine/engine.h"

/* A bit a granule is written at the start: 8 MB of them for this much */
#define MOST ((size_t)1 << 30)

static void *quern_init(void *mem, size_t size)
{
	return qn_heap_init(mem, size);
}

static void *quern_alloc(void *heap, size_t size)
{
	return qn_heap_alloc(heap, size);
}

static void *quern_aligned(void *heap, size_t align, size_t size)
{
	return qn_heap_alloc_aligned(heap, align, size);
}

static void *quern_realloc(void *heap, void *p, size_t size)
{
	return qn_heap_realloc(heap, p, size);
}

static void quern_free(void *heap, void *p)
{
	qn_heap_free(heap, p);
}

static size_t quern_usable(void *heap, const void *p)
{
	return qn_heap_usable_size(heap, (void *)(uintptr_t)p);
}

static int quern_step(void *heap)
{
	return qn_heap_step(heap);
}

static void quern_stats(void *heap, struct qn_engine_stats *st)
{
	struct qn_stats s;

	qn_heap_stats(heap, &s);
	*st = (struct qn_engine_stats){
		.size = s.size,
		.metadata = s.metadata,
		.live = s.live,
		.nr_live = s.nr_live,
		.free = s.free,
		.largest_free = s.largest_free,
	};
}

static const char *quern_check(void *heap)
{
	return qn_heap_check(heap) ? qn_heap_error(heap) : NULL;
}

const struct qn_engine qn_engine_quern = {
	.name = "quern-heap",
	.about = "quern's heap over one piece of memory, as in firmware",
	.most = MOST,
	.init = quern_init,
	.alloc = quern_alloc,
	.aligned = quern_aligned,
	.realloc = quern_realloc,
	.free = quern_free,
	.usable = quern_usable,
	.step = quern_step,
	.stats = quern_stats,
	.check = quern_check,
};
