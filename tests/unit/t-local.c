// SPDX-License-Identifier: MIT
/*
 * t-local.c - a thread's cache: refill, events, sparse slabs, tables that change,
 * frees that go home, and the life of locals.
 *
 * Links: linuxport.c, lib/process/local*.c, lib/process/remote.c and all below them.
 *
 * Invariants checked here:
 * - an object is in one place: with the program, on a list of a local, in a batch,
 *   in an inbox, or free in its slab or chunk; so what all of these count as used is
 *   what the program has plus what waits;
 * - objects never move and keep their contents, whatever table is in use;
 * - free objects are used before untouched memory, what others freed too;
 * - a full slab wakes when an eighth of it is free, and leaves when all of it is;
 *   pages of sparse slabs are purged and all their objects come back;
 * - a class follows the table; sizes above its last share chunks, which do not grow
 *   when sizes take turns;
 * - a remote free arrives after 64 objects or 32 KB, at a change of owner, at once
 *   at an orphan's; a local that was put is adopted with all it has;
 * - once all is freed and trimmed nothing is in use but memory of quern's own, and
 *   the figures say so;
 * - samples of a size are to all samples as its bytes are to all bytes;
 * - a refusal of the kernel costs the request, never the local;
 * - where mallocs are counted one by one, counts and peak are those of the program at any
 *   moment; else they are when a thread has come to its end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "learn/policy-paper-dqn.h"
#include "linuxport.h"
#include "process/local.h"
#include "tags.h"
#include "../random.h"

#define NR_HELD 40000

static struct qn_hub hub;
/* What the program has */
static void *held[NR_HELD];
static u32 held_size[NR_HELD];
static u32 nr_held;

static void begin(size_t page_size)
{
	port_reset(page_size);
	memset(&hub, 0, sizeof(hub));
	assert_int_equal(qn_hub_init(&hub), 0);
	/* Tables change when a test says so */
	qn_controller_init(&hub.controller, &qn_policy_fixed);
	hub.follow.after = UINT64_MAX;
	nr_held = 0;
	random_state = 2463534242u;
}

static struct qn_local *get(void)
{
	struct qn_local *l = qn_local_get(&hub);

	assert_non_null(l);
	return l;
}

/* As begin(), and a first thread */
static struct qn_local *begin_one(size_t page_size)
{
	begin(page_size);
	return get();
}

/* ---- malloc and free, as process.h and process.c do it ---- */

static void *object_alloc(struct qn_local *l, size_t size)
{
	unsigned int c;
	void *p;

	if (size > QN_SLAB_MAX)
		return qn_local_medium_alloc(l, size, QN_ALIGN);
	size = max(size, (size_t)1);
	c = l->front->map[(size + QN_STEP - 1) / QN_STEP];
	p = l->front->heads[c];
	if (!p)
		return qn_local_refill(l, size);
	l->front->heads[c] = *(void **)p;
	return p;
}

static struct qn_unit *unit_of(const void *p)
{
	struct qn_unit *u = qn_segments_find(&hub.segments, p);

	assert_non_null(u);
	return u;
}

static void object_free(struct qn_local *l, void *p)
{
	struct qn_unit *u = unit_of(p);

	assert_true(u->kind == QN_UNIT_SLAB || u->kind == QN_UNIT_MEDIUM);
	if (u->kind == QN_UNIT_MEDIUM && u->holder == l) {
		qn_local_medium_free(l, u, p);
		return;
	}
	if (u->owner != l) {
		qn_local_free_remote(l, u, p);
		return;
	}
	*(void **)p = u->free;
	u->free = p;
	if (--u->count == 0)
		qn_local_event(l, u);
}

/* ---- the program: objects with contents ---- */

static int tag(const void *p, u32 size)
{
	return (int)(((uintptr_t)p >> 4) * 167 + size * 13) & 255;
}

static void verify(const unsigned char *p, u32 size)
{
	int t = tag(p, size);

	if (size)
		assert_true(*p == t && memcmp(p, p + 1, size - 1) == 0);
}

/* What a block can hold */
static size_t usable(const void *p)
{
	const struct qn_unit *u = unit_of(p);

	return u->kind == QN_UNIT_MEDIUM ? qn_medium_size(u, p, "usable") :
					   u->osize;
}

static void check_place(const struct qn_local *l, const void *p, u32 size)
{
	const struct qn_unit *u = unit_of(p);

	assert_true(usable(p) >= size);
	if (size > QN_SLAB_MAX) {
		assert_int_equal(u->kind, QN_UNIT_MEDIUM);
		assert_ptr_equal(u->holder, l);
		assert_true(is_aligned((uintptr_t)p, QN_ALIGN));
		return;
	}
	assert_int_equal(u->kind, QN_UNIT_SLAB);
	assert_ptr_equal(u->owner, l);
	assert_int_equal((uintptr_t)p % QN_UNIT_SIZE % u->osize, 0);
}

static void *hold(struct qn_local *l, u32 size)
{
	unsigned char *p = object_alloc(l, size);

	if (!p)
		return NULL;
	check_place(l, p, size);
	memset(p, tag(p, size), size);
	assert_true(nr_held < NR_HELD);
	held_size[nr_held] = size;
	held[nr_held++] = p;
	return p;
}

static void drop(struct qn_local *l, u32 i)
{
	verify(held[i], held_size[i]);
	object_free(l, held[i]);
	held[i] = held[--nr_held];
	held_size[i] = held_size[nr_held];
}

static void drop_all(struct qn_local *l)
{
	while (nr_held)
		drop(l, nr_held - 1);
}

static void verify_all(void)
{
	for (u32 i = 0; i < nr_held; i++)
		verify(held[i], held_size[i]);
}

/* ---- the second opinion ---- */

/* @units: of chunks */
struct tally {
	size_t used;
	size_t slabs;
	size_t chunks;
	size_t units;
	size_t meta;
};

static u32 free_list(const struct qn_unit *u)
{
	const char *start = qn_unit_start(&hub.segments, u);
	u32 nr = 0;

	for (const char *p = u->free; p; p = *(char *const *)(const void *)p) {
		assert_true((size_t)(p - start) < u->carved * (size_t)u->osize);
		assert_int_equal((size_t)(p - start) % u->osize, 0);
		assert_true(nr++ < u->carved);
	}
	return nr;
}

static void tally_slab(const struct qn_unit *u, struct tally *t)
{
	assert_non_null(u->owner);
	assert_true(u->carved <= u->nr && u->count > 0);
	assert_int_equal(u->carved, qn_slab_used(u) + free_list(u) + u->hidden);
	t->used += qn_slab_used(u);
	t->slabs++;
}

static void tally_chunk(const struct qn_unit *u, struct tally *t)
{
	size_t nr = 0;

	assert_non_null(u->holder);
	for (size_t i = 0; i < u->run.size; i++) {
		assert_int_equal(u[i].kind, QN_UNIT_MEDIUM);
		assert_ptr_equal(u[i].first, u);
		assert_ptr_equal(u[i].holder, u->holder);
	}
	for (const char *p = chunk_first(&hub.segments, u); !is_chunk_end(p);
	     p = block_next(p))
		nr += !block_is_free(p) && !block_waits(p);
	t->used += nr;
	t->chunks++;
	t->units += u->run.size;
}

/* No unit of another run may look like a slab to free() */
static void check_ownerless(const struct qn_unit *u)
{
	for (size_t i = 0; i < u->run.size; i++)
		assert_null(u[i].owner);
}

static bool is_single(const struct qn_unit *u)
{
	return u->kind == QN_UNIT_SLAB || u->kind == QN_UNIT_SPARE;
}

static struct tally tally_all(void)
{
	struct tally t = { 0 };

	for (unsigned int n = 0; n < hub.segments.space.nr; n++) {
		const struct qn_segment *seg = &hub.segments.space.seg[n];
		struct qn_unit *u;

		for (size_t i = 0; i < seg->frontier;
		     i += is_single(u) ? 1 : u->run.size) {
			u = &seg->units[i];
			if (u->kind == QN_UNIT_SLAB)
				tally_slab(u, &t);
			else if (u->kind == QN_UNIT_SPARE)
				assert_null(u->owner);
			else
				check_ownerless(u);
			if (u->kind == QN_UNIT_MEDIUM)
				tally_chunk(u, &t);
			if (u->kind == QN_UNIT_META)
				t.meta += u->run.size << QN_UNIT_SHIFT;
		}
	}
	return t;
}

static size_t chain(const void *p)
{
	size_t nr = 0;

	for (; p; p = *(void *const *)p)
		nr++;
	return nr;
}

