/* SPDX-License-Identifier: MIT */
/*
 * segment.h - the Linux store of runs: address space cut into units of 64 KB.
 *
 * A segment is a range of address space with a table of descriptors, one of 64 bytes
 * for each unit of the segment, so that pointer -> descriptor is arithmetic. A unit is the granule of the Linux heap: only its touched pages
 * cost memory. A run is contiguous units; its first descriptor speaks for it.
 *
 * Free runs are of two kinds that never merge with each other: dirty ones hold
 * pages that a program wrote, clean ones read as zero and cost nothing. Dirty
 * ones are preferred, and the oldest are purged (made clean) when there are more
 * than a limit that learns from refaults. Free memory is never linked through
 * itself, since it may be purged: the nodes are the descriptors.
 *
 * Limits of free memory that may be resident, unless settings say otherwise; used is
 * memory in use:
 *
 *	dirty runs		512 KB + used/16 + @boost; the oldest go first, from the high
 *				end, down to three quarters of that
 *	free in sparse slabs	512 KB + used/16 + half of @boost, 8 MB of it at most
 *	all, with dirty:0	0
 *
 * Memory that is used again within two seconds of its purge is a refault; many of them
 * raise @boost, up to 256 MB and half of what is in use. Each second it falls by half of
 * what was dirty all the time. There is no helper thread: what a burst leaves is purged
 * while it is freed.
 *
 * Units of slabs come and go one by one. Those that came last wait on two lists, of
 * units with little and with much that is resident, so that a slab of few small objects
 * does not keep pages that one of large objects would soon write again.
 *
 * Segment 0 serves the fast path of free(). It lies where nothing else does, its table
 * in front of it at the distance that the longest table has, so that both grow in place
 * to QN_SEGMENT_MAX. Others are made when the kernel refuses that. Nothing is reserved:
 * address space counts where memory is locked or limited.
 *
 * Lock: everything here is under qn_segments.lock, but for the descriptors of
 * runs in use, which belong to their users, and for @committed, which only grows.
 */
#ifndef QN_SEGMENT_H
#define QN_SEGMENT_H

#include "runs/bins.h"
#include "base/bits.h"
#include "base/compiler.h"
#include "base/knobs.h"
#include "port/port.h"

#define QN_UNIT_SHIFT 16
#define QN_UNIT_SIZE  ((size_t)1 << QN_UNIT_SHIFT)
/* What is resident is known in sixteenths of a unit, 4 KB */
#define QN_PART_SHIFT (QN_UNIT_SHIFT - 4)
#define QN_PART_SIZE  ((size_t)1 << QN_PART_SHIFT)
/* What segment 0 can grow to, in units: 64 GiB; where one mapping has to do: 1 GiB */
#define QN_SEGMENT_MAX ((size_t)1 << 20)
#define QN_SEGMENT_ONE ((size_t)1 << 14)
#define QN_NR_SEGMENTS 64
/* A thread that looks again within this time did not sleep: some turns of a scheduler */
#define QN_SLEEP_MS 100u

struct qn_local;

enum qn_unit_kind {
	QN_UNIT_NONE = 0, /* never used, or inside a run */
	QN_UNIT_CLEAN,    /* first or last of a free run that reads as zero */
	QN_UNIT_DIRTY,    /* first or last of a free run with old contents */
	QN_UNIT_SPARE,    /* was a slab, on a list of spare ones */
	QN_UNIT_SLAB,     /* a slab: one unit */
	QN_UNIT_LARGE,    /* first of a block's run */
	QN_UNIT_FOLLOW,   /* a unit of followed objects, see follow.h */
	QN_UNIT_META,     /* first of a run that quern keeps for itself */
	QN_UNIT_MEDIUM,   /* of a chunk of medium blocks: of each unit of it */
	QN_UNIT_SHARED,   /* of a chunk of blocks of whole pages, likewise */
};

