// SPDX-License-Identifier: MIT
/*
 * t-medium.c - blocks between boundary tags: where they lie, what is merged, what is
 * resident, and what becomes of chunks.
 *
 * Links: linuxport.c, lib/process/medium.c and all below it.
 *
 * Invariants checked here, by a walk over the tags that asks nothing of medium.c:
 * - blocks in use are what the program has, each as long as it asked for, aligned as
 *   it asked for, and with its contents; runs and blocks fill each chunk to its end;
 * - no two free runs are neighbours;
 * - @bytes, @used, @holes and @nr_chunks are what the chunks add up to, and no page is
 *   resident that is not counted;
 * - once all is freed one chunk stays, after a trim none;
 * - most of what was freed goes back, though one block in 64 stays;
 * - a block grows where it lies exactly if what is behind it suffices;
 * - a pointer that is no block in use is told from one at once;
 * - a refusal of the kernel costs the request, never what is there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "linuxport.h"
#include "process/medium.h"
#include "tags.h"
#include "../random.h"

#define NR_HELD    40000
#define DIRTY_BASE ((size_t)1 << 20)
/* The shortest run: a rest of less stays with its block */
#define LEAST 64

struct block {
	unsigned char *p;
	size_t size;
	int value;
};

static struct qn_segments s;
static struct qn_knobs knobs;
static struct qn_medium m;
/* Whoever owns the blocks: nothing of it is looked at */
static u64 owner;
static struct block held[NR_HELD];
static u32 nr_held;
/* Freed blocks are merged at once where a test is about that */
static bool may_wait;

static void begin(size_t page_size)
{
	port_reset(page_size);
	memset(&s, 0, sizeof(s));
	knobs = qn_knobs_preset;
	knobs.dirty = DIRTY_BASE;
	qn_segments_init(&s, &knobs, 0);
	memset(&m, 0, sizeof(m));
	qn_medium_init(&m, &s, (struct qn_local *)(void *)&owner, page_size);
	nr_held = 0;
	random_state = 2463534242u;
	may_wait = false;
	m.credit = PTRDIFF_MAX;
}

/* Freed blocks wait until somebody needs what they are made of */
static void begin_waiting(void)
{
	begin(4096);
	may_wait = true;
	m.look = 1 << 20;
}

static struct qn_unit *unit_of(const void *p)
{
	struct qn_unit *u = qn_segments_find(&s, p);

	assert_non_null(u);
	assert_int_equal(u->kind, QN_UNIT_MEDIUM);
	return u;
}

/* ---- the program: blocks with contents ---- */

static size_t usable(const void *p)
{
	return qn_medium_size(unit_of(p), p, "usable");
}

static void fill(struct block *b)
{
	b->value = (int)roll(256);
	memset(b->p, b->value, b->size);
}

static void verify(const struct block *b, size_t size)
{
	const unsigned char *p = b->p;

	assert_true(!size ||
		    (*p == b->value && memcmp(p, p + 1, size - 1) == 0));
}

static void *try(size_t size, size_t align)
{
	size_t bytes = qn_medium_bytes(size);
	void *p;

	if (align > QN_MEDIUM_STEP)
		return qn_medium_alloc_aligned(&m, size, align);
	p = qn_medium_get(&m, bytes, false);
	return p ? p : qn_medium_cut(&m, bytes);
}

/* Blocks of which a part was said to read as zero */
static u32 nr_clean;

/* What is said to read as zero does */
static void check_clean(const struct block *b)
{
	const unsigned char *clean = (const unsigned char *)m.clean;

	if (!clean || clean < b->p || clean >= b->p + b->size)
		return;
	nr_clean++;
	for (; clean < b->p + b->size; clean++)
		assert_int_equal(*clean, 0);
}

/* As the locals do it. Return: the block, or NULL */
static unsigned char *hold_aligned(size_t size, size_t align)
{
	struct block *b = &held[nr_held];

	assert_true(nr_held < NR_HELD);
	m.clean = NULL;
	b->p = try(size, align);
	if (!b->p) {
		if (!qn_medium_grow(&m, size + 2 * align))
			return NULL;
		b->p = try(size, align);
		assert_non_null(b->p);
	}
	b->size = size;
	assert_true(is_aligned((uintptr_t)b->p, align));
	assert_true(usable(b->p) >= size);
	if (align <= QN_MEDIUM_STEP)
		check_clean(b);
	fill(b);
	nr_held++;
	return b->p;
}

