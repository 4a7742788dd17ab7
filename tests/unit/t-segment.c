// SPDX-License-Identifier: MIT
/*
 * t-segment.c - runs of units: found, split, merged, purged, and what happens when
 * the kernel says no.
 *
 * Links: linuxport.c, lib/process/segment.c.
 *
 * Invariants checked here, the first four after every step:
 * - units tile a segment: each belongs to one run, in use or free; two free runs
 *   of one kind never touch, and clean never merges with dirty;
 * - every free run is in the bin of its size, every dirty one once in the list by
 *   age; the sums of used and of dirty bytes are those of the runs;
 * - frontier <= committed <= max, all below committed can be touched, and nothing is
 *   mapped twice (the port stops the program);
 * - runs in use never overlap and keep their contents;
 * - what is said to read as zero does;
 * - an address finds the descriptor of its unit, in every segment, and nothing in
 *   the tables, in front of them or behind what is mapped;
 * - the oldest dirty runs are purged first, when more than the limit is dirty, down
 *   to three quarters of it; a purge that fails leaves the run dirty;
 * - memory wanted back within two seconds raises the limit, calm lowers it;
 * - a refusal of the kernel costs the request, never the heap;
 * - little is mapped at first, and little more than is used of locked memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "linuxport.h"
#include "process/segment.h"
#include "../random.h"

#define MB         ((size_t)1 << 20)
#define GB         ((size_t)1 << 30)
#define UNITS(b)   ((size_t)(b) >> QN_UNIT_SHIFT)
#define DIRTY_BASE (2 * MB)
#define NR_RUNS    96

static struct qn_segments s;
static struct qn_knobs knobs;

static const size_t page_sizes[] = { 4096, 16384, 65536 };

static void begin(size_t page_size)
{
	port_reset(page_size);
	memset(&s, 0, sizeof(s));
	knobs = qn_knobs_preset;
	knobs.dirty = DIRTY_BASE;
	qn_segments_init(&s, &knobs, 0);
}

/* ---- the second opinion ---- */

struct tally {
	size_t used;
	size_t free[2];
	size_t runs[2];
	size_t spare;
};

static struct qn_unit *unit(const struct qn_segment *seg, size_t i)
{
	return seg->units + i;
}

static bool is_free(const struct qn_unit *u)
{
	return u->kind == QN_UNIT_CLEAN || u->kind == QN_UNIT_DIRTY;
}

/* A slab, or what was one, is one unit */
static size_t size_of(const struct qn_unit *u)
{
	if (u->kind == QN_UNIT_SLAB || u->kind == QN_UNIT_SPARE)
		return 1;
	return u->run.size;
}

static void tally_segment(const struct qn_segment *seg, struct tally *t)
{
	unsigned int kind, before = QN_UNIT_NONE;
	struct qn_unit *u;

	assert_true(seg->frontier <= seg->committed);
	assert_true(seg->committed <= seg->max);
	assert_true(seg->committed * sizeof(*u) <= seg->table);
	assert_true(port_is_mapped(seg->units, seg->table));
	assert_true(port_is_mapped(seg->base, seg->committed << QN_UNIT_SHIFT));
	/* The table does not reach into the first unit */
	assert_true((char *)unit(seg, seg->max) <= seg->base);
	for (size_t i = 0; i < seg->frontier; i += size_of(u)) {
		u = unit(seg, i);
		kind = u->kind;
		if (kind == QN_UNIT_SPARE) {
			assert_null(u->owner);
			t->spare++;
		} else if (!is_free(u)) {
			t->used += size_of(u);
		} else {
			assert_true(kind != before);
			assert_int_equal(u[u->run.size - 1].run.size,
					 u->run.size);
			assert_int_equal(kind == QN_UNIT_DIRTY,
					 u->nr_touched > 0);
			t->runs[kind == QN_UNIT_DIRTY]++;
			t->free[kind == QN_UNIT_DIRTY] += u->run.size;
		}
		before = kind;
	}
}

static void check_bins(unsigned int dirty, const struct tally *t)
{
	size_t nr = 0;

	for (unsigned int b = 0; b < QN_NR_BINS; b++) {
		struct qn_run *run = s.bins[dirty].head[b];

		for (; run; run = run->next) {
			struct qn_unit *u =
				container_of(run, struct qn_unit, run);

			if (run->next)
				assert_ptr_equal(run->next->prev, run);
			assert_int_equal(qn_bin_of(run->size), b);
			assert_int_equal(u->kind, QN_UNIT_CLEAN + dirty);
			nr++;
		}
	}
	assert_int_equal(nr, t->runs[dirty]);
}

static void check_age(const struct tally *t)
{
	const struct qn_unit *before = NULL;
	size_t nr = 0, sum = 0;

	for (struct qn_unit *u = s.oldest; u; u = u->newer) {
		assert_int_equal(u->kind, QN_UNIT_DIRTY);
		assert_ptr_equal(u->older, before);
		before = u;
		sum += u->nr_touched * QN_PART_SIZE;
		nr++;
	}
	assert_ptr_equal(s.newest, before);
	assert_int_equal(nr, t->runs[1]);
	assert_int_equal(t->spare, s.nr_spare[0] + s.nr_spare[1]);
	for (int much = 0; much < 2; much++)
		for (struct qn_unit *u = s.spare[much]; u; u = u->next)
			sum += (size_t)__builtin_popcount(u->touched) *
			       QN_PART_SIZE;
	assert_int_equal(sum, s.resident.dirty);
}

static struct tally check(void)
{
	const char *what = qn_segments_check(&s);
	struct tally t = { 0 };

	if (what)
		fail_msg("qn_segments_check: %s", what);
	for (unsigned int i = 0; i < s.space.nr; i++)
		tally_segment(&s.space.seg[i], &t);
	assert_int_equal(t.used << QN_UNIT_SHIFT, s.resident.used);
	check_bins(0, &t);
	check_bins(1, &t);
	check_age(&t);
	return t;
}

/* ---- shorthands ---- */

static char *start(const struct qn_unit *u)
{
	return qn_unit_start(&s, u);
}

static struct qn_unit *take(size_t nr)
{
	struct qn_unit *u = qn_run_alloc(&s, nr, 1, QN_UNIT_LARGE, NULL);

	assert_non_null(u);
	return u;
}

/* Give back, with contents */
static void drop(struct qn_unit *u)
{
	size_t bytes = u->run.size << QN_UNIT_SHIFT;

	memset(start(u), 0xcc, bytes);
	qn_run_free(&s, u, bytes);
}

static void drop_clean(struct qn_unit *u)
{
	qn_resident_forget(u, u->run.size);
	qn_run_free(&s, u, 0);
}

static bool reads_zero(const char *p, size_t bytes)
{
	for (size_t i = 0; i < bytes; i += 512)
		if (*(const u64 *)(const void *)(p + i))
			return false;
	return true;
}

/* A run of @nr with contents between two runs in use, so that it merges with none */
static struct qn_unit *take_island(size_t nr)
{
	struct qn_unit *u;

	take(1);
	u = take(nr);
	take(1);
	return u;
}

/* ---- where things are ---- */

static void check_borders(const struct qn_unit *u)
{
	size_t bytes = u->run.size << QN_UNIT_SHIFT;
	char *p = start(u);

	assert_ptr_equal(qn_segments_find(&s, p), u);
	assert_ptr_equal(qn_segments_find(&s, p + QN_UNIT_SIZE - 1), u);
	assert_ptr_equal(qn_segments_find(&s, p + bytes - 1),
			 u + u->run.size - 1);
	assert_ptr_not_equal(qn_segments_find(&s, p - 1), u);
	assert_true(port_is_mapped(p, bytes));
}

static void test_addresses(void **state)
{
	const struct qn_segment *seg = &s.space.seg[0];
	struct qn_unit *u;
	int on_stack;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(page_sizes); i++) {
		begin(page_sizes[i]);
		assert_null(qn_segments_find(&s, &on_stack));
		assert_null(qn_segments_find(&s, NULL));
		u = take(3);
		check_borders(u);
		assert_ptr_equal(start(u), seg->base);
		assert_null(qn_segments_find(&s, start(u) - 1));
		assert_null(qn_segments_find(&s, seg->units));
		assert_null(qn_segments_find(&s, (char *)seg->units - 1));
		assert_null(qn_segments_find(&s, &on_stack));
		assert_null(qn_segments_find(&s, NULL));
		assert_null(qn_segments_find(&s, (void *)UINTPTR_MAX));
		assert_null(qn_segments_find(
			&s, seg->base + (seg->committed << QN_UNIT_SHIFT)));
		check_borders(take(1));
		check();
	}
}

static void test_kind_and_owner(void **state)
{
	static const enum qn_unit_kind kinds[] = { QN_UNIT_LARGE,
						   QN_UNIT_META };

	bool zeroed = false;

	(void)state;
	begin(4096);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct qn_unit *u = qn_run_alloc(&s, 1, 1, kinds[i], &zeroed);

		assert_int_equal(u->kind, kinds[i]);
		assert_null(u->owner);
		assert_int_equal(u->run.size, 1);
		assert_int_equal(zeroed, i == 0);
		/* An owner that its user forgot must not survive */
		u->owner = (struct qn_local *)(void *)&zeroed;
		drop(u);
		assert_null(u->owner);
		check();
	}
}

