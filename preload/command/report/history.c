// SPDX-License-Identifier: MIT
/*
 * history.c - when there is no more room each two moments become one: the higher, so that
 * no peak is lost.
 */
#include "history.h"

#include "base/compiler.h"

static u64 height(const struct qn_moment *m)
{
	return max(m->resident, m->live + m->pinned + m->kept);
}

static void halve(struct qn_history *h)
{
	for (u32 i = 0; i < h->nr / 2; i++) {
		const struct qn_moment *two = &h->at[2 * i];

		h->at[i] = two[height(&two[1]) > height(&two[0])];
	}
	h->nr /= 2;
	h->stride *= 2;
}

void qn_history_note(struct qn_history *h, const struct qn_moment *m)
{
	if (!h->stride)
		h->stride = 1;
	if (!h->nr_pending || height(m) > height(&h->pending))
		h->pending = *m;
	if (++h->nr_pending < h->stride)
		return;
	h->nr_pending = 0;
	if (h->nr == QN_HISTORY_MOST)
		halve(h);
	h->at[h->nr++] = h->pending;
}

struct qn_moment qn_moment_of(const struct qn_stats_page *page, u64 usec)
{
	u64 held = page->carved + page->large;
	/* A free may be told before its malloc */
	u64 live = (s64)page->live > 0 ? page->live : 0;

	return (struct qn_moment){
		.usec = usec,
		.live = live,
		.pinned = held - min(held, live),
		.kept = page->dirty,
	};
}
