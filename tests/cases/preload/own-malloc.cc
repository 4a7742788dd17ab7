// SPDX-License-Identifier: MIT
/*
 * A program with a malloc of its own, and nothing else: what the C library and the C++
 * runtime make of malloc comes from there. What they do not make of it works as well.
 */
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <malloc.h>
#include <new>

static char pool[64 << 20] __attribute__((aligned(16)));
static size_t at;
static long nr_freed;

static bool is_own(const void *p)
{
	return p >= pool && p < pool + sizeof(pool);
}

extern "C" void *malloc(size_t size)
{
	void *p = pool + at;

	at += (size + 15) / 16 * 16;
	return at < sizeof(pool) ? p : nullptr;
}

extern "C" void *calloc(size_t n, size_t size)
{
	return memset(malloc(n * size), 0, n * size);
}

extern "C" void *realloc(void *p, size_t size)
{
	void *q = malloc(size);

	return p ? memcpy(q, p, size) : q;
}

extern "C" void free(void *p)
{
	if (p && !is_own(p)) {
		puts("a block from another heap came to free()");
		_Exit(1);
	}
	nr_freed += p != nullptr;
}

/* Functions of glibc that no header declares any more, or not yet */
extern "C" void cfree(void *p) __attribute__((weak));
extern "C" void free_sized(void *p, size_t size) __attribute__((weak));

struct alignas(256) Aligned
{
	char bytes[256];
};

static void check(bool good, const char *what)
{
	if (good)
		return;
	printf("wrong: %s\n", what);
	_Exit(1);
}

static void comes_from_malloc()
{
	char *line = nullptr;

	check(is_own(reallocarray(nullptr, 10, 4)), "reallocarray");
	check(is_own(strdup("text")), "strdup");
	check(asprintf(&line, "%d", 5) == 1 && is_own(line), "asprintf");
	check(is_own(realpath("/", nullptr)), "realpath");
	check(is_own(::operator new(0)), "new(0)");
	check(is_own(::operator new(100)), "new(100)");
	check(is_own(::operator new(1000)), "new(1000)");
	check(is_own(::operator new(5000)), "new(5000)");
	check(is_own(::operator new(500000)), "new(500000)");
	check(is_own(::operator new[](100)), "new[]");
	check(is_own(::operator new(100, std::nothrow)), "new(nothrow)");
}

static void goes_to_free()
{
	long before = nr_freed;

	::operator delete(::operator new(100));
	::operator delete[](::operator new[](100));
	::operator delete(malloc(100), 100);
	::operator delete(::operator new(100, std::nothrow), std::nothrow);
	check(nr_freed == before + 4, "delete");
	if (cfree)
		cfree(malloc(10));
	if (free_sized)
		free_sized(malloc(10), 10);
	::operator delete(nullptr);
}

static void runs_out()
{
	bool thrown = false;

	try {
		check(!::operator new(sizeof(pool) * 2), "new of too much");
	} catch (const std::bad_alloc &) {
		thrown = true;
	}
	at = 0;
	check(thrown, "bad_alloc");
}

/* Of a heap that the program does not replace; it has to be the same at both ends */
static void aligned()
{
	Aligned *a = new Aligned;
	void *p = aligned_alloc(256, 512);

	check((uintptr_t)a % 256 == 0 && (uintptr_t)p % 256 == 0, "aligned");
	memset(a, 1, sizeof(*a));
	delete a;
	check(!posix_memalign(&p, 4096, 100) && (uintptr_t)p % 4096 == 0,
	      "posix_memalign");
	check((uintptr_t)memalign(64, 100) % 64 == 0, "memalign");
	check((uintptr_t)valloc(100) % 4096 == 0, "valloc");
	check((uintptr_t)pvalloc(100) % 4096 == 0, "pvalloc");
}

int main()
{
	comes_from_malloc();
	goes_to_free();
	aligned();
	malloc_usable_size(malloc(100));
	runs_out();
	puts("fine");
	return 0;
}
