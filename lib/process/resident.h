/* SPDX-License-Identifier: MIT */
/*
 * resident.h - the one owner of what is resident: parts touched, limits, refaults, purges.
 *
 * Runs, slabs, chunks and large blocks tell it which parts of their units come into use,
 * and offer parts that nobody uses. All memory that the Linux heap gives back to the
 * system goes back here. A unit's descriptor has the two facts, @touched and @purged
 * (unit.h).
 *
 * Limits of free memory that may be resident, unless settings say otherwise; used is
 * memory in use:
 *
 *	dirty runs		512 KB + used/16 + @boost, but of @boost no more than used has
 *				fallen by lately, and used/4; the oldest runs go first, from
 *				the high end, down to three quarters of the limit
 *	free in sparse slabs	512 KB + used/16 + half of @boost, 8 MB of it at most; for
 *				10 ms a thread's share of 16 MB more
 *	free in chunks		512 KB + used/32 + half of @boost, for each thread
 *	the same, while used	of half of @boost no more than used is below its peak, and
 *	grows			used/4; or 8 MB of it
 *	the same, with no use	512 KB, and a thread's share of the rest of that
 *	blocks that wait there	512 KB + used/32, a thread's share of it; refaults do not count
 *	all, with dirty:0	0
 *
 * Memory that is used again within two seconds of its purge is a refault. Many refaults
 * raise @boost, up to 256 MB and half of what is in use. Each second @boost falls by half
 * of what was dirty all the time, and the peak that memory in use falls from comes down
 * half of the way to that second's peak. What a burst leaves beyond the limits is purged while it
 * is freed, the rest by age.
 *
 * Memory has a price (knob price): so many GB-seconds are worth a CPU-second. To keep a page
 * costs its size times how long it waits; to fetch it again costs a page fault and its part
 * of a purge, which qn_resident_measure() times on the machine. A dirty run that has waited
 * until the one costs as much as the other is purged (qn_segments_purge_old()): the price is
 * then at most twice that of who knows the future, as in the problem of renting skis
 * (Karlin et al., Competitive snoopy caching, 1988). How long free memory
 * was free until it was wanted again moves that time, fourfold at most (delays.h). The knob
 * keep makes it longer or shorter.
 *
 * A price other than the preset changes the limits as well:
 *
 *	price			lower			higher
 *	512 KB, dirty runs	in proportion		in proportion, 16 times at most
 *	512 KB + used/16 (/32)	in proportion		the same
 *	of slabs and chunks
 *	used/16, dirty runs	no change: has an age	the same
 *	@boost			no change: see below	the same
 *	two seconds of refaults	in proportion		no change
 *
 * Memory is worth much at a low price: to fetch it again after some time is no mistake
 * then. So fewer purges count as one, and @boost is what remains worth keeping.
 *
 * Pressure p, from 0 to 1 (gauge.h), leaves (1 - p)^2 of the price: dirty memory is kept
 * for so much less time, and all limits above are so much lower. Memory is taken for a
 * queue: at load p others wait as 1 / (1 - p), so a byte more costs them as its derivative,
 * 1 / (1 - p)^2. At p = 1 nothing is kept, but for 64 KB in sparse slabs and 64 KB in
 * chunks of each thread. Pressure comes all at once, so dirty memory that only pressure
 * makes too much goes a slice (QN_OLD_SLICE) a call, besides what came.
 *
 * No function here has a loop, but for the units that it is given.
 */
#ifndef QN_RESIDENT_H
#define QN_RESIDENT_H

#include "base/compiler.h"
#include "base/knobs.h"
#include "port/debug.h"
#include "process/delays.h"
#include "process/unit.h"

/* Memory that is old, or too much by pressure, is purged in slices: some 100 us */
#define QN_OLD_SLICE ((size_t)1 << 20)

/* Free memory in chunks that refaults asked for is kept up to this, whatever grows */
#define QN_CHUNKS_LEAST ((size_t)8 << 20)

/* A month: dirty memory is kept for no longer, in ms */
#define QN_KEEP_MOST 2592000000u

/**
 * enum qn_keep - free memory of a thread that may be resident, see the table above
 * @QN_KEEP_SPARSE: free objects of a thread's sparse slabs, of use to their classes alone
 * @QN_KEEP_CHUNK: free whole pages of a thread's chunks
 * @QN_KEEP_YIELD: the same, while memory in use grows
 * @QN_KEEP_SHARE: the same, where the thread is not at work
 * @QN_KEEP_WAITING: blocks of a thread's chunks that wait, unmerged. To merge them makes no
 *		refault, so refaults teach nothing of it
 */
enum qn_keep {
	QN_KEEP_SPARSE,
	QN_KEEP_CHUNK,
	QN_KEEP_YIELD,
	QN_KEEP_SHARE,
	QN_KEEP_WAITING,
};

