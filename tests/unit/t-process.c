// SPDX-License-Identifier: MIT
/*
 * t-process.c - the heap of the process: the contracts of quern.h, whatever a block
 * is made of, and the life of the process around it.
 *
 * Links: all of lib, with lib/port/posix.c.
 *
 * Invariants checked here:
 * - every block is aligned, apart from every other over all of its usable size, and
 *   at least as large as asked for; calloc gives zeroes, also where others wrote;
 * - realloc keeps the contents across every change of kind, and the old block where
 *   it fails; memalign aligns, for every power of two and every size;
 * - failure is NULL and ENOMEM, counted, and harmless; free keeps errno;
 * - the figures add up: what is freed and trimmed is not live, counts only grow,
 *   nothing is below zero or beyond what the heap has;
 * - tables change while threads work, and no block notices;
 * - threads start and end in any number; their blocks stay, and may be used and
 *   freed by others, in destructors and after them too;
 * - sampled blocks that are followed are blocks like others, and a second free of one
 *   is found at once;
 * - the statistics file shows the page to others, while the process runs and after;
 *   a child has its own, and its own figures.
 *
 * What needs a process of its own runs in a child.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "process/process-internal.h"
#include "process/process.h"
#include "../random.h"
#include "../resident.h"

#define KB ((size_t)1 << 10)
#define MB ((size_t)1 << 20)
#define GB ((size_t)1 << 30)
/* Its shadow of a gigabyte is several of them, and children may have no threads */
#if defined(__SANITIZE_THREAD__)
#define TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TSAN 1
#endif
#endif
#ifndef TSAN
#define TSAN 0
#endif
/* Bytes at each end of a block that are all checked */
#define ENDS (8 * KB)

/* Every kind of block, and the borders between them */
static const size_t scales[] = {
	0,     1,     15,    16,    17,     64,     128,   129,    1000,
	1023,  1024,  1025,  1040,  5000,   16384,  32767, 32768,  32769,
	40000, 65535, 65536, 65537, 131072, 200000, MB,    MB + 1, 5 * MB,
};

static size_t roll_size(void)
{
	size_t most = (size_t)1 << roll(18);

	return roll(200) ? roll((u32)most + 1) : roll(3000000);
}

/* ---- blocks with contents ---- */

struct block {
	unsigned char *p;
	size_t size;
	u32 seed;
};

static unsigned char byte_at(const struct block *b, size_t i)
{
	return (unsigned char)(b->seed + i * 7 + (i >> 8) * 13);
}

/* All bytes at both ends, some between: where a large block is looked at next */
static size_t next_at(const struct block *b, size_t i)
{
	return i >= ENDS && i + ENDS < b->size ? i + 509 : i + 1;
}

static void block_fill(struct block *b)
{
	b->seed = roll(256);
	for (size_t i = 0; i < b->size; i = next_at(b, i))
		b->p[i] = byte_at(b, i);
}

/* The first @size bytes are as they were */
static void block_verify(const struct block *b, size_t size)
{
	for (size_t i = 0; i < size; i = next_at(b, i))
		if (b->p[i] != byte_at(b, i))
			fail_msg("byte %zu of %zu at %p", i, b->size,
				 (void *)b->p);
}

static void check_block(const void *p, size_t size)
{
	assert_non_null(p);
	assert_true(is_aligned((uintptr_t)p, QN_ALIGN));
	assert_true(qn_malloc_usable_size(p) >= size);
}

/* All that may be used of it, not only what was asked for */
static void block_make(struct block *b, size_t size)
{
	b->p = qn_malloc(size);
	check_block(b->p, size);
	b->size = qn_malloc_usable_size(b->p);
	block_fill(b);
}

static void block_drop(struct block *b)
{
	block_verify(b, b->size);
	qn_free(b->p);
	b->p = NULL;
}

/* ---- children ---- */

static pid_t fork_with_handlers(void)
{
	pid_t pid;

	qn_process_fork_prepare();
	pid = fork();
	if (pid == 0)
		qn_process_fork_child();
	else
		qn_process_fork_parent();
	return pid;
}

/* Run @work in a child; it says whether all was well */
static void in_child(bool (*work)(void))
{
	int status;
	pid_t pid = fork_with_handlers();

	if (pid == 0)
		_exit(work() ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* In a child an assertion cannot fail a test: say where, and give up */
#define require(what)                                                    \
	do {                                                             \
		if (!(what)) {                                           \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, \
				__LINE__, #what);                        \
			return false;                                    \
		}                                                        \
	} while (0)

/* ---- the first calls ---- */

static pthread_barrier_t barrier;

static void *first_call(void *arg)
{
	void *p;

	pthread_barrier_wait(&barrier);
	p = qn_malloc((size_t)(uintptr_t)arg);
	memset(p, 1, (size_t)(uintptr_t)arg);
	return p;
}

/* Several threads make the heap's first call at once */
static void test_first_calls(void **state)
{
	pthread_t threads[8];
	void *p[8];

	(void)state;
	pthread_barrier_init(&barrier, NULL, 8);
	for (uintptr_t i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, first_call,
						(void *)((uintptr_t)64 << i)),
				 0);
	for (int i = 0; i < 8; i++)
		pthread_join(threads[i], &p[i]);
	for (int i = 0; i < 8; i++)
		qn_free(p[i]);
	assert_int_equal(qn_check(), 0);
}

/* ---- malloc, calloc, realloc, memalign ---- */

static void test_every_scale(void **state)
{
	struct block b[ARRAY_SIZE(scales)][4];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(scales); i++)
		for (int n = 0; n < 4; n++)
			block_make(&b[i][n], scales[i]);
	for (int n = 0; n < 4; n += 2)
		for (size_t i = 0; i < ARRAY_SIZE(scales); i++)
			block_drop(&b[i][n]);
	for (int n = 1; n < 4; n += 2)
		for (size_t i = ARRAY_SIZE(scales); i-- > 0;)
			block_drop(&b[i][n]);
	assert_int_equal(qn_check(), 0);
}

static void test_usable_size(void **state)
{
	(void)state;
	assert_int_equal(qn_malloc_usable_size(NULL), 0);
	for (size_t size = 0; size < 3 * MB; size += 1 + size / 50) {
		void *p = qn_malloc(size);

		check_block(p, size);
		/* A new class may be wider than that of its size; not absurdly */
		assert_true(qn_malloc_usable_size(p) <= 16 + size + size / 4);
		qn_free(p);
	}
}

