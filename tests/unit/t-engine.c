// SPDX-License-Identifier: MIT
/*
 * t-engine.c - one suite for every engine, through the operations of engine.h alone.
 *
 * Invariants checked here, for each of them:
 * - init takes memory of any alignment, refuses what is too small, and everything
 *   lies inside;
 * - every block is aligned, apart from all others and from the engine's own state, at
 *   least as large as asked for, and keeps its contents whatever happens around it;
 * - metadata, live and free bytes add up, and as many blocks are live as were not
 *   freed;
 * - what cannot be served is NULL and changes nothing; after all is freed, all is
 *   there again, in one piece but for the engine that never merges;
 * - check() accepts all of this after any operation, and notices an overrun.
 *
 * The differential test does thousands of random operations beside a model that
 * knows each block's address, size and contents. The two buddy systems are held
 * against each other: they must hand out the same blocks, call by call.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "engine/engine.h"
#include "../random.h"

#define MEMORY   ((size_t)96 << 10)
#define NR_SLOTS 180
#define NR_OPS   4000

static unsigned char memory[MEMORY] __aligned(64);
static unsigned char twin[MEMORY] __aligned(64);

/* The engine under test, and a heap of it */
static const struct qn_engine *e;
static void *h;

static void reset(void)
{
	memset(memory, 0xa5, sizeof(memory));
	h = e->init(memory, sizeof(memory));
	assert_non_null(h);
}

static struct qn_engine_stats stats(void)
{
	struct qn_engine_stats st;

	e->stats(h, &st);
	assert_int_equal(st.metadata + st.live + st.free, st.size);
	assert_true(st.largest_free <= st.free);
	return st;
}

static void assert_sound(void)
{
	assert_ptr_equal(e->check(h), NULL);
	stats();
}

static bool is_inside(const void *p, size_t size)
{
	uintptr_t at = (uintptr_t)p - (uintptr_t)memory;

	return at < sizeof(memory) && size <= sizeof(memory) - at;
}

static void check_init(void)
{
	size_t smallest = 0;

	assert_null(e->init(NULL, 4096));
	for (size_t size = 0; size < 8192; size++) {
		h = e->init(memory, size);
		if (!h) {
			assert_int_equal(smallest, 0);
			continue;
		}
		smallest = smallest ? smallest : size;
		assert_int_equal(stats().size, size);
		assert_non_null(e->alloc(h, 1));
		assert_ptr_equal(e->check(h), NULL);
	}
	assert_in_range(smallest, 1, 8191);
	for (size_t skew = 0; skew < 70; skew++) {
		h = e->init(memory + skew, sizeof(memory) - skew);
		assert_sound();
		assert_int_equal(stats().size, sizeof(memory) - skew);
		assert_int_equal(stats().live, 0);
		assert_true(is_aligned((uintptr_t)e->alloc(h, 1), QN_ALIGN));
	}
}

static void check_sizes(void)
{
	reset();
	for (size_t size = 0; size < 2000; size++) {
		unsigned char *p = e->alloc(h, size);
		size_t usable = e->usable(h, p);

		assert_non_null(p);
		assert_true(is_aligned((uintptr_t)p, QN_ALIGN));
		assert_true(usable >= size && usable > 0);
		assert_true(is_inside(p, usable));
		memset(p, 0x11, usable);
		assert_true(stats().live >= usable);
		assert_int_equal(stats().nr_live, 1);
		assert_ptr_equal(e->check(h), NULL);
		e->free(h, p);
		assert_int_equal(stats().nr_live, 0);
		assert_int_equal(stats().live, 0);
	}
	assert_sound();
}

static void check_impossible(void)
{
	unsigned char *p;

	reset();
	p = e->alloc(h, 100);
	memset(p, 0x22, 100);
	assert_null(e->alloc(h, SIZE_MAX));
	assert_null(e->alloc(h, SIZE_MAX - 7));
	assert_null(e->alloc(h, SIZE_MAX / 2 + 1));
	assert_null(e->alloc(h, SIZE_MAX / 2));
	assert_null(e->alloc(h, MEMORY));
	assert_null(e->realloc(h, p, SIZE_MAX));
	assert_null(e->realloc(h, p, SIZE_MAX / 2));
	assert_null(e->realloc(h, p, MEMORY));
	assert_null(e->aligned(h, 64, SIZE_MAX - 3));
	assert_null(e->aligned(h, 64, SIZE_MAX / 2 - 3));
	assert_null(e->aligned(h, SIZE_MAX / 2 + 1, 8));
	assert_null(e->aligned(h, MEMORY, 8));
	assert_null(e->aligned(h, 24, 8));
	assert_null(e->aligned(h, 0, 8));
	assert_int_equal(stats().nr_live, 1);
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(p[i], 0x22);
	e->free(h, NULL);
	assert_int_equal(stats().nr_live, 1);
	assert_sound();
}

