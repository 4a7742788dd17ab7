// SPDX-License-Identifier: MIT
/*
 * t-trace-file.c - files that are torn, flipped, hostile or of nonsense: whatever
 * they hold, the reader ends, hands out nothing that does not make sense, and reads
 * all blocks but those that were damaged. Runs under sanitizers as well.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "command/trace/trace-columns.h"
#include "command/trace/trace-groups.h"
#include "command/trace/trace-pack.h"
#include "command/trace/trace-write.h"
#include "../random.h"

#define NR_ALLOCS 12000
#define NR_SITES  3000

static char path[64];
static u8 *whole;
static size_t whole_size;
static u32 features;

/* The last two thirds are used backwards, 0 too: numbers in the file are others */
static u32 site_of(u32 i)
{
	return i % 5 ? NR_SITES - i % (NR_SITES / 3 * 2) : 0;
}

/* Objects live for 100 allocations each; several blocks of two processes */
static void add_sites(struct qn_stacks *s)
{
	*s = (struct qn_stacks){ 0 };
	for (u32 i = 1; i <= NR_SITES; i++) {
		struct qn_trace_frame frames[] = {
			{ qn_stacks_module(s, "", 0), 0x1000 + i },
			{ qn_stacks_module(s, "/lib/library.so", 15), i % 7 },
			{ 0, 0x7f0000000000 + i },
		};

		assert_true(qn_stacks_set(s, i, frames, 1 + i % 3));
	}
}

static void write_whole(void)
{
	struct qn_stacks sites;
	struct qn_process_info info = { .is_known = true,
					.name = "/bin/program",
					.name_size = 12 };
	struct qn_writer w;

	add_sites(&sites);
	assert_int_equal(qn_writer_open(&w, path, features), 0);
	for (u32 p = 0; p < 2; p++) {
		qn_writer_process(&w, p, &info);
		qn_writer_sites(&w, &sites);
		for (u32 i = 0; i < NR_ALLOCS; i++) {
			struct qn_op op = { .op = QN_TRACE_MALLOC,
					    .thread = i / 1000 % 3,
					    .ns = i * 1000ull,
					    .site = site_of(i),
					    .slot = i % 100,
					    .size = i % 5000 };
			struct qn_op gone = op;

			gone.op = QN_TRACE_FREE;
			if (i >= 100)
				qn_writer_put(&w, &gone);
			qn_writer_put(&w, &op);
			op.op = QN_TRACE_REALLOC;
			if (i % 3 == 0)
				qn_writer_put(&w, &op);
		}
	}
	assert_int_equal(qn_writer_close(&w, path), 0);
	qn_stacks_exit(&sites);
}

static void put_file(const u8 *bytes, size_t size)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, size, f), size);
	assert_int_equal(fclose(f), 0);
}

/* Names lie in the file, to their last byte */
static void look_at_process(const struct qn_tracefile *t, u32 process)
{
	struct qn_process_info info;

	qn_tracefile_process(t, process, &info);
	if (!info.is_known)
		return;
	assert_true((const u8 *)info.name >= t->map);
	assert_true((const u8 *)info.name + info.name_size <=
		    (const u8 *)info.args);
	assert_true((const u8 *)info.args + info.args_size <= t->map + t->size);
}

/* Every frame is of a module that is there, or of none */
static void look_at_sites(const struct qn_tracefile *t, u32 process,
			  struct qn_stacks *sites)
{
	u32 nr;

	qn_trace_stacks(sites, t, process);
	for (u32 i = 0; i < sites->nr; i++) {
		const struct qn_trace_frame *f =
			qn_stacks_frames(sites, i, &nr);

		assert_true(nr <= QN_TRACE_DEPTH);
		for (u32 k = 0; k < nr; k++)
			assert_true(f[k].module <= sites->modules.nr);
	}
}

