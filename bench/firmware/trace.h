/* SPDX-License-Identifier: MIT */
/*
 * trace.h - a trace in the target's memory.
 *
 * Read from a file by semihosting and gone through once, so that replay.c may
 * trust it.
 */
#ifndef TRACE_H
#define TRACE_H

#include "image.h"
#include "ops.h"

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
 * Return: false, with a message, if the file cannot be read or is no trace.
 */
bool trace_load(struct trace *t, struct image *image, const char *path);

#endif /* TRACE_H */