static void test_alignment(void **state)
{
	(void)state;
	for (size_t skew = 0; skew < QN_UNIT_SIZE; skew += 60 << 10) {
		begin(4096);
		port.skew = skew;
		for (size_t align = 1; align <= 4096; align *= 2) {
			struct qn_unit *u =
				qn_run_alloc(&s, 3, align, QN_UNIT_LARGE, NULL);

			assert_non_null(u);
			assert_true(is_aligned((uintptr_t)start(u),
					       align << QN_UNIT_SHIFT));
			check_borders(u);
			check();
			if (align % 3)
				drop(u);
		}
	}
}

/* ---- free runs ---- */

static const unsigned char orders[6][3] = {
	{ 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
	{ 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 },
};

/* Runs that @kinds (a dirty one for each bit) leave when all three are free */
static size_t runs_left(unsigned int kinds)
{
	return 1 + ((kinds ^ kinds >> 1) & 1) + ((kinds >> 1 ^ kinds >> 2) & 1);
}

static void check_merge(const unsigned char *order, unsigned int kinds)
{
	static const size_t sizes[3] = { 1, 5, 2 };
	struct qn_unit *u[3];
	struct tally t;

	begin(4096);
	take(1);
	for (int i = 0; i < 3; i++)
		u[i] = take(sizes[i]);
	take(1);
	for (int i = 0; i < 3; i++) {
		unsigned int n = order[i];

		if (kinds >> n & 1)
			drop(u[n]);
		else
			drop_clean(u[n]);
		check();
	}
	t = check();
	assert_int_equal(t.runs[0] + t.runs[1], runs_left(kinds));
	assert_int_equal(t.free[0] + t.free[1], 8);
	assert_int_equal(t.free[1], (kinds & 1) + (kinds >> 1 & 1) * 5 +
					    (kinds >> 2 & 1) * 2);
	/* One kind, or one dirty run with what is clean around it: all of it serves */
	if (kinds != 5)
		assert_ptr_equal(take(8), u[0]);
	else
		assert_ptr_not_equal(take(8), u[0]);
	check();
}

static void test_merge(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(orders); i++)
		for (unsigned int kinds = 0; kinds < 8; kinds++)
			check_merge(orders[i], kinds);
}

/* A dirty run that is long enough, and that shorter ones hide from the bins */
static void test_mix_finds_hidden(void **state)
{
	struct qn_unit *u[12];

	(void)state;
	for (size_t hidden = 0; hidden < ARRAY_SIZE(u); hidden++) {
		begin(4096);
		knobs.dirty = 64 * MB;
		for (size_t i = 0; i < ARRAY_SIZE(u); i++)
			u[i] = take_island(i == hidden ? 39 : 32);
		for (size_t i = 0; i < ARRAY_SIZE(u); i++)
			drop(u[i]);
		assert_int_equal(qn_bin_of(39), qn_bin_of(32));
		assert_ptr_equal(take(38), u[hidden]);
		check();
	}
}

/* At the first unit there is nothing in front, at the frontier nothing behind */
static void test_merge_at_ends(void **state)
{
	struct qn_unit *first, *last;
	struct tally t;

	(void)state;
	begin(4096);
	first = take(2);
	take(1);
	last = take(2);
	drop(first);
	drop(last);
	t = check();
	assert_int_equal(t.runs[1], 2);
	/* The frontier itself never joins: what was never used stays behind it */
	assert_int_equal(t.free[1], 4);
	assert_ptr_equal(take(2), first);
	/* But it serves with a dirty run that ends there; not for a few units */
	assert_ptr_equal(take(3), last + 2);
	drop(last + 2);
	assert_ptr_equal(take(6), last);
	check();
}

/* @nr units are made of dirty ones and of clean ones at both ends */
static void check_mix(struct qn_unit *from, size_t nr, size_t front,
		      size_t dirty)
{
	size_t before = s.resident.dirty;
	bool zeroed = true;
	struct qn_unit *u = qn_run_alloc(&s, nr, 1, QN_UNIT_LARGE, &zeroed);

	assert_ptr_equal(u, from);
	assert_false(zeroed);
	assert_int_equal(before - s.resident.dirty, dirty << QN_UNIT_SHIFT);
	for (size_t i = 0; i < nr; i++)
		assert_int_equal(u[i].touched,
				 i >= front && i < front + dirty ? 0xffff : 0);
	check();
	drop(u);
	qn_segments_purge(&s, 0);
}

/* Before clean memory: the longest dirty run that clean units make long enough */
static void test_mix(void **state)
{
	struct qn_unit *u[3], *end;

	(void)state;
	begin(4096);
	take(1);
	for (int i = 0; i < 3; i++)
		u[i] = take(4);
	take(1);
	for (int part = 0; part < 3; part++) {
		for (int i = 0; i < 3; i++)
			if (i != part)
				drop_clean(u[i]);
		drop(u[part]);
		/* What is behind goes first */
		if (part == 0)
			check_mix(u[0], 7, 0, 4);
		else if (part == 1)
			check_mix(u[1] - 1, 9, 1, 4);
		else
			check_mix(u[2] - 3, 7, 3, 4);
		assert_ptr_equal(take(12), u[0]);
		u[0]->run.size = 4;
		u[1]->kind = u[2]->kind = QN_UNIT_LARGE;
		u[1]->run.size = u[2]->run.size = 4;
	}
	end = take(4);
	drop(end);
	check_mix(end, 6, 0, 4);
	/* The kernel refuses: a clean run elsewhere, or nothing, and nothing is lost */
	take(6);
	end = take(4);
	drop(end);
	port_refuse_all();
	assert_null(qn_run_alloc(&s, 4 * 1024, 1, QN_UNIT_LARGE, NULL));
	check();
}

/* Purged memory joins its clean neighbours on both sides */
static void test_purge_merges(void **state)
{
	struct qn_unit *a, *b, *c;
	struct tally t;

	(void)state;
	begin(4096);
	take(1);
	a = take(1);
	b = take(2);
	c = take(3);
	take(1);
	drop_clean(a);
	drop_clean(c);
	drop(b);
	assert_int_equal(check().runs[0], 2);
	assert_int_equal(qn_segments_purge(&s, 0), 2 * QN_UNIT_SIZE);
	t = check();
	assert_int_equal(t.runs[0], 1);
	assert_int_equal(t.runs[1], 0);
	assert_ptr_equal(take(6), a);
	check();
}

static void test_zeroed(void **state)
{
	struct qn_unit *u;
	bool zeroed;

	(void)state;
	begin(4096);
	u = qn_run_alloc(&s, 4, 1, QN_UNIT_LARGE, &zeroed);
	assert_true(zeroed && reads_zero(start(u), 4 * QN_UNIT_SIZE));
	drop_clean(u);
	u = qn_run_alloc(&s, 4, 1, QN_UNIT_LARGE, &zeroed);
	assert_true(zeroed && reads_zero(start(u), 4 * QN_UNIT_SIZE));
	drop(u);
	u = qn_run_alloc(&s, 4, 1, QN_UNIT_LARGE, &zeroed);
	assert_false(zeroed);
	drop(u);
	qn_segments_purge(&s, 0);
	u = qn_run_alloc(&s, 4, 1, QN_UNIT_LARGE, &zeroed);
	assert_true(zeroed && reads_zero(start(u), 4 * QN_UNIT_SIZE));
}

/* A run with one written byte is dirty; what is cut off behind it is clean */
static void test_little_dirt_is_dirt(void **state)
{
	struct qn_unit *u, *piece;
	bool zeroed = true;

	(void)state;
	begin(4096);
	u = take_island(8);
	start(u)[0] = 1;
	qn_run_free(&s, u, 1);
	assert_int_equal(check().runs[1], 1);
	piece = qn_run_alloc(&s, 2, 1, QN_UNIT_LARGE, &zeroed);
	assert_ptr_equal(piece, u);
	assert_false(zeroed);
	assert_int_equal(check().runs[1], 0);
	u = qn_run_alloc(&s, 6, 1, QN_UNIT_LARGE, &zeroed);
	assert_true(zeroed && reads_zero(start(u), 6 * QN_UNIT_SIZE));
}

static void test_dirty_first(void **state)
{
	struct qn_unit *clean, *dirty;

	(void)state;
	begin(4096);
	clean = take_island(2);
	dirty = take_island(4);
	drop_clean(clean);
	drop(dirty);
	assert_ptr_equal(take(2), dirty);
	assert_ptr_equal(take(2), dirty + 2);
	assert_ptr_equal(take(2), clean);
	check();
}

/* ---- purging ---- */

static void assert_purged(unsigned int n, const struct qn_unit *u, size_t nr)
{
	assert_true(n < port.nr_purged);
	assert_ptr_equal(port.purged[n].p, start(u));
	assert_int_equal(port.purged[n].size, nr << QN_UNIT_SHIFT);
}

