// SPDX-License-Identifier: MIT
/*
 * sites.cc - allocation sites in C++; sites.c tells how the lines WANT read.
 */
#include <cstddef>
#include <memory>
#include <new>

extern void use(void *p);

namespace shop
{
struct item {
	virtual ~item();
	int price;
};

struct order {
	order *next;
	long price[5];
};

template <class T> struct queue {
	long size[4];
	T *first;
};

template <class T> struct cell {
	T value;
	long more[8];
};
}

struct alignas(64) line {
	char bytes[64];
};

struct pooled {
	static void *operator new(size_t size);
	int n;
};

/* WANT:gcc 48 48 - shop::order pointers returned */
/* WANT:clang-14 48 48 - shop::order pointers returned */
/* WANT:clang-19 48 - - order_make() returned */
shop::order *order_make()
{
	return new shop::order;
}

/* Of a template the arguments are left out. WANT:gcc 72 72 - shop::cell returned */
/* WANT:clang-14 72 72 - shop::cell returned */
/* WANT:clang-19 72 - - cell_make() returned */
shop::cell<long> *cell_make()
{
	return new shop::cell<long>;
}

/* WANT:gcc 0-524280 8 - double array returned */
/* WANT:clang 0-524280 8 - doubles() array returned */
double *doubles(unsigned short n)
{
	return new double[n];
}

/* WANT:gcc 40 40 - shop::queue pointers */
/* WANT:clang-14 40 40 - shop::queue pointers */
/* WANT:clang-19,O0 40 40 - shop::queue pointers */
/* WANT:clang-19,O2 40 - - shop::queue pointers */
void queue_start()
{
	auto *queue = new shop::queue<int>;

	queue->first = nullptr;
	use(queue);
}

/* WANT:gcc 4 4 - int freed */
/* WANT:clang 4 - - there_and_back() freed */
void there_and_back()
{
	int *p = new int;

	use(p);
	delete p;
}

/* WANT:gcc 99 1 - char array returned */
/* WANT:clang 99 - - no_throw() returned */
char *no_throw()
{
	return new (std::nothrow) char[99];
}

/* WANT:gcc 64 64 64 line returned */
/* WANT:clang-14 64 64 64 line returned */
/* WANT:clang-19 64 - 64 one_line() returned */
line *one_line()
{
	return new line;
}

/* WANT:gcc 192 64 64 line array returned */
/* WANT:clang-14 192 64 64 line array returned */
/* WANT:clang-19 192 - 64 lines() returned */
line *lines()
{
	return new (std::nothrow) line[3];
}

/* WANT:gcc 40 8 - shop::order* pointers array returned */
/* WANT:clang 40 - - order_list() returned */
shop::order **order_list()
{
	return new shop::order *[5];
}

/* A placement, and a class with an operator of its own: what that one asks for counts, here where
 * it is inlined. WANT:O2 4 - - none() */
void none(void *at)
{
	use(new (at) int);
	use(new pooled);
}

/* WANT any - - pooled::operator new() returned */
void *pooled::operator new(size_t size)
{
	return ::operator new(size);
}
