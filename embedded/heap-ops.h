/* SPDX-License-Identifier: MIT */
/*
 * heap-ops.h - the heap as an application sees it.
 *
 * Chosen at run time: quern's heap, the same one measured (meter.h), or another
 * allocator that it is held against.
 */
#ifndef HEAP_OPS_H
#define HEAP_OPS_H

#include <stddef.h>

/**
 * struct heap_ops - a heap
 * @heap:	first argument of every call
 * @alloc, @free, @realloc: as malloc, free and realloc
 * @step:	upkeep for the idle loop; NULL if the heap has none
 */
struct heap_ops {
	void *heap;
	void *(*alloc)(void *heap, size_t size);
	void (*free)(void *heap, void *p);
	void *(*realloc)(void *heap, void *p, size_t size);
	int (*step)(void *heap);
};

#endif /* HEAP_OPS_H */