static unsigned char *hold(size_t size)
{
	return hold_aligned(size, QN_MEDIUM_STEP);
}

/* Blocks one behind the other */
static void hold_row(unsigned char **p, int nr, size_t size)
{
	for (int i = 0; i < nr; i++)
		p[i] = hold(size);
}

static u32 index_of(const unsigned char *p)
{
	u32 i = 0;

	while (held[i].p != p)
		i++;
	return i;
}

static void drop(u32 i)
{
	verify(&held[i], held[i].size);
	qn_medium_free(&m, unit_of(held[i].p), held[i].p);
	qn_medium_look(&m);
	if (!may_wait)
		qn_medium_merge(&m);
	held[i] = held[--nr_held];
}

static void drop_block(const unsigned char *p)
{
	drop(index_of(p));
}

static void drop_row(unsigned char *const *p, int nr)
{
	for (int i = 0; i < nr; i++)
		drop_block(p[i]);
}

static void drop_all(void)
{
	while (nr_held)
		drop(roll(nr_held));
}

static void resize(u32 i, size_t size)
{
	struct block *b = &held[i];
	size_t old = usable(b->p);
	bool done = qn_medium_resize(&m, b->p, size);

	assert_true(done || size > old);
	verify(b, done ? min(size, b->size) : b->size);
	if (!done) {
		assert_int_equal(usable(b->p), old);
		return;
	}
	assert_true(usable(b->p) >= size);
	b->size = size;
	fill(b);
}

static void verify_all(void)
{
	for (u32 i = 0; i < nr_held; i++)
		verify(&held[i], held[i].size);
}

/* ---- the second opinion ---- */

struct tally {
	size_t chunks;
	size_t bytes;
	size_t used;
	size_t nr_used;
	size_t nr_waiting;
	size_t waiting;
	size_t nr_free;
	size_t holes;
	size_t resident;
};

static void tally_unit(const struct qn_unit *u, struct tally *t)
{
	unsigned char in[QN_UNIT_SIZE / QN_PART_SIZE];

	assert_int_equal(mincore(qn_unit_start(&s, u), QN_UNIT_SIZE, in), 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(in); i++) {
		t->holes += u->touched >> i & 1 ? 0 : QN_PART_SIZE;
		t->resident += in[i] & 1 ? QN_PART_SIZE : 0;
		/* A refused purge is free to touch what it was about */
		if (in[i] & 1 && !port.purge.fail_at)
			assert_true(u->touched >> i & 1);
	}
}

static void tally_chunk(const struct qn_unit *u, struct tally *t)
{
	const char *p = chunk_first(&s, u), *next;
	const char *end = qn_unit_start(&s, u) + (u->run.size << QN_UNIT_SHIFT);
	bool before = false;

	t->chunks++;
	for (size_t i = 0; i < u->run.size; i++)
		tally_unit(&u[i], t);
	for (; !is_chunk_end(p); p = next) {
		next = block_next(p);
		assert_true(next - p >= LEAST && next <= end);
		assert_int_equal(block_is_behind_free(p), before);
		t->bytes += block_length(p);
		if (block_is_free(p)) {
			assert_false(before);
			t->nr_free++;
		} else if (block_waits(p)) {
			t->nr_waiting++;
			t->waiting += block_length(p);
		} else {
			t->nr_used++;
			t->used += block_length(p);
		}
		before = block_is_free(p);
	}
	assert_int_equal(block_is_behind_free(p), before);
	assert_ptr_equal(p, end);
}

static struct tally tally_all(void)
{
	struct tally t = { 0 };

	for (unsigned int n = 0; n < s.space.nr; n++) {
		const struct qn_segment *seg = &s.space.seg[n];
		const struct qn_unit *u;

		for (size_t i = 0; i < seg->frontier; i += u->run.size) {
			u = &seg->units[i];
			if (u->kind == QN_UNIT_MEDIUM)
				tally_chunk(u, &t);
		}
	}
	return t;
}

