/* SPDX-License-Identifier: MIT */
/*
 * statspage.h - what a process knows about its heap, in one shared page.
 *
 * The process's heap writes its counters straight into this structure. It lies
 * in the library's own memory, or, when QUERN_CONF=stats:DIR asks for it, in a
 * mapped file DIR/PID.qstat, so that whoever reads the file sees the state at
 * any time and still sees it after SIGKILL or _exit. No formatting code lives in
 * the preloaded library: readers format.
 *
 * A file of that name that is there already (O_EXCL) belongs to the program that
 * this one replaced by exec, or to an earlier process of the same number: the
 * first free one of DIR/PID.1.qstat, DIR/PID.2.qstat, ... is used instead, so a
 * reader sees the whole chain and orders it by @start_usec.
 *
 * With QUERN_CONF=live:1 the file lies in a directory that readers know (rundir.h), the
 * process removes it at its end, and nothing is counted exactly for it.
 *
 * Layout: little endian, natural alignment, fixed size. A reader checks @magic,
 * @version and @size first. Every counter is a word written with relaxed atomics;
 * a snapshot is not consistent across words, each word is. A peak may miss a step when two
 * threads raise it at once.
 *
 * The heap writes here in slow paths alone, so it knows late what fast ones did:
 *
 *	exact always	large blocks and how many there were, carved, dirty and mapped bytes
 *	@live		high by what waits in lists, by the free objects of current slabs,
 *			and by up to a quarter of the other slabs' objects; each class of
 *			each thread may be 64 KB late
 *	@requested	estimated from samples, and with it internal waste
 *	allocations	those of small blocks include what waits in lists
 *
 * Where there is a file, a reader waits for it. Then the first 4096 mallocs of each thread
 * are counted one by one: its lists stay empty, so each malloc comes to the slow path.
 * Where there may be a new peak, each slab is asked what was freed. Counts are exact then
 * at any moment; so is the peak while there is one thread. Later, what waits in lists is
 * subtracted when a thread or the process ends. @exact says what holds.
 */
#ifndef QN_STATSPAGE_H
#define QN_STATSPAGE_H

#include "base/compiler.h"
#include "base/knobs.h"

#define QN_STATS_MAGIC   0x31545351u /* "QST1" */
#define QN_STATS_VERSION 9
#define QN_STATS_CLASSES 112
#define QN_STATS_CHANGES 128
/* Sizes whose lives are told apart: to 32 bytes, then four times as much each */
#define QN_STATS_LIFE_GROUPS 6
/* Classes of ages: below one unit, below two, four, ... of the last: all beyond */
#define QN_STATS_LIVES 20
/* The units of ages: bytes, and milliseconds, more than the coarse clock is off by */
#define QN_STATS_LIFE_BYTES 65536
#define QN_STATS_LIFE_MS    8
/* Decisions that are kept, and what each was decided by */
#define QN_STATS_DECISIONS 16
#define QN_STATS_INPUTS    24
/* What @exact says: all counts of allocations; @peak_live */
#define QN_STATS_EXACT_COUNT 1u
#define QN_STATS_EXACT_PEAK  2u

/*
 * A directory whose name begins so was made by `quern run` for one run and is
 * removed when that is over. Whatever outlives the run goes on without a file and
 * says nothing about it.
 */
#define QN_STATS_RUN_DIR "quern-run."

enum qn_stats_state {
	QN_STATS_RUNNING = 1,
	QN_STATS_EXITED = 2, /* destructors ran: the figures are final */
	QN_STATS_EXECED = 3, /* reserved: replaced by another program */
};

/* Who says that memory is scarce */
enum qn_stats_pressure {
	QN_STATS_PRESSURE_NONE,
	QN_STATS_PRESSURE_ASKED,  /* the program, by qn_pressure() */
	QN_STATS_PRESSURE_STALLS, /* the kernel: tasks wait for memory */
	QN_STATS_PRESSURE_CGROUP, /* a limit of the cgroup is near */
	QN_STATS_PRESSURE_LIMIT,  /* RLIMIT_AS or RLIMIT_DATA is */
};

/**
 * struct qn_stats_class - one class of the table
 * @osize:	object size in bytes; 0: slot not in use
 * @promoted:	1 if the controller made it
 * @nr_allocs:	objects handed to threads so far
 * @live:	bytes of objects in use (lists of threads included)
 * @slab:	bytes carved into objects of this class
 * @peak_slab:	highest @slab; 0: not recorded
 * @requested:	mean bytes requested per object in 1/16 byte, from samples; 0: none
 */