static void test_zero_sizes(void **state)
{
	void *p = qn_malloc(0), *q = qn_malloc(0), *r = qn_calloc(0, 100);

	(void)state;
	assert_true(p && q && r);
	assert_true(p != q && q != r && p != r);
	p = qn_realloc(p, 0);
	assert_non_null(p);
	qn_free(p);
	qn_free(q);
	qn_free(r);
	qn_free(NULL);
	p = qn_memalign(4096, 0);
	assert_true(p && is_aligned((uintptr_t)p, 4096));
	qn_free(p);
	p = qn_memalign(MB, 0);
	assert_true(p && is_aligned((uintptr_t)p, MB));
	qn_free(p);
	p = qn_realloc(NULL, 100);
	check_block(p, 100);
	qn_free(p);
}

static bool is_zero(const unsigned char *p, size_t size)
{
	return size == 0 || (*p == 0 && memcmp(p, p + 1, size - 1) == 0);
}

/* What was written, freed, purged or cut off before must not show */
static void test_zeroed(void **state)
{
	(void)state;
	for (int round = 0; round < 6; round++)
		for (size_t i = 0; i < ARRAY_SIZE(scales); i++) {
			unsigned char *p[3];

			for (int n = 0; n < 3; n++) {
				p[n] = qn_calloc(n + 1, scales[i] / (n + 1));
				assert_true(is_zero(p[n], scales[i] / (n + 1) *
								  (n + 1)));
				memset(p[n], 0xff, qn_malloc_usable_size(p[n]));
			}
			p[1] = qn_realloc(p[1], scales[i] / 2);
			for (int n = 0; n < 3; n++)
				qn_free(p[n]);
			if (round == 3)
				qn_trim();
		}
	assert_int_equal(qn_check(), 0);
}

static size_t nr_resident(void)
{
	return resident() / qn_port_page_size();
}

/* All but what test_zeroed_is_untouched() wrote */
static void check_zero_between(const unsigned char *p, size_t size)
{
	assert_true(is_zero(p + 1000, size / 2 - 1000));
	assert_true(is_zero(p + size / 2 + 1, size - size / 2 - 2));
}

/* Zeroed blocks, where others of which little was touched lay before */
static void test_zeroed_is_untouched(void **state)
{
	static const size_t sizes[] = { 20 * KB, 1500 * KB, 7 * MB, 80 * MB };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		size_t size = sizes[i];

		qn_trim();
		for (int round = 0; round < 8; round++) {
			size_t before = nr_resident();
			unsigned char *p = qn_calloc(1, size);

			/* A block of 20 KB waits for the next, as it is */
			if (size > 32 * KB || !round)
				assert_true(nr_resident() <= before + 3);
			assert_int_equal(p[0] | p[size / 2] | p[size - 1], 0);
			memset(p, 1, 1000);
			p[size / 2] = 2;
			p[size - 1] = 3;
			if (round == 7)
				check_zero_between(p, size);
			qn_free(p);
		}
	}
	assert_int_equal(qn_check(), 0);
}

/* Of what was touched only this stays, and it is cleared */
static void test_zeroed_in_part(void **state)
{
	size_t page = qn_port_page_size(), size = 5 * MB;

	(void)state;
	for (int round = 0; round < 8; round++) {
		unsigned char *p;
		size_t before;

		qn_trim();
		before = nr_resident();
		p = qn_malloc(size);
		for (size_t at = 0; at < size; at += (1 + roll(40)) * page)
			memset(p + at, 0xff, min(page, size - at));
		qn_free(p);
		p = qn_calloc(1, size);
		assert_true(nr_resident() < before + size / page / 2);
		assert_true(is_zero(p, size));
		qn_free(p);
	}
	assert_int_equal(qn_check(), 0);
}

/* A block that got shorter where it lies was written behind its end */
static void test_zeroed_after_shrinking(void **state)
{
	(void)state;
	for (size_t size = 190 * KB; size < 40 * MB; size = size * 5 / 4) {
		unsigned char *p;

		qn_trim();
		p = qn_malloc(size);
		memset(p, 0xff, size);
		p = qn_realloc(p, size - 40 * KB);
		qn_free(p);
		p = qn_calloc(1, size);
		assert_true(is_zero(p, size));
		qn_free(p);
	}
	assert_int_equal(qn_check(), 0);
}

/* A sparse block that moves stays sparse, and is all there */
static void test_realloc_sparse(void **state)
{
	static const size_t sizes[] = { 130 * KB, 300 * KB, 800 * KB + 16,
					3 * MB };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		size_t size = sizes[i], at = size / 3, before;
		unsigned char *p = qn_malloc(size), *q, *behind;

		qn_free(p);
		qn_trim();
		p = qn_malloc(size);
		behind = qn_malloc(size);
		before = nr_resident();
		p[0] = 1;
		memset(p + at, 2, 100);
		p[size - 1] = 3;
		q = qn_realloc(p, 2 * size);
		assert_ptr_not_equal(q, p);
		assert_true(nr_resident() <= before + 10);
		assert_int_equal(q[0], 1);
		assert_int_equal(q[at], 2);
		assert_int_equal(q[at + 99], 2);
		assert_int_equal(q[size - 1], 3);
		assert_true(is_zero(q + at + 100, size - at - 101));
		qn_free(q);
		qn_free(behind);
	}
	assert_int_equal(qn_check(), 0);
}

static void test_realloc_all_pairs(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(scales); i++)
		for (size_t n = 0; n < ARRAY_SIZE(scales); n++) {
			struct block b, neighbours[2];

			block_make(&neighbours[0], scales[i]);
			block_make(&b, scales[i]);
			block_make(&neighbours[1], scales[n]);
			b.p = qn_realloc(b.p, scales[n]);
			check_block(b.p, scales[n]);
			block_verify(&b, min(b.size, scales[n]));
			b.size = qn_malloc_usable_size(b.p);
			block_fill(&b);
			block_drop(&neighbours[0]);
			block_drop(&b);
			block_drop(&neighbours[1]);
		}
	assert_int_equal(qn_check(), 0);
}

static void test_realloc_chains(void **state)
{
	struct block b[30];

	(void)state;
	for (int i = 0; i < 30; i++)
		block_make(&b[i], roll_size());
	for (int i = 0; i < 20000; i++) {
		struct block *x = &b[roll(30)];
		size_t size = roll(3) ?
				      roll_size() :
				      x->size + roll(1000) - min(x->size, 500u);

		x->p = qn_realloc(x->p, size);
		check_block(x->p, size);
		block_verify(x, min(x->size, size));
		x->size = size;
		block_fill(x);
	}
	for (int i = 0; i < 30; i++)
		block_drop(&b[i]);
	assert_int_equal(qn_check(), 0);
}

/* Growing little by little is not a copy each time */
static void test_realloc_in_place(void **state)
{
	unsigned int moves = 0;
	char *p = qn_malloc(100 * KB), *q;

	(void)state;
	for (size_t size = 100 * KB; size < 64 * MB; size += 64 * KB) {
		q = qn_realloc(p, size);
		moves += q != p;
		p = q;
		p[size - 1] = 1;
	}
	assert_in_range(moves, 0, 10);
	q = qn_realloc(p, 40 * KB);
	assert_ptr_equal(q, p);
	qn_free(q);
	assert_int_equal(qn_check(), 0);
}

