// SPDX-License-Identifier: MIT
/*
 * process-calloc.c - blocks that read as zero.
 *
 * calloc() writes no memory that is known to be zero. A clean run is handed out as it is; a
 * medium block is cleared up to the part that was never touched; large_clear() does the rest.
 */
#include "process/process-internal.h"

#include <string.h>

#include "process/guest.h"

/*
 * Old contents of a block of LOOK_LEAST or more are cleared where they are not zero and
 * nowhere else; those of clear_most, a knob, or more are returned to the system. Measured in a
 * virtual machine with two processors, on mappings of 32 KB to 256 MB, means of at least
 * three runs: to clear a page takes 25 to 110 ns where it is resident; to fault it in 1500
 * to 4500; to purge it 300 to 500. So there is no length from which on purging is faster
 * than clearing what is resident. To look at a page ends at its first word that is not
 * zero, and makes nothing resident. Blocks of less are cleared as a whole: how much of
 * them is dirty and not resident is bounded by what may be dirty. But old contents of
 * clear_most may be left from when all of the block was used, and be used no more: glibc
 * unmaps blocks of the preset length, too.
 */
#define LOOK_LEAST ((size_t)1 << 20)

/* ---- large blocks ---- */

/* large_clear() of a fenced block: it begins anywhere in a page, and behind it are its marks */
static noinline __apart void fenced_clear(char *p, size_t size)
{
	char *end = p + size, *next;

	for (; p < end; p = next) {
		size_t n, words;

		next = (char *)round_down((uintptr_t)p, QN_PART_SIZE) +
		       QN_PART_SIZE;
		next = min(next, end);
		n = (size_t)(next - p);
		words = round_down(n, 2 * sizeof(long));
		if (words < n || !qn_is_zero(p, words))
			memset(p, 0, n);
	}
}

/*
 * Let a large block read as zero. Its run is dirty as a whole, but the program need not
 * have touched all of it, and what it did not touch is not made resident.
 */
static noinline __apart void large_clear(char *p, size_t size)
{
	size_t end = round_up(size, qn_hub.page_size);

	if (size < LOOK_LEAST || qn_guest_is_on()) {
		memset(p, 0, size);
		return;
	}
	if (!is_aligned((uintptr_t)p, QN_PART_SIZE)) {
		fenced_clear(p, size);
		return;
	}
	if (size >= qn_hub_knobs(&qn_hub)->clear_most &&
	    qn_resident_drop(p, end))
		return;
	for (size_t at = 0; at < end; at += QN_PART_SIZE)
		if (!qn_is_zero(p + at, QN_PART_SIZE))
			memset(p + at, 0, QN_PART_SIZE);
}

/* ---- calloc ---- */

/* A block that waits was written; of one that is cut the local knows */
static void *medium_calloc(size_t size)
{
	size_t old;
	struct qn_local *l = qn_self;
	void *p = qn_medium_get(&l->medium, qn_medium_bytes(size), false);

	if (likely(p != NULL) || !l->table) {
		p = p ? p : qn_process_malloc(size);
		return p ? memset(p, 0, size) : NULL;
	}
	if (unlikely(qn_fence_is_on(l))) {
		p = qn_process_alloc(size, QN_ALIGN, &old, QN_PROCESS_FENCE);
		return p && old ? memset(p, 0, size) : p;
	}
	p = qn_local_medium_calloc(l, size);
	if (likely(p != NULL))
		return p;
	p = qn_process_alloc_again(size, QN_ALIGN, &old);
	return p && old ? memset(p, 0, size) : p;
}

void *qn_process_calloc(size_t n, size_t size)
{
	size_t bytes, old;
	void *p;

	if (__builtin_mul_overflow(n, size, &bytes))
		return qn_process_fail();
	if (bytes <= QN_SLAB_MAX) {
		p = qn_process_malloc(bytes);
		return p ? memset(p, 0, bytes) : NULL;
	}
	if (bytes <= QN_MEDIUM_MAX)
		return medium_calloc(bytes);
	p = qn_process_alloc(bytes, QN_ALIGN, &old, QN_PROCESS_FENCE);
	if (p && old)
		large_clear(p, min(old, bytes));
	return p;
}
