// SPDX-License-Identifier: MIT
/*
 * world.c - episodes of training; see world.h.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "command/base/fail.h"
#include "command/base/interrupt.h"
#include "learn/features.h"
#include "heap-cost.h"
#include "random.h"
#include "world.h"

/* Choices and costs that a process of an episode can note */
#define MOST_CHOICES 4096
#define MOST_COSTS   65536
/* An action by chance is kept for so many choices at most */
#define MOST_STICKY 12
/* Processes of an item that has several, and one item in so many has */
#define GROUP       3
#define GROUP_EVERY 6
/* The limit of these, of what they take without one, in sixteenths */
#define LIMIT_SIXTEENTHS 12
/* Items with long parts have so many at most; shorter ones are shorter and slower by this */
#define LONG_PARTS 4
#define SHORTER    5
#define SLOWER     4

/**
 * struct note - what a child notes, in memory that its parent sees
 * @choices, @nr: choices
 * @costs, @nr_costs: of the rule
 */
struct note {
	u32 nr;
	u32 nr_costs;
	struct qn_world_choice choices[MOST_CHOICES];
	struct qn_world_cost costs[MOST_COSTS];
};

/* By play and process; most of it is never touched */
static struct note *notes;

static struct note *note_of(u32 play, u32 process)
{
	return &notes[play * QN_SIM_PROCESSES + process];
}

static void make_notes(void)
{
	size_t size = sizeof(*notes) * QN_WORLD_BATCH * QN_SIM_PROCESSES;
	void *p;

	if (notes) {
		for (u32 i = 0; i < QN_WORLD_BATCH * QN_SIM_PROCESSES; i++)
			if (notes[i].nr || notes[i].nr_costs)
				notes[i].nr = notes[i].nr_costs = 0;
		return;
	}
	p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED) {
		qn_error("no memory for notes of episodes");
		exit(QN_EXIT_FAILURE);
	}
	notes = p;
}

/* ---- in the child: the policy ---- */

/**
 * struct chooser - the policy's own, in a child
 * @p:		who chooses
 * @note:	of this process
 * @state:	of the random numbers
 * @sticky, @stuck: choices that are left of an action by chance, and that action
 * @action:	in force
 */
static struct chooser {
	const struct qn_world_policy *p;
	struct note *note;
	u64 state;
	u32 sticky, stuck;
	u32 action;
} chooser;

static struct qn_world_cost cost_now(void)
{
	const struct qn_sim_result *r = qn_sim_so_far();

	return (struct qn_world_cost){ r->usec, qn_sim_kept_ns(r),
				       r->page_usec };
}

static void begin_chooser(void)
{
	const struct qn_sim_episode *e = qn_sim_playing();
	const struct qn_world_play *play = e->data;
	u32 process = qn_sim_process();

	chooser.p = &play->policy;
	chooser.state = play->policy.seed * QN_SIM_PROCESSES + process;
	chooser.note = note_of(play->index, process);
}

static double draw(void)
{
	return (double)(qn_random(&chooser.state) >> 11) * 0x1p-53;
}

static u32 explore(const s8 in[])
{
	if (chooser.sticky) {
		chooser.sticky--;
		return chooser.stuck;
	}
	/* As each lasts for some choices, so fewer begin */
	if (draw() < chooser.p->epsilon /
			     (1 + (1 - chooser.p->epsilon) * MOST_STICKY / 2)) {
		chooser.sticky = (u32)(qn_random(&chooser.state) % MOST_STICKY);
		chooser.stuck =
			(u32)(qn_random(&chooser.state) % QN_NR_PRESETS);
		return chooser.stuck;
	}
	return qn_dqn_best(chooser.p->net, in, QN_NR_PRESETS);
}

static u32 choose(const s8 in[])
{
	s32 out[QN_NETWORK_RESULTS];

	if (chooser.p->net)
		return explore(in);
	if (!chooser.p->weights)
		return chooser.p->fixed;
	qn_network_run(chooser.p->weights, in, out);
	return qn_network_best(chooser.p->weights, out, QN_NR_PRESETS);
}

