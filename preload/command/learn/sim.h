/* SPDX-License-Identifier: MIT */
/*
 * sim.h - recorded programs played into the heap of a process, with knobs and policies to
 * try: what memory did it take, and what did that cost.
 *
 * Above the reader of traces, below tune and train. The heap of a process is static, so
 * each episode is a child of its own, and several run at once. Its clock is the trace's.
 * All that a result tells of memory comes from an account of pages that the sim keeps
 * itself: it sees each block that is handed out, each purge, and the parts of units that
 * the core wrote to. So two runs give the same result, whatever the machine does meanwhile.
 * The kernel's count of faults is there too, for comparison: it has the command's own
 * faults in it, and differs from run to run.
 *
 * An episode is one mix, or several processes under one limit. A mix is parts of traces
 * one after another with pauses between them. Objects that a part leaves are freed at its
 * end. During pauses the helper has its rounds, where the knob helper is on.
 */
#ifndef QN_SIM_H
#define QN_SIM_H

#include "base/compiler.h"
#include "base/knobs.h"
#include "format/statspage.h"
#include "learn/controller.h"
#include "random.h"

/*
 * CPU time of an event in nanoseconds, fitted to replays of 11 programs: a page fault, a
 * call that purges, a page of it
 */
#define QN_SIM_FAULT_NS      1230.0
#define QN_SIM_PURGE_NS      2000.0
#define QN_SIM_PURGE_PAGE_NS 340.0
/*
 * The same of malloc and free, in orders of magnitude: half of a pair, and beyond that a
 * list that is filled again, a medium block, a run of units
 */
#define QN_SIM_CALL_NS   7.0
#define QN_SIM_REFILL_NS 150.0
#define QN_SIM_MEDIUM_NS 100.0
#define QN_SIM_RUN_NS    1000.0

/**
 * struct qn_sim_op - a call, as an episode plays it
 * @usec:	since the trace's first call
 * @size:	bytes asked for
 * @slot:	the object's own while it lives
 * @op:		enum qn_trace_op
 */
struct qn_sim_op {
	u64 usec;
	u64 size;
	u32 slot;
	u8 op;
	u8 align_shift;
};

/**
 * struct qn_sim_trace - a trace in memory
 * @path:	as given, kept
 * @name:	the file's up to its first point, shortened, without spaces
 * @sum:	crc32 of all calls: tells traces apart
 * @ops, @nr:	the calls
 * @nr_slots:	slots that occur are below
 * @room:	elements of @ops that there is room for
 */
struct qn_sim_trace {
	const char *path;
	char name[32];
	u32 sum;
	struct qn_sim_op *ops;
	u64 nr;
	u64 room;
	u32 nr_slots;
};

/**
 * qn_sim_load() - read the process with the most events
 * @t:		filled in
 * @path:	kept
 * @most:	calls at most
 *
 * Return: 0, or -errno with a message.
 */
int qn_sim_load(struct qn_sim_trace *t, const char *path, u64 most);
void qn_sim_unload(struct qn_sim_trace *t);

/**
 * struct qn_sim_part - some calls of a trace
 * @from, @to:	the first, and behind the last
 * @pause:	microseconds without a call behind them
 * @stretch:	the program takes so many times as long between its calls; 0 is 1
 */
struct qn_sim_part {
	const struct qn_sim_trace *trace;
	u64 from, to;
	u64 pause;
	u32 stretch;
};

#define QN_SIM_PARTS 8

struct qn_sim_mix {
	struct qn_sim_part parts[QN_SIM_PARTS];
	u32 nr;
};

/* Pauses of a mix, in microseconds */
#define QN_SIM_PAUSE_LEAST 50000
#define QN_SIM_PAUSE_MOST  3000000

/* A whole trace, without a pause */
void qn_sim_mix_whole(struct qn_sim_mix *m, const struct qn_sim_trace *t);

/**
 * qn_sim_mix_draw() - a mix by chance
 * @m:		filled in
 * @traces, @nr_traces: to draw from
 * @nr:		parts, from 1 to QN_SIM_PARTS
 * @most:	calls of a part at most
 * @most_stretch: parts are stretched by 1, 2, 4 and so on up to this
 * @seed:	the same gives the same mix
 *
 * A part begins at the start of its trace, or anywhere in it: then objects from before are
 * not there. Parts of one mix are often of the same trace: a program that does again what it
 * did.
 */
void qn_sim_mix_draw(struct qn_sim_mix *m,
		     const struct qn_sim_trace *const *traces, u32 nr_traces,
		     u32 nr, u64 most, u32 most_stretch, u64 seed);

