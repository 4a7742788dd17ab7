/* SPDX-License-Identifier: MIT */
/**
 * DOC: quern.h - the public interface
 *
 * Two families. qn_heap_*() work on a heap that the caller made over memory of
 * its own: firmware over its SRAM, a Linux program over a region it wants to
 * manage apart. qn_malloc() and its kin work on the one heap of a Linux process
 * and grow it from the operating system; they exist in the Linux build only.
 *
 * Every pointer returned is aligned to %QN_ALIGN (16 bytes on 64-bit machines,
 * 8 on 32-bit ones) whatever the size. A request of 0 bytes returns a unique
 * pointer that may be freed. Failure is NULL; the process's heap also sets
 * errno to ENOMEM.
 */
#ifndef QUERN_H
#define QUERN_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "Structure needs cleaning": newlib's errno.h does not have it */
#ifndef EUCLEAN
#define EUCLEAN 117
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* What is declared here is what a library built with it exports */
#pragma GCC visibility push(default)

#define QN_VERSION_MAJOR 0
#define QN_VERSION_MINOR 2
#define QN_VERSION_PATCH 0

/** QN_ALIGN - alignment in bytes of every block */
#define QN_ALIGN (2 * sizeof(void *))

/** QN_ALLOC_ZERO - the block's bytes read as zero */
#define QN_ALLOC_ZERO 0x1u
/** QN_ALLOC_DMA - never from a zone added with %QN_ZONE_NODMA */
#define QN_ALLOC_DMA 0x2u

/** QN_ZONE_NODMA - bus masters cannot reach this memory (CCM of the STM32F407) */
#define QN_ZONE_NODMA 0x1u
/** QN_ZONE_FIRST - used before the memory that the heap has so far */
#define QN_ZONE_FIRST 0x2u
/**
 * QN_ZONE_HAS - the memory has attribute @n, 0 to 3: fast, kept in standby, apart for a task;
 *	what they mean is the program's affair
 * QN_ALLOC_NEEDS - never from a zone without attribute @n; several may be asked for
 */
#define QN_ZONE_HAS(n)    (0x8u << (n))
#define QN_ALLOC_NEEDS(n) QN_ZONE_HAS(n)

/**
 * QN_HEAP_MOST - bytes of the largest block of a heap: 8 MB, 4 GB on 64-bit machines, less
 * one %QN_ALIGN
 */
#define QN_HEAP_MOST \
	((((size_t)1 << (sizeof(void *) == 8 ? 28 : 20)) - 1) * QN_ALIGN)

/** QN_PRESSURE_MOST - memory pressure of 1, the highest: see qn_pressure_set() */
#define QN_PRESSURE_MOST 1024u

struct qn_heap;

/**
 * struct qn_stats - what a heap holds, in bytes unless named nr_
 * @size:	memory handed to the heap, all zones, metadata included
 * @metadata:	of @size, what the heap keeps for itself
 * @live:	bytes of the blocks in use, as served (rounded up)
 * @peak_live:	highest @live ever, or since qn_heap_reset_peak()
 * @requested:	bytes asked for by the blocks in use; estimated from samples
 * @internal:	@live - @requested: lost to rounding
 * @free:	bytes that a request could have, held blocks included
 * @largest_free: longest contiguous free run
 * @external:	@free - @largest_free: free but not in one piece
 * @held:	of @free, blocks kept unmerged for the next request of their size
 * @nr_allocs:	successful allocations; counted on Linux, in firmware where it asks for that
 *		by knob QN_COUNT_CALLS, else 0
 * @nr_frees:	frees; the same
 * @nr_live:	blocks in use
 * @nr_failed:	requests that returned NULL
 * @nr_samples:	requests the sampler looked at; a step of the heap asks for one at most
 * @nr_tables:	granule tables published since the heap was made
 * @nr_squeezed: requests that took the long way of qn_heap_alloc(), served or not;
 *		0 of the process's heap
 */
struct qn_stats {
	size_t size;
	size_t metadata;
	size_t live;
	size_t peak_live;
	size_t requested;
	size_t internal;
	size_t free;
	size_t largest_free;
	size_t external;
	size_t held;
	size_t nr_allocs;
	size_t nr_frees;
	size_t nr_live;
	size_t nr_failed;
	size_t nr_samples;
	size_t nr_tables;
	size_t nr_squeezed;
};

