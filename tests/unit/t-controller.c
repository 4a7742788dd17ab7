// SPDX-License-Identifier: MIT
/*
 * t-controller.c - the controller and its policies, fixed and rule.
 *
 * Invariants checked here:
 * - every table handed out is valid, the successor of the one in use, and
 *   differs from it by the one action reported; the table in use is never
 *   touched;
 * - a slice looks at QN_CONTROLLER_SLICE steps, a round at all of them;
 * - fixed never changes anything;
 * - rule promotes and demotes exactly at its thresholds, picks the size of a
 *   class that saves most, and with no slot left gives way only to a size that
 *   is clearly hotter;
 * - under a steady load, on a model of a heap, the table settles and stays;
 *   when the load changes, sizes that went cold lose their classes, new hot
 *   ones get one, and the table settles again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "learn/controller.h"
#include "learn/sampler.h"
#include "../random.h"

#define MAX_STEPS 2049
/* Steps of the tables made by hand below: 8, 16, 32 and 64 are classes */
#define NR_STEPS 65
#define ONE      QN_PROFILE_ONE

/* The thresholds as preset, and below which a class is demoted */
#define PROMOTE_BYTES  (qn_knobs_preset.promote_bytes)
#define PROMOTE_SHARE  ((u32)qn_heap_knobs_preset.promote_share)
#define DEMOTE_BYTES   (PROMOTE_BYTES / QN_DEMOTE_BYTES_PART)
#define DEMOTE_SHARE   (PROMOTE_SHARE / QN_DEMOTE_PART)
#define DEMOTE_SAMPLES (QN_PROMOTE_SAMPLES / QN_DEMOTE_PART)

static union {
	struct qn_table table;
	unsigned char bytes[sizeof(struct qn_table) + MAX_STEPS + 8];
} tables[2], saved;

static union {
	struct qn_profile profile;
	unsigned char bytes[sizeof(struct qn_profile) + 2 * MAX_STEPS + 8];
} profile_buffer;

static struct qn_table *t, *next;
static struct qn_profile *const p = &profile_buffer.profile;
static size_t live[QN_NR_CLASSES];
static struct qn_controller c;
static struct qn_action act;
static struct qn_view view;

static void init_view(unsigned int nr_steps, const size_t *class_live)
{
	t = &tables[0].table;
	next = &tables[1].table;
	qn_profile_init(p, nr_steps);
	memset(live, 0, sizeof(live));
	view = (struct qn_view){ .table = t,
				 .profile = p,
				 .class_live = class_live };
	if (class_live)
		view.knobs = &qn_knobs_preset;
	else
		view.heap_knobs = &qn_heap_knobs_preset;
}

static void init_coarse(const struct qn_policy *policy)
{
	unsigned int class, step = 1;

	init_view(NR_STEPS, live);
	qn_table_init_direct(t, NR_STEPS);
	for (class = 1; class <= 4; class ++) {
		t->class_steps[class] = (u16)(4u << class);
		while (step <= t->class_steps[class])
			t->map[step++] = (u8) class;
	}
	t->map[0] = 1;
	t->nr_base = 4;
	t->nr_classes = 5;
	assert_int_equal(qn_table_check(t), 0);
	qn_controller_init(&c, policy);
}

static void init_direct(const struct qn_policy *policy)
{
	init_view(NR_STEPS, NULL);
	qn_table_init_direct(t, NR_STEPS);
	qn_controller_init(&c, policy);
}

static void set_weight(unsigned int step, u32 weight)
{
	p->total += weight - p->hist[step];
	p->requests -= qn_profile_requests(p, step);
	p->hist[step] = (u16)weight;
	p->requests += qn_profile_requests(p, step);
}

/* @next differs from @t by what @act says, and by nothing else */
static void assert_successor(void)
{
	assert_int_equal(qn_table_check(next), 0);
	assert_int_equal(next->generation, t->generation + 1);
	memcpy(&saved, &tables[t == &tables[1].table], sizeof(saved));
	if (act.kind == QN_ACTION_PROMOTE) {
		assert_int_equal(qn_table_promote(&saved.table, act.step),
				 act.class);
		assert_int_equal(next->map[act.step], act.class);
		assert_int_equal(next->class_steps[act.class], act.step);
	} else {
		assert_int_equal(act.kind, QN_ACTION_DEMOTE);
		assert_int_equal(t->map[act.step], act.class);
		assert_int_equal(t->class_steps[act.class], act.step);
		assert_int_equal(qn_table_demote(&saved.table, act.class), 0);
		assert_int_equal(next->class_steps[act.class], 0);
	}
	assert_memory_equal(saved.table.map, next->map, t->nr_steps);
	assert_memory_equal(saved.table.class_steps, next->class_steps,
			    sizeof(next->class_steps));
}

