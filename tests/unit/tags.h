/* SPDX-License-Identifier: MIT */
/*
 * tags.h - chunks of medium blocks as a test sees them: tag by tag, as the picture in
 * lib/process/medium.h has them, without the help of lib/process/medium.c.
 */
#ifndef QN_TESTS_TAGS_H
#define QN_TESTS_TAGS_H

#include "process/segment.h"

/* The first block or free run of a chunk that begins with @u */
static inline char *chunk_first(const struct qn_segments *s,
				const struct qn_unit *u)
{
	return qn_unit_start(s, u) + 2 * sizeof(size_t);
}

static inline size_t block_tag(const char *p)
{
	return ((const size_t *)(const void *)p)[-1];
}

/* Bytes up to the next tag: the lowest 31 bits of the tag, without flags */
static inline size_t block_length(const char *p)
{
	return block_tag(p) & INT32_MAX & ~(size_t)15;
}

static inline char *block_next(const char *p)
{
	return (char *)(uintptr_t)p + block_length(p);
}

static inline bool block_is_free(const char *p)
{
	return block_tag(p) & 1;
}

/* Is what is before it */
static inline bool block_is_behind_free(const char *p)
{
	return block_tag(p) >> 63;
}

/* Freed, and not merged yet */
static inline bool block_waits(const char *p)
{
	return block_tag(p) & 8;
}

static inline bool is_chunk_end(const char *p)
{
	return block_length(p) == 0;
}

#endif /* QN_TESTS_TAGS_H */
