/* SPDX-License-Identifier: MIT */
/*
 * symbols.h - names of functions for addresses in programs and libraries.
 *
 * Done by the command when the program has ended, from the symbol tables of the ELF
 * files as they are then. A file may be gone, stripped, another one or no ELF at all:
 * then an address stays module+offset.
 */
#ifndef QN_SYMBOLS_H
#define QN_SYMBOLS_H

#include "base/compiler.h"

struct qn_symbols_image;

/**
 * struct qn_symbols - the files that were looked into
 * @program:	file of the module ""
 * @images, @nr: each once, also what could not be read
 */
struct qn_symbols {
	char *program;
	struct qn_symbols_image *images;
	u32 nr;
};

/* @program: a name of @size bytes; copied */
void qn_symbols_init(struct qn_symbols *s, const char *program, size_t size);
void qn_symbols_exit(struct qn_symbols *s);

/**
 * enum qn_symbols_form - how a return address is told
 * @QN_SYMBOLS_LONG: "function+0x12 (file)"
 * @QN_SYMBOLS_SHORT: "function"
 *
 * Either is "file+0x1234" where no symbol is near.
 */
enum qn_symbols_form {
	QN_SYMBOLS_LONG,
	QN_SYMBOLS_SHORT,
};

/**
 * qn_symbols_text() - a return address for people
 * @module:	a file, "" for the program, NULL for none
 * @offset:	into the module as the linker laid it out
 * @to, @room:	terminated, cut short if it does not fit
 */
void qn_symbols_text(struct qn_symbols *s, const char *module, u64 offset,
		     enum qn_symbols_form form, char *to, size_t room);

#endif /* QN_SYMBOLS_H */