static void publish(void)
{
	struct qn_table *old = t;

	t = next;
	next = old;
	view.table = t;
}

/* One slice */
static bool step_once(void)
{
	u32 decided = c.nr_promoted + c.nr_demoted;
	bool changed;

	memcpy(&saved, &tables[t == &tables[1].table], sizeof(saved));
	memset(&act, 0xa5, sizeof(act));
	changed = qn_controller_step(&c, &view, next, &act);
	assert_memory_equal(&saved, t, qn_table_bytes(t->nr_steps));
	assert_int_equal(c.nr_promoted + c.nr_demoted, decided + changed);
	assert_true(c.cursor >= 1 && c.cursor < t->nr_steps);
	if (changed)
		assert_successor();
	else
		assert_int_equal(act.kind, QN_ACTION_NONE);
	return changed;
}

/* Up to one round: true at the first change, which is published */
static bool round_once(void)
{
	unsigned int i, slices;

	slices = (t->nr_steps - 1u) / QN_CONTROLLER_SLICE + 1;
	for (i = 0; i < slices; i++) {
		if (!step_once())
			continue;
		publish();
		return true;
	}
	return false;
}

static void assert_promoted(unsigned int step)
{
	assert_true(round_once());
	assert_int_equal(act.kind, QN_ACTION_PROMOTE);
	assert_int_equal(act.step, step);
}

static void assert_demoted(unsigned int step)
{
	assert_true(round_once());
	assert_int_equal(act.kind, QN_ACTION_DEMOTE);
	assert_int_equal(act.step, step);
}

