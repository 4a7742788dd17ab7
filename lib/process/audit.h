/* SPDX-License-Identifier: MIT */
/*
 * audit.h - a look for damage where a program or a thread ends.
 *
 * free() has no time to notice a second free or a link that was overwritten: a refill
 * that comes upon it does. Where no refill follows, this look does. Above the locals,
 * called from process.c.
 */
#ifndef QN_AUDIT_H
#define QN_AUDIT_H

#include "process/hub.h"
#include "process/local.h"

/**
 * qn_audit_thread() - look at the lists of a local
 * @l:		the local of the calling thread, which ends
 *
 * Context: the owner. Bounded time. Stops the program with a message where something
 * was freed twice or written to after it was freed.
 */
void qn_audit_thread(struct qn_local *l);

/**
 * qn_audit_process() - look at what the calling thread and none has
 * @hub:	the hub
 * @l:		the local of the calling thread
 *
 * Other threads may go on meanwhile; what is theirs is not looked at. Locks are taken
 * if they are free. Bounded time.
 *
 * Context: the end of the process, also in a signal handler that interrupted any code
 * of the heap.
 */
void qn_audit_process(struct qn_hub *hub, struct qn_local *l);

#endif /* QN_AUDIT_H */
