// SPDX-License-Identifier: MIT
/*
 * f-process.c - the heap of a process by the names of quern.h, on the system's memory.
 *
 * One thread makes, resizes and frees blocks of all kinds; a second one frees what it is
 * given. The model has each block's size and a byte of contents at its ends. qn_check() is
 * asked as the input goes on, and once all is freed nothing is live.
 */
#include <pthread.h>

#include "process/process.h"

#include "fuzz.h"

#define NR_BLOCKS 200
#define MOST      ((size_t)3 << 20)
#define ENDS      ((size_t)256)

struct block {
	unsigned char *p;
	size_t size;
	unsigned char value;
};

static struct block blocks[NR_BLOCKS];
static struct fuzz_input in;

/* ---- contents: both ends ---- */

static void fill(struct block *b)
{
	size_t n = b->size < ENDS ? b->size : ENDS;

	b->value = (unsigned char)(b->value * 5 + 17);
	memset(b->p, b->value, n);
	memset(b->p + b->size - n, b->value, n);
}

static void verify(const struct block *b, size_t size)
{
	size_t n = size < ENDS ? size : ENDS;

	for (size_t i = 0; i < n; i++)
		fuzz_expect(b->p[i] == b->value, "byte %zu of %zu", i, b->size);
	for (size_t i = size == b->size ? size - n : size; i < size; i++)
		fuzz_expect(b->p[i] == b->value, "byte %zu of %zu", i, b->size);
}

static void came(struct block *b, void *p, size_t size)
{
	b->p = p;
	b->size = size;
	if (!p)
		return;
	fuzz_expect(is_aligned((uintptr_t)p, QN_ALIGN), "%p", p);
	fuzz_expect(qn_malloc_usable_size(p) >= size, "%zu", size);
	fill(b);
}

/* ---- operations ---- */

static void alloc(struct block *b)
{
	size_t size = fuzz_size(&in, MOST);
	size_t align = (size_t)1 << fuzz_pick(&in, 22);
	unsigned char *p;

	switch (fuzz_pick(&in, 4)) {
	case 0:
		p = qn_calloc(1, size);
		for (size_t i = 0; p && i < size; i += size / 64 + 1)
			fuzz_expect(!p[i], "byte %zu of %zu", i, size);
		break;
	case 1:
		p = qn_memalign(align, size);
		fuzz_expect(!p || is_aligned((uintptr_t)p, align), "%p",
			    (void *)p);
		break;
	default:
		p = qn_malloc(size);
	}
	came(b, p, size);
}

static void release(struct block *b)
{
	verify(b, b->size);
	qn_free(b->p);
	b->p = NULL;
}

static void resize(struct block *b)
{
	size_t size = fuzz_size(&in, MOST), old = b->size;
	void *p;

	verify(b, old);
	p = qn_realloc(b->p, size ? size : 1);
	if (!p) {
		verify(b, old);
		return;
	}
	b->p = p;
	verify(b, size < old ? size : old);
	came(b, p, size ? size : 1);
}

static void *free_some(void *arg)
{
	struct block *from = arg;

	for (struct block *b = from; b < blocks + NR_BLOCKS && b < from + 40;
	     b++)
		if (b->p)
			release(b);
	qn_free(qn_malloc(100));
	return NULL;
}

static void other_frees(struct block *from)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, free_some, from))
		return;
	pthread_join(thread, NULL);
}

static void check(void)
{
	fuzz_expect(!qn_check(), "the heap is damaged");
}

static void step(void)
{
	struct block *b = &blocks[fuzz_pick(&in, NR_BLOCKS)];

	switch (fuzz_pick(&in, 32)) {
	case 0:
		check();
		break;
	case 1:
		qn_trim();
		break;
	case 2:
		if (fuzz_byte(&in) % 8 == 0)
			other_frees(b);
		break;
	case 3:
	case 4:
	case 5:
		if (b->p)
			resize(b);
		break;
	default:
		if (b->p)
			release(b);
		else
			alloc(b);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct qn_stats st;

	in = fuzz_begin(data, size);
	memset(blocks, 0, sizeof(blocks));
	while (fuzz_left(&in))
		step();
	check();
	for (unsigned int i = 0; i < NR_BLOCKS; i++)
		if (blocks[i].p)
			release(&blocks[i]);
	qn_trim();
	check();
	fuzz_expect(!qn_stats_get(&st), "no figures");
	fuzz_expect(!st.live, "%zu bytes live at the end", (size_t)st.live);
	return 0;
}
