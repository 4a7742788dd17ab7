/* SPDX-License-Identifier: MIT */
/*
 * tokens.h - names by which compilers tell malloc and operator new more than a size.
 *
 * Three conventions of the field, one row a function; tokens.c makes them for libquern.so,
 * tokens-plain.c for programs that run without it.
 *
 *	convention			names
 *	AllocToken (clang 22)		__alloc_token_NAME, with a last argument: the token, which
 *					tells types apart. NAME is any of the rows below
 *	AllocToken, fast		__alloc_token_N_NAME without that argument, for N below
 *					QN_TOKENS_FAST: -falloc-token-max=16
 *	MemProf (LLVM)			operator new with a last argument, how often the object
 *					will be used: QN_TOKENS_COLD
 *	operators that tell the size	__size_returning_new...: what the block can hold beside
 *					its address
 *
 * Blocks are freed by free() and operator delete as all others are.
 */
#ifndef QN_TOKENS_H
#define QN_TOKENS_H

#include "base/compiler.h"

/* How often an object is used: 0 never, 255 always. Compilers say 1, 128, 222 or 254. */
typedef u8 qn_hot_cold;

/**
 * struct qn_sized_ptr - what operators return that tell the size
 * @p:		the block
 * @n:		bytes of it that may be used, at least those that were asked for
 */
struct qn_sized_ptr {
	void *p;
	size_t n;
};

/* Fast names are there for tokens below */
#define QN_TOKENS_FAST 16

/* clang-format off */
/* Result, name, parameters, arguments */
#define QN_TOKENS_C(F)                                                         \
	F(void *, malloc, (size_t size), (size))                               \
	F(void *, calloc, (size_t n, size_t size), (n, size))                  \
	F(void *, realloc, (void *p, size_t size), (p, size))                  \
	F(void *, reallocarray, (void *p, size_t n, size_t size), (p, n, size)) \
	F(void *, aligned_alloc, (size_t align, size_t size), (align, size))   \
	F(void *, memalign, (size_t align, size_t size), (align, size))        \
	F(void *, valloc, (size_t size), (size))                               \
	F(void *, pvalloc, (size_t size), (size))                              \
	F(int, posix_memalign, (void **p, size_t align, size_t size),          \
	  (p, align, size))

/* Mangled: w plain, a array; m a size; then nothrow, alignment, both */
#define QN_TOKENS_NEW_OF(F, op)                                                \
	F(void *, op, (size_t size), (size))                                   \
	F(void *, op##RKSt9nothrow_t, (size_t size, const void *tag),          \
	  (size, tag))                                                         \
	F(void *, op##St11align_val_t, (size_t size, size_t align),            \
	  (size, align))                                                       \
	F(void *, op##St11align_val_tRKSt9nothrow_t,                           \
	  (size_t size, size_t align, const void *tag), (size, align, tag))
#define QN_TOKENS_NEW(F)                                                       \
	QN_TOKENS_NEW_OF(F, _Znwm)                                             \
	QN_TOKENS_NEW_OF(F, _Znam)

/* Result, name, parameters, arguments, the function without @hot, its arguments */
#define QN_TOKENS_COLD_OF(F, op)                                               \
	F(void *, op##12__hot_cold_t, (size_t size, qn_hot_cold hot),          \
	  (size, hot), op, (size))                                             \
	F(void *, op##RKSt9nothrow_t12__hot_cold_t,                            \
	  (size_t size, const void *tag, qn_hot_cold hot), (size, tag, hot),   \
	  op##RKSt9nothrow_t, (size, tag))                                     \
	F(void *, op##St11align_val_t12__hot_cold_t,                           \
	  (size_t size, size_t align, qn_hot_cold hot), (size, align, hot),    \
	  op##St11align_val_t, (size, align))                                  \
	F(void *, op##St11align_val_tRKSt9nothrow_t12__hot_cold_t,             \
	  (size_t size, size_t align, const void *tag, qn_hot_cold hot),       \
	  (size, align, tag, hot), op##St11align_val_tRKSt9nothrow_t,          \
	  (size, align, tag))
#define QN_TOKENS_COLD(F)                                                      \
	QN_TOKENS_COLD_OF(F, _Znwm)                                            \
	QN_TOKENS_COLD_OF(F, _Znam)

/* The last two: the operator whose block it is */
#define QN_TOKENS_SIZED(F)                                                     \
	F(struct qn_sized_ptr, __size_returning_new, (size_t size), (size),    \
	  _Znwm, (size))                                                       \
	F(struct qn_sized_ptr, __size_returning_new_hot_cold,                  \
	  (size_t size, qn_hot_cold hot), (size, hot), _Znwm12__hot_cold_t,    \
	  (size, hot))                                                         \
	F(struct qn_sized_ptr, __size_returning_new_aligned,                   \
	  (size_t size, size_t align), (size, align), _ZnwmSt11align_val_t,    \
	  (size, align))                                                       \
	F(struct qn_sized_ptr, __size_returning_new_aligned_hot_cold,          \
	  (size_t size, size_t align, qn_hot_cold hot), (size, align, hot),    \
	  _ZnwmSt11align_val_t12__hot_cold_t, (size, align, hot))
/* clang-format on */

/* A row's parentheses go where a further parameter is to follow */
#define QN_TOKENS_BARE(...) __VA_ARGS__

#define QN_TOKENS_DECLARE(ret, name, params, args) ret name params;
#define QN_TOKENS_DECLARE_MORE(ret, name, params, args, base, base_args) \
	ret name params;
#define QN_TOKENS_DECLARE_TOKEN(ret, name, params, args) \
	ret __alloc_token_##name(QN_TOKENS_BARE params, size_t token);
#define QN_TOKENS_DECLARE_TOKEN_MORE(ret, name, params, args, base, base_args) \
	ret __alloc_token_##name(QN_TOKENS_BARE params, size_t token);

QN_TOKENS_C(QN_TOKENS_DECLARE_TOKEN)
QN_TOKENS_NEW(QN_TOKENS_DECLARE_TOKEN)
QN_TOKENS_COLD(QN_TOKENS_DECLARE_MORE)
QN_TOKENS_COLD(QN_TOKENS_DECLARE_TOKEN_MORE)
QN_TOKENS_SIZED(QN_TOKENS_DECLARE_MORE)
QN_TOKENS_SIZED(QN_TOKENS_DECLARE_TOKEN_MORE)

#endif /* QN_TOKENS_H */