struct qn_stats_class {
	u32 osize;
	u32 promoted;
	u64 nr_allocs;
	u64 live;
	u64 slab;
	u64 peak_slab;
	u32 requested;
	u32 reserved;
};

/**
 * struct qn_stats_use - what the heap's resident memory was made of at a moment
 * @usec:	microseconds since @start_usec; 0: not recorded
 * @live, @large, @carved, @dirty, @metadata: as in struct qn_stats_page
 *
 * carved + large + dirty + metadata is what the heap can keep resident; carved +
 * large - live of it is external waste.
 */
struct qn_stats_use {
	u64 usec;
	u64 live;
	u64 large;
	u64 carved;
	u64 dirty;
	u64 metadata;
};

/**
 * struct qn_stats_change - one decision of the controller
 * @usec:	microseconds since @start_usec
 * @action:	enum qn_action_kind
 * @class:	the class concerned
 * @size:	the request size in bytes
 * @gain:	bytes the policy expected to save
 * @generation:	of the table that was published with it
 */
struct qn_stats_change {
	u64 usec;
	u16 action;
	u16 class;
	u32 size;
	u32 gain;
	u32 generation;
};

/**
 * struct qn_stats_decision - a choice among presets
 * @usec:	microseconds since @start_usec
 * @cost:	of the interval before it, in 1/1024 of what the recent peak of memory in
 *		use would have cost meanwhile
 * @gain:	what the choice would have saved of it: an estimate
 * @ahead:	the decayed sum of those, by which a policy comes to lead
 * @action:	what the policy chose
 * @preset:	what was in force from then on
 * @phase:	0: the policy is in the shadow of the rule; 1: it leads
 * @in:		inputs of the policy (learn/features.h)
 */
struct qn_stats_decision {
	u64 usec;
	u32 cost;
	s32 gain;
	s32 ahead;
	u8 action;
	u8 preset;
	u8 phase;
	u8 reserved;
	s8 in[QN_STATS_INPUTS];
};

/**
 * struct qn_stats_decisions - of a policy that chooses among presets
 * @nr:		choices so far
 * @nr_departed: after which another preset than the rule's was in force
 * @nr_changes:	of the preset in force
 * @nr_reverts:	changes to the rule since the policy's presets cost more
 * @last:	number n is in slot n % QN_STATS_DECISIONS
 */
struct qn_stats_decisions {
	u32 nr;
	u32 nr_departed;
	u32 nr_changes;
	u32 nr_reverts;
	struct qn_stats_decision last[QN_STATS_DECISIONS];
};

/**
 * struct qn_stats_engine - an engine that served the process in quern's place
 * @name:	of the engine, terminated; "" if quern itself served it
 * @asked:	bytes asked for by all requests so far, resized blocks counted anew
 * @served:	bytes that the blocks for them could hold
 * @by_table:	bytes that quern's own classes would have served for them
 * @size:	address space that it was given
 *
 * Its blocks count as direct runs in the rest of the page.
 */
struct qn_stats_engine {
	char name[16];
	u64 asked;
	u64 served;
	u64 by_table;
	u64 size;
};

/**
 * struct qn_stats_life - lives of sampled objects of similar sizes
 * @by_bytes:	bytes that those stand for which ended, by the bytes that were asked for
 *		meanwhile
 * @by_time:	the same, by time
 * @live:	bytes that those in use stand for
 * @nr_live, @nr_ended: how many of either
 * @nr_grown, @nr_shrunk: their calls of realloc
 * @grown_from, @grown_to: sums of the sizes before and after those that made them larger
 *
 * Samples are drawn by bytes, so these are shares of bytes and not of calls. Direct runs
 * are not followed.
 */
struct qn_stats_life {
	u64 by_bytes[QN_STATS_LIVES];
	u64 by_time[QN_STATS_LIVES];
	u64 live;
	u32 nr_live;
	u32 nr_ended;
	u32 nr_grown;
	u32 nr_shrunk;
	u64 grown_from;
	u64 grown_to;
};

/* Group of a size: up to 32 bytes, 128, 512, 2 KB, 8 KB, the rest */
static __always_inline unsigned int qn_stats_life_group(size_t size)
{
	unsigned int group = 0;

	for (; size > 32 && group < QN_STATS_LIFE_GROUPS - 1;
	     size = (size + 3) / 4)
		group++;
	return group;
}

/* A whole, of which the shares below are parts */
#define QN_STATS_ONE ((u32)65536)
/* Fractional bits of the slopes below */
#define QN_STATS_SLOPE 8
/* Live memory that changes by less than one part in so many in an epoch is flat */
#define QN_STATS_FLAT 1024

