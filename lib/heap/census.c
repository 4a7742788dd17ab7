// SPDX-License-Identifier: MIT
/*
 * census.c - how many pieces of which size a heap has.
 *
 * Above the heap, by its public interface: a walk that counts, so that counting by size
 * costs malloc and free nothing.
 */
#include <string.h>

#include "base/compiler.h"
#include "quern.h"

/**
 * struct census - what the walk fills in
 * @at:	classes, by ascending size
 * @nr:	how many
 */
struct census {
	struct qn_census *at;
	size_t nr;
};

static bool count(void *arg, void *p __maybe_unused, size_t size,
		  enum qn_state state)
{
	const struct census *all = arg;
	struct qn_census *c = all->at;

	while (c < all->at + all->nr - 1 && size > c->most)
		c++;
	c->nr[state]++;
	c->bytes[state] += size;
	return true;
}

int qn_heap_census(struct qn_heap *h, struct qn_census *at, size_t nr)
{
	struct census all = { .at = at, .nr = nr };

	if (!h || !at || !nr)
		return -EINVAL;
	for (size_t i = 0; i < nr; i++) {
		if (i && at[i].most <= at[i - 1].most)
			return -EINVAL;
		memset(at[i].nr, 0, sizeof(at[i].nr));
		memset(at[i].bytes, 0, sizeof(at[i].bytes));
	}
	return qn_heap_walk(h, count, &all);
}