static size_t waiting(const struct qn_local *l)
{
	size_t nr = chain(l->batch) + chain(l->inbox);

	assert_int_equal(chain(l->batch), l->batch_nr);
	for (unsigned int c = 0; c < QN_NR_CLASSES; c++)
		nr += chain(l->front->heads[c]);
	return nr;
}

static struct tally check(void)
{
	struct tally t = tally_all();
	size_t nr = nr_held;
	const char *what = qn_segments_check(&hub.segments);

	for (struct qn_local *l = hub.locals; l; l = l->next)
		nr += waiting(l);
	assert_int_equal(t.used, nr);
	for (struct qn_local *l = hub.locals; l && !what; l = l->next)
		what = qn_local_check(l);
	if (what)
		fail_msg("check: %s", what);
	return t;
}

/* Everything was freed: is everything gone? */
static void check_nothing_left(void)
{
	const struct qn_stats_page *page = hub.page;
	struct tally t;

	assert_int_equal(nr_held, 0);
	for (struct qn_local *l = hub.locals; l; l = l->next)
		qn_local_flush_batch(l);
	for (struct qn_local *l = hub.locals; l; l = l->next)
		qn_local_trim(l);
	t = check();
	assert_int_equal(t.used, 0);
	assert_int_equal(t.slabs, 0);
	assert_int_equal(t.chunks, 0);
	assert_int_equal(hub.segments.resident.used, t.meta);
	assert_int_equal(page->live, 0);
	assert_int_equal(page->large, 0);
	for (unsigned int c = 0; c < QN_NR_CLASSES; c++) {
		assert_int_equal(page->classes[c].live, 0);
		assert_int_equal(page->classes[c].slab, 0);
	}
	qn_segments_purge(&hub.segments, 0);
	assert_int_equal(hub.segments.resident.dirty, 0);
}

/* All that the program has is whole, and all that is counted adds up */
static void check_all(void)
{
	verify_all();
	check();
}

/* The thread frees all that the program has, and nothing is left of it */
static void end(struct qn_local *l)
{
	drop_all(l);
	check_nothing_left();
}

/* The thread frees all that the program has, and others' objects go home */
static void send_all(struct qn_local *l)
{
	drop_all(l);
	qn_local_flush_batch(l);
}

static size_t units_of(struct tally t)
{
	return t.slabs + t.units;
}

/* One more is not yet more and more: a slab, or the largest chunk */
static size_t spare_units(u32 size)
{
	return size <= QN_SLAB_MAX ? 1 : 16;
}

/* ---- allocation ---- */

static void test_every_size(void **state)
{
	struct qn_local *l;

	(void)state;
	l = begin_one(4096);
	for (u32 size = 0; size <= QN_MEDIUM_MAX; size += 1 + size / 64) {
		void *p = hold(l, size);

		assert_non_null(p);
		assert_true(is_aligned((uintptr_t)p, QN_ALIGN));
		if (size <= QN_SLAB_MAX)
			assert_int_equal(
				usable(p),
				qn_table_osize(hub.table,
					       hub.table->map[qn_size_steps(
						       max(size, 1u))]));
	}
	check_all();
	end(l);
}

/* An object of a power of two is aligned to it: qn_process_memalign() relies on it */
static void test_powers_of_two(void **state)
{
	struct qn_local *l;

	(void)state;
	l = begin_one(4096);
	for (u32 size = 16; size <= QN_SLAB_MAX; size *= 2)
		for (int i = 0; i < 300; i++) {
			void *p = hold(l, size);

			assert_true(is_aligned((uintptr_t)p, size));
			hold(l, size - size / 20);
		}
	end(l);
}

static void test_random(void **state)
{
	struct qn_local *l;

	(void)state;
	for (u32 seed = 1; seed <= 3; seed++) {
		begin((size_t)4096 << 2 * (seed - 1));
		random_state = seed * 2654435761u;
		l = get();
		for (u32 i = 0; i < 60000; i++) {
			u32 most = 16u << roll(12);

			if (nr_held && roll(i / 10000 % 2 ? 3 : 5) < 2)
				drop(l, roll(nr_held));
			else if (nr_held < NR_HELD)
				assert_non_null(hold(l, roll(most + 1)));
			if (i % 2000 == 0)
				check();
			if (i % 15000 == 14999)
				qn_local_trim(l);
			port.clock += 7;
		}
		end(l);
	}
}

/* Until the list that malloc pops from is empty */
static void exhaust_list(struct qn_local *l, u32 size)
{
	while (l->front->heads[l->table->map[qn_size_steps(size)]])
		assert_non_null(hold(l, size));
}

/* Fill the class's current slab and begin another one */
static struct qn_unit *fill_slab(struct qn_local *l, u32 size)
{
	struct qn_unit *u;

	hold(l, size);
	u = l->class[l->table->map[qn_size_steps(size)]].current;
	while (l->class[u->class].current == u)
		assert_non_null(hold(l, size));
	return u;
}

static u32 held_in(const struct qn_unit *u)
{
	u32 nr = 0;

	for (u32 i = 0; i < nr_held; i++)
		nr += unit_of(held[i]) == u;
	return nr;
}

/* Free @nr of the objects of a slab */
static void drop_in(struct qn_local *l, const struct qn_unit *u, u32 nr)
{
	for (u32 i = nr_held; i > 0 && nr > 0; i--)
		if (unit_of(held[i - 1]) == u) {
			drop(l, i - 1);
			nr--;
		}
}

/* Of slabs */
static const u32 class_sizes[] = { 16, 48, 96, 128, 320, 1024 };
/* and of chunks */
static const u32 all_sizes[] = { 16,   48,   96,   128,  320,   1024,
				 1280, 2048, 4096, 8192, 16384, 32768 };

/* What is seldom asked for lies among what is a quarter larger at most, for a while */
static void test_borrow(void **state)
{
	void *p[64];
	struct qn_local *l;
	struct qn_unit *u;
	u32 nr;

	(void)state;
	l = begin_one(4096);
	u = unit_of(object_alloc(l, 128));
	/* More than a quarter smaller: a slab of its own */
	assert_int_equal(unit_of(object_alloc(l, 96))->osize, 96);
	for (nr = 0; nr < 64; nr++) {
		p[nr] = object_alloc(l, 112);
		if (unit_of(p[nr]) != u)
			break;
	}
	assert_in_range(nr, 4096 / 112, 4096 / 112 + 1);
	assert_int_equal(unit_of(p[nr])->osize, 112);
	assert_null(qn_local_check(l));
	/* A slab of its own stays in use, and lends as well */
	assert_int_equal(unit_of(object_alloc(l, 105))->osize, 112);
	for (u32 i = 0; i <= nr; i++)
		object_free(l, p[i]);
	assert_null(qn_local_check(l));
	assert_int_equal(unit_of(object_alloc(l, 112))->osize, 112);
	/* Nobody larger has anything */
	assert_int_equal(unit_of(object_alloc(l, 512))->osize, 512);
	assert_int_equal(unit_of(object_alloc(l, 480))->osize, 512);
}

static void test_free_before_untouched(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(class_sizes); i++) {
		u32 size = class_sizes[i];
		struct qn_unit *full;
		struct qn_local *l;
		size_t slabs;

		l = begin_one(4096);
		full = fill_slab(l, size);
		exhaust_list(l, size);
		assert_int_equal(held_in(full), full->nr);
		drop_in(l, full, full->nr / 2);
		slabs = check().slabs;
		/* Half a slab and what the new one has: no third one */
		for (u32 n = 0; n < full->nr / 2; n++)
			hold(l, size);
		assert_int_equal(check().slabs, slabs);
		assert_int_equal(held_in(full), full->nr);
		end(l);
	}
}

/* Allocating and freeing one object touches no new memory */
static void test_reuse_at_once(void **state)
{
	struct qn_local *l;

	(void)state;
	l = begin_one(4096);
	for (size_t i = 0; i < ARRAY_SIZE(all_sizes); i++) {
		struct qn_unit *u = NULL;

		for (int n = 0; n < 50000; n++) {
			void *p = object_alloc(l, all_sizes[i]);

			if (!u)
				u = unit_of(p);
			assert_ptr_equal(unit_of(p), u);
			object_free(l, p);
		}
	}
	assert_int_equal(check().slabs, ARRAY_SIZE(class_sizes));
	assert_int_equal(check().chunks, 1);
	check_nothing_left();
}

/* ---- events ---- */

