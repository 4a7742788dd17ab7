// SPDX-License-Identifier: MIT
/*
 * advice.c - one conclusion of the figures, where there is one.
 *
 * A rule says nothing below a size that is worth a user's time. The first rule that has
 * something to say is the one that is printed: rules stand in the order of what they save.
 */
#define _GNU_SOURCE 1
#include <inttypes.h>
#include <stdlib.h>
#include "learn/controller.h"
#include "screen.h"
#include "command/base/fail.h"
#include "command/sites/people.h"

/* Less than so many bytes is not worth a word */
#define WORTH ((u64)8 << 20)

static char *advise_outside(const struct qn_screen *s)
{
	u64 resident = qn_report_resident(s);
	u64 heap = qn_use_total(&s->f->at_resident);

	/* Of one that did not end in order the rest may be another program's */
	if (s->f->nr_programs != 1 || !s->f->finished || resident < 2 * WORTH ||
	    heap > resident / 2)
		return NULL;
	return qn_xprintf(
		"most memory is not malloc's: %s of %s lie outside of "
		"the heap, in files and libraries, stacks, or "
		"mappings of the program's own (mmap). No allocator "
		"changes that.",
		SIZE(resident - heap), SIZE(resident));
}

/* A limit that would have kept it all: so many MB, a power of two */
static u64 limit_for(const struct qn_figures *f)
{
	u64 most = min(f->refaults, qn_use_total(&f->at_resident)), limit = 1;

	while (limit < 1 << 20 && limit << 20 < most)
		limit *= 2;
	return limit;
}

static char *advise_price(const struct qn_screen *s)
{
	const struct qn_figures *f = s->f;

	if (f->refaults < WORTH || f->refaults < f->purged / 4)
		return NULL;
	return qn_xprintf(
		"%s of the %s that were given back to the system were "
		"wanted again within 2 s, which took CPU time. "
		"--conf=dirty:%" PRIu64 "M keeps as much for reuse, "
		"price:8 keeps it for longer.",
		SIZE(f->refaults), SIZE(f->purged), limit_for(f));
}

static char *advise_kept(const struct qn_screen *s)
{
	const struct qn_use *peak = &s->f->at_resident;

	if (peak->dirty < WORTH || peak->dirty < qn_use_total(peak) / 4)
		return NULL;
	return qn_xprintf(
		"%s of the heap were free and kept for reuse at its "
		"peak. --conf=dirty:0 returns them at once, and costs "
		"CPU time where they are wanted again.",
		SIZE(peak->dirty));
}

/* A site that has most of what was never freed */
static char *advise_site(const struct qn_screen *s)
{
	const struct qn_sitelist *list = &s->f->sites;
	const struct qn_sitelist_sum *top =
		qn_sitelist_next(list, NULL, QN_SITES_BY_LIVE);
	struct qn_symbols symbols;
	struct qn_people people;
	char *text, *line;
	u64 all = 0;

	for (u32 i = 0; i < list->nr; i++)
		all += list->sums[i].live;
	if (!top || top->live < WORTH || top->live < all / 2)
		return NULL;
	qn_symbols_init(&symbols, "", 0);
	qn_people_find(&people, &symbols, &list->stacks, top->site);
	people.nr_shown = min(people.nr_shown, 3u);
	line = qn_people_text(&people, 180);
	text = qn_xprintf("one call site has %s of what was never freed: %s.",
			  SHARE(top->live, all), line);
	free(line);
	qn_symbols_exit(&symbols);
	return text;
}

/* Sizes of their own that the controller gave, and what it expected of them */
static char *advise_table(const struct qn_screen *s)
{
	const struct qn_figures *f = s->f;
	unsigned int nr = 0;
	u64 gain = 0;

	for (unsigned int i = 0; i < f->nr_events; i++) {
		if (f->events[i].change.action != QN_ACTION_PROMOTE)
			continue;
		gain += f->events[i].change.gain;
		nr++;
	}
	if (gain < WORTH / 8)
		return NULL;
	return qn_xprintf(
		"%u size%s that the program asks for often got block "
		"sizes of their own, which saves about %s of rounding.",
		nr, nr == 1 ? "" : "s", SIZE(gain));
}

void qn_report_advice(struct qn_screen *s)
{
	static char *(*const rules[])(const struct qn_screen *) = {
		advise_outside, advise_price, advise_kept,
		advise_site,    advise_table,
	};
	char *text = NULL;

	for (size_t i = 0; !text && s->f->is_whole && i < ARRAY_SIZE(rules);
	     i++)
		text = rules[i](s);
	if (text)
		qn_wrap(&s->l, "ADVICE      ", text);
	free(text);
}
