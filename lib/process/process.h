/* SPDX-License-Identifier: MIT */
/*
 * process.h - the one heap of a Linux process, as the preload library sees it.
 *
 * Above it stands only preload/, which gives these functions the C library's
 * names; below it local.h (what a thread keeps), slab.h and segment.h. The public
 * qn_malloc() family is defined in process-public.c by the same inline functions. The head of
 * process.c lists the other files that make up a process.
 */
#ifndef QN_PROCESS_H
#define QN_PROCESS_H

#include "base/compiler.h"
#include "format/conf.h"
#include "process/local.h"
#include "quern.h"
#include "format/statspage.h"
#include "process/tally.h"

struct qn_engine;

/* Sizes below have their lists in qn_front */
#define QN_PROCESS_READY_END ((size_t)QN_SLAB_MAX + 1)

/* Sizes up to QN_SLAB_MAX whose list is empty; larger ones */
void *qn_process_malloc_slow(size_t size);
void *qn_process_malloc_medium(size_t size);
/* What is not an object of the thread's own: in a unit that it knows; elsewhere */
void qn_process_free_in(void *p, struct qn_local *l, struct qn_unit *u);
void qn_process_free_slow(void *p);

/*
 * What operator new and delete go by in the place of qn_self: the same, or
 * &qn_local_none where a program has a malloc or free of its own.
 */
extern __thread struct qn_local *qn_self_of_operators
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

/*
 * What the operator delete that is told a size goes by: the same, or &qn_local_none until
 * qn_process_take_sized().
 */
extern __thread struct qn_local *qn_self_of_sized
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

/**
 * __qn_process_malloc() - the fast path of malloc, of whom it is for
 * @size:	bytes requested
 * @end:	sizes below it are looked for in qn_front
 * @medium:	called for others
 * @slow:	called for those whose list is empty
 */
static __always_inline void *__qn_process_malloc(size_t size, const size_t *end,
						 void *(*medium)(size_t),
						 void *(*slow)(size_t))
{
	size_t step = (size + QN_STEP - 1) / QN_STEP;

	if (likely(size < *end)) {
		void **head = &qn_front.heads[qn_front.map[step]];
		void *p = *head;

		qn_keep_result(p);
		if (likely(p != NULL)) {
			*head = qn_link_get(p);
			return p;
		}
		return slow(size);
	}
	return medium(size);
}

/**
 * qn_process_malloc() - the fast path of malloc
 *
 * Up to 1 KB a list a class, of objects that are ready, in the thread's own storage: 12
 * instructions on x86-64. The lists of a thread without a local are all empty.
 *
 * Return: a block, or NULL with errno ENOMEM.
 */
static __always_inline void *qn_process_malloc(size_t size)
{
	static const size_t end = QN_PROCESS_READY_END;

	return __qn_process_malloc(size, &end, qn_process_malloc_medium,
				   qn_process_malloc_slow);
}

/**
 * __qn_process_free() - the fast path of free, of whom it is for
 * @p:		the block
 * @l:		qn_self or qn_self_of_operators
 * @slow:	called for NULL and for pointers of which @l does not know
 */
static __always_inline void __qn_process_free(void *p, struct qn_local *l,
					      void (*slow)(void *))
{
	size_t at = (uintptr_t)p - (uintptr_t)l->base;

	if (likely(at < l->reach)) {
		struct qn_unit *u = qn_unit_of(l->units, at);

		if (likely(u->owner == l)) {
			qn_assert(u->kind == QN_UNIT_SLAB);
			qn_link_push(&u->free, p);
			if (unlikely(--u->count == 0))
				qn_local_event(l, u);
			return;
		}
		qn_process_free_in(p, l, u);
		return;
	}
	slow(p);
}

/**
 * qn_process_free() - the fast path of free; keeps errno, NULL is fine
 *
 * The first compare sends NULL and every pointer outside segment 0 to the slow
 * path, the second what is no object of this thread: 17 instructions on x86-64.
 */
static __always_inline void qn_process_free(void *p)
{
	__qn_process_free(p, qn_self, qn_process_free_slow);
}

/**
 * qn_process_leave_operators() - operator new and delete are to take their slow paths
 *
 * Context: while there is one thread.
 */
void qn_process_leave_operators(void);

/**
 * qn_process_take_sized() - frees with a size may take their fast path
 *
 * Context: while there is one thread; later ones have it too.
 */
void qn_process_take_sized(void);

/**
 * enum qn_sized - where a block comes from that is freed with its size
 * @QN_SIZED_NEW: allocated with just that size
 * @QN_SIZED_OTHER: perhaps aligned, or resized: it may be much larger
 */
