/* SPDX-License-Identifier: MIT */
/*
 * record.h - what `quern record` and libquern-record.so, which it preloads, share.
 *
 * The command makes the file, the processes that it starts and their children write
 * blocks of QN_TRACE_BLOCK_SIZE bytes into it, each at a place that it takes by
 * raising @next: block n begins at n * QN_TRACE_BLOCK_SIZE. In place 0 lie the
 * header of a trace and, at QN_RECORD_SHARED, the structure below.
 */
#ifndef QN_RECORD_H
#define QN_RECORD_H

#include "base/compiler.h"
#include "clock.h"

/* Names the file, absolute */
#define QN_RECORD_ENV "QUERN_RECORD"

#define QN_RECORD_SHARED 64

/*
 * Of so many events the time of one is taken; one that took more ticks than the
 * second number was interrupted, and does not count
 */
#define QN_RECORD_TIMED   64
#define QN_RECORD_LONGEST 1024

/**
 * struct qn_record_shared - words that all recorded processes write
 * @next:	place of the next block
 * @nr_processes: so far; an exec begins a new one
 * @has_tsc:	ticks are 16 of the time stamp counter's, else nanoseconds
 * @cost:	ticks spent recording, of new blocks all, of events estimated
 * @nr_lost:	events that were not written
 * @depth:	return addresses of a call site; 0: sites are not recorded
 * @nr_sites_lost: events without a site because the table of sites was full
 * @no_stacks:	a process could not take stacks
 */
struct qn_record_shared {
	u64 next;
	u32 nr_processes;
	u32 has_tsc;
	u64 cost;
	u64 nr_lost;
	u32 depth;
	u32 no_stacks;
	u64 nr_sites_lost;
};

/* Return addresses that are kept with --sites, and different sites of a process */
#define QN_RECORD_DEPTH 16
#define QN_RECORD_SITES 196608

static inline u64 qn_record_ticks(bool has_tsc)
{
#ifdef __x86_64__
	if (has_tsc)
		return __builtin_ia32_rdtsc() >> 4;
#endif
	(void)has_tsc;
	return qn_clock_ns();
}

#endif /* QN_RECORD_H */
