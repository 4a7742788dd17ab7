/* SPDX-License-Identifier: MIT */
/*
 * hub.h - what all threads of a process share: memory, table, learning, figures.
 *
 * Below it are the segments and the learning modules; above it are the locals,
 * one a thread. A local works on its own slabs without any lock and comes here
 * from slow paths only: for units, for the table in use, to hand in sampled sizes
 * and to account.
 *
 * Lock order: hub.threads, then hub.learn, then follow.lock, then the lock of
 * qn_sites, then gauge.lock, then segments.lock. Nothing is called with segments.lock held but
 * the port.
 */
#ifndef QN_HUB_H
#define QN_HUB_H

#include "base/compiler.h"
#include "format/conf.h"
#include "learn/controller.h"
#include "port/debug.h"
#include "process/fence.h"
#include "process/follow.h"
#include "process/gauge.h"
#include "process/helper.h"
#include "process/ledger.h"
#include "learn/sampler.h"
#include "process/segment.h"
#include "format/statspage.h"

/* Sizes up to this come from slabs */
#define QN_SLAB_MAX  ((size_t)1024)
#define QN_HUB_STEPS (QN_SLAB_MAX / QN_STEP + 1)
/* Tables that can be in use at once: one current, the rest by sleeping threads */
#define QN_NR_TABLES 8
/* The controller looks at most once in so many microseconds */
#define QN_EPOCH_US 2000
/*
 * No decision depends on the sizes of direct runs and medium blocks: their bytes count
 * for so much less, or each of them would be sampled.
 */
#define QN_DIRECT_PER_SAMPLE 64
/* Where call sites are kept: a leak of a megabyte is to be seen */
#define QN_DIRECT_PER_SITE 4

struct qn_local;

/**
 * struct qn_control - requests of others (control.h)
 * @is_on:	others see the page and may ask
 * @seen:	number of the last request
 * @lock:	of whoever answers; only ever tried
 */
struct qn_control {
	bool is_on;
	u32 seen;
	struct qn_lock lock;
};

/**
 * struct qn_returned - objects of one slab that its owner has not looked at
 * @slab:	the slab, or NULL
 * @nr:		objects
 * @sum:	of their offsets in it
 */
struct qn_returned {
	struct qn_unit *slab;
	u32 nr;
	u64 sum;
};

/* Slabs told apart at once: 16 MB of neighbours */
#define QN_HUB_RETURNED 256

/**
 * struct qn_hub - one process's heap
 * @segments:	its memory
 * @table:	the granule table in use; published with release
 * @page:	the figures, at the start of a unit of their own
 * @conf:	run-time knobs
 * @learn:	guards everything from @profile to @last_decay
 * @profile:	QN_HUB_STEPS entries
 * @trend:	the same of the last epoch
 * @trend_now:	what came of it; the page shows it
 * @controller:	decides
 * @sampler:	seeds and interval for the locals' own; the seeds are guarded by @threads
 * @tables:	buffers; tables[i]->nr_users says who still reads it
 * @began:	when the process did, in microseconds
 * @last_look, @last_decay: microseconds
 * @gauge:	asks how scarce memory is; has a lock of its own
 * @helper:	gives memory back while the program is idle
 * @has_old:	there may be dirty memory that is old
 * @ledger:	bytes in use, as far as threads have told
 * @follow:	sampled objects that are followed; has a lock of its own
 * @fences:	blocks between marks; atomics
 * @threads:	guards @locals, @orphans and the meta cursor
 * @locals:	every local ever made
 * @orphans:	those without a thread
 * @meta, @meta_end: what is left of the newest unit of quern's own
 * @meta_bytes:	handed out of them
 * @page_size:	of the system
 * @nr_forks:	forks that led to this process since the heap began
 * @fork_seed:	what a child begins its samples with
 * @fork_locks:	those that fork() took, in as many bits for each fork() that is under way:
 *		one can interrupt another
 * @fork_depth:	how many are
 * @exact:	mallocs that each new local counts one by one
 * @notes_peak:	the peak of live memory is raised by qn_local_exact_note() alone
 * @is_watched:	somebody reads the page: what only readers want is worth its time
 * @is_peak_new: what the peak of live memory was made of is to be noted when it falls
 * @clock_ns:	what a look at the thread's CPU time takes of it; 0: not measured yet
 * @nr_handed:	calls of qn_hub_learn() that only handed in samples
 * @returned:	slabs by unit, empty but while another looks at a thread's inbox; guarded
 *		by @threads
 * @control:	requests of those who read the page
 * @attend:	what the helper does for others in each of its rounds, or NULL; returns how
 *		many milliseconds it may sleep then, 0: as long as it wants
 * @knobs:	buffers for sets of knobs that are published, see qn_hub_knobs_publish()
 */