/**
 * qn_heap_init() - make a heap inside a piece of memory
 * @mem:	start of the memory; any alignment, any contents
 * @size:	its bytes
 *
 * All metadata lies inside [@mem, @mem + @size): nothing static, no second
 * allocation. There is no qn_heap_exit(): the memory is the caller's again once
 * no pointer into the heap is used any more.
 *
 * Limits: a block has %QN_HEAP_MOST bytes at most. Memory of any size is used: what is
 * longer is cut into zones of about so much, and no block lies in two of them. Less than
 * 2 KB at its end may stay unused then.
 *
 * Context: any; the memory is the caller's alone until return.
 * Return: the heap, or NULL if @mem is NULL or @size is too small to hold the
 * heap's own state and one block.
 */
struct qn_heap *qn_heap_init(void *mem, size_t size);

/**
 * qn_heap_add_zone() - give a heap more memory
 * @h:		the heap
 * @mem:	start of the memory, apart from every zone of the heap
 * @size:	its bytes
 * @flags:	%QN_ZONE_NODMA, %QN_ZONE_FIRST, %QN_ZONE_HAS(n), or 0
 *
 * Zones are tried in the order in which they were added, with two exceptions:
 * a zone marked %QN_ZONE_FIRST is tried before all zones that are there; one
 * marked %QN_ZONE_NODMA is tried before those that are not, and never for a
 * request with %QN_ALLOC_DMA. The memory of qn_heap_init() has no attributes, and requests
 * that need none may use any zone.
 *
 * Limits: as for qn_heap_init(); memory that is cut counts as one zone.
 *
 * Context: as qn_heap_alloc().
 * Return: 0, -EINVAL (NULL, unknown flag, overlap), -EMFILE (the heap has
 * QN_NR_ZONES zones), -ENOSPC (too small to hold its own metadata and one block).
 */
int qn_heap_add_zone(struct qn_heap *h, void *mem, size_t size, unsigned flags);

/**
 * qn_heap_alloc() - allocate from a heap
 * @h:		the heap
 * @size:	bytes asked for; 0 is served as 1
 *
 * A request is served if a free run is long enough, or would be if all held blocks were
 * merged with their neighbours.
 *
 * Bound: constant time, but that a request merges held blocks when free memory comes to
 * its end, so that none is held when it is used up. In a zone these are, for a request of
 * k granules of %QN_ALIGN bytes, at most
 *
 *	a new heap		k / 6 + 4 blocks
 *	policy "rule"		9/8 k + 22 blocks, after calls of qn_heap_step()
 *	policy "fixed"		none
 *
 * A request that would fail otherwise also looks for a run that others hide: at 5/4 n / @size
 * of them at most in a zone of n bytes. DECISIONS.md has these bounds in instructions.
 *
 * Context: any thread; an interrupt handler too where the build masks
 * interrupts (knob QN_LOCK_IRQ).
 * Return: a block aligned to %QN_ALIGN, or NULL.
 */
void *qn_heap_alloc(struct qn_heap *h, size_t size);

/**
 * qn_heap_alloc_aligned() - allocate at an alignment
 * @h:		the heap
 * @align:	a power of two; below %QN_ALIGN means %QN_ALIGN
 * @size:	bytes asked for
 *
 * A request is served if there is, or would be after merging all held blocks, a free run
 * that has room for it wherever it begins: of @size and @align bytes.
 *
 * Context, bound: as qn_heap_alloc().
 * Return: a block aligned to @align, or NULL (also if @align is no power of
 * two).
 */
void *qn_heap_alloc_aligned(struct qn_heap *h, size_t align, size_t size);

/**
 * qn_heap_alloc_flags() - allocate with demands
 * @h:		the heap
 * @size:	bytes asked for
 * @flags:	%QN_ALLOC_ZERO, %QN_ALLOC_DMA, %QN_ALLOC_NEEDS(n), or 0
 *
 * Context: as qn_heap_alloc().
 * Return: a block, or NULL (also on an unknown flag).
 */
void *qn_heap_alloc_flags(struct qn_heap *h, size_t size, unsigned flags);

/**
 * qn_heap_calloc() - allocate a zeroed array
 * @h:		the heap
 * @n:		elements
 * @size:	bytes of one
 *
 * Context: as qn_heap_alloc(), plus the time to write zeroes.
 * Return: a zeroed block, or NULL (also if @n * @size overflows).
 */
