// SPDX-License-Identifier: MIT
/*
 * policy-paper-dqn.c - adaptive granularity as published.
 *
 * A deep Q-network learns while the program runs. The state is the fragmentation factor, the
 * mean size of requests and how many there were. Actions move the smallest or the largest
 * granule by one step, or neither. The reward is -(fragmentation) - (time of an allocation),
 * each by its weight. Actions are epsilon-greedy. A transition goes into a replay buffer, and
 * some of that are learned from after each decision:
 *
 *	Q(s, a) += rate x (R(s, a) + gamma x max Q'(s', a') - Q(s, a))
 *
 * Q' is a copy of the network that is renewed now and then (Mnih et al., Human-level control
 * through deep reinforcement learning, 2015). Numbers are fixed point with 16 fractional
 * bits.
 *
 * The smallest granule is what requests are rounded up to a multiple of, and the largest
 * is the size up to which they are. In the heap of a process the table says so: sizes up to
 * the largest granule have a class if they are multiples of the smallest, larger ones if
 * they have one in the usual table. Multiples of eight steps are permanent, and so are all
 * sizes up to 256 bytes, since malloc relies on them. Each look moves the table by one class.
 * In a heap of one's own the two are knobs, granule and granule_most.
 *
 * It begins with weights that `quern train --for=paper` left, and learns on. It is here to be
 * compared with. There is one learner: the first heap that uses the policy
 * has it, and others stay as they are.
 */
#include "learn/policy-paper-dqn.h"

#include <string.h>

#include "base/bits.h"
#include "learn/controller.h"
#include "learn/cost.h"
#include "learn/weights-paper.h"
#include "port/port.h"

#define ONE QN_PAPER_ONE

/* What is learned from a decision: transitions, and by which part of the error */
#define NR_REPLAY  64
#define BATCH      4
#define RATE_SHIFT 6
/* Q' is renewed after so many decisions */
#define RENEW 32
/* What a decision later is worth now */
#define GAMMA (ONE * 9 / 10)
/* Random actions of 65536 at first and in the end, and what it loses each time */
#define EPSILON_FIRST 32768
#define EPSILON_LAST  2048
#define EPSILON_DECAY 256
/* Weights of the reward: a fragmentation of 1, and a time twice as long as it must be */
#define ALPHA ONE
#define BETA  (ONE / 4)
/* No weight becomes larger, and no error counts for more */
#define WEIGHT_MOST (16 * ONE)
#define ERROR_MOST  ONE
/* Nanoseconds that an allocation takes anyway */
#define ALLOC_NS 64

enum action {
	HOLD,
	SMALLEST_UP,
	SMALLEST_DOWN,
	LARGEST_UP,
	LARGEST_DOWN,
};

/* @in, and what was done, and what came of it */
struct transition {
	s32 in[QN_PAPER_INPUTS];
	s32 then[QN_PAPER_INPUTS];
	s32 reward;
	u32 action;
};

/**
 * struct learner - the one there is
 * @online, @target: weights of the network, and of the copy that it is taught by
 * @replay:	the last transitions
 * @nr:		decisions so far
 * @nr_replay:	transitions so far
 * @epsilon:	random actions of 65536
 * @random:	state of a xorshift generator, never 0
 * @last:	the transition that is not complete
 * @owner:	the state of the heap that uses it
 * @is_begun:	weights were set
 */
static struct learner {
	s32 online[QN_PAPER_WEIGHTS];
	s32 target[QN_PAPER_WEIGHTS];
	struct transition replay[NR_REPLAY];
	u32 nr;
	u32 nr_replay;
	u32 epsilon;
	u32 random;
	struct transition last;
	const u32 *owner;
	bool is_begun;
} learner __bss_apart;

/* ---- the network ---- */

static s32 times(s32 a, s32 b)
{
	return (s32)(((s64)a * b) >> 16);
}

static u32 draw(struct learner *l)
{
	l->random ^= l->random << 13;
	l->random ^= l->random >> 17;
	l->random ^= l->random << 5;
	return l->random;
}

static s32 bounded(s64 n, s32 most)
{
	return (s32)max(min(n, (s64)most), -(s64)most);
}

/* A row of @nr weights and a bias */
static s32 row(const s32 *w, const s32 *in, unsigned int nr)
{
	s64 sum = w[nr];

	for (unsigned int i = 0; i < nr; i++)
		sum += times(w[i], in[i]);
	return bounded(sum, INT32_MAX / 4);
}