/**
 * struct qn_resident - what is resident, and what experience taught about it
 * @knobs:	in use; read by qn_resident_knobs()
 * @used:	bytes of runs in use
 * @live:	bytes of blocks in use, counted elsewhere, or NULL: units of sparse slabs and
 *		chunks are in use, and hold little
 * @live_peak:	the most of these so far, counted elsewhere too, or NULL
 * @peak, @high: most that was in use lately, and within this second
 * @from, @span: while @used is in [@from, @from + @span) nothing is due: it is no new @high, and
 *		in the slice that @delays know
 * @dirty:	bytes of dirty runs, spare units and free parts of shared units
 * @stale:	bytes of old contents in slabs, as they were when the slabs were made
 * @nr_holders:	threads that have chunks
 * @boost:	bytes that may be dirty beyond, learned from refaults
 * @low:	lowest @dirty since @second
 * @second:	when @boost was last lowered, in ms
 * @recent:	bytes purged lately
 * @recent_refaults: bytes reused soon after they were purged, lately
 * @purged, @nr_purges, @refaults: for the statistics
 * @delays:	after how long free memory was wanted again
 * @pressure:	how scarce memory is, 0 to QN_PRESSURE_MOST; written by qn_gauge
 * @page_ns:	what it costs to fetch a part again, in nanoseconds of CPU time
 * @is_measured: it was measured here; else it is that of some machine
 *
 * @used, @dirty, @stale, @low and @second are written under qn_segments.lock; the others
 * are atomic. All may be read without a lock, and the answer may be a little old.
 *
 * Invariant, with the lock held: @used <= @high <= @peak.
 */
struct qn_resident {
	const struct qn_knobs *knobs;
	size_t used;
	u64 *live;
	const u64 *live_peak;
	size_t peak;
	size_t high;
	size_t from;
	size_t span;
	size_t dirty;
	size_t stale;
	u32 nr_holders;
	u32 second;
	size_t boost;
	size_t low;
	size_t recent;
	size_t recent_refaults;
	u64 purged;
	u64 nr_purges;
	u64 refaults;
	u32 page_ns;
	bool is_measured;
	u32 pressure;
	struct qn_delays delays;
};

/* The knobs in use: a function reads them once, so that it sees one set. Any context. */
static inline const struct qn_knobs *
qn_resident_knobs(const struct qn_resident *r)
{
	/* Pairs with the release of whoever publishes a set */
	return smp_load_acquire(&r->knobs);
}

/* Milliseconds, never 0. Any context. */
u32 qn_resident_now(void);

/* Bytes that the program has; some of the last may not be counted yet. Any context. */
size_t qn_resident_in_use(const struct qn_resident *r);

/**
 * qn_resident_limit() - how much free memory of a kind may be resident
 *
 * Context: any; takes no lock.
 * Return: bytes.
 */
size_t qn_resident_limit(const struct qn_resident *r, enum qn_keep keep);

/**
 * qn_resident_is_much() - is more dirty than the limit of the process
 * @r:		the heap's
 * @came:	bytes that have just become dirty, perhaps: pressure takes no more than a
 *		slice beyond these
 * @keep:	set to what may stay if it is
 *
 * Old contents that slabs got with their units count as well, and may be what is in use
 * besides: for these the limit has no regard to how far the memory in use has fallen.
 *
 * Context: the lock is held.
 */
bool qn_resident_is_much(const struct qn_resident *r, size_t came,
			 size_t *keep);

/*
 * How long a dirty run is kept, in ms: from 1 to QN_KEEP_MOST, and less by pressure, down to
 * 0. Any context.
 */
u32 qn_resident_keep_ms(const struct qn_resident *r);

/* Memory that is wanted back within this time was purged too soon: ms. Any context. */
u32 qn_resident_refault_ms(const struct qn_resident *r);

/* What it costs to fetch a page again, in ns: as measured, or as on some machine. Any context. */
u32 qn_resident_page_ns(const struct qn_resident *r);

/**
 * qn_resident_measure() - what does it cost to fetch a page again
 * @r:		the heap's
 *
 * Touches some pages of its own and purges them, once in a process. Context: one thread at
 * a time. Time: three system calls and 32 page faults, some 30 us.
 */
void qn_resident_measure(struct qn_resident *r);

/* ---- what comes and goes ---- */

/* What is in use is beyond what @from and @span allow: see to it. Context: the lock is held. */
void qn_resident_move(struct qn_resident *r);

