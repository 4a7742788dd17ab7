// SPDX-License-Identifier: MIT
/*
 * t-pipeline.c - the firmware's sensor pipeline, on the host.
 *
 * Invariants:
 * - a seed and a scale decide everything: checksum, number of calls, peak;
 * - the checksum does not depend on the heap, as long as it does not run out;
 * - live bytes reach at least 90 % of the budget and never exceed it;
 * - at the end every block has been freed, each kind has been used, and the
 *   heap is sound;
 * - a byte of a block that changes, a block handed out twice, a realloc that
 *   loses bytes, a packet that changes on its way: each is noticed;
 * - a heap that runs out costs packets, not correctness;
 * - the recorder's trace has every event or counts it as lost, the latest last.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "heap-quern.h"
#include "meter.h"
#include "recorder.h"
#include "options.h"
#include "pipeline.h"
#include "print.h"
#include "quern.h"

#define MEMORY_SIZE ((size_t)8 << 20)

static _Alignas(64) u8 memory[MEMORY_SIZE];
static struct pipeline pipeline;

/* What was printed last */
static char printed[4096];
static size_t nr_printed;

void print_write(enum print_stream to, const char *text, size_t size)
{
	(void)to;
	size = min(size, sizeof(printed) - 1 - nr_printed);
	memcpy(printed + nr_printed, text, size);
	nr_printed += size;
	printed[nr_printed] = '\0';
}

/* --- two heaps ----------------------------------------------------------- */

static struct heap_ops quern;
static struct heap_ops bump;

static const struct heap_ops *use_quern(size_t size)
{
	struct qn_heap *h;

	memset(memory, 0xa5, sizeof(memory));
	h = qn_heap_init(memory, size);
	assert_non_null(h);
	quern = heap_quern(h);
	return &quern;
}

/* Never uses memory twice, so nothing that it does can go wrong */
static size_t bump_used;

static void *bump_alloc(void *heap, size_t size)
{
	u8 *p = memory + bump_used;

	(void)heap;
	bump_used += 32 + round_up(size, (size_t)16);
	assert_true(bump_used <= sizeof(memory));
	memcpy(p, &size, sizeof(size));
	return p + 16;
}

static void bump_free(void *heap, void *p)
{
	(void)heap;
	(void)p;
}

static void *bump_realloc(void *heap, void *p, size_t size)
{
	void *new = bump_alloc(heap, size);
	size_t old;

	memcpy(&old, (u8 *)p - 16, sizeof(old));
	return memcpy(new, p, min(old, size));
}

static const struct heap_ops *use_bump(void)
{
	bump_used = 64;
	bump = (struct heap_ops){ memory, bump_alloc, bump_free, bump_realloc,
				  NULL };
	return &bump;
}

/* --- runs ---------------------------------------------------------------- */

static void begin(const struct heap_ops *heap, u32 seed, u32 kb, u32 nr_ops)
{
	const struct pipeline_config config = { .seed = seed,
						.budget = kb * 1024,
						.nr_ops = nr_ops,
						.step_every = 64 };

	pipeline_init(&pipeline, &config, heap, memory);
}

static u32 finish(void)
{
	while (pipeline_tick(&pipeline))
		;
	pipeline_exit(&pipeline);
	return pipeline_checksum(&pipeline);
}

static void assert_clean(void)
{
	const struct store *s = &pipeline.store;

	assert_int_equal(s->nr_damaged, 0);
	assert_int_equal(pipeline.queue.nr_bad, 0);
	assert_int_equal(s->live, 0);
	assert_int_equal(s->nr_live, 0);
	for (int i = 0; i < NR_BLOCK_KINDS; i++)
		assert_int_equal(s->kind_live[i], 0);
}

static void test_deterministic(void **state)
{
	u32 sums[4], nr_ops;

	(void)state;
	for (u32 seed = 0; seed < 4; seed++) {
		begin(use_quern(256 << 10), seed, 60, 20000);
		sums[seed] = finish();
		nr_ops = pipeline.store.nr_ops;
		begin(use_quern(256 << 10), seed, 60, 20000);
		assert_int_equal(finish(), sums[seed]);
		assert_int_equal(pipeline.store.nr_ops, nr_ops);
		for (u32 other = 0; other < seed; other++)
			assert_int_not_equal(sums[seed], sums[other]);
	}
}