static void test_find(void **state)
{
	(void)state;
#define FOUND(symbol, name, is_built) \
	if (is_built)                 \
		assert_ptr_equal(qn_policy_find(name), &qn_policy_##symbol);
	QN_POLICIES(FOUND)
#undef FOUND
	assert_null(qn_policy_find(""));
	assert_null(qn_policy_find("rul"));
	assert_null(qn_policy_find("rules"));
	assert_null(qn_policy_find("Rule"));
}

/* In firmware, the header of tests/firmware: three sizes and two knobs */
static void test_granules(void **state)
{
	struct qn_heap_knobs knobs = qn_heap_knobs_preset;

	(void)state;
	if (!QN_SMALL || !QN_POLICY_TUNED)
		return;
	assert_ptr_equal(qn_policy_find("tuned"), &qn_policy_tuned);
	qn_policy_tuned.begin_heap(&knobs);
	assert_true(qn_heap_knobs_are_valid(&knobs));
	assert_int_equal(knobs.held_part, 8);
	assert_int_equal(knobs.roomy_part, 5);
	assert_int_equal(knobs.held_most, qn_heap_knobs_preset.held_most);
	init_direct(&qn_policy_tuned);
	assert_promoted(qn_size_steps(24));
	/* The look goes on behind the last change */
	assert_promoted(qn_size_steps(400));
	assert_promoted(qn_size_steps(40));
	assert_false(round_once());
}

static void test_fixed(void **state)
{
	unsigned int i;

	(void)state;
	init_coarse(&qn_policy_fixed);
	set_weight(40, 20000);
	live[4] = 1u << 24;
	for (i = 0; i < 100; i++)
		assert_false(round_once());
	assert_int_equal(t->generation, 1);
	init_direct(&qn_policy_fixed);
	set_weight(40, 20000);
	for (i = 0; i < 100; i++)
		assert_false(round_once());
}

/* 48 of 64 steps: a quarter of the bytes of its class would be saved */
static void test_promote_gain(void **state)
{
	(void)state;
	init_coarse(&qn_policy_rule);
	set_weight(48, 100 * ONE);
	live[4] = 4 * PROMOTE_BYTES - 64;
	assert_false(round_once());
	live[4] = 4 * PROMOTE_BYTES;
	assert_promoted(48);
	assert_int_equal(act.gain, PROMOTE_BYTES);
	assert_int_equal(act.class, 5);
	assert_int_equal(t->map[33], 5);
	assert_int_equal(t->map[49], 4);
	assert_int_equal(c.nr_promoted, 1);
}

/* The thresholds are those of the knobs in use */
static void test_promote_knobs(void **state)
{
	struct qn_knobs knobs = qn_knobs_preset;
	struct qn_heap_knobs heap_knobs = qn_heap_knobs_preset;

	(void)state;
	init_coarse(&qn_policy_rule);
	view.knobs = &knobs;
	knobs.promote_bytes = 3 * PROMOTE_BYTES;
	set_weight(48, 100 * ONE);
	live[4] = 12 * PROMOTE_BYTES - 64;
	assert_false(round_once());
	live[4] = 12 * PROMOTE_BYTES;
	assert_promoted(48);
	init_direct(&qn_policy_rule);
	view.heap_knobs = &heap_knobs;
	heap_knobs.promote_share = 4 * PROMOTE_SHARE;
	set_weight(16, 16 * (4 * PROMOTE_SHARE - 1));
	p->requests = 1024 << QN_PROFILE_REQUESTS;
	assert_false(round_once());
	set_weight(16, 16 * 4 * PROMOTE_SHARE);
	p->requests = 1024 << QN_PROFILE_REQUESTS;
	assert_promoted(16);
}

/* Half of the requests are for another size: half of the bytes count */
static void test_promote_part(void **state)
{
	(void)state;
	init_coarse(&qn_policy_rule);
	set_weight(48, 100 * ONE);
	set_weight(63, 100 * ONE);
	live[4] = 8 * PROMOTE_BYTES - 128;
	assert_false(round_once());
	live[4] = 8 * PROMOTE_BYTES;
	assert_promoted(48);
	assert_int_equal(act.gain, PROMOTE_BYTES);
}

static void test_promote_evidence(void **state)
{
	(void)state;
	init_coarse(&qn_policy_rule);
	live[4] = 1u << 24;
	set_weight(48, QN_PROMOTE_SAMPLES * ONE - 1);
	assert_false(round_once());
	set_weight(48, QN_PROMOTE_SAMPLES * ONE);
	assert_promoted(48);
}

/* The own size of a class, an empty class, and no figures at all */
static void test_promote_nothing(void **state)
{
	(void)state;
	init_coarse(&qn_policy_rule);
	set_weight(64, 1000 * ONE);
	set_weight(9, 1000 * ONE);
	live[4] = 1u << 24;
	live[1] = 1u << 24;
	assert_false(round_once());
	view.class_live = NULL;
	live[2] = 1u << 24;
	assert_false(round_once());
	view.class_live = live;
	assert_promoted(9);
}

static void test_promote_best(void **state)
{
	(void)state;
	/* smaller sizes come along: 40 saves 24 for two, 56 saves 8 for all */
	init_coarse(&qn_policy_rule);
	live[4] = 8u << 20;
	set_weight(36, 400 * ONE);
	set_weight(40, 400 * ONE);
	set_weight(56, 400 * ONE);
	assert_promoted(40);
	/* then the rest, each in the class that serves it now */
	live[5] = 8u << 19;
	assert_promoted(36);
	assert_promoted(56);
	assert_false(round_once());
	/* with too few samples a size counts, but is no candidate itself */
	init_coarse(&qn_policy_rule);
	live[4] = 8u << 20;
	set_weight(36, (QN_PROMOTE_SAMPLES - 1) * ONE);
	set_weight(60, 20 * ONE);
	assert_promoted(60);
}

/* Down to the first step: each size of the lowest class counts */
static void test_promote_first(void **state)
{
	(void)state;
	init_coarse(&qn_policy_rule);
	set_weight(1, QN_PROMOTE_SAMPLES * ONE);
	live[1] = PROMOTE_BYTES / 7 * 8 + 64;
	assert_promoted(1);
	assert_int_equal(t->map[0], act.class);
	assert_int_equal(t->map[2], 1);
	init_coarse(&qn_policy_rule);
	set_weight(1, QN_PROMOTE_SAMPLES * ONE - 1);
	set_weight(6, 3 * QN_PROMOTE_SAMPLES * ONE + 1);
	live[1] = 4 * PROMOTE_BYTES - 64;
	assert_false(round_once());
	live[1] = 4 * PROMOTE_BYTES;
	assert_promoted(6);
	assert_int_equal(t->map[1], act.class);
}

static void test_huge_figures(void **state)
{
	unsigned int step;

	(void)state;
	init_coarse(&qn_policy_rule);
	for (step = 33; step <= 64; step++)
		set_weight(step, UINT16_MAX);
	live[4] = SIZE_MAX;
	assert_true(round_once());
	assert_int_equal(act.kind, QN_ACTION_PROMOTE);
	assert_true(act.gain > (u32)1 << 28);
	assert_true(act.step > 40 && act.step < 56);
}

/* It goes if it saves little and is hardly asked for, not with either alone */
static void test_demote_slabs(void **state)
{
	(void)state;
	init_coarse(&qn_policy_rule);
	set_weight(48, 100 * ONE);
	live[4] = 1u << 20;
	assert_promoted(48);
	live[4] = 0;
	/* a new class: empty, but asked for */
	assert_false(round_once());
	set_weight(48, DEMOTE_SAMPLES * ONE);
	assert_false(round_once());
	/* hardly asked for, but still large; an object is 48 instead of 64 */
	set_weight(48, DEMOTE_SAMPLES * ONE - 1);
	live[5] = 3 * DEMOTE_BYTES;
	assert_false(round_once());
	/* its smaller sizes count as well */
	live[5] = 3 * DEMOTE_BYTES - 48;
	set_weight(40, 1);
	assert_false(round_once());
	set_weight(40, 0);
	assert_demoted(48);
	assert_true(act.gain < DEMOTE_BYTES);
	assert_int_equal(t->map[48], 4);
	assert_int_equal(c.nr_demoted, 1);
	assert_false(round_once());
}

static void test_demote_order(void **state)
{
	(void)state;
	init_coarse(&qn_policy_rule);
	live[4] = 1u << 20;
	set_weight(40, 100 * ONE);
	assert_promoted(40);
	set_weight(50, 100 * ONE);
	assert_promoted(50);
	live[4] = 0;
	set_weight(50, 0);
	assert_demoted(50);
	assert_int_equal(t->map[45], 4);
	assert_int_equal(t->map[40], 5);
	set_weight(40, 0);
	assert_demoted(40);
	assert_int_equal(t->nr_classes, 5);
}

static void fill_slots(void)
{
	int class;
	unsigned int step = 2;

	do {
		step = step % 4 == 3 ? step + 2 : step + 1;
		if (step % 8 == 0)
			step++;
		class = qn_table_promote(t, step);
		assert_true(class > 0 || class == -ENOSPC);
		if (class > 0)
			set_weight(step, 40 * ONE);
	} while (class > 0 && step < 60);
}

/* On the Linux build there are more slots than sizes of this table */
static void test_no_slot(void **state)
{
	(void)state;
	init_coarse(&qn_policy_rule);
	live[4] = 1u << 24;
	fill_slots();
	if (qn_table_promote(t, 63) > 0)
		return;
	/* all hot: nobody gives way */
	set_weight(63, 200 * ONE);
	assert_false(round_once());
	/* not hot, but not four times colder either */
	set_weight(5, (QN_PROMOTE_SAMPLES - 1) * ONE);
	set_weight(63, (QN_PROMOTE_SAMPLES - 1) * 4 * ONE);
	assert_false(round_once());
	set_weight(63, QN_PROMOTE_SAMPLES * 4 * ONE);
	assert_demoted(5);
	assert_promoted(63);
	/* and not back */
	set_weight(5, 200 * ONE);
	live[1] = 1u << 24;
	assert_false(round_once());
}

static void test_promote_direct(void **state)
{
	(void)state;
	init_direct(&qn_policy_rule);
	/* the same bytes, so 20 steps are asked for a twentieth as often */
	set_weight(1, 1000);
	set_weight(20, 1000);
	assert_promoted(1);
	assert_int_equal(t->map[2], QN_CLASS_DIRECT);
	assert_true(act.gain > 960 && act.gain < 1000);
	/* 1/21 of the requests are 48.7 of 1024 */
	assert_promoted(20);
	assert_in_range(act.gain, PROMOTE_SHARE, PROMOTE_SHARE + 1);
	assert_false(round_once());
}

static void test_direct_thresholds(void **state)
{
	(void)state;
	init_direct(&qn_policy_rule);
	set_weight(4, 4 * (1024 - PROMOTE_SHARE + 1));
	assert_promoted(4);
	set_weight(16, 16 * (PROMOTE_SHARE - 1));
	assert_false(round_once());
	set_weight(16, 16 * (PROMOTE_SHARE + 1));
	assert_promoted(16);
	set_weight(16, 16 * (PROMOTE_SHARE - 1));
	assert_false(round_once());
	/* a share of exactly the threshold */
	set_weight(4, 4 * (1024 - DEMOTE_SHARE));
	set_weight(16, 16 * DEMOTE_SHARE);
	assert_false(round_once());
	set_weight(16, 16 * (DEMOTE_SHARE - 2));
	assert_demoted(16);
	assert_int_equal(t->map[16], QN_CLASS_DIRECT);
	assert_int_equal(t->map[4], 1);
	assert_false(round_once());
}

/* All requests there are, but few samples */
static void test_direct_evidence(void **state)
{
	(void)state;
	init_direct(&qn_policy_rule);
	set_weight(30, QN_PROMOTE_SAMPLES * ONE - 1);
	assert_false(round_once());
	set_weight(30, QN_PROMOTE_SAMPLES * ONE);
	assert_promoted(30);
}

/* All slots taken: by hot sizes, then one of them is not and much colder */
static void test_direct_no_slot(void **state)
{
	unsigned int step, last = 20 + QN_NR_CLASSES - 2;

	(void)state;
	if (last > 40)
		return;
	init_direct(&qn_policy_rule);
	for (step = 20; step <= last; step++) {
		set_weight(step, 50 * step);
		assert_true(qn_table_promote(t, step) > 0);
	}
	set_weight(50, 300 * 50);
	assert_false(round_once());
	set_weight(22, 24 * 22);
	set_weight(30, 20 * 30);
	set_weight(50, 79 * 50);
	assert_false(round_once());
	set_weight(50, 85 * 50);
	assert_demoted(30);
	assert_promoted(50);
	assert_false(round_once());
	assert_int_equal(t->map[30], QN_CLASS_DIRECT);
}

/* One slice sees its own steps only, and a round all */
static void test_slices(void **state)
{
	unsigned int slice = QN_CONTROLLER_SLICE, n, at = 64;

	(void)state;
	init_direct(&qn_policy_rule);
	set_weight(at, 64 * 100);
	for (n = 1; n + slice <= at; n += slice) {
		assert_int_equal(c.cursor, n);
		assert_false(step_once());
	}
	assert_int_equal(c.cursor, n);
	assert_true(step_once());
	assert_int_equal(act.step, at);
	assert_int_equal(c.cursor, 1);
}

/*
 * A model of a heap: objects of random sizes that live for a random time, each
 * in the class that served it; a sampler, a profile and a controller as in a
 * heap.
 */
#define NR_OBJECTS 8192
#define NR_HOT     6
/* Steps of the hot sizes: wide enough that all of them are sampled often */
#define HOT_MIN (t->nr_steps / 20u + 5)
#define HOT_MAX (t->nr_steps / 4u)

static struct {
	u16 step;
	u8 class;
} objects[NR_OBJECTS];

static u16 hot[NR_HOT], old_hot[NR_HOT];
static struct qn_sampler sampler;
static u32 until_sample;
static bool blurred;

/* A hot size; blurred, half of all are others and some are hotter than some */
static unsigned int random_step(void)
{
	if (!blurred)
		return hot[roll(NR_HOT)];
	if (roll(2))
		return hot[roll(roll(NR_HOT) + 1)];
	if (roll(8))
		return 1 + roll(40);
	return 1 + roll(t->nr_steps - 1u);
}

static void choose_hot(void)
{
	unsigned int i;

	for (i = 0; i < NR_HOT; i++)
		hot[i] = (u16)(HOT_MIN + roll(HOT_MAX - HOT_MIN + 1));
}

static void account(unsigned int step, unsigned int class, bool add)
{
	size_t bytes = (class ? t->class_steps[class] : step) * QN_STEP;

	if (add)
		live[class] += bytes;
	else
		live[class] -= min(live[class], bytes);
}

static void sample(size_t size)
{
	if (size < until_sample) {
		until_sample -= (u32)size;
		return;
	}
	until_sample = qn_sampler_draw(&sampler);
	qn_profile_sample(p, size, QN_PROFILE_ONE);
}

static void run_objects(u32 nr)
{
	unsigned int i, step;

	while (nr--) {
		i = roll(NR_OBJECTS);
		step = random_step();
		if (objects[i].step)
			account(objects[i].step, objects[i].class, false);
		objects[i].step = (u16)step;
		objects[i].class = t->map[step];
		account(step, objects[i].class, true);
		sample(step * QN_STEP);
		if (nr % 64 || !step_once())
			continue;
		publish();
		if (act.kind == QN_ACTION_DEMOTE)
			live[act.class] = 0;
	}
}

static void model_init(u32 seed, const size_t *class_live,
		       unsigned int nr_steps)
{
	init_view(nr_steps, class_live);
	if (class_live)
		qn_table_init_slabs(t, nr_steps);
	else
		qn_table_init_direct(t, nr_steps);
	qn_controller_init(&c, &qn_policy_rule);
	memset(objects, 0, sizeof(objects));
	random_state = seed * 2654435761u;
	qn_sampler_init(&sampler, class_live ? 8192 : 1024, seed);
	until_sample = qn_sampler_draw(&sampler);
	choose_hot();
}

/* Settle, then stay for three times as long, with all hot sizes exact */
static void assert_settles(u32 nr)
{
	u32 generation;
	unsigned int i;

	run_objects(nr);
	generation = t->generation;
	run_objects(3 * nr);
	assert_int_equal(t->generation, generation);
	for (i = 0; i < NR_HOT; i++)
		assert_int_equal(t->class_steps[t->map[hot[i]]], hot[i]);
	assert_int_equal(qn_profile_check(p), 0);
}

static void assert_old_gone(void)
{
	unsigned int i, k, class;
	bool again;

	for (i = 0; i < NR_HOT; i++) {
		again = false;
		for (k = 0; k < NR_HOT; k++)
			again |= old_hot[i] == hot[k];
		class = t->map[old_hot[i]];
		if (!again && class > t->nr_base)
			assert_int_not_equal(t->class_steps[class], old_hot[i]);
	}
}

static void run_phases(u32 seed, const size_t *class_live,
		       unsigned int nr_steps, u32 nr)
{
	unsigned int phase;

	blurred = false;
	model_init(seed, class_live, nr_steps);
	assert_settles(nr);
	assert_int_equal(c.nr_demoted, 0);
	assert_true(c.nr_promoted >= 2);
	for (phase = 0; phase < 3; phase++) {
		memcpy(old_hot, hot, sizeof(hot));
		choose_hot();
		assert_settles(nr);
		assert_old_gone();
	}
	assert_true(c.nr_demoted >= 6);
}

static void test_phases_direct(void **state)
{
	u32 seed;

	(void)state;
	for (seed = 1; seed <= (QN_SMALL ? 2 : 8); seed++)
		run_phases(seed, NULL, 4 * NR_STEPS, 40000);
}

static void test_phases_slabs(void **state)
{
	u32 seed;

	(void)state;
	if (QN_NR_CLASSES < 100)
		return;
	for (seed = 1; seed <= 8; seed++)
		run_phases(seed, live, MAX_STEPS, 80000);
}

/*
 * Many sizes are near the thresholds and have few samples. The table may change
 * its mind about one now and then: once in 50 decay periods at the most.
 */
static void run_blurred(u32 seed, const size_t *class_live,
			unsigned int nr_steps)
{
	u32 nr_periods = QN_SMALL ? 100 : 400;

	blurred = true;
	model_init(seed, class_live, nr_steps);
	while (p->nr_samples < nr_periods * QN_PROFILE_DECAY)
		run_objects(1000);
	assert_true(c.nr_promoted >= 2);
	assert_true(c.nr_demoted <= nr_periods / 50);
}

static void test_blurred(void **state)
{
	u32 seed;

	(void)state;
	for (seed = 1; seed <= (QN_SMALL ? 2 : 8); seed++) {
		run_blurred(seed, NULL, 4 * NR_STEPS);
		if (QN_NR_CLASSES >= 100)
			run_blurred(seed, live, MAX_STEPS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_granules),
		cmocka_unit_test(test_fixed),
		cmocka_unit_test(test_promote_gain),
		cmocka_unit_test(test_promote_knobs),
		cmocka_unit_test(test_promote_part),
		cmocka_unit_test(test_promote_evidence),
		cmocka_unit_test(test_promote_nothing),
		cmocka_unit_test(test_promote_best),
		cmocka_unit_test(test_promote_first),
		cmocka_unit_test(test_huge_figures),
		cmocka_unit_test(test_demote_slabs),
		cmocka_unit_test(test_demote_order),
		cmocka_unit_test(test_no_slot),
		cmocka_unit_test(test_promote_direct),
		cmocka_unit_test(test_direct_thresholds),
		cmocka_unit_test(test_direct_evidence),
		cmocka_unit_test(test_direct_no_slot),
		cmocka_unit_test(test_slices),
		cmocka_unit_test(test_phases_direct),
		cmocka_unit_test(test_phases_slabs),
		cmocka_unit_test(test_blurred),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
