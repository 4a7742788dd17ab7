/* SPDX-License-Identifier: MIT */
/*
 * follow.h - sampled objects that are followed to their free.
 *
 * Between the segments, which its units come from, and the locals, which ask for an
 * object here when one is sampled. free() is to pay nothing for it: the unit of such an
 * object has no owner, so that free()'s one compare sends it to the slow path, as it
 * does with direct runs. There its life goes into the statistics page.
 *
 * A block is a header and the object. Blocks of about one size share a list when they
 * are free, new ones are cut from the end of the newest unit; units are never given back.
 * What there is is bounded by a part of the heap and by QN_FOLLOW_MOST objects; a sample
 * that finds no room is served from its slab and not followed. So that there is room for
 * later ones as well, the more are followed the fewer samples are chosen
 * (qn_follow_one_in()); each stands for as many more bytes, so that the shares stay true.
 *
 * Time is counted in bytes as well: @clock goes on by the bytes that each sample stands
 * for. So a life of n samples is known up to the square root of n, and what lives
 * shorter than the distance of two samples has age 0.
 *
 * Lock order: after hub.learn, before segments.lock. Samples are rare, so one lock is
 * enough; no path of an object that is not followed takes it.
 */
#ifndef QN_FOLLOW_H
#define QN_FOLLOW_H

#include "base/compiler.h"
#include "process/ledger.h"
#include "process/place.h"
#include "process/segment.h"
#include "process/sites.h"
#include "format/statspage.h"

/* Lists of free blocks: four a doubling, from 64 bytes to a unit */
#define QN_FOLLOW_BINS 40

struct qn_followed;

/**
 * struct qn_follow - the store
 * @lock:	guards all but @clock
 * @segments:	where units come from
 * @ledger:	followed objects are in use as well
 * @page:	what is learned goes here
 * @bins:	free blocks by size
 * @at, @left:	what is left of the newest unit
 * @nr_units:	units so far
 * @nr_live:	objects that are followed now; written under the lock, read anywhere
 * @clock:	bytes asked for since the start, as samples tell
 * @after:	nothing is followed before @clock comes here: a short-lived program does
 *		not pay for the first unit
 * @most:	objects that are followed at once at most
 * @one_in:	of samples one in so many is followed while they are few; a power of two
 * @share:	units may be the heap divided by so much
 * @sites:	where they were called from, if that is kept
 */
struct qn_follow {
	struct qn_lock lock;
	struct qn_segments *segments;
	struct qn_ledger *ledger;
	struct qn_stats_page *page;
	struct qn_followed *bins[QN_FOLLOW_BINS];
	char *at;
	size_t left;
	size_t nr_units;
	u32 nr_live;
	u64 clock;
	u64 after;
	u32 most;
	u32 one_in;
	u32 share;
	struct qn_sites sites;
};

/*
 * Of samples one in so many is followed: following costs more than a sample. Of twice as
 * many with each sixth more of those that may be followed at once
 */
#define QN_FOLLOW_ONE_IN 8u
#define QN_FOLLOW_STEPS  6

/* What is followed first, and the part of the heap that may be followed */
#define QN_FOLLOW_AFTER ((u64)1 << 20)
#define QN_FOLLOW_LEAST ((size_t)4)
#define QN_FOLLOW_SHARE 64
/* Objects that are followed at once, and the bytes that stand before each */
#define QN_FOLLOW_MOST   144
#define QN_FOLLOW_HEADER 32
/* Where call sites are kept what is in use is to be known */
#define QN_FOLLOW_SHARE_SITES 4

void qn_follow_init(struct qn_follow *f, struct qn_segments *s,
		    struct qn_ledger *ledger);

/* @bytes of requests are behind a sample. Context: any. */
static __always_inline u64 qn_follow_tick(struct qn_follow *f, u64 bytes)
{
	return __atomic_add_fetch(&f->clock, bytes, __ATOMIC_RELAXED);
}

/* Of how many samples one is to be followed now; a power of two. Context: any. */
static __always_inline u32 qn_follow_one_in(const struct qn_follow *f)
{
	return f->one_in << READ_ONCE(f->nr_live) / (f->most / QN_FOLLOW_STEPS);
}

/**
 * qn_follow_alloc() - an object that will be followed
 * @f:		the store
 * @size:	bytes requested, at most half a unit
 * @class:	class that would have served it: the figures count it there
 * @weight:	bytes of requests that it stands for
 * @site:	number of its call site, or 0
 *
 * Context: takes the lock, and segments.lock. Bounded time.
 * Return: NULL if there is no room for it, or if it is too early.
 */
void *qn_follow_alloc(struct qn_follow *f, size_t size, unsigned int class,
		      u32 weight, u32 site);

/**
 * qn_follow_token() - a request with a token was sampled
 * @f:		the store
 * @size:	bytes requested, at most half a unit
 * @class:	class that would have served it
 * @bytes:	of requests with tokens that it stands for
 * @slot:	of its token (place.h)
 *
 * Such blocks count in qn_places alone: the other figures have samples of their own.
 *
 * Context: takes the lock, and segments.lock. Bounded time.
 * Return: an object that will be followed, or NULL.
 */
void *qn_follow_token(struct qn_follow *f, size_t size, unsigned int class,
		      u32 bytes, unsigned int slot);

/**
 * qn_follow_free() - the life of an object ends
 * @f:		the store
 * @where:	"free" or "realloc", for a message
 * @p:		what lies in a unit of the store
 *
 * Context: takes the lock. Stops the program if @p is no object in use.
 */
void qn_follow_free(struct qn_follow *f, const char *where, void *p);

/**
 * qn_follow_size() - bytes that an object can hold
 *
 * Context: takes no lock. Return: SIZE_MAX after a message if @p is no object in use, and the
 * program goes on then.
 */
size_t qn_follow_size(const char *where, const void *p);

/* The same, as it was asked for */
size_t qn_follow_asked(const char *where, const void *p);

/**
 * qn_follow_resize() - an object gets another size and is followed on
 * @f:		the store
 * @p:		an object in use
 * @size:	bytes requested, at most half a unit
 *
 * Context: takes the lock, and segments.lock.
 * Return: where it is now, with its contents; NULL and nothing changed if there is no
 * room.
 */
void *qn_follow_resize(struct qn_follow *f, void *p, size_t size);

/**
 * qn_follow_check() - the lists of free blocks
 *
 * Context: takes the lock.
 * Return: NULL, or what was found.
 */
const char *qn_follow_check(struct qn_follow *f);

#endif /* QN_FOLLOW_H */
