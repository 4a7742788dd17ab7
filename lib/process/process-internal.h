/* SPDX-License-Identifier: MIT */
/*
 * process-internal.h - what the files process*.c have of each other.
 *
 * They alone include this; preload/ knows process.h.
 */
#ifndef QN_PROCESS_INTERNAL_H
#define QN_PROCESS_INTERNAL_H

#include "format/print.h"
#include "process/process.h"
#include "process/share.h"

/* The hub of this process; of use once qn_process_is_ready */
extern struct qn_hub qn_hub __attribute__((visibility("hidden")));

/* ---- process-life.c ---- */

/* There is a heap. Set with release, so who sees it sees all of the hub. */
extern bool qn_process_is_ready __attribute__((visibility("hidden")));

/* Make the heap. Return: false if there is no memory. */
bool qn_process_hub_start(void);

/* The calling thread has no local of its own: one, or NULL */
struct qn_local *qn_process_self_slow(void);

/* A local for the calling thread: its own, a first one, or a borrowed one */
static __always_inline struct qn_local *qn_process_self(void)
{
	struct qn_local *l = qn_self;

	return likely(l != &qn_local_none) ? l : qn_process_self_slow();
}

/* Done with what qn_process_self() returned */
static inline void qn_process_self_put(struct qn_local *l)
{
	qn_assert(l != &qn_local_none);
	if (unlikely(l != qn_self))
		qn_local_put(l);
}

/* ---- process-page.c ---- */

/* The page of a process that runs; @start: when it began, in us, or 0: now */
void qn_process_page_init(struct qn_stats_page *page, u64 start);

/* Who we are, for those who read the page from outside. Context: the program's thread. */
void qn_process_page_sign(struct qn_stats_page *page);

/*
 * From now on the page is the file @fd, and who writes there may ask (control.h). Return: false
 * if the file has no room. Context: hub.learn held.
 */
bool qn_process_page_map(int fd);

/* From now on the page is a file in @dir that others can read, also when we are gone */
void qn_process_page_publish(const char *dir);

/* A child: its parent's file must not see its figures */
void qn_process_page_leave(void);

/* A child: what it did not do itself does not belong into its figures */
void qn_process_page_restart(struct qn_stats_page *page);

/* ---- process-fork.c ---- */

#define QN_PROCESS_LOCKS 8u

/* Number @i of the heap's locks, in lock order. Context: any. */
struct qn_lock *qn_process_lock(unsigned int i);

/* ---- process-live.c ---- */

/* The settings have something for live views. Context: the program's first thread. */
void qn_process_live_start(void);

/* A child: it has no file yet. Return: whether the page was one. */
bool qn_process_live_child(void);

/* The last figures are in the page: the file goes, the metrics are written anew */
void qn_process_live_finish(void);

/* ---- process-report.c ---- */

/**
 * qn_process_print_metrics() - the figures as OpenMetrics
 * @p:		where they go
 * @page:	brought up to date
 */
void qn_process_print_metrics(struct qn_print *p,
			      const struct qn_stats_page *page);

/* The short report: to where QUERN_CONF=report: says */
void qn_process_report(const char *where);

/* ---- process.c ---- */

/* No memory: count it, set errno. Return: NULL. */
void *qn_process_fail(void);

/*
 * How qn_process_alloc() goes about it: the block may be fenced; no second try; it is known
 * whether it is guarded
 */
#define QN_PROCESS_FENCE  1u
#define QN_PROCESS_LAST   2u
#define QN_PROCESS_CHOSEN 4u

/*
 * Everything that the fast paths leave; @old: bytes at its start that may not be zero.
 * @how: QN_PROCESS_*, or 0
 */
void *qn_process_alloc(size_t size, size_t align, size_t *old,
		       unsigned int how);

/*
 * The system has no address space for a request, by RLIMIT_AS say. All that is free is
 * given back, so that pieces of several kinds become one run, and it is tried once more;
 * not one that is for more than all of that.
 */
void *qn_process_alloc_again(size_t size, size_t align, size_t *old);

/* The descriptor of a block; NULL after a message if the program goes on then */
struct qn_unit *qn_process_unit(const char *where, const void *p);

/* Bytes that a block can hold, of any kind; SIZE_MAX after a message as above */
size_t qn_process_block_size(struct qn_unit *u, const void *p,
			     const char *where);

/* Whatever is noticed of a block at some cost: nothing moves it or gives it back yet */
void qn_process_block_look(const struct qn_unit *u, const void *p,
			   const char *where);

/* An object of a slab of the thread's own, perhaps one that it freed just now */
void qn_process_own_look(const struct qn_unit *u, const void *p,
			 const char *where);

/* A fenced block, whether or not the thread has a local */
void qn_process_fence_free(struct qn_unit *u, void *p);

/* ---- process-direct.c ---- */

/*
 * A block of a run of units of its own; @old: bytes at its start that may not be zero.
 * Return: NULL if there is no memory.
 */
void *qn_process_large_alloc(struct qn_local *l, size_t size, size_t align,
			     size_t *old);

/* @dirty: bytes of the block that may be resident */
void qn_process_large_free(struct qn_unit *u, size_t dirty);

/* Make a large block fit where it lies. Return: false if it cannot. */
bool qn_process_large_resize(struct qn_unit *u, size_t size);

/*
 * Blocks above the medium ones that leave a page or more of their units; and those
 * aligned to a page, if little or nothing of their last page is left over. Of others a
 * medium block serves what is before it and behind it to others.
 */
static inline bool qn_process_is_shared(size_t size, size_t align)
{
	if (size > QN_SHARE_BYTES || align > QN_UNIT_SIZE)
		return false;
	if (size > QN_MEDIUM_MAX || align > QN_MEDIUM_MAX)
		return (size - 1) % QN_UNIT_SIZE < QN_UNIT_SIZE - QN_PART_SIZE;
	return align >= QN_PART_SIZE &&
	       (size - 1) % QN_PART_SIZE >= QN_PART_SIZE / 4 * 3;
}

/* A block of whole pages; as qn_process_large_alloc() */
void *qn_process_shared_alloc(struct qn_local *l, size_t size, size_t align,
			      size_t *old);

/* Bytes of such a block; SIZE_MAX after a message from @where if none begins at @p */
size_t qn_process_shared_size(struct qn_unit *u, const void *p,
			      const char *where);

/* @dirty: it may be resident; else it was purged */
void qn_process_shared_free(struct qn_unit *u, void *p, bool dirty);

/* The same as qn_process_large_resize() */
bool qn_process_shared_resize(struct qn_unit *u, void *p, size_t size);

#endif /* QN_PROCESS_INTERNAL_H */