static void check_memalign(size_t align, size_t size)
{
	struct block b[3];

	for (int i = 0; i < 3; i++) {
		b[i].p = qn_memalign(align, size);
		check_block(b[i].p, size);
		assert_true(is_aligned((uintptr_t)b[i].p, align));
		b[i].size = qn_malloc_usable_size(b[i].p);
		block_fill(&b[i]);
	}
	b[1].p = qn_realloc(b[1].p, size + 100);
	check_block(b[1].p, size + 100);
	block_verify(&b[1], size);
	b[1].size = size;
	block_fill(&b[1]);
	for (int i = 0; i < 3; i++)
		block_drop(&b[i]);
}

static void test_memalign(void **state)
{
	(void)state;
	for (size_t align = 1; align <= MB; align *= 2)
		for (size_t size = 0; size <= 300 * KB; size += 1 + size / 3)
			check_memalign(align, size);
	for (size_t align = 1; align <= MB; align *= 2)
		for (size_t i = 0; i < ARRAY_SIZE(scales); i++)
			check_memalign(align, scales[i]);
	assert_int_equal(qn_check(), 0);
}

/* Classes that are in much use have objects of other sizes than the table says */
static void test_memalign_in_hot_classes(void **state)
{
	static void *p[3000];

	(void)state;
	for (size_t align = 2048; align <= 16 * KB; align *= 2) {
		void *larger = qn_malloc(align + 100);

		for (size_t i = 0; i < ARRAY_SIZE(p); i++)
			p[i] = qn_malloc(align - 100);
		for (int i = 0; i < 30; i++) {
			check_memalign(align, align);
			check_memalign(align, align - 50);
			check_memalign(align, 100);
			check_memalign(16 * KB, align);
		}
		for (size_t i = 0; i < ARRAY_SIZE(p); i++)
			qn_free(p[i]);
		qn_free(larger);
	}
	assert_int_equal(qn_check(), 0);
}

static void test_memalign_is_no_power(void **state)
{
	static const size_t wrong[] = { 0, 3, 24, 4095, SIZE_MAX };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		errno = 0;
		assert_null(qn_memalign(wrong[i], 100));
		assert_int_equal(errno, EINVAL);
	}
}

/* ---- failure ---- */

#define assert_refused(call)                                              \
	do {                                                              \
		u64 nr_ = qn_process_stats()->nr_failed;                  \
		errno = 0;                                                \
		assert_null(call);                                        \
		assert_int_equal(errno, ENOMEM);                          \
		assert_int_equal(qn_process_stats()->nr_failed, nr_ + 1); \
	} while (0)

static void test_failures(void **state)
{
	static const size_t absurd[] = {
		(size_t)PTRDIFF_MAX + 1, SIZE_MAX,    SIZE_MAX - 15,
		SIZE_MAX - 65535,        PTRDIFF_MAX, (size_t)1 << 60
	};
	static const size_t scale[] = { 100, 5000, 100000, 5000000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(absurd); i++) {
		assert_refused(qn_malloc(absurd[i]));
		assert_refused(qn_calloc(1, absurd[i]));
		assert_refused(qn_memalign(64, absurd[i]));
		assert_refused(qn_memalign(MB, absurd[i]));
		for (size_t n = 0; n < ARRAY_SIZE(scale); n++) {
			struct block b;

			block_make(&b, scale[n]);
			assert_refused(qn_realloc(b.p, absurd[i]));
			block_drop(&b);
		}
	}
	assert_refused(qn_calloc(SIZE_MAX / 2, 3));
	assert_refused(qn_calloc((size_t)1 << 33, (size_t)1 << 33));
	assert_refused(qn_memalign((size_t)1 << 62, 1));
	assert_refused(qn_memalign((size_t)1 << 63, 1));
	assert_int_equal(qn_check(), 0);
}

static void test_free_keeps_errno(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(scales); i++) {
		void *p[100];

		for (int n = 0; n < 100; n++)
			p[n] = qn_malloc(scales[i] % (200 * KB));
		for (int n = 0; n < 100; n++) {
			errno = 4711;
			qn_free(p[n]);
			assert_int_equal(errno, 4711);
		}
		/* Nor does success change it */
		p[0] = qn_malloc(scales[i]);
		assert_int_equal(errno, 4711);
		qn_free(p[0]);
	}
	qn_free(NULL);
	assert_int_equal(errno, 4711);
}

/* ---- sizes beyond every segment ---- */

static void test_gigabytes(void **state)
{
	if (TSAN)
		skip();
	char *q = qn_malloc(GB), *p = qn_malloc(3 * GB);

	(void)state;
	assert_true(p && q && (q + GB <= p || q >= p + 3 * GB));
	q[0] = q[GB - 1] = 3;
	p[0] = 1;
	p[3 * GB - 1] = 2;
	/* Nothing lies behind it, so that it is not copied */
	assert_ptr_equal(qn_realloc(p, 3 * GB + GB / 2), p);
	assert_true(p[0] == 1 && p[3 * GB - 1] == 2);
	p[3 * GB + GB / 2 - 1] = 4;
	p = qn_realloc(p, 100 * KB);
	assert_int_equal(p[0], 1);
	assert_int_equal(q[GB - 1], 3);
	qn_free(q);
	qn_free(p);
	p = qn_calloc(1, 2 * GB);
	assert_true(p && p[0] == 0 && p[GB] == 0 && p[2 * GB - 1] == 0);
	qn_free(p);
	assert_int_equal(qn_check(), 0);
}

/* ---- long sequences ---- */

