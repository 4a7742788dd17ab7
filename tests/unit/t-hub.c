// SPDX-License-Identifier: MIT
/*
 * t-hub.c - what threads share: quern's own memory, the tables, what was learned
 * and the accounts.
 *
 * Links: linuxport.c, lib/process/hub.c and all below it.
 *
 * Invariants checked here:
 * - memory for quern itself is aligned, zeroed, counted, and handed out once; the
 *   statistics page has a unit of its own;
 * - a table that somebody reads never changes; one that nobody reads is used again;
 *   with all buffers read learning waits, and goes on when one is given up;
 * - every table in use is valid, one change apart from the one before, and the page
 *   shows it and the decision; learning happens once an epoch, and only tries the
 *   lock;
 * - the accounts add up, a peak never falls, and what the page says of memory is
 *   what the segments say;
 * - a refusal of the kernel costs the request, never the hub.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "process/hub.h"
#include "process/idle.h"
#include "linuxport.h"

static struct qn_hub hub;

static void begin(void)
{
	port_reset(4096);
	memset(&hub, 0, sizeof(hub));
	assert_int_equal(qn_hub_init(&hub), 0);
}

static bool reads_zero(const char *p, size_t size)
{
	return *p == 0 && memcmp(p, p + 1, size - 1) == 0;
}

/* ---- memory ---- */

static void test_init(void **state)
{
	(void)state;
	begin();
	assert_int_equal(qn_table_check(hub.table), 0);
	assert_int_equal(qn_profile_check(hub.profile), 0);
	assert_int_equal(hub.table->generation, 1);
	assert_int_equal(hub.page->generation, 1);
	assert_int_equal(hub.page->nr_classes, hub.table->nr_classes);
	assert_int_equal(hub.page->nr_changes, 0);
	for (unsigned int c = 1; c < hub.table->nr_classes; c++) {
		assert_int_equal(hub.page->classes[c].osize,
				 qn_table_osize(hub.table, c));
		assert_int_equal(hub.page->classes[c].promoted, 0);
	}
	assert_null(qn_segments_check(&hub.segments));
}

/* Refused at any point, it can be tried again, and gives back what it had */
static void test_init_refused(void **state)
{
	(void)state;
	for (unsigned int n = 0; n < 4; n++) {
		port_reset(4096);
		memset(&hub, 0, sizeof(hub));
		port_refuse(&port.map, n, UINT32_MAX - 10);
		/* A table and what it is about, or nothing */
		for (int i = 0; i < 100 && n < 2; i++) {
			assert_int_equal(qn_hub_init(&hub), -ENOMEM);
			assert_int_equal(port.map.bytes, port.release.bytes);
		}
		if (n < 2)
			port_grant(&port.map);
		assert_int_equal(qn_hub_init(&hub), 0);
		assert_null(qn_segments_check(&hub.segments));
	}
	/* As much as half of what it needs */
	port_reset(4096);
	memset(&hub, 0, sizeof(hub));
	port.map.most = QN_UNIT_SIZE;
	port_refuse(&port.extend, 0, UINT32_MAX);
	assert_int_equal(qn_hub_init(&hub), -ENOMEM);
	port_grant_all();
	assert_int_equal(qn_hub_init(&hub), 0);
}

static void test_page_has_its_unit(void **state)
{
	const char *page;

	(void)state;
	begin();
	page = (const char *)hub.page;
	assert_true(is_aligned((uintptr_t)page, QN_UNIT_SIZE));
	assert_true(port_is_mapped(page, QN_UNIT_SIZE));
	for (int i = 0; i < 2000; i++) {
		char *p = qn_hub_meta_alloc(&hub, 100);

		assert_true(p + 100 <= page || p >= page + QN_UNIT_SIZE);
	}
}

static void test_meta_alloc(void **state)
{
	struct qn_unit *u;
	size_t sum;

	(void)state;
	begin();
	/* Dirty memory lies ready to be handed out */
	u = qn_run_alloc(&hub.segments, 20, 1, QN_UNIT_LARGE, NULL);
	memset(qn_unit_start(&hub.segments, u), 0xcc, 20 * QN_UNIT_SIZE);
	qn_run_free(&hub.segments, u, 20 * QN_UNIT_SIZE);
	sum = hub.meta_bytes;
	for (size_t size = 1; size < 300000; size += 1 + size / 3) {
		char *p = qn_hub_meta_alloc(&hub, size);

		assert_non_null(p);
		assert_true(is_aligned((uintptr_t)p, 64));
		/* Nobody else has it: it would not be zero otherwise */
		assert_true(reads_zero(p, size));
		memset(p, 0xdd, size);
		sum += round_up(size, (size_t)64);
		assert_int_equal(hub.meta_bytes, sum);
	}
	assert_null(qn_segments_check(&hub.segments));
}

