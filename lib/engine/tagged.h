/* SPDX-License-Identifier: MIT */
/*
 * tagged.h - blocks between boundary tags (Knuth, The Art of Computer Programming,
 * volume 1, section 2.5), for engines that differ in how they list free blocks.
 *
 *	| head | what the caller has                      | head | ...
 *	| head | next | prev |      free       |  size    | head | ...
 *
 * The head is the size, and whether this block and the one before are in use. A free
 * block repeats its size in its last word, where the next block finds it; a block in
 * use needs no such word, so it costs one word in all. The last head is of a block
 * of size 0 that is always in use, and so is what would be before the first.
 *
 * An engine hands its constant struct qn_tagged_lists to these functions. They are
 * inlined into it, so no call goes by a pointer.
 */
#ifndef QN_TAGGED_H
#define QN_TAGGED_H

#include "engine/chunk.h"
#include "engine/engine.h"

#include <string.h>

#define QN_TAG_USED        ((size_t)1)
#define QN_TAG_BEFORE_USED ((size_t)2)
#define QN_TAG_BITS        (QN_TAG_USED | QN_TAG_BEFORE_USED)

/* Head, two links, and the size again */
#define QN_TAGGED_LEAST (4 * sizeof(size_t))

/**
 * struct qn_tagged_chunk - a block
 * @head:	size in bytes, head included, and the two bits
 * @next, @prev: in a list of the engine; of a free one
 */
struct qn_tagged_chunk {
	size_t head;
	struct qn_tagged_chunk *next, *prev;
};

/**
 * struct qn_tagged - the first member of a heap: chunks from @from to @to without a gap
 * @size:	of the memory that it was given
 */
struct qn_tagged {
	u8 *from;
	struct qn_tagged_chunk *to;
	size_t size;
};

/**
 * struct qn_tagged_lists - how an engine lists free chunks
 * @add, @del:	into the list of its size, out of it
 * @find:	one of so many bytes at least, or NULL; it stays in its list
 */
struct qn_tagged_lists {
	void (*add)(void *heap, struct qn_tagged_chunk *c);
	void (*del)(void *heap, struct qn_tagged_chunk *c);
	struct qn_tagged_chunk *(*find)(const void *heap, size_t bytes);
};

static __always_inline size_t qn_tagged_size(const struct qn_tagged_chunk *c)
{
	return c->head & ~QN_TAG_BITS;
}

static __always_inline struct qn_tagged_chunk *
qn_tagged_at(struct qn_tagged_chunk *c, size_t bytes)
{
	return (void *)((u8 *)c + bytes);
}

static __always_inline struct qn_tagged_chunk *
qn_tagged_behind(struct qn_tagged_chunk *c)
{
	return qn_tagged_at(c, qn_tagged_size(c));
}

/* The last word of the chunk in front of @c, if that is free: its size */
static __always_inline size_t *qn_tagged_size_before(struct qn_tagged_chunk *c)
{
	return &c->head - 1;
}

/* The chunk for a request, at most PTRDIFF_MAX */
static __always_inline size_t qn_tagged_bytes(size_t size)
{
	return max(qn_chunk_size(size), QN_TAGGED_LEAST);
}

/* ---- chunks ---- */

/* @c is free and between chunks in use: write both of its ends, list it */
static inline void qn_tagged_make_free(const struct qn_tagged_lists *l,
				       void *heap, struct qn_tagged_chunk *c,
				       size_t bytes)
{
	struct qn_tagged_chunk *next = qn_tagged_at(c, bytes);

	c->head = bytes | QN_TAG_BEFORE_USED;
	*qn_tagged_size_before(next) = bytes;
	next->head &= ~QN_TAG_BEFORE_USED;
	l->add(heap, c);
}

/* @c is in use and larger than it need be: what is behind @bytes becomes free */
static inline void qn_tagged_trim(const struct qn_tagged_lists *l, void *heap,
				  struct qn_tagged_chunk *c, size_t bytes)
{
	size_t rest = qn_tagged_size(c) - bytes;
	struct qn_tagged_chunk *next = qn_tagged_behind(c);

	if (!rest || (rest < QN_TAGGED_LEAST && next->head & QN_TAG_USED))
		return;
	if (!(next->head & QN_TAG_USED)) {
		l->del(heap, next);
		rest += qn_tagged_size(next);
	}
	c->head = bytes | (c->head & QN_TAG_BITS);
	qn_tagged_make_free(l, heap, qn_tagged_behind(c), rest);
}

/* A listed chunk goes into use, whole */
static inline void qn_tagged_make_used(const struct qn_tagged_lists *l,
				       void *heap, struct qn_tagged_chunk *c)
{
	l->del(heap, c);
	c->head |= QN_TAG_USED;
	qn_tagged_behind(c)->head |= QN_TAG_BEFORE_USED;
}

