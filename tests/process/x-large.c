// SPDX-License-Identifier: MIT
/*
 * x-large.c - very many large blocks in a preloaded process.
 *
 * Invariants:
 *  - a hundred thousand live blocks of 140 KB and more do not come near to the number
 *    of mappings that a process may have (vm.max_map_count), also while every
 *    other one is free
 *  - no two of them overlap, and those that stay keep what is in them
 *  - when all are free, their memory is not resident any more
 *  - a fenced block that is cleared keeps the marks behind it
 */
#define _GNU_SOURCE
#include <stdint.h>

#include "x.h"
#include "../resident.h"

#define NR_BLOCKS 100000

static char *blocks[NR_BLOCKS];
static size_t sizes[NR_BLOCKS];

static size_t nr_mappings(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	size_t nr = 0;
	int c;

	while (f && (c = getc(f)) != EOF)
		nr += c == '\n';
	if (f)
		fclose(f);
	return nr;
}

static size_t setting(const char *path)
{
	FILE *f = fopen(path, "re");
	size_t nr = 0;

	if (f && fscanf(f, "%zu", &nr) != 1)
		nr = 0;
	if (f)
		fclose(f);
	return nr;
}

/* One in ten is written to, at both ends: 80 MB of pages */
static int is_marked(size_t i)
{
	return i % 10 == 0;
}

static void new (size_t i)
{
	sizes[i] = 140000 + i * 7919 % 90000;
	blocks[i] = malloc(sizes[i]);
	if (!blocks[i]) {
		CHECK(blocks[i]);
		exit(1);
	}
	if (is_marked(i))
		memcpy(blocks[i], &i, sizeof(i));
	if (is_marked(i))
		memcpy(blocks[i] + sizes[i] - sizeof(i), &i, sizeof(i));
}

static void verify(size_t i)
{
	CHECK(!memcmp(blocks[i], &i, sizeof(i)));
	CHECK(!memcmp(blocks[i] + sizes[i] - sizeof(i), &i, sizeof(i)));
}

static int by_address(const void *a, const void *b)
{
	uintptr_t p = (uintptr_t)blocks[*(const uint32_t *)a];
	uintptr_t q = (uintptr_t)blocks[*(const uint32_t *)b];

	return (p > q) - (p < q);
}

static void check_overlap(void)
{
	static uint32_t order[NR_BLOCKS];

	for (uint32_t i = 0; i < NR_BLOCKS; i++)
		order[i] = i;
	qsort(order, NR_BLOCKS, sizeof(order[0]), by_address);
	for (uint32_t i = 1; i < NR_BLOCKS; i++)
		CHECK(blocks[order[i - 1]] + sizes[order[i - 1]] <=
		      blocks[order[i]]);
}

static void hundred_thousand(void)
{
	size_t most = setting("/proc/sys/vm/max_map_count") / 10;
	size_t before = resident();

	/* 18 GB, of which 80 MB are touched */
	if (setting("/proc/sys/vm/overcommit_memory") == 2) {
		puts("# left out: memory may not be promised twice here");
		return;
	}
	for (size_t i = 0; i < NR_BLOCKS; i++)
		new (i);
	check_overlap();
	CHECK(nr_mappings() < most);
	for (size_t i = 1; i < NR_BLOCKS; i += 2)
		free(blocks[i]);
	CHECK(nr_mappings() < most);
	for (size_t i = 1; i < NR_BLOCKS; i += 2)
		new (i);
	check_overlap();
	CHECK(nr_mappings() < most);
	for (size_t i = 0; i < NR_BLOCKS; i++) {
		if (is_marked(i))
			verify(i);
		free(blocks[i]);
	}
	CHECK(nr_mappings() < most);
	CHECK(resident() < before + (32 << 20));
}

/* Fenced blocks begin behind a header, so the last page of one is not whole */
static void zeroed_between_fences(void)
{
	int nr_fenced = 0, nr_lost = 0;

	/* Soon it is known that the memory is wanted back, and it stays dirty */
	for (size_t i = 0; i < 100; i++) {
		size_t size = 1200000 + i * 7919 % 90000, k;
		char *p = malloc(5 << 20);

		CHECK(p);
		memset(p, 0xff, 5 << 20);
		free(p);
		/* A thread has few large fences */
		if (i < 90)
			continue;
		p = calloc(1, size);
		CHECK(p);
		for (k = 0; k < size && !p[k]; k++)
			;
		CHECK(k == size);
		if ((uintptr_t)p % 4096) {
			nr_fenced++;
			nr_lost += !p[size];
		}
		free(p);
	}
	printf("# %d fenced, %d marks lost\n", nr_fenced, nr_lost);
	CHECK(nr_fenced > 0);
	/* A mark is 0 by chance now and then */
	CHECK(nr_lost <= nr_fenced / 2);
}

static const struct x_case cases[] = {
	{ "zeroed blocks between fences", zeroed_between_fences },
	{ "a hundred thousand large blocks", hundred_thousand },
};

int main(int argc, char **argv)
{
	(void)argc;
	x_begin(argv);
	return X_RUN(cases);
}