static bool is_due(const struct note *n, u64 usec)
{
	return n->nr < MOST_CHOICES &&
	       (!n->nr ||
		usec - n->choices[n->nr - 1].at.usec >= QN_WORLD_CHOICE);
}

static bool tune(const struct qn_view *v, u32 *state, struct qn_knobs *knobs)
{
	struct qn_view view = *v;
	struct qn_world_choice *to;
	struct qn_world_cost at = cost_now();
	u32 before = chooser.action;

	if (!chooser.p)
		begin_chooser();
	if (!is_due(chooser.note, at.usec))
		return false;
	view.pressure = max(view.pressure, qn_sim_pressure());
	to = &chooser.note->choices[chooser.note->nr];
	to->at = at;
	qn_features_process(&view, state, to->in);
	chooser.action = choose(to->in);
	to->action = (u8)chooser.action;
	chooser.note->nr++;
	qn_preset_process(chooser.action, v->asked, knobs);
	return chooser.action != before;
}

static bool look(const struct qn_view *v, u32 *state, unsigned int from,
		 unsigned int to, struct qn_action *act)
{
	return qn_policy_rule.look(v, state, from, to, act);
}

static const struct qn_policy policy = {
	.name = "train",
	.look = look,
	.tune = tune,
};

/* What the rule costs, by time */
static void tick(const struct qn_sim_episode *e, u32 process,
		 const struct qn_sim_result *so_far)
{
	const struct qn_world_play *play = e->data;
	struct note *n = note_of(play->index, process);

	(void)so_far;
	if (n->nr_costs < MOST_COSTS)
		n->costs[n->nr_costs++] = cost_now();
}

/* ---- in the parent ---- */

static void make_episode(struct qn_sim_episode *e, struct qn_world_play *p)
{
	const struct qn_world_item *item = p->item;

	qn_sim_episode_init(e);
	memcpy(e->mixes, item->mixes, sizeof(e->mixes));
	e->nr = item->nr;
	e->limit = item->limit;
	e->knobs.price = item->price;
	e->policy = &policy;
	e->data = p;
}

static int run(struct qn_world_play *plays, u32 nr, bool has_ticks)
{
	struct qn_sim_episode *e = qn_xrealloc(NULL, nr * sizeof(*e));
	int err;

	make_notes();
	for (u32 i = 0; i < nr; i++) {
		make_episode(&e[i], &plays[i]);
		plays[i].index = i;
		e[i].tick = has_ticks ? tick : NULL;
	}
	err = qn_sim_run(e, nr);
	for (u32 i = 0; i < nr; i++) {
		plays[i].result = e[i].result;
		plays[i].cost =
			qn_sim_price_cost(&e[i].result, plays[i].item->price);
		for (u32 n = 0; n < QN_SIM_PROCESSES; n++) {
			plays[i].choices[n] = note_of(i, n)->choices;
			plays[i].nr_choices[n] = note_of(i, n)->nr;
		}
	}
	free(e);
	return err;
}

/* ---- heaps of one's own ---- */

/**
 * struct heap_chooser - the policy's own
 * @play:	what is played
 * @allocs:	requests at the last choice
 * @refused, @flushed: since then
 * @history:	of the features
 * @rule:	state of the rule, while its action is in force
 */
static struct heap_chooser {
	const struct qn_heap_play *play;
	u32 allocs;
	u32 refused;
	u32 flushed;
	u32 history[QN_FEATURES_WORDS];
	u32 rule[QN_POLICY_WORDS];
} heap_chooser;

static struct qn_world_cost heap_cost_now(const struct qn_heap_play *p)
{
	return (struct qn_world_cost){
		.usec = p->calls * QN_WORLD_CHOICE / QN_CHOICE_CALLS,
		.kept_ns = p->instructions,
	};
}