void *qn_heap_calloc(struct qn_heap *h, size_t n, size_t size);

/**
 * qn_heap_realloc() - resize a block
 * @h:		the heap
 * @p:		a block of @h, or NULL to allocate
 * @size:	new size; 0 is served as 1, the block is not freed
 *
 * In place where the following memory allows, else by a copy of the smaller of
 * the two sizes.
 *
 * A block that lies outside of %QN_ZONE_NODMA memory stays outside of it: it may have
 * been asked for with %QN_ALLOC_DMA. A block that moves goes to a zone with all attributes of
 * the one that it leaves.
 *
 * Towards lower addresses it grows only if nothing else is left; for as long as
 * its contents move then, the heap is locked. A copy is made with the heap
 * unlocked. Held blocks are merged before it fails, as by qn_heap_alloc().
 *
 * Context: as qn_heap_alloc(), plus the time to copy.
 * Return: the block, perhaps moved, or NULL with @p still valid.
 */
void *qn_heap_realloc(struct qn_heap *h, void *p, size_t size);

/**
 * qn_heap_realloc_aligned() - resize a block that has to lie at an alignment
 * @h:		the heap
 * @p:		a block of @h, or NULL to allocate
 * @align:	a power of two; @p need not lie there yet
 * @size:	new size; 0 is served as 1, the block is not freed
 *
 * In place where @p lies right and the following memory allows, else by a copy. Both
 * blocks are there meanwhile.
 *
 * Context: as qn_heap_alloc(), plus the time to copy.
 * Return: a block aligned to @align, or NULL with @p still valid (also if @align is no
 * power of two).
 */
void *qn_heap_realloc_aligned(struct qn_heap *h, void *p, size_t align,
			      size_t size);

/**
 * qn_heap_free() - give a block back
 * @h:		the heap
 * @p:		a block of @h, or NULL
 *
 * A pointer that is no live block of @h is reported through the port and the
 * program stops.
 *
 * Context: as qn_heap_alloc(). Bounded time.
 */
void qn_heap_free(struct qn_heap *h, void *p);

/**
 * qn_heap_usable_size() - bytes that may be used of a block
 * @h:		the heap
 * @p:		a block of @h, or NULL
 *
 * Context: as qn_heap_alloc().
 * Return: at least what was asked for; 0 for NULL.
 */
size_t qn_heap_usable_size(struct qn_heap *h, void *p);

/**
 * qn_heap_stats() - what the heap holds now
 * @h:		the heap
 * @st:		filled in
 *
 * Context: as qn_heap_alloc(); may walk the lists of free runs, and where calls are not
 * counted all blocks.
 * Return: 0, or -EINVAL.
 */
int qn_heap_stats(struct qn_heap *h, struct qn_stats *st);

/**
 * struct qn_brief - what a heap holds, as far as constant time tells; bytes
 * @live:	of the blocks in use, as served
 * @peak_live:	highest @live ever, or since qn_heap_reset_peak()
 * @free:	that a request could have, held blocks included
 * @largest_free: the longest free run is at least as long: the longest that a request finds
 *		at once
 * @fragmentation: what a free byte lacks to be in that run, 1 - @largest_free / @free, in
 *		1/1024
 */
struct qn_brief {
	size_t live;
	size_t peak_live;
	size_t free;
	size_t largest_free;
	unsigned fragmentation;
};

/**
 * qn_heap_brief() - the same as qn_heap_stats() in short, for each turn of a loop
 * @h:		the heap
 * @brief:	filled in
 *
 * Context: as qn_heap_alloc(). Bounded by the number of zones.
 * Return: 0, or -EINVAL.
 */
int qn_heap_brief(struct qn_heap *h, struct qn_brief *brief);

/**
 * struct qn_zone_stats - one piece of a heap's memory; bytes
 * @start:	where blocks begin to lie
 * @size:	from there on
 * @used:	in blocks in use, as served
 * @held:	in blocks kept for the next request of their size
 * @free:	@size - @used
 * @largest_free: as in struct qn_brief
 * @flags:	as given to qn_heap_add_zone()
 */
struct qn_zone_stats {
	void *start;
	size_t size;
	size_t used;
	size_t held;
	size_t free;
	size_t largest_free;
	unsigned flags;
};