static void test_any_heap(void **state)
{
	u32 sum;

	(void)state;
	for (u32 seed = 1; seed < 4; seed++) {
		begin(use_bump(), seed, 60, 40000);
		sum = finish();
		assert_clean();
		begin(use_quern(112 << 10), seed, 60, 40000);
		assert_int_equal(finish(), sum);
		assert_clean();
	}
}

static void test_upkeep_changes_nothing(void **state)
{
	u32 sum;

	(void)state;
	begin(use_quern(112 << 10), 9, 60, 20000);
	sum = finish();
	assert_true(pipeline.nr_steps > 100);
	begin(use_quern(112 << 10), 9, 60, 20000);
	pipeline.config.step_every = 0;
	assert_int_equal(finish(), sum);
	assert_int_equal(pipeline.nr_steps, 0);
}

static void test_peak(void **state)
{
	static const u16 scales[] = { 30, 60, 110 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(scales); i++)
		for (u32 seed = 1; seed <= 6; seed++) {
			u32 budget = scales[i] * 1024;

			begin(use_quern(2 * budget), seed, scales[i], 60000);
			finish();
			assert_clean();
			assert_in_range(pipeline.store.peak, budget / 10 * 9,
					budget);
		}
}

static void test_everything_happens(void **state)
{
	struct qn_stats st;

	(void)state;
	begin(use_quern(112 << 10), 5, 60, 60000);
	while (pipeline_tick(&pipeline))
		if (pipeline.tick % 500 == 0)
			assert_true(pipeline_check(&pipeline));
	finish();
	for (int i = 0; i < NR_BLOCK_KINDS; i++)
		assert_true(pipeline.store.kind_allocs[i] > 100);
	assert_true(pipeline.queue.nr_sent > 100);
	assert_true(pipeline.reports.nr_reports > 100);
	assert_int_equal(pipeline.reports.nr_cut, 0);
	assert_int_equal(qn_heap_check(quern.heap), 0);
	assert_int_equal(qn_heap_stats(quern.heap, &st), 0);
	assert_int_equal(st.nr_live, 0);
	assert_int_equal(st.nr_failed, 0);
}

/* --- what is noticed ----------------------------------------------------- */

static const struct {
	enum block_kind kind;
	u32 size;
	u32 links;
} shapes[] = {
	{ BLOCK_RECORD, 28, 8 },  { BLOCK_WINDOW, 60, 12 },
	{ BLOCK_SCRATCH, 60, 4 }, { BLOCK_NODE, 56, 12 },
	{ BLOCK_PACKET, 100, 8 }, { BLOCK_REPORT, 120, 12 },
};

/* Half of the block is content, half is the pattern; links are not covered */
static void test_every_byte_counts(void **state)
{
	struct store s;

	(void)state;
	store_init(&s, use_bump(), memory, 4096);
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		u32 size = shapes[i].size, used = size / 2;
		u8 *byte = store_alloc(&s, shapes[i].kind, size);
		struct block *b = (struct block *)(void *)byte;

		block_seal(b, used);
		assert_true(block_is_intact(b, used));
		for (u32 at = 0; at < size; at++) {
			if (at >= 4 && at < shapes[i].links)
				continue;
			for (int bit = 0; bit < 8; bit++) {
				byte[at] ^= (u8)(1 << bit);
				assert_false(block_is_intact(b, used));
				byte[at] ^= (u8)(1 << bit);
			}
		}
		store_free(&s, b, used);
	}
	assert_int_equal(s.nr_damaged, 0);
	assert_int_equal(s.live, 0);
}

static void test_extend(void **state)
{
	struct store s;
	struct block *b;
	u8 *byte;

	(void)state;
	store_init(&s, use_bump(), memory, 4096);
	b = store_alloc(&s, BLOCK_REPORT, 200);
	byte = (u8 *)b;
	block_seal(b, 12);
	for (u32 used = 12; used < 200; used++) {
		byte[used] = (u8)(used * 7);
		block_extend(b, used, 1);
		assert_true(block_is_intact(b, used + 1));
		assert_false(block_is_intact(b, used));
	}
}

/* Offset of a byte of content in a record */
#define RECORD_BYTE 9