/* All events of all processes, each checked against what is live; how many */
static u64 read_all(struct qn_tracefile *t)
{
	u64 nr = 0;

	for (u32 p = 0; p < min(t->nr_processes, 8u); p++) {
		u64 *live = calloc(65536, sizeof(*live));
		struct qn_stacks sites;
		struct qn_reader r;
		struct qn_op op;

		look_at_process(t, p);
		look_at_sites(t, p, &sites);
		qn_stacks_exit(&sites);
		qn_reader_init(&r, t, p);
		while (qn_reader_next(&r, &op)) {
			nr++;
			if (!qn_op_is_heap(&op))
				continue;
			assert_true(op.slot < 65536);
			assert_true(op.size <= QN_TRACE_SIZE_MAX);
			if (qn_op_allocs(&op))
				assert_true(!live[op.slot]);
			else
				assert_true(live[op.slot] == op.id);
			live[op.slot] = op.op == QN_TRACE_FREE ? 0 : op.id;
		}
		qn_reader_exit(&r);
		free(live);
	}
	return nr;
}

/* Opened, read and closed; -1 if it cannot be opened */
static s64 read_file(struct qn_tracefile *t)
{
	int err = qn_tracefile_open(t, path);
	u64 nr = err ? 0 : read_all(t);

	qn_tracefile_close(t);
	return err ? -1 : (s64)nr;
}

static u64 all_events;

/* Of each allocation its site, with the frames that it was given */
static void test_sites(void **state)
{
	struct qn_tracefile t;
	struct qn_stacks sites;
	struct qn_reader r;
	struct qn_op op;
	u32 i = 0, nr;

	(void)state;
	put_file(whole, whole_size);
	assert_int_equal(qn_tracefile_open(&t, path), 0);
	qn_trace_stacks(&sites, &t, 1);
	qn_reader_init(&r, &t, 1);
	while (qn_reader_next(&r, &op)) {
		const struct qn_trace_frame *f;
		u32 site = features & QN_TRACE_WITH_SITES ? site_of(i) : 0;

		if (!qn_op_allocs(&op))
			continue;
		i++;
		f = qn_stacks_frames(&sites, op.site, &nr);
		assert_int_equal(nr, site ? 1 + site % 3 : 0);
		if (!nr)
			continue;
		assert_string_equal(qn_stacks_name(&sites, f), "");
		assert_true(f->offset == 0x1000 + site);
		if (nr > 1)
			assert_string_equal(qn_stacks_name(&sites, f + 1),
					    "/lib/library.so");
		if (nr > 2)
			assert_true(!qn_stacks_name(&sites, f + 2) &&
				    f[2].offset == 0x7f0000000000ull + site);
	}
	assert_int_equal(i, NR_ALLOCS);
	qn_reader_exit(&r);
	qn_stacks_exit(&sites);
	qn_tracefile_close(&t);
}

/* Sizes that a frame does not have, or that are too much */
static void test_unpack(void **state)
{
	static const u8 bomb[] = { 0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0,
				   0,    1,    0,    0,    0,    1, 0, 0 };
	static u8 zero[QN_TRACE_BLOCK_SIZE + 1], packed[QN_TRACE_BLOCK_SIZE];
	size_t size, n;
	u8 *p;

	(void)state;
	if (!qn_can_pack())
		skip();
	assert_null(qn_unpack(bomb, sizeof(bomb), QN_TRACE_BLOCK_SIZE, &n));
	size = qn_pack(packed, sizeof(packed), zero, sizeof(zero));
	assert_true(size > 0 && size < 200);
	assert_null(qn_unpack(packed, size, QN_TRACE_BLOCK_SIZE, &n));
	size = qn_pack(packed, sizeof(packed), zero, sizeof(zero) - 1);
	assert_null(qn_unpack(packed, size - 1, QN_TRACE_BLOCK_SIZE, &n));
	p = qn_unpack(packed, size, QN_TRACE_BLOCK_SIZE, &n);
	assert_non_null(p);
	assert_int_equal(n, QN_TRACE_BLOCK_SIZE);
	assert_memory_equal(p, zero, n);
	free(p);
}

