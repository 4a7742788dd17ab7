// SPDX-License-Identifier: MIT
/*
 * scale-ops.c - makes the trace of a real program one for a small device.
 *
 *	scale-ops BYTES OPERATIONS <PROGRAM.ops >DEVICE.ops
 *
 * Keeps the first OPERATIONS and makes every size smaller by one factor, such
 * that BYTES are live at peak.
 */
#include <stdlib.h>
#include <string.h>

#include "writer.h"

/**
 * struct scale - a factor for sizes
 * @peak:	bytes live at peak before
 * @bytes:	and after; not more than @peak
 */
struct scale {
	u64 peak;
	u64 bytes;
};

static bool read_op(struct op *op)
{
	u8 b[sizeof(*op)];

	if (fread(b, sizeof(b), 1, stdin) != 1)
		return false;
	*op = (struct op){
		.kind = b[0],
		.align_log2 = b[1],
		.slot = (u16)(b[2] | b[3] << 8),
		.size = b[4] | (u32)b[5] << 8 | (u32)b[6] << 16 |
			(u32)b[7] << 24,
	};
	return true;
}

static u32 read_ops(struct op *ops, u32 max_nr)
{
	u32 nr = 0;

	while (nr < max_nr && read_op(&ops[nr]))
		nr++;
	return nr;
}

static u64 find_peak(const struct op *ops, u32 nr)
{
	static u32 sizes[OPS_SLOTS];
	u64 live = 0, peak = 0;

	for (u32 i = 0; i < nr; i++) {
		live += (u64)ops[i].size - sizes[ops[i].slot];
		sizes[ops[i].slot] = ops[i].size;
		peak = live > peak ? live : peak;
	}
	return peak;
}

static u32 scaled(const struct scale *scale, u32 size)
{
	u64 v = (size * scale->bytes + scale->peak / 2) / scale->peak;

	return v ? (u32)v : 1;
}

static void write_ops(struct writer *w, const struct op *op, u32 nr,
		      const struct scale *scale)
{
	static u16 slots[OPS_SLOTS];

	for (; nr > 0; nr--, op++) {
		if (op->kind == OP_ALLOC)
			slots[op->slot] =
				writer_alloc(w, scaled(scale, op->size));
		else if (op->kind == OP_FREE)
			writer_free(w, slots[op->slot]);
		else
			writer_resize(w, slots[op->slot],
				      scaled(scale, op->size));
	}
}

int main(int argc, char **argv)
{
	static struct writer w;
	struct scale scale = { 0 };
	struct op *ops;
	u32 nr;

	if (argc != 3 || atoi(argv[1]) < 1 || atoi(argv[2]) < 1) {
		fprintf(stderr, "usage: scale-ops BYTES OPERATIONS <FILE.ops "
				">FILE.ops\n");
		return 2;
	}
	nr = (u32)atoi(argv[2]);
	ops = calloc(nr, sizeof(*ops));
	if (!ops) {
		perror("scale-ops");
		return 1;
	}
	nr = read_ops(ops, nr);
	scale.peak = find_peak(ops, nr);
	scale.bytes = min(scale.peak, (u64)atoi(argv[1]));
	writer_init(&w, stdout, nr, 0);
	if (scale.peak)
		write_ops(&w, ops, nr, &scale);
	free(ops);
	if (!nr || !writer_exit(&w)) {
		fprintf(stderr, "scale-ops: no trace read, or none written\n");
		return 1;
	}
	return 0;
}