static void check_aligned(void)
{
	void *p[13];

	for (size_t size = 0; size < 600; size += 37) {
		reset();
		for (unsigned int i = 0; i < 13; i++) {
			p[i] = e->aligned(h, (size_t)1 << i, size);
			assert_non_null(p[i]);
			assert_true(
				is_aligned((uintptr_t)p[i], (size_t)1 << i));
			assert_true(is_aligned((uintptr_t)p[i], QN_ALIGN));
			assert_true(e->usable(h, p[i]) >= size);
			assert_true(is_inside(p[i], e->usable(h, p[i])));
			memset(p[i], (int)i, e->usable(h, p[i]));
			assert_sound();
		}
		for (unsigned int i = 0; i < 13; i++) {
			for (size_t k = 0; k < size; k++)
				assert_int_equal(((u8 *)p[i])[k], i);
			e->free(h, p[i]);
			assert_sound();
		}
		assert_int_equal(stats().live, 0);
	}
}

static void check_realloc(void)
{
	unsigned char *p, *q, *wall = NULL;

	reset();
	p = e->realloc(h, NULL, 1);
	*p = 0;
	for (size_t size = 2; size < 3000; size += 1 + size / 9) {
		size_t old = size - 1 - (size - 1) / 10;

		old = size - 1 < old ? size - 1 : old;
		q = e->realloc(h, p, size);
		assert_non_null(q);
		for (size_t i = 0; i < old && i < size / 2; i++)
			assert_int_equal(q[i], (u8)i);
		for (size_t i = 0; i < size; i++)
			q[i] = (u8)i;
		p = q;
		e->free(h, wall);
		wall = e->alloc(h, size / 3);
		memset(wall, 0xff, size / 3);
		assert_int_equal(stats().nr_live, 2);
		assert_sound();
	}
	for (size_t size = 2500; size > 0; size -= 1 + size / 7) {
		p = e->realloc(h, p, size);
		assert_non_null(p);
		assert_true(e->usable(h, p) >= size);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(p[i], (u8)i);
		assert_sound();
	}
	p = e->realloc(h, p, 0);
	assert_non_null(p);
	e->free(h, p);
	e->free(h, wall);
	assert_int_equal(stats().live, 0);
}

/* All that was put off; an engine may take what it needs for that by the first step */
static void do_steps(void)
{
	while (e->step && e->step(h))
		;
}

/* One request can have all that was one piece */
static void check_one_piece(size_t size)
{
	void *p;

	do_steps();
	p = e->alloc(h, size - QN_ALIGN);
	assert_non_null(p);
	e->free(h, p);
}

/* Fill the heap; what was freed must serve the same again */
static void check_exhaustion(void)
{
	static void *p[MEMORY / 64];
	struct qn_engine_stats fresh;
	size_t nr[2];

	for (size_t size = 40; size < 5000; size *= 3) {
		reset();
		do_steps();
		fresh = stats();
		for (unsigned int round = 0; round < 2; round++) {
			size_t n = 0;

			while (n < ARRAY_SIZE(p) &&
			       (p[n] = e->alloc(h, size)) != NULL)
				memset(p[n++], 0x33, size);
			nr[round] = n;
			assert_int_equal(stats().nr_live, n);
			assert_sound();
			/* From both ends inwards, so that neighbours meet */
			for (size_t i = 0; i < n; i++)
				e->free(h, p[i % 2 ? n - 1 - i / 2 : i / 2]);
			assert_sound();
			assert_int_equal(stats().live, 0);
			assert_int_equal(stats().free, fresh.free);
			if (e != &qn_engine_per_size)
				check_one_piece(fresh.largest_free);
		}
		assert_int_equal(nr[0], nr[1]);
		/* At least a third of the memory was of use */
		assert_true(nr[0] * size > MEMORY / 3);
	}
}

/* What is written behind the end of a block is noticed */
static void check_overrun(void)
{
	unsigned char *p[4], *q;

	reset();
	for (unsigned int i = 0; i < 4; i++)
		p[i] = e->alloc(h, 100);
	e->free(h, p[1]);
	if (e->step)
		e->step(h);
	assert_sound();
	q = p[0] + e->usable(h, p[0]);
	memset(q, 0xa5, 3 * sizeof(void *));
	assert_non_null(e->check(h));
}

