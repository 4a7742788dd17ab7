/* SPDX-License-Identifier: MIT */
/*
 * controller.h - turns a profile into the next granule table.
 *
 * Pure with respect to the heap: it is shown a view and fills in a table that
 * the heap may publish. It never calls the heap and the heap calls it only from
 * a slow path (Linux, once an epoch) or from qn_heap_step().
 */
#ifndef QN_CONTROLLER_H
#define QN_CONTROLLER_H

#include "base/compiler.h"
#include "base/knobs.h"
#include "base/policies.h"
#include "format/statspage.h"
#include "learn/profile.h"
#include "learn/rails.h"
#include "learn/table.h"

/**
 * struct qn_held_view - a heap of one's own, and the blocks that it holds unmerged
 * @most:	bytes that may be held now
 * @refused:	freed blocks that were merged since enough was held, since the last look
 * @flushed:	requests for which all held blocks were merged, since the last look
 * @is_roomy:	blocks are held at all
 * @total, @free, @largest_free: bytes of the zones, of them not in use, and in one piece
 * @allocs:	requests served so far
 * @samples:	requests that were sampled so far
 * @hits:	of them, those that a held block could serve; counted if QN_HITS
 */
struct qn_held_view {
	size_t most;
	u32 refused;
	u32 flushed;
	bool is_roomy;
	size_t total;
	size_t free;
	size_t largest_free;
	u32 allocs;
	u32 samples;
	u32 hits;
};

/**
 * struct qn_view - what a policy may look at
 *
 * Of a heap of one's own @table, @profile, @memory's @live and @peak, @pressure, @held and
 * @heap_knobs are set, pointers to what it has not are NULL, and the rest has no meaning.
 *
 * @table:	the table in use
 * @profile:	recent request sizes
 * @class_live:	bytes of objects in use per class, or NULL where classes have
 *		no slabs (a heap of one's own); @knobs is there where it is
 * @memory:	the heap now, and what became of it so far; what is not known is 0
 * @trend:	how it changes, or NULL
 * @used:	bytes of runs in use
 * @recent_peak: highest @used lately
 * @pressure:	how scarce memory is, 0 to 1024: gauge.h, and qn_pressure()
 * @held:	of a heap of one's own
 * @allocs:	objects of a process handed out so far, those in lists included
 * @idle_ms:	milliseconds since the last look; looks need calls, so the program was idle
 *		for most of them if they are many
 * @recent_purged, @recent_refaults: bytes, lately: each second half of them is forgotten
 * @nr_purges:	calls that returned memory so far
 * @page_ns:	what it costs to fetch a page again
 * @asked:	knobs of the heap of a process as the user set them, else NULL
 * @knobs:	in use by the heap of a process, else NULL
 * @heap_knobs:	in use by a heap of one's own, else NULL
 */
struct qn_view {
	const struct qn_table *table;
	const struct qn_profile *profile;
	const size_t *class_live;
	struct qn_trend_look memory;
	const struct qn_stats_trend *trend;
	size_t used;
	size_t recent_peak;
	u32 pressure;
	struct qn_held_view held;
	u32 allocs;
	u32 idle_ms;
	size_t recent_purged;
	size_t recent_refaults;
	u64 nr_purges;
	u32 page_ns;
	const struct qn_knobs *asked;
	const struct qn_knobs *knobs;
	const struct qn_heap_knobs *heap_knobs;
};

/* Words that a policy may keep for itself */
#define QN_POLICY_WORDS (!QN_SMALL ? 64 : QN_HITS ? 36 : 4)

/* A policy that chooses is asked at most once in so long; in so many requests of a heap */
#define QN_CHOICE_US    20000
#define QN_CHOICE_CALLS 64

/**
 * struct qn_interval - counters when an interval ended, see cost.h
 * @is_known:	they were seen
 * @usec, @purged, @refaults, @purges, @dirty: of the heap of a process; bytes as pages
 * @allocs, @samples, @hits: of a heap of one's own
 */
struct qn_interval {
	bool is_known;
	u32 usec;
	u32 purged;
	u32 refaults;
	u32 purges;
	u32 dirty;
	u32 allocs;
	u32 samples;
	u32 hits;
};

/**
 * struct qn_aftermath - what came of the last choice
 * @preset:	what was in force; need not be what was chosen
 * @cost:	of the interval, see cost.h
 * @is_known:	it was measured
 */
struct qn_aftermath {
	unsigned int preset;
	u32 cost;
	bool is_known;
};

/**
 * struct qn_pick - what a policy would have in force
 * @action:	a preset (presets.h)
 * @in:		what it was decided by, for the report
 */
struct qn_pick {
	unsigned int action;
	s8 in[QN_STATS_INPUTS];
};

enum qn_action_kind {
	QN_ACTION_NONE,
	QN_ACTION_PROMOTE,
	QN_ACTION_DEMOTE,
	QN_ACTION_KNOBS, /* by tune(): other knobs, no other table */
};

/**
 * struct qn_action - one decision
 * @kind:	what to do
 * @class:	the class that is demoted, or that the promotion made
 * @step:	the size in steps
 * @gain:	bytes the policy expects to save (slabs) or share of requests in
 *		1/1024 (direct runs); of a demotion, what is given up. For the
 *		report
 */