/* A chunk in use becomes free, and one with its free neighbours */
static inline void qn_tagged_put(const struct qn_tagged_lists *l, void *heap,
				 struct qn_tagged_chunk *c)
{
	size_t bytes = qn_tagged_size(c), more;
	struct qn_tagged_chunk *next = qn_tagged_behind(c);

	if (!(next->head & QN_TAG_USED)) {
		l->del(heap, next);
		bytes += qn_tagged_size(next);
	}
	if (!(c->head & QN_TAG_BEFORE_USED)) {
		more = *qn_tagged_size_before(c);
		c = (void *)((u8 *)c - more);
		l->del(heap, c);
		bytes += more;
	}
	qn_tagged_make_free(l, heap, c, bytes);
}

/* ---- operations of an engine ---- */

/**
 * qn_tagged_init() - one free chunk behind the heap's own state
 * @heap:	its struct, zeroed here, which begins with a struct qn_tagged
 * @own:	bytes of it
 * @mem, @size:	the memory, which begins at @heap or just below
 *
 * Return: @heap, or NULL if that is too small.
 */
static inline void *qn_tagged_init(const struct qn_tagged_lists *l, void *heap,
				   size_t own, const void *mem, size_t size)
{
	uintptr_t from = qn_chunk_place((uintptr_t)heap + own);
	size_t before = from - (uintptr_t)mem + QN_CHUNK_WORD;
	struct qn_tagged_chunk *c = (void *)from;
	struct qn_tagged *t = heap;
	size_t bytes;

	if (!mem || size < before + QN_TAGGED_LEAST)
		return NULL;
	memset(heap, 0, own);
	bytes = round_down(size - before, QN_ALIGN);
	t->from = (u8 *)from;
	t->to = qn_tagged_at(c, bytes);
	t->to->head = QN_TAG_USED;
	t->size = size;
	qn_tagged_make_free(l, heap, c, bytes);
	return heap;
}

static __always_inline void *qn_tagged_alloc(const struct qn_tagged_lists *l,
					     void *heap, size_t size)
{
	struct qn_tagged_chunk *c;
	size_t bytes;

	if (unlikely(size > PTRDIFF_MAX))
		return NULL;
	bytes = qn_tagged_bytes(size);
	c = l->find(heap, bytes);
	if (unlikely(!c))
		return NULL;
	qn_tagged_make_used(l, heap, c);
	qn_tagged_trim(l, heap, c, bytes);
	return qn_chunk_user(c);
}

/* Cut off the first @gap bytes of a chunk in use; they become free */
static inline struct qn_tagged_chunk *
qn_tagged_cut_front(const struct qn_tagged_lists *l, void *heap,
		    struct qn_tagged_chunk *c, size_t gap)
{
	struct qn_tagged_chunk *rest = qn_tagged_at(c, gap);

	rest->head = (qn_tagged_size(c) - gap) | QN_TAG_BITS;
	c->head = gap | (c->head & QN_TAG_BITS);
	qn_tagged_put(l, heap, c);
	return rest;
}

/* Above QN_ALIGN */
static inline void *qn_tagged_aligned(const struct qn_tagged_lists *l,
				      void *heap, size_t align, size_t size)
{
	struct qn_tagged_chunk *c;
	size_t gap;

	if (!is_power_of_2(align) || size > PTRDIFF_MAX ||
	    align > PTRDIFF_MAX / 4)
		return NULL;
	c = l->find(heap, qn_tagged_bytes(size) + align + QN_TAGGED_LEAST);
	if (!c)
		return NULL;
	qn_tagged_make_used(l, heap, c);
	gap = -((uintptr_t)c + QN_CHUNK_WORD) & (align - 1);
	if (gap && gap < QN_TAGGED_LEAST)
		gap += align;
	if (gap)
		c = qn_tagged_cut_front(l, heap, c, gap);
	qn_tagged_trim(l, heap, c, qn_tagged_bytes(size));
	return qn_chunk_user(c);
}

/* Take in what is free behind @c, if that makes it large enough */
static inline bool qn_tagged_grow(const struct qn_tagged_lists *l, void *heap,
				  struct qn_tagged_chunk *c, size_t bytes)
{
	struct qn_tagged_chunk *next = qn_tagged_behind(c);

	if (next->head & QN_TAG_USED ||
	    qn_tagged_size(c) + qn_tagged_size(next) < bytes)
		return false;
	qn_tagged_make_used(l, heap, next);
	c->head += qn_tagged_size(next);
	return true;
}