static void test_random(void **state)
{
	static struct block b[3000];

	(void)state;
	for (int i = 0; i < 150000; i++) {
		struct block *x = &b[roll(ARRAY_SIZE(b))];

		if (x->p)
			block_drop(x);
		else
			block_make(x, roll_size() % (64 * KB));
		if (i % 30000 == 0)
			assert_int_equal(qn_check(), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(b); i++)
		if (b[i].p)
			block_drop(&b[i]);
	assert_int_equal(qn_check(), 0);
}

/* ---- figures ---- */

static struct qn_stats stats(void)
{
	struct qn_stats st;

	assert_int_equal(qn_stats_get(&st), 0);
	/* Nothing below zero, nothing larger than what it is part of */
	assert_true(st.live <= st.peak_live);
	assert_true(st.live <= st.size);
	assert_true(st.requested <= st.live);
	assert_int_equal(st.internal, st.live - st.requested);
	assert_true(st.free <= st.size);
	assert_true(st.external <= st.free);
	assert_true(st.nr_live <= st.nr_allocs);
	assert_true(st.metadata < 64 * MB);
	assert_true(st.size < (size_t)1 << 40);
	return st;
}

static void test_stats(void **state)
{
	static void *p[5000];
	struct qn_stats before, st;
	size_t bytes = 0;

	(void)state;
	assert_int_equal(qn_stats_get(NULL), -EINVAL);
	qn_trim();
	before = stats();
	for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
		size_t size = i % 100 ? 1 + i % 3000 : 50 * KB;

		p[i] = qn_malloc(size);
		bytes += qn_malloc_usable_size(p[i]);
		/* The tag of a block between tags is in use with it */
		if (size > 1 * KB && size <= 32 * KB)
			bytes += sizeof(size_t);
		if (i % 64 == 0)
			stats();
	}
	qn_trim();
	st = stats();
	assert_int_equal(st.live, before.live + bytes);
	assert_true(st.nr_allocs >= before.nr_allocs + ARRAY_SIZE(p));
	assert_true(st.size >= st.live);
	for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
		qn_free(p[i]);
		if (i % 64 == 0)
			stats();
	}
	assert_int_equal(qn_trim(), 1);
	st = stats();
	assert_int_equal(st.live, before.live);
	assert_true(st.peak_live >= before.live + bytes);
	assert_true(st.nr_frees >= before.nr_frees + ARRAY_SIZE(p));
	assert_true(st.size <= before.size);
	/* There is nothing left to return */
	assert_int_equal(qn_trim(), 0);
	assert_int_equal(qn_process_stats()->dirty, 0);
}

/* In every order and mixture the figures stay plausible */
static void test_stats_plausible(void **state)
{
	static void *p[4000];

	(void)state;
	for (int i = 0; i < 60000; i++) {
		void **slot = &p[roll(ARRAY_SIZE(p))];
		size_t size = (size_t)16 << (i / 10000 * 2);

		if (*slot) {
			qn_free(*slot);
			*slot = NULL;
		} else if (i % 10000 < 7000) {
			*slot = qn_malloc(size + roll(64));
		}
		if (i % 100 == 0)
			stats();
	}
	for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
		qn_free(p[i]);
		stats();
	}
}

static size_t tally_live(void)
{
	struct qn_tally t;

	assert_non_null(qn_process_tally(&t));
	return t.live;
}

/* What a block counts as: a medium one has its tag */
static size_t counted(void *p)
{
	size_t size = qn_malloc_usable_size(p);

	if (size > QN_SLAB_MAX && size <= QN_MEDIUM_MAX)
		size += sizeof(size_t);
	return size;
}

static void *tally_blocks[3000];

static void *fill_blocks(void *seen)
{
	size_t sum = 0;

	for (size_t i = 0; i < ARRAY_SIZE(tally_blocks); i++) {
		tally_blocks[i] = qn_malloc(roll(i % 8 ? 1200 : 60000));
		sum += counted(tally_blocks[i]);
	}
	*(size_t *)seen = sum;
	return NULL;
}

static void *empty_blocks(void *arg)
{
	for (size_t i = 0; i < ARRAY_SIZE(tally_blocks); i++)
		qn_free(tally_blocks[i]);
	return arg;
}

static void in_thread(void *(*run)(void *), void *arg)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, run, arg), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
}

/* A chunk has two words that no block has: they may count or not */
#define assert_near(is, right) \
	assert_in_range((is) + 1024, (right), (right) + 2048)

/* To the byte, whoever allocates, frees and asks, and at every time */
static void test_tally(void **state)
{
	size_t before = tally_live(), sum = 0;

	(void)state;
	for (int i = 0; i < 4; i++) {
		if (i & 1)
			fill_blocks(&sum);
		else
			in_thread(fill_blocks, &sum);
		assert_near(tally_live(), before + sum);
		for (size_t j = 0; j < 500; j++) {
			sum -= counted(tally_blocks[j]);
			qn_free(tally_blocks[j]);
			tally_blocks[j] = NULL;
			if (j % 7 == 0)
				assert_near(tally_live(), before + sum);
		}
		if (i & 2)
			empty_blocks(NULL);
		else
			in_thread(empty_blocks, NULL);
		assert_near(tally_live(), before);
	}
}

static pthread_barrier_t half, seen;

static void *fill_and_wait(void *sum)
{
	fill_blocks(sum);
	pthread_barrier_wait(&half);
	pthread_barrier_wait(&seen);
	for (size_t i = 0; i < ARRAY_SIZE(tally_blocks); i++)
		if (i % 3) {
			*(size_t *)sum -= counted(tally_blocks[i]);
			qn_free(tally_blocks[i]);
			tally_blocks[i] = NULL;
		}
	pthread_barrier_wait(&half);
	pthread_barrier_wait(&seen);
	empty_blocks(NULL);
	return NULL;
}

/* Of a thread that waits all is known but what is ready in its lists */
static void test_tally_of_other(void **state)
{
	size_t before = tally_live(), sum = 0;
	pthread_t thread;

	(void)state;
	pthread_barrier_init(&half, NULL, 2);
	pthread_barrier_init(&seen, NULL, 2);
	pthread_create(&thread, NULL, fill_and_wait, &sum);
	for (int i = 0; i < 2; i++) {
		size_t live;

		pthread_barrier_wait(&half);
		live = tally_live() - before;
		assert_in_range(live, sum - 1024, sum + 500 * KB);
		pthread_barrier_wait(&seen);
	}
	pthread_join(thread, NULL);
	assert_near(tally_live(), before);
}

static void test_large_figures(void **state)
{
	const struct qn_stats_page *page = qn_process_stats();
	u64 large, nr, used;
	void *p;

	(void)state;
	qn_trim();
	large = page->large;
	nr = page->nr_large;
	used = qn_process_stats()->used;
	p = qn_malloc(10 * MB);
	assert_int_equal(page->large, large + 10 * MB);
	assert_int_equal(page->nr_large, nr + 1);
	assert_int_equal(qn_process_stats()->used, used + 10 * MB);
	p = qn_realloc(p, 2 * MB);
	assert_int_equal(page->large, large + 2 * MB);
	assert_int_equal(page->nr_large, nr + 1);
	qn_free(p);
	assert_int_equal(page->large, large);
	assert_int_equal(qn_process_stats()->used, used);
}

/* Can the system move pages and leave the range? Since Linux 5.7 */
static bool can_move_pages(void)
{
	size_t page = qn_port_page_size();
	char *p = qn_port_map(NULL, 2 * page);
	bool can = qn_port_move(p + page, p, page) == 0;

	qn_port_release(p, 2 * page);
	return can;
}