static void choose_heap(const struct qn_view *v)
{
	struct heap_chooser *h = &heap_chooser;
	struct qn_view since = *v;
	struct note *n = chooser.note;
	struct qn_world_choice *to = &n->choices[n->nr];

	since.held.refused = h->refused;
	since.held.flushed = h->flushed;
	h->refused = h->flushed = 0;
	h->allocs = v->held.allocs;
	to->at = heap_cost_now(h->play);
	qn_features_heap(&since, h->history, to->in);
	chooser.action = choose(to->in);
	to->action = (u8)chooser.action;
	n->nr++;
}

/* As the controller has it for policies that choose (lib/learn/chooser.c) */
static bool tune_heap(const struct qn_view *v, u32 *state,
		      struct qn_heap_knobs *knobs)
{
	struct heap_chooser *h = &heap_chooser;
	u32 before = chooser.action;
	bool is_due = !chooser.note->nr ||
		      v->held.allocs - h->allocs >= QN_CHOICE_CALLS;

	(void)state;
	h->refused += v->held.refused;
	h->flushed += v->held.flushed;
	if (is_due && chooser.note->nr < MOST_CHOICES)
		choose_heap(v);
	if (chooser.action != before) {
		qn_preset_heap(chooser.action, &qn_heap_knobs_preset, knobs);
		memset(h->rule, 0, sizeof(h->rule));
		return true;
	}
	return chooser.action == QN_PRESET_RULE &&
	       qn_policy_rule.tune_heap(v, h->rule, knobs);
}

static const struct qn_policy heap_policy = {
	.name = "train",
	.look = look,
	.tune_heap = tune_heap,
};

static void heap_tick(struct qn_heap_play *p)
{
	struct note *n = chooser.note;

	if (n->nr_costs < MOST_COSTS)
		n->costs[n->nr_costs++] = heap_cost_now(p);
}

static int play_heap(struct qn_world_play *play, u32 index, bool has_ticks)
{
	const struct qn_sim_part *part = &play->item->mixes[0].parts[0];
	struct qn_heap_play p = {
		.trace = part->trace,
		.nr = part->to,
		.size = play->item->heap,
		.policy = &heap_policy,
		.goes_on = true,
		.at_step = has_ticks ? heap_tick : NULL,
	};
	int err;

	memset(&heap_chooser, 0, sizeof(heap_chooser));
	heap_chooser.play = &p;
	memset(&chooser, 0, sizeof(chooser));
	chooser.p = &play->policy;
	chooser.note = note_of(index, 0);
	chooser.state = play->policy.seed;
	err = qn_heap_play(&p);
	play->cost = p.instructions;
	play->choices[0] = chooser.note->choices;
	play->nr_choices[0] = chooser.note->nr;
	return err;
}

static int play_heaps(struct qn_world_play *plays, u32 nr, bool has_ticks)
{
	int err = 0;

	make_notes();
	for (u32 i = 0; i < nr && !err; i++) {
		err = play_heap(&plays[i], i, has_ticks);
		if (qn_interrupted())
			err = -EINTR;
	}
	return err;
}

int qn_world_run(struct qn_world_play *plays, u32 nr)
{
	if (nr && plays[0].item->heap)
		return play_heaps(plays, nr, false);
	return run(plays, nr, false);
}

double qn_world_ratio(const struct qn_world_play *p)
{
	return p->cost / p->item->rule_cost;
}

/* ---- what a choice was worth ---- */

static double ns_of(const struct qn_world_cost *c, u64 price)
{
	struct qn_sim_result r = { .page_usec = c->page_usec };

	return c->kept_ns + qn_sim_price_cost(&r, price);
}

