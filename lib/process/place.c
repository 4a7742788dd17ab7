// SPDX-License-Identifier: MIT
/*
 * place.c - see place.h.
 */
#include "process/place.h"

struct qn_places qn_places __bss_apart;

/* So many blocks of a token are followed; then, each time, half as many of its samples */
#define FOLLOWED_FIRST 12u
#define FOLLOWED_MORE  2u
#define ONE_IN_MOST    20u
/* Where a token is nearly all, there is no rest to lie apart from: one part in so many */
#define REST_LEAST 16
/* Fewer samples say nothing */
#define SAMPLES_LEAST 4u

/* Part of what was is forgotten: of all tokens at once, since they are compared */
static void forget(struct qn_places *p, u64 clock, u64 heap)
{
	u64 memory = max(QN_PLACE_MEMORY, heap * 2);

	if (clock - p->since < memory)
		return;
	p->born = (p->born + (clock - p->since)) / 2;
	p->since = clock;
	for (unsigned int i = 0; i < QN_PLACES; i++)
		p->slot[i].born /= 2;
}

/* Is @a / @b at least @times @c / @d? Products of 64 bits would not do. */
static bool is_more(u64 a, u64 b, u32 times, u64 c, u64 d)
{
	while ((a | b | c | d) >> 28) {
		a >>= 1;
		b >>= 1;
		c >>= 1;
		d >>= 1;
	}
	return a * d >= times * c * b;
}

/* Bytes that died since those of its blocks that are in use were born, in the mean */
static u64 outlived(const struct qn_places *p, const struct qn_place *s)
{
	u64 born = s->births / max(s->live / 4096, (u64)1) * 4096;

	return p->dead - min(p->dead, born);
}

/* What was asked for of the whole heap: @born; @heap: what of it is in use */
static void decide(struct qn_places *p, unsigned int slot, u64 born, u64 heap)
{
	const struct qn_place *s = &p->slot[slot];
	u64 rest = heap - min(heap, s->live);
	u64 rest_born = born - min(born, s->born);

	if (rest_born >= born / REST_LEAST &&
	    is_more(s->live, s->born, QN_PLACE_LONGER, rest, rest_born) &&
	    outlived(p, s) >= heap)
		WRITE_ONCE(p->is_long[slot], 1);
	else if (is_more(rest, rest_born, 2, s->live, s->born))
		WRITE_ONCE(p->is_long[slot], 0);
}

/* So many blocks are followed that their number says something, and no more */
static void follow_part(struct qn_place *s)
{
	u32 most = FOLLOWED_FIRST + FOLLOWED_MORE * s->one_in;

	if (s->nr_live >= most && s->one_in < ONE_IN_MOST)
		s->one_in++;
	else if (s->nr_live < most / 2 && s->one_in)
		s->one_in--;
}

u64 qn_place_sample(struct qn_places *p, unsigned int slot, u64 bytes,
		    u64 clock, u64 heap, bool is_worth)
{
	struct qn_place *s = &p->slot[slot];

	p->dead = max(p->dead, clock - min(clock, heap));
	forget(p, clock, heap);
	s->born += bytes;
	WRITE_ONCE(s->nr_samples, s->nr_samples + 1);
	if (is_worth && s->nr_samples >= SAMPLES_LEAST)
		decide(p, slot, p->born + (clock - p->since), heap);
	follow_part(s);
	if (s->nr_samples & ((1u << s->one_in) - 1))
		return 0;
	return bytes << s->one_in;
}
