// SPDX-License-Identifier: MIT
/*
 * t-trace.c - blocks of a trace: what is put in comes out, in both ways of telling
 * objects apart; an open block ends where its events end; no damage of a single bit
 * goes unnoticed by the checksums, and none makes the decoder read beyond the block.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>

#include "format/trace.h"
#include "../random.h"

#define ROOM 2048

static u8 buf[ROOM];

static const struct qn_trace_event events[] = {
	{ .op = QN_TRACE_MALLOC,
	  .seq = 5,
	  .ticks = 100,
	  .size = 24,
	  .site = 300,
	  .object = 0x7f0000001000 },
	{ .op = QN_TRACE_CALLOC,
	  .seq = 6,
	  .ticks = 100,
	  .size = 0,
	  .object = 0x7f0000000010 },
	{ .op = QN_TRACE_ALIGNED,
	  .seq = 900,
	  .ticks = 1ull << 40,
	  .size = 1ull << 46,
	  .align_shift = 47,
	  .object = 0x8 },
	{ .op = QN_TRACE_REALLOC,
	  .seq = 905,
	  .began = 902,
	  .ticks = 1ull << 40,
	  .size = 7,
	  .object = 0x7f0000001000,
	  .to = 0x7f0000002000 },
	{ .op = QN_TRACE_FREE,
	  .seq = 906,
	  .ticks = 1ull << 41,
	  .site = UINT32_MAX,
	  .object = 0x7f0000002000 },
	{ .op = QN_TRACE_THREAD, .seq = 907, .ticks = 1ull << 41, .size = 3 },
	{ .op = QN_TRACE_STOP, .seq = 908, .ticks = 1ull << 41 },
	{ .op = QN_TRACE_LOST, .seq = 909, .ticks = 1ull << 41, .size = 77 },
};

static u32 write_events(u16 flags, bool is_closed)
{
	const struct qn_trace_head head = { .kind = QN_TRACE_EVENTS,
					    .flags = flags,
					    .process = 2,
					    .thread = 1,
					    .ticks = 90,
					    .base = 4 };
	struct qn_trace_block b;

	memset(buf, 0, ROOM);
	qn_trace_block_open(&b, buf, ROOM, &head);
	for (size_t i = 0; i < ARRAY_SIZE(events); i++)
		assert_true(qn_trace_put(&b, &events[i]));
	return is_closed ? qn_trace_block_close(&b, true) : ROOM;
}

static void read_back(void)
{
	struct qn_trace_cursor c;
	struct qn_trace_event e;
	struct qn_trace_head head;

	assert_true(qn_trace_get_head(buf, &head));
	assert_int_equal(head.process, 2);
	qn_trace_cursor_init(&c, &head, buf + QN_TRACE_BLOCK_HEADER);
	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		const struct qn_trace_event *want = &events[i];

		assert_int_equal(qn_trace_get(&c, &e), 1);
		assert_int_equal(e.op, want->op);
		assert_true(e.seq == want->seq && e.ticks == want->ticks);
		assert_true(e.size == want->size && e.to == want->to);
		assert_true(e.object == want->object);
		assert_int_equal(e.site, want->site);
		assert_true(e.began == want->began);
		assert_int_equal(e.align_shift, want->align_shift);
		assert_int_equal(e.thread, i < 5 ? 1 : 3);
	}
	assert_int_equal(qn_trace_get(&c, &e), 0);
}

static void test_by_address(void **state)
{
	(void)state;
	write_events(QN_TRACE_BY_ADDRESS, true);
	read_back();
}

static void test_open(void **state)
{
	(void)state;
	write_events(QN_TRACE_BY_ADDRESS, false);
	read_back();
}

static void test_by_number(void **state)
{
	static const struct qn_trace_event put[] = {
		{ .op = QN_TRACE_MALLOC, .size = 1 },
		{ .op = QN_TRACE_MALLOC, .size = 2 },
		{ .op = QN_TRACE_FREE, .object = 10 },
		{ .op = QN_TRACE_REALLOC, .object = 11, .size = 3 },
	};
	const struct qn_trace_head head = { .kind = QN_TRACE_EVENTS,
					    .base = 10 };
	static const u64 objects[] = { 10, 11, 10, 11 };
	struct qn_trace_block b;
	struct qn_trace_cursor c;
	struct qn_trace_event e;
	struct qn_trace_head got;

	(void)state;
	qn_trace_block_open(&b, buf, ROOM, &head);
	for (size_t i = 0; i < ARRAY_SIZE(put); i++)
		assert_true(qn_trace_put(&b, &put[i]));
	/* Two bytes for each allocation, two and three for what refers to one */
	assert_int_equal(qn_trace_block_close(&b, true),
			 QN_TRACE_BLOCK_HEADER + 9);
	assert_true(qn_trace_get_head(buf, &got));
	assert_int_equal(got.nr, 4);
	qn_trace_cursor_init(&c, &got, buf + QN_TRACE_BLOCK_HEADER);
	for (size_t i = 0; i < ARRAY_SIZE(put); i++) {
		assert_int_equal(qn_trace_get(&c, &e), 1);
		assert_true(e.object == objects[i] && e.size == put[i].size);
	}
}

static void test_full(void **state)
{
	const struct qn_trace_head head = { .kind = QN_TRACE_EVENTS };
	struct qn_trace_block b;
	u32 nr = 0;

	(void)state;
	qn_trace_block_open(&b, buf, 256, &head);
	memset(buf + 256, 0xa5, ROOM - 256);
	while (qn_trace_put(&b, &events[2]))
		nr++;
	assert_true(nr > 4 && b.at <= 256);
	assert_int_equal(b.head.nr, nr);
	assert_int_equal(buf[256], 0xa5);
}