static void test_meta_alloc_refused(void **state)
{
	unsigned int nr = 0;
	size_t before;

	(void)state;
	begin();
	port_refuse_all();
	while (qn_hub_meta_alloc(&hub, 4096))
		nr++;
	assert_in_range(nr, 1, (64 << 20) / 4096);
	before = hub.meta_bytes;
	assert_null(qn_hub_meta_alloc(&hub, 4096));
	assert_int_equal(hub.meta_bytes, before);
	port_grant_all();
	assert_non_null(qn_hub_meta_alloc(&hub, 4096));
	assert_null(qn_segments_check(&hub.segments));
}

/* ---- learning ---- */

/* Blocks of all classes are in use, so that promoting pays */
static void make_live(s64 bytes)
{
	for (unsigned int c = 1; c < hub.table->nr_classes; c++)
		qn_hub_account(&hub, c, bytes, 1);
}

/* An epoch later, hand in @nr samples of @size */
static bool learn(u32 size, unsigned int nr)
{
	struct qn_sample samples[32];

	assert_true(nr <= ARRAY_SIZE(samples));
	for (unsigned int i = 0; i < nr; i++)
		samples[i] = (struct qn_sample){ size, hub.sampler.interval };
	port.clock += QN_EPOCH_US;
	return qn_hub_learn(&hub, samples, nr);
}

/* Until there is another table, or for some rounds; was there one? */
static bool learn_until_change(u32 size)
{
	u32 generation = hub.table->generation;

	for (int i = 0; i < 30 && hub.table->generation == generation; i++)
		assert_true(learn(size, 4));
	assert_int_equal(qn_table_check(hub.table), 0);
	assert_int_equal(qn_profile_check(hub.profile), 0);
	return hub.table->generation != generation;
}

static void test_promotes(void **state)
{
	const struct qn_stats_change *ch = &hub.page->changes[0];
	unsigned int class, old;

	(void)state;
	begin();
	ch = &hub.page->changes[0];
	hub.page->start_usec = port.clock;
	hub.began = port.clock;
	make_live(8 << 20);
	old = hub.table->map[qn_size_steps(900)];
	assert_true(learn_until_change(900));
	class = hub.table->map[qn_size_steps(900)];
	assert_int_not_equal(class, old);
	assert_int_equal(hub.table->generation, 2);
	assert_int_equal(qn_table_osize(hub.table, class), 912);
	assert_int_equal(hub.page->generation, 2);
	assert_int_equal(hub.page->nr_classes, hub.table->nr_classes);
	assert_int_equal(hub.page->classes[class].osize, 912);
	assert_int_equal(hub.page->classes[class].promoted, 1);
	assert_int_equal(hub.page->nr_changes, 1);
	assert_int_equal(ch->action, QN_ACTION_PROMOTE);
	assert_int_equal(ch->class, class);
	assert_int_equal(ch->size, 912);
	assert_int_equal(ch->generation, 2);
	assert_true(ch->gain >= qn_knobs_preset.promote_bytes);
	assert_int_equal(ch->usec, port.clock - hub.page->start_usec);
}

static u32 nr_turns;

/* A policy that turns one knob at each look, up to a value that is not valid */
static bool turn(const struct qn_view *view, u32 *own, struct qn_knobs *knobs)
{
	/* Its own words stay from look to look */
	assert_int_equal(own[0], nr_turns);
	own[0] = ++nr_turns;
	assert_ptr_equal(view->knobs, qn_hub_knobs(&hub));
	assert_int_equal(view->memory.live, hub.ledger.live);
	assert_ptr_equal(view->table, hub.table);
	knobs->boost_gain += 16;
	return true;
}

static bool see_nothing(const struct qn_view *view, u32 *own, unsigned int from,
			unsigned int to, struct qn_action *act)
{
	(void)view;
	(void)own;
	(void)from;
	(void)to;
	(void)act;
	return false;
}

static const struct qn_policy tuner = {
	.name = "tuner",
	.look = see_nothing,
	.tune = turn,
};

/* Each set that is valid is in use from then on; what it does is seen, and it is told */
static void test_policy_turns_knobs(void **state)
{
	static const size_t gains[] = { 2, 18, 34, 50, 50, 50 };
	const struct qn_stats_change *ch;

	(void)state;
	begin();
	ch = hub.page->changes;
	qn_controller_init(&hub.controller, &tuner);
	for (size_t i = 0; i < ARRAY_SIZE(gains); i++) {
		assert_int_equal(qn_hub_knobs(&hub)->boost_gain, gains[i]);
		assert_int_equal(qn_hub_knobs(&hub)->dirty,
				 qn_knobs_preset.dirty);
		port.clock += QN_EPOCH_US;
		assert_true(qn_hub_learn(&hub, NULL, 0));
	}
	assert_int_equal(hub.page->nr_changes, 3);
	assert_int_equal(ch->action, QN_ACTION_KNOBS);
	assert_int_equal(hub.conf.knobs.boost_gain, 2);
	assert_int_equal(hub.page->generation, 1);
}

