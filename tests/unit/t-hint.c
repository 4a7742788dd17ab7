// SPDX-License-Identifier: MIT
/*
 * t-hint.c - the walk over hint records.
 *
 * Invariants: sound records come back as they were written, in order, whatever notes stand
 * between; records longer than a reader knows are read by their first fields; other versions
 * are skipped; with any bytes damaged or cut off the walk ends, stays within the range, and
 * gives sound records alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "hint/record.h"
#include "../random.h"

#define MOST 1024

/* A range of notes as it grows */
struct notes {
	u8 bytes[MOST];
	size_t size;
};

static void put(struct notes *n, const void *from, size_t size)
{
	assert_true(n->size + size <= MOST);
	memcpy(n->bytes + n->size, from, size);
	n->size += size;
}

static void put32(struct notes *n, u32 value)
{
	put(n, &value, sizeof(value));
}

static void pad(struct notes *n)
{
	static const u8 zero[3];

	put(n, zero, -n->size % 4);
}

static void put_head(struct notes *n, const char *name, u32 descsz, u32 type)
{
	put32(n, (u32)strlen(name) + 1);
	put32(n, descsz);
	put32(n, type);
	put(n, name, strlen(name) + 1);
	pad(n);
}

/* The start of a desc, in the order that quern-hint.h gives */
static void put_desc(struct notes *n, u8 version, u8 rec_size, u16 ptr_bits,
		     u32 count)
{
	put(n, &version, 1);
	put(n, &rec_size, 1);
	put(n, &ptr_bits, 2);
	put32(n, count);
}

static void put_record(struct notes *n, const struct qn_hint *h, u32 extra)
{
	static const u8 more[256] = { 0xaa, 0xbb };

	put32(n, h->size_min);
	put32(n, h->size_max);
	put32(n, h->elem);
	put32(n, h->flags);
	put(n, &h->align_log2, 1);
	put(n, &h->loop_depth, 1);
	put(n, &h->freq, 2);
	put32(n, h->type_hash);
	put(n, more, extra);
}

static struct qn_hint a_hint(u32 i)
{
	return (struct qn_hint){
		.size_min = 16 * i,
		.size_max = 16 * i + i % 2,
		.elem = i,
		.flags = i % 2 ? QN_HINT_RANGE : QN_HINT_CONST,
		.align_log2 = (u8)(i % 12),
		.loop_depth = (u8)(i % 3),
		.freq = (u16)(QN_HINT_ONCE + i),
		.type_hash = qn_hint_hash("struct a") + i,
	};
}

/* A note of @count records from the @first on */
static void put_note(struct notes *n, u32 first, u32 count, u32 extra)
{
	put_head(n, "QUERN", 8 + count * (24 + extra), 1);
	put_desc(n, 1, (u8)(24 + extra), 64, count);
	for (u32 i = first; i < first + count; i++) {
		struct qn_hint h = a_hint(i);

		put_record(n, &h, extra);
	}
	pad(n);
}

static void begin(struct qn_hint_reader *r, const struct notes *n)
{
	qn_hint_reader_init(r, n->bytes, n->size);
}

static void assert_records(struct qn_hint_reader *r, u32 first, u32 count)
{
	struct qn_hint got, want;

	for (u32 i = first; i < first + count; i++) {
		want = a_hint(i);
		assert_true(qn_hint_reader_next(r, &got));
		assert_memory_equal(&got, &want, sizeof(got));
	}
}

static void assert_end(struct qn_hint_reader *r)
{
	struct qn_hint got;

	assert_false(qn_hint_reader_next(r, &got));
	assert_false(qn_hint_reader_next(r, &got));
}

static void test_nothing(void **state)
{
	struct qn_hint_reader r;

	(void)state;
	qn_hint_reader_init(&r, NULL, 0);
	assert_end(&r);
	assert_int_equal(r.nr_bad, 0);
}

/* As a linker joins them: several files', others' between */
static void test_notes(void **state)
{
	struct notes n = { .size = 0 };
	struct qn_hint_reader r;

	(void)state;
	put_head(&n, "GNU", 5, 3);
	put(&n, "build", 5);
	pad(&n);
	put_note(&n, 0, 5, 0);
	put_note(&n, 5, 0, 0);
	put_head(&n, "QUERN", 4, 7);
	put32(&n, 1);
	put_note(&n, 5, 7, 0);
	put_head(&n, "QUERNS", 8, 1);
	put_desc(&n, 1, 24, 64, 0);
	begin(&r, &n);
	assert_records(&r, 0, 12);
	assert_int_equal(r.ptr_bits, 64);
	assert_end(&r);
	assert_int_equal(r.nr_notes, 3);
	assert_int_equal(r.nr_other, 0);
	assert_int_equal(r.nr_bad, 0);
}