/**
 * struct qn_unit - descriptor of one unit: one cache line
 * @owner:	a slab's thread; NULL for everything else, so that the one compare
 *		of free() also says "not a slab"
 * @free:	slab: objects freed by the owner, linked through their first word
 * @holder:	medium: the local that the chunk belongs to
 * @busy, @heads: shared: sixteenths that are in use, and those that a block begins with
 * @longest:	shared, first unit of a chunk: most free sixteenths in a row, see share.h
 * @first:	medium, shared: first unit of the chunk, whose run.size it is
 * @count:	slab: frees by the owner until the next event; never 0 outside one
 * @floor:	slab: objects in use == @count + @floor
 * @touched:	slab, medium, shared: sixteenths of the unit that may be resident
 * @osize:	slab: object size in bytes
 * @nr:		slab: objects that fit
 * @carved:	slab: objects cut so far; the memory behind is untouched
 * @prev, @next: slab: neighbours in the class's queue; shared: of chunks like it
 * @synced, @synced_kept: slab: objects in use, and carved but not hidden, as the
 *		statistics know
 * @hidden:	slab: free objects that are on no list since their pages were purged
 * @hidden_pages: slab: which sixteenths of the unit those are
 * @run:	free run: its node in the bins, size in units; large: only size
 * @age_prev, @age_next: dirty free run: neighbours by age
 * @bytes:	large: bytes in use
 * @head:	last of a free run: its first
 * @kind:	enum qn_unit_kind
 * @class:	slab: class
 * @state:	slab: enum qn_slab_state
 * @pages:	any unit of a dirty run: sixteenths of it that may be resident
 * @stale:	slab: sixteenths that it got with old contents and may never carve;
 *		medium, shared: not all of its sixteenths that were not touched read as zero
 * @stamp:	clean run and hidden pages: when they were purged, in ms, 0 for
 *		never; dirty run: sixteenths of all its units that may be resident
 */
struct qn_unit {
	struct qn_local *owner;

	union {
		struct {
			union {
				void *free;
				struct qn_local *holder;

				struct {
					u16 busy;
					u16 heads;
					u16 longest;
				};
			};

			u32 count;
			s16 floor;
			u16 touched;
			u32 osize;
			u16 nr;
			u16 carved;
			struct qn_unit *prev, *next;

			union {
				struct qn_unit *first;

				struct {
					u16 synced;
					u16 synced_kept;
					u16 hidden;
					u16 hidden_pages;
				};
			};
		};

		struct {
			struct qn_run run;

			union {
				struct {
					struct qn_unit *age_prev, *age_next;
				};

				size_t bytes;
			};
			struct qn_unit *head;
		};
	};

	union {
		struct {
			u8 class;
			u8 state;
		};

		u16 pages;
	};

	u8 kind;
	u8 stale;
	u32 stamp;
};

_Static_assert(sizeof(void *) != 8 || sizeof(struct qn_unit) == 64,
	       "a descriptor is a cache line, see qn_unit_of()");

/* How many sixteenths a mask has. A library call is what a built-in would make of it. */
static __always_inline u32 qn_nr_parts(u32 mask)
{
	mask -= mask >> 1 & 0x5555;
	mask = (mask & 0x3333) + (mask >> 2 & 0x3333);
	mask = (mask + (mask >> 4)) & 0x0f0f;
	return (mask + (mask >> 8)) & 0x1f;
}

/**
 * struct qn_segment - one range of address space
 * @base:	where it begins; unit i lies at @base + i * QN_UNIT_SIZE
 * @units:	its table: the descriptor of unit i is @units[i]
 * @frontier:	units from here on were never used
 * @committed:	units below are mapped, and so are their descriptors
 * @table:	bytes of the table that are mapped; whole units
 * @max:	units that there is room for, here and in the table
 *
 * Invariant: @frontier <= @committed <= @max
 */
struct qn_segment {
	char *base;
	struct qn_unit *units;
	size_t frontier;
	size_t committed;
	size_t table;
	size_t max;
};

/* Units of a chunk of blocks of whole pages, and the most sixteenths of a block */
#define QN_SHARE_UNITS 8
#define QN_SHARE_MOST  (QN_SHARE_UNITS * 16u / 3)

struct qn_segments;

/**
 * struct qn_share - blocks of whole pages that share units: share.h
 * @list:	chunks, by qn_unit.longest of their first units; those without are in none
 * @lists:	bit n: list n is not empty
 * @dirty:	bytes of free pages in chunks that may be resident; part of qn_segments.dirty
 * @purge:	purges some of those; NULL before there was a chunk
 */
struct qn_share {
	struct qn_unit *list[QN_SHARE_MOST + 1];
	u64 lists;
	size_t dirty;
	size_t (*purge)(struct qn_segments *s, size_t want);
};

