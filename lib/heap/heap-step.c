// SPDX-License-Identifier: MIT
/*
 * heap-step.c - what a heap of one's own learns: qn_heap_step(), its knobs and its policy.
 *
 * A step is the second river: (1) one waiting sample goes into the profile; (2) the policy
 * looks at a slice of the view, and turns knobs or makes the next table; (3) a few held
 * blocks are merged. heap.c reads none of it but the mark of the next sample. The heap is
 * unlocked between the three.
 */
#include "heap/heap-internal.h"

/* ---- learn ---- */

/* The lengths that the table promotes */
static u32 hot_lengths(const struct qn_table *t)
{
	u32 hot = 0;

	for (unsigned int c = 1; c < t->nr_classes; c++) {
		unsigned int k = t->class_steps[c];

		if (k > 0 && k <= QN_ZONE_SHORT)
			hot |= 1u << max(k, (unsigned int)QN_ZONE_MIN);
	}
	return hot;
}

/* What the sample of a block of @bytes weighs in the profile */
static u32 weight_of(const struct qn_heap *h, size_t bytes)
{
	return qn_sampler_alone(h->sampler.interval, bytes) * QN_PROFILE_ONE /
	       256;
}

/* One sampled size into the profile and the mean of the waste */
static void learn(struct qn_heap *h, size_t size)
{
	size_t bytes = qn_heap_granules(size) * QN_GRANULE;
	u32 share;

	qn_assert(h->nr_tables > 0);
	qn_assert(bytes >= size);
	qn_profile_sample(h->profile, size, weight_of(h, bytes));
	if (bytes > UINT16_MAX)
		return;
	share = (u32)((bytes - size) << QN_WASTE_SHIFT) / (u32)bytes;
	h->waste += (share >> QN_WASTE_STEP_SHIFT) -
		    (h->waste >> QN_WASTE_STEP_SHIFT);
}

/* The next mark; that the last one was not reached says nothing about it */
static void set_mark(struct qn_heap *h)
{
	h->mark = qn_heap_live(h) + qn_sampler_draw(&h->sampler) / QN_GRANULE;
	qn_heap_set_top(h);
}

static void drain_samples(struct qn_heap *h)
{
	if (h->nr_drained != h->nr_samples) {
		h->nr_drained = h->nr_samples;
		learn(h, h->sample);
	}
	set_mark(h);
}

void qn_heap_zones_set_knobs(struct qn_zone *z, const struct qn_heap_knobs *k)
{
	for (; z; z = z->next)
		qn_zone_set_knobs(z, k);
}

static void set_knobs(struct qn_heap *h, const struct qn_heap_knobs *next)
{
	h->knobs = *next;
	qn_heap_zones_set_knobs(&h->zone, &h->knobs);
}

/*
 * Learning begins with the first step: firmware that takes none does not have
 * its code either. The distance stays: a step takes one sample at most, so there are never
 * too many
 */
static void start_learning(struct qn_heap *h)
{
	qn_table_init_direct(h->table, QN_HEAP_STEPS);
	qn_profile_init(h->profile, QN_HEAP_STEPS);
	qn_sampler_init(&h->sampler, qn_heap_sample_interval(h),
			qn_port_seed());
	if (!h->controller.policy)
		qn_controller_init(&h->controller, &qn_policy_rule);
	h->nr_tables = 1;
}

/* What is held, since the last look */
static void view_held(struct qn_heap *h, struct qn_held_view *v)
{
	struct qn_zone *z;

	v->flushed = (u32)(h->nr_squeezed - h->seen_squeezed);
	h->seen_squeezed = h->nr_squeezed;
	for (z = &h->zone; z; z = z->next) {
		v->refused += z->refused;
		v->flushed += z->tight;
		v->is_roomy |= z->is_roomy;
		if (QN_WHOLE_VIEW)
			v->most += (size_t)z->most * QN_GRANULE;
		z->refused = 0;
		z->tight = false;
	}
}