/* Each of the blocks in use is one that is held, and there are no more */
static struct tally check(void)
{
	const char *what = qn_medium_check(&m);
	struct tally t = tally_all();

	if (!what)
		what = qn_segments_check(&s);
	if (what)
		fail_msg("check: %s", what);
	assert_int_equal(t.chunks, m.nr_chunks);
	assert_int_equal(t.bytes, m.bytes);
	assert_int_equal(t.used, qn_medium_used(&m));
	assert_true(m.waits || !t.nr_waiting);
	assert_true(may_wait || !t.nr_waiting);
	assert_int_equal(t.nr_used, nr_held);
	assert_int_equal(t.holes, m.holes);
	assert_int_equal(s.resident.used, t.bytes + 16 * t.chunks);
	assert_true(t.used + t.holes <= s.resident.used);
	for (u32 i = 0; i < nr_held; i++)
		assert_true(usable(held[i].p) >= held[i].size);
	return t;
}

static void check_nothing_left(void)
{
	struct tally t;

	qn_medium_merge(&m);
	t = check();

	assert_int_equal(nr_held, 0);
	/* The next block would need one again */
	assert_in_range(t.chunks, 0, 1);
	qn_medium_trim(&m);
	t = check();
	assert_int_equal(t.chunks, 0);
	assert_int_equal(m.bytes, 0);
	assert_int_equal(qn_medium_used(&m), 0);
	assert_int_equal(m.holes, 0);
	assert_int_equal(s.resident.used, 0);
	qn_segments_purge(&s, 0);
	assert_int_equal(s.resident.dirty, 0);
}

/* All that is held is whole, and all that is counted adds up */
static void check_all(void)
{
	verify_all();
	check();
}

/* All is freed, and nothing is left of it */
static void end(void)
{
	drop_all();
	check_nothing_left();
}

/* ---- random ---- */

static size_t random_size(void)
{
	return 1 + roll((u32)QN_MEDIUM_MAX >> roll(6));
}

static void random_step(u32 most)
{
	u32 what = roll(16);

	if (nr_held && (nr_held >= most || what < 6))
		drop(roll(nr_held));
	else if (what < 12)
		hold(random_size());
	else if (what < 14)
		hold_aligned(random_size() - 1, (size_t)16 << roll(12));
	else if (nr_held)
		resize(roll(nr_held), random_size());
}

static void check_random(u32 seed, size_t page_size)
{
	begin(page_size);
	random_state = seed * 2654435761u;
	may_wait = seed != 2;
	for (u32 i = 0; i < 30000; i++) {
		/* Much, then little */
		random_step(i / 5000 % 2 ? 100 : 4000);
		port.clock += roll(2000);
		if (i % 1000 == 0)
			check();
		if (i % 7000 == 6999)
			qn_medium_trim(&m);
	}
	check_all();
	end();
}

static void test_random(void **state)
{
	(void)state;
	for (u32 seed = 1; seed <= 3; seed++)
		for (size_t page = 4096; page <= 65536; page *= 4)
			check_random(seed, page);
}

/* Few steps, each of which is looked at */
static void test_random_closely(void **state)
{
	(void)state;
	for (u32 seed = 1; seed <= 4; seed++) {
		begin(4096);
		random_state = seed * 2654435761u;
		may_wait = seed % 2;
		for (u32 i = 0; i < 1500; i++) {
			random_step(60);
			check();
		}
		end();
	}
}

/* ---- merging ---- */

static void test_neighbours_merge(void **state)
{
	static const u8 orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
					{ 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		unsigned char *p[3], *first;

		begin(4096);
		first = hold(2000);
		for (int n = 0; n < 3; n++)
			p[n] = hold(3000);
		hold(2000);
		/* Two of them with the rest of the chunk; then a third, then one */
		for (int n = 0; n < 3; n++) {
			for (u32 k = 0; k < nr_held; k++)
				if (held[k].p == p[orders[i][n]])
					drop(k);
			check();
		}
		assert_int_equal(check().nr_free, 2);
		/* What they were is one run now */
		assert_ptr_equal(hold(8900), first + usable(first) + 8);
		drop_all();
		assert_int_equal(check().nr_free, 1);
		check_nothing_left();
	}
}

