// SPDX-License-Identifier: MIT
/*
 * x-late-plugin.cc - the plug-in that x-late.sh has loaded into a C program.
 */
#include <cstdint>
#include <exception>
#include <new>
#include <string>
#include <vector>

#include "x.h"

static int nr_handler;

static void handler_throws()
{
	nr_handler++;
	throw std::string("thrown by the new_handler, and a long string");
}

static bool nothrow_gives_null()
{
	return !x_keep(::operator new(x_size(SIZE_MAX - 100), std::nothrow)) &&
	       !x_keep(::operator new[](x_size(SIZE_MAX - 100),
					std::nothrow)) &&
	       !std::uncaught_exceptions();
}

static bool new_throws_bad_alloc()
{
	try {
		x_keep(::operator new[](x_size(SIZE_MAX - 100)));
	} catch (const std::bad_alloc &) {
		return true;
	}
	return false;
}

extern "C" __attribute__((visibility("default"))) int
plugin_test(int with_handler)
{
	std::vector<std::string> strings(1000, std::string(100, 'x'));

	/* The order matters: each is the first to need what it needs */
	CHECK(nothrow_gives_null());
	CHECK(new_throws_bad_alloc());
	if (with_handler) {
		std::set_new_handler(handler_throws);
		CHECK(nothrow_gives_null() && nr_handler == 2);
		std::set_new_handler(nullptr);
	}
	CHECK(new_throws_bad_alloc());
	CHECK(strings[999].size() == 100);
	return x_failed;
}