static void test_longer_records(void **state)
{
	(void)state;
	for (u32 extra = 0; extra <= 100; extra++) {
		struct notes n = { .size = 0 };
		struct qn_hint_reader r;

		put_note(&n, 3, 4, extra);
		put_note(&n, 7, 2, 0);
		begin(&r, &n);
		assert_records(&r, 3, 6);
		assert_end(&r);
		assert_int_equal(r.nr_bad, 0);
	}
}

static void test_other_version(void **state)
{
	struct notes n = { .size = 0 };
	struct qn_hint_reader r;

	(void)state;
	put_head(&n, "QUERN", 12, 1);
	put_desc(&n, 2, 4, 64, 1);
	put32(&n, 7);
	put_note(&n, 0, 2, 0);
	begin(&r, &n);
	assert_records(&r, 0, 2);
	assert_end(&r);
	assert_int_equal(r.nr_other, 1);
	assert_int_equal(r.nr_notes, 1);
}

/* A count that promises more than there is; a record size that cannot be */
static void test_counts(void **state)
{
	static const u32 counts[] = { 4, 1000, 0x0aaaaaab, UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		struct notes n = { .size = 0 };
		struct qn_hint_reader r;

		put_note(&n, 0, 3, 0);
		memcpy(n.bytes + 24, &counts[i], 4);
		put_note(&n, 3, 1, 0);
		begin(&r, &n);
		assert_records(&r, 0, 4);
		assert_end(&r);
		assert_int_equal(r.nr_bad, 1);
	}
	for (u32 rec_size = 0; rec_size < 24; rec_size++) {
		struct notes n = { .size = 0 };
		struct qn_hint_reader r;

		put_note(&n, 0, 3, 0);
		n.bytes[21] = (u8)rec_size;
		put_note(&n, 3, 1, 0);
		begin(&r, &n);
		assert_records(&r, 3, 1);
		assert_end(&r);
		assert_int_equal(r.nr_bad, 1);
	}
}

static void test_unsound_records(void **state)
{
	struct qn_hint less = { .size_min = 2, .size_max = 1 };
	struct qn_hint steep = { .align_log2 = 32 };
	struct notes n = { .size = 0 };
	struct qn_hint_reader r;

	(void)state;
	put_head(&n, "QUERN", 8 + 2 * 24, 1);
	put_desc(&n, 1, 24, 32, 2);
	put_record(&n, &less, 0);
	put_record(&n, &steep, 0);
	put_note(&n, 0, 1, 0);
	begin(&r, &n);
	assert_records(&r, 0, 1);
	assert_end(&r);
	assert_int_equal(r.nr_bad, 2);
}

/* A walk over a range that ends where its array does, so that sanitizers see a step too far */
static u32 walk(const u8 *bytes, size_t size)
{
	static u8 array[MOST];
	u8 *copy = array + MOST - size;
	struct qn_hint_reader r;
	struct qn_hint h;
	u32 nr = 0;

	memcpy(copy, bytes, size);
	qn_hint_reader_init(&r, copy, size);
	while (qn_hint_reader_next(&r, &h)) {
		assert_true(h.size_min <= h.size_max);
		assert_true(h.align_log2 < 32);
		assert_true(r.record <= r.end);
		assert_true(++nr <= size / 24);
	}
	assert_ptr_equal(r.at, copy + size);
	return nr;
}

static void make_many(struct notes *n)
{
	put_note(n, 0, 5, 0);
	put_head(n, "GNU", 4, 1);
	put32(n, 0);
	put_note(n, 5, 6, 8);
	put_note(n, 11, 3, 0);
}

static void test_cut(void **state)
{
	struct notes n = { .size = 0 };

	(void)state;
	make_many(&n);
	assert_int_equal(walk(n.bytes, n.size), 14);
	for (size_t size = 0; size < n.size; size++)
		assert_true(walk(n.bytes, size) < 14);
}

static void test_damage(void **state)
{
	struct notes n = { .size = 0 }, hurt;

	(void)state;
	random_state = 1;
	make_many(&n);
	for (size_t at = 0; at < n.size; at++)
		for (u32 value = 0; value < 256; value += 17) {
			hurt = n;
			hurt.bytes[at] = (u8)value;
			walk(hurt.bytes, hurt.size);
		}
	for (u32 i = 0; i < 4000; i++) {
		hurt = n;
		for (u32 hits = 1 + roll(8); hits; hits--)
			hurt.bytes[roll((u32)n.size)] = (u8)roll(256);
		walk(hurt.bytes, roll((u32)n.size + 1));
	}
}

/* Values from the algorithm's authors, www.isthe.com/chongo/tech/comp/fnv */
static void test_hash(void **state)
{
	(void)state;
	assert_true(qn_hint_hash("") == 0x811c9dc5);
	assert_true(qn_hint_hash("a") == 0xe40c292c);
	assert_true(qn_hint_hash("foobar") == 0xbf9cf968);
	assert_true(qn_fnv1a(qn_hint_hash("foo"), "bar", 3) ==
		    qn_hint_hash("foobar"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_notes),
		cmocka_unit_test(test_longer_records),
		cmocka_unit_test(test_other_version),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_unsound_records),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