/**
 * qn_heap_zone_stats() - what one zone holds
 * @h:		the heap
 * @nr:		0 for the zone that is tried first, 1 for the next, ...
 * @st:		filled in
 *
 * Context: as qn_heap_alloc(). Bounded by the number of zones.
 * Return: 0, -EINVAL, or -ENOENT (there are not so many).
 */
int qn_heap_zone_stats(struct qn_heap *h, unsigned nr,
		       struct qn_zone_stats *st);

/**
 * QN_HEAP_STATE - bytes of memory that a heap keeps for itself at most, beside a 64th
 *	(a 128th on 64-bit machines)
 */
#define QN_HEAP_STATE (sizeof(void *) == 8 ? 4096 : 1536)

/**
 * QN_HEAP_WITH_STATE - memory for a heap that has so many bytes for blocks
 * @bytes:	of blocks and free memory
 */
#define QN_HEAP_WITH_STATE(bytes) \
	((bytes) + (bytes) / (8 * QN_ALIGN - 1) + QN_HEAP_STATE)

/**
 * QN_HEAP_PLAN - memory with which no request ever fails
 * @live:	the most bytes in use at a time, as served (@peak_live of struct qn_stats)
 * @largest:	bytes of the largest request, rounded up to %QN_ALIGN
 * @least:	bytes of the smallest block, as served; 2 * %QN_ALIGN holds in any case
 *
 * The bound: free runs never touch, so there is one more of them than blocks at most, and
 * (@live - @largest) / @least blocks are in use when the largest request comes. Held
 * blocks are merged before it fails. So it can only fail if each run is shorter than it,
 * or longer by the one granule that no block can have:
 *
 *	free < (blocks + 1) * (@largest + %QN_ALIGN)
 *
 * No heap that cannot move blocks is far below such bounds: a program that works against
 * it wastes that much. Programs do not: on the traces of make bench-firmware a heap of 1.13 to
 * 1.7 times @live will do. So plan by a measured peak where a request may fail, and by this
 * where none may. qn_heap_realloc() to another place needs old and new block at a time.
 *
 * A constant expression if its arguments are.
 */
#define QN_HEAP_PLAN(live, largest, least)                                 \
	QN_HEAP_WITH_STATE((live) + (((live) - (largest)) / (least) + 1) * \
					    ((largest) + QN_ALIGN))

/**
 * qn_heap_reset_peak() - the peak of live memory is what is live now
 * @h:		the heap
 *
 * To see the peak of one phase of a program.
 *
 * Context: as qn_heap_alloc(). Constant time.
 */
void qn_heap_reset_peak(struct qn_heap *h);

/**
 * qn_heap_step() - one bounded slice of learning and upkeep
 * @h:		the heap
 *
 * For the idle loop. Drains samples into the profile, lets the policy look at a
 * part of it, publishes at most one granule table, merges a bounded number of
 * held blocks. The heap is right and bounded if this is never called. It is unlocked
 * twice in between, so that interrupts wait for the longest of these alone.
 *
 * Context: as qn_heap_alloc(), not from an interrupt. Bounded time.
 * Return: 1 if there is more to do now, 0 if not, or -EINVAL.
 */
int qn_heap_step(struct qn_heap *h);

/**
 * qn_heap_set_policy() - whether and how the heap adapts
 * @h:		the heap
 * @name:	"rule" (what a new heap has) or "fixed": nothing is learned, and every
 *		block is merged when it is freed
 *
 * Context: as qn_heap_alloc().
 * Return: 0, or -EINVAL (no heap, no policy of that name).
 */
int qn_heap_set_policy(struct qn_heap *h, const char *name);

/**
 * qn_heap_set_knob() - turn a number that the heap reads while it runs
 * @h:		the heap
 * @name:	one of the rows of QN_HEAP_KNOBS (lib/base/knobs.h), which say what each does:
 *		held_part, held_most, roomy_part, step_drains, drain_hot, promote_share,
 *		held_refused, held_wait
 * @value:	in the range of the row
 *
 * A policy may turn knobs as well: policy "rule" turns held_part and held_most. A new
 * policy begins with the knobs of its own.
 *
 * Context: as qn_heap_alloc(). Bounded by the number of knobs and zones.
 * Return: 0, -EINVAL (no heap, no knob of that name), or -ERANGE.
 */
int qn_heap_set_knob(struct qn_heap *h, const char *name, size_t value);

