// SPDX-License-Identifier: MIT
/*
 * delays.c - the age of least cost; see delays.h.
 */
#include "process/delays.h"

#include "base/bits.h"
#include "port/debug.h"

/* A slice of QN_DELAYS_SHIFT counts so much, so that parts of it are left when it fades */
#define COUNT 256u
/* So much tells something: 8 MB */
#define ENOUGH (8u * COUNT)
/* Nothing counts for more, and products fit */
#define COUNT_MOST (1u << 28)
/* Ages are in sixteenths of the break-even age */
#define ONE   16u
#define LEAST (ONE / 4)
#define MOST  (ONE * 4)

static __apart void add(struct qn_delays *d, u32 *sum)
{
	u32 more = COUNT << (qn_delays_shift(d) - QN_DELAYS_SHIFT);

	*sum = min(*sum + min(more, COUNT_MOST), COUNT_MOST);
}

/* Half octaves: 2^(n + 1/2) is taken for 3/2 of 2^n */
static __apart unsigned int index_of(u32 ms)
{
	unsigned int log;

	if (!ms)
		return 0;
	log = qn_ilog2(ms);
	return min(2 * log + 1 + (2 * (u64)ms >= (u64)3 << log),
		   QN_NR_DELAYS - 1u);
}

/* In sixteenths of a ms: all that have this index are below */
static __apart u64 upper(unsigned int i)
{
	u64 one = (u64)16 << (i / 2);

	return i % 2 ? one + one / 2 : one;
}

static __apart u64 middle(unsigned int i)
{
	return i ? (upper(i - 1) + upper(i)) / 2 : 0;
}

/* ---- slices ---- */

/* A slice is twice as much from now on: the upper of two fell first */
static __apart void widen(struct qn_delays *d)
{
	for (u32 i = 0; i < QN_DELAYS_SLICES / 2; i++)
		d->fell[i] = d->fell[2 * i];
	d->shift = qn_delays_shift(d) + 1;
	d->nr /= 2;
	d->top /= 2;
}

static void rise(struct qn_delays *d, u32 to, u32 now)
{
	for (; d->nr < to; d->nr++) {
		u32 *fell = &d->fell[d->nr];

		if (d->nr >= d->top)
			d->top = d->nr + 1;
		else if (*fell)
			add(d, &d->slices[index_of(now - *fell)]);
		*fell = 0;
	}
}

noinline void qn_delays_move(struct qn_delays *d, size_t used, u32 now)
{
	qn_assert(now);
	while (used >> qn_delays_shift(d) >= QN_DELAYS_SLICES)
		widen(d);
	rise(d, (u32)(used >> qn_delays_shift(d)), now);
	while (used < qn_delays_start(d))
		d->fell[--d->nr] = now;
	qn_assert(d->nr <= d->top && d->top <= QN_DELAYS_SLICES);
}

/* ---- the age ---- */

/* Ages in sixteenths of a ms */
static __apart u64 cost(const struct qn_delays *d, u64 t, u64 even)
{
	u64 sum = d->never * t;

	for (unsigned int i = 0; i < QN_NR_DELAYS; i++)
		sum += d->slices[i] * (upper(i) <= t ? middle(i) : t + even);
	return sum;
}

/* Slices that no age in question would have kept */
static __apart void give_up(struct qn_delays *d, u32 now, u32 even)
{
	u64 most = (u64)even * MOST / ONE;

	for (u32 i = d->nr; i < d->top; i++)
		if (d->fell[i] && now - d->fell[i] > most) {
			d->fell[i] = 0;
			add(d, &d->never);
		}
}

static __apart bool is_known(const struct qn_delays *d)
{
	u64 sum = d->never;

	for (unsigned int i = 0; i < QN_NR_DELAYS; i++)
		sum += d->slices[i];
	return sum >= ENOUGH;
}

static __apart void fade(struct qn_delays *d)
{
	for (unsigned int i = 0; i < QN_NR_DELAYS; i++)
		d->slices[i] -= d->slices[i] / 16;
	d->never -= d->never / 16;
}

__apart u32 qn_delays_age(const struct qn_delays *d, u32 even)
{
	u32 age = READ_ONCE(d->age);

	if (!age)
		return even;
	return (u32)min((u64)even * age / ONE, (u64)UINT32_MAX);
}

__apart void qn_delays_decide(struct qn_delays *d, u32 now, u32 even)
{
	u32 best = d->age ? d->age : ONE;
	u64 least, next;

	/* Beyond what is counted */
	even = min(even, 1u << 20);
	give_up(d, now, even);
	if (!is_known(d))
		return;
	least = cost(d, (u64)even * best, (u64)even * ONE);
	least -= least / 10;
	for (u32 t = LEAST; t <= MOST; t += DIV_ROUND_UP(t, 4)) {
		next = cost(d, (u64)even * t, (u64)even * ONE);
		if (next >= least)
			continue;
		least = next;
		best = t;
	}
	WRITE_ONCE(d->age, best);
	fade(d);
}
