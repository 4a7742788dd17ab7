/* SPDX-License-Identifier: MIT */
/*
 * figures.h - what statistics pages say, added up.
 *
 * Between pages.c, which reads and checks the pages, and report.c and
 * report-json.c, which write. One struct qn_figures holds one program or the sum
 * of many; derived figures (waste, shares) are computed here and nowhere else.
 */
#ifndef QN_FIGURES_H
#define QN_FIGURES_H

#include "base/compiler.h"
#include "command/sites/sitelist.h"
#include "format/statspage.h"

/**
 * struct qn_use - what a heap's memory was made of
 * @live:	blocks in use, as served; the rounding inside them included
 * @internal:	of @live, lost to rounding; estimated from samples
 * @external:	free objects in slabs
 * @dirty:	free runs not yet returned to the system
 * @metadata:	descriptors and thread caches
 *
 * @live + @external + @dirty + @metadata is what the heap keeps resident.
 */
struct qn_use {
	u64 live;
	u64 internal;
	u64 external;
	u64 dirty;
	u64 metadata;
};

/**
 * struct qn_entry - one entry of the granule table
 * @osize:	object size; 0: all direct runs together
 * @promoted:	the controller made it, in one of the programs at least
 * @nr_allocs:	blocks handed out
 * @bytes:	bytes of them
 * @live:	bytes in use at the end
 * @carved:	bytes of slabs at the end
 * @peak:	highest @carved, as far as it was recorded
 * @asked, @asked_allocs: sum over blocks with a known mean of bytes requested, in
 *		1/16 byte, and how many blocks that is
 */
struct qn_entry {
	u32 osize;
	bool promoted;
	u64 nr_allocs;
	u64 bytes;
	u64 live;
	u64 carved;
	u64 peak;
	double asked;
	u64 asked_allocs;
};

/**
 * struct qn_event - one decision of a controller
 * @usec:	CLOCK_MONOTONIC
 * @exe:	the program it was made in
 */
struct qn_event {
	u64 usec;
	struct qn_stats_change change;
	char exe[32];
};

/**
 * struct qn_figures - one program, or many added up
 * @nr_programs: pages added
 * @nr_processes: of them, not counting programs replaced by exec
 * @nr_running:	of them, still running when the page was read
 * @replaced:	the (only) program was replaced by another through exec
 * @finished:	its exit handlers ran
 * @start_usec, @end_usec: CLOCK_MONOTONIC of the first start and the last end; 0:
 *		no end was recorded
 * @exe, @pid, @policy, @engine.name: of the first page added
 * @peak_live:	sum of the programs' peaks, which need not have coincided
 * @exact:	QN_STATS_EXACT_* that hold for all pages
 * @is_whole:	of each page what is not live is known, too: see refreshed there
 * @at_peak:	at the moment when most of each program was live
 * @at_resident: at the moment of each program's largest footprint
 * @at_end:	when the program ended, or when the page was read
 * @sampled:	@internal is known: some class has samples
 * @entries:	@nr_entries of them, in no order
 * @sites:	call sites, where they were kept
 * @events:	the last QN_STATS_CHANGES, oldest first
 * @trend:	sums; what is of the last epoch only if there is one program. The highest
 *		@most_shift
 * @pressure, @most_pressure: the highest; @pressure_source: where @most_pressure came from
 * @decisions:	sums; the last decisions of the program that made the most
 * @nr_decided:	how many that one made
 *
 * Every other member is the sum of the member of that name in the pages; of
 * @engine.size the largest.
 */
struct qn_figures {
	unsigned int nr_programs;
	unsigned int nr_processes;
	unsigned int nr_running;
	bool replaced;
	bool finished;
	bool sampled;
	bool is_whole;
	u32 exact;
	u64 start_usec;
	u64 end_usec;
	u64 cpu_usec;
	u64 peak_resident;
	char exe[32];
	char policy[16];
	u32 pid;

	u64 nr_allocs;
	u64 peak_live;
	u64 peak_used;
	u64 purged;
	u64 nr_purges;
	u64 refaults;
	u32 pressure;
	u32 most_pressure;
	u32 pressure_source;
	u64 nr_threads_total;
	u64 nr_remote;
	u64 nr_failed;
	u64 nr_samples;
	u64 sample_ns;
	u64 nr_slices;
	u64 nr_changes;
	u32 generation;
	struct qn_stats_engine engine;
	struct qn_stats_life lives[QN_STATS_LIFE_GROUPS];
	struct qn_stats_trend trend;
	struct qn_stats_decisions decisions;
	u32 nr_decided;

	struct qn_use at_peak;
	struct qn_use at_resident;
	struct qn_use at_end;

	struct qn_entry *entries;
	unsigned int nr_entries;
	struct qn_sitelist sites;
	struct qn_event events[QN_STATS_CHANGES];
	unsigned int nr_events;
};

/* Bytes that the heap keeps resident */
static inline u64 qn_use_total(const struct qn_use *use)
{
	return use->live + use->external + use->dirty + use->metadata;
}

/* The last decisions, oldest first: how many, and which; @i is below that */
static inline unsigned int qn_figures_nr_decisions(const struct qn_figures *f)
{
	return min(f->nr_decided, (u32)QN_STATS_DECISIONS);
}

static inline const struct qn_stats_decision *
qn_figures_decision(const struct qn_figures *f, unsigned int i)
{
	u32 first = f->nr_decided - qn_figures_nr_decisions(f);

	return &f->decisions.last[(first + i) % QN_STATS_DECISIONS];
}

/* Followed objects of all sizes */
struct qn_stats_life qn_figures_lives(const struct qn_figures *f);

void qn_figures_init(struct qn_figures *f);
void qn_figures_exit(struct qn_figures *f);

/**
 * qn_figures_add() - add one program's page
 * @f:		the sum
 * @page:	a page that qn_page_check() found sound
 * @is_alive:	its process still runs
 * @is_replaced: the process went on as another program
 */
void qn_figures_add(struct qn_figures *f, const struct qn_stats_page *page,
		    bool is_alive, bool is_replaced);

/**
 * qn_figures_sort() - put the entries that matter most first
 *
 * By share of the bytes allocated plus share of the bytes held.
 */
void qn_figures_sort(struct qn_figures *f);

/* Sum of all entries, direct runs included; @osize is 0 */
struct qn_entry qn_figures_total(const struct qn_figures *f);

/* A level of pressure from 0 to 1, and where the highest came from; whatever a page says */
double qn_figures_level(u32 pressure);
const char *qn_figures_pressure_source(const struct qn_figures *f);

/* Add @e to @sum; @osize of @sum stays */
void qn_entry_add(struct qn_entry *sum, const struct qn_entry *e);

#endif /* QN_FIGURES_H */
