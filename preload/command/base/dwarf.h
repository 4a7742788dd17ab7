/* SPDX-License-Identifier: MIT */
/*
 * dwarf.h - source lines and inlined functions, by elfutils' libdw.
 *
 * Below symbols.c, which has the names of all other functions. Debug information lies in
 * the file itself or where the system keeps it apart (/usr/lib/debug). Without libdw, and
 * of files without it, nothing is known.
 */
#ifndef QN_DWARF_H
#define QN_DWARF_H

#include "base/compiler.h"

struct qn_dwarf;

/**
 * struct qn_dwarf_frame - one function at an address
 * @function:	as the linker knows it, or else as the source has it; NULL: not known
 * @file:	of the source, or NULL
 * @line:	there
 *
 * Texts stay until the file is closed.
 */
struct qn_dwarf_frame {
	const char *function;
	const char *file;
	u32 line;
};

/* Return: NULL if there is none; for a file of that name */
struct qn_dwarf *qn_dwarf_open(const char *path);
void qn_dwarf_close(struct qn_dwarf *d);

/**
 * qn_dwarf_find() - what is at an address
 * @d:		or NULL
 * @at:		as the linker laid it out
 * @frames:	filled in: inlined functions, the innermost first, then the one that they
 *		are in
 *
 * Return: how many, at most @most; 0: nothing is known.
 */
u32 qn_dwarf_find(struct qn_dwarf *d, u64 at, struct qn_dwarf_frame *frames,
		  u32 most);

#endif /* QN_DWARF_H */