/* What @part is of @whole, in 1/1024, without a division of 64 bits: a library of its own */
static u32 share_of(size_t part, size_t whole)
{
	for (; whole >> 20; whole /= 2)
		part /= 2;
	return (u32)(part * QN_PRESSURE_MOST / whole);
}

/* Free memory of less than one part in so many is scarce, and a longest run of less */
#define SCARCE_PART  8
#define SCARCE_PIECE 16

/*
 * How scarce memory is: by what is free, by the longest run that there is for sure, each
 * half of SCARCE_PIECE a quarter more, and by requests that only a squeeze could serve, a
 * quarter each. A hold that was refused is none: its memory is free at once.
 */
static u32 pressure_of(const struct qn_heap *h, const struct qn_held_view *held)
{
	u32 level = min(held->flushed, 4u) * (QN_PRESSURE_MOST / 4);
	size_t all = 0, free, part, piece;
	const struct qn_zone *z;

	for (z = &h->zone; z; z = z->next)
		all += z->nr;
	free = all - qn_heap_live(h);
	part = max(all / SCARCE_PART, (size_t)1);
	if (free < part)
		level = max(level, QN_PRESSURE_MOST - share_of(free, part));
	piece = max(all / SCARCE_PIECE, (size_t)QN_ZONE_MIN);
	for (u32 l = 0; l < QN_PRESSURE_MOST; l += QN_PRESSURE_MOST / 4) {
		unsigned int bin = qn_bin_of(piece);

		for (z = &h->zone; z; z = z->next)
			if (qn_bins_has(&z->bins, bin))
				return max(level, l);
		piece = max(piece / 2, (size_t)QN_ZONE_MIN);
	}
	return QN_PRESSURE_MOST;
}

/* What is free, and what came of requests: for policies that are told of hits */
static void view_free(const struct qn_heap *h, struct qn_held_view *v)
{
	const struct qn_zone *z;

	v->total = 0;
	v->largest_free = 0;
	for (z = &h->zone; z; z = z->next) {
		size_t largest = qn_bins_largest(&z->bins) * QN_GRANULE;

		v->total += z->nr * QN_GRANULE;
		v->largest_free = max(v->largest_free, largest);
	}
	v->free = v->total - qn_heap_live(h) * QN_GRANULE;
	v->allocs = (u32)h->calls.nr_allocs;
	v->samples = h->nr_samples;
	v->hits = h->nr_hits[0];
}

static void tune(struct qn_heap *h, struct qn_view *view)
{
	struct qn_heap_knobs next;
	const struct qn_policy *p = h->controller.policy;
	bool chooses = IS_ENABLED(QN_PRESETS) && p->choose_heap;

	if (!p->tune_heap && !chooses)
		return;
	view_held(h, &view->held);
	if (QN_WHOLE_VIEW)
		view->pressure = max(h->pressure, pressure_of(h, &view->held));
	if (IS_ENABLED(QN_HITS))
		view_free(h, &view->held);
	if (!qn_controller_tune_heap(&h->controller, view, &next))
		return;
	set_knobs(h, &next);
}

/*
 * What only a process has stays unset: to clear it would take a tenth of a step. So does
 * what the rule does not look at, unless QN_WHOLE_VIEW
 */
static void begin_view(const struct qn_heap *h, struct qn_view *v)
{
	v->table = h->table;
	v->profile = h->profile;
	v->heap_knobs = &h->knobs;
	v->pressure = 0;
	v->held.refused = 0;
	v->held.is_roomy = false;
	if (!QN_WHOLE_VIEW)
		return;
	v->class_live = NULL;
	v->trend = NULL;
	v->asked = NULL;
	v->knobs = NULL;
	v->memory.live = qn_heap_live(h) * QN_GRANULE;
	v->memory.peak = h->peak * QN_GRANULE;
	v->held.most = 0;
}

