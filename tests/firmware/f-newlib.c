// SPDX-License-Identifier: MIT
/*
 * f-newlib.c - newlib over quern (embedded/newlib.c); the same with newlib-nano.
 *
 * - printf() prints floats, and what it and stdio need comes from quern: there is no
 *   _sbrk() in this image, so the library has no memory of its own;
 * - the family by all its names; failure is NULL and ENOMEM;
 * - the names with a token do as those without;
 * - realloc(p, 0) does what the library's own does;
 * - every call is between one __malloc_lock() and one __malloc_unlock().
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <malloc.h>
#include <reent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "glue.h"

/* newlib 3.3 does not declare it */
int posix_memalign(void **p, size_t align, size_t size);

static int depth, deepest, nr_locked;

void __malloc_lock(struct _reent *r);
void __malloc_unlock(struct _reent *r);

void __malloc_lock(struct _reent *r)
{
	(void)r;
	nr_locked++;
	depth++;
	if (depth > deepest)
		deepest = depth;
}

void __malloc_unlock(struct _reent *r)
{
	(void)r;
	depth--;
}

static struct qn_stats stats(void)
{
	struct qn_stats st;

	assert_int_equal(qn_heap_stats(qn_board_heap(), &st), 0);
	return st;
}

static void assert_sound(void)
{
	assert_int_equal(qn_heap_check(qn_board_heap()), 0);
	assert_int_equal(depth, 0);
	assert_int_equal(deepest, 1);
}

static void assert_text(const char *is, const char *should_be)
{
	assert_memory_equal(is, should_be, strlen(should_be) + 1);
}

/* Not known to the compiler, which would print them itself */
static volatile double values[] = { 3.25, -0.1, 1e300, 1.0 / 3 };

static void test_floats(void **state)
{
	size_t before = stats().live;
	char text[100];

	(void)state;
	qn_heap_reset_peak(qn_board_heap());
	snprintf(text, sizeof(text), "%.3f %g %.2e %.10f", values[0], values[1],
		 values[2], values[3]);
	assert_text(text, "3.250 -0.1 1.00e+300 0.3333333333");
	assert_true(stats().peak_live > before);
	assert_sound();
}

/* The first line makes the stream's buffer */
static void test_stdout(void **state)
{
	struct qn_stats before = stats(), after;

	(void)state;
	printf("# printed by newlib: %.4f and %s\n", values[0], "text");
	fflush(stdout);
	after = stats();
	assert_true(after.live > before.live);
	assert_true(after.nr_live > before.nr_live);
	assert_sound();
}

static bool is_ours(void *p)
{
	extern char __heap_start[], __heap_end[];

	return (char *)p >= __heap_start && (char *)p < __heap_end;
}

static void test_names(void **state)
{
	size_t live = stats().live;
	char *p = malloc(10), *q = calloc(5, 8), *r = memalign(256, 20);
	char *s = strdup("a text"), *t = aligned_alloc(64, 64);
	void *u = NULL;

	(void)state;
	assert_int_equal(posix_memalign(&u, 128, 10), 0);
	assert_true(is_ours(u) && (uintptr_t)u % 128 == 0);
	assert_int_equal(posix_memalign(&u, 2, 10), EINVAL);
	assert_true(is_ours(p) && is_ours(q) && is_ours(r) && is_ours(s));
	assert_true(is_ours(t) && (uintptr_t)t % 64 == 0);
	assert_int_equal((uintptr_t)r % 256, 0);
	for (int i = 0; i < 40; i++)
		assert_int_equal(q[i], 0);
	assert_true(malloc_usable_size(p) >= 10);
	assert_int_equal(malloc_usable_size(NULL), 0);
	strcpy(p, "contents");
	p = realloc(p, 3000);
	assert_text(p, "contents");
	assert_int_equal(mallinfo().uordblks, stats().live);
	assert_int_equal(mallinfo().fordblks, stats().free);
	assert_int_equal(mallinfo().arena, stats().size);
	free(p);
	free(q);
	free(r);
	free(s);
	free(t);
	free(u);
	free(NULL);
	assert_int_equal(stats().live, live);
	assert_sound();
}

#ifdef _NANO_FORMATTED_IO
#define REALLOC_ZERO_FREES 1
#else
#define REALLOC_ZERO_FREES 0
#endif