/**
 * qn_pressure_set() - say how scarce memory is
 * @h:		the heap, or NULL: the process's
 * @level:	0 (not at all: what a heap begins with) to %QN_PRESSURE_MOST, until the next
 *		call
 *
 * The process's heap pays less for memory then, (1 - level / %QN_PRESSURE_MOST)^2 of the
 * price: it keeps less free memory, at the highest level next to none. The pressure that
 * it found out itself counts if that is higher (knob pressure). Memory goes back with the
 * next calls of malloc and free.
 *
 * Another heap merges held blocks of all lengths in qn_heap_step(), and holds none at the
 * highest level. Policies see the level.
 *
 * Context: as qn_heap_alloc(); of the process's heap any thread, but no signal handler.
 * Bounded by the number of zones.
 * Return: 0, -ERANGE (@level), -EINVAL (NULL where no process is, as in firmware), or
 * -ENOMEM (the process's heap could not be made).
 */
int qn_pressure_set(struct qn_heap *h, unsigned level);

/**
 * qn_pressure() - the same, in a number from 0 to 1
 * @h:		as there
 * @level:	less than 0 is 0, more than 1 is 1; so is what is no number, 0
 *
 * Inline, so that the library needs neither floating point nor a way to hand it over.
 */
static inline int qn_pressure(struct qn_heap *h, float level)
{
	unsigned whole = 0;

	if (level >= 1.0f)
		whole = QN_PRESSURE_MOST;
	else if (level > 0.0f)
		whole = (unsigned)(level * (float)QN_PRESSURE_MOST + 0.5f);
	return qn_pressure_set(h, whole);
}

/**
 * qn_heap_set_hook() - somebody to ask when memory runs out
 * @h:		the heap
 * @hook:	called with the bytes that no block could be had for; true: memory was
 *		freed, try again. NULL: nobody
 * @arg:	its first argument
 *
 * The hook runs where the request was made, perhaps in an interrupt, with the
 * heap unlocked; it may free, and must not allocate.
 *
 * Context: as qn_heap_alloc().
 */
void qn_heap_set_hook(struct qn_heap *h, bool (*hook)(void *arg, size_t size),
		      void *arg);

/** enum qn_state - what a piece of a heap is */
enum qn_state {
	QN_USED, /* a block in use */
	QN_HELD, /* a freed block, kept for the next request of its length */
	QN_FREE, /* a free run */
};

/** QN_STATES - how many there are */
#define QN_STATES 3

/**
 * qn_heap_walk() - see every block and every free run, by address within a zone
 * @h:		the heap
 * @look:	called with @arg, start and bytes of a piece and what it is; false
 *		ends the walk. It must not call the heap
 * @arg:	its first argument
 *
 * Context: as qn_heap_alloc(), but that the heap stays locked: time grows with
 * the number of blocks.
 * Return: 0, or -EINVAL.
 */
int qn_heap_walk(struct qn_heap *h,
		 bool (*look)(void *arg, void *p, size_t size,
			      enum qn_state state),
		 void *arg);

/**
 * struct qn_census - the pieces of a heap whose sizes are in a range
 * @most:	the largest bytes, as served, that belong here; set by the caller
 * @nr:		pieces, by enum qn_state
 * @bytes:	of them, by enum qn_state
 */
struct qn_census {
	size_t most;
	size_t nr[QN_STATES];
	size_t bytes[QN_STATES];
};

/**
 * qn_heap_census() - how many pieces of which size
 * @h:		the heap
 * @at:		ranges, their @most ascending; the last one is also for what is larger.
 *		Filled in
 * @nr:		how many, 1 at least
 *
 * For statistics by size without a price at each call: the heap is walked and stays
 * locked meanwhile.
 *
 * Context: as qn_heap_walk(); time grows with the number of blocks times @nr.
 * Return: 0, or -EINVAL (NULL, no range, not ascending).
 */
int qn_heap_census(struct qn_heap *h, struct qn_census *at, size_t nr);

/**
 * qn_heap_check() - walk the whole heap
 * @h:		the heap
 *
 * Context: as qn_heap_alloc(); time grows with the heap.
 * Return: 0, or -EINVAL (no heap), -EUCLEAN (damaged: qn_heap_error() says
 * what was found).
 */
int qn_heap_check(struct qn_heap *h);

/**
 * qn_heap_error() - what the last qn_heap_check() found
 * @h:		the heap
 *
 * Return: a static string, "" if nothing was found.
 */
