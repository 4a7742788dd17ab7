// SPDX-License-Identifier: MIT
/*
 * x-operators.cc - C++'s operators new and delete in a preloaded program.
 *
 * Invariants:
 *  - all forms give aligned memory and take it back
 *  - failure goes through the new_handler, then throws std::bad_alloc, which
 *    the program can catch; nothrow forms return a null pointer, whatever the
 *    handler throws, and leave no exception behind
 */
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include <malloc.h>
#include <sys/resource.h>

#include "x.h"

/* Larger than any object */
static size_t too_large()
{
	return x_size(SIZE_MAX - 100);
}

static bool is_aligned(const void *p, size_t align)
{
	return reinterpret_cast<uintptr_t>(p) % align == 0;
}

static const std::align_val_t a64{ 64 };
static const std::align_val_t a4k{ 4096 };

static void plain()
{
	for (size_t size = 0; size < 100000; size = size * 5 / 4 + 1) {
		void *p = x_keep(::operator new(size));
		void *q = x_keep(::operator new[](size));

		CHECK(p && q && p != q);
		CHECK(is_aligned(p, 16) && is_aligned(q, 16));
		memset(p, 1, size);
		memset(q, 2, size);
		::operator delete(p);
		::operator delete[](q);
	}
	::operator delete(x_keep(nullptr));
	::operator delete[](x_keep(nullptr));
}

static void nothrow()
{
	void *p = x_keep(::operator new(100, std::nothrow));
	void *q = x_keep(::operator new[](100, std::nothrow));
	void *r = x_keep(::operator new(100, a64, std::nothrow));
	void *s = x_keep(::operator new[](100, a4k, std::nothrow));

	CHECK(p && q && is_aligned(r, 64) && r && is_aligned(s, 4096) && s);
	::operator delete(p, std::nothrow);
	::operator delete[](q, std::nothrow);
	::operator delete(r, a64, std::nothrow);
	::operator delete[](s, a4k, std::nothrow);
}

static void sized()
{
	for (size_t size = 1; size < 1 << 20; size *= 3) {
		::operator delete(x_keep(::operator new(size)), size);
		::operator delete[](x_keep(::operator new[](size)), size);
		::operator delete(x_keep(::operator new(size, a64)), size, a64);
		::operator delete[](x_keep(::operator new[](size, a4k)), size,
				    a4k);
	}
}

struct alignas(64) Line
{
	char c[64];
};

struct alignas(4096) Page
{
	char c[5000];
	~Page()
	{
		c[0] = 0;
	}
};

static void over_aligned()
{
	for (int i = 1; i < 50; i++) {
		Line *line = new Line;
		Line *lines = new Line[i];
		Page *page = new Page;
		Page *pages = new Page[i];

		CHECK(is_aligned(x_keep(line), 64));
		CHECK(is_aligned(x_keep(lines), 64));
		CHECK(is_aligned(x_keep(page), 4096));
		CHECK(is_aligned(x_keep(pages), 4096));
		delete line;
		delete[] lines;
		delete page;
		delete[] pages;
	}
	for (size_t align = 1; align <= 1 << 20; align *= 2) {
		std::align_val_t a{ align };
		void *p = x_keep(::operator new(x_size(77), a));

		CHECK(is_aligned(p, align) && is_aligned(p, 16));
		::operator delete(p, a);
	}
}

static void containers()
{
	std::map<std::string, std::vector<std::shared_ptr<int> > > map;

	for (int i = 0; i < 20000; i++)
		map["a key longer than what fits inside " +
		    std::to_string(i % 777)]
			.push_back(std::make_shared<int>(i));
	for (const auto &entry : map)
		for (const auto &p : entry.second)
			CHECK(*p >= 0 && *p < 20000);
}

/* Whether @f throws exactly std::bad_alloc or what derives from it */
static bool throws_bad_alloc(const std::function<void *()> &f)
{
	try {
		x_keep(f());
	} catch (const std::bad_alloc &e) {
		return e.what() && !std::uncaught_exceptions();
	}
	return false;
}

static void bad_alloc()
{
	size_t n = too_large();

	CHECK(throws_bad_alloc([n] { return ::operator new(n); }));
	CHECK(throws_bad_alloc([n] { return ::operator new[](n); }));
	CHECK(throws_bad_alloc([n] { return ::operator new(n, a64); }));
	CHECK(throws_bad_alloc([n] { return ::operator new[](n, a64); }));
	CHECK(throws_bad_alloc([n] { return new char[n]; }));
	CHECK(throws_bad_alloc([] {
		return ::operator new(10, std::align_val_t(x_size(24)));
	}));
}

static bool all_nothrow_fail()
{
	size_t n = too_large();

	return !x_keep(::operator new(n, std::nothrow)) &&
	       !x_keep(::operator new[](n, std::nothrow)) &&
	       !x_keep(::operator new(n, a64, std::nothrow)) &&
	       !x_keep(::operator new[](n, a64, std::nothrow)) &&
	       !x_keep(new (std::nothrow) char[n]) &&
	       !std::uncaught_exceptions();
}

static void nothrow_fails()
{
	CHECK(all_nothrow_fail());
	CHECK(!x_keep(::operator new(10, std::align_val_t(x_size(24)),
				     std::nothrow)));
}

/* Unwinding passes the frames between the operator and who catches */
static void unwinds()
{
	static int nr_destroyed;

	struct Guard {
		~Guard()
		{
			nr_destroyed++;
		}
	};

	auto inner = []() -> void * {
		Guard guard;

		return ::operator new(too_large());
	};
	auto outer = [inner]() -> void * {
		Guard guard;

		return inner();
	};

	CHECK(throws_bad_alloc(outer));
	CHECK(nr_destroyed == 2);
}

