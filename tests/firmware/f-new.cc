// SPDX-License-Identifier: MIT
/*
 * f-new.cc - C++ without exceptions over quern (embedded/new.cc).
 *
 * - every form of operator new gives a block of the heap, of the alignment that the type
 *   asks for, and every form of delete takes it back; constructors and destructors run;
 * - with std::nothrow failure is NULL, without it qn_board_no_memory() is asked until
 *   there is memory;
 * - every call is between one qn_board_lock() and one qn_board_unlock().
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
extern "C" {
#include <cmocka.h>
}

#include "glue.h"
#include "new.h"

static int depth, nr_locked;

void qn_board_lock(void)
{
	nr_locked += depth++ == 0;
}

void qn_board_unlock(void)
{
	depth--;
}

/* What is freed when memory runs out */
static char *reserve;
static int nr_asked;

void qn_board_no_memory(size_t size)
{
	(void)size;
	nr_asked++;
	delete[] reserve;
	reserve = nullptr;
}

static int nr_objects;

/* Has a destructor, so arrays of it have their length before them */
struct object {
	int value = 42;

	object()
	{
		nr_objects++;
	}

	~object()
	{
		nr_objects--;
	}
};

struct alignas(64) wide {
	char bytes[64];
	object inner;
};

/* No destructor: the ABI of ARM puts 8 bytes before an array of those that have one */
struct alignas(64) line {
	char bytes[64];
};

static struct qn_stats stats(void)
{
	struct qn_stats st;

	assert_int_equal(qn_heap_stats(qn_board_heap(), &st), 0);
	return st;
}

/* As many blocks and calls of the lock as there should be, and all is sound */
static void assert_state(size_t nr_live, int locked)
{
	assert_int_equal(stats().nr_live, nr_live);
	assert_int_equal(nr_locked, locked);
	assert_int_equal(depth, 0);
	assert_int_equal(qn_heap_check(qn_board_heap()), 0);
	nr_locked = 0;
}

static void test_objects(void **)
{
	object *one = new object, *some = new object[7];
	wide *w = new wide;
	line *ws = new line[3];

	assert_int_equal(nr_objects, 9);
	assert_int_equal(some[6].value, 42);
	assert_int_equal((uintptr_t)w % 64, 0);
	assert_int_equal((uintptr_t)ws % 64, 0);
	assert_state(4, 4);
	delete one;
	delete[] some;
	delete w;
	delete[] ws;
	assert_int_equal(nr_objects, 0);
	assert_state(0, 4);
}

static void test_nothrow(void **)
{
	object *one = new (std::nothrow) object;
	object *some = new (std::nothrow) object[7];
	wide *w = new (std::nothrow) wide;
	line *ws = new (std::nothrow) line[3];

	assert_int_equal(nr_objects, 9);
	assert_int_equal((uintptr_t)w % 64, 0);
	assert_int_equal((uintptr_t)ws % 64, 0);
	delete one;
	delete[] some;
	delete w;
	delete[] ws;
	assert_state(0, 8);
	assert_null(new (std::nothrow) char[1 << 24]);
	assert_null(new (std::nothrow) line[1 << 18]);
	assert_int_equal(nr_objects, 0);
	assert_int_equal(nr_asked, 0);
	assert_state(0, 2);
}

/* The forms that the compiler chooses by flags and types, called by name */
static void test_every_form(void **)
{
	const auto align = std::align_val_t(128);
	const std::nothrow_t &quiet = std::nothrow;

	operator delete(operator new(10));
	operator delete[](operator new[](10));
	operator delete(operator new(10), (size_t)10);
	operator delete[](operator new[](10), (size_t)10);
	operator delete(operator new(10, quiet), quiet);
	operator delete[](operator new[](10, quiet), quiet);
	operator delete(operator new(10, align), align);
	operator delete[](operator new[](10, align), align);
	operator delete(operator new(10, align), 10, align);
	operator delete[](operator new[](10, align), 10, align);
	operator delete(operator new(10, align, quiet), align, quiet);
	operator delete[](operator new[](10, align, quiet), align, quiet);
	assert_state(0, 24);
	operator delete(nullptr);
	operator delete[](nullptr, align);
	assert_state(0, 0);
	assert_int_equal((uintptr_t)operator new(0, align) % 128, 0);
	assert_non_null(operator new(0));
	assert_state(2, 2);
}

extern "C" {
void *token_one(size_t, size_t) __asm__("__alloc_token__Znwj");
void *token_some(size_t, size_t) __asm__("__alloc_token__Znaj");
void *token_quiet(size_t, const std::nothrow_t &, size_t)
	__asm__("__alloc_token__ZnajRKSt9nothrow_t");
void *token_aligned(size_t, std::align_val_t, size_t)
	__asm__("__alloc_token__ZnwjSt11align_val_t");
void *token_both(size_t, std::align_val_t, const std::nothrow_t &, size_t)
	__asm__("__alloc_token__ZnwjSt11align_val_tRKSt9nothrow_t");
}

/* Names that compilers call who tell types apart */
static void test_tokens(void **)
{
	const auto align = std::align_val_t(128);
	const std::nothrow_t &quiet = std::nothrow;
	void *p = token_aligned(10, align, 3);
	void *q = token_both(10, align, quiet, 4);

	assert_true((uintptr_t)p % 128 == 0 && (uintptr_t)q % 128 == 0);
	operator delete(p, align);
	operator delete(q, align, quiet);
	operator delete(token_one(10, 1));
	operator delete[](token_some(10, 2));
	operator delete[](token_quiet(10, quiet, 5), quiet);
	assert_state(0, 10);
	assert_null(token_quiet((size_t)1 << 24, quiet, 6));
	assert_state(0, 1);
}

static void test_no_memory(void **)
{
	size_t most = stats().largest_free;
	char *p;

	reserve = new char[most - 4096];
	nr_asked = 0;
	p = new char[most - 8192];
	assert_int_equal(nr_asked, 1);
	assert_null(reserve);
	p[0] = p[most - 8193] = 1;
	delete[] p;
	assert_int_equal(depth, 0);
}

int main()
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_objects),
		cmocka_unit_test(test_nothrow),
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_every_form),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