const char *qn_heap_error(const struct qn_heap *h);

/*
 * Pools: buffers of one size.
 */

struct qn_pool;

/**
 * QN_POOL_BYTES() - memory that a pool needs
 * @osize:	bytes of a buffer
 * @nr:		buffers
 *
 * Enough for so many in memory of any alignment; small buffers may find room for a
 * few more. A constant if both are: for a static array.
 */
#define QN_POOL_BYTES(osize, nr)                                           \
	(QN_POOL_STATE + QN_ALIGN + QN_POOL_STRIDE(osize) * (size_t)(nr) + \
	 ((size_t)(nr) + 8 * sizeof(long) - 1) / (8 * sizeof(long)) *      \
		 sizeof(long))

/* What a pool keeps, and from one buffer to the next */
#define QN_POOL_STATE (10 * sizeof(void *))
#define QN_POOL_STRIDE(osize)                                      \
	(((size_t)(osize) + ((osize) == 0) + sizeof(void *) - 1) / \
	 sizeof(void *) * sizeof(void *))

/**
 * qn_pool_init() - make a pool inside a piece of memory
 * @mem:	start of the memory; any alignment, any contents
 * @size:	its bytes: QN_POOL_BYTES() for a certain number of buffers, or as
 *		many as there are
 * @osize:	bytes of a buffer
 *
 * Everything lies in the memory; a buffer has no header. It is aligned to
 * sizeof(void *), and to %QN_ALIGN if @osize is a multiple of that. There is no
 * qn_pool_exit(): the memory is the caller's again once the pool is not used any
 * more. Memory of a heap will do: qn_heap_alloc(heap, QN_POOL_BYTES(...)).
 *
 * Context: any; the memory is the caller's alone until return. Constant time, but
 * for one bit a buffer.
 * Return: the pool, or NULL if not even one buffer fits.
 */
struct qn_pool *qn_pool_init(void *mem, size_t size, size_t osize);

/**
 * qn_pool_alloc() - take a buffer
 * @pool:	the pool
 *
 * Context: any thread; an interrupt handler too where the build masks interrupts
 * (knob QN_LOCK_IRQ). Constant time: no loop.
 * Return: the buffer that was given back last, or NULL if all are taken.
 */
void *qn_pool_alloc(struct qn_pool *pool);

/**
 * qn_pool_free() - give a buffer back
 * @pool:	the pool
 * @p:		a buffer of it, or NULL
 *
 * A pointer that is no buffer of the pool, or one that is not taken, is reported
 * through the port and the program stops.
 *
 * Context: as qn_pool_alloc(). Constant time: no loop.
 */
void qn_pool_free(struct qn_pool *pool, void *p);

/**
 * qn_pool_osize() - bytes of a buffer: what was asked for, in whole words
 * @pool:	the pool
 */
size_t qn_pool_osize(const struct qn_pool *pool);

/**
 * qn_pool_nr() - buffers in all
 * @pool:	the pool
 */
size_t qn_pool_nr(const struct qn_pool *pool);

/**
 * qn_pool_nr_free() - buffers that can be taken
 * @pool:	the pool
 */
size_t qn_pool_nr_free(const struct qn_pool *pool);

/**
 * qn_pool_least_free() - the fewest that there ever were: how large it need be
 * @pool:	the pool
 */
size_t qn_pool_least_free(const struct qn_pool *pool);

/**
 * QN_POOL() - a pool with a type of its own
 * @name:	of the pool's type, struct name, and of its functions
 * @type:	of a buffer
 *
 * Defines struct name, struct name_ref (a buffer, at its member ->at), and
 *
 *	int name_init(struct name *pool, void *mem, size_t size);
 *	struct name_ref name_alloc(struct name *pool);
 *	void name_free(struct name *pool, struct name_ref ref);
 *
 * A reference of one pool cannot be given to another, even if both hold the same
 * @type: the compiler refuses it. name_init() returns 0 or -ENOSPC.
 */