/**
 * struct qn_stats_waste - what a heap's resident memory was made of, in shares of it
 * @internal:	rounding inside of blocks in use; estimated from samples
 * @external:	free objects in slabs and chunks
 * @dirty:	freed and not yet returned to the system
 * @metadata:	of the heap itself
 *
 * Sums of shares have as many bits more as it takes.
 */
struct qn_stats_waste {
	u64 internal;
	u64 external;
	u64 dirty;
	u64 metadata;
};

/**
 * struct qn_stats_trend - how the heap changes, from epoch to epoch
 * @nr_epochs:	epochs that ended; all else is 0 before the first
 * @nr_growing, @nr_shrinking: of them, those in which live memory was not flat
 * @shift:	how far the histogram moved in the last one: the total variation distance of
 *		the requested bytes by size, 0 if they are as they were, QN_STATS_ONE if
 *		no size is asked for any more that was
 * @most_shift:	the highest ever
 * @live_of_peak: live memory of the highest there was so far, at the end of the last one
 * @live_slope, @peak_slope: bytes that live and peak grow by in an epoch of QN_TREND_MS,
 *		decayed means: a quarter is the last epoch's
 * @purged_slope, @refaults_slope: the same of bytes returned to the system, and wanted
 *		back soon
 * @waste:	at the end of the last one
 * @sum_shift, @sum_live_of_peak, @sum_waste: sums over all epochs
 */
struct qn_stats_trend {
	u32 nr_epochs;
	u32 nr_growing;
	u32 nr_shrinking;
	u32 shift;
	u32 most_shift;
	u32 live_of_peak;
	s64 live_slope;
	s64 peak_slope;
	s64 purged_slope;
	s64 refaults_slope;
	struct qn_stats_waste waste;
	u64 sum_shift;
	u64 sum_live_of_peak;
	struct qn_stats_waste sum_waste;
};

/* Bytes of a request's text, its end included */
#define QN_STATS_CONTROL_TEXT 192
/* A process with a file looks at it at least so often where it has a helper */
#define QN_STATS_CONTROL_MS 1000

/**
 * enum qn_stats_command - what can be asked of a process
 * @QN_STATS_COMMAND_LOOK: bring the page up to date, and nothing else
 * @QN_STATS_COMMAND_SET: settings of @text, as in QUERN_CONF: policy, and knobs
 * @QN_STATS_COMMAND_PURGE: return free memory to the system now; @value: bytes
 * @QN_STATS_COMMAND_SIZES: fill in @sizes of the page; @value: samples
 */
enum qn_stats_command {
	QN_STATS_COMMAND_LOOK,
	QN_STATS_COMMAND_SET,
	QN_STATS_COMMAND_PURGE,
	QN_STATS_COMMAND_SIZES,
};

/**
 * struct qn_stats_control - a request to the process, and its answer
 * @bell:	changed by whoever asks, who then wakes those that wait for it (a futex):
 *		the helper
 * @asked:	number of the request: written last, and another one than before
 * @answered:	number of the last request that was answered: written last of the answer
 * @command:	enum qn_stats_command
 * @result:	0, or -errno: -ENOSYS (no such command), -EINVAL (no such setting or policy, or
 *		one that needs what was not there at the start), -ERANGE (no such value)
 * @value:	of the answer
 * @text:	of the request
 *
 * Who may write the file may ask: it is its owner's alone. The process copies a request and
 * checks each value, so nothing that is written here can do more harm than the settings that
 * it may have. One request at a time: askers lock the file (flock).
 */
struct qn_stats_control {
	u32 bell;
	u32 asked;
	u32 answered;
	u32 command;
	s32 result;
	u32 reserved;
	u64 value;
	char text[QN_STATS_CONTROL_TEXT];
};

/* Sizes that are told apart: steps of QN_STEP bytes, up to those of slabs */
#define QN_STATS_SIZES 72

/**
 * struct qn_stats_sizes - the histogram of requested sizes
 * @nr:		sizes that are told apart; 0: nobody asked for it
 * @step:	bytes between two of them
 * @large:	weight of larger ones
 * @total:	sum of @weight, and @large
 * @usec:	microseconds since @start_usec when it was written
 * @weight:	how much was asked for lately, by size: of number n, up to n x @step bytes
 */
struct qn_stats_sizes {
	u32 nr;
	u32 step;
	u32 large;
	u32 total;
	u64 usec;
	u16 weight[QN_STATS_SIZES];
};

