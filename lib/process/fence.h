/* SPDX-License-Identifier: MIT */
/*
 * fence.h - the first blocks of each thread lie between marks.
 *
 * A slab does not know how many bytes of an object were asked for, and free() has no time
 * to look at any. So most errors of most programs would leave no trace. They are short
 * programs, or the error is in what they do first. Hence a thread's first blocks (the knob
 * fence) and the first large blocks of a process are fenced: a header before each, which
 * nobody can forge by accident; marks from its last byte on; a pattern in it once it is free.
 * Then every byte around a block tells whether it was written, and so does every byte of a
 * freed one.
 *
 *	unit:	| header block marks | header block marks | ...
 *
 * The unit has no owner, as with followed objects (follow.h): free()'s one compare sends it
 * to the slow path. While a thread has fences its lists are empty, so malloc() comes to the
 * slow path too. Afterwards neither pays anything.
 *
 * Blocks are cut from one unit after another and not used twice: a unit goes back when all
 * of it is free. A thread has no more fences once a part of what may be freed meanwhile is
 * (WASTE_FIRST). Blocks above QN_FENCE_SHORT have a run of their own; of a freed one
 * the first unit is kept for a while. malloc_usable_size() is what was asked for.
 *
 * Looks: at a block when it is freed or resized, at a unit when it goes back, at all units
 * where the process ends (audit.h), those of other threads too. A header changes by
 * one atomic store, and a block is FREEING while the pattern is written, so a look
 * meanwhile finds no damage.
 *
 * A process with a statistics file or call sites has no fences: there each of its first
 * mallocs is counted instead.
 */
#ifndef QN_FENCE_H
#define QN_FENCE_H

#include "base/compiler.h"
#include "process/segment.h"

struct qn_hub;
struct qn_local;

/* Blocks up to this share units; above QN_FENCE_LONG none is fenced */
#define QN_FENCE_SHORT ((size_t)32 << 10)
#define QN_FENCE_LONG  ((size_t)4 << 20)
/* The largest alignment */
#define QN_FENCE_ALIGN ((size_t)4096)
/* Large blocks of a process that are fenced; freed ones that are kept, a thread */
#define QN_FENCE_LARGE 128
#define QN_FENCE_KEPT  8

/**
 * struct qn_fence - a local's part
 * @u:		the unit that blocks are cut from, or NULL
 * @start:	its memory
 * @nr:		blocks that may still be fenced
 * @bytes:	of them
 * @nr_cut:	blocks that were cut from @u
 * @freed:	bytes of blocks that the thread freed, less those of units that went back
 * @waste:	what @freed may be
 * @zeroed:	what is left of @u reads as zero
 * @is_over:	there are no more, not of samples either
 * @nr_samples:	of the thread
 * @kept:	units of freed large blocks, a ring
 * @nr_kept:	so far
 */
struct qn_fence {
	struct qn_unit *u;
	char *start;
	u32 nr;
	u32 nr_kept;
	u32 nr_cut;
	u32 nr_samples;
	size_t bytes;
	size_t freed;
	size_t waste;
	bool zeroed;
	bool is_over;
	struct qn_unit *kept[QN_FENCE_KEPT];
};

/**
 * struct qn_fences - what all have in common
 * @nr_large:	large blocks that may still be fenced
 * @freed_large: bytes of large blocks that were freed
 */
struct qn_fences {
	u32 nr_large;
	size_t freed_large;
};

/* How many are there to be: nothing is fenced before. Context: none but the caller. */
void qn_fence_init(struct qn_hub *hub, struct qn_local *l);

/* Is a short block of the local fenced? */
#define qn_fence_is_on(l) ((l)->fence.nr != 0)

/* Of a thread's samples one in so many adds a fence */
#define QN_FENCE_SAMPLES 1024

/* A sample was taken */
#define qn_fence_sample(l)                                                     \
	((void)((l)->fence.nr += ++(l)->fence.nr_samples % QN_FENCE_SAMPLES == \
					 0 &&                                  \
				 !(l)->fence.is_over))

/**
 * qn_fence_alloc() - a fenced block
 * @l:		the calling thread's local
 * @size:	bytes
 * @align:	a power of two
 * @old:	set to 0 if it is known to read as zero
 *
 * Context: takes the segments' lock.
 * Return: NULL if it is not to be fenced, or if there is no memory.
 */
void *qn_fence_alloc(struct qn_local *l, size_t size, size_t align,
		     size_t *old);

/**
 * qn_fence_free() - free a fenced block
 * @hub:	the hub
 * @l:		the calling thread's local, or NULL
 * @u:		the block's unit
 * @p:		the block
 *
 * Stops the program with a message where @p is no block in use, or where what is around
 * it was written.
 *
 * Context: any thread; may take the segments' lock.
 */
void qn_fence_free(struct qn_hub *hub, struct qn_local *l, struct qn_unit *u,
		   void *p);

/**
 * qn_fence_give() - a request was refused: let go of the units of freed large blocks
 * @hub:	the hub
 * @l:		the calling thread's local
 *
 * They are few, but each parts the free memory on both its sides.
 *
 * Context: takes the segments' lock.
 */
void qn_fence_give(struct qn_hub *hub, struct qn_local *l);

/**
 * qn_fence_size() - bytes of a block
 * @u:		its unit
 * @p:		the block
 * @where:	the caller, for a message as above
 *
 * Context: any thread that the block belongs to. Return: SIZE_MAX after a message if the program
 * goes on then.
 */
size_t qn_fence_size(const struct qn_unit *u, const void *p, const char *where);

/**
 * qn_fence_look() - look at all blocks of a unit
 * @u:		the unit
 * @start:	its memory
 * @budget:	steps: of each block one, and one for each 64 bytes of it that are free;
 *		counted down
 *
 * Stops the program with a message where something was written. Writes nothing.
 *
 * Context: any, while the unit is not given back: segments.lock held, say.
 */
void qn_fence_look(const struct qn_unit *u, const char *start, u32 *budget);

#endif /* QN_FENCE_H */
