// SPDX-License-Identifier: MIT
/*
 * arena.c - memory that is handed out in order and given back as a whole.
 *
 * A chunk is a block from the arena's source with a pointer to the chunk before it at
 * its start. What is left of a chunk when the next one is got is lost until the chunk
 * goes back.
 */
#include <string.h>

#include "base/compiler.h"
#include "quern.h"

/**
 * struct chunk - the start of a chunk; what is handed out follows at a multiple of
 * QN_ALIGN
 * @before:	the chunk that was the latest until this one
 * @end:	its end
 */
struct chunk {
	struct chunk *before;
	char *end;
};

/* The first array has room for so many bytes, or for one element */
#define ARRAY_BYTES 64

static char *start_of(struct chunk *c)
{
	return (char *)c + round_up(sizeof(*c), QN_ALIGN);
}

void qn_arena_init(struct qn_arena *a, void *(*get)(void *arg, size_t size),
		   void (*put)(void *arg, void *p), void *arg, size_t chunk)
{
	*a = (struct qn_arena){
		.chunk = chunk,
		.get = get,
		.put = put,
		.arg = arg,
	};
}

static void *heap_get(void *h, size_t size)
{
	return qn_heap_alloc(h, size);
}

static void heap_put(void *h, void *p)
{
	qn_heap_free(h, p);
}

void qn_arena_init_heap(struct qn_arena *a, struct qn_heap *h, size_t chunk)
{
	qn_arena_init(a, heap_get, heap_put, h, chunk);
}

void qn_arena_init_fixed(struct qn_arena *a, void *mem, size_t size)
{
	*a = (struct qn_arena){
		.at = mem,
		.end = (char *)mem + size,
		.fixed = mem,
	};
}

/* The latest chunk becomes one that has room for @size more bytes */
static noinline bool get_chunk(struct qn_arena *a, size_t size)
{
	size_t own = round_up(sizeof(struct chunk), QN_ALIGN);
	struct chunk *c;

	if (!a->get || size > PTRDIFF_MAX - own)
		return false;
	size = max(size + own, a->chunk);
	c = a->get(a->arg, size);
	if (!c)
		return false;
	c->before = a->chunks;
	c->end = (char *)c + size;
	a->chunks = c;
	a->at = start_of(c);
	a->end = c->end;
	return true;
}

/* Is there room for @size bytes at @align in the latest chunk? Takes it. */
static __always_inline void *bump(struct qn_arena *a, size_t align, size_t size)
{
	uintptr_t p = round_up((uintptr_t)a->at, align);

	if (unlikely(p < (uintptr_t)a->at || p > (uintptr_t)a->end ||
		     size > (uintptr_t)a->end - p))
		return NULL;
	a->at = (char *)p + size;
	return (void *)p;
}

static void *alloc(struct qn_arena *a, size_t align, size_t size)
{
	void *p = a->at ? bump(a, align, size) : NULL;

	if (likely(p != NULL))
		return p;
	if (size > PTRDIFF_MAX || align > PTRDIFF_MAX / 2 ||
	    !get_chunk(a, size + (align > QN_ALIGN ? align : 0)))
		return NULL;
	return bump(a, align, size);
}

void *qn_arena_alloc(struct qn_arena *a, size_t size)
{
	return alloc(a, QN_ALIGN, size + (size == 0));
}

void *qn_arena_alloc_aligned(struct qn_arena *a, size_t align, size_t size)
{
	return is_power_of_2(align) ? alloc(a, align, size + (size == 0)) :
				      NULL;
}

/* The latest block, and its chunk has room for it? */
static bool stretch(struct qn_arena *a, char *p, size_t old_size, size_t size)
{
	if (p + old_size != a->at || size > (size_t)(a->end - p))
		return false;
	a->at = p + size;
	return true;
}

void *qn_arena_grow(struct qn_arena *a, void *p, size_t old_size, size_t size)
{
	void *q;

	if (p && stretch(a, p, old_size, size))
		return p;
	q = qn_arena_alloc(a, size);
	if (q && p)
		memcpy(q, p, old_size);
	return q;
}

char *qn_arena_string(struct qn_arena *a, const char *text, size_t size)
{
	char *s = size < PTRDIFF_MAX ? alloc(a, 1, size + 1) : NULL;

	if (!s)
		return NULL;
	memcpy(s, text, size);
	s[size] = '\0';
	return s;
}

struct qn_arena_mark qn_arena_mark_get(const struct qn_arena *a)
{
	return (struct qn_arena_mark){ a->at, a->chunks };
}

void qn_arena_release(struct qn_arena *a, struct qn_arena_mark mark)
{
	struct chunk *c = a->chunks;

	while (c != mark.chunks) {
		struct chunk *before = c->before;

		a->put(a->arg, c);
		c = before;
	}
	a->chunks = c;
	a->at = mark.at;
	if (!a->fixed)
		a->end = c ? c->end : NULL;
}

void qn_arena_reset(struct qn_arena *a)
{
	struct qn_arena_mark start = { a->fixed, NULL };

	qn_arena_release(a, start);
}

int qn_array_grow(struct qn_arena *a, void *at, size_t *room, size_t osize)
{
	size_t more = *room ? 2 * *room : max(ARRAY_BYTES / osize, (size_t)1);
	void *p, *old;
	size_t bytes;

	memcpy(&old, at, sizeof(old));
	if (__builtin_mul_overflow(more, osize, &bytes))
		return -ENOMEM;
	p = qn_arena_grow(a, old, *room * osize, bytes);
	if (!p)
		return -ENOMEM;
	memcpy(at, &p, sizeof(p));
	*room = more;
	return 0;
}