/* ---- the differential test ---- */

struct slot {
	unsigned char *p;
	size_t size;
	unsigned char seed;
};

static struct slot slots[NR_SLOTS];
static size_t nr_live;

static u8 byte_at(const struct slot *s, size_t i)
{
	return (u8)(s->seed + i * 7);
}

static void fill(struct slot *s)
{
	s->seed = (u8)roll(256);
	for (size_t i = 0; i < s->size; i++)
		s->p[i] = byte_at(s, i);
}

static void verify(const struct slot *s, const unsigned char *p, size_t size)
{
	size_t i = 0;

	while (i < size && p[i] == byte_at(s, i))
		i++;
	assert_int_equal(i, size);
}

static size_t random_size(void)
{
	switch (roll(8)) {
	case 0:
		return roll(6000);
	case 1:
	case 2:
		return (size_t)1 << roll(11);
	default:
		return roll(300);
	}
}

static void model_alloc(struct slot *s)
{
	size_t align = 1;

	s->size = random_size();
	if (roll(5) == 0) {
		align = (size_t)1 << roll(11);
		s->p = e->aligned(h, align, s->size);
	} else {
		s->p = e->alloc(h, s->size);
	}
	if (!s->p)
		return;
	assert_true(is_aligned((uintptr_t)s->p, max(align, QN_ALIGN)));
	assert_true(is_inside(s->p, s->size));
	/* All that may be used is used: overlaps show in the contents */
	s->size = e->usable(h, s->p);
	assert_true(is_inside(s->p, s->size));
	fill(s);
	nr_live++;
}

static void model_free(struct slot *s)
{
	verify(s, s->p, s->size);
	e->free(h, s->p);
	s->p = NULL;
	nr_live--;
}

static void model_realloc(struct slot *s)
{
	size_t size = random_size();
	unsigned char *p = e->realloc(h, s->p, size);

	if (!p) {
		verify(s, s->p, s->size);
		return;
	}
	assert_true(e->usable(h, p) >= size);
	verify(s, p, min(size, s->size));
	s->p = p;
	s->size = e->usable(h, p);
	fill(s);
}

static void model_op(void)
{
	struct slot *s = &slots[roll(NR_SLOTS)];

	if (!s->p)
		model_alloc(s);
	else if (roll(3) == 0)
		model_realloc(s);
	else
		model_free(s);
	if (e->step && roll(3) == 0)
		e->step(h);
}

static void check_model(void)
{
	reset();
	memset(slots, 0, sizeof(slots));
	nr_live = 0;
	random_state = 1;
	for (unsigned int i = 0; i < NR_OPS; i++) {
		model_op();
		if (i % 4 == 0)
			assert_ptr_equal(e->check(h), NULL);
		assert_int_equal(stats().nr_live, nr_live);
	}
	for (unsigned int i = 0; i < NR_SLOTS; i++)
		if (slots[i].p)
			model_free(&slots[i]);
	assert_sound();
	assert_int_equal(stats().live, 0);
}

/* ---- the suite, for each engine ---- */

/* clang-format off */
#define TOPIC(engine, topic)                          \
	static void test_##engine##_##topic(void **s) \
	{                                             \
		(void)s;                              \
		e = &qn_engine_##engine;              \
		check_##topic();                      \
	}
#define SUITE(engine)             \
	TOPIC(engine, init)       \
	TOPIC(engine, sizes)      \
	TOPIC(engine, impossible) \
	TOPIC(engine, aligned)    \
	TOPIC(engine, realloc)    \
	TOPIC(engine, exhaustion) \
	TOPIC(engine, overrun)    \
	TOPIC(engine, model)