/**
 * struct qn_stats_page - the whole of it
 * @pid, @ppid, @exe: of the process; empty in a page that is no file. @exe: the
 *		terminated name of /proc/self/comm
 * @start_usec:	CLOCK_MONOTONIC at start
 * @end_usec:	CLOCK_MONOTONIC at the end; 0: still running, or killed
 * @cpu_usec:	CPU time of the process, taken at the end; 0: not recorded
 * @peak_resident: its peak resident set in bytes, likewise
 * @policy:	name of the policy
 * @live, @peak_live: bytes of blocks in use, as served
 * @large:	of @live, in direct runs
 * @nr_large:	direct runs allocated so far
 * @large_total: bytes of them
 * @used:	bytes of runs in use (slabs whole, direct runs rounded up to pages)
 * @carved:	bytes of slabs cut into objects: what slabs can keep resident
 * @dirty:	bytes freed and not yet returned to the system
 * @metadata:	bytes of descriptors and thread caches that have been touched
 * @reserved:	bytes of address space
 * @peak_used:	highest @carved + @large + @dirty + @metadata
 * @peak:	what it was made of; may lag @peak_used by 1/64
 * @at_live:	what it was made of when @live was at its peak, noted when @live falls: its
 *		@live below @peak_live says that it has not fallen since
 * @refreshed:	microseconds since @start_usec when @used, @carved, @dirty, @metadata,
 *		@reserved, @purged and @refaults were written last; 0: never
 * @exact:	what of the page is exact, QN_STATS_EXACT_*; the rest counts objects that
 *		wait in lists
 * @purged, @nr_purges: bytes returned to the system, calls
 * @refaults:	bytes reused soon after they were purged
 * @nr_threads:	thread caches in use; @nr_threads_total ever
 * @nr_remote:	objects freed by another thread than their owner
 * @nr_failed:	requests that returned NULL
 * @nr_samples:	requests sampled
 * @sample_ns:	estimated nanoseconds spent sampling and deciding
 * @nr_slices:	slices of the controller
 * @generation:	of the table in use
 * @nr_changes:	decisions so far; the last QN_STATS_CHANGES are in @changes,
 *		number n in slot n % QN_STATS_CHANGES
 * @lives:	of sampled objects, by size: see qn_stats_life_group()
 * @trend:	how it changes
 * @pressure:	memory pressure now, 0 to 1024
 * @most_pressure: the highest so far
 * @pressure_source: enum qn_stats_pressure: where that came from
 * @decisions:	of a policy that chooses among presets
 * @sites_at:	where in the file struct qn_sites_page begins; 0: there is none
 * @pid_ns:	the namespace that @pid is of (inode of /proc/self/ns/pid), of a page for live
 *		views; 0: not known
 * @control:	what readers ask of the process
 * @sizes:	as of the last time that one asked for it
 * @knobs:	in force, and @conf_knobs: as they were set; both of a page that is a file
 */
struct qn_stats_page {
	u32 magic;
	u32 version;
	u32 size;
	u32 state;
	u32 pid;
	u32 ppid;
	u64 start_usec;
	u64 end_usec;
	u64 cpu_usec;
	u64 peak_resident;
	char exe[32];
	char policy[16];

	u64 live;
	u64 peak_live;
	u64 large;
	u64 nr_large;
	u64 large_total;
	u64 used;
	u64 carved;
	u64 dirty;
	u64 metadata;
	u64 reserved;
	u64 peak_used;
	struct qn_stats_use peak;
	struct qn_stats_use at_live;
	u64 refreshed;
	u64 purged;
	u64 nr_purges;
	u64 refaults;
	u64 nr_threads;
	u64 nr_threads_total;
	u64 nr_remote;
	u64 nr_failed;
	u64 nr_samples;
	u64 sample_ns;
	u64 nr_slices;
	u64 nr_changes;
	u32 generation;
	u32 nr_classes;

	u32 sites_at;
	u32 exact;
	u32 pressure;
	u32 most_pressure;
	u32 pressure_source;
	u32 reserved_word;

	struct qn_stats_class classes[QN_STATS_CLASSES];
	struct qn_stats_change changes[QN_STATS_CHANGES];
	struct qn_stats_engine engine;
	struct qn_stats_life lives[QN_STATS_LIFE_GROUPS];
	struct qn_stats_trend trend;
	struct qn_stats_decisions decisions;
	u64 pid_ns;
	struct qn_stats_control control;
	struct qn_stats_sizes sizes;
	struct qn_knobs knobs;
	struct qn_knobs conf_knobs;
};

#endif /* QN_STATSPAGE_H */