static void test_oldest_first(void **state)
{
	struct qn_unit *u[4];

	(void)state;
	begin(4096);
	for (int i = 0; i < 4; i++)
		u[i] = take_island(1 + (size_t)i);
	drop(u[2]);
	drop(u[0]);
	drop(u[3]);
	drop(u[1]);
	assert_int_equal(s.resident.dirty, 10 * QN_UNIT_SIZE);
	assert_int_equal(qn_segments_purge(&s, 7 * QN_UNIT_SIZE),
			 3 * QN_UNIT_SIZE);
	assert_int_equal(port.nr_purged, 1);
	assert_purged(0, u[2], 3);
	check();
	assert_int_equal(qn_segments_purge(&s, 0), 7 * QN_UNIT_SIZE);
	assert_purged(1, u[0], 1);
	assert_purged(2, u[3], 4);
	assert_purged(3, u[1], 2);
	check();
	assert_int_equal(qn_segments_purge(&s, 0), 0);
	assert_int_equal(s.resident.purged, 10 * QN_UNIT_SIZE);
	assert_int_equal(s.resident.nr_purges, 4);
}

/* A run that was merged with one just freed is as young as that */
static void test_merge_is_youngest(void **state)
{
	struct qn_unit *a, *b, *c;

	(void)state;
	begin(4096);
	take(1);
	a = take(1);
	b = take(1);
	c = take_island(1);
	drop(a);
	drop(c);
	drop(b);
	qn_segments_purge(&s, 2 * QN_UNIT_SIZE);
	assert_int_equal(port.nr_purged, 1);
	assert_purged(0, c, 1);
	check();
}

static size_t limit(void)
{
	const struct qn_resident *r = &s.resident;

	return DIRTY_BASE + r->used / 16 +
	       min(r->boost, r->peak - r->used + r->used / 4);
}

static void test_limit(void **state)
{
	struct qn_unit *u[200];

	(void)state;
	begin(4096);
	for (int i = 0; i < 200; i++)
		u[i] = take_island(1);
	for (int i = 0; i < 200; i++) {
		unsigned int before = port.nr_purged;
		size_t would = s.resident.dirty + QN_UNIT_SIZE;

		drop(u[i]);
		assert_true(s.resident.dirty <= limit());
		if (would <= limit()) {
			assert_int_equal(port.nr_purged, before);
			continue;
		}
		assert_true(port.nr_purged > before);
		assert_true(s.resident.dirty <= limit() / 4 * 3);
		assert_true(s.resident.dirty + QN_UNIT_SIZE > limit() / 4 * 3);
		check();
	}
	assert_true(port.nr_purged > 100);
}

/* Purged, and wanted back at once: @nr units, @ms later */
static void refault(size_t nr, u64 ms)
{
	struct qn_unit *u = take(nr);

	drop(u);
	qn_segments_purge(&s, 0);
	port_sleep_ms(ms);
	assert_ptr_equal(take(nr), u);
	/* How much was wanted is known when it is freed; that it was is then forgotten */
	drop(u);
	qn_segments_purge(&s, 0);
	port_sleep_ms(3000);
}

/* ---- units of slabs ---- */

static struct qn_unit *unit_take(bool much)
{
	struct qn_unit *u = qn_unit_alloc(&s, much);

	assert_non_null(u);
	assert_int_equal(u->kind, QN_UNIT_SLAB);
	assert_null(u->owner);
	return u;
}

static void unit_drop(struct qn_unit *u, u16 touched)
{
	u->touched = touched;
	qn_unit_free(&s, u);
	check();
}

/* One that has little goes to whom little will do, and none is lost or counted wrong */
static void test_spare_units(void **state)
{
	struct qn_unit *light, *heavy, *u;
	bool zeroed;

	(void)state;
	begin(4096);
	light = unit_take(false);
	heavy = unit_take(false);
	assert_int_equal(light->touched, 0);
	unit_drop(heavy, 0xffff);
	unit_drop(light, 0x8001);
	assert_int_equal(s.resident.dirty, 18 * QN_PART_SIZE);
	assert_int_equal(check().used, 0);
	assert_ptr_equal(unit_take(true), heavy);
	assert_int_equal(heavy->touched, 0xffff);
	assert_int_equal(s.resident.stale, 15 * QN_PART_SIZE);
	unit_drop(heavy, 0x00ff);
	assert_int_equal(s.resident.stale, 0);
	assert_ptr_equal(unit_take(false), light);
	assert_int_equal(light->touched, 0x8001);
	unit_drop(light, 0x8001);
	/* A run may have them before memory that was never used */
	u = qn_run_alloc(&s, 2, 1, QN_UNIT_LARGE, &zeroed);
	assert_ptr_equal(u, light < heavy ? light : heavy);
	assert_false(zeroed);
	drop(u);
	check();
}

static void test_spare_units_are_few(void **state)
{
	struct qn_unit *u[300];

	(void)state;
	begin(4096);
	for (int i = 0; i < 300; i++)
		u[i] = unit_take(i % 2);
	for (int i = 0; i < 300; i++)
		unit_drop(u[i], i % 3 ? 0x1f : 1);
	assert_in_range(s.nr_spare[0], 0, 64);
	assert_in_range(s.nr_spare[1], 0, 64);
	qn_segments_purge(&s, 0);
	assert_int_equal(s.resident.dirty, 0);
	assert_int_equal(check().spare, 0);
	assert_int_equal(check().runs[1], 0);
}

/* No more of a large run goes back than is too much, and that from its high end */
static void test_purge_in_part(void **state)
{
	struct qn_unit *u;

	(void)state;
	begin(4096);
	u = take_island(UNITS(3 * MB));
	memset(start(u), 1, 3 * MB);
	qn_run_free(&s, u, 3 * MB);
	qn_segments_purge(&s, 0);
	u = take(UNITS(3 * MB));
	memset(start(u), 1, 3 * MB);
	knobs.dirty = 4 * MB;
	qn_run_free(&s, u, 3 * MB);
	assert_int_equal(qn_segments_purge(&s, 1 * MB), 2 * MB);
	assert_int_equal(s.resident.dirty, 1 * MB);
	assert_int_equal(start(u)[1 * MB - 1], 1);
	assert_int_equal(start(u)[1 * MB], 0);
	check();
}

static void test_refault_boost(void **state)
{
	(void)state;
	begin(4096);
	take(1);
	refault(UNITS(1 * MB), 100);
	assert_int_equal(s.resident.refaults, 1 * MB);
	/* The first megabyte is forgiven */
	assert_int_equal(s.resident.boost, 0);
	refault(UNITS(1 * MB), 1900);
	assert_int_equal(s.resident.refaults, 2 * MB);
	assert_int_equal(s.resident.boost, 2 * MB);
	refault(UNITS(1 * MB), 3000);
	assert_int_equal(s.resident.refaults, 2 * MB);
	assert_int_equal(s.resident.boost, 2 * MB);
	check();
}

/* Memory that was never used is no refault, nor is a small share of the purged */
static void test_no_false_refaults(void **state)
{
	struct qn_unit *u;

	(void)state;
	begin(4096);
	drop_clean(take(UNITS(8 * MB)));
	take(UNITS(8 * MB));
	assert_int_equal(s.resident.refaults, 0);
	take(1);
	u = take(UNITS(64 * MB));
	take(1);
	drop(u);
	qn_segments_purge(&s, 0);
	drop(take(UNITS(8 * MB)));
	assert_int_equal(s.resident.refaults, 8 * MB);
	assert_int_equal(s.resident.boost, 0);
	drop(take(UNITS(16 * MB)));
	assert_true(s.resident.boost > 0);
	check();
}

/* Of a large block only what was touched was wanted back */
static void test_sparse_refaults(void **state)
{
	struct qn_unit *u;

	(void)state;
	for (size_t written = 0; written <= 64 * MB; written += 16 * MB) {
		begin(4096);
		u = take(UNITS(64 * MB));
		take(1);
		drop(u);
		qn_segments_purge(&s, 0);
		assert_ptr_equal(take(UNITS(64 * MB)), u);
		for (size_t i = 0; i < written; i += 4096)
			start(u)[i + 8] = 1;
		assert_int_equal(s.resident.refaults, 0);
		qn_run_free(&s, u, 64 * MB);
		assert_int_equal(s.resident.refaults, written);
		check();
	}
}

/* Where none may be dirty none is, whatever is wanted back */
static void test_none_dirty(void **state)
{
	(void)state;
	begin(4096);
	knobs.dirty = 0;
	take(UNITS(64 * MB));
	for (int i = 0; i < 5; i++) {
		refault(UNITS(8 * MB), 10);
		assert_int_equal(s.resident.dirty, 0);
		unit_drop(unit_take(true), 0xffff);
		assert_int_equal(s.resident.dirty, 0);
	}
	assert_true(s.resident.boost > 0);
	assert_int_equal(qn_resident_limit(&s.resident, QN_KEEP_SPARSE), 0);
	assert_int_equal(qn_resident_limit(&s.resident, QN_KEEP_CHUNK), 0);
	check();
}

static void test_boost_decays(void **state)
{
	struct qn_unit *u;
	size_t before;

	(void)state;
	begin(4096);
	u = take_island(UNITS(3 * MB));
	take(1);
	for (int i = 0; i < 5; i++)
		refault(UNITS(1 * MB), 10);
	assert_int_equal(s.resident.boost, 8 * MB);
	drop(u);
	assert_int_equal(s.resident.dirty, 3 * MB);
	port_sleep_ms(1000);
	qn_segments_decay(&s);
	/* No dirty memory stayed unused so far */
	assert_int_equal(s.resident.boost, 8 * MB);
	qn_segments_decay(&s);
	port_sleep_ms(999);
	qn_segments_decay(&s);
	assert_int_equal(s.resident.boost, 8 * MB);
	port_sleep_ms(1);
	qn_segments_decay(&s);
	/* 3 MB did for a whole second: half of that is not needed */
	assert_int_equal(s.resident.boost, 8 * MB - 3 * MB / 2);
	for (int i = 0; i < 30; i++) {
		before = s.resident.boost;
		port_sleep_ms(1000);
		qn_segments_decay(&s);
		assert_true(s.resident.boost <= before);
		assert_true(s.resident.dirty <= limit());
		check();
	}
	assert_int_equal(s.resident.boost, 0);
	/* And with it went what it allowed */
	assert_true(s.resident.dirty <= DIRTY_BASE + s.resident.used / 16);
}

