/* SPDX-License-Identifier: MIT */
/*
 * medium.h - blocks that are too large for slabs and too small for units of their own.
 *
 * Of these sizes a program has few blocks of each, and how many changes all the time:
 * slabs of each class would keep room for the most that there ever were. So they share
 * chunks: runs of units that belong to one local, cut by boundary tags (Knuth, The Art
 * of Computer Programming, volume 1, 2.5), placed by the rule of bins.h. What is
 * freed waits for a request of its size; before memory is touched that was not, all that
 * waits is merged with its free neighbours.
 *
 * Blocks that wait are merged with their neighbours (qn_medium_merge()):
 *
 *  - before a chunk is fetched;
 *  - before a page is touched for the first time, or a run of CUT_TIMES the length is cut;
 *  - before slabs or large blocks take memory that is not dirty;
 *  - while memory in use grows elsewhere and more than QN_KEEP_YIELD is free
 *    (qn_medium_yield());
 *  - where more than 1 MB + used/16 / threads that have chunks is free and resident. Then
 *    chunks that are all free go back, but for one. Where more than QN_KEEP_CHUNK is left in
 *    whole pages, the pages of all free runs are purged (qn_medium_look()). Since @used falls
 *    while a burst is freed, little waits at its end: what waits has no age, and what went
 *    back has.
 *
 * Before a block stands one word, its tag: the bytes up to the next tag, flags, and
 * a half that is made of the address, by which a block is told from what is none. A
 * free run has the node of bins.h behind its tag, and its size in its last word:
 *
 *	chunk:	| - | tag block | tag block | tag node ... size | tag block | end |
 *
 * The first word of a chunk is not used; the last is the tag of a block without bytes.
 *
 * Only pages that were touched cost memory: @touched of each unit tells which of its
 * sixteenths may be resident. Free runs keep theirs until there is much of it, then it
 * is purged. A run that is not wholly resident is flagged, so that others need not look.
 *
 * A chunk belongs to one local, and everything here runs in its context. Blocks that
 * come to wait and are handed out again (qn_medium_put(), qn_medium_get()) need no lock.
 * The rest changes what lies around them, which another thread does as well while the
 * owner sleeps (qn_medium_take()): it needs qn_medium_trylock(). Of the segments' lock it
 * takes care itself, where a chunk comes or goes or pages were purged.
 */
#ifndef QN_MEDIUM_H
#define QN_MEDIUM_H

#include "runs/bins.h"
#include "base/compiler.h"
#include "base/link.h"
#include "process/segment.h"

struct qn_local;

/* The largest block, and the largest alignment */
#define QN_MEDIUM_MAX ((size_t)32 << 10)
/* Sizes of runs are counted in this, and all blocks are aligned to it */
#define QN_MEDIUM_STEP ((size_t)16)
/*
 * Blocks are rounded up to a multiple of one of these: of fewer sizes more fit the next
 * request. The second is for those of more than QN_MEDIUM_SHORT bytes.
 */
#define QN_MEDIUM_ROUND      ((size_t)32)
#define QN_MEDIUM_ROUND_LONG ((size_t)128)
#define QN_MEDIUM_SHORT      ((size_t)8 << 10)

/* One that waits may be longer than what is needed by this part of it */
#define QN_MEDIUM_NEAR 16

/* Lists of blocks that wait: one a size, in groups that tell whether there are any */
#define QN_MEDIUM_LISTS  (QN_MEDIUM_MAX / QN_MEDIUM_ROUND + 6)
#define QN_MEDIUM_GROUP  8
#define QN_MEDIUM_GROUPS DIV_ROUND_UP(QN_MEDIUM_LISTS, QN_MEDIUM_GROUP)
#define QN_MEDIUM_WORDS  DIV_ROUND_UP(QN_MEDIUM_GROUPS, sizeof(u64))

