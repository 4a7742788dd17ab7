// SPDX-License-Identifier: MIT
/*
 * glue.c - one heap over all the RAM that the linker script has left, no tasks, and the
 * end of the program where operator new fails. Firmware replaces what does not suit it.
 */
#include "glue.h"
#include "base/compiler.h"
#include "port/debug.h"
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

__weak void qn_board_lock(void)
{
}

__weak void qn_board_unlock(void)
{
}

__weak void qn_board_no_memory(size_t size)
{
	qn_report("no memory for this many bytes:", size);
}
