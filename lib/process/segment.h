/* SPDX-License-Identifier: MIT */
/*
 * segment.h - the Linux store of runs: units of 64 KB that are free, found, cut, merged.
 *
 * A unit is the granule of the Linux heap: only its touched pages cost memory. space.h has
 * the address space, resident.h decides how much free memory may be resident.
 *
 * Free runs are of two kinds that never merge with each other: dirty ones have touched
 * parts, clean ones read as zero and cost nothing. Dirty ones are preferred, and the
 * oldest are purged (made clean) when there are more than their limit. Free memory is
 * never linked through itself, since it may be purged: the nodes are the descriptors.
 *
 * Units of slabs come and go one by one. Those that came last wait on two lists, of
 * units with little and with much that is resident, so that a slab of few small objects
 * does not keep pages that one of large objects would soon write again.
 *
 * Lock: everything here is under qn_segments.lock, but for the descriptors of
 * runs in use, which belong to their users.
 */
#ifndef QN_SEGMENT_H
#define QN_SEGMENT_H

#include "runs/bins.h"
#include "base/bits.h"
#include "base/compiler.h"
#include "base/knobs.h"
#include "port/port.h"
#include "process/resident.h"
#include "process/space.h"
#include "process/unit.h"

/* A thread that looks again within this time did not sleep: some turns of a scheduler */
#define QN_SLEEP_MS 100u

/* Units of a chunk of blocks of whole pages, and the most sixteenths of a block */
#define QN_SHARE_UNITS 8
#define QN_SHARE_MOST  (QN_SHARE_UNITS * 16u / 3)

struct qn_segments;

/**
 * struct qn_share - blocks of whole pages that share units: share.h
 * @list:	chunks, by qn_unit.longest of their first units; those without are in none
 * @lists:	bit n: list n is not empty; written under the lock, read by anybody
 * @dirty:	bytes of free pages in chunks that may be resident; part of
 *		qn_resident.dirty
 * @since:	when they came on average, in ms
 * @purge:	purges some of those; NULL before there was a chunk
 *
 * Invariant: @dirty == parts of chunks that are touched and not busy, <= qn_resident.dirty
 */
struct qn_share {
	struct qn_unit *list[QN_SHARE_MOST + 1];
	u64 lists;
	size_t dirty;
	u32 since;
	size_t (*purge)(struct qn_segments *s, size_t want);
};

/**
 * struct qn_segments - all the memory of a process's heap
 * @lock:	guards everything here
 * @bins:	free runs: [0] clean, [1] dirty
 * @oldest, @newest: dirty runs by age
 * @spare, @nr_spare: units that were slabs: [0] with little, [1] with much resident
 * @spares_came: some did since qn_segments_purge_old()
 * @space:	address space
 * @resident:	what is resident
 * @share:	blocks of whole pages
 * @huge:	bytes in use from which on memory grows by huge pages; 0: never
 *
 * Invariants, with the lock held and between functions:
 *	@resident.dirty == touched parts of runs in @bins[1] and of units in @spare
 *			   + @share.dirty
 *	@resident.used == units below the frontiers - runs in @bins - units in @spare
 *	@nr_spare[i] == length of @spare[i]; the dirty runs are those from @oldest to @newest
 */
struct qn_segments {
	struct qn_lock lock;
	struct qn_bins bins[2];
	struct qn_unit *oldest, *newest;
	struct qn_unit *spare[2];
	unsigned int nr_spare[2];
	bool spares_came;
	struct qn_space space;
	struct qn_share share;
	struct qn_resident resident;
	size_t huge;
};

/**
 * qn_segments_init() - what may be kept, and how memory grows
 * @s:		zeroed, or in use: then it holds from now on
 * @knobs:	see struct qn_segments
 * @huge:	likewise
 */
void qn_segments_init(struct qn_segments *s, const struct qn_knobs *knobs,
		      size_t huge);

/* The knobs in use: a function reads them once, so that it sees one set. Any context. */
static inline const struct qn_knobs *
qn_segments_knobs(const struct qn_segments *s)
{
	return qn_resident_knobs(&s->resident);
}

/* Give all address space back; nobody uses any of it */
void qn_segments_exit(struct qn_segments *s);

/* The descriptor of an address, see qn_space_find(). Any context. */
static inline struct qn_unit *qn_segments_find(const struct qn_segments *s,
					       const void *p)
{
	return qn_space_find(&s->space, p);
}

/* The memory that a descriptor speaks for. Any context. */
char *qn_unit_start(const struct qn_segments *s, const struct qn_unit *u);