static void check_life_of_slab(u32 size)
{
	struct qn_local *l = get();
	struct qn_unit *u = fill_slab(l, size);
	u32 sparse = min(u->nr / 8u, 32u);
	size_t slabs;
	u32 freed = 0;

	/* Not current any more, and nothing of it waits in a list */
	exhaust_list(l, size);
	assert_int_equal(u->state, QN_SLAB_FULL);
	while (u->state == QN_SLAB_FULL) {
		drop_in(l, u, 1);
		freed++;
		assert_null(qn_local_check(l));
	}
	assert_int_equal(freed, max(u->nr / 16, 1));
	/* It may be looked at later than the eighth and 32 objects, not earlier */
	while (qn_slab_used(u) > 1) {
		drop_in(l, u, 1);
		assert_null(qn_local_check(l));
		assert_true(u->state == QN_SLAB_PARTIAL ||
			    u->state == QN_SLAB_SPARSE);
		if (u->state == QN_SLAB_SPARSE)
			assert_true(qn_slab_used(u) <= sparse);
		if (qn_slab_used(u) < sparse)
			assert_int_equal(u->state, QN_SLAB_SPARSE);
	}
	slabs = check().slabs;
	drop_in(l, u, 1);
	assert_int_equal(check().slabs, slabs - 1);
	assert_int_not_equal(u->kind, QN_UNIT_SLAB);
	assert_null(u->owner);
	end(l);
	qn_local_put(l);
}

static void test_life_of_slab(void **state)
{
	(void)state;
	begin(4096);
	for (size_t i = 0; i < ARRAY_SIZE(class_sizes); i++)
		check_life_of_slab(class_sizes[i]);
}

/* ---- sparse slabs ---- */

static void fill(struct qn_local *l, u32 size, u32 nr)
{
	while (nr-- > 0)
		assert_non_null(hold(l, size));
}

/* Keep one object in @keep */
static void thin_out(struct qn_local *l, u32 keep)
{
	u32 kept = 0;

	for (u32 i = 0; i < nr_held; i++) {
		if (i % keep == 0) {
			void *p = held[kept];
			u32 size = held_size[kept];

			held[kept] = held[i];
			held_size[kept++] = held_size[i];
			held[i] = p;
			held_size[i] = size;
		}
	}
	while (nr_held > kept)
		drop(l, nr_held - 1);
}

static void check_sparse(u32 size, size_t page_size, bool refused)
{
	u32 nr = (u32)min((24u << 20) / size, (size_t)NR_HELD);
	struct qn_local *l;
	size_t units;

	l = begin_one(page_size);
	fill(l, size, nr);
	units = units_of(check());
	if (refused)
		port_refuse(&port.purge, 0, UINT32_MAX);
	thin_out(l, 64);
	check_all();
	if (refused)
		assert_int_equal(hub.segments.resident.purged, 0);
	port_grant(&port.purge);
	fill(l, size, nr - nr_held);
	/* All objects came back, so the units are as many as before */
	assert_in_range(units_of(check()), 0, units + spare_units(size));
	verify_all();
	end(l);
}