/* No more is kept for what refaults taught than was in use lately, and a quarter more */
static void test_boost_is_of_use(void **state)
{
	struct qn_unit *u[5];
	struct qn_resident *r = &s.resident;

	(void)state;
	begin(4096);
	for (int i = 0; i < 5; i++)
		u[i] = take_island(UNITS(16 * MB));
	r->boost = 100 * MB;
	for (int i = 0; i < 3; i++) {
		drop(u[i]);
		assert_int_equal(r->dirty, (size_t)(i + 1) * 16 * MB);
	}
	/* What fell is forgotten by halves, once a second has passed without it */
	port_sleep_ms(1000);
	qn_segments_decay(&s);
	assert_int_equal(r->dirty, 48 * MB);
	r->low = 0;
	port_sleep_ms(1000);
	qn_segments_decay(&s);
	assert_in_range(r->dirty, 24 * MB, 40 * MB);
	for (int i = 0; i < 8; i++) {
		r->low = 0;
		port_sleep_ms(1000);
		qn_segments_decay(&s);
	}
	assert_true(r->boost == 100 * MB);
	assert_in_range(r->dirty, 1 * MB,
			DIRTY_BASE + r->used / 16 + r->used / 4 + MB);
	check();
}

/* Pressure leaves (1 - p)^2 of the time and of all limits, but for a thread's least */
static void test_pressure_scales(void **state)
{
	static const struct {
		u32 pressure, of_64;
	} left[] = { { 0, 64 },  { 128, 49 }, { 512, 16 }, { 768, 4 },
		     { 896, 1 }, { 1024, 0 }, { 4096, 0 } };

	const size_t share = 64 << 10;
	struct qn_resident *r = &s.resident;

	(void)state;
	begin(4096);
	knobs.dirty = 64 * MB;
	r->page_ns = 4096;
	knobs.price = 6400;
	for (size_t i = 0; i < sizeof(left) / sizeof(*left); i++) {
		r->pressure = left[i].pressure;
		assert_int_equal(qn_resident_keep_ms(r), 100 * left[i].of_64);
		/* The preset price again: limits follow neither */
		knobs.price = QN_PRICE_PRESET;
		assert_int_equal(qn_resident_limit(r, QN_KEEP_SPARSE),
				 left[i].of_64 ? left[i].of_64 * MB : share);
		assert_int_equal(qn_resident_limit(r, QN_KEEP_SHARE),
				 left[i].of_64 ? left[i].of_64 * MB : share);
		knobs.price = 6400;
	}
	/* A limit that is lower in any case is not raised */
	knobs.dirty = 0;
	assert_int_equal(qn_resident_limit(r, QN_KEEP_SPARSE), 0);
}

/* Dirty memory beyond what pressure allows goes, a slice a call */
static void test_pressure_purges(void **state)
{
	struct qn_unit *big, *u;
	struct qn_resident *r = &s.resident;
	size_t before;

	(void)state;
	begin(4096);
	knobs.dirty = 64 * MB;
	big = take_island(UNITS(32 * MB));
	u = take_island(UNITS(2 * MB));
	drop(big);
	assert_int_equal(r->dirty, 32 * MB);
	/* A quarter of the limit may stay, 16 MB and a part of what is in use */
	r->pressure = 512;
	drop(u);
	/* What came and a slice, and not all at once */
	assert_int_equal(r->dirty, 31 * MB);
	for (int i = 0; i < 40; i++) {
		before = r->dirty;
		drop(take_island(1));
		/* Three units were taken of it */
		assert_true(before - r->dirty <= MB + 3 * QN_UNIT_SIZE);
	}
	assert_in_range(r->dirty, 12 * MB, 17 * MB);
	/* None at all */
	r->pressure = 1024;
	for (int i = 0; i < 40; i++)
		drop(take_island(1));
	assert_int_equal(r->dirty, 0);
	/* It falls: memory is kept as before, and nothing went up meanwhile */
	r->pressure = 0;
	drop(take_island(UNITS(48 * MB)));
	assert_int_equal(r->dirty, 48 * MB);
	assert_int_equal(r->boost, 0);
	check();
}

/* The same by age: what is a little old goes without any free */
static void test_pressure_ages(void **state)
{
	struct qn_resident *r = &s.resident;

	(void)state;
	begin(4096);
	knobs.dirty = 64 * MB;
	drop(take_island(UNITS(8 * MB)));
	port_sleep_ms(100);
	while (qn_segments_purge_old(&s))
		;
	assert_int_equal(r->dirty, 8 * MB);
	r->pressure = 900;
	while (qn_segments_purge_old(&s))
		;
	assert_int_equal(r->dirty, 0);
	/* At once */
	r->pressure = 0;
	drop(take_island(UNITS(8 * MB)));
	r->pressure = 1024;
	assert_true(qn_segments_purge_old(&s));
	assert_int_equal(r->dirty, 7 * MB);
	while (qn_segments_purge_old(&s))
		;
	assert_int_equal(r->dirty, 0);
	check();
}

static void price_is(size_t price, u32 keep)
{
	knobs.price = price;
	assert_int_equal(qn_resident_keep_ms(&s.resident), keep);
}

static void keep_is(size_t keep, u32 ms)
{
	knobs.keep = keep;
	assert_int_equal(qn_resident_keep_ms(&s.resident), ms);
}

static size_t limit_at(size_t price, enum qn_keep keep)
{
	knobs.price = price;
	return qn_resident_limit(&s.resident, keep);
}

/* What is kept in any case follows the price, and what was learned does not fall with it */
static void test_price_moves_limits(void **state)
{
	struct qn_resident *r = &s.resident;
	size_t keep;

	(void)state;
	begin(4096);
	knobs.dirty = 32 * MB;
	for (int k = QN_KEEP_SPARSE; k <= QN_KEEP_WAITING; k++) {
		assert_int_equal(limit_at(QN_PRICE_PRESET, k), 32 * MB);
		assert_int_equal(limit_at(QN_PRICE_PRESET / 2, k), 16 * MB);
		assert_int_equal(limit_at(QN_PRICE_PRESET / 16, k), 2 * MB);
		assert_int_equal(limit_at(QN_PRICE_PRESET * 4, k), 128 * MB);
		/* To a bound */
		assert_int_equal(limit_at(QN_PRICE_PRESET * 64, k), 512 * MB);
	}
	r->boost = 8 * MB;
	assert_int_equal(limit_at(QN_PRICE_PRESET / 2, QN_KEEP_SPARSE),
			 20 * MB);
	assert_int_equal(limit_at(QN_PRICE_PRESET * 4, QN_KEEP_SPARSE),
			 144 * MB);
	/* To merge blocks that wait costs no refault */
	assert_int_equal(limit_at(QN_PRICE_PRESET, QN_KEEP_WAITING), 32 * MB);
	/* Dirty runs */
	r->boost = 0;
	r->dirty = 20 * MB;
	knobs.price = QN_PRICE_PRESET;
	assert_false(qn_resident_is_much(r, 0, &keep));
	knobs.price = QN_PRICE_PRESET / 2;
	assert_true(qn_resident_is_much(r, 0, &keep));
	assert_int_equal(keep, 12 * MB);
	r->dirty = 0;
}

/* Where memory is dear, to fetch it again after a short time is no mistake */
static void test_price_moves_refaults(void **state)
{
	(void)state;
	begin(4096);
	take(1);
	knobs.price = QN_PRICE_PRESET / 10;
	refault(UNITS(1 * MB), 190);
	assert_int_equal(s.resident.refaults, 1 * MB);
	refault(UNITS(1 * MB), 300);
	assert_int_equal(s.resident.refaults, 1 * MB);
	knobs.price = QN_PRICE_PRESET;
	refault(UNITS(1 * MB), 300);
	assert_int_equal(s.resident.refaults, 2 * MB);
	assert_int_equal(qn_resident_refault_ms(&s.resident), 2000);
	knobs.price = QN_PRICE_PRESET / 10;
	assert_int_equal(qn_resident_refault_ms(&s.resident), 200);
	/* A higher price does not lengthen it */
	knobs.price = QN_PRICE_PRESET * 2;
	assert_int_equal(qn_resident_refault_ms(&s.resident), 2000);
	refault(UNITS(1 * MB), 3000);
	assert_int_equal(s.resident.refaults, 2 * MB);
}

