/* SPDX-License-Identifier: MIT */
/*
 * heap-quern.h - quern's own heap as the operations of heap-ops.h.
 */
#ifndef HEAP_QUERN_H
#define HEAP_QUERN_H

#include "heap-ops.h"
#include "quern.h"

static void *heap_quern_alloc(void *heap, size_t size)
{
	return qn_heap_alloc(heap, size);
}

static void heap_quern_free(void *heap, void *p)
{
	qn_heap_free(heap, p);
}

static void *heap_quern_realloc(void *heap, void *p, size_t size)
{
	return qn_heap_realloc(heap, p, size);
}

static int heap_quern_step(void *heap)
{
	return qn_heap_step(heap);
}

/* The operations of @heap */
static inline struct heap_ops heap_quern(struct qn_heap *heap)
{
	return (struct heap_ops){ heap, heap_quern_alloc, heap_quern_free,
				  heap_quern_realloc, heap_quern_step };
}

#endif /* HEAP_QUERN_H */
