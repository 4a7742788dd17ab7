// SPDX-License-Identifier: MIT
/*
 * gauge.c - counts a call by two reads of the board's counter around it.
 *
 * What the reads add, and the jump from the subject's function to the heap's, is
 * measured on a subject that does nothing, and subtracted. The same for the
 * wrapped functions that copy.
 */
#include "board.h"
#include "gauge.h"

/* The call and the return of a function that does nothing: they are its cost */
#define EMPTY_CALL 2

/* Where the linker sends the calls, and where they would have gone */
void *__wrap_memcpy(void *to, const void *from, size_t size);
void *__wrap_memmove(void *to, const void *from, size_t size);
void *__wrap_memset(void *to, int value, size_t size);
void *__real_memcpy(void *to, const void *from, size_t size);
void *__real_memmove(void *to, const void *from, size_t size);
void *__real_memset(void *to, int value, size_t size);

enum {
	COPY,
	MOVE,
	SET,
	NR_WRAPPED,
};

/**
 * struct copying - instructions within the latest call that are not to be counted
 * @is_data:	what is copied is the caller's data: all of it is left out
 * @sum:	since that call began
 * @unseen:	of a wrapped function, what its own two reads do not see
 * @added:	by which it is longer than the function itself
 */
static struct copying {
	bool is_data;
	u32 sum;
	u32 unseen[NR_WRAPPED];
	u32 added[NR_WRAPPED];
} copying;

static u32 not_counting(void);
static struct counter counter = { not_counting, 0, 1000, "" };

static __always_inline u32 now(void)
{
	return counter.read();
}

static __always_inline void add_copying(unsigned int which, u32 from)
{
	u32 to = now();

	if (copying.is_data)
		copying.sum += counter_units(&counter, from, to) +
			       copying.unseen[which];
	else
		copying.sum += copying.added[which];
}

static u32 not_counting(void)
{
	return 0;
}

void *__wrap_memcpy(void *to, const void *from, size_t size)
{
	u32 start = now();

	__real_memcpy(to, from, size);
	add_copying(COPY, start);
	return to;
}

void *__wrap_memmove(void *to, const void *from, size_t size)
{
	u32 start = now();

	__real_memmove(to, from, size);
	add_copying(MOVE, start);
	return to;
}

void *__wrap_memset(void *to, int value, size_t size)
{
	u32 start = now();

	__real_memset(to, value, size);
	add_copying(SET, start);
	return to;
}

static void note(struct gauge *g, enum gauge_kind kind, u32 from, u32 to)
{
	g->cost = counter_units(&counter, from, to) - g->overhead[kind] -
		  copying.sum;
}

noinline void *gauge_alloc(struct gauge *g, size_t size)
{
	u32 from, to;
	void *p;

	copying.sum = 0;
	from = now();
	p = g->subject->alloc(g->heap, size);
	to = now();
	note(g, GAUGE_ALLOC, from, to);
	return p;
}

noinline void *gauge_aligned(struct gauge *g, size_t align, size_t size)
{
	u32 from, to;
	void *p;

	copying.sum = 0;
	from = now();
	p = g->subject->alloc_aligned(g->heap, align, size);
	to = now();
	note(g, GAUGE_ALIGNED, from, to);
	return p;
}

noinline void *gauge_resize(struct gauge *g, void *p, size_t size)
{
	u32 from, to;

	copying.sum = 0;
	copying.is_data = true;
	from = now();
	p = g->subject->resize(g->heap, p, size);
	to = now();
	copying.is_data = false;
	note(g, GAUGE_RESIZE, from, to);
	return p;
}

noinline void gauge_free(struct gauge *g, void *p)
{
	u32 from, to;

	copying.sum = 0;
	from = now();
	g->subject->free(g->heap, p);
	to = now();
	note(g, GAUGE_FREE, from, to);
}

noinline int gauge_step(struct gauge *g)
{
	u32 from, to;
	int more;

	copying.sum = 0;
	from = now();
	more = g->subject->step(g->heap);
	to = now();
	note(g, GAUGE_STEP, from, to);
	return more;
}

/* ---- calibration ---- */

static noinline void *do_nothing(void *heap)
{
	__asm__ volatile("" : "+r"(heap));
	return heap;
}

static void *empty_alloc(void *heap, size_t size)
{
	(void)size;
	return do_nothing(heap);
}

