// SPDX-License-Identifier: MIT
/*
 * replay.c - the operations in order, through a heap made over filled memory.
 *
 * Every block gets a tag at both ends, looked at again when it is resized or
 * freed: a heap that hands memory out twice, or moves a block badly, is found
 * out.
 */
#include <string.h>

#include "gaps.h"
#include "print.h"
#include "replay.h"
#include "trace.h"

/* A block below this has no tag */
#define TAGGED 8

/* The block's first word, and its last byte */
static void set_tag(const struct slot *s, u32 tag)
{
	if (s->size < TAGGED)
		return;
	*(u32 *)(void *)s->p = tag;
	s->p[s->size - 1] = (u8)tag;
}

static bool has_tag(const struct slot *s, u32 tag)
{
	if (s->size < TAGGED)
		return true;
	return *(u32 *)(void *)s->p == tag && s->p[s->size - 1] == (u8)tag;
}

/* What a resized block keeps, and what is expected of any block */
static const char *fault_of(const struct replay *r, const struct slot *s,
			    u32 align)
{
	if (!is_aligned((uintptr_t)s->p, align))
		return "a block is not aligned";
	if (s->p < r->arena || s->p + s->size > r->arena + r->size)
		return "a block lies outside the heap";
	return NULL;
}

static u32 align_of(const struct op *op)
{
	return max(1u << op->align_log2, (u32)OPS_ALIGN);
}

static void count(struct replay *r, enum gauge_kind kind)
{
	if (r->is_measured)
		costs_add(&r->costs[kind], r->gauge.cost);
}

static void *alloc(struct replay *r, u32 align, u32 size)
{
	const struct subject *s = &subject;
	void *p;

	if (align > OPS_ALIGN && !r->is_measured)
		return s->alloc_aligned(r->gauge.heap, align, size);
	if (!r->is_measured)
		return s->alloc(r->gauge.heap, size);
	if (align > OPS_ALIGN)
		p = gauge_aligned(&r->gauge, align, size);
	else
		p = gauge_alloc(&r->gauge, size);
	count(r, align > OPS_ALIGN ? GAUGE_ALIGNED : GAUGE_ALLOC);
	return p;
}

static bool do_alloc(struct replay *r, const struct op *op)
{
	struct slot *s = &r->slots[op->slot];

	s->p = alloc(r, align_of(op), op->size);
	s->size = op->size;
	if (!s->p)
		return false;
	r->error = fault_of(r, s, align_of(op));
	if (!r->error)
		set_tag(s, op->slot);
	return !r->error;
}

static bool do_free(struct replay *r, const struct op *op)
{
	struct slot *s = &r->slots[op->slot];

	if (!has_tag(s, op->slot))
		r->error = "a block has changed";
	if (!r->is_measured)
		subject.free(r->gauge.heap, s->p);
	else
		gauge_free(&r->gauge, s->p);
	count(r, GAUGE_FREE);
	s->p = NULL;
	return !r->error;
}

static bool do_realloc(struct replay *r, const struct op *op)
{
	struct slot *s = &r->slots[op->slot];
	u32 old = s->size;
	void *p;

	if (!has_tag(s, op->slot))
		r->error = "a block has changed";
	if (!r->is_measured)
		p = subject.resize(r->gauge.heap, s->p, op->size);
	else
		p = gauge_resize(&r->gauge, s->p, op->size);
	count(r, GAUGE_RESIZE);
	if (!p)
		return false;
	s->p = p;
	s->size = op->size;
	if (min(old, s->size) >= TAGGED && *(u32 *)p != op->slot)
		r->error = "a resized block has changed";
	if (!r->error)
		r->error = fault_of(r, s, align_of(op));
	if (!r->error)
		set_tag(s, op->slot);
	return !r->error;
}

static bool do_op(struct replay *r, const struct op *op)
{
	switch (op->kind) {
	case OP_ALLOC:
		return do_alloc(r, op);
	case OP_FREE:
		return do_free(r, op);
	default:
		return do_realloc(r, op);
	}
}

static void step(struct replay *r)
{
	if (r->is_measured)
		gauge_step(&r->gauge);
	else
		subject.step(r->gauge.heap);
	count(r, GAUGE_STEP);
}

static u32 factor(u32 free, u32 largest)
{
	return free ? (u32)((u64)(free - largest) * 10000 / free) : 0;
}

static void look(struct replay *r)
{
	struct subject_view view;
	struct gaps gaps;

	if (subject.look) {
		subject.look(r->gauge.heap, &view);
		r->factors += factor(view.free, view.largest);
	}
	gaps_find(&gaps, r);
	r->gaps += factor(gaps.sum, gaps.largest);
	r->nr_looks++;
}

static bool make_heap(struct replay *r, u32 size)
{
	/* The second piece lies behind the first */
	r->size = size + (u32)r->setup.zone_size;
	r->setup.zone = r->arena + size;
	r->error = NULL;
	memset(r->slots, 0, r->trace.nr_slots * sizeof(*r->slots));
	memset(r->arena, FIRST_FILL, r->size);
	image_restore(&r->image);
	r->gauge.heap = subject.init(r->arena, size, &r->setup);
	return r->gauge.heap;
}

bool replay_run(struct replay *r, u32 size)
{
	const struct op *op = r->trace.ops;

	if (!make_heap(r, size))
		return false;
	for (u32 i = 1; i <= r->trace.nr; i++, op++) {
		if (!do_op(r, op))
			return false;
		if (r->step_every && i % r->step_every == 0)
			step(r);
		if (r->is_measured && i % LOOK_EVERY == 0)
			look(r);
	}
	if (subject.check)
		r->error = subject.check(r->gauge.heap);
	return !r->error;
}

bool replay_init(struct replay *r, struct image *image)
{
	*r = (struct replay){ 0 };
	if (!gauge_init(&r->gauge)) {
		print_error("no counter of instructions here: run it by "
			    "run-qemu.sh -m mps2\n");
		return false;
	}
	r->costs = image_get(image, NR_GAUGE_KINDS * sizeof(*r->costs));
	image_save(image);
	r->image = *image;
	return true;
}

bool replay_load(struct replay *r, const char *path)
{
	struct image left = r->image;

	if (!trace_load(&r->trace, &left, path))
		return false;
	r->slots = image_get(&left, r->trace.nr_slots * sizeof(*r->slots));
	r->scratch = image_get(&left, r->trace.nr_slots * sizeof(*r->scratch));
	r->arena_size = image_left(&left);
	r->arena = image_get(&left, r->arena_size);
	return true;
}

u32 replay_factor(const struct replay *r)
{
	return r->nr_looks ? (u32)(r->factors / r->nr_looks) : 0;
}

u32 replay_gaps(const struct replay *r)
{
	return r->nr_looks ? (u32)(r->gaps / r->nr_looks) : 0;
}