/**
 * qn_run_alloc() - a run of units
 * @s:		the segments
 * @nr:		units
 * @align:	alignment in units, a power of two
 * @kind:	what it becomes
 * @zeroed:	set to whether the memory reads as zero; may be NULL
 *
 * Context: takes the lock.
 * Return: its first descriptor with kind and run.size set and owner NULL, or NULL.
 * Of QN_UNIT_MEDIUM all have the kind.
 */
struct qn_unit *qn_run_alloc(struct qn_segments *s, size_t nr, size_t align,
			     enum qn_unit_kind kind, bool *zeroed);

/* Is there dirty memory in a row for so many bytes? Context: takes the lock. */
bool qn_segments_have_dirty(struct qn_segments *s, size_t bytes);

/**
 * qn_chunk_alloc() - a run of units for blocks that share it
 * @s:		the segments
 * @nr:		units wanted
 * @least:	units that will do, if those are dirty: what is resident is used first
 *
 * Context: takes the lock.
 * Return: its first descriptor with kind QN_UNIT_MEDIUM and run.size set, or NULL. Of each
 * unit @touched and @purged are set; its parts that are not touched read as zero.
 */
struct qn_unit *qn_chunk_alloc(struct qn_segments *s, size_t nr, size_t least);

/**
 * qn_unit_alloc() - a unit for a slab
 * @s:		the segments
 * @much:	most of it will soon be written; else it had better have little resident
 *
 * Context: takes the lock.
 * Return: its descriptor with owner NULL, and @touched set; or NULL.
 */
struct qn_unit *qn_unit_alloc(struct qn_segments *s, bool much);

/**
 * qn_run_free() - give a run back
 * @s:		the segments
 * @u:		its first descriptor; run.size must be set
 * @dirty:	bytes of it that may have been written since it came into use. Who knows
 *		that all of it reads as zero calls qn_resident_forget() first.
 *
 * Purges the oldest dirty runs where there are too many.
 *
 * Context: takes the lock.
 */
void qn_run_free(struct qn_segments *s, struct qn_unit *u, size_t dirty);

/**
 * qn_unit_free() - give a slab's unit back
 * @s:		the segments
 * @u:		its descriptor
 *
 * As qn_run_free(), but it is known which parts of it may be resident: @u->touched.
 *
 * Context: takes the lock.
 */
void qn_unit_free(struct qn_segments *s, struct qn_unit *u);

/**
 * qn_run_free_parts() - give a run back of which is known what may be resident
 * @s:		the segments
 * @u:		its first descriptor; run.size must be set, and of each unit @touched
 *
 * All its units may have a kind: it is taken from them under the lock, so that a fork()
 * or a check does not find a run without one.
 *
 * Context: takes the lock.
 */
void qn_run_free_parts(struct qn_segments *s, struct qn_unit *u);

/**
 * qn_run_resize() - make a run longer or shorter where it lies
 * @s:		the segments
 * @u:		first descriptor of a run in use
 * @nr:		units wanted
 * @dirty:	bytes of the cut-off part that may have been written
 *
 * Context: takes the lock.
 * Return: true if the run has @nr units now.
 */
bool qn_run_resize(struct qn_segments *s, struct qn_unit *u, size_t nr,
		   size_t dirty);

/**
 * qn_segments_purge() - return dirty runs to the system, oldest first
 * @s:		the segments
 * @keep:	stop when no more than this is dirty
 *
 * Context: takes the lock.
 * Return: bytes purged.
 */
size_t qn_segments_purge(struct qn_segments *s, size_t keep);

/**
 * qn_segments_purge_old() - purge what has waited for longer than memory is worth
 * @s:		the segments
 *
 * Dirty runs since qn_resident_keep_ms() go, the oldest first, and free pages of shared
 * chunks if none came for so long.
 *
 * Context: takes the lock. Bounded: QN_OLD_SLICE bytes a call, or what one system call
 * cannot be cut into.
 * Return: true if there is more that is old.
 */
bool qn_segments_purge_old(struct qn_segments *s);

/**
 * qn_segments_decay() - lower the limit of dirty memory where it is not needed
 *
 * Context: takes the lock; called about once a second while there is traffic.
 */
void qn_segments_decay(struct qn_segments *s);

/**
 * qn_segments_check() - bins against descriptors
 *
 * Return: NULL, or what was found.
 */
const char *qn_segments_check(struct qn_segments *s);

#endif /* QN_SEGMENT_H */