static void *empty_aligned(void *heap, size_t align, size_t size)
{
	(void)align;
	(void)size;
	return do_nothing(heap);
}

static void *empty_resize(void *heap, void *p, size_t size)
{
	(void)p;
	(void)size;
	return do_nothing(heap);
}

static void empty_free(void *heap, void *p)
{
	(void)p;
	do_nothing(heap);
}

static int empty_step(void *heap)
{
	return do_nothing(heap) == heap;
}

static const struct subject empty = {
	.alloc = empty_alloc,
	.alloc_aligned = empty_aligned,
	.resize = empty_resize,
	.free = empty_free,
	.step = empty_step,
};

/* The same function without and with a call of another one, of size 0 */
#define FRAME(name, call)                                                    \
	__attribute__((naked)) static void *name(__maybe_unused void *to,    \
						 __maybe_unused size_t from, \
						 __maybe_unused size_t size) \
	{                                                                    \
		__asm__ volatile("push {r4, lr}\n" call "pop {r4, pc}\n");   \
	}

FRAME(call_none, "")
FRAME(call_memcpy, "bl __real_memcpy\n")
FRAME(call_memmove, "bl __real_memmove\n")
FRAME(call_memset, "bl __real_memset\n")
FRAME(call_wrapped_memcpy, "bl __wrap_memcpy\n")
FRAME(call_wrapped_memmove, "bl __wrap_memmove\n")
FRAME(call_wrapped_memset, "bl __wrap_memset\n")

static u32 cost_of(struct gauge *g, void *(*call)(void *, size_t, size_t))
{
	const struct subject s = { .alloc_aligned = call };
	u32 byte;

	g->subject = &s;
	g->heap = &byte;
	gauge_aligned(g, (uintptr_t)&byte, 0);
	return g->cost;
}

static void calibrate_copying(struct gauge *g)
{
	static void *(*const calls[NR_WRAPPED][2])(void *, size_t, size_t) = {
		[COPY] = { call_memcpy, call_wrapped_memcpy },
		[MOVE] = { call_memmove, call_wrapped_memmove },
		[SET] = { call_memset, call_wrapped_memset },
	};
	u32 none = cost_of(g, call_none);

	for (u32 i = 0; i < NR_WRAPPED; i++) {
		u32 plain = cost_of(g, calls[i][0]);
		u32 all = cost_of(g, calls[i][1]);

		copying.is_data = true;
		copying.unseen[i] = cost_of(g, calls[i][1]) - none;
		copying.is_data = false;
		copying.added[i] = all - plain;
	}
}

static void calibrate_calls(struct gauge *g)
{
	u32 *overhead = g->overhead;

	g->subject = &empty;
	gauge_alloc(g, 0);
	overhead[GAUGE_ALLOC] = g->cost - EMPTY_CALL;
	gauge_aligned(g, 0, 0);
	overhead[GAUGE_ALIGNED] = g->cost - EMPTY_CALL;
	gauge_resize(g, NULL, 0);
	overhead[GAUGE_RESIZE] = g->cost - EMPTY_CALL;
	gauge_free(g, NULL);
	overhead[GAUGE_FREE] = g->cost - EMPTY_CALL;
	gauge_step(g);
	overhead[GAUGE_STEP] = g->cost - EMPTY_CALL;
}

bool gauge_init(struct gauge *g)
{
	struct counter found;

	board_counter_init(&found);
	if (!found.read)
		return false;
	counter = found;
	*g = (struct gauge){ .subject = &empty };
	calibrate_calls(g);
	calibrate_copying(g);
	g->subject = &subject;
	return true;
}

/* ---- sums ---- */

void costs_add(struct costs *c, u32 cost)
{
	c->nr++;
	c->sum += cost;
	c->max = max(c->max, cost);
	c->bins[min(cost, GAUGE_BINS - 1u)]++;
}

u32 costs_mean(const struct costs *c)
{
	return c->nr ? (u32)((100 * c->sum + c->nr / 2) / c->nr) : 0;
}

u32 costs_quantile(const struct costs *c, u32 per_1000)
{
	u32 wanted = (u32)(((u64)c->nr * per_1000 + 999) / 1000);
	u32 seen = 0;
	u32 i;

	for (i = 0; i < GAUGE_BINS - 1; i++) {
		seen += c->bins[i];
		if (seen >= wanted)
			break;
	}
	return i;
}