enum qn_sized {
	QN_SIZED_NEW,
	QN_SIZED_OTHER,
};

/**
 * qn_process_free_sized_slow() - free a block whose size the caller tells
 * @p:		the block, or NULL
 * @size:	bytes that were requested
 * @kind:	enum qn_sized
 * @where:	the caller, for the message that stops it if the block cannot have been
 *		allocated with @size
 */
void qn_process_free_sized_slow(void *p, size_t size, enum qn_sized kind,
				const char *where);

/**
 * qn_process_free_sized() - free a block that was allocated with just this size
 * @p:		the block, or NULL
 * @size:	bytes that were requested
 * @slow:	called where the fast path finds no object of the thread's own, or one
 *		that is not of @size
 *
 * The fast path of free() with the size compared on the way: four instructions more.
 */
static __always_inline void qn_process_free_sized(void *p, size_t size,
						  void (*slow)(void *, size_t))
{
	struct qn_local *l = qn_self_of_sized;
	size_t at = (uintptr_t)p - (uintptr_t)l->base;

	if (likely(at < l->reach)) {
		struct qn_unit *u = qn_unit_of(l->units, at);

		if (likely(u->owner == l && u->osize - size < QN_STEP)) {
			qn_link_push(&u->free, p);
			if (unlikely(--u->count == 0))
				qn_local_event(l, u);
			return;
		}
	}
	slow(p, size);
}

/**
 * qn_process_room() - bytes of a block that its owner may use, and free it with
 * @p:		a block of operator new, in use
 *
 * Return: at least what was asked for.
 */
size_t qn_process_room(const void *p);

/**
 * qn_process_notes() - notes of all modules of the process; defined in preload/
 * @known:	modules that had been loaded at the last call, 0 at first: where there are no
 *		more, nothing is found
 * @found:	called for each range of them
 *
 * Context: no lock held; takes the dynamic linker's.
 * Return: how many modules were ever loaded.
 */
u64 qn_process_notes(u64 known,
		     void (*found)(const void *notes, size_t size)) __weak
	__attribute__((visibility("hidden")));

/**
 * qn_process_malloc_token() - malloc by a compiler that tells types apart
 * @size:	bytes requested
 * @token:	any number, the same for blocks that are alike
 *
 * As qn_process_malloc(), but blocks of tokens that prove to be long-lived lie apart from the
 * others (place.h). The fast path takes some ten instructions more.
 */
void *qn_process_malloc_token(size_t size, size_t token);

/* calloc(1, @size), likewise */
void *qn_process_calloc_token(size_t size, size_t token);

/* Of a block that is seldom used: it lies apart */
void *qn_process_malloc_cold(size_t size);

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

/* Does an address lie in the heap? For those who must not stop where it does not. */
bool qn_process_owns(const void *p);

/**
 * qn_process_start() - settings are known: apply them
 * @conf:	copied
 * @stacks:	how they are had, kept, for call sites and guarded samples; NULL: there are none
 * @engine:	serves the process from now on; NULL: quern's own heap does
 *
 * The heap works before this is called, with the defaults. Maps the statistics
 * file if @conf names a directory; a file for live views comes a little later.
 *
 * Context: once, from the preload library's constructor; also in a forked child
 * by way of qn_process_fork_child().
 */
void qn_process_start(const struct qn_conf *conf,
		      const struct qn_sites_ops *stacks,
		      const struct qn_engine *engine);

/* The program ends: look for misuse that no refill came upon; see audit.h */
void qn_process_audit(void);

/* The program ends: figures for those who read them, and the short report */
void qn_process_finish(void);

/**
 * qn_process_live_at() - where the page for live views may lie
 * @runtime:	the value of XDG_RUNTIME_DIR, or NULL; copied
 *
 * Context: before qn_process_start().
 */
void qn_process_live_at(const char *runtime);

/* The program restricts itself: live views see it no longer. Context: without a helper. */
void qn_process_live_leave(void);

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

/* The same, and what the calling thread has in use is counted: see qn_tally() */
struct qn_stats_page *qn_process_tally(struct qn_tally *t);

/* The heap may have a thread that gives memory back. Context: before there is a second one. */
void qn_process_allow_helper(void);

/**
 * qn_process_end_helper() - the program is about to do what that thread would disturb
 * @for_good:	there will be none again
 *
 * It is gone when this returns. Context: any.
 */
void qn_process_end_helper(bool for_good);

#endif /* QN_PROCESS_H */
