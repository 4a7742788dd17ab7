// SPDX-License-Identifier: MIT
/*
 * freertos.c - quern as the heap of FreeRTOS (V10.5 and V11), in place of one of the
 * kernel's heap_1.c to heap_5.c.
 *
 * The memory is ucHeap of configTOTAL_HEAP_SIZE bytes, as in heap_4.c, also with
 * configAPPLICATION_ALLOCATED_HEAP; or the regions of vPortDefineHeapRegions(), as in
 * heap_5.c, in any order. A region of less than some 470 bytes cannot hold what the heap
 * has to know about it: it is left out, and does not count as free memory. There may be
 * QN_NR_ZONES others; one more fails configASSERT. newlib.c and new.cc serve from the same heap
 * when they are linked as well: qn_board_heap() is defined here.
 *
 * The scheduler is suspended in each function, so interrupts must not allocate; they
 * are not masked. What the kernel's heaps do beyond that is done here too:
 * configUSE_MALLOC_FAILED_HOOK, configHEAP_CLEAR_MEMORY_ON_FREE, traceMALLOC() and
 * traceFREE(). A pointer that is no block ends the program by quern's own message.
 */
#include <string.h>

#include "FreeRTOS.h"
#include "task.h"

#include "glue.h"

static struct qn_heap *heap;

/* Calls of pvPortMalloc() that were served, and of vPortFree(); the heap need not count */
static size_t nr_allocs, nr_frees;

/* ---- memory ---- */

#ifdef configTOTAL_HEAP_SIZE
#if defined(configAPPLICATION_ALLOCATED_HEAP) && \
	configAPPLICATION_ALLOCATED_HEAP == 1
extern uint8_t ucHeap[configTOTAL_HEAP_SIZE];
#else
static uint8_t ucHeap[configTOTAL_HEAP_SIZE] __attribute__((aligned(QN_ALIGN)));
#endif

/* With the scheduler suspended */
struct qn_heap *qn_board_heap(void)
{
	if (!heap)
		heap = qn_heap_init(ucHeap, sizeof(ucHeap));
	return heap;
}
#else
struct qn_heap *qn_board_heap(void)
{
	return heap;
}
#endif

/* A region that has room for the heap's state beside blocks */
#define STATE_REGION ((size_t)8 * 1024)

/* The first region of that size, else the largest: there the heap's state goes */
static const HeapRegion_t *state_region(const HeapRegion_t *r)
{
	const HeapRegion_t *best = r;

	for (; r->xSizeInBytes; r++) {
		if (r->xSizeInBytes >= STATE_REGION)
			return r;
		if (r->xSizeInBytes > best->xSizeInBytes)
			best = r;
	}
	return best;
}

/* One that is too small to hold what the heap has to know about it is left out */
static bool add_region(const HeapRegion_t *r, unsigned int flags)
{
	int err = qn_heap_add_zone(heap, r->pucStartAddress, r->xSizeInBytes,
				   flags);

	return !err || err == -ENOSPC;
}

/*
 * Regions serve in the order in which they are given, wherever the heap's state is: those
 * before it are put first one by one, the last of them first.
 */
void vPortDefineHeapRegions(const HeapRegion_t *const regions)
{
	const HeapRegion_t *state = state_region(regions), *r;
	bool done = true;

	configASSERT(!heap);
	heap = qn_heap_init(state->pucStartAddress, state->xSizeInBytes);
	configASSERT(heap);
	if (!heap)
		return;
	for (r = state; r != regions;)
		done &= add_region(--r, QN_ZONE_FIRST);
	for (r = state + 1; r->xSizeInBytes; r++)
		done &= add_region(r, 0);
	configASSERT(done);
	(void)done;
}

/* Nothing to do: the heap is made when it is used first */
void vPortInitialiseBlocks(void)
{
}

/* For operator new */
void qn_board_lock(void)
{
	vTaskSuspendAll();
}

void qn_board_unlock(void)
{
	(void)xTaskResumeAll();
}

/* For newlib.c; a port of FreeRTOS may have them itself */
struct _reent;
void __malloc_lock(struct _reent *r);
void __malloc_unlock(struct _reent *r);

__attribute__((weak)) void __malloc_lock(struct _reent *r)
{
	(void)r;
	vTaskSuspendAll();
}

