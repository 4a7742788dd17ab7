/* SPDX-License-Identifier: MIT */
/*
 * space.h - address space in units: reserved, made usable, found again.
 *
 * A segment is a range of address space with a table of descriptors, one of 64 bytes for
 * each unit, so that pointer -> descriptor is arithmetic. Units are handed out from its
 * low end, the frontier; none comes back here (segment.h keeps free ones).
 *
 * Segment 0 serves the fast path of free(). It lies where nothing else does, its table
 * in front of it at the distance that the longest table has, so that both grow in place
 * to QN_SEGMENT_MAX. Others are made when the kernel refuses that. Nothing is reserved:
 * address space counts where memory is locked or limited.
 *
 * Lock: qn_segments.lock, but for @nr and @committed, which only grow.
 */
#ifndef QN_SPACE_H
#define QN_SPACE_H

#include "process/unit.h"

/* What segment 0 can grow to, in units: 64 GiB; where one mapping has to do: 1 GiB */
#define QN_SEGMENT_MAX ((size_t)1 << 20)
#define QN_SEGMENT_ONE ((size_t)1 << 14)
#define QN_NR_SEGMENTS 64

/**
 * struct qn_segment - one range of address space
 * @base:	where it begins; unit i lies at @base + i * QN_UNIT_SIZE
 * @units:	its table: the descriptor of unit i is @units[i]
 * @frontier:	units from here on were never used
 * @committed:	units below are mapped, and so are their descriptors
 * @table:	bytes of the table that are mapped; whole units
 * @max:	units that there is room for, here and in the table
 *
 * Invariant: @frontier <= @committed <= @max, the descriptors of @committed units lie in
 * @table bytes, and @base == @units + @max descriptors, rounded up to whole units.
 */
struct qn_segment {
	char *base;
	struct qn_unit *units;
	size_t frontier;
	size_t committed;
	size_t table;
	size_t max;
};

/**
 * struct qn_space - all segments of a heap
 * @seg:	the segments
 * @nr:		how many
 * @locked:	what was mapped last is locked, so it is resident at once
 *
 * Invariant: all segments but the last have @frontier == @committed; see segment_close().
 *
 * @nr and a segment's @committed only grow: a release store under qn_segments.lock, an acquire
 * in qn_space_find().
 */
struct qn_space {
	struct qn_segment seg[QN_NR_SEGMENTS];
	unsigned int nr;
	bool locked;
};

/**
 * qn_space_find() - the descriptor of an address
 *
 * Context: any; takes no lock. Time: a step for each segment.
 * Return: NULL if @p lies in no committed unit.
 */
struct qn_unit *qn_space_find(const struct qn_space *space, const void *p);

/* The segment in whose table a descriptor lies. Any context. */
struct qn_segment *qn_space_segment(const struct qn_space *space,
				    const struct qn_unit *u);

/* The memory that a descriptor speaks for. Any context. */
char *qn_space_start(const struct qn_space *space, const struct qn_unit *u);

/* Units from @u to the first whose address is a multiple of @align units */
size_t qn_space_skip(const struct qn_space *space, const struct qn_unit *u,
		     size_t align);

/**
 * qn_space_alloc() - units that were never used
 * @space:	the segments
 * @nr:		units
 * @left:	set to the units that are left over behind the frontier of a segment that
 *		will not grow any more, or NULL
 * @nr_left:	set to how many
 *
 * Context: qn_segments.lock is held. Bounded by the number of segments and by a few system
 * calls.
 * Return: the first descriptor, or NULL if the kernel gives no memory.
 */
struct qn_unit *qn_space_alloc(struct qn_space *space, size_t nr,
			       struct qn_unit **left, size_t *nr_left);

/* Does a run that ends before @end end at the frontier? Context: as above. */
bool qn_space_at_frontier(const struct qn_space *space,
			  const struct qn_unit *end);

/* Take @nr more units for such a run. Return: false if there is no room. */
bool qn_space_extend(struct qn_space *space, struct qn_unit *end, size_t nr);

/**
 * qn_space_need() - how many units of the frontier have @nr among them that are aligned
 * @space:	the segments
 * @nr:		units
 * @align:	alignment in units, a power of two
 *
 * Context: qn_segments.lock is held.
 */
size_t qn_space_need(const struct qn_space *space, size_t nr, size_t align);

/* Room of the last segment for so many units more. Context: qn_segments.lock is held. */
bool qn_space_has_room(const struct qn_space *space, size_t nr);

/* Bytes of descriptor tables that have been touched */
size_t qn_space_metadata(const struct qn_space *space);

/* Bytes of address space */
size_t qn_space_mapped(const struct qn_space *space);

/* Give all address space back; nobody uses any of it */
void qn_space_exit(struct qn_space *space);

#endif /* QN_SPACE_H */