static void test_fixed_learns_nothing(void **state)
{
	(void)state;
	begin();
	qn_controller_init(&hub.controller, &qn_policy_fixed);
	make_live(8 << 20);
	assert_false(learn_until_change(900));
	assert_true(hub.page->nr_samples > 0);
	assert_int_equal(hub.page->nr_changes, 0);
}

static void test_learn_only_tries(void **state)
{
	struct qn_sample sample = { 100, QN_SAMPLE_BYTES };

	(void)state;
	begin();
	qn_port_lock(&hub.learn);
	assert_false(qn_hub_learn(&hub, &sample, 1));
	assert_int_equal(hub.page->nr_samples, 0);
	qn_port_unlock(&hub.learn);
	assert_true(qn_hub_learn(&hub, &sample, 1));
	assert_int_equal(hub.page->nr_samples, 1);
	assert_int_equal(hub.profile->nr_samples, 1);
	assert_true(qn_hub_learn(&hub, NULL, 0));
	assert_int_equal(hub.page->nr_samples, 1);
}

static void test_epochs(void **state)
{
	struct qn_sample sample = { 100, QN_SAMPLE_BYTES };
	u64 before;

	(void)state;
	begin();
	for (int i = 0; i < 100; i++) {
		port.clock += QN_EPOCH_US / 10;
		before = hub.page->nr_slices;
		assert_true(qn_hub_learn(&hub, &sample, 1));
		assert_in_range(hub.page->nr_slices, before, before + 1);
	}
	assert_in_range(hub.page->nr_slices, 9, 11);
	assert_int_equal(hub.page->nr_samples, 100);
}

/* Each second the segments let go of what they no longer need */
static void test_decays_each_second(void **state)
{
	(void)state;
	begin();
	learn(100, 1);
	hub.segments.resident.boost = 8 << 20;
	hub.segments.resident.low = 2 << 20;
	for (int i = 0; i < 400; i++)
		learn(100, 1);
	assert_int_equal(hub.segments.resident.boost, 8 << 20);
	for (int i = 0; i < 120; i++)
		learn(100, 1);
	assert_int_equal(hub.segments.resident.boost, 7 << 20);
}

/* Live bytes in slabs and beside them; looks until the interval stays */
static u32 interval_with(s64 slabs, s64 large)
{
	hub.ledger.live = (u64)(slabs + large);
	hub.ledger.large = (u64)large;
	for (int i = 0; i < 40; i++)
		learn(100, 1);
	return hub.sampler.interval;
}

/* The more there is the more slowly samples come; direct runs count by their share */
static void test_interval_follows_live(void **state)
{
	const s64 base = 4096, all = QN_LIVE_SAMPLES * base;

	(void)state;
	begin();
	hub.conf.sample = (size_t)base;
	hub.sampler.interval = (u32)base;
	assert_int_equal(interval_with(all - 1, 0), base);
	assert_int_equal(interval_with(all, 0), 2 * base);
	assert_int_equal(interval_with(7 * all, 0), 8 * base);
	assert_int_equal(interval_with(8 * all, 0), 16 * base);
	assert_int_equal(interval_with(5 * all, 0), 16 * base);
	assert_int_equal(interval_with(5 * all - 1, 0), 8 * base);
	assert_int_equal(interval_with(0, 64 * all), 2 * base);
	assert_int_equal(interval_with(-5, -5), base);
	/* Once an epoch, one step */
	hub.ledger.live = (u64)(100 * all);
	hub.ledger.large = 0;
	learn(100, 8);
	assert_int_equal(hub.sampler.interval, 2 * base);
	port.clock -= QN_EPOCH_US;
	learn(100, 8);
	assert_int_equal(hub.sampler.interval, 2 * base);
}

/* Later samples come more slowly, however slowly they came at first */
static void test_samples_less(void **state)
{
	static const size_t intervals[] = { 4096, 65536, 1 << 29, 1 << 30 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(intervals); i++) {
		begin();
		hub.conf.sample = intervals[i];
		hub.sampler.interval = (u32)intervals[i];
		for (u32 n = 0; n < QN_SAMPLES_FIRST / 8 - 1; n++)
			learn(100, 8);
		assert_int_equal(hub.sampler.interval, intervals[i]);
		learn(100, 8);
		learn(100, 8);
		assert_int_equal(hub.sampler.interval,
				 min(intervals[i] * QN_SAMPLE_LATER,
				     (size_t)UINT32_MAX));
	}
}

/* A late sample, of a countdown drawn before, weighs what it stands for */
static void test_late_samples(void **state)
{
	struct qn_sample late = { 100, 8192 };

	(void)state;
	begin();
	hub.sampler.interval = 2048;
	qn_hub_learn(&hub, &late, 1);
	assert_int_equal(hub.profile->hist[qn_size_steps(100)],
			 4 * QN_PROFILE_ONE);
}