static void test_sparse_slabs(void **state)
{
	static const u32 sizes[] = { 640, 1024, 1280, 2048, 9000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		for (size_t page = 4096; page <= 65536; page *= 4) {
			check_sparse(sizes[i], page, false);
			check_sparse(sizes[i], page, true);
		}
}

/* One object in 64 kept: most of the memory goes back without any trim */
static void test_sparse_memory_returns(void **state)
{
	struct qn_local *l;
	size_t peak;

	(void)state;
	l = begin_one(4096);
	fill(l, 1024, 30000);
	qn_local_account(l);
	qn_hub_refresh(&hub);
	peak = hub.page->carved;
	assert_in_range(peak, 30000 * 1024, 31000 * 1024);
	thin_out(l, 64);
	qn_hub_refresh(&hub);
	assert_true(port.purge.bytes > peak / 2);
	assert_true(hub.page->carved + hub.page->dirty < peak / 2);
	end(l);
}

/* Slabs that come down to a few objects are often empty soon: their pages wait for that */
static void test_soon_empty(void **state)
{
	struct qn_local *l;
	size_t before;

	(void)state;
	l = begin_one(4096);
	fill(l, 1024, 12000);
	thin_out(l, 32);
	before = port.purge.bytes;
	assert_in_range(before, 0, 1 << 20);
	port_sleep_ms(9);
	fill(l, 2000, 600);
	assert_in_range(port.purge.bytes, before, before + (64 << 10));
	/* Where they stay, they have waited for long enough: two looks, 10 ms apart */
	port_sleep_ms(11);
	fill(l, 2000, 600);
	port_sleep_ms(11);
	fill(l, 2000, 600);
	assert_true(port.purge.bytes > before + (8 << 20));
	verify_all();
	end(l);
}

/* More than 16 MB of them do not wait for that */
static void test_sparse_much(void **state)
{
	struct qn_local *l;

	(void)state;
	l = begin_one(4096);
	fill(l, 1024, 39000);
	thin_out(l, 64);
	qn_hub_refresh(&hub);
	assert_in_range(hub.page->carved + hub.page->dirty, 0, 24 << 20);
	end(l);
}

/*
 * What refaults keep free in chunks is for later blocks of that kind. Where slabs grow to the
 * same peak instead, it goes: else the peak would be that of both.
 */
static void test_chunks_yield(void **state)
{
	struct qn_local *l;
	size_t before, peak;

	(void)state;
	l = begin_one(4096);
	hub.segments.resident.boost = 100 << 20;
	fill(l, 9000, 3000);
	thin_out(l, 64);
	qn_local_account(l);
	qn_hub_refresh(&hub);
	peak = hub.page->peak_live;
	before = port.purge.bytes;
	fill(l, 1000, 1000);
	assert_int_equal(port.purge.bytes, before);
	fill(l, 1000, 23000);
	assert_true(port.purge.bytes > before + (12 << 20));
	qn_local_account(l);
	qn_hub_refresh(&hub);
	assert_in_range(hub.page->peak_live, peak - (1 << 20), peak);
	assert_in_range(hub.page->carved + hub.page->dirty, 0,
			peak + (12 << 20));
	verify_all();
	end(l);
}

/* ---- tables ---- */

/* Publish a table in which @size has its own class, or no longer has */
static unsigned int publish(u32 size, bool promote)
{
	struct qn_table *next = NULL;
	unsigned int step = (unsigned int)qn_size_steps(size);
	int class;

	qn_port_lock(&hub.learn);
	for (int i = 0; i < QN_NR_TABLES && !next; i++)
		if (hub.tables[i] != hub.table && !hub.tables[i]->nr_users)
			next = hub.tables[i];
	assert_non_null(next);
	qn_table_copy(next, hub.table);
	class = promote ? qn_table_promote(next, step) : next->map[step];
	assert_true(class > 0);
	if (!promote)
		assert_int_equal(qn_table_demote(next, (unsigned int)class), 0);
	assert_int_equal(qn_table_check(next), 0);
	smp_store_release(&hub.table, next);
	qn_port_unlock(&hub.learn);
	return (unsigned int)class;
}

/* Work on until the local has noticed the table in use */
static void notice(struct qn_local *l)
{
	u32 nr = nr_held;

	for (int i = 0; i < 20000 && l->table != hub.table; i++)
		hold(l, 512);
	assert_ptr_equal(l->table, hub.table);
	while (nr_held > nr)
		drop(l, nr_held - 1);
}

static u32 osize_of(const void *p)
{
	return unit_of(p)->osize;
}

static void check_promotion(u32 size)
{
	struct qn_local *l = get();
	u32 step = round_up(size, (u32)QN_STEP);
	void *before, *after;
	unsigned int class;
	u32 nr;

	fill(l, size, 500);
	fill(l, size + 16, 500);
	before = held[nr_held - 1];
	class = publish(size, true);
	notice(l);
	check();
	fill(l, size, 500);
	after = held[nr_held - 1];
	assert_int_equal(unit_of(after)->class, class);
	assert_int_equal(osize_of(after), step);
	assert_true(osize_of(before) > step);
	check_all();
	/* Half of each goes, old and new alike */
	for (nr = nr_held; nr > 0; nr -= 2)
		drop(l, nr - 1);
	check();
	publish(size, false);
	notice(l);
	fill(l, size, 300);
	assert_int_not_equal(unit_of(held[nr_held - 1])->class, class);
	check_all();
	end(l);
	qn_local_put(l);
}

static void test_promotion(void **state)
{
	static const u32 sizes[] = { 264, 300, 900, 1000 };

	(void)state;
	begin(4096);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		check_promotion(sizes[i]);
}

/*
 * The class that a size falls back to has a list already when the refill notices
 * the new table: the list must not be forgotten.
 */
static void test_demotion_keeps_lists(void **state)
{
	struct qn_local *l;
	u32 heir;

	(void)state;
	begin(4096);
	for (u32 nr = 1; nr < 60; nr++) {
		l = get();
		publish(912, true);
		notice(l);
		heir = l->table->map[qn_size_steps(950)];
		do
			hold(l, 950);
		while (!l->front->heads[heir]);
		fill(l, 912, nr);
		publish(912, false);
		while (l->table != hub.table)
			hold(l, 912);
		check();
		end(l);
		qn_local_put(l);
	}
}

/* The slot of a class is given to another size while its objects are in use */
static void test_slot_is_reused(void **state)
{
	struct qn_local *l;
	unsigned int class;

	(void)state;
	l = begin_one(4096);
	class = publish(912, true);
	notice(l);
	fill(l, 912, 200);
	for (u32 round = 0; round < 6; round++) {
		static const u32 sizes[] = { 912, 400, 980, 912, 1000, 264 };
		u32 size = sizes[(round + 1) % 6];

		publish(sizes[round], false);
		assert_int_equal(publish(size, true), class);
		notice(l);
		fill(l, size, 200);
		assert_int_equal(osize_of(held[nr_held - 1]),
				 round_up(size, (u32)QN_STEP));
		check_all();
		/* Old slabs fill up, wake and leave in any table */
		for (u32 i = 0; i < 150; i++)
			drop(l, roll(nr_held));
		check();
	}
	end(l);
}

/*
 * A slab that woke takes the place of a current one that has a handful of free objects,
 * not of one that has many. Neither is lost.
 */
static void test_refill_takes_the_more(void **state)
{
	const u32 size = 512, woken = QN_UNIT_SIZE / size / 8;

	(void)state;
	for (u32 few = 0; few <= woken; few += woken / 4) {
		struct qn_local *l = begin_one(4096);
		struct qn_unit *full = fill_slab(l, size), *u;
		const struct qn_local_class *k = &l->class[full->class];

		u = k->current;
		while (held_in(u) < u->nr)
			hold(l, size);
		drop_in(l, full, woken);
		assert_int_equal(full->state, QN_SLAB_PARTIAL);
		drop_in(l, u, few);
		/* The next refill is at home */
		l->nr_refills = 0;
		assert_ptr_equal(unit_of(hold(l, size)),
				 few <= woken / 4 ? full : u);
		assert_int_equal(u->state, few <= woken / 4 ? QN_SLAB_FULL :
							      QN_SLAB_CURRENT);
		/* All of both is used before another slab is */
		drop_in(l, u, woken);
		check_all();
		for (u32 n = 1; n < woken + few + woken; n++)
			hold(l, size);
		assert_int_equal(held_in(full) + held_in(u), full->nr + u->nr);
		end(l);
	}
}

/*
 * A full slab wakes while its class has no size; then the slot is given to a larger
 * one. It must not get objects of that slab.
 */
static void test_full_slab_of_an_unused_slot(void **state)
{
	struct qn_local *l;
	struct qn_unit *u;
	unsigned int class;

	(void)state;
	l = begin_one(4096);
	class = publish(912, true);
	notice(l);
	u = fill_slab(l, 912);
	assert_int_equal(u->class, class);
	publish(912, false);
	notice(l);
	assert_int_equal(u->state, QN_SLAB_FULL);
	drop_in(l, u, u->nr / 2);
	check();
	assert_int_equal(publish(1000, true), class);
	notice(l);
	/* Looks at the size of each object */
	fill(l, 1000, 300);
	check_all();
	end(l);
}

static void test_tables_change_under_load(void **state)
{
	struct qn_local *l;
	u32 promoted[8] = { 0 };

	(void)state;
	l = begin_one(4096);
	for (u32 i = 0; i < 100000; i++) {
		u32 *slot = &promoted[roll(8)];

		if (i % 500 == 499 && *slot) {
			publish(*slot, false);
			*slot = 0;
		} else if (i % 500 == 499) {
			u32 size = 144 + 16 * roll(55);
			u32 step = (u32)qn_size_steps(size);

			if (hub.table->class_steps[hub.table->map[step]] !=
			    step) {
				*slot = size;
				publish(size, true);
			}
		}
		if (nr_held && roll(2))
			drop(l, roll(nr_held));
		else
			hold(l, roll(4) ? 1 + roll(600) : 1 + roll(24000));
		if (i % 4000 == 0)
			check();
	}
	verify_all();
	end(l);
}

/*
 * A policy that begins with other permanent classes, after the heap was used: what there is
 * stays sound, and later the table changes by what the policy learns.
 */
static void test_other_base(void **state)
{
	struct qn_local *l;

	(void)state;
	begin(4096);
	l = get();
	for (u32 i = 0; i < 60000; i++) {
		if (i == 5000) {
			qn_controller_init(&hub.controller,
					   &qn_policy_paper_dqn);
			qn_paper_begin(NULL, 1);
			qn_hub_table_begin(&hub, &qn_policy_paper_dqn);
			assert_int_equal(hub.table->nr_base, 22);
			for (u32 size = 1; size <= 1024; size++) {
				u32 osize = (u32)qn_table_osize(
					hub.table,
					hub.table->map[qn_size_steps(size)]);

				/* As the usual table */
				assert_true(osize - size < max(16u, size / 8));
			}
		}
		if (i % 8 == 0) {
			port.clock += QN_CHOICE_US;
			qn_hub_learn(&hub, l->samples, 0);
		}
		if (nr_held && roll(2))
			drop(l, roll(nr_held));
		else
			hold(l, roll(4) ? 1 + roll(1100) : 1 + roll(24000));
		if (i % 4000 == 0)
			check();
		assert_int_equal(qn_table_check(hub.table), 0);
	}
	assert_true(hub.table->generation > 60);
	verify_all();
	drop_all(l);
	check_nothing_left();
}

/* Medium sizes take turns: the chunks grow at first, and no further */
static void check_changing_sizes(u32 from, u32 to)
{
	size_t live = 0, units = 0;
	struct qn_local *l;

	l = begin_one(4096);
	for (u32 i = 0; i < 40000; i++) {
		u32 size = from + roll(i / 5000 % 2 ? to - from : 20);

		if (nr_held > 1500)
			drop(l, roll(nr_held));
		assert_non_null(hold(l, size));
		if (i == 9999)
			units = tally_all().units;
		if (i % 5000 == 4999) {
			check_all();
		}
	}
	for (u32 i = 0; i < nr_held; i++)
		live += held_size[i];
	assert_in_range(check().units * QN_UNIT_SIZE, live, live / 2 * 3);
	assert_in_range(check().units, 1, units + spare_units(from));
	end(l);
}

static void test_changing_sizes(void **state)
{
	(void)state;
	check_changing_sizes(4100, 4600);
	check_changing_sizes(1030, 1152);
	check_changing_sizes(2100, 2304);
	check_changing_sizes(2100, 4000);
	check_changing_sizes(9000, 10240);
	check_changing_sizes(1030, 8192);
}

/* ---- frees of other threads ---- */

static size_t nr_inbox(struct qn_local *l)
{
	return chain(l->inbox);
}

static void check_batch_limits(u32 size)
{
	/* No more than may lie there before another looks at it */
	u32 most = (u32)min((size_t)200,
			    qn_knobs_preset.patience / 2 / (size + 1));
	size_t nr = 0, bytes = 0, sent = 0;
	struct qn_local *a, *b;

	a = begin_one(4096);
	b = get();
	fill(a, size, most);
	while (nr_held) {
		nr++;
		bytes += usable(held[nr_held - 1]);
		drop(b, nr_held - 1);
		if (nr == QN_BATCH_OBJECTS || bytes >= QN_BATCH_BYTES) {
			sent += nr;
			nr = bytes = 0;
		}
		assert_int_equal(nr_inbox(a), sent);
		assert_int_equal(b->batch_nr, nr);
		assert_int_equal(hub.page->nr_remote, sent);
	}
	qn_local_flush_batch(b);
	assert_int_equal(nr_inbox(a), most);
	assert_int_equal(hub.page->nr_remote, most);
	check();
	assert_int_equal(nr_inbox(a), 0);
	check_nothing_left();
}

static void test_batch_limits(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all_sizes); i++)
		check_batch_limits(all_sizes[i]);
}

/*
 * A thread that builds 16 MB and does not look any more: what another frees of it does not
 * wait for it, but for the last bytes
 */
static void check_sleeper(u32 size)
{
	struct qn_local *a, *b;
	struct tally t;
	s64 live;

	a = begin_one(4096);
	b = get();
	fill(a, size, (16 << 20) / (size + size / 8));
	send_all(b);
	t = tally_all();
	assert_in_range(t.units + t.slabs, 0, (2 << 20) / QN_UNIT_SIZE);
	/* The statistics know of it, but for what is pending */
	live = (s64)hub.page->live;
	assert_in_range(live < 0 ? -live : live, 0, 2 << 20);
	assert_in_range(hub.page->classes[QN_CLASS_DIRECT].slab, 0, 2 << 20);
	/* And it goes on as if nothing had been */
	fill(a, size, 500);
	check();
	end(a);
}

