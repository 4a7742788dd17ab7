/* SPDX-License-Identifier: MIT */
/*
 * control.h - what others ask of a running process, by the control words of its page.
 *
 * Whoever may write the page's file may ask for other knobs, another policy, free memory to be
 * returned, and more figures (enum qn_stats_command in format/statspage.h). The helper looks
 * when the bell of the page rings; where there is none, a thread that hands in samples does.
 *
 * The page may hold anything: a request is copied first, each of its values is checked, and
 * what is not understood is answered by an error. An answer takes bounded time, apart from the
 * system's for memory that is returned.
 */
#ifndef QN_CONTROL_H
#define QN_CONTROL_H

#include "process/hub.h"

/* Is there a request that nobody has answered? Context: any. */
static inline bool qn_control_is_asked(const struct qn_hub *hub)
{
	return hub->control.is_on &&
	       READ_ONCE(hub->page->control.asked) != hub->control.seen;
}

/**
 * qn_control_begin() - from now on others may ask
 *
 * Context: hub.learn held. They do not see the page yet: what they ask for is not lost.
 */
void qn_control_begin(struct qn_hub *hub);

/* A child, whose page nobody sees: not any more. Context: the only thread. */
void qn_control_end(struct qn_hub *hub);

/**
 * qn_control_answer() - do what is asked for, and say so
 *
 * Nothing is done if another thread does it.
 *
 * Context: no lock of the heap is held but such as come before hub.learn; takes that and
 * segments.lock.
 */
void qn_control_answer(struct qn_hub *hub);

#endif /* QN_CONTROL_H */
