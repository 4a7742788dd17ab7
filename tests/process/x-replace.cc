// SPDX-License-Identifier: MIT
/*
 * x-replace.cc - a preloaded program that replaces operator new and delete.
 *
 * The C++ standard lets a program define the plain forms alone; all others must
 * then reach them. Here they put a header in front of each object, as programs
 * that count their memory do, so whatever goes past them corrupts or is refused
 * by the heap.
 */
#include <list>
#include <memory>
#include <new>
#include <string>

#include "x.h"

/* Compilers suspect what is tested here to be a mistake */
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#pragma GCC diagnostic ignored "-Wsized-deallocation"
#pragma GCC diagnostic ignored "-Wfree-nonheap-object"
#endif

struct Header {
	size_t magic;
	size_t size;
};

static size_t nr_new;
static size_t nr_delete;
static const size_t magic = 0x6d61676963;

void *operator new(size_t size)
{
	if (size > 1 << 30)
		throw std::bad_alloc();

	Header *header = static_cast<Header *>(malloc(sizeof(Header) + size));

	*header = { magic, size };
	nr_new++;
	return header + 1;
}

void operator delete(void *p) noexcept
{
	Header *header = static_cast<Header *>(p) - 1;

	if (!p)
		return;
	CHECK(header->magic == magic);
	header->magic = 0;
	nr_delete++;
	free(header);
}

/* As many calls of each as there are now, since the marks were set */
static bool called(size_t nr)
{
	bool equal = nr_new == nr && nr_delete == nr;

	nr_new = nr_delete = 0;
	return equal;
}

static void forms()
{
	called(0);
	::operator delete(x_keep(::operator new(40)));
	CHECK(called(1));
	::operator delete(x_keep(::operator new(40)), x_size(40));
	CHECK(called(1));
	::operator delete[](x_keep(::operator new[](40)));
	CHECK(called(1));
	::operator delete[](x_keep(::operator new[](40)), x_size(40));
	CHECK(called(1));
	::operator delete(x_keep(::operator new(40, std::nothrow)),
			  std::nothrow);
	CHECK(called(1));
	::operator delete[](x_keep(::operator new[](40, std::nothrow)),
			    std::nothrow);
	CHECK(called(1));
}

static void fails()
{
	size_t n = x_size((size_t)1 << 40);

	CHECK(!x_keep(::operator new(n, std::nothrow)));
	CHECK(!x_keep(::operator new[](n, std::nothrow)));
	CHECK(!std::uncaught_exceptions());
}

static void containers()
{
	called(0);
	{
		std::list<std::unique_ptr<std::string> > list;

		for (int i = 0; i < 1000; i++)
			list.push_back(std::make_unique<std::string>(100, 'x'));
	}
	CHECK(called(3000));
}

static const struct x_case cases[] = {
	{ "all forms reach the program's operators", forms },
	{ "nothrow catches what the program's operator throws", fails },
	{ "containers", containers },
};

int main(int, char **argv)
{
	x_begin(argv);
	return X_RUN(cases);
}
