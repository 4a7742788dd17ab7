// SPDX-License-Identifier: MIT
/*
 * x-tokens-main.cc - a C++ program that was built for tokens, hot and cold objects, and
 * operators that tell the size; x-tokens.sh runs it. Built with -DREPLACE it has operators
 * new and delete of its own.
 *
 * Invariants:
 *  - each name does as the operator that it is made from, and throws as that does
 *  - objects are deleted as all others are: with their size or without, and with any size
 *    from the one that was asked for to the one that was told
 *  - a program's own operators are called for all of them
 *  - cold objects lie apart from hot ones, in each thread; any thread deletes them, also when
 *    that thread is gone, and in a child of fork()
 */
#include <new>

#include <pthread.h>
#include <sys/wait.h>

#include "x-tokens.h"

typedef uint8_t hot_cold;
typedef const std::nothrow_t &nothrow;
typedef std::align_val_t align;

struct sized_ptr {
	void *p;
	size_t n;
};

/* A name, and the same with a token */
#define NAME(ret, call, name, ...)                           \
	extern "C" ret call(__VA_ARGS__) __asm__(name);      \
	extern "C" ret token_##call(__VA_ARGS__, size_t) __asm__( \
		"__alloc_token_" name);
#define NAMES(call, op)                                                       \
	extern "C" void *token_##call(size_t, size_t)                         \
		__asm__("__alloc_token_" op);                                 \
	extern "C" void *token_##call##_nothrow(size_t, nothrow, size_t)      \
		__asm__("__alloc_token_" op "RKSt9nothrow_t");                \
	extern "C" void *token_##call##_align(size_t, align, size_t) __asm__( \
		"__alloc_token_" op "St11align_val_t");                       \
	extern "C" void *token_##call##_both(size_t, align, nothrow, size_t)  \
		__asm__("__alloc_token_" op                                   \
			"St11align_val_tRKSt9nothrow_t");                     \
	NAME(void *, call##_cold, op "12__hot_cold_t", size_t, hot_cold)      \
	NAME(void *, call##_nothrow_cold, op "RKSt9nothrow_t12__hot_cold_t",  \
	     size_t, nothrow, hot_cold)                                       \
	NAME(void *, call##_align_cold, op "St11align_val_t12__hot_cold_t",   \
	     size_t, align, hot_cold)                                         \
	NAME(void *, call##_both_cold,                                        \
	     op "St11align_val_tRKSt9nothrow_t12__hot_cold_t", size_t, align, \
	     nothrow, hot_cold)
NAMES(one, "_Znwm")
NAMES(array, "_Znam")
NAME(sized_ptr, told, "__size_returning_new", size_t)
NAME(sized_ptr, told_cold, "__size_returning_new_hot_cold", size_t, hot_cold)
NAME(sized_ptr, told_align, "__size_returning_new_aligned", size_t, align)
NAME(sized_ptr, told_align_cold, "__size_returning_new_aligned_hot_cold", size_t,
     align, hot_cold)
extern "C" void *fast_one(size_t) __asm__("__alloc_token_0__Znwm");
extern "C" void *fast_cold(size_t, hot_cold)
	__asm__("__alloc_token_9__Znam12__hot_cold_t");
extern "C" sized_ptr fast_told(size_t)
	__asm__("__alloc_token_15___size_returning_new");

static size_t nr_new, nr_delete;
#ifdef REPLACE
/* Behind a header, so that no block begins where the heap's does */
static void *own_new(size_t size)
{
	char *p = static_cast<char *>(malloc(size + 16));

	if (!p)
		throw std::bad_alloc();
	nr_new++;
	return p + 16;
}

static void own_delete(void *p)
{
	nr_delete += p != nullptr;
	if (p)
		free(static_cast<char *>(p) - 16);
}

void *operator new(size_t size)
{
	return own_new(size);
}

void operator delete(void *p) noexcept
{
	own_delete(p);
}

void operator delete(void *p, size_t) noexcept
{
	own_delete(p);
}
#endif

static const hot_cold hotness[] = { 1, 128, 222, 254, 0 };
static const align a64{ 64 };
static x_block block[X_BLOCKS];

/* Forms of new: with a token, or hot and cold, or both */
static void *plain(size_t form, size_t size, size_t token, hot_cold hot)
{
	switch (form) {
	case 0:
		return token_one(size, token);
	case 1:
		return token_one_nothrow(size, std::nothrow, token);
	case 2:
		return one_cold(size, hot);
	case 3:
		return one_nothrow_cold(size, std::nothrow, hot);
	case 4:
		return token_one_cold(size, hot, token);
	case 5:
		return token_one_nothrow_cold(size, std::nothrow, hot, token);
	default:
		return fast_one(size);
	}
}

static void *array(size_t form, size_t size, size_t token, hot_cold hot)
{
	switch (form) {
	case 0:
		return token_array(size, token);
	case 1:
		return token_array_nothrow(size, std::nothrow, token);
	case 2:
		return array_cold(size, hot);
	case 3:
		return array_nothrow_cold(size, std::nothrow, hot);
	case 4:
		return token_array_cold(size, hot, token);
	case 5:
		return token_array_nothrow_cold(size, std::nothrow, hot, token);
	default:
		return fast_cold(size, hot);
	}
}

static void *aligned(size_t form, size_t size, size_t token, hot_cold hot)
{
	switch (form) {
	case 0:
		return token_one_align(size, a64, token);
	case 1:
		return token_one_both(size, a64, std::nothrow, token);
	case 2:
		return one_align_cold(size, a64, hot);
	case 3:
		return one_both_cold(size, a64, std::nothrow, hot);
	case 4:
		return token_one_align_cold(size, a64, hot, token);
	default:
		return token_one_both_cold(size, a64, std::nothrow, hot, token);
	}
}

static void *aligned_array(size_t form, size_t size, size_t token, hot_cold hot)
{
	switch (form) {
	case 0:
		return token_array_align(size, a64, token);
	case 1:
		return token_array_both(size, a64, std::nothrow, token);
	case 2:
		return array_align_cold(size, a64, hot);
	case 3:
		return array_both_cold(size, a64, std::nothrow, hot);
	case 4:
		return token_array_align_cold(size, a64, hot, token);
	default:
		return token_array_both_cold(size, a64, std::nothrow, hot,
					     token);
	}
}

typedef void *form_fn(size_t form, size_t size, size_t token, hot_cold hot);

/* Many of them at once, and each is written to its end */
static void forms(form_fn *make, size_t nr_forms, size_t alignment,
		  void (*end)(void *, size_t))
{
	for (size_t size = 1; size < 100000; size = size * 3 / 2 + 1) {
		for (size_t i = 0; i < X_BLOCKS; i++)
			x_fill(&block[i],
			       x_keep(make(i % nr_forms, size, i,
					   hotness[i % 5])),
			       size, alignment);
		for (size_t i = 0; i < X_BLOCKS; i++)
			x_look(&block[i]);
		for (size_t i = 0; i < X_BLOCKS; i++)
			end(block[i].p, size);
	}
}

static void all_forms()
{
	forms(plain, 7, 16, [](void *p, size_t) { ::operator delete(p); });
	forms(plain, 7, 16, [](void *p, size_t n) { ::operator delete(p, n); });
	forms(array, 7, 16, [](void *p, size_t) { ::operator delete[](p); });
	forms(array, 7, 16,
	      [](void *p, size_t n) { ::operator delete[](p, n); });
	forms(aligned, 6, 64,
	      [](void *p, size_t) { ::operator delete(p, a64); });
	forms(aligned, 6, 64,
	      [](void *p, size_t n) { ::operator delete(p, n, a64); });
	forms(aligned_array, 6, 64,
	      [](void *p, size_t n) { ::operator delete[](p, n, a64); });
}

static sized_ptr tell(size_t form, size_t size, size_t token, hot_cold hot)
{
	switch (form) {
	case 0:
		return told(size);
	case 1:
		return told_cold(size, hot);
	case 2:
		return token_told(size, token);
	case 3:
		return token_told_cold(size, hot, token);
	case 4:
		return fast_told(size);
	case 5:
		return told_align(size, a64);
	case 6:
		return told_align_cold(size, a64, hot);
	case 7:
		return token_told_align(size, a64, token);
	default:
		return token_told_align_cold(size, a64, hot, token);
	}
}

/* What was told may be used, and is a size to delete with; so is what was asked for */
static void sizes()
{
	for (size_t size = 1; size < 200000; size = size * 4 / 3 + 1) {
		for (size_t i = 0; i < X_BLOCKS; i++) {
			sized_ptr s = tell(i % 9, size, i, hotness[i % 5]);

			CHECK(s.n >= size && s.n < 2 * size + 64 * 1024);
			x_fill(&block[i], s.p, s.n, i % 9 < 5 ? 16 : 64);
		}
		for (size_t i = 0; i < X_BLOCKS; i++)
			x_look(&block[i]);
		for (size_t i = 0; i < X_BLOCKS; i++) {
			size_t n = i & 1 ? size : block[i].size;

			if (i % 9 < 5)
				::operator delete(block[i].p, n);
			else
				::operator delete(block[i].p, n, a64);
		}
	}
}

/* Return: 1 thrown, 0 null, -1 neither */
static int failure(form_fn *make, size_t form)
{
	try {
		return make(form, x_size(SIZE_MAX / 2), 1, 1) ? -1 : 0;
	} catch (const std::bad_alloc &) {
		return 1;
	}
}

static void failures()
{
	form_fn *const makes[] = { plain, array, aligned, aligned_array };

	for (form_fn *make : makes)
		for (size_t form = 0; form < 6; form++)
			CHECK(failure(make, form) == (form % 2 == 0));
	try {
		told(x_size(SIZE_MAX / 2));
		CHECK(!"told() returned");
	} catch (const std::bad_alloc &) {
	}
}

static void replaced()
{
#ifdef REPLACE
	size_t before = nr_new;

	for (size_t form = 0; form < 7; form++) {
		::operator delete(plain(form, 100, 1, 1));
		::operator delete[](array(form, 100, 1, 1));
	}
	::operator delete(told(100).p);
	CHECK(nr_new - before == 15);
	CHECK(nr_new == nr_delete);
#else
	CHECK(!nr_new && !nr_delete);
#endif
}

/* Made by a thread: objects of all sizes, hot and cold in turn */
enum {
	NR_MADE = 4096
};

struct made {
	void *hot[NR_MADE];
	void *cold[NR_MADE];
	pthread_t thread;
};

static size_t size_of(size_t i)
{
	return i % 16 ? 40 + i % 7 * 50 : 1100 + i % 5 * 1000;
}

static void *make(void *arg)
{
	made *m = static_cast<made *>(arg);

	for (size_t i = 0; i < NR_MADE; i++) {
		m->hot[i] = one_cold(size_of(i), 254);
		m->cold[i] = one_cold(size_of(i), 1);
		memset(m->hot[i], 0xff, size_of(i));
		memset(m->cold[i], static_cast<int>(i), size_of(i));
	}
	return nullptr;
}

static void look_at(const made *m)
{
	size_t wrong = 0;

	for (size_t i = 0; i < NR_MADE; i++) {
		const unsigned char *p =
			static_cast<const unsigned char *>(m->cold[i]);

		for (size_t j = 0; j < size_of(i); j++)
			wrong += p[j] != static_cast<unsigned char>(i);
	}
	CHECK(!wrong);
}

static void unmake(made *m)
{
	for (size_t i = 0; i < NR_MADE; i++) {
		::operator delete(m->hot[i]);
		if (i % 2)
			::operator delete(m->cold[i]);
		else
			::operator delete(m->cold[i], size_of(i));
	}
}

static size_t together(made *m)
{
	static uintptr_t others[NR_MADE];

	for (size_t i = 0; i < NR_MADE; i++)
		others[i] = reinterpret_cast<uintptr_t>(m->hot[i]);
	/* The first blocks of a thread are fenced */
	return x_together(m->cold + NR_MADE / 2, NR_MADE / 2, others, NR_MADE);
}

static void cold()
{
	static made mine;

	for (int round = 0; round < 3; round++) {
		make(&mine);
		x_check_apart(together(&mine));
		look_at(&mine);
		x_sound();
		unmake(&mine);
	}
	x_sound();
}

static void cold_threads()
{
	static made theirs[4], mine;

	for (made &m : theirs)
		CHECK(!pthread_create(&m.thread, nullptr, make, &m));
	make(&mine);
	for (made &m : theirs) {
		CHECK(!pthread_join(m.thread, nullptr));
		x_check_apart(together(&m));
		look_at(&m);
	}
	/* The threads are gone; half of it goes back, and is theirs who come */
	unmake(&theirs[0]);
	unmake(&theirs[1]);
	for (int i = 0; i < 2; i++)
		CHECK(!pthread_create(&theirs[i].thread, nullptr, make,
				      &theirs[i]));
	unmake(&theirs[2]);
	for (int i = 0; i < 2; i++)
		CHECK(!pthread_join(theirs[i].thread, nullptr));
	unmake(&theirs[0]);
	unmake(&theirs[1]);
	look_at(&theirs[3]);
	unmake(&theirs[3]);
	look_at(&mine);
	unmake(&mine);
	x_sound();
}

static void cold_child()
{
	static made before, after;
	int status = -1;
	pid_t pid;

	make(&before);
	pid = fork();
	if (pid == 0) {
		x_failed = 0;
		make(&after);
		look_at(&before);
		unmake(&before);
		x_check_apart(together(&after));
		unmake(&after);
		x_sound();
		_exit(x_failed);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
	look_at(&before);
	unmake(&before);
	x_sound();
}

static void servers()
{
	CHECK(x_same_library("__alloc_token__Znwm", x_server()));
	CHECK(x_same_library("__alloc_token__ZnamSt11align_val_tRKSt9nothrow_t"
			     "12__hot_cold_t",
			     x_server()));
	CHECK(x_same_library("_Znwm12__hot_cold_t", x_server()));
	CHECK(x_same_library("__size_returning_new_aligned_hot_cold",
			     x_server()));
}

int main(int argc, char **argv)
{
	static const x_case cases[] = {
		{ "operator new in all forms", all_forms },
		{ "operators that tell the size", sizes },
		{ "failures throw, or are null", failures },
		{ "a program's own operators are called", replaced },
		{ "cold objects", cold },
		{ "cold objects of threads", cold_threads },
		{ "cold objects in a child", cold_child },
		{ "who serves the names", servers },
	};

	x_watchdog(X_SECONDS);
	x_expect(argc, argv);
	return X_RUN(cases);
}