/* The longest that can be fits into what put() makes sure there is */
static void test_longest(void **state)
{
	const struct qn_trace_head head = { .flags = QN_TRACE_BY_ADDRESS };
	const struct qn_trace_event e = { .op = QN_TRACE_REALLOC,
					  .seq = UINT64_MAX - 1,
					  .ticks = UINT64_MAX,
					  .site = UINT32_MAX,
					  .size = UINT64_MAX,
					  .object = 1ull << 63,
					  .to = 0 };
	struct qn_trace_block b;

	(void)state;
	qn_trace_block_open(&b, buf, QN_TRACE_BLOCK_HEADER + QN_TRACE_EVENT_MAX,
			    &head);
	assert_true(qn_trace_put(&b, &e));
	assert_true(b.at <= b.room);
}

static void test_site_block(void **state)
{
	const struct qn_trace_head head = { .kind = QN_TRACE_SITES, .base = 5 };
	struct qn_trace_frame frames[QN_TRACE_DEPTH];
	const u8 *at = buf + QN_TRACE_BLOCK_HEADER, *end;
	struct qn_trace_item item;
	struct qn_trace_block b;
	u32 nr = 0;

	(void)state;
	for (u32 i = 0; i < QN_TRACE_DEPTH; i++)
		frames[i] = (struct qn_trace_frame){ i % 2, 1ull << 2 * i };
	memset(buf, 0xa5, ROOM);
	qn_trace_block_open(&b, buf, 1500, &head);
	assert_true(qn_trace_put_module(&b, "name", 4));
	while (qn_trace_put_site(&b, frames, QN_TRACE_DEPTH))
		nr++;
	assert_false(qn_trace_put_module(&b, (char *)buf, 1400));
	assert_int_equal(buf[1500], 0xa5);
	end = buf + qn_trace_block_close(&b, true);
	assert_true(nr > 2 && b.head.nr == nr);
	assert_int_equal(qn_trace_get_item(&at, end, &item), 1);
	assert_true(!item.nr && item.size == 4 &&
		    !memcmp(item.name, "name", 4));
	for (; nr; nr--) {
		assert_int_equal(qn_trace_get_item(&at, end, &item), 1);
		assert_int_equal(item.nr, QN_TRACE_DEPTH);
		for (u32 i = 0; i < QN_TRACE_DEPTH; i++)
			assert_true(item.frames[i].module == frames[i].module &&
				    item.frames[i].offset == frames[i].offset);
	}
	assert_int_equal(qn_trace_get_item(&at, end, &item), 0);
	/* Cut anywhere it ends, with what was whole */
	for (const u8 *cut = buf + QN_TRACE_BLOCK_HEADER; cut < end; cut++) {
		at = buf + QN_TRACE_BLOCK_HEADER;
		while (qn_trace_get_item(&at, cut, &item) == 1)
			assert_true(at <= cut);
	}
}

static void test_crc(void **state)
{
	u32 part = qn_trace_crc32(0, "12345", 5);

	(void)state;
	assert_true(qn_trace_crc32(0, "123456789", 9) == 0xcbf43926u);
	assert_true(qn_trace_crc32(part, "6789", 4) == 0xcbf43926u);
}

static void test_header(void **state)
{
	u32 ns = 0, features = 1;

	(void)state;
	qn_trace_put_header(buf, 12345, 0);
	assert_int_equal(qn_trace_get_header(buf, &ns, &features), 0);
	assert_int_equal(ns, 12345);
	buf[12] ^= 1;
	assert_int_equal(qn_trace_get_header(buf, &ns, &features), -EBADMSG);
	buf[8] = QN_TRACE_VERSION + 1;
	assert_int_equal(qn_trace_get_header(buf, &ns, &features), -ENOTSUP);
	buf[0] = 'x';
	assert_int_equal(qn_trace_get_header(buf, &ns, &features), -EINVAL);
}

/* Every bit: the header's checksum, the payload's, or it is no trace block */
static void test_bit_flips(void **state)
{
	u32 size = write_events(QN_TRACE_BY_ADDRESS, true);
	struct qn_trace_head head;

	(void)state;
	for (u32 bit = 0; bit < 8 * size; bit++) {
		buf[bit / 8] ^= (u8)(1u << bit % 8);
		if (qn_trace_get_head(buf, &head))
			assert_true(qn_trace_crc32(0,
						   buf + QN_TRACE_BLOCK_HEADER,
						   head.size) != head.sum);
		buf[bit / 8] ^= (u8)(1u << bit % 8);
	}
}

/* Any bytes: the decoder ends, within the block */
static void test_nonsense(void **state)
{
	struct qn_trace_head head = { .kind = QN_TRACE_EVENTS };
	struct qn_trace_cursor c;
	struct qn_trace_event e;
	u32 random = 1;

	(void)state;
	for (u32 round = 0; round < 4000; round++) {
		for (u32 i = 0; i < 64; i++)
			buf[i] = (u8)random_next(&random);
		head.size = 1 + round % 64;
		head.flags = round & 64 ? QN_TRACE_BY_ADDRESS : 0;
		qn_trace_cursor_init(&c, &head, buf);
		while (qn_trace_get(&c, &e) == 1) {
			assert_true(e.size <= QN_TRACE_SIZE_MAX ||
				    e.op >= QN_TRACE_THREAD);
			assert_true(c.at <= c.end);
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_address),
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_by_number),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_site_block),
		cmocka_unit_test(test_crc),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_bit_flips),
		cmocka_unit_test(test_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