/* What it costs to fetch a page again, over the price of keeping it */
static void test_break_even(void **state)
{
	(void)state;
	begin(4096);
	s.resident.page_ns = 1638;
	/* 1.638 us / 4.096e-6 GB x 7.5 GB-seconds a second */
	price_is(7500, 2999);
	price_is(75, 29);
	price_is(1, 1);
	price_is(75000, 29992);
	price_is(1000000000, 399902343);
	s.resident.page_ns = 20000;
	price_is(1000000000, 2592000000u);
	s.resident.page_ns = 1638;
	price_is(7500, 2999);
	keep_is(32, 5998);
	keep_is(4, 749);
	keep_is(1, 187);
	keep_is(0, 1);
	keep_is(1 << 20, 196542464);
	knobs.price = 1000000000;
	keep_is(1 << 20, 2592000000u);
}

/* Dirty runs go when they are old, the oldest first, a slice at a time, and no others */
static void test_purge_old(void **state)
{
	struct qn_unit *u[4];
	unsigned int calls = 0;

	(void)state;
	begin(4096);
	knobs.dirty = 64 * MB;
	knobs.price = 7500;
	s.resident.page_ns = 1638;
	for (int i = 0; i < 4; i++)
		u[i] = take_island(UNITS(3 * MB));
	for (int i = 0; i < 3; i++) {
		drop(u[i]);
		port_sleep_ms(1000);
	}
	/* The first waits for 3000 ms, the second for 2000 */
	assert_int_equal(s.resident.dirty, 9 * MB);
	while (qn_segments_purge_old(&s)) {
		assert_true(++calls < 3);
		assert_int_equal(s.resident.dirty, 9 * MB - calls * MB);
		assert_ptr_equal(s.oldest, u[0]);
		check();
	}
	assert_int_equal(s.resident.dirty, 6 * MB);
	assert_int_equal(u[0]->kind, QN_UNIT_CLEAN);
	assert_false(qn_segments_purge_old(&s));
	assert_int_equal(s.resident.dirty, 6 * MB);
	/* Memory is dear now */
	knobs.price = 4000;
	while (qn_segments_purge_old(&s))
		;
	assert_int_equal(s.resident.dirty, 3 * MB);
	assert_int_equal(u[2]->kind, QN_UNIT_DIRTY);
	/* The system does not want it: no end without one */
	port_sleep_ms(60000);
	port_refuse(&port.purge, 0, UINT32_MAX);
	assert_false(qn_segments_purge_old(&s));
	assert_int_equal(s.resident.dirty, 3 * MB);
	port_grant(&port.purge);
	port_sleep_ms(60000);
	while (qn_segments_purge_old(&s))
		;
	assert_int_equal(s.resident.dirty, 0);
	check();
}

/* What is taken of a run, and what comes to lie beside it, leaves the rest as old as it was */
static void test_traffic_keeps_ages(void **state)
{
	struct qn_unit *u, *beside;

	(void)state;
	begin(4096);
	knobs.dirty = 64 * MB;
	knobs.price = 7500;
	s.resident.page_ns = 1638;
	u = take(UNITS(16 * MB));
	beside = take(1);
	take(1);
	drop(u);
	drop(beside);
	for (int ms = 0; ms < 2900; ms += 100) {
		port_sleep_ms(100);
		beside = take(1);
		assert_true(beside >= u && beside <= u + UNITS(16 * MB));
		drop(beside);
		while (qn_segments_purge_old(&s))
			;
		assert_int_equal(s.resident.dirty, 16 * MB + QN_UNIT_SIZE);
		check();
	}
	port_sleep_ms(200);
	while (qn_segments_purge_old(&s))
		;
	assert_int_equal(s.resident.dirty, 0);
	check();
}

/* Runs of all ages, merged and cut by chance, stay in the order of their ages */
static void test_ages_in_order(void **state)
{
	struct qn_unit *u[200];
	u32 random = 5;

	(void)state;
	begin(4096);
	knobs.dirty = 512 * MB;
	for (size_t i = 0; i < ARRAY_SIZE(u); i++)
		u[i] = take(1 + i % 7);
	for (int n = 0; n < 4000; n++) {
		struct qn_unit **at = &u[random_next(&random) % ARRAY_SIZE(u)];
		u32 since = s.oldest ? s.oldest->since : 0;

		if (*at)
			drop(*at);
		*at = *at ? NULL : take(1 + random % 7);
		port_sleep_ms(random % 16);
		for (struct qn_unit *i = s.oldest; i; i = i->newer) {
			assert_true((s32)(i->since - since) >= 0);
			since = i->since;
		}
		check();
	}
}

/* Units of slabs that wait on the lists of spare ones grow old as well */
static void test_purge_old_spares(void **state)
{
	struct qn_unit *u;

	(void)state;
	begin(4096);
	knobs.dirty = 64 * MB;
	u = qn_unit_alloc(&s, true);
	unit_drop(u, 0xffff);
	qn_segments_purge_old(&s);
	assert_int_equal(u->kind, QN_UNIT_SPARE);
	/* None came since */
	qn_segments_purge_old(&s);
	assert_int_equal(u->kind, QN_UNIT_DIRTY);
	port_sleep_ms(4000);
	qn_segments_purge_old(&s);
	assert_int_equal(s.resident.dirty, 0);
	check();
}

/* What is needed at times within a second is not taken away */
static void test_no_decay_while_needed(void **state)
{
	struct qn_unit *u;

	(void)state;
	begin(4096);
	take(1);
	for (int i = 0; i < 5; i++)
		refault(UNITS(1 * MB), 10);
	assert_int_equal(s.resident.boost, 8 * MB);
	for (int i = 0; i < 20; i++) {
		u = take(UNITS(4 * MB));
		drop(u);
		port_sleep_ms(1000);
		qn_segments_decay(&s);
	}
	assert_int_equal(s.resident.boost, 8 * MB);
	assert_int_equal(s.resident.dirty, 4 * MB);
}

static void test_purge_fails(void **state)
{
	struct qn_unit *a, *b;
	bool zeroed;

	(void)state;
	begin(4096);
	a = take_island(4);
	b = take_island(4);
	drop(a);
	drop(b);
	port_refuse(&port.purge, 0, 100);
	assert_int_equal(qn_segments_purge(&s, 0), 0);
	assert_int_equal(s.resident.dirty, 8 * QN_UNIT_SIZE);
	assert_int_equal(s.resident.purged, 0);
	assert_int_equal(s.resident.nr_purges, 0);
	assert_int_equal(check().runs[1], 2);
	assert_non_null(qn_run_alloc(&s, 4, 1, QN_UNIT_LARGE, &zeroed));
	assert_false(zeroed);
	port_grant(&port.purge);
	assert_int_equal(qn_segments_purge(&s, 0), 4 * QN_UNIT_SIZE);
	assert_int_equal(s.resident.dirty, 0);
	check();
}

/* Every free tries in vain to purge: nothing is lost, and it works again later */
static void test_purge_fails_under_load(void **state)
{
	struct qn_unit *u[100];

	(void)state;
	begin(4096);
	for (int i = 0; i < 100; i++)
		u[i] = take_island(1);
	port_refuse(&port.purge, 0, UINT32_MAX);
	for (int i = 0; i < 100; i++) {
		drop(u[i]);
		check();
	}
	assert_int_equal(s.resident.dirty, 100 * QN_UNIT_SIZE);
	port_grant(&port.purge);
	drop(take(1));
	assert_true(s.resident.dirty <= limit());
	check();
}

/* ---- resizing ---- */

static void test_resize_shrinks(void **state)
{
	struct qn_unit *u;

	(void)state;
	begin(4096);
	u = take(10);
	take(1);
	memset(start(u), 0x11, 10 * QN_UNIT_SIZE);
	assert_true(qn_run_resize(&s, u, 10, 0));
	assert_true(qn_run_resize(&s, u, 4, 6 * QN_UNIT_SIZE));
	assert_int_equal(u->run.size, 4);
	assert_int_equal(s.resident.used, 5 * QN_UNIT_SIZE);
	assert_int_equal(s.resident.dirty, 6 * QN_UNIT_SIZE);
	assert_int_equal(check().free[1], 6);
	assert_true(qn_run_resize(&s, u, 1, 3 * QN_UNIT_SIZE));
	assert_int_equal(check().free[1], 9);
	assert_int_equal(check().runs[1], 1);
	assert_int_equal(start(u)[QN_UNIT_SIZE - 1], 0x11);
	/* And up again to just what there was */
	assert_true(qn_run_resize(&s, u, 10, 0));
	assert_int_equal(check().free[1], 0);
	assert_false(qn_run_resize(&s, u, 11, 0));
	assert_int_equal(u->run.size, 10);
	check();
}

/* The part that was never written is clean */
static void test_resize_cuts_clean(void **state)
{
	struct qn_unit *u, *v;
	bool zeroed;

	(void)state;
	begin(4096);
	u = take_island(6);
	memset(start(u), 0x11, 2 * QN_UNIT_SIZE);
	assert_true(qn_run_resize(&s, u, 2, 0));
	assert_int_equal(check().free[0], 4);
	v = qn_run_alloc(&s, 4, 1, QN_UNIT_LARGE, &zeroed);
	assert_ptr_equal(v, u + 2);
	assert_true(zeroed && reads_zero(start(v), 4 * QN_UNIT_SIZE));
}

