// SPDX-License-Identifier: MIT
/*
 * tokens.c - the names of tokens.h in libquern.so.
 *
 * A program may have a malloc or operator new of its own, so each name leads to the function
 * that it is made from, by its public name, as names.h says. The library looks a few of them
 * up at its start anyway; the others are looked up when they are first called, since a start
 * pays for each.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <malloc.h>
#include <stdlib.h>

#include "names.h"
#include "process/process.h"
#include "tokens.h"

QN_TOKENS_NEW(QN_TOKENS_DECLARE)

/* A name that the library does not look up at its start */
static __apart void *find(void **known, const char *name)
{
	void *address = dlsym(RTLD_DEFAULT, name);

	WRITE_ONCE(*known, address);
	return address;
}

#define FOUND(name)                                    \
	({                                             \
		static __bss_apart void *known;        \
		void *address = READ_ONCE(known);      \
                                                       \
		if (unlikely(!address))                \
			address = find(&known, #name); \
		(__typeof__(name) *)address;           \
	})

/* ---- with a token ---- */

#define CALL(ret, name, params, args)                               \
	QN_EXPORT __seldom ret __alloc_token_##name(                \
		QN_TOKENS_BARE params, size_t token __maybe_unused) \
	{                                                           \
		return name args;                                   \
	}
#define CALL_FOUND(ret, name, params, args)                         \
	QN_EXPORT __seldom ret __alloc_token_##name(                \
		QN_TOKENS_BARE params, size_t token __maybe_unused) \
	{                                                           \
		return FOUND(name) args;                            \
	}

/* clang-format off */
CALL(void *, malloc, (size_t size), (size))
CALL(void *, realloc, (void *p, size_t size), (p, size))
CALL(void *, aligned_alloc, (size_t align, size_t size), (align, size))
CALL(void *, _Znwm, (size_t size), (size))
CALL(void *, _Znam, (size_t size), (size))
CALL(void *, _ZnwmSt11align_val_t, (size_t size, size_t align), (size, align))
CALL(void *, _ZnamSt11align_val_t, (size_t size, size_t align), (size, align))
CALL_FOUND(void *, reallocarray, (void *p, size_t n, size_t size),
	   (p, n, size))
CALL_FOUND(void *, memalign, (size_t align, size_t size), (align, size))
CALL_FOUND(void *, valloc, (size_t size), (size))
CALL_FOUND(void *, pvalloc, (size_t size), (size))
CALL_FOUND(int, posix_memalign, (void **p, size_t align, size_t size),
	   (p, align, size))
CALL_FOUND(void *, _ZnwmRKSt9nothrow_t, (size_t size, const void *tag),
	   (size, tag))
CALL_FOUND(void *, _ZnamRKSt9nothrow_t, (size_t size, const void *tag),
	   (size, tag))
CALL_FOUND(void *, _ZnwmSt11align_val_tRKSt9nothrow_t,
	   (size_t size, size_t align, const void *tag), (size, align, tag))
CALL_FOUND(void *, _ZnamSt11align_val_tRKSt9nothrow_t,
	   (size_t size, size_t align, const void *tag), (size, align, tag))

/* clang-format on */

/* With a public calloc a program's may be meant that dlsym() calls: not where ours is */
QN_EXPORT __seldom void *__alloc_token_calloc(size_t n, size_t size,
					      size_t token __maybe_unused)
{
	if (likely(qn_names.is_malloc_own))
		return qn_process_calloc(n, size);
	return FOUND(calloc)(n, size);
}

/* ---- how often it is used ---- */

/* Of a name without a token; the same with one that says nothing */
#define COLD(ret, name, params, args, base, base_args)                        \
	QN_EXPORT __seldom ret __alloc_token_##name(QN_TOKENS_BARE params,    \
						    size_t token)             \
	{                                                                     \
		(void)hot;                                                    \
		return __alloc_token_##base(QN_TOKENS_BARE base_args, token); \
	}                                                                     \
	QN_EXPORT __seldom ret name params                                    \
	{                                                                     \
		(void)hot;                                                    \
		return __alloc_token_##base(QN_TOKENS_BARE base_args, 0);     \
	}
QN_TOKENS_COLD(COLD)

/* ---- sizes ---- */

/* Of a block of another operator new nothing is known but that it is large enough */
static __seldom struct qn_sized_ptr with_size(bool is_own, void *p, size_t size)
{
	if (likely(is_own))
		size = qn_process_room(p);
	return (struct qn_sized_ptr){ p, size };
}

/* Whose the operators are that the rows name */
#define is_own__Znwm()                              qn_names.is_new_own
#define is_own__Znwm12__hot_cold_t()                qn_names.is_new_own
#define is_own__ZnwmSt11align_val_t()               qn_names.is_new_aligned_own
#define is_own__ZnwmSt11align_val_t12__hot_cold_t() qn_names.is_new_aligned_own

#define SIZED(ret, name, params, args, base, base_args)                        \
	QN_EXPORT __seldom ret __alloc_token_##name(QN_TOKENS_BARE params,     \
						    size_t token)              \
	{                                                                      \
		return with_size(                                              \
			is_own_##base(),                                       \
			__alloc_token_##base(QN_TOKENS_BARE base_args, token), \
			size);                                                 \
	}                                                                      \
	QN_EXPORT __seldom ret name params                                     \
	{                                                                      \
		return __alloc_token_##name(QN_TOKENS_BARE args, 0);           \
	}
QN_TOKENS_SIZED(SIZED)
