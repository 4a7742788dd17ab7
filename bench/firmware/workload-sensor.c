// SPDX-License-Identifier: MIT
/*
 * workload-sensor.c - the pipeline of embedded/ over a heap that writes down what
 * is asked of it.
 *
 * The memory itself comes from malloc(), each block with its slot in front. The
 * pipeline refers to blocks by 32-bit offsets, so they lie in one array.
 */
#include <stdlib.h>
#include <string.h>

#include "pipeline.h"
#include "print.h"
#include "quern.h"
#include "workload.h"

#define ARENA_SIZE ((size_t)8 << 20)

/**
 * struct recorder - a heap that writes down
 * @writer:	to here
 * @heap:	where the memory comes from
 */
struct recorder {
	struct writer *writer;
	struct qn_heap *heap;
};

/* What stands before each block */
struct label {
	_Alignas(QN_ALIGN) u16 slot;
};

static _Alignas(64) u8 arena[ARENA_SIZE];

/* The pipeline's own complaints; it has none to make here */
void print_write(enum print_stream to, const char *text, size_t size)
{
	fwrite(text, 1, size, to == PRINT_OUT ? stdout : stderr);
}

static struct label *label_of(void *p)
{
	return (struct label *)p - 1;
}

static void *with_label(struct label *l, u16 slot)
{
	if (!l)
		abort();
	l->slot = slot;
	return l + 1;
}

static void *record_alloc(void *heap, size_t size)
{
	struct recorder *r = heap;

	return with_label(qn_heap_alloc(r->heap, sizeof(struct label) + size),
			  writer_alloc(r->writer, (u32)size));
}

static void record_free(void *heap, void *p)
{
	struct recorder *r = heap;

	writer_free(r->writer, label_of(p)->slot);
	qn_heap_free(r->heap, label_of(p));
}

static void *record_realloc(void *heap, void *p, size_t size)
{
	struct recorder *r = heap;
	u16 slot = label_of(p)->slot;

	writer_resize(r->writer, slot, (u32)size);
	return with_label(qn_heap_realloc(r->heap, label_of(p),
					  sizeof(struct label) + size),
			  slot);
}

void workload_sensor(struct writer *w, u32 seed)
{
	static struct pipeline pipeline;
	struct recorder recorder = { w, qn_heap_init(arena, ARENA_SIZE) };
	struct heap_ops ops = { &recorder, record_alloc, record_free,
				record_realloc, NULL };
	struct pipeline_config config = {
		.seed = seed,
		.budget = w->budget,
		.nr_ops = w->max_nr,
	};

	pipeline_init(&pipeline, &config, &ops, arena);
	while (pipeline_tick(&pipeline))
		;
}
