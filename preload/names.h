/* SPDX-License-Identifier: MIT */
/*
 * names.h - which of the library's names lead to the library.
 *
 * A program, or a library in front of this one, may define malloc itself. Functions
 * that the C library and the C++ runtime build on malloc then use that one, and so
 * must ours. All blocks have to come from one heap, whatever name a call goes by:
 *
 *	names				what they do
 *	malloc and its family		the heap's functions
 *	__libc_malloc and its kin	the heap's functions too: a program's malloc may
 *					be built on them
 *	reallocarray, cfree,		call realloc and free by their public names
 *	free_sized, free_aligned_sized	(derived.c, reallocarray.c), as glibc's
 *					reallocarray does
 *	operators new and delete	call malloc and free by their public names where
 *					those are not ours; aligned ones aligned_alloc
 *	names with tokens, or hints	call the function that they are made from by its public
 *	(tokens.h)			name
 *	dlopen, dlmopen			clear RTLD_DEEPBIND and jump on (dlopen.c)
 *
 * memalign, aligned_alloc, posix_memalign, valloc, pvalloc and calloc are built on no
 * other name, as in glibc. A program's memalign may call posix_memalign, and dlsym(), which
 * a program's malloc may wait for, calls calloc. So a program that replaces malloc alone
 * gets their blocks from this heap. Its free must know what to do with them.
 *
 * The fast paths of the operators ask nothing. Their bound of ready sizes and their local
 * (qn_self_of_operators) are variables: with 0 and the empty local they find nothing.
 */
#ifndef QN_NAMES_H
#define QN_NAMES_H

#include "base/compiler.h"

/**
 * struct qn_names - whom the names lead to
 * @ready_end:	sizes below it operator new takes from qn_front: QN_PROCESS_READY_END, or 0
 *		where @is_malloc_own is false
 * @is_malloc_own: malloc and free are this library's
 * @is_aligned_own: so is aligned_alloc
 * @is_new_own, @is_new_array_own, @is_new_aligned_own: so are operator new and delete,
 *		plain, of arrays, aligned: set by qn_operators_start()
 *
 * Before qn_names_start() the first three are taken to be.
 */
struct qn_names {
	size_t ready_end;
	bool is_malloc_own;
	bool is_aligned_own;
	bool is_new_own;
	bool is_new_array_own;
	bool is_new_aligned_own;
};

/* Not declared by the headers of every C library */
void *pvalloc(size_t size);
int malloc_trim(size_t pad);

extern struct qn_names qn_names __attribute__((visibility("hidden")));

/* Look the names up. From the constructor; takes no lock and does not allocate. */
void qn_names_start(void);

#endif /* QN_NAMES_H */