static const s32 *hidden_row(const s32 *w, unsigned int unit)
{
	return w + unit * (QN_PAPER_INPUTS + 1);
}

static const s32 *action_row(const s32 *w, unsigned int action)
{
	return w + QN_PAPER_HIDDEN * (QN_PAPER_INPUTS + 1) +
	       action * (QN_PAPER_HIDDEN + 1);
}

static void run_hidden(const s32 *w, const s32 *in, s32 *hidden)
{
	for (unsigned int i = 0; i < QN_PAPER_HIDDEN; i++)
		hidden[i] = max(row(hidden_row(w, i), in, QN_PAPER_INPUTS), 0);
}

/* The best action, and its value */
static unsigned int best(const s32 *w, const s32 *in, s32 *value)
{
	s32 hidden[QN_PAPER_HIDDEN];
	unsigned int best = 0;

	run_hidden(w, in, hidden);
	for (unsigned int a = 0; a < QN_PAPER_ACTIONS; a++) {
		s32 q = row(action_row(w, a), hidden, QN_PAPER_HIDDEN);

		if (!a || q > *value) {
			*value = q;
			best = a;
		}
	}
	return best;
}

/* A row moves along its inputs */
static void move_row(s32 *w, const s32 *in, unsigned int nr, s32 by)
{
	for (unsigned int i = 0; i < nr; i++)
		w[i] = bounded((s64)w[i] + times(by, in[i]), WEIGHT_MOST);
	w[nr] = bounded((s64)w[nr] + by, WEIGHT_MOST);
}

/* One step down the slope of the squared error */
static void learn(struct learner *l, const struct transition *t)
{
	s32 *out = l->online + (action_row(l->online, t->action) - l->online);
	s32 hidden[QN_PAPER_HIDDEN], next, by, back[QN_PAPER_HIDDEN];

	best(l->target, t->then, &next);
	run_hidden(l->online, t->in, hidden);
	by = bounded((s64)t->reward + times(GAMMA, next) -
			     row(out, hidden, QN_PAPER_HIDDEN),
		     ERROR_MOST) /
	     (1 << RATE_SHIFT);
	for (unsigned int i = 0; i < QN_PAPER_HIDDEN; i++)
		back[i] = hidden[i] > 0 ? times(by, out[i]) : 0;
	move_row(out, hidden, QN_PAPER_HIDDEN, by);
	for (unsigned int i = 0; i < QN_PAPER_HIDDEN; i++)
		move_row(l->online + i * (QN_PAPER_INPUTS + 1), t->in,
			 QN_PAPER_INPUTS, back[i]);
}

static void learn_some(struct learner *l)
{
	u32 nr = min(l->nr_replay, (u32)NR_REPLAY);

	for (unsigned int i = 0; nr && i < BATCH; i++)
		learn(l, &l->replay[draw(l) % nr]);
	if (l->nr % RENEW == 0)
		memcpy(l->target, l->online, sizeof(l->target));
}

void qn_paper_begin(const s32 *weights, u32 seed)
{
	struct learner *l = &learner;

	memset(l, 0, sizeof(*l));
	l->random = seed | 1;
	for (unsigned int i = 0; i < QN_PAPER_WEIGHTS; i++)
		l->online[i] = weights ? bounded(weights[i], WEIGHT_MOST) :
					 (s32)(draw(l) >> 17) - ONE / 4;
	memcpy(l->target, l->online, sizeof(l->target));
	l->epsilon = weights ? EPSILON_LAST : EPSILON_FIRST;
	l->is_begun = true;
}

const s32 *qn_paper_weights(void)
{
	return learner.online;
}

/* ---- decisions ---- */

/* In the state of a heap. Levels of the two granules */
struct paper {
	struct qn_interval interval;
	u32 smallest;
	u32 largest;
	u32 allocs;
	u32 usec;
	bool is_begun;
};

_Static_assert(!QN_POLICY_PAPER ||
		       sizeof(struct paper) <= QN_POLICY_WORDS * sizeof(u32),
	       "the state of a policy");