/* Any events of a block by number: young and old objects, all that an event may have */
static u32 put_events(struct qn_trace_block *b, u64 base)
{
	u64 live[512], ticks = b->head.ticks, next = base;
	u32 nr = 0, nr_events = 0;

	for (; nr < 256; nr++)
		live[nr] = nr + 1;
	for (;;) {
		u32 i = roll(3) ? nr - 1 - roll(min(nr, 4u)) : roll(nr);
		struct qn_trace_event e = {
			.op = (u8)(1 + roll(QN_TRACE_NR_OPS - 1)),
			.align_shift = 6,
			.ticks = ticks += roll(4) ? 0 : 1000,
			.site = roll(3),
			.size = roll(100000),
			.object = live[i],
		};

		if (e.op == QN_TRACE_FREE ? nr < 8 : e.op < 4 && nr == 512)
			continue;
		if (!qn_trace_put(b, &e))
			return nr_events;
		nr_events++;
		if (e.op == QN_TRACE_FREE)
			live[i] = live[--nr];
		else if (e.op < QN_TRACE_REALLOC)
			live[nr++] = next++;
	}
}

/* Groups there and back; flipped ones, past the checksum, say anything but no harm */
static void test_groups(void **state)
{
	static u8 buf[60000], packed[60000];
	const struct qn_trace_head from = { .kind = QN_TRACE_EVENTS,
					    .ticks = 77,
					    .base = 1000 };
	struct qn_trace_block b;
	struct qn_trace_head head;
	size_t size;
	u8 *back;
	u32 nr;

	(void)state;
	if (!qn_can_pack())
		skip();
	qn_trace_block_open(&b, buf, sizeof(buf), &from);
	nr = put_events(&b, from.base);
	assert_true(nr > 5000);
	qn_trace_block_close(&b, true);
	assert_int_equal(qn_groups_pack(packed, 300, &b.head,
					buf + QN_TRACE_BLOCK_HEADER),
			 0);
	head = b.head;
	head.size = (u32)qn_groups_pack(packed, sizeof(packed), &b.head,
					buf + QN_TRACE_BLOCK_HEADER);
	assert_in_range(head.size, 1000, b.head.size);
	back = qn_groups_unpack(&head, packed, &size);
	assert_non_null(back);
	assert_int_equal(size, b.head.size);
	assert_memory_equal(back, buf + QN_TRACE_BLOCK_HEADER, size);
	free(back);
	for (u32 i = 0; i < 2000; i++) {
		u32 at = roll(head.size);
		u8 was = packed[at];

		packed[at] ^= (u8)(1 + roll(255));
		free(qn_groups_unpack(&head, packed, &size));
		packed[at] = was;
	}
	nr = head.size;
	for (head.size = 0; head.size < nr; head.size += 1 + nr / 200)
		assert_null(qn_groups_unpack(&head, packed, &size));
}

/*
 * A file with QN_TRACE_COLUMNS: the i-th of 300 allocations is of 16 + i % 7 * 8 bytes. Each
 * tenth is freed at once, the others 100 later, or resized to 500 bytes if i % 5 is 4.
 */
