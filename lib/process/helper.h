/* SPDX-License-Identifier: MIT */
/*
 * helper.h - a thread that gives memory back while the program is idle.
 *
 * Everything else in quern runs in calls of malloc and free: a program that stops calling
 * keeps what it has. The helper is asked for (knob helper; a price set by hand asks for it,
 * too), begins when QN_HELPER_FROM bytes are dirty, and sleeps without limit when nothing is
 * left to give back. It purges dirty runs that are old, free whole pages in chunks of
 * threads that did not allocate meanwhile, and all that threads left that are gone.
 *
 * It has no local, allocates nothing, and takes the heap's locks as any thread does, a
 * slice at a time. All its signals are blocked. A child after fork() has none, and gets its
 * own when it needs one. A process with a helper has two threads: that is why no process
 * gets one unasked (unshare(), setns(), checks before fork()).
 */
#ifndef QN_HELPER_H
#define QN_HELPER_H

#include "base/compiler.h"

struct qn_hub;

/* Dirty bytes that are worth a thread */
#define QN_HELPER_FROM ((size_t)4 << 20)

/**
 * enum qn_helper_state - a word that both sides write
 * @QN_HELPER_NONE: there is no thread
 * @QN_HELPER_WORKS: it works, or sleeps for a time
 * @QN_HELPER_SLEEPS: it sleeps until it is woken
 * @QN_HELPER_FAILED: there could not be one
 */
enum qn_helper_state {
	QN_HELPER_NONE,
	QN_HELPER_WORKS,
	QN_HELPER_SLEEPS,
	QN_HELPER_FAILED,
};

/**
 * struct qn_helper - of a hub
 * @state:	enum qn_helper_state, atomic
 * @is_wanted:	a thread should start it or wake it, atomic
 * @start:	makes the thread, which calls qn_helper_run(); false if it cannot. NULL:
 *		there is never one
 */
struct qn_helper {
	u32 state;
	bool is_wanted;
	bool (*start)(void);
};

/* Is there work for it? Sets @is_wanted. Context: any. */
void qn_helper_look(struct qn_hub *hub);

/*
 * @is_wanted is set: start it, or wake it. Context: a thread in a call of malloc, which holds
 * no lock and has no list in its hands, since to make a thread allocates.
 */
void qn_helper_call(struct qn_hub *hub);

/**
 * qn_helper_round() - what it does each time
 * @hub:	the hub
 *
 * Context: takes the hub's locks. Bounded by the threads and what is old.
 * Return: milliseconds until the next, or 0 if there is nothing left to give back.
 */
u32 qn_helper_round(struct qn_hub *hub);

/* The thread: never returns. */
void qn_helper_run(struct qn_hub *hub) __noreturn;

/* A child after fork() has none */
void qn_helper_fork_child(struct qn_hub *hub);

#endif /* QN_HELPER_H */