static bool act(struct qn_heap *h)
{
	struct qn_view view;
	struct qn_action action;
	struct qn_table *old = h->table;

	begin_view(h, &view);
	tune(h, &view);
	qn_assert(old != h->next_table);
	if (!qn_controller_step(&h->controller, &view, h->next_table, &action))
		return false;
	h->table = h->next_table;
	h->next_table = old;
	h->nr_tables++;
	h->hot = hot_lengths(h->table);
	return true;
}

/*
 * Merge a few held blocks; hot ones only every so many times, or at pressure. Who steps
 * until there is nothing to do gets all of them merged.
 */
static bool drain_held(struct qn_heap *h)
{
	const struct qn_heap_knobs *k = &h->knobs;
	bool hot = h->nr_steps++ % k->drain_hot == 0 || h->pressure;
	u32 which = hot ? ~0u : ~h->hot;
	struct qn_zone *z;
	bool more = false;
	size_t nr;

	for (z = &h->zone; z; z = z->next) {
		nr = qn_zone_drain(z, which, k->step_drains);
		more |= nr == k->step_drains || qn_zone_held(z);
	}
	return more;
}

int qn_heap_step(struct qn_heap *h)
{
	bool more;

	if (!h)
		return -EINVAL;
	qn_heap_lock(h);
	if (!h->nr_tables)
		start_learning(h);
	if (IS_ENABLED(QN_SAMPLING))
		drain_samples(h);
	qn_heap_breathe(h);
	more = act(h);
	qn_heap_breathe(h);
	more |= drain_held(h);
	qn_heap_unlock(h);
	return more;
}

/* ---- knobs and policy ---- */

static void begin_knobs(struct qn_heap *h, const struct qn_policy *policy)
{
	struct qn_heap_knobs k = qn_heap_knobs_preset;

	if (policy->begin_heap)
		policy->begin_heap(&k);
	set_knobs(h, &k);
}

/**
 * struct knob_row - a row of QN_HEAP_KNOBS
 * @name:	its name
 * @offset:	of its member
 */
struct knob_row {
	const char *name;
	size_t offset;
};

#define KNOB_ROW(knob, unit, preset, least, most, help) \
	{ #knob, offsetof(struct qn_heap_knobs, knob) },

static const struct knob_row knob_rows[] = { QN_HEAP_KNOBS(KNOB_ROW) };

static const struct knob_row *knob_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(knob_rows); i++)
		if (qn_is_text(knob_rows[i].name, name))
			return &knob_rows[i];
	return NULL;
}

int qn_heap_set_knob(struct qn_heap *h, const char *name, size_t value)
{
	const struct knob_row *row = name ? knob_find(name) : NULL;
	struct qn_heap_knobs next;
	int err = -ERANGE;

	if (!h || !row)
		return -EINVAL;
	qn_heap_lock(h);
	next = h->knobs;
	memcpy((char *)&next + row->offset, &value, sizeof(value));
	if (qn_heap_knobs_are_valid(&next)) {
		set_knobs(h, &next);
		err = 0;
	}
	qn_heap_unlock(h);
	return err;
}

void qn_heap_zones_press(struct qn_heap *h)
{
	for (struct qn_zone *z = &h->zone; z; z = z->next)
		qn_zone_press(z, h->pressure >= QN_PRESSURE_MOST);
}

__weak int qn_heap_press_process(u32 level __maybe_unused)
{
	return -EINVAL;
}

int qn_pressure_set(struct qn_heap *h, unsigned level)
{
	if (level > QN_PRESSURE_MOST)
		return -ERANGE;
	if (!h)
		return qn_heap_press_process(level);
	qn_heap_lock(h);
	h->pressure = (u16)level;
	qn_heap_zones_press(h);
	qn_heap_unlock(h);
	return 0;
}

int qn_heap_set_policy(struct qn_heap *h, const char *name)
{
	const struct qn_policy *policy = name ? qn_policy_find(name) : NULL;

	if (!h || !policy)
		return -EINVAL;
	qn_heap_lock(h);
	qn_controller_init(&h->controller, policy);
	begin_knobs(h, policy);
	qn_heap_unlock(h);
	return 0;
}