/* clang-format off */
static const u8 columns[] = {
	0x89, 0x51, 0x54, 0x52, 0x41, 0x43, 0x45, 0x0a, 0x02, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x10, 0x00, 0x06, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x41, 0x4b, 0xe9, 0x24, 0x51, 0x54, 0x42, 0x31,
	0x3f, 0xa2, 0xe3, 0x30, 0x0c, 0x00, 0x00, 0x00, 0x8e, 0xb5, 0xd8, 0x3f,
	0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x08, 0x6f,
	0x6c, 0x64, 0x2e, 0x74, 0x65, 0x78, 0x74, 0x00, 0x51, 0x54, 0x42, 0x31,
	0xd9, 0x7a, 0xb3, 0x4f, 0xa3, 0x00, 0x00, 0x00, 0x21, 0xbc, 0x82, 0x1b,
	0xfe, 0x01, 0x00, 0x00, 0x01, 0x00, 0x18, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0xe8, 0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x8a, 0x10, 0x23, 0x28,
	0xb5, 0x2f, 0xfd, 0x60, 0xfe, 0x00, 0xcd, 0x00, 0x00, 0x48, 0x01, 0x21,
	0x05, 0x21, 0x25, 0x24, 0x21, 0x25, 0x24, 0x05, 0x00, 0x7b, 0x37, 0x95,
	0x00, 0x6e, 0x72, 0xc2, 0x05, 0x2e, 0x09, 0xbf, 0x00, 0x0b, 0x13, 0x28,
	0xb5, 0x2f, 0xfd, 0x60, 0xbe, 0x02, 0x4d, 0x00, 0x00, 0x10, 0xe8, 0x07,
	0x01, 0x00, 0xb9, 0xab, 0x1c, 0x16, 0x00, 0x38, 0x28, 0xb5, 0x2f, 0xfd,
	0x60, 0x7c, 0x00, 0x75, 0x01, 0x00, 0xb8, 0x18, 0x20, 0x28, 0x30, 0x38,
	0x40, 0x10, 0xf4, 0x03, 0xf4, 0x03, 0xf4, 0x03, 0xf4, 0x03, 0xf4, 0x03,
	0x40, 0xf4, 0x03, 0x30, 0xf4, 0x03, 0x08, 0x00, 0x65, 0xaa, 0x08, 0x03,
	0x1b, 0xc0, 0x06, 0x50, 0x0d, 0xfb, 0x14, 0x5c, 0xf3, 0x30, 0x4b, 0x8b,
	0x5d, 0x53, 0x31, 0x02, 0x17, 0x28, 0xb5, 0x2f, 0xfd, 0x20, 0xd2, 0x75,
	0x00, 0x00, 0x18, 0x01, 0x01, 0x00, 0x03, 0x00, 0xbc, 0x16, 0x0a, 0x80,
	0x5c, 0x02, 0x60, 0x01, 0x15, 0x28, 0xb5, 0x2f, 0xfd, 0x20, 0xb4, 0x65,
	0x00, 0x00, 0x18, 0x00, 0x02, 0x04, 0x02, 0x00, 0x27, 0x16, 0x2a, 0x32,
	0x80, 0x05, 0x00, 0x51, 0x54, 0x42, 0x31, 0x03, 0xbe, 0x95, 0xec, 0x05,
	0x00, 0x00, 0x00, 0x64, 0x59, 0xa4, 0x39, 0x00, 0x00, 0x00, 0x00, 0x03,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x20, 0x00, 0x3c, 0xfe, 0x03, 0x2f, 0x01, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x51, 0x54, 0x49, 0x4e, 0x44, 0x45, 0x58, 0x0a,
};

/* clang-format on */

static void check_old_event(const struct qn_op *op, u32 *nr_allocs)
{
	u64 size = 16 + op->id % 7 * 8;

	switch (op->op) {
	case QN_TRACE_MALLOC:
		assert_int_equal(op->id, ++*nr_allocs);
		assert_int_equal(op->size, size);
		break;
	case QN_TRACE_REALLOC:
		assert_int_equal(op->id, *nr_allocs - 100);
		assert_int_equal(op->id % 5, 4);
		assert_int_equal(op->size, 500);
		break;
	default:
		assert_int_equal(op->op, QN_TRACE_FREE);
		assert_int_equal(op->old_size, size);
		assert_int_equal(op->id, *nr_allocs - (op->id % 10 ? 100 : 0));
	}
}

