// SPDX-License-Identifier: MIT
/*
 * sitelist.c - sites that are already there are found by their frames, one after the
 * other: there are a thousand at most in a program.
 */
#define _GNU_SOURCE 1
#include "sitelist.h"

#include <stdlib.h>
#include <string.h>

#include "command/base/fail.h"

bool qn_sitelist_check(struct qn_sites_page *page, size_t size)
{
	if (size < sizeof(*page) || page->magic != QN_SITES_MAGIC ||
	    page->version != QN_SITES_VERSION || page->size != sizeof(*page) ||
	    page->nr_modules > QN_SITES_MODULES)
		return false;
	for (u32 i = 0; i < page->nr_modules; i++) {
		struct qn_sites_module *m = &page->modules[i];

		m->name[sizeof(m->name) - 1] = '\0';
	}
	return true;
}

/* The frames of a site as those of @list; false: it makes no sense */
static bool convert(struct qn_sitelist *list, const struct qn_sites_page *page,
		    const struct qn_site *site, struct qn_trace_frame *frames)
{
	if (!site->hash || !site->nr_frames || site->nr_frames > QN_SITES_DEPTH)
		return false;
	for (u32 i = 0; i < site->nr_frames; i++) {
		u32 module = (u32)(site->frames[i] >> QN_SITES_SHIFT);
		const char *name;

		frames[i].module = 0;
		frames[i].offset = site->frames[i] &
				   (((u64)1 << QN_SITES_SHIFT) - 1);
		if (!module)
			continue;
		if (module > page->nr_modules)
			return false;
		name = page->modules[module - 1].name;
		frames[i].module =
			qn_stacks_module(&list->stacks, name, strlen(name));
	}
	return true;
}

static bool is_same(const struct qn_trace_frame *a,
		    const struct qn_trace_frame *b, u32 nr)
{
	for (u32 i = 0; i < nr; i++)
		if (a[i].module != b[i].module || a[i].offset != b[i].offset)
			return false;
	return true;
}

/* Return: NULL if there are too many */
static struct qn_sitelist_sum *
sum_of(struct qn_sitelist *list, const struct qn_trace_frame *frames, u32 nr)
{
	for (u32 i = 0; i < list->nr; i++) {
		u32 has;
		const struct qn_trace_frame *f = qn_stacks_frames(
			&list->stacks, list->sums[i].site, &has);

		if (has == nr && is_same(f, frames, nr))
			return &list->sums[i];
	}
	if (!qn_stacks_set(&list->stacks, list->nr + 1, frames, nr))
		return NULL;
	QN_GROW(list->sums, list->nr);
	list->sums[list->nr] = (struct qn_sitelist_sum){ .site = list->nr + 1 };
	return &list->sums[list->nr++];
}

void qn_sitelist_add(struct qn_sitelist *list, const struct qn_sites_page *page)
{
	struct qn_trace_frame frames[QN_SITES_DEPTH];

	list->is_kept = true;
	list->full_bytes += page->full_bytes;
	list->full_nr += page->full_nr;
	list->unknown_bytes += page->unknown_bytes;
	list->unknown_nr += page->unknown_nr;
	list->unfollowed += page->unfollowed;
	for (u32 i = 0; i < QN_SITES_NR; i++) {
		const struct qn_site *site = &page->sites[i];
		struct qn_sitelist_sum *sum;

		if (!convert(list, page, site, frames))
			continue;
		sum = sum_of(list, frames, (u32)site->nr_frames);
		if (!sum)
			continue;
		sum->bytes += site->bytes;
		sum->live += site->live;
		sum->brief += site->brief;
		sum->nr += site->nr;
		sum->nr_live += site->nr_live;
	}
}

void qn_sitelist_exit(struct qn_sitelist *list)
{
	qn_stacks_exit(&list->stacks);
	free(list->sums);
	*list = (struct qn_sitelist){ 0 };
}

u64 qn_sitelist_get(const struct qn_sitelist_sum *sum, enum qn_sitelist_by by)
{
	return by == QN_SITES_BY_LIVE  ? sum->live :
	       by == QN_SITES_BY_BRIEF ? sum->brief :
					 sum->bytes;
}

/* Which comes first: the larger, of two equal ones that which was found first */
static bool is_before(const struct qn_sitelist_sum *a,
		      const struct qn_sitelist_sum *b, enum qn_sitelist_by by)
{
	u64 p = qn_sitelist_get(a, by), q = qn_sitelist_get(b, by);

	return p != q ? p > q : a->site < b->site;
}

const struct qn_sitelist_sum *
qn_sitelist_next(const struct qn_sitelist *list,
		 const struct qn_sitelist_sum *last, enum qn_sitelist_by by)
{
	const struct qn_sitelist_sum *best = NULL;

	for (u32 i = 0; i < list->nr; i++) {
		const struct qn_sitelist_sum *sum = &list->sums[i];

		if ((last && !is_before(last, sum, by)) ||
		    !qn_sitelist_get(sum, by))
			continue;
		if (!best || is_before(sum, best, by))
			best = sum;
	}
	return best;
}