static void test_chunks_leave(void **state)
{
	size_t most;

	(void)state;
	begin(4096);
	for (int i = 0; i < 4000; i++)
		hold(5000);
	most = check().chunks;
	assert_in_range(most, 15, 100);
	while (nr_held > 10)
		drop(nr_held - 1);
	/* One that is all free is kept */
	assert_in_range(check().chunks, 1, 2);
	drop_all();
	assert_int_equal(check().chunks, 1);
	check_nothing_left();
}

/* One block comes and goes: the chunk stays, and the block's place */
static void test_reuse_at_once(void **state)
{
	unsigned char *p;

	(void)state;
	begin(4096);
	p = hold(5000);
	for (int i = 0; i < 1000; i++) {
		drop(0);
		assert_ptr_equal(hold(5000), p);
	}
	assert_int_equal(port.map.nr, 2);
	assert_int_equal(port.extend.nr, 0);
	end();
}

static void test_waits_for_its_size(void **state)
{
	unsigned char *p[3];

	(void)state;
	begin_waiting();
	hold_row(p, 3, 3000);
	hold(2000);
	drop_row(p, 3);
	assert_int_equal(check().nr_waiting, 3);
	/* The last one first; another size does not get it */
	assert_ptr_equal(hold(3000), p[2]);
	assert_null(qn_medium_get(&m, qn_medium_bytes(2900), true));
	assert_int_equal(check().nr_waiting, 2);
	/* A sample or the statistics are due: somebody else has to look at it */
	m.credit = 3000;
	assert_null(qn_medium_get(&m, qn_medium_bytes(3000), false));
	m.credit = PTRDIFF_MAX;
	m.least = m.free - 3000;
	assert_null(qn_medium_get(&m, qn_medium_bytes(3000), false));
	m.least = m.free - qn_medium_bytes(3000);
	assert_ptr_equal(hold(3000), p[1]);
	assert_int_equal(check().nr_waiting, 1);
	m.credit = 0;
	m.least = 0;
	end();
}

/* Before memory is touched for the first time, what waits is merged */
static void test_what_waits_goes_first(void **state)
{
	unsigned char *p[8];
	struct tally before;

	(void)state;
	begin_waiting();
	hold_row(p, 8, 3000);
	hold(2000);
	before = check();
	drop_row(p, 8);
	assert_int_equal(check().nr_waiting, 8);
	assert_in_range((uintptr_t)hold(20000), (uintptr_t)p[0],
			(uintptr_t)p[1] - 1);
	assert_int_equal(check().nr_waiting, 0);
	assert_int_equal(check().resident, before.resident);
	end();
}

/* ---- what is resident ---- */

/* Of a new chunk no more is touched than what was asked for, and its ends */
static void test_new_chunk_is_untouched(void **state)
{
	struct tally t;

	(void)state;
	begin(4096);
	for (u32 i = 1; i <= 20; i++) {
		hold(8192);
		t = check();
		assert_in_range(t.resident, i * 8192, i * 8192 + 3 * 4096);
		assert_int_equal(s.resident.used - t.holes, t.resident);
	}
	end();
}

/* Keep one block in @keep */
static void thin_out(u32 keep)
{
	u32 kept = 0;

	for (u32 i = 0; i < nr_held; i += keep) {
		struct block b = held[kept];

		held[kept++] = held[i];
		held[i] = b;
	}
	while (nr_held > kept)
		drop(nr_held - 1);
}

static void fill_up(size_t from, size_t to, size_t bytes)
{
	for (size_t sum = 0; sum < bytes; sum += held[nr_held - 1].size)
		hold(from + roll((u32)(to - from + 1)));
}

static void check_memory_returns(size_t from, size_t to)
{
	struct tally peak, t;

	begin(4096);
	may_wait = true;
	fill_up(from, to, 40 << 20);
	peak = check();
	thin_out(64);
	t = check();
	verify_all();
	if (t.resident + s.resident.dirty >= peak.resident / 5)
		fail_msg("%zu and %zu dirty of %zu", t.resident,
			 s.resident.dirty, peak.resident);
	assert_true(m.free + s.resident.dirty < peak.resident / 5);
	/* And is there again */
	fill_up(from, to, 39 << 20);
	t = check();
	verify_all();
	assert_true(t.bytes < peak.bytes / 10 * 11);
	end();
}

