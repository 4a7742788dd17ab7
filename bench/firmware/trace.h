/* SPDX-License-Identifier: MIT */
/*
 * trace.h - a trace in the target's memory.
 *
 * Read from a file (lib/format/trace.h) by semihosting and decoded once, so that
 * replay.c may trust it, and decoding is no part of what is measured.
 */
#ifndef TRACE_H
#define TRACE_H

#include "image.h"

enum op_kind {
	OP_ALLOC,
	OP_FREE,
	OP_REALLOC,
};

/* Blocks that may be live at once; slots are 0 .. OPS_SLOTS - 1 */
#define OPS_SLOTS 65535

/* What every block is aligned to, in bytes, whatever the operation says */
#define OPS_ALIGN 8

/**
 * struct op - one operation
 * @kind:	enum op_kind
 * @align_log2:	the block's address is to be a multiple of 1 << this, and of
 *		OPS_ALIGN
 * @slot:	where the block is kept: empty before OP_ALLOC and after OP_FREE
 * @size:	bytes asked for; 0 in OP_FREE
 */
struct op {
	u8 kind;
	u8 align_log2;
	u16 slot;
	u32 size;
};

/**
 * struct trace - operations in memory, and what they ask for
 * @ops:	in order
 * @nr:		how many
 * @nr_slots:	slots that they use
 * @peak:	most bytes live at once, as asked for
 * @peak_nr:	blocks live then
 * @rounded:	most bytes live at once, each block rounded to OPS_ALIGN
 */
struct trace {
	struct op *ops;
	u32 nr;
	u32 nr_slots;
	u32 peak;
	u32 peak_nr;
	u32 rounded;
};

/**
 * trace_load() - read a trace
 * @t:		filled in
 * @image:	where it is kept
 * @path:	of the file, on the machine that answers semihosting
 *
 * The file is one that the command quern or mktrace wrote: one process, objects by
 * number, nothing packed. What is not of the heap is left out.
 *
 * Return: false, with a message, if the file cannot be read or is no such trace.
 */
bool trace_load(struct trace *t, struct image *image, const char *path);

#endif /* TRACE_H */
