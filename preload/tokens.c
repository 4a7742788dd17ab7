// SPDX-License-Identifier: MIT
/*
 * tokens.c - the names of tokens.h in libquern.so.
 *
 * A program may have a malloc or operator new of its own, so each name leads to the function
 * that it is made from, by its public name, as names.h says. The library looks a few of them
 * up at its start anyway; the others are looked up when they are first called, since a start
 * pays for each. Where they are the library's own, blocks of some tokens and cold ones lie
 * apart from all others (process-place.c).
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
CALL(void *, aligned_alloc, (size_t align, size_t size), (align, size))
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

QN_EXPORT __seldom void *__alloc_token_malloc(size_t size, size_t token)
{
	if (likely(qn_names.is_malloc_own))
		return qn_process_malloc_token(size, token);
	return malloc(size);
}

QN_EXPORT __seldom void *__alloc_token_calloc(size_t n, size_t size,
					      size_t token)
{
	size_t bytes;

	if (unlikely(!qn_names.is_malloc_own))
		return FOUND(calloc)(n, size);
	if (unlikely(__builtin_mul_overflow(n, size, &bytes)))
		return qn_process_calloc(n, size);
	return qn_process_calloc_token(bytes, token);
}

/* A block that grows stays with its kind, or goes where all others are */
QN_EXPORT __seldom void *__alloc_token_realloc(void *p, size_t size,
					       size_t token)
{
	return p ? realloc(p, size) : __alloc_token_malloc(size, token);
}

/* Again by the public name, which throws */
QN_EXPORT __seldom void *__alloc_token__Znwm(size_t size, size_t token)
{
	void *p = NULL;

	if (likely(qn_names.is_new_own))
		p = qn_process_malloc_token(size, token);
	return likely(p != NULL) ? p : _Znwm(size);
}

QN_EXPORT __seldom void *__alloc_token__Znam(size_t size, size_t token)
{
	void *p = NULL;

	if (likely(qn_names.is_new_array_own))
		p = qn_process_malloc_token(size, token);
	return likely(p != NULL) ? p : _Znam(size);
}

/* ---- how often it is used ---- */

/*
 * Compilers say 1 of an object that is cold and 128 of one that is not, so what is below is
 * cold.
 */
#define HOT_LEAST 128

/* The operators whose objects can lie apart; aligned and nothrow ones lie with all others */
#define is_apart__Znwm()                              qn_names.is_new_own
#define is_apart__Znam()                              qn_names.is_new_array_own
#define is_apart__ZnwmRKSt9nothrow_t()                false
#define is_apart__ZnamRKSt9nothrow_t()                false
#define is_apart__ZnwmSt11align_val_t()               false
#define is_apart__ZnamSt11align_val_t()               false
#define is_apart__ZnwmSt11align_val_tRKSt9nothrow_t() false
#define is_apart__ZnamSt11align_val_tRKSt9nothrow_t() false

/* Those without a token, which the library does not look up at its start */
#define plain__Znwm                _Znwm
#define plain__Znam                _Znam
#define plain__ZnwmRKSt9nothrow_t  FOUND(_ZnwmRKSt9nothrow_t)
#define plain__ZnamRKSt9nothrow_t  FOUND(_ZnamRKSt9nothrow_t)
#define plain__ZnwmSt11align_val_t _ZnwmSt11align_val_t
#define plain__ZnamSt11align_val_t _ZnamSt11align_val_t
#define plain__ZnwmSt11align_val_tRKSt9nothrow_t \
	FOUND(_ZnwmSt11align_val_tRKSt9nothrow_t)
#define plain__ZnamSt11align_val_tRKSt9nothrow_t \
	FOUND(_ZnamSt11align_val_tRKSt9nothrow_t)

#define COLD(ret, name, params, args, base, base_args)                        \
	QN_EXPORT __seldom ret __alloc_token_##name(QN_TOKENS_BARE params,    \
						    size_t token)             \
	{                                                                     \
		void *p = NULL;                                               \
                                                                              \
		if (hot < HOT_LEAST && is_apart_##base())                     \
			p = qn_process_malloc_cold(size);                     \
		if (p)                                                        \
			return p;                                             \
		return __alloc_token_##base(QN_TOKENS_BARE base_args, token); \
	}                                                                     \
	QN_EXPORT __seldom ret name params                                    \
	{                                                                     \
		void *p = NULL;                                               \
                                                                              \
		if (hot < HOT_LEAST && is_apart_##base())                     \
			p = qn_process_malloc_cold(size);                     \
		return p ? p : plain_##base base_args;                        \
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