static void test_sleeper(void **state)
{
	(void)state;
	check_sleeper(500);
	check_sleeper(1024);
	check_sleeper(1500);
	check_sleeper(6000);
	check_sleeper(32000);
}

/* Sizes all mixed, and each third block stays in use */
static void test_sleeper_mixed(void **state)
{
	struct qn_local *a, *b;
	size_t sum = 0;
	struct tally t;
	u32 nr = 0;

	(void)state;
	a = begin_one(4096);
	b = get();
	while (sum < 16 << 20) {
		u32 size = 1 + roll(6000);

		assert_non_null(hold(a, size));
		sum += size;
	}
	for (u32 i = nr_held; i-- > 0;)
		if (i % 3)
			drop(b, i);
	t = tally_all();
	nr = nr_held;
	check_all();
	/* A third, and the pages that it lies on */
	assert_in_range(t.used, nr, nr + 3000);
	assert_in_range((t.units << QN_UNIT_SHIFT) - a->medium.holes, 0,
			sum / 6 * 5);
	send_all(b);
	end(a);
}

/* Whoever looks soon after another did has more patience afterwards */
static void test_patience(void **state)
{
	struct qn_local *a, *b;
	size_t patience = qn_knobs_preset.patience;

	(void)state;
	a = begin_one(4096);
	b = get();
	for (int i = 0; i < 10; i++) {
		assert_int_equal(a->patience, patience);
		fill(a, 16000, 1200);
		send_all(b);
		assert_true(a->sent <= patience + a->kept);
		a->relieved -= i == 8 ? QN_SLEEP_MS : 0;
		check();
		patience = i == 8 ? qn_knobs_preset.patience :
				    min(2 * patience,
					qn_knobs_preset.patience_most);
	}
	check_nothing_left();
}

/* While a thread is about its blocks, nobody else is */
static void test_sleeper_is_awake(void **state)
{
	struct qn_local *a, *b;

	(void)state;
	a = begin_one(4096);
	b = get();
	fill(a, 6000, 1000);
	assert_true(qn_medium_trylock(&a->medium));
	send_all(b);
	assert_int_equal(nr_inbox(a), 1000);
	qn_medium_unlock(&a->medium);
	check();
	assert_int_equal(nr_inbox(a), 0);
	check_nothing_left();
}

/* At a change of owner the batch goes first, so nothing is mixed up */
static void test_change_of_owner(void **state)
{
	struct qn_local *a, *b, *c;

	(void)state;
	a = begin_one(4096);
	b = get();
	c = get();
	for (int i = 0; i < 50; i++) {
		hold(a, i % 2 ? 100 : 1500);
		hold(b, i % 2 ? 100 : 1500);
	}
	while (nr_held) {
		drop(c, nr_held - 1);
		assert_int_equal(c->batch_nr, 1);
		check();
	}
	qn_local_flush_batch(c);
	assert_int_equal(hub.page->nr_remote, 100);
	assert_true(nr_inbox(a) + nr_inbox(b) > 0);
	check_nothing_left();
}

/* What others freed is used again before new memory is */
static void test_inbox_is_used(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all_sizes); i++) {
		u32 size = all_sizes[i];
		u32 nr = (4 << 20) / max(size, 256u);
		struct qn_local *a, *b;
		size_t units;

		a = begin_one(4096);
		b = get();
		fill(a, size, nr);
		units = units_of(check());
		send_all(b);
		fill(a, size, nr);
		assert_in_range(units_of(check()), 0,
				units + spare_units(size));
		end(a);
	}
}

/* A thread that goes on allocating does not sit on the objects of others */
static void test_batch_leaves(void **state)
{
	struct qn_local *a, *b;
	u32 nr;

	(void)state;
	a = begin_one(4096);
	b = get();
	hold(a, 100);
	drop(b, 0);
	assert_int_equal(b->batch_nr, 1);
	for (nr = 0; b->batch_nr && nr < 100000; nr++)
		hold(b, 100);
	assert_int_equal(b->batch_nr, 0);
	assert_int_equal(nr_inbox(a), 1);
	end(b);
}

/* A thread whose destructors have run has no local to collect anything in */
static void test_free_without_local(void **state)
{
	struct qn_local *a;

	(void)state;
	a = begin_one(4096);
	fill(a, 100, 10);
	fill(a, 3000, 10);
	for (size_t n = 1; nr_held; n++) {
		drop(&qn_local_none, nr_held - 1);
		assert_int_equal(nr_inbox(a), n);
		assert_int_equal(qn_local_none.batch_nr, 0);
	}
	check_nothing_left();
}

static void test_random_with_three(void **state)
{
	struct qn_local *l[3];

	(void)state;
	begin(4096);
	for (int i = 0; i < 3; i++)
		l[i] = get();
	for (u32 i = 0; i < 100000; i++) {
		struct qn_local *self = l[roll(3)];

		if (nr_held && roll(i / 20000 % 2 ? 3 : 5) < 2)
			drop(self, roll(nr_held));
		else if (nr_held < NR_HELD)
			hold(self, 1 + roll(16u << roll(12)));
		if (i % 3000 == 0)
			check();
	}
	end(l[1]);
}

/* ---- the life of locals ---- */

static void test_get_and_put(void **state)
{
	struct qn_local *a, *b;

	(void)state;
	a = begin_one(4096);
	b = get();
	assert_ptr_not_equal(a, b);
	assert_int_equal(a->state, QN_LOCAL_OWNED);
	assert_int_equal(hub.page->nr_threads, 2);
	qn_local_put(a);
	assert_int_equal(a->state, QN_LOCAL_ORPHAN);
	assert_int_equal(hub.page->nr_threads, 1);
	assert_ptr_equal(get(), a);
	assert_int_equal(a->state, QN_LOCAL_OWNED);
	assert_int_equal(hub.page->nr_threads, 2);
	assert_int_equal(hub.page->nr_threads_total, 3);
}

static void check_orphan(u32 size)
{
	struct qn_local *a, *b;
	size_t units;

	a = begin_one(4096);
	b = get();
	fill(b, 200, 100);
	fill(a, size, 1000);
	qn_local_put(a);
	units = units_of(check());
	verify_all();
	/* Freed by b: what an orphan has leaves at once */
	while (nr_held > 100) {
		drop(b, nr_held - 1);
		assert_int_equal(nr_inbox(a), 0);
	}
	qn_local_flush_batch(b);
	assert_true(units > 3);
	assert_int_equal(units_of(check()), 1);
	end(b);
}

static void test_orphan(void **state)
{
	(void)state;
	check_orphan(200);
	check_orphan(3000);
}

static void test_adoption(void **state)
{
	struct qn_local *a, *b;
	void *p;

	(void)state;
	a = begin_one(4096);
	b = get();
	fill(a, 5000, 300);
	fill(a, 64, 300);
	for (u32 i = 0; i < 100; i++)
		drop(b, roll(nr_held));
	qn_local_put(a);
	qn_local_put(b);
	check();
	/* Whoever comes next has them again, and frees as if the own */
	b = get();
	a = get();
	p = hold(a, 64);
	assert_ptr_equal(unit_of(p)->owner, a);
	verify_all();
	drop_all(a);
	check();
	end(b);
}

/* Threads come and go: each leaves objects for a later one to free */
static void test_many_lives(void **state)
{
	size_t meta = 0;
	struct tally t;

	(void)state;
	begin(4096);
	for (u32 i = 0; i < 3000; i++) {
		struct qn_local *a = get(), *b = get();
		u32 nr = nr_held;

		for (u32 n = 0; n < 20; n++)
			hold(a, 1 + roll(2000));
		for (; nr > 0; nr--)
			drop(b, nr - 1);
		if (i % 2)
			qn_local_put(a);
		qn_local_put(b);
		if (!(i % 2))
			qn_local_put(a);
		if (i == 0)
			meta = hub.meta_bytes;
		/* Only what is in use keeps a slab or a chunk */
		t = tally_all();
		assert_in_range(t.slabs + t.chunks, 1, nr_held);
		assert_int_equal(hub.meta_bytes, meta);
	}
	assert_int_equal(hub.page->nr_threads, 0);
	check();
	end(&qn_local_none);
}