static void test_memory_returns(void **state)
{
	(void)state;
	check_memory_returns(1100, 1100);
	check_memory_returns(1025, 4000);
	check_memory_returns(5000, 5000);
	check_memory_returns(1025, 32768);
	check_memory_returns(32768, 32768);
}

/* What is used again soon after it was purged was purged too soon */
static void check_refaults(u64 ms, bool soon)
{
	begin(4096);
	fill_up(5000, 5000, 4 << 20);
	thin_out(64);
	qn_medium_trim(&m);
	assert_true(s.resident.purged > 3 << 20);
	assert_true(m.holes > 2 << 20);
	assert_int_equal(s.resident.refaults, 0);
	port_sleep_ms(ms);
	fill_up(5000, 5000, 3 << 20);
	check();
	assert_int_equal(s.resident.refaults > 2 << 20, soon);
	assert_int_equal(s.resident.refaults == 0, !soon);
	verify_all();
	end();
}

static void test_refaults(void **state)
{
	(void)state;
	check_refaults(10, true);
	check_refaults(100000, false);
}

static void test_trim_purges(void **state)
{
	struct tally t;

	(void)state;
	for (size_t page = 4096; page <= 65536; page *= 4) {
		begin(page);
		fill_up(20000, 32768, 600000);
		while (nr_held > 1)
			drop(1);
		qn_medium_trim(&m);
		t = check();
		/* The block, the ends of the chunk, the free run's two */
		assert_true(t.resident <= 32768 + 4 * page);
		end();
	}
}

/* ---- resizing ---- */

static void test_resize_in_place(void **state)
{
	unsigned char *a, *b, *c;
	size_t a_size, both;

	(void)state;
	begin(4096);
	a = hold(3000);
	b = hold(4000);
	c = hold(5000);
	a_size = usable(a);
	both = a_size + usable(b) + sizeof(size_t);
	/* The neighbour is in use: no further than what was rounded up */
	assert_true(qn_medium_resize(&m, a, a_size));
	assert_false(qn_medium_resize(&m, a, a_size + 1));
	assert_int_equal(usable(a), a_size);
	check();
	drop_block(b);
	assert_false(qn_medium_resize(&m, a, both + 1));
	assert_int_equal(usable(a), a_size);
	check();
	resize(index_of(a), a_size + 1);
	assert_in_range(usable(a), a_size + 1, a_size + 32);
	check();
	/* All of it: none is left over */
	resize(index_of(a), both);
	assert_int_equal(usable(a), both);
	assert_int_equal(check().nr_free, 1);
	/* A rest that is too short stays with the block */
	resize(index_of(a), both - LEAST + 32);
	assert_int_equal(usable(a), both);
	resize(index_of(a), both - LEAST);
	assert_int_equal(usable(a), both - LEAST);
	assert_int_equal(check().nr_free, 2);
	/* Shrinking twice: what is cut off is one run */
	resize(index_of(a), 2000);
	assert_int_equal(check().nr_free, 2);
	assert_ptr_equal(hold(both - 2100), a + usable(a) + 8);
	/* The last one, into what was never touched */
	resize(index_of(c), QN_MEDIUM_MAX);
	assert_in_range(usable(c), QN_MEDIUM_MAX, QN_MEDIUM_MAX + 127);
	check_all();
	end();
}

/* ---- alignment ---- */

static void test_aligned(void **state)
{
	static const size_t sizes[] = { 0,    1,     15,    100,  1024,
					1500, 20000, 32767, 32768 };

	(void)state;
	for (size_t page = 4096; page <= 65536; page *= 4) {
		begin(page);
		for (int n = 0; n < 5; n++)
			for (size_t a = 16; a <= QN_MEDIUM_MAX; a *= 2)
				for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
					hold_aligned(sizes[i], a);
					if (roll(3) == 0)
						drop(roll(nr_held));
				}
		check_all();
		end();
	}
}