/* What the rule had cost by then, on a straight line between two moments */
static double rule_ns(const struct qn_world_curve *curve, u64 usec, u64 price)
{
	u32 low = 0, high = curve->nr;
	const struct qn_world_cost *a, *b;
	double part, from;

	while (high - low > 1) {
		u32 half = low + (high - low) / 2;

		if (curve->at[half].usec <= usec)
			low = half;
		else
			high = half;
	}
	a = &curve->at[low];
	b = &curve->at[min(low + 1, curve->nr - 1)];
	from = ns_of(a, price);
	if (b->usec <= a->usec || usec <= a->usec)
		return from;
	part = (double)(min(usec, b->usec) - a->usec) /
	       (double)(b->usec - a->usec);
	return from + part * (ns_of(b, price) - from);
}

static u32 samples_of(const struct qn_world_play *p, u32 process,
		      struct qn_dqn *to)
{
	const struct qn_world_item *item = p->item;
	const struct qn_world_curve *curve = &item->curves[process];
	const struct qn_world_choice *c = p->choices[process];
	u32 nr = p->nr_choices[process];
	const struct qn_world_cost *end;
	double one;

	if (nr < 2 || curve->nr < 2)
		return 0;
	end = &curve->at[curve->nr - 1];
	one = ns_of(end, item->price) * QN_WORLD_CHOICE /
	      (double)max(end->usec, (u64)QN_WORLD_CHOICE);
	for (u32 i = 0; i + 1 < nr; i++) {
		struct qn_dqn_sample s = { .action = c[i].action };
		double usec = (double)(c[i + 1].at.usec - c[i].at.usec);
		double cost = ns_of(&c[i + 1].at, item->price) -
			      ns_of(&c[i].at, item->price);
		double rule = rule_ns(curve, c[i + 1].at.usec, item->price) -
			      rule_ns(curve, c[i].at.usec, item->price);

		memcpy(s.in, c[i].in, sizeof(s.in));
		memcpy(s.next, c[i + 1].in, sizeof(s.next));
		s.reward = (float)min(max((rule - cost) / one / QN_WORLD_SCALE,
					  -QN_WORLD_MOST),
				      QN_WORLD_MOST);
		s.discount =
			(float)pow(QN_WORLD_DISCOUNT, usec / QN_WORLD_CHOICE);
		qn_dqn_add(to, &s);
	}
	return nr - 1;
}

u32 qn_world_samples(const struct qn_world_play *p, struct qn_dqn *to)
{
	u32 nr = 0;

	for (u32 i = 0; i < p->item->nr; i++)
		nr += samples_of(p, i, to);
	return nr;
}

/* ---- items ---- */

static size_t curve_bytes(u32 nr)
{
	return max(nr, 1u) * sizeof(struct qn_world_cost);
}

static void keep_curves(struct qn_world_item *item, u32 play)
{
	for (u32 i = 0; i < item->nr; i++) {
		const struct note *n = note_of(play, i);
		struct qn_world_curve *to = &item->curves[i];

		to->nr = n->nr_costs;
		to->at = qn_xremap(NULL, 0, curve_bytes(n->nr_costs));
		/* Each play forks, and copies an entry for each page */
		madvise(to->at, curve_bytes(n->nr_costs), MADV_DONTFORK);
		memcpy(to->at, n->costs, n->nr_costs * sizeof(*to->at));
	}
}

/* The rule plays items [@from, @to) */
static int play_rule(struct qn_world *w, u32 from, u32 to, bool keep)
{
	struct qn_world_play plays[QN_WORLD_BATCH];
	int err;

	for (u32 i = from; i < to; i++)
		plays[i - from] =
			(struct qn_world_play){ .item = &w->items[i] };
	err = w->items[from].heap ? play_heaps(plays, to - from, true) :
				    run(plays, to - from, true);
	for (u32 i = from; i < to && !err; i++) {
		w->items[i].rule = plays[i - from].result;
		w->items[i].rule_cost = plays[i - from].cost;
		if (keep)
			keep_curves(&w->items[i], i - from);
	}
	return err;
}