/* Of the page's figures, by the port's clock */
static void test_trend(void **state)
{
	const struct qn_stats_trend *trend;
	struct qn_stats_class *sc;
	u64 all;

	(void)state;
	begin();
	trend = &hub.page->trend;
	hub.page->start_usec = port.clock;
	hub.began = port.clock;
	sc = &hub.page->classes[3];
	port.clock += QN_TREND_MS * 1000 - 2 * QN_EPOCH_US;
	learn(40, 1);
	assert_int_equal(trend->nr_epochs, 0);
	/* 48 bytes each, of which 40 were asked for: a sixth of 96 KB is lost */
	assert_int_equal(sc->osize, 48);
	qn_hub_account(&hub, 3, 96 << 10, 2048);
	qn_ledger_slab(&hub.ledger, 3, 160 << 10);
	assert_non_null(qn_run_alloc(&hub.segments, 3, 1, QN_UNIT_LARGE, NULL));
	learn(40, 1);
	all = hub.page->carved + hub.page->metadata;
	assert_int_equal(hub.page->carved, 160 << 10);
	assert_int_equal(trend->nr_epochs, 1);
	assert_int_equal(trend->nr_growing, 1);
	assert_true(trend->live_slope == (96 << 10) * 256 / 4);
	assert_int_equal(trend->live_of_peak, QN_STATS_ONE);
	assert_in_range(trend->waste.internal, (16u << 26) / all - 2,
			(16u << 26) / all + 2);
	assert_in_range(trend->waste.external, ((u64)64 << 26) / all - 2,
			((u64)64 << 26) / all + 2);
	assert_in_range(trend->waste.metadata,
			(hub.page->metadata << 16) / all - 2,
			(hub.page->metadata << 16) / all + 2);
	/* Half of it is freed, and other sizes are asked for */
	qn_hub_account(&hub, 3, -(48 << 10), 0);
	hub.segments.resident.refaults = 8 << 10;
	port.clock += QN_TREND_MS * 1000 - QN_EPOCH_US;
	learn(900, 32);
	assert_int_equal(trend->nr_epochs, 2);
	assert_int_equal(trend->nr_shrinking, 1);
	assert_int_equal(trend->live_of_peak, QN_STATS_ONE / 2);
	assert_true(trend->live_slope == (24 * 3 - 48) * 1024 / 4 * 256);
	assert_true(trend->refaults_slope == (8 << 10) * 256 / 4);
	/* Two samples of 40 bytes, decayed or not, among 32 others */
	assert_in_range(trend->shift, QN_STATS_ONE * 31 / 34,
			QN_STATS_ONE * 33 / 34);
}

/* In a child trends go on from what there is, and samples are its own */
static void test_fork_child(void **state)
{
	u32 rng;

	(void)state;
	begin();
	hub.page->start_usec = port.clock;
	hub.began = port.clock;
	make_live(1 << 20);
	port.clock += 10 * QN_TREND_MS * 1000;
	learn(100, 1);
	assert_int_equal(hub.page->trend.nr_epochs, 1);
	rng = hub.sampler.rng;
	hub.fork_seed = 12345;
	memset(&hub.page->trend, 0, sizeof(hub.page->trend));
	hub.page->start_usec = port.clock;
	hub.began = port.clock;
	qn_hub_fork_child(&hub);
	assert_int_not_equal(hub.sampler.rng, rng);
	assert_int_equal(hub.nr_forks, 1);
	learn(100, 1);
	assert_int_equal(hub.page->trend.nr_epochs, 0);
	port.clock += QN_TREND_MS * 1000;
	learn(100, 1);
	assert_int_equal(hub.page->trend.nr_epochs, 1);
	assert_int_equal(hub.page->trend.nr_growing, 0);
	assert_int_equal(hub.page->trend.live_slope, 0);
	assert_int_equal(hub.page->trend.shift, 0);
}

static void test_mean_requested(void **state)
{
	const struct qn_stats_class *sc;

	(void)state;
	begin();
	qn_controller_init(&hub.controller, &qn_policy_fixed);
	sc = &hub.page->classes[hub.table->map[qn_size_steps(1000)]];
	for (int i = 0; i < 50; i++)
		learn(1000, 8);
	assert_in_range(sc->requested, 999 * 16, 1000 * 16);
	for (int i = 0; i < 50; i++)
		learn(970, 8);
	assert_in_range(sc->requested, 970 * 16, 971 * 16);
	/* Direct runs have no class; nothing is written beside the page */
	learn(UINT32_MAX, 32);
	learn(QN_SLAB_MAX + 1, 32);
	learn(0, 32);
	assert_int_equal(hub.page->classes[0].requested, 0);
}

/* ---- tables and their readers ---- */

