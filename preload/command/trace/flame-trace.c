// SPDX-License-Identifier: MIT
/*
 * flame-trace.c - the flame of a process of a trace: what each call site asked for, what
 * it had in use at the peak and at the end.
 */
#define _GNU_SOURCE 1
#include "flame-trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "command/base/fail.h"
#include "command/base/progress.h"
#include "command/base/text.h"
#include "trace-read.h"
#include "trace-sites.h"
#include "trace-top.h"

/* Moments that are kept of a trace */
#define NR_MOMENTS 64u

/**
 * struct walk - one reading of all events
 * @live, @peak, @peak_at: bytes in use, the most, and after which event
 * @nr:		events so far
 */
struct walk {
	struct qn_top top;
	u64 live, peak, peak_at;
	u64 nr;
	u64 first_ns, ns, peak_ns;
};

static void step(struct walk *w, const struct qn_op *op)
{
	if (!w->nr++)
		w->first_ns = op->ns;
	w->ns = op->ns;
	qn_top_add(&w->top, op);
	if (!qn_op_is_heap(op))
		return;
	w->live += op->size - op->old_size;
	if (w->live > w->peak) {
		w->peak = w->live;
		w->peak_at = w->nr;
		w->peak_ns = op->ns;
	}
}

static void note_moment(struct qn_flame *f, const struct walk *w)
{
	QN_GROW(f->moments, f->nr_moments);
	f->moments[f->nr_moments++] = (struct qn_flame_moment){
		.ms = (w->ns - w->first_ns) / 1000000,
		.bytes = w->live,
	};
}

/* Up to event @most; notes a moment now and then if it is known how many there are */
static void read_events(struct qn_flame_trace *t, u32 process, u64 most,
			u64 nr_events, struct walk *w)
{
	u64 stride = nr_events / NR_MOMENTS + 1;
	struct qn_reader r;
	struct qn_op op;

	memset(w, 0, sizeof(*w));
	qn_top_init(&w->top, &t->file, process);
	qn_reader_init(&r, &t->file, process);
	while (w->nr < most && qn_reader_next(&r, &op)) {
		step(w, &op);
		qn_progress_events(w->nr, t->file.nr_events);
		if (nr_events && w->nr % stride == 0)
			note_moment(&t->flame, w);
	}
	qn_reader_exit(&r);
	qn_progress_clear();
}

static void take_sites(struct qn_flame *f, const struct qn_top *all,
		       const struct qn_top *peak)
{
	for (u32 i = 0; i < all->sites.nr; i++) {
		struct qn_flame_site *site;

		if (!all->sums[i].nr)
			continue;
		site = qn_flame_add(f, i);
		site->value[QN_FLAME_BYTES] = all->sums[i].bytes;
		site->value[QN_FLAME_COUNT] = all->sums[i].nr;
		site->value[QN_FLAME_LEAKED] = all->sums[i].live;
		site->value[QN_FLAME_PEAK] = peak->sums[i].live;
		site->live_nr = all->sums[i].nr_live;
		site->peak_nr = peak->sums[i].nr_live;
	}
}

static void add_up(struct qn_flame_trace *t, u32 process)
{
	struct walk all, peak;

	read_events(t, process, UINT64_MAX, t->file.nr_events, &all);
	read_events(t, process, all.peak_at, 0, &peak);
	if (all.top.sums)
		take_sites(&t->flame, &all.top, &peak.top);
	t->flame.peak_ms = (all.peak_ns - all.first_ns) / 1000000;
	t->flame.end_ms = (all.ns - all.first_ns) / 1000000;
	qn_top_exit(&all.top);
	qn_top_exit(&peak.top);
}

int qn_flame_trace_open(struct qn_flame_trace *t, const char *path,
			u32 *process)
{
	struct qn_process_info info;
	int err = qn_tracefile_open(&t->file, path);
	const char *slash;

	if (err)
		return err;
	err = qn_tracefile_choose(&t->file, path, process);
	if (err) {
		qn_tracefile_close(&t->file);
		return err;
	}
	qn_tracefile_process(&t->file, *process, &info);
	t->program = qn_xprintf("%.*s", (int)info.name_size, info.name ?: "");
	slash = strrchr(t->program, '/');
	qn_trace_stacks(&t->stacks, &t->file, *process);
	qn_symbols_init(&t->symbols, t->program, strlen(t->program));
	t->flame = (struct qn_flame){
		.program = slash ? slash + 1 : t->program,
		.stacks = &t->stacks,
		.symbols = &t->symbols,
		.has_peak = true,
	};
	add_up(t, *process);
	return 0;
}

void qn_flame_trace_close(struct qn_flame_trace *t)
{
	qn_flame_exit(&t->flame);
	qn_symbols_exit(&t->symbols);
	qn_stacks_exit(&t->stacks);
	free(t->program);
	qn_tracefile_close(&t->file);
}