static void test_damage_stops(void **state)
{
	struct item *record;

	(void)state;
	begin(use_quern(112 << 10), 2, 60, 20000);
	while (pipeline.store.nr_ops < 5000)
		pipeline_tick(&pipeline);
	assert_true(pipeline_check(&pipeline));
	record = fifo_first(&pipeline.store, &pipeline.channels[1].history);
	((u8 *)record)[RECORD_BYTE] ^= 1;
	assert_false(pipeline_check(&pipeline));
	finish();
	assert_int_equal(pipeline.store.nr_damaged, 1);
	assert_true(pipeline.store.nr_ops < 20000);
	assert_true(pipeline.store.live > 0);
}

static void *same_alloc(void *heap, size_t size)
{
	(void)heap;
	(void)size;
	return memory;
}

static void test_handed_out_twice(void **state)
{
	const struct heap_ops same = { memory, same_alloc, bump_free,
				       bump_realloc, NULL };
	struct store s;
	struct block *a;

	(void)state;
	store_init(&s, &same, memory, 4096);
	a = store_alloc(&s, BLOCK_RECORD, 28);
	block_seal(a, 28);
	store_alloc(&s, BLOCK_PACKET, 60);
	store_free(&s, a, 28);
	assert_int_equal(s.nr_damaged, 1);
}

/* The receiver looks at the packet alone, whatever the block's sum says */
static void test_bad_packet(void **state)
{
	struct queue q = { .nr_sent = 0 };
	struct rng rng = { 1 };
	struct store s;
	struct item *packet;
	u32 size;

	(void)state;
	store_init(&s, use_bump(), memory, 4096);
	for (u32 at = sizeof(struct item), end = at + 1; at < end; at++) {
		for (u32 i = 0; !q.waiting.head; i++)
			queue_add(&q, &s, &rng, 1, i, (s32)(i * 1000));
		packet = fifo_first(&s, &q.waiting);
		size = block_size(&packet->block);
		end = size;
		((u8 *)packet)[at] ^= 0x10;
		block_seal(&packet->block, size);
		assert_true(queue_send(&q, &s));
		assert_int_equal(q.nr_sent, 0);
	}
	assert_true(q.nr_bad >= 12);
	assert_int_equal(s.nr_damaged, 0);
	while (!q.waiting.head)
		queue_add(&q, &s, &rng, 2, 7, -5);
	assert_true(queue_send(&q, &s));
	assert_int_equal(q.nr_sent, 1);
	assert_false(queue_send(&q, &s));
}

/* A realloc that loses the last bytes */
static void *short_realloc(void *heap, void *p, size_t size)
{
	u8 *new = bump_alloc(heap, size);

	return memcpy(new, p, 70);
}

static void test_lossy_realloc(void **state)
{
	struct heap_ops lossy;
	struct store s;
	struct block *b;

	(void)state;
	lossy = *use_bump();
	store_init(&s, &lossy, memory, 4096);
	b = store_alloc(&s, BLOCK_REPORT, 80);
	block_seal(b, 80);
	b = store_resize(&s, b, 80, 200);
	assert_true(block_is_intact(b, 80));
	assert_int_equal(s.nr_damaged, 0);
	lossy.realloc = short_realloc;
	store_resize(&s, b, 80, 300);
	assert_int_equal(s.nr_damaged, 1);
}

static void test_exhausted(void **state)
{
	(void)state;
	for (u32 kb = 20; kb <= 60; kb += 10) {
		begin(use_quern(kb << 10), kb, 60, 20000);
		finish();
		assert_clean();
		assert_true(pipeline.store.nr_failed > 0);
		assert_true(pipeline.queue.nr_dropped > 0);
		assert_int_equal(qn_heap_check(quern.heap), 0);
	}
}

/* --- the small modules --------------------------------------------------- */

static void test_checksums(void **state)
{
	(void)state;
	assert_int_equal(crc16(0xffff, "123456789", 9), 0x29b1);
	assert_int_equal(crc32(0, "123456789", 9), 0xcbf43926);
	assert_int_equal(crc32(crc32(0, "1234", 4), "56789", 5), 0xcbf43926);
	assert_int_equal(fnv1a(FNV1A_START, "foobar", 6), 0xbf9cf968);
	assert_int_equal(fnv1a_word(FNV1A_START, 0x6f6f66),
			 fnv1a(FNV1A_START, "foo\0", 4));
}

static void test_random(void **state)
{
	struct rng rng;
	u32 seen = 0;

	(void)state;
	rng_init(&rng, 0);
	for (int i = 0; i < 1000; i++) {
		u32 v = rng_range(&rng, 5, 12);

		assert_in_range(v, 5, 12);
		seen |= 1u << v;
	}
	assert_int_equal(seen, 0x1fe0);
	assert_true(rng_range(&rng, 3, 3) == 3);
}