/**
 * struct qn_sim_result - what an episode took; the first members are the same in each run
 * @usec:	fake time
 * @calls:	of malloc and free
 * @faults:	pages that became resident
 * @purges, @purged: calls that gave memory back, and pages that went by them
 * @refaults:	pages that were wanted back soon, by the core's own account
 * @refills, @mediums, @runs: how often malloc had to go beyond its lists
 * @peak:	most pages resident
 * @page_usec:	pages resident, times microseconds
 * @live_peak:	most bytes asked for
 * @live_usec:	bytes asked for, times microseconds
 * @over_usec:	of processes under a limit: pages beyond it, times microseconds
 * @changes:	decisions of the policy
 * @sum:	crc32 of all decisions and when they were taken
 * @nr_promoted, @promoted: sizes with a class of their own at the end
 * @minor_faults: by the kernel's account
 * @cpu_ns:	CPU time of the child, with all that the sim does
 * @error:	0, or -errno
 */
struct qn_sim_result {
	u64 usec;
	u64 calls;
	u64 faults;
	u64 purges, purged;
	u64 refaults;
	u64 refills, mediums, runs;
	u64 peak;
	u64 page_usec;
	u64 live_peak;
	u64 live_usec;
	u64 over_usec;
	u64 changes;
	u32 sum;
	u32 nr_promoted;
	u32 promoted[QN_NR_CLASSES];
	u64 minor_faults;
	u64 cpu_ns;
	int error;
};

/* Are two results the same, in all that is the same in each run */
bool qn_sim_is_same(const struct qn_sim_result *a,
		    const struct qn_sim_result *b);

/* Processes of an episode at most */
#define QN_SIM_PROCESSES 8

/**
 * struct qn_sim_episode - what to play, with which heap
 * @mixes, @nr:	one for each process
 * @limit:	pages that all may have resident together; 0: as many as they like. While
 *		there are more, each process that has dirty memory is told to give all of it
 *		back, in windows of QN_SIM_WINDOW
 * @is_deaf:	of processes under a limit: none hears how near it is
 * @is_real:	what is given back is given back to the kernel, so that its count of faults
 *		means something. Else it is cleared, which takes less time
 * @knobs:	as the user set them
 * @settings:	of QUERN_CONF, on top of @knobs; NULL: none
 * @policy:	who decides; NULL: as @settings have it
 * @promoted, @nr_promoted: sizes with a class of their own from the start
 * @begin, @end: called in the child before and after it plays, or NULL
 * @tick:	called in the child, at every millisecond of fake time at most, or NULL
 * @data:	the caller's
 * @result:	set
 */
struct qn_sim_episode {
	struct qn_sim_mix mixes[QN_SIM_PROCESSES];
	u32 nr;
	u64 limit;
	bool is_deaf;
	bool is_real;
	struct qn_knobs knobs;
	const char *settings;
	const struct qn_policy *policy;
	u32 promoted[QN_NR_CLASSES];
	u32 nr_promoted;
	void (*begin)(const struct qn_sim_episode *e);
	void (*end)(const struct qn_sim_episode *e);
	void (*tick)(const struct qn_sim_episode *e, u32 process,
		     const struct qn_sim_result *so_far);
	void *data;
	struct qn_sim_result result;
};

/* Fake time between two looks at the sum of all processes, in microseconds */
#define QN_SIM_WINDOW 20000

/* The defaults: knobs as preset, policy rule, one process. Mixes are the caller's. */
void qn_sim_episode_init(struct qn_sim_episode *e);

/* The child's own episode, for policies that are shown a view alone; NULL in the parent */
const struct qn_sim_episode *qn_sim_playing(void);

/* Which process of the episode the child is, from 0 on */
u32 qn_sim_process(void);

/* How near the processes of the episode are to their limit, as in struct qn_view */
u32 qn_sim_pressure(void);

/* So far, in the child */
const struct qn_sim_result *qn_sim_so_far(void);

/**
 * qn_sim_run() - play episodes
 * @e:		episodes, results are set
 * @nr:		how many
 *
 * As many at once as there are processors. Ends early at an interrupt.
 *
 * Return: 0, or -errno of the first that failed, with a message; -EINTR.
 */
int qn_sim_run(struct qn_sim_episode *e, u32 nr);

/* ---- what it costs ---- */

/* Nanoseconds of CPU time that depend on what is kept: faults and purges */
double qn_sim_kept_ns(const struct qn_sim_result *r);

/* All of the allocator's CPU time in nanoseconds */
double qn_sim_time_ns(const struct qn_sim_result *r);

/* Bytes: the geometric mean of peak and average */
double qn_sim_memory(const struct qn_sim_result *r);

/**
 * qn_sim_price_cost() - nanoseconds of CPU time that memory and faults are worth
 * @r:		the result
 * @price:	GB-seconds that a CPU-second is worth, in thousandths, as the knob
 */
double qn_sim_price_cost(const struct qn_sim_result *r, u64 price);

/* M^w x T^(1-w), for ratios: it has no unit */
double qn_sim_weighted_cost(const struct qn_sim_result *r, double w);

#endif /* QN_SIM_H */
