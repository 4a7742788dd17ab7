/* SPDX-License-Identifier: MIT */
/*
 * share.h - blocks of whole pages that share units.
 *
 * A unit is long for a block of 33 KB, and where all mapped memory is charged, as by
 * RLIMIT_DATA, what is left of it is lost. A medium block may be aligned to a page, but
 * stands behind its tag, so that there is a hole between two of them. So blocks
 * between medium and large ones, and those that are whole pages and aligned to them,
 * lie in chunks of QN_SHARE_UNITS units, cut by sixteenths of a unit (4 KB, called
 * pages here), with nothing between them.
 *
 * What is known of a page stands in masks of its unit's descriptor: @busy, @heads (a block
 * begins here) and @touched. So a block's length is how far its pages are busy and
 * no heads. Chunks are kept in lists by the longest run of free pages in them; a request
 * is served from the shortest that will do, at the lowest address there. A chunk that is
 * all free goes back to the segments. Free pages that may be resident count as dirty,
 * and are purged when the dirty runs have been.
 *
 * Lock: qn_segments.lock; all functions take it.
 */
#ifndef QN_SHARE_H
#define QN_SHARE_H

#include "base/compiler.h"
#include "process/segment.h"

/* The longest block: three of them fit a chunk */
#define QN_SHARE_BYTES (QN_SHARE_MOST * QN_PART_SIZE)

/**
 * qn_share_alloc() - a block of whole pages
 * @s:		the segments
 * @size:	bytes, at most QN_SHARE_BYTES
 * @align:	a power of two, at most QN_UNIT_SIZE
 * @old:	set to the bytes at its start that may not read as zero
 *
 * Return: the block, or NULL.
 */
void *qn_share_alloc(struct qn_segments *s, size_t size, size_t align,
		     size_t *old);

/* Is there a chunk with so much in a row, perhaps? Context: any. */
static inline bool qn_share_may_serve(const struct qn_segments *s, size_t size)
{
	return READ_ONCE(s->share.lists) >> DIV_ROUND_UP(size, QN_PART_SIZE);
}

/**
 * qn_share_size() - bytes of a block
 * @s:		the segments
 * @u:		the unit that @p lies in
 * @p:		the block
 *
 * Return: 0 if no block begins at @p.
 */
size_t qn_share_size(struct qn_segments *s, struct qn_unit *u, const void *p);

/**
 * qn_share_free() - free a block
 * @s, @u, @p:	as for qn_share_size()
 * @dirty:	may it be resident; else it was purged
 *
 * Return: its bytes, or 0 if no block begins at @p.
 */
size_t qn_share_free(struct qn_segments *s, struct qn_unit *u, void *p,
		     bool dirty);

/**
 * qn_share_resize() - make a block longer or shorter where it lies
 * @s, @u, @p:	a block
 * @size:	bytes wanted
 *
 * Return: true if it has as many pages as @size needs now.
 */
bool qn_share_resize(struct qn_segments *s, struct qn_unit *u, void *p,
		     size_t size);

#endif /* QN_SHARE_H */