struct qn_action {
	enum qn_action_kind kind;
	u16 class;
	u16 step;
	u32 gain;
};

/**
 * struct qn_policy - one way to choose
 * @name:	as in QUERN_CONF=policy:NAME
 * @look:	look at steps [@from, @to) of the view; fill in @act and return
 *		true if something should change. Bounded by @to - @from and the
 *		width of the widest class.
 * @tune:	change @knobs, a copy of those in use, and return true if the heap should
 *		use them from now on; NULL: never. Bounded time. Asked at most once an
 *		epoch, before @look; knobs that are not valid are not used.
 * @tune_heap:	the same for a heap of one's own, in each qn_heap_step()
 * @choose:	for a policy that chooses among presets: fill in @choice, of a process; the
 *		controller turns it into knobs, within the rails of rails.h. NULL: it does not.
 *		Bounded time, at most once in QN_CHOICE_US
 * @choose_heap: the same of a heap of one's own, once in QN_CHOICE_CALLS
 * @explores:	it learns by what it does, so it is not kept in the shadow at first
 * @is_tried:	nor is @choose: it was cheaper than the rule on programs that it had not seen
 * @begin:	change @table, a copy of the one of a process at its start, and return true if
 *		it should be used; NULL: never
 * @begin_heap:	change @knobs, the preset ones, to those that a heap of one's own begins
 *		with; NULL: it begins with the preset
 *
 * Where @look is NULL the rule's is taken. @state is QN_POLICY_WORDS words of the policy's
 * own, 0 at first; each heap has its own.
 */
struct qn_policy {
	const char *name;
	bool (*look)(const struct qn_view *view, u32 *state, unsigned int from,
		     unsigned int to, struct qn_action *act);
	bool (*tune)(const struct qn_view *view, u32 *state,
		     struct qn_knobs *knobs);
	bool (*tune_heap)(const struct qn_view *view, u32 *state,
			  struct qn_heap_knobs *knobs);
	void (*choose)(const struct qn_view *view, u32 *state,
		       const struct qn_aftermath *last, struct qn_pick *choice);
	void (*choose_heap)(const struct qn_view *view, u32 *state,
			    const struct qn_aftermath *last,
			    struct qn_pick *choice);
	bool (*begin)(struct qn_table *table);
	void (*begin_heap)(struct qn_heap_knobs *knobs);
	bool explores;
	bool is_tried;
};

#define QN_POLICY_DECLARE(symbol, name, is_built) \
	extern const struct qn_policy qn_policy_##symbol;
QN_POLICIES(QN_POLICY_DECLARE)
#undef QN_POLICY_DECLARE

/* The policy of that name, or NULL */
const struct qn_policy *qn_policy_find(const char *name);

/**
 * struct qn_chooser - of a controller whose policy chooses among presets
 * @rails:	which choices are followed
 * @interval:	when the last was made
 * @refused, @flushed: since then, in a heap of one's own
 * @rule:	state of the rule, while its preset is in force
 * @log:	where decisions are noted, or NULL
 */
struct qn_chooser {
	struct qn_rails rails;
	struct qn_interval interval;
	u32 refused;
	u32 flushed;
	u32 rule[4];
	struct qn_stats_decisions *log;
};

/**
 * struct qn_controller - where learning stands
 * @policy:	who chooses
 * @cursor:	the step to look at next
 * @nr_promoted, @nr_demoted: decisions so far
 * @state:	the policy's own
 * @chooser:	there is one if a policy may need it
 */
struct qn_controller {
	const struct qn_policy *policy;
	u16 cursor;
	u32 nr_promoted;
	u32 nr_demoted;
	u32 state[QN_POLICY_WORDS];
	struct qn_chooser chooser[QN_PRESETS];
};

/* Nothing decided yet, nor noted; the look begins at the smallest size */
void qn_controller_init(struct qn_controller *c,
			const struct qn_policy *policy);

/* Decisions are noted in @log from now on: once they are made in a heap that shows them */
static __always_inline void qn_controller_log(struct qn_controller *c,
					      struct qn_stats_decisions *log)
{
	if (IS_ENABLED(QN_PRESETS))
		c->chooser[0].log = log;
}

/**
 * qn_controller_tune() - should a process's heap use other knobs
 * @c:		the controller
 * @view:	the heap as it is, with @knobs
 * @next:	set to them
 *
 * Context: serialised by the caller. Bounded time.
 * Return: true if @next is valid and should be published.
 */
bool qn_controller_tune(struct qn_controller *c, const struct qn_view *view,
			struct qn_knobs *next);

/* The same of a heap of one's own, with @heap_knobs */
bool qn_controller_tune_heap(struct qn_controller *c,
			     const struct qn_view *view,
			     struct qn_heap_knobs *next);

/**
 * qn_controller_step() - one bounded slice
 * @c:		the controller
 * @view:	the heap as it is
 * @next:	buffer for the next table, as large as the present one
 * @act:	what was decided, for the report
 *
 * Looks at QN_CONTROLLER_SLICE steps from the cursor on.
 *
 * Context: serialised by the caller. Bounded time.
 * Return: true if @next holds a valid successor that the caller should publish.
 */
bool qn_controller_step(struct qn_controller *c, const struct qn_view *view,
			struct qn_table *next, struct qn_action *act);

#endif /* QN_CONTROLLER_H */