/* What cannot grow where it lies is moved, and is all there */
static void test_large_moves(void **state)
{
	size_t old = 3 * MB + 5000, size = 9 * MB;
	unsigned char *p = qn_malloc(old), *behind, *q;
	u64 used = qn_process_stats()->used;
	unsigned char in = 0;

	(void)state;
	for (size_t i = 0; i < old; i++)
		p[i] = (unsigned char)(i / 4096 * 7 + i);
	behind = qn_malloc(old);
	memset(behind, 3, 100000);
	q = qn_realloc(p, size);
	assert_non_null(q);
	assert_ptr_not_equal(q, p);
	/* Not copied: its pages are gone from where they were */
	assert_int_equal(mincore(p + MB, 1, &in), 0);
	assert_true(!(in & 1) || !can_move_pages());
	for (size_t i = 0; i < old; i++)
		if (q[i] != (unsigned char)(i / 4096 * 7 + i))
			fail_msg("byte %zu has changed", i);
	memset(q + old, 5, size - old);
	for (size_t i = 0; i < 100000; i++)
		assert_int_equal(behind[i], 3);
	/* Both ranges can be used, freed and purged */
	p = qn_malloc(old);
	memset(p, 1, old);
	qn_free(q);
	qn_free(behind);
	qn_trim();
	assert_int_equal(p[old - 1], 1);
	assert_int_equal(qn_check(), 0);
	assert_int_equal(qn_process_stats()->used, used);
	qn_free(p);
}

/* Freed memory goes back by itself, all but a little */
static void test_memory_returns(void **state)
{
	static void *p[60000];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(p); i++)
		memset(p[i] = qn_malloc(1000), 1, 1000);
	for (size_t i = 0; i < ARRAY_SIZE(p); i++)
		qn_free(p[i]);
	assert_true(qn_process_stats()->dirty + qn_process_stats()->carved <
		    20 * MB);
	assert_true(qn_process_stats()->purged >= 40 * MB);
}

/* ---- tables under load ---- */

static bool stop;

static void sleep_ms(long ms)
{
	const struct timespec ts = { .tv_nsec = ms * 1000000 };

	nanosleep(&ts, NULL);
}

static void *hot_worker(void *arg)
{
	static const size_t hot[] = { 900, 720, 2600, 592, 300 };
	static __thread struct block b[4000];
	u32 seed = (u32)(uintptr_t)arg;

	for (u32 i = 0; !READ_ONCE(stop); i++) {
		struct block *x;

		if (i % 512 == 0)
			sleep_ms(1);
		random_turn(&seed);
		x = &b[(seed >> 8) % ARRAY_SIZE(b)];
		if (x->p) {
			if (x->p[0] != (u8)x->size ||
			    x->p[x->size - 1] != (u8)x->size)
				abort();
			qn_free(x->p);
			x->p = NULL;
			continue;
		}
		x->size = hot[(i / 20000 + seed / 65536 % 2) % 5];
		x->p = qn_malloc(x->size);
		memset(x->p, (u8)x->size, x->size);
	}
	for (size_t i = 0; i < ARRAY_SIZE(b); i++)
		qn_free(b[i].p);
	return NULL;
}

static void test_tables_under_load(void **state)
{
	const struct qn_stats_page *page = qn_process_stats();
	u32 generation = page->generation;
	pthread_t threads[3];

	(void)state;
	stop = false;
	for (uintptr_t i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hot_worker,
						(void *)(i + 1)),
				 0);
	for (int i = 0; i < 20000; i++) {
		if (READ_ONCE(page->generation) >= generation + 2)
			break;
		sleep_ms(1);
	}
	WRITE_ONCE(stop, true);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	assert_true(page->generation >= generation + 2);
	assert_true(page->nr_changes >= 2);
	assert_int_equal(qn_check(), 0);
}

/* ---- threads ---- */

static void *leave_blocks(void *arg)
{
	struct block *b = arg;

	for (size_t i = 0; i < ARRAY_SIZE(scales); i++) {
		b[i].p = qn_malloc(scales[i]);
		b[i].size = scales[i];
		b[i].seed = (u32)i;
		for (size_t n = 0; n < b[i].size; n = next_at(&b[i], n))
			b[i].p[n] = byte_at(&b[i], n);
	}
	return NULL;
}

static void *take_blocks(void *arg)
{
	struct block *b = arg;

	for (size_t i = 0; i < ARRAY_SIZE(scales); i++) {
		b[i].p = qn_realloc(b[i].p, b[i].size + 1);
		block_verify(&b[i], b[i].size);
		qn_free(b[i].p);
	}
	return NULL;
}

/* Made by one thread, changed and freed by another, when the first is gone */
static void test_blocks_outlive_threads(void **state)
{
	static struct block b[20][ARRAY_SIZE(scales)];
	pthread_t t;

	(void)state;
	for (int i = 0; i < 20; i++) {
		pthread_create(&t, NULL, leave_blocks, b[i]);
		pthread_join(t, NULL);
	}
	for (int i = 0; i < 20; i++) {
		pthread_create(&t, NULL, take_blocks, b[i]);
		pthread_join(t, NULL);
	}
	assert_int_equal(qn_check(), 0);
}

static pthread_key_t keys[2];

/* Destructors run in any order, again and again: some after the heap's own */
static void destructor(void *arg)
{
	uintptr_t *rounds = arg;

	qn_process_free(qn_process_malloc(1));
	if (--*rounds > 0) {
		for (int i = 0; i < 100; i++)
			qn_free(qn_malloc((size_t)i * 50));
		pthread_setspecific(keys[*rounds % 2], rounds);
		return;
	}
	qn_free(rounds);
}

static void *with_destructors(void *arg)
{
	uintptr_t *rounds = qn_malloc(sizeof(*rounds));

	*rounds = 4;
	pthread_setspecific(keys[0], rounds);
	return arg;
}

static void test_destructors(void **state)
{
	u64 live, threads;
	pthread_t t;

	(void)state;
	pthread_key_create(&keys[0], destructor);
	pthread_key_create(&keys[1], destructor);
	qn_trim();
	live = qn_process_stats()->live;
	threads = qn_process_stats()->nr_threads;
	for (int i = 0; i < 300; i++) {
		pthread_create(&t, NULL, with_destructors, NULL);
		pthread_join(t, NULL);
	}
	qn_trim();
	assert_int_equal(qn_process_stats()->live, live);
	assert_int_equal(qn_process_stats()->nr_threads, threads);
	assert_int_equal(qn_check(), 0);
}

/* ---- the statistics file ---- */

static char dir[64];

static void make_dir(void)
{
	strcpy(dir, "/tmp/quern-test-XXXXXX");
	if (!mkdtemp(dir))
		abort();
}

static void remove_dir(void)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	char path[400];

	while ((e = readdir(d))) {
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		unlink(path);
	}
	closedir(d);
	assert_int_equal(rmdir(dir), 0);
}

