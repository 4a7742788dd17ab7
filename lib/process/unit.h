/* SPDX-License-Identifier: MIT */
/*
 * unit.h - the descriptor of a unit: what every module of the Linux heap knows of 64 KB.
 *
 * space.h finds a descriptor by arithmetic. resident.h owns two of its fields, @touched and
 * @purged, whatever the kind of the unit. All other fields belong to the module that the
 * unit's kind names, and mean nothing under another kind.
 *
 * A run is contiguous units. Its first descriptor speaks for it: run.size is its length.
 */
#ifndef QN_UNIT_H
#define QN_UNIT_H

#include "runs/bins.h"
#include "base/compiler.h"

#define QN_UNIT_SHIFT 16
#define QN_UNIT_SIZE  ((size_t)1 << QN_UNIT_SHIFT)
/* A unit has sixteen parts of 4 KB: a mask of 16 bits tells which are resident */
#define QN_PART_SHIFT (QN_UNIT_SHIFT - 4)
#define QN_PART_SIZE  ((size_t)1 << QN_PART_SHIFT)
#define QN_UNIT_PARTS 16u

struct qn_local;
struct qn_hard_slab;

enum qn_unit_kind {
	QN_UNIT_NONE = 0, /* never used, or inside a run */
	QN_UNIT_CLEAN,    /* first or last of a free run that reads as zero */
	QN_UNIT_DIRTY,    /* first or last of a free run with old contents */
	QN_UNIT_SPARE,    /* was a slab, on a list of spare ones */
	QN_UNIT_SLAB,     /* a slab: one unit */
	QN_UNIT_LARGE,    /* first of a block's run */
	QN_UNIT_FOLLOW,   /* a unit of followed objects, see follow.h */
	QN_UNIT_FENCE,    /* first of a run of fenced blocks, see fence.h */
	QN_UNIT_META,     /* first of a run that quern keeps for itself */
	QN_UNIT_MEDIUM,   /* of a chunk of medium blocks: of each unit of it */
	QN_UNIT_SHARED,   /* of a chunk of blocks of whole pages, likewise */
	QN_UNIT_HARD, /* of a slab of the hardened mode, of each unit of it: hard.h */
	QN_UNIT_HARD_LARGE, /* first of a large block's run there */
	QN_NR_UNIT_KINDS,
};

/**
 * struct qn_unit - descriptor of one unit: one cache line
 * @owner:	a slab's thread; NULL for everything else, so that the one compare
 *		of free() also says "not a slab"
 * @kind:	enum qn_unit_kind
 * @touched:	mask of parts that may be resident; all others read as zero. Of parts in
 *		use of a run of kind LARGE, META, FOLLOW or FENCE, and of shared ones, what it
 *		was when they came into use
 * @purged:	when parts of it that are not touched were last given up, in ms; 0: never, or
 *		it does not matter any more
 * @stale:	slab: parts that it got with old contents and may never carve
 * @is_looked_at: sparse slab: its pages were looked at, there is no more to purge
 * @is_young:	sparse slab: it became so within the last moment, and may soon be empty
 *
 * Slabs, and spare units, which were slabs:
 * @free:	objects freed by the owner, linked through their first word
 * @count:	frees by the owner until the next event; never 0 outside one
 * @floor:	objects in use == @count + @floor
 * @class, @state: class, and enum qn_slab_state
 * @osize:	object size in bytes
 * @nr:		objects that fit
 * @carved:	objects cut so far; the memory behind is untouched
 * @prev, @next: neighbours in the class's queue; spare: @next of its list
 * @synced, @synced_kept: objects in use, and carved but not hidden, as the
 *		statistics know
 * @hidden:	free objects that are on no list since their pages were purged
 * @hidden_pages: which parts of the unit those are; as it was when a spare unit was a slab
 *
 * Runs, free or in use:
 * @run:	free: its node in the bins; in use: only run.size
 * @older, @newer: dirty: neighbours by age
 * @nr_touched:	dirty: touched parts of all its units, at least one
 * @since:	dirty: when it came, in ms
 * The last unit of a free run has run.size as well, so that the run is found from behind.
 *
 * Large blocks:
 * @bytes:	in use
 * @slack:	what is behind the block, see slack.c
 *
 * Fenced blocks:
 * @fenced:	bytes in use of a large one, else 0
 * @cut:	bytes of the run that were cut so far; atomic
 * @nr_live:	blocks in use, and more while others are cut; atomic
 *
 * The hardened mode:
 * @hard:	the slab
 * @asked:	large block: bytes of it
 * @front:	bytes of the run before it
 * @hard_state:	enum qn_hard_large
 *
 * Chunks of medium blocks, and of blocks of whole pages (shared):
 * @holder:	medium: the local that the chunk belongs to
 * @busy, @heads: shared: parts that are in use, and those that a block begins with
 * @longest:	shared, first unit: most free parts in a row, see share.h
 * @chunk_size:	first unit: run.size by another name
 * @chunk_prev, @chunk_next: shared, first unit: neighbours in the list of @longest
 * @first:	first unit of the chunk
 *
 * Invariants of a chunk of kind SHARED: @heads is part of @busy, and @longest is that of the
 * pages which are not @busy.
 */
