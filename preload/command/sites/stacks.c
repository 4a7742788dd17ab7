// SPDX-License-Identifier: MIT
/*
 * stacks.c - modules in a table of strings, sites in an array, the frames of all sites in
 * one.
 */
#define _GNU_SOURCE 1
#include "stacks.h"

#include <stdlib.h>
#include <string.h>

#include "command/base/fail.h"

/* All names have room at once, so that they stay where they are; most is never touched */
#define NAMES_BYTES (QN_MODULES_MOST * (QN_MODULE_NAME + 32))

u32 qn_stacks_module(struct qn_stacks *s, const char *name, size_t size)
{
	long nr;

	if (!s->memory) {
		s->memory = qn_xrealloc(NULL, NAMES_BYTES);
		qn_strtab_init(&s->modules, s->memory, NAMES_BYTES,
			       QN_MODULES_MOST);
	}
	nr = qn_strtab_put(&s->modules, name,
			   strnlen(name, min(size, QN_MODULE_NAME)));
	return nr < 0 || nr >= (long)QN_MODULES_MOST ? 0 : (u32)nr + 1;
}

static void make_room(struct qn_stacks *s, u32 site)
{
	u32 nr = s->nr;

	if (site < nr)
		return;
	s->nr = 2 * site + 64;
	s->sites = qn_xrealloc(s->sites, s->nr * sizeof(*s->sites));
	memset(s->sites + nr, 0, (s->nr - nr) * sizeof(*s->sites));
}

bool qn_stacks_set(struct qn_stacks *s, u64 site,
		   const struct qn_trace_frame *frames, u32 nr)
{
	if (!site || site >= QN_STACKS_MOST ||
	    s->nr_frames > UINT32_MAX / 4 - nr)
		return false;
	make_room(s, (u32)site);
	for (u32 i = 0; i < nr; i++) {
		QN_GROW(s->frames, s->nr_frames);
		s->frames[s->nr_frames++] = frames[i];
	}
	s->sites[site] = (struct qn_site_range){ s->nr_frames - nr, nr };
	return true;
}

void qn_stacks_exit(struct qn_stacks *s)
{
	free(s->memory);
	free(s->frames);
	free(s->sites);
}

const struct qn_trace_frame *qn_stacks_frames(const struct qn_stacks *s,
					      u32 site, u32 *nr)
{
	*nr = site < s->nr ? s->sites[site].nr : 0;
	return *nr ? &s->frames[s->sites[site].first] : NULL;
}

const char *qn_stacks_name(const struct qn_stacks *s,
			   const struct qn_trace_frame *f)
{
	return f->module ? qn_strtab_get(&s->modules, f->module - 1) : NULL;
}
