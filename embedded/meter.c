// SPDX-License-Identifier: MIT
/*
 * meter.c - costs are counted from the call to the return, both included.
 *
 * What the two reads of the counter and the call through a pointer add is
 * measured once, on a heap that does nothing, and subtracted.
 */
#include <string.h>

#include "meter.h"

/* The call and the return of a function that does nothing: they are its cost */
#define EMPTY_CALL 2

static void add_cost(struct meter_costs *c, u32 cost)
{
	c->nr++;
	c->sum += cost;
	c->max = max(c->max, cost);
	c->bins[min(cost, METER_BINS - 1u)]++;
}

static u32 now(const struct meter *m)
{
	return m->counter.read ? m->counter.read() : 0;
}

static void count(struct meter *m, struct meter_costs *c, u32 from, u32 to)
{
	u32 cost = 0;

	if (m->counter.read)
		cost = counter_units(&m->counter, from, to) - m->overhead;
	add_cost(c, cost);
}

static void note_call(struct meter *m)
{
	m->nr_calls++;
	if (m->every && m->nr_calls % m->every == 0)
		m->look(m->arg);
}

static void *measured_alloc(void *heap, size_t size)
{
	struct meter *m = heap;
	u32 from = now(m);
	void *p = m->inner->alloc(m->inner->heap, size);
	u32 to = now(m);

	count(m, &m->alloc, from, to);
	note_call(m);
	return p;
}

static void measured_free(void *heap, void *p)
{
	struct meter *m = heap;
	u32 from = now(m);
	u32 to;

	m->inner->free(m->inner->heap, p);
	to = now(m);
	count(m, &m->free, from, to);
	note_call(m);
}

static void *measured_realloc(void *heap, void *p, size_t size)
{
	struct meter *m = heap;
	void *moved = m->inner->realloc(m->inner->heap, p, size);

	note_call(m);
	return moved;
}

static int pass_step(void *heap)
{
	struct meter *m = heap;

	return m->inner->step(m->inner->heap);
}

static noinline void *do_nothing(void *heap, size_t size)
{
	__asm__ volatile("" : "+r"(heap), "+r"(size));
	return heap;
}

/* As thin a layer as between the meter and a real heap */
static void *empty_alloc(void *heap, size_t size)
{
	return do_nothing(heap, size);
}

static void calibrate(struct meter *m)
{
	static const struct heap_ops empty = { .alloc = empty_alloc };
	const struct heap_ops *real = m->inner;

	if (!m->counter.read)
		return;
	m->inner = &empty;
	for (int i = 0; i < 4; i++)
		measured_alloc(m, 0);
	m->overhead = (u32)(m->alloc.sum / m->alloc.nr) - EMPTY_CALL;
	m->inner = real;
	memset(&m->alloc, 0, sizeof(m->alloc));
	m->nr_calls = 0;
}

void meter_init(struct meter *m, const struct heap_ops *inner,
		const struct counter *counter)
{
	memset(m, 0, sizeof(*m));
	m->ops = (struct heap_ops){ m, measured_alloc, measured_free,
				    measured_realloc,
				    inner->step ? pass_step : NULL };
	m->inner = inner;
	m->counter = *counter;
	calibrate(m);
}

u32 meter_mean10(const struct meter_costs *c)
{
	return c->nr ? (u32)((10 * c->sum + c->nr / 2) / c->nr) : 0;
}

u32 meter_quantile(const struct meter_costs *c, u32 per_1000)
{
	u32 wanted = (u32)(((u64)c->nr * per_1000 + 999) / 1000);
	u32 seen = 0;
	u32 i;

	for (i = 0; i < METER_BINS - 1; i++) {
		seen += c->bins[i];
		if (seen >= wanted)
			break;
	}
	return i;
}