struct qn_unit {
	struct qn_local *owner;

	union {
		struct {
			void *free;
			u32 count;
			s16 floor;
			u8 class;
			u8 state;
			u32 osize;
			u16 nr;
			u16 carved;
			struct qn_unit *prev, *next;
			u16 synced;
			u16 synced_kept;
			u16 hidden;
			u16 hidden_pages;
		};

		struct {
			struct qn_run run;
			struct qn_unit *older, *newer;
			u32 nr_touched;
			u32 since;
		};

		struct {
			size_t bytes;
			u8 slack;
		};

		struct {
			size_t fenced;
			u32 cut;
			u32 nr_live;
		};

		struct {
			union {
				struct qn_hard_slab *hard;
				size_t asked;
			};

			u32 front;
			u8 hard_state;
		};

		struct {
			struct qn_local *holder;
			u16 busy;
			u16 heads;
			u16 longest;
			size_t chunk_size;
			struct qn_unit *chunk_prev, *chunk_next;
			struct qn_unit *first;
		};
	};

	u16 touched;
	u8 kind;
	u8 stale : 6;
	u8 is_looked_at : 1;
	u8 is_young : 1;
	u32 purged;
};

_Static_assert(sizeof(void *) != 8 || sizeof(struct qn_unit) == 64,
	       "a descriptor is a cache line, see qn_unit_of()");
_Static_assert(offsetof(struct qn_unit, chunk_size) ==
		       offsetof(struct qn_unit, run.size),
	       "a chunk is a run");
_Static_assert(offsetof(struct qn_unit, slack) <
		       offsetof(struct qn_unit, run.size),
	       "a large block is a run");

_Static_assert(offsetof(struct qn_unit, nr_live) <
		       offsetof(struct qn_unit, run.size),
	       "fenced blocks have a run");

_Static_assert(offsetof(struct qn_unit, hard_state) <
		       offsetof(struct qn_unit, run.size),
	       "large blocks of the hardened mode have a run");

/* How many parts a mask has. A library call is what a built-in would make of it. */
static __always_inline u32 qn_nr_parts(u32 mask)
{
	mask -= mask >> 1 & 0x5555;
	mask = (mask & 0x3333) + (mask >> 2 & 0x3333);
	mask = (mask + (mask >> 4)) & 0x0f0f;
	return (mask + (mask >> 8)) & 0x1f;
}

/* Parts [@from, @to), counted from some unit: those that lie in the unit @i behind it */
static __always_inline u32 qn_parts_of(size_t i, size_t from, size_t to)
{
	from = max(from, i * QN_UNIT_PARTS) - i * QN_UNIT_PARTS;
	to = min(to - i * QN_UNIT_PARTS, (size_t)QN_UNIT_PARTS);
	return (1u << to) - (1u << from);
}

/**
 * qn_unit_index() - number of the unit of a segment that @p lies in
 *
 * Return: a number beyond every segment for a pointer that lies elsewhere.
 */
static __always_inline size_t qn_unit_index(const char *base, const void *p)
{
	return ((uintptr_t)p - (uintptr_t)base) >> QN_UNIT_SHIFT;
}

/* Of descriptors at @units, that of the unit in which byte @at of the segment lies */
static __always_inline struct qn_unit *qn_unit_of(char *units, size_t at)
{
	size_t offset = at >> (QN_UNIT_SHIFT - 6) &
			~(sizeof(struct qn_unit) - 1);

	return (struct qn_unit *)(void *)(units + offset);
}

#endif /* QN_UNIT_H */
