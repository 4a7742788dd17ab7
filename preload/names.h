/* SPDX-License-Identifier: MIT */
/*
 * names.h - which of the library's names lead to the library.
 *
 * A program, or a library in front of this one, may define malloc itself. Functions
 * that the C library and the C++ runtime build on malloc then use that one, and so
 * must ours.
 */
#ifndef QN_NAMES_H
#define QN_NAMES_H

#include "base/compiler.h"

/**
 * struct qn_names - whom the names lead to
 * @ready_end:	sizes below it operator new takes from qn_ready: QN_PROCESS_READY_END, or 0
 *		where @is_malloc_own is false
 * @is_malloc_own: malloc and free are this library's
 * @is_aligned_own: so is aligned_alloc
 *
 * Before qn_names_start() all are taken to be.
 */
struct qn_names {
	size_t ready_end;
	bool is_malloc_own;
	bool is_aligned_own;
};

extern struct qn_names qn_names __attribute__((visibility("hidden")));

/* Look the names up. From the constructor; takes no lock and does not allocate. */
void qn_names_start(void);

#endif /* QN_NAMES_H */