static int nr_handler;

static void handler_leaves_at_5()
{
	if (++nr_handler == 5)
		std::set_new_handler(nullptr);
}

static void handler_is_called()
{
	for (int i = 0; i < 2; i++) {
		nr_handler = 0;
		std::set_new_handler(handler_leaves_at_5);
		if (i == 0)
			CHECK(throws_bad_alloc(
				[] { return ::operator new(too_large()); }));
		else
			CHECK(!x_keep(
				::operator new(too_large(), std::nothrow)));
		CHECK(nr_handler == 5);
		CHECK(std::get_new_handler() == nullptr);
	}
}

struct Other {
	std::string text;
};

static void handler_throws_bad_alloc()
{
	nr_handler++;
	throw std::bad_alloc();
}

static void handler_throws_other()
{
	nr_handler++;
	throw Other{ "something that is longer than a short string" };
}

static void handler_that_throws()
{
	bool caught = false;

	nr_handler = 0;
	std::set_new_handler(handler_throws_bad_alloc);
	CHECK(throws_bad_alloc([] { return new char[too_large()]; }));
	CHECK(nr_handler >= 1);
	nr_handler = 0;
	CHECK(all_nothrow_fail());
	CHECK(nr_handler >= 4);

	std::set_new_handler(handler_throws_other);
	try {
		x_keep(::operator new(too_large()));
	} catch (const Other &other) {
		caught = other.text.size() > 16;
	}
	CHECK(caught);
	CHECK(all_nothrow_fail());
	std::set_new_handler(nullptr);
}

/* A thousand swallowed exceptions do not stay in memory */
static void nothing_leaks()
{
	size_t before;

	std::set_new_handler(handler_throws_other);
	all_nothrow_fail();
	before = mallinfo2().uordblks;
	for (int i = 0; i < 5000; i++)
		all_nothrow_fail();
	CHECK(mallinfo2().uordblks < before + (1 << 20));
	std::set_new_handler(nullptr);
}

/* Nothrow in a destructor, while another exception is on its way */
static void nothrow_while_unwinding()
{
	static int nr_uncaught = -1;

	struct Guard {
		~Guard()
		{
			if (::operator new(too_large(), std::nothrow))
				x_failed = 1;
			nr_uncaught = std::uncaught_exceptions();
		}
	};

	bool caught = false;

	std::set_new_handler(handler_throws_other);
	try {
		Guard guard;

		throw 42;
	} catch (int n) {
		caught = n == 42;
	}
	CHECK(caught && nr_uncaught == 1);
	CHECK(std::uncaught_exceptions() == 0);
	std::set_new_handler(nullptr);
}

static void *reserve;

static void handler_frees_reserve()
{
	nr_handler++;
	::operator delete(reserve);
	reserve = nullptr;
	malloc_trim(0);
	std::set_new_handler(nullptr);
}

/* Out of memory for real: the handler makes room, the same new succeeds */
static void handler_makes_room()
{
	struct rlimit old;
	struct rlimit low;
	std::vector<void *> filling;
	void *p;

	filling.reserve(256);
	getrlimit(RLIMIT_AS, &old);
	low = old;
	low.rlim_cur = static_cast<rlim_t>(2) << 30;
	reserve = ::operator new(600 << 20);
	setrlimit(RLIMIT_AS, &low);
	for (size_t i = 0; i < 256; i++) {
		p = x_keep(::operator new(16 << 20, std::nothrow));
		if (p)
			filling.push_back(p);
	}
	CHECK(filling.size() < 128);
	nr_handler = 0;
	std::set_new_handler(handler_frees_reserve);
	p = ::operator new(400 << 20, std::nothrow);
	CHECK(p && nr_handler == 1 && !reserve);
	::operator delete(p);
	for (void *q : filling)
		::operator delete(q);
	::operator delete(reserve);
	reserve = nullptr;
	setrlimit(RLIMIT_AS, &old);
}

static void threads()
{
	std::vector<std::thread> all;

	for (int i = 0; i < 4; i++)
		all.emplace_back([] {
			for (int n = 0; n < 2000; n++) {
				std::vector<int> v(1000, n);

				CHECK(all_nothrow_fail());
				CHECK(throws_bad_alloc([] {
					return ::operator new(too_large());
				}));
				CHECK(v[999] == n);
			}
		});
	for (auto &thread : all)
		thread.join();
}

struct LastWords {
	std::string words = "longer than what a string keeps in itself";

	~LastWords()
	{
		std::vector<std::string> copies(100, words);

		CHECK(copies[99] == words);
	}
};

/* Destroyed as the thread ends, before the C library's own data of it */
static void thread_locals()
{
	for (int i = 0; i < 200; i++)
		std::thread([] {
			static thread_local LastWords last;

			CHECK(last.words.size() > 16);
		}).join();
}

static const struct x_case cases[] = {
	{ "new, delete", plain },
	{ "nothrow", nothrow },
	{ "sized delete", sized },
	{ "over-aligned types", over_aligned },
	{ "containers", containers },
	{ "bad_alloc can be caught", bad_alloc },
	{ "nothrow fails with a null pointer", nothrow_fails },
	{ "unwinding", unwinds },
	{ "the new_handler is called until it leaves", handler_is_called },
	{ "a new_handler that throws", handler_that_throws },
	{ "caught exceptions are freed", nothing_leaks },
	{ "nothrow while unwinding", nothrow_while_unwinding },
	{ "a new_handler that makes room", handler_makes_room },
	{ "threads", threads },
	{ "thread_local objects", thread_locals },
};

int main(int, char **argv)
{
	x_begin(argv);
	return X_RUN(cases);
}