static void test_resize_into_neighbour(void **state)
{
	(void)state;
	for (int dirty = 0; dirty < 2; dirty++) {
		struct qn_unit *u, *v;

		begin(4096);
		u = take(3);
		v = take(5);
		take(1);
		memset(start(u), 0x22, 3 * QN_UNIT_SIZE);
		assert_false(qn_run_resize(&s, u, 4, 0));
		if (dirty)
			drop(v);
		else
			drop_clean(v);
		assert_false(qn_run_resize(&s, u, 9, 0));
		assert_int_equal(u->run.size, 3);
		check();
		assert_true(qn_run_resize(&s, u, 5, 0));
		assert_int_equal(check().free[dirty], 3);
		assert_true(qn_run_resize(&s, u, 8, 0));
		assert_int_equal(check().free[dirty], 0);
		assert_int_equal(start(u)[0], 0x22);
		assert_int_equal(start(u)[3 * QN_UNIT_SIZE - 1], 0x22);
		assert_int_equal(s.resident.used, 9 * QN_UNIT_SIZE);
		assert_int_equal(s.resident.dirty, 0);
	}
}

static void test_resize_at_frontier(void **state)
{
	const struct qn_segment *seg = &s.space.seg[0];
	struct qn_unit *u;
	size_t room;

	(void)state;
	begin(4096);
	take(1);
	u = take(1);
	start(u)[0] = 1;
	assert_true(qn_run_resize(&s, u, 100, 0));
	check_borders(u);
	assert_true(reads_zero(start(u) + QN_UNIT_SIZE, 99 * QN_UNIT_SIZE));
	check();
	/* To the last unit of the segment, and not over it */
	room = seg->max - seg->frontier;
	assert_false(qn_run_resize(&s, u, 100 + room + 1, 0));
	check();
	assert_true(qn_run_resize(&s, u, 100 + room, 0));
	assert_int_equal(seg->frontier, seg->max);
	check_borders(u);
	check();
	assert_true(qn_run_resize(&s, u, 1, (99 + room) << QN_UNIT_SHIFT));
	assert_int_equal(start(u)[0], 1);
	check();
}

static void test_resize_commit_refused(void **state)
{
	struct qn_unit *u;

	(void)state;
	begin(4096);
	u = take(1);
	port_refuse(&port.extend, 0, 100);
	assert_false(qn_run_resize(&s, u, UNITS(100 * MB), 0));
	assert_int_equal(u->run.size, 1);
	check();
	port_grant(&port.extend);
	assert_true(qn_run_resize(&s, u, UNITS(100 * MB), 0));
	check_borders(u);
	check();
}

/* ---- growth and refusals ---- */

static void test_grows_in_place(void **state)
{
	size_t sum = 0;

	(void)state;
	for (size_t skew = 0; skew < QN_UNIT_SIZE; skew += 20 << 10) {
		begin(4096);
		port.skew = skew;
		for (sum = 0; sum < 9 * GB; sum += 384 * MB)
			check_borders(take(UNITS(384 * MB)));
		assert_int_equal(s.space.nr, 1);
		assert_in_range(qn_space_mapped(&s.space), 9 * GB, 18 * GB);
		check();
	}
}

static void test_grows_to_the_end(void **state)
{
	const struct qn_segment *seg = &s.space.seg[0];
	size_t n = UNITS(4 * GB);

	(void)state;
	begin(4096);
	port.extend.most = 65 * GB;
	for (size_t sum = 0; sum + n <= QN_SEGMENT_MAX; sum += n)
		check_borders(take(n));
	assert_int_equal(s.space.nr, 1);
	assert_int_equal(seg->committed, seg->max);
	assert_int_equal(seg->frontier, seg->max);
	check_borders(take(1));
	assert_int_equal(s.space.nr, 2);
	check();
}

/* Something lies behind segment 0 */
static void test_second_segment(void **state)
{
	struct qn_unit *a, *b, *c;
	size_t rest;

	(void)state;
	begin(4096);
	port.no_places = true;
	a = take(100);
	rest = s.space.seg[0].max - 100;
	b = take(rest + 1);
	assert_int_equal(s.space.nr, 2);
	check_borders(a);
	check_borders(b);
	check();
	/* What was mapped behind the first one's frontier is used again */
	assert_true(rest > 0);
	c = take(rest);
	assert_ptr_equal(c, a + 100);
	drop(a);
	drop(b);
	drop(c);
	assert_int_equal(check().used, 0);
	qn_segments_purge(&s, 0);
	check();
	/* Memory of two segments never becomes one run */
	assert_int_equal(check().runs[0], 2);
}

static void test_larger_than_a_segment(void **state)
{
	struct qn_unit *small, *u;

	(void)state;
	begin(4096);
	port.no_places = true;
	small = take(1);
	u = take(UNITS(3 * GB));
	check_borders(u);
	check();
	check_borders(take(UNITS(16 * MB)));
	drop_clean(u);
	assert_ptr_equal(take(UNITS(3 * GB)), u);
	check_borders(small);
	check();
	/* The first of all, so that nothing of segment 0 is ever touched */
	begin(4096);
	port.no_places = true;
	check_borders(take(UNITS(3 * GB)));
	check();
	check_borders(take(1));
	check();
}

/* Locked or limited memory: what is not used is hardly mapped */
static void test_begins_small(void **state)
{
	(void)state;
	begin(4096);
	take(1);
	assert_true(qn_space_mapped(&s.space) <= 2 * MB);
	while (s.resident.used < 40 * MB) {
		take(1);
		assert_true(qn_space_mapped(&s.space) <=
			    s.resident.used + s.resident.used / 4 + 2 * MB);
	}
	check();
}

static void test_begins_smaller(void **state)
{
	struct qn_unit *u;

	(void)state;
	for (size_t most = 4 * MB; most >= QN_UNIT_SIZE; most /= 2) {
		begin(4096);
		port.map.most = most;
		for (int i = 0; i < 3; i++)
			check_borders(take(UNITS(8 * MB)));
		assert_int_equal(s.space.nr, 1);
		check();
		/* What may lie anywhere is aligned by cutting it off */
		begin(4096);
		port.map.most = most;
		port.no_places = true;
		u = qn_run_alloc(&s, 1, 1, QN_UNIT_LARGE, NULL);
		assert_int_equal(u != NULL, most >= 3 * QN_UNIT_SIZE);
		check();
	}
	begin(4096);
	port.map.most = QN_UNIT_SIZE - 1;
	assert_null(qn_run_alloc(&s, 1, 1, QN_UNIT_LARGE, NULL));
	assert_int_equal(s.space.nr, 0);
	assert_int_equal(check().used, 0);
	port_grant(&port.map);
	check_borders(take(1));
	check();
}

/* A process that may have one mapping more: it grows, and so does the heap */
static void test_one_mapping(void **state)
{
	(void)state;
	begin(4096);
	port_refuse(&port.map, 1, 1);
	take(1);
	assert_int_equal(s.space.nr, 1);
	assert_int_equal(port.map.nr, 3);
	port_refuse(&port.map, 0, UINT32_MAX);
	for (size_t sum = 0; sum < 900 * MB; sum += 9 * MB)
		check_borders(take(UNITS(9 * MB)));
	assert_null(qn_run_alloc(&s, UNITS(200 * MB), 1, QN_UNIT_LARGE, NULL));
	port_grant(&port.map);
	check_borders(take(UNITS(200 * MB)));
	check();
}

/* What is mapped is resident at once, so no step is long */
static void test_locked(void **state)
{
	(void)state;
	for (int places = 0; places < 2; places++) {
		begin(4096);
		port.locked = true;
		port.no_places = !places;
		take(UNITS(100 * MB));
		take(UNITS(100 * MB));
		/* Now it is known */
		for (int i = 0; i < 64; i++) {
			size_t before = qn_space_mapped(&s.space);

			take(UNITS(3 * MB));
			assert_true(qn_space_mapped(&s.space) - before <=
				    (places ? 5 * MB : 4 * MB + before / 8));
		}
		check();
	}
	/* It no longer is */
	begin(4096);
	port.locked = true;
	take(UNITS(200 * MB));
	take(UNITS(200 * MB));
	port.locked = false;
	for (int i = 0; i < 400; i++)
		take(UNITS(3 * MB));
	assert_true(s.space.seg[0].committed >
		    s.space.seg[0].frontier + UNITS(8 * MB));
}

/* Chunks of medium blocks: as many units as there are */
static void test_chunk_halves(void **state)
{
	struct qn_unit *u;

	(void)state;
	begin(4096);
	port.map.most = port.extend.most = 5 * QN_UNIT_SIZE;
	u = qn_chunk_alloc(&s, 16, 2);
	assert_non_null(u);
	assert_in_range(u->run.size, 4, 8);
	assert_int_equal(u->touched, 0);
	port.map.most = port.extend.most = QN_UNIT_SIZE;
	while ((u = qn_chunk_alloc(&s, 16, 2)))
		assert_in_range(u->run.size, 2, 4);
	check();
}

/* Every request to the kernel refused once, in turn: NULL, and nothing is lost */
static void test_each_refusal(void **state)
{
	(void)state;
	for (unsigned int n = 0; n < 24; n++) {
		struct port_call *call = n % 2 ? &port.map : &port.extend;
		struct qn_unit *u[12];

		begin(4096);
		port.no_places = n % 4 < 2;
		port_refuse(call, n / 2, 1 + n % 3);
		for (size_t i = 0; i < 12; i++) {
			u[i] = qn_run_alloc(&s, UNITS(200 * MB), 1 + i % 2,
					    QN_UNIT_LARGE, NULL);
			check();
		}
		port_grant(call);
		for (int i = 0; i < 12; i++) {
			if (!u[i])
				u[i] = take(UNITS(200 * MB));
			check_borders(u[i]);
		}
		check();
	}
}