/**
 * struct qn_medium - the medium blocks of one local
 * @segments:	where chunks come from
 * @owner:	whose they are
 * @page_size:	of the system
 * @bytes:	of all chunks, but for the first and last word of each
 * @holes:	of sixteenths that are not resident
 * @free:	all that is resident and not of a block in use
 * @least, @most: what @free may be before the statistics are told, or more is to be done
 * @look:	what @free may be before it is looked at for pages to purge
 * @merged:	@free when all that waited was merged last
 * @cut:	bytes of free runs that became blocks since then
 * @looked:	when it was looked at last, in ms
 * @room:	bytes that may wait besides: it was merged and cut again within a short time
 * @yielded:	bytes in use in the process when qn_medium_yield() last looked, or fewer since
 * @nr_chunks:	chunks
 * @empty:	the free run of a chunk that is all free, of which one is kept, or NULL
 * @clean:	the end of what was touched for the first time last reads as zero from here
 * @nr_allocs:	blocks allocated and not yet accounted
 * @credit:	bytes to allocate until the next sampled block
 * @told:	@credit when the statistics were told last
 * @moved:	a chunk left or pages were purged since the statistics were told
 * @known, @known_free: bytes in use, and free and resident, as the statistics know
 * @busy:	the lock, for which nobody waits with another lock held; tags and links may be
 *		changing: a signal handler must not look then
 * @count:	where bytes that turn free are counted: @free, or @owed
 * @owed:	those that another thread than the owner counted, whose @free is not to be
 *		touched: part of it
 * @careful:	look at tags and links before following them
 * @nr_merges:	so far
 * @waits:	may any
 * @group:	may a list of the group have blocks
 * @bins:	free runs
 * @waiting:	blocks that wait, by size: lists through their first words. They count as
 *		free, but their neighbours take them for blocks in use
 * @longest:	bytes of the longest chunk that there ever was
 *
 * Invariants, but while @busy:
 *	@bytes == blocks in use + blocks that wait + runs in @bins
 *	@bytes + two words of each of @nr_chunks == qn_medium_used() + @holes + @free + @owed
 *	@holes == parts of all units of chunks that are not touched
 *	blocks wait in list i only if @waits and @group[i / QN_MEDIUM_GROUP]
 */
struct qn_medium {
	struct qn_segments *segments;
	struct qn_local *owner;
	size_t page_size;
	size_t bytes;
	size_t holes;
	size_t free;
	size_t least;
	size_t most;
	size_t look;
	size_t merged;
	size_t cut;
	size_t room;
	size_t yielded;
	u32 looked;
	u32 nr_chunks;
	u32 nr_allocs;
	char *empty;
	const char *clean;
	bool moved;
	ptrdiff_t credit;
	ptrdiff_t told;
	size_t known;
	size_t known_free;
	bool busy;
	bool careful;
	u32 nr_merges;
	size_t *count;
	size_t owed;
	bool waits;
	bool group[QN_MEDIUM_WORDS * sizeof(u64)];
	struct qn_bins bins;
	char *waiting[QN_MEDIUM_GROUPS * QN_MEDIUM_GROUP];
	size_t longest;
};

/* Bytes of blocks in use, tags included */
static __always_inline size_t qn_medium_used(const struct qn_medium *m)
{
	size_t chunks = m->bytes + 2 * sizeof(size_t) * m->nr_chunks;

	return chunks - m->holes - m->free - m->owed;
}

/* ---- the lock ---- */

/* False: somebody has it */
static __always_inline bool qn_medium_trylock(struct qn_medium *m)
{
	/* Pairs with the release in qn_medium_unlock() */
	return !__atomic_exchange_n(&m->busy, true, __ATOMIC_ACQUIRE);
}

static __always_inline void qn_medium_unlock(struct qn_medium *m)
{
	/* Pairs with the acquire in qn_medium_trylock() */
	smp_store_release(&m->busy, false);
}

/* ---- tags ---- */

/* Flags of a tag: a free run; one that is not wholly resident; a block that waits */
#define QN_TAG_FREE  1u
#define QN_TAG_HOLES 4u
#define QN_TAG_WAITS 8u
#define QN_TAG_FLAGS 15u
/*
 * The lower bits are size and flags, those above the seal. The highest tells whether what
 * is before is free: that changes while the block is in use, by whoever has the lock
 * (qn_medium_lock()), and the lower half when it is freed and handed out again, by the
 * owner without it. So each writes half of the tag.
 */
#define QN_TAG_LOW       ((size_t)INT32_MAX)
#define QN_TAG_PREV_FREE ((size_t)1 << 63)
#define QN_TAG_SEAL      (~QN_TAG_LOW & ~QN_TAG_PREV_FREE)
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "halves of a tag");

/* No block or run is shorter */
#define QN_MEDIUM_LEAST ((size_t)64)

static __always_inline size_t *qn_tag_of(const void *p)
{
	return (size_t *)(uintptr_t)p - 1;
}

/* Its lower half */
static __always_inline u32 *qn_tag_low(const void *p)
{
	return (u32 *)(uintptr_t)p - 2;
}

/* The half of a tag that tells its place */
static __always_inline size_t qn_tag_seal(const void *p)
{
	return (size_t)((u32)((uintptr_t)p >> 4) * 0x9e3779b1u) << 31;
}

