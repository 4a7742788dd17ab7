/* SPDX-License-Identifier: MIT */
/*
 * interrupt.h - interrupts of the command: noted, so that it can say what it has and
 * leave nothing behind.
 *
 * Below launch.h, which passes them on to a program, and stream.h, whose reading they end.
 */
#ifndef QN_INTERRUPT_H
#define QN_INTERRUPT_H

#include "base/compiler.h"

/**
 * qn_interrupt_catch() - from now on an interrupt does not end the command at once
 *
 * SIGINT, SIGTERM and SIGHUP are noted, also those that come while a program runs and are
 * meant for that.
 */
void qn_interrupt_catch(void);

/* Is it one of these signals */
bool qn_is_interrupt(int signo);

/* Note one that came on another way */
void qn_interrupt_note(int signo);

/* The signal that was noted last, or 0 */
int qn_interrupted(void);

/* What was noted was dealt with: the next one counts */
void qn_interrupt_forget(void);

#endif /* QN_INTERRUPT_H */