/* Sizes that are well inside a wide class each: three of each above 512, then one */
static u32 hot_size(unsigned int i)
{
	u32 wide = i % 8 * 64, part = i / 8 % 4 * 16;

	return part < 48 ? 512 + wide + 16 + part : (512 + wide) / 2 + 16;
}

static void test_table_get(void **state)
{
	const struct qn_table *a = NULL, *b = NULL, *c;

	(void)state;
	begin();
	make_live(8 << 20);
	qn_hub_table_get(&hub, &a);
	assert_ptr_equal(a, hub.table);
	assert_int_equal(a->nr_users, 1);
	qn_hub_table_get(&hub, &a);
	assert_ptr_equal(a, hub.table);
	assert_int_equal(a->nr_users, 1);
	qn_hub_table_get(&hub, &b);
	assert_ptr_equal(b, a);
	assert_int_equal(a->nr_users, 2);
	assert_true(learn_until_change(900));
	qn_hub_table_get(&hub, &b);
	assert_ptr_equal(b, hub.table);
	assert_ptr_not_equal(b, a);
	assert_int_equal(a->nr_users, 1);
	assert_int_equal(b->nr_users, 1);
	c = a;
	qn_hub_table_put(&hub, &a);
	assert_null(a);
	assert_int_equal(c->nr_users, 0);
}

static u32 table_sum(const struct qn_table *t)
{
	u32 sum = t->generation;

	for (unsigned int i = 0; i < t->nr_steps; i++)
		sum = sum * 31 + t->map[i];
	for (unsigned int c = 0; c < QN_NR_CLASSES; c++)
		sum = sum * 31 + t->class_steps[c];
	return sum;
}

/* A reader of each generation falls asleep */
static void test_readers_keep_their_tables(void **state)
{
	const struct qn_table *held[QN_NR_TABLES], *t;
	u32 sums[QN_NR_TABLES];
	unsigned int nr = 0, hot = 0;

	(void)state;
	begin();
	make_live(8 << 20);
	do {
		held[nr] = NULL;
		qn_hub_table_get(&hub, &held[nr]);
		sums[nr] = table_sum(held[nr]);
		for (hot++; !learn_until_change(hot_size(hot)); hot++)
			if (hot > 60)
				break;
	} while (held[nr++] != hub.table && nr < QN_NR_TABLES);
	/* All buffers are read: learning stood still, and nothing changed */
	assert_int_equal(nr, QN_NR_TABLES);
	assert_ptr_equal(held[nr - 1], hub.table);
	for (unsigned int i = 0; i < nr; i++) {
		assert_int_equal(held[i]->generation, i + 1);
		assert_int_equal(table_sum(held[i]), sums[i]);
	}
	/* The third wakes up */
	t = held[2];
	qn_hub_table_get(&hub, &t);
	assert_ptr_equal(t, hub.table);
	for (hot = 0; hot < 60 && hub.table != held[2]; hot++)
		learn_until_change(hot_size(hot));
	assert_ptr_equal(hub.table, held[2]);
	assert_int_equal(hub.table->generation, QN_NR_TABLES + 1);
	assert_int_equal(table_sum(held[3]), sums[3]);
}

/* What somebody writes into the page changes no limit of the heap */
static void test_page_does_not_steer(void **state)
{
	const struct qn_resident *r = &hub.segments.resident;
	size_t limit;
	u32 interval;

	(void)state;
	begin();
	assert_non_null(
		qn_run_alloc(&hub.segments, 512, 1, QN_UNIT_LARGE, NULL));
	qn_hub_account_large(&hub, 16 << 20, 1);
	limit = qn_resident_limit(r, QN_KEEP_CHUNK);
	for (int i = 0; i < 20; i++)
		learn(100, 8);
	interval = hub.sampler.interval;
	/* Whatever a file that it is mapped from says */
	for (int byte = 0; byte < 256; byte += 51) {
		memset(hub.page, byte, sizeof(*hub.page));
		learn(100, 8);
		assert_int_equal(qn_resident_limit(r, QN_KEEP_CHUNK), limit);
		assert_int_equal(hub.sampler.interval, interval);
		assert_int_equal(hub.table->generation, 1);
	}
	qn_hub_account_large(&hub, -(8 << 20), 0);
	assert_true(qn_resident_limit(r, QN_KEEP_CHUNK) < limit);
	assert_int_equal(hub.ledger.live, 8 << 20);
}

/* Much is dirty, and accounted */
static void make_dirty(size_t units)
{
	struct qn_unit *u =
		qn_run_alloc(&hub.segments, units, 1, QN_UNIT_LARGE, NULL);

	assert_non_null(u);
	qn_run_free(&hub.segments, u, units << QN_UNIT_SHIFT);
	qn_hub_account_large(&hub, 0, 1);
}

/* A process that may have a helper, and keeps what is dirty */
static void begin_helper(void)
{
	begin();
	hub.conf.knobs.dirty = 64 << 20;
	hub.helper.run = qn_idle_run;
}