/**
 * struct qn_segments - all the memory of a process's heap
 * @lock:	guards everything here
 * @bins:	free runs: [0] clean, [1] dirty
 * @age:	dirty runs, oldest first; a list head whose next is the oldest
 * @spare, @nr_spare: units that were slabs: [0] with little, [1] with much resident
 * @seg:	the segments
 * @nr:		how many
 * @share:	blocks of whole pages
 * @used:	bytes of runs in use
 * @nr_holders:	locals that have chunks; atomic
 * @live:	where the bytes of blocks in use are counted, or NULL: units of sparse slabs and
 *		chunks are in use, and hold little
 * @dirty:	bytes in dirty free runs, spare units and free pages of shared ones that
 *		may be resident
 * @stale:	bytes of old contents in slabs, as they were when the slabs were made
 * @knobs:	in use; read by qn_segments_knobs()
 * @huge:	bytes in use from which on memory grows by huge pages; 0: never
 * @locked:	what was mapped last is locked, so it is resident at once
 * @boost:	bytes that may be dirty beyond, learned from refaults
 * @low:	lowest @dirty since @second
 * @second:	when @boost was last lowered, in ms
 * @recent:	bytes purged lately
 * @recent_refaults: bytes reused soon after they were purged, lately
 * @purged, @nr_purges, @refaults: for the statistics
 */
struct qn_segments {
	struct qn_lock lock;
	struct qn_bins bins[2];
	struct qn_unit *oldest, *newest;
	struct qn_unit *spare[2];
	unsigned int nr_spare[2];
	struct qn_segment seg[QN_NR_SEGMENTS];
	unsigned int nr;
	struct qn_share share;
	size_t used;
	u32 nr_holders;
	u64 *live;
	size_t dirty;
	size_t stale;
	const struct qn_knobs *knobs;
	size_t huge;
	bool locked;
	size_t boost;
	size_t low;
	u32 second;
	size_t recent;
	size_t recent_refaults;
	u64 purged;
	u64 nr_purges;
	u64 refaults;
};

/**
 * qn_unit_index() - number of the unit of segment 0 that @p lies in
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
	/* Pairs with the release of whoever publishes a set */
	return smp_load_acquire(&s->knobs);
}

/* Give all address space back; nobody uses any of it */
void qn_segments_exit(struct qn_segments *s);

/**
 * qn_segments_find() - the descriptor of an address
 *
 * Context: any; takes no lock.
 * Return: NULL if @p lies in no committed unit.
 */
struct qn_unit *qn_segments_find(const struct qn_segments *s, const void *p);

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

/**
 * qn_chunk_alloc() - a run of units for blocks that share it
 * @s:		the segments
 * @nr:		units wanted
 * @least:	units that will do, if those are dirty: what is resident is used first
 * @zeroed:	as for qn_run_alloc()
 *
 * Context: takes the lock.
 * Return: its first descriptor with kind QN_UNIT_MEDIUM and run.size set, or NULL.
 */
struct qn_unit *qn_chunk_alloc(struct qn_segments *s, size_t nr, size_t least,
			       bool *zeroed);

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
 * @dirty:	bytes of it that may have been written
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
 * @u:		its first descriptor; run.size must be set, and of each unit @pages, and
 *		@stamp: when those were purged that are not resident
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
 * qn_segments_sparse_limit() - free bytes that a thread's sparse slabs may keep
 *
 * Only their classes can use them, so refaults do not raise it by much.
 *
 * Context: takes no lock; the answer may be a little old.
 */
size_t qn_segments_sparse_limit(const struct qn_segments *s);

/* Free and resident bytes that a thread's chunks may keep, likewise; refaults raise it */
size_t qn_segments_chunk_limit(const struct qn_segments *s);

/*
 * The same where they are of no use to anybody: what is more than the knob dirty is divided
 * among the locals that have chunks.
 */
size_t qn_segments_chunk_share(const struct qn_segments *s);

/* Pages of slabs were purged; slabs of them are used again. Take the lock. */
void qn_segments_note_purge(struct qn_segments *s, size_t bytes);
void qn_segments_note_reuse(struct qn_segments *s, size_t bytes, u32 stamp);

/**
 * qn_segments_decay() - lower the limit of dirty memory where it is not needed
 *
 * Context: takes the lock; called about once a second while there is traffic.
 */
void qn_segments_decay(struct qn_segments *s);

/* Bytes of descriptor tables that have been touched */
size_t qn_segments_metadata(const struct qn_segments *s);
/* Bytes of address space */
size_t qn_segments_mapped(const struct qn_segments *s);

/**
 * qn_segments_check() - bins against descriptors
 *
 * Return: NULL, or what was found.
 */
const char *qn_segments_check(struct qn_segments *s);

#endif /* QN_SEGMENT_H */