#define QN_POOL(name, type)                                                   \
	struct name {                                                         \
		struct qn_pool *pool;                                         \
	};                                                                    \
	struct name##_ref {                                                   \
		type *at;                                                     \
	};                                                                    \
	static inline int name##_init(struct name *p, void *mem, size_t size) \
	{                                                                     \
		p->pool = qn_pool_init(mem, size, sizeof(type));              \
		return p->pool ? 0 : -ENOSPC;                                 \
	}                                                                     \
	static inline struct name##_ref name##_alloc(struct name *p)          \
	{                                                                     \
		struct name##_ref ref = { (type *)qn_pool_alloc(p->pool) };   \
                                                                              \
		return ref;                                                   \
	}                                                                     \
	static inline void name##_free(struct name *p, struct name##_ref ref) \
	{                                                                     \
		qn_pool_free(p->pool, ref.at);                                \
	}                                                                     \
	struct name

/*
 * Arenas: trees, graphs and texts that die together.
 */

/**
 * struct qn_arena - memory that is handed out in order and given back as a whole
 *
 * Made by qn_arena_init() or qn_arena_init_fixed(); its members are not for others.
 * An arena belongs to one thread at a time.
 */
struct qn_arena {
	char *at;
	char *end;
	void *chunks;
	char *fixed;
	size_t chunk;
	void *(*get)(void *arg, size_t size);
	void (*put)(void *arg, void *p);
	void *arg;
};

/**
 * struct qn_arena_mark - a moment in the life of an arena
 */
struct qn_arena_mark {
	char *at;
	void *chunks;
};

/**
 * qn_arena_init() - an arena that grows
 * @a:		filled in; takes no memory yet
 * @get:	where chunks come from: a block of @size bytes aligned to %QN_ALIGN,
 *		or NULL
 * @put:	where they go back to
 * @arg:	first argument of both
 * @chunk:	bytes to get at a time; a larger request gets a chunk of its own
 */
void qn_arena_init(struct qn_arena *a, void *(*get)(void *arg, size_t size),
		   void (*put)(void *arg, void *p), void *arg, size_t chunk);

/**
 * qn_arena_init_heap() - an arena that grows out of a heap
 * @a:		filled in
 * @h:		the heap
 * @chunk:	as for qn_arena_init()
 */
void qn_arena_init_heap(struct qn_arena *a, struct qn_heap *h, size_t chunk);

/**
 * qn_arena_init_fixed() - an arena in one piece of memory, which does not grow
 * @a:		filled in
 * @mem:	its memory, of any alignment
 * @size:	bytes
 */
void qn_arena_init_fixed(struct qn_arena *a, void *mem, size_t size);

/**
 * qn_arena_alloc() - a piece of an arena
 * @a:		the arena
 * @size:	bytes; 0 is served as 1
 *
 * Constant time, but where a chunk is got: then that much more. It is never freed by
 * itself.
 *
 * Return: a block aligned to %QN_ALIGN, or NULL.
 */
void *qn_arena_alloc(struct qn_arena *a, size_t size);

/**
 * qn_arena_alloc_aligned() - the same at an alignment, which may be less than that
 * @a:		the arena
 * @align:	a power of two
 * @size:	bytes
 *
 * Return: a block, or NULL (also if @align is no power of two).
 */
void *qn_arena_alloc_aligned(struct qn_arena *a, size_t align, size_t size);

/**
 * qn_arena_grow() - make a block longer
 * @a:		the arena
 * @p:		a block of it, or NULL
 * @old_size:	its bytes, 0 for NULL
 * @size:	bytes wanted; no less than @old_size
 *
 * In place and in constant time if it is the latest block and its chunk has room,
 * else by a copy; what it leaves stays in the arena.
 *
 * Return: the block, aligned to %QN_ALIGN, perhaps moved, or NULL with @p as it was.
 */
void *qn_arena_grow(struct qn_arena *a, void *p, size_t old_size, size_t size);

/**
 * qn_arena_string() - a copy of a text
 * @a:		the arena
 * @text:	bytes, not terminated
 * @size:	how many
 *
 * Strings lie close together: they are not aligned.
 *
 * Return: the copy, terminated, or NULL.
 */
char *qn_arena_string(struct qn_arena *a, const char *text, size_t size);

/**
 * qn_arena_mark_get() - remember how far an arena has come
 * @a:		the arena
 */
struct qn_arena_mark qn_arena_mark_get(const struct qn_arena *a);

/**
 * qn_arena_release() - give back all that came after a mark
 * @a:		the arena
 * @mark:	from qn_arena_mark_get() of this arena; marks after it are void
 *
 * Constant time for each chunk that goes back.
 */
void qn_arena_release(struct qn_arena *a, struct qn_arena_mark mark);

/**
 * qn_arena_reset() - give everything back; the arena can be used again
 * @a:		the arena
 */