/* Bytes of runs came into use; those that left are negative. Context: the lock is held. */
static __always_inline void qn_resident_add_used(struct qn_resident *r,
						 size_t bytes)
{
	WRITE_ONCE(r->used, r->used + bytes);
	qn_assert(r->used <= PTRDIFF_MAX);
	if (unlikely(r->used - r->from >= r->span))
		qn_resident_move(r);
	qn_assert(r->used <= r->high && r->high <= READ_ONCE(r->peak));
	qn_assert(!qn_delays_is_due(&r->delays, r->used));
}

/* Bytes became dirty; those that are no longer are negative. Context: the lock is held. */
static __always_inline void qn_resident_add_dirty(struct qn_resident *r,
						  size_t bytes)
{
	WRITE_ONCE(r->dirty, r->dirty + bytes);
	qn_assert(r->dirty <= PTRDIFF_MAX);
}

/* Dirty memory was taken for use, so all the rest was not needed. Context: as above. */
static __always_inline void qn_resident_note_low(struct qn_resident *r)
{
	r->low = min(r->low, r->dirty);
}

/* A thread got its first chunk, or lost its last one. Any context. */
void qn_resident_add_holder(struct qn_resident *r, bool more);

/**
 * qn_resident_touch() - parts of a unit are about to be written
 * @r:		the heap's
 * @u:		a unit of the caller's
 * @parts:	mask of them
 *
 * It is a refault if they were given up a short time ago.
 *
 * Context: any that owns the unit.
 * Return: mask of those that were not resident.
 */
u32 qn_resident_touch(struct qn_resident *r, struct qn_unit *u, u32 parts);

/* As qn_resident_touch(), of parts that were not given up since their unit came into use */
static __always_inline void qn_resident_carve(struct qn_unit *u, u32 parts)
{
	qn_assert(parts <= UINT16_MAX);
	u->touched |= (u16)parts;
}

/**
 * qn_resident_reuse() - clean units come into use
 * @r:		the heap's
 * @u:		the first
 * @nr:		how many
 * @bytes:	of each that will be written soon
 *
 * Context: as qn_resident_touch(). @purged is 0 afterwards. Parts that are resident already are
 * no refaults.
 */
void qn_resident_reuse(struct qn_resident *r, struct qn_unit *u, size_t nr,
		       size_t bytes);

/*
 * Units come into use, and nobody knows how much of them will be written: @purged is left
 * if it was a short time ago, for qn_resident_look(), else it is 0. Context: the same.
 */
void qn_resident_expect(const struct qn_resident *r, struct qn_unit *u,
			size_t nr);

/**
 * qn_resident_look() - how much of what was given up before was written
 * @r:		the heap's
 * @u:		first unit
 * @start:	its memory
 * @from, @to:	parts, counted from @u
 *
 * Of each unit @touched is as it was when the unit came into use. Looks at sixteen of the
 * parts at most, whatever their number. To read a page that nobody
 * touched costs no memory, and no system call that a sandbox may lack.
 *
 * Context: as qn_resident_touch(). @purged of all units is 0 afterwards.
 */
void qn_resident_look(struct qn_resident *r, struct qn_unit *u,
		      const char *start, size_t from, size_t to);

/* Bytes from the first of @nr units to the end of the last part that may be resident */
size_t qn_resident_end(const struct qn_unit *u, size_t nr);

/* ---- what is given up ---- */

/**
 * qn_resident_purge() - give parts back that hold nothing any more
 * @r:		the heap's
 * @u:		first unit
 * @start:	its memory
 * @from, @to:	parts, counted from @u: whole pages of the system
 * @ago:	they were free for so many ms by then: a refault counts from there
 *
 * They read as zero afterwards. Nothing is done if none of them may be resident.
 *
 * Context: as qn_resident_touch(). One system call.
 * Return: bytes that may have been resident and are no longer; 0 if the system would not,
 * as with locked memory.
 */
size_t qn_resident_purge(struct qn_resident *r, struct qn_unit *u, char *start,
			 size_t from, size_t to, u32 ago);

/*
 * Give pages of a block in use back, of which no descriptor knows. Return: false as above, or
 * where these are parts of the system's pages, the rest of which is others'.
 */
bool qn_resident_drop(void *p, size_t size);

/* The first @bytes of a run were written. Context: who owns the units. */
void qn_resident_note(struct qn_unit *u, size_t bytes);

/* @nr units read as zero, whatever was known of them: they were dropped. Any context. */
void qn_resident_forget(struct qn_unit *u, size_t nr);

/* Is memory that ends at @end, and that nobody touched yet, locked? Any context. */
bool qn_resident_is_locked(char *end);

/**
 * qn_resident_decay() - lower @boost where it is not needed
 *
 * Context: the lock is held; called about once a second while there is traffic.
 * Return: false if that was done within the last second.
 */
bool qn_resident_decay(struct qn_resident *r);

/* The statistics begin anew. Any context. */
void qn_resident_restart(struct qn_resident *r);

#endif /* QN_RESIDENT_H */