static __always_inline size_t qn_tag_size(size_t tag)
{
	return tag & QN_TAG_LOW & ~(size_t)QN_TAG_FLAGS;
}

/**
 * qn_medium_tag() - the tag of a block in use
 * @p:		any pointer into a chunk; what lies before it may be read
 *
 * Return: 0 if it is no block in use.
 */
static __always_inline size_t qn_medium_tag(const void *p)
{
	size_t tag = qn_load_any((const char *)p - sizeof(tag));

	if (unlikely((tag ^ qn_tag_seal(p)) &
		     (QN_TAG_SEAL | QN_TAG_FREE | QN_TAG_WAITS)))
		return 0;
	return tag;
}

/* What a block for a request takes of its chunk, tag included */
static __always_inline size_t qn_medium_bytes(size_t size)
{
	size += sizeof(size_t);
	if (size > QN_MEDIUM_SHORT)
		return round_up(size, QN_MEDIUM_ROUND_LONG);
	return max(round_up(size, QN_MEDIUM_ROUND), QN_MEDIUM_LEAST);
}

/* ---- blocks that wait ---- */

/* The first of a list: a message if it is no block that waits */
void qn_medium_look_at(const struct qn_medium *m, const void *p);

/* All blocks of a list are as long as any request that looks there needs */
static __always_inline size_t qn_medium_list(size_t bytes)
{
	return bytes / QN_MEDIUM_ROUND;
}

/**
 * qn_medium_get() - a block that waits for just this size
 * @m:		the local's blocks
 * @bytes:	qn_medium_bytes() of the size
 * @always:	also if a sample or the statistics are due
 *
 * Return: NULL if there is none.
 */
static __always_inline void *qn_medium_get(struct qn_medium *m, size_t bytes,
					   bool always)
{
	char **list = &m->waiting[qn_medium_list(bytes)], *p = *list;
	size_t size, left;

	if (!p)
		return NULL;
	if (always)
		qn_medium_look_at(m, p);
	size = qn_tag_size(*qn_tag_low(p));
	left = m->free - size;
	if (!always && unlikely(m->credit < (ptrdiff_t)size || left < m->least))
		return NULL;
	m->credit -= (ptrdiff_t)size;
	m->free = left;
	m->nr_allocs++;
	*list = qn_link_get(p);
	qn_subtract_once(*qn_tag_low(p), QN_TAG_WAITS);
	return p;
}

/**
 * qn_medium_put() - a block turns free and waits
 * @m:		the blocks of the local that it belongs to
 * @p:		any pointer into a chunk; what lies before it may be read
 *
 * Where @free exceeds @most now, qn_medium_look() and the statistics are due.
 *
 * Return: false if it is no block in use.
 */
static __always_inline bool qn_medium_put(struct qn_medium *m, void *p)
{
	size_t tag, size, list;

	/* Where @p is no block it may have any alignment */
	tag = qn_load_any((char *)p - sizeof(tag));
	size = qn_tag_size(tag);
	list = qn_medium_list(size);
	if (unlikely((tag ^ qn_tag_seal(p)) &
		     (QN_TAG_SEAL | QN_TAG_FREE | QN_TAG_WAITS)))
		return false;
	qn_link_set(p, m->waiting[list]);
	WRITE_ONCE(*qn_tag_low(p), (u32)tag + QN_TAG_WAITS);
	m->waiting[list] = p;
	m->group[list / QN_MEDIUM_GROUP] = true;
	m->waits = true;
	m->free += size;
	return true;
}

/* ---- the interface ---- */

/**
 * qn_medium_init() - no chunks yet
 * @m:		zeroed
 * @s:		where chunks come from
 * @owner:	whose they are
 * @page_size:	of the system
 */
void qn_medium_init(struct qn_medium *m, struct qn_segments *s,
		    struct qn_local *owner, size_t page_size);

/**
 * qn_medium_cut() - a block of what the chunks have, if none waits (qn_medium_get())
 * @m:		the local's blocks
 * @bytes:	qn_medium_bytes() of the size
 *
 * Return: a block, aligned to QN_MEDIUM_STEP, or NULL if no free run is found that
 * holds it: qn_medium_grow() helps.
 */
void *qn_medium_cut(struct qn_medium *m, size_t bytes);

/**
 * qn_medium_alloc_aligned() - the same at an alignment
 * @m:		the local's blocks
 * @size:	bytes, at most QN_MEDIUM_MAX
 * @align:	a power of two from QN_MEDIUM_STEP to QN_MEDIUM_MAX
 */
