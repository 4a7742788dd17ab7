// SPDX-License-Identifier: MIT
/*
 * A program whose malloc and free put a header in front of the C library's blocks. What
 * it gets from operator new, strdup, reallocarray and streams has one.
 */
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <thread>
#include <vector>

extern "C" void *__libc_malloc(size_t size);
extern "C" void *__libc_realloc(void *p, size_t size);
extern "C" void __libc_free(void *p);

struct Header {
	size_t magic;
	size_t size;
};

static const size_t magic = 0x6d61676963;
static long nr_live;

static void *begin(void *p, size_t size)
{
	Header *header = static_cast<Header *>(p);

	*header = { magic, size };
	return header + 1;
}

static Header *header_of(void *p)
{
	Header *header = static_cast<Header *>(p) - 1;

	if (header->magic != magic) {
		puts("no header");
		_Exit(1);
	}
	return header;
}

extern "C" void *malloc(size_t size)
{
	__atomic_fetch_add(&nr_live, 1, __ATOMIC_RELAXED);
	return begin(__libc_malloc(size + sizeof(Header)), size);
}

extern "C" void *calloc(size_t n, size_t size)
{
	return memset(malloc(n * size), 0, n * size);
}

extern "C" void free(void *p)
{
	if (!p)
		return;
	header_of(p)->magic = 0;
	__atomic_fetch_sub(&nr_live, 1, __ATOMIC_RELAXED);
	__libc_free(static_cast<Header *>(p) - 1);
}

extern "C" void *realloc(void *p, size_t size)
{
	if (!p)
		return malloc(size);
	return begin(__libc_realloc(header_of(p), size + sizeof(Header)), size);
}

static void work()
{
	std::map<std::string, std::vector<std::string> > map;

	for (int i = 0; i < 20000; i++) {
		std::string key = std::to_string(i * 7919 % 257) +
				  std::string(i % 40, 'k');

		map[key].push_back(std::string(i % 3000, 'v'));
		if (i % 3 == 0)
			map.erase(map.begin());
	}
}

/* Blocks of operator new are the program's, and so go through its free */
static bool is_own(void *p, size_t size)
{
	return header_of(p)->size == size;
}

int main()
{
	std::thread other(work);
	char *s = strdup("a string");
	void *p;

	work();
	other.join();
	for (size_t size : { 0, 1, 100, 1000, 5000, 100000 }) {
		long before = nr_live;

		p = ::operator new(size);
		if (!is_own(p, size ? size : 1) || nr_live != before + 1)
			return 1;
		::operator delete(p);
		if (nr_live != before)
			return 1;
		free(::operator new[](size));
		::operator delete(malloc(size), size);
	}
	p = reallocarray(nullptr, 10, 10);
	if (!is_own(p, 100) || !is_own(s, 9))
		return 1;
	free(p);
	free(s);
	puts("fine");
	return 0;
}
