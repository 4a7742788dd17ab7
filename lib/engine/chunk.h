/* SPDX-License-Identifier: MIT */
/*
 * chunk.h - blocks with one word in front, as the engines other than the buddy
 * systems have them.
 *
 *	| word | what the caller has ...        | word | ...
 *	  ^chunk                                  ^next chunk
 *
 * Sizes are counted with the word and are multiples of QN_ALIGN. What the caller
 * has is aligned to that, so a chunk starts one word below such an address.
 */
#ifndef QN_CHUNK_H
#define QN_CHUNK_H

#include "base/compiler.h"
#include "quern.h"

#define QN_CHUNK_WORD sizeof(size_t)

/* The chunk for a request of @size bytes, at most PTRDIFF_MAX */
static __always_inline size_t qn_chunk_size(size_t size)
{
	return round_up(size + (size == 0) + QN_CHUNK_WORD, QN_ALIGN);
}

static __always_inline void *qn_chunk_user(void *chunk)
{
	return (char *)chunk + QN_CHUNK_WORD;
}

static __always_inline void *qn_chunk_of(const void *p)
{
	return (char *)(uintptr_t)p - QN_CHUNK_WORD;
}

/* The first place for a chunk at or behind @p */
static inline uintptr_t qn_chunk_place(uintptr_t p)
{
	return round_up(p + QN_CHUNK_WORD, QN_ALIGN) - QN_CHUNK_WORD;
}

#endif /* QN_CHUNK_H */
