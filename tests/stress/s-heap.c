// SPDX-License-Identifier: MIT
/*
 * s-heap.c - random operations on heaps of one's own against a shadow model.
 *
 * Heaps of many sizes, at many offsets, with one zone or three, with and
 * without holding and steps; requests whose sizes follow several laws, freed in
 * several orders.
 * After every operation the model knows each block's address, size and
 * contents; at intervals the whole heap is walked and its sums are held against
 * the model.
 *
 * A heap serves what it has: whatever a copy of it serves whose held blocks were all
 * merged, it serves itself, by every call and attribute; so it does a request for all
 * of the longest free run of the copy; and when all is freed, the largest request of
 * the fresh heap.
 *
 * QUERN_STRESS=n in the environment does n times as much.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "heap/heap.h"
#include "../random.h"

#define NR_SLOTS 600
#define NR_OPS   6000
#define MEMORY   (256 * 1024)

/* What the model knows of a block */
struct slot {
	unsigned char *p;
	size_t size;
	unsigned char seed;
};

/**
 * struct plan - one run
 * @offset:	of the heap in its memory: where in a byte of bits a block's own
 *		lie depends on it
 * @filled:	with what the memory is filled before
 * @size:	bytes of the heap
 * @ccm:	bytes of a second zone, out of bus masters' reach, and of a third
 * @law:	how sizes are drawn
 * @holds:	freed blocks are held
 * @step:	operations between two steps, 0: none
 * @keep:	blocks the run tends to have
 */
struct plan {
	size_t offset;
	int filled;
	size_t size;
	size_t ccm;
	unsigned int law;
	bool holds;
	unsigned int step;
	unsigned int keep;
};

static unsigned char memory[MEMORY] __aligned(64);
static unsigned char extra[2][MEMORY / 8] __aligned(64);
static struct slot slots[NR_SLOTS];
static struct qn_heap *h;
static size_t live;
static unsigned int nr_live;
static size_t largest;

static size_t random_size(unsigned int law)
{
	switch (law) {
	case 0:
		return roll(400);
	case 1:
		return 1 + roll(1u << (1 + roll(13)));
	case 2:
		return 8 * (2 + roll(4)) + (roll(50) == 0) * 3000;
	case 3:
		/* Free runs of all lengths of one shared bin */
		return QN_ALIGN * (24 + roll(4));
	default:
		return QN_ALIGN * (20 + roll(45));
	}
}

static void fill(struct slot *s)
{
	memset(s->p, s->seed, s->size);
}

static void assert_filled(const struct slot *s, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (s->p[i] != s->seed)
			fail();
}

static bool can_reach(const void *p)
{
	return (uintptr_t)p - (uintptr_t)extra[0] >= sizeof(extra[0]);
}

static void alloc(struct slot *s, const struct plan *plan)
{
	size_t size = random_size(plan->law);
	u32 how = roll(16);
	size_t align = how == 0 ? QN_ALIGN << roll(6) : 1;

	if (how == 0)
		s->p = qn_heap_alloc_aligned(h, align, size);
	else if (how == 1)
		s->p = qn_heap_alloc_flags(h, size, QN_ALLOC_DMA);
	else if (how == 2)
		s->p = qn_heap_calloc(h, 1, size);
	else
		s->p = qn_heap_alloc(h, size);
	if (!s->p)
		return;
	assert_true(is_aligned((uintptr_t)s->p, max(align, QN_ALIGN)));
	assert_true(how != 1 || can_reach(s->p));
	s->size = size;
	s->seed = 0;
	if (how == 2)
		assert_filled(s, size);
	s->seed = (unsigned char)roll(256);
	fill(s);
	live += qn_heap_usable_size(h, s->p);
	nr_live++;
}

static void release(struct slot *s)
{
	assert_filled(s, s->size);
	live -= qn_heap_usable_size(h, s->p);
	nr_live--;
	qn_heap_free(h, s->p);
	s->p = NULL;
}

static void resize(struct slot *s, const struct plan *plan)
{
	size_t size = random_size(plan->law);
	size_t usable = qn_heap_usable_size(h, s->p);
	unsigned char *p;

	assert_true(usable >= s->size);
	p = qn_heap_realloc(h, s->p, size);
	if (!p)
		return;
	s->p = p;
	assert_filled(s, min(size, s->size));
	live += qn_heap_usable_size(h, p) - usable;
	s->size = size;
	fill(s);
}

static void assert_sound_heap(void)
{
	qn_heap_check(h);
	assert_string_equal(qn_heap_error(h), "");
}

static void assert_sound(void)
{
	struct qn_stats st;

	assert_sound_heap();
	assert_int_equal(qn_heap_stats(h, &st), 0);
	assert_int_equal(st.live, live);
	assert_int_equal(st.nr_live, nr_live);
	assert_int_equal(st.live + st.free + st.metadata, st.size);
	assert_true(st.held <= st.free);
}

static void operate(const struct plan *plan)
{
	struct slot *s = &slots[roll(NR_SLOTS)];
	u32 what = roll(8);

	if (!s->p) {
		if (nr_live < plan->keep || what == 0)
			alloc(s, plan);
	} else if (what == 0) {
		resize(s, plan);
	} else if (nr_live > plan->keep / 2 || what == 1) {
		release(s);
	}
}

static bool find_longest(void *arg, void *p, size_t size, enum qn_state state)
{
	size_t *longest = arg;

	(void)p;
	if (state == QN_FREE)
		*longest = max(*longest, size);
	return true;
}

/* Of one free run; by its length a run of QN_ZONE_GAP has less */
static size_t longest_run(void)
{
	size_t longest = 0;

	qn_heap_walk(h, find_longest, &longest);
	return longest - (longest == QN_ZONE_GAP * QN_ALIGN) * 2 * QN_ALIGN;
}