/* What alignment skips can be had: in the end the chunk is as full as without */
static void test_aligned_wastes_little(void **state)
{
	size_t before;

	(void)state;
	begin(4096);
	for (int i = 0; i < 200; i++)
		hold_aligned(1500, 4096);
	before = check().bytes;
	for (int i = 0; i < 200; i++)
		hold(1500);
	assert_int_equal(check().bytes, before);
	end();
}

/* ---- misuse ---- */

#define ALREADY  "the block was freed already"
#define NO_BLOCK "the pointer is not the start of a block"

static void free_it(void *p)
{
	qn_medium_free(&m, unit_of(p), p);
}

static void size_it(void *p)
{
	qn_medium_size(unit_of(p), p, "usable");
}

/* Freed twice while its neighbours are free, in use, or freed later */
static void check_double_free(bool before, bool behind, bool later)
{
	unsigned char *p[3];

	begin(4096);
	hold_row(p, 3, 3000);
	hold(3000);
	if (before && !later)
		drop_block(p[0]);
	if (behind && !later)
		drop_block(p[2]);
	drop_block(p[1]);
	if (before && later)
		drop_block(p[0]);
	if (behind && later)
		drop_block(p[2]);
	assert_misuse(free_it, p[1], "free", p[1], ALREADY);
	assert_misuse(size_it, p[1], "usable", p[1], ALREADY);
	check();
	end();
}

static void test_double_free(void **state)
{
	(void)state;
	for (int i = 0; i < 8; i++)
		check_double_free(i & 1, i & 2, i & 4);
}

/* The last of two in its chunk, which stays */
static void test_double_free_of_all(void **state)
{
	unsigned char *p;

	(void)state;
	begin(4096);
	p = hold(3000);
	drop(0);
	assert_misuse(free_it, p, "free", p, ALREADY);
	check_nothing_left();
}

static void test_not_a_block(void **state)
{
	unsigned char *p, *start;

	(void)state;
	begin(4096);
	p = hold(32000);
	hold(32000);
	hold(32000);
	start = p - 16;
	assert_true(is_aligned((uintptr_t)start, QN_UNIT_SIZE));
	/* Whatever the program wrote, all but its own tags */
	for (size_t at = 16; at < 32000; at += 16) {
		assert_misuse(free_it, p + at, "free", p + at, NO_BLOCK);
		assert_misuse(size_it, p + at, "usable", p + at, NO_BLOCK);
	}
	for (size_t at = 1; at < 16; at++)
		assert_misuse(free_it, p + at, "free", p + at, NO_BLOCK);
	/* Before the chunk's first word is what is not ours to read */
	assert_misuse(free_it, start, "free", start, NO_BLOCK);
	assert_misuse(free_it, start + 8, "free", start + 8, NO_BLOCK);
	/* In its second unit */
	start += QN_UNIT_SIZE;
	assert_misuse(free_it, start, "free", start, NO_BLOCK);
	check();
	end();
	/* Behind all blocks; this look at untouched memory is the last */
	hold(2000);
	start += 2 * QN_UNIT_SIZE;
	assert_misuse(free_it, start + 64, "free", start + 64, NO_BLOCK);
}

/* A copy of a tag elsewhere is no tag */
static void test_copied_tag(void **state)
{
	unsigned char *p;

	(void)state;
	begin(4096);
	p = hold(3000);
	memcpy(p + 160 - 8, p - 8, 8);
	assert_misuse(free_it, p + 160, "free", p + 160, NO_BLOCK);
}

/* ---- refusals ---- */

/* Of a fresh chunk and of what was purged all reads as zero; of old contents nothing does */
static void test_clean(void **state)
{
	size_t units = 16, bytes = units << QN_UNIT_SHIFT;
	struct qn_unit *u;

	(void)state;
	begin(4096);
	nr_clean = 0;
	for (int i = 0; i < 20; i++)
		hold(20000);
	assert_in_range(nr_clean, 15, 20);
	drop_all();
	qn_medium_trim(&m);
	qn_segments_purge(&s, 0);
	/* A run with contents of which the later part is not known to be resident */
	knobs.dirty = 4 * bytes;
	u = qn_run_alloc(&s, units, 1, QN_UNIT_LARGE, NULL);
	memset(qn_unit_start(&s, u), 0xcc, bytes);
	qn_run_free(&s, u, bytes);
	assert_ptr_equal(qn_run_alloc(&s, units, 1, QN_UNIT_LARGE, NULL), u);
	qn_run_free(&s, u, 4096);
	nr_clean = 0;
	for (int i = 0; i < 12; i++)
		assert_in_range((char *)hold(20000) - qn_unit_start(&s, u), 0,
				bytes);
	assert_int_equal(nr_clean, 0);
}