void qn_arena_reset(struct qn_arena *a);

/**
 * QN_ARRAY() - the type of an array that grows in an arena
 * @type:	of its elements
 *
 * All zero is the empty array: @at its elements, @nr how many there are, @room how
 * many fit before it grows.
 */
#define QN_ARRAY(type)       \
	struct {             \
		type *at;    \
		size_t nr;   \
		size_t room; \
	}

/**
 * qn_array_add() - one more element at the end of an array
 * @a:		struct qn_arena *
 * @array:	a pointer to a QN_ARRAY()
 *
 * Where the array has to grow its room doubles; mean time is constant.
 *
 * Return: a pointer to the new element, not initialised, or NULL.
 */
#define qn_array_add(a, array)                                          \
	((array)->nr < (array)->room ||                                 \
			 qn_array_grow(a, &(array)->at, &(array)->room, \
				       sizeof(*(array)->at)) == 0 ?     \
		 &(array)->at[(array)->nr++] :                          \
		 NULL)

/**
 * qn_array_grow() - room for at least one more element: what qn_array_add() grows by
 * @a:		the arena
 * @at:		where the pointer to the elements is, which is set anew
 * @room:	elements that there is room for; doubled
 * @osize:	bytes of an element
 *
 * Return: 0, or -ENOMEM with the array as it was.
 */
int qn_array_grow(struct qn_arena *a, void *at, size_t *room, size_t osize);

/*
 * The process's heap. Linux only. Same contracts as the C library's functions
 * without the prefix, but that qn_realloc(p, 0) resizes to one byte and does not
 * free.
 */

/**
 * qn_malloc() - allocate from the process's heap
 * @size:	bytes asked for; 0 is served as 1
 *
 * Context: any thread, no signal handler.
 * Return: a block aligned to %QN_ALIGN, or NULL with errno ENOMEM.
 */
void *qn_malloc(size_t size);

/**
 * qn_calloc() - allocate a zeroed array
 * @n:		elements
 * @size:	bytes of one
 *
 * Context: as qn_malloc().
 * Return: a zeroed block, or NULL with errno ENOMEM (also if @n * @size overflows).
 */
void *qn_calloc(size_t n, size_t size);

/**
 * qn_realloc() - resize a block
 * @p:		a block of the process's heap, or NULL to allocate
 * @size:	new size; 0 is served as 1, the block is not freed
 *
 * Context: as qn_malloc().
 * Return: the block, perhaps moved, or NULL with errno ENOMEM and @p still valid.
 */
void *qn_realloc(void *p, size_t size);

/**
 * qn_memalign() - allocate at an alignment
 * @align:	a power of two
 * @size:	bytes asked for
 *
 * Context: as qn_malloc().
 * Return: a block aligned to @align, or NULL with errno ENOMEM, or EINVAL if @align is no
 * power of two.
 */
void *qn_memalign(size_t align, size_t size);

/**
 * qn_free() - give a block back
 * @p:		a block of the process's heap, or NULL
 *
 * A pointer that is found to be no live block is reported on stderr, and the program stops.
 *
 * Context: as qn_malloc().
 */
void qn_free(void *p);

/**
 * qn_malloc_usable_size() - bytes that may be used of a block
 * @p:		a block of the process's heap, or NULL
 *
 * Context: as qn_malloc().
 * Return: at least what was asked for; 0 for NULL.
 */
size_t qn_malloc_usable_size(const void *p);

/**
 * qn_trim() - return free memory of the process's heap to the system now
 *
 * Return: 1 if anything was returned, else 0.
 */
int qn_trim(void);

/**
 * qn_stats_get() - what the process's heap holds now
 * @st:		filled in
 *
 * Derived from slab counts: format/statspage.h has the error of each figure.
 *
 * Return: 0, or -EINVAL.
 */
int qn_stats_get(struct qn_stats *st);

/*
 * The names that both had first: a function of a structure's name hides it in C++. What a
 * macro is called with tells it from the structure.
 */
#define qn_stats(st)     qn_stats_get(st)
#define qn_arena_mark(a) qn_arena_mark_get(a)

/**
 * qn_check() - walk the process's heap
 *
 * Context: no other thread may allocate or free meanwhile.
 * Return: 0, or -EUCLEAN; the finding goes to stderr.
 */
int qn_check(void);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif /* QUERN_H */