static void begin(const struct plan *plan)
{
	memset(slots, 0, sizeof(slots));
	live = nr_live = 0;
	memset(memory, plan->filled, sizeof(memory));
	h = qn_heap_init(memory + plan->offset, plan->size - plan->offset);
	assert_non_null(h);
	if (plan->ccm) {
		assert_int_equal(qn_heap_add_zone(h, extra[0] + plan->offset,
						  plan->ccm - plan->offset,
						  QN_ZONE_NODMA),
				 0);
		assert_int_equal(qn_heap_add_zone(h, extra[1], plan->ccm, 0),
				 0);
	}
	if (!plan->holds)
		assert_int_equal(qn_heap_set_knob(h, "held_part", 0), 0);
	largest = longest_run();
}

/* ---- what a heap serves ---- */

static unsigned char saved[sizeof(memory) + sizeof(extra)];

static void save(void)
{
	memcpy(saved, memory, sizeof(memory));
	memcpy(saved + sizeof(memory), extra, sizeof(extra));
}

static void restore(void)
{
	memcpy(memory, saved, sizeof(memory));
	memcpy(extra, saved + sizeof(memory), sizeof(extra));
}

static void merge_all(void)
{
	for (struct qn_zone *z = &h->zone; z; z = z->next)
		while (qn_zone_drain(z, ~0u, 1))
			;
}

/* A request: which call, and what of */
struct wish {
	u32 how;
	size_t align;
	size_t size;
	void *p;
};

static bool is_granted(const struct wish *w)
{
	switch (w->how) {
	case 0:
		return qn_heap_alloc_aligned(h, w->align, w->size);
	case 1:
		return qn_heap_alloc_flags(h, w->size, QN_ALLOC_DMA);
	case 2:
		return qn_heap_calloc(h, 2, w->size / 2);
	case 3:
	case 4:
		return qn_heap_realloc(h, w->p, w->size);
	default:
		return qn_heap_alloc(h, w->size);
	}
}

/* The heap is afterwards as it was */
static void assert_serves(struct wish w)
{
	size_t longest, failed = h->nr_failed;
	bool is_right;

	save();
	merge_all();
	longest = longest_run();
	if (w.size == 0)
		w.size = longest - roll((u32)longest) / w.align;
	if (w.how == 4)
		w.size += qn_heap_usable_size(h, w.p);
	is_right = is_granted(&w);
	restore();
	assert_true(is_granted(&w) || !is_right);
	assert_int_equal(h->nr_failed, failed + !is_right);
	assert_sound_heap();
	restore();
	assert_true(longest == 0 || qn_heap_alloc(h, longest));
	restore();
}

static void wish(u32 how, void *p)
{
	struct wish w = {
		.how = how,
		.align = QN_ALIGN << roll(6),
		.size = roll(3) ? 0 : 1 + roll(3000),
		.p = p,
	};

	assert_serves(w);
}

/* All free, what is largest is served; all merged, each zone is one run again */
static void finish(void)
{
	struct qn_zone_sums sums;

	for (size_t i = 0; i < NR_SLOTS; i++) {
		if (!slots[i].p)
			continue;
		if (nr_live < 4)
			wish(3 + nr_live % 2, slots[i].p);
		release(&slots[i]);
	}
	for (u32 n = 0; n < 12; n++)
		wish(n % 3, NULL);
	assert_sound();
	save();
	assert_non_null(qn_heap_alloc(h, largest));
	restore();
	merge_all();
	for (struct qn_zone *z = &h->zone; z; z = z->next) {
		assert_null(qn_zone_check(z, &sums));
		assert_int_equal(sums.nr_used, 0);
		assert_int_equal(sums.longest, z->nr);
	}
}

static void run(const struct plan *plan)
{
	begin(plan);
	for (unsigned int i = 0; i < NR_OPS; i++) {
		operate(plan);
		if (plan->step && i % plan->step == 0)
			qn_heap_step(h);
		if (i % 50 == 0)
			assert_sound();
	}
	finish();
}

static void test_plans(void **state)
{
	const char *times = getenv("QUERN_STRESS");
	int n = 64 * (times ? atoi(times) : 1);

	(void)state;
	for (int i = 0; i < n; i++) {
		struct plan plan = {
			.offset = (unsigned int)i * 41 % (16 * QN_ALIGN),
			.filled = (unsigned char[]){ 0, 0xa5, 0xff,
						     0x5a }[i / 3 % 4],
			.size = 8192u << i % 6,
			.law = (unsigned int)i / 6 % 5,
			.ccm = i % 5 == 0 ? sizeof(extra[0]) : 0,
			.holds = i % 3 != 2,
			.step = i % 4 == 0 ? 64 : 0,
			.keep = 50u << i % 4,
		};

		random_state = (u32)i * 77777;
		run(&plan);
	}
}

static void test_serves_what_it_has(void **state)
{
	(void)state;
	for (u32 i = 0; i < 96; i++) {
		struct plan plan = {
			.size = sizeof(memory) >> i % 4,
			.law = i / 4 % 5,
			.ccm = i % 3 == 0 ? sizeof(extra[0]) : 0,
			.holds = true,
			.keep = 40u << i % 5,
		};

		random_state = i * 7654321;
		begin(&plan);
		for (u32 n = 0; n < 4000; n++) {
			operate(&plan);
			if (n % 64 == 0)
				wish(roll(8), slots[roll(NR_SLOTS)].p);
		}
		finish();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plans),
		cmocka_unit_test(test_serves_what_it_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