/* The file of process @pid, as another sees it; NULL if there is none */
static const struct qn_stats_page *view(int pid, int n)
{
	size_t size = sizeof(struct qn_stats_page);
	char path[120];
	struct stat st;
	void *p;
	int fd;

	snprintf(path, sizeof(path), n ? "%s/%d.%d.qstat" : "%s/%d.qstat", dir,
		 pid, n);
	fd = open(path, O_RDONLY);
	if (fd < 0 || fstat(fd, &st) || (size_t)st.st_size < size)
		return NULL;
	p = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	return p == MAP_FAILED ? NULL : p;
}

static void start(const char *where)
{
	struct qn_conf conf;

	qn_conf_init(&conf);
	strcpy(conf.stats, where);
	strcpy(conf.policy, "fixed");
	qn_process_start(&conf, NULL, NULL);
}

static bool file_shows_the_page(void)
{
	const struct qn_stats_page *mine, *seen;
	void *before = qn_malloc(100), *p;
	u64 large;

	start(dir);
	mine = qn_process_stats();
	seen = view(getpid(), 0);
	require(seen);
	require(seen->magic == QN_STATS_MAGIC);
	require(seen->version == QN_STATS_VERSION);
	require(seen->size == sizeof(*seen));
	require(seen->pid == (u32)getpid());
	require(seen->ppid == (u32)getppid());
	require(seen->state == QN_STATS_RUNNING);
	require(strcmp(seen->policy, "fixed") == 0);
	require(strncmp(seen->exe, "t-process", 9) == 0);
	require(seen->live == mine->live);
	large = seen->large;
	p = qn_malloc(7 * MB);
	require(seen->live == mine->live && seen->large == large + 7 * MB);
	qn_free(p);
	require(seen->live == mine->live && seen->large == large);
	qn_free(before);
	require(seen->state == QN_STATS_RUNNING && seen->end_usec == 0);
	qn_process_finish();
	require(seen->state == QN_STATS_EXITED);
	require(seen->end_usec >= seen->start_usec);
	require(seen->peak_resident > 0);
	/* The heap goes on working */
	qn_free(qn_malloc(5 * MB));
	return qn_check() == 0;
}

static void test_stats_file(void **state)
{
	(void)state;
	make_dir();
	in_child(file_shows_the_page);
	remove_dir();
}

/* Killed, it leaves behind what it knew */
static void test_stats_file_survives(void **state)
{
	const struct qn_stats_page *seen;
	int status;
	pid_t pid;

	(void)state;
	make_dir();
	pid = fork_with_handlers();
	if (pid == 0) {
		start(dir);
		if (!qn_malloc(9 * MB))
			_exit(1);
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	seen = view(pid, 0);
	assert_non_null(seen);
	assert_int_equal(seen->state, QN_STATS_RUNNING);
	assert_true(seen->large >= 9 * MB && seen->peak_live >= 9 * MB);
	munmap((void *)seen, sizeof(*seen));
	remove_dir();
}

static bool name_is_taken(void)
{
	const struct qn_stats_page *seen;
	char path[120];

	snprintf(path, sizeof(path), "%s/%d.qstat", dir, (int)getpid());
	close(open(path, O_CREAT | O_WRONLY, 0600));
	snprintf(path, sizeof(path), "%s/%d.1.qstat", dir, (int)getpid());
	close(open(path, O_CREAT | O_WRONLY, 0600));
	start(dir);
	seen = view(getpid(), 2);
	require(seen && seen->pid == (u32)getpid());
	require(!view(getpid(), 0) && !view(getpid(), 1));
	return qn_check() == 0;
}

static void test_stats_file_taken(void **state)
{
	(void)state;
	make_dir();
	in_child(name_is_taken);
	remove_dir();
}

static bool no_such_directory(void)
{
	char text[300] = { 0 };
	int fds[2];

	require(pipe(fds) == 0);
	dup2(fds[1], STDERR_FILENO);
	errno = 4711;
	start("/nowhere/at/all");
	if (errno != 4711)
		return false;
	close(STDERR_FILENO);
	close(fds[1]);
	if (read(fds[0], text, sizeof(text) - 1) <= 0)
		return false;
	qn_free(qn_malloc(MB));
	return strncmp(text, "quern: ", 7) == 0 && strstr(text, "stats") &&
	       qn_process_stats()->live < GB;
}

static void test_stats_file_impossible(void **state)
{
	(void)state;
	in_child(no_such_directory);
}

/* ---- fork ---- */

static bool wait_for(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && status == 0;
}

static bool child_of_fork(const struct qn_stats_page *parents, u64 large)
{
	const struct qn_stats_page *own = view(getpid(), 0);

	require(own && own->pid == (u32)getpid());
	require(own->nr_threads == 1);
	require(own->ppid == (u32)getppid());
	require(own->nr_large == 0 && own->peak_live == own->live);
	require(strcmp(own->policy, "fixed") == 0);
	require(own->live >= 3 * MB);
	qn_malloc(20 * MB);
	require(own->large >= 20 * MB && own->nr_large == 1);
	require(parents->large == large);
	qn_process_finish();
	require(own->state == QN_STATS_EXITED);
	require(parents->state == QN_STATS_RUNNING);
	return qn_check() == 0;
}

static bool files_of_two(void)
{
	const struct qn_stats_page *mine;
	u64 large;
	pid_t pid;

	start(dir);
	mine = view(getpid(), 0);
	require(mine && qn_malloc(3 * MB));
	large = mine->large;
	pid = fork_with_handlers();
	if (pid == 0)
		_exit(!child_of_fork(mine, large));
	require(wait_for(pid));
	require(mine->large == large && mine->pid == (u32)getpid());
	qn_malloc(MB);
	require(mine->large == large + MB);
	return view(pid, 0) && view(pid, 0)->ppid == (u32)getpid();
}

static void test_fork_has_its_own_file(void **state)
{
	(void)state;
	make_dir();
	in_child(files_of_two);
	remove_dir();
}

/* A handler of another library allocates between prepare and release */
static bool handlers_allocate(void)
{
	struct block b = { qn_malloc(1000), 1000, 0 };
	bool in_child;
	pid_t pid;

	block_fill(&b);
	qn_process_fork_prepare();
	qn_free(qn_malloc(5000));
	qn_free(qn_malloc(5 * MB));
	pid = fork();
	in_child = pid == 0;
	for (int i = 0; i < 2000; i++)
		qn_free(qn_malloc((size_t)i * 100));
	if (in_child)
		qn_process_fork_child();
	else
		qn_process_fork_parent();
	block_drop(&b);
	if (in_child)
		_exit(qn_check() != 0);
	return wait_for(pid) && qn_check() == 0;
}

static void test_fork_handlers_allocate(void **state)
{
	(void)state;
	in_child(handlers_allocate);
}

/* In the middle of a slow path, with the first lock, and in need of a later one */
static void *waits_for_last(void *locked)
{
	qn_port_lock(qn_process_lock(0));
	__atomic_store_n((bool *)locked, true, __ATOMIC_RELEASE);
	qn_port_lock(qn_process_lock(QN_PROCESS_LOCKS - 2));
	qn_port_unlock(qn_process_lock(QN_PROCESS_LOCKS - 2));
	qn_port_unlock(qn_process_lock(0));
	return NULL;
}

/* A handler forks that interrupted what another thread waits for */
static bool handler_forks(void)
{
	bool locked = false;
	pthread_t t;
	pid_t pid;

	qn_free(qn_malloc(100));
	qn_port_lock(qn_process_lock(QN_PROCESS_LOCKS - 2));
	if (pthread_create(&t, NULL, waits_for_last, &locked))
		return false;
	while (!__atomic_load_n(&locked, __ATOMIC_ACQUIRE))
		sched_yield();
	pid = fork_with_handlers();
	if (pid == 0)
		_exit(0);
	qn_port_unlock(qn_process_lock(QN_PROCESS_LOCKS - 2));
	pthread_join(t, NULL);
	qn_free(qn_malloc(100));
	return wait_for(pid) && qn_check() == 0;
}

static void test_fork_in_handler(void **state)
{
	(void)state;
	in_child(handler_forks);
}

/* What a child does, with the blocks that all threads of the parent left it */
static bool child_of_threads(struct block *b, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		block_verify(&b[i], b[i].size);
		qn_free(b[i].p);
	}
	for (int i = 0; i < 3000; i++)
		qn_free(qn_malloc((size_t)i * 37));
	/* Threads of its own come and go */
	for (int i = 0; i < 5 && !TSAN; i++) {
		pthread_t t;

		stop = true;
		require(pthread_create(&t, NULL, hot_worker, NULL) == 0);
		pthread_join(t, NULL);
	}
	return qn_check() == 0;
}

