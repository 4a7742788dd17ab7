/* SPDX-License-Identifier: MIT */
/*
 * f-systick.h - the timer and the pending interrupts of a Cortex-M, for images that
 * interrupt themselves.
 */
#ifndef TESTS_F_SYSTICK_H
#define TESTS_F_SYSTICK_H

#include "base/compiler.h"

#define SYST_CSR       (*(volatile u32 *)0xe000e010)
#define SYST_CSR_START 7u
#define SYST_RVR       (*(volatile u32 *)0xe000e014)
#define SYST_CVR       (*(volatile u32 *)0xe000e018)
#define ICSR           (*(volatile u32 *)0xe000ed04)
#define ICSR_PENDSVSET (1u << 28)
#define SHPR3          (*(volatile u32 *)0xe000ed20)

#endif /* TESTS_F_SYSTICK_H */