struct qn_hub {
	struct qn_segments segments;
	struct qn_table *table;
	struct qn_stats_page *page;
	struct qn_conf conf;

	struct qn_lock learn;
	struct qn_profile *profile;
	struct qn_trend *trend;
	struct qn_stats_trend trend_now;
	struct qn_controller controller;
	struct qn_sampler sampler;
	struct qn_table *tables[QN_NR_TABLES];
	/* Bytes by which a size was ever rounded up, where by more than a quarter */
	u32 slack;
	u64 began;
	u64 last_look;
	u64 last_decay;
	bool has_old;
	struct qn_helper helper;
	struct qn_ledger ledger;

	struct qn_follow follow;
	struct qn_fences fences;

	struct qn_lock threads;
	struct qn_local *locals;
	struct qn_local *orphans;
	char *meta, *meta_end;
	size_t meta_bytes;
	size_t page_size;
	u32 nr_forks;
	u32 fork_seed;
	u64 fork_locks;
	u32 fork_depth;
	u32 exact;
	bool notes_peak;
	bool is_watched;
	bool is_peak_new;
	u32 nr_handed;
	u64 clock_ns;
	struct qn_returned returned[QN_HUB_RETURNED]; /* last: seldom touched */
	struct qn_knobs knobs[2];
	struct qn_gauge gauge;
	struct qn_control control;
	u32 (*attend)(struct qn_hub *hub);
};

/* Bytes of direct runs and medium blocks that count as one byte to sample. Any context. */
static inline u32 qn_hub_direct_part(const struct qn_hub *hub)
{
	return hub->follow.sites.page ? QN_DIRECT_PER_SITE :
					QN_DIRECT_PER_SAMPLE;
}

/* The knobs in use: a function reads them once. Context: any. */
static inline const struct qn_knobs *qn_hub_knobs(const struct qn_hub *hub)
{
	return qn_segments_knobs(&hub->segments);
}

/**
 * qn_hub_knobs_publish() - use other knobs from now on
 * @hub:	the hub
 * @next:	copied
 *
 * A reader that still has the set before the last may find values of the new one in it:
 * each of them is in its range, and any two are sound together.
 *
 * Context: hub.learn held.
 * Return: false, and nothing changes, if they are not valid.
 */
bool qn_hub_knobs_publish(struct qn_hub *hub, const struct qn_knobs *next);

/* The page has the knobs, in force and as they were set. Context: hub.learn held. */
void qn_hub_show_knobs(struct qn_hub *hub);

/* Relaxed add to a word of the statistics page */
#define qn_stat_add(word, n) \
	((void)__atomic_fetch_add(&(word), (n), __ATOMIC_RELAXED))

/**
 * qn_hub_init() - make a hub usable with default settings
 * @hub:	zeroed: that of a process is from the start, and most of it stays untouched
 *
 * Context: before any other thread knows it.
 * Return: 0, or -ENOMEM with @hub zeroed.
 */
int qn_hub_init(struct qn_hub *hub);

/**
 * qn_hub_meta_alloc() - memory for quern itself, never given back
 *
 * Context: hub.threads held, or before the hub is shared.
 * Return: zeroed memory aligned to a cache line, or NULL.
 */
