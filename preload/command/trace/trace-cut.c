// SPDX-License-Identifier: MIT
/*
 * trace-cut.c - the threshold is found by halving: what stays at a lower one is a
 * part of what stays at a higher one, so the peak only grows with it.
 */
#include "trace-cut.h"

#include <stdlib.h>

#include "command/base/fail.h"
#include "command/base/interrupt.h"
#include "trace-write.h"

/* What a block of the device is rounded to */
#define STEP 8

#define HASH_BITS 32

static u64 hash(u64 id)
{
	return id * 0x9e3779b97f4a7c15ull >> (64 - HASH_BITS);
}

bool qn_cut_keeps(const struct qn_cut *c, const struct qn_op *op)
{
	return qn_op_is_heap(op) && hash(op->id) < c->threshold &&
	       c->sizes[op->id] <= c->largest;
}

static u64 rounded(u64 size)
{
	return round_up(max(size, (u64)1), (u64)STEP);
}

/* Largest size of each object, and the peak */
static void look_at_all(struct qn_cut *c, const struct qn_tracefile *t)
{
	u64 live = 0, room = 0;
	struct qn_reader r;
	struct qn_op op;

	qn_reader_init(&r, t, c->process);
	while (!qn_interrupted() && qn_reader_next_told(&r, &op)) {
		if (!qn_op_is_heap(&op))
			continue;
		QN_REACH(c->sizes, &room, op.id);
		if (qn_op_allocs(&op))
			c->sizes[op.id] = 0;
		c->sizes[op.id] = max(c->sizes[op.id], op.size);
		live += op.size - op.old_size;
		c->peak_before = max(c->peak_before, live);
	}
	c->nr_objects = r.objects.nr_ids;
	qn_reader_exit(&r);
}

/* What would be live at peak, each block rounded; counts what stays */
static u64 try(struct qn_cut *c, const struct qn_tracefile *t)
{
	u64 live = 0, peak = 0, exact = 0;
	struct qn_reader r;
	struct qn_op op;

	c->nr_calls = 0;
	c->nr_kept = 0;
	c->peak = 0;
	qn_reader_init(&r, t, c->process);
	while (!qn_interrupted() && qn_reader_next_told(&r, &op)) {
		if (!qn_cut_keeps(c, &op))
			continue;
		if (c->most && c->nr_calls == c->most)
			break;
		c->nr_calls++;
		c->nr_kept += qn_op_allocs(&op);
		if (!qn_op_allocs(&op))
			live -= rounded(op.old_size);
		if (op.op != QN_TRACE_FREE)
			live += rounded(op.size);
		exact += op.size - op.old_size;
		c->peak = max(c->peak, exact);
		peak = max(peak, live);
	}
	qn_reader_exit(&r);
	return peak;
}

void qn_cut_find(struct qn_cut *c, const struct qn_tracefile *t, u32 process,
		 u64 heap, u64 most)
{
	u64 low = 0, high = 1ull << HASH_BITS;

	*c = (struct qn_cut){ .process = process,
			      .most = most,
			      .largest = UINT64_MAX,
			      .threshold = high };
	look_at_all(c, t);
	if (try(c, t) <= heap)
		return;
	/* One that takes so much of it leaves no program around it */
	c->largest = heap / 8;
	if (try(c, t) <= heap)
		return;
	/* 2^-16 of all objects is as near as it gets */
	while (high - low > (1ull << (HASH_BITS - 16))) {
		c->threshold = (low + high) / 2;
		if (try(c, t) <= heap)
			low = c->threshold;
		else
			high = c->threshold;
	}
	c->threshold = low;
	try(c, t);
}

int qn_cut_write(struct qn_cut *c, const struct qn_tracefile *t,
		 const char *path, u32 features)
{
	struct qn_process_info info;
	struct qn_stacks sites;
	struct qn_writer w;
	struct qn_reader r;
	struct qn_op op;
	u64 nr = 0;
	int err = qn_writer_open(&w, path, features);

	if (err)
		return err;
	qn_tracefile_process(t, c->process, &info);
	/* Of a part of it the arguments tell nothing */
	info.parent = 0;
	info.args_size = 0;
	qn_writer_process(&w, 0, &info);
	qn_trace_stacks(&sites, t, c->process);
	qn_writer_sites(&w, &sites);
	qn_reader_init(&r, t, c->process);
	while (nr < c->nr_calls && !qn_interrupted() &&
	       qn_reader_next_told(&r, &op)) {
		if (!qn_cut_keeps(c, &op))
			continue;
		qn_writer_put(&w, &op);
		nr++;
	}
	qn_reader_exit(&r);
	err = qn_writer_close(&w, path);
	qn_stacks_exit(&sites);
	return err;
}

void qn_cut_exit(struct qn_cut *c)
{
	free(c->sizes);
}