/* Not a page more for a while */
static void test_commit_refused(void **state)
{
	struct qn_unit *u = NULL, *v;
	size_t nr = 0;

	(void)state;
	begin(4096);
	take(1);
	port_refuse_all();
	for (;;) {
		v = qn_run_alloc(&s, 1, 1, QN_UNIT_LARGE, NULL);
		if (!v)
			break;
		u = v;
		nr++;
	}
	assert_true(nr < UNITS(64 * MB));
	check();
	assert_null(qn_run_alloc(&s, 1, 1, QN_UNIT_LARGE, NULL));
	/* What is freed can be had again */
	drop(u);
	assert_ptr_equal(take(1), u);
	assert_null(qn_run_alloc(&s, 1, 1, QN_UNIT_LARGE, NULL));
	port_grant_all();
	check_borders(take(1000));
	check();
}

/* Where looking ahead is refused, the bare need may still be granted */
static void test_commit_little(void **state)
{
	(void)state;
	begin(4096);
	take(1);
	port.extend.most = QN_UNIT_SIZE;
	for (int i = 0; i < 100; i++) {
		check_borders(take(1));
		check();
	}
}

static void test_segments_run_out(void **state)
{
	unsigned int nr = 0;

	(void)state;
	begin(4096);
	port.no_places = true;
	port.map.most = 33 * MB;
	while (qn_run_alloc(&s, UNITS(15 * MB), 1, QN_UNIT_LARGE, NULL))
		nr++;
	assert_int_equal(s.space.nr, QN_NR_SEGMENTS);
	assert_true(nr >= QN_NR_SEGMENTS);
	check();
	/* Smaller requests find what is left over */
	check_borders(take(1));
	check();
}

static void test_absurd_sizes(void **state)
{
	(void)state;
	begin(4096);
	assert_null(
		qn_run_alloc(&s, UNITS(PTRDIFF_MAX), 1, QN_UNIT_LARGE, NULL));
	assert_null(qn_run_alloc(&s, 1, UNITS(PTRDIFF_MAX / 2 + 1),
				 QN_UNIT_LARGE, NULL));
	assert_null(qn_run_alloc(&s, UNITS(PTRDIFF_MAX),
				 UNITS(PTRDIFF_MAX / 2 + 1), QN_UNIT_LARGE,
				 NULL));
	check();
	check_borders(take(1));
	assert_null(
		qn_run_alloc(&s, UNITS(PTRDIFF_MAX), 1, QN_UNIT_LARGE, NULL));
	check_borders(take(1));
	check();
}

static void test_figures(void **state)
{
	size_t before;

	(void)state;
	begin(4096);
	assert_int_equal(qn_space_metadata(&s.space), 0);
	assert_int_equal(qn_space_mapped(&s.space), 0);
	take(1);
	before = qn_space_metadata(&s.space);
	assert_int_equal(before, 4096);
	take(1000);
	assert_in_range(qn_space_metadata(&s.space), 64064, 64064 + 4096);
	assert_in_range(qn_space_mapped(&s.space), 1001 * QN_UNIT_SIZE,
			70 * MB);
}

/* ---- the checker itself ---- */

static void test_check_finds_damage(void **state)
{
	struct qn_unit *a, *b;

	(void)state;
	begin(4096);
	a = take_island(2);
	b = take_island(3);
	drop(a);
	assert_null(qn_segments_check(&s));
	a[1].run.size++;
	assert_non_null(qn_segments_check(&s));
	a[1].run.size--;
	a->nr_touched++;
	assert_non_null(qn_segments_check(&s));
	a->nr_touched--;
	b->kind = QN_UNIT_NONE;
	assert_non_null(qn_segments_check(&s));
	b->kind = QN_UNIT_LARGE;
	b->run.size = 100;
	assert_non_null(qn_segments_check(&s));
	b->run.size = 0;
	assert_non_null(qn_segments_check(&s));
	b->run.size = 3;
	b->owner = (struct qn_local *)(void *)&s;
	assert_non_null(qn_segments_check(&s));
	b->owner = NULL;
	check();
}

/* What the bins have is held against the descriptors */
static void test_check_finds_damaged_bins(void **state)
{
	struct qn_unit *a, *b;
	struct qn_bins *bins;

	(void)state;
	begin(4096);
	a = take_island(2);
	b = take_island(2);
	drop(a);
	assert_int_equal(a->kind, QN_UNIT_DIRTY);
	bins = &s.bins[true];
	assert_ptr_equal(bins->head[2], &a->run);
	/* It lacks; one in use is there instead; it is among those of the other kind */
	qn_bins_del(bins, &a->run);
	assert_non_null(qn_segments_check(&s));
	qn_bins_add(bins, &b->run);
	assert_non_null(qn_segments_check(&s));
	qn_bins_del(bins, &b->run);
	qn_bins_add(&s.bins[false], &a->run);
	assert_non_null(qn_segments_check(&s));
	qn_bins_del(&s.bins[false], &a->run);
	qn_bins_add(bins, &a->run);
	assert_null(qn_segments_check(&s));
	/* What is no descriptor is not looked into */
	bins->head[2] = (struct qn_run *)(void *)((char *)&a->run + 8);
	assert_non_null(qn_segments_check(&s));
	bins->head[2] = &((struct qn_unit *)(void *)64)->run;
	assert_non_null(qn_segments_check(&s));
	bins->head[2] = &a->run;
	check();
}

/* ---- long sequences against a shadow ---- */

/* @dirty: the run reads as zero from there on */
struct shadow {
	struct qn_unit *u;
	size_t nr;
	size_t dirty;
	u32 tag;
};

static struct shadow shadow[NR_RUNS];

static size_t roll_size(void)
{
	switch (roll(20)) {
	case 0:
		return 1 + roll(300);
	case 1:
	case 2:
	case 3:
		return 1 + roll(40);
	default:
		return 1 + roll(6);
	}
}

/* A mark in each unit, to see that nobody else writes there */
static void shadow_mark(struct shadow *r, size_t from)
{
	char *p = start(r->u);

	for (size_t i = from; i < r->nr; i++)
		memcpy(p + (i << QN_UNIT_SHIFT), &r->tag, sizeof(r->tag));
	r->dirty = r->nr << QN_UNIT_SHIFT;
}

static void shadow_verify(const struct shadow *r, size_t nr)
{
	const char *p = start(r->u);

	assert_int_equal(r->u->run.size, r->nr);
	assert_int_equal(r->u->kind, QN_UNIT_LARGE);
	for (size_t i = 0; i < nr; i++)
		assert_memory_equal(p + (i << QN_UNIT_SHIFT), &r->tag,
				    sizeof(r->tag));
}

static void shadow_alloc(struct shadow *r, u32 tag)
{
	size_t align = (size_t)1 << (roll(4) ? 0 : roll(6));
	bool zeroed;
	char *p;

	r->nr = roll_size();
	r->tag = tag;
	r->u = qn_run_alloc(&s, r->nr, align, QN_UNIT_LARGE, &zeroed);
	if (!r->u)
		return;
	p = start(r->u);
	assert_true(is_aligned((uintptr_t)p, align << QN_UNIT_SHIFT));
	if (zeroed && r->nr < 50)
		assert_true(reads_zero(p, r->nr << QN_UNIT_SHIFT));
	r->dirty = zeroed ? 0 : r->nr << QN_UNIT_SHIFT;
	/* Some runs are never written to */
	if (!zeroed || roll(4))
		shadow_mark(r, 0);
}

static void shadow_free(struct shadow *r)
{
	if (r->dirty)
		shadow_verify(r, r->nr);
	qn_run_free(&s, r->u, r->dirty);
	r->u = NULL;
}

static void shadow_resize(struct shadow *r)
{
	size_t nr = roll_size(), old = r->nr;
	size_t kept = min(nr, old) << QN_UNIT_SHIFT;

	if (!r->dirty)
		shadow_mark(r, 0);
	if (!qn_run_resize(&s, r->u, nr, r->dirty - min(r->dirty, kept))) {
		assert_true(nr > old);
		shadow_verify(r, old);
		return;
	}
	r->nr = nr;
	shadow_verify(r, min(nr, old));
	shadow_mark(r, min(nr, old));
}

/* The kernel is in a bad mood for some requests */
static void shadow_trouble(void)
{
	static struct port_call *const calls[] = { &port.extend, &port.map,
						   &port.purge };

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		port_grant(calls[i]);
		if (!roll(3))
			port_refuse(calls[i], roll(4), 1 + roll(3));
	}
}

static void shadow_step(u32 tag, bool trouble)
{
	struct shadow *r = &shadow[roll(NR_RUNS)];

	if (!r->u)
		shadow_alloc(r, tag);
	else if (roll(3) == 0)
		shadow_resize(r);
	else
		shadow_free(r);
	if (roll(50) == 0)
		port_sleep_ms(roll(3000));
	if (roll(100) == 0)
		qn_segments_decay(&s);
	if (roll(200) == 0)
		qn_segments_purge(&s, roll(4) * MB);
	if (trouble && roll(40) == 0)
		shadow_trouble();
}