static void expect_text(const char *want, size_t size, const char *got)
{
	assert_int_equal(size, strlen(want));
	assert_memory_equal(got, want, size);
}

static void test_print(void **state)
{
	char buf[80];

	(void)state;
	expect_text("-5 7 beef %",
		    print_to(buf, 80, "%d %u %x %%", -5, 7, 0xbeef), buf);
	expect_text("[   7][7   ][0007][-7  ]",
		    print_to(buf, 80, "[%4u][%-4u][%04u][%-4d]", 7, 7, 7, -7),
		    buf);
	expect_text("[ab  ][  ab]c",
		    print_to(buf, 80, "[%-4s][%4s]%c", "ab", "ab", 'c'), buf);
	expect_text("-2147483648", print_to(buf, 80, "%d", (int)0x80000000),
		    buf);
	expect_text("4294967295", print_to(buf, 80, "%u", ~0u), buf);
	expect_text("abc", print_to(buf, 3, "abcdef"), buf);
}

static bool parse(struct options *o, char *word)
{
	char *argv[] = { (char *)"pipeline", word };

	nr_printed = 0;
	return options_parse(o, word ? 2 : 1, argv);
}

static void test_options(void **state)
{
	struct options o;

	(void)state;
	assert_true(parse(&o, NULL));
	assert_int_equal(o.seed, 1);
	assert_int_equal(o.scale, 60);
	assert_int_equal(o.heap, 112 * 1024);
	assert_false(o.is_fixed);
	assert_true(parse(&o, (char *)"heap=5K"));
	assert_int_equal(o.heap, 5120);
	assert_true(parse(&o, (char *)"seed=4294967295"));
	assert_int_equal(o.seed, 0xffffffff);
	assert_true(parse(&o, (char *)"policy=fixed"));
	assert_true(o.is_fixed);
	assert_int_equal(nr_printed, 0);
}

static void test_bad_options(void **state)
{
	static const char *const bad[] = {
		"seed",
		"seed=",
		"seed=x",
		"seed=-1",
		"seed=4294967296",
		"seed=1K",
		"scale=7",
		"scale=1025",
		"heap=99999999K",
		"heap=1M",
		"policy=dqn",
		"policy=",
		"seeds=1",
		"=1",
		"ops=0",
		"ops=99999999999999999999999",
	};
	struct options o;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_false(parse(&o, (char *)bad[i]));
		assert_non_null(strstr(printed, bad[i]));
		assert_non_null(strstr(printed, "scale=60  (8 to 1024)"));
	}
}

/* A clock that says what it is told to */
static u32 clock_now, clock_step;

static u32 read_clock(void)
{
	return clock_now += clock_step;
}

/* ---- the recorder ---- */

static u8 sent[1 << 20];
static size_t sent_size;

static bool take_sent(void *arg, const void *p, size_t size)
{
	(void)arg;
	assert_true(size <= sizeof(sent) - sent_size);
	memcpy(sent + sent_size, p, size);
	sent_size += size;
	return true;
}

/**
 * struct told - what blocks of a trace tell
 * @events:	mallocs and frees
 * @lost:	by events that say so
 * @last:	address of the last free
 * @is_summed:	every block had its checksum
 */
struct told {
	u32 events;
	u32 lost;
	u64 last;
	bool is_summed;
};

/* The blocks that are at multiples of @step, or one behind the other */
static struct told read_trace(const u8 *p, size_t size, size_t step)
{
	struct told told = { .is_summed = true };
	size_t at = QN_TRACE_HEADER;
	struct qn_trace_event e;
	u64 last_seq = 0;

	while (at + QN_TRACE_BLOCK_HEADER <= size) {
		const u8 *payload = p + at + QN_TRACE_BLOCK_HEADER;
		struct qn_trace_cursor c;
		struct qn_trace_head head;

		if (!qn_trace_get_head(p + at, &head)) {
			assert_true(step);
			at += step;
			continue;
		}
		if (head.flags & (QN_TRACE_OPEN | QN_TRACE_UNSUMMED))
			told.is_summed = false;
		else
			assert_int_equal(head.sum,
					 qn_trace_crc32(0, payload, head.size));
		qn_trace_cursor_init(&c, &head, payload);
		while (qn_trace_get(&c, &e) == 1) {
			told.events += e.op != QN_TRACE_LOST;
			if (e.op == QN_TRACE_LOST)
				told.lost += (u32)e.size;
			if (e.op == QN_TRACE_FREE && e.seq > last_seq) {
				told.last = e.object;
				last_seq = e.seq;
			}
		}
		at += step ? step : QN_TRACE_BLOCK_HEADER + head.size;
	}
	return told;
}

