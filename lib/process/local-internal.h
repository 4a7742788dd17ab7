/* SPDX-License-Identifier: MIT */
/*
 * local-internal.h - what the files that make up a local share: local*.c and remote.c;
 * and tally.c, which looks into it.
 *
 * They alone include this; what others may call is in local.h.
 */
#ifndef QN_LOCAL_INTERNAL_H
#define QN_LOCAL_INTERNAL_H

#include "process/local.h"
#include "process/trap.h"

/* A thread that lives on what it has looks around once in so many refills */
#define QN_REFILLS_AT_HOME 64
/* Account a class once so many bytes or objects are pending */
#define QN_PENDING_BYTES   (64 << 10)
#define QN_PENDING_OBJECTS 1024
/*
 * Links of a list that are followed when it is handed over; of one in so many lists,
 * and of a thread's first ones, all
 */
#define QN_LINKS_A_REFILL 4
#define QN_REFILLS_A_WALK 32
#define QN_REFILLS_FIRST  64

/* ---- local.c ---- */

/* Samples go to the hub, as far as there is room */
void qn_local_hand_in(struct qn_local *l);

/*
 * A request is sampled, by a countdown that was drawn with *@interval: the next one may
 * have another. Return: bytes to the next one
 */
__cold u32 qn_local_sample_note(struct qn_local *l, size_t size, u32 least,
				u32 *interval);

/* Bytes to the next sample of a countdown: see qn_trap_draw() */
u32 qn_local_draw(struct qn_local *l, u32 least, u32 *interval);

/* Of a list: to the end in a short life, and now and then in a long one */
static __always_inline u32 qn_local_links_to_follow(const struct qn_local *l)
{
	if (unlikely(l->nr_refills % QN_REFILLS_A_WALK == 0) ||
	    l->nr_refills < QN_REFILLS_FIRST)
		return UINT32_MAX;
	return QN_LINKS_A_REFILL;
}

/* ---- local-slab.c ---- */

/* @u is no longer current: it goes where it belongs now */
void qn_local_slab_retire(struct qn_local *l, struct qn_local_class *k,
			  struct qn_unit *u);

/* Objects waiting in a list go back to their slabs */
void qn_local_heads_flush(struct qn_local *l, unsigned int c);

/* The class starts afresh: what it has is not handed out any more */
void qn_local_class_retire(struct qn_local *l, unsigned int c);

/* A queued slab, or a new one, becomes the current one. Return: it, or NULL. */
struct qn_unit *qn_local_class_next_slab(struct qn_local *l,
					 struct qn_local_class *k);

/*
 * The current slab has few free objects, and others wait in the queue: the first takes its
 * place if it has more.
 *
 * Return: the current slab now.
 */
struct qn_unit *qn_local_class_woken(struct qn_local *l,
				     struct qn_local_class *k);

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

/* ---- local-account.c ---- */

/* What is pending of a class is told to the hub */
void qn_local_class_account(struct qn_local *l, struct qn_local_class *k);

/* The same, once much is pending */
static __always_inline void
qn_local_class_account_much(struct qn_local *l, struct qn_local_class *k)
{
	if (unlikely(k->pending_live >= QN_PENDING_BYTES ||
		     k->pending_live <= -QN_PENDING_BYTES ||
		     k->pending_allocs >= QN_PENDING_OBJECTS))
		qn_local_class_account(l, k);
}

/* Objects of @u came into use or out of it */
static __always_inline void qn_local_slab_sync_used(struct qn_local_class *k,
						    struct qn_unit *u)
{
	u16 used = (u16)qn_slab_used(u);

	k->pending_live += ((s32)used - (s32)u->synced) * (s32)u->osize;
	u->synced = used;
}

/*
 * Bring what the statistics know of a slab up to date.
 *
 * Context: the owner, or hub.threads held for an orphan.
 */
void qn_local_slab_sync(struct qn_local *l, struct qn_unit *u);

/* A thread with an empty list comes to the slow path, and there to a look around */
static inline void qn_local_exact_go_on(struct qn_local *l)
{
	l->nr_refills = UINT32_MAX;
}

/* The lists are empty: each malloc is counted by itself from now on */
void qn_local_exact_start(struct qn_local *l);

/* ---- local-life.c ---- */

/* What others left to do for this thread: a new table, the inbox; and its own batch */
void qn_local_look_around(struct qn_local *l);

/* ---- local-medium.c ---- */

/* Account what is pending of medium blocks in the statistics page */
void qn_local_medium_account(struct qn_local *l);

/* Bytes of medium blocks to the next sample */
ptrdiff_t qn_local_medium_draw(struct qn_local *l);

/* Chunks that are all free go back; pages of free runs too */
void qn_local_medium_settle(struct qn_local *l);

/* Much is free in chunks: does the program need memory elsewhere by now? */
void qn_local_medium_yield(struct qn_local *l);
void qn_local_medium_trim(struct qn_local *l);
void qn_local_medium_press(struct qn_local *l);

/* The same of sparse slabs */
void qn_local_sparse_press(struct qn_local *l);

/* Sparse slabs waited to become empty: long enough? */
void qn_local_sparse_again(struct qn_local *l);
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
