/* SPDX-License-Identifier: MIT */
/*
 * mask.h - the lock of bare.c where it is the interrupt mask (QN_LOCK_IRQ), inline.
 *
 * The mask as it was goes into the lock: operations do not nest, but one may begin where
 * interrupts are masked already. Builds without that lock have no use for this file.
 */
#ifndef QN_PORT_MASK_H
#define QN_PORT_MASK_H

#include "base/config.h"
#include "port/port.h"

#if QN_LOCK_IRQ
static __always_inline void qn_mask_lock(struct qn_lock *lock)
{
	u32 mask;

	if (QN_LOCK_BASEPRI)
		__asm__ volatile("mrs %0, basepri\n\tmsr basepri_max, %1"
				 : "=&r"(mask)
				 : "r"(QN_LOCK_BASEPRI)
				 : "memory");
	else
		__asm__ volatile("mrs %0, primask\n\tcpsid i"
				 : "=r"(mask)
				 :
				 : "memory");
	lock->word = mask;
}

static __always_inline void qn_mask_unlock(struct qn_lock *lock)
{
	if (QN_LOCK_BASEPRI)
		__asm__ volatile("msr basepri, %0" ::"r"(lock->word)
				 : "memory");
	else
		__asm__ volatile("msr primask, %0" ::"r"(lock->word)
				 : "memory");
}
#else
static __always_inline void qn_mask_lock(struct qn_lock *lock)
{
	(void)lock;
}

static __always_inline void qn_mask_unlock(struct qn_lock *lock)
{
	(void)lock;
}
#endif

#endif /* QN_PORT_MASK_H */