static void work(struct recorder *r, u32 nr)
{
	for (u32 i = 0; i < nr; i++)
		r->ops.free(r->ops.heap, r->ops.alloc(r->ops.heap, 8));
}

/* However late it is drained: what arrives and what is lost are all events */
static void test_recorder(void **state)
{
	static const size_t sizes[] = { 512, 1024, 2048, 5000, 16384 };
	static u8 buf[16384 + 16] __aligned(8);
	struct recorder r;

	(void)state;
	for (size_t s = 0; s < ARRAY_SIZE(sizes); s++)
		for (u32 every = 1; every < 4000; every = every * 2 + 1) {
			struct told told;
			u32 nr = 0;

			sent_size = 0;
			memset(buf, 0xa5, sizeof(buf));
			recorder_init(&r, use_bump(), buf, sizes[s], take_sent,
				      NULL);
			for (; nr < 4000; nr += every) {
				work(&r, every);
				assert_true(recorder_drain(&r));
			}
			assert_true(recorder_drain(&r));
			told = read_trace(sent, sent_size, 0);
			assert_int_equal(told.events + told.lost, 2 * nr);
			assert_true(told.is_summed);
			assert_int_equal(buf[sizes[s]], 0xa5);
			if (every < 16)
				assert_int_equal(told.lost, 0);
		}
}

/* Nobody drains: the buffer has the last events, to the very last */
static void test_recorder_ring(void **state)
{
	static u8 buf[4096] __aligned(8);
	struct recorder r;
	struct told told;
	u32 most = 0;

	(void)state;
	recorder_init(&r, use_bump(), buf, sizeof(buf), NULL, NULL);
	for (u32 nr = 1; nr < 2000; nr++) {
		work(&r, 1);
		told = read_trace(buf, sizeof(buf), r.room);
		assert_int_equal(told.events + told.lost, 2 * nr);
		assert_true(told.last == r.block.object << QN_TRACE_UNIT_SHIFT);
		most = max(most, told.events);
	}
	assert_true(told.lost && told.events > most / 2);
	assert_true(recorder_drain(&r));
}

static void test_meter(void **state)
{
	const struct counter counter = { read_clock, 0xffffff, 10752, "units" };
	static struct meter m;
	void *p;

	(void)state;
	clock_step = 10752;
	meter_init(&m, use_bump(), &counter);
	assert_null(m.ops.step);
	/* 1000 units more than an empty call, which takes two */
	for (int i = 1; i <= 10; i++) {
		clock_step = 10752 + 1075 * (u32)i / 100;
		p = m.ops.alloc(m.ops.heap, 8);
	}
	m.ops.free(m.ops.heap, p);
	assert_int_equal(m.alloc.nr, 10);
	assert_int_equal(m.free.nr, 1);
	assert_int_equal(m.nr_calls, 11);
	assert_int_equal(m.alloc.max, 12);
	assert_int_equal(meter_quantile(&m.alloc, 500), 7);
	assert_int_equal(meter_quantile(&m.alloc, 1000), 12);
	assert_int_equal(meter_mean10(&m.alloc), 75);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_deterministic),
		cmocka_unit_test(test_any_heap),
		cmocka_unit_test(test_upkeep_changes_nothing),
		cmocka_unit_test(test_peak),
		cmocka_unit_test(test_everything_happens),
		cmocka_unit_test(test_every_byte_counts),
		cmocka_unit_test(test_extend),
		cmocka_unit_test(test_damage_stops),
		cmocka_unit_test(test_handed_out_twice),
		cmocka_unit_test(test_bad_packet),
		cmocka_unit_test(test_lossy_realloc),
		cmocka_unit_test(test_exhausted),
		cmocka_unit_test(test_checksums),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_print),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_bad_options),
		cmocka_unit_test(test_recorder),
		cmocka_unit_test(test_recorder_ring),
		cmocka_unit_test(test_meter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