/* Where it is allowed it is made once, wakes up where there is work, and is not tried in vain */
static void test_helper(void **state)
{
	struct qn_helper *h = &hub.helper;

	(void)state;
	begin();
	hub.conf.knobs.price = 7500;
	hub.conf.knobs.dirty = 64 << 20;
	make_dirty(512);
	assert_int_equal(port.nr_threads, 0);
	h->run = qn_idle_run;
	h->from = 0;
	hub.conf.knobs.helper = 0;
	make_dirty(512);
	assert_int_equal(port.nr_threads, 0);
	hub.conf.knobs.helper = 1;
	h->from = 0;
	qn_segments_purge(&hub.segments, 0);
	/* A young process wants more of it */
	hub.page->start_usec = port.clock;
	hub.began = port.clock;
	make_dirty(128);
	assert_int_equal(h->from, QN_HELPER_FROM);
	assert_int_equal(port.nr_threads, 0);
	make_dirty(256);
	assert_int_equal(port.nr_threads, 1);
	assert_int_equal(h->state, QN_HELPER_WORKS);
	make_dirty(256);
	assert_int_equal(port.nr_threads, 1);
	/* Nothing is old yet */
	assert_int_equal(qn_idle_round(&hub), 732);
	assert_true(hub.segments.resident.dirty >= 16 << 20);
	port_sleep_ms(10000);
	assert_int_equal(qn_idle_round(&hub), 0);
	assert_int_equal(hub.segments.resident.dirty, 0);
	assert_int_equal(hub.page->dirty, 0);
	h->state = QN_HELPER_SLEEPS;
	h->from = QN_HELPER_FROM;
	port.nr_woken = 0;
	make_dirty(32);
	assert_int_equal(port.nr_woken, 0);
	make_dirty(128);
	assert_int_equal(port.nr_woken, 1);
	assert_int_equal(port.nr_threads, 1);
	assert_int_equal(h->state, QN_HELPER_WORKS);
}

/* Where memory is dear, less of it is worth a thread */
static void test_helper_by_price(void **state)
{
	struct qn_helper *h = &hub.helper;

	(void)state;
	begin_helper();
	port_sleep_ms(2000);
	hub.conf.knobs.price = 7500;
	make_dirty(63);
	assert_int_equal(h->from, 4 << 20);
	assert_int_equal(port.nr_threads, 0);
	qn_segments_purge(&hub.segments, 0);
	hub.conf.knobs.price = 200;
	h->from = 0;
	make_dirty(6);
	assert_int_equal(port.nr_threads, 0);
	assert_in_range(h->from, 400 << 10, 420 << 10);
	make_dirty(7);
	assert_int_equal(port.nr_threads, 1);
	hub.conf.knobs.price = 1;
	assert_int_equal(qn_helper_from(&hub.conf.knobs, false), 128 << 10);
	hub.conf.knobs.price = 1000;
	assert_in_range(qn_helper_from(&hub.conf.knobs, true), (8 << 20) - 4096,
			8 << 20);
}

/* It ends for a while, in children it never was, and for good */
static void test_helper_ends(void **state)
{
	struct qn_helper *h = &hub.helper;

	(void)state;
	begin_helper();
	make_dirty(512);
	assert_int_equal(port.nr_threads, 1);
	qn_helper_end(&hub.helper, false);
	assert_int_equal(port.nr_joins, 1);
	assert_int_equal(h->state, QN_HELPER_NONE);
	make_dirty(512);
	assert_int_equal(port.nr_threads, 1);
	port_sleep_ms(200);
	make_dirty(512);
	assert_int_equal(port.nr_threads, 2);
	qn_hub_fork_child(&hub);
	assert_int_equal(h->state, QN_HELPER_NONE);
	make_dirty(512);
	assert_int_equal(port.nr_threads, 2);
	port_sleep_ms(200);
	make_dirty(512);
	assert_int_equal(port.nr_threads, 3);
	qn_helper_end(&hub.helper, true);
	port_sleep_ms(2000);
	make_dirty(512);
	assert_int_equal(port.nr_threads, 3);
	assert_int_equal(h->state, QN_HELPER_NEVER);
	qn_hub_fork_child(&hub);
	make_dirty(512);
	assert_int_equal(port.nr_threads, 3);
}

/* The system has no thread for it: it is asked once */
static void test_helper_fails(void **state)
{
	struct qn_helper *h = &hub.helper;

	(void)state;
	begin_helper();
	port.no_threads = true;
	make_dirty(512);
	make_dirty(512);
	port.no_threads = false;
	assert_int_equal(port.nr_threads, 1);
	assert_int_equal(h->state, QN_HELPER_NEVER);
}