static void test_commit_refused(void **state)
{
	size_t most = 0;

	(void)state;
	begin(4096);
	hold(2000);
	port_refuse_all();
	for (int round = 0; round < 5; round++) {
		while (hold(1025 + roll(31000)))
			;
		most = max(most, check().bytes);
		verify_all();
		/* Small ones may still find room */
		while (hold(1100))
			;
		assert_null(hold_aligned(20000, 4096));
		assert_int_equal(check().bytes, most);
		for (u32 n = nr_held / 2; n > 0; n--)
			drop(roll(nr_held));
		check();
	}
	port_grant_all();
	fill_up(20000, 32768, 8 << 20);
	check_all();
	end();
}

/* Nothing at all, from the beginning */
static void test_first_refused(void **state)
{
	(void)state;
	begin(4096);
	port_refuse(&port.map, 0, UINT32_MAX);
	assert_null(hold(2000));
	check();
	port_grant(&port.map);
	assert_non_null(hold(2000));
	end();
}

static void test_purge_refused(void **state)
{
	size_t holes;

	(void)state;
	begin(4096);
	may_wait = true;
	fill_up(1025, 20000, 20 << 20);
	holes = m.holes;
	port_refuse(&port.purge, 0, UINT32_MAX);
	thin_out(8);
	assert_true(port.purge.nr > 0);
	qn_medium_trim(&m);
	check_all();
	/* Chunks may have left, with what was never touched */
	assert_true(m.holes <= holes);
	assert_int_equal(s.resident.purged, 0);
	fill_up(1025, 20000, 10 << 20);
	check_all();
	port_grant(&port.purge);
	end();
}

/* ---- the checker itself ---- */

static void check_damage(size_t *word, size_t change)
{
	*word ^= change;
	assert_non_null(qn_medium_check(&m));
	*word ^= change;
	assert_null(qn_medium_check(&m));
}

static void test_check_finds_damage(void **state)
{
	unsigned char *p[3];
	size_t *tag;

	(void)state;
	begin(4096);
	hold_row(p, 3, 3000);
	drop(1);
	tag = (size_t *)(void *)p[1] - 1;
	for (int bit = 0; bit < 64; bit++)
		if (bit < 2 || bit > 2)
			check_damage(tag, (size_t)1 << bit);
	check_damage((size_t *)(void *)p[2] - 2, 16);
	check_damage((size_t *)(void *)p[2] - 1, (size_t)1 << 63);
	check_damage(&m.free, 16);
	check_damage(&m.holes, 4096);
	check_damage(&m.bins.mask[0], 1);
	check_damage((size_t *)(void *)&((struct qn_run *)(void *)p[1])->prev,
		     8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_random_closely),
		cmocka_unit_test(test_neighbours_merge),
		cmocka_unit_test(test_chunks_leave),
		cmocka_unit_test(test_reuse_at_once),
		cmocka_unit_test(test_waits_for_its_size),
		cmocka_unit_test(test_what_waits_goes_first),
		cmocka_unit_test(test_new_chunk_is_untouched),
		cmocka_unit_test(test_memory_returns),
		cmocka_unit_test(test_refaults),
		cmocka_unit_test(test_trim_purges),
		cmocka_unit_test(test_resize_in_place),
		cmocka_unit_test(test_aligned),
		cmocka_unit_test(test_aligned_wastes_little),
		cmocka_unit_test(test_double_free),
		cmocka_unit_test(test_double_free_of_all),
		cmocka_unit_test(test_not_a_block),
		cmocka_unit_test(test_copied_tag),
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_commit_refused),
		cmocka_unit_test(test_first_refused),
		cmocka_unit_test(test_purge_refused),
		cmocka_unit_test(test_check_finds_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
