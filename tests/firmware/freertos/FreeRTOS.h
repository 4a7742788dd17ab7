/* SPDX-License-Identifier: MIT */
/*
 * FreeRTOS.h - what embedded/freertos.c needs of the kernel's headers, over the small
 * kernel of f-freertos.c. Names and types are those of FreeRTOS.
 */
#ifndef TESTS_FREERTOS_H
#define TESTS_FREERTOS_H

#include <stddef.h>
#include <stdint.h>

typedef long BaseType_t;
typedef uint32_t TickType_t;

#define pdFALSE ((BaseType_t)0)
#define pdTRUE  ((BaseType_t)1)

#ifndef F_REGIONS
#define configTOTAL_HEAP_SIZE ((size_t)(7 * 1024))
#else
#define configHEAP_CLEAR_MEMORY_ON_FREE 1
#endif
#define configUSE_MALLOC_FAILED_HOOK 1

void f_assert(int ok, const char *what);
#define configASSERT(x) f_assert(!!(x), #x)

extern uint32_t f_traced;
#define traceMALLOC(p, size) (f_traced += (p) ? (size) : 0)
#define traceFREE(p, size)   (f_traced -= (size))

typedef struct HeapRegion {
	uint8_t *pucStartAddress;
	size_t xSizeInBytes;
} HeapRegion_t;

/* Members in the kernel's order */
typedef struct xHeapStats {
	size_t xAvailableHeapSpaceInBytes;
	size_t xSizeOfLargestFreeBlockInBytes;
	size_t xSizeOfSmallestFreeBlockInBytes;
	size_t xNumberOfFreeBlocks;
	size_t xMinimumEverFreeBytesRemaining;
	size_t xNumberOfSuccessfulAllocations;
	size_t xNumberOfSuccessfulFrees;
} HeapStats_t;

void vPortDefineHeapRegions(const HeapRegion_t *const regions);
void vPortGetHeapStats(HeapStats_t *to);
void *pvPortMalloc(size_t size);
void *pvPortCalloc(size_t n, size_t size);
void vPortFree(void *p);
void vPortInitialiseBlocks(void);
void vPortHeapResetState(void);
size_t xPortGetFreeHeapSize(void);
size_t xPortGetMinimumEverFreeHeapSize(void);
void xPortResetHeapMinimumEverFreeHeapSize(void);
void vApplicationMallocFailedHook(void);

#endif /* TESTS_FREERTOS_H */