static void test_fork_of_threads(void **state)
{
	static struct block b[ARRAY_SIZE(scales)];
	pthread_t threads[3], t;

	(void)state;
	stop = false;
	for (uintptr_t i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, hot_worker, (void *)(i + 7));
	for (int i = 0; i < 20; i++) {
		pid_t pid;

		pthread_create(&t, NULL, leave_blocks, b);
		pthread_join(t, NULL);
		pid = fork_with_handlers();
		if (pid == 0)
			_exit(!child_of_threads(b, ARRAY_SIZE(scales)));
		assert_true(wait_for(pid));
		take_blocks(b);
	}
	WRITE_ONCE(stop, true);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(qn_check(), 0);
}

/* All readers of tables that the hub counts */
static u32 nr_users(void)
{
	u32 nr = 0;

	for (unsigned int i = 0; i < QN_NR_TABLES; i++)
		nr += qn_hub.tables[i]->nr_users;
	return nr;
}

/* Those of the thread itself: the others are gone */
static bool child_has_both_tables(void)
{
	return nr_users() == 2;
}

/* A signal handler forks while a local comes to its end: it has its table still */
static void test_fork_at_an_end(void **state)
{
	struct qn_local *l;
	pthread_t t;

	(void)state;
	qn_free(qn_malloc(1));
	l = qn_local_get(&qn_hub);
	stop = false;
	pthread_create(&t, NULL, hot_worker, (void *)7);
	while (nr_users() < 3)
		sched_yield();
	/* As qn_local_put() has it before the table goes */
	WRITE_ONCE(l->state, QN_LOCAL_ORPHAN);
	in_child(child_has_both_tables);
	WRITE_ONCE(l->state, QN_LOCAL_OWNED);
	WRITE_ONCE(stop, true);
	pthread_join(t, NULL);
	qn_local_put(l);
}

/* ---- objects that are followed ---- */

static u32 nr_lives(bool ended)
{
	const struct qn_stats_page *page = qn_process_stats();
	u32 nr = 0;

	for (u32 i = 0; i < QN_STATS_LIFE_GROUPS; i++)
		nr += ended ? page->lives[i].nr_ended : page->lives[i].nr_live;
	return nr;
}

/* Samples are as close as they can be */
static void sample_often(void)
{
	struct qn_conf conf;

	qn_conf_init(&conf);
	conf.sample = 4 * KB;
	qn_process_start(&conf, NULL, NULL);
}

#define NR_CHILDREN 40
#define CHILD_BYTES ((size_t)1 << 20)

/* What a child samples of the same requests as all others make */
static u32 child_samples(const struct qn_local *parent)
{
	const struct qn_stats_page *page = qn_process_stats();

	/* The parent has some that it has not handed in: they are not the child's */
	require(parent->nr_samples && qn_self->nr_samples == 0);
	require(page->nr_samples == 0 && page->nr_changes == 0);
	require(qn_self->sampler.rng != parent->sampler.rng);
	for (size_t bytes = 0; bytes < CHILD_BYTES; bytes += 512)
		qn_free(qn_malloc(512));
	return (u32)page->nr_samples + qn_self->nr_samples;
}

static u32 samples_of_child(void)
{
	struct qn_local parent = *qn_self;
	int pipe_ends[2];
	u32 nr = 0;
	pid_t pid;

	require(pipe(pipe_ends) == 0);
	pid = fork_with_handlers();
	if (pid == 0) {
		nr = child_samples(&parent);
		_exit(write(pipe_ends[1], &nr, sizeof(nr)) != sizeof(nr));
	}
	require(read(pipe_ends[0], &nr, sizeof(nr)) == sizeof(nr));
	require(waitpid(pid, NULL, 0) == pid);
	close(pipe_ends[0]);
	close(pipe_ends[1]);
	/* The parent's stay what they were */
	require(qn_self->nr_samples == parent.nr_samples);
	require(qn_self->sampler.rng == parent.sampler.rng);
	return nr;
}

/*
 * Children that all do the same sample as if they were strangers: as many as there should
 * be in all of them, and with the variance of Poisson numbers. With the parent's sequence
 * they would all have the same number.
 */
static bool children_sample_for_themselves(void)
{
	const double mean = (double)CHILD_BYTES / (4 * KB);
	double sum = 0, squares = 0, off;

	sample_often();
	for (u32 i = 0; i < 100000 && qn_self->nr_samples != 5; i++)
		qn_free(qn_malloc(i % 1000));
	for (u32 i = 0; i < NR_CHILDREN; i++) {
		double nr = samples_of_child();

		sum += nr;
		squares += nr * nr;
	}
	/* Five standard deviations of the sum; chi-square, once in a million either way */
	off = sum - NR_CHILDREN * mean;
	require(off * off < 25 * NR_CHILDREN * mean);
	squares -= sum * sum / NR_CHILDREN;
	require(squares > 10 * mean && squares < 97 * mean);
	return true;
}

