// SPDX-License-Identifier: MIT
/*
 * t-hint-file.c - hint records of ELF files.
 *
 * The file is this test's own program: its records are written by hand, below. Invariants: they
 * are found with and without headers of sections; with any bytes damaged, or an end cut off,
 * reading ends, stays within the file, and gives sound records or an error.
 */
#define _GNU_SOURCE 1
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "command/hints/granules.h"
#include "command/hints/hint-file.h"
#include "../random.h"

struct thing {
	struct thing *next;
	char text[1001];
};

/* The program, a copy that may be damaged, and where damage tells: headers and notes */
static struct qn_elf own;
static u8 *copied;

static struct {
	size_t at;
	size_t size;
} spots[4];

static void ask(void)
{
	QN_HINT(struct thing);
	qn_hint(NULL, 1, 64, QN_HINT_COLD, 7);
	qn_hint(NULL, 70000, 0, 0, 1);
}

static int start(void **state)
{
	const Elf64_Ehdr *h;
	const u8 *notes;

	(void)state;
	if (qn_elf_open(&own, "/proc/self/exe"))
		return -1;
	ask();
	copied = malloc(own.size);
	h = own.header;
	if (!copied || !h)
		return -1;
	memcpy(copied, own.map, own.size);
	notes = memmem(own.map, own.size, "QUERN\0\0\0\1\30", 10);
	if (!notes)
		return -1;
	spots[0].size = sizeof(*h);
	spots[1].at = h->e_phoff;
	spots[1].size = h->e_phnum * sizeof(Elf64_Phdr);
	spots[2].at = h->e_shoff;
	spots[2].size = h->e_shnum * sizeof(Elf64_Shdr);
	spots[3].at = (size_t)(notes - own.map) - 12;
	spots[3].size = 3 * 52;
	return 0;
}

static int end(void **state)
{
	(void)state;
	free(copied);
	qn_elf_close(&own);
	return 0;
}

static int look(struct qn_hint_file *f, const u8 *map, size_t size)
{
	*f = (struct qn_hint_file){ .elf = { .map = map, .size = size } };
	return qn_hint_file_read(f);
}

static void leave(struct qn_hint_file *f)
{
	free(f->at);
	*f = (struct qn_hint_file){ 0 };
}

static void assert_own(const struct qn_hint_file *f)
{
	assert_int_equal(f->nr, 3);
	assert_int_equal(f->nr_records, 3);
	assert_int_equal(f->ptr_bits, 8 * sizeof(void *));
	assert_false(f->is_damaged);
	assert_int_equal(f->at[0].hint.size_min, 1);
	assert_int_equal(f->at[0].hint.align_log2, 6);
	assert_int_equal(f->at[0].weight, 7 * QN_HINT_ONCE);
	assert_int_equal(f->at[0].hint.flags,
			 QN_HINT_CONST | QN_HINT_MANUAL | QN_HINT_COLD);
	assert_int_equal(f->at[1].hint.size_min, sizeof(struct thing));
	assert_int_equal(f->at[1].hint.size_max, sizeof(struct thing));
	assert_int_equal(f->at[1].hint.elem, sizeof(struct thing));
	assert_int_equal(f->at[2].hint.size_max, 70000);
}

static void test_own(void **state)
{
	struct qn_hint_file f;

	(void)state;
	assert_int_equal(look(&f, own.map, own.size), 0);
	assert_own(&f);
#ifdef __OPTIMIZE__
	assert_non_null(f.at[1].name);
	assert_string_equal(f.at[1].name, "thing");
#endif
	leave(&f);
}

/* As after strip --strip-sections: e_shoff, e_shnum and e_shstrndx are 0 */
static void test_no_sections(void **state)
{
	Elf64_Ehdr *h = (Elf64_Ehdr *)(void *)copied;
	struct qn_hint_file f;

	(void)state;
	h->e_shoff = 0;
	h->e_shnum = h->e_shstrndx = 0;
	assert_int_equal(look(&f, copied, own.size), 0);
	assert_own(&f);
	assert_null(f.at[1].name);
	leave(&f);
	memcpy(copied, own.map, own.size);
}

static void test_granules(void **state)
{
	struct qn_granules g;
	struct qn_hint_file f;
	struct qn_hint_fit fit;

	(void)state;
	assert_int_equal(look(&f, own.map, own.size), 0);
	qn_granules_init(&g, &f);
	assert_int_equal(g.nr, 3);
	assert_int_equal(g.weight, 9 * QN_HINT_ONCE);
	/* A step; the class of 1024 bytes; whole pages */
	assert_int_equal(g.at[0].served, 16);
	assert_int_equal(g.at[1].served, 1024);
	assert_int_equal(g.at[2].served, 18 * 4096);
	qn_granules_exit(&g);
	fit = qn_hint_fit(&f, 1 << 20);
	assert_int_equal(fit.least, 18 * 4096);
	assert_int_equal(fit.once, 16 + 1024 + 18 * 4096);
	assert_int_equal(fit.over, 0);
	fit = qn_hint_fit(&f, 64 << 10);
	assert_true(fit.least > fit.room);
	assert_int_equal(fit.over, 1);
	/* In firmware granules of 8 bytes, two at least */
	f.ptr_bits = 32;
	assert_int_equal(qn_granules_served(&f, 1), 16);
	assert_int_equal(qn_granules_served(&f, 1001), 1008);
	leave(&f);
}

static void assert_sound(const u8 *map, size_t size)
{
	struct qn_hint_file f;
	int err = look(&f, map, size);

	assert_true(err == 0 || err == -EBADMSG || err == -ENOTSUP);
	for (u32 i = 0; i < f.nr; i++)
		assert_true(f.at[i].hint.size_min <= f.at[i].hint.size_max);
	leave(&f);
}

static void test_cut(void **state)
{
	(void)state;
	for (size_t size = 0; size < own.size; size += 1 + size / 64) {
		u8 *part = malloc(size + !size);

		assert_non_null(part);
		memcpy(part, own.map, size);
		assert_sound(part, size);
		free(part);
	}
}

static void test_damage(void **state)
{
	(void)state;
	random_state = 1;
	for (u32 i = 0; i < 6000; i++) {
		size_t spot = roll(ARRAY_SIZE(spots));

		for (u32 hits = 1 + roll(4); hits; hits--)
			copied[spots[spot].at + roll((u32)spots[spot].size)] ^=
				(u8)(1u << roll(8));
		assert_sound(copied, own.size);
		for (size_t s = 0; s < ARRAY_SIZE(spots); s++)
			memcpy(copied + spots[s].at, own.map + spots[s].at,
			       spots[s].size);
	}
	/* Wider numbers do more than single bits */
	for (u32 i = 0; i < 6000; i++) {
		size_t spot = roll(ARRAY_SIZE(spots));
		size_t at = spots[spot].at + roll((u32)spots[spot].size - 3);
		u32 value = roll(2) ? UINT32_MAX - roll(64) : roll(1 << 24);

		memcpy(copied + at, &value, sizeof(value));
		assert_sound(copied, own.size);
		memcpy(copied + spots[spot].at, own.map + spots[spot].at,
		       spots[spot].size);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_no_sections),
		cmocka_unit_test(test_granules),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, start, end);
}