/* Does the learner serve this heap? */
static bool is_owner(const u32 *state)
{
	const u32 *nobody = NULL;

	if (__atomic_load_n(&learner.owner, __ATOMIC_RELAXED) == state)
		return true;
	if (!__atomic_compare_exchange_n(&learner.owner, &nobody, state, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return false;
	if (!learner.is_begun) {
		qn_paper_begin(qn_weights_paper, qn_port_seed());
		learner.owner = state;
	}
	return true;
}

/* The exponent of @n and four bits of its fraction, over 32 */
static s32 logarithm(u32 n)
{
	unsigned int order = qn_ilog2(n | 1);
	u32 part = order < 4 ? (n << (4 - order)) & 15 : n >> (order - 4) & 15;

	return (s32)((order * 16 + part) * (ONE / 32 / 16));
}

/* Mean size of requests, in steps */
static u32 mean_steps(const struct qn_profile *p)
{
	u32 bytes = p->total - p->large;

	if (!p->requests)
		return 1;
	return bytes >> 24 ? bytes / (p->requests >> QN_PROFILE_REQUESTS | 1) :
			     (bytes << QN_PROFILE_REQUESTS) / p->requests;
}

static unsigned int decide(struct learner *l, const s32 *in, s32 reward)
{
	struct transition *t = &l->last;
	unsigned int action;
	s32 value;

	if (l->nr) {
		memcpy(t->then, in, sizeof(t->then));
		t->reward = reward;
		l->replay[l->nr_replay++ % NR_REPLAY] = *t;
	}
	l->nr++;
	learn_some(l);
	action = draw(l) % ONE < l->epsilon ? draw(l) % QN_PAPER_ACTIONS :
					      best(l->online, in, &value);
	if (l->epsilon > EPSILON_LAST)
		l->epsilon -= (l->epsilon - EPSILON_LAST) / EPSILON_DECAY + 1;
	memcpy(t->in, in, sizeof(t->in));
	t->action = action;
	return action;
}

/* One step, within the levels */
static void act(struct paper *p, enum action action, u32 smallest_most,
		u32 largest_most)
{
	if (action == SMALLEST_UP && p->smallest < smallest_most)
		p->smallest++;
	if (action == SMALLEST_DOWN && p->smallest)
		p->smallest--;
	if (action == LARGEST_UP && p->largest < largest_most)
		p->largest++;
	if (action == LARGEST_DOWN && p->largest)
		p->largest--;
}

/* @part of @whole, 1 at most */
static s32 share(size_t part, size_t whole)
{
	part = min(part, whole);
	for (; whole >> 16; whole >>= 1)
		part >>= 1;
	return whole ? (s32)(((u32)part << 15) / (u32)whole * 2) : 0;
}

/* What stands in the state, and the reward that the last action earned */
static void consider(struct paper *p, const struct qn_view *v, u32 allocs,
		     s32 fragmentation, s32 time, u32 smallest_most,
		     u32 largest_most)
{
	const s32 in[QN_PAPER_INPUTS] = {
		fragmentation,
		logarithm(mean_steps(v->profile) * QN_STEP),
		logarithm(allocs),
	};
	s32 reward = -times(ALPHA, fragmentation) - times(BETA, time);

	act(p, (enum action)decide(&learner, in, reward), smallest_most,
	    largest_most);
}

/* ---- the heap of a process ---- */

/* Levels: granules of 1, 2, 4, 8 steps; up to 0, 8, 16, ... 56 steps */
#define SMALLEST_MOST 3
#define LARGEST_MOST  7
#define LARGEST_STEPS 8
/* Where it begins: the usual table */
#define LARGEST_FIRST 2
_Static_assert(QN_TABLE_EXACT_STEPS == LARGEST_STEPS,
	       "classes that the usual table has, see is_usual()");

static bool is_usual(unsigned int step)
{
	unsigned int order = qn_ilog2(step);
	unsigned int shift = qn_ilog2(QN_TABLE_PER_DOUBLING);

	if (step <= QN_TABLE_EXACT_STEPS)
		return true;
	/* A power of two ends the doubling below */
	order -= is_power_of_2(step);
	return step % (1u << (order > shift ? order - shift : 0)) == 0;
}

static bool is_wanted(const struct paper *p, unsigned int step)
{
	if (step <= QN_TABLE_READY_STEPS || step % LARGEST_STEPS == 0)
		return true;
	if (step > p->largest * LARGEST_STEPS)
		return is_usual(step);
	return step % (1u << p->smallest) == 0;
}

static void begin(struct paper *p)
{
	if (p->is_begun)
		return;
	p->is_begun = true;
	p->largest = LARGEST_FIRST;
}

/* Decides, at most once in QN_CHOICE_US; the table follows as it is looked at */
static bool paper_tune(const struct qn_view *v, u32 *state,
		       struct qn_knobs *knobs)
{
	struct paper *p = (struct paper *)(void *)state;
	const struct qn_trend_look *m = &v->memory;
	u32 allocs = v->allocs - p->allocs;
	struct qn_flow flow;
	s32 frag;

	(void)knobs;
	begin(p);
	if (!v->asked->learn || !is_owner(state)) {
		p->smallest = 0;
		p->largest = LARGEST_FIRST;
		return false;
	}
	if (p->interval.is_known && (u32)m->usec - p->usec < QN_CHOICE_US)
		return false;
	p->usec = (u32)m->usec;
	p->allocs = v->allocs;
	if (!qn_cost_process(v, &p->interval, &flow) || !allocs)
		return false;
	flow.base = (u64)allocs * ALLOC_NS;
	frag = share(m->external, m->live + m->external);
	if (v->trend)
		frag = min(frag + (s32)v->trend->waste.internal, ONE);
	consider(p, v, allocs, frag,
		 min(qn_cost_share((s64)flow.cpu, &flow), 8 * QN_COST_ONE) *
			 (ONE / QN_COST_ONE),
		 SMALLEST_MOST, LARGEST_MOST);
	return false;
}

/* The first size of the slice that should have a class and has none, or the reverse */
static bool paper_look(const struct qn_view *view, u32 *state,
		       unsigned int from, unsigned int to,
		       struct qn_action *act)
{
	const struct paper *p = (const struct paper *)(void *)state;
	const struct qn_table *t = view->table;

	for (unsigned int step = from; p->is_begun && step < to; step++) {
		bool has = t->class_steps[t->map[step]] == step;

		if (qn_table_is_direct(t, step) || has == is_wanted(p, step))
			continue;
		/* A permanent one stays */
		if (has && t->map[step] <= t->nr_base)
			continue;
		act->kind = has ? QN_ACTION_DEMOTE : QN_ACTION_PROMOTE;
		act->class = t->map[step];
		act->step = (u16)step;
		return true;
	}
	return false;
}

static bool paper_begin(struct qn_table *table)
{
	struct paper p = { 0 };
	u32 generation = table->generation;

	begin(&p);
	qn_table_init_coarse(table, table->nr_steps, LARGEST_STEPS);
	table->generation = generation;
	for (unsigned int step = 1; step < table->nr_steps; step++)
		if (is_wanted(&p, step))
			qn_table_promote(table, step);
	return true;
}

/* ---- a heap of one's own ---- */

/* Levels: granules of 1 to 8; up to 0, 2, 4, ... 22 of them */
#define HEAP_SMALLEST_MOST 7
#define HEAP_LARGEST_MOST  11

#if QN_POLICY_PAPER
static bool paper_tune_heap(const struct qn_view *v, u32 *state,
			    struct qn_heap_knobs *knobs)
{
	struct paper *p = (struct paper *)(void *)state;
	const struct qn_held_view *held = &v->held;
	u32 allocs = held->allocs - p->interval.allocs;
	struct qn_flow flow;

	if ((p->interval.is_known && allocs < QN_CHOICE_CALLS) ||
	    !is_owner(state) || !qn_cost_heap(v, &p->interval, &flow))
		return false;
	consider(p, v, allocs, ONE - share(held->largest_free, held->free),
		 min(qn_cost_share((s64)flow.cpu, &flow), 8 * QN_COST_ONE) *
			 (ONE / QN_COST_ONE),
		 HEAP_SMALLEST_MOST, HEAP_LARGEST_MOST);
	knobs->granule = p->smallest + 1;
	knobs->granule_most = 2 * p->largest;
	return knobs->granule != v->heap_knobs->granule ||
	       knobs->granule_most != v->heap_knobs->granule_most;
}
#else
#define paper_tune_heap NULL
#endif

const struct qn_policy qn_policy_paper_dqn = {
	.name = "paper-dqn",
	.look = paper_look,
	.tune = QN_SMALL ? NULL : paper_tune,
	.tune_heap = paper_tune_heap,
	.begin = paper_begin,
};
