// SPDX-License-Identifier: MIT
/*
 * gaps.c - sorts the blocks of a replay by address and walks over them.
 */
#include "gaps.h"

static u32 gather(const struct replay *r)
{
	u32 nr = 0;

	for (u32 i = 0; i < r->trace.nr_slots; i++)
		if (r->slots[i].p)
			r->scratch[nr++] = &r->slots[i];
	return nr;
}

/* Shell's sort, by the gaps of Ciura */
static void sort(struct slot **a, u32 nr)
{
	static const u16 steps[] = { 1750, 701, 301, 132, 57, 23, 10, 4, 1 };

	for (u32 k = 0; k < ARRAY_SIZE(steps); k++) {
		u32 step = steps[k];

		for (u32 i = step; i < nr; i++) {
			struct slot *s = a[i];
			u32 j = i;

			for (; j >= step && a[j - step]->p > s->p; j -= step)
				a[j] = a[j - step];
			a[j] = s;
		}
	}
}

static void add_gap(struct gaps *gaps, const u8 *from, const u8 *to)
{
	u32 gap = (u32)(to - from);

	if (to < from || gap < GAPS_MIN)
		return;
	gaps->sum += gap;
	gaps->largest = max(gaps->largest, gap);
}

void gaps_find(struct gaps *gaps, const struct replay *r)
{
	struct subject_view view = { 0 };
	const u8 *end;
	u32 nr = gather(r);

	if (subject.look)
		subject.look(r->gauge.heap, &view);
	*gaps = (struct gaps){ 0 };
	sort(r->scratch, nr);
	end = r->arena + view.metadata;
	for (u32 i = 0; i < nr; i++) {
		const struct slot *s = r->scratch[i];

		add_gap(gaps, end, s->p);
		end = s->p + round_up(s->size, OPS_ALIGN);
	}
	add_gap(gaps, end, r->arena + r->size);
}
