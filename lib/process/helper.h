/* SPDX-License-Identifier: MIT */
/*
 * helper.h - a thread that gives memory back while the program is idle.
 *
 * Everything else in quern runs in calls of malloc and free: a program that stops calling
 * keeps what it has. The helper purges dirty runs that are old, free whole pages in chunks of
 * threads that did not allocate for as long, and all that threads left that are gone.
 *
 * When there is one, by the knob helper and what could be given back (qn_hub_reserve()):
 *
 *	helper:0			never
 *	others may ask things of the	at once, and it never sleeps for longer than a second
 *	process (is_wanted)
 *	less than 4 MB			not yet
 *	less than 16 MB			once the process is a second old
 *	16 MB and more			at once
 *	the program calls unshare(),	never again: the thread is gone before the call is
 *	setns(), or restricts itself	made (preload/leave.c)
 *	by seccomp
 *	fork(), _Fork(), clone()	none meanwhile, and a tenth of a second later again, in
 *					parent and child
 *
 * These bytes are fewer at a price below the preset, in proportion, but 128 KB at least.
 *
 * It sleeps without limit when nothing is left to give back. The C library does not know of
 * it (thread.c in lib/port), so it is nobody that others have to wait for. All its signals are
 * blocked. It has no local, allocates nothing, and takes the heap's locks as any thread
 * does, a slice at a time (idle.h). In ps and top it is quern-helper.
 */
#ifndef QN_HELPER_H
#define QN_HELPER_H

#include "base/compiler.h"
#include "base/knobs.h"
#include "port/port.h"

/* Bytes that are worth a thread in a process that has just begun, in others, and at any price */
#define QN_HELPER_FROM_YOUNG ((size_t)16 << 20)
#define QN_HELPER_FROM       ((size_t)4 << 20)
#define QN_HELPER_FROM_LEAST ((size_t)128 << 10)

/* Microseconds for which a process is young, and for which none begins after a fork() */
#define QN_HELPER_YOUNG_US 1000000u
#define QN_HELPER_PAUSE_US 100000u

/* A thread is idle that did not allocate in so many rounds */
#define QN_HELPER_ROUNDS 4u

/**
 * enum qn_helper_state - a word that both sides write
 * @QN_HELPER_NONE: there is no thread
 * @QN_HELPER_WORKS: it works, or sleeps for a time
 * @QN_HELPER_SLEEPS: it sleeps until it is woken
 * @QN_HELPER_ENDS: it is told to end
 * @QN_HELPER_NEVER: there is none any more
 */
enum qn_helper_state {
	QN_HELPER_NONE,
	QN_HELPER_WORKS,
	QN_HELPER_SLEEPS,
	QN_HELPER_ENDS,
	QN_HELPER_NEVER,
};

/**
 * struct qn_helper - of a hub
 * @state:	enum qn_helper_state, atomic
 * @from:	bytes that could be given back at which a thread starts it or wakes it; atomic.
 *		No more than the first call needs where there was none yet, or other knobs
 *		are in use: qn_helper_begin()
 * @not_before:	microseconds: none is started before
 * @is_wanted:	there is one whatever could be given back
 * @bell:	a word that others change when they want something of it (a futex that
 *		processes share), or NULL. Whoever writes there may wake it, and no more
 * @run:	what it runs, with @arg, as long as @state is WORKS or SLEEPS; NULL: there is
 *		never one
 * @lock:	taken to start it and to end it
 * @thread:	it
 *
 * @state goes from NONE to WORKS and between WORKS and SLEEPS; by ENDS back to NONE, or to
 * NEVER. @lock is held where it leaves NONE, and where it comes to NONE or NEVER.
 */
struct qn_helper {
	u32 state;
	size_t from;
	u64 not_before;
	bool is_wanted;
	u32 *bell;
	void (*run)(void *arg);
	void *arg;
	struct qn_lock lock;
	struct qn_port_thread thread;
};

/*
 * Bytes that are worth a thread. A thread costs time, so with a price below the preset fewer
 * bytes are worth one, in proportion. Any context.
 */
size_t qn_helper_from(const struct qn_knobs *knobs, bool is_young);

/*
 * Nothing is known of it yet, or other knobs are in use: the next thread to account decides, if
 * a thread can be worth it by then. Without a call for small processes: the code stays out of
 * their memory. Any context.
 */
static inline void qn_helper_begin(struct qn_helper *h,
				   const struct qn_knobs *knobs)
{
	bool may_be_early = h->is_wanted || knobs->price < QN_PRICE_PRESET;

	WRITE_ONCE(h->from, may_be_early ? 0 : QN_HELPER_FROM);
}

/**
 * qn_helper_call() - so much could be given back: start it or wake it, if it is time
 * @h:		the helper
 * @reserve:	how much
 * @knobs:	in use
 * @is_young:	the process is
 *
 * Context: any. Sets @from so that it is not called in vain.
 */
void qn_helper_call(struct qn_helper *h, size_t reserve,
		    const struct qn_knobs *knobs, bool is_young);

/* The bell as it is now, for qn_helper_rest(). Context: the helper. */
static inline u32 qn_helper_bell(const struct qn_helper *h)
{
	u32 *bell = READ_ONCE(h->bell);

	return bell ? __atomic_load_n(bell, __ATOMIC_SEQ_CST) : 0;
}

/**
 * qn_helper_rest() - sleep for a time
 * @h:		the helper
 * @heard:	the bell before it looked whether somebody wants something
 * @ms:		at most so long; not 0
 *
 * Ends early where the helper is to end, or when the bell is another one than @heard.
 * Context: the helper.
 */
void qn_helper_rest(struct qn_helper *h, u32 heard, u32 ms);

/**
 * qn_helper_sleep() - nothing is left: it sleeps until there is more
 * @h:		the helper
 * @rest:	bytes that could not be given back, yet
 * @knobs:	in use
 *
 * Return: false if it is to end.
 */
bool qn_helper_sleep(struct qn_helper *h, size_t rest,
		     const struct qn_knobs *knobs);

/**
 * qn_helper_end() - there is no helper when this returns
 * @h:		the helper
 * @for_good:	and never again; else not for QN_HELPER_PAUSE_US
 *
 * Context: no lock of the heap is held. Waits for what the helper is at: a slice.
 */
void qn_helper_end(struct qn_helper *h, bool for_good);

/* A child after fork() has none */
void qn_helper_fork_child(struct qn_helper *h, const struct qn_knobs *knobs);

#endif /* QN_HELPER_H */