/* Orphans of many generations do not keep their tables from being used again */
static void test_orphans_hold_no_tables(void **state)
{
	static const u32 sizes[] = { 912, 928, 944, 976, 992, 1008 };
	struct qn_local *l[3 * QN_NR_TABLES];

	(void)state;
	begin(4096);
	for (size_t i = 0; i < ARRAY_SIZE(l); i++)
		l[i] = get();
	for (u32 i = 0; i < ARRAY_SIZE(l); i++) {
		/* Finds a spare table, or fails */
		publish(sizes[i / 2 % ARRAY_SIZE(sizes)], i % 2 == 0);
		notice(l[i]);
		hold(l[i], 200 + 16 * i);
		qn_local_put(l[i]);
		if (i + 1 < ARRAY_SIZE(l))
			for (u32 n = i + 1; n < ARRAY_SIZE(l); n++)
				notice(l[n]);
	}
	check();
	for (size_t i = 0; i < ARRAY_SIZE(l); i++) {
		l[0] = get();
		assert_ptr_equal(l[0]->table, hub.table);
		assert_memory_equal(l[0]->front->map, hub.table->map,
				    QN_HUB_STEPS);
		fill(l[0], 200 + 16 * (u32)i, 100);
	}
	check();
	end(l[0]);
}

/* ---- refusals ---- */

static void test_get_refused(void **state)
{
	struct qn_local *l;
	unsigned int nr = 0;

	(void)state;
	begin(4096);
	port_refuse_all();
	while ((l = qn_local_get(&hub)))
		nr++;
	assert_in_range(nr, 1, 10000);
	assert_null(qn_local_get(&hub));
	assert_int_equal(hub.page->nr_threads, nr);
	port_grant_all();
	assert_non_null(qn_local_get(&hub));
	check();
}

/* Memory runs out, some is freed, runs out again: all that was refused is refused */
static void test_refill_refused(void **state)
{
	struct qn_local *l;

	(void)state;
	l = begin_one(4096);
	port_refuse_all();
	for (u32 round = 0; round < ARRAY_SIZE(all_sizes); round++) {
		u32 size = all_sizes[round];
		u32 nr = nr_held;

		while (nr_held < NR_HELD && hold(l, size))
			;
		if (nr_held < NR_HELD)
			assert_null(hold(l, size));
		check_all();
		while (nr_held > (nr_held + nr) / 2 + 10)
			drop(l, nr_held - 1);
		check();
	}
	port_grant_all();
	assert_non_null(hold(l, 32768));
	assert_non_null(hold(l, 16));
	check();
	end(l);
}

/* ---- misuse ---- */

#define TWICE "the block was freed twice"

struct misuse {
	struct qn_local *l;
	void *p;
};

static void free_it(void *arg)
{
	const struct misuse *m = arg;

	object_free(m->l, m->p);
}

static void collect_it(void *arg)
{
	const struct misuse *m = arg;

	qn_local_trim(m->l);
}

/* One free more than the current slab has given objects away */
static void test_one_free_too_many(void **state)
{
	struct misuse m;
	struct qn_unit *u;

	(void)state;
	m.l = begin_one(4096);
	m.p = object_alloc(m.l, 1000);
	u = unit_of(m.p);
	for (u32 nr = qn_slab_used(u); nr > 0; nr--)
		object_free(m.l, m.p);
	assert_int_equal(u->state, QN_SLAB_CURRENT);
	assert_misuse(free_it, &m, "free", m.p, TWICE);
}

/* Freed by two threads; when the second comes home the slab is gone */
static void test_remote_double_free(void **state)
{
	struct qn_local *b;
	struct qn_unit *u;
	struct misuse m;

	(void)state;
	m.l = begin_one(4096);
	b = get();
	u = fill_slab(m.l, 1000);
	m.p = held[0];
	assert_ptr_equal(unit_of(m.p), u);
	object_free(b, m.p);
	held_size[0] = 0;
	drop_in(m.l, u, u->nr);
	assert_int_not_equal(u->kind, QN_UNIT_SLAB);
	qn_local_flush_batch(b);
	assert_misuse(collect_it, &m, "free", m.p, TWICE);
}

/* The same with a medium block, whose chunk is still there, or not */
static void check_remote_double_free(u32 nr, const char *what)
{
	struct qn_local *b;
	struct misuse m;

	m.l = begin_one(4096);
	b = get();
	/* The last chunk stays */
	hold(m.l, 32768);
	fill(m.l, 32768, nr);
	m.p = held[nr];
	held_size[nr] = 0;
	object_free(b, m.p);
	while (nr_held > 1)
		drop(m.l, 1);
	qn_medium_settle(&m.l->medium);
	qn_local_flush_batch(b);
	assert_misuse(collect_it, &m, "free", m.p, what);
}

static void test_remote_double_free_medium(void **state)
{
	(void)state;
	check_remote_double_free(1, "the block was freed already");
	check_remote_double_free(100, TWICE);
}

/* ---- the checker itself ---- */

static void test_check_finds_damage(void **state)
{
	struct qn_local *l;
	struct qn_unit *u;

	(void)state;
	l = begin_one(4096);
	u = fill_slab(l, 1024);
	exhaust_list(l, 1024);
	drop_in(l, u, u->nr / 2);
	assert_null(qn_local_check(l));
	u->count++;
	assert_non_null(qn_local_check(l));
	u->count--;
	u->osize -= 16;
	assert_non_null(qn_local_check(l));
	u->osize += 16;
	u->state = QN_SLAB_FULL;
	assert_non_null(qn_local_check(l));
	u->state = QN_SLAB_PARTIAL;
	u->owner = NULL;
	assert_non_null(qn_local_check(l));
	u->owner = l;
	*(void **)u->free = NULL;
	assert_non_null(qn_local_check(l));
}

/* ---- samples ---- */

#define INTERVAL   4096
#define NR_TRAFFIC 600000u

static const u32 traffic[] = { 24,   100,  104,  500,  970,   1000,
			       1020, 2000, 3000, 5000, 20000, 32768 };
static double bytes_of[ARRAY_SIZE(traffic)];
static double samples_of[ARRAY_SIZE(traffic)];

static struct qn_local *begin_traffic(void)
{
	struct qn_local *l;

	begin(4096);
	hub.conf.sample = INTERVAL;
	hub.sampler.interval = INTERVAL;
	/* The clock stands still, so no epoch changes that */
	hub.last_look = port.clock;
	l = get();
	memset(bytes_of, 0, sizeof(bytes_of));
	memset(samples_of, 0, sizeof(samples_of));
	return l;
}

/* Every sample is seen here before it is handed in */
static void count_samples(struct qn_local *l)
{
	assert_true(l->nr_samples <= QN_LOCAL_SAMPLES);
	for (u32 n = 0; n < l->nr_samples; n++)
		for (size_t i = 0; i < ARRAY_SIZE(traffic); i++)
			samples_of[i] += l->samples[n].size == traffic[i];
	l->nr_samples = 0;
}

static void pass(struct qn_local *l, size_t i)
{
	void *p = object_alloc(l, traffic[i]);

	count_samples(l);
	bytes_of[i] += traffic[i] > QN_SLAB_MAX ?
			       traffic[i] / QN_DIRECT_PER_SAMPLE :
			       osize_of(p);
	held_size[nr_held] = 0;
	held[nr_held++] = p;
}

/* Within five standard deviations for each size; a Poisson process has n = sd^2 */
static void check_samples(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(traffic); i++) {
		double mean = bytes_of[i] / INTERVAL;
		double off = samples_of[i] - mean;

		if (off * off > 25 * mean + 1)
			fail_msg("size %u: %.0f samples where %.0f are due",
				 (unsigned int)traffic[i], samples_of[i], mean);
	}
}

/* Before slabs take memory that nobody used, chunks whose blocks all wait go back */
static void test_waiting_blocks_make_room(void **state)
{
	struct qn_local *l;
	size_t frontier;

	(void)state;
	l = begin_one(4096);
	hold(l, 5000);
	hold(l, 1000); /* a first slab takes what nobody used in any case */
	for (int i = 0; i < 20; i++)
		hold(l, 30000);
	while (nr_held > 2)
		drop(l, nr_held - 1);
	assert_true(l->medium.waits);
	frontier = hub.segments.space.seg[0].frontier;
	for (int i = 0; i < 300; i++)
		hold(l, 1000);
	assert_int_equal(hub.segments.space.seg[0].frontier, frontier);
	verify_all();
	end(l);
	qn_local_put(l);
}

/* The same where there is dirty memory enough, but none of it in a row */
static void test_waiting_blocks_make_room_in_a_row(void **state)
{
	struct qn_unit *u[16];
	struct qn_local *l;

	(void)state;
	begin(4096);
	l = get();
	for (size_t i = 0; i < ARRAY_SIZE(u); i++)
		u[i] = qn_run_alloc(&hub.segments, 1, 1, QN_UNIT_LARGE, NULL);
	for (int i = 0; i < 20; i++)
		hold(l, 30000);
	drop_all(l);
	assert_true(l->medium.waits);
	for (size_t i = 0; i < ARRAY_SIZE(u); i += 2)
		qn_run_free(&hub.segments, u[i], QN_UNIT_SIZE);
	assert_true(hub.segments.resident.dirty >= 2 * QN_UNIT_SIZE);

	qn_local_make_room(l, QN_UNIT_SIZE);
	assert_true(l->medium.waits);
	qn_local_make_room(l, 2 * QN_UNIT_SIZE);
	assert_false(l->medium.waits);
	for (size_t i = 1; i < ARRAY_SIZE(u); i += 2)
		qn_run_free(&hub.segments, u[i], QN_UNIT_SIZE);
	check_nothing_left();
}

