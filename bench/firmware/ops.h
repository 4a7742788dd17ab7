/* SPDX-License-Identifier: MIT */
/*
 * ops.h - a trace of a heap's operations, as a file of records.
 *
 * mktrace and record write it on the host, replay.c reads it on the target.
 */
#ifndef OPS_H
#define OPS_H

#include "base/compiler.h"

enum op_kind {
	OP_ALLOC,
	OP_FREE,
	OP_REALLOC,
	NR_OP_KINDS,
};

/* Slots are 0 .. OPS_SLOTS - 1 */
#define OPS_SLOTS 65536

/* What every block is aligned to, in bytes, whatever the operation says */
#define OPS_ALIGN 8

/**
 * struct op - one operation; a trace is nothing but these, little endian
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

_Static_assert(sizeof(struct op) == 8, "the format of the file");

#endif /* OPS_H */
