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

#include "fail.h"

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

u32 qn_sites_module(struct qn_sites *s, const char *name, size_t size)
{
	for (u32 i = 0; i < s->nr_modules; i++)
		if (!strncmp(s->modules[i], name, size) && !s->modules[i][size])
			return i + 1;
	if (s->nr_modules == QN_MODULES_MOST)
		return 0;
	if (!(s->nr_modules & (s->nr_modules - 1)))
		s->modules = qn_xrealloc(s->modules,
					 (2 * (size_t)s->nr_modules + 1) *
						 sizeof(*s->modules));
	s->modules[s->nr_modules++] = qn_xprintf("%.*s", (int)size, name);
	return s->nr_modules;
}

static void make_room(struct qn_sites *s, u32 site)
{
	u32 nr = s->nr;

	if (site < nr)
		return;
	s->nr = 2 * site + 64;
	s->sites = qn_xrealloc(s->sites, s->nr * sizeof(*s->sites));
	memset(s->sites + nr, 0, (s->nr - nr) * sizeof(*s->sites));
}

bool qn_sites_set(struct qn_sites *s, u64 site,
		  const struct qn_trace_frame *frames, u32 nr)
{
	if (!site || site >= QN_SITES_MOST ||
	    s->nr_frames > UINT32_MAX / 4 - nr)
		return false;
	make_room(s, (u32)site);
	for (u32 i = 0; i < nr; i++) {
		u32 at = s->nr_frames++;

		if (!(at & (at - 1)))
			s->frames =
				qn_xrealloc(s->frames, (2 * (size_t)at + 1) *
							       sizeof(*frames));
		s->frames[at] = frames[i];
	}
	s->sites[site] = (struct qn_site_range){ s->nr_frames - nr, nr };
	return true;
}

static void add_module(struct qn_sites *s, struct block *b,
		       const struct qn_trace_item *item)
{
	if (!(b->nr_modules & (b->nr_modules - 1)))
		b->modules = qn_xrealloc(b->modules,
					 (2 * (size_t)b->nr_modules + 1) *
						 sizeof(*b->modules));
	b->modules[b->nr_modules++] = qn_sites_module(
		s, item->name,
		strnlen(item->name, min(item->size, QN_MODULE_NAME)));
}

/* Return: false if the site refers to what is not there */
static bool add_site(struct qn_sites *s, struct block *b,
		     struct qn_trace_item *item)
{
	for (u32 i = 0; i < item->nr; i++) {
		struct qn_trace_frame *f = &item->frames[i];

		if (f->module > b->nr_modules)
			return false;
		if (f->module)
			f->module = b->modules[f->module - 1];
	}
	return qn_sites_set(s, b->site++, item->frames, item->nr);
}

static void load_block(struct qn_sites *s, const struct qn_tracefile *t,
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

void qn_sites_load(struct qn_sites *s, const struct qn_tracefile *t,
		   u32 process)
{
	*s = (struct qn_sites){ 0 };
	for (u32 i = 0; i < t->nr; i++)
		if (t->blocks[i].head.process == process &&
		    t->blocks[i].head.kind == QN_TRACE_SITES)
			load_block(s, t, &t->blocks[i]);
}

void qn_sites_exit(struct qn_sites *s)
{
	for (u32 i = 0; i < s->nr_modules; i++)
		free(s->modules[i]);
	free(s->modules);
	free(s->frames);
	free(s->sites);
}

const struct qn_trace_frame *qn_sites_frames(const struct qn_sites *s, u32 site,
					     u32 *nr)
{
	*nr = site < s->nr ? s->sites[site].nr : 0;
	return *nr ? &s->frames[s->sites[site].first] : NULL;
}

const char *qn_sites_name(const struct qn_sites *s,
			  const struct qn_trace_frame *f)
{
	return f->module ? s->modules[f->module - 1] : NULL;
}