/* After a burst little waits, whatever refaults have taught: what goes back has an age */
static void test_few_wait_after_a_burst(void **state)
{
	struct qn_local *l;

	(void)state;
	begin(4096);
	l = get();
	hub.segments.resident.boost = 100 << 20;
	for (int i = 0; i < 1500; i++)
		hold(l, 30000);
	drop_all(l);
	assert_in_range(l->medium.free, 0, 4 << 20);
	assert_true(hub.segments.resident.dirty >= 32 << 20);
	check_nothing_left();
}

/* The age of followed objects counts what is asked for in medium blocks as well */
static void test_medium_blocks_tick(void **state)
{
	struct qn_local *l;
	u64 clock;

	(void)state;
	l = begin_one(4096);
	qn_local_account(l);
	clock = hub.follow.clock;
	fill(l, 5000, 300);
	qn_local_account(l);
	assert_in_range(hub.follow.clock - clock, 300 * 5000, 300 * 5200);
	end(l);
}

static void test_samples_of_a_mix(void **state)
{
	struct qn_local *l = begin_traffic();

	(void)state;
	for (u32 i = 0; i < NR_TRAFFIC; i++) {
		pass(l, roll(ARRAY_SIZE(traffic)));
		if (nr_held > 2000 + roll(4000))
			drop(l, roll(nr_held));
	}
	check_samples();
	drop_all(l);
	check();
}

/* A rhythm that the refills could fall into step with: they must not */
static void test_samples_in_step(void **state)
{
	struct qn_local *l = begin_traffic();

	(void)state;
	for (u32 i = 0; i < NR_TRAFFIC / 8; i++) {
		for (size_t n = 0; n < 8; n++)
			pass(l, 3 + i % 2 + n % 4);
		while (nr_held)
			drop(l, 0);
	}
	check_samples();
	check();
}

/* Few refills: long lists are handed over, cut where a sample is due */
static void test_samples_without_frees(void **state)
{
	struct qn_local *l = begin_traffic();

	(void)state;
	for (u32 round = 0; round < 10; round++) {
		for (u32 i = 0; i < NR_HELD; i++)
			pass(l, i % 100 == 0 ? 4 : roll(3));
		drop_all(l);
	}
	check_samples();
	check();
}

/* ---- live samples ---- */

/* What the sample that @held[i] is stands for; 0: it is none */
static u32 stands_for[NR_HELD];

/* Samples go to the hub, which looks each time */
static u32 learn_samples(struct qn_local *l)
{
	u32 bytes = 0;

	for (u32 n = 0; n < l->nr_samples; n++)
		bytes += l->samples[n].interval;
	if (!l->nr_samples)
		return 0;
	qn_local_account(l);
	port.clock += QN_EPOCH_US;
	assert_true(qn_hub_learn(&hub, l->samples, l->nr_samples));
	l->sampler.interval = hub.sampler.interval;
	l->nr_samples = 0;
	return bytes;
}

static void churn_to(struct qn_local *l, u32 nr, u32 rounds)
{
	for (u32 i = 0; i < rounds; i++) {
		u32 n;

		while (nr_held > 0 && nr_held >= nr) {
			n = roll(nr_held);
			drop(l, n);
			stands_for[n] = stands_for[nr_held];
		}
		n = nr_held;
		assert_non_null(hold(l, 24 + roll(10) * 100));
		stands_for[n] = learn_samples(l);
	}
}

/*
 * Live memory grows by 64 and shrinks again. As soon as it has been replaced some times
 * there are as many live samples as there should be, and what they stand for is what is
 * live, within four standard deviations.
 */
static void test_live_samples(void **state)
{
	static const u32 targets[] = { 500, 2000, 8000, 32000, 4000, 500 };
	const size_t base = 512;
	struct qn_local *l;

	(void)state;
	begin(4096);
	qn_controller_init(&hub.controller, &qn_policy_fixed);
	hub.follow.after = UINT64_MAX;
	hub.conf.sample = base;
	hub.sampler.interval = (u32)base;
	l = get();
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		double live = 0, sum = 0, square = 0, off;
		u32 nr = 0;

		churn_to(l, targets[i], 10 * targets[i] + 5000);
		for (u32 n = 0; n < nr_held; n++) {
			live += osize_of(held[n]);
			sum += stands_for[n];
			square += (double)stands_for[n] * stands_for[n];
			nr += stands_for[n] != 0;
		}
		off = (sum - live) * (sum - live);
		if (off > 16 * square)
			fail_msg("%u: %.0f bytes where %.0f are live",
				 targets[i], sum, live);
		print_message("%u live: %u samples, interval %u\n", nr_held, nr,
			      l->sampler.interval);
		assert_true(nr < QN_LIVE_SAMPLES * 115 / 100);
		assert_true(nr > QN_LIVE_SAMPLES / 4 ||
			    l->sampler.interval == base * QN_SAMPLE_LATER);
	}
	end(l);
}

/* A countdown runs to its end with the interval that it was drawn with; the next has another */
static void test_sample_has_its_interval(void **state)
{
	static const u32 sizes[] = { 100, 1000, 5000 };
	struct qn_local *l;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		u32 nr = 0;

		begin(4096);
		hub.follow.after = UINT64_MAX;
		hub.sampler.interval = 4096;
		l = get();
		l->sampler.interval = 16384;
		for (u32 n = 0; n < 30000 && nr < 3; n++) {
			assert_non_null(hold(l, sizes[i]));
			if (!l->nr_samples)
				continue;
			assert_int_equal(l->samples[0].size, sizes[i]);
			assert_int_equal(l->samples[0].interval,
					 nr ? 16384 : 4096);
			nr += l->nr_samples;
			l->nr_samples = 0;
		}
		assert_true(nr >= 3);
		drop_all(l);
	}
}

/* Two locals as a fork leaves them: they have the same state and go on differently */
static void test_fork_child(void **state)
{
	static struct qn_local parent;
	struct qn_local *l;
	u32 same = 0, due = 0;

	(void)state;
	begin(4096);
	hub.follow.after = UINT64_MAX;
	hub.conf.sample = 4096;
	hub.sampler.interval = 4096;
	l = get();
	for (u32 i = 0; i < 20000; i++)
		assert_non_null(hold(l, 16 + roll(60) * 16));
	assert_true(l->nr_samples > 0);
	parent = *l;
	hub.fork_seed = qn_sampler_seed(&hub.sampler);
	qn_hub_fork_child(&hub);
	qn_local_fork_child(l);
	/* What the parent has not handed in yet is not the child's */
	assert_int_equal(l->nr_samples, 0);
	assert_int_equal(l->medium.told, l->medium.credit);
	assert_int_not_equal(l->sampler.rng, parent.sampler.rng);
	for (u32 c = 0; c < QN_NR_CLASSES; c++) {
		bool is_due = parent.class[c].until_sample <
			      parent.class[c].osize;

		due += is_due;
		same += l->class[c].until_sample ==
			parent.class[c].until_sample;
		/* Of a list that was cut the next refill is the sample, in both */
		assert_true(!is_due || l->class[c].until_sample ==
					       parent.class[c].until_sample);
	}
	assert_true(same <= due + 1);
	drop_all(l);
	/* A local that no thread has now begins anew when one takes it */
	qn_local_put(l);
	parent = *l;
	hub.nr_forks++;
	assert_ptr_equal(get(), l);
	assert_int_not_equal(l->sampler.rng, parent.sampler.rng);
	qn_local_put(l);
	parent = *l;
	assert_ptr_equal(get(), l);
	assert_int_equal(l->sampler.rng, parent.sampler.rng);
}

/* ---- threads ---- */

#define NR_THREADS 4
#define NR_SLOTS   256
#define NR_ROUNDS  40000

static void *exchange[NR_SLOTS];

static u32 *size_word(void *p)
{
	return (u32 *)(void *)((char *)p + 8);
}