void *qn_medium_alloc_aligned(struct qn_medium *m, size_t size, size_t align);

/**
 * qn_medium_grow() - one more chunk
 * @m:		the local's blocks
 * @size:	bytes that a block in it must be able to have, alignment included
 *
 * Context: takes the segments' lock.
 * Return: false if there is no memory.
 */
bool qn_medium_grow(struct qn_medium *m, size_t size);

/**
 * qn_medium_free() - qn_medium_put(), or a message where @p is no block in use
 * @m:		the blocks of the local that it belongs to
 * @u:		its unit
 * @p:		the block
 */
void qn_medium_free(struct qn_medium *m, const struct qn_unit *u, void *p);

/**
 * qn_medium_take() - a block that another thread freed, while the owner sleeps
 * @m:		the blocks of the local that it belongs to; @count is @owed
 * @u:		its unit
 * @p:		the block
 *
 * It is merged at once: what waits is the owner's.
 *
 * Context: any thread, with the lock.
 * Return: bytes that are no longer in use.
 */
size_t qn_medium_take(struct qn_medium *m, const struct qn_unit *u, void *p);

/* What may be free before qn_medium_look() is due: room for what comes until then */
static inline size_t qn_medium_look_next(const struct qn_medium *m)
{
	size_t limit =
		qn_resident_limit(&m->segments->resident, QN_KEEP_WAITING);

	return max(2 * limit, min(m->merged, m->free) + limit / 2) + m->room;
}

/**
 * qn_medium_look() - where much is free, merge it and look for pages to purge
 * @m:		the local's blocks
 *
 * Context: may take the segments' lock.
 */
void qn_medium_look(struct qn_medium *m);

/**
 * qn_medium_yield() - memory in use grows: purge free pages beyond the limit
 * @m:		the local's blocks
 *
 * qn_medium_look() comes with what turns free. The limit falls while memory in use comes near
 * its peak, and nothing turns free then.
 *
 * Context: may take the segments' lock.
 */
void qn_medium_yield(struct qn_medium *m);

/**
 * qn_medium_resize() - make a block longer or shorter where it lies
 * @m:		the blocks of the local that it belongs to
 * @p:		the block
 * @size:	bytes wanted, at most QN_MEDIUM_MAX
 *
 * Return: false if the run behind it is not long enough.
 */
bool qn_medium_resize(struct qn_medium *m, void *p, size_t size);

/**
 * qn_medium_size() - bytes that a block can hold
 * @u:		its unit
 * @p:		the block
 * @where:	the caller, for the message if @p is no block in use
 *
 * Context: any thread that the block belongs to. Return: SIZE_MAX after that message, if the
 * program goes on then.
 */
size_t qn_medium_size(const struct qn_unit *u, const void *p,
		      const char *where);

/*
 * After qn_medium_take(): the chunk that is all free goes back, and where free runs have
 * more pages than a sleeping thread may keep, they are purged. Context: the same.
 */
void qn_medium_relieve(struct qn_medium *m);

/* Limits fell: purge what they do not allow any more. Context: the owner. */
void qn_medium_press(struct qn_medium *m);

/* Merge what waits: chunks that are all free go back, but for one */
void qn_medium_merge(struct qn_medium *m);

/* The same, and give the chunk back that is all free, if there is one */
void qn_medium_settle(struct qn_medium *m);

/* Give back what is free, but for blocks that wait. Context: the same. */
void qn_medium_idle(struct qn_medium *m);

/* All of that, and purge what is free */
void qn_medium_trim(struct qn_medium *m);

/**
 * qn_medium_audit() - look for tags and links of a chunk that were written to
 * @m:		the blocks of the local that it belongs to, not @busy
 * @u:		its first unit
 * @waits:	QN_MEDIUM_LISTS bytes: what waits in the chunk is added, by list; or NULL
 * @budget:	blocks and free runs to look at, at most; counted down
 *
 * Stops the program with a message where there is one. Writes nothing.
 */
void qn_medium_audit(const struct qn_medium *m, const struct qn_unit *u,
		     u8 *waits, u32 *budget);

/* The same of the links of blocks that wait; @waits: how many there are, or NULL */
void qn_medium_audit_lists(const struct qn_medium *m, const u8 *waits,
			   u32 *budget);

/**
 * qn_medium_check() - bins against tags
 *
 * Return: NULL, or what was found.
 */
const char *qn_medium_check(const struct qn_medium *m);

#endif /* QN_MEDIUM_H */