/* Tables come and go, decisions are kept in a ring: the newest are right */
static void test_many_changes(void **state)
{
	const struct qn_table *t = NULL;
	const struct qn_stats_change *ch;

	(void)state;
	begin();
	make_live(8 << 20);
	for (unsigned int i = 0; i < 300; i++) {
		u64 nr = hub.page->nr_changes;

		qn_hub_table_get(&hub, &t);
		learn_until_change(hot_size(i * 7));
		assert_in_range(hub.page->nr_changes, nr, nr + 1);
		if (hub.page->nr_changes == nr)
			continue;
		ch = &hub.page->changes[nr % QN_STATS_CHANGES];
		assert_int_equal(ch->generation, hub.table->generation);
		assert_int_equal(hub.table->generation, t->generation + 1);
		assert_true(ch->action == QN_ACTION_PROMOTE ||
			    ch->action == QN_ACTION_DEMOTE);
	}
	assert_true(hub.page->nr_changes > 20);
	assert_int_equal(hub.table->generation, hub.page->nr_changes + 1);
}

/* ---- accounts ---- */

static void test_accounts(void **state)
{
	(void)state;
	begin();
	qn_hub_account(&hub, 5, 4000, 50);
	qn_hub_account(&hub, 6, 500, 1);
	qn_hub_account_large(&hub, 100000, 1);
	assert_int_equal(hub.page->live, 104500);
	assert_int_equal(hub.page->peak_live, 104500);
	assert_int_equal(hub.page->classes[5].live, 4000);
	assert_int_equal(hub.page->classes[5].nr_allocs, 50);
	qn_hub_account(&hub, 5, -1500, 10);
	qn_hub_account_large(&hub, -100000, 0);
	assert_int_equal(hub.page->live, 3000);
	assert_int_equal(hub.page->peak_live, 104500);
	assert_int_equal(hub.page->classes[5].live, 2500);
	assert_int_equal(hub.page->classes[5].nr_allocs, 60);
	assert_int_equal(hub.page->large, 0);
	assert_int_equal(hub.page->nr_large, 1);
	assert_int_equal(hub.page->large_total, 100000);
	/* Another thread's frees may be accounted before the allocations */
	qn_hub_account(&hub, 7, -5000, 0);
	assert_int_equal((s64)hub.page->live, -2000);
	qn_hub_account(&hub, 7, 5000, 0);
	assert_int_equal(hub.page->live, 3000);
	assert_int_equal(hub.page->peak_live, 104500);
}

static void test_refresh(void **state)
{
	struct qn_stats_page *page;
	struct qn_unit *u;
	u64 peak;

	(void)state;
	begin();
	page = hub.page;
	page->start_usec = port.clock;
	port_sleep_ms(5);
	u = qn_run_alloc(&hub.segments, 10, 1, QN_UNIT_LARGE, NULL);
	qn_hub_account_large(&hub, 10 * QN_UNIT_SIZE, 1);
	/* Where the slabs lie */
	assert_non_null(qn_run_alloc(&hub.segments, 1, 1, QN_UNIT_LARGE, NULL));
	hub.ledger.class_slab[9] = 5000;
	qn_hub_refresh(&hub);
	assert_int_equal(page->used, hub.segments.resident.used);
	assert_int_equal(page->carved, 5000);
	assert_int_equal(page->dirty, 0);
	assert_int_equal(page->reserved, qn_space_mapped(&hub.segments.space));
	assert_int_equal(page->metadata,
			 hub.meta_bytes +
				 qn_space_metadata(&hub.segments.space));
	peak = page->metadata + 5000 + 10 * QN_UNIT_SIZE;
	assert_int_equal(page->peak_used, peak);
	assert_int_equal(page->peak.usec, 5000);
	assert_int_equal(page->peak.carved + page->peak.large +
				 page->peak.dirty + page->peak.metadata,
			 peak);
	assert_int_equal(page->classes[9].peak_slab, 5000);
	hub.ledger.class_slab[9] = 1000;
	qn_hub_account_large(&hub, -(s64)(10 * QN_UNIT_SIZE), 0);
	qn_run_free(&hub.segments, u, QN_UNIT_SIZE);
	qn_segments_purge(&hub.segments, 0);
	qn_hub_refresh(&hub);
	assert_int_equal(page->carved, 1000);
	assert_int_equal(page->purged, QN_UNIT_SIZE);
	assert_int_equal(page->nr_purges, 1);
	assert_int_equal(page->peak_used, peak);
	assert_int_equal(page->peak.carved, 5000);
	assert_int_equal(page->classes[9].peak_slab, 5000);
}