static void test_children_sample_for_themselves(void **state)
{
	(void)state;
	in_child(children_sample_for_themselves);
}

/* A block of @size that is followed, or NULL */
static void *followed(size_t size)
{
	for (u32 i = 0; i < 1000000; i++) {
		u32 before = nr_lives(false);
		void *p = qn_malloc(size);

		if (nr_lives(false) > before)
			return p;
		qn_free(p);
	}
	return NULL;
}

static bool freed_twice_stops(void)
{
	char *p = followed(1000);
	int status;
	pid_t pid;

	require(p);
	pid = fork_with_handlers();
	if (pid == 0) {
		close(2);
		qn_free(p);
		qn_free(p);
		_exit(0);
	}
	require(waitpid(pid, &status, 0) == pid);
	require(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	qn_free(p);
	return qn_check() == 0;
}

/* Lives end where they should, in the child as in the parent */
static bool lives_in_a_child(void)
{
	void *p = followed(500);
	u32 ended = nr_lives(true), live = nr_lives(false);
	int status;
	pid_t pid;

	require(p && live && ended);
	pid = fork_with_handlers();
	if (pid == 0) {
		require(nr_lives(true) == 0 && nr_lives(false) == live);
		qn_free(p);
		_exit(nr_lives(true) != 1 || nr_lives(false) != live - 1);
	}
	require(waitpid(pid, &status, 0) == pid && status == 0);
	require(nr_lives(true) == ended && nr_lives(false) == live);
	qn_free(p);
	return nr_lives(true) == ended + 1;
}

static bool begin_coarse(struct qn_table *t)
{
	qn_table_init_coarse(t, QN_HUB_STEPS, QN_TABLE_READY_STEPS);
	return true;
}

/* A policy may begin with coarse classes: an object can be far larger than was asked for */
static void test_sized_frees_of_coarse_classes(void **state)
{
	enum {
		BLOCKS = 4000
	};

	static const struct qn_policy coarse = { .begin = begin_coarse };
	static void *p[BLOCKS];
	size_t most = 0;

	(void)state;
	qn_process_free(qn_process_malloc(1));
	qn_hub_table_begin(qn_self->hub, &coarse);
	for (size_t size = 272; size <= QN_SLAB_MAX; size += 16) {
		for (int i = 0; i < BLOCKS; i++) {
			p[i] = qn_process_malloc(size);
			assert_non_null(p[i]);
		}
		most = max(most,
			   qn_process_usable_size(p[BLOCKS - 1]) * 100 / size);
		for (int i = 0; i < BLOCKS; i++)
			qn_process_free_sized_slow(p[i], size, QN_SIZED_NEW,
						   "operator delete");
	}
	/* The test says something */
	assert_true(most > 125);
}

/* Of every size, resized, aligned and zeroed */
static bool any_block_may_be_followed(void)
{
	static char *p[2000];
	u32 live;

	sample_often();
	require(followed(100));
	live = nr_lives(false);
	for (size_t i = 0; i < 40000; i++) {
		size_t size = i * 37 % (i % 4 ? 1000 : 12000) + 1;
		char **at = &p[i % ARRAY_SIZE(p)];

		if (i % 3 == 1) {
			*at = qn_realloc(*at, size);
		} else {
			qn_free(*at);
			*at = i % 3 ? qn_calloc(1, size) :
				      qn_memalign(256, size);
			require(i % 3 || is_aligned((uintptr_t)*at, 256));
			require(i % 3 == 0 || (!(*at)[0] && !(*at)[size - 1]));
		}
		require(*at && qn_malloc_usable_size(*at) >= size);
		memset(*at, 0xaa, qn_malloc_usable_size(*at));
	}
	require(nr_lives(false) > live);
	for (size_t i = 0; i < ARRAY_SIZE(p); i++)
		qn_free(p[i]);
	require(nr_lives(false) == live);
	require(freed_twice_stops());
	require(lives_in_a_child());
	return qn_check() == 0;
}

static void test_followed(void **state)
{
	(void)state;
	in_child(any_block_may_be_followed);
}

/* ---- the checker ---- */

static bool damage_is_found(void)
{
	struct qn_hub *hub = qn_self->hub;
	char text[200] = { 0 };
	int fds[2], err;

	require(qn_check() == 0);
	require(pipe(fds) == 0);
	dup2(fds[1], STDERR_FILENO);
	hub->segments.resident.dirty++;
	err = qn_check();
	close(STDERR_FILENO);
	close(fds[1]);
	return err == -EUCLEAN && read(fds[0], text, sizeof(text)) > 0 &&
	       strcmp(text, "quern: the sum of dirty bytes is wrong\n") == 0;
}

static void test_check(void **state)
{
	(void)state;
	qn_free(qn_malloc(1));
	in_child(damage_is_found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_calls),
		cmocka_unit_test(test_memory_returns),
		cmocka_unit_test(test_every_scale),
		cmocka_unit_test(test_usable_size),
		cmocka_unit_test(test_zero_sizes),
		cmocka_unit_test(test_zeroed),
		cmocka_unit_test(test_zeroed_is_untouched),
		cmocka_unit_test(test_zeroed_in_part),
		cmocka_unit_test(test_zeroed_after_shrinking),
		cmocka_unit_test(test_realloc_sparse),
		cmocka_unit_test(test_realloc_all_pairs),
		cmocka_unit_test(test_realloc_chains),
		cmocka_unit_test(test_realloc_in_place),
		cmocka_unit_test(test_memalign),
		cmocka_unit_test(test_memalign_in_hot_classes),
		cmocka_unit_test(test_memalign_is_no_power),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_free_keeps_errno),
		cmocka_unit_test(test_gigabytes),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_stats),
		cmocka_unit_test(test_stats_plausible),
		cmocka_unit_test(test_tally),
		cmocka_unit_test(test_tally_of_other),
		cmocka_unit_test(test_large_figures),
		cmocka_unit_test(test_large_moves),
		cmocka_unit_test(test_tables_under_load),
		cmocka_unit_test(test_blocks_outlive_threads),
		cmocka_unit_test(test_destructors),
		cmocka_unit_test(test_stats_file),
		cmocka_unit_test(test_followed),
		cmocka_unit_test(test_stats_file_survives),
		cmocka_unit_test(test_stats_file_taken),
		cmocka_unit_test(test_stats_file_impossible),
		cmocka_unit_test(test_fork_has_its_own_file),
		cmocka_unit_test(test_fork_handlers_allocate),
		cmocka_unit_test(test_fork_in_handler),
		cmocka_unit_test(test_fork_of_threads),
		cmocka_unit_test(test_fork_at_an_end),
		cmocka_unit_test(test_children_sample_for_themselves),
		cmocka_unit_test(test_check),
		/* Last: its table stays */
		cmocka_unit_test(test_sized_frees_of_coarse_classes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