/* What older quern wrote is read; the columns, flipped past the checksum, do no harm */
static void test_columns(void **state)
{
	u32 at = QN_TRACE_HEADER, nr_allocs = 0, nr = 0;
	static u8 payload[sizeof(columns)];
	struct qn_trace_head head;
	struct qn_tracefile t;
	struct qn_reader r;
	struct qn_op op;
	size_t size;

	(void)state;
	if (!qn_can_pack())
		skip();
	put_file(columns, sizeof(columns));
	assert_int_equal(qn_tracefile_open(&t, path), 0);
	qn_reader_init(&r, &t, 0);
	for (; qn_reader_next(&r, &op); nr++)
		if (qn_op_is_heap(&op))
			check_old_event(&op, &nr_allocs);
	assert_int_equal(nr_allocs, 300);
	assert_int_equal(nr, 300 + 40 + 170);
	qn_reader_exit(&r);
	qn_tracefile_close(&t);

	while (!qn_trace_get_head(columns + at, &head) ||
	       !(head.flags & QN_TRACE_COLUMNS))
		at++;
	for (u32 i = 0; i < 2000; i++) {
		memcpy(payload, columns + at + QN_TRACE_BLOCK_HEADER,
		       head.size);
		payload[roll(head.size)] ^= (u8)(1 + roll(255));
		free(qn_columns_unpack(&head, payload, &size));
	}
}

static void test_whole(void **state)
{
	struct qn_tracefile t;

	(void)state;
	put_file(whole, whole_size);
	all_events = (u64)read_file(&t);
	/* Allocations, frees and reallocs of both, and where threads change */
	assert_int_equal(all_events,
			 2 * (NR_ALLOCS + NR_ALLOCS - 100 + NR_ALLOCS / 3));
	assert_true(t.was_indexed);
	assert_int_equal(t.nr_damaged, 0);
	assert_int_equal(t.nr_processes, 2);
	assert_true(t.nr >= 4);
}

/* Without the index all blocks are found all the same */
static void test_no_index(void **state)
{
	struct qn_tracefile t;

	(void)state;
	put_file(whole, whole_size - 1);
	assert_int_equal(read_file(&t), all_events);
	assert_false(t.was_indexed);
}

/* A block of events loses what it holds, the others nothing */
static void test_one_block(void **state)
{
	struct qn_tracefile t;
	struct qn_block lost;
	u64 nr;

	(void)state;
	put_file(whole, whole_size);
	assert_int_equal(qn_tracefile_open(&t, path), 0);
	lost = t.blocks[1];
	assert_int_equal(lost.head.kind, QN_TRACE_EVENTS);
	qn_tracefile_close(&t);
	for (u32 at = 0;
	     at < QN_TRACE_BLOCK_HEADER + min(lost.head.size, 2000u); at += 7) {
		whole[lost.at + at] ^= 0x10;
		put_file(whole, whole_size);
		whole[lost.at + at] ^= 0x10;
		nr = (u64)read_file(&t);
		assert_int_equal(t.nr_damaged, 1);
		/* What refers to objects of the lost block is unknown */
		assert_in_range(nr, all_events - lost.head.nr - 200,
				all_events - lost.head.nr + 200);
	}
}

static void test_truncated(void **state)
{
	struct qn_tracefile t;
	s64 nr, last = -1;

	(void)state;
	for (size_t size = 0; size < whole_size; size += 1 + size / 150) {
		put_file(whole, size);
		nr = read_file(&t);
		assert_true(nr >= last || nr == -1);
		assert_true(nr < 0 || (u64)nr <= all_events);
		last = nr;
	}
	assert_true(last > (s64)all_events / 2);
}

static void test_flipped(void **state)
{
	u8 *bytes = malloc(whole_size);
	struct qn_tracefile t;

	(void)state;
	for (u32 round = 0; round < 400; round++) {
		memcpy(bytes, whole, whole_size);
		for (u32 n = 1 + roll(20); n; n--)
			bytes[roll((u32)whole_size)] ^= (u8)(1u << roll(8));
		put_file(bytes, whole_size);
		read_file(&t);
		assert_true(t.nr_events <= all_events + 100);
	}
	free(bytes);
}

static void put_head(u8 *to, struct qn_trace_head head, const u8 *payload)
{
	struct qn_trace_block b;
	static u8 block[512];

	qn_trace_block_open(&b, block, sizeof(block), &head);
	qn_trace_put_bytes(&b, payload, head.size);
	/* What the head says of events and flags is nobody's but the test's */
	b.head.nr = head.nr;
	b.head.flags = head.flags | QN_TRACE_OPEN;
	qn_trace_block_close(&b, roll(2));
	memcpy(to, block, QN_TRACE_BLOCK_HEADER + head.size);
}

