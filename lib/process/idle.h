/* SPDX-License-Identifier: MIT */
/*
 * idle.h - what the helper does: give back what is old, and what idle threads have.
 *
 * Above local.h. helper.h tells when there is such a thread; a round is all its work.
 */
#ifndef QN_IDLE_H
#define QN_IDLE_H

#include "process/hub.h"

/**
 * qn_idle_round() - what it does each time
 * @hub:	the hub
 *
 * Context: takes the hub's locks. Bounded by the threads and what is old.
 * Return: milliseconds until the next, or 0 if there is nothing left to give back.
 */
u32 qn_idle_round(struct qn_hub *hub);

/* The thread of the hub @arg, until it is to end */
void qn_idle_run(void *arg);

#endif /* QN_IDLE_H */