void *qn_hub_meta_alloc(struct qn_hub *hub, size_t size);

/**
 * qn_hub_table_get() - move a reader from one table to the one in use
 * @hub:	the hub
 * @at:		where the reader has its table; NULL stands there if it used none so far
 *
 * @at is written with the lock held, so a child that a signal handler forks counts readers
 * as they are (process-fork.c).
 *
 * Context: takes hub.learn.
 */
void qn_hub_table_get(struct qn_hub *hub, const struct qn_table **at);

/* The table that a policy begins with, if it has one. Takes hub.learn. */
void qn_hub_table_begin(struct qn_hub *hub, const struct qn_policy *policy);

/* A reader will not look at the table at @at any more, which is NULL then. Takes hub.learn. */
void qn_hub_table_put(struct qn_hub *hub, const struct qn_table **at);

/**
 * qn_hub_learn() - hand in samples and let the controller look
 * @hub:	the hub
 * @samples:	requests that were looked at
 * @nr:		how many
 *
 * One slice: bounded by @nr and QN_CONTROLLER_SLICE, and the controller looks no
 * more often than every QN_EPOCH_US.
 *
 * Context: slow paths; only tries hub.learn.
 * Return: true if the samples were taken.
 */
bool qn_hub_learn(struct qn_hub *hub, const struct qn_sample *samples,
		  unsigned int nr);

/* Bytes that could be given back: dirty runs, and what is free in chunks. Any context. */
size_t qn_hub_reserve(const struct qn_hub *hub);

/**
 * qn_hub_account() - objects of a class came into use or went out of it
 * @hub:	the hub
 * @class:	the class
 * @bytes:	how many more bytes are in use
 * @nr_allocs:	objects handed out meanwhile
 *
 * Context: any; atomic adds only.
 */
void qn_hub_account(struct qn_hub *hub, unsigned int class, s64 bytes,
		    u64 nr_allocs);

/**
 * qn_hub_account_direct() - direct runs and medium blocks came into use or out of it
 * @hub:	the hub
 * @bytes:	by how much the bytes in use changed
 * @total:	bytes of blocks allocated
 * @nr_allocs:	how many
 *
 * Context: any.
 */
void qn_hub_account_direct(struct qn_hub *hub, s64 bytes, u64 total,
			   u64 nr_allocs);

/* One block: came, if @bytes is positive, or went */
static inline void qn_hub_account_large(struct qn_hub *hub, s64 bytes,
					u64 nr_allocs)
{
	qn_hub_account_direct(hub, bytes, nr_allocs ? (u64)bytes : 0,
			      nr_allocs);
}

/*
 * Purge a slice of the dirty memory that is old, where @has_old says that there may be
 * some. Context: takes segments.lock; bounded as qn_segments_purge_old().
 */
void qn_hub_purge_old(struct qn_hub *hub);

/* The page has the pressure as it is now. Context: any. */
void qn_hub_show_pressure(struct qn_hub *hub);

/* Whoever read the pressure is gone: see qn_gauge_forget() */
void qn_hub_forget_pressure(struct qn_hub *hub);

/* Ask how scarce memory is, if it is time. Context: as qn_gauge_look(). */
void qn_hub_gauge(struct qn_hub *hub, u64 now);

/**
 * qn_hub_raise_peak() - so much is live: is it more than ever?
 * @hub:	the hub
 * @live:	bytes
 */
void qn_hub_raise_peak(struct qn_hub *hub, u64 live);

/**
 * qn_hub_fork_child() - samples and trends of a child are its own
 *
 * Its samples begin with hub.fork_seed; locals of no thread follow when they get one
 * (qn_local_get()). What was learned so far stays.
 *
 * Context: the only thread, with the statistics page begun anew.
 */
void qn_hub_fork_child(struct qn_hub *hub);

/* Bring what is derived in the page up to date. Context: any. */
void qn_hub_refresh(struct qn_hub *hub);

#endif /* QN_HUB_H */