/* Nonsense as a frame of zstd, perhaps with some bits of it changed */
static u32 pack_badly(u8 *payload, u32 size)
{
	u8 packed[256];
	u32 n = (u32)qn_pack(packed, sizeof(packed), payload, size);

	if (!n)
		return size;
	memcpy(payload, packed, n);
	for (u32 k = roll(3); k; k--)
		payload[roll(n)] ^= (u8)(1u << roll(8));
	return n;
}

/* Sound checksums over nonsense: what a hostile writer would make */
static void test_hostile(void **state)
{
	static u8 bytes[8192];
	struct qn_tracefile t;
	u8 payload[256];

	(void)state;
	for (u32 round = 0; round < 2000; round++) {
		size_t at = QN_TRACE_HEADER;

		qn_trace_put_header(bytes, roll(UINT32_MAX), roll(4));
		for (u32 n = 1 + roll(8); n; n--) {
			struct qn_trace_head head = {
				.kind = (u16)(1 + roll(10) / 6 * (1 + roll(3))),
				.flags = (u16)roll(16),
				.size = roll(sizeof(payload)),
				.nr = roll(300),
				.process = roll(3),
				.thread = roll(3),
				.ticks = roll(2) ? UINT64_MAX - 5 : 7,
				.base = roll(2) ? UINT64_MAX - 9 : roll(20),
			};

			for (u32 i = 0; i < head.size; i++)
				payload[i] =
					(u8)(roll(3) ? roll(48) : roll(256));
			if (head.flags & QN_TRACE_ZSTD && roll(4))
				head.size = pack_badly(payload, head.size);
			put_head(bytes + at, head, payload);
			at += QN_TRACE_BLOCK_HEADER + head.size;
		}
		put_file(bytes, at);
		read_file(&t);
	}
}

static void test_other_files(void **state)
{
	struct qn_tracefile t;
	u8 header[QN_TRACE_HEADER];

	(void)state;
	assert_int_equal(qn_tracefile_open(&t, "/nothing/there"), -ENOENT);
	assert_int_equal(qn_tracefile_open(&t, "/"), -EINVAL);
	put_file((const u8 *)"", 0);
	assert_int_equal(qn_tracefile_open(&t, path), -EINVAL);
	qn_trace_put_header(header, 1, 0);
	put_file(header, sizeof(header));
	assert_int_equal(qn_tracefile_open(&t, path), -ENODATA);
	qn_tracefile_close(&t);
	qn_trace_put_header(header, 1, QN_TRACE_FEATURES + 1);
	put_file(header, sizeof(header));
	assert_int_equal(qn_tracefile_open(&t, path), -ENOTSUP);
	qn_tracefile_close(&t);
	header[8] = QN_TRACE_VERSION + 1;
	put_file(header, sizeof(header));
	assert_int_equal(qn_tracefile_open(&t, path), -ENOTSUP);
	qn_tracefile_close(&t);
}

static int make(void **state)
{
	FILE *f;
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/t-trace-file.XXXXXX");
	fd = mkstemp(path);
	if (fd < 0)
		return -1;
	close(fd);
	write_whole();
	f = fopen(path, "rb");
	whole = malloc(1 << 20);
	whole_size = f && whole ? fread(whole, 1, 1 << 20, f) : 0;
	fclose(f);
	return whole_size ? 0 : -1;
}

static int unmake(void **state)
{
	(void)state;
	free(whole);
	return unlink(path);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_sites),
		cmocka_unit_test(test_unpack),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_no_index),
		cmocka_unit_test(test_one_block),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_flipped),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_other_files),
	};

	int bad = cmocka_run_group_tests_name("plain", tests, make, unmake);

	features = QN_TRACE_WITH_SITES;
	bad += cmocka_run_group_tests_name("sites", tests, make, unmake);
	if (qn_can_pack())
		features |= QN_TRACE_WITH_ZSTD;
	return bad + cmocka_run_group_tests_name("packed", tests, make, unmake);
}