/* newlib-nano frees the block, newlib keeps it; neither allocates for it */
static void test_realloc_to_nothing(void **state)
{
	size_t live = stats().live;
	void *p[20];

	(void)state;
	for (int i = 0; i < 20; i++) {
		p[i] = realloc(malloc(100), 0);
		assert_int_equal(p[i] == NULL, REALLOC_ZERO_FREES);
	}
	if (REALLOC_ZERO_FREES)
		assert_int_equal(stats().live, live);
	for (int i = 0; i < 20; i++)
		free(p[i]);
	p[0] = realloc(NULL, 0);
	assert_non_null(p[0]);
	free(p[0]);
	assert_int_equal(stats().live, live);
	assert_sound();
}

static void test_reentrant_names(void **state)
{
	static struct _reent other;
	int before = nr_locked;
	void *p;

	(void)state;
	errno = 0;
	p = _malloc_r(&other, 100);
	p = _realloc_r(&other, p, 200);
	assert_true(_malloc_usable_size_r(&other, p) >= 200);
	_free_r(&other, p);
	_free_r(&other, _calloc_r(&other, 3, 5));
	_free_r(&other, _memalign_r(&other, 32, 5));
	assert_int_equal(nr_locked - before, 8);
	assert_int_equal(other._errno, 0);
	assert_null(_malloc_r(&other, 1 << 24));
	assert_int_equal(other._errno, ENOMEM);
	assert_int_equal(errno, 0);
	assert_sound();
}

static void test_failure(void **state)
{
	volatile size_t large = (size_t)1 << 24;
	char *p = malloc(10);

	(void)state;
	errno = 0;
	assert_null(malloc(large));
	assert_int_equal(errno, ENOMEM);
	errno = 0;
	assert_null(calloc(large, large));
	assert_int_equal(errno, ENOMEM);
	errno = 0;
	assert_null(realloc(p, large));
	assert_int_equal(errno, ENOMEM);
	errno = 0;
	assert_null(memalign(32, large));
	assert_int_equal(errno, ENOMEM);
	errno = 0;
	assert_null(aligned_alloc(24, 24));
	assert_int_equal(errno, EINVAL);
	assert_true(malloc_usable_size(p) >= 10);
	free(p);
	assert_sound();
}

extern void *token_malloc(size_t, size_t) __asm__("__alloc_token_malloc");
extern void *token_calloc(size_t, size_t,
			  size_t) __asm__("__alloc_token_calloc");
extern void *token_realloc(void *, size_t,
			   size_t) __asm__("__alloc_token_realloc");
extern void *token_memalign(size_t, size_t,
			    size_t) __asm__("__alloc_token_memalign");
extern void *token_aligned_alloc(size_t, size_t,
				 size_t) __asm__("__alloc_token_aligned_alloc");
extern int token_posix_memalign(void **, size_t, size_t,
				size_t) __asm__("__alloc_token_posix_memalign");

static void test_tokens(void **state)
{
	size_t live = stats().live;
	char *p = token_malloc(10, 1), *q = token_calloc(5, 8, 2);
	char *r = token_memalign(256, 20, 3),
	     *s = token_aligned_alloc(64, 64, 4);
	void *t = NULL;

	(void)state;
	assert_int_equal(token_posix_memalign(&t, 128, 10, 5), 0);
	assert_true(is_ours(p) && is_ours(q) && is_ours(r) && is_ours(s));
	assert_true(is_ours(t) && (uintptr_t)t % 128 == 0);
	assert_true((uintptr_t)r % 256 == 0 && (uintptr_t)s % 64 == 0);
	assert_true(malloc_usable_size(p) >= 10);
	for (int i = 0; i < 40; i++)
		assert_int_equal(q[i], 0);
	strcpy(p, "contents");
	p = token_realloc(p, 3000, 6);
	assert_true(malloc_usable_size(p) >= 3000);
	assert_text(p, "contents");
	free(p);
	free(q);
	free(r);
	free(s);
	free(t);
	assert_int_equal(stats().live, live);
	assert_null(token_malloc((size_t)1 << 24, 7));
	assert_sound();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_floats),
		cmocka_unit_test(test_stdout),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_realloc_to_nothing),
		cmocka_unit_test(test_reentrant_names),
		cmocka_unit_test(test_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