__attribute__((weak)) void __malloc_unlock(struct _reent *r)
{
	(void)r;
	(void)xTaskResumeAll();
}

/* Before the scheduler is started once more; all blocks are forgotten */
void vPortHeapResetState(void)
{
	heap = NULL;
	nr_allocs = 0;
	nr_frees = 0;
}

/* ---- blocks ---- */

/* As the kernel's heaps both macros are told what was served, if anything was */
static void trace_malloc(void *p, size_t size)
{
#ifdef traceMALLOC
	traceMALLOC(p, p ? qn_heap_usable_size(heap, p) : size);
#endif
	(void)p, (void)size;
}

static void *finish_malloc(void *p)
{
#if defined(configUSE_MALLOC_FAILED_HOOK) && configUSE_MALLOC_FAILED_HOOK == 1
	if (!p)
		vApplicationMallocFailedHook();
#endif
	return p;
}

/* As in the kernel's heaps, no block has 0 bytes */
void *pvPortMalloc(size_t size)
{
	struct qn_heap *h;
	void *p = NULL;

	vTaskSuspendAll();
	h = qn_board_heap();
	if (h && size)
		p = qn_heap_alloc(h, size);
	nr_allocs += p != NULL;
	trace_malloc(p, size);
	(void)xTaskResumeAll();
	return finish_malloc(p);
}

void *pvPortCalloc(size_t n, size_t size)
{
	size_t bytes;
	void *p;

	if (__builtin_mul_overflow(n, size, &bytes))
		return finish_malloc(NULL);
	p = pvPortMalloc(bytes);
	if (p)
		memset(p, 0, bytes);
	return p;
}

void vPortFree(void *p)
{
	if (!p)
		return;
	vTaskSuspendAll();
#if defined(configHEAP_CLEAR_MEMORY_ON_FREE) && \
	configHEAP_CLEAR_MEMORY_ON_FREE == 1
	memset(p, 0, qn_heap_usable_size(heap, p));
#endif
#ifdef traceFREE
	traceFREE(p, qn_heap_usable_size(heap, p));
#endif
	qn_heap_free(heap, p);
	nr_frees++;
	(void)xTaskResumeAll();
}

/* ---- figures ---- */

static struct qn_stats look(void)
{
	struct qn_stats st = { 0 };

	vTaskSuspendAll();
	(void)qn_heap_stats(qn_board_heap(), &st);
	(void)xTaskResumeAll();
	return st;
}

static size_t least_free(const struct qn_stats *st)
{
	return st->size - st->metadata - st->peak_live;
}

size_t xPortGetFreeHeapSize(void)
{
	return look().free;
}

size_t xPortGetMinimumEverFreeHeapSize(void)
{
	struct qn_stats st = look();

	return least_free(&st);
}

void xPortResetHeapMinimumEverFreeHeapSize(void)
{
	vTaskSuspendAll();
	if (qn_board_heap())
		qn_heap_reset_peak(heap);
	(void)xTaskResumeAll();
}

/* One piece of the heap: is it free, and how does its size compare */
static bool count_free(void *arg, void *p, size_t size, enum qn_state state)
{
	HeapStats_t *to = arg;

	(void)p;
	if (state == QN_USED)
		return true;
	to->xNumberOfFreeBlocks++;
	if (size > to->xSizeOfLargestFreeBlockInBytes)
		to->xSizeOfLargestFreeBlockInBytes = size;
	if (size < to->xSizeOfSmallestFreeBlockInBytes)
		to->xSizeOfSmallestFreeBlockInBytes = size;
	return true;
}

/* Walks the heap, with the scheduler suspended */
void vPortGetHeapStats(HeapStats_t *to)
{
	struct qn_stats st = { 0 };

	memset(to, 0, sizeof(*to));
	to->xSizeOfSmallestFreeBlockInBytes = SIZE_MAX;
	vTaskSuspendAll();
	if (qn_heap_stats(qn_board_heap(), &st) == 0)
		qn_heap_walk(heap, count_free, to);
	(void)xTaskResumeAll();
	to->xAvailableHeapSpaceInBytes = st.free;
	to->xMinimumEverFreeBytesRemaining = least_free(&st);
	to->xNumberOfSuccessfulAllocations = nr_allocs;
	to->xNumberOfSuccessfulFrees = nr_frees;
}
