// SPDX-License-Identifier: MIT
/*
 * trace-sites.c - blocks of sites, put together: modules count from 0 in each block,
 * here they have one number each.
 */
#define _GNU_SOURCE 1
#include "trace-sites.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "command/base/fail.h"

/**
 * struct block - one that is being read
 * @modules, @nr_modules: numbers + 1 of its modules in the table
 * @site:	the next one
 */
struct block {
	u32 *modules;
	u32 nr_modules;
	u64 site;
};

static void add_module(struct qn_stacks *s, struct block *b,
		       const struct qn_trace_item *item)
{
	QN_GROW(b->modules, b->nr_modules);
	b->modules[b->nr_modules++] = qn_stacks_module(
		s, item->name,
		strnlen(item->name, min(item->size, QN_MODULE_NAME)));
}

/* Return: false if the site refers to what is not there */
static bool add_site(struct qn_stacks *s, struct block *b,
		     struct qn_trace_item *item)
{
	for (u32 i = 0; i < item->nr; i++) {
		struct qn_trace_frame *f = &item->frames[i];

		if (f->module > b->nr_modules)
			return false;
		if (f->module)
			f->module = b->modules[f->module - 1];
	}
	return qn_stacks_set(s, b->site++, item->frames, item->nr);
}

static void load_block(struct qn_stacks *s, const struct qn_tracefile *t,
		       const struct qn_block *from)
{
	struct block b = { .site = from->head.base };
	struct qn_payload payload;
	struct qn_trace_item item;
	const u8 *at, *end;
	int got = 0;

	if (!qn_payload_get(t, from, &payload))
		return;
	at = payload.at;
	end = at + payload.size;
	while (got >= 0 && (got = qn_trace_get_item(&at, end, &item)) == 1) {
		if (!item.nr)
			add_module(s, &b, &item);
		else if (!add_site(s, &b, &item))
			got = -1;
	}
	if (got < 0)
		qn_error("%s: block at byte %" PRIu64
			 " holds call sites that make no sense; the rest is "
			 "read",
			 t->path, from->at);
	free(b.modules);
	qn_payload_put(&payload);
}

void qn_trace_stacks(struct qn_stacks *s, const struct qn_tracefile *t,
		     u32 process)
{
	*s = (struct qn_stacks){ 0 };
	for (u32 i = 0; i < t->nr; i++)
		if (t->blocks[i].head.process == process &&
		    t->blocks[i].head.kind == QN_TRACE_SITES)
			load_block(s, t, &t->blocks[i]);
}
