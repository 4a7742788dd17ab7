// SPDX-License-Identifier: MIT
/*
 * stacks.c - modules and sites in arrays, the frames of all sites in one.
 */
#define _GNU_SOURCE 1
#include "stacks.h"

#include <stdlib.h>
#include <string.h>

#include "command/base/fail.h"

u32 qn_stacks_module(struct qn_stacks *s, const char *name, size_t size)
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

void qn_stacks_exit(struct qn_stacks *s)
{
	for (u32 i = 0; i < s->nr_modules; i++)
		free(s->modules[i]);
	free(s->modules);
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
	return f->module ? s->modules[f->module - 1] : NULL;
}
