/* SPDX-License-Identifier: MIT */
/*
 * hard.h - the hardened mode: QUERN_CONF=hard:1, hard:2.
 *
 * Between the hub and guest.h, which lets it in as it does engines: no thread gets a local, so
 * each malloc and free comes to the slow path, and the fast path has no test for it.
 *
 *	slab:	front guard | block marks | guard | block marks | guard ...
 *
 * A block of up to 32 KB is a slot of a slab. Between any two slots is a guard, a word made of
 * its address and a secret. The rest of a slot behind the bytes that were asked for has marks,
 * and so has the front, some bytes before the first slot.
 * All that is known of a slot stands apart from it, two bytes each: its state, and how many
 * bytes it has to spare. So no write into a block can lead the heap astray, a free of
 * whatever is no block in use is noticed at once, and malloc_usable_size() is exact.
 *
 * free() fills the slot with a pattern. It waits in a quarantine of its thread, first in, first
 * out, and then in a magazine of its class, from which malloc() takes any. Whoever gets the slot
 * next looks whether the pattern is whole.
 *
 * A larger block is a run of units with marks at both ends. A freed one waits in a quarantine
 * of the process. From QN_HARD_FORBID on its pages are gone meanwhile, and who touches them
 * faults.
 *
 * Level 2 has longer quarantines. Its large blocks lie between forbidden pages and end at one,
 * unless realloc() made them grow. All of them are forbidden once they are free.
 *
 *	misuse				noticed
 *	second free, wild pointer,	at once
 *	wrong size to delete
 *	write before or behind a	by free(), realloc(), malloc_usable_size() of it or its
 *	block				neighbour, or the end; behind a large block at level 2
 *					at once
 *	write to a freed block		when its memory is used again, or the end; to a large
 *					block at level 2 at once
 *	read of a freed block		it reads as the pattern; of a large one as the write
 *
 * These pass unnoticed: a write into another block in use that leaves out the marks between; a
 * read behind a short block; a write that is made good again. So marks behind a block are a
 * part of its length (hard-slab.c).
 *
 * Each finding ends in one line and SIGABRT; on_error lets the program go on instead. The block
 * is then lost, or mended.
 */
#ifndef QN_HARD_H
#define QN_HARD_H

#include "base/compiler.h"
#include "port/port.h"

struct qn_hub;
struct qn_unit;

/* Freed blocks from this length on are forbidden at level 1 */
#define QN_HARD_FORBID ((size_t)256 << 10)
#define QN_HARD_MOST   2u
/* What stands in a free block: as a pointer it leads nowhere */
#define QN_HARD_PATTERN ((u64)0xdbdbdbdbdbdbdbdb)

/* Settings: what follows a finding */
enum qn_hard_error {
	QN_HARD_ABORT,
	QN_HARD_REPORT,
	QN_HARD_IGNORE,
};

/**
 * struct qn_hard_guard - what guest.h has to know at once
 * @level:	0: the mode is off
 * @lock:	over slabs, large blocks that are free, and threads; before segments.lock
 */
struct qn_hard_guard {
	unsigned int level;
	struct qn_lock lock;
};

extern struct qn_hard_guard qn_hard;

static __always_inline bool qn_hard_is_on(void)
{
	return qn_hard.level != 0;
}

/**
 * qn_hard_start() - from now on all blocks are hardened
 * @hub:	of the process
 * @level:	1 or 2
 * @error:	what follows a finding
 * @keep:	called in each thread that allocates, with what qn_hard_thread_exit() is told
 *		when it ends
 *
 * Context: once, while there is one thread.
 * Return: 0, or -ENOMEM.
 */
int qn_hard_start(struct qn_hub *hub, unsigned int level,
		  enum qn_hard_error error, void (*keep)(void *thread));

/* A thread ends: @thread is what it kept. Context: that thread. */
void qn_hard_thread_exit(void *thread);

/**
 * qn_hard_alloc() - a hardened block
 * @size:	bytes, perhaps 0
 * @align:	a power of two
 * @old:	set to the bytes at its start that may not be zero
 *
 * Context: any; may take the locks.
 * Return: NULL if there is no memory, or in a signal handler that interrupted the heap.
 */
void *qn_hard_alloc(size_t size, size_t align, size_t *old);

/* The same for malloc(), in less time */
void *qn_hard_malloc(size_t size);

/*
 * Is a pointer this mode's to judge? Not NULL, and no block from before it began. Any context.
 */
bool qn_hard_owns(const void *p);

/* free(). Return: false if it is a block from before, and was left alone. */
bool qn_hard_free(void *p);

/* realloc() and malloc_usable_size() of what qn_hard_owns() */
void *qn_hard_realloc(void *p, size_t size);
size_t qn_hard_usable(const void *p);

/* May @p be freed as a block of @size bytes? A message from @where if not. */
bool qn_hard_sized_look(const void *p, size_t size, const char *where);

/* The page has what the calling thread did. Context: any. */
void qn_hard_tell(void);

/* What is free goes back, but for the quarantines. Return: whether there was any. */
bool qn_hard_trim(void);

/* The process ends: look at all blocks. Context: any. */
void qn_hard_audit(void);

#endif /* QN_HARD_H */
