// SPDX-License-Identifier: MIT
/*
 * engine.c - the list of engines, for whoever chooses one by its name.
 */
#include "engine/engine.h"

/* clang-format off */
const struct qn_engine *const qn_engines[] = {
	&qn_engine_buddy,
	&qn_engine_buddy_fast,
	&qn_engine_freelist,
	&qn_engine_per_size,
	&qn_engine_boundary,
	&qn_engine_heap4,
	&qn_engine_tlsf,
	&qn_engine_quern,
	NULL,
};

/* clang-format on */

static bool is_same(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

const struct qn_engine *qn_engine_find(const char *name)
{
	const struct qn_engine *const *e = qn_engines;

	while (*e && !is_same((*e)->name, name))
		e++;
	return *e;
}
