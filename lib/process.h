/* SPDX-License-Identifier: MIT */
/*
 * process.h - the one heap of a Linux process, as the preload library sees it.
 *
 * Above it stands only preload/, which gives these functions the C library's
 * names; below it local.h (what a thread keeps), slab.h and segment.h. The public
 * qn_malloc() family is defined in process.c by the same inline functions.
 */
#ifndef QN_PROCESS_H
#define QN_PROCESS_H

#include "compiler.h"
#include "conf.h"
#include "local.h"
#include "quern.h"
#include "statspage.h"

void *qn_process_malloc_slow(size_t size);
void qn_process_free_slow(void *p);

/**
 * qn_process_malloc() - the fast path of malloc
 *
 * A list in the thread's local holds objects that are ready: 14 instructions on
 * x86-64. A thread without a local has the empty one, whose lists are all empty.
 *
 * Return: a block, or NULL with errno ENOMEM.
 */
static __always_inline void *qn_process_malloc(size_t size)
{
	struct qn_local *l = qn_self;

	if (likely(size <= QN_FAST_MAX)) {
		unsigned int c = l->map[(size + QN_STEP - 1) / QN_STEP];
		void *p = l->heads[c];

		if (likely(p != NULL)) {
			l->heads[c] = *(void **)p;
			return p;
		}
	}
	return qn_process_malloc_slow(size);
}

/**
 * qn_process_free() - the fast path of free; keeps errno, NULL is fine
 *
 * The first compare sends NULL and every pointer outside segment 0 to the slow
 * path, the second what is no object of this thread: 17 instructions on x86-64.
 */
static __always_inline void qn_process_free(void *p)
{
	struct qn_local *l = qn_self;
	size_t index = qn_unit_index(l->base, p);

	if (likely(index < l->limit)) {
		struct qn_unit *u = (struct qn_unit *)(void *)l->base + index;

		if (likely(u->owner == l)) {
			*(void **)p = u->free;
			u->free = p;
			if (unlikely(--u->count == 0))
				qn_local_event(l, u);
			return;
		}
	}
	qn_process_free_slow(p);
}

/* Out of line, full contracts of the C library. NULL with errno ENOMEM. */
void *qn_process_calloc(size_t n, size_t size);
void *qn_process_realloc(void *p, size_t size);

/**
 * qn_process_memalign() - allocate at an alignment
 * @align:	a power of two (the caller has checked)
 * @size:	bytes
 *
 * Return: a block, or NULL with errno ENOMEM.
 */
void *qn_process_memalign(size_t align, size_t size);

size_t qn_process_usable_size(const void *p);

/**
 * qn_process_start() - settings are known: apply them
 * @conf:	copied
 *
 * The heap works before this is called, with the defaults. Maps the statistics
 * file if @conf names a directory.
 *
 * Context: once, from the preload library's constructor; also in a forked child
 * by way of qn_process_fork_child().
 */
void qn_process_start(const struct qn_conf *conf);

/* The program ends: bring the statistics page up to date. */
void qn_process_finish(void);

/*
 * Around fork(): prepare takes every lock in lock order, parent and child release
 * them. Between prepare and release the forking thread may go on to allocate
 * (other libraries' handlers do). In the child the caches of all other threads are
 * never touched again, and a statistics file of its own is begun.
 */
void qn_process_fork_prepare(void);
void qn_process_fork_parent(void);
void qn_process_fork_child(void);

/**
 * qn_process_trim() - return what is free to the system
 *
 * Return: true if anything was returned.
 */
bool qn_process_trim(void);

/* The page, brought up to date; NULL only if the heap could not start */
struct qn_stats_page *qn_process_stats(void);

#endif /* QN_PROCESS_H */