static void draw_item(struct qn_world_item *item,
		      const struct qn_world_spec *spec, u32 mix)
{
	u64 state = spec->seed * 1000003 + mix;

	item->nr = spec->has_groups && mix % GROUP_EVERY == GROUP_EVERY - 1 ?
			   GROUP :
			   1;
	for (u32 i = 0; i < item->nr; i++) {
		bool is_short = mix % 2 && item->nr == 1;
		u32 nr = 1 + (u32)(qn_random(&state) % LONG_PARTS);

		qn_sim_mix_draw(&item->mixes[i], spec->traces, spec->nr_traces,
				is_short ? QN_SIM_PARTS : nr,
				is_short ? spec->most / SHORTER : spec->most,
				is_short ? spec->most_stretch * SLOWER :
					   spec->most_stretch,
				qn_random(&state));
	}
}

int qn_world_init(struct qn_world *w, const struct qn_world_spec *spec)
{
	int err = 0;

	w->nr = spec->nr_mixes * spec->nr_prices;
	w->items = calloc(w->nr, sizeof(*w->items));
	if (!w->items)
		return -ENOMEM;
	for (u32 i = 0; i < w->nr; i++) {
		draw_item(&w->items[i], spec, i / spec->nr_prices);
		w->items[i].price = spec->prices[i % spec->nr_prices];
	}
	/* What several processes take without a limit */
	for (u32 i = 0; i < w->nr && !err; i++) {
		if (w->items[i].nr == 1)
			continue;
		err = play_rule(w, i, i + 1, false);
		w->items[i].limit =
			w->items[i].rule.peak * LIMIT_SIXTEENTHS / 16;
	}
	for (u32 i = 0; i < w->nr && !err; i += QN_WORLD_BATCH)
		err = play_rule(w, i, min(i + QN_WORLD_BATCH, w->nr), true);
	return err;
}

/* The smallest heap in which the rule serves all, to a part in 64 */
static u64 smallest_heap(const struct qn_sim_trace *t)
{
	struct qn_heap_play p = { .trace = t, .nr = t->nr };
	u64 fails = 1024, fits = (u64)1 << 30;

	while (fits - fails > fits / 64) {
		p.size = fails + (fits - fails) / 2;
		/* Large ones are far from it: faster by ratio */
		if (p.size > 4 * fails)
			p.size = 2 * fails;
		if (qn_heap_play(&p) || p.nr_failed)
			fails = p.size;
		else
			fits = p.size;
	}
	return fits;
}

int qn_world_init_heaps(struct qn_world *w,
			const struct qn_sim_trace *const *traces, u32 nr)
{
	static const u32 eighths[] = { 10, 12, 17 };
	int err = 0;

	w->nr = nr * ARRAY_SIZE(eighths);
	w->items = calloc(w->nr, sizeof(*w->items));
	if (!w->items)
		return -ENOMEM;
	for (u32 i = 0; i < nr; i++) {
		u64 smallest = smallest_heap(traces[i]);

		for (u32 n = 0; n < ARRAY_SIZE(eighths); n++) {
			struct qn_world_item *item =
				&w->items[i * ARRAY_SIZE(eighths) + n];

			item->nr = 1;
			item->price = QN_PRICE_PRESET;
			item->heap = smallest / 8 * eighths[n];
			qn_sim_mix_whole(&item->mixes[0], traces[i]);
		}
	}
	for (u32 i = 0; i < w->nr && !err; i += QN_WORLD_BATCH)
		err = play_rule(w, i, min(i + QN_WORLD_BATCH, w->nr), true);
	return err;
}

void qn_world_exit(struct qn_world *w)
{
	for (u32 i = 0; i < w->nr; i++)
		for (u32 n = 0; n < QN_SIM_PROCESSES; n++) {
			struct qn_world_curve *c = &w->items[i].curves[n];

			if (c->at)
				qn_xremap(c->at, curve_bytes(c->nr), 0);
		}
	free(w->items);
	*w = (struct qn_world){ .nr = 0 };
}