/* Swap with what lies in the exchange, free what was there; whoever made it */
static void thread_step(struct qn_local *l, u32 *seed)
{
	u32 r = random_turn(seed);
	u32 size = 16 + (r >> 8) % (16u << (r >> 28) % 11);
	void *p = object_alloc(l, size);

	if (!p)
		abort();
	*size_word(p) = size;
	memset((char *)p + 12, (int)(size & 255), size - 12);
	/* Pairs with itself: who takes the block sees its contents */
	p = __atomic_exchange_n(&exchange[(r >> 16) % NR_SLOTS], p,
				__ATOMIC_ACQ_REL);
	if (!p)
		return;
	size = *size_word(p);
	for (u32 i = 12; i < size; i++)
		if (((unsigned char *)p)[i] != (size & 255))
			abort();
	object_free(l, p);
}

static void *thread(void *arg)
{
	u32 seed = (u32)(uintptr_t)arg * 2654435761u;
	struct qn_local *l = get();

	for (u32 i = 0; i < NR_ROUNDS; i++) {
		thread_step(l, &seed);
		/* A new life now and then */
		if (i % 5000 == 4999) {
			qn_local_put(l);
			l = get();
		}
	}
	qn_local_put(l);
	return NULL;
}

static void test_threads(void **state)
{
	static const u32 sizes[] = { 300, 400, 720, 900, 1000 };
	pthread_t threads[NR_THREADS];
	struct qn_local *l;

	(void)state;
	begin(4096);
	port.threads = true;
	for (uintptr_t i = 0; i < NR_THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, thread,
						(void *)(i + 1)),
				 0);
	for (size_t i = 0; i < 40; i++) {
		l = get();
		publish(sizes[i / 2 % ARRAY_SIZE(sizes)], i % 2 == 0);
		qn_local_put(l);
		sched_yield();
	}
	for (int i = 0; i < NR_THREADS; i++)
		pthread_join(threads[i], NULL);
	port.threads = false;
	for (int i = 0; i < NR_SLOTS; i++) {
		if (exchange[i])
			object_free(&qn_local_none, exchange[i]);
		exchange[i] = NULL;
	}
	check_nothing_left();
	assert_int_equal(hub.page->nr_threads, 0);
	assert_true(hub.page->nr_remote > 0);
}

/* ---- figures ---- */

static u64 nr_counted(void)
{
	u64 nr = hub.page->nr_large;

	for (unsigned int c = 1; c < QN_NR_CLASSES; c++)
		nr += hub.page->classes[c].nr_allocs;
	return nr;
}

static struct qn_local *begin_exact(u32 nr)
{
	begin(4096);
	hub.exact = nr;
	hub.notes_peak = true;
	hub.page->exact = QN_STATS_EXACT_COUNT | QN_STATS_EXACT_PEAK;
	return get();
}

static size_t served(const void *p)
{
	const struct qn_unit *u = unit_of(p);

	return u->kind == QN_UNIT_MEDIUM ? usable(p) + sizeof(size_t) :
					   u->osize;
}

/* Small and medium blocks come and go; the page says at each moment what the model says */
static void test_exact(void **state)
{
	struct qn_local *l;
	u64 live = 0, peak = 0, nr = 0;
	void *p[300] = { 0 };

	(void)state;
	l = begin_exact(4000);
	for (int i = 0; i < 3000; i++) {
		u32 at = roll(300 - 299 * (i % 900 > 600));

		if (p[at]) {
			live -= served(p[at]);
			object_free(l, p[at]);
			p[at] = NULL;
			continue;
		}
		p[at] = object_alloc(l, 1 + roll(i % 7 ? 600 : 9000));
		live += served(p[at]);
		peak = max(peak, live);
		assert_int_equal(nr_counted(), ++nr);
		assert_int_equal(hub.page->peak_live, peak);
		assert_true((s64)hub.page->live >= (s64)live);
	}
	assert_true(hub.page->exact & QN_STATS_EXACT_PEAK);
	qn_local_account_end(l);
	assert_int_equal(hub.page->live, live);
	assert_int_equal(hub.page->peak_live, peak);
}

/* After so many the lists are handed over, and what the page says is no longer exact */
static void test_exact_ends(void **state)
{
	struct qn_local *l;

	(void)state;
	l = begin_exact(50);
	for (int i = 0; i < 49; i++)
		object_alloc(l, 100);
	assert_int_equal(hub.page->exact,
			 QN_STATS_EXACT_COUNT | QN_STATS_EXACT_PEAK);
	object_alloc(l, 100);
	assert_int_equal(hub.page->exact, 0);
	assert_int_equal(nr_counted(), 50);
	for (int i = 0; i < 10; i++)
		object_alloc(l, 100);
	assert_true(nr_counted() > 60);
	assert_true(qn_local_ready_bytes(l) > 0);
	assert_int_equal(qn_local_ready_bytes(l) % 112, 0);
	/* At its end all is known again */
	qn_local_account_end(l);
	assert_int_equal(nr_counted(), 60);
	assert_int_equal(hub.page->live, 60 * 112);
}

/* A thread ends, and with it what waits in its lists; a peak of two is none of one */
static void test_counts_of_threads(void **state)
{
	struct qn_local *l, *other;

	(void)state;
	l = begin_one(4096);
	for (int i = 0; i < 10; i++)
		object_alloc(l, 40);
	qn_local_put(l);
	assert_int_equal(nr_counted(), 10);
	l = begin_exact(100);
	assert_true(hub.notes_peak);
	other = get();
	assert_false(hub.notes_peak);
	assert_int_equal(hub.page->exact, QN_STATS_EXACT_COUNT);
	object_alloc(l, 40);
	object_alloc(other, 5000);
	assert_int_equal(nr_counted(), 2);
}

/* A child counts what it takes of the lists that it has from its parent */
static void test_counts_of_child(void **state)
{
	struct qn_local *l;

	(void)state;
	l = begin_one(4096);
	object_alloc(l, 40);
	qn_local_account(l);
	hub.page->classes[3].nr_allocs = 0;
	qn_local_fork_child(l);
	for (int i = 0; i < 5; i++)
		object_alloc(l, 40);
	qn_local_account_end(l);
	assert_int_equal(nr_counted(), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exact),
		cmocka_unit_test(test_exact_ends),
		cmocka_unit_test(test_counts_of_threads),
		cmocka_unit_test(test_counts_of_child),
		cmocka_unit_test(test_every_size),
		cmocka_unit_test(test_powers_of_two),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_borrow),
		cmocka_unit_test(test_free_before_untouched),
		cmocka_unit_test(test_reuse_at_once),
		cmocka_unit_test(test_life_of_slab),
		cmocka_unit_test(test_sparse_slabs),
		cmocka_unit_test(test_sparse_memory_returns),
		cmocka_unit_test(test_soon_empty),
		cmocka_unit_test(test_sparse_much),
		cmocka_unit_test(test_chunks_yield),
		cmocka_unit_test(test_promotion),
		cmocka_unit_test(test_demotion_keeps_lists),
		cmocka_unit_test(test_slot_is_reused),
		cmocka_unit_test(test_refill_takes_the_more),
		cmocka_unit_test(test_full_slab_of_an_unused_slot),
		cmocka_unit_test(test_tables_change_under_load),
		cmocka_unit_test(test_other_base),
		cmocka_unit_test(test_changing_sizes),
		cmocka_unit_test(test_batch_limits),
		cmocka_unit_test(test_sleeper),
		cmocka_unit_test(test_sleeper_mixed),
		cmocka_unit_test(test_patience),
		cmocka_unit_test(test_sleeper_is_awake),
		cmocka_unit_test(test_change_of_owner),
		cmocka_unit_test(test_inbox_is_used),
		cmocka_unit_test(test_batch_leaves),
		cmocka_unit_test(test_free_without_local),
		cmocka_unit_test(test_random_with_three),
		cmocka_unit_test(test_get_and_put),
		cmocka_unit_test(test_orphan),
		cmocka_unit_test(test_adoption),
		cmocka_unit_test(test_many_lives),
		cmocka_unit_test(test_orphans_hold_no_tables),
		cmocka_unit_test(test_get_refused),
		cmocka_unit_test(test_refill_refused),
		cmocka_unit_test(test_one_free_too_many),
		cmocka_unit_test(test_remote_double_free),
		cmocka_unit_test(test_remote_double_free_medium),
		cmocka_unit_test(test_check_finds_damage),
		cmocka_unit_test(test_waiting_blocks_make_room),
		cmocka_unit_test(test_waiting_blocks_make_room_in_a_row),
		cmocka_unit_test(test_few_wait_after_a_burst),
		cmocka_unit_test(test_medium_blocks_tick),
		cmocka_unit_test(test_samples_of_a_mix),
		cmocka_unit_test(test_samples_in_step),
		cmocka_unit_test(test_samples_without_frees),
		cmocka_unit_test(test_live_samples),
		cmocka_unit_test(test_sample_has_its_interval),
		cmocka_unit_test(test_fork_child),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
