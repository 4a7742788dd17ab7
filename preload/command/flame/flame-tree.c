// SPDX-License-Identifier: MIT
/*
 * flame-tree.c - a node has a list of those below it, which is searched: functions call few
 * others.
 */
#define _GNU_SOURCE 1
#include "flame-tree.h"

#include <stdlib.h>
#include <string.h>

#include "command/base/fail.h"

static u32 node_add(struct qn_flame_tree *t,
		    const struct qn_symbols_frame *frame)
{
	QN_GROW(t->nodes, t->nr);
	t->nodes[t->nr] = (struct qn_node){ .frame = *frame };
	return t->nr++;
}

/* Functions are told apart by their names and files, not by their lines */
static u32 find_below(const struct qn_flame_tree *t, u32 node,
		      const struct qn_symbols_frame *frame)
{
	u32 at = t->nodes[node].first;

	while (at && (strcmp(t->nodes[at].frame.function, frame->function) ||
		      strcmp(t->nodes[at].frame.module, frame->module)))
		at = t->nodes[at].next;
	return at;
}

static u32 below(struct qn_flame_tree *t, u32 node,
		 const struct qn_symbols_frame *frame)
{
	u32 at = find_below(t, node, frame);

	if (at)
		return at;
	at = node_add(t, frame);
	t->nodes[at].next = t->nodes[node].first;
	t->nodes[node].first = at;
	return at;
}

static void add_site(struct qn_flame_tree *t, const struct qn_flame *f,
		     const struct qn_flame_site *site, u64 value,
		     bool is_inverted)
{
	const struct qn_symbols_frame *frames[QN_PEOPLE_FRAMES];
	struct qn_people people;
	u32 nr = qn_flame_frames(f, site->site, &people, frames), node = 0;

	t->nodes[0].value += value;
	for (u32 i = 0; i < nr; i++) {
		node = below(t, node, frames[is_inverted ? i : nr - 1 - i]);
		t->nodes[node].value += value;
	}
}

static void sort_list(struct qn_flame_tree *t, u32 node)
{
	u32 sorted = 0, at = t->nodes[node].first;

	while (at) {
		u32 next = t->nodes[at].next, *to = &sorted;

		while (*to && t->nodes[*to].value >= t->nodes[at].value)
			to = &t->nodes[*to].next;
		t->nodes[at].next = *to;
		*to = at;
		at = next;
	}
	t->nodes[node].first = sorted;
}

void qn_flame_tree_make(struct qn_flame_tree *t, const struct qn_flame *f,
			enum qn_flame_of of, bool is_inverted)
{
	const struct qn_symbols_frame root = { .function = "all",
					       .module = "" };

	*t = (struct qn_flame_tree){ NULL, 0 };
	node_add(t, &root);
	for (u32 i = 0; i < f->nr; i++)
		if (f->sites[i].value[of])
			add_site(t, f, &f->sites[i], f->sites[i].value[of],
				 is_inverted);
	for (u32 i = 0; i < t->nr; i++)
		sort_list(t, i);
}

void qn_flame_tree_exit(struct qn_flame_tree *t)
{
	free(t->nodes);
}
