// SPDX-License-Identifier: MIT
/*
 * tokens-plain.c - libquern-tokens.so: the names of tokens.h for a process without quern.
 *
 * A program that was built for tokens is linked with it. Then it runs with any malloc: each
 * name calls the function that it is made from. Under libquern.so the names of that come
 * first, and fast ones, which only this library has, lead there by way of the others. A weak
 * definition in the program itself would win over LD_PRELOAD, so this is a library of its own.
 *
 * A C program has no operator new. The references are weak: nobody calls what needs them.
 * Where a C++ runtime comes later, by dlopen(), its operator delete is free(), and malloc()
 * does here.
 */
#include <malloc.h>
#include <stdlib.h>

#include "tokens.h"

#define DECLARE_WEAK(ret, name, params, args) ret name params __weak;
QN_TOKENS_NEW(DECLARE_WEAK)

static void *must(void *p)
{
	if (!p)
		abort();
	return p;
}

/* Of each operator, without a C++ runtime */
static void *other_new(size_t size)
{
	return must(malloc(size ? size : 1));
}

static void *other_new_nothrow(size_t size)
{
	return malloc(size ? size : 1);
}

static void *other_new_aligned(size_t size, size_t align)
{
	return must(memalign(align, size));
}

static void *other_new_aligned_nothrow(size_t size, size_t align)
{
	return memalign(align, size);
}

/* ---- with a token ---- */

#define C_TOKEN(ret, name, params, args)                                \
	QN_EXPORT ret __alloc_token_##name(QN_TOKENS_BARE params,       \
					   size_t token __maybe_unused) \
	{                                                               \
		return name args;                                       \
	}
QN_TOKENS_C(C_TOKEN)

#define NEW_TOKEN(op, params, args, other, other_args)                  \
	QN_EXPORT void *__alloc_token_##op(QN_TOKENS_BARE params,       \
					   size_t token __maybe_unused) \
	{                                                               \
		return likely(op != NULL) ? op args : other other_args; \
	}
#define NEW_TOKENS(op)                                                         \
	NEW_TOKEN(op, (size_t size), (size), other_new, (size))                \
	NEW_TOKEN(op##RKSt9nothrow_t,                                          \
		  (size_t size, const void *tag __maybe_unused), (size, tag),  \
		  other_new_nothrow, (size))                                   \
	NEW_TOKEN(op##St11align_val_t, (size_t size, size_t align),            \
		  (size, align), other_new_aligned, (size, align))             \
	NEW_TOKEN(op##St11align_val_tRKSt9nothrow_t,                           \
		  (size_t size, size_t align, const void *tag __maybe_unused), \
		  (size, align, tag), other_new_aligned_nothrow,               \
		  (size, align))
NEW_TOKENS(_Znwm)
NEW_TOKENS(_Znam)

/* ---- hot and cold, sizes ---- */

/* By way of the one with a token, since that knows what to do without a C++ runtime */
#define COLD(ret, name, params, args, base, base_args)                        \
	QN_EXPORT ret name params                                             \
	{                                                                     \
		(void)hot;                                                    \
		return __alloc_token_##base(QN_TOKENS_BARE base_args, 0);     \
	}                                                                     \
	QN_EXPORT ret __alloc_token_##name(QN_TOKENS_BARE params,             \
					   size_t token)                      \
	{                                                                     \
		(void)hot;                                                    \
		return __alloc_token_##base(QN_TOKENS_BARE base_args, token); \
	}
QN_TOKENS_COLD(COLD)

/* What more there may be only the allocator knows */
#define SIZED(ret, name, params, args, base, base_args)                      \
	QN_EXPORT ret __alloc_token_##name(QN_TOKENS_BARE params,            \
					   size_t token)                     \
	{                                                                    \
		return (ret){ __alloc_token_##base(QN_TOKENS_BARE base_args, \
						   token),                   \
			      size };                                        \
	}                                                                    \
	QN_EXPORT ret name params                                            \
	{                                                                    \
		return __alloc_token_##name(QN_TOKENS_BARE args, 0);         \
	}
QN_TOKENS_SIZED(SIZED)

/* ---- fast names ---- */

/* Called as any program would: under libquern.so they are its own */
#define FAST(n, ret, name, params, args)                             \
	QN_EXPORT ret __alloc_token_##n##_##name params;             \
	QN_EXPORT ret __alloc_token_##n##_##name params              \
	{                                                            \
		return __alloc_token_##name(QN_TOKENS_BARE args, n); \
	}
#define FAST_ALL(...) FAST_EACH(__VA_ARGS__, )
#define FAST_EACH(ret, name, params, args, ...) \
	FAST(0, ret, name, params, args)        \
	FAST(1, ret, name, params, args)        \
	FAST(2, ret, name, params, args)        \
	FAST(3, ret, name, params, args)        \
	FAST(4, ret, name, params, args)        \
	FAST(5, ret, name, params, args)        \
	FAST(6, ret, name, params, args)        \
	FAST(7, ret, name, params, args)        \
	FAST(8, ret, name, params, args)        \
	FAST(9, ret, name, params, args)        \
	FAST(10, ret, name, params, args)       \
	FAST(11, ret, name, params, args)       \
	FAST(12, ret, name, params, args)       \
	FAST(13, ret, name, params, args)       \
	FAST(14, ret, name, params, args)       \
	FAST(15, ret, name, params, args)
_Static_assert(QN_TOKENS_FAST == 16, "FAST_EACH() has so many");

QN_TOKENS_C(FAST_ALL)
QN_TOKENS_NEW(FAST_ALL)
QN_TOKENS_COLD(FAST_ALL)
QN_TOKENS_SIZED(FAST_ALL)
