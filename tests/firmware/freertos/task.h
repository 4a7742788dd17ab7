/* SPDX-License-Identifier: MIT */
/*
 * task.h - tasks, by the names of FreeRTOS; see f-freertos.c.
 */
#ifndef TESTS_FREERTOS_TASK_H
#define TESTS_FREERTOS_TASK_H

#include "FreeRTOS.h"

void vTaskDelay(TickType_t ticks);
void vTaskSuspendAll(void);
BaseType_t xTaskResumeAll(void);

#endif /* TESTS_FREERTOS_TASK_H */