#define TESTS(engine)                                  \
	cmocka_unit_test(test_##engine##_init),        \
	cmocka_unit_test(test_##engine##_sizes),       \
	cmocka_unit_test(test_##engine##_impossible),  \
	cmocka_unit_test(test_##engine##_aligned),     \
	cmocka_unit_test(test_##engine##_realloc),     \
	cmocka_unit_test(test_##engine##_exhaustion),  \
	cmocka_unit_test(test_##engine##_overrun),     \
	cmocka_unit_test(test_##engine##_model)

SUITE(buddy)
SUITE(buddy_fast)
SUITE(freelist)
SUITE(per_size)
SUITE(boundary)
SUITE(heap4)
SUITE(tlsf)
SUITE(quern)

/* clang-format on */

/* ---- what is said of single engines ---- */

static void test_names(void **state)
{
	unsigned int nr = 0;

	(void)state;
	for (; qn_engines[nr]; nr++)
		assert_ptr_equal(qn_engine_find(qn_engines[nr]->name),
				 qn_engines[nr]);
	assert_int_equal(nr, 8);
	assert_null(qn_engine_find("bud"));
	assert_null(qn_engine_find("buddy-"));
	assert_null(qn_engine_find(""));
}

/* Sizes are rounded up to a power of two, and every block lies at a multiple */
static void test_buddy_powers(void **state)
{
	(void)state;
	e = &qn_engine_buddy;
	reset();
	for (size_t size = 1; size < 9000; size += 13) {
		unsigned char *p = e->alloc(h, size);
		size_t usable = e->usable(h, p);

		assert_true(is_power_of_2(usable));
		assert_true(usable >= size);
		assert_true(usable < 2 * size || usable == 2 * QN_ALIGN);
		assert_true(is_aligned((size_t)(p - memory), usable));
		e->free(h, p);
	}
}

/* A request of 2^k fails only if each place for it holds a live block */
static void test_buddy_theorem(void **state)
{
	static void *p[MEMORY / 64];
	size_t nr = 0, place = 4096;
	bool is_taken[MEMORY / 4096] = { false };

	(void)state;
	e = &qn_engine_buddy;
	reset();
	random_state = 7;
	while (nr < ARRAY_SIZE(p) && (p[nr] = e->alloc(h, 60)))
		nr++;
	for (size_t i = 0; i < nr; i++) {
		if (roll(50))
			e->free(h, p[i]);
		else
			is_taken[(size_t)((u8 *)p[i] - memory) / place] = true;
	}
	nr = 0;
	/* The tags and the state take the end of the memory */
	for (size_t i = 0; i < (MEMORY - stats().metadata) / place; i++)
		nr += !is_taken[i];
	assert_int_not_equal(nr, 0);
	while (nr--)
		assert_non_null(e->alloc(h, place));
	assert_null(e->alloc(h, place));
}

static void *both(void *slow, void *fast)
{
	assert_int_equal(slow != NULL, fast != NULL);
	if (slow)
		assert_int_equal((u8 *)slow - memory, (u8 *)fast - twin);
	return slow;
}

/* With and without step() between calls, the same blocks call by call */
static void test_buddies_agree(void **state)
{
	const struct qn_engine *slow = &qn_engine_buddy;
	const struct qn_engine *fast = &qn_engine_buddy_fast;
	void *a = slow->init(memory, sizeof(memory));
	void *b = fast->init(twin, sizeof(twin));
	unsigned char *p[NR_SLOTS] = { NULL };

	(void)state;
	random_state = 3;
	for (unsigned int i = 0; i < 4 * NR_OPS; i++) {
		size_t slot = roll(NR_SLOTS), size = random_size();

		if (p[slot]) {
			slow->free(a, p[slot]);
			fast->free(b, twin + (p[slot] - memory));
			p[slot] = NULL;
		} else {
			p[slot] = both(slow->alloc(a, size),
				       fast->alloc(b, size));
		}
		if (roll(2))
			fast->step(b);
	}
	assert_null(slow->check(a));
	assert_null(fast->check(b));
}

/* A wait is over after one step; until then all reads as if it were over already */
static void test_fast_wait(void **state)
{
	unsigned int nr_waits = 0;

	(void)state;
	e = &qn_engine_buddy_fast;
	reset();
	assert_int_equal(e->step(h), 0);
	for (size_t i = 1; i <= 64; i++) {
		e->alloc(h, 1);
		assert_int_equal(stats().live, i * 2 * QN_ALIGN);
		assert_ptr_equal(e->check(h), NULL);
		nr_waits += (unsigned int)e->step(h);
		assert_int_equal(e->step(h), 0);
		assert_int_equal(stats().live, i * 2 * QN_ALIGN);
		assert_ptr_equal(e->check(h), NULL);
	}
	/* Every other block is the half of one that was split before */
	assert_in_range(nr_waits, 30, 33);
}

/* The lowest block that fits, whatever was freed last */
static void test_freelist_first_fit(void **state)
{
	void *p[6];

	(void)state;
	e = &qn_engine_freelist;
	reset();
	for (unsigned int i = 0; i < 6; i++)
		p[i] = e->alloc(h, i % 2 ? 50 : 500);
	e->free(h, p[4]);
	e->free(h, p[2]);
	e->free(h, p[0]);
	assert_ptr_equal(e->alloc(h, 400), p[0]);
	assert_ptr_equal(e->alloc(h, 400), p[2]);
	assert_ptr_equal(e->alloc(h, 70), (u8 *)p[0] + 400 + QN_ALIGN);
}

/* Memory of one size is lost to the others: the sum of the peaks is needed */
static void test_per_size_price(void **state)
{
	static void *p[MEMORY / 64];
	size_t nr = 0;

	(void)state;
	e = &qn_engine_per_size;
	reset();
	while (nr < ARRAY_SIZE(p) && (p[nr] = e->alloc(h, 100)))
		nr++;
	for (size_t i = 0; i < nr; i++)
		e->free(h, p[i]);
	assert_int_equal(stats().live, 0);
	assert_null(e->alloc(h, 200));
	assert_non_null(e->alloc(h, 100));
}

/* One word a block, and a block grows where it is */
static void test_boundary_word(void **state)
{
	unsigned char *p, *q;
	size_t size = 10 * QN_ALIGN - sizeof(size_t);

	(void)state;
	e = &qn_engine_boundary;
	reset();
	p = e->alloc(h, size);
	assert_int_equal(stats().live, size + sizeof(size_t));
	assert_int_equal(e->usable(h, p), size);
	assert_ptr_equal(e->realloc(h, p, 4 * size), p);
	assert_ptr_equal(e->realloc(h, p, size), p);
	q = e->alloc(h, size);
	assert_ptr_equal(q, p + size + sizeof(size_t));
	assert_ptr_not_equal(e->realloc(h, p, 4 * size), p);
	/* Of several that fit, the best, and for an exact size no other */
	assert_ptr_equal(e->alloc(h, size), p);
}

/* Two words a block; a rest of two headers stays with it, one byte more is cut off */
static void test_heap4_rest(void **state)
{
	const size_t header = 2 * sizeof(size_t);
	void *p, *q, *wall;

	(void)state;
	e = &qn_engine_heap4;
	reset();
	p = e->alloc(h, 8 * header);
	assert_int_equal(stats().live, 9 * header);
	wall = e->alloc(h, 1);
	e->free(h, p);
	q = e->alloc(h, 6 * header);
	assert_ptr_equal(q, p);
	assert_int_equal(e->usable(h, q), 8 * header);
	e->free(h, q);
	q = e->alloc(h, 5 * header);
	assert_ptr_equal(q, p);
	assert_int_equal(e->usable(h, q), 5 * header);
	e->free(h, q);
	e->free(h, wall);
	assert_int_equal(stats().live, 0);
}

/* Good fit: a block of the request's own list is passed over unless it begins it */
static void test_tlsf_good_fit(void **state)
{
	const size_t word = sizeof(size_t), part = 64 * QN_ALIGN / 16;
	void *p, *wall;

	(void)state;
	e = &qn_engine_tlsf;
	reset();
	/* Between 64 and 68 QN_ALIGN: inside of a part of the doubling from 64 on */
	p = e->alloc(h, 64 * QN_ALIGN + 2 * QN_ALIGN - word);
	wall = e->alloc(h, 1);
	e->free(h, p);
	assert_ptr_not_equal(e->alloc(h, 64 * QN_ALIGN + QN_ALIGN - word), p);
	assert_ptr_equal(e->alloc(h, 64 * QN_ALIGN - word), p);
	assert_true(part > 2 * QN_ALIGN);
	e->free(h, wall);
	assert_sound();
}

int main(void)
{
	/* clang-format off */
	const struct CMUnitTest tests[] = {
		TESTS(buddy),
		TESTS(buddy_fast),
		TESTS(freelist),
		TESTS(per_size),
		TESTS(boundary),
		TESTS(heap4),
		TESTS(tlsf),
		TESTS(quern),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_buddy_powers),
		cmocka_unit_test(test_buddy_theorem),
		cmocka_unit_test(test_buddies_agree),
		cmocka_unit_test(test_fast_wait),
		cmocka_unit_test(test_freelist_first_fit),
		cmocka_unit_test(test_per_size_price),
		cmocka_unit_test(test_boundary_word),
		cmocka_unit_test(test_heap4_rest),
		cmocka_unit_test(test_tlsf_good_fit),
	};
	/* clang-format on */

	return cmocka_run_group_tests(tests, NULL, NULL);
}
