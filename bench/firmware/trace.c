// SPDX-License-Identifier: MIT
/*
 * trace.c - reads a trace and goes through it once: are slots used as they
 * should, how much is live at peak.
 */
#include "print.h"
#include "semihost.h"
#include "trace.h"

/* Nothing in a trace for a microcontroller is larger */
#define MAX_SIZE  (1u << 24)
#define MAX_ALIGN 12

/**
 * struct tally - what is live while a trace is gone through
 * @sizes:	by slot, plus 1; 0 for an empty slot
 * @live, @nr:	bytes and blocks
 * @rounded:	bytes, each block rounded to OPS_ALIGN
 */
struct tally {
	u32 *sizes;
	u32 live;
	u32 nr;
	u32 rounded;
};

static void tally_add(struct tally *y, const struct op *op)
{
	y->sizes[op->slot] = op->size + 1;
	y->live += op->size;
	y->rounded += round_up(op->size, OPS_ALIGN);
	y->nr++;
}

static void tally_del(struct tally *y, const struct op *op)
{
	u32 size = y->sizes[op->slot] - 1;

	y->sizes[op->slot] = 0;
	y->live -= size;
	y->rounded -= round_up(size, OPS_ALIGN);
	y->nr--;
}

static bool is_sane(const struct tally *y, const struct op *op)
{
	bool is_used = y->sizes[op->slot];

	return op->kind < NR_OP_KINDS && op->size <= MAX_SIZE &&
	       op->align_log2 <= MAX_ALIGN && is_used == (op->kind != OP_ALLOC);
}

static bool tally_op(struct tally *y, const struct op *op)
{
	if (!is_sane(y, op))
		return false;
	if (op->kind != OP_ALLOC)
		tally_del(y, op);
	if (op->kind != OP_FREE)
		tally_add(y, op);
	return true;
}

/* Return: the number of the first operation that makes no sense, or @t->nr */
static u32 go_through(struct trace *t, struct tally *y)
{
	for (u32 i = 0; i < t->nr; i++) {
		const struct op *op = &t->ops[i];

		if (!tally_op(y, op))
			return i;
		if (y->live > t->peak) {
			t->peak = y->live;
			t->peak_nr = y->nr;
		}
		t->rounded = max(t->rounded, y->rounded);
		t->nr_slots = max(t->nr_slots, op->slot + 1u);
	}
	return t->nr;
}

bool trace_load(struct trace *t, struct image *image, const char *path)
{
	struct image spare;
	struct tally y = { 0 };
	long size = semihost_file_size(path);
	u32 bad;

	*t = (struct trace){ 0 };
	if (size <= 0) {
		print_error("%s: cannot be read, or is empty\n", path);
		return false;
	}
	t->nr = (u32)size / sizeof(*t->ops);
	t->ops = image_get(image, (u32)size);
	spare = *image;
	y.sizes = image_get(&spare, OPS_SLOTS * sizeof(*y.sizes));
	if (!semihost_read_file(path, t->ops, (u32)size)) {
		print_error("%s: cannot be read\n", path);
		return false;
	}
	bad = go_through(t, &y);
	if (bad < t->nr || (u32)size % sizeof(*t->ops)) {
		print_error("%s: is no trace; operation %u makes no sense\n",
			    path, bad);
		return false;
	}
	return true;
}