static void shadow_run(unsigned int steps, bool trouble)
{
	memset(shadow, 0, sizeof(shadow));
	for (u32 i = 0; i < steps; i++) {
		shadow_step(i + 1, trouble);
		check();
	}
	for (u32 i = 0; i < NR_RUNS; i++)
		if (shadow[i].u)
			shadow_free(&shadow[i]);
	assert_int_equal(check().used, 0);
	port_grant(&port.purge);
	qn_segments_purge(&s, 0);
	assert_int_equal(s.resident.dirty, 0);
	assert_int_equal(check().runs[1], 0);
}

static void test_random(void **state)
{
	(void)state;
	for (u32 seed = 1; seed <= 3; seed++) {
		begin(page_sizes[seed % 3]);
		random_state = seed * 2654435761u;
		shadow_run(4000, false);
		assert_int_equal(s.space.nr, 1);
	}
}

static void test_random_with_refusals(void **state)
{
	(void)state;
	for (u32 seed = 1; seed <= 3; seed++) {
		begin(page_sizes[seed % 3]);
		random_state = seed * 3266489917u;
		shadow_run(4000, true);
	}
}

/* Many small segments */
static void test_random_in_pieces(void **state)
{
	(void)state;
	for (u32 seed = 1; seed <= 3; seed++) {
		begin(4096);
		port.skew = 4096 * (seed - 1);
		port.no_places = true;
		port.map.most = 40 * MB;
		random_state = seed * 668265263u;
		shadow_run(3000, seed == 3);
		assert_true(s.space.nr > 1);
	}
}

/* A slab whose pages were purged, and that is empty now, is no less a refault */
static void test_refault_of_spare(void **state)
{
	struct qn_unit *u;

	(void)state;
	for (int late = 0; late < 2; late++) {
		begin(4096);
		u = qn_unit_alloc(&s, true);
		u->touched = 0x000f;
		u->hidden_pages = 0x0ff0;
		u->purged = (u32)(port.clock / 1000) | 1;
		qn_unit_free(&s, u);
		port_sleep_ms(late ? 5000 : 100);
		/* One with little resident is asked for: this one */
		assert_ptr_equal(qn_unit_alloc(&s, false), u);
		assert_int_equal(s.resident.refaults,
				 late ? 0 : 8 * QN_PART_SIZE);
	}
}

/* ---- huge pages ---- */

static struct qn_unit *slab_get(bool much)
{
	struct qn_unit *u = qn_unit_alloc(&s, much);

	assert_non_null(u);
	u->touched = 0xffff;
	return u;
}

/* From a size on, and never below; what is not taken at once is used next */
static void test_huge_from(void **state)
{
	const size_t from = 8 * MB, huge = UNITS(QN_PORT_HUGE);

	(void)state;
	begin(4096);
	s.huge = from;
	while (s.resident.used < from) {
		slab_get(true);
		assert_int_equal(port.huge.nr, 0);
	}
	for (size_t i = 0; i < 3 * huge; i++) {
		slab_get(true);
		assert_int_equal(port.huge.nr, i / huge + 1);
		assert_int_equal(s.resident.dirty,
				 (huge - 1 - i % huge) * QN_UNIT_SIZE);
	}
	/* A class that will stay small writes a page at a time */
	slab_get(false);
	assert_int_equal(port.huge.nr, 3);
	/* So does a large run, perhaps never */
	qn_run_alloc(&s, huge, 1, QN_UNIT_LARGE, NULL);
	assert_int_equal(port.huge.nr, 3);
	check();
}

static void test_huge_never(void **state)
{
	(void)state;
	begin(4096);
	while (s.resident.used < 64 * MB)
		slab_get(true);
	assert_int_equal(port.huge.nr, 0);
}

/* Asked again only when there is twice as much; memory comes all the same */
static void test_huge_refused(void **state)
{
	(void)state;
	begin(4096);
	s.huge = MB;
	port_refuse(&port.huge, 0, UINT32_MAX);
	while (s.resident.used < 64 * MB)
		slab_get(true);
	assert_in_range(port.huge.nr, 5, 7);
	port_grant(&port.huge);
	while (s.resident.used < 192 * MB)
		slab_get(true);
	assert_true(port.huge.nr > 7);
	check();
}

static void mixed_get(struct qn_unit **u, char tag)
{
	if (roll(3)) {
		*u = slab_get(roll(4));
		memset(start(*u), tag, QN_UNIT_SIZE);
		return;
	}
	*u = qn_chunk_alloc(&s, 1 + roll(16), 1);
	assert_non_null(*u);
	for (size_t i = 0; i < 16 * (*u)->run.size; i++)
		if (!((*u)[i / 16].touched >> i % 16 & 1))
			assert_true(reads_zero(start(*u) + i * QN_PART_SIZE,
					       QN_PART_SIZE));
	memset(start(*u), tag, (*u)->run.size << QN_UNIT_SHIFT);
}

static void mixed_put(struct qn_unit *u, char tag)
{
	size_t nr = size_of(u);
	const char *p = start(u);

	assert_int_equal(*p, tag);
	assert_memory_equal(p, p + 1, (nr << QN_UNIT_SHIFT) - 1);
	if (u->kind == QN_UNIT_SLAB) {
		qn_unit_free(&s, u);
		return;
	}
	for (size_t i = 0; i < nr; i++)
		u[i].touched = 0xffff;
	qn_run_free_parts(&s, u);
}

/* Slabs and chunks come and go among huge pages, which are there or not */
static void test_huge_random(void **state)
{
	static struct qn_unit *have[256];

	(void)state;
	for (u32 seed = 1; seed <= 3; seed++) {
		begin(page_sizes[seed % 3]);
		s.huge = 4 * MB;
		random_state = seed * 374761393u;
		memset(have, 0, sizeof(have));
		for (u32 i = 0; i < 6000; i++) {
			u32 at = roll(i / 1000 % 2 ? 256 : 32);
			char tag = (char)(at + 1);

			if (have[at]) {
				mixed_put(have[at], tag);
				have[at] = NULL;
			} else {
				mixed_get(&have[at], tag);
			}
			if (!roll(100)) {
				port_refuse(&port.huge, roll(2), 1);
				s.huge = 4 * MB;
			}
			if (!roll(100))
				qn_segments_purge(&s, roll(4) * MB);
			check();
		}
		assert_true(port.huge.nr > 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_kind_and_owner),
		cmocka_unit_test(test_alignment),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_merge_at_ends),
		cmocka_unit_test(test_mix),
		cmocka_unit_test(test_mix_finds_hidden),
		cmocka_unit_test(test_purge_merges),
		cmocka_unit_test(test_zeroed),
		cmocka_unit_test(test_little_dirt_is_dirt),
		cmocka_unit_test(test_dirty_first),
		cmocka_unit_test(test_oldest_first),
		cmocka_unit_test(test_merge_is_youngest),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_spare_units),
		cmocka_unit_test(test_spare_units_are_few),
		cmocka_unit_test(test_purge_in_part),
		cmocka_unit_test(test_refault_boost),
		cmocka_unit_test(test_traffic_keeps_ages),
		cmocka_unit_test(test_ages_in_order),
		cmocka_unit_test(test_price_moves_limits),
		cmocka_unit_test(test_price_moves_refaults),
		cmocka_unit_test(test_no_false_refaults),
		cmocka_unit_test(test_sparse_refaults),
		cmocka_unit_test(test_none_dirty),
		cmocka_unit_test(test_boost_decays),
		cmocka_unit_test(test_boost_is_of_use),
		cmocka_unit_test(test_pressure_scales),
		cmocka_unit_test(test_pressure_purges),
		cmocka_unit_test(test_pressure_ages),
		cmocka_unit_test(test_break_even),
		cmocka_unit_test(test_purge_old),
		cmocka_unit_test(test_purge_old_spares),
		cmocka_unit_test(test_no_decay_while_needed),
		cmocka_unit_test(test_purge_fails),
		cmocka_unit_test(test_purge_fails_under_load),
		cmocka_unit_test(test_resize_shrinks),
		cmocka_unit_test(test_resize_cuts_clean),
		cmocka_unit_test(test_resize_into_neighbour),
		cmocka_unit_test(test_resize_at_frontier),
		cmocka_unit_test(test_resize_commit_refused),
		cmocka_unit_test(test_grows_in_place),
		cmocka_unit_test(test_grows_to_the_end),
		cmocka_unit_test(test_second_segment),
		cmocka_unit_test(test_larger_than_a_segment),
		cmocka_unit_test(test_begins_small),
		cmocka_unit_test(test_begins_smaller),
		cmocka_unit_test(test_one_mapping),
		cmocka_unit_test(test_locked),
		cmocka_unit_test(test_chunk_halves),
		cmocka_unit_test(test_each_refusal),
		cmocka_unit_test(test_commit_refused),
		cmocka_unit_test(test_commit_little),
		cmocka_unit_test(test_segments_run_out),
		cmocka_unit_test(test_absurd_sizes),
		cmocka_unit_test(test_figures),
		cmocka_unit_test(test_check_finds_damage),
		cmocka_unit_test(test_check_finds_damaged_bins),
		cmocka_unit_test(test_refault_of_spare),
		cmocka_unit_test(test_huge_from),
		cmocka_unit_test(test_huge_never),
		cmocka_unit_test(test_huge_refused),
		cmocka_unit_test(test_huge_random),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_random_with_refusals),
		cmocka_unit_test(test_random_in_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
