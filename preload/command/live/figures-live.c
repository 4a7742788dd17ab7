// SPDX-License-Identifier: MIT
/*
 * figures-live.c - a page of a process that runs, as figures; see figures-live.h.
 */
#include <stdio.h>
#include <string.h>
#include "clock.h"
#include "learn/controller.h"
#include "learn/presets.h"
#include "command/base/proc.h"
#include "command/report/history.h"
#include "figures-live.h"

/* ---- numbers ---- */

static u64 sum_allocs(const struct qn_stats_page *page)
{
	u64 nr = page->nr_large;

	for (unsigned int c = 1; c < QN_STATS_CLASSES; c++)
		nr += page->classes[c].nr_allocs;
	return nr;
}

void qn_live_figures(struct qn_live_figures *f,
		     const struct qn_stats_page *page, bool is_here)
{
	struct qn_moment m = qn_moment_of(page, qn_clock_usec());
	struct qn_proc_stat s;

	memset(f, 0, sizeof(*f));
	f->usec = m.usec;
	f->live = m.live;
	f->pinned = m.pinned;
	f->kept = m.kept;
	f->resident = f->live + f->pinned + f->kept + page->metadata;
	f->allocs = sum_allocs(page);
	if (is_here && qn_proc_stat((pid_t)page->pid, &s)) {
		f->faults = s.faults;
		f->process = s.resident;
	}
}

u64 qn_live_rate(u64 now, u64 before, u64 usec)
{
	if (now <= before || !usec)
		return 0;
	return (u64)((double)(now - before) * 1e6 / (double)usec + 0.5);
}

struct qn_text qn_live_price(const struct qn_stats_page *page)
{
	struct qn_text t;

	snprintf(t.s, sizeof(t.s), "%.6g", (double)page->knobs.price / 1000);
	return t;
}

/* ---- decisions ---- */

static const char *preset_name(unsigned int preset)
{
	return preset < QN_NR_PRESETS ? qn_preset_names[preset] : "?";
}

u32 qn_live_nr_decisions(const struct qn_stats_page *page)
{
	return (u32)min(page->nr_changes, (u64)QN_STATS_CHANGES);
}

struct qn_live_line qn_live_decision(const struct qn_stats_page *page, u32 i)
{
	u64 nr = page->nr_changes - qn_live_nr_decisions(page) + i;
	const struct qn_stats_change *c = &page->changes[nr % QN_STATS_CHANGES];
	struct qn_text at = qn_text_time(c->usec), gain = qn_text_size(c->gain);
	struct qn_live_line line;

	switch (c->action) {
	case QN_ACTION_PROMOTE:
		snprintf(line.s, sizeof(line.s),
			 "after %s: %u B got a class of its own, to save %s",
			 at.s, c->size, gain.s);
		break;
	case QN_ACTION_DEMOTE:
		snprintf(line.s, sizeof(line.s),
			 "after %s: %u B lost its class", at.s, c->size);
		break;
	case QN_ACTION_KNOBS:
		snprintf(line.s, sizeof(line.s), "after %s: other knobs", at.s);
		break;
	default:
		snprintf(line.s, sizeof(line.s), "after %s: unknown", at.s);
	}
	return line;
}

u32 qn_live_nr_choices(const struct qn_stats_page *page)
{
	return min(page->decisions.nr, (u32)QN_STATS_DECISIONS);
}

struct qn_live_line qn_live_choice(const struct qn_stats_page *page, u32 i)
{
	u32 nr = page->decisions.nr - qn_live_nr_choices(page) + i;
	const struct qn_stats_decision *d =
		&page->decisions.last[nr % QN_STATS_DECISIONS];
	struct qn_live_line line;

	snprintf(line.s, sizeof(line.s),
		 "after %s: chose %s, in force %s%s; it would have saved "
		 "%.1f %% of the recent peak's cost",
		 qn_text_time(d->usec).s, preset_name(d->action),
		 preset_name(d->preset), d->phase ? "" : " (in the shadow)",
		 d->gain * 100.0 / 1024);
	return line;
}
