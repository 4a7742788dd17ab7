// SPDX-License-Identifier: MIT
/* Regions as a board has them: a remainder of 300 bytes, before or between the large ones */
#include <stdio.h>

#include "FreeRTOS.h"
#include "task.h"

static uint8_t tiny[300], mid[6000], large[20000];
static int nr_failed;
uint32_t f_traced;

void f_assert(int ok, const char *what)
{
	if (!ok)
		printf("configASSERT: %s\n", what);
	nr_failed += !ok;
}

void vApplicationMallocFailedHook(void)
{
}

void vTaskSuspendAll(void)
{
}

BaseType_t xTaskResumeAll(void)
{
	return 0;
}

int main(void)
{
	HeapRegion_t regions[] = {
#ifdef ORDER
		{ large, sizeof(large) },
		{ tiny, sizeof(tiny) },
		{ mid, sizeof(mid) },
#else
		{ tiny, sizeof(tiny) },
		{ mid, sizeof(mid) },
		{ large, sizeof(large) },
#endif
		{ NULL, 0 },
	};
	void *p, *q;

	vPortDefineHeapRegions(regions);
	p = pvPortMalloc(15000);
	q = pvPortMalloc(5000);
	printf("%d asserts failed; 15000: %s; 5000: %s\n", nr_failed,
	       p ? "served" : "NULL", q ? "served" : "NULL");
	return fflush(stdout);
}