/* Of a block, to at most PTRDIFF_MAX bytes, where it lies; false: it does not fit there */
static inline bool qn_tagged_resize(const struct qn_tagged_lists *l, void *heap,
				    void *p, size_t size)
{
	struct qn_tagged_chunk *c = qn_chunk_of(p);
	size_t bytes = qn_tagged_bytes(size);

	if (qn_tagged_size(c) < bytes && !qn_tagged_grow(l, heap, c, bytes))
		return false;
	qn_tagged_trim(l, heap, c, bytes);
	return true;
}

static inline void *qn_tagged_realloc(const struct qn_tagged_lists *l,
				      void *heap, void *p, size_t size)
{
	void *q;

	if (!p || size > PTRDIFF_MAX)
		return qn_tagged_alloc(l, heap, size);
	if (qn_tagged_resize(l, heap, p, size))
		return p;
	q = qn_tagged_alloc(l, heap, size);
	if (!q)
		return NULL;
	memcpy(q, p, qn_tagged_size(qn_chunk_of(p)) - QN_CHUNK_WORD);
	qn_tagged_put(l, heap, qn_chunk_of(p));
	return q;
}

static inline size_t qn_tagged_usable(void *heap, const void *p)
{
	(void)heap;
	return qn_tagged_size(qn_chunk_of(p)) - QN_CHUNK_WORD;
}

/* ---- walks ---- */

static inline void qn_tagged_stats(void *heap, struct qn_engine_stats *st)
{
	const struct qn_tagged *t = heap;
	struct qn_tagged_chunk *c = (void *)t->from;

	*st = (struct qn_engine_stats){ .size = t->size };
	for (; c != t->to; c = qn_tagged_behind(c)) {
		size_t bytes = qn_tagged_size(c);

		if (c->head & QN_TAG_USED) {
			st->live += bytes;
			st->nr_live++;
		} else {
			st->free += bytes;
			st->largest_free = max(st->largest_free, bytes);
		}
	}
	st->metadata = st->size - st->live - st->free;
}

/* What a chunk and its successor say of each other */
static inline const char *qn_tagged_check_chunk(const struct qn_tagged *t,
						struct qn_tagged_chunk *c)
{
	size_t left = (size_t)((u8 *)t->to - (u8 *)c);
	bool is_used = c->head & QN_TAG_USED;
	size_t bytes = qn_tagged_size(c);

	if (bytes < QN_TAGGED_LEAST || bytes > left ||
	    !is_aligned(bytes, QN_ALIGN))
		return "a block has an impossible size";
	if (!(qn_tagged_behind(c)->head & QN_TAG_BEFORE_USED) == is_used)
		return "a block's state and its neighbour's differ";
	if (!is_used && !(c->head & QN_TAG_BEFORE_USED))
		return "two free blocks were not merged";
	if (!is_used && *qn_tagged_size_before(qn_tagged_behind(c)) != bytes)
		return "the two sizes of a free block differ";
	return NULL;
}

/* All chunks; @nr_free: of them, those that are free */
static inline const char *qn_tagged_check(const struct qn_tagged *t,
					  size_t *nr_free)
{
	struct qn_tagged_chunk *c = (void *)t->from;
	const char *error = NULL;

	for (*nr_free = 0; c != t->to && !error; c = qn_tagged_behind(c)) {
		error = qn_tagged_check_chunk(t, c);
		if (error)
			break;
		*nr_free += !(c->head & QN_TAG_USED);
	}
	return error;
}

/* May there be a chunk at @c? A damaged link leads anywhere */
static inline bool qn_tagged_is_chunk(const struct qn_tagged *t,
				      const struct qn_tagged_chunk *c)
{
	uintptr_t at = (uintptr_t)c - (uintptr_t)t->from;

	return at < (uintptr_t)t->to - (uintptr_t)t->from &&
	       is_aligned(at, QN_ALIGN);
}

/**
 * qn_tagged_check_list() - a list of free chunks
 * @first:	of it
 * @is_right:	does a chunk of so many bytes belong into list @list
 * @nr_free:	chunks that are in no list yet
 */
static inline const char *
qn_tagged_check_list(const struct qn_tagged *t,
		     const struct qn_tagged_chunk *first,
		     bool (*is_right)(size_t bytes, unsigned int list),
		     unsigned int list, size_t *nr_free)
{
	const struct qn_tagged_chunk *before = NULL;

	for (const struct qn_tagged_chunk *c = first; c; c = c->next) {
		if (!qn_tagged_is_chunk(t, c) || c->prev != before)
			return "a link leads nowhere";
		if (c->head & QN_TAG_USED || !*nr_free ||
		    !is_right(qn_tagged_size(c), list))
			return "a block is in a wrong list";
		--*nr_free;
		before = c;
	}
	return NULL;
}

#endif /* QN_TAGGED_H */