/* What the heap was made of when most was live is noted when that falls, not after */
static void test_live_peak(void **state)
{
	struct qn_stats_page *page;
	struct qn_unit *u;

	(void)state;
	begin();
	page = hub.page;
	page->start_usec = port.clock;
	hub.is_watched = true;
	u = qn_run_alloc(&hub.segments, 10, 1, QN_UNIT_LARGE, NULL);
	qn_hub_account(&hub, 9, 4000, 3);
	hub.ledger.class_slab[9] = 5000;
	qn_hub_account_large(&hub, 10 * QN_UNIT_SIZE, 1);
	assert_int_equal(page->at_live.usec, 0);
	port_sleep_ms(7);
	qn_hub_account_large(&hub, -(s64)(10 * QN_UNIT_SIZE), 0);
	qn_run_free(&hub.segments, u, 10 * QN_UNIT_SIZE);
	hub.ledger.class_slab[9] = 0;
	qn_hub_account(&hub, 9, -4000, 0);
	qn_hub_refresh(&hub);
	assert_int_equal(page->live, 0);
	assert_int_equal(page->at_live.usec, 7000);
	assert_int_equal(page->at_live.live, 4000 + 10 * QN_UNIT_SIZE);
	assert_int_equal(page->at_live.large, 10 * QN_UNIT_SIZE);
	assert_int_equal(page->at_live.carved, 5000);
	assert_int_equal(page->at_live.dirty, 0);
	/* Nobody reads the page: not worth the time */
	begin();
	qn_hub_account(&hub, 9, 4000, 3);
	qn_hub_account(&hub, 9, -4000, 0);
	assert_int_equal(hub.page->at_live.usec, 0);
	assert_int_equal(hub.page->refreshed, 0);
}

/* CPU time, not the clock on the wall; it is looked at seldom, and only for a reader */
static void test_cost(void **state)
{
	const struct qn_sample s = { .size = 100, .interval = 4096 };

	(void)state;
	begin();
	port.thread_step = 700;
	for (int i = 0; i < 100; i++)
		assert_true(qn_hub_learn(&hub, &s, 1));
	assert_int_equal(port.thread_ns, 0);
	assert_int_equal(hub.page->sample_ns, 0);
	hub.is_watched = true;
	hub.clock_ns = 200;
	port_sleep_ms(2);
	assert_true(qn_hub_learn(&hub, &s, 1));
	assert_int_equal(port.thread_ns, 2 * 700);
	assert_int_equal(hub.page->sample_ns, 500);
	for (int i = 0; i < 160; i++)
		assert_true(qn_hub_learn(&hub, &s, 1));
	/* Two looks at each of ten of them, which stand for all */
	assert_int_equal(port.thread_ns, (1 + 10) * 2 * 700);
	assert_int_equal(hub.page->sample_ns, 161 * 500);
}

/* A thread gave chunks back, and has not told that it has none of them any more */
static void test_nothing_is_there_twice(void **state)
{
	struct qn_unit *u;

	(void)state;
	begin();
	u = qn_run_alloc(&hub.segments, 8, 1, QN_UNIT_LARGE, NULL);
	assert_non_null(u);
	qn_ledger_slab(&hub.ledger, 0, 8 * (s64)QN_UNIT_SIZE);
	qn_hub_refresh(&hub);
	assert_int_equal(hub.page->peak.carved, 8 * QN_UNIT_SIZE);
	qn_run_free(&hub.segments, u, 8 * QN_UNIT_SIZE);
	qn_hub_refresh(&hub);
	assert_in_range(hub.page->carved, 0, hub.page->used);
	assert_int_equal(hub.page->dirty, 8 * QN_UNIT_SIZE);
	assert_in_range(hub.page->peak_used, 8 * QN_UNIT_SIZE,
			hub.page->used + hub.page->dirty + hub.page->metadata);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_init),
		cmocka_unit_test(test_init_refused),
		cmocka_unit_test(test_page_has_its_unit),
		cmocka_unit_test(test_meta_alloc),
		cmocka_unit_test(test_meta_alloc_refused),
		cmocka_unit_test(test_promotes),
		cmocka_unit_test(test_policy_turns_knobs),
		cmocka_unit_test(test_fixed_learns_nothing),
		cmocka_unit_test(test_learn_only_tries),
		cmocka_unit_test(test_epochs),
		cmocka_unit_test(test_decays_each_second),
		cmocka_unit_test(test_interval_follows_live),
		cmocka_unit_test(test_samples_less),
		cmocka_unit_test(test_late_samples),
		cmocka_unit_test(test_trend),
		cmocka_unit_test(test_fork_child),
		cmocka_unit_test(test_mean_requested),
		cmocka_unit_test(test_table_get),
		cmocka_unit_test(test_readers_keep_their_tables),
		cmocka_unit_test(test_page_does_not_steer),
		cmocka_unit_test(test_helper),
		cmocka_unit_test(test_helper_by_price),
		cmocka_unit_test(test_helper_ends),
		cmocka_unit_test(test_helper_fails),
		cmocka_unit_test(test_many_changes),
		cmocka_unit_test(test_live_peak),
		cmocka_unit_test(test_cost),
		cmocka_unit_test(test_accounts),
		cmocka_unit_test(test_refresh),
		cmocka_unit_test(test_nothing_is_there_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
