/* SPDX-License-Identifier: MIT */
/*
 * local-internal.h - what the files that make up a local share: local.c, local-medium.c
 * and remote.c; and tally.c, which looks into it.
 *
 * They alone include this; what others may call is in local.h.
 */
#ifndef QN_LOCAL_INTERNAL_H
#define QN_LOCAL_INTERNAL_H

#include "process/local.h"

/* A thread that lives on what it has looks around once in so many refills */
#define QN_REFILLS_AT_HOME 64

/* ---- local.c ---- */

/* What others left to do for this thread: a new table, the inbox; and its own batch */
void qn_local_look_around(struct qn_local *l);

/*
 * A request is sampled, by a countdown that was drawn with *@interval: the next one may
 * have another. Return: bytes to the next one
 */
__cold u32 qn_local_sample_note(struct qn_local *l, size_t size, u32 *interval);

/*
 * A slab of @l that is full, and all of whose objects were freed by others, goes back to
 * the segments.
 *
 * Context: hub.threads held, any thread.
 */
void qn_local_slab_return(struct qn_local *l, struct qn_unit *u);

/* The owner frees: also what process.h does inline */
static __always_inline void qn_local_free(struct qn_local *l, struct qn_unit *u,
					  void *p)
{
	qn_link_push(&u->free, p);
	if (--u->count == 0)
		qn_local_event(l, u);
}

/*
 * Bring what the statistics know of a slab up to date.
 *
 * Context: the owner, or hub.threads held for an orphan.
 */
void qn_local_slab_sync(struct qn_local *l, struct qn_unit *u);

/* ---- local-medium.c ---- */

/* Account what is pending of medium blocks in the statistics page */
void qn_local_medium_account(struct qn_local *l);

/* Bytes of medium blocks to the next sample */
ptrdiff_t qn_local_medium_draw(struct qn_local *l);

/* Chunks that are all free go back; pages of free runs too */
void qn_local_medium_settle(struct qn_local *l);
void qn_local_medium_trim(struct qn_local *l);
const char *qn_local_medium_check(struct qn_local *l);

/*
 * qn_local_medium_take() - others freed blocks of a thread that does not look
 * @l:		its local
 * @list:	objects of it; without the blocks afterwards
 *
 * Context: hub.threads held.
 * Return: false if the thread is about its blocks just now.
 */
bool qn_local_medium_take(struct qn_local *l, void **list);

/* qn_local_medium_free() where many blocks come back one after another */
static __always_inline void qn_local_medium_free_inline(struct qn_local *l,
							const struct qn_unit *u,
							void *p)
{
	qn_medium_free(&l->medium, u, p);
	if (unlikely(l->medium.free > l->medium.most))
		qn_local_medium_much(l);
}

/* ---- remote.c ---- */

/*
 * What others freed goes back to where it belongs.
 *
 * Context: the owner, or hub.threads held for an orphan.
 */
void qn_local_collect(struct qn_local *l);

/* Purge all free whole pages of @l's chunks. Context: others, with hub.threads held. */
void qn_local_medium_idle(struct qn_local *l);

#endif /* QN_LOCAL_INTERNAL_H */
