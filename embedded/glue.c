// SPDX-License-Identifier: MIT
/*
 * glue.c - one heap over all the RAM that the linker script has left.
 */
#include "glue.h"
#include "compiler.h"
#include "port/port.h"

extern char __heap_start[], __heap_end[];

__weak struct qn_heap *qn_board_heap(void)
{
	static struct qn_lock lock;
	static struct qn_heap *heap;

	if (likely(heap))
		return heap;
	qn_port_lock(&lock);
	if (!heap)
		heap = qn_heap_init(__heap_start,
				    (size_t)(__heap_end - __heap_start));
	qn_port_unlock(&lock);
	return heap;
}
